//! Where the money goes. Source: <https://docs.stripe.com/connect/destination-charges>.
//!
//! A destination charge books four lines: the charge on the platform, the transfer from the platform to the
//! account, and the application fee back. A direct charge books on the account itself.

use std::collections::BTreeMap;

use super::events::{about_charge, about_intent, emit};
use super::state::{Charge, ChargeStatus, Failure, Fee, Intent, IntentStatus, State, Transaction, Transfer};
use super::work::Work;
use super::{Balance, PLATFORM, currencies, render};
use crate::random;

/// What Stripe keeps of each payment, in hundredths of a percent of the amount.
pub const FEE_BASIS_POINTS: i64 = 150;

/// What Stripe keeps of each payment besides, in minor units of a currency with two decimals.
pub const FIXED_FEE: i64 = 25;

/// How long an authorisation holds, in seconds.
const AUTHORISATION_HOLDS: i64 = 7 * 86_400;

/// `whole * part / of`, halves up. All are amounts: none is negative, `part` is at most `of`.
pub(super) fn share(whole: i64, part: i64, of: i64) -> i64 {
    if of == 0 {
        return 0;
    }
    let (whole, part, of) = (i128::from(whole), i128::from(part), i128::from(of));
    // It is at most `whole`, so it fits.
    i64::try_from((whole * part * 2 + of) / (of * 2)).unwrap_or(i64::MAX)
}

fn processing_fee(amount: i64, currency: &str) -> i64 {
    let fixed = if currencies::exponent(currency) == 0 { 0 } else { FIXED_FEE };
    (share(amount, FEE_BASIS_POINTS, 10_000) + fixed).min(amount)
}

/// A charge for all of the intent, on its way. It is not in the state yet.
pub(super) fn new_charge(work: &Work, intent: &Intent, payment_method: &str, authenticated: bool) -> Charge {
    Charge {
        id: format!("ch_{}", random::letters(24)),
        intent: intent.id.clone(),
        account: intent.account.clone(),
        amount: intent.amount,
        currency: intent.currency.clone(),
        status: ChargeStatus::Pending,
        captured: false,
        amount_captured: 0,
        refunded: 0,
        released: 0,
        refunded_reversing: 0,
        refunded_with_fee: 0,
        payment_method: payment_method.to_owned(),
        application_fee: None,
        transfer: None,
        transaction: None,
        failure: None,
        authenticated,
        created: work.now,
        capture_before: None,
    }
}

