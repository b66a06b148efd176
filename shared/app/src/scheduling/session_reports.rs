//! Reports of how sessions ended, quotes of no-shows, and objections to reports.

use domain::experts::members::Right;
use domain::payments::payment::FinalCharge;
use domain::scheduling::appointment::{Appointment, NoShowReport, Outcome, Status};
use domain::scheduling::cancellation::{Basis, Quote};
use domain::scheduling::history::{Change, HistoryEntry};
use domain::scheduling::party::{ActingAs, Party};
use domain::scheduling::reliability::Incident;
use domain::{AppointmentId, Money, Timestamp};
use store::{AppointmentRecord, RowVersion, Transaction};

use crate::events::{AmountChange, EventData};
use crate::identity::signed_in::Scope;
use crate::identity::{Actor, require_right_of};
use crate::payments::error::PaymentsError;
use crate::payments::final_charge;
use crate::payments::jobs::PaymentsJob;
use crate::payments::refund_costs::{self};
use crate::payments::refunds::check_charge_increment;
use crate::scheduling::appointments::require_current_payment;
use crate::scheduling::cancellation::{PolicyQuote, price_without_grants};
use crate::{App, AppError, Decision, IfMatch, check_version};

/// A report of how a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionReport {
    /// The session took place.
    Completed {
        /// What the client is charged, if that is less than the price.
        charge: Option<Money>,
    },
    /// One party did not attend.
    NoShow {
        /// The party that did not attend; `None` for the other party than the one that reports.
        missed_by: Option<Party>,
    },
}

impl SessionReport {
    /// Returns the outcome that this report of `party` states, and the requested charge.
    fn outcome(self, party: Party) -> (Outcome, Option<Money>) {
        match (self, party) {
            (Self::Completed { charge }, _) => (Outcome::Completed, charge),
            (Self::NoShow { missed_by: Some(missed_by) }, _) => (Outcome::NoShow { missed_by }, None),
            (Self::NoShow { missed_by: None }, Party::Client) => {
                (Outcome::NoShow { missed_by: Party::Expert }, None)
            }
            (Self::NoShow { missed_by: None }, Party::Expert | Party::Platform) => {
                (Outcome::NoShow { missed_by: Party::Client }, None)
            }
        }
    }
}

/// What reporting a no-show would refund, and whether it would take effect at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoShowQuote {
    /// The party that did not attend according to the report.
    pub missed_by: Party,
    /// What the client would get back, and why.
    pub quote: Quote,
    /// What the expert would owe the platform for the processing of the refund, once the report has taken effect; `None` unless the
    /// expert's side asks.
    pub expert_owes: Option<Money>,
    /// Whether the no-show would be an incident of the party that did not attend, once the report has taken effect.
    pub counts_as_no_show: bool,
    /// When the report would take effect.
    pub takes_effect: TakesEffect,
}

/// When the report of a no-show takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakesEffect {
    /// At once.
    AtOnce,
    /// If that party, or both parties in the case of a decision, do not object for
    /// [`OBJECTION_HOURS`](domain::scheduling::appointment::OBJECTION_HOURS) after the notification.
    AfterObjections,
    /// If an administrator decides so, because the report contradicts the other side's.
    ByDecision,
}

impl From<Option<NoShowReport>> for TakesEffect {
    fn from(report: Option<NoShowReport>) -> Self {
        match report {
            None | Some(NoShowReport::Decided) => Self::AtOnce,
            Some(NoShowReport::Reported | NoShowReport::Open { .. } | NoShowReport::Announced { .. }) => {
                Self::AfterObjections
            }
            Some(NoShowReport::Disputed | NoShowReport::Appealed) => Self::ByDecision,
        }
    }
}

/// What the report of this person that a party did not attend would refund, if it was sent now. Without `missed_by`, it is about the
/// other party.
///
/// # Errors
/// [`AppError::NotFound`] as for [`read`](super::appointments::read), [`SchedulingError::Change`](super::error::SchedulingError::Change) and [`AppError::Forbidden`] if the person cannot report this now.
pub async fn quote(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    missed_by: Option<Party>,
) -> Result<NoShowQuote, AppError> {
    let (record, acting) = actor.appointment_record(app, id, Scope::Read).await?;
    let party = acting.party();
    let (outcome, _) = SessionReport::NoShow { missed_by }.outcome(party);
    let Outcome::NoShow { missed_by } = outcome else {
        return Err(AppError::Forbidden("a completed session is no no-show"));
    };
    check_report(acting, outcome, None, &record)?;
    let now = app.now();
    let ended = record.appointment.ended(outcome, None, party, now)?;
    let AppointmentRecord { appointment, payment, movements, .. } = &record;
    let quote = no_show_by_policy(&record, missed_by, party).after_earlier_decisions(&record);
    let charge = quote.final_charge;
    let costs = refund_costs::of_expert(app, appointment, payment.as_ref(), movements, charge, now).await?;
    let takes_effect = ended.no_show_report.into();
    let in_effect = Appointment { status: outcome.status(), no_show_report: None, ..ended };
    Ok(NoShowQuote {
        missed_by,
        quote,
        expert_owes: (party == Party::Expert).then(|| costs.owed().unwrap_or(charge.zero())),
        counts_as_no_show: Incident::no_show(&in_effect).is_some(),
        takes_effect,
    })
}

