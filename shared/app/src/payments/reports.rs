//! Reports from the ledger: earnings of experts, commission of the platform, and differences.

use domain::experts::members::Right;
use domain::kernel::time::Date;
use domain::payments::report::{CommissionReport, CommissionTotals, Earnings, EarningsReport};
use domain::{ExpertId, TimeSpan, Timestamp, Zone};
use store::{DifferencePage, LedgerPage};

use crate::identity::Actor;
use crate::identity::signed_in::{Role, Scope};
use crate::{App, AppError};

/// The maximum number of entries or differences of one page.
pub const MAX_PAGE: u16 = 100;
/// The maximum number of days of a report.
const MAX_DAYS: i64 = 366;
/// How many entries are read at once for an earnings report.
const CHUNK: u16 = 1_000;

/// An expert's earnings in a range of days.
#[derive(Debug, Clone)]
pub struct EarningsStatement {
    /// The time zone in which the days begin and end.
    pub time_zone: Zone,
    /// The earnings in each currency, ordered by currency code.
    pub earnings: Vec<Earnings>,
}

/// The ledger entries of an expert that were recorded within a span, the oldest first. `after` is the cursor of the previous page.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor may not act for the expert.
pub async fn ledger(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    recorded: TimeSpan,
    after: Option<&str>,
    limit: u16,
) -> Result<LedgerPage, AppError> {
    actor.require_right(app, expert, Right::Money, Scope::Read).await?;
    Ok(app.store.ledger(expert, recorded, after, Some(limit.clamp(1, MAX_PAGE))).await?)
}

/// An expert's earnings from one day to another, both inclusive. The days are those of the time zone in the expert's availability
/// rules, or UTC if there are none.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor may not act for the expert, [`AppError::Invalid`] if the range is empty or longer than 366
/// days.
pub async fn earnings(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    first: Date,
    last: Date,
) -> Result<EarningsStatement, AppError> {
    actor.require_right(app, expert, Right::Money, Scope::Read).await?;
    let rules = app.store.rules(expert).await?;
    let time_zone = rules.map_or(Zone::UTC, |rules| rules.rules.time_zone);
    let span = days(time_zone, first, last)?;
    let mut report = EarningsReport::new(span);
    // All entries since the beginning, because the opening balance is not stored anywhere else.
    let recorded = TimeSpan::new(Timestamp::MIN, span.end());
    let mut after = None;
    loop {
        let page = app.store.ledger(expert, recorded, after.as_deref(), Some(CHUNK)).await?;
        page.entries.iter().for_each(|entry| report.add(entry));
        after = page.next;
        if after.is_none() {
            return Ok(EarningsStatement { time_zone, earnings: report.finish() });
        }
    }
}

/// The platform's commission from one UTC day to another, both inclusive.
///
/// # Errors
/// [`AppError::Forbidden`] if the person is not an administrator, [`AppError::Invalid`] if the range is empty or longer than 366
/// days.
pub async fn commission(
    app: &App,
    actor: &Actor,
    first: Date,
    last: Date,
) -> Result<CommissionTotals, AppError> {
    actor.require_role(Role::Admin, Scope::Read)?;
    let span = days(Zone::UTC, first, last)?;
    let mut report = CommissionReport::new(span);
    // No entry is recorded later than today.
    let recorded = TimeSpan::new(span.start(), span.end().min(app.now().plus(domain::kernel::time::DAY)));
    for day in recorded.utc_dates() {
        app.store.ledger_of_day(day).await?.iter().for_each(|entry| report.add(entry));
    }
    Ok(report.finish())
}

/// The confirmed differences between the ledger and the gateways' books: the open ones, then the resolved ones, the latest first.
/// `after` is the cursor of the previous page.
///
/// # Errors
/// [`AppError::Forbidden`] if the person is not an administrator.
pub async fn differences(
    app: &App,
    actor: &Actor,
    after: Option<&str>,
    limit: u16,
) -> Result<DifferencePage, AppError> {
    actor.require_role(Role::Admin, Scope::Read)?;
    Ok(app.store.differences(after, limit.clamp(1, MAX_PAGE)).await?)
}

/// The span from the start of the first day to the end of the last one.
fn days(zone: Zone, first: Date, last: Date) -> Result<TimeSpan, AppError> {
    let count = last.naive().signed_duration_since(first.naive()).num_days() + 1;
    if !(1..=MAX_DAYS).contains(&count) {
        let must = format!("must be on the day of from or at most {} days after it", MAX_DAYS - 1);
        return Err(AppError::invalid("/to", must));
    }
    let (begin, end) = (zone.local_day_span(first.naive()), zone.local_day_span(last.naive()));
    Ok(TimeSpan::new(begin.start(), end.end()))
}
