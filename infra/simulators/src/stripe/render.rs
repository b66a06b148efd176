//! The state as Stripe's JSON. Source: <https://docs.stripe.com/api>.

use serde::Serialize;

use super::prelude::*;
use super::{API_VERSION, tax};

/// The id of the platform's Connect application.
const APPLICATION: &str = "ca_simulator";

/// The number of items that a list within an object shows.
const INNER_ITEMS: usize = 10;

/// An object: a row without its `hidden` members, with `more` members, and with null for those that are `unset`.
pub(super) fn object(kind: &str, row: &impl Serialize, hidden: &str, unset: &str, more: Value) -> Value {
    let mut object = json!(row);
    if let (Value::Object(members), Value::Object(more)) = (&mut object, more) {
        members.retain(|name, _| !hidden.split_ascii_whitespace().any(|hidden| hidden == name));
        members.extend(unset.split_ascii_whitespace().map(|name| (name.to_owned(), Value::Null)));
        members.insert("object".to_owned(), json!(kind));
        members.extend(more);
    }
    object
}

/// Any object by its id.
pub(super) fn any(state: &State, id: &str) -> Option<Value> {
    let (kind, _) = id.split_once('_')?;
    match kind {
        "acct" => state.accounts.get(id).map(account),
        "cus" => state.customers.get(id).map(customer),
        "pm" => state.payment_methods.get(id).map(payment_method),
        "seti" => state.setup_intents.get(id).map(setup_intent),
        "pi" => state.intents.get(id).map(intent),
        "ch" => state.charges.get(id).map(|found| charge(state, found)),
        "re" => state.refunds.get(id).map(refund),
        "dp" => state.disputes.get(id).map(|found| dispute(state, found)),
        "tr" => state.transfers.get(id).map(|found| transfer(state, found)),
        "trr" => state.reversals.get(id).map(reversal),
        "py" => transfer_of(state, id).map(|transfer| destination_payment(state, transfer)),
        "pyr" => reversal_of(state, id).map(|reversal| payment_refund(state, reversal)),
        "fee" => state.fees.get(id).map(|found| fee(state, found)),
        "fr" => state.fee_refunds.get(id).map(fee_refund),
        "po" => state.payouts.get(id).map(payout),
        "txn" => state.transactions.get(id).map(transaction),
        "taxcalc" => state.tax_calculations.get(id).map(tax::calculation),
        "tax" => state.tax_transactions.get(id).map(|found| tax::transaction(state, found)),
        "evt" => state.events.get(id).map(|found| event(state, found)),
        _ => None,
    }
}

/// The connected account that an object is on; `None` for the platform.
pub(super) fn owner<'a>(state: &'a State, id: &str) -> Option<&'a str> {
    let (kind, _) = id.split_once('_')?;
    match kind {
        "txn" => state.transactions.get(id)?.account.as_deref(),
        "po" => Some(&state.payouts.get(id)?.account),
        "py" => Some(&transfer_of(state, id)?.destination),
        "pyr" => Some(&state.transfers.get(&reversal_of(state, id)?.transfer)?.destination),
        _ => None,
    }
}

/// The transfer that is this payment in its destination's books.
fn transfer_of<'a>(state: &'a State, payment: &str) -> Option<&'a Transfer> {
    state.transfers.iter().find(|transfer| transfer.destination_payment == payment)
}

/// The reversal that is this refund in its destination's books.
fn reversal_of<'a>(state: &'a State, refund: &str) -> Option<&'a Reversal> {
    state.reversals.iter().find(|reversal| reversal.destination_payment_refund == refund)
}

/// The platform's Connect application.
pub(super) fn application() -> Value {
    json!({ "id": APPLICATION, "object": "application", "name": "Simulator" })
}

/// The first items of a list within an object.
fn inner_list<T>(url: String, rows: impl Iterator<Item = T>, render: impl Fn(T) -> Value) -> Value {
    let mut rows = rows.peekable();
    let data: Vec<Value> = rows.by_ref().take(INNER_ITEMS).map(render).collect();
    json!({ "object": "list", "url": url, "has_more": rows.peek().is_some(), "data": data })
}

pub(super) fn account(account: &Account) -> Value {
    let status = if account.charges_enabled { "active" } else { "inactive" };
    let capabilities: Map<_, _> =
        account.capabilities.iter().map(|name| (name.clone(), json!(status))).collect();
    let due = account.currently_due.as_slice();
    let past_due = if account.disabled_reason.is_some() { due } else { &[] };
    let more = json!({
        "capabilities": capabilities,
        "controller": {
            "type": "application",
            "is_controller": true,
            "fees": { "payer": "application" },
            "losses": { "payments": "application" },
            "requirement_collection": "stripe",
            "stripe_dashboard": { "type": "express" },
        },
        "requirements": {
            "currently_due": due,
            "disabled_reason": account.disabled_reason,
            "eventually_due": due,
            "past_due": past_due,
            "pending_verification": [],
        },
        "type": "express",
    });
    object("account", account, "currently_due deauthorized disabled_reason", "business_type", more)
}

