//! Who bears what a refund costs, the counts of what clients and experts have caused, and what experts owe of it.
//!
//! The cost is that of the side from which the gateway takes its processing fee. The budgets of experts and their debts are about what
//! refunds cost the platform. The budget of a client is about what they cost either.
//!
//! The function that decides a refund also writes the counts, in the same transaction, so that concurrent refunds cannot both use the
//! rest of a budget.

use domain::kernel::time::Month;
use domain::payments::debt::Debt;
use domain::payments::ledger::{Movement, MovementKind};
use domain::payments::payment::Payment;
use domain::payments::refund_costs::{RefundCosts, cost_of_late_payment, cost_of_refund};
use domain::scheduling::appointment::{Appointment, Status};
use domain::scheduling::cancellation::{Cause, Quote};
use domain::scheduling::party::Party;
use domain::{ExpertId, Money, Timestamp};
use store::table::Consistency;
use store::{AppointmentRecord, RefundCostsPage, RefundsOf, Transaction};

use crate::identity::Actor;
use crate::identity::signed_in::{Role, Scope};
use crate::{App, AppError};

/// The maximum number of costs of one page.
pub const MAX_PAGE: u16 = 100;

/// What the refunds of clients and experts have cost the platform in a month. `after` is the last one of the previous page.
///
/// # Errors
/// [`AppError::Forbidden`] if the person is not an administrator.
pub async fn list(
    app: &App,
    actor: &Actor,
    month: Month,
    after: Option<RefundsOf>,
    limit: u16,
) -> Result<RefundCostsPage, AppError> {
    actor.require_role(Role::Admin, Scope::Read)?;
    Ok(app.store.refund_costs_of_all(month, after, limit.clamp(1, MAX_PAGE)).await?)
}

/// The counts that a refund changes, and what its expert owes then.
#[derive(Debug, Clone, Default)]
#[must_use]
pub(crate) struct CountedCosts {
    counts: Vec<(Month, RefundsOf, RefundCosts)>,
    debt: Option<(ExpertId, Debt)>,
    owed: Option<Money>,
}

impl CountedCosts {
    /// What the expert owes of the refund; `None` if it costs nothing, or the expert does not cause it.
    pub(crate) fn owed(&self) -> Option<Money> {
        self.owed
    }

    /// Adds the counts to the transaction that decides the refund.
    ///
    /// # Errors
    /// [`AppError::Commit`] if a count cannot be represented as a row.
    pub(crate) fn put(&self, transaction: &mut Transaction) -> Result<(), AppError> {
        for (month, of, costs) in &self.counts {
            transaction.put_refund_costs(*month, *of, costs)?;
        }
        if let Some((expert, debt)) = &self.debt {
            transaction.put_debt(*expert, debt)?;
        }
        Ok(())
    }
}

/// Completes the quote of a cancellation: the client pays for the processing of the refund if they cause it, and the budget for them or
/// for the clients of the expert does not cover it. Also returns the counts to write when the appointment is cancelled.
///
/// # Errors
/// [`AppError::Read`] if the table cannot be read.
pub(crate) async fn of_cancellation(
    app: &App,
    record: &AppointmentRecord,
    quote: Quote,
    now: Timestamp,
) -> Result<(Quote, CountedCosts), AppError> {
    let AppointmentRecord { appointment, payment: Some(payment), movements, .. } = record else {
        return Ok((quote, CountedCosts::default()));
    };
    let before = payment.amount_due(&appointment.status);
    let cost = cost_of_refund(payment, movements, before, quote.final_charge);
    match quote.basis.cause() {
        Some(Cause::Client) if !cost.is_zero() => {
            Ok(match costs_of_client(app, appointment, payment, cost, now).await? {
                Some(counted) => (quote, counted),
                None => (quote.less_processing_cost(cost), CountedCosts::default()),
            })
        }
        Some(Cause::Expert) => {
            Ok((quote, count_for_expert(app, payment, appointment.expert, cost, now).await?))
        }
        Some(Cause::Client) | None => Ok((quote, CountedCosts::default())),
    }
}

