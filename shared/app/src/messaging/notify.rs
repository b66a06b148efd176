//! The job that notifies the people whom an event concerns.
//!
//! A notification is the list entry of one person. What delivers it in another way reads it from there.

use std::collections::BTreeSet;

use domain::experts::members::Right;
use domain::kernel::time::HOUR;
use domain::messaging::notification::{AppointmentChange, Content, Notification, concerns};
use domain::scheduling::appointment::OBJECTION_HOURS;
use domain::scheduling::history::{Change, ChangedBy, SessionTime};
use domain::scheduling::party::Party;
use domain::{Money, PersonId};
use store::{RowVersion, Transaction};

use super::jobs::CausedBy;
use crate::events::{DomainEvent, EventData};
use crate::scheduling::session_reports;
use crate::{App, AppError, Decision};

/// Notifies the people whom an event concerns, except the one who caused it. Whoever was notified already is left out, so the job
/// can be repeated.
///
/// # Errors
/// If the table fails. The people before are notified then.
pub(super) async fn notify(app: &App, event: &DomainEvent, by: CausedBy) -> Result<(), AppError> {
    let change = Change::from(&event.data);
    let outcome = outcome(app, event).await?;
    for person in recipients(app, event, &change, by).await? {
        deliver(app, event, &change, by, person, outcome).await?;
    }
    match outcome.objectors {
        [] => Ok(()),
        parties => begin_objection_period(app, event, parties).await,
    }
}

/// What people are told about the outcome that an event reports or decides.
#[derive(Debug, Clone, Copy)]
struct Outcome {
    /// The parties that can object to it.
    objectors: &'static [Party],
    /// What the client pays in the end. If a party can object, it is what the client pays if none does.
    final_charge: Option<Money>,
}

async fn outcome(app: &App, event: &DomainEvent) -> Result<Outcome, AppError> {
    let decided = Outcome { objectors: &[], final_charge: event.data.decided_charge() };
    let (EventData::NoShow(_) | EventData::Completed(_)) = &event.data else { return Ok(decided) };
    let id = event.data.appointment().appointment_id;
    let Some(record) = app.store.latest_appointment_record(id).await? else { return Ok(decided) };
    // A job that is late must not begin the period of a later report: nobody was notified of that one yet.
    if event.data.row_version() != RowVersion::Appointment(record.appointment.version) {
        return Ok(decided);
    }
    match (record.appointment.parties_to_notify(), record.payment) {
        ([], _) | (_, None) => Ok(decided),
        (objectors, Some(payment)) => {
            let (_, final_charge) = record.appointment.accept_report(payment.charge());
            Ok(Outcome { objectors, final_charge: Some(final_charge) })
        }
    }
}

/// Begins the period for objections of parties that are notified. It ends when the last of their notifications says, so each of them
/// always has the whole period from its notification on, however late that was.
async fn begin_objection_period(app: &App, event: &DomainEvent, parties: &[Party]) -> Result<(), AppError> {
    let appointment = event.data.appointment();
    let id = appointment.appointment_id;
    let mut until = None;
    for party in parties {
        let person = match party {
            Party::Client => appointment.client_id.person(),
            Party::Expert | Party::Platform => appointment.expert_id.person(),
        };
        let notified = app.store.notified_change(person, id, event.kind()).await?;
        until = until.max(notified.and_then(|change| change.object_until));
    }
    // Nobody is notified of what they did themselves, such as an expert who booked their own session.
    let until = until.unwrap_or(app.now().plus(OBJECTION_HOURS * HOUR));
    session_reports::begin_objection_period(app, id, until).await
}

/// The client, the expert, and the members who can read the appointment, as far as the change concerns them.
async fn recipients(
    app: &App,
    event: &DomainEvent,
    change: &Change,
    by: CausedBy,
) -> Result<BTreeSet<PersonId>, AppError> {
    let appointment = event.data.appointment();
    let (expert, client) = (appointment.expert_id, appointment.client_id);
    let mut people = BTreeSet::new();
    if concerns(change, Party::Expert) {
        let (members, _) = app.store.members(expert).await?;
        let members = members.iter().filter(|member| member.role.has(Right::Schedule));
        people.extend(members.map(|member| member.person));
        people.insert(expert.person());
    }
    // Whoever is the client of an appointment acts in it only as the client, even as a member.
    people.remove(&client.person());
    if concerns(change, Party::Client) {
        people.insert(client.person());
    }
    match by {
        CausedBy::Expert => people.remove(&expert.person()),
        CausedBy::Client => people.remove(&client.person()),
        CausedBy::Member(person) | CausedBy::Administrator(person) => people.remove(&person),
        CausedBy::Platform => false,
    };
    Ok(people)
}

/// Adds a notification to the list of a person. It replaces one about an earlier event of the same kind.
async fn deliver(
    app: &App,
    event: &DomainEvent,
    change: &Change,
    by: CausedBy,
    person: PersonId,
    outcome: Outcome,
) -> Result<(), AppError> {
    let appointment = event.data.appointment();
    let version = event.data.row_version().number();
    let is_client = person == appointment.client_id.person();
    let party = if is_client { Party::Client } else { Party::Expert };
    app.transact("notify", || async {
        let id = appointment.appointment_id;
        let stored = app.store.notified_change(person, id, event.kind()).await?;
        if stored.as_ref().is_some_and(|stored| stored.version >= version) {
            return Ok(Decision::Unchanged(()));
        }
        let change = AppointmentChange {
            appointment: id,
            expert: appointment.expert_id,
            version,
            by: changed_by(by),
            change: change.clone(),
            session: SessionTime { start: appointment.start, end: appointment.end },
            final_charge: outcome.final_charge,
            object_until: outcome.objectors.contains(&party).then(|| app.now().plus(OBJECTION_HOURS * HOUR)),
        };
        let notification = Notification {
            id: app.new_notification_id(),
            person,
            at: event.occurred_at,
            content: Content::Change(change),
        };
        let (replaced, now) = (stored.as_ref(), app.now());
        let mut transaction = Transaction::new();
        transaction.put_change_notification(event.kind(), &notification, id, replaced, now)?;
        Ok(Decision::Commit(transaction, ()))
    })
    .await
}

fn changed_by(by: CausedBy) -> ChangedBy {
    match by {
        CausedBy::Expert => ChangedBy::Expert,
        CausedBy::Member(_) => ChangedBy::Member,
        CausedBy::Client => ChangedBy::Client,
        CausedBy::Administrator(_) => ChangedBy::Administrator,
        CausedBy::Platform => ChangedBy::Platform,
    }
}
