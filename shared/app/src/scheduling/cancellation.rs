//! Cancels appointments, and quotes what a cancellation refunds.

use domain::experts::members::Right;
use domain::kernel::text::LongText;
use domain::payments::ledger::Totals;
use domain::payments::payment::{FinalCharge, Payment};
use domain::scheduling::appointment::{Appointment, Status};
use domain::scheduling::cancellation::Quote;
use domain::scheduling::party::{ActingAs, Party};
use domain::scheduling::reliability::Incident;
use domain::{AppointmentId, Money, Timestamp};
use store::{AppointmentRecord, Transaction};

use crate::events::{AmountChange, EventData};
use crate::identity::signed_in::{Role, Scope};
use crate::identity::suspension::expert_is_suspended;
use crate::identity::{Actor, require_right_of};
use crate::payments::final_charge;
use crate::payments::refund_costs::{self, CountedCosts};
use crate::scheduling::appointments::require_current_payment;
use crate::scheduling::error::SchedulingError;
use crate::{App, AppError, Decision, IfMatch, check_version};

/// What a cancellation would have as its consequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancellationQuote {
    /// The refund and the charge.
    pub quote: Quote,
    /// What the expert would owe the platform for the processing of the refund; `None` unless the expert's side asks about its own
    /// cancellation.
    pub expert_owes: Option<Money>,
    /// Whether the cancellation would be an incident of the side that cancels.
    pub counts_as_late: bool,
}

/// What a cancellation by this person would have as its consequences now.
///
/// # Errors
/// [`AppError::NotFound`] as for [`read`](super::appointments::read), [`SchedulingError::Change`] and [`AppError::Forbidden`] if the person cannot cancel the
/// appointment now.
pub async fn quote(app: &App, actor: &Actor, id: AppointmentId) -> Result<CancellationQuote, AppError> {
    let (record, acting) = actor.appointment_record(app, id, Scope::Read).await?;
    let (party, now) = (acting.party(), app.now());
    cancel_as(acting, &record, LongText::default(), now)?;
    let suspended =
        gains_by_suspension(actor, party) && expert_is_suspended(app, record.appointment.expert).await?;
    Ok(decide_cancellation(app, &record, party, suspended, now).await?.into_quote(party))
}

/// The appointment after somebody cancels it.
///
/// # Errors
/// [`SchedulingError::Change`] if it is no longer active or it is too late, [`AppError::Forbidden`] for a member who may not refund it.
fn cancel_as(
    acting: ActingAs,
    record: &AppointmentRecord,
    reason: LongText,
    now: Timestamp,
) -> Result<Appointment, AppError> {
    let AppointmentRecord { appointment, .. } = record;
    let cancelled = appointment.cancel(acting.party(), reason, now)?;
    // After the start, the session may have taken place, and a cancellation by the expert refunds everything.
    if appointment.start <= now && !price_without_grants(record).is_zero() {
        require_right_of(acting, Right::Money)?;
    }
    Ok(cancelled)
}

/// Whether somebody may cancel freely while the expert is suspended: a client may, except one who is an administrator, whatever the
/// scope of their token, because they could suspend the expert themself.
pub(super) fn gains_by_suspension(actor: &Actor, party: Party) -> bool {
    party == Party::Client && !matches!(actor, Actor::Person(person) if person.has(Role::Admin))
}

/// A cancellation that is decided, but not written.
pub(super) struct Cancellation {
    /// The refund and the charge.
    quote: Quote,
    /// What the client pays in the end.
    charge: FinalCharge,
    /// The counts that the refund changes.
    costs: CountedCosts,
    /// The incident of the side that cancels.
    late: Option<Incident>,
}

impl Cancellation {
    /// What a party reads about it before it cancels.
    pub(super) fn into_quote(self, party: Party) -> CancellationQuote {
        let Self { quote, costs, late, .. } = self;
        let owes = costs.owed().unwrap_or(quote.refund.zero());
        CancellationQuote {
            quote,
            expert_owes: (party == Party::Expert).then_some(owes),
            counts_as_late: late.is_some(),
        }
    }
}

