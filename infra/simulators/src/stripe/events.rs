//! Events. Source: <https://docs.stripe.com/api/events>.

use serde_json::{Map, Value};

use super::render;
use super::state::Event;
use super::work::Work;
use crate::random;

/// Records an event about `object` as it is now, and schedules its webhook. `account` is the connected account
/// it happened on; `None` is the platform.
pub(super) fn emit(work: &mut Work, kind: &str, object: Value, account: Option<&str>) {
    emit_change(work, kind, object, None, account);
}

/// The same, with the former values of the members that changed.
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
        request: work.caller.request.clone(),
        idempotency_key: work.caller.idempotency_key.clone(),
    };
    work.deliver(&event.id);
    work.state.events.add(event);
}

/// Records an event about an object of the platform, by its id.
pub(super) fn about(work: &mut Work, kind: &str, id: &str) {
    if let Some(object) = render::any(work.state, id) {
        emit(work, kind, object, None);
    }
}

/// The members of `before` that `after` has not, or has with another value.
pub(super) fn changed(before: &Value, after: &Value) -> Map<String, Value> {
    let members = before.as_object().into_iter().flatten();
    let changed = members.filter(|(name, value)| after.get(name.as_str()) != Some(*value));
    changed.map(|(name, value)| (name.clone(), value.clone())).collect()
}
