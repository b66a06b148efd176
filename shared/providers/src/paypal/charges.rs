//! Payments of clients, as orders that are paid to the experts.

use app::payments::ports::{Buyer, Charges, Completion, FetchedPayment, GatewayError, Opened, RefundOrder};
use async_trait::async_trait;
use domain::Money;
use domain::kernel::time::DAY;
use domain::payments::gateway::Capabilities;
use domain::payments::payment::{IntentStatus, Payment, Plan, References, Share};
use domain::payments::payout::PayoutTiming;
use serde::de::IgnoredAny;
use serde_json::json;

use super::client::Request;
use super::convert::{from_paypal, key};
use super::errors::{missing_order, ok_if_done, refused};
use super::hold::HOLD_PERIOD;
use super::snapshot::next_capture_key;
use super::{PayPal, convert, snapshot, wire};

/// How long an authorization can be captured, in seconds
/// (<https://developer.paypal.com/docs/api/payments/v2/#authorizations_reauthorize>).
pub(super) const AUTHORIZATION_LASTS: i64 = 29 * DAY;
/// How long the platform relies on an authorization, in seconds: a day less.
const AUTHORIZATION_VALIDITY: i64 = AUTHORIZATION_LASTS - DAY;
/// How long PayPal guarantees the money of an authorization, in seconds (same page). A later capture may be declined, because the
/// client has spent the money.
const HONOR_PERIOD: i64 = 3 * DAY;
/// How long before the completion of a session it can be paid, in seconds: five days less than the 180 days for which PayPal refunds
/// a payment (<https://developer.paypal.com/api/rest/reference/orders/v2/errors/>, `REFUND_TIME_LIMIT_EXCEEDED`).
const REFUND_PERIOD: i64 = 175 * DAY;

/// The order was already authorized or captured, or is not approved.
const ORDER_DONE: [&str; 3] = ["ORDER_ALREADY_AUTHORIZED", "ORDER_ALREADY_CAPTURED", "ORDER_NOT_APPROVED"];
/// The client's card or bank declined. The client may choose another.
const DECLINED: &str = "INSTRUMENT_DECLINED";
/// The authorization was already captured or voided, or has expired.
const AUTHORIZATION_DONE: [&str; 5] = [
    "AUTHORIZATION_ALREADY_CAPTURED",
    "AUTHORIZATION_EXPIRED",
    "AUTHORIZATION_VOIDED",
    "PREVIOUSLY_CAPTURED",
    "PREVIOUSLY_VOIDED",
];
/// The capture was already refunded, possibly by the expert.
const REFUND_DONE: [&str; 1] = ["CAPTURE_FULLY_REFUNDED"];

