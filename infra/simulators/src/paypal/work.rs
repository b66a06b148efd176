//! What an action may use while it runs.

use serde_json::Value;

use super::PayPalSimulatorConfig;
use super::api_error::ApiError;
use super::render::View;
use super::state::{Authorization, Capture, Order, OrderStatus, Refund, Seller, State};
use super::switches::Switches;

/// How long an order that is not completed can be found, in seconds: three hours for the platform to send the
/// payer, and three for the payer to approve and the platform to take the money.
pub(super) const ORDER_LIVES: i64 = 6 * 3600;

/// What an action answers.
pub(super) type Outcome = Result<Answer, ApiError>;

/// An answer that is not an error.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// The object of this id as it is now: in short, unless the caller prefers all of it.
    Object { status: u16, id: String },
    /// 204, unless the caller prefers to see the object of this id.
    Quiet { id: String },
    /// This.
    Body { status: u16, body: Value },
}

/// Who asked. The default is the simulator itself: a page, or the passing of time.
#[derive(Debug, Clone, Default)]
pub(super) struct Caller {
    /// The seller the platform acts for, by the `PayPal-Auth-Assertion` header.
    pub(super) acts_for: Option<String>,
}

pub(super) struct Work<'a> {
    pub(super) state: &'a mut State,
    pub(super) switches: &'a Switches,
    /// Whether anybody listens to webhooks.
    pub(super) announce: bool,
    pub(super) now: i64,
    pub(super) config: &'a PayPalSimulatorConfig,
    pub(super) caller: Caller,
}

impl Work<'_> {
    /// What the API shows.
    pub(super) fn view(&self) -> View<'_> {
        View { state: self.state, config: self.config }
    }

    /// An address of the simulator.
    pub(super) fn address(&self, path: &str) -> String {
        self.config.address(path)
    }

    /// An order, while it can be found.
    pub(super) fn order(&self, id: &str) -> Result<&Order, ApiError> {
        let alive =
            |order: &&Order| order.status == OrderStatus::Completed || order.created + ORDER_LIVES > self.now;
        self.state.orders.get(id).filter(alive).ok_or_else(|| ApiError::not_found(id))
    }

    /// An authorization with its order.
    pub(super) fn authorization(&self, id: &str) -> Result<(Authorization, Order), ApiError> {
        let found = self.state.authorizations.get(id);
        let found = found.and_then(|row| Some((row.clone(), self.state.orders.get(&row.order)?.clone())));
        found.ok_or_else(|| ApiError::not_found(id))
    }

    /// A capture with its order.
    pub(super) fn capture(&self, id: &str) -> Result<(Capture, Order), ApiError> {
        let found = self.state.captures.get(id);
        let found = found.and_then(|row| Some((row.clone(), self.state.orders.get(&row.order)?.clone())));
        found.ok_or_else(|| ApiError::not_found(id))
    }

    /// A refund with its capture's order.
    pub(super) fn refund(&self, id: &str) -> Result<(Refund, Order), ApiError> {
        let refund = self.state.refunds.get(id).cloned().ok_or_else(|| ApiError::not_found(id))?;
        let (_, order) = self.capture(&refund.capture)?;
        Ok((refund, order))
    }

    /// Refuses an assertion that names another seller than the one who is paid. Reading needs none.
    pub(super) fn check_assertion(&self, payee: &str) -> Result<(), ApiError> {
        match &self.caller.acts_for {
            Some(seller) if seller != payee => Err(ApiError::forbidden(
                "The PayPal-Auth-Assertion names another seller than the one who is paid.",
            )),
            _ => Ok(()),
        }
    }

    /// Refuses who does not say, by an assertion, that they act for the seller who is paid, or may not use
    /// this feature for them. The platform's own payments need neither.
    pub(super) fn check_acting_for(&self, payee: &str, feature: &str) -> Result<(), ApiError> {
        self.check_assertion(payee)?;
        if payee == self.config.partner_id {
            return Ok(());
        }
        if self.caller.acts_for.is_none() {
            let description = "A call about a seller's payment names the seller in PayPal-Auth-Assertion.";
            return Err(ApiError::forbidden(description));
        }
        self.seller(payee, feature).map(|_| ())
    }

    /// A seller who lets the platform use this feature.
    pub(super) fn seller(&self, id: &str, feature: &str) -> Result<&Seller, ApiError> {
        let missing = || ApiError::unprocessable("PAYEE_ACCOUNT_INVALID").at("payee/merchant_id", id);
        let seller = self.state.sellers.get(id).ok_or_else(missing)?;
        if seller.features.iter().any(|granted| granted == feature) {
            return Ok(seller);
        }
        Err(ApiError::forbidden(format!("The seller has not granted {feature} to the platform.")))
    }
}
