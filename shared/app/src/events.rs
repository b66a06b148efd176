//! Domain events: what integrations learn about appointments and their payments.
//!
//! An event contains the appointment and its payment as they were right after the change, even if it is published late. It
//! has ids, times, amounts and states, and no personal data. A release may add members and kinds without a new [`VERSION`].
//!
//! `events/published` has the JSON Schema of each kind, which `cargo run -p tools -- events` writes.

use domain::payments::gateway::GatewayKind;
use domain::payments::payment::{Escalation, OrderKind, Payment, PaymentState, WaitingRefund};
use domain::scheduling::appointment::{Appointment, Event, Status};
use domain::scheduling::history::{Change, HistoryEntry, SessionTime};
use domain::scheduling::party::{ActingAs, Party};
use domain::scheduling::proposal::{Proposal, ProposalState};
use domain::{AppointmentId, ClientId, Currency, ExpertId, Money, SessionTypeId, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{RowVersion, Transaction};

use crate::messaging::jobs::MessagingJob;
use crate::scheduling::jobs::SchedulingJob;
use crate::{App, AppError};

/// The version of the format. It changes when a consumer that knows the current one could misread an event.
pub const VERSION: u32 = 1;

/// An event about an appointment or its payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainEvent {
    /// When the change was made.
    pub occurred_at: Timestamp,
    /// The kind of the event, and its data.
    #[serde(flatten)]
    pub data: EventData,
}

/// The members that every event on the bus has.
#[derive(Serialize, JsonSchema)]
struct Published<T> {
    /// The id of the event. An event that is published more than once has the same id each time.
    event_id: String,
    /// The version of the format. Ignore members that you do not know.
    version: u32,
    /// When the change was made.
    occurred_at: Timestamp,
    #[serde(flatten)]
    data: T,
}

impl DomainEvent {
    /// The id: `<appointment id>:<version>:<kind>`. The version is that of the payment for `payment.*`, otherwise that of the
    /// appointment, after the change.
    pub fn id(&self) -> String {
        let appointment = self.data.appointment();
        format!("{}:{}:{}", appointment.appointment_id, self.data.row_version().number(), self.kind())
    }

    /// The kind, such as `appointment.confirmed`.
    pub fn kind(&self) -> &'static str {
        self.data.kind().name()
    }

    /// The document on the bus.
    ///
    /// # Errors
    /// If the event cannot be represented as JSON.
    pub fn document(&self) -> serde_json::Result<Value> {
        let Self { occurred_at, data } = self;
        let (event_id, occurred_at) = (self.id(), *occurred_at);
        serde_json::to_value(Published { event_id, version: VERSION, occurred_at, data })
    }
}

