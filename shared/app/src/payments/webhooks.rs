//! What payment gateways tell us.

use domain::ExpertId;
use domain::payments::gateway::GatewayKind;
use store::{Job, Transaction};

use crate::payments::ports::{WebhookEvent, WebhookSubject};
use crate::{App, AppError, Attempt};

/// Takes a message from a gateway: checks it, remembers it, and owes a look at what it is about.
///
/// What the message says is never believed; it only says where to look.
///
/// # Errors
/// [`PaymentsError::Webhook`](crate::payments::error::PaymentsError::Webhook) when it is not the gateway's.
pub async fn receive_webhook(
    app: &App,
    gateway: GatewayKind,
    headers: &(dyn for<'a> Fn(&'a str) -> Option<String> + Sync),
    body: &[u8],
) -> Result<(), AppError> {
    let now = app.now();
    let WebhookEvent { id, subject } = app.gateways.get(gateway)?.read_webhook(headers, body, now).await?;
    let job = match subject {
        WebhookSubject::Payment { appointment } => {
            app.store.payment(appointment).await?.map(|_| Job::Payment(appointment))
        }
        WebhookSubject::Account { account } => {
            owner_of(app, gateway, &account).await?.map(|expert| Job::PaymentAccount(expert, gateway))
        }
        WebhookSubject::Payouts { account } => {
            owner_of(app, gateway, &account).await?.map(|expert| Job::Payouts(expert, gateway))
        }
        WebhookSubject::Nothing => None,
    };
    let Some(job) = job else {
        tracing::info!(event = %id, %gateway, "the event concerns nothing of ours");
        return Ok(());
    };
    app.transact("receive_webhook", || async {
        if app.store.webhook_event_received(gateway.as_str(), &id).await? {
            return Ok(Attempt::Unchanged(()));
        }
        let mut transaction = Transaction::new();
        transaction.put_webhook_event(gateway.as_str(), &id, now);
        app.enqueue(&mut transaction, job, now)?;
        Ok(Attempt::Commit(transaction, ()))
    })
    .await
}

async fn owner_of(app: &App, gateway: GatewayKind, account: &str) -> Result<Option<ExpertId>, AppError> {
    Ok(app.store.account_owner(gateway, account).await?)
}
