//! What payment gateways tell us.

use domain::ExpertId;
use domain::payments::gateway::Gateway;
use store::{CommitError, Effect, Transaction};

use crate::payments::ports::{About, Notice};
use crate::{App, AppError};

/// Takes a message from a gateway: checks it, remembers it, and owes a look at what it is about.
///
/// What the message says is never believed; it only says where to look.
///
/// # Errors
/// [`AppError::Webhook`] when it is not the gateway's.
pub async fn take_webhook(
    app: &App,
    gateway: Gateway,
    headers: &(dyn for<'a> Fn(&'a str) -> Option<String> + Sync),
    body: &[u8],
) -> Result<(), AppError> {
    let now = app.now();
    let Notice { id, about } = app.gateways.get(gateway)?.read_webhook(headers, body, now).await?;
    let effect = match about {
        About::Payment { appointment } => {
            app.store.payment(appointment).await?.map(|_| Effect::Payment(appointment))
        }
        About::Account { account } => {
            owner_of(app, gateway, &account).await?.map(|expert| Effect::PaymentAccount(expert, gateway))
        }
        About::Payouts { account } => {
            owner_of(app, gateway, &account).await?.map(|expert| Effect::Payouts(expert, gateway))
        }
        About::Nothing => None,
    };
    let Some(effect) = effect else {
        tracing::info!(event = %id, %gateway, "an event about nothing of ours");
        return Ok(());
    };
    if app.store.webhook_event_taken(gateway.word(), &id).await? {
        return Ok(());
    }
    let mut tries = app.tries();
    loop {
        let mut transaction = Transaction::new();
        transaction.put_webhook_event(gateway.word(), &id, now);
        app.owe(&mut transaction, effect, now)?;
        match app.commit(transaction).await {
            // A copy of the message was faster.
            Ok(()) | Err(AppError::Commit(CommitError::Moved(_))) => return Ok(()),
            // A gateway sends several messages of one payment at once, and each owes the same effect.
            Err(failure) => tries.again(failure).await?,
        }
    }
}

async fn owner_of(app: &App, gateway: Gateway, account: &str) -> Result<Option<ExpertId>, AppError> {
    Ok(app.store.account_owner(gateway, account).await?)
}
