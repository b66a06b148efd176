//! What happens by itself when its time comes.

use super::state::{AuthorizationStatus, State};
use super::work::Work;
use super::{authorizations, captures, refunds};

#[derive(Clone, Copy)]
enum Due {
    Authorization,
    Capture,
    Refund,
}

/// What comes first, with its moment and id. A reauthorization ends with the authorization it renews. One that
/// a part was captured of stays as it is: there is nothing to void, and no more can be captured either.
fn next(state: &State, now: i64) -> Option<(i64, Due, &str)> {
    let ends = state
        .authorizations
        .iter()
        .filter(|row| row.status == AuthorizationStatus::Created && row.renews.is_none())
        .map(|row| (row.expires_at, Due::Authorization, row.id.as_str()));
    let captures = state.captures.iter();
    let captures = captures.filter_map(|row| Some((row.settles_at?, Due::Capture, row.id.as_str())));
    let refunds = state.refunds.iter();
    let refunds = refunds.filter_map(|row| Some((row.settles_at?, Due::Refund, row.id.as_str())));
    ends.chain(captures).chain(refunds).filter(|(at, ..)| *at <= now).min_by_key(|(at, ..)| *at)
}

/// Whether time has to pass.
pub(super) fn anything_due(state: &State, now: i64) -> bool {
    next(state, now).is_some()
}

/// Ends authorizations, and clears or bounces eChecks, in the order of their moments.
pub(super) fn pass_time(work: &mut Work) {
    while let Some((_, what, id)) = next(work.state, work.now) {
        let id = id.to_owned();
        match what {
            Due::Authorization => authorizations::end(work, &id),
            Due::Capture => captures::settle(work, &id),
            Due::Refund => refunds::settle(work, &id),
        }
    }
}
