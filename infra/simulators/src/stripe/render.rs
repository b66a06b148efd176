//! The state as Stripe's JSON. Source: <https://docs.stripe.com/api>.

use serde_json::{Value, json};

use super::cards::{TestCard, last_four};
use super::state::{
    Account, Charge, ChargeStatus, Event, Fee, FeeRefund, Intent, IntentStatus, Means, PaymentMethod, Refund,
    Reversal, State, Transaction, Transfer,
};
use super::{API_VERSION, settle};

/// The id of the platform's Connect application.
const APPLICATION: &str = "ca_simulator";

/// How many items a list within an object shows.
const INNER_ITEMS: usize = 10;

/// Any object by its id.
pub(super) fn any(state: &State, id: &str) -> Option<Value> {
    let (kind, _) = id.split_once('_')?;
    match kind {
        "acct" => state.accounts.get(id).map(account),
        "pi" => state.intents.get(id).map(|found| intent(state, found)),
        "pm" => state.payment_methods.get(id).map(payment_method),
        "ch" => state.charges.get(id).map(|found| charge(state, found)),
        "tr" => state.transfers.get(id).map(|found| transfer(state, found)),
        "trr" => state.reversals.get(id).map(reversal),
        "fee" => state.fees.get(id).map(|found| fee(state, found)),
        "fr" => state.fee_refunds.get(id).map(fee_refund),
        "re" => state.refunds.get(id).map(refund),
        "txn" => state.transactions.get(id).map(transaction),
        "evt" => state.events.get(id).map(|found| event(state, found)),
        _ => None,
    }
}

/// Replaces the ids that `paths` such as `latest_charge.balance_transaction` lead to by their objects. In a
/// list the path starts with `data`.
pub(super) fn expand(state: &State, object: &mut Value, paths: &[String]) {
    for path in paths {
        expand_path(state, object, path);
    }
}

fn expand_path(state: &State, object: &mut Value, path: &str) {
    if let Value::Array(items) = object {
        for item in items {
            expand_path(state, item, path);
        }
        return;
    }
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let Some(member) = object.get_mut(first) else { return };
    if let Some(found) = member.as_str().and_then(|id| any(state, id)) {
        *member = found;
    }
    if let Some(rest) = rest {
        expand_path(state, member, rest);
    }
}

/// The start of a list within an object.
fn inner_list<T>(url: String, rows: impl Iterator<Item = T>, render: impl Fn(T) -> Value) -> Value {
    let mut rows = rows.peekable();
    let data: Vec<Value> = rows.by_ref().take(INNER_ITEMS).map(render).collect();
    json!({ "object": "list", "url": url, "has_more": rows.peek().is_some(), "data": data })
}

