//! Keys of notifications.
//!
//! | used by | question | index | PK | SK |
//! |---|---|---|---|---|
//! | run_general_jobs | whether a person was notified about an event of an appointment | table | `PERSON#<person>` | `notification#<appointment>#<event>` |
//! | run_general_jobs | whether a person was warned after they cancelled a session late, missed it or disputed a payment | table | `PERSON#<person>` | `warning#<side>#<subject>` |
//! | the person | up to where a person has read their notifications | table | `PERSON#<person>` | `notifications-read` |
//! | the person | a person's notifications by time of delivery | GSI1 | `NOTIFICATIONS#<person>` | `<notification>` |

use domain::scheduling::party::Party;
use domain::scheduling::reliability::IncidentSubject;
use domain::{AppointmentId, PersonId};

use crate::keys::{Key, person_partition};

/// The notification of a person about this kind of event of an appointment, such as `appointment.cancelled`.
pub fn notification(person: PersonId, appointment: AppointmentId, event: &str) -> Key {
    Key::new(person_partition(person), format!("notification#{appointment}#{event}"))
}

/// The warning of a person because of an incident of this side about this.
pub fn warning(person: PersonId, side: Party, subject: IncidentSubject) -> Key {
    let side = if side == Party::Client { "client" } else { "expert" };
    Key::new(person_partition(person), format!("warning#{side}#{subject}"))
}

/// Up to where a person has read their notifications.
pub fn read_mark(person: PersonId) -> Key {
    Key::new(person_partition(person), "notifications-read")
}

/// The partition of [`GSI1`](crate::keys::GSI1) with a person's notifications. The sort key is the id of the notification.
pub fn notifications(person: PersonId) -> String {
    format!("NOTIFICATIONS#{person}")
}

#[cfg(test)]
pub(crate) mod tests {
    use domain::scheduling::reliability::SessionOccurrence;
    use domain::{SessionTypeId, Timestamp};

    use super::*;
    use crate::keys::GSI1;
    use crate::keys::tests::{APPOINTMENT, Example, ZEROS, indexed, row};

    const PERSON: PersonId = PersonId::from_bits(2);

    const INDIVIDUAL: IncidentSubject = IncidentSubject::Individual(APPOINTMENT);

    fn group_session() -> IncidentSubject {
        let start = Timestamp::from_seconds(1_804_237_200);
        IncidentSubject::Group(SessionOccurrence { session_type: SessionTypeId::from_bits(3), start })
    }

    /// A key of each function above.
    pub(crate) fn examples() -> Vec<Example> {
        vec![
            row(notification(PERSON, APPOINTMENT, "appointment.cancelled")),
            row(warning(PERSON, Party::Client, INDIVIDUAL)),
            row(warning(PERSON, Party::Expert, group_session())),
            row(warning(PERSON, Party::Client, IncidentSubject::Payment(APPOINTMENT))),
            row(read_mark(PERSON)),
            indexed(GSI1, notifications(PERSON), domain::NotificationId::from_bits(4).to_string()),
        ]
    }

    #[test]
    fn key_strings_do_not_change() {
        assert_eq!(
            notification(PERSON, APPOINTMENT, "appointment.cancelled").to_string(),
            format!("PERSON#per_{ZEROS}2 / notification#apt_{ZEROS}a#appointment.cancelled")
        );
        assert_eq!(
            warning(PERSON, Party::Client, INDIVIDUAL).to_string(),
            format!("PERSON#per_{ZEROS}2 / warning#client#apt_{ZEROS}a")
        );
        assert_eq!(
            warning(PERSON, Party::Client, IncidentSubject::Payment(APPOINTMENT)).sk,
            format!("warning#client#payment#apt_{ZEROS}a")
        );
        assert_eq!(
            warning(PERSON, Party::Expert, group_session()).sk,
            format!("warning#expert#ses_{ZEROS}3#001804237200")
        );
        assert_eq!(read_mark(PERSON).to_string(), format!("PERSON#per_{ZEROS}2 / notifications-read"));
        assert_eq!(notifications(PERSON), format!("NOTIFICATIONS#per_{ZEROS}2"));
    }
}
