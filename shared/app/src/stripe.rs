//! An expert's account at Stripe, and what Stripe tells us.

use domain::ExpertId;
use domain::expert::StripeAccount;
use store::{CommitError, Effect, Transaction};

use crate::people::Owner;
use crate::ports::{About, AccountState, Notice, OnboardingPage};
use crate::{App, AppError};

/// The name under which Stripe's events are remembered.
const PROVIDER: &str = "stripe";

fn known(state: AccountState, version: u64, app: &App) -> StripeAccount {
    StripeAccount {
        account: state.id,
        version,
        charges_enabled: state.charges_enabled,
        payouts_enabled: state.payouts_enabled,
        requirements_due: state.requirements_due,
        disabled_reason: state.disabled_reason,
        read_at: app.now(),
    }
}

async fn put(app: &App, expert: ExpertId, account: &StripeAccount) -> Result<(), AppError> {
    let mut transaction = Transaction::new();
    transaction.put_stripe_account(expert, account)?;
    app.commit(transaction).await
}

/// Opens an expert's account, unless there is one, and a page on which they tell Stripe who they are.
///
/// # Errors
/// [`AppError::Payment`] when Stripe does not do as asked.
pub async fn start_onboarding(app: &App, owner: Owner) -> Result<OnboardingPage, AppError> {
    let expert = owner.expert();
    crate::experts::read(app, expert).await?;
    let account = match app.store.stripe_account(expert).await? {
        Some(account) => account,
        None => {
            let account = known(app.payments.create_account(expert).await?, 1, app);
            match put(app, expert, &account).await {
                // The same request ran twice; Stripe made one account of it.
                Ok(()) | Err(AppError::Commit(CommitError::Moved(_))) => account,
                Err(failure) => return Err(failure),
            }
        }
    };
    let page = |end: &str| format!("{}/experts/{expert}/stripe/{end}", app.settings.public_base_url);
    Ok(app.payments.onboarding_page(&account.account, &page("return"), &page("refresh")).await?)
}

/// An expert's account as Stripe describes it now.
///
/// # Errors
/// [`AppError::NotFound`] when none was opened, [`AppError::Payment`] when Stripe does not answer.
pub async fn read_connection(app: &App, owner: Owner) -> Result<StripeAccount, AppError> {
    refresh(app, owner.expert()).await?.ok_or(AppError::NotFound("Stripe account; start onboarding first"))
}

/// Reads an expert's account at Stripe again, and keeps what changed.
pub(crate) async fn refresh(app: &App, expert: ExpertId) -> Result<Option<StripeAccount>, AppError> {
    let mut tries = app.tries();
    loop {
        let Some(before) = app.store.stripe_account(expert).await? else { return Ok(None) };
        let now = known(app.payments.read_account(&before.account).await?, before.version + 1, app);
        let same =
            StripeAccount { version: before.version, read_at: before.read_at, ..now.clone() } == before;
        if same {
            return Ok(Some(before));
        }
        match put(app, expert, &now).await {
            Ok(()) => return Ok(Some(now)),
            Err(failure) => tries.again(failure).await?,
        }
    }
}

/// Takes a message from Stripe: checks it, remembers it, and owes a look at what it is about.
///
/// What the message says is never believed; it only says where to look.
///
/// # Errors
/// [`AppError::Webhook`] when it is not Stripe's.
pub async fn take_webhook(app: &App, signature: &str, body: &[u8]) -> Result<(), AppError> {
    let now = app.now();
    let Notice { id, about } = app.payments.read_webhook(signature, body, now).await?;
    let effect = match about {
        About::Payment { appointment } => {
            app.store.payment(appointment).await?.map(|_| Effect::Payment(appointment))
        }
        About::Account { expert } => {
            app.store.stripe_account(expert).await?.map(|_| Effect::StripeAccount(expert))
        }
        About::Nothing => None,
    };
    let Some(effect) = effect else {
        tracing::info!(event = %id, "an event about nothing of ours");
        return Ok(());
    };
    if app.store.webhook_event_taken(PROVIDER, &id).await? {
        return Ok(());
    }
    let mut tries = app.tries();
    loop {
        let mut transaction = Transaction::new();
        transaction.put_webhook_event(PROVIDER, &id, now);
        app.owe(&mut transaction, effect, now)?;
        match app.commit(transaction).await {
            // A copy of the message was faster.
            Ok(()) | Err(AppError::Commit(CommitError::Moved(_))) => return Ok(()),
            // Stripe sends several messages of one payment at once, and each owes the same effect.
            Err(failure) => tries.again(failure).await?,
        }
    }
}
