//! Records the payouts of experts' accounts in the ledger.

use domain::kernel::time::DAY;
use domain::payments::ledger::{Entry, MovementKind};
use store::Transaction;

use super::accounts::{self, RefreshedAccount};
use crate::jobs::NextRun;
use crate::{App, AppError};

/// Refreshes an expert's account and records its new payouts in the ledger, now and every day.
///
/// The platform's books do not contain payouts. If a webhook is lost, this daily run is the only way to find a payout, or a
/// change of the account.
pub(crate) async fn record_payouts(
    app: &App,
    expert: domain::ExpertId,
    gateway: domain::payments::gateway::GatewayKind,
) -> Result<NextRun, AppError> {
    let account = accounts::refresh(app, expert, gateway).await?;
    let Some(RefreshedAccount { before, after: account }) = account else { return Ok(NextRun::WhenEnqueued) };
    let tomorrow = NextRun::At(app.now().plus(DAY));
    if !before.payouts_enabled && !account.payouts_enabled {
        return Ok(tomorrow);
    }
    let Some(payouts) = &app.gateways.get(gateway)?.payouts else { return Ok(NextRun::WhenEnqueued) };
    for movement in payouts.payouts(&account.account).await? {
        let kind = match movement.kind {
            MovementKind::PayoutFailed => "failed",
            _ => "paid",
        };
        let object = movement.object.clone();
        let at = app.now();
        let entry = Entry { appointment: None, expert, gateway, number: 0, at, movements: vec![movement] };
        let mut transaction = Transaction::new();
        transaction.put_payout(kind, &object, &entry)?;
        match app.commit(transaction).await {
            // It is recorded already.
            Ok(()) | Err(AppError::Commit(store::CommitError::VersionConflict(_))) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(tomorrow)
}
