//! Domain events about appointments and their payments, for integrations.

use domain::AppointmentId;
use domain::scheduling::appointment::{Appointment, Event};
use serde_json::json;

use crate::ports::DomainEvent;
use crate::{App, AppError};

/// Publishes a domain event about an appointment.
pub(crate) async fn publish(
    app: &App,
    id: AppointmentId,
    version: u64,
    event: Event,
) -> Result<(), AppError> {
    let Some(appointment) = app.store.appointment(id).await? else { return Ok(()) };
    let event = DomainEvent {
        id: format!("{id}:{version}:{}", event.name()),
        kind: event.name().to_owned(),
        detail: detail(&appointment),
    };
    app.events.publish(&event).await.map_err(|error| AppError::Port("the event bus", error))
}

/// Returns the `detail` of an event: ids, times, and the appointment's status and version at the time of publication. It contains
/// no personal data.
fn detail(appointment: &Appointment) -> serde_json::Value {
    json!({
        "appointment_id": appointment.id,
        "appointment_version": appointment.version,
        "expert_id": appointment.expert,
        "client_id": appointment.client,
        "session_type_id": appointment.session_type,
        "start": appointment.start,
        "end": appointment.end,
        "current_status": appointment.status.as_str(),
    })
}