pub(super) fn account(account: &Account) -> Value {
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

fn billing_details(email: Option<&str>) -> Value {
    let address = json!({
        "city": null, "country": null, "line1": null, "line2": null, "postal_code": null, "state": null,
    });
    json!({ "address": address, "email": email, "name": null, "phone": null, "tax_id": null })
}

pub(super) fn payment_method(method: &PaymentMethod) -> Value {
    let mut object = json!({
        "id": method.id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(None),
        "created": method.created,
        "customer": null,
        "livemode": false,
        "metadata": {},
    });
    let (kind, details) = match &method.means {
        Means::Card(number) => ("card", card_details(number)),
        Means::SepaDebit(iban) => ("sepa_debit", sepa_details(iban)),
    };
    object["type"] = json!(kind);
    object[kind] = details;
    object
}

fn card_details(number: &str) -> Value {
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

fn sepa_details(iban: &str) -> Value {
    json!({
        "bank_code": iban.get(4..9),
        "branch_code": null,
        "country": iban.get(..2),
        "fingerprint": format!("simulated{}", last_four(iban)),
        "last4": last_four(iban),
    })
}

pub(super) fn intent(state: &State, intent: &Intent) -> Value {
    let types = match intent.payment_method.as_deref().and_then(|id| state.payment_methods.get(id)) {
        Some(PaymentMethod { means: Means::SepaDebit(_), .. }) => json!(["sepa_debit"]),
        _ => json!(["card"]),
    };
    let automatic = intent
        .automatic_payment_methods
        .then(|| json!({ "enabled": true, "allow_redirects": intent.allow_redirects }));
    let transfer_data = intent.destination.as_ref().map(|destination| {
        let mut data = json!({ "destination": destination });
        if let Some(amount) = intent.transfer_amount {
            data["amount"] = json!(amount);
        }
        data
    });
    let next_action = (intent.status == IntentStatus::RequiresAction).then(|| {
        json!({
            "type": "redirect_to_url",
            "redirect_to_url": { "return_url": intent.return_url, "url": intent.challenge_url },
        })
    });
    json!({
        "id": intent.id,
        "object": "payment_intent",
        "allowed_payment_method_types": intent.allowed_types,
        "amount": intent.amount,
        "amount_capturable": intent.amount_capturable,
        "amount_details": { "tip": {} },
        "amount_received": intent.amount_received,
        "application": null,
        "application_fee_amount": intent.application_fee_amount,
        "automatic_payment_methods": automatic,
        "canceled_at": intent.canceled_at,
        "cancellation_reason": intent.cancellation_reason,
        "capture_method": intent.capture_method,
        "client_secret": intent.client_secret,
        "confirmation_method": "automatic",
        "created": intent.created,
        "currency": intent.currency,
        "customer": null,
        "customer_account": null,
        "description": intent.description,
        "excluded_payment_method_types": intent.excluded_types,
        "last_payment_error": intent.last_payment_error,
        "latest_charge": intent.latest_charge,
        "livemode": false,
        "metadata": intent.metadata,
        "next_action": next_action,
        "on_behalf_of": intent.on_behalf_of,
        "payment_method": intent.payment_method,
        "payment_method_configuration_details": null,
        "payment_method_options": {},
        "payment_method_types": types,
        "processing": null,
        "receipt_email": intent.receipt_email,
        "review": null,
        "setup_future_usage": null,
        "shipping": null,
        "source": null,
        "statement_descriptor": intent.statement_descriptor,
        "statement_descriptor_suffix": intent.statement_descriptor_suffix,
        "status": intent.status.name(),
        "transfer_data": transfer_data,
        "transfer_group": intent.transfer_group,
    })
}

/// What a browser with a publishable key may see of an intent.
pub(super) fn for_client(mut intent: Value) -> Value {
    if let Value::Object(members) = &mut intent {
        for name in ["application_fee_amount", "metadata", "on_behalf_of", "transfer_data", "transfer_group"]
        {
            members.remove(name);
        }
    }
    intent
}

pub(super) fn charge(state: &State, charge: &Charge) -> Value {
    let intent = state.intents.get(&charge.intent);
    let method = state.payment_methods.get(&charge.payment_method);
    let details = match method.map(|method| &method.means) {
        Some(Means::Card(number)) => {
            let mut card = card_details(number);
            card["amount_authorized"] = json!(charge.amount);
            card["network"] = card["brand"].clone();
            if let Some(members) = card.as_object_mut() {
                members.remove("three_d_secure_usage");
            }
            let proof =
                json!({ "result": "authenticated", "version": "2.2.0", "authentication_flow": "challenge" });
            card["three_d_secure"] = if charge.authenticated { proof } else { Value::Null };
            if let Some(moment) = charge.capture_before {
                card["capture_before"] = json!(moment);
            }
            json!({ "type": "card", "card": card })
        }
        Some(Means::SepaDebit(iban)) => json!({ "type": "sepa_debit", "sepa_debit": sepa_details(iban) }),
        None => Value::Null,
    };
    let succeeded = charge.status == ChargeStatus::Succeeded;
    let given_back = charge.refunded + charge.released;
    let failure = charge.failure.as_ref();
    json!({
        "id": charge.id,
        "object": "charge",
        "amount": charge.amount,
        "amount_captured": charge.amount_captured,
        "amount_refunded": given_back,
        "application": charge.account.as_ref().map(|_| APPLICATION),
        "application_fee": charge.application_fee,
        "application_fee_amount": intent.and_then(|intent| intent.application_fee_amount),
        "balance_transaction": charge.transaction,
        "billing_details": billing_details(None),
        "calculated_statement_descriptor": "SIMULATOR",
        "captured": charge.captured,
        "created": charge.created,
        "currency": charge.currency,
        "customer": null,
        "description": intent.and_then(|intent| intent.description.as_ref()),
        "disputed": false,
        "failure_balance_transaction": null,
        "failure_code": failure.map(|failure| &failure.code),
        "failure_message": failure.map(|failure| &failure.message),
        "fraud_details": {},
        "livemode": false,
        "metadata": intent.map(|intent| intent.metadata.clone()).unwrap_or_default(),
        "on_behalf_of": intent.and_then(|intent| intent.on_behalf_of.as_ref()),
        "outcome": outcome(charge),
        "paid": succeeded,
        "payment_intent": charge.intent,
        "payment_method": charge.payment_method,
        "payment_method_details": details,
        "receipt_email": intent.and_then(|intent| intent.receipt_email.as_ref()),
        "receipt_number": null,
        "receipt_url": null,
        "refunded": succeeded && given_back == charge.amount,
        "review": null,
        "shipping": null,
        "source_transfer": null,
        "statement_descriptor": intent.and_then(|intent| intent.statement_descriptor.as_ref()),
        "statement_descriptor_suffix": intent.and_then(|intent| intent.statement_descriptor_suffix.as_ref()),
        "status": match charge.status {
            ChargeStatus::Succeeded => "succeeded",
            ChargeStatus::Pending => "pending",
            ChargeStatus::Failed => "failed",
        },
        "transfer": charge.transfer,
        "transfer_data": intent.and_then(|intent| intent.destination.as_ref().map(|destination| {
            json!({ "amount": intent.transfer_amount, "destination": destination })
        })),
        "transfer_group": intent.and_then(|intent| intent.transfer_group.as_ref()),
    })
}

fn outcome(charge: &Charge) -> Value {
    let (network, reason, message, kind) = match (&charge.failure, charge.status) {
        (Some(failure), _) => (
            "declined_by_network",
            failure.decline_code.as_ref().or(Some(&failure.code)),
            "The bank did not return any further details with this decline.",
            "issuer_declined",
        ),
        (None, ChargeStatus::Pending) => ("approved_by_network", None, "Payment pending.", "authorized"),
        (None, _) => ("approved_by_network", None, "Payment complete.", "authorized"),
    };
    json!({
        "advice_code": null,
        "network_advice_code": null,
        "network_decline_code": null,
        "network_status": network,
        "reason": reason,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": message,
        "type": kind,
    })
}

pub(super) fn transfer(state: &State, transfer: &Transfer) -> Value {
    let reversals = state.reversals.newest_first().filter(|reversal| reversal.transfer == transfer.id);
    json!({
        "id": transfer.id,
        "object": "transfer",
        "amount": transfer.amount,
        "amount_reversed": transfer.reversed,
        "balance_transaction": transfer.transaction,
        "created": transfer.created,
        "currency": transfer.currency,
        "description": null,
        "destination": transfer.destination,
        "destination_payment": transfer.destination_payment,
        "livemode": false,
        "metadata": {},
        "reversals": inner_list(format!("/v1/transfers/{}/reversals", transfer.id), reversals, reversal),
        "reversed": transfer.reversed == transfer.amount,
        "source_transaction": transfer.charge,
        "source_type": "card",
        "transfer_group": transfer.group,
    })
}

pub(super) fn reversal(reversal: &Reversal) -> Value {
    json!({
        "id": reversal.id,
        "object": "transfer_reversal",
        "amount": reversal.amount,
        "balance_transaction": reversal.transaction,
        "created": reversal.created,
        "currency": reversal.currency,
        "destination_payment_refund": null,
        "metadata": {},
        "source_refund": reversal.refund,
        "transfer": reversal.transfer,
    })
}

pub(super) fn fee(state: &State, fee: &Fee) -> Value {
    let refunds = state.fee_refunds.newest_first().filter(|refund| refund.fee == fee.id);
    json!({
        "id": fee.id,
        "object": "application_fee",
        "account": fee.account,
        "amount": fee.amount,
        "amount_refunded": fee.refunded,
        "application": APPLICATION,
        "balance_transaction": fee.transaction,
        "charge": fee.charge,
        "created": fee.created,
        "currency": fee.currency,
        "fee_source": { "type": "charge", "charge": fee.charge },
        "livemode": false,
        "originating_transaction": fee.charge,
        "refunded": fee.refunded == fee.amount,
        "refunds": inner_list(format!("/v1/application_fees/{}/refunds", fee.id), refunds, fee_refund),
    })
}

pub(super) fn fee_refund(refund: &FeeRefund) -> Value {
    json!({
        "id": refund.id,
        "object": "fee_refund",
        "amount": refund.amount,
        "balance_transaction": refund.transaction,
        "created": refund.created,
        "currency": refund.currency,
        "fee": refund.fee,
        "metadata": {},
    })
}

pub(super) fn refund(refund: &Refund) -> Value {
    json!({
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "balance_transaction": refund.transaction,
        "charge": refund.charge,
        "created": refund.created,
        "currency": refund.currency,
        "destination_details": {
            "type": "card",
            "card": { "type": "refund", "reference_status": "pending" },
        },
        "metadata": refund.metadata,
        "payment_intent": refund.intent,
        "reason": refund.reason,
        "receipt_number": null,
        "source_transfer_reversal": null,
        "status": "succeeded",
        "transfer_reversal": refund.reversal,
    })
}

pub(super) fn transaction(line: &Transaction) -> Value {
    let mut details = Vec::new();
    for (kind, amount, description) in [
        ("application_fee", line.application_fee, "Application fee"),
        ("stripe_fee", line.stripe_fee, "Processing fee"),
    ] {
        if amount != 0 {
            let application = (kind == "application_fee").then_some(APPLICATION);
            details.push(json!({
                "amount": amount,
                "application": application,
                "currency": line.currency,
                "description": description,
                "type": kind,
            }));
        }
    }
    let category = match line.kind.as_str() {
        "charge" | "payment" => "charge",
        "refund" | "payment_refund" => "refund",
        "application_fee" => "platform_earning",
        "application_fee_refund" => "platform_earning_refund",
        "transfer_refund" => "transfer_reversal",
        "adjustment" => "other_adjustment",
        other => other,
    };
    json!({
        "id": line.id,
        "object": "balance_transaction",
        "amount": line.amount,
        "available_on": line.created,
        "balance_type": "payments",
        "created": line.created,
        "currency": line.currency,
        "description": null,
        "exchange_rate": null,
        "fee": line.stripe_fee + line.application_fee,
        "fee_details": details,
        "net": line.net(),
        "reporting_category": category,
        "source": line.source,
        "status": "available",
        "type": line.kind,
    })
}

/// The balance of the platform, or of a connected account.
pub(super) fn balance(state: &State, owner: &str) -> Value {
    let own = settle::balances(state).into_iter().filter(|balance| balance.owner == owner);
    let mut available: Vec<Value> = own
        .map(|balance| {
            let amount = balance.amount;
            json!({ "amount": amount, "currency": balance.currency, "source_types": { "card": amount } })
        })
        .collect();
    if available.is_empty() {
        available.push(json!({ "amount": 0, "currency": "eur", "source_types": { "card": 0 } }));
    }
    json!({ "object": "balance", "available": available, "pending": [], "livemode": false })
}

pub(super) fn event(state: &State, event: &Event) -> Value {
    let waiting = state.deliveries.iter().any(|delivery| delivery.event == event.id);
    let mut data = json!({ "object": event.object });
    if let Some(previous) = &event.previous {
        data["previous_attributes"] = previous.clone();
    }
    let mut object = json!({
        "id": event.id,
        "object": "event",
        "api_version": API_VERSION,
        "created": event.created,
        "data": data,
        "livemode": false,
        "pending_webhooks": i32::from(waiting),
        "request": { "id": event.request, "idempotency_key": event.idempotency_key },
        "type": event.kind,
    });
    if let Some(account) = &event.account {
        object["account"] = json!(account);
    }
    object
}
