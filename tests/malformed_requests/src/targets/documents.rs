use std::any::type_name;

use domain::Money;
use domain::experts::{availability, session_type};
use domain::receipts::billing;
use domain::scheduling::details;
use functions::experts::documents::{AvailabilityRules, ExpertProfileRequest, SessionTypeTerms};
use functions::receipts::documents::BillingDetails;
use functions::scheduling::documents::{Attendee, SessionDetails};
use http_api::Request;
use jsonschema::Validator;
use lambda_http::Body;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// An accepted request body matches the OpenAPI document and can be serialized and read back. A refused body gets a problem with a
/// 4xx status.
pub fn documents(bytes: &[u8]) {
    let body = || match std::str::from_utf8(bytes) {
        Ok(text) => Body::Text(text.to_owned()),
        Err(_) => Body::Binary(bytes.to_vec()),
    };
    let request =
        lambda_http::http::Request::post("/").header("Content-Type", "application/json").body(body());
    let request = Request::new(request.expect("a request"), &app::Settings::default());
    check::<ExpertProfileRequest>(&request, bytes, |profile| {
        profile.into_profile().is_ok_and(|profile| profile.check().is_ok())
    });
    check::<AvailabilityRules>(&request, bytes, |rules| {
        availability::AvailabilityRules::from(rules).check().is_ok()
    });
    check::<SessionTypeTerms>(&request, bytes, |terms| {
        session_type::SessionTypeTerms::from(terms)
            .check(domain::Money::new(9_000, domain::Currency::EUR).ok())
            .is_ok()
    });
    check::<BillingDetails>(&request, bytes, |details| billing::BillingDetails::try_from(details).is_ok());
    check::<Attendee>(&request, bytes, |_| true);
    check::<SessionDetails>(&request, bytes, |said| details::SessionDetails::from(said).check().is_ok());
    check::<Money>(&request, bytes, |_| true);
}

/// Checks one type. `accepted` is the check that the use case makes after reading.
fn check<T: DeserializeOwned + Serialize + JsonSchema + 'static>(
    request: &Request,
    bytes: &[u8],
    accepted: fn(T) -> bool,
) {
    let read = || request.json::<T>();
    let value = match read() {
        Ok(value) => value,
        Err(problem) => return assert!((400..500).contains(&problem.status), "{problem:?}"),
    };
    if !read().is_ok_and(accepted) {
        return;
    }
    let given: Value = serde_json::from_slice(bytes).expect("it was read before");
    let violations: Vec<String> = with_validator::<T, _>(|validator| {
        validator.iter_errors(&given).map(|error| format!("{}: {error}", error.instance_path())).collect()
    });
    assert!(violations.is_empty(), "{} accepts {given} although {violations:#?}", type_name::<T>());
    let written = serde_json::to_value(&value).expect("it can be written");
    let again: T =
        serde_json::from_value(written.clone()).unwrap_or_else(|error| panic!("{written}: {error}"));
    assert_eq!(serde_json::to_value(&again).expect("it can be written"), written);
}

/// Runs a function with the validator of a type, which is built once per thread.
fn with_validator<T: JsonSchema + 'static, R>(act: impl FnOnce(&Validator) -> R) -> R {
    use std::any::TypeId;
    use std::cell::RefCell;
    use std::collections::HashMap;

    thread_local!(static VALIDATORS: RefCell<HashMap<TypeId, Validator>> = RefCell::default());

    VALIDATORS.with_borrow_mut(|validators| {
        let validator = validators.entry(TypeId::of::<T>()).or_insert_with(|| {
            let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
            jsonschema::draft202012::new(schema.as_value()).expect("a schema")
        });
        act(validator)
    })
}

pub(super) fn corpus() -> Vec<Vec<u8>> {
    let hours = json!([{ "opens": "09:00", "closes": "17:00" }, { "opens": "18:00", "closes": "24:00" }]);
    let durations =
        json!([{ "minutes": 60, "price": { "amount": 8_000, "currency": "EUR" } }, { "minutes": 30 }]);
    let terms = json!({ "name": "Consultation", "durations": durations, "step_minutes": 30 });
    let mut rich = terms.clone();
    for (name, value) in [
        ("buffer_before_minutes", json!(5)),
        ("buffer_after_minutes", json!(10)),
        ("minimum_notice_minutes", json!(60)),
        ("capacity", json!(3)),
        ("daily_cap", json!(4)),
        ("booking_window", json!({ "kind": "dates", "first": "2027-01-01", "last": "2027-12-31" })),
    ] {
        rich[name] = value;
    }
    [
        json!({ "name": "Ada Lovelace", "headline": "Analytical engines" }),
        json!({ "time_zone": "Europe/London", "weekly": { "monday": hours } }),
        json!({
            "time_zone": "America/St_Johns",
            "weekly": { "sunday": hours },
            "overrides": { "2027-03-05": hours, "2027-03-06": [] },
            "extra": [{ "date": "2027-03-07", "opens": "09:00", "closes": "10:00" }],
            "blocked": [{ "first": "2027-12-24", "last": "2027-12-31" }],
        }),
        terms,
        rich,
        json!({ "legal_name": "Ada Ltd", "address": ["London"], "country": "GB", "tax_id": "GB1", "tax": { "label": "VAT", "rate": 2_000 } }),
        json!({ "legal_name": "Ada Ltd", "address": ["London"], "country": "GB", "tax": { "calculated_by": "stripe" } }),
        json!({ "name": "Alan", "email": "alan@example.org", "time_zone": "Europe/Berlin", "note": "x" }),
        json!({ "amount": 8_000, "currency": "EUR" }),
    ]
    .map(|document| document.to_string().into_bytes())
    .to_vec()
}
