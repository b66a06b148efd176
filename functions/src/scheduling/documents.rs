//! JSON documents of appointments.

use app::scheduling::cancellation::CancellationQuote as Quoted;
use app::scheduling::notes::NoteContents;
use app::scheduling::reliability;
use domain::kernel::percent::Percent;
use domain::kernel::text::{Email, LongText, NoteText, ShortText};
use domain::scheduling::reliability::IncidentKind;
use domain::scheduling::{appointment, cancellation, details, history, note, party, proposal};
use domain::{AppointmentId, ClientId, ExpertId, Money, NoteId, SessionTypeId, Timestamp, Zone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{AppointmentRecord, VersionedDetails};

use crate::experts::documents::{CancellationPolicy, ReschedulingPolicy};
use crate::mirror::mirror;
use crate::payments::documents::Payment;

/// An appointment with its payment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Appointment {
    /// The appointment without its details and its payment.
    #[serde(flatten)]
    pub appointment: ListedAppointment,
    /// What the client said about the session; null if a newer release has written it in a way that this one does not know.
    pub details: Option<AppointmentDetails>,
    /// The payment; absent for a session without a price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<Payment>,
}

impl Appointment {
    /// The appointment, its details and its payment as `party` may see them at `now`.
    pub fn new(record: AppointmentRecord, party: party::Party, now: Timestamp) -> Self {
        let AppointmentRecord { appointment, payment, movements, details } = record;
        let payment = payment.map(|payment| Payment::new(payment, &movements, &appointment.status, party));
        let appointment = ListedAppointment::new(appointment, now);
        Self { appointment, details: details.map(Into::into), payment }
    }
}

/// An appointment as lists contain it: without its details and its payment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ListedAppointment {
    /// The id of the appointment.
    pub id: AppointmentId,
    /// The version; each change adds one. Send it in `If-Match` when you change the appointment.
    pub version: u64,
    /// The status, with its additional members.
    #[serde(flatten)]
    pub status: AppointmentStatus,
    /// The state of a no-show report. Absent if there is none, or if the parties resolved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_show_report: Option<NoShowReport>,
    /// The expert who gives the session.
    pub expert_id: ExpertId,
    /// The client who booked the session.
    pub client_id: ClientId,
    /// The session type that was booked.
    pub session_type_id: SessionTypeId,
    /// The name of the session type at the time of booking.
    pub session_name: ShortText,
    /// When the session starts, in UTC.
    pub start: Timestamp,
    /// When the session ends, in UTC.
    pub end: Timestamp,
    /// When the session starts in the attendee's time zone, as RFC 3339 with the UTC offset.
    pub start_for_attendee: String,
    /// The number of seats booked.
    pub seats: u16,
    /// The price of all seats together.
    pub price: Money,
    /// The person who attends the session.
    pub attendee: Attendee,
    /// When the appointment was created.
    pub created_at: Timestamp,
    /// How often the appointment was rescheduled, by either side.
    pub reschedules: u16,
    /// How often the client moved the appointment, at once or by a proposal. It can be moved at once only while this is less than
    /// `rescheduling_policy.at_most`.
    pub reschedules_by_client: u16,
    /// The last proposal of other times; `null` if there is none, or if a cancellation or a later move by the client ended it.
    pub proposal: Option<Proposal>,
    /// The cancellation policy that was agreed at the time of booking. After a move by the client, no tier gives back more than
    /// they would have got back before it. After an accepted proposal of the expert, it is the agreed one again.
    pub cancellation_policy: CancellationPolicy,
    /// The rescheduling policy that was agreed at the time of booking.
    pub rescheduling_policy: ReschedulingPolicy,
}

impl ListedAppointment {
    /// The appointment as it is at `now`.
    pub fn new(appointment: appointment::Appointment, now: Timestamp) -> Self {
        Self {
            reschedules_by_client: appointment.moves_by_client(),
            proposal: appointment.moves.proposal.map(|proposal| Proposal::new(proposal, now)),
            id: appointment.id,
            version: appointment.version,
            status: appointment.status.into(),
            no_show_report: appointment.no_show_report.map(Into::into),
            expert_id: appointment.expert,
            client_id: appointment.client,
            session_type_id: appointment.session_type,
            session_name: appointment.session_name,
            start: appointment.start,
            end: appointment.end,
            start_for_attendee: appointment.attendee.time_zone.to_rfc3339(appointment.start),
            seats: appointment.seats,
            price: appointment.price,
            attendee: appointment.attendee.into(),
            created_at: appointment.created_at,
            reschedules: appointment.reschedules,
            cancellation_policy: appointment.cancellation.into(),
            rescheduling_policy: appointment.rescheduling.into(),
        }
    }
}