fn nulls(names: &str) -> Map<String, Value> {
    names.split_ascii_whitespace().map(|name| (name.to_owned(), Value::Null)).collect()
}

pub(super) fn customer(customer: &Customer) -> Value {
    let unset = "address currency default_source description phone shipping test_clock";
    let more = json!({
        "balance": 0,
        "delinquent": false,
        "livemode": false,
        "preferred_locales": [],
        "tax_exempt": "none",
    });
    object("customer", customer, "", unset, more)
}

fn automatic(methods: &AutomaticPaymentMethods) -> Option<&AutomaticPaymentMethods> {
    Some(methods).filter(|methods| methods.enabled)
}

/// Where the cardholder passes the challenge that an intent waits for.
fn next_action(intent: &IntentCore) -> Option<Value> {
    let redirect = json!({ "return_url": intent.return_url, "url": intent.challenge_url });
    let action = json!({ "type": "redirect_to_url", "redirect_to_url": redirect });
    (intent.status == IntentStatus::RequiresAction).then_some(action)
}

pub(super) fn setup_intent(intent: &SetupIntent) -> Value {
    let unset = "application customer_account excluded_payment_method_types flow_directions latest_attempt mandate \
                 on_behalf_of payment_method_configuration_details single_use_mandate";
    let more = json!({
        "automatic_payment_methods": automatic(&intent.core.automatic),
        "livemode": false,
        "last_setup_error": intent.core.last_error,
        "next_action": next_action(&intent.core),
        "payment_method_options": {},
        "payment_method_types": ["card"],
    });
    object("setup_intent", intent, "automatic challenge_url last_error return_url", unset, more)
}

pub(super) fn payment_method(method: &PaymentMethod) -> Value {
    let more = json!({
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(Some(&method.billing_address)),
        "card": card(&method.card_number),
        "livemode": false,
        "metadata": {},
        "type": "card",
    });
    object("payment_method", method, "billing_address card_number set_up spent", "", more)
}

fn card(number: &str) -> Value {
    let card = TestCard::find(number);
    json!({
        "brand": card.map_or("unknown", |card| card.brand),
        "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" },
        "country": card.map(|card| card.country),
        "exp_month": 12,
        "exp_year": 2049,
        "fingerprint": format!("simulated{}", last_four(number)),
        "funding": card.map_or("unknown", |card| card.funding),
        "last4": last_four(number),
        "three_d_secure_usage": { "supported": true },
        "wallet": null,
    })
}

fn billing_details(given: Option<&Address>) -> Value {
    let mut address = nulls("city country line1 line2 postal_code state");
    address.extend(given.into_iter().flatten().map(|(name, value)| (name.clone(), json!(value))));
    json!({ "address": address, "email": null, "name": null, "phone": null, "tax_id": null })
}

pub(super) fn intent(intent: &Intent) -> Value {
    let unset = "application customer_account excluded_payment_method_types on_behalf_of \
                 payment_method_configuration_details processing receipt_email review setup_future_usage shipping \
                 source statement_descriptor statement_descriptor_suffix";
    let more = json!({
        "amount_details": { "tip": {} },
        "automatic_payment_methods": automatic(&intent.core.automatic),
        "confirmation_method": "automatic",
        "livemode": false,
        "last_payment_error": intent.core.last_error,
        "next_action": next_action(&intent.core),
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "transfer_data": intent.destination.as_ref().map(|destination| json!({ "destination": destination })),
    });
    object("payment_intent", intent, "automatic challenge_url destination last_error return_url", unset, more)
}

/// The part of an intent that a client with a publishable key may see.
pub(super) fn for_client(mut intent: Value) -> Value {
    if let Value::Object(members) = &mut intent {
        let hidden = "application_fee_amount customer metadata on_behalf_of transfer_data transfer_group";
        members.retain(|name, _| hidden.split(' ').all(|hidden| hidden != name));
    }
    intent
}

const CHARGE_UNSET: &str = "customer description failure_balance_transaction failure_code failure_message on_behalf_of \
    outcome receipt_email receipt_number receipt_url review shipping source_transfer statement_descriptor \
    statement_descriptor_suffix";

