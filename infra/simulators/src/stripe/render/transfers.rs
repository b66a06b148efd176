//! What moves between the platform, the accounts and their banks.

use serde_json::{Value, json};

use super::payers::billing_details;
use super::{APPLICATION, inner_list};
use crate::stripe::state::{Fee, FeeRefund, Payout, PayoutStatus, Reversal, State, Transfer};

pub(in crate::stripe) fn transfer(state: &State, transfer: &Transfer) -> Value {
    let reversals = state.reversals.newest_first().filter(|reversal| reversal.transfer == transfer.id);
    json!({
        "id": transfer.id,
        "object": "transfer",
        "amount": transfer.amount,
        "amount_reversed": transfer.reversed,
        "balance_transaction": transfer.transaction,
        "created": transfer.created,
        "currency": transfer.currency,
        "description": transfer.description,
        "destination": transfer.destination,
        "destination_payment": transfer.destination_payment,
        "livemode": false,
        "metadata": transfer.metadata,
        "reversals": inner_list(format!("/v1/transfers/{}/reversals", transfer.id), reversals, reversal),
        "reversed": transfer.reversed == transfer.amount,
        "source_transaction": transfer.charge,
        "source_type": "card",
        "transfer_group": transfer.group,
    })
}

pub(in crate::stripe) fn reversal(reversal: &Reversal) -> Value {
    json!({
        "id": reversal.id,
        "object": "transfer_reversal",
        "amount": reversal.amount,
        "balance_transaction": reversal.transaction,
        "created": reversal.created,
        "currency": reversal.currency,
        "destination_payment_refund": reversal.payment_refund,
        "metadata": reversal.metadata,
        "source_refund": reversal.refund,
        "transfer": reversal.transfer,
    })
}

pub(in crate::stripe) fn fee(state: &State, fee: &Fee) -> Value {
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
        "originating_transaction": fee.originating,
        "refunded": fee.refunded == fee.amount,
        "refunds": inner_list(format!("/v1/application_fees/{}/refunds", fee.id), refunds, fee_refund),
    })
}

pub(in crate::stripe) fn fee_refund(refund: &FeeRefund) -> Value {
    json!({
        "id": refund.id,
        "object": "fee_refund",
        "amount": refund.amount,
        "balance_transaction": refund.transaction,
        "created": refund.created,
        "currency": refund.currency,
        "fee": refund.fee,
        "metadata": refund.metadata,
    })
}

/// The payment that a transfer is on its destination's books.
pub(in crate::stripe) fn destination_payment(state: &State, transfer: &Transfer) -> Value {
    let fee = transfer.fee.as_deref().and_then(|id| state.fees.get(id));
    json!({
        "id": transfer.destination_payment,
        "object": "charge",
        "amount": transfer.amount,
        "amount_captured": transfer.amount,
        "amount_refunded": transfer.reversed,
        "application": APPLICATION,
        "application_fee": transfer.fee,
        "application_fee_amount": fee.map(|fee| fee.amount),
        "balance_transaction": transfer.destination_transaction,
        "billing_details": billing_details(None),
        "calculated_statement_descriptor": null,
        "captured": true,
        "created": transfer.created,
        "currency": transfer.currency,
        "customer": null,
        "description": transfer.description,
        "disputed": false,
        "failure_balance_transaction": null,
        "failure_code": null,
        "failure_message": null,
        "fraud_details": {},
        "livemode": false,
        "metadata": {},
        "on_behalf_of": null,
        "outcome": null,
        "paid": true,
        "payment_intent": null,
        "payment_method": null,
        "payment_method_details": null,
        "receipt_email": null,
        "receipt_number": null,
        "receipt_url": null,
        "refunded": transfer.reversed == transfer.amount,
        "review": null,
        "shipping": null,
        "source_transfer": transfer.id,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "status": "succeeded",
        "transfer_data": null,
        "transfer_group": transfer.group,
    })
}

/// The refund that a reversal is on the destination's books.
pub(in crate::stripe) fn payment_refund(state: &State, reversal: &Reversal) -> Value {
    let transfer = state.transfers.get(&reversal.transfer);
    json!({
        "id": reversal.payment_refund,
        "object": "refund",
        "amount": reversal.amount,
        "balance_transaction": reversal.payment_refund_transaction,
        "charge": transfer.map(|transfer| &transfer.destination_payment),
        "created": reversal.created,
        "currency": reversal.currency,
        "metadata": {},
        "payment_intent": null,
        "reason": null,
        "receipt_number": null,
        "source_transfer_reversal": reversal.id,
        "status": "succeeded",
        "transfer_reversal": null,
    })
}

pub(in crate::stripe) fn payout(payout: &Payout) -> Value {
    let failed = payout.status == PayoutStatus::Failed;
    let message = "The bank could not process this transfer.";
    json!({
        "id": payout.id,
        "object": "payout",
        "amount": payout.amount,
        "application_fee": null,
        "application_fee_amount": null,
        "arrival_date": payout.created,
        "automatic": payout.automatic,
        "balance_transaction": payout.transaction,
        "created": payout.created,
        "currency": payout.currency,
        "description": if payout.automatic { Some("STRIPE PAYOUT") } else { None },
        "destination": format!("ba_{}", payout.account.trim_start_matches("acct_")),
        "failure_balance_transaction": payout.failure_transaction,
        "failure_code": failed.then_some("could_not_process"),
        "failure_message": failed.then_some(message),
        "livemode": false,
        "metadata": {},
        "method": "standard",
        "original_payout": null,
        "payout_method": null,
        "reconciliation_status": if payout.automatic { "completed" } else { "not_applicable" },
        "reversed_by": null,
        "source_type": "card",
        "statement_descriptor": null,
        "status": payout.status.name(),
        "trace_id": null,
        "type": "bank_account",
    })
}