#[async_trait]
impl Charges for PayPal {
    /// An authorization can be captured for 29 days, of which PayPal guarantees the money for three. After three days, `capture`
    /// first requests a reauthorization. If the client no longer has the money, the payment is escalated.
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            authorization_validity: AUTHORIZATION_VALIDITY,
            saved_card_authorization_validity: None,
            requires_completion: true,
            supports_transfers: false,
            refunds_after_dispute: true,
            hold_period: self.delayed_disbursement.then_some(HOLD_PERIOD),
            refund_period: Some(REFUND_PERIOD),
        }
    }

    /// Creates an order. A second order, created after PayPal deleted the key of the first, does no harm: the first is never
    /// captured.
    async fn open(&self, payment: &Payment, buyer: &Buyer<'_>) -> Result<Opened, GatewayError> {
        let key = key(payment, "order", payment.intent_number);
        let request = Request::post("/v2/checkout/orders".to_owned(), &convert::order(payment, buyer)?)?;
        let order: wire::Order = self.client.send(&request.once(&key)).await?;
        let pay_with = snapshot::pay_with(&order);
        Ok(Opened {
            references: References { intent: Some(order.id), ..payment.references.clone() },
            pay_with,
        })
    }

    async fn fetch_payment(&self, payment: &Payment) -> Result<FetchedPayment, GatewayError> {
        if let Some(objects) = self.payment_objects(payment).await? {
            let snapshot = snapshot::snapshot(payment, &objects, self.client.access.now())?;
            let pay_with = snapshot::pay_with(&objects.order);
            return Ok(FetchedPayment { snapshot, pay_with, unrecorded_intent: None });
        }
        let mut fetched = FetchedPayment::missing();
        if payment.references.intent.is_some() {
            fetched.snapshot.status = IntentStatus::Cancelled;
        }
        Ok(fetched)
    }

    /// Authorizes or captures the order. If the client's means of payment was declined, PayPal reopens the order.
    async fn complete_approved(&self, payment: &Payment) -> Result<Completion, GatewayError> {
        let Some(id) = &payment.references.intent else { return Ok(Completion::Done) };
        let action = match payment.plan {
            Plan::Authorize => "authorize",
            Plan::Charge | Plan::SaveCard => "capture",
        };
        let key = key(payment, "complete", payment.intent_number);
        let request = Request::post(format!("/v2/checkout/orders/{id}/{action}"), &json!({}))?.once(&key);
        let completed = self.client.send::<IgnoredAny>(&request).await;
        match completed {
            // PayPal reopens the order, so that the client can choose another card. If the order is still approved, the caller
            // must retry later: it would otherwise try again at once, without end.
            Err(failure) if failure.issue() == Some(DECLINED) => match self.order(payment).await? {
                Some(order) if snapshot::status(&order) == IntentStatus::Approved => {
                    Err(GatewayError::Unavailable(
                        "the client's card was declined, and they have yet to choose another".to_owned(),
                    ))
                }
                _ => Ok(Completion::Declined),
            },
            completed => ok_if_done(completed, &ORDER_DONE).map(|_| Completion::Done),
        }
    }

    /// Always refused: PayPal saves no cards for the platform.
    async fn charge_saved_card(&self, _: &Payment, _: Money, _: bool) -> Result<String, GatewayError> {
        Err(refused("cards_not_saved", "this payment gateway saves no cards".to_owned()))
    }

    /// Voids the authorization. An order without one need not be cancelled, and cannot be.
    async fn cancel(&self, payment: &Payment) -> Result<(), GatewayError> {
        let Some(order) = self.order(payment).await? else { return Ok(()) };
        let Some(authorization) = order.authorization() else { return Ok(()) };
        let key = key(payment, "void", payment.intent_number);
        let path = format!("/v2/payments/authorizations/{}/void", authorization.id);
        let request = Request::post(path, &json!({}))?.once(&key).acting_for(&payment.destination);
        let voided = self.client.send::<IgnoredAny>(&request).await;
        ok_if_done(voided, &AUTHORIZATION_DONE).map(|_| ())
    }

    async fn capture(&self, payment: &Payment, amount: Money, fee: Money) -> Result<(), GatewayError> {
        // The client keeps the part that PayPal cannot represent.
        let amount = convert::round_down(amount);
        if amount.is_zero() {
            return self.cancel(payment).await;
        }
        let order = self.order(payment).await?.ok_or_else(missing_order)?;
        if order.is_being_captured() {
            return Ok(());
        }
        let Some(authorization) = self.renew_authorization_if_needed(payment, &order).await? else {
            return Ok(());
        };
        let key = next_capture_key(payment, order.captures().len());
        let body = convert::capture(payment, amount, fee)?;
        let request = Request::post(format!("/v2/payments/authorizations/{authorization}/capture"), &body)?;
        let request = request.once(&key).acting_for(&payment.destination);
        let captured = self.client.send(&request).await;
        let capture: Option<wire::Capture> = ok_if_done(captured, &AUTHORIZATION_DONE)?;
        match capture {
            Some(capture) if matches!(capture.status.as_str(), "DECLINED" | "FAILED") => Err(refused(
                "capture_declined",
                "the client's bank declined the authorized amount".to_owned(),
            )),
            _ => Ok(()),
        }
    }

    /// PayPal does not refund the platform's fee by itself. Its share is computed from PayPal's own breakdown of the capture.
    async fn refund(&self, payment: &Payment, order: RefundOrder) -> Result<(), GatewayError> {
        let key = key(payment, "refund", order.ordinal);
        let paid = self.order(payment).await?.ok_or_else(missing_order)?;
        let no_capture = || refused("nothing_to_refund", "no money was captured for the payment".to_owned());
        let capture = paid.received().ok_or_else(no_capture)?;
        let has_key = |refund: &wire::Refund| refund.invoice_id.as_deref() == Some(&key);
        if paid.payments().is_some_and(|payments| payments.refunds.iter().any(has_key)) {
            return Ok(());
        }
        // The client gets the part that PayPal cannot represent.
        let amount = convert::round_up(order.amount, from_paypal(&capture.amount)?);
        let processing_cost = payment.processing_cost.map_or(0, Money::amount);
        let fee = convert::refunded_fee(capture, &paid.refunds_in_force(), amount, processing_cost)?;
        let body = convert::refund(payment, amount, fee, &key)?;
        let request = Request::post(format!("/v2/payments/captures/{}/refund", capture.id), &body)?;
        let request = request.once(&key).acting_for(&payment.destination);
        let refunded = self.client.send::<IgnoredAny>(&request).await;
        ok_if_done(refunded, &REFUND_DONE).map(|_| ())
    }

    /// Always refused: the platform reaches an expert's money only by refunds ([`Capabilities::supports_transfers`]).
    async fn reverse(&self, _: &Payment, _: Money, _: bool, _: u32) -> Result<(), GatewayError> {
        Err(out_of_reach())
    }

    /// Always refused: the platform cannot pay into an expert's account ([`Capabilities::supports_transfers`]).
    async fn transfer(&self, _: &Payment, _: Money, _: u32) -> Result<(), GatewayError> {
        Err(out_of_reach())
    }

    /// Releases what PayPal holds, if it does. The amount is PayPal's to compute.
    async fn pay_out(&self, payment: &Payment, _: Share, ordinal: u32) -> Result<(), GatewayError> {
        match payment.payout_timing {
            PayoutTiming::AtPayment => Err(out_of_reach()),
            PayoutTiming::AfterSession => self.release(payment, ordinal).await,
        }
    }

    /// Always refused, for the same reason as `reverse`.
    async fn take_back(&self, _: &Payment, _: Share, _: u32) -> Result<(), GatewayError> {
        Err(out_of_reach())
    }
}