pub(super) fn charge(state: &State, charge: &Charge) -> Value {
    let intent = state.intents.get(&charge.payment_intent);
    let method = state.payment_methods.get(&charge.payment_method);
    let details = method.map(|method| {
        let mut card = card(&method.card_number);
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
    });
    let failure = charge.failure.as_ref();
    let succeeded = charge.status == ChargeStatus::Succeeded;
    let destination = intent.and_then(|intent| intent.destination.as_ref());
    let more = json!({
        "application": null,
        "application_fee_amount": intent.and_then(|intent| intent.application_fee_amount),
        "billing_details": billing_details(method.map(|method| &method.billing_address)),
        "customer": charge.customer,
        "description": intent.and_then(|intent| intent.core.description.as_ref()),
        "disputed": state.disputes_of(&charge.id).next().is_some(),
        "failure_code": failure.map(|failure| &failure.code),
        "failure_message": failure.map(|failure| &failure.message),
        "livemode": false,
        "outcome": {
            "network_status": if failure.is_some() { "declined_by_network" } else { "approved_by_network" },
            "reason": failure.map(|failure| failure.decline_code.as_ref().unwrap_or(&failure.code)),
            "risk_level": "normal",
            "risk_score": 12,
            "seller_message": match failure {
                Some(_) => "The bank did not return any further details with this decline.",
                None => "Payment complete.",
            },
            "type": if failure.is_some() { "issuer_declined" } else { "authorized" },
        },
        "paid": succeeded,
        "payment_method_details": details,
        "refunded": succeeded && charge.captured && charge.amount_refunded == charge.amount_captured,
        "transfer_data": destination.map(|destination| json!({ "amount": null, "destination": destination })),
        "transfer_group": intent.and_then(|intent| intent.transfer_group.as_ref()),
    });
    let hidden =
        "authenticated capture_before disputed_at failure off_session refunded_reversing refunded_with_fee";
    object("charge", charge, hidden, CHARGE_UNSET, more)
}

/// The refunds of a charge, which the charge shows when they are expanded.
pub(super) fn refunds_of(state: &State, charge: &str) -> Value {
    let url = format!("/v1/charges/{charge}/refunds");
    match transfer_of(state, charge) {
        Some(sent) => {
            let rows = state.reversals.iter().rev().filter(|row| row.transfer == sent.id);
            inner_list(url, rows, |row| payment_refund(state, row))
        }
        None => inner_list(url, state.refunds.iter().rev().filter(|row| row.charge == charge), refund),
    }
}

pub(super) fn refund(refund: &Refund) -> Value {
    let details = json!({ "type": "refund", "reference_status": "pending", "reference_type": "acquirer_reference_number" });
    let mut more = json!({ "destination_details": { "type": "card", "card": details } });
    match refund.status {
        RefundStatus::Pending => more["pending_reason"] = json!("processing"),
        RefundStatus::Failed => {
            more["failure_balance_transaction"] = json!(refund.failure_transaction);
            more["failure_reason"] = json!("expired_or_canceled_card");
        }
        RefundStatus::Succeeded => {}
    }
    let unset = "receipt_number source_transfer_reversal";
    object("refund", refund, "failure_transaction settles", unset, more)
}

