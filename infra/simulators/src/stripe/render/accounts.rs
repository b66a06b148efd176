//! Connected accounts.

use serde_json::{Value, json};

use super::inner_list;
use crate::stripe::state::Account;

pub(in crate::stripe) fn account(account: &Account) -> Value {
    let capability = |name: &String| {
        let status = if account.charges_enabled { "active" } else { "inactive" };
        (name.clone(), json!(status))
    };
    let capabilities: serde_json::Map<_, _> = account.capabilities.iter().map(capability).collect();
    let past_due = if account.disabled_reason.is_some() { account.currently_due.clone() } else { Vec::new() };
    let mut controller = json!({
        "type": "application",
        "is_controller": true,
        "fees": { "payer": if account.kind == "standard" { "account" } else { "application_express" } },
        "losses": { "payments": if account.kind == "standard" { "stripe" } else { "application" } },
        "requirement_collection": if account.kind == "custom" { "application" } else { "stripe" },
        "stripe_dashboard": { "type": match account.kind.as_str() {
            "standard" => "full",
            "express" => "express",
            _ => "none",
        } },
    });
    if let (Value::Object(whole), Some(Value::Object(asked))) = (&mut controller, &account.controller) {
        whole.insert("fees".to_owned(), json!({ "payer": "application" }));
        whole.extend(asked.clone());
    }
    let profile = |name: &str| account.business_profile.get(name);
    let delay_days = if account.country == "US" { 2 } else { 7 };
    let external_accounts = format!("/v1/accounts/{}/external_accounts", account.id);
    json!({
        "id": account.id,
        "object": "account",
        "business_profile": {
            "mcc": profile("mcc"),
            "name": profile("name"),
            "product_description": profile("product_description"),
            "support_address": null,
            "support_email": null,
            "support_phone": null,
            "support_url": null,
            "url": profile("url"),
        },
        "business_type": account.business_type,
        "capabilities": capabilities,
        "charges_enabled": account.charges_enabled,
        "controller": controller,
        "country": account.country,
        "created": account.created,
        "default_currency": account.default_currency,
        "details_submitted": account.details_submitted,
        "email": account.email,
        "external_accounts": inner_list(external_accounts, std::iter::empty(), |none: Value| none),
        "future_requirements": requirements(&[], &[], None),
        "metadata": account.metadata,
        "payouts_enabled": account.payouts_enabled,
        "requirements": requirements(&account.currently_due, &past_due, account.disabled_reason.as_deref()),
        "settings": {
            "branding": { "icon": null, "logo": null, "primary_color": null, "secondary_color": null },
            "card_payments": { "statement_descriptor_prefix": null },
            "dashboard": { "display_name": profile("name"), "timezone": "Etc/UTC" },
            "payments": { "statement_descriptor": null },
            "payouts": {
                "debit_negative_balances": true,
                "schedule": { "delay_days": delay_days, "interval": "daily" },
                "statement_descriptor": null,
            },
        },
        "tos_acceptance": { "date": null, "ip": null, "user_agent": null },
        "type": account.kind,
    })
}

fn requirements(currently_due: &[String], past_due: &[String], disabled_reason: Option<&str>) -> Value {
    json!({
        "alternatives": [],
        "current_deadline": null,
        "currently_due": currently_due,
        "disabled_reason": disabled_reason,
        "errors": [],
        "eventually_due": currently_due,
        "past_due": past_due,
        "pending_verification": [],
    })
}