impl PayPal {
    /// The id of the authorization to capture. After the honor period, PayPal is asked once to renew the authorization. If it
    /// refuses, the original is returned, and the capture shows whether the client still has the money.
    async fn renew_authorization_if_needed(
        &self,
        payment: &Payment,
        order: &wire::Order,
    ) -> Result<Option<String>, GatewayError> {
        let (Some(original), Some(newest)) = (order.authorization(), order.newest_authorization()) else {
            return Ok(None);
        };
        let honored = self.client.access.now() < original.create_time.0.plus(HONOR_PERIOD);
        if honored || newest.id != original.id {
            return Ok(Some(newest.id.clone()));
        }
        let key = key(payment, "reauthorize", payment.intent_number);
        let path = format!("/v2/payments/authorizations/{}/reauthorize", original.id);
        let request = Request::post(path, &json!({}))?.once(&key).acting_for(&payment.destination);
        match self.client.send::<wire::Authorization>(&request).await {
            Ok(renewed) => Ok(Some(renewed.id)),
            Err(failure) => match failure.into() {
                GatewayError::Refused { code, .. } => {
                    tracing::info!(appointment = %payment.appointment, code, "the authorization was not renewed");
                    Ok(Some(original.id.clone()))
                }
                temporary => Err(temporary),
            },
        }
    }
}

fn out_of_reach() -> GatewayError {
    let message = "this payment gateway lets only the expert move the expert's money";
    refused("out_of_reach", message.to_owned())
}