/// The bank agreed to the charge: authorises it or takes the money, as the intent asks for.
pub(super) fn approve(work: &mut Work, mut charge: Charge) {
    let Some(intent) = work.state.intents.get(&charge.intent).cloned() else { return };
    charge.status = ChargeStatus::Succeeded;
    let (id, amount) = (charge.id.clone(), charge.amount);
    let manual = intent.capture_method == "manual";
    if manual {
        charge.capture_before = Some(work.now + AUTHORISATION_HOLDS);
    }
    keep(work, charge);
    work.change_intent(&intent.id, |intent| {
        intent.latest_charge = Some(id.clone());
        intent.last_payment_error = None;
        intent.settles_at = None;
    });
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
    let transaction = book(
        work,
        Transaction {
            id: String::new(),
            account: intent.account.clone(),
            amount: captured,
            stripe_fee: processing_fee(captured, &charge.currency),
            application_fee: if direct { fee } else { 0 },
            currency: charge.currency.clone(),
            kind: "charge".to_owned(),
            source: charge_id.to_owned(),
            created: work.now,
        },
    );
    let group = match (&intent.transfer_group, &intent.destination) {
        (None, Some(_)) => Some(format!("group_{}", intent.id)),
        (group, _) => group.clone(),
    };
    let transfer = intent.destination.as_ref().map(|destination| {
        let amount = intent.transfer_amount.map_or(captured, |amount| amount.min(captured));
        transfer(work, &charge, destination, amount, fee, group.clone())
    });
    let payer = intent.account.as_ref().or(intent.destination.as_ref()).filter(|_| fee > 0);
    let application_fee = payer.map(|payer| application_fee(work, &charge, payer, fee));
    if let Some(charge) = work.state.charges.get_mut(charge_id) {
        charge.captured = true;
        charge.amount_captured = captured;
        charge.released = charge.amount - captured;
        charge.capture_before = None;
        charge.transaction = Some(transaction);
        charge.transfer = transfer.clone();
        charge.application_fee = application_fee.clone();
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
    if let Some(object) = transfer.and_then(|id| render::any(work.state, &id)) {
        emit(work, "transfer.created", object, None);
    }
    if let Some(object) = application_fee.and_then(|id| render::any(work.state, &id)) {
        emit(work, "application_fee.created", object, None);
    }
}

fn transfer(
    work: &mut Work,
    charge: &Charge,
    destination: &str,
    amount: i64,
    fee: i64,
    group: Option<String>,
) -> String {
    let id = format!("tr_{}", random::letters(24));
    let destination_payment = format!("py_{}", random::letters(24));
    let line = |account: Option<&str>, amount, application_fee, kind: &str, source: &str| Transaction {
        id: String::new(),
        account: account.map(str::to_owned),
        amount,
        stripe_fee: 0,
        application_fee,
        currency: charge.currency.clone(),
        kind: kind.to_owned(),
        source: source.to_owned(),
        created: work.now,
    };
    let (out, into) = (
        line(None, -amount, 0, "transfer", &id),
        line(Some(destination), amount, fee, "payment", &destination_payment),
    );
    let transaction = book(work, out);
    book(work, into);
    work.state.transfers.add(Transfer {
        id: id.clone(),
        amount,
        reversed: 0,
        currency: charge.currency.clone(),
        destination: destination.to_owned(),
        destination_payment,
        charge: charge.id.clone(),
        group,
        transaction,
        created: work.now,
    });
    id
}

fn application_fee(work: &mut Work, charge: &Charge, payer: &str, amount: i64) -> String {
    let id = format!("fee_{}", random::letters(24));
    let transaction = book(
        work,
        Transaction {
            id: String::new(),
            account: None,
            amount,
            stripe_fee: 0,
            application_fee: 0,
            currency: charge.currency.clone(),
            kind: "application_fee".to_owned(),
            source: id.clone(),
            created: work.now,
        },
    );
    work.state.fees.add(Fee {
        id: id.clone(),
        account: payer.to_owned(),
        amount,
        refunded: 0,
        currency: charge.currency.clone(),
        charge: charge.id.clone(),
        transaction,
        created: work.now,
    });
    id
}

/// Writes a line into the books and answers its id.
pub(super) fn book(work: &mut Work, mut line: Transaction) -> String {
    line.id = format!("txn_{}", random::letters(24));
    let id = line.id.clone();
    work.state.transactions.add(line);
    id
}

/// The balances, sorted by owner and currency. Stripe and the guests are the other side of each charge and
/// refund.
pub(super) fn balances(state: &State) -> Vec<Balance> {
    let mut sums: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for line in state.transactions.iter() {
        let owner = line.account.as_deref().unwrap_or(PLATFORM);
        let mut add = |owner, amount| *sums.entry((owner, line.currency.as_str())).or_default() += amount;
        add(owner, line.net());
        if line.stripe_fee != 0 {
            add("stripe", line.stripe_fee);
        }
        if matches!(line.kind.as_str(), "charge" | "refund") {
            add("guests", -line.amount);
        }
    }
    sums.into_iter()
        .map(|((owner, currency), amount)| Balance {
            owner: owner.to_owned(),
            currency: currency.to_owned(),
            amount,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{processing_fee, share};

    #[test]
    fn shares_round_halves_up_and_never_exceed_the_whole() {
        assert_eq!(share(1000, 1, 3), 333);
        assert_eq!(share(1, 1, 2), 1);
        assert_eq!(share(999, 500, 1000), 500);
        assert_eq!(share(99_999_999, 99_999_999, 99_999_999), 99_999_999);
        assert_eq!(share(5, 0, 0), 0);
    }

    #[test]
    fn the_processing_fee_has_a_fixed_part_where_there_are_hundredths() {
        assert_eq!(processing_fee(10_000, "eur"), 175);
        assert_eq!(processing_fee(10_000, "jpy"), 150);
    }
}