/// Defines the kinds of events from their data.
macro_rules! events {
    ($($(#[doc = $doc:literal])* $kind:ident($data:ty) = $name:literal,)*) => {
        /// What happened, and the data that goes with it.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        pub enum EventData {
            $($(#[doc = $doc])* #[serde(rename = $name)] $kind($data),)*
        }

        impl EventData {
            /// The kind of the event.
            pub fn kind(&self) -> Event {
                match self {
                    $(Self::$kind(_) => Event::$kind,)*
                }
            }

            /// The appointment that the event is about, after the change.
            pub fn appointment(&self) -> &AppointmentData {
                match self {
                    $(Self::$kind(data) => data.appointment(),)*
                }
            }

            /// The version of the row that the event is about: the appointment or its payment.
            pub fn row_version(&self) -> RowVersion {
                match self {
                    $(Self::$kind(data) => data.row_version(),)*
                }
            }
        }

        /// The JSON Schema of the events of a kind.
        pub fn schema(kind: Event) -> Schema {
            let generator = SchemaGenerator::default();
            let (mut schema, description) = match kind {
                $(Event::$kind => {
                    (generator.into_root_schema_for::<Published<$data>>(), concat!($($doc),*).trim())
                })*
            };
            schema.insert("title".to_owned(), kind.name().into());
            schema.insert("description".to_owned(), description.into());
            if let Some(members) = schema.get_mut("properties").and_then(Value::as_object_mut) {
                members.insert("kind".to_owned(), serde_json::json!({ "const": kind.name() }));
                members.insert("version".to_owned(), serde_json::json!({ "const": VERSION }));
            }
            if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
                required.push("kind".into());
            }
            schema
        }
    };
}

events! {
    /// The appointment was confirmed.
    Confirmed(AppointmentChanged) = "appointment.confirmed",
    /// The appointment was moved to another time.
    Rescheduled(Rescheduled) = "appointment.rescheduled",
    /// One side proposed other times.
    Proposed(Proposed) = "appointment.proposed",
    /// The other side declined the proposed times.
    ProposalDeclined(ProposalClosed) = "appointment.proposal_declined",
    /// The side that proposed other times withdrew them.
    ProposalWithdrawn(ProposalClosed) = "appointment.proposal_withdrawn",
    /// Nobody decided about the proposed times in time.
    ProposalExpired(ProposalClosed) = "appointment.proposal_expired",
    /// The appointment was cancelled.
    Cancelled(Cancelled) = "appointment.cancelled",
    /// The session took place.
    Completed(AppointmentChanged) = "appointment.completed",
    /// One of the parties did not attend.
    NoShow(NoShow) = "appointment.no_show",
    /// The parties disagree about whether the session took place.
    NoShowDisputed(AppointmentChanged) = "appointment.no_show_disputed",
    /// The hold ended without payment.
    Expired(AppointmentChanged) = "appointment.expired",
    /// The client must pay again by a deadline, or the appointment is cancelled.
    PaymentActionRequired(ActionRequired) = "payment.action_required",
    /// The client could not be charged what they owe in the end.
    PaymentUnpaid(PaymentAmount) = "payment.unpaid",
    /// Money was refunded to the client.
    PaymentRefunded(Refunded) = "payment.refunded",
    /// A refund that the expert granted waits, because the gateway refused to take their share of it back. It is published after
    /// the first refusal, and again when the platform no longer attempts it by itself.
    PaymentRefundWaits(RefundWaits) = "payment.refund_waits",
    /// The client's bank rejected a refund.
    PaymentRefundFailed(PaymentAmount) = "payment.refund_failed",
    /// The client disputed the payment, and their bank withdrew the amount.
    PaymentDisputed(PaymentAmount) = "payment.disputed",
    /// The bank decided a dispute for the expert.
    PaymentDisputeWon(PaymentAmount) = "payment.dispute_won",
    /// The bank decided a dispute for the client.
    PaymentDisputeLost(PaymentAmount) = "payment.dispute_lost",
    /// The payment needs a decision by an administrator.
    PaymentEscalated(Escalated) = "payment.escalated",
}

/// The appointment after the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppointmentData {
    /// The appointment.
    pub appointment_id: AppointmentId,
    /// The version of the appointment.
    pub version: u64,
    /// The expert who gives the session.
    pub expert_id: ExpertId,
    /// The client who booked the session.
    pub client_id: ClientId,
    /// The session type.
    pub session_type_id: SessionTypeId,
    /// The start of the session.
    pub start: Timestamp,
    /// The end of the session.
    pub end: Timestamp,
    /// The status of the appointment.
    pub status: AppointmentStatus,
}

impl From<&Appointment> for AppointmentData {
    fn from(appointment: &Appointment) -> Self {
        Self {
            appointment_id: appointment.id,
            version: appointment.version,
            expert_id: appointment.expert,
            client_id: appointment.client,
            session_type_id: appointment.session_type,
            start: appointment.start,
            end: appointment.end,
            status: (&appointment.status).into(),
        }
    }
}

/// The payment after the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentData {
    /// The version of the payment.
    pub version: u64,
    /// The payment gateway.
    pub gateway: Gateway,
    /// The state of the payment.
    pub state: PaymentStatus,
    /// What the client pays in the end, as decided so far.
    pub final_charge: Money,
}

impl PaymentData {
    fn new(payment: &Payment, status: &Status) -> Self {
        Self {
            version: payment.version,
            gateway: payment.gateway.into(),
            state: (&payment.state).into(),
            final_charge: payment.amount_due(status),
        }
    }
}

/// An amount before and after the change, in minor units of its currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AmountChange {
    /// The amount before the change.
    pub before: u64,
    /// The amount after the change.
    pub after: u64,
    /// The currency of both.
    pub currency: Currency,
}

