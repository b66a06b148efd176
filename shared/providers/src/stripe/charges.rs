//! Payments of clients: destination charges, or charges whose money the platform holds and transfers later.

use app::payments::ports::{Buyer, Charges, Completion, FetchedPayment, GatewayError, Opened, RefundOrder};
use async_trait::async_trait;
use domain::Money;
use domain::kernel::time::{DAY, HOUR};
use domain::payments::gateway::Capabilities;
use domain::payments::payment::{Payment, Plan, References, Share};
use stripe_client_core::{RequestBuilder, StripeMethod};
use stripe_core::payment_intent::CancelPaymentIntent;
use stripe_core::setup_intent::CancelSetupIntent;

use super::client::RequestOptions;
use super::convert::{IDEMPOTENCY_KEY_METADATA, charges_saved_card, key, platform_fee, saved_card_key};
use super::errors::{
    UNEXPECTED_INTENT_STATE, UNEXPECTED_SETUP_STATE, not_taken_back, ok_if_done, refused, required,
};
use super::{Stripe, convert, snapshot, wire};

/// How long an authorization by the client is guaranteed to hold, in seconds: a day less than the seven days of most cards
/// (<https://docs.stripe.com/payments/place-a-hold-on-a-payment-method>).
pub(super) const AUTHORIZATION_HOLDS: i64 = 6 * DAY;
/// How long an authorization with a saved card is guaranteed to hold, in seconds: Visa's limit, the shortest (same page).
pub(super) const LATER_AUTHORIZATION_HOLDS: i64 = 4 * DAY + 18 * HOUR;

/// How long the platform holds money, in seconds. Stripe states this limit for the balances of connected accounts in most
/// countries (<https://docs.stripe.com/connect/manual-payouts>).
const HOLD_PERIOD: i64 = 90 * DAY;

