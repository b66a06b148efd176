//! Reads the objects of a payment, and lists, with as few requests as possible.

use domain::TimeSpan;
use domain::payments::payment::Payment;
use stripe_client_core::{RequestBuilder, StripeRequest};
use stripe_connect::application_fee_refund::ListIdApplicationFeeRefund;
use stripe_connect::transfer::ListTransfer;
use stripe_connect::transfer_reversal::ListIdTransferReversal;
use stripe_core::balance_transaction::ListBalanceTransaction;
use stripe_core::dispute::ListDispute;
use stripe_core::payment_intent::{ListPaymentIntent, RetrievePaymentIntent};
use stripe_core::payout::ListPayout;
use stripe_core::refund::ListRefund;
use stripe_core::setup_intent::RetrieveSetupIntent;
use stripe_types::{RangeBoundsTs, RangeQueryTs};

use super::Stripe;
use super::client::RequestOptions;
use super::convert::IDEMPOTENCY_KEY_METADATA;
use super::errors::Failure;
use super::snapshot::PaymentObjects;
use super::wire::{
    BalanceTransaction, Dispute, Expandable, FeeRefund, List, Listed, PaymentIntent, Payout, Refund,
    SetupIntent, Transfer,
};

/// Maximum number of objects on a page.
const PAGE: i64 = 100;

/// The members of an intent to expand. Stripe expands at most four levels.
const EXPANDED: [&str; 5] = [
    "latest_charge.application_fee",
    "latest_charge.balance_transaction",
    "latest_charge.refunds",
    "latest_charge.refunds.data.failure_balance_transaction",
    "latest_charge.transfer",
];

impl Stripe {
    /// An intent with its charge, transfers, refunds, fee and disputes.
    ///
    /// Takes one request. Takes one more if the charge was disputed, one more if money may have been transferred to the expert
    /// later, and one more for each list with more than the ten entries that come with its object.
    pub(super) async fn payment_objects(
        &self,
        payment: &Payment,
        intent: &str,
    ) -> Result<PaymentObjects, Failure> {
        let request = RetrievePaymentIntent::new(intent).expand(EXPANDED.map(str::to_owned));
        let mut objects = PaymentObjects::from_intent(self.send(&request).await?)?;
        let intent = objects.intent.id.clone();
        let Some(charge) = &mut objects.charge else { return Ok(objects) };
        if let Some(start) = charge.refunds.take() {
            charge.refunds = Some(self.all_refunds(&intent, start).await?);
        }
        if let Some(Expandable::Object(fee)) = &mut charge.application_fee {
            let start = std::mem::take(&mut fee.refunds);
            fee.refunds = self.all_fee_refunds(&fee.id, start).await?;
        }
        if charge.disputed {
            objects.disputes = self.disputes(&intent).await?;
        }
        for transfer in std::mem::take(&mut objects.transfers) {
            objects.transfers.push(self.with_all_reversals(transfer).await?);
        }
        if objects.may_have_later_transfers(payment) {
            objects.transfers =
                self.with_later_transfers(payment, std::mem::take(&mut objects.transfers)).await?;
        }
        Ok(objects)
    }

    /// A setup intent, with the card that it saves.
    pub(super) async fn setup_intent(&self, setup: &str) -> Result<SetupIntent, Failure> {
        self.send(&RetrieveSetupIntent::new(setup).expand(["payment_method".to_owned()])).await
    }

    /// Finds the intent that was created with a matching idempotency key, which Stripe may have deleted.
    ///
    /// Returns `None` for payments without a customer, because intents can only be listed by customer. Those need no search: a
    /// further intent is only created within the day that the client has to act, and Stripe keeps keys for that long.
    pub(super) async fn find_intent(
        &self,
        payment: &Payment,
        key: impl Fn(&str) -> bool,
    ) -> Result<Option<PaymentIntent>, Failure> {
        let Some(customer) = &payment.references.customer else { return Ok(None) };
        let list = ListPaymentIntent::new().customer(customer).limit(PAGE);
        let intents: Vec<PaymentIntent> =
            self.all(|after| page(&list, after, ListPaymentIntent::starting_after)).await?;
        Ok(intents.into_iter().find(|intent| {
            intent.metadata.get(IDEMPOTENCY_KEY_METADATA).is_some_and(|created_with| key(created_with))
        }))
    }