impl AmountChange {
    /// What the client pays in the end, before and after a change of the payment; `None` without a payment.
    pub(crate) fn of_charge(before: Option<&Payment>, after: Option<&Payment>) -> Option<Self> {
        let (before, after) = (before?.charge(), after?.charge());
        Some(Self { before: before.amount(), after: after.amount(), currency: after.currency() })
    }
}

/// A change of an appointment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppointmentChanged {
    /// The appointment after the change.
    pub appointment: AppointmentData,
    /// The number of seats.
    pub seats: u16,
    /// The price of all seats together.
    pub price: Money,
    /// What the client pays in the end, before and after the change; absent if the change did not decide it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_charge: Option<AmountChange>,
}

impl AppointmentChanged {
    fn new(appointment: &Appointment, final_charge: Option<AmountChange>) -> Self {
        let &Appointment { seats, price, .. } = appointment;
        Self { appointment: appointment.into(), seats, price, final_charge }
    }

    fn appointment(&self) -> &AppointmentData {
        &self.appointment
    }

    fn row_version(&self) -> RowVersion {
        RowVersion::Appointment(self.appointment.version)
    }
}

/// A move to another time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rescheduled {
    /// The appointment after the change.
    #[serde(flatten)]
    pub changed: AppointmentChanged,
    /// The time and the price before the change.
    pub before: Before,
}

impl Rescheduled {
    fn appointment(&self) -> &AppointmentData {
        &self.changed.appointment
    }

    fn row_version(&self) -> RowVersion {
        self.changed.row_version()
    }
}

/// What an appointment was before it was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Before {
    /// The start of the session.
    pub start: Timestamp,
    /// The end of the session.
    pub end: Timestamp,
    /// The price of all seats together.
    pub price: Money,
}

/// A proposal of other times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proposed {
    /// The appointment with its old time, which stands until the other side accepts.
    pub appointment: AppointmentData,
    /// The side that proposed.
    pub proposed_by: PartyName,
    /// The proposed starts.
    pub starts: Vec<Timestamp>,
    /// When the proposal expires.
    pub expires_at: Timestamp,
}

impl Proposed {
    fn appointment(&self) -> &AppointmentData {
        &self.appointment
    }

    fn row_version(&self) -> RowVersion {
        RowVersion::Appointment(self.appointment.version)
    }
}

/// The end of a proposal that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProposalClosed {
    /// The appointment, whose time has not changed.
    pub appointment: AppointmentData,
    /// The side that proposed.
    pub proposed_by: PartyName,
}

impl ProposalClosed {
    fn appointment(&self) -> &AppointmentData {
        &self.appointment
    }

    fn row_version(&self) -> RowVersion {
        RowVersion::Appointment(self.appointment.version)
    }
}

/// A cancellation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cancelled {
    /// The appointment after the change.
    #[serde(flatten)]
    pub changed: AppointmentChanged,
    /// The party that cancelled.
    pub cancelled_by: PartyName,
}

impl Cancelled {
    fn appointment(&self) -> &AppointmentData {
        &self.changed.appointment
    }

    fn row_version(&self) -> RowVersion {
        self.changed.row_version()
    }
}

/// A session that one party missed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoShow {
    /// The appointment after the change.
    #[serde(flatten)]
    pub changed: AppointmentChanged,
    /// The party that did not attend.
    pub missed_by: PartyName,
}

impl NoShow {
    fn appointment(&self) -> &AppointmentData {
        &self.changed.appointment
    }

    fn row_version(&self) -> RowVersion {
        self.changed.row_version()
    }
}

/// A change of a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentChanged {
    /// The appointment after the change.
    pub appointment: AppointmentData,
    /// The payment after the change.
    pub payment: PaymentData,
}

impl PaymentChanged {
    /// Both as they are after the change.
    pub(crate) fn new(appointment: &Appointment, payment: &Payment) -> Self {
        Self { appointment: appointment.into(), payment: PaymentData::new(payment, &appointment.status) }
    }
}

