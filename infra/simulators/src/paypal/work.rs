//! What API calls use and return.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::PayPal;
use super::api_error::ApiError;
use super::render::View;
use super::state::{Authorization, Capture, Dispute, Order, OrderStatus, Refund, Seller};

/// How long an order that is not completed can be found, in seconds: three hours for the platform to send the
/// payer, and three for the payer to approve and the platform to complete it.
pub(super) const ORDER_LIVES: i64 = 6 * 3600;

/// What an action uses.
pub(super) type Work<'a> = crate::simulator::Work<'a, PayPal>;

/// The result of an action.
pub(super) type Outcome = Result<Success, ApiError>;

/// A response without an error.
#[derive(Debug, Clone)]
pub(super) enum Success {
    /// The object with this id as it is now: in short, unless the caller prefers all of it.
    Object { status: u16, id: String },
    /// 204, unless the caller prefers to see the object with this id.
    NoContent { id: String },
    /// This body.
    Body { status: u16, body: Value },
}

/// What a repeated request gets: the object of the first one, with status 200 or 204.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Repeated {
    id: String,
    no_content: bool,
}

impl Repeated {
    /// What to store of a response; `None` when it is not about an object.
    pub(super) fn of(response: &Success) -> Option<Self> {
        match response {
            Success::Object { id, .. } => Some(Self { id: id.clone(), no_content: false }),
            Success::NoContent { id } => Some(Self { id: id.clone(), no_content: true }),
            Success::Body { .. } => None,
        }
    }

    pub(super) fn response(&self) -> Success {
        let id = self.id.clone();
        if self.no_content { Success::NoContent { id } } else { Success::Object { status: 200, id } }
    }
}

/// Who makes a call. The default is the simulator itself: a page, or time passing.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The seller that the platform acts for, from the `PayPal-Auth-Assertion` header.
    pub(super) acts_for: Option<String>,
}

impl Work<'_> {
    /// The state as the API shows it.
    pub(super) fn view(&self) -> View<'_> {
        View { state: self.state, config: &self.service.config }
    }

    /// An order, while it can be found.
    pub(super) fn order(&self, id: &str) -> Result<&Order, ApiError> {
        let alive =
            |order: &&Order| order.status == OrderStatus::Completed || order.created + ORDER_LIVES > self.now;
        self.state.orders.get(id).filter(alive).ok_or_else(|| ApiError::not_found(id))
    }

    /// An authorization with its order.
    pub(super) fn authorization(&self, id: &str) -> Result<(Authorization, Order), ApiError> {
        self.with_order(self.state.authorizations.get(id), id, |row| &row.order)
    }

    /// A capture with its order.
    pub(super) fn capture(&self, id: &str) -> Result<(Capture, Order), ApiError> {
        self.with_order(self.state.captures.get(id), id, |row| &row.order)
    }

    /// A refund with its order.
    pub(super) fn refund(&self, id: &str) -> Result<(Refund, Order), ApiError> {
        self.with_order(self.state.refunds.get(id), id, |row| &row.order)
    }

    /// A dispute with its order.
    pub(super) fn dispute(&self, id: &str) -> Result<(Dispute, Order), ApiError> {
        self.with_order(self.state.disputes.get(id), id, |row| &row.order)
    }

    fn with_order<T: Clone>(
        &self,
        row: Option<&T>,
        id: &str,
        order: impl FnOnce(&T) -> &str,
    ) -> Result<(T, Order), ApiError> {
        let found = row.and_then(|row| Some((row.clone(), self.state.orders.get(order(row))?.clone())));
        found.ok_or_else(|| ApiError::not_found(id))
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

    /// Refuses a caller who does not name the seller in an assertion, or whom the seller has not granted this
    /// feature. The platform's own payments need neither.
    pub(super) fn check_acting_for(&self, payee: &str, feature: &str) -> Result<(), ApiError> {
        self.check_assertion(payee)?;
        if payee == self.service.config.partner_id {
            return Ok(());
        }
        if self.caller.acts_for.is_none() {
            let description = "A call about a seller's payment names the seller in PayPal-Auth-Assertion.";
            return Err(ApiError::forbidden(description));
        }
        self.seller(payee, feature).map(|_| ())
    }

    /// A seller who has granted this feature to the platform.
    pub(super) fn seller(&self, id: &str, feature: &str) -> Result<&Seller, ApiError> {
        let missing = || ApiError::unprocessable("PAYEE_ACCOUNT_INVALID").at("payee/merchant_id", id);
        let seller = self.state.sellers.get(id).ok_or_else(missing)?;
        if seller.features.iter().any(|granted| granted == feature) {
            return Ok(seller);
        }
        Err(ApiError::forbidden(format!("The seller has not granted {feature} to the platform.")))
    }
}