    /// `known` and all other transfers of a payment, without duplicates, oldest first.
    pub(super) async fn with_later_transfers(
        &self,
        payment: &Payment,
        known: Vec<Transfer>,
    ) -> Result<Vec<Transfer>, Failure> {
        let list = ListTransfer::new().transfer_group(payment.appointment.to_string()).limit(PAGE);
        let listed: Vec<Transfer> =
            self.all(|after| page(&list, after, ListTransfer::starting_after)).await?;
        let mut transfers = known;
        // Stripe lists the newest first.
        for transfer in listed.into_iter().rev() {
            if !transfers.iter().any(|known| known.id == transfer.id) {
                transfers.push(self.with_all_reversals(transfer).await?);
            }
        }
        Ok(transfers)
    }

    /// The lines of the platform's books that were written within a span, newest first.
    pub(super) async fn balance_transactions(
        &self,
        written: TimeSpan,
    ) -> Result<Vec<BalanceTransaction>, Failure> {
        let (start, end) = (written.start().seconds(), written.end().seconds());
        let bounds = RangeBoundsTs { gte: Some(start), lt: Some(end), ..RangeBoundsTs::default() };
        let list = ListBalanceTransaction::new()
            .created(RangeQueryTs::Bounds(bounds))
            .expand(["data.source".to_owned()])
            .limit(PAGE);
        self.all(|after| page(&list, after, ListBalanceTransaction::starting_after)).await
    }

    /// The last hundred payouts of an account, newest first.
    pub(super) async fn latest_payouts(&self, account: &str) -> Result<Vec<Payout>, Failure> {
        let list = ListPayout::new().expand(["data.failure_balance_transaction".to_owned()]).limit(PAGE);
        let options = RequestOptions { account: Some(account), idempotency_key: None };
        let payouts: List<Payout> = self.execute(list.build(), options).await?;
        Ok(payouts.data)
    }

    async fn disputes(&self, intent: &str) -> Result<Vec<Dispute>, Failure> {
        let list = ListDispute::new().payment_intent(intent).limit(PAGE);
        self.all(|after| page(&list, after, ListDispute::starting_after)).await
    }

    async fn all_refunds(&self, intent: &str, start: List<Refund>) -> Result<List<Refund>, Failure> {
        let expand = ["data.failure_balance_transaction".to_owned()];
        let list = ListRefund::new().payment_intent(intent).expand(expand).limit(PAGE);
        self.complete(start, |after| page(&list, after, ListRefund::starting_after)).await.map(List::complete)
    }

    async fn all_fee_refunds(&self, fee: &str, start: List<FeeRefund>) -> Result<List<FeeRefund>, Failure> {
        let list = ListIdApplicationFeeRefund::new(fee).limit(PAGE);
        self.complete(start, |after| page(&list, after, ListIdApplicationFeeRefund::starting_after))
            .await
            .map(List::complete)
    }

    async fn with_all_reversals(&self, mut transfer: Transfer) -> Result<Transfer, Failure> {
        let list = ListIdTransferReversal::new(transfer.id.as_str()).limit(PAGE);
        let start = std::mem::take(&mut transfer.reversals);
        let reversals =
            self.complete(start, |after| page(&list, after, ListIdTransferReversal::starting_after));
        transfer.reversals = List::complete(reversals.await?);
        Ok(transfer)
    }

    /// All pages of a list, newest first.
    async fn all<T: Listed + serde::de::DeserializeOwned + Send>(
        &self,
        page: impl Fn(Option<&str>) -> RequestBuilder + Send + Sync,
    ) -> Result<Vec<T>, Failure> {
        let start: List<T> = self.execute(page(None), RequestOptions::default()).await?;
        self.complete(start, page).await
    }

    /// All entries of a list whose beginning is known, newest first.
    async fn complete<T: Listed + serde::de::DeserializeOwned + Send>(
        &self,
        start: List<T>,
        page: impl Fn(Option<&str>) -> RequestBuilder + Send + Sync,
    ) -> Result<Vec<T>, Failure> {
        let List { mut data, mut has_more } = start;
        while let Some(last) = data.last().filter(|_| has_more) {
            let next: List<T> = self.execute(page(Some(last.id())), RequestOptions::default()).await?;
            // Stops at an empty page, even if it claims that there is more.
            has_more = next.has_more && !next.data.is_empty();
            data.extend(next.data);
        }
        Ok(data)
    }
}

/// The request for a page of a list: the first, or the one after an object.
fn page<R: StripeRequest + Clone>(
    list: &R,
    after: Option<&str>,
    starting_after: fn(R, String) -> R,
) -> RequestBuilder {
    match after {
        Some(id) => starting_after(list.clone(), id.to_owned()).build(),
        None => list.build(),
    }
}