/// Defines data that a payment event has besides the payment.
macro_rules! payment_events {
    ($($(#[doc = $doc:literal])* $name:ident { $($(#[$attribute:meta])* $member:ident: $of:ty,)* })*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        pub struct $name {
            /// The appointment and the payment after the change.
            #[serde(flatten)]
            pub changed: PaymentChanged,
            $($(#[$attribute])* pub $member: $of,)*
        }

        impl $name {
            fn appointment(&self) -> &AppointmentData {
                &self.changed.appointment
            }

            fn row_version(&self) -> RowVersion {
                RowVersion::Payment(self.changed.payment.version)
            }
        }
    )*};
}

payment_events! {
    /// A payment that the client must repeat.
    ActionRequired {
        /// The client must pay by this instant.
        deadline: Timestamp,
    }
    /// A change of a payment by an amount.
    PaymentAmount {
        /// For `payment.unpaid`, the amount that could not be charged. For `payment.refund_failed`, the rejected refund. For
        /// `payment.dispute_won`, the amount that the bank returned. For `payment.disputed` and `payment.dispute_lost`, the
        /// disputed amount.
        amount: Money,
    }
    /// A refund.
    Refunded {
        /// The sum of all refunds.
        refunded: AmountChange,
    }
    /// A refund that waits for the expert's share.
    RefundWaits {
        /// The amount that waits.
        amount: Money,
        /// Whether the platform has ended its attempts to take the share back, so that an administrator decides.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ended: bool,
    }
    /// A payment that needs a decision.
    Escalated {
        /// Why an administrator must decide.
        reason: EscalationReason,
        /// The amount to decide about, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount: Option<Money>,
    }
}

impl EventData {
    /// What the client pays in the end, if the change decided it.
    pub(crate) fn decided_charge(&self) -> Option<Money> {
        let changed = match self {
            Self::Cancelled(Cancelled { changed, .. }) | Self::NoShow(NoShow { changed, .. }) => changed,
            Self::Completed(changed) => changed,
            _ => return None,
        };
        let charge = changed.final_charge.as_ref()?;
        Money::new(charge.after, charge.currency).ok()
    }

    /// A free appointment or a paid one is confirmed.
    pub(crate) fn confirmed(appointment: &Appointment) -> Self {
        Self::Confirmed(AppointmentChanged::new(appointment, None))
    }

    /// A hold has ended.
    pub(crate) fn expired(appointment: &Appointment) -> Self {
        Self::Expired(AppointmentChanged::new(appointment, None))
    }

    /// An appointment was moved.
    pub(crate) fn rescheduled(before: &Appointment, after: &Appointment) -> Self {
        let &Appointment { start, end, price, .. } = before;
        Self::Rescheduled(Rescheduled {
            changed: AppointmentChanged::new(after, None),
            before: Before { start, end, price },
        })
    }

    /// A side proposed other times.
    pub(crate) fn proposed(appointment: &Appointment, proposal: &Proposal) -> Self {
        Self::Proposed(Proposed {
            appointment: appointment.into(),
            proposed_by: proposal.by.into(),
            starts: proposal.starts().collect(),
            expires_at: proposal.expires_at,
        })
    }

    /// The last proposal of an appointment was closed without a move; `None` if there is none, or if it is open or accepted.
    pub(crate) fn proposal_closed(appointment: &Appointment) -> Option<Self> {
        let proposal = appointment.moves.proposal.as_ref()?;
        let closed = ProposalClosed { appointment: appointment.into(), proposed_by: proposal.by.into() };
        match proposal.state {
            ProposalState::Declined => Some(Self::ProposalDeclined(closed)),
            ProposalState::Withdrawn => Some(Self::ProposalWithdrawn(closed)),
            ProposalState::Expired => Some(Self::ProposalExpired(closed)),
            ProposalState::Open | ProposalState::Accepted { .. } => None,
        }
    }

    /// A party cancelled.
    pub(crate) fn cancelled(appointment: &Appointment, by: Party, charge: Option<AmountChange>) -> Self {
        let changed = AppointmentChanged::new(appointment, charge);
        Self::Cancelled(Cancelled { changed, cancelled_by: by.into() })
    }

    /// A session has ended, as the status says.
    pub(crate) fn ended(appointment: &Appointment, charge: Option<AmountChange>) -> Self {
        let changed = AppointmentChanged::new(appointment, charge);
        match (appointment.no_show_report, &appointment.status) {
            (Some(report), _) if report.awaits_decision() => Self::NoShowDisputed(changed),
            (_, Status::NoShow { missed_by }) => {
                Self::NoShow(NoShow { changed, missed_by: (*missed_by).into() })
            }
            _ => Self::Completed(changed),
        }
    }

    /// The client must pay by `deadline`.
    pub(crate) fn action_required(changed: PaymentChanged, deadline: Timestamp) -> Self {
        Self::PaymentActionRequired(ActionRequired { changed, deadline })
    }

    /// An amount could not be charged.
    pub(crate) fn unpaid(changed: PaymentChanged, amount: Money) -> Self {
        Self::PaymentUnpaid(PaymentAmount { changed, amount })
    }

    /// A refund waits for the expert's share.
    pub(crate) fn refund_waits(changed: PaymentChanged, waiting: WaitingRefund) -> Self {
        let WaitingRefund { amount, next_attempt_at, .. } = waiting;
        Self::PaymentRefundWaits(RefundWaits { changed, amount, ended: next_attempt_at.is_none() })
    }

    /// An administrator must decide.
    pub(crate) fn escalated(changed: PaymentChanged, escalation: Escalation) -> Self {
        let (reason, amount) = match escalation {
            Escalation::RefundFailed { amount } => (EscalationReason::RefundFailed, Some(amount)),
            Escalation::DisputeLost { amount } => (EscalationReason::DisputeLost, Some(amount)),
            Escalation::Refused { order, amount } => (order.into(), Some(amount)),
            Escalation::NoShowDisputed => (EscalationReason::NoShowDisputed, None),
            Escalation::Unknown => (EscalationReason::Unknown, None),
        };
        Self::PaymentEscalated(Escalated { changed, reason, amount })
    }
}

impl From<&EventData> for Change {
    fn from(event: &EventData) -> Self {
        match event {
            EventData::Confirmed(_) => Self::Confirmed,
            EventData::Rescheduled(Rescheduled { changed, before }) => {
                let AppointmentData { start, end, .. } = changed.appointment;
                Self::Rescheduled {
                    from: SessionTime { start: before.start, end: before.end },
                    to: SessionTime { start, end },
                }
            }
            EventData::Proposed(Proposed { starts, .. }) => Self::Proposed { starts: starts.clone() },
            EventData::ProposalDeclined(_) => Self::ProposalDeclined,
            EventData::ProposalWithdrawn(_) => Self::ProposalWithdrawn,
            EventData::ProposalExpired(_) => Self::ProposalExpired,
            EventData::Cancelled(_) => Self::Cancelled,
            EventData::Completed(_) => Self::Completed,
            EventData::NoShow(NoShow { missed_by, .. }) => Self::NoShow { missed_by: (*missed_by).into() },
            EventData::NoShowDisputed(_) => Self::NoShowDisputed,
            EventData::Expired(_) => Self::Expired,
            EventData::PaymentActionRequired(_) => Self::PaymentActionRequired,
            EventData::PaymentUnpaid(_) => Self::PaymentUnpaid,
            EventData::PaymentRefunded(Refunded { changed, refunded }) => {
                let charge = changed.payment.final_charge;
                let amount = refunded.after.saturating_sub(refunded.before);
                Self::PaymentRefunded { amount: charge.with_amount(amount).unwrap_or(charge) }
            }
            EventData::PaymentRefundWaits(RefundWaits { amount, ended, .. }) => {
                Self::PaymentRefundWaits { amount: *amount, ended: *ended }
            }
            EventData::PaymentRefundFailed(_) => Self::PaymentRefundFailed,
            EventData::PaymentDisputed(_) => Self::PaymentDisputed,
            EventData::PaymentDisputeWon(_) => Self::PaymentDisputeWon,
            EventData::PaymentDisputeLost(_) => Self::PaymentDisputeLost,
            EventData::PaymentEscalated(_) => Self::PaymentEscalated,
        }
    }
}

/// Every area can cause events.
impl App {
    /// Records a change of an appointment or its payment in the transaction that makes it: adds it to the history of the
    /// appointment, and enqueues the jobs that notify people and that publish the event.
    pub(crate) fn record_event(
        &self,
        transaction: &mut Transaction,
        acting: ActingAs,
        event: EventData,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let entry = HistoryEntry::new(now, acting, Change::from(&event));
        let AppointmentData { appointment_id, version, .. } = *event.appointment();
        transaction.put_history(appointment_id, version, event.row_version(), &entry)?;
        let event = DomainEvent { occurred_at: now, data: event };
        let notify = MessagingJob::Notify { event: Box::new(event.clone()), by: acting.into() };
        self.enqueue(transaction, notify, now)?;
        self.enqueue(transaction, SchedulingJob::PublishEvent(Box::new(event)), now)
    }
}

/// Defines an enum of words that stand for the variants of a domain type.
macro_rules! words {
    ($($(#[doc = $doc:literal])* $name:ident for $domain:ty {
        $($(#[doc = $word_doc:literal])* $word:ident = $pattern:pat,)*
    })*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[doc = $word_doc])* $word,)*
        }

        impl From<$domain> for $name {
            fn from(value: $domain) -> Self {
                match value {
                    $($pattern => Self::$word,)*
                }
            }
        }
    )*};
}

