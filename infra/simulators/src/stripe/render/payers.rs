//! Customers, their means of payment, and their setups.

use serde_json::{Value, json};

use super::{automatic, next_action};
use crate::stripe::cards::{TestCard, last_four};
use crate::stripe::setup_intents::SET_UP;
use crate::stripe::state::{Address, Customer, Means, PaymentMethod, SetupIntent};

pub(in crate::stripe) fn customer(customer: &Customer) -> Value {
    json!({
        "id": customer.id,
        "object": "customer",
        "address": null,
        "balance": 0,
        "created": customer.created,
        "currency": null,
        "default_source": null,
        "delinquent": false,
        "description": null,
        "email": customer.email,
        "invoice_settings": {
            "custom_fields": null,
            "default_payment_method": null,
            "footer": null,
            "rendering_options": null,
        },
        "livemode": false,
        "metadata": customer.metadata,
        "name": customer.name,
        "phone": null,
        "preferred_locales": [],
        "shipping": null,
        "tax_exempt": "none",
        "test_clock": null,
    })
}

pub(in crate::stripe) fn setup_intent(intent: &SetupIntent) -> Value {
    let (return_url, url) = (intent.return_url.as_deref(), intent.challenge_url.as_deref());
    json!({
        "id": intent.id,
        "object": "setup_intent",
        "allowed_payment_method_types": intent.kinds.allowed,
        "application": null,
        "automatic_payment_methods": automatic(intent.automatic_payment_methods, &intent.allow_redirects),
        "cancellation_reason": intent.cancellation_reason,
        "client_secret": intent.client_secret,
        "created": intent.created,
        "customer": intent.customer,
        "customer_account": null,
        "description": intent.description,
        "excluded_payment_method_types": null,
        "flow_directions": null,
        "last_setup_error": intent.last_setup_error,
        "latest_attempt": null,
        "livemode": false,
        "mandate": null,
        "metadata": intent.metadata,
        "next_action": next_action(intent.status, return_url, url),
        "on_behalf_of": null,
        "payment_method": intent.payment_method,
        "payment_method_configuration_details": null,
        "payment_method_options": {},
        "payment_method_types": intent.kinds.of(SET_UP),
        "single_use_mandate": null,
        "status": intent.status.name(),
        "usage": intent.usage,
    })
}

pub(in crate::stripe) fn payment_method(method: &PaymentMethod) -> Value {
    let mut object = json!({
        "id": method.id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details_at(&method.address),
        "created": method.created,
        "customer": method.customer,
        "livemode": false,
        "metadata": {},
    });
    let kind = method.means.kind();
    let details = match &method.means {
        Means::Card(number) => card_details(number),
        Means::SepaDebit(iban) => sepa_details(iban),
    };
    object["type"] = json!(kind);
    object[kind] = details;
    object
}

pub(super) fn card_details(number: &str) -> Value {
    let card = TestCard::find(number);
    json!({
        "brand": card.map_or("unknown", TestCard::brand),
        "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" },
        "country": card.map(TestCard::country),
        "exp_month": 12,
        "exp_year": 2049,
        "fingerprint": format!("simulated{}", last_four(number)),
        "funding": card.map_or("unknown", TestCard::funding),
        "last4": last_four(number),
        "three_d_secure_usage": { "supported": true },
        "wallet": null,
    })
}

pub(super) fn sepa_details(iban: &str) -> Value {
    json!({
        "bank_code": iban.get(4..9),
        "branch_code": null,
        "country": iban.get(..2),
        "fingerprint": format!("simulated{}", last_four(iban)),
        "last4": last_four(iban),
    })
}

/// What somebody said of where they get bills.
pub(super) fn billing_details_at(address: &Address) -> Value {
    let mut details = billing_details(None);
    for (name, value) in address {
        details["address"][name] = json!(value);
    }
    details
}

pub(super) fn billing_details(email: Option<&str>) -> Value {
    let address = json!({
        "city": null, "country": null, "line1": null, "line2": null, "postal_code": null, "state": null,
    });
    json!({ "address": address, "email": email, "name": null, "phone": null, "tax_id": null })
}
