use domain::Currency;
use serde_json::{Value, json};

use super::*;

fn euros(amount: u64) -> Money {
    Money::new(amount, Currency::EUR).expect("small")
}

fn tax(amount: i64, reason: &str, rate: Value) -> Value {
    json!({
        "amount": amount, "sourcing": "destination", "taxability_reason": reason, "taxable_amount": 7000,
        "jurisdiction": { "country": "US", "display_name": "California", "level": "state", "state": "CA" },
        "tax_rate_details": rate,
    })
}

fn rate(percentage: &str) -> Value {
    json!({ "display_name": "Sales tax", "percentage_decimal": percentage, "tax_type": "sales_tax" })
}

fn read(currency: &str, taxes: &[Value], amount: Money) -> Result<TaxCalculation, GatewayError> {
    let read = json!({
        "id": "taxcalc_1", "object": "tax.calculation", "currency": currency, "expires_at": 100,
        "line_items": { "object": "list", "has_more": false, "data": [{ "amount": 8000, "tax_breakdown": taxes }] },
    });
    calculation(serde_json::from_value(read).expect("Stripe's shape"), amount)
}

#[test]
fn each_tax_due_is_a_line() {
    let taxes = [
        tax(527, "standard_rated", rate("7.25")),
        tax(0, "product_exempt", rate("1")),
        tax(27, "standard_rated", rate("0.0")),
    ];
    let calculated = read("eur", &taxes, euros(8_000)).expect("whole");
    let shown: Vec<_> =
        calculated.taxes.lines().iter().map(|line| (line.to_string(), line.amount.amount())).collect();
    let expected = [("Sales tax, California 7.25 %", 527), ("Sales tax, California", 27)];
    assert_eq!(shown, expected.map(|(name, amount)| (name.to_owned(), amount)));
    assert_eq!((calculated.id.as_str(), calculated.valid_until.seconds()), ("taxcalc_1", 100));
    // Names that fail the check are left out.
    let mut odd =
        tax(1, "standard_rated", json!({ "display_name": "\u{202e}", "percentage_decimal": "7,25" }));
    odd["jurisdiction"]["display_name"] = json!("x".repeat(121));
    let odd = read("eur", &[odd], euros(1)).expect("whole");
    assert_eq!(odd.taxes.lines().iter().map(ToString::to_string).collect::<Vec<_>>(), ["Tax"]);
}

#[test]
fn absence_of_tax_has_a_reason() {
    let of = |reasons: &[&str]| {
        let taxes: Vec<Value> = reasons.iter().map(|reason| tax(0, reason, Value::Null)).collect();
        read("eur", &taxes, euros(8_000)).expect("whole").taxes.reason()
    };
    assert_eq!(of(&["not_collecting"]), Some(NoTax::NotRegistered));
    assert_eq!(of(&["zero_rated", "not_collecting"]), Some(NoTax::NotRegistered));
    for reason in ["zero_rated", "reverse_charge", "product_exempt", "something_new"] {
        assert_eq!(of(&[reason]), Some(NoTax::NotDue), "{reason}");
    }
    assert_eq!(of(&[]), Some(NoTax::NotDue));
}

#[test]
fn incomplete_calculation_is_an_error() {
    for lacking in ["id", "expires_at", "line_items"] {
        let mut read = json!({
            "id": "taxcalc_1", "currency": "eur", "expires_at": 1,
            "line_items": { "has_more": false, "data": [{ "tax_breakdown": [] }] },
        });
        read[lacking] = Value::Null;
        let read = calculation(serde_json::from_value(read).expect("Stripe's shape"), euros(1));
        assert!(matches!(read, Err(GatewayError::Unavailable(_))), "{lacking}: {read:?}");
    }
    let without = json!({
        "id": "taxcalc_1", "currency": "eur", "expires_at": 1,
        "line_items": { "has_more": false, "data": [{ "amount": 1 }] },
    });
    assert!(calculation(serde_json::from_value(without).expect("Stripe's shape"), euros(1)).is_err());
    let more = [tax(81, "standard_rated", rate("7"))];
    assert!(read("eur", &more, euros(80)).is_err(), "more tax than money");
    assert!(read("usd", &more, euros(8_000)).is_err(), "another currency");
}

#[test]
fn payer_is_located_by_address_or_else_by_card() {
    let of = |address: Value, method: Value| {
        let charge = json!({ "billing_details": { "address": address }, "payment_method_details": method });
        location(serde_json::from_value(charge).expect("Stripe's shape"))
            .map(|found| (found.country, found.postal_code, found.state))
    };
    let card = json!({ "type": "card", "card": { "country": "DE" } });
    let there = json!({ "country": "US", "postal_code": "94102", "state": "", "city": null, "line1": null, "line2": null });
    assert_eq!(of(there, card.clone()), Some(("US".to_owned(), Some("94102".to_owned()), None)));
    let nowhere = json!({ "country": null, "postal_code": "94102" });
    assert_eq!(of(nowhere, card), Some(("DE".to_owned(), None, None)));
    let bank = json!({ "type": "sepa_debit", "sepa_debit": { "country": "AT" } });
    assert_eq!(of(Value::Null, bank).map(|(country, ..)| country).as_deref(), Some("AT"));
    for method in [Value::Null, json!({ "type": "link" }), json!({ "card": { "country": null } })] {
        assert_eq!(of(Value::Null, method), None);
    }
}

#[test]
fn incomplete_settings_name_the_missing_fields() {
    let of = |settings: Value| missing(serde_json::from_value(settings).expect("Stripe's shape"));
    assert_eq!(of(json!({ "status": "active", "status_details": { "active": {} } })), Vec::<String>::new());
    let fields = json!(["head_office", "defaults.tax_code"]);
    let pending =
        json!({ "status": "pending", "status_details": { "pending": { "missing_fields": fields } } });
    assert_eq!(of(pending), ["head_office", "defaults.tax_code"]);
    assert_eq!(of(json!({ "status": "pending", "status_details": {} })).len(), 1);
}

#[test]
fn entry_id_is_found_in_an_error_message() {
    let named = "Tax Transaction `tax_1Pgc7AB7WZ01` with reference re_1 already exists.";
    assert_eq!(entry_id_in(named), Some("tax_1Pgc7AB7WZ01"));
    for unnamed in ["", "A tax_transaction with this reference exists.", "tax_code", "reference tax_"] {
        assert_eq!(entry_id_in(unnamed), None, "{unnamed}");
    }
}
