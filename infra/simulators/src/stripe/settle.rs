//! Where the money of a payment goes. Source: <https://docs.stripe.com/connect/destination-charges>.
//!
//! A destination charge books the charge on the platform, the transfer from the platform to the account, and the
//! application fee back. Without a destination, the money stays in the platform's balance until a transfer is requested
//! (<https://docs.stripe.com/connect/separate-charges-and-transfers>). A charge that is captured in part books what was captured; what is released is not in
//! the books.

use super::books::processing_fee;
use super::prelude::*;

/// How long an authorization lasts, in seconds.
const AUTHORIZATION_LASTS: i64 = 7 * 86_400;

/// How long an off-session authorization of a Visa card lasts: 4 days and 18 hours, in seconds.
/// Source: <https://docs.stripe.com/payments/place-a-hold-on-a-payment-method>.
const VISA_OFF_SESSION_LASTS: i64 = 4 * 86_400 + 18 * 3600;

/// The circumstances of an attempt to pay.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Circumstances {
    /// The cardholder passed a challenge.
    pub(super) authenticated: bool,
    /// The cardholder was not present.
    pub(super) off_session: bool,
}

/// A charge of all of the intent. It is not in the state yet.
fn new_charge(work: &Work, intent: &Intent, payment_method: &str, how: Circumstances) -> Charge {
    Charge {
        id: format!("ch_{}", random::letters(24)),
        payment_intent: intent.id.clone(),
        customer: intent.core.customer.clone(),
        amount: intent.amount,
        currency: intent.currency.clone(),
        metadata: intent.core.metadata.clone(),
        status: ChargeStatus::Succeeded,
        captured: false,
        amount_captured: 0,
        amount_refunded: 0,
        refunded_reversing: 0,
        refunded_with_fee: 0,
        payment_method: payment_method.to_owned(),
        application_fee: None,
        transfer: None,
        balance_transaction: None,
        failure: None,
        authenticated: how.authenticated,
        off_session: how.off_session,
        created: work.now,
        capture_before: None,
        disputed_at: None,
    }
}

/// Charges an intent that the bank approved: authorizes it or takes the money, as the intent asks for.
pub(super) fn approve(work: &mut Work, intent: &Intent, payment_method: &str, how: Circumstances) {
    let mut charge = new_charge(work, intent, payment_method, how);
    let (id, amount) = (charge.id.clone(), charge.amount);
    let manual = intent.capture_method == "manual";
    if manual {
        let method = work.state.payment_methods.get(payment_method);
        let card = method.and_then(|method| TestCard::find(&method.card_number));
        let visa = card.is_some_and(|card| card.brand == "visa");
        let lasts = if how.off_session && visa { VISA_OFF_SESSION_LASTS } else { AUTHORIZATION_LASTS };
        charge.capture_before = Some(work.now + lasts);
    }
    work.state.charges.add(charge);
    work.state.intents.change(&intent.id, |intent| intent.latest_charge = Some(id.clone()));
    payment_methods::spend(work, payment_method);
    if manual {
        work.state.intents.change(&intent.id, |intent| {
            intent.core.status = IntentStatus::RequiresCapture;
            intent.amount_capturable = amount;
        });
        about(work, "charge.succeeded", &id);
        about(work, "payment_intent.amount_capturable_updated", &intent.id);
    } else {
        take(work, &id, amount, intent.application_fee_amount, "charge.succeeded");
    }
}

/// Records a charge that the bank declined, and returns its id.
pub(super) fn refuse(
    work: &mut Work,
    intent: &Intent,
    payment_method: &str,
    how: Circumstances,
    failure: &Failure,
) -> String {
    let mut charge = new_charge(work, intent, payment_method, how);
    charge.status = ChargeStatus::Failed;
    charge.failure = Some(failure.clone());
    let id = charge.id.clone();
    work.state.charges.add(charge);
    about(work, "charge.failed", &id);
    id
}

/// Takes `captured` of an approved charge, transfers it, and completes the intent. `announcement` is the type of
/// the event about the charge.
pub(super) fn take(work: &mut Work, charge_id: &str, captured: i64, fee: Option<i64>, announcement: &str) {
    let Some(charge) = work.state.charges.get(charge_id).cloned() else { return };
    let Some(intent) = work.state.intents.get(&charge.payment_intent).cloned() else { return };
    let fee = fee.unwrap_or(0).min(captured);
    let mut paid = line(work, Line::Charge, None, captured, &charge.currency, charge_id);
    paid.stripe_fee = processing_fee(captured, &charge.currency);
    let balance_transaction = book(work, paid);
    let mut group = intent.transfer_group.clone();
    let sent = intent.destination.as_ref().map(|destination| {
        let group = group.get_or_insert_with(|| format!("group_{}", intent.id)).clone();
        transfer(work, &charge, destination, captured, fee, group)
    });
    let (transfer, application_fee) = sent.map(|sent| (sent.id, sent.fee)).unzip();
    let application_fee = application_fee.flatten();
    let disputes = matches!(cards::later_of(work.state, &charge), Later::Dispute(_));
    let disputed_at = disputes.then_some(work.now + cards::LATER_AFTER);
    work.state.charges.change(charge_id, |charge| {
        charge.captured = true;
        charge.amount_captured = captured;
        charge.capture_before = None;
        charge.balance_transaction = Some(balance_transaction);
        charge.transfer = transfer.clone();
        charge.application_fee = application_fee.clone();
        charge.disputed_at = disputed_at;
    });
    work.state.intents.change(&intent.id, |intent| {
        intent.core.status = IntentStatus::Succeeded;
        intent.amount_received = captured;
        intent.amount_capturable = 0;
        intent.transfer_group = group;
        if intent.application_fee_amount.is_some() || fee > 0 {
            intent.application_fee_amount = Some(fee);
        }
    });
    about(work, announcement, charge_id);
    about(work, "payment_intent.succeeded", &intent.id);
    for (kind, id) in [("transfer.created", transfer), ("application_fee.created", application_fee)] {
        if let Some(id) = id {
            about(work, kind, &id);
        }
    }
}

/// Sends the transfer of a destination charge, and deducts the application fee from it.
fn transfer(
    work: &mut Work,
    charge: &Charge,
    destination: &str,
    amount: i64,
    fee: i64,
    group: String,
) -> Transfer {
    let fee_id = (fee > 0).then(|| format!("fee_{}", random::letters(24)));
    let order = transfers::Order {
        amount,
        currency: &charge.currency,
        destination,
        source_transaction: Some(charge.id.clone()),
        transfer_group: Some(group),
        fee: fee_id.clone().map(|id| (id, fee)),
        metadata: Metadata::new(),
    };
    let sent = transfers::send(work, order);
    if let Some(id) = fee_id {
        let earned = line(work, Line::ApplicationFee, None, fee, &charge.currency, &id);
        let balance_transaction = book(work, earned);
        work.state.fees.add(Fee {
            id,
            account: destination.to_owned(),
            amount: fee,
            amount_refunded: 0,
            currency: charge.currency.clone(),
            charge: sent.destination_payment.clone(),
            originating_transaction: charge.id.clone(),
            balance_transaction,
            created: work.now,
        });
    }
    sent
}
