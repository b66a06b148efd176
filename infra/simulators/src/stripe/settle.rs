//! Where the money of a payment goes. Source: <https://docs.stripe.com/connect/destination-charges>.
//!
//! A destination charge books four lines: the charge on the platform, the transfer from the platform to the
//! account, and the application fee back. A direct charge books on the account itself. A charge that is
//! captured in part books what was captured; what is let go leaves no trace in the books.

use super::books::{book, line, processing_fee};
use super::cards::Later;
use super::events::{about_charge, about_intent, emit};
use super::state::{Charge, ChargeStatus, Failure, Fee, Intent, IntentStatus, Line, Metadata, Transfer};
use super::work::Work;
use super::{cards, payment_methods, render, transfers};
use crate::random;

/// How long an authorisation holds, in seconds.
const AUTHORISATION_HOLDS: i64 = 7 * 86_400;

/// How long it holds on a Visa card when its owner was not there: 4 days and 18 hours, in seconds.
/// Source: <https://docs.stripe.com/payments/place-a-hold-on-a-payment-method>.
const VISA_HOLDS_WITHOUT_OWNER: i64 = 4 * 86_400 + 18 * 3600;

/// How an attempt to pay came about.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Circumstances {
    /// The guest passed a challenge.
    pub(super) authenticated: bool,
    /// The guest was not there.
    pub(super) merchant_initiated: bool,
}

/// A charge for all of the intent, on its way. It is not in the state yet.
pub(super) fn new_charge(work: &Work, intent: &Intent, payment_method: &str, how: Circumstances) -> Charge {
    Charge {
        id: format!("ch_{}", random::letters(24)),
        intent: intent.id.clone(),
        account: intent.account.clone(),
        customer: intent.customer.clone(),
        amount: intent.amount,
        currency: intent.currency.clone(),
        metadata: intent.metadata.clone(),
        status: ChargeStatus::Pending,
        captured: false,
        amount_captured: 0,
        refunded: 0,
        refunded_reversing: 0,
        refunded_with_fee: 0,
        payment_method: payment_method.to_owned(),
        application_fee: None,
        transfer: None,
        transaction: None,
        failure: None,
        authenticated: how.authenticated,
        merchant_initiated: how.merchant_initiated,
        created: work.now,
        capture_before: None,
        disputed_at: None,
    }
}

/// The bank agreed to the charge: authorises it or takes the money, as the intent asks for.
pub(super) fn approve(work: &mut Work, mut charge: Charge) {
    let Some(intent) = work.state.intents.get(&charge.intent).cloned() else { return };
    charge.status = ChargeStatus::Succeeded;
    let (id, amount) = (charge.id.clone(), charge.amount);
    let manual = intent.capture_method == "manual";
    if manual {
        let method = work.state.payment_methods.get(&charge.payment_method);
        let visa = method.is_some_and(|method| cards::brand(&method.means) == Some("visa"));
        let holds = match charge.merchant_initiated && visa {
            true => VISA_HOLDS_WITHOUT_OWNER,
            false => AUTHORISATION_HOLDS,
        };
        charge.capture_before = Some(work.now + holds);
    }
    let payment_method = charge.payment_method.clone();
    keep(work, charge);
    work.change_intent(&intent.id, |intent| {
        intent.latest_charge = Some(id.clone());
        intent.last_payment_error = None;
        intent.settles_at = None;
    });
    let (usage, customer) = (intent.setup_future_usage.as_deref(), intent.customer.as_deref());
    payment_methods::after_use(work, &payment_method, usage, customer);
    if manual {
        work.change_intent(&intent.id, |intent| {
            intent.status = IntentStatus::RequiresCapture;
            intent.amount_capturable = amount;
        });
        about_charge(work, "charge.succeeded", &id);
        about_intent(work, "payment_intent.amount_capturable_updated", &intent.id);
    } else {
        take(work, &id, amount, intent.application_fee_amount, "charge.succeeded");
    }
}

/// The bank refused the charge, and a new means of payment is needed.
pub(super) fn refuse(work: &mut Work, mut charge: Charge, failure: &Failure) {
    charge.status = ChargeStatus::Failed;
    charge.failure = Some(failure.clone());
    let id = charge.id.clone();
    keep(work, charge);
    about_charge(work, "charge.failed", &id);
}