#[async_trait]
impl Charges for Stripe {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            authorization_validity: AUTHORIZATION_HOLDS,
            saved_card_authorization_validity: Some(LATER_AUTHORIZATION_HOLDS),
            requires_completion: false,
            supports_transfers: true,
            refunds_after_dispute: false,
            hold_period: Some(HOLD_PERIOD),
            refund_period: None,
        }
    }

    async fn open(&self, payment: &Payment, buyer: &Buyer<'_>) -> Result<Opened, GatewayError> {
        if payment.plan == Plan::SaveCard {
            return self.open_setup(payment, buyer).await;
        }
        let key = key(payment, "intent", payment.intent_number);
        // The first intent is requested within the minutes of a hold. A later request may come after Stripe deleted the key.
        let existing = match payment.intent_number {
            0 | 1 => None,
            _ => self.find_intent(payment, |created_with| created_with == key).await?,
        };
        let intent = match existing {
            Some(intent) => intent,
            None => self.send_once(&convert::new_intent(payment, buyer, &key)?, &key).await?,
        };
        let pay_with = snapshot::pay_with(&intent.status, intent.client_secret.as_ref());
        let references = References { intent: Some(intent.id), ..payment.references.clone() };
        Ok(Opened { references, pay_with })
    }

    async fn fetch_payment(&self, payment: &Payment) -> Result<FetchedPayment, GatewayError> {
        let References { intent, setup, .. } = &payment.references;
        if let Some(intent) = intent {
            return self.fetch_intent(payment, intent, None).await;
        }
        let Some(setup) = setup else {
            return Ok(FetchedPayment::missing());
        };
        let setup = self.setup_intent(setup).await?;
        let snapshot = snapshot::snapshot_of_setup(&setup);
        // Only a card that has been saved can have been charged.
        if setup.status == "succeeded" {
            let next = payment.intent_number.saturating_add(1);
            let charges_it = |key: &str| charges_saved_card(payment, next, key);
            if let Some(intent) = self.find_intent(payment, charges_it).await? {
                return self.fetch_intent(payment, &intent.id, Some(intent.id.clone())).await;
            }
        }
        let pay_with = snapshot::pay_with(&setup.status, setup.client_secret.as_ref());
        Ok(FetchedPayment { snapshot, pay_with, unrecorded_intent: None })
    }

    /// Does nothing: Stripe collects approved payments itself.
    async fn complete_approved(&self, _: &Payment) -> Result<Completion, GatewayError> {
        Ok(Completion::Done)
    }

    async fn charge_saved_card(
        &self,
        payment: &Payment,
        amount: Money,
        at_once: bool,
    ) -> Result<String, GatewayError> {
        let key = saved_card_key(payment, payment.intent_number);
        let setup = required(payment.references.setup.as_ref(), "saved card")?;
        let method = self.setup_intent(&setup).await?.payment_method;
        let method = method.as_ref().and_then(wire::Expandable::object).map(|method| method.id.as_str());
        let method = method.ok_or_else(|| refused("no_saved_card", format!("{setup} has no card")))?;
        let intent = convert::new_off_session_intent(payment, amount, at_once, method, &key)?;
        match self.send_once::<wire::ObjectId>(&intent, &key).await {
            Ok(intent) => Ok(intent.id),
            Err(failure) => match failure.declined_intent() {
                Some(intent) => Ok(intent.to_owned()),
                None => Err(failure.into()),
            },
        }
    }

    /// Uses no idempotency keys: cancelling twice is harmless, and a replayed response would hide the intent's current state.
    async fn cancel(&self, payment: &Payment) -> Result<(), GatewayError> {
        if let Some(intent) = &payment.references.intent {
            let cancelled = self.send(&CancelPaymentIntent::new(intent.as_str())).await;
            ok_if_done(cancelled, UNEXPECTED_INTENT_STATE)?;
        }
        if let Some(setup) = &payment.references.setup {
            let cancelled = self.send(&CancelSetupIntent::new(setup.as_str())).await;
            ok_if_done(cancelled, UNEXPECTED_SETUP_STATE)?;
            self.detach_card(setup).await?;
        }
        Ok(())
    }

    async fn capture(&self, payment: &Payment, amount: Money, fee: Money) -> Result<(), GatewayError> {
        let intent = required(payment.references.intent.as_ref(), "intent")?;
        let key = key(payment, "capture", payment.intent_number);
        let capture = convert::capture(payment, &intent, amount, fee, &key)?;
        ok_if_done(self.send_once(&capture, &key).await, UNEXPECTED_INTENT_STATE)
    }

    async fn refund(&self, payment: &Payment, order: RefundOrder) -> Result<(), GatewayError> {
        let intent = required(payment.references.intent.as_ref(), "intent")?;
        let key = key(payment, "refund", order.ordinal);
        let objects = self.payment_objects(payment, &intent).await?;
        if objects.refunds().iter().any(|refund| refund.metadata.get(IDEMPOTENCY_KEY_METADATA) == Some(&key))
        {
            return Ok(());
        }
        let amount = convert::to_stripe(order.amount)?;
        // A refund reverses only the charge's own transfer. If a dispute reversed that one, the expert was paid by a later
        // transfer, from which the caller takes the expert's share with a separate order.
        let own = objects.own_transfer();
        let left = own.map_or(0, |transfer| transfer.amount - transfer.amount_reversed);
        let from_expert = order.from_expert && left >= amount;
        let fee_left = objects.application_fee().map_or(0, |fee| fee.amount - fee.amount_refunded);
        let with_fee = from_expert && fee_left > 0;
        let refund = convert::new_refund(payment, &intent, order.amount, from_expert, with_fee, &key)?;
        match self.send_once::<wire::Ignored>(&refund, &key).await {
            Ok(_) => Ok(()),
            Err(failure) if from_expert => Err(not_taken_back(failure)),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn reverse(
        &self,
        payment: &Payment,
        amount: Money,
        with_fee: bool,
        ordinal: u32,
    ) -> Result<(), GatewayError> {
        let intent = required(payment.references.intent.as_ref(), "intent")?;
        let key = key(payment, "reversal", ordinal);
        let mut objects = self.payment_objects(payment, &intent).await?;
        let own = objects.own_transfer().map(|transfer| transfer.id.clone());
        let transfers = self.with_later_transfers(payment, std::mem::take(&mut objects.transfers)).await?;
        let mut reversals = transfers.iter().flat_map(|transfer| &transfer.reversals.data);
        if reversals.any(|reversal| reversal.metadata.get(IDEMPOTENCY_KEY_METADATA) == Some(&key)) {
            return Ok(());
        }
        let wanted = convert::to_stripe(amount)?;
        let transfer = transfer_to_reverse(&transfers, wanted, &intent)?;
        let fee_left = objects.application_fee().map_or(0, |fee| fee.amount - fee.amount_refunded);
        let with_fee = with_fee && own.as_ref() == Some(&transfer.id) && fee_left > 0;
        let part = wanted.min(left(transfer));
        let reversal = convert::new_reversal(payment, &transfer.id, (part, 0), with_fee, &key);
        self.send_once::<wire::Ignored>(&reversal, &key).await.map(|_| ()).map_err(not_taken_back)
    }

    async fn transfer(&self, payment: &Payment, amount: Money, ordinal: u32) -> Result<(), GatewayError> {
        let key = key(payment, "transfer", ordinal);
        let existing = self.with_later_transfers(payment, Vec::new()).await?;
        if existing.iter().any(|transfer| transfer.metadata.get(IDEMPOTENCY_KEY_METADATA) == Some(&key)) {
            return Ok(());
        }
        let share = Share { amount, fee: amount.zero() };
        let transfer = convert::new_transfer(payment, share, None, &key)?;
        let _: wire::Ignored = self.send_once(&transfer, &key).await?;
        Ok(())
    }

    async fn pay_out(&self, payment: &Payment, share: Share, ordinal: u32) -> Result<(), GatewayError> {
        let intent = required(payment.references.intent.as_ref(), "intent")?;
        let key = key(payment, "transfer", ordinal);
        let objects = self.payment_objects(payment, &intent).await?;
        let mut sent = objects.transfers.iter().map(|transfer| &transfer.metadata);
        if sent.any(|metadata| metadata.get(IDEMPOTENCY_KEY_METADATA) == Some(&key)) {
            return Ok(());
        }
        // A charge pays for transfers of no more than its amount, even before its money is available. What a dispute or a
        // reversal brought back is in the platform's balance.
        let charge = objects.charge.as_ref();
        let source = charge.filter(|charge| !charge.disputed && objects.transfers.is_empty());
        let source = source.map(|charge| charge.id.as_str());
        let transfer = convert::new_transfer(payment, share, source, &key)?;
        let _: wire::Ignored = self.send_once(&transfer, &key).await?;
        Ok(())
    }

    async fn take_back(&self, payment: &Payment, share: Share, ordinal: u32) -> Result<(), GatewayError> {
        let intent = required(payment.references.intent.as_ref(), "intent")?;
        let key = key(payment, "reversal", ordinal);
        let objects = self.payment_objects(payment, &intent).await?;
        let mut reversals = objects.transfers.iter().flat_map(|transfer| &transfer.reversals.data);
        if reversals.any(|reversal| reversal.metadata.get(IDEMPOTENCY_KEY_METADATA) == Some(&key)) {
            return Ok(());
        }
        let wanted = convert::to_stripe(share.net())?;
        let transfer = transfer_to_reverse(&objects.transfers, wanted, &intent)?;
        let part = if left(transfer) >= wanted {
            (wanted, convert::to_stripe(share.fee)?)
        } else {
            let reversed = transfer.reversals.data.iter().map(|reversal| platform_fee(&reversal.metadata));
            (left(transfer), platform_fee(&transfer.metadata).saturating_sub(reversed.sum()).max(0))
        };
        let reversal = convert::new_reversal(payment, &transfer.id, part, false, &key);
        self.send_once::<wire::Ignored>(&reversal, &key).await.map(|_| ()).map_err(not_taken_back)
    }
}

/// What is left of a transfer.
fn left(transfer: &wire::Transfer) -> i64 {
    transfer.amount - transfer.amount_reversed
}

/// The newest transfer that has `wanted` left. If none has, the one with the most left; the caller then sees the remaining amount
/// in the next snapshot and orders another reversal.
///
/// # Errors
/// If no transfer has anything left.
fn transfer_to_reverse<'a>(
    transfers: &'a [wire::Transfer],
    wanted: i64,
    intent: &str,
) -> Result<&'a wire::Transfer, GatewayError> {
    let enough = transfers.iter().filter(|transfer| left(transfer) >= wanted);
    let chosen = enough.max_by_key(|transfer| transfer.created);
    let chosen = chosen.or_else(|| transfers.iter().max_by_key(|transfer| left(transfer)));
    chosen.filter(|transfer| left(transfer) > 0).ok_or_else(|| {
        let message = format!("the expert has nothing left of {intent}");
        refused("nothing_to_reverse", message)
    })
}