/// The counts after a further cost that a client causes; `None` if a budget does not cover it.
async fn costs_of_client(
    app: &App,
    &Appointment { client, expert, .. }: &Appointment,
    payment: &Payment,
    cost: Money,
    now: Timestamp,
) -> Result<Option<CountedCosts>, AppError> {
    let (of_client, of_expert) = (RefundsOf::Client(client), RefundsOf::Expert(expert));
    let month = Month::of(now);
    if !payment.gateway.platform_pays_fee() {
        let own = app.store.refund_costs(month, of_client, Consistency::Strong).await?;
        let is_covered = own.allows(cost, Cause::Client, app.settings.refund_budgets.per_client);
        let counts = vec![(month, of_client, own.with(cost, Cause::Client))];
        return Ok(is_covered.then_some(CountedCosts { counts, ..CountedCosts::default() }));
    }
    let (own, experts, terms) = tokio::join!(
        app.store.refund_costs(month, of_client, Consistency::Strong),
        app.store.refund_costs(month, of_expert, Consistency::Strong),
        app.store.expert_terms(expert)
    );
    let (own, experts, budgets) = (own?, experts?, app.settings.refund_budgets);
    let per_expert = terms?.and_then(|terms| terms.refund_budget).unwrap_or(budgets.per_expert);
    let is_covered = own.allows(cost, Cause::Client, budgets.per_client)
        && experts.allows(cost, Cause::Client, per_expert);
    let with = |costs: RefundCosts| costs.with(cost, Cause::Client);
    let counts = || vec![(month, of_client, with(own)), (month, of_expert, with(experts))];
    Ok(is_covered.then(|| CountedCosts { counts: counts(), ..CountedCosts::default() }))
}

/// The counts after a further cost that the expert causes, and owes if the platform has paid it.
async fn count_for_expert(
    app: &App,
    payment: &Payment,
    expert: ExpertId,
    cost: Money,
    now: Timestamp,
) -> Result<CountedCosts, AppError> {
    if cost.is_zero() || !payment.gateway.platform_pays_fee() {
        return Ok(CountedCosts::default());
    }
    let (month, of) = (Month::of(now), RefundsOf::Expert(expert));
    let (costs, debt) = tokio::join!(
        app.store.refund_costs(month, of, Consistency::Strong),
        app.store.debt(expert, Consistency::Strong)
    );
    let counts = vec![(month, of, costs?.with(cost, Cause::Expert))];
    Ok(CountedCosts { counts, debt: Some((expert, debt?.plus(cost))), owed: Some(cost) })
}

/// The counts after a refund that the expert causes: the client pays `final_charge` in the end. `appointment` and `payment` are as
/// they are before it. The client gets the whole refund, whatever it costs.
///
/// # Errors
/// [`AppError::Read`] if the table cannot be read.
pub(crate) async fn of_expert(
    app: &App,
    appointment: &Appointment,
    payment: Option<&Payment>,
    movements: &[Movement],
    final_charge: Money,
    now: Timestamp,
) -> Result<CountedCosts, AppError> {
    let Some(payment) = payment else { return Ok(CountedCosts::default()) };
    let before = payment.amount_due(&appointment.status);
    let cost = cost_of_refund(payment, movements, before, final_charge);
    count_for_expert(app, payment, appointment.expert, cost, now).await
}

/// The counts after a client has paid although a side had cancelled, or the hold had expired: everything is refunded. No budget can
/// refuse this, because it is known too late. `appointment` is as it is after the payment.
///
/// # Errors
/// [`AppError::Read`] if the table cannot be read.
pub(super) async fn of_late_payment(
    app: &App,
    appointment: &Appointment,
    payment: &Payment,
    movements: &[Movement],
    new_movements: &[Movement],
    now: Timestamp,
) -> Result<CountedCosts, AppError> {
    let cause = match appointment.status {
        Status::Expired | Status::Cancelled { cancelled_by: Party::Client, .. } => Cause::Client,
        Status::Cancelled { cancelled_by: Party::Expert, .. } => Cause::Expert,
        _ => return Ok(CountedCosts::default()),
    };
    let is_paid = new_movements.iter().any(|movement| movement.kind == MovementKind::Captured);
    let cost = cost_of_late_payment(payment, movements);
    if !is_paid || !payment.amount_due(&appointment.status).is_zero() || cost.is_zero() {
        return Ok(CountedCosts::default());
    }
    if cause == Cause::Expert {
        return count_for_expert(app, payment, appointment.expert, cost, now).await;
    }
    let (of_client, month) = (RefundsOf::Client(appointment.client), Month::of(now));
    let own = app.store.refund_costs(month, of_client, Consistency::Strong).await?;
    let is_covered = own.allows(cost, Cause::Client, app.settings.refund_budgets.per_client);
    let mut counts = vec![(month, of_client, own.with(cost, Cause::Client))];
    // What one client costs beyond their budget must not use up what the other clients of the expert may cost.
    if is_covered && payment.gateway.platform_pays_fee() {
        let of_expert = RefundsOf::Expert(appointment.expert);
        let costs = app.store.refund_costs(month, of_expert, Consistency::Strong).await?;
        counts.push((month, of_expert, costs.with(cost, Cause::Client)));
    }
    Ok(CountedCosts { counts, ..CountedCosts::default() })
}
