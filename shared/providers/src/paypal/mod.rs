//! Payments by PayPal for marketplaces: orders that are paid to the experts, with the platform's fee kept back
//! (<https://developer.paypal.com/docs/multiparty/>).
//!
//! PayPal waits for us to take what a client approved, so an order that nobody takes costs nobody anything and vanishes by itself.
//! An expert's money is theirs as soon as it is taken: the platform reaches it by refunds alone, and PayPal takes what is
//! disputed from the expert. Orders carry the appointment, and refunds the idempotency key too: PayPal forgets keys, and an
//! effect may be owed for longer.

mod auth;
mod client;
mod convert;
mod errors;
mod snapshot;
mod webhook;
mod wire;

use std::sync::Arc;

use app::payments::ports::{
    AccountState, BookLine, Buyer, FetchedPayment, OnboardingPage, Opened, PaymentError, PaymentGateway,
    RefundOrder, WebhookError, WebhookEvent, WebhookSubject,
};
use app::ports::{Clock, PortError, Secrets};
use async_trait::async_trait;
use domain::kernel::time::{DAY, HOUR};
use domain::payments::gateway::Capabilities;
use domain::payments::ledger::Movement;
use domain::payments::payment::{IntentStatus, Payment, Plan, References};
use domain::{ExpertId, Money, TimeSpan, Timestamp};
use reqwest::Url;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::json;

use auth::Access;
use client::{Call, Client};
use convert::{from_paypal, key};
use errors::Failure;
use snapshot::{Found, next_capture_key};
use webhook::{Question, Told};

/// How long an authorisation can be captured, in seconds
/// (<https://developer.paypal.com/docs/api/payments/v2/#authorizations_reauthorize>).
const AUTHORISATION_LASTS: i64 = 29 * DAY;
/// What of that a session may need, in seconds: a day less.
const AUTHORISATION_HOLDS: i64 = AUTHORISATION_LASTS - DAY;
/// How long PayPal vouches for the money of an authorisation, in seconds (same page). What is captured later may be declined,
/// because the client has spent the money.
const HONOUR_PERIOD: i64 = 3 * DAY;
/// How long an invitation is said to work, in seconds. PayPal does not say; another is free.
const INVITATION_WORKS: i64 = HOUR;

/// The address of the API is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not the URL of PayPal's API")]
pub struct InvalidAddress(String);

/// PayPal.
pub struct PayPal {
    client: Client,
}