/// Adds a charge, or replaces it when it was pending.
pub(super) fn keep(work: &mut Work, charge: Charge) {
    match work.state.charges.get_mut(&charge.id) {
        Some(pending) => *pending = charge,
        None => work.state.charges.add(charge),
    }
}

/// Takes `captured` of an approved charge, moves what belongs to others, and ends the intent. `announcement`
/// is the event about the charge.
pub(super) fn take(work: &mut Work, charge_id: &str, captured: i64, fee: Option<i64>, announcement: &str) {
    let Some(charge) = work.state.charges.get(charge_id).cloned() else { return };
    let Some(intent) = work.state.intents.get(&charge.intent).cloned() else { return };
    let fee = fee.unwrap_or(0).min(captured);
    let direct = intent.account.is_some();
    let account = intent.account.as_deref();
    let mut paid = line(work, Line::Charge, account, captured, &charge.currency, charge_id);
    paid.stripe_fee = processing_fee(captured, &charge.currency);
    paid.application_fee = if direct { fee } else { 0 };
    let transaction = book(work, paid);
    let group = transfers::group(intent.transfer_group.as_deref(), intent.destination.as_ref(), &intent.id);
    let (transfer, application_fee) = match &intent.destination {
        Some(destination) => {
            let amount = intent.transfer_amount.map_or(captured, |amount| amount.min(captured));
            let sent = transfer(work, &charge, destination, amount, fee, group.clone());
            (Some(sent.id), sent.fee)
        }
        None => {
            let payer = intent.account.as_ref().filter(|_| fee > 0);
            let id = format!("fee_{}", random::letters(24));
            (None, payer.map(|payer| application_fee(work, id, &charge, payer, fee, charge_id, None)))
        }
    };
    let later =
        work.state.payment_methods.get(&charge.payment_method).map(|method| cards::later_of(&method.means));
    let disputed_at = match later {
        Some(Later::Dispute(_)) => Some(work.now + cards::LATER_AFTER),
        _ => None,
    };
    if let Some(charge) = work.state.charges.get_mut(charge_id) {
        charge.captured = true;
        charge.amount_captured = captured;
        charge.capture_before = None;
        charge.transaction = Some(transaction);
        charge.transfer = transfer.clone();
        charge.application_fee = application_fee.clone();
        charge.disputed_at = disputed_at;
    }
    work.change_intent(&intent.id, |intent| {
        intent.status = IntentStatus::Succeeded;
        intent.amount_received = captured;
        intent.amount_capturable = 0;
        intent.transfer_group = group;
        if intent.application_fee_amount.is_some() || fee > 0 {
            intent.application_fee_amount = Some(fee);
        }
    });
    about_charge(work, announcement, charge_id);
    about_intent(work, "payment_intent.succeeded", &intent.id);
    for (kind, id) in [("transfer.created", transfer), ("application_fee.created", application_fee)] {
        if let Some(object) = id.and_then(|id| render::any(work.state, &id)) {
            emit(work, kind, object, None);
        }
    }
}

/// The transfer of a destination charge, with the application fee taken from it.
fn transfer(
    work: &mut Work,
    charge: &Charge,
    destination: &str,
    amount: i64,
    fee: i64,
    group: Option<String>,
) -> Transfer {
    let fee_id = (fee > 0).then(|| format!("fee_{}", random::letters(24)));
    let order = transfers::Order {
        amount,
        currency: &charge.currency,
        destination,
        charge: Some(&charge.id),
        group,
        fee: fee_id.clone().map(|id| (id, fee)),
        description: None,
        metadata: Metadata::new(),
    };
    let sent = transfers::send(work, order);
    if let Some(id) = fee_id {
        application_fee(work, id, charge, destination, fee, &sent.destination_payment, Some(&charge.id));
    }
    sent
}

fn application_fee(
    work: &mut Work,
    id: String,
    charge: &Charge,
    payer: &str,
    amount: i64,
    taken_with: &str,
    originating: Option<&str>,
) -> String {
    let earned = line(work, Line::ApplicationFee, None, amount, &charge.currency, &id);
    let transaction = book(work, earned);
    work.state.fees.add(Fee {
        id: id.clone(),
        account: payer.to_owned(),
        amount,
        refunded: 0,
        currency: charge.currency.clone(),
        charge: taken_with.to_owned(),
        originating: originating.map(str::to_owned),
        transaction,
        created: work.now,
    });
    id
}