/// Other times for a session, as one side proposed them. The time of the appointment stands until the other side accepts.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Proposal {
    /// The side that proposed: the expert or the client.
    pub by: Party,
    /// The proposed starts, which are held until the proposal expires.
    #[schemars(length(max = 5))]
    pub starts: Vec<Timestamp>,
    /// The price of all seats together if one of the starts is accepted.
    pub price: Money,
    /// A message to the other side; may be empty.
    pub message: LongText,
    /// When the times were proposed.
    pub created_at: Timestamp,
    /// The instant from which the proposal can no longer be accepted.
    pub expires_at: Timestamp,
    /// What became of it, with its additional members.
    #[serde(flatten)]
    pub status: ProposalStatus,
}

impl Proposal {
    fn new(proposal: proposal::Proposal, now: Timestamp) -> Self {
        Self {
            by: proposal.by.into(),
            starts: proposal.starts().collect(),
            price: proposal.price,
            status: proposal.state_at(now).into(),
            message: proposal.message,
            created_at: proposal.created_at,
            expires_at: proposal.expires_at,
        }
    }
}

/// What became of a proposal.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum ProposalStatus {
    /// The other side can accept or decline it.
    Open,
    /// The session was moved to one of the proposed times.
    Accepted {
        /// The accepted start.
        start: Timestamp,
    },
    /// The other side declined it.
    Declined,
    /// The side that proposed withdrew it.
    Withdrawn,
    /// Nobody decided in time.
    Expired,
}

mirror!(enum ProposalStatus <= proposal::ProposalState {
    Open,
    Accepted { start },
    Declined,
    Withdrawn,
    Expired,
});

/// The status of an appointment.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum AppointmentStatus {
    /// The slot is held while the client pays.
    Pending {
        /// The instant from which another booking may take the slot.
        hold_expires_at: Timestamp,
    },
    /// The session is booked.
    Confirmed,
    /// The session took place.
    Completed,
    /// One of the parties did not attend.
    NoShow {
        /// The party that did not attend.
        missed_by: Party,
    },
    /// The appointment was cancelled.
    Cancelled {
        /// The party that cancelled.
        cancelled_by: Party,
        /// When the appointment was cancelled.
        cancelled_at: Timestamp,
        /// The reason as entered by that party; may be empty.
        reason: LongText,
    },
    /// The hold ended without payment.
    Expired,
    /// A newer version of the platform has set a status that this one does not know.
    Unknown,
}

mirror!(enum AppointmentStatus <= appointment::Status {
    Pending { hold_expires_at },
    Confirmed,
    Completed,
    NoShow { missed_by },
    Cancelled { cancelled_by, cancelled_at, reason },
    Expired,
    Unknown,
});

/// A no-show report that is not resolved yet, or that an administrator decided. While it is unresolved, nothing is refunded
/// because of it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum NoShowReport {
    /// It is reported that `missed_by` did not attend. That party can object with `POST …/no-show/objection`. It is not notified
    /// yet, so the period for objections has not begun.
    Reported,
    /// `missed_by` is notified of the report and can object.
    Open {
        /// The end of the period for objections. After it, the report counts as accepted and takes effect.
        until: Timestamp,
    },
    /// The parties disagree about whether one of them attended. An administrator decides.
    Disputed,
    /// An administrator has decided, and both parties can object once, with `POST …/no-show/objection`.
    Announced {
        /// When the decision takes effect; absent until the parties are notified.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        /// What the client pays in the end for a session that took place, if the administrator has decided that it is less than
        /// before.
        #[serde(skip_serializing_if = "Option::is_none")]
        charge: Option<Money>,
    },
    /// A party has objected to the decision of an administrator. The next decision takes effect at once.
    Appealed,
    /// The decision of an administrator is in effect. Neither party can change the outcome.
    Decided,
}

mirror!(enum NoShowReport <= appointment::NoShowReport {
    Reported,
    Open { until },
    Disputed,
    Announced { until, charge },
    Appealed,
    Decided,
});

/// The person who attends the session, as the client entered it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attendee {
    /// The attendee's name.
    pub name: ShortText,
    /// The address for confirmations.
    pub email: Email,
    /// The time zone in which the attendee wants to see times.
    pub time_zone: Zone,
    /// A message to the expert; may be empty.
    #[serde(default)]
    pub note: LongText,
}

mirror!(struct Attendee <=> appointment::Attendee { name, email, time_zone, note });

