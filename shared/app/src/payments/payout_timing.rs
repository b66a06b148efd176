//! When an expert gets their share of a payment.

use domain::payments::gateway::Capabilities;
use domain::payments::payout::PayoutTiming;

use crate::App;

/// Returns when an expert gets their share of a new payment. A gateway that cannot pay experts later pays them at once.
pub(crate) fn payout_timing(app: &App, capabilities: Capabilities) -> PayoutTiming {
    match capabilities.supports_transfers {
        true => app.settings.payout_timing,
        false => PayoutTiming::AtPayment,
    }
}
