//! Session types: what an expert offers.

use super::duration::{MAX_DURATIONS, MAX_LENGTH_MINUTES, SessionDuration};
use super::policy::{CancellationPolicy, ReschedulePolicy};
use crate::kernel::text::{LongText, ShortText};
use crate::kernel::time::{Date, Timestamp, Zone, date_of_number};
use crate::{Currency, Money, SessionTypeId, Violations};

/// The maximum buffer before or after a session: half a day.
pub const MAX_BUFFER_MINUTES: u16 = 720;
/// The maximum notice: one year.
pub const MAX_NOTICE_MINUTES: u32 = 366 * 1_440;
/// The maximum length of a rolling booking window: two years.
pub const MAX_ROLLING_DAYS: u16 = 731;
/// The maximum length of a booking window in business days: two years.
pub const MAX_BUSINESS_DAYS: u16 = 522;
/// The number of days after today that are searched for days with free time.
pub const FREE_DAYS_LOOK_AHEAD: u16 = 30;
/// The maximum number of seats of a group session.
pub const MAX_CAPACITY: u16 = 500;

/// The maximum number of currencies, besides the currency of the prices, in which a client may pay.
pub const MAX_PRESENTMENT_CURRENCIES: usize = 10;

/// The properties of a session type that its expert chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionTypeTerms {
    /// The name that clients see in the list.
    pub name: ShortText,
    /// The description that clients read before they book.
    pub description: LongText,
    /// The durations that a client can select, at least one. All fixed prices have the same currency.
    pub durations: Vec<SessionDuration>,
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
    /// The maximum number of sessions of this type on one of the expert's local days.
    pub daily_cap: Option<u16>,
    /// The maximum number of minutes of sessions of this type, without buffers, that begin on one of the expert's local
    /// days. At least the longest duration.
    pub daily_minutes_cap: Option<u16>,
    /// The maximum number of sessions of this type in one ISO week of the expert's local calendar.
    pub weekly_cap: Option<u16>,
    /// The number of seats of a session. If it is above 1, the session is a group session.
    pub capacity: u16,
    /// When the client is charged.
    pub collection: Collection,
    /// What the client gets back if the session does not take place. An appointment keeps the policy that applied
    /// when it was booked.
    pub cancellation: CancellationPolicy,
    /// How an appointment may be rescheduled. An appointment keeps the policy that applied when it was booked.
    pub rescheduling: ReschedulePolicy,
    /// Currencies, besides the currency of the prices, in which a client may choose to pay. The price is converted at
    /// the reference rate of the day.
    pub presentment_currencies: Vec<Currency>,
}

/// When the client is charged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Collection {
    /// At booking. If the session is cancelled, the amount that the cancellation policy gives back is refunded.
    #[default]
    ChargeAtBooking,
    /// The amount is authorized at booking, or closer to the session if the session is too far ahead, and captured
    /// after the session took place.
    AuthorizeThenCapture,
}

/// How far ahead a session type can be booked, in dates of the expert's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BookingWindow {
    /// Sessions can be booked until the end of the day this many days after today.
    Rolling {
        /// The number of days; 0 means today only.
        days: u16,
    },
    /// Sessions can be booked until the end of the day this many business days after today. Business days are Monday to
    /// Friday; holidays are not known. On a weekend, 1 means the following Monday.
    BusinessDays {
        /// The number of business days; 0 means today only.
        days: u16,
    },
    /// Sessions can be booked on the next days that have free time, today included: dates on which at least one session
    /// of this type can start. As days fill up, later ones can be booked. Only today and the following 30 days are
    /// searched; with fewer such days, all of them can be booked.
    FreeDays {
        /// The number of days with free time.
        days: u16,
    },
    /// Sessions can be booked from the first to the last date, both inclusive.
    Dates {
        /// The first bookable date.
        first: Date,
        /// The last bookable date; not before the first.
        last: Date,
    },
}

