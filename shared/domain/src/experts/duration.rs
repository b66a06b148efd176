//! Durations of a session type: the lengths that a client can select, and what they cost.
//!
//! A price is fixed, or it is derived from the expert's hourly rate whenever it is needed, because the rate can change at
//! any time.

use super::session_type::{BookingWindow, SessionType, SessionTypeStatus, SessionTypeTerms};
use crate::kernel::time::{MINUTE, TimeSpan, Timestamp, Zone};
use crate::{Money, SessionTypeId};

/// The maximum number of durations of a session type.
pub const MAX_DURATIONS: usize = 10;
/// The maximum length of a session: one day.
pub const MAX_LENGTH_MINUTES: u16 = 1_440;

/// A length of a session that a client can select.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionDuration {
    /// The length of a session in minutes; different for each duration of a session type.
    pub minutes: u16,
    /// The fixed price of one seat; `None` if the price is derived from the expert's hourly rate. A session with price
    /// zero is booked without payment.
    pub price: Option<Money>,
}

/// Why a duration cannot be booked at a price now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPrice {
    /// The price is derived, and the expert has no hourly rate.
    #[error("the expert has no hourly rate")]
    NoHourlyRate,
    /// The price is derived, and the hourly rate has another currency than the fixed prices of the session type.
    #[error("the hourly rate is in {rate}, and the other prices are in {others}")]
    OtherCurrency {
        /// The currency of the hourly rate.
        rate: &'static str,
        /// The currency of the fixed prices.
        others: &'static str,
    },
    /// The price cannot be charged. The text says what it must be.
    #[error("the price {0}")]
    NotChargeable(String),
}

impl SessionTypeTerms {
    /// Returns whether the price of a duration is derived from the expert's hourly rate.
    pub fn has_derived_price(&self) -> bool {
        self.durations.iter().any(|duration| duration.price.is_none())
    }

    /// Returns the price of one seat of a duration, given the expert's current hourly rate. A derived price is the rate
    /// times the length; see [`Money::for_minutes`].
    ///
    /// # Errors
    /// [`NoPrice`] if the price cannot be derived, or cannot be charged. The limits of prices may have changed since a fixed
    /// price was stored. A derived price is zero only if the rate is zero.
    pub fn price(&self, duration: SessionDuration, hourly_rate: Option<Money>) -> Result<Money, NoPrice> {
        let price = match duration.price {
            Some(price) => price,
            None => self.derived_price(duration.minutes, hourly_rate)?,
        };
        self.check_price(price).map_err(NoPrice::NotChargeable)?;
        Ok(price)
    }

    fn derived_price(&self, minutes: u16, hourly_rate: Option<Money>) -> Result<Money, NoPrice> {
        let rate = hourly_rate.ok_or(NoPrice::NoHourlyRate)?;
        if let Some(currency) = self.fixed_currency().filter(|currency| *currency != rate.currency()) {
            return Err(NoPrice::OtherCurrency { rate: rate.currency().code(), others: currency.code() });
        }
        match rate.for_minutes(minutes) {
            // An amount that rounds to zero is no free session.
            Ok(price) if price.is_zero() && !rate.is_zero() => {
                Err(NoPrice::NotChargeable(format!("of {minutes} minutes at {rate} an hour rounds to zero")))
            }
            price => price.map_err(|error| NoPrice::NotChargeable(error.to_string())),
        }
    }
}

/// The terms that decide when sessions of one length can take place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTerms {
    /// The length of a session in minutes.
    pub length_minutes: u16,
    /// Minutes that stay free before the start.
    pub buffer_before_minutes: u16,
    /// Minutes that stay free after the end.
    pub buffer_after_minutes: u16,
    /// The minimum number of minutes between booking and start, inclusive.
    pub minimum_notice_minutes: u32,
    /// How far ahead sessions can be booked.
    pub booking_window: BookingWindow,
    /// Minutes between an offered start and the next.
    pub step_minutes: u16,
    /// The maximum number of sessions of the session type on one of the expert's local days.
    pub daily_cap: Option<u16>,
    /// The maximum number of minutes of sessions of the session type that begin on one of the expert's local days.
    pub daily_minutes_cap: Option<u16>,
    /// The maximum number of sessions of the session type in one ISO week of the expert's local calendar.
    pub weekly_cap: Option<u16>,
    /// The number of seats of a session.
    pub capacity: u16,
}

impl SessionTerms {
    /// Returns the time of a session that begins at `start`, without buffers.
    pub fn session(&self, start: Timestamp) -> TimeSpan {
        TimeSpan::new(start, start.plus(i64::from(self.length_minutes) * MINUTE))
    }

    /// Returns the time that a session that begins at `start` occupies: the session and its buffers.
    pub fn occupied(&self, start: Timestamp) -> TimeSpan {
        self.session(start).expanded(
            i64::from(self.buffer_before_minutes) * MINUTE,
            i64::from(self.buffer_after_minutes) * MINUTE,
        )
    }
}

/// The sessions of one length of a session type. They have no price yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SelectedSession {
    /// The session type.
    pub id: SessionTypeId,
    /// Whether the session type can be booked.
    pub status: SessionTypeStatus,
    /// When a session can take place.
    pub terms: SessionTerms,
}

impl SessionType {
    /// Returns the sessions of this length that can be booked at `now`, as [`of_length`](Self::of_length), but at most two
    /// years ahead in the expert's time zone.
    pub fn bookable_of_length(&self, minutes: u16, zone: Zone, now: Timestamp) -> SelectedSession {
        let mut session = self.of_length(minutes);
        session.terms.booking_window = session.terms.booking_window.limited(zone, now);
        session
    }

    /// Returns the sessions of this length, whether or not a client can select it.
    pub fn of_length(&self, minutes: u16) -> SelectedSession {
        let terms = &self.terms;
        let terms = SessionTerms {
            length_minutes: minutes,
            buffer_before_minutes: terms.buffer_before_minutes,
            buffer_after_minutes: terms.buffer_after_minutes,
            minimum_notice_minutes: terms.minimum_notice_minutes,
            booking_window: terms.booking_window,
            step_minutes: terms.step_minutes,
            daily_cap: terms.daily_cap,
            daily_minutes_cap: terms.daily_minutes_cap,
            weekly_cap: terms.weekly_cap,
            capacity: terms.capacity,
        };
        SelectedSession { id: self.id, status: self.status, terms }
    }
}

#[cfg(test)]
mod tests;
