//! Intents, charges, refunds and disputes.

use serde_json::{Map, Value, json};

use super::payers::{billing_details, billing_details_at, card_details, sepa_details};
use super::{APPLICATION, automatic, inner_list, next_action, payment_refund, transaction};
use crate::stripe::cards::brand;
use crate::stripe::payment_methods::payable_by;
use crate::stripe::state::{
    Charge, ChargeStatus, Dispute, DisputeStatus, Intent, Means, Refund, RefundStatus, Reversal, State,
};

pub(in crate::stripe) fn intent(intent: &Intent) -> Value {
    let transfer_data = intent.destination.as_ref().map(|destination| {
        let mut data = json!({ "destination": destination });
        if let Some(amount) = intent.transfer_amount {
            data["amount"] = json!(amount);
        }
        data
    });
    let (return_url, url) = (intent.return_url.as_deref(), intent.challenge_url.as_deref());
    json!({
        "id": intent.id,
        "object": "payment_intent",
        "allowed_payment_method_types": intent.kinds.allowed,
        "amount": intent.amount,
        "amount_capturable": intent.amount_capturable,
        "amount_details": { "tip": {} },
        "amount_received": intent.amount_received,
        "application": null,
        "application_fee_amount": intent.application_fee_amount,
        "automatic_payment_methods": automatic(intent.automatic_payment_methods, &intent.allow_redirects),
        "canceled_at": intent.canceled_at,
        "cancellation_reason": intent.cancellation_reason,
        "capture_method": intent.capture_method,
        "client_secret": intent.client_secret,
        "confirmation_method": "automatic",
        "created": intent.created,
        "currency": intent.currency,
        "customer": intent.customer,
        "customer_account": null,
        "description": intent.description,
        "excluded_payment_method_types": intent.kinds.excluded,
        "last_payment_error": intent.last_payment_error,
        "latest_charge": intent.latest_charge,
        "livemode": false,
        "metadata": intent.metadata,
        "next_action": next_action(intent.status, return_url, url),
        "on_behalf_of": intent.on_behalf_of,
        "payment_method": intent.payment_method,
        "payment_method_configuration_details": null,
        "payment_method_options": {},
        "payment_method_types": intent.kinds.of(payable_by(&intent.capture_method)),
        "processing": null,
        "receipt_email": intent.receipt_email,
        "review": null,
        "setup_future_usage": intent.setup_future_usage,
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
pub(in crate::stripe) fn for_client(mut intent: Value) -> Value {
    if let Value::Object(members) = &mut intent {
        for name in [
            "application_fee_amount",
            "customer",
            "metadata",
            "on_behalf_of",
            "transfer_data",
            "transfer_group",
        ] {
            members.remove(name);
        }
    }
    intent
}

pub(in crate::stripe) fn charge(state: &State, charge: &Charge) -> Value {
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
    let failure = charge.failure.as_ref();
    json!({
        "id": charge.id,
        "object": "charge",
        "amount": charge.amount,
        "amount_captured": charge.amount_captured,
        "amount_refunded": charge.refunded,
        "application": charge.account.as_ref().map(|_| APPLICATION),
        "application_fee": charge.application_fee,
        "application_fee_amount": intent.and_then(|intent| intent.application_fee_amount),
        "balance_transaction": charge.transaction,
        "billing_details": method.map_or_else(|| billing_details(None), |method| billing_details_at(&method.address)),
        "calculated_statement_descriptor": "SIMULATOR",
        "captured": charge.captured,
        "created": charge.created,
        "currency": charge.currency,
        "customer": charge.customer,
        "description": intent.and_then(|intent| intent.description.as_ref()),
        "disputed": state.disputes_of(&charge.id).next().is_some(),
        "failure_balance_transaction": null,
        "failure_code": failure.map(|failure| &failure.code),
        "failure_message": failure.map(|failure| &failure.message),
        "fraud_details": {},
        "livemode": false,
        "metadata": charge.metadata,
        "on_behalf_of": intent.and_then(|intent| intent.on_behalf_of.as_ref()),
        "outcome": outcome(charge),
        "paid": succeeded,
        "payment_intent": charge.intent,
        "payment_method": charge.payment_method,
        "payment_method_details": details,
        "receipt_email": intent.and_then(|intent| intent.receipt_email.as_ref()),
        "receipt_number": null,
        "receipt_url": null,
        "refunded": succeeded && charge.captured && charge.refunded == charge.amount_captured,
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

/// The refunds of a charge, as the charge shows them on request.
pub(super) fn refunds_of(state: &State, charge: &str) -> Value {
    let url = format!("/v1/charges/{charge}/refunds");
    match charge.split_once('_') {
        Some(("py", _)) => {
            let sent = state.transfers.iter().find(|transfer| transfer.destination_payment == charge);
            let of_transfer = |row: &&Reversal| sent.is_some_and(|sent| sent.id == row.transfer);
            let rows = state.reversals.newest_first().filter(of_transfer);
            inner_list(url, rows, |row| payment_refund(state, row))
        }
        _ => inner_list(url, state.refunds.newest_first().filter(|row| row.charge == charge), refund),
    }
}

pub(in crate::stripe) fn refund(refund: &Refund) -> Value {
    let mut object = json!({
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "balance_transaction": refund.transaction,
        "charge": refund.charge,
        "created": refund.created,
        "currency": refund.currency,
        "destination_details": {
            "type": "card",
            "card": { "type": "refund", "reference_status": "pending", "reference_type": "acquirer_reference_number" },
        },
        "metadata": refund.metadata,
        "payment_intent": refund.intent,
        "reason": refund.reason,
        "receipt_number": null,
        "source_transfer_reversal": null,
        "status": refund.status.name(),
        "transfer_reversal": refund.reversal,
    });
    match refund.status {
        RefundStatus::Pending => object["pending_reason"] = json!("processing"),
        RefundStatus::Failed => {
            object["failure_balance_transaction"] = json!(refund.failure_transaction);
            object["failure_reason"] = json!("expired_or_canceled_card");
        }
        RefundStatus::Succeeded => {}
    }
    object
}

/// Every kind of evidence, and none of it given.
const EVIDENCE: &[&str] = &[
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
];

pub(in crate::stripe) fn dispute(state: &State, dispute: &Dispute) -> Value {
    let mut evidence: Map<String, Value> =
        EVIDENCE.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    evidence.insert("enhanced_evidence".to_owned(), json!({}));
    let lines = dispute.transactions.iter().filter_map(|id| state.transactions.get(id));
    let charge = state.charges.get(&dispute.charge);
    let method = charge.and_then(|charge| state.payment_methods.get(&charge.payment_method));
    let code = match dispute.reason.as_str() {
        "fraudulent" => "10.4",
        "product_not_received" => "13.1",
        _ => "12.6",
    };
    let brand = method.and_then(|method| brand(&method.means));
    let details = brand.map(|brand| {
        json!({
            "type": "card",
            "card": {
                "brand": brand,
                "case_type": "chargeback",
                "network": brand,
                "network_reason_code": code,
            },
        })
    });
    json!({
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount,
        "balance_transactions": lines.map(transaction).collect::<Vec<_>>(),
        "charge": dispute.charge,
        "created": dispute.created,
        "currency": dispute.currency,
        "enhanced_eligibility_types": [],
        "evidence": evidence,
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
        "payment_intent": dispute.intent,
        "payment_method_details": details,
        "reason": dispute.reason,
        "status": dispute.status.name(),
    })
}
