//! What happens without a call when it is due: authorizations expire, and eChecks clear or bounce.

use super::PayPal;
use super::prelude::*;

type Action = crate::simulator::Action<PayPal>;

/// The first action that is due, with its time and id. A reauthorization expires with the authorization it
/// renews. An authorization that was captured in part stays as it is: there is nothing to void.
pub(super) fn next(state: &State, now: i64) -> Option<(i64, Action, &str)> {
    let open = |status| status == AuthorizationStatus::Created;
    let authorizations = state.authorizations.iter().filter(|row| open(row.status) && row.renews.is_none());
    let expiring = authorizations.map(|row| (row.expires_at, authorizations::end as Action, row.id.as_str()));
    let captures = state.captures.iter();
    let captures = captures.filter_map(|row| Some((row.settles_at?, captures::settle as Action, &*row.id)));
    let refunds = state.refunds.iter();
    let refunds = refunds.filter_map(|row| Some((row.settles_at?, refunds::settle as Action, &*row.id)));
    expiring.chain(captures).chain(refunds).filter(|(at, ..)| *at <= now).min_by_key(|(at, ..)| *at)
}
