//! Exchange rates: fetching them once a day, and estimating what a price comes to in the reader's currency.
//!
//! An estimate is only shown. What a client is charged is the price itself, unless a use case asks for
//! [`convert_for_charge`], which goes by no rates that are stale.

use domain::payments::exchange::{Estimate, FRESH_DAYS, Implausible, ReferenceRates};
use domain::{Currency, Money, Timestamp};
use store::table::Consistency;
use store::{Transaction, VersionedRates};

use crate::ports::PortError;
use crate::{App, AppError, Attempt};

/// Why the rates in force stay what they are.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// Nothing that can be read was published.
    #[error("no exchange rates were got: {0}")]
    Source(#[source] PortError),
    /// Something was published that a person must look at.
    #[error("the published exchange rates are refused, and those before them stay in force: {0}")]
    Implausible(#[from] Implausible),
    /// The table did not do as asked.
    #[error(transparent)]
    App(#[from] AppError),
}

/// Fetches the latest rates and keeps them when they are newer than those that are kept; answers whether they were. Done
/// again, or by two at once, it comes to the same.
///
/// # Errors
/// When nothing that can be taken was published, or the table did not do as asked. The rates that are kept stay then.
pub async fn refresh(app: &App) -> Result<bool, RefreshError> {
    let published = app.exchange_rates.latest().await.map_err(RefreshError::Source)?;
    let changed = app
        .transact("refresh_exchange_rates", || async {
            let known = app.store.exchange_rates(Consistency::Strong).await?;
            let now = app.now();
            match published.supersedes(known.as_ref().map(|known| &known.rates), now) {
                Ok(true) => {}
                other => return Ok(Attempt::Unchanged(other)),
            }
            let version = known.map_or(0, |known| known.version) + 1;
            let rates = VersionedRates { version, fetched_at: now, rates: published.clone() };
            let mut transaction = Transaction::new();
            transaction.put_exchange_rates(&rates)?;
            Ok(Attempt::Commit(transaction, Ok(true)))
        })
        .await??;
    if changed {
        tracing::info!(date = %published.date(), currencies = published.rates().len(), "new exchange rates");
    }
    Ok(changed)
}

async fn in_force(app: &App) -> Result<Option<ReferenceRates>, AppError> {
    Ok(app.store.exchange_rates(Consistency::Eventual).await?.map(|known| known.rates))
}

/// The latest rates.
///
/// # Errors
/// [`AppError::NotFound`] before the first were fetched.
pub async fn read(app: &App) -> Result<ReferenceRates, AppError> {
    let missing = "table of exchange rates yet; the European Central Bank's are fetched every hour";
    in_force(app).await?.ok_or(AppError::NotFound(missing))
}

/// How many days old the latest rates are; none before the first were fetched.
///
/// # Errors
/// When they cannot be read.
pub async fn age_days(app: &App) -> Result<Option<i64>, AppError> {
    Ok(in_force(app).await?.map(|rates| rates.age_days(app.now())))
}

/// Estimates prices in one currency, all by the same rates.
#[derive(Debug, Clone)]
pub struct Estimator {
    rates: ReferenceRates,
    into: Currency,
    now: Timestamp,
}

impl Estimator {
    /// What a price comes to; none when there is nothing to pay, or no rate for one of the two currencies.
    pub fn of(&self, price: Money) -> Option<Estimate> {
        if price.is_zero() { None } else { self.rates.estimate(price, self.into, self.now) }
    }
}

/// What estimates prices in a reader's currency; none when they asked for none, or there are no rates.
///
/// One read of one row. Rates that cannot be read leave the prices without estimates: no list of prices should fail for
/// want of them.
pub async fn estimator(app: &App, into: Option<Currency>) -> Option<Estimator> {
    let into = into?;
    match in_force(app).await {
        Ok(rates) => rates.map(|rates| Estimator { rates, into, now: app.now() }),
        Err(error) => {
            tracing::error!(%error, "prices are shown without estimates");
            None
        }
    }
}

/// What to charge for a price when the client pays in another currency.
///
/// # Errors
/// [`AppError::Invalid`] on `pay_in` when there is no rate to go by, the latest are stale, or the amount is none that can be
/// charged.
pub async fn convert_for_charge(
    app: &App,
    price: Money,
    into: Currency,
    now: Timestamp,
) -> Result<Money, AppError> {
    let own = price.currency();
    if own == into {
        return Ok(price);
    }
    let refuse = |why: String| {
        Err(AppError::Invalid {
            field: "pay_in".to_owned(),
            must: format!("must be {}, the expert's own: {why}", own.code()),
        })
    };
    let Some(known) = app.store.exchange_rates(Consistency::Strong).await? else {
        return refuse("there are no exchange rates yet".to_owned());
    };
    let rates = known.rates;
    if rates.is_stale(now) {
        return refuse(format!(
            "the latest exchange rates are of {}, and more than {FRESH_DAYS} days are too old to charge by",
            rates.date()
        ));
    }
    for currency in [own, into] {
        if rates.per_euro(currency).is_none() {
            return refuse(format!("the European Central Bank publishes no rate for {}", currency.code()));
        }
    }
    match rates.convert(price, into) {
        Some(amount) if !amount.is_zero() || price.is_zero() => Ok(amount),
        Some(_) => refuse(format!("{price} is less than the smallest amount of {}", into.code())),
        None => refuse(format!("{price} is too large an amount of {}", into.code())),
    }
}
