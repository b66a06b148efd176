//! The JSON Schemas of the domain events, in `events/published`.

use std::collections::BTreeMap;

use app::events;
use domain::scheduling::appointment::Event;

/// The folder of the schemas, from the root of the repository.
pub const FOLDER: &str = "events/published";

/// The schema of each kind of event, as the text of its file, by the name of the file.
///
/// # Errors
/// If a schema cannot be represented as JSON.
pub fn schemas() -> serde_json::Result<BTreeMap<String, String>> {
    let file = |kind: Event| {
        let text = serde_json::to_string_pretty(&events::schema(kind))?;
        Ok((format!("{}.json", kind.name()), format!("{text}\n")))
    };
    Event::ALL.into_iter().map(file).collect()
}