pub(super) fn dispute(state: &State, dispute: &Dispute) -> Value {
    let lines = dispute.transactions.iter().filter_map(|id| state.transactions.get(id));
    let more = json!({
        "balance_transactions": lines.map(transaction).collect::<Vec<_>>(),
        "enhanced_eligibility_types": [],
        // Stripe lists the kinds of evidence as nulls.
        "evidence": { "enhanced_evidence": {} },
        "evidence_details": {
            "due_by": dispute.due_by,
            "enhanced_eligibility": {},
            "has_evidence": false,
            "past_due": false,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": dispute.status == DisputeStatus::Won,
        "livemode": false,
        "metadata": {},
    });
    object("dispute", dispute, "due_by transactions", "", more)
}

pub(super) fn transfer(state: &State, transfer: &Transfer) -> Value {
    let reversals = state.reversals.iter().rev().filter(|reversal| reversal.transfer == transfer.id);
    let more = json!({
        "livemode": false,
        "reversals": inner_list(format!("/v1/transfers/{}/reversals", transfer.id), reversals, reversal),
        "reversed": transfer.amount_reversed == transfer.amount,
        "source_type": "card",
    });
    object("transfer", transfer, "destination_transaction fee reversed_with_fee", "description", more)
}

pub(super) fn reversal(reversal: &Reversal) -> Value {
    object("transfer_reversal", reversal, "payment_refund_transaction", "", json!({}))
}

pub(super) fn fee(state: &State, fee: &Fee) -> Value {
    let refunds = state.fee_refunds.iter().rev().filter(|refund| refund.fee == fee.id);
    let more = json!({
        "application": APPLICATION,
        "fee_source": { "type": "charge", "charge": fee.charge },
        "livemode": false,
        "refunded": fee.amount_refunded == fee.amount,
        "refunds": inner_list(format!("/v1/application_fees/{}/refunds", fee.id), refunds, fee_refund),
    });
    object("application_fee", fee, "", "", more)
}

pub(super) fn fee_refund(refund: &FeeRefund) -> Value {
    object("fee_refund", refund, "", "", json!({}))
}

/// The payment that a transfer is in its destination's books.
pub(super) fn destination_payment(state: &State, transfer: &Transfer) -> Value {
    let fee = transfer.fee.as_deref().and_then(|id| state.fees.get(id));
    let more = json!({
        "id": transfer.destination_payment,
        "amount": transfer.amount,
        "amount_captured": transfer.amount,
        "amount_refunded": transfer.amount_reversed,
        "application": APPLICATION,
        "application_fee": transfer.fee,
        "application_fee_amount": fee.map(|fee| fee.amount),
        "balance_transaction": transfer.destination_transaction,
        "billing_details": billing_details(None),
        "captured": true,
        "created": transfer.created,
        "currency": transfer.currency,
        "disputed": false,
        "livemode": false,
        "metadata": {},
        "paid": true,
        "refunded": transfer.amount_reversed == transfer.amount,
        "source_transfer": transfer.id,
        "status": "succeeded",
        "transfer_group": transfer.transfer_group,
    });
    let unset = "payment_intent payment_method payment_method_details transfer_data";
    object("charge", &nulls(CHARGE_UNSET), "", unset, more)
}

/// The refund that a reversal is in its destination's books.
fn payment_refund(state: &State, reversal: &Reversal) -> Value {
    let transfer = state.transfers.get(&reversal.transfer);
    let more = json!({
        "id": reversal.destination_payment_refund,
        "amount": reversal.amount,
        "balance_transaction": reversal.payment_refund_transaction,
        "charge": transfer.map(|transfer| &transfer.destination_payment),
        "created": reversal.created,
        "currency": reversal.currency,
        "metadata": {},
        "source_transfer_reversal": reversal.id,
        "status": "succeeded",
    });
    object("refund", &nulls("payment_intent reason receipt_number transfer_reversal"), "", "", more)
}

pub(super) fn payout(payout: &Payout) -> Value {
    let failed = payout.status == PayoutStatus::Failed;
    let unset = "application_fee application_fee_amount original_payout payout_method reversed_by statement_descriptor \
                 trace_id";
    let more = json!({
        "arrival_date": payout.created,
        "description": payout.automatic.then_some("STRIPE PAYOUT"),
        "destination": format!("ba_{}", payout.account.trim_start_matches("acct_")),
        "failure_code": failed.then_some("could_not_process"),
        "failure_message": failed.then_some("The bank could not process this transfer."),
        "livemode": false,
        "metadata": {},
        "method": "standard",
        "reconciliation_status": if payout.automatic { "completed" } else { "not_applicable" },
        "source_type": "card",
        "type": "bank_account",
    });
    object("payout", payout, "account", unset, more)
}

pub(super) fn transaction(line: &Transaction) -> Value {
    let stripe_fee = if line.line == Line::Dispute { "Dispute fee" } else { "Stripe processing fees" };
    let fees = [
        ("application_fee", line.application_fee, "Application fee", Some(APPLICATION)),
        ("stripe_fee", line.stripe_fee, stripe_fee, None),
    ];
    let fees = fees.into_iter().filter(|(_, amount, ..)| *amount != 0);
    let details: Vec<Value> = fees
        .map(|(kind, amount, description, application)| {
            json!({
                "amount": amount,
                "application": application,
                "currency": line.currency,
                "description": description,
                "type": kind,
            })
        })
        .collect();
    let (kind, category, _) = line.line.facts();
    let more = json!({
        "available_on": line.created,
        "balance_type": "payments",
        "fee": line.stripe_fee + line.application_fee,
        "fee_details": details,
        "net": line.net(),
        "reporting_category": category,
        "status": "available",
        "type": kind,
    });
    let hidden = "account application_fee line stripe_fee";
    object("balance_transaction", line, hidden, "description exchange_rate", more)
}

pub(super) fn event(state: &State, event: &Event) -> Value {
    let mut data = json!({ "object": event.object });
    if let Some(previous) = &event.previous {
        data["previous_attributes"] = previous.clone();
    }
    let mut more = json!({
        "object": "event",
        "api_version": API_VERSION,
        "data": data,
        "livemode": false,
        "pending_webhooks": i32::from(state.deliveries.due(&event.id).is_some()),
        "request": { "id": event.request, "idempotency_key": event.idempotency_key },
        "type": event.kind,
    });
    if let Some(account) = &event.account {
        more["account"] = json!(account);
    }
    object("event", event, "account idempotency_key kind previous request", "", more)
}
