//! Webhooks, whatever they say and however they are signed: which still have to arrive, posting them, and
//! trying again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::claims::{Claim, Claims};
use crate::{OpenError, loopback_client};

/// How long the receiver may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many attempts are remembered.
const ATTEMPTS_KEPT: usize = 1000;

/// A webhook that still has to arrive.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Delivery {
    number: u64,
    event: String,
    due_at: i64,
    /// How many attempts failed.
    failures: usize,
}

/// One attempt to deliver a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The event's id.
    pub event: String,
    /// The event's type, such as `payment_intent.succeeded` or `PAYMENT.CAPTURE.COMPLETED`.
    pub kind: String,
    /// When, in Unix seconds of the simulator's clock.
    pub at: i64,
    /// Where to.
    pub url: String,
    /// The HTTP status that was answered; `None` when no answer came.
    pub status: Option<u16>,
    /// When it is tried again, in Unix seconds; `None` when it arrived or was given up.
    pub retry_at: Option<i64>,
}

/// The webhooks that a simulator remembers: a part of its state.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outbox {
    deliveries: Vec<Delivery>,
    /// Oldest first.
    pub(crate) attempts: Vec<Attempt>,
    /// The number of the next delivery.
    next_delivery: u64,
}

impl Outbox {
    /// Has an event delivered, or delivered twice.
    pub(crate) fn add(&mut self, event: &str, due_at: i64, twice: bool) {
        for _ in 0..=u8::from(twice) {
            let (number, event) = (self.next_delivery, event.to_owned());
            self.deliveries.push(Delivery { number, event, due_at, failures: 0 });
            self.next_delivery += 1;
        }
    }

    /// When the next delivery is due, in Unix seconds; `None` when nothing waits.
    pub(crate) fn next_due(&self) -> Option<i64> {
        self.deliveries.iter().map(|delivery| delivery.due_at).min()
    }

    /// When the event is delivered next, in Unix seconds; `None` when that is over.
    pub(crate) fn due(&self, event: &str) -> Option<i64> {
        let about = self.deliveries.iter().filter(|delivery| delivery.event == event);
        about.map(|delivery| delivery.due_at).min()
    }

    /// Takes the delivery that goes next of those that are due, with its event.
    pub(crate) fn take<'a, E>(
        &mut self,
        sender: &'a Sender,
        now: i64,
        newest_first: bool,
        find: impl Fn(&str) -> Option<E>,
    ) -> Option<(UnderWay<'a>, E)> {
        let order = |delivery: &&Delivery| (delivery.due_at, delivery.number);
        loop {
            let due = self.deliveries.iter().filter(|delivery| delivery.due_at <= now);
            let due = due.filter(|delivery| !sender.under_way.holds(&delivery.number));
            let next = if newest_first { due.max_by_key(order) } else { due.min_by_key(order) };
            let delivery = next.cloned()?;
            if let Some(event) = find(&delivery.event) {
                let claim = sender.under_way.take(delivery.number)?;
                return Some((UnderWay { delivery, _claim: claim }, event));
            }
            tracing::error!(event = delivery.event, "a webhook is due for an event that is gone");
            self.deliveries.retain(|other| other.number != delivery.number);
        }
    }

    /// Notes how an attempt ended, and whether another one follows.
    fn note(&mut self, sent: Letter, status: Option<u16>, now: i64, retry_after: &[i64]) {
        let Delivery { number, event, failures, .. } = sent.under_way.delivery.clone();
        let arrived = status.is_some_and(|status| (200..300).contains(&status));
        let delay = retry_after.get(failures).filter(|_| !arrived);
        let retry_at = delay.map(|delay| now + delay);
        match retry_at {
            Some(due_at) => {
                for delivery in self.deliveries.iter_mut().filter(|delivery| delivery.number == number) {
                    delivery.failures += 1;
                    delivery.due_at = due_at;
                }
            }
            None => self.deliveries.retain(|delivery| delivery.number != number),
        }
        let url = sent.url.to_string();
        self.attempts.push(Attempt { event, kind: sent.kind, at: now, url, status, retry_at });
        let surplus = self.attempts.len().saturating_sub(ATTEMPTS_KEPT);
        self.attempts.drain(..surplus);
    }
}

/// A delivery that is on its way. It goes back to the queue when it is dropped before its end was noted.
pub(crate) struct UnderWay<'a> {
    delivery: Delivery,
    _claim: Claim<'a, u64>,
}

/// A delivery with what is posted, and where to.
pub(crate) struct Letter<'a> {
    pub(crate) under_way: UnderWay<'a>,
    /// The event's type.
    pub(crate) kind: String,
    pub(crate) body: String,
    pub(crate) url: Url,
}

/// What webhooks ask of the simulator whose events they tell.
pub(crate) trait Teller {
    /// After the first failed attempt the second follows this many seconds later, and so on; after the last the
    /// delivery is given up.
    const RETRY_AFTER: &'static [i64];

    /// Lets happen what is due by now, and takes the webhook that goes next.
    fn next(&self) -> Option<Letter<'_>>;

    /// What a body is posted with: name in lower case, and value.
    fn headers(&self, body: &str) -> Result<Vec<(&'static str, String)>, OpenError>;

    /// Changes what is remembered of webhooks, by the simulator's time, and keeps it.
    fn change_outbox(&self, change: impl FnOnce(&mut Outbox, i64));
}

/// Posts webhooks, each by one task at a time.
pub(crate) struct Sender {
    http: reqwest::Client,
    /// The numbers of the deliveries that are on their way.
    under_way: Claims<u64>,
}

impl Sender {
    pub(crate) fn new() -> Result<Self, OpenError> {
        let http = loopback_client()?.timeout(PATIENCE).build();
        let http = http.map_err(|error| OpenError::Cryptography(error.to_string()))?;
        Ok(Self { http, under_way: Claims::default() })
    }

    /// Posts what is due, one after another, and answers how many attempts that took.
    pub(crate) async fn deliver_due<T: Teller>(&self, teller: &T) -> usize {
        let mut attempts = 0;
        while let Some(letter) = teller.next() {
            let status = self.post(teller, &letter).await;
            teller.change_outbox(|outbox, now| outbox.note(letter, status, now, T::RETRY_AFTER));
            attempts += 1;
        }
        attempts
    }

    async fn post(&self, teller: &impl Teller, letter: &Letter<'_>) -> Option<u16> {
        let headers = teller.headers(&letter.body).inspect_err(|error| {
            tracing::error!(%error, "a webhook was not signed");
        });
        let mut request = self.http.post(letter.url.clone());
        for (name, value) in headers.ok()? {
            request = request.header(name, value);
        }
        let answer = request.body(letter.body.clone()).send().await.inspect_err(|error| {
            let event = &letter.under_way.delivery.event;
            tracing::warn!(%error, event, "a webhook was not answered");
        });
        Some(answer.ok()?.status().as_u16())
    }
}

#[cfg(test)]
mod tests {
    use crate::{paypal, stripe};

    #[test]
    fn retries_end_within_three_days() {
        for delays in [&stripe::RETRY_AFTER[..], &paypal::RETRY_AFTER] {
            assert!(delays.iter().sum::<i64>() <= 3 * 86_400);
            assert!(delays.is_sorted());
        }
    }
}
