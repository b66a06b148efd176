//! Exchange rates: fetches them, and estimates prices in the reader's currency.
//!
//! An estimate is only shown. The client is charged the price itself, except in a booking with another currency, which uses
//! [`convert_for_charge`]. That function refuses stale rates.

use domain::payments::exchange::{Estimate, FRESH_DAYS, Implausible, ReferenceRates};
use domain::{Currency, Money, Timestamp};
use store::table::Consistency;
use store::{Transaction, VersionedRates};

use crate::identity::Actor;
use crate::ports::PortError;
use crate::{App, AppError, Decision};

/// Why the rates were not replaced. The stored rates stay in force.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The publisher did not respond, or its response cannot be read.
    #[error("no exchange rates were fetched: {0}")]
    Source(#[source] PortError),
    /// The published rates have an implausible date or differ too much from the stored ones. Somebody has to check them.
    #[error("the published exchange rates are implausible, so the previous ones stay in force: {0}")]
    Implausible(#[from] Implausible),
    /// The table failed.
    #[error(transparent)]
    App(#[from] AppError),
}

/// Fetches the latest rates and stores them if they are newer than the stored ones. Returns whether they are. It can run again or
/// concurrently without further effect.
///
/// # Errors
/// [`RefreshError`]; the stored rates then stay. [`AppError::Forbidden`] if the actor is not the platform.
pub async fn refresh(app: &App, actor: &Actor) -> Result<bool, RefreshError> {
    actor.require_platform()?;
    let published = app.exchange_rates.latest().await.map_err(RefreshError::Source)?;
    let changed = app
        .transact("refresh_exchange_rates", || async {
            let stored = app.store.exchange_rates(Consistency::Strong).await?;
            let now = app.now();
            match published.supersedes(stored.as_ref().map(|stored| &stored.rates), now) {
                Ok(true) => {}
                other => return Ok(Decision::Unchanged(other)),
            }
            let version = stored.map_or(0, |stored| stored.version) + 1;
            let rates = VersionedRates { version, fetched_at: now, rates: published.clone() };
            let mut transaction = Transaction::new();
            transaction.put_exchange_rates(&rates)?;
            Ok(Decision::Commit(transaction, Ok(true)))
        })
        .await??;
    if changed {
        tracing::info!(date = %published.date(), currencies = published.rates().len(), "new exchange rates");
    }
    Ok(changed)
}

/// The rates in force.
async fn in_force(app: &App) -> Result<Option<ReferenceRates>, AppError> {
    Ok(app.store.exchange_rates(Consistency::Eventual).await?.map(|stored| stored.rates))
}

/// The rates in force. Everybody may read them.
///
/// # Errors
/// [`AppError::NotCreated`] before the first rates were fetched.
pub async fn read(app: &App, _: &Actor) -> Result<ReferenceRates, AppError> {
    let missing =
        "there are no exchange rates yet; the rates of the European Central Bank are fetched every hour";
    in_force(app).await?.ok_or(AppError::NotCreated(missing))
}

/// The age of the rates in force in days; `None` before the first rates were fetched.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor is not the platform.
pub async fn age_days(app: &App, actor: &Actor) -> Result<Option<i64>, AppError> {
    actor.require_platform()?;
    Ok(in_force(app).await?.map(|rates| rates.age_days(app.now())))
}

/// Estimates prices in one currency, all with the same rates.
#[derive(Debug, Clone)]
pub struct Estimator {
    rates: ReferenceRates,
    into: Currency,
    now: Timestamp,
}

impl Estimator {
    /// The estimate of a price; `None` if the price is zero or one of the two currencies has no rate.
    pub fn of(&self, price: Money) -> Option<Estimate> {
        if price.is_zero() { None } else { self.rates.estimate(price, self.into, self.now) }
    }
}

/// An estimator for the reader's currency, which everybody may use; `None` if the reader has not asked for one, or there are no rates.
///
/// It reads one row. If the rates cannot be read, the error is logged and prices have no estimates: a list of prices must not
/// fail because of them.
pub async fn estimator(app: &App, _: &Actor, into: Option<Currency>) -> Option<Estimator> {
    let into = into?;
    match in_force(app).await {
        Ok(rates) => rates.map(|rates| Estimator { rates, into, now: app.now() }),
        Err(error) => {
            tracing::error!(%error, "prices are shown without estimates");
            None
        }
    }
}

/// The amount to charge for a price if the client pays in another currency. Only a booking needs it, for the platform.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor is not the platform.
/// [`AppError::Invalid`] for `pay_in` if one of the currencies has no rate, the rates are stale, or the amount is too small or
/// too large.
pub async fn convert_for_charge(
    app: &App,
    actor: &Actor,
    price: Money,
    into: Currency,
    now: Timestamp,
) -> Result<Money, AppError> {
    actor.require_platform()?;
    let own = price.currency();
    if own == into {
        return Ok(price);
    }
    let refuse = |why: String| {
        let must = format!("must be {}, the currency of the price: {why}", own.code());
        Err(AppError::invalid("/pay_in", must))
    };
    let Some(stored) = app.store.exchange_rates(Consistency::Strong).await? else {
        return refuse("there are no exchange rates yet".to_owned());
    };
    let rates = stored.rates;
    if rates.is_stale(now) {
        return refuse(format!(
            "the latest exchange rates are of {} and too old: a charge needs rates of the last {FRESH_DAYS} days",
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
