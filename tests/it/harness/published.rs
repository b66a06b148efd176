//! Published events against the schemas in `events/published`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use app::events::DomainEvent;
use jsonschema::Validator;
use local::Published;

fn validators() -> &'static BTreeMap<String, Validator> {
    static VALIDATORS: OnceLock<BTreeMap<String, Validator>> = OnceLock::new();
    VALIDATORS.get_or_init(|| {
        let schemas = tools::events::schemas().expect("JSON");
        let compile = |(file, text): (String, String)| {
            let schema = serde_json::from_str(&text).expect("JSON");
            let validator = jsonschema::options().should_validate_formats(true).build(&schema);
            let kind = file.strip_suffix(".json").expect("a JSON file").to_owned();
            (kind, validator.expect("a schema"))
        };
        schemas.into_iter().map(compile).collect()
    })
}

/// Panics if an event does not match its schema, or has members that are not in it.
pub fn check(events: &[Published]) {
    for event in events {
        let validator = validators().get(&event.kind).unwrap_or_else(|| panic!("no schema of {event:?}"));
        let errors: Vec<String> =
            validator.iter_errors(&event.detail).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{event:?}");
        let read: DomainEvent = serde_json::from_value(event.detail.clone()).expect("an event");
        assert_eq!(read.document().expect("JSON"), event.detail, "the event has more than its schema");
    }
}

#[test]
fn schemas_in_the_repository_are_those_of_the_code() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(tools::events::FOLDER);
    let files = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path());
    let committed: BTreeMap<String, String> = files
        .map(|path| {
            let name = path.file_name().expect("a name").to_str().expect("text").to_owned();
            (name, std::fs::read_to_string(&path).expect("text"))
        })
        .collect();
    let generated = tools::events::schemas().expect("JSON");
    assert!(committed == generated, "run `cargo run -p tools -- events`");
}

#[test]
fn event_that_differs_from_its_schema_is_found() {
    let event = |detail| Published {
        id: "apt_1:1:appointment.expired".to_owned(),
        kind: "appointment.expired".to_owned(),
        detail,
    };
    let without = event(serde_json::json!({ "event_id": "x", "version": 1 }));
    assert!(std::panic::catch_unwind(|| check(&[without])).is_err());
}
