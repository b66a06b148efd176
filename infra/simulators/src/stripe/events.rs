//! Telling what happened. Source: <https://docs.stripe.com/api/events>.

use serde_json::Value;

use super::render;
use super::state::Event;
use super::work::Work;
use crate::random;

/// Records an event about `object` as it is now, and makes its webhooks due. `account` is the connected
/// account it happened on; `None` is the platform.
pub(super) fn emit(work: &mut Work, kind: &str, object: Value, account: Option<&str>) {
    emit_change(work, kind, object, None, account);
}

/// The same, with the values that members of the object had before.
pub(super) fn emit_change(
    work: &mut Work,
    kind: &str,
    object: Value,
    previous: Option<Value>,
    account: Option<&str>,
) {
    let event = Event {
        id: format!("evt_{}", random::letters(24)),
        kind: kind.to_owned(),
        created: work.now,
        account: account.map(str::to_owned),
        object,
        previous,
        request: work.origin.request.clone(),
        idempotency_key: work.origin.idempotency_key.clone(),
    };
    if work.announce && !work.switches.drop_webhooks {
        let due_at = work.now + i64::from(work.switches.delay_deliveries_seconds);
        work.state.webhooks.add(&event.id, due_at, work.switches.duplicate_deliveries);
    }
    work.state.events.add(event);
}

/// Emits an event about an intent of whichever account.
pub(super) fn about_intent(work: &mut Work, kind: &str, id: &str) {
    let Some(intent) = work.state.intents.get(id) else { return };
    let (object, account) = (render::intent(intent), intent.account.clone());
    emit(work, kind, object, account.as_deref());
}

/// Emits an event about a charge.
pub(super) fn about_charge(work: &mut Work, kind: &str, id: &str) {
    let Some(charge) = work.state.charges.get(id) else { return };
    let (object, account) = (render::charge(work.state, charge), charge.account.clone());
    emit(work, kind, object, account.as_deref());
}