/// A party that acts on an appointment.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The expert who gives the session.
    Expert,
    /// The client who booked the session.
    Client,
    /// The platform: automatically, if the client did not pay, or an administrator.
    Platform,
}

mirror!(enum Party <= party::Party { Expert, Client, Platform });

/// The refund and the charge that result from a cancellation.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CancellationQuote {
    /// The amount that the client gets back or does not have to pay.
    pub refund: Money,
    /// The amount that the client pays in the end. Together with `refund` and what was returned before, it equals the price.
    pub final_charge: Money,
    /// The part of `final_charge` with which the client pays for the processing of the refund. It is 0 within monthly
    /// budgets for each client and for each expert: the side from which the gateway took its fee then bears this cost.
    pub processing_cost: Money,
    /// What the expert will owe the platform for the processing of the refund, and what is withheld from their next payouts. Present only
    /// if the expert or a member asks about a cancellation of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expert_owes: Option<Money>,
    /// Whether the cancellation counts as a late one of the side that cancels. It does if a confirmed session begins in less than 24
    /// hours, or if the client moved it at once less than 24 hours before its former start; not within the grace period, and not if
    /// the expert gave the client the right to cancel freely. The platform can have set another number of hours. Late cancellations
    /// lead to a warning, and can lead to a suspension.
    pub counts_as_late: bool,
    /// The rule that determines the refund.
    #[serde(flatten)]
    pub basis: RefundBasis,
}

impl From<Quoted> for CancellationQuote {
    fn from(quoted: Quoted) -> Self {
        let Quoted { quote, expert_owes, counts_as_late } = quoted;
        let cancellation::Quote { refund, final_charge, processing_cost, basis } = quote;
        Self { refund, final_charge, processing_cost, expert_owes, counts_as_late, basis: basis.into() }
    }
}

/// Why the client gets this refund.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum RefundBasis {
    /// The session costs nothing.
    Free,
    /// The appointment is a hold that the client has not paid, so nothing is charged.
    Unpaid,
    /// The expert cancelled or did not attend.
    ByExpert,
    /// The platform cancelled.
    ByPlatform,
    /// The expert proposed other times, and the client did not accept one.
    ProposalNotAccepted,
    /// The expert is suspended.
    ExpertSuspended,
    /// The client cancelled within the grace period after booking.
    Grace {
        /// The end of the grace period.
        until: Timestamp,
    },
    /// The client cancelled within a tier of the cancellation policy.
    Tier {
        /// The tier applies until this many hours before the start.
        until_hours_before: u16,
        /// The share of the price that the tier gives back.
        refund_percent: Percent,
    },
    /// The client cancelled after the last tier.
    TooLate,
    /// The client did not attend.
    NoShow {
        /// The share of the price that the policy gives back for a no-show.
        refund_percent: Percent,
    },
}

mirror!(enum RefundBasis <= cancellation::Basis {
    Free,
    Unpaid,
    ByExpert,
    ByPlatform,
    ProposalNotAccepted,
    ExpertSuspended,
    Grace { until },
    Tier { until_hours_before, refund_percent },
    TooLate,
    NoShow { refund_percent },
});

/// A party that can miss a session.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// The expert who gives the session.
    Expert,
    /// The client who booked the session.
    Client,
}

impl From<Absent> for party::Party {
    fn from(absent: Absent) -> Self {
        match absent {
            Absent::Expert => Self::Expert,
            Absent::Client => Self::Client,
        }
    }
}

/// A person who comes to the session besides the attendee.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Guest {
    /// The guest's address.
    pub email: Email,
    /// The guest's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<ShortText>,
}

mirror!(struct Guest <=> details::Guest { email, name });

/// What the client tells the expert about a session. Both parties can read it.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionDetails {
    /// The subject of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<ShortText>,
    /// What the client wants to achieve; may be empty.
    #[serde(default)]
    pub goals: LongText,
    /// What the session needs, such as tools or documents; may be empty.
    #[serde(default)]
    pub requirements: LongText,
    /// The people who come besides the attendee, at most 5, each address once.
    #[serde(default)]
    #[schemars(length(max = 5))]
    pub guests: Vec<Guest>,
}

mirror!(struct SessionDetails <=> details::SessionDetails { topic, goals, requirements, guests: each });

/// What the client said about a session, with its version.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AppointmentDetails {
    /// The version, to send in `If-Match` when you replace the details; 0 if nothing has been said.
    pub version: u64,
    /// The details.
    #[serde(flatten)]
    pub details: SessionDetails,
}

mirror!(struct AppointmentDetails <= VersionedDetails { version, details });