/// Decides a cancellation: the refund, the counts that it changes, and whether it is late. If the client has paid, the refund is at
/// most what the platform still holds, and smaller by the cost of processing it if the platform does not bear this cost. `suspended`
/// says whether a client cancels while the expert is suspended.
///
/// # Errors
/// [`AppError::Read`] if the table cannot be read.
pub(super) async fn decide_cancellation(
    app: &App,
    record: &AppointmentRecord,
    party: Party,
    suspended: bool,
    now: Timestamp,
) -> Result<Cancellation, AppError> {
    let by_policy = PolicyQuote::of(record, |appointment| {
        let free = suspended.then(|| appointment.quote_while_expert_suspended()).flatten();
        free.unwrap_or_else(|| appointment.cancellation_quote(party, now))
    });
    let quote = by_policy.after_earlier_decisions(record);
    let (quote, costs) = refund_costs::of_cancellation(app, record, quote, now).await?;
    let charge = FinalCharge::Entitled {
        charge: by_policy.quote.charge_with(quote.processing_cost),
        without_grants: by_policy.without_grants.charge_with(quote.processing_cost),
    };
    let late = app.settings.reliability.of_cancellation(&record.appointment, party, suspended, now);
    Ok(Cancellation { quote, charge, costs, late })
}

/// What the policy gives back, whatever was decided before.
pub(super) struct PolicyQuote {
    /// Of the price of the appointment.
    quote: Quote,
    /// Of the price without what the expert has granted.
    pub(super) without_grants: Quote,
}

/// The price of an appointment to which policies apply: without what the expert has granted and the client has not got yet. Whoever can
/// lower it to nothing can refund as much.
pub(super) fn price_without_grants(record: &AppointmentRecord) -> Money {
    let price = record.appointment.price;
    record.payment.as_ref().map_or(price, |payment| payment.price_without_grants(price))
}

impl PolicyQuote {
    /// The quotes of a record, where `quote_of` applies the policy to an appointment.
    pub(super) fn of(record: &AppointmentRecord, quote_of: impl Fn(&Appointment) -> Quote) -> Self {
        let AppointmentRecord { appointment, .. } = record;
        Self {
            quote: quote_of(appointment),
            without_grants: quote_of(&appointment.with_price(price_without_grants(record))),
        }
    }

    /// Returns the quote after what was decided and refunded before. It refunds at most what the platform still holds, if the client has
    /// paid, or will hold if an open dispute is won.
    ///
    /// What the expert has granted is not refunded as long as it waits for their share. The client gets what they are entitled to in any
    /// case, so the quote contains it.
    pub(super) fn after_earlier_decisions(&self, record: &AppointmentRecord) -> Quote {
        let Self { quote: by_policy, without_grants } = *self;
        let Some(payment) = &record.payment else { return by_policy };
        let totals = Totals::of(&record.movements);
        let waits = payment.grant_waits(totals, payment.amount_due(&record.appointment.status));
        let held = |quote: Quote| match totals {
            Totals { captured: 0, .. } => quote,
            totals => quote.limited_to_net_paid(totals.net_paid_if_won(payment.open_dispute)),
        };
        match waits {
            true => {
                let entitled = held(without_grants.after(Some(payment.charge_without_grants())));
                let final_charge = by_policy.after(payment.final_charge).final_charge;
                Quote { final_charge: entitled.final_charge.at_most(final_charge), ..entitled }
            }
            false => held(by_policy.after(payment.final_charge)),
        }
    }
}