words! {
    /// The status of an appointment.
    AppointmentStatus for &Status {
        /// The slot is held while the client pays.
        Pending = Status::Pending { .. },
        /// The session is booked.
        Confirmed = Status::Confirmed,
        /// The session took place.
        Completed = Status::Completed,
        /// One of the parties did not attend.
        NoShow = Status::NoShow { .. },
        /// The appointment was cancelled.
        Cancelled = Status::Cancelled { .. },
        /// The hold ended without payment.
        Expired = Status::Expired,
        /// Another status.
        Unknown = Status::Unknown,
    }
    /// A party of an appointment.
    PartyName for Party {
        /// The expert.
        Expert = Party::Expert,
        /// The client.
        Client = Party::Client,
        /// The platform.
        Platform = Party::Platform,
    }
    /// A payment gateway.
    Gateway for GatewayKind {
        /// Stripe.
        Stripe = GatewayKind::Stripe,
        /// PayPal.
        Paypal = GatewayKind::Paypal,
    }
    /// The state of a payment.
    PaymentStatus for &PaymentState {
        /// The client has not paid yet.
        Open = PaymentState::Open,
        /// The payment is being processed.
        Processing = PaymentState::Processing,
        /// The card is saved.
        CardSaved = PaymentState::CardSaved,
        /// The amount is authorized.
        Authorized = PaymentState::Authorized { .. },
        /// The client must pay again.
        ActionRequired = PaymentState::ActionRequired { .. },
        /// The client has paid.
        Paid = PaymentState::Paid { .. },
        /// A part was refunded.
        PartiallyRefunded = PaymentState::PartiallyRefunded { .. },
        /// The full amount was refunded.
        Refunded = PaymentState::Refunded { .. },
        /// A refund is due but cannot be made.
        RefundFailed = PaymentState::RefundFailed,
        /// The client's bank withdrew the payment.
        Disputed = PaymentState::Disputed,
        /// Nothing was paid, and nothing can be paid any more.
        Cancelled = PaymentState::Cancelled,
        /// The client could not be charged.
        Unpaid = PaymentState::Unpaid,
        /// Another state.
        Unknown = PaymentState::Unknown,
    }
}

impl From<PartyName> for Party {
    fn from(name: PartyName) -> Self {
        match name {
            PartyName::Expert => Self::Expert,
            PartyName::Client => Self::Client,
            PartyName::Platform => Self::Platform,
        }
    }
}

/// Why an administrator must decide about a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EscalationReason {
    /// The client's bank rejected a refund.
    RefundFailed,
    /// A refund is due on a charge whose dispute was lost.
    DisputeLost,
    /// The gateway permanently refused to capture the authorized amount.
    CaptureRefused,
    /// The gateway permanently refused a refund.
    RefundRefused,
    /// The gateway permanently refused to take money back from the expert.
    ReversalRefused,
    /// The gateway permanently refused to transfer money to the expert.
    TransferRefused,
    /// The parties disagree about whether the session took place.
    NoShowDisputed,
    /// Another reason.
    Unknown,
}

impl From<OrderKind> for EscalationReason {
    fn from(order: OrderKind) -> Self {
        match order {
            OrderKind::Capture => Self::CaptureRefused,
            OrderKind::Refund => Self::RefundRefused,
            OrderKind::Reversal => Self::ReversalRefused,
            OrderKind::Transfer => Self::TransferRefused,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
