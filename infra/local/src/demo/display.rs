//! Times and amounts for people.

use chrono::DateTime;
use domain::{Money, Timestamp, Zone};
use serde_json::Value;

use super::Mismatch;

/// An instant in local time: `Wed 7 Jan 2026, 10:00 in Europe/Berlin (UTC+01:00)`.
pub(super) fn time(instant: &str, zone: Zone) -> Result<String, Mismatch> {
    let mismatch = || Mismatch::new("a time", "RFC 3339", instant);
    let instant: Timestamp = instant.parse().map_err(|_| mismatch())?;
    let local = DateTime::parse_from_rfc3339(&zone.to_rfc3339(instant)).map_err(|_| mismatch())?;
    Ok(format!("{} in {} (UTC{})", local.format("%a %-d %b %Y, %H:%M"), zone.name(), local.format("%:z")))
}

/// The amount at a JSON pointer, which is displayed as `EUR 80.00`.
pub(super) fn money(document: &Value, pointer: &str) -> Result<Money, Mismatch> {
    let value = document.pointer(pointer).cloned().unwrap_or_default();
    serde_json::from_value(value.clone()).map_err(|error| {
        Mismatch::new(format!("the member {pointer}"), "an amount of money", format!("{value} ({error})"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_displayed_with_their_zone() {
        let berlin: Zone = "Europe/Berlin".parse().expect("a zone");
        assert_eq!(
            time("2027-01-06T09:00:00Z", berlin).expect("a time"),
            "Wed 6 Jan 2027, 10:00 in Europe/Berlin (UTC+01:00)"
        );
        assert!(time("yesterday", berlin).is_err());
    }
}