/// Cancels an appointment. Its cancellation policy determines the refund. If the same party cancels again, nothing changes.
///
/// `if_match` is the version that the person has read, and `expected` the refund that they have read in the quote.
///
/// # Errors
/// [`AppError::NotFound`] as for [`read`](super::appointments::read), [`AppError::VersionMismatch`] if the appointment has another version,
/// [`SchedulingError::Change`] if the appointment is no longer active or it is too late, [`AppError::Forbidden`] for a member who may
/// not refund a session that has begun, [`SchedulingError::QuoteChanged`] if the refund differs from `expected`, or, for a repeated
/// request, is less than `expected`. Without `expected`, it must not be reduced by the cost of its processing.
/// After an error nothing has changed.
pub async fn cancel(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    if_match: IfMatch,
    reason: LongText,
    expected: Option<Money>,
) -> Result<(AppointmentRecord, Party), AppError> {
    // The moment of the request decides the refund, however often the change meets others.
    let now = app.now();
    let app = &app.taking_turns();
    app.transact("cancel_appointment", || async {
        let (record, acting) = actor.appointment_record(app, id, Scope::Write).await?;
        let party = acting.party();
        let appointment = &record.appointment;
        if matches!(&appointment.status, Status::Cancelled { cancelled_by, .. } if *cancelled_by == party) {
            require_current_payment(app, &record).await?;
            let final_charge = record.payment.as_ref().map(|payment| payment.amount_due(&appointment.status));
            let refund = final_charge
                .map_or(appointment.price, |final_charge| appointment.price.saturating_sub(final_charge));
            // An earlier request of the same person has cancelled it with a smaller refund than this request expects.
            return match expected.filter(|expected| expected.amount() > refund.amount()) {
                Some(expected) => Err(SchedulingError::QuoteChanged { refund, expected }.into()),
                None => Ok(Decision::Unchanged((record, party))),
            };
        }
        check_version(if_match, appointment.version)?;
        let cancelled = cancel_as(acting, &record, reason.clone(), now)?;
        let suspended =
            gains_by_suspension(actor, party) && expert_is_suspended(app, appointment.expert).await?;
        let Cancellation { quote, charge, costs, late } =
            decide_cancellation(app, &record, party, suspended, now).await?;
        // Nobody pays for the processing of a refund without having seen it.
        let expected = expected.unwrap_or(quote.refund_without_processing_cost());
        if expected != quote.refund {
            return Err(SchedulingError::QuoteChanged { refund: quote.refund, expected }.into());
        }
        let occupancy = app.store.occupancy_of(appointment).await?;
        let mut transaction = Transaction::new();
        transaction.put_appointment(&cancelled)?;
        if let Some(late) = late {
            app.record_incident(&mut transaction, appointment, &late, now)?;
        }
        transaction.put_occupancy(appointment.expert, &occupancy.release(appointment));
        costs.put(&mut transaction)?;
        let processing_cost = Some(quote.processing_cost).filter(|cost| !cost.is_zero());
        let before = record.payment.as_ref();
        let charged = before.map(|payment| Payment { processing_cost, ..payment.clone() });
        if processing_cost.is_some() {
            app.enqueue_receipts(&mut transaction, cancelled.id, now)?;
        }
        let payment = final_charge::put(app, &mut transaction, &cancelled, charged.as_ref(), charge, now)?;
        let charge = AmountChange::of_charge(before, payment.as_ref());
        app.record_event(&mut transaction, acting, EventData::cancelled(&cancelled, party, charge), now)?;
        let record = AppointmentRecord { appointment: cancelled, payment, ..record };
        Ok(Decision::Commit(transaction, (record, party)))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::signed_in::SignedInPerson;

    #[test]
    fn administrator_gains_nothing_by_a_suspension_whatever_the_scope_of_the_token() {
        let actor =
            |roles: &[Role], scopes: &[Scope]| Actor::Person(SignedInPerson::new(1, roles.to_vec(), scopes));
        assert!(gains_by_suspension(&actor(&[Role::Client], Scope::FULL), Party::Client));
        for scopes in [Scope::FULL, &[Scope::Write]] {
            assert!(!gains_by_suspension(&actor(&[Role::Client, Role::Admin], scopes), Party::Client));
        }
        assert!(!gains_by_suspension(&actor(&[Role::Expert], Scope::FULL), Party::Expert));
    }
}
