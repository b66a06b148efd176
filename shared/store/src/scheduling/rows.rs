//! The stored form of appointments.

use domain::experts::policy::Percent;
use domain::scheduling::appointment::{Appointment, Attendee, BookedTime, NoShowReport, Status};
use domain::scheduling::details::{Guest, SessionDetails};
use domain::scheduling::history::{Change, ChangedBy, HistoryEntry, SessionTime};
use domain::scheduling::note::{NoteVisibility, SessionNote};
use domain::scheduling::party::Party;
use domain::scheduling::proposal::{Moves, Proposal, ProposalState};
use domain::scheduling::reliability::{Incident, IncidentKind, SessionOccurrence};
use domain::{AppointmentId, ClientId, ExpertId, NoteId, PersonId, SessionTypeId, Timestamp};

use super::notes::{NotesWritten, VersionedDetails};
use crate::experts::rows::{CancellationRow, RescheduleRow};
use crate::row::{MoneyRow, Row, Text, Unreadable, stored};

impl Row<Appointment> for AppointmentRow {
    const SCHEMA: u16 = 2;

    /// A release that knows format 1 would lose moves and proposals, and what a client gets back because of them.
    fn schema_of(appointment: &Appointment) -> u16 {
        if appointment.moves == Moves::default() { 1 } else { 2 }
    }

    fn degraded(appointment: Appointment) -> Option<Appointment> {
        Some(Appointment { status: Status::Unknown, ..appointment })
    }
}

impl Row<VersionedDetails> for DetailsRow {
    const SCHEMA: u16 = 1;
}

impl Row<Incident> for IncidentRow {
    const SCHEMA: u16 = 1;
}

impl Row<HistoryEntry> for HistoryRow {
    const SCHEMA: u16 = 1;

    /// Entries are never changed.
    fn degraded(entry: HistoryEntry) -> Option<HistoryEntry> {
        Some(entry)
    }
}

impl Row<SessionNote> for NoteRow {
    const SCHEMA: u16 = 1;

    /// Who wrote it must be known, because only they may read it then.
    fn degraded(note: SessionNote) -> Option<SessionNote> {
        let is_by_a_party = note.author != Party::Platform;
        is_by_a_party.then_some(SessionNote { visibility: NoteVisibility::Unknown, ..note })
    }
}

impl Row<NotesWritten> for NotesWrittenRow {
    const SCHEMA: u16 = 1;
}