impl PayPal {
    /// PayPal at `api_base` (`https://api-m.paypal.com/`), with the keys in the secret `secret_id`, which is read when it is first
    /// needed: `{"client_id": "…", "client_secret": "…", "partner_id": "…", "webhook_id": "…"}`. With an empty secret PayPal is
    /// not set up, and everything that needs it answers so.
    ///
    /// # Errors
    /// When the address is not one.
    pub fn new(
        http: reqwest::Client,
        secrets: Arc<dyn Secrets>,
        secret_id: impl Into<String>,
        api_base: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, InvalidAddress> {
        let base: Url = api_base.parse().map_err(|_| InvalidAddress(api_base.to_owned()))?;
        Ok(Self { client: Client::new(http, base, Access::new(secrets, secret_id.into(), clock)) })
    }

    async fn get<T: DeserializeOwned>(&self, path: String) -> Result<T, Failure> {
        self.client.send(&Call::get(path)).await
    }

    /// The order of a payment; none when it is gone, as those are that nobody approved or took for six hours.
    async fn order(&self, payment: &Payment) -> Result<Option<wire::Order>, Failure> {
        let Some(id) = &payment.references.intent else { return Ok(None) };
        match self.get(format!("/v2/checkout/orders/{id}")).await {
            Ok(order) => Ok(Some(order)),
            Err(failure) if failure.is_missing() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// An order with everything that hangs on it.
    ///
    /// One request; one more once money came, and one more for each dispute.
    async fn found(&self, payment: &Payment) -> Result<Option<Found>, Failure> {
        let Some(order) = self.order(payment).await? else { return Ok(None) };
        let disputes = match order.received() {
            Some(capture) => self.disputes(&payment.destination, &capture.id).await?,
            None => Vec::new(),
        };
        Ok(Some(Found { order, disputes }))
    }

    async fn disputes(&self, seller: &str, capture: &str) -> Result<Vec<wire::Dispute>, Failure> {
        let list = Call::get("/v1/customer/disputes".to_owned()).with("disputed_transaction_id", capture);
        let listed: wire::Disputes = self.client.send(&list.acting_for(seller)).await?;
        let mut disputes = Vec::new();
        for wire::DisputeSummary { dispute_id } in listed.items {
            let whole = Call::get(format!("/v1/customer/disputes/{dispute_id}")).acting_for(seller);
            disputes.push(self.client.send(&whole).await?);
        }
        Ok(disputes)
    }

    /// Has PayPal vouch for the money again when it does not any more, which it does once, and answers what to capture. When the
    /// client cannot be vouched for, the capture will tell.
    async fn vouched_for(
        &self,
        payment: &Payment,
        order: &wire::Order,
    ) -> Result<Option<String>, PaymentError> {
        let (Some(given), Some(newest)) = (order.authorisation(), order.newest_authorisation()) else {
            return Ok(None);
        };
        let honoured = self.client.access.now() < given.create_time.0.plus(HONOUR_PERIOD);
        if honoured || newest.id != given.id {
            return Ok(Some(newest.id.clone()));
        }
        let key = key(payment, "reauthorise", payment.intents);
        let path = format!("/v2/payments/authorizations/{}/reauthorize", given.id);
        let call = Call::post(path, &json!({}))?.once(&key).acting_for(&payment.destination);
        match self.client.send::<wire::Authorization>(&call).await {
            Ok(renewed) => Ok(Some(renewed.id)),
            Err(failure) => match failure.into() {
                PaymentError::Refused { code, .. } => {
                    tracing::info!(appointment = %payment.appointment, code, "the authorisation was not renewed");
                    Ok(Some(given.id.clone()))
                }
                passing => Err(passing),
            },
        }
    }

    /// The tracking id of an expert: what we named them when they were invited.
    async fn tracking_id(&self, account: &str) -> Result<String, PaymentError> {
        if account.parse::<ExpertId>().is_ok() {
            return Ok(account.to_owned());
        }
        let seller: wire::Seller = self.get(self.seller_path(account).await?).await?;
        let missing =
            || refused("no_tracking_id", "the account was not opened by an invitation of ours".to_owned());
        seller.tracking_id.ok_or_else(missing)
    }

    async fn sellers_path(&self) -> Result<String, Failure> {
        let keys = self.client.session().await?.keys;
        Ok(format!("/v1/customer/partners/{}/merchant-integrations", keys.partner_id))
    }

    async fn seller_path(&self, merchant: &str) -> Result<String, Failure> {
        Ok(format!("{}/{merchant}", self.sellers_path().await?))
    }

    /// The merchant id of an expert who agreed to an invitation.
    async fn merchant_of(&self, tracking_id: &str) -> Result<Option<String>, Failure> {
        let call = Call::get(self.sellers_path().await?).with("tracking_id", tracking_id);
        match self.client.send::<wire::FoundSeller>(&call).await {
            Ok(found) => Ok(Some(found.merchant_id)),
            Err(failure) if failure.is_missing() => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

fn refused(code: &str, message: String) -> PaymentError {
    PaymentError::Refused { code: code.to_owned(), message }
}

fn gone() -> PaymentError {
    refused("missing_order", "the order of the payment does not exist any more".to_owned())
}

/// An order that comes too late, because what it asks for was done or has become impossible, is none; the caller looks again.
fn unless_over<T>(done: Result<T, Failure>, over: &[&str]) -> Result<Option<T>, PaymentError> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(failure) if failure.is_missing() => Ok(None),
        Err(failure) if failure.issue().is_some_and(|issue| over.contains(&issue)) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

const ORDER_OVER: [&str; 3] = ["ORDER_ALREADY_AUTHORIZED", "ORDER_ALREADY_CAPTURED", "ORDER_NOT_APPROVED"];
/// The client's card or bank said no, and they may choose another.
const DECLINED: &str = "INSTRUMENT_DECLINED";
const AUTHORISATION_OVER: [&str; 5] = [
    "AUTHORIZATION_ALREADY_CAPTURED",
    "AUTHORIZATION_EXPIRED",
    "AUTHORIZATION_VOIDED",
    "PREVIOUSLY_CAPTURED",
    "PREVIOUSLY_VOIDED",
];
/// Somebody else may have given everything back.
const REFUND_OVER: [&str; 1] = ["CAPTURE_FULLY_REFUNDED"];

#[async_trait]
impl PaymentGateway for PayPal {
    /// An authorisation can be captured for 29 days, of which PayPal vouches for three. After them it is renewed when the money is
    /// taken, and the client may not have it any more: then it waits for a person.
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            authorisation_holds: AUTHORISATION_HOLDS,
            later_authorisation_holds: None,
            waits_for_collection: true,
            reaches_experts: false,
            refunds_after_dispute: true,
        }
    }

    /// PayPal opens an account when the expert agrees. Until then it is known by the expert's own id.
    async fn create_account(&self, expert: ExpertId) -> Result<AccountState, PaymentError> {
        self.read_account(&expert.to_string()).await
    }

    async fn read_account(&self, account: &str) -> Result<AccountState, PaymentError> {
        let merchant = if account.parse::<ExpertId>().is_ok() {
            match self.merchant_of(account).await? {
                Some(merchant) => merchant,
                None => return Ok(convert::invited(account)),
            }
        } else {
            account.to_owned()
        };
        match self.get::<wire::Seller>(self.seller_path(&merchant).await?).await {
            Ok(seller) => Ok(convert::seller(seller, &self.client.session().await?.keys.client_id)),
            Err(failure) if failure.is_missing() => Ok(convert::gone(&merchant)),
            Err(failure) => Err(failure.into()),
        }
    }

    /// An invitation. It has no idempotency key at PayPal, and one too many does no harm.
    async fn onboarding_page(
        &self,
        account: &str,
        return_url: &str,
        _: &str,
    ) -> Result<OnboardingPage, PaymentError> {
        let referral = convert::referral(&self.tracking_id(account).await?, return_url);
        let call = Call::post("/v2/customer/partner-referrals".to_owned(), &referral)?;
        let referral: wire::Referral = self.client.send(&call).await?;
        let page = wire::link(&referral.links, "action_url");
        let missing = || PaymentError::Unavailable("PayPal made an invitation without a page".to_owned());
        let url = page.ok_or_else(missing)?.to_owned();
        Ok(OnboardingPage { url, expires_at: self.client.access.now().plus(INVITATION_WORKS) })
    }

    /// An order that is made anew because PayPal forgot the key of the first does no harm: nobody ever takes the other.
    async fn open(&self, payment: &Payment, buyer: &Buyer<'_>) -> Result<Opened, PaymentError> {
        let key = key(payment, "order", payment.intents);
        let call = Call::post("/v2/checkout/orders".to_owned(), &convert::order(payment, buyer)?)?;
        let order: wire::Order = self.client.send(&call.once(&key)).await?;
        let pay_with = snapshot::pay_with(&order);
        Ok(Opened {
            references: References { intent: Some(order.id), ..payment.references.clone() },
            pay_with,
        })
    }

    async fn fetch_payment(&self, payment: &Payment) -> Result<FetchedPayment, PaymentError> {
        if let Some(found) = self.found(payment).await? {
            let (snapshot, pay_with) =
                (snapshot::snapshot(payment, &found)?, snapshot::pay_with(&found.order));
            return Ok(FetchedPayment { snapshot, pay_with, unrecorded_intent: None });
        }
        let mut fetched = FetchedPayment::missing();
        if payment.references.intent.is_some() {
            fetched.snapshot.status = IntentStatus::Cancelled;
        }
        Ok(fetched)
    }

    async fn collect_approved(&self, payment: &Payment) -> Result<(), PaymentError> {
        let Some(id) = &payment.references.intent else { return Ok(()) };
        let action = match payment.plan {
            Plan::Authorise => "authorize",
            Plan::Charge | Plan::SaveCard => "capture",
        };
        let key = key(payment, "take", payment.intents);
        let call = Call::post(format!("/v2/checkout/orders/{id}/{action}"), &json!({}))?.once(&key);
        let taken = self.client.send::<IgnoredAny>(&call).await;
        match taken {
            // The order is open again, so that the client can choose another card. Were it not, we would ask without end.
            Err(failure) if failure.issue() == Some(DECLINED) => match self.order(payment).await? {
                Some(order) if snapshot::status(&order) == IntentStatus::Approved => {
                    Err(PaymentError::Unavailable(
                        "the client's card was declined, and they have yet to choose another".to_owned(),
                    ))
                }
                _ => Ok(()),
            },
            taken => unless_over(taken, &ORDER_OVER).map(|_| ()),
        }
    }

    /// PayPal saves no cards for us.
    async fn use_saved_card(&self, _: &Payment, _: Money, _: bool) -> Result<String, PaymentError> {
        Err(refused("cards_not_saved", "this payment gateway saves no cards".to_owned()))
    }

    /// Lets go of what is set aside. An order that is not taken needs no cancelling, and knows none.
    async fn cancel(&self, payment: &Payment) -> Result<(), PaymentError> {
        let Some(order) = self.order(payment).await? else { return Ok(()) };
        let Some(given) = order.authorisation() else { return Ok(()) };
        let key = key(payment, "void", payment.intents);
        let call = Call::post(format!("/v2/payments/authorizations/{}/void", given.id), &json!({}))?;
        let call = call.once(&key).acting_for(&payment.destination);
        unless_over(self.client.send::<IgnoredAny>(&call).await, &AUTHORISATION_OVER).map(|_| ())
    }

    async fn capture(&self, payment: &Payment, amount: Money, fee: Money) -> Result<(), PaymentError> {
        // What PayPal cannot show of the amount stays the client's.
        let amount = convert::down(amount);
        if amount.is_zero() {
            return self.cancel(payment).await;
        }
        let order = self.order(payment).await?.ok_or_else(gone)?;
        if order.is_being_captured() {
            return Ok(());
        }
        let Some(authorisation) = self.vouched_for(payment, &order).await? else { return Ok(()) };
        let key = next_capture_key(payment, order.captures().len());
        let body = convert::capture(amount, fee)?;
        let call = Call::post(format!("/v2/payments/authorizations/{authorisation}/capture"), &body)?;
        let call = call.once(&key).acting_for(&payment.destination);
        let capture: Option<wire::Capture> = unless_over(self.client.send(&call).await, &AUTHORISATION_OVER)?;
        match capture {
            Some(capture) if matches!(capture.status.as_str(), "DECLINED" | "FAILED") => Err(refused(
                "capture_declined",
                "the client's bank declined what had been set aside".to_owned(),
            )),
            _ => Ok(()),
        }
    }

    /// PayPal does not work the platform's fee out by itself, and we do it by PayPal's own books.
    async fn refund(&self, payment: &Payment, order: RefundOrder) -> Result<(), PaymentError> {
        let key = key(payment, "refund", order.ordinal);
        let found = self.order(payment).await?.ok_or_else(gone)?;
        let nothing = || refused("nothing_to_refund", "no money was taken for the payment".to_owned());
        let capture = found.received().ok_or_else(nothing)?;
        let ours = |refund: &wire::Refund| refund.invoice_id.as_deref() == Some(&key);
        if found.payments().is_some_and(|payments| payments.refunds.iter().any(ours)) {
            return Ok(());
        }
        // What PayPal cannot show of the amount is given to the client.
        let amount = convert::up(order.amount, from_paypal(&capture.amount)?);
        let fee = convert::fee_back(capture, &found.refunds_in_force(), amount)?;
        let body = convert::refund(payment, amount, fee, &key)?;
        let call = Call::post(format!("/v2/payments/captures/{}/refund", capture.id), &body)?;
        let call = call.once(&key).acting_for(&payment.destination);
        unless_over(self.client.send::<IgnoredAny>(&call).await, &REFUND_OVER).map(|_| ())
    }

    /// The platform reaches an expert's money by refunds alone ([`Capabilities::reaches_experts`]).
    async fn reverse(&self, _: &Payment, _: Money, _: bool, _: u32) -> Result<(), PaymentError> {
        Err(out_of_reach())
    }

    /// The platform puts no money into an expert's account ([`Capabilities::reaches_experts`]).
    async fn transfer(&self, _: &Payment, _: Money, _: u32) -> Result<(), PaymentError> {
        Err(out_of_reach())
    }

    /// None: what an expert receives is theirs at once, and PayPal does not tell us when they send it to their bank.
    async fn payouts(&self, _: &str) -> Result<Vec<Movement>, PaymentError> {
        Ok(Vec::new())
    }

    /// None: PayPal's books are those of Transaction Search, a product apart from orders, and show the platform's own account
    /// hours late. Each look at an order compares its ledger with PayPal's word instead.
    fn keeps_books(&self) -> bool {
        false
    }

    async fn book_lines(&self, _: TimeSpan) -> Result<Vec<BookLine>, PaymentError> {
        Ok(Vec::new())
    }

    async fn read_webhook(
        &self,
        headers: &(dyn for<'a> Fn(&'a str) -> Option<String> + Sync),
        body: &[u8],
        now: Timestamp,
    ) -> Result<WebhookEvent, WebhookError> {
        let mut question = Question::subject(headers, body, now)?;
        let (id, told) = webhook::read(body)?;
        let session = self.client.session().await.map_err(unanswered)?;
        question.webhook_id = session.keys.webhook_id.clone();
        let path = "/v1/notifications/verify-webhook-signature".to_owned();
        let call = Call::post(path, &question).map_err(unanswered)?;
        match self.client.send::<wire::Verification>(&call).await {
            Ok(verification) if verification.verification_status == "SUCCESS" => {}
            Ok(_) => return Err(WebhookError::Signature),
            Err(failure) => {
                return Err(match failure.into() {
                    // Headers that PayPal cannot even read.
                    PaymentError::Refused { .. } => WebhookError::Signature,
                    passing => PortError(passing.to_string()).into(),
                });
            }
        }
        let subject = match told {
            Told::WebhookSubject(subject) => subject,
            Told::Capture(capture) => {
                match self.get::<wire::Capture>(format!("/v2/payments/captures/{capture}")).await {
                    Ok(capture) => webhook::payment_named(capture.custom_id.as_deref()),
                    // What PayPal does not know any more is nothing of ours.
                    Err(failure) if failure.is_missing() => WebhookSubject::Nothing,
                    Err(failure) => return Err(unanswered(failure)),
                }
            }
        };
        Ok(WebhookEvent { id, subject })
    }
}

fn unanswered(failure: Failure) -> WebhookError {
    PortError(PaymentError::from(failure).to_string()).into()
}

fn out_of_reach() -> PaymentError {
    refused(
        "out_of_reach",
        "this payment gateway lets nobody but the expert move the expert's money".to_owned(),
    )
}
