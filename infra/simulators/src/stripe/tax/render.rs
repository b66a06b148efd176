//! Taxes as Stripe's JSON.

use serde_json::{Value, json};

use super::super::render::object;
use super::super::state::{State, Tax, TaxCalculation, TaxSettings, TaxTransaction};

pub(in crate::stripe) fn settings(settings: &TaxSettings) -> Value {
    let (status, details, office) = match settings.active {
        true => ("active", json!({ "active": {} }), json!({ "address": {} })),
        false => ("pending", json!({ "pending": { "missing_fields": ["head_office"] } }), Value::Null),
    };
    json!({
        "object": "tax.settings",
        "defaults": { "provider": "stripe", "tax_behavior": null, "tax_code": "txcd_20030000" },
        "head_office": office,
        "livemode": false,
        "status": status,
        "status_details": details,
    })
}

fn customer(calculation: &TaxCalculation) -> Value {
    json!({
        "address": calculation.address,
        "address_source": calculation.address_source,
        "ip_address": null,
        "tax_ids": [],
        "taxability_override": "none",
    })
}

fn behavior(calculation: &TaxCalculation) -> &'static str {
    if calculation.inclusive { "inclusive" } else { "exclusive" }
}

/// The list of the only line of a calculation or entry.
fn lines(url: &str, line: Value) -> Value {
    json!({ "object": "list", "url": format!("/v1/tax/{url}/line_items"), "has_more": false, "data": [line] })
}

/// A line: what all lines have, and `more`.
fn line(kind: &str, id: String, amount: i64, tax: i64, reference: &str, more: Value) -> Value {
    let line = json!({
        "id": id,
        "amount": amount,
        "amount_tax": tax,
        "livemode": false,
        "quantity": 1,
        "reference": reference,
        "tax_code": "txcd_20030000",
    });
    object(kind, &line, "", "metadata product", more)
}

/// A calculation with everything that can be expanded.
pub(in crate::stripe) fn calculation(calculation: &TaxCalculation) -> Value {
    let tax = calculation.tax();
    let (inclusive, exclusive) = if calculation.inclusive { (tax, 0) } else { (0, tax) };
    let breakdown: Vec<Value> = calculation.taxes.iter().map(of_line).collect();
    let whole = calculation.taxes.iter().map(|tax| of_whole(tax, calculation.inclusive));
    let whole: Vec<Value> = whole.collect();
    let more = json!({ "tax_behavior": behavior(calculation), "tax_breakdown": breakdown });
    let id = calculation.id.replacen("taxcalc_", "tax_li_", 1);
    let (kind, amount) = ("tax.calculation_line_item", calculation.amount);
    let line = line(kind, id, amount, tax, &calculation.line, more);
    let more = json!({
        "amount_total": calculation.amount + exclusive,
        "customer_details": customer(calculation),
        "line_items": lines(&format!("calculations/{}", calculation.id), line),
        "livemode": false,
        "tax_amount_exclusive": exclusive,
        "tax_amount_inclusive": inclusive,
        "tax_breakdown": whole,
    });
    let hidden = "account address address_source amount inclusive line taxes";
    object("tax.calculation", calculation, hidden, "customer ship_from_details shipping_cost", more)
}

fn of_line(tax: &Tax) -> Value {
    let rate = tax.rate.as_ref().map(|(name, kind, percentage)| {
        json!({ "display_name": name, "percentage_decimal": percentage, "tax_type": kind })
    });
    json!({
        "amount": tax.amount,
        "jurisdiction": {
            "country": tax.country,
            "display_name": tax.jurisdiction,
            "level": tax.level,
            "state": tax.state,
        },
        "sourcing": "destination",
        "tax_rate_details": rate,
        "taxability_reason": tax.taxability_reason,
        "taxable_amount": tax.taxable_amount,
    })
}

fn of_whole(tax: &Tax, inclusive: bool) -> Value {
    let rate = tax.rate.as_ref();
    json!({
        "amount": tax.amount,
        "inclusive": inclusive,
        "tax_rate_details": {
            "country": tax.country,
            "flat_amount": null,
            "percentage_decimal": rate.map_or("0.0", |(.., percentage)| percentage),
            "rate_type": rate.map(|_| "percentage"),
            "state": tax.state,
            "tax_type": rate.map(|(_, kind, _)| kind),
        },
        "taxability_reason": tax.taxability_reason,
        "taxable_amount": tax.taxable_amount,
    })
}

/// An entry with everything that can be expanded.
pub(in crate::stripe) fn transaction(state: &State, entry: &TaxTransaction) -> Value {
    let kind = if entry.reverses.is_some() { "reversal" } else { "transaction" };
    let made_of = state.tax_calculations.get(&entry.calculation);
    let line_of = |id: &str| id.replacen("tax_", "tax_li_", 1);
    let more = json!({
        "reversal": entry.reverses.as_ref().map(|id| json!({ "original_line_item": line_of(id) })),
        "tax_behavior": made_of.map(behavior),
        "type": kind,
    });
    let reference = made_of.map_or("L1", |calculation| calculation.line.as_str());
    let (line_kind, id) = ("tax.transaction_line_item", line_of(&entry.id));
    let line = line(line_kind, id, entry.amount, entry.tax, reference, more);
    let more = json!({
        "currency": made_of.map(|calculation| &calculation.currency),
        "customer_details": made_of.map(customer),
        "line_items": lines(&format!("transactions/{}", entry.id), line),
        "livemode": false,
        "reversal": entry.reverses.as_ref().map(|id| json!({ "original_transaction": id })),
        "tax_date": made_of.map(|calculation| calculation.tax_date),
        "type": kind,
    });
    let hidden = "account amount calculation reverses tax";
    object("tax.transaction", entry, hidden, "customer ship_from_details shipping_cost", more)
}

/// An object with only the expansions that were asked for.
pub(super) fn expanded(mut object: Value, expansions: &[String]) -> Value {
    let asked = |path: &str| expansions.iter().any(|asked| asked.starts_with(path));
    if !asked("line_items")
        && let Some(members) = object.as_object_mut()
    {
        members.remove("line_items");
    }
    if !asked("line_items.data.tax_breakdown")
        && let Some(line) = object.pointer_mut("/line_items/data/0").and_then(Value::as_object_mut)
    {
        line.remove("tax_breakdown");
    }
    object
}
