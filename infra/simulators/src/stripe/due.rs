//! What happens without a call when it is due: authorizations expire, guests dispute, refunds succeed or fail.

use super::prelude::*;
use super::{Stripe, disputes, refunds};

type Action = crate::simulator::Action<Stripe>;

/// The first action that is due, with its time and id.
pub(super) fn next(state: &State, now: i64) -> Option<(i64, Action, &str)> {
    let held = state.intents.iter().filter(|intent| intent.core.status == IntentStatus::RequiresCapture);
    let expiring = held.filter_map(|intent| {
        let charge = state.charges.get(intent.latest_charge.as_deref()?)?;
        Some((charge.capture_before?, confirm::expire as Action, &*intent.id))
    });
    let charges = state.charges.iter();
    let disputed =
        charges.filter_map(|row| Some((row.disputed_at?, disputes::open_by_card as Action, &*row.id)));
    let refunds = state.refunds.iter();
    let settling = refunds.filter_map(|row| Some((row.settles?.0, refunds::settle as Action, &*row.id)));
    let due = expiring.chain(disputed).chain(settling).filter(|(at, ..)| *at <= now);
    due.min_by_key(|(at, ..)| *at)
}