/// Who can read a note.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoteVisibility {
    /// Only the party that wrote it.
    #[default]
    Private,
    /// Both parties and administrators.
    Shared,
}

mirror!(enum NoteVisibility => note::NoteVisibility { Private, Shared });

impl From<note::NoteVisibility> for NoteVisibility {
    fn from(visibility: note::NoteVisibility) -> Self {
        match visibility {
            // As long as it is not known who may read a note, only the party that wrote it may.
            note::NoteVisibility::Private | note::NoteVisibility::Unknown => Self::Private,
            note::NoteVisibility::Shared => Self::Shared,
        }
    }
}

/// A note about a session.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SessionNote {
    /// The id of the note.
    pub id: NoteId,
    /// The version, to send in `If-Match` when you replace the note.
    pub version: u64,
    /// The party that wrote it.
    pub author: Party,
    /// Who can read it.
    pub visibility: NoteVisibility,
    /// The text.
    pub text: NoteText,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub changed_at: Timestamp,
}

mirror!(struct SessionNote <= note::SessionNote {
    id,
    version,
    author,
    visibility,
    text,
    created_at,
    changed_at,
});

/// A note to write.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionNoteRequest {
    /// Who can read it: your party only (the default), or both parties and administrators.
    #[serde(default)]
    visibility: NoteVisibility,
    /// The text.
    text: NoteText,
}

impl From<SessionNoteRequest> for NoteContents {
    fn from(SessionNoteRequest { visibility, text }: SessionNoteRequest) -> Self {
        Self { visibility: visibility.into(), text }
    }
}

/// Who changed something.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangedBy {
    /// The expert.
    Expert,
    /// A member of the expert, for the expert.
    Member,
    /// The client.
    Client,
    /// An administrator.
    Administrator,
    /// The platform, automatically.
    Platform,
    /// A kind of actor that this version of the platform does not know.
    Unknown,
}

mirror!(enum ChangedBy <= history::ChangedBy { Expert, Member, Client, Administrator, Platform, Unknown });

/// When a session takes place.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SessionTime {
    /// The start of the session.
    pub start: Timestamp,
    /// The end of the session.
    pub end: Timestamp,
}

mirror!(struct SessionTime <= history::SessionTime { start, end });

/// What was changed.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// The session was booked.
    Booked,
    /// The appointment was confirmed.
    Confirmed,
    /// The appointment was moved to another time.
    Rescheduled {
        /// The time before.
        from: SessionTime,
        /// The time after.
        to: SessionTime,
    },
    /// One side proposed other times.
    Proposed {
        /// The proposed starts.
        #[schemars(length(max = 5))]
        starts: Vec<Timestamp>,
    },
    /// The other side declined the proposed times.
    ProposalDeclined,
    /// The side that proposed other times withdrew them.
    ProposalWithdrawn,
    /// Nobody decided about the proposed times in time.
    ProposalExpired,
    /// The appointment was cancelled.
    Cancelled,
    /// The session took place.
    Completed,
    /// One of the parties did not attend.
    NoShow {
        /// The party that did not attend.
        missed_by: Party,
    },
    /// The parties disagree about whether the session took place.
    NoShowDisputed,
    /// The party that did not attend according to a report was notified, or both parties were notified of the decision of an
    /// administrator. They can object.
    ObjectionPeriodBegun {
        /// The end of the period for objections.
        until: Timestamp,
    },
    /// The report of a no-show was accepted, because nobody objected in time.
    NoShowAccepted,
    /// The decision of an administrator took effect, because nobody objected in time.
    DecisionTookEffect,
    /// The hold ended without payment.
    Expired,
    /// The client or an administrator changed the details of the session.
    DetailsChanged,
    /// The expert or an administrator reduced what the client pays.
    RefundGranted {
        /// The amount by which it was reduced.
        amount: Money,
    },
    /// The client must pay again by a deadline.
    PaymentActionRequired,
    /// The client could not be charged.
    PaymentUnpaid,
    /// Money was refunded to the client.
    PaymentRefunded {
        /// The refunded amount.
        amount: Money,
    },
    /// A refund that the expert granted waits, because the gateway refused to take their share of it back.
    PaymentRefundWaits {
        /// The amount that waits.
        amount: Money,
        /// Whether the platform has ended its attempts to take the share back, so that an administrator decides.
        ended: bool,
    },
    /// The client's bank rejected a refund.
    PaymentRefundFailed,
    /// The client disputed the payment.
    PaymentDisputed,
    /// The bank decided a dispute for the expert.
    PaymentDisputeWon,
    /// The bank decided a dispute for the client.
    PaymentDisputeLost,
    /// The payment needs a decision by an administrator.
    PaymentEscalated,
    /// An administrator decided about the payment.
    EscalationResolved,
    /// A change that this version of the platform does not know.
    Unknown,
}

