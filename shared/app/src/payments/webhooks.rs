//! Receives webhooks of payment gateways.

use domain::ExpertId;
use domain::payments::gateway::GatewayKind;
use store::Transaction;

use crate::identity::Actor;
use crate::payments::declines::{self, DECLINED};
use crate::payments::jobs::PaymentsJob;
use crate::payments::ports::{Headers, WebhookEvent, WebhookSubject};
use crate::{App, AppError, Decision};

/// Receives a webhook event: verifies it, records its id, and enqueues the job of its subject. A repeated event has no effect.
///
/// A declined attempt to pay is counted in the transaction that records the event. Otherwise, only the subject of the event is used:
/// the job reads the object itself from the gateway. `headers` returns the value of a header by its lower-case name; `body` is the
/// unchanged body.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor is not a provider, and
/// [`PaymentsError::Webhook`](crate::payments::error::PaymentsError::Webhook) if the event is not signed by the gateway or cannot
/// be read.
pub async fn receive_webhook(
    app: &App,
    actor: &Actor,
    gateway: GatewayKind,
    headers: &Headers<'_>,
    body: &[u8],
) -> Result<(), AppError> {
    actor.require_provider()?;
    let now = app.now();
    let webhooks = &app.gateways.get(gateway)?.webhooks;
    let WebhookEvent { id, subject } = webhooks.read_webhook(headers, body, now).await?;
    let declined = match subject {
        WebhookSubject::DeclinedPayment { appointment } => Some(appointment),
        _ => None,
    };
    let job = match subject {
        WebhookSubject::Payment { appointment } | WebhookSubject::DeclinedPayment { appointment } => {
            app.store.payment(appointment).await?.map(|_| PaymentsJob::Payment { appointment })
        }
        WebhookSubject::Account { account } => owner_of(app, gateway, &account)
            .await?
            .map(|expert| PaymentsJob::PaymentAccount { expert, gateway }),
        WebhookSubject::Payouts { account } => {
            owner_of(app, gateway, &account).await?.map(|expert| PaymentsJob::Payouts { expert, gateway })
        }
        WebhookSubject::Nothing => None,
    };
    let Some(job) = job else {
        tracing::info!(event = %id, %gateway, "the event does not concern the platform");
        return Ok(());
    };
    let is_new = app
        .transact("receive_webhook", || async {
            if app.store.webhook_event_received(gateway.as_str(), &id).await? {
                return Ok(Decision::Unchanged(false));
            }
            let mut transaction = Transaction::new();
            transaction.put_webhook_event(gateway.as_str(), &id, now)?;
            if let Some(appointment) = declined
                && let Some(record) = app.store.latest_appointment_record(appointment).await?
                && let Some(payment) = &record.payment
            {
                declines::count(app, &mut transaction, &record.appointment, payment, now).await?;
            }
            app.enqueue(&mut transaction, job.clone(), now)?;
            Ok(Decision::Commit(transaction, true))
        })
        .await?;
    if let Some(appointment) = declined.filter(|_| is_new) {
        tracing::warn!(%appointment, %gateway, "{DECLINED}");
    }
    Ok(())
}

async fn owner_of(app: &App, gateway: GatewayKind, account: &str) -> Result<Option<ExpertId>, AppError> {
    Ok(app.store.account_owner(gateway, account).await?)
}
