//! Records the payouts of experts' accounts in the ledger.

use domain::kernel::time::DAY;
use domain::payments::ledger::{Entry, MovementKind};
use store::Transaction;

use super::accounts::{self, Renewed};
use super::process::Next;
use crate::{App, AppError};

/// Reads an expert's account again and writes down its payouts that are not in the ledger yet, now and every day: the platform's
/// books do not show them, so nothing else would find one whose message was lost, or learn that the account may be used again.
pub(crate) async fn record_payouts(
    app: &App,
    expert: domain::ExpertId,
    gateway: domain::payments::gateway::GatewayKind,
) -> Result<Next, AppError> {
    let account = accounts::refresh(app, expert, gateway).await?;
    let Some(Renewed { before, now: account }) = account else { return Ok(Next::Never) };
    let tomorrow = Next::At(app.now().plus(DAY));
    if !before.payouts_enabled && !account.payouts_enabled {
        return Ok(tomorrow);
    }
    let Some(payouts) = &app.gateways.get(gateway)?.payouts else { return Ok(Next::Never) };
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
            // Written down before, or by somebody faster.
            Ok(()) | Err(AppError::Commit(store::CommitError::VersionConflict(_))) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(tomorrow)
}