/// Checks that somebody may report this outcome, with this charge.
///
/// # Errors
/// [`AppError::Forbidden`] for a client who reports that the session took place, and for a member who gives money back without the
/// right to it.
fn check_report(
    acting: ActingAs,
    outcome: Outcome,
    charge: Option<Money>,
    record: &AppointmentRecord,
) -> Result<(), AppError> {
    if acting.party() == Party::Client && outcome == Outcome::Completed {
        return Err(AppError::Forbidden("a client can only report that a session was missed"));
    }
    // A charge, or an expert's report that they did not attend, is a refund. It also makes one that waits because of a lower price.
    let own_absence =
        acting.party() == Party::Expert && outcome == (Outcome::NoShow { missed_by: Party::Expert });
    if charge.is_some() || (own_absence && !price_without_grants(record).is_zero()) {
        require_right_of(acting, Right::Money)?;
    }
    Ok(())
}

/// What the policy gives back if a party did not attend, as this party reports. Nobody can object to a report about a session without a
/// price, so it decides about no refund that waits, unless it is the expert's of their own absence, or an administrator's.
fn no_show_by_policy(record: &AppointmentRecord, missed_by: Party, by: Party) -> PolicyQuote {
    let may_decide = by == Party::Platform || (by, missed_by) == (Party::Expert, Party::Expert);
    let is_uncontested = record.appointment.price.is_zero() && !may_decide;
    PolicyQuote::of(record, |appointment| match is_uncontested {
        true => Quote::nothing(appointment.price, Basis::Free),
        false => appointment.no_show_quote(missed_by, None),
    })
}

/// Records how a session ended: completed, or a no-show of one side. Recording the same outcome again changes nothing.
/// `if_match` is the version that the person has read.
///
/// # Errors
/// [`AppError::NotFound`] as for [`read`](super::appointments::read), [`AppError::VersionMismatch`] if the appointment has another version,
/// [`AppError::Forbidden`] for a client who reports that the session took place, and for a member who sends a charge
/// without the right to it, [`SchedulingError::Change`](super::error::SchedulingError::Change) if it is too early or too late or another outcome is recorded,
/// [`AppError::Invalid`] if the charge is more than the price, is not a multiple of the currency's smallest charge step, or is
/// given although an administrator decides it, [`PaymentsError::State`] if it is more than the final charge, or the outcome is
/// already recorded with another charge.
pub async fn end(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    if_match: IfMatch,
    report: SessionReport,
) -> Result<(AppointmentRecord, Party), AppError> {
    let now = app.now();
    app.transact("end_appointment", || async {
        let (record, acting) = actor.appointment_record(app, id, Scope::Write).await?;
        let party = acting.party();
        let (outcome, charge) = report.outcome(party);
        let AppointmentRecord { appointment, payment, .. } = &record;
        let price = appointment.price;
        check_report(acting, outcome, charge, &record)?;
        if let Some(charge) =
            charge.filter(|charge| charge.currency() != price.currency() || charge.amount() > price.amount())
        {
            let must = format!("must be at most the price, {price}; it is {charge}");
            return Err(AppError::invalid("/charge", must));
        }
        if let Some(charge) = charge {
            check_charge_increment("/charge", charge)?;
        }
        if appointment.has_reported(outcome, party) {
            require_current_payment(app, &record).await?;
            let due = payment.as_ref().map(|payment| payment.amount_due(&appointment.status));
            let (asked, recorded) = match appointment.no_show_report {
                Some(NoShowReport::Announced { charge: announced, .. }) => {
                    (Some(charge.unwrap_or(price)), Some(announced.unwrap_or(price)))
                }
                _ => (charge, due),
            };
            if asked.zip(recorded).is_none_or(|(asked, recorded)| asked == recorded) {
                return Ok(Decision::Unchanged((record, party)));
            }
            // An administrator decides again.
            if party != Party::Platform {
                return Err(PaymentsError::State(
                    "the session is already completed with another charge; refund a part instead".to_owned(),
                )
                .into());
            }
        }
        check_version(if_match, appointment.version)?;
        let ended: Appointment = appointment.ended(outcome, charge, party, now)?;
        let final_charge = match (ended.no_show_report, outcome) {
            (Some(report), _) if report.is_unresolved() && charge.is_some() && party != Party::Platform => {
                let must = "must be omitted: an administrator decides what the client is charged";
                return Err(AppError::invalid("/charge", must));
            }
            // The charge stays as it is until the report is resolved.
            (Some(report), _) if report.is_unresolved() => price,
            (_, Outcome::Completed) => charge.unwrap_or(price),
            (_, Outcome::NoShow { missed_by }) => appointment.no_show_quote(missed_by, None).final_charge,
        };
        let decided = payment.as_ref().and_then(|payment| payment.final_charge);
        if let Some((charge, decided)) =
            charge.zip(decided).filter(|(charge, decided)| charge.amount() > decided.amount())
        {
            return Err(PaymentsError::State(format!(
                "the final charge is {decided}; it cannot be raised to {charge}"
            ))
            .into());
        }
        let mut transaction = Transaction::new();
        transaction.put_appointment(&ended)?;
        let (missed_before, missed) = (Incident::no_show(appointment), Incident::no_show(&ended));
        if missed_before != missed {
            if let Some(incident) = missed_before {
                transaction.delete_incident(appointment, &incident);
            }
            if let Some(incident) = missed {
                app.record_incident(&mut transaction, appointment, &incident, now)?;
            }
        }
        // What an administrator takes off the charge of a session that took place counts for nobody.
        if party != Party::Platform || matches!(ended.status, Status::NoShow { .. }) {
            let AppointmentRecord { movements, .. } = &record;
            refund_costs::of_expert(app, appointment, payment.as_ref(), movements, final_charge, now)
                .await?
                .put(&mut transaction)?;
        }
        let is_unresolved = ended.no_show_report.is_some_and(NoShowReport::is_unresolved);
        let final_charge = match (outcome, party) {
            _ if is_unresolved => FinalCharge::Granted(final_charge),
            (Outcome::Completed, Party::Expert) => FinalCharge::Granted(final_charge),
            (Outcome::NoShow { missed_by }, _) => {
                let without_grants = no_show_by_policy(&record, missed_by, party).without_grants.final_charge;
                FinalCharge::Entitled { charge: final_charge, without_grants }
            }
            (Outcome::Completed, _) => {
                // The whole price is no decision about the charge.
                let decided = charge.filter(|charge| *charge != price);
                let without_grants = decided.unwrap_or(price_without_grants(&record));
                FinalCharge::Entitled { charge: final_charge, without_grants }
            }
        };
        let before = record.payment.as_ref();
        let payment = final_charge::put(app, &mut transaction, &ended, before, final_charge, now)?;
        let charge = AmountChange::of_charge(before, payment.as_ref()).filter(|_| !is_unresolved);
        app.record_event(&mut transaction, acting, EventData::ended(&ended, charge), now)?;
        let record = AppointmentRecord { appointment: ended, payment, ..record };
        Ok(Decision::Commit(transaction, (record, party)))
    })
    .await
}

