//! Each declined attempt to pay counts once, and too many of them end the payment.

use super::ObservedAppointment;
use crate::core::Core;

/// A payment counts no more declined attempts than there were, and none after it was ended.
pub(super) fn check_declines(
    core: &Core,
    before: Option<&ObservedAppointment>,
    known: &ObservedAppointment,
    violations: &mut Vec<String>,
) {
    let Some(payment) = &known.payment else { return };
    let (id, attempts) = (payment.appointment, core.gateway.declined_attempts(payment.appointment));
    if payment.declines > attempts {
        violations.push(format!("{id} counts {} declined attempts of {attempts}", payment.declines));
    }
    let limit = app::Settings::default().decline_limits.per_payment;
    let counted = before.and_then(|before| before.payment.as_ref()).map_or(0, |payment| payment.declines);
    if payment.declines > counted && payment.too_many_declines != (payment.declines >= limit) {
        violations.push(format!("{id} has {} declined attempts, and its limit is {limit}", payment.declines));
    }
}