impl Stripe {
    async fn fetch_intent(
        &self,
        payment: &Payment,
        intent: &str,
        unrecorded_intent: Option<String>,
    ) -> Result<FetchedPayment, GatewayError> {
        let objects = self.payment_objects(payment, intent).await?;
        let pay_with = snapshot::pay_with(&objects.intent.status, objects.intent.client_secret.as_ref());
        Ok(FetchedPayment { snapshot: snapshot::snapshot(payment, &objects)?, pay_with, unrecorded_intent })
    }

    /// Creates a customer, and a setup intent with which the client saves a card.
    async fn open_setup(&self, payment: &Payment, buyer: &Buyer<'_>) -> Result<Opened, GatewayError> {
        let customer_key = key(payment, "customer", payment.intent_number);
        let customer = convert::new_customer(payment, buyer, &customer_key);
        let customer: wire::ObjectId = self.send_once(&customer, &customer_key).await?;
        let setup_key = key(payment, "setup", payment.intent_number);
        let setup = convert::new_setup(payment, buyer, &customer.id, &setup_key);
        let setup: wire::SetupIntent = self.send_once(&setup, &setup_key).await?;
        let pay_with = snapshot::pay_with(&setup.status, setup.client_secret.as_ref());
        let references = References { setup: Some(setup.id), customer: Some(customer.id), intent: None };
        Ok(Opened { references, pay_with })
    }

    /// Detaches the saved card from its customer, so that it can never be charged again.
    async fn detach_card(&self, setup: &str) -> Result<(), GatewayError> {
        let setup = self.setup_intent(setup).await?;
        let method = setup.payment_method.as_ref().and_then(wire::Expandable::object);
        let Some(method) = method.filter(|method| setup.status == "succeeded" && method.customer.is_some())
        else {
            return Ok(());
        };
        // The request has no parameters, so async-stripe's builder would check nothing.
        let detach =
            RequestBuilder::new(StripeMethod::Post, format!("/payment_methods/{}/detach", method.id));
        let _: wire::Ignored = self.execute(detach, RequestOptions::default()).await?;
        Ok(())
    }
}
