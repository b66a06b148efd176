//! What happens by itself when its time has come: debits settle or bounce, authorisations run out, guests
//! dispute, refunds arrive or fail.

use super::state::{IntentStatus, State};
use super::work::Work;
use super::{confirm, disputes, intents, refunds};

/// Something whose time has come, by id.
enum Due {
    /// A bank debit comes to its end.
    Debit(String),
    /// An authorisation runs out.
    Expiry(String),
    /// A guest disputes a charge.
    Dispute(String),
    /// A bank says how a refund ended.
    Refund(String),
}

/// Whether something comes to its end by itself now.
pub(super) fn anything_due(state: &State, now: i64) -> bool {
    next(state, now).is_some()
}

/// Does everything that was due by now, the oldest first.
pub(super) fn pass(work: &mut Work) {
    while let Some(due) = next(work.state, work.now) {
        match due {
            Due::Debit(intent) => confirm::settle_debit(work, &intent),
            Due::Expiry(intent) => intents::expire(work, &intent),
            Due::Dispute(charge) => disputes::open_by_card(work, &charge),
            Due::Refund(refund) => refunds::settle(work, &refund),
        }
    }
}

fn next(state: &State, now: i64) -> Option<Due> {
    let intents = state.intents.iter().filter_map(|intent| match intent.status {
        IntentStatus::Processing => Some((intent.settles_at?, Due::Debit(intent.id.clone()))),
        IntentStatus::RequiresCapture => {
            let charge = state.charges.get(intent.latest_charge.as_deref()?)?;
            Some((charge.capture_before?, Due::Expiry(intent.id.clone())))
        }
        _ => None,
    });
    let charges = state.charges.iter();
    let disputed = charges.filter_map(|charge| Some((charge.disputed_at?, Due::Dispute(charge.id.clone()))));
    let refunds = state.refunds.iter();
    let settling = refunds.filter_map(|refund| Some((refund.settles?.0, Due::Refund(refund.id.clone()))));
    let due = intents.chain(disputed).chain(settling).filter(|(at, _)| *at <= now);
    due.min_by_key(|(at, _)| *at).map(|(_, due)| due)
}
