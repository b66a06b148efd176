//! The use cases of Expert Connect, and the ports that they need.
//!
//! A use case reads rows, lets `domain` decide, and commits one transaction. Each side effect is an outbox entry of that
//! transaction, and [`operations::outbox`] runs its job afterwards. A change that needs a provider
//! is committed before the call.

pub(crate) mod contention;
pub mod error;
pub mod events;
pub mod idempotency;
pub(crate) mod jobs;
pub mod ports;
#[cfg(test)]
mod testing;
mod transact;

pub mod experts;
pub mod identity;
pub mod messaging;
pub mod operations;
pub mod payments;
pub mod receipts;
pub mod scheduling;

use std::sync::Arc;

use domain::payments::declines::DeclineLimits;
use domain::payments::payout::PayoutTiming;
use domain::payments::refund_costs::RefundBudgets;
use domain::scheduling::booking_limits::BookingLimits;
use domain::scheduling::reliability::ReliabilityRules;
use domain::{AppointmentId, Currency, InvitationId, NoteId, NotificationId, Rate, SessionTypeId, Timestamp};
use identity::ports::Issuer;
use payments::ports::{Challenges, ExchangeRates, Gateways};
use ports::{Clock, EventBus, JobQueue, Random};
use store::{FailureDomain, JobName, Store, Transaction};

pub use error::AppError;
pub use transact::IfMatch;
pub(crate) use transact::{Decision, check_version};

/// Settings of the operator.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The commission: the part of a price that the platform keeps, for experts without a rate of their own.
    pub fee: Rate,
    /// The currencies that prices may have. If the list is empty, all currencies are allowed.
    pub currencies: Vec<Currency>,
    /// When experts get their share of new payments.
    pub payout_timing: PayoutTiming,
    /// How many paid sessions a new expert must complete without a dispute, with distinct clients and means of payment, before they
    /// can get their share at payment.
    pub new_expert_sessions: u16,
    /// How long a slot is held while the client pays, in seconds.
    pub hold_seconds: i64,
    /// How much one client, or one network address, can hold and book.
    pub booking_limits: BookingLimits,
    /// How many attempts to pay can be declined.
    pub decline_limits: DeclineLimits,
    /// When a cancellation is late, and what follows from late cancellations, no-shows and lost disputes.
    pub reliability: ReliabilityRules,
    /// The largest price of a booking with an expert who is not established, as a multiple of the smallest price.
    pub new_expert_price: u16,
    /// What refunds may cost the platform in a month.
    pub refund_budgets: RefundBudgets,
    /// The URL to which other sites, such as a gateway, send people back; without a slash at the end.
    pub public_base_url: String,
    /// How access tokens of the issuer are read.
    pub sign_in: SignIn,
}

/// How access tokens of the issuer are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// The claim with the roles of a person. If there is no claim with this name, a dot separates the name of an object from the
    /// name of its member.
    pub roles_claim: String,
    /// The text before the name of each role in that claim, such as `/` before the groups of Keycloak.
    pub role_prefix: String,
    /// The scope of tokens with full access. The same scope followed by `.read` allows reading only.
    pub scope: String,
}

impl Default for SignIn {
    /// The tokens of a Cognito user pool of the stack.
    fn default() -> Self {
        Self {
            roles_claim: "cognito:groups".to_owned(),
            role_prefix: String::new(),
            scope: "expert-connect/api".to_owned(),
        }
    }
}

impl Default for Settings {
    /// 10 % commission, all currencies, payouts after the session, holds of ten minutes, the default limits of bookings, declined
    /// payments and refunds, 900 euros as the largest price of a new expert, the address of the local system, and tokens of Cognito.
    fn default() -> Self {
        Self {
            fee: Rate::DEFAULT_COMMISSION,
            currencies: Vec::new(),
            payout_timing: PayoutTiming::AfterSession,
            new_expert_sessions: 3,
            hold_seconds: 600,
            booking_limits: BookingLimits::default(),
            decline_limits: DeclineLimits::default(),
            reliability: ReliabilityRules::default(),
            new_expert_price: 300,
            refund_budgets: RefundBudgets::default(),
            public_base_url: "http://127.0.0.1:8080".to_owned(),
            sign_in: SignIn::default(),
        }
    }
}