impl BookingWindow {
    /// Returns the window without dates that are more than [`MAX_ROLLING_DAYS`] after the date of `now`. Only a window of
    /// fixed dates can have such dates.
    #[must_use]
    pub fn limited(self, zone: Zone, now: Timestamp) -> Self {
        let Self::Dates { first, last } = self else { return self };
        let farthest = date_of_number(zone.day_containing(now.seconds()) + i64::from(MAX_ROLLING_DAYS));
        let last = Date::try_from(farthest).map_or(last, |farthest| last.min(farthest));
        Self::Dates { first, last }
    }
}

impl Default for BookingWindow {
    /// Returns a rolling window of 60 days.
    fn default() -> Self {
        Self::Rolling { days: 60 }
    }
}

impl SessionTypeTerms {
    /// Returns whether these terms charge and refund clients as the others do: the durations with their prices, the seats, the
    /// collection, the policies and the currencies are the same.
    pub fn charge_like(&self, others: &Self) -> bool {
        self.durations == others.durations
            && self.capacity == others.capacity
            && self.collection == others.collection
            && self.cancellation == others.cancellation
            && self.rescheduling == others.rescheduling
            && self.presentment_currencies == others.presentment_currencies
    }

    /// Checks the constraints that the field types do not enforce. Derived prices are checked with the expert's
    /// `hourly_rate`.
    ///
    /// # Errors
    /// All violations of the terms.
    pub fn check(&self, hourly_rate: Option<Money>) -> Result<(), Violations> {
        let mut violations = Violations::default();
        violations.add_member("/durations", self.check_durations(hourly_rate));
        violations.check_range("/step_minutes", self.step_minutes.into(), 1, 1_440);
        for (pointer, buffer) in [
            ("/buffer_before_minutes", self.buffer_before_minutes),
            ("/buffer_after_minutes", self.buffer_after_minutes),
        ] {
            violations.check_range(pointer, buffer.into(), 0, MAX_BUFFER_MINUTES.into());
        }
        violations.check_range("/minimum_notice_minutes", self.minimum_notice_minutes, 0, MAX_NOTICE_MINUTES);
        violations.check_range("/capacity", self.capacity.into(), 1, MAX_CAPACITY.into());
        for (pointer, cap) in [("/daily_cap", self.daily_cap), ("/weekly_cap", self.weekly_cap)] {
            if let Some(cap) = cap {
                violations.check_range(pointer, cap.into(), 1, 1_000);
            }
        }
        if let Some(cap) = self.daily_minutes_cap {
            // Each duration must be bookable on a free day.
            let longest = self.durations.iter().map(|duration| duration.minutes).max().unwrap_or(1);
            let highest = MAX_LENGTH_MINUTES.max(longest);
            violations.check_range("/daily_minutes_cap", cap.into(), longest.into(), highest.into());
        }
        match self.booking_window {
            BookingWindow::Rolling { days } => {
                violations.check_range("/booking_window/days", days.into(), 0, MAX_ROLLING_DAYS.into());
            }
            BookingWindow::BusinessDays { days } => {
                violations.check_range("/booking_window/days", days.into(), 0, MAX_BUSINESS_DAYS.into());
            }
            BookingWindow::FreeDays { days } => {
                let most = u32::from(FREE_DAYS_LOOK_AHEAD) + 1;
                violations.check_range("/booking_window/days", days.into(), 1, most);
            }
            BookingWindow::Dates { first, last } if last < first => {
                violations.add("/booking_window/last", format!("must not be before the first date, {first}"));
            }
            BookingWindow::Dates { .. } => {}
        }
        violations.add_member("/cancellation_policy", self.cancellation.check());
        violations.add_member("/rescheduling_policy", self.rescheduling.check());
        violations.add_member("/presentment_currencies", self.check_presentment_currencies(hourly_rate));
        violations.into_result()
    }

