//! Reads what hangs together at Stripe, in as few requests as can be.

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
use super::client::With;
use super::convert::KEY;
use super::errors::Failure;
use super::snapshot::Found;
use super::wire::{
    BalanceTransaction, Dispute, Expandable, FeeRefund, List, PaymentIntent, Payout, Refund, Row,
    SetupIntent, Transfer,
};

/// Most objects that Stripe puts on a page.
const PAGE: i64 = 100;

/// What of an intent is asked for with it; Stripe follows at most four steps.
const WITH_EVERYTHING: [&str; 5] = [
    "latest_charge.application_fee",
    "latest_charge.balance_transaction",
    "latest_charge.refunds",
    "latest_charge.refunds.data.failure_balance_transaction",
    "latest_charge.transfer",
];

impl Stripe {
    /// An intent with everything that hangs on it.
    ///
    /// One request; one more for a charge that was disputed, one more when a dispute gave money back, and one more for each
    /// list that is longer than the ten that come with the object it belongs to.
    pub(super) async fn found(&self, payment: &Payment, intent: &str) -> Result<Found, Failure> {
        let request = RetrievePaymentIntent::new(intent).expand(WITH_EVERYTHING.map(str::to_owned));
        let mut found = Found::of(self.ask(&request).await?)?;
        let intent = found.intent.id.clone();
        let Some(charge) = &mut found.charge else { return Ok(found) };
        if let Some(start) = charge.refunds.take() {
            charge.refunds = Some(self.all_refunds(&intent, start).await?);
        }
        if let Some(Expandable::Object(fee)) = &mut charge.application_fee {
            let start = std::mem::take(&mut fee.refunds);
            fee.refunds = self.all_fee_refunds(&fee.id, start).await?;
        }
        if charge.disputed {
            found.disputes = self.disputes(&intent).await?;
        }
        for transfer in std::mem::take(&mut found.transfers) {
            found.transfers.push(self.with_all_reversals(transfer).await?);
        }
        if found.may_be_given_again() {
            found.transfers =
                self.with_later_transfers(payment, std::mem::take(&mut found.transfers)).await?;
        }
        Ok(found)
    }

    /// An intent by which a card is saved, with the card.
    pub(super) async fn setup_intent(&self, setup: &str) -> Result<SetupIntent, Failure> {
        self.ask(&RetrieveSetupIntent::new(setup).expand(["payment_method".to_owned()])).await
    }

    /// The intent that was made with such a key, which Stripe itself may have forgotten.
    ///
    /// Without a customer there is nothing to look for it by, and no need: such an intent is only made anew within the day
    /// that a client has to act, and for so long Stripe remembers keys.
    pub(super) async fn intent_made_with(
        &self,
        payment: &Payment,
        key: impl Fn(&str) -> bool,
    ) -> Result<Option<PaymentIntent>, Failure> {
        let Some(customer) = &payment.references.customer else { return Ok(None) };
        let list = ListPaymentIntent::new().customer(customer).limit(PAGE);
        let intents: Vec<PaymentIntent> =
            self.all(|after| page(&list, after, ListPaymentIntent::starting_after)).await?;
        Ok(intents
            .into_iter()
            .find(|intent| intent.metadata.get(KEY).is_some_and(|made_with| key(made_with))))
    }

    /// `known` and all other transfers of a payment, each once.
    pub(super) async fn with_later_transfers(
        &self,
        payment: &Payment,
        known: Vec<Transfer>,
    ) -> Result<Vec<Transfer>, Failure> {
        let list = ListTransfer::new().transfer_group(payment.appointment.to_string()).limit(PAGE);
        let listed: Vec<Transfer> =
            self.all(|after| page(&list, after, ListTransfer::starting_after)).await?;
        let mut transfers = known;
        // The newest come first, and the ledger wants the oldest.
        for transfer in listed.into_iter().rev() {
            if !transfers.iter().any(|known| known.id == transfer.id) {
                transfers.push(self.with_all_reversals(transfer).await?);
            }
        }
        Ok(transfers)
    }

    /// The lines of the platform's books, newest first.
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
        let with = With { account: Some(account), idempotency_key: None };
        let payouts: List<Payout> = self.send(list.build(), with).await?;
        Ok(payouts.data)
    }

    async fn disputes(&self, intent: &str) -> Result<Vec<Dispute>, Failure> {
        let list = ListDispute::new().payment_intent(intent).limit(PAGE);
        self.all(|after| page(&list, after, ListDispute::starting_after)).await
    }

    async fn all_refunds(&self, intent: &str, start: List<Refund>) -> Result<List<Refund>, Failure> {
        let expand = ["data.failure_balance_transaction".to_owned()];
        let list = ListRefund::new().payment_intent(intent).expand(expand).limit(PAGE);
        self.rest(start, |after| page(&list, after, ListRefund::starting_after)).await.map(List::whole)
    }

    async fn all_fee_refunds(&self, fee: &str, start: List<FeeRefund>) -> Result<List<FeeRefund>, Failure> {
        let list = ListIdApplicationFeeRefund::new(fee).limit(PAGE);
        self.rest(start, |after| page(&list, after, ListIdApplicationFeeRefund::starting_after))
            .await
            .map(List::whole)
    }

    async fn with_all_reversals(&self, mut transfer: Transfer) -> Result<Transfer, Failure> {
        let list = ListIdTransferReversal::new(transfer.id.as_str()).limit(PAGE);
        let start = std::mem::take(&mut transfer.reversals);
        let reversals = self.rest(start, |after| page(&list, after, ListIdTransferReversal::starting_after));
        transfer.reversals = List::whole(reversals.await?);
        Ok(transfer)
    }

    /// All of a list, newest first.
    async fn all<T: Row + serde::de::DeserializeOwned + Send>(
        &self,
        page: impl Fn(Option<&str>) -> RequestBuilder + Send + Sync,
    ) -> Result<Vec<T>, Failure> {
        let start: List<T> = self.send(page(None), With::default()).await?;
        self.rest(start, page).await
    }

    /// All of a list whose start is known, newest first.
    async fn rest<T: Row + serde::de::DeserializeOwned + Send>(
        &self,
        start: List<T>,
        page: impl Fn(Option<&str>) -> RequestBuilder + Send + Sync,
    ) -> Result<Vec<T>, Failure> {
        let List { mut data, mut has_more } = start;
        while let Some(last) = data.last().filter(|_| has_more) {
            let next: List<T> = self.send(page(Some(last.id())), With::default()).await?;
            // An empty page that promises more would be asked for without end.
            has_more = next.has_more && !next.data.is_empty();
            data.extend(next.data);
        }
        Ok(data)
    }
}

/// A page of a list: the first, or the one after an object.
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