stored! {
    struct IncidentRow for Incident {
        side: PartyRow,
        kind: IncidentKindRow,
        appointment: AppointmentId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group_session: Option<SessionOccurrenceRow>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        counterpart: Option<PersonId>,
        at: Timestamp,
        number: u64,
    }

    struct SessionOccurrenceRow for SessionOccurrence {
        session_type: SessionTypeId,
        start: Timestamp,
    }

    enum IncidentKindRow for IncidentKind {
        LateCancellation,
        DeclinedProposal,
        Move,
        NoShow,
        LostDispute,
        _ => Err(Unreadable::unknown("kind of incident"))
    }

    struct AppointmentRow for Appointment {
        id: AppointmentId,
        version: u64,
        expert: ExpertId,
        client: ClientId,
        attendee: AttendeeRow,
        session_type: SessionTypeId,
        session_name: Text,
        start: Timestamp,
        end: Timestamp,
        buffer_before_minutes: u16,
        buffer_after_minutes: u16,
        seats: u16,
        group: bool,
        price: MoneyRow,
        created_at: Timestamp,
        reschedules: u16,
        #[serde(default)]
        cancellation: CancellationRow,
        #[serde(default)]
        rescheduling: RescheduleRow,
        #[serde(default)]
        no_show_report: Option<NoShowReportRow>,
        #[serde(default)]
        moves: MovesRow,
        #[serde(flatten)]
        status: StatusRow,
    }

    #[derive(Default)]
    struct MovesRow for Moves {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by_client: Option<u16>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agreed_cancellation: Option<CancellationRow>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proposal: Option<ProposalRow>,
        #[serde(default, skip_serializing_if = "is_default")]
        proposed_by_expert: u16,
        #[serde(default, skip_serializing_if = "is_default")]
        proposed_by_client: u16,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shortest_notice: Option<i64>,
        #[serde(default, skip_serializing_if = "is_default")]
        declined_earlier: bool,
    }

    struct ProposalRow for Proposal {
        by: PartyRow,
        times: Vec<BookedTimeRow>,
        price: MoneyRow,
        #[serde(default)]
        message: Text,
        created_at: Timestamp,
        expires_at: Timestamp,
        refund_share: Percent,
        #[serde(flatten)]
        state: ProposalStateRow,
    }

    struct BookedTimeRow for BookedTime {
        start: Timestamp,
        end: Timestamp,
        buffer_before_minutes: u16,
        buffer_after_minutes: u16,
        group: bool,
    }

    #[serde(tag = "state")]
    enum ProposalStateRow for ProposalState {
        Open,
        Accepted { start: Timestamp },
        Declined,
        Withdrawn,
        Expired,
        // Whether its times are held, and what the client gets back, is not known.
        _ => Err(Unreadable::unknown("state of the proposal"))
    }

    struct AttendeeRow for Attendee {
        name: Text,
        email: Text,
        time_zone: Text,
        #[serde(default)]
        note: Text,
    }

    struct DetailsRow for VersionedDetails {
        version: u64,
        details: SessionDetailsRow,
    }

    struct SessionDetailsRow for SessionDetails {
        #[serde(default)]
        topic: Option<Text>,
        #[serde(default)]
        goals: Text,
        #[serde(default)]
        requirements: Text,
        #[serde(default)]
        guests: Vec<GuestRow>,
    }

    struct GuestRow for Guest {
        email: Text,
        #[serde(default)]
        name: Option<Text>,
    }

    struct HistoryRow for HistoryEntry {
        at: Timestamp,
        by: ChangedByRow,
        #[serde(default)]
        person: Option<PersonId>,
        #[serde(flatten)]
        change: ChangeRow,
    }

    enum ChangedByRow for ChangedBy {
        Expert,
        Member,
        Client,
        Administrator,
        Platform,
        _ is Unknown
    }

    #[serde(tag = "change")]
    enum ChangeRow for Change {
        Booked,
        Confirmed,
        Rescheduled { from: SessionTimeRow, to: SessionTimeRow },
        Proposed { starts: Vec<Timestamp> },
        ProposalDeclined,
        ProposalWithdrawn,
        ProposalExpired,
        Cancelled,
        Completed,
        NoShow { missed_by: PartyRow },
        NoShowDisputed,
        ObjectionPeriodBegun { until: Timestamp },
        NoShowAccepted,
        DecisionTookEffect,
        Expired,
        DetailsChanged,
        RefundGranted { amount: MoneyRow },
        PaymentActionRequired,
        PaymentUnpaid,
        PaymentRefunded { amount: MoneyRow },
        PaymentRefundWaits { amount: MoneyRow, ended: bool },
        PaymentRefundFailed,
        PaymentDisputed,
        PaymentDisputeWon,
        PaymentDisputeLost,
        PaymentEscalated,
        EscalationResolved,
        _ is Unknown
    }

    struct SessionTimeRow for SessionTime {
        start: Timestamp,
        end: Timestamp,
    }

    struct NoteRow for SessionNote {
        id: NoteId,
        version: u64,
        author: PartyRow,
        visibility: VisibilityRow,
        text: Text,
        created_at: Timestamp,
        changed_at: Timestamp,
    }

    struct NotesWrittenRow for NotesWritten {
        version: u64,
    }

    enum VisibilityRow for NoteVisibility {
        Private,
        Shared,
        // Who may read it is not known, so only its author may.
        _ is Unknown
    }

    #[serde(tag = "status")]
    enum StatusRow for Status {
        Pending { hold_expires_at: Timestamp },
        Confirmed,
        Completed,
        NoShow {
            #[serde(default = "the_client")]
            missed_by: PartyRow,
        },
        Cancelled { cancelled_by: PartyRow, cancelled_at: Timestamp, reason: Text },
        Expired,
        // Nothing is done to an appointment whose status is not known.
        _ is Unknown
    }

    #[serde(tag = "state")]
    enum NoShowReportRow for NoShowReport {
        Reported,
        // Releases before this one wrote `open`, and only for a report of the client. They read `notified` as disputed.
        #[serde(rename = "notified", alias = "open")]
        Open { until: Timestamp },
        Disputed,
        // Releases before this one read these two as disputed.
        Announced { until: Option<Timestamp>, charge: Option<MoneyRow> },
        Appealed,
        Decided,
        // The appointment has an unknown status then.
        _ => Ok(NoShowReport::Disputed)
    }

    enum PartyRow for Party {
        Expert,
        Client,
        Platform,
        // Somebody who is neither the expert nor the client. A row that can be changed says that it has an unknown value.
        _ => Ok(Party::Platform)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn the_client() -> PartyRow {
    PartyRow::Client
}
