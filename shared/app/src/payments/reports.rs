//! What the ledger says, for the people whose money it is about.

use domain::kernel::time::Date;
use domain::payments::report::{CommissionReport, CommissionTotals, Earnings, EarningsReport};
use domain::{TimeSpan, Timestamp, Zone};
use store::{DifferencePage, LedgerPage};

use crate::identity::people::{Owner, Person, administrator};
use crate::{App, AppError};

/// Most entries or differences of one page.
pub const LARGEST_PAGE: u16 = 100;
/// Most days of a report.
pub const MOST_DAYS: i64 = 366;
/// How many entries are in memory at once while earnings are added up.
const STRETCH: u16 = 1_000;

/// An expert's earnings over some days.
#[derive(Debug, Clone)]
pub struct EarningsStatement {
    /// The zone in which the days begin and end.
    pub time_zone: Zone,
    /// By currency code.
    pub earnings: Vec<Earnings>,
}

/// An expert's ledger, in the order in which it was written down.
///
/// # Errors
/// When it cannot be read.
pub async fn ledger(
    app: &App,
    owner: Owner,
    written: TimeSpan,
    after: Option<&str>,
    limit: u16,
) -> Result<LedgerPage, AppError> {
    Ok(app.store.ledger(owner.expert(), written, after, Some(limit.clamp(1, LARGEST_PAGE))).await?)
}

/// An expert's earnings from the first of some days to the last, in the zone of their hours; in UTC while they have none.
///
/// # Errors
/// [`AppError::Invalid`] when the days are none, or too many.
pub async fn earnings(
    app: &App,
    owner: Owner,
    first: Date,
    last: Date,
) -> Result<EarningsStatement, AppError> {
    let rules = app.store.rules(owner.expert()).await?;
    let time_zone = rules.map_or(Zone::UTC, |rules| rules.rules.time_zone);
    let span = days(time_zone, first, last)?;
    let mut report = EarningsReport::new(span);
    // From the very beginning, because nothing but the ledger knows what was left before.
    let written = TimeSpan::new(Timestamp::MIN, span.end());
    let mut after = None;
    loop {
        let page = app.store.ledger(owner.expert(), written, after.as_deref(), Some(STRETCH)).await?;
        page.entries.iter().for_each(|entry| report.add(entry));
        after = page.next;
        if after.is_none() {
            return Ok(EarningsStatement { time_zone, earnings: report.finish() });
        }
    }
}

/// The platform's commission from the first of some UTC days to the last, for administrators.
///
/// # Errors
/// [`AppError::Forbidden`] to all others, [`AppError::Invalid`] when the days are none, or too many.
pub async fn commission(
    app: &App,
    person: &Person,
    first: Date,
    last: Date,
) -> Result<CommissionTotals, AppError> {
    administrator(person)?;
    let span = days(Zone::UTC, first, last)?;
    let mut report = CommissionReport::new(span);
    // What was not written down yet is on no later day than today.
    let written = TimeSpan::new(span.start(), span.end().min(app.now().plus(domain::kernel::time::DAY)));
    for day in written.utc_days() {
        app.store.ledger_of_day(day).await?.iter().for_each(|entry| report.add(entry));
    }
    Ok(report.finish())
}

/// What the ledger and the gateways' books say differently, for administrators: what stands first.
///
/// # Errors
/// [`AppError::Forbidden`] to all others.
pub async fn differences(
    app: &App,
    person: &Person,
    after: Option<&str>,
    limit: u16,
) -> Result<DifferencePage, AppError> {
    administrator(person)?;
    Ok(app.store.differences(after, limit.clamp(1, LARGEST_PAGE)).await?)
}

/// The span of some days, both ends included.
fn days(zone: Zone, first: Date, last: Date) -> Result<TimeSpan, AppError> {
    let count = last.naive().signed_duration_since(first.naive()).num_days() + 1;
    if !(1..=MOST_DAYS).contains(&count) {
        let must = format!("must be from the same day as from to {} days after it", MOST_DAYS - 1);
        return Err(AppError::Invalid { field: "to".to_owned(), must });
    }
    let (begin, end) = (zone.local_day_span(first.naive()), zone.local_day_span(last.naive()));
    Ok(TimeSpan::new(begin.start(), end.end()))
}