/// The dependencies of the use cases: the store, the ports and the settings.
///
/// A function provides only the ports that its use cases need.
#[derive(Clone)]
pub struct App {
    /// The stored state.
    pub store: Store,
    /// The current time, and pauses.
    pub clock: Arc<dyn Clock>,
    /// Random bits.
    pub random: Arc<dyn Random>,
    /// The payment gateways that the function may use.
    pub gateways: Gateways,
    /// The issuer of access tokens.
    pub issuer: Arc<dyn Issuer>,
    /// Challenges for clients whose payments were declined.
    pub challenges: Arc<dyn Challenges>,
    /// The publisher of exchange rates.
    pub exchange_rates: Arc<dyn ExchangeRates>,
    /// The queues of jobs that are due.
    pub queue: Arc<dyn JobQueue>,
    /// The bus on which domain events are published.
    pub events: Arc<dyn EventBus>,
    /// The settings of the operator.
    pub settings: Settings,
}

impl App {
    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The bits of a new id in the layout of a ULID: a 48-bit timestamp in milliseconds, then 80 random bits. Ids sort by
    /// creation time, except around the change of a second.
    fn new_id_bits(&self) -> u128 {
        let seconds = u128::from(self.now().seconds().unsigned_abs());
        let milliseconds = seconds * 1_000 + u128::from(self.clock.milliseconds().min(999));
        milliseconds << 80 | self.random.bits() >> 48
    }

    fn new_appointment_id(&self) -> AppointmentId {
        AppointmentId::from_bits(self.new_id_bits())
    }

    fn new_invitation_id(&self) -> InvitationId {
        InvitationId::from_bits(self.new_id_bits())
    }

    fn new_session_type_id(&self) -> SessionTypeId {
        SessionTypeId::from_bits(self.new_id_bits())
    }

    fn new_note_id(&self) -> NoteId {
        NoteId::from_bits(self.new_id_bits())
    }

    fn new_notification_id(&self) -> NotificationId {
        NotificationId::from_bits(self.new_id_bits())
    }

    /// A random token for an outbox entry. It is below 2⁵³, so that JSON tools show it exactly.
    fn new_token(&self) -> u64 {
        u64::try_from(self.random.bits() >> 75).unwrap_or(1)
    }

    /// Commits a transaction, then sends its jobs that are due now to the queues of their failure domains.
    ///
    /// If a queue fails, the commit still succeeds: the sweep finds the outbox entries within a minute.
    async fn commit(&self, transaction: Transaction) -> Result<(), AppError> {
        let jobs = transaction.due_jobs(self.now());
        self.store.commit(transaction).await?;
        for domain in FailureDomain::ALL {
            let names: Vec<JobName> =
                jobs.iter().filter(|(of, _)| *of == domain).map(|(_, name)| name.clone()).collect();
            if !names.is_empty()
                && let Err(error) = self.queue.send(domain, &names).await
            {
                tracing::warn!(%error, %domain, jobs = names.len(), "jobs were not queued; the sweep will queue them");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_trait::async_trait;

    use super::*;

    /// A clock at this millisecond of a second.
    struct At(u16);

    #[async_trait]
    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_seconds(1_800_000_000)
        }

        fn milliseconds(&self) -> u16 {
            self.0
        }

        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }

        async fn pause(&self, _: Duration) {}
    }

    #[test]
    fn ids_of_one_second_sort_by_their_milliseconds() {
        let ids = [0, 1, 500, 999].map(|milliseconds| {
            App { clock: Arc::new(At(milliseconds)), ..testing::app() }.new_notification_id()
        });
        assert!(ids.windows(2).all(|two| two[0] < two[1]), "{ids:?}");
    }
}