/// Begins the period for objections to a report or a decision, because those who can object are notified. It ends at `until`.
///
/// # Errors
/// If the table fails.
pub(crate) async fn begin_objection_period(
    app: &App,
    id: AppointmentId,
    until: Timestamp,
) -> Result<(), AppError> {
    app.transact("begin_objection_period", || async {
        let appointment = app.store.appointment(id).await?;
        let Some(begun) = appointment.and_then(|appointment| appointment.objection_period_begun(until))
        else {
            return Ok(Decision::Unchanged(()));
        };
        let mut transaction = Transaction::new();
        transaction.put_appointment(&begun)?;
        let now = app.now();
        let entry = HistoryEntry::new(now, ActingAs::Platform, Change::ObjectionPeriodBegun { until });
        let version = begun.version;
        transaction.put_history(id, version, RowVersion::Appointment(version), &entry)?;
        app.enqueue(&mut transaction, PaymentsJob::Payment { appointment: id }, now)?;
        Ok(Decision::Commit(transaction, ()))
    })
    .await
}

/// Records that the expert or the client objects to the report that they did not attend, or to the decision of an administrator. An
/// administrator then decides. A repeated objection changes nothing. `if_match` is the version that the person has read.
///
/// # Errors
/// [`AppError::NotFound`] as for [`read`](super::appointments::read), [`AppError::VersionMismatch`] if the appointment has another version,
/// [`SchedulingError::Change`](super::error::SchedulingError::Change) if there is nothing that this party can object to, or the period for objections is over.
pub async fn object(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    if_match: IfMatch,
) -> Result<(AppointmentRecord, Party), AppError> {
    let now = app.now();
    app.transact("object_to_no_show", || async {
        let (record, acting) = actor.appointment_record(app, id, Scope::Write).await?;
        let party = acting.party();
        let appointment = &record.appointment;
        if appointment.has_objected(party) {
            return Ok(Decision::Unchanged((record, party)));
        }
        check_version(if_match, appointment.version)?;
        let disputed = appointment.objected(party, now)?;
        let mut transaction = Transaction::new();
        transaction.put_appointment(&disputed)?;
        app.enqueue(&mut transaction, PaymentsJob::Payment { appointment: id }, now)?;
        app.record_event(&mut transaction, acting, EventData::ended(&disputed, None), now)?;
        let record = AppointmentRecord { appointment: disputed, ..record };
        Ok(Decision::Commit(transaction, (record, party)))
    })
    .await
}
