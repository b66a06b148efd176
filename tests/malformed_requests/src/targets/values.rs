use std::fmt::Display;
use std::str::FromStr;

use domain::kernel::country::Country;
use domain::kernel::text::{Email, LongText, ShortText};
use domain::kernel::time::{Date, LocalTime};
use domain::payments::exchange::EuroRate;
use domain::receipts::receipt::ReceiptNumber;
use domain::receipts::tax::Percentage;
use domain::{AppointmentId, ClientId, Currency, ExpertId, ReceiptId, SessionTypeId, Timestamp, Zone};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::JobName;

/// Values in paths, parameters and documents are displayed as they were written. A value with several notations is displayed in
/// its canonical one, which is read as the same value.
pub fn values(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    check_exact::<AppointmentId>(text);
    check_exact::<ClientId>(text);
    check_exact::<ExpertId>(text);
    check_exact::<ReceiptId>(text);
    check_exact::<SessionTypeId>(text);
    check_exact::<LocalTime>(text);
    check_exact::<Date>(text);
    check_exact::<ReceiptNumber>(text);
    for written in [serialized::<Zone>(text), serialized::<Currency>(text), serialized::<Country>(text)] {
        assert!(written.is_none_or(|written| written == text), "{text:?}");
    }
    canonical::<Timestamp>(text);
    canonical::<EuroRate>(text);
    canonical::<Percentage>(text);
    assert!(text.parse::<JobName>().map_or(true, |name| name.as_str() == text), "{text:?}");
    for (written, longest) in [
        (canonical::<ShortText>(text), 120),
        (canonical::<LongText>(text), 4_000),
        (canonical::<Email>(text), 254),
    ] {
        let Some(written) = written else { continue };
        assert_eq!(written, text.trim());
        assert!(
            written.chars().count() <= longest && !written.contains(['\0', '\u{202e}', '\u{1b}']),
            "{text:?}"
        );
    }
}

/// Checks a type whose values have one notation.
fn check_exact<T: FromStr + Display>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string(), text);
    }
}

/// The serialized value; `None` if the text is refused.
fn serialized<T: DeserializeOwned + Serialize>(text: &str) -> Option<String> {
    let value: T = serde_json::from_value(Value::String(text.to_owned())).ok()?;
    match serde_json::to_value(&value).expect("it can be written") {
        Value::String(text) => Some(text),
        other => panic!("{other} is not text"),
    }
}

/// The canonical notation of a value, which is checked to be stable; `None` if the text is refused.
fn canonical<T: DeserializeOwned + Serialize>(text: &str) -> Option<String> {
    let once = serialized::<T>(text)?;
    assert_eq!(serialized::<T>(&once).as_ref(), Some(&once), "{text:?}");
    Some(once)
}

pub(super) fn corpus() -> Vec<Vec<u8>> {
    [
        "apt_0123456789abcdefghjkmnpqrs",
        "exp_7zzzzzzzzzzzzzzzzzzzzzzzzz",
        "cli_00000000000000000000000000",
        "rcp_00000000000000000000000001",
        "ses_0pqrstvwxyz000000000000000",
        "00:00",
        "24:00",
        "23:59",
        "2027-02-28",
        "2028-02-29",
        "1970-01-01",
        "9999-12-31",
        "2027-01-05T10:00:00Z",
        "2027-01-05t10:00:00+05:45",
        "2016-12-31T23:59:60Z",
        "1969-12-31T23:59:59-00:01",
        "9999-12-31T23:59:59Z",
        "Europe/Berlin",
        "US/Eastern",
        "Etc/GMT+12",
        "EUR",
        "JPY",
        "XAU",
        "GB",
        "DE",
        "1.0562",
        "000.10",
        "999999999999",
        "2027-000042",
        "2027-4294967295",
        "100",
        "9.875000",
        "99.999999",
        "0.0",
        "Ada Lovelace",
        " Zoë \u{1f600} ",
        "A\u{200b}l\u{202e}an\u{2028}",
        "می\u{200c}خواهم 👩\u{200d}💻",
        "line\r\nline",
        "ada@example.org",
        "a@b.c",
        "@.",
        "a@b@c.d",
        "payment:apt_0123456789abcdefghjkmnpqrs",
        "event:apt_0123456789abcdefghjkmnpqrs:7:confirmed",
        "payouts:exp_7zzzzzzzzzzzzzzzzzzzzzzzzz:stripe",
        "receipts:apt_0123456789abcdefghjkmnpqrs",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