mirror!(enum Change <= history::Change {
    Booked,
    Confirmed,
    Rescheduled { from, to },
    Proposed { starts },
    ProposalDeclined,
    ProposalWithdrawn,
    ProposalExpired,
    Cancelled,
    Completed,
    NoShow { missed_by },
    NoShowDisputed,
    ObjectionPeriodBegun { until },
    NoShowAccepted,
    DecisionTookEffect,
    Expired,
    DetailsChanged,
    RefundGranted { amount },
    PaymentActionRequired,
    PaymentUnpaid,
    PaymentRefunded { amount },
    PaymentRefundWaits { amount, ended },
    PaymentRefundFailed,
    PaymentDisputed,
    PaymentDisputeWon,
    PaymentDisputeLost,
    PaymentEscalated,
    EscalationResolved,
    Unknown,
});

/// How reliable a person is: as an expert, and as a client.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Reliability {
    /// As an expert.
    pub as_expert: SideReliability,
    /// As a client.
    pub as_client: SideReliability,
}

/// How reliable a person is as one side of their appointments.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SideReliability {
    /// The counts of the last 90 days.
    pub last_90_days: IncidentCounts,
    /// What follows from the late cancellations and no-shows of the last 90 days, or from the lost disputes, whichever is more severe.
    /// The bookings of one group session, and late cancellations and no-shows with the same person on the other side, count once for
    /// it. Each lost dispute counts.
    pub consequence: Consequence,
    /// The counts of the UTC months of the last 365 days, the latest first, without months that have none.
    #[schemars(length(max = 13))]
    pub months: Vec<MonthCounts>,
    /// Whether the counts are too low, because something that counts cannot be shown at the moment.
    pub truncated: bool,
}

/// Counts of what a person did.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct IncidentCounts {
    /// Confirmed sessions that the person cancelled shortly before their start.
    pub late_cancellations: u32,
    /// Proposals of the other side that the person declined.
    pub declined_proposals: u32,
    /// Sessions that the person moved at once or by a proposal.
    pub moves: u32,
    /// Sessions that the person missed, once that has taken effect.
    pub no_shows: u32,
    /// Payments that the person disputed at their bank, which decided for them. It is 0 for an expert.
    pub lost_disputes: u32,
}

/// The counts of a month.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MonthCounts {
    /// The UTC month, such as 2027-01.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}$"), length(max = 7))]
    pub month: String,
    /// Its counts.
    #[serde(flatten)]
    pub counts: IncidentCounts,
}

/// What follows from late cancellations and no-shows, and from lost disputes.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Consequence {
    /// Nothing.
    None,
    /// With each of them, the person is warned by a notification.
    Warning,
    /// With each of them, the person is warned and, unless they are suspended already, suspended. An administrator can lift this.
    Suspension,
}

mirror!(enum Consequence <= domain::scheduling::reliability::Consequence { None, Warning, Suspension });

impl IncidentCounts {
    fn add(&mut self, kind: IncidentKind) {
        let count = match kind {
            IncidentKind::LateCancellation => &mut self.late_cancellations,
            IncidentKind::DeclinedProposal => &mut self.declined_proposals,
            IncidentKind::Move => &mut self.moves,
            IncidentKind::NoShow => &mut self.no_shows,
            IncidentKind::LostDispute => &mut self.lost_disputes,
        };
        *count = count.saturating_add(1);
    }
}

impl From<reliability::SideRecord> for SideReliability {
    fn from(record: reliability::SideRecord) -> Self {
        let mut last_90_days = IncidentCounts::default();
        let mut months: Vec<MonthCounts> = Vec::new();
        for incident in record.incidents {
            if incident.at >= record.counted_since {
                last_90_days.add(incident.kind);
            }
            let month: String = incident.at.utc_date().to_string().chars().take(7).collect();
            match months.last_mut() {
                Some(last) if last.month == month => last.counts.add(incident.kind),
                _ => {
                    let mut counts = IncidentCounts::default();
                    counts.add(incident.kind);
                    months.push(MonthCounts { month, counts });
                }
            }
        }
        let (consequence, truncated) = (record.consequence.into(), record.truncated);
        Self { last_90_days, consequence, months, truncated }
    }
}

impl From<reliability::Reliability> for Reliability {
    fn from(reliability: reliability::Reliability) -> Self {
        Self { as_expert: reliability.as_expert.into(), as_client: reliability.as_client.into() }
    }
}