    fn check_durations(&self, hourly_rate: Option<Money>) -> Result<(), Violations> {
        let mut violations = Violations::default();
        if self.durations.is_empty() {
            violations.add("", "must have at least 1 entry");
        }
        violations.check_count("", self.durations.len(), MAX_DURATIONS);
        for (at, duration) in self.durations.iter().enumerate() {
            let SessionDuration { minutes, price } = *duration;
            violations.check_range(format!("/{at}/minutes"), minutes.into(), 1, MAX_LENGTH_MINUTES.into());
            if self.durations.iter().take(at).any(|before| before.minutes == minutes) {
                violations.add(format!("/{at}/minutes"), "must differ from the other durations");
            }
            let Some(price) = price else {
                if let Err(reason) = self.price(*duration, hourly_rate) {
                    violations.add(format!("/{at}/price"), format!("must be given, because {reason}"));
                }
                continue;
            };
            match self.fixed_currency() {
                Some(currency) if currency != price.currency() => {
                    let must = format!("must be {}, as in the first price", currency.code());
                    violations.add(format!("/{at}/price/currency"), must);
                }
                Some(currency) if !price.is_zero() && currency.price_limits().is_none() => {
                    let must = format!("must be a currency of prices; {} is not", currency.code());
                    violations.add(format!("/{at}/price/currency"), must);
                }
                _ => {
                    if let Err(must) = self.check_price(price) {
                        violations.add(format!("/{at}/price/amount"), must);
                    }
                }
            }
        }
        violations.into_result()
    }

    /// Checks that an amount can be the price of one seat, and can be charged for all seats.
    pub(super) fn check_price(&self, price: Money) -> Result<(), String> {
        price.check_price().map_err(|error| error.to_string())?;
        let times = |error: &dyn std::fmt::Display| format!("times the capacity: {error}");
        // A capacity of zero is another violation.
        let all_seats = price.checked_mul(self.capacity.max(1)).map_err(|error| times(&error))?;
        match all_seats.is_zero() {
            true => Ok(()),
            false => all_seats.check_charge().map_err(|error| times(&error)),
        }
    }

    fn check_presentment_currencies(&self, hourly_rate: Option<Money>) -> Result<(), Violations> {
        let mut violations = Violations::default();
        let offered = &self.presentment_currencies;
        violations.check_count("", offered.len(), MAX_PRESENTMENT_CURRENCIES);
        let of_prices = self.currency(hourly_rate);
        for (at, one) in offered.iter().enumerate() {
            if Some(*one) == of_prices {
                violations.add(format!("/{at}"), "must be another currency than that of the prices");
            } else if one.price_limits().is_none() {
                let must = format!("must be a currency of prices; {} is not", one.code());
                violations.add(format!("/{at}"), must);
            } else if offered.iter().take(at).any(|before| before == one) {
                violations.add(format!("/{at}"), "must not be in the list twice");
            }
        }
        violations.into_result()
    }

    /// Returns the currency of the prices, given the expert's current hourly rate; `None` if all prices are derived and there is
    /// no rate.
    pub fn currency(&self, hourly_rate: Option<Money>) -> Option<Currency> {
        self.fixed_currency().or(hourly_rate.map(Money::currency))
    }

    /// Returns the currency of the fixed prices; `None` if all prices are derived.
    pub fn fixed_currency(&self) -> Option<Currency> {
        self.durations.iter().find_map(|duration| duration.price).map(Money::currency)
    }
}

/// Whether a session type can be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionTypeStatus {
    /// The session type is listed and can be booked.
    Active,
    /// The expert has withdrawn the session type. Existing appointments are not affected.
    Retired,
    /// A newer release has stored a status or terms that this one does not know. Nobody can book the session type until the
    /// expert has replaced its terms.
    Unknown,
}

/// A session type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionType {
    /// The id, unique across all experts.
    pub id: SessionTypeId,
    /// The version, incremented with each change. It is the ETag.
    pub version: u64,
    /// Whether the session type can be booked.
    pub status: SessionTypeStatus,
    /// The properties that the expert chose.
    pub terms: SessionTypeTerms,
}

#[cfg(test)]
pub(crate) mod tests;
