//! What an expert offers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::InvalidTerms;
use super::policy::{CancellationPolicy, ReschedulePolicy};
use crate::kernel::money::{AmountTooLarge, Unchargeable};
use crate::kernel::text::{LongText, ShortText};
use crate::kernel::time::{Date, MINUTE, TimeSpan, Timestamp};
use crate::{Currency, Money, SessionTypeId};

/// Longest session: a day.
pub const MAXIMUM_LENGTH_MINUTES: u16 = 1_440;
/// Longest buffer on either side: half a day.
pub const MAXIMUM_BUFFER_MINUTES: u16 = 720;
/// Longest notice: a year.
pub const MAXIMUM_NOTICE_MINUTES: u32 = 366 * 1_440;
/// Furthest rolling booking window: two years.
pub const MAXIMUM_ROLLING_DAYS: u16 = 731;
/// Most seats of a group session.
pub const MAXIMUM_CAPACITY: u16 = 500;

/// Most currencies besides the price's in which a client may pay.
pub const MOST_PRESENTMENT_CURRENCIES: usize = 10;

/// What an expert chooses about a session type; [`SessionType`] adds what the platform keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionTypeTerms {
    /// What clients see in the list.
    pub name: ShortText,
    /// What clients read before they book.
    #[serde(default)]
    pub description: LongText,
    /// Minutes from start to end.
    #[schemars(range(min = 1, max = 1_440))]
    pub length_minutes: u16,
    /// Of one seat; zero books without payment.
    pub price: Money,
    /// Minutes kept free before the start.
    #[serde(default)]
    #[schemars(range(max = 720))]
    pub buffer_before_minutes: u16,
    /// Minutes kept free after the end.
    #[serde(default)]
    #[schemars(range(max = 720))]
    pub buffer_after_minutes: u16,
    /// A start is offered up to this many minutes ahead, inclusive.
    #[serde(default)]
    #[schemars(range(max = 527_040))]
    pub minimum_notice_minutes: u32,
    /// How far ahead one can book.
    #[serde(default)]
    pub booking_window: BookingWindow,
    /// Minutes between one offered start and the next.
    #[schemars(range(min = 1, max = 1_440))]
    pub step_minutes: u16,
    /// Most sessions of this type on one of the expert's local days.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_000))]
    pub daily_cap: Option<u16>,
    /// Most sessions of this type in one ISO week of the expert's local calendar.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_000))]
    pub weekly_cap: Option<u16>,
    /// Seats of one session; above 1 it is a group session.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 500))]
    pub capacity: u16,
    /// When the price is taken.
    #[serde(default)]
    pub collection: Collection,
    /// What comes back when a session does not take place. It is fixed for an appointment when it is booked.
    #[serde(default)]
    pub cancellation: CancellationPolicy,
    /// How an appointment may be moved. It is fixed for an appointment when it is booked.
    #[serde(default)]
    pub rescheduling: ReschedulePolicy,
    /// Currencies besides the price's in which a client may choose to pay, at the day's reference rate.
    #[serde(default)]
    #[schemars(length(max = 10))]
    pub presentment_currencies: Vec<Currency>,
}

fn one() -> u16 {
    1
}

/// When the price of a session is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Collection {
    /// When it is booked; what the cancellation policy gives back is refunded.
    #[default]
    ChargeAtBooking,
    /// It is set aside when it is booked, or near the time when that is too far ahead, and taken once the session took place.
    AuthoriseThenCapture,
}

/// How far ahead a session type can be booked, in dates of the expert's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum BookingWindow {
    /// Until the end of the day this many days after today.
    Rolling {
        /// 0 is today only.
        #[schemars(range(max = 731))]
        days: u16,
    },
    /// From the first to the last date, both inclusive.
    Dates {
        /// First bookable date.
        first: Date,
        /// Last bookable date.
        last: Date,
    },
}

impl Default for BookingWindow {
    /// 60 days.
    fn default() -> Self {
        Self::Rolling { days: 60 }
    }
}

