//! Experts' accounts at the payment gateways, and what the gateways tell us.

use domain::expert::{ExpertFee, PaymentAccount};
use domain::payment::Gateway;
use domain::time::DAY;
use domain::{ExpertId, Rate};
use store::{CommitError, Effect, Transaction};

use crate::people::{Owner, Person, Role};
use crate::ports::{About, AccountState, Notice, OnboardingPage};
use crate::{App, AppError};

fn known(state: AccountState, gateway: Gateway, version: u64, app: &App) -> PaymentAccount {
    PaymentAccount {
        gateway,
        account: state.id,
        version,
        charges_enabled: state.charges_enabled,
        payouts_enabled: state.payouts_enabled,
        requirements_due: state.requirements_due,
        disabled_reason: state.disabled_reason,
        read_at: app.now(),
    }
}

async fn put(app: &App, expert: ExpertId, account: &PaymentAccount) -> Result<(), AppError> {
    let mut transaction = Transaction::new();
    transaction.put_payment_account(expert, account)?;
    // From then on it is looked at every day, also when no message tells of it.
    if app.gateways.get(account.gateway)?.keeps_books() {
        let tomorrow = app.now().plus(DAY);
        app.owe(&mut transaction, Effect::Payouts(expert, account.gateway), tomorrow)?;
    }
    app.commit(transaction).await
}

/// Opens an expert's account at a gateway, unless there is one, and a page on which they tell the gateway who they are.
///
/// # Errors
/// [`AppError::Payment`] when the gateway does not do as asked.
pub async fn start_onboarding(app: &App, owner: Owner, gateway: Gateway) -> Result<OnboardingPage, AppError> {
    let expert = owner.expert();
    crate::experts::read(app, expert).await?;
    let port = app.gateways.get(gateway)?;
    let account = match app.store.payment_account(expert, gateway).await? {
        Some(account) => account,
        None => {
            let account = known(port.create_account(expert).await?, gateway, 1, app);
            match put(app, expert, &account).await {
                // The same request ran twice; the gateway made one account of it.
                Ok(()) | Err(AppError::Commit(CommitError::Moved(_))) => account,
                Err(failure) => return Err(failure),
            }
        }
    };
    let page = |end: &str| format!("{}/experts/{expert}/{gateway}/{end}", app.settings.public_base_url);
    Ok(port.onboarding_page(&account.account, &page("return"), &page("refresh")).await?)
}

/// An expert's account as the gateway describes it now.
///
/// # Errors
/// [`AppError::NotFound`] when none was opened, [`AppError::Payment`] when the gateway does not answer.
pub async fn read_connection(app: &App, owner: Owner, gateway: Gateway) -> Result<PaymentAccount, AppError> {
    let none = AppError::NotFound("account at the payment gateway; start onboarding first");
    refresh(app, owner.expert(), gateway).await?.map(|account| account.now).ok_or(none)
}

/// An account that was read again.
pub(crate) struct Renewed {
    /// As it was known.
    pub before: PaymentAccount,
    /// As the gateway describes it.
    pub now: PaymentAccount,
}

/// Reads an expert's account at a gateway again, and keeps what changed.
pub(crate) async fn refresh(
    app: &App,
    expert: ExpertId,
    gateway: Gateway,
) -> Result<Option<Renewed>, AppError> {
    let mut tries = app.tries();
    loop {
        let Some(before) = app.store.payment_account(expert, gateway).await? else { return Ok(None) };
        let state = app.gateways.get(gateway)?.read_account(&before.account).await?;
        let now = known(state, gateway, before.version + 1, app);
        let same =
            PaymentAccount { version: before.version, read_at: before.read_at, ..now.clone() } == before;
        if same {
            return Ok(Some(Renewed { now: before.clone(), before }));
        }
        match put(app, expert, &now).await {
            Ok(()) => return Ok(Some(Renewed { before, now })),
            Err(failure) => tries.again(failure).await?,
        }
    }
}

/// What the platform keeps of an expert's prices from now on; what is booked keeps its rate.
///
/// # Errors
/// [`AppError::Forbidden`] to all but administrators, [`AppError::NotFound`] when there is no such expert,
/// [`AppError::VersionMismatch`] when somebody else changed it.
pub async fn set_fee(
    app: &App,
    person: &Person,
    expert: ExpertId,
    rate: Option<Rate>,
) -> Result<ExpertFee, AppError> {
    if !person.has(Role::Admin) {
        return Err(AppError::Forbidden("only an administrator can set what the platform keeps"));
    }
    crate::experts::read(app, expert).await?;
    let mut tries = app.tries();
    loop {
        let version = app.store.fee(expert).await?.map_or(0, |fee| fee.version);
        let fee = ExpertFee { version: version + 1, rate };
        let mut transaction = Transaction::new();
        transaction.put_fee(expert, &fee)?;
        match app.commit(transaction).await {
            Ok(()) => return Ok(fee),
            Err(failure) => tries.again(failure).await?,
        }
    }
}

/// What the platform keeps of an expert's new bookings.
///
/// # Errors
/// When it cannot be read.
pub async fn fee(app: &App, expert: ExpertId) -> Result<Rate, AppError> {
    Ok(app.store.fee(expert).await?.and_then(|fee| fee.rate).unwrap_or(app.settings.fee))
}

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
