//! When an expert gets their share of a payment, and the sessions by which a new expert proves themselves.

use domain::experts::members::Right;
use domain::payments::account::ExpertTerms;
use domain::payments::debt::Debt;
use domain::payments::gateway::{Capabilities, GatewayKind};
use domain::payments::ledger::Totals;
use domain::payments::payment::PaymentSnapshot;
use domain::payments::payout::{PayoutReason, PayoutTerms, PayoutTiming, ProvenSession};
use domain::scheduling::appointment::{Appointment, Status};
use domain::{ExpertId, PersonId, Timestamp};
use store::Transaction;
use store::table::Consistency;

use crate::identity::Actor;
use crate::identity::signed_in::Scope;
use crate::payments::terms::expert_terms;
use crate::{App, AppError};

/// Returns when an expert gets their share of new payments through a gateway, and why, and what the expert owes.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor is not the expert,
/// [`PaymentsError::Gateway`](crate::payments::error::PaymentsError::Gateway) if the gateway is not configured.
pub async fn read_payout_terms(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    gateway: GatewayKind,
) -> Result<(PayoutTerms, Debt), AppError> {
    actor.require_right(app, expert, Right::Account, Scope::Read).await?;
    let capabilities = app.gateways.get(gateway)?.charges.capabilities();
    let terms = expert_terms(app, expert).await?;
    Ok((
        payout_terms(app, expert, &terms, capabilities).await?,
        app.store.debt(expert, Consistency::Eventual).await?,
    ))
}

/// Returns when an expert gets their share of a new payment, given what an administrator has decided. A gateway that cannot hold
/// money pays at once. An expert who owes something is paid after the session, so that there is a payout from which it can be
/// withheld, unless the gateway can withhold nothing.
///
/// # Errors
/// [`AppError::Read`] if the table cannot be read, or a row cannot be parsed.
pub(crate) async fn payout_terms(
    app: &App,
    expert: ExpertId,
    terms: &ExpertTerms,
    capabilities: Capabilities,
) -> Result<PayoutTerms, AppError> {
    if capabilities.hold_period.is_none() {
        return Ok(PayoutTerms { timing: PayoutTiming::AtPayment, because: PayoutReason::Gateway });
    }
    let setting = terms.payout_timing.unwrap_or(app.settings.payout_timing);
    if setting == PayoutTiming::AfterSession {
        return Ok(PayoutTerms { timing: setting, because: PayoutReason::Setting });
    }
    let (record, debt) =
        tokio::join!(app.store.track_record(expert), app.store.debt(expert, Consistency::Eventual));
    let terms = record?.terms(setting, app.settings.new_expert_sessions);
    Ok(match terms.timing {
        PayoutTiming::AtPayment if capabilities.supports_transfers && !debt?.is_repaid() => {
            PayoutTerms { timing: PayoutTiming::AfterSession, because: PayoutReason::Debt }
        }
        _ => terms,
    })
}

/// Adds a session to the track record of its expert, if it counts: it was paid and completed, nobody can report a no-show any more,
/// there was no dispute, and the client is neither the expert's own person nor a member. Returns `false` after a version conflict.
///
/// # Errors
/// [`AppError::Read`] or [`AppError::Commit`] if the table fails.
pub(crate) async fn record_session(
    app: &App,
    appointment: &Appointment,
    snapshot: &PaymentSnapshot,
    totals: Totals,
    now: Timestamp,
) -> Result<bool, AppError> {
    let disputed = snapshot.open_dispute || snapshot.lost_dispute || totals.dispute_won > 0;
    let counts = appointment.status == Status::Completed
        && appointment.no_show_report.is_none()
        && now >= appointment.completes_at()
        && totals.net_paid() > 0
        && !disputed;
    let Some(paid_with) = snapshot.paid_with.clone().filter(|_| counts) else { return Ok(true) };
    let (expert, client) = (appointment.expert, appointment.client);
    let Some(session) = ProvenSession::of(expert, client, paid_with) else { return Ok(true) };
    let record = app.store.track_record(expert).await?;
    let Some(record) = record.with(session, app.settings.new_expert_sessions) else { return Ok(true) };
    // What members pay their expert proves nothing either.
    if app.store.member(expert, PersonId::from_bits(client.bits())).await?.is_some() {
        return Ok(true);
    }
    let mut transaction = Transaction::new();
    transaction.put_track_record(expert, &record)?;
    app.try_commit(transaction).await
}