impl SessionTypeTerms {
    /// Checks the ranges that the field types do not hold by themselves.
    ///
    /// # Errors
    /// The first field that is out of its range.
    pub fn check(&self) -> Result<(), InvalidTerms> {
        let within = |field, value: u32, low: u32, high: u32| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(InvalidTerms { field, must: format!("must be from {low} to {high}, got {value}") })
            }
        };
        within("length_minutes", self.length_minutes.into(), 1, MAXIMUM_LENGTH_MINUTES.into())?;
        within("step_minutes", self.step_minutes.into(), 1, 1_440)?;
        within("buffer_before_minutes", self.buffer_before_minutes.into(), 0, MAXIMUM_BUFFER_MINUTES.into())?;
        within("buffer_after_minutes", self.buffer_after_minutes.into(), 0, MAXIMUM_BUFFER_MINUTES.into())?;
        within("minimum_notice_minutes", self.minimum_notice_minutes, 0, MAXIMUM_NOTICE_MINUTES)?;
        within("capacity", self.capacity.into(), 1, MAXIMUM_CAPACITY.into())?;
        for (field, cap) in [("daily_cap", self.daily_cap), ("weekly_cap", self.weekly_cap)] {
            if let Some(cap) = cap {
                within(field, cap.into(), 1, 1_000)?;
            }
        }
        match self.booking_window {
            BookingWindow::Rolling { days } => {
                within("booking_window.days", days.into(), 0, MAXIMUM_ROLLING_DAYS.into())?;
            }
            BookingWindow::Dates { first, last } if last < first => {
                let must = format!("must not be before booking_window.first, {first}");
                return Err(InvalidTerms { field: "booking_window.last", must });
            }
            BookingWindow::Dates { .. } => {}
        }
        if !self.price.is_zero() {
            self.price
                .check_charge()
                .map_err(|error| InvalidTerms { field: "price", must: error.to_string() })?;
        }
        self.cancellation.check()?;
        let all_seats = self.price.times(self.capacity).map_err(|AmountTooLarge| InvalidTerms {
            field: "price",
            must: format!("times the capacity: {AmountTooLarge}"),
        })?;
        if !self.price.is_zero() {
            let must = |error: Unchargeable| format!("times the capacity: {error}");
            all_seats.check_charge().map_err(|error| InvalidTerms { field: "price", must: must(error) })?;
        }
        let offered = &self.presentment_currencies;
        if offered.len() > MOST_PRESENTMENT_CURRENCIES
            || offered.iter().enumerate().any(|(place, one)| offered[..place].contains(one))
            || offered.iter().any(|one| *one == self.price.currency() || !one.is_charged())
        {
            let must = format!(
                "must be at most {MOST_PRESENTMENT_CURRENCIES} different currencies other than that of the price"
            );
            return Err(InvalidTerms { field: "presentment_currencies", must });
        }
        Ok(())
    }

    /// From the start to the end of a session that begins at `start`.
    pub fn session(&self, start: Timestamp) -> TimeSpan {
        TimeSpan::new(start, start.plus(i64::from(self.length_minutes) * MINUTE))
    }

    /// What a session that begins at `start` occupies: its span and its buffers.
    pub fn occupied(&self, start: Timestamp) -> TimeSpan {
        self.session(start).widened(
            i64::from(self.buffer_before_minutes) * MINUTE,
            i64::from(self.buffer_after_minutes) * MINUTE,
        )
    }
}

/// Whether a session type can be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionTypeStatus {
    /// Listed and bookable.
    Active,
    /// Withdrawn by the expert; appointments already made stand.
    Retired,
}

/// A session type as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionType {
    /// Its id, unique over all experts.
    pub id: SessionTypeId,
    /// Grows by one with each change; the ETag.
    pub version: u64,
    /// Whether it can be booked.
    pub status: SessionTypeStatus,
    /// What the expert chose.
    pub terms: SessionTypeTerms,
}

#[cfg(test)]
mod tests;
