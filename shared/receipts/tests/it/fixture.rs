//! A receipt for tests and benchmarks.

use domain::receipts::receipt::Receipt;
use serde_json::{Value, json};

/// A receipt that Ada issued to Zoë, as it is stored.
pub fn document() -> Value {
    json!({
        "id": "rcp_0000000000000000000000000a",
        "appointment": "apt_0000000000000000000000000b",
        "expert": "exp_0000000000000000000000000c",
        "client": "cli_0000000000000000000000000d",
        "number": "2027-000042",
        "kind": "receipt",
        "issued_at": "2027-01-04T08:05:00Z",
        "moved_at": "2027-01-04T08:04:00Z",
        "issuer": {
            "name": "Ada Lovelace Ltd",
            "address": ["12 St James's Square", "London SW1Y 4JH"],
            "country": "GB",
            "tax_id": "GB123456789",
            "time_zone": "Europe/London",
        },
        "recipient": { "name": "Zoë Łukasz Ελένη Дмитрий", "email": "zoe@example.org" },
        "service": {
            "name": "Consultation",
            "start": "2027-01-05T10:00:00Z",
            "end": "2027-01-05T11:00:00Z",
            "time_zone": "Europe/Berlin",
            "seats": 1,
            "booked_at": "2027-01-04T08:00:00Z",
        },
        "total": { "amount": 8_000, "currency": "EUR" },
        "taxes": { "included": [
            { "label": "VAT", "rate": "20", "amount": { "amount": 1_333, "currency": "EUR" } },
        ] },
        "reference": "pi_3OqK2eZvKYlo2C",
    })
}

/// The same receipt with changed members. Each change has a JSON pointer.
pub fn receipt(changes: &[(&str, Value)]) -> Receipt {
    let mut document = document();
    for (pointer, value) in changes {
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        document.pointer_mut(parent).expect("the parent exists")[name] = value.clone();
    }
    serde_json::from_value(document).expect("a receipt")
}
