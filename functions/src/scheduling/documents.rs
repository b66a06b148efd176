//! JSON documents of appointments.

use domain::experts::policy::{CancellationPolicy, ReschedulePolicy};
use domain::kernel::text::ShortText;
use domain::scheduling::appointment::{Appointment, Attendee, NoShowReport, Status};
use domain::scheduling::party::Party;
use domain::{AppointmentId, ClientId, ExpertId, Money, SessionTypeId, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use store::AppointmentRecord;

use crate::payments::documents::PaymentDocument;

/// An appointment as the API returns it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AppointmentDocument {
    /// The id of the appointment.
    pub id: AppointmentId,
    /// The version; each change adds one.
    pub version: u64,
    /// The status, with its additional members.
    #[serde(flatten)]
    pub status: Status,
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
    pub start_for_client: String,
    /// The number of seats booked.
    pub seats: u16,
    /// The price of all seats together.
    pub price: Money,
    /// The person who attends the session.
    pub attendee: Attendee,
    /// When the appointment was created.
    pub created_at: Timestamp,
    /// How often the appointment was rescheduled.
    pub reschedules: u16,
    /// The cancellation policy that was agreed at the time of booking.
    pub cancellation: CancellationPolicy,
    /// The rescheduling policy that was agreed at the time of booking.
    pub rescheduling: ReschedulePolicy,
    /// The payment; absent in lists, and for a session without a price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentDocument>,
}

impl AppointmentDocument {
    /// The appointment and its payment as `party` may see them.
    pub fn new(record: AppointmentRecord, party: Party) -> Self {
        let AppointmentRecord { appointment, payment, movements } = record;
        let payment = payment.map(|payment| PaymentDocument::new(payment, &movements, party));
        Self { payment, ..Self::without_payment(appointment) }
    }

    /// The appointment alone.
    pub fn without_payment(appointment: Appointment) -> Self {
        Self {
            id: appointment.id,
            version: appointment.version,
            status: appointment.status,
            no_show_report: appointment.no_show_report,
            expert_id: appointment.expert,
            client_id: appointment.client,
            session_type_id: appointment.session_type,
            session_name: appointment.session_name,
            start: appointment.start,
            end: appointment.end,
            start_for_client: appointment.attendee.time_zone.to_rfc3339(appointment.start),
            seats: appointment.seats,
            price: appointment.price,
            attendee: appointment.attendee,
            created_at: appointment.created_at,
            reschedules: appointment.reschedules,
            cancellation: appointment.cancellation,
            rescheduling: appointment.rescheduling,
            payment: None,
        }
    }
}
