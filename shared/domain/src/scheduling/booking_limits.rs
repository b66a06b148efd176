//! How much one client can hold and book, so that nobody blocks calendars without paying.
//!
//! The rules use [`ClientBookings`], which each booking, move and proposal of the client changes. Payments, cancellations and
//! expiries do not change it. A booking that is allowed whatever has become of the holds and saved cards
//! ([`ClientBookings::allows`]) needs no look at them. Otherwise, the appointments are looked up ([`ClientBookings::resolve`]), and
//! then the rules are exact.

use std::collections::BTreeMap;

use crate::kernel::time::{DAY, HOUR, MINUTE};
use crate::scheduling::appointment::{Appointment, Status};
use crate::scheduling::occupancy::GroupSession;
use crate::scheduling::party::Party;
use crate::scheduling::proposal::MAX_OPEN_HOURS;
use crate::{AppointmentId, ExpertId, SessionTypeId, TimeSpan, Timestamp};

/// The pause after the first unpaid hold that is too many, in seconds. It doubles with each further one.
const FIRST_PAUSE: i64 = 10 * MINUTE;
/// The maximum pause, and for how long an unpaid hold counts, in seconds.
const UNPAID_COUNTS: i64 = DAY;
/// The maximum number of unpaid holds that are remembered. The pause is at its maximum long before.
const MAX_UNPAID: usize = 20;
/// For how long a booking or a move is remembered because the client's list of appointments may not show it yet, in seconds. The
/// list shows it within seconds.
const NOT_LISTED: i64 = 2 * MINUTE;
/// For how long a booking of a session with a price counts, in seconds.
const PRICED_COUNTS: i64 = 30 * DAY;
/// For how long a proposal counts, in seconds: as long as it can be open.
const PROPOSAL_COUNTS: i64 = MAX_OPEN_HOURS * HOUR;
/// How long after the end of its session a saved card that was declined matters, in seconds.
const DECLINE_COUNTS: i64 = 30 * DAY;

/// How much one client, or one network address, can hold and book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookingLimits {
    /// The maximum number of open holds of a client.
    pub open_holds: u16,
    /// The maximum number of open holds of a client with one expert.
    pub open_holds_per_expert: u16,
    /// The number of unpaid holds within 24 hours after which the client can hold again without a pause.
    pub unpaid_holds: u16,
    /// The maximum number of bookings of a client in a UTC day.
    pub bookings_per_day: u16,
    /// The maximum number of bookings of a client with a price within 30 days, whatever becomes of them.
    pub priced_bookings: u16,
    /// The maximum number of bookings of a client with a price with one expert within 30 days, whatever becomes of them.
    pub priced_bookings_per_expert: u16,
    /// The maximum number of free appointments of a client that have not ended.
    pub free_appointments: u16,
    /// The maximum number of free appointments of a client with one expert that have not ended.
    pub free_appointments_per_expert: u16,
    /// The maximum number of appointments of a client that are paid later with a saved card, and are not paid yet.
    pub unpaid_appointments: u16,
    /// The maximum number of such appointments of a client with one expert.
    pub unpaid_appointments_per_expert: u16,
    /// The maximum number of seats of one booking, and of all seats of a client in one group session that are not paid yet.
    pub seats: u16,
    /// The maximum number of proposals of a client within [`MAX_OPEN_HOURS`] hours, and so of their proposals that are open.
    pub proposals: u16,
    /// The maximum number of attempts to book from one network address in a UTC day.
    pub attempts_per_address: u32,
}

impl Default for BookingLimits {
    fn default() -> Self {
        Self {
            open_holds: 2,
            open_holds_per_expert: 1,
            unpaid_holds: 1,
            bookings_per_day: 20,
            priced_bookings: 30,
            priced_bookings_per_expert: 20,
            free_appointments: 6,
            free_appointments_per_expert: 3,
            unpaid_appointments: 6,
            unpaid_appointments_per_expert: 3,
            seats: 10,
            proposals: 4,
            attempts_per_address: 100,
        }
    }
}

impl BookingLimits {
    /// Limits that nobody reaches.
    pub const fn unlimited() -> Self {
        Self {
            open_holds: u16::MAX,
            open_holds_per_expert: u16::MAX,
            unpaid_holds: u16::MAX,
            bookings_per_day: u16::MAX,
            priced_bookings: u16::MAX,
            priced_bookings_per_expert: u16::MAX,
            free_appointments: u16::MAX,
            free_appointments_per_expert: u16::MAX,
            unpaid_appointments: u16::MAX,
            unpaid_appointments_per_expert: u16::MAX,
            seats: u16::MAX,
            proposals: u16::MAX,
            attempts_per_address: u32::MAX,
        }
    }
}

/// Why a client cannot book now although the slot may be free.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitReached {
    /// The client has as many open holds as they may have.
    #[error(
        "you have {limit} unpaid {} {}, and no more are possible at the same time; pay for it, or book again at or after {again_at}",
        if *.limit == 1 { "hold" } else { "holds" },
        if *.with_expert { "with this expert" } else { "with all experts together" }
    )]
    OpenHolds {
        /// The maximum number.
        limit: u16,
        /// Whether only the holds with this expert count.
        with_expert: bool,
        /// When the client can hold again at the latest.
        again_at: Timestamp,
    },
    /// Holds of the client ended without a payment.
    #[error(
        "{unpaid} of your holds ended without a payment in the last 24 hours; the next one is possible at or after {again_at}"
    )]
    UnpaidHolds {
        /// The number of holds that ended without a payment in the last 24 hours.
        unpaid: usize,
        /// The number after which there is no pause.
        limit: u16,
        /// When the client can hold again.
        again_at: Timestamp,
    },
    /// The client has booked as often today as they may.
    #[error("you have booked {limit} times today, which is the limit; book again at or after {again_at}")]
    BookingsOfDay {
        /// The maximum number.
        limit: u16,
        /// The next midnight in UTC.
        again_at: Timestamp,
    },
    /// The client has booked sessions with a price as often in 30 days as they may.
    #[error(
        "you have booked {limit} {} with a price {} in 30 days, which is the limit; book again at or after {again_at}",
        if *.limit == 1 { "session" } else { "sessions" },
        if *.with_expert { "with this expert" } else { "with all experts together" }
    )]
    PricedBookings {
        /// The maximum number.
        limit: u16,
        /// Whether only the bookings with this expert count.
        with_expert: bool,
        /// When the oldest one that counts too much no longer counts.
        again_at: Timestamp,
    },
    /// The client has as many free appointments ahead as they may have.
    #[error(
        "you have {limit} free {} ahead {}, which is the limit; cancel one, or book again at or after {again_at}",
        if *.limit == 1 { "appointment" } else { "appointments" },
        if *.with_expert { "with this expert" } else { "with all experts together" }
    )]
    FreeAppointments {
        /// The maximum number.
        limit: u16,
        /// Whether only the appointments with this expert count.
        with_expert: bool,
        /// When enough of them have ended.
        again_at: Timestamp,
    },
    /// The client has as many appointments that they pay later as they may have.
    #[error(
        "you have {limit} {} ahead {} that you pay later with a saved card, which is the limit; cancel one, book a session \
         that you pay at once, or book again at or after {again_at}",
        if *.limit == 1 { "appointment" } else { "appointments" },
        if *.with_expert { "with this expert" } else { "with all experts together" }
    )]
    UnpaidAppointments {
        /// The maximum number.
        limit: u16,
        /// Whether only the appointments with this expert count.
        with_expert: bool,
        /// When enough of them have ended.
        again_at: Timestamp,
    },
    /// A saved card of the client was declined, and the session was not paid otherwise.
    #[error(
        "your saved card was declined for another session; pay for that session if it is not cancelled yet, book a session that \
         you pay at once, or book again at or after {again_at}"
    )]
    CardDeclined {
        /// When the decline no longer matters.
        again_at: Timestamp,
    },
    /// The client has proposed other times as often as they may.
    #[error(
        "you have proposed other times {limit} times in {MAX_OPEN_HOURS} hours, which is the limit; propose again at or after \
         {again_at}"
    )]
    Proposals {
        /// The maximum number.
        limit: u16,
        /// When the oldest proposal no longer counts.
        again_at: Timestamp,
    },
    /// Too many attempts came from the client's network address today.
    #[error(
        "{limit} attempts to book came from your network today, which is the limit; book again at or after {again_at}, or from \
         another network"
    )]
    AttemptsOfAddress {
        /// The maximum number.
        limit: u32,
        /// The next midnight in UTC.
        again_at: Timestamp,
    },
}

impl LimitReached {
    /// The limit.
    pub fn limit(&self) -> u32 {
        match *self {
            Self::OpenHolds { limit, .. }
            | Self::UnpaidHolds { limit, .. }
            | Self::BookingsOfDay { limit, .. }
            | Self::PricedBookings { limit, .. }
            | Self::FreeAppointments { limit, .. }
            | Self::UnpaidAppointments { limit, .. }
            | Self::Proposals { limit, .. } => limit.into(),
            Self::CardDeclined { .. } => 0,
            Self::AttemptsOfAddress { limit, .. } => limit,
        }
    }

    /// When the limit allows the booking again, if nothing else is booked until then.
    pub fn again_at(&self) -> Timestamp {
        match *self {
            Self::OpenHolds { again_at, .. }
            | Self::UnpaidHolds { again_at, .. }
            | Self::BookingsOfDay { again_at, .. }
            | Self::PricedBookings { again_at, .. }
            | Self::FreeAppointments { again_at, .. }
            | Self::UnpaidAppointments { again_at, .. }
            | Self::CardDeclined { again_at }
            | Self::Proposals { again_at, .. }
            | Self::AttemptsOfAddress { again_at, .. } => again_at,
        }
    }
}

/// Checks the number of attempts that came from a network address on the UTC day of `now`, including this one.
///
/// # Errors
/// [`LimitReached::AttemptsOfAddress`] if they are too many.
pub fn check_attempts(attempts: u64, limits: &BookingLimits, now: Timestamp) -> Result<(), LimitReached> {
    let limit = limits.attempts_per_address;
    if attempts <= u64::from(limit) {
        return Ok(());
    }
    Err(LimitReached::AttemptsOfAddress { limit, again_at: next_midnight(now) })
}

/// What pays for a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Nothing yet: the slot is held while the client pays.
    Hold {
        /// When the hold ends.
        expires_at: Timestamp,
        /// Whether the client only saves a card, which is charged later.
        saves_card: bool,
    },
    /// Nothing yet: the session is confirmed, because a card is saved that is charged later.
    CardSaved,
    /// Nothing: the saved card was declined, and the client has not paid otherwise.
    CardDeclined,
    /// A payment.
    Paid,
    /// Nothing, because the session has no price.
    Free,
}

impl Claim {
    /// What pays for an appointment that is moved. `payment` is the progress of its payment; `None` if it has none.
    pub fn of_moved(moved: &Appointment, payment: Option<PaymentProgress>) -> Self {
        match payment {
            _ if moved.price.is_zero() => Self::Free,
            None => Self::Free,
            Some(PaymentProgress::Paid) => Self::Paid,
            Some(PaymentProgress::CardDeclined) => Self::CardDeclined,
            Some(PaymentProgress::NotOpened | PaymentProgress::Unpaid) => Self::CardSaved,
        }
    }
}

/// How far the payment of an appointment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentProgress {
    /// The gateway has not opened it, so the client could not pay.
    NotOpened,
    /// The client has not paid.
    Unpaid,
    /// The client has not paid, and the card that they saved was declined.
    CardDeclined,
    /// The client has paid, or the amount is authorized.
    Paid,
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    OpenHolds,
    UnpaidAppointments,
    FreeAppointments,
}

impl Counted {
    /// What a claim counts as.
    fn of(claim: Claim) -> &'static [Self] {
        match claim {
            Claim::Hold { saves_card: false, .. } => &[Self::OpenHolds],
            Claim::Hold { saves_card: true, .. } => &[Self::OpenHolds, Self::UnpaidAppointments],
            Claim::CardSaved => &[Self::UnpaidAppointments],
            Claim::Free => &[Self::FreeAppointments],
            Claim::CardDeclined | Claim::Paid => &[],
        }
    }

    /// When a booking no longer counts; `None` if it does not count.
    fn until(self, booking: &ClientBooking) -> Option<Timestamp> {
        let counts = Self::of(booking.claim).contains(&self);
        counts.then_some(match (self, booking.claim) {
            (Self::OpenHolds, Claim::Hold { expires_at, .. }) => expires_at,
            _ => booking.end,
        })
    }
}

/// A booking of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientBooking {
    /// The expert.
    pub expert: ExpertId,
    /// The session type, if it is a group session.
    pub group: Option<SessionTypeId>,
    /// The start of the session.
    pub start: Timestamp,
    /// The end of the session.
    pub end: Timestamp,
    /// When it was booked or moved to this time.
    pub changed_at: Timestamp,
    /// What pays for it.
    pub claim: Claim,
}

impl ClientBooking {
    /// An appointment that is booked or moved now.
    pub fn of(appointment: &Appointment, claim: Claim, now: Timestamp) -> Self {
        Self {
            expert: appointment.expert,
            group: appointment.group.then_some(appointment.session_type),
            start: appointment.start,
            end: appointment.end,
            changed_at: now,
            claim,
        }
    }

    /// The time of the session.
    pub fn session_span(&self) -> TimeSpan {
        TimeSpan::new(self.start, self.end)
    }

    /// Whether both are seats of the same group session.
    pub fn shares_session_with(&self, other: &Self) -> bool {
        self.group.is_some()
            && (self.expert, self.group, self.start) == (other.expert, other.group, other.start)
    }
}

/// What a client has booked, as far as limits need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientBookings {
    /// Increases by one with each change; 0 before the first booking.
    pub version: u64,
    /// The start of the UTC day whose bookings are counted.
    pub day: Timestamp,
    /// The number of bookings of that day.
    pub booked: u16,
    /// When holds ended without a payment.
    pub unpaid: Vec<Timestamp>,
    /// When sessions with a price were booked in the last 30 days, for each expert.
    pub priced: BTreeMap<ExpertId, Vec<Timestamp>>,
    /// When the client proposed other times, as far as it counts.
    pub proposed: Vec<Timestamp>,
    /// Holds, free appointments that have not ended, sessions for which a card is saved, and what was booked or moved just now.
    pub bookings: BTreeMap<AppointmentId, ClientBooking>,
}

impl ClientBookings {
    /// The bookings of a client who has not booked yet.
    pub const fn none() -> Self {
        Self {
            version: 0,
            day: Timestamp::MIN,
            booked: 0,
            unpaid: Vec::new(),
            priced: BTreeMap::new(),
            proposed: Vec::new(),
            bookings: BTreeMap::new(),
        }
    }

    /// Forgets what no longer matters at `now`.
    pub fn forget(&mut self, now: Timestamp) {
        // A clock that is a little behind does not start the previous day again.
        if self.day < midnight(now) {
            (self.day, self.booked) = (midnight(now), 0);
        }
        self.unpaid.retain(|at| now < at.plus(UNPAID_COUNTS));
        self.priced.retain(|_, booked| {
            booked.retain(|at| now < at.plus(PRICED_COUNTS));
            !booked.is_empty()
        });
        self.proposed.retain(|at| now < at.plus(PROPOSAL_COUNTS));
        self.bookings.retain(|_, booking| {
            let decline_counts = now < booking.end.plus(DECLINE_COUNTS);
            let matters = match booking.claim {
                Claim::Hold { expires_at, saves_card } => {
                    now < expires_at.plus(UNPAID_COUNTS) || saves_card && decline_counts
                }
                Claim::CardSaved | Claim::CardDeclined => decline_counts,
                Claim::Free => now < booking.end,
                Claim::Paid => false,
            };
            matters || now < booking.changed_at.plus(NOT_LISTED)
        });
    }

    /// Replaces the assumption about a booking by what has become of its appointment and its payment.
    ///
    /// A hold that its client cancels counts as unpaid like one that expires. A hold that the expert or the platform ends does not.
    pub fn resolve(&mut self, appointment: &Appointment, payment: PaymentProgress, now: Timestamp) {
        let Some(booking) = self.bookings.get_mut(&appointment.id) else { return };
        (booking.start, booking.end) = (appointment.start, appointment.end);
        let unpaid_at = match (&appointment.status, booking.claim) {
            (Status::Pending { .. } | Status::Unknown, _) => return,
            (_, Claim::Hold { .. } | Claim::CardSaved | Claim::CardDeclined)
                if payment == PaymentProgress::CardDeclined =>
            {
                booking.claim = Claim::CardDeclined;
                return self.forget(now);
            }
            (
                Status::Confirmed | Status::Completed | Status::NoShow { .. },
                Claim::Hold { .. } | Claim::CardSaved | Claim::CardDeclined,
            ) => {
                let is_unpaid = appointment.status == Status::Confirmed && payment == PaymentProgress::Unpaid;
                booking.claim = if is_unpaid { Claim::CardSaved } else { Claim::Paid };
                return self.forget(now);
            }
            (Status::Confirmed | Status::Completed | Status::NoShow { .. }, _) => return self.forget(now),
            (Status::Expired, Claim::Hold { expires_at, .. }) => {
                (payment != PaymentProgress::NotOpened).then_some(expires_at.min(now))
            }
            (
                Status::Cancelled { cancelled_by: Party::Client, cancelled_at, .. },
                Claim::Hold { expires_at, .. },
            ) => appointment.was_cancelled_unpaid().then_some(expires_at.min(*cancelled_at)),
            (Status::Expired | Status::Cancelled { .. }, _) => None,
        };
        self.bookings.remove(&appointment.id);
        self.unpaid.extend(unpaid_at);
        self.forget(now);
    }

    /// Checks whether the client may add a booking.
    ///
    /// # Errors
    /// The limit that the booking would exceed.
    pub fn check(
        &self,
        new: &ClientBooking,
        limits: &BookingLimits,
        now: Timestamp,
    ) -> Result<(), LimitReached> {
        if self.day >= midnight(now) && self.booked >= limits.bookings_per_day {
            let (limit, again_at) = (limits.bookings_per_day, next_midnight(self.day));
            return Err(LimitReached::BookingsOfDay { limit, again_at });
        }
        let is_hold = matches!(new.claim, Claim::Hold { .. });
        if is_hold && let Some((unpaid, again_at)) = self.pause(limits, now, now) {
            return Err(LimitReached::UnpaidHolds { unpaid, limit: limits.unpaid_holds, again_at });
        }
        if is_hold {
            self.check_priced(new.expert, limits, now)?;
        }
        if let Claim::Hold { saves_card: true, .. } = new.claim {
            self.check_declined_cards(now)?;
        }
        self.check_claims(new, limits, now)
    }

    /// Checks that no saved card was declined. The client must first pay that session, or a session at once.
    fn check_declined_cards(&self, now: Timestamp) -> Result<(), LimitReached> {
        let declined = self.bookings.values().filter(|booking| booking.claim == Claim::CardDeclined);
        let until = declined.map(|booking| booking.end.plus(DECLINE_COUNTS)).max();
        match until.filter(|until| now < *until) {
            Some(again_at) => Err(LimitReached::CardDeclined { again_at }),
            None => Ok(()),
        }
    }

    /// Checks whether the client may move a free or unpaid seat away from a session in which they have other seats. Together they were
    /// one appointment.
    ///
    /// # Errors
    /// The limit that the free or unpaid appointments would exceed.
    pub fn check_separation(
        &self,
        moved: &Appointment,
        limits: &BookingLimits,
        now: Timestamp,
    ) -> Result<(), LimitReached> {
        let Some(old) = self.bookings.get(&moved.id) else { return Ok(()) };
        let claim = match old.claim {
            Claim::Free => Claim::Free,
            // The row may not know yet that the appointment is confirmed.
            Claim::CardSaved | Claim::CardDeclined | Claim::Hold { saves_card: true, .. } => Claim::CardSaved,
            Claim::Paid | Claim::Hold { saves_card: false, .. } => return Ok(()),
        };
        let mut others = self.clone();
        others.bookings.remove(&moved.id);
        match others.bookings.values().any(|other| other.shares_session_with(old)) {
            true => others.check_claims(&ClientBooking::of(moved, claim, now), limits, now),
            false => Ok(()),
        }
    }

    /// Checks the number of holds, and of free or unpaid appointments, if another one is added.
    fn check_claims(
        &self,
        new: &ClientBooking,
        limits: &BookingLimits,
        now: Timestamp,
    ) -> Result<(), LimitReached> {
        let counted = Counted::of(new.claim).iter();
        counted.copied().try_for_each(|counted| self.check_count(counted, new, limits, now))
    }

    fn check_count(
        &self,
        counted: Counted,
        new: &ClientBooking,
        limits: &BookingLimits,
        now: Timestamp,
    ) -> Result<(), LimitReached> {
        // When each claim of the same kind ends. Seats of one group session are one claim.
        let mut claims: Vec<(&ClientBooking, Timestamp)> = Vec::new();
        for booking in self.bookings.values().filter(|booking| !booking.shares_session_with(new)) {
            let Some(ends_at) = counted.until(booking) else { continue };
            match claims.iter_mut().find(|(claim, _)| claim.shares_session_with(booking)) {
                Some((_, end)) => *end = ends_at.max(*end),
                None => claims.push((booking, ends_at)),
            }
        }
        let (with_expert, in_all) = match counted {
            Counted::OpenHolds => (limits.open_holds_per_expert, limits.open_holds),
            Counted::UnpaidAppointments => {
                (limits.unpaid_appointments_per_expert, limits.unpaid_appointments)
            }
            Counted::FreeAppointments => (limits.free_appointments_per_expert, limits.free_appointments),
        };
        for (limit, with_expert) in [(with_expert, true), (in_all, false)] {
            let others = claims.iter().filter(|(claim, _)| !with_expert || claim.expert == new.expert);
            let mut ends: Vec<Timestamp> = others.map(|(_, end)| *end).filter(|end| now < *end).collect();
            ends.sort_unstable();
            let Some(too_many) = ends.len().checked_sub(limit.into()) else { continue };
            let again_at = ends.get(too_many).copied().unwrap_or(Timestamp::MAX);
            return Err(match counted {
                Counted::OpenHolds => LimitReached::OpenHolds { limit, with_expert, again_at },
                Counted::UnpaidAppointments => {
                    LimitReached::UnpaidAppointments { limit, with_expert, again_at }
                }
                Counted::FreeAppointments => LimitReached::FreeAppointments { limit, with_expert, again_at },
            });
        }
        Ok(())
    }

    /// Checks whether the client may book another session with a price.
    fn check_priced(
        &self,
        expert: ExpertId,
        limits: &BookingLimits,
        now: Timestamp,
    ) -> Result<(), LimitReached> {
        for (limit, with_expert) in
            [(limits.priced_bookings_per_expert, true), (limits.priced_bookings, false)]
        {
            let counted = self.priced.iter().filter(|(with, _)| !with_expert || **with == expert);
            let until = counted.flat_map(|(_, booked)| booked.iter().map(|at| at.plus(PRICED_COUNTS)));
            let mut until: Vec<Timestamp> = until.filter(|end| now < *end).collect();
            until.sort_unstable();
            let Some(too_many) = until.len().checked_sub(limit.into()) else { continue };
            let again_at = until.get(too_many).copied().unwrap_or(Timestamp::MAX);
            return Err(LimitReached::PricedBookings { limit, with_expert, again_at });
        }
        Ok(())
    }

    /// Whether the client may add a booking whatever has become of the holds and saved cards, so that nothing must be looked up. A
    /// hold may still be open, and it may have been cancelled. A saved card may have been declined.
    pub fn allows(&self, new: &ClientBooking, limits: &BookingLimits, now: Timestamp) -> bool {
        let is_hold = matches!(new.claim, Claim::Hold { .. });
        let saves_card = |claim| Counted::of(claim).contains(&Counted::UnpaidAppointments);
        self.check(new, limits, now).is_ok()
            && (!is_hold || self.pause(limits, now, Timestamp::MAX).is_none())
            && (!saves_card(new.claim) || !self.bookings.values().any(|booking| saves_card(booking.claim)))
    }

    /// The number of unpaid holds that cause a pause, and when it ends; `None` if there is no pause at `now`. Holds that end by `until`
    /// count as unpaid.
    fn pause(&self, limits: &BookingLimits, now: Timestamp, until: Timestamp) -> Option<(usize, Timestamp)> {
        let ended = self.bookings.values().filter_map(|booking| match booking.claim {
            Claim::Hold { expires_at, .. } => {
                Some(expires_at).filter(|end| *end <= until).map(|end| end.min(now))
            }
            Claim::CardSaved | Claim::CardDeclined | Claim::Paid | Claim::Free => None,
        });
        let counts = |at: &Timestamp| now < at.plus(UNPAID_COUNTS);
        let mut unpaid: Vec<Timestamp> = self.unpaid.iter().copied().chain(ended).filter(counts).collect();
        unpaid.sort_unstable();
        let last = *unpaid.last()?;
        // The pause ends earlier if enough of the oldest ones no longer count.
        let ends = (0..=unpaid.len()).map(|forgotten| {
            let pause = match (unpaid.len() - forgotten).checked_sub(usize::from(limits.unpaid_holds) + 1) {
                Some(doublings) => (FIRST_PAUSE << doublings.min(MAX_UNPAID)).min(UNPAID_COUNTS),
                None => 0,
            };
            let oldest = forgotten.checked_sub(1).and_then(|place| unpaid.get(place));
            last.plus(pause).max(oldest.map_or(now, |oldest| oldest.plus(UNPAID_COUNTS)))
        });
        ends.min().filter(|end| now < *end).map(|end| (unpaid.len(), end))
    }

    /// The client's seats of a group session that are not paid, as far as the row knows, by their appointments. Seats whose hold has
    /// ended do not count.
    ///
    /// All seats of a client in one group session are one appointment for the other limits, so this number has a limit of its own.
    pub fn unpaid_seats(&self, group: &GroupSession, now: Timestamp) -> BTreeMap<AppointmentId, u16> {
        let is_unpaid =
            |id: &AppointmentId| self.bookings.get(id).is_some_and(|booking| booking.claim != Claim::Paid);
        let held = group.seats.iter().filter(|(_, seats)| seats.hold_expires_at.is_none_or(|end| now < end));
        held.filter(|(id, _)| is_unpaid(id)).map(|(id, seats)| (*id, seats.count)).collect()
    }

    /// Adds a booking.
    pub fn add(&mut self, id: AppointmentId, booking: ClientBooking, now: Timestamp) {
        self.forget(now);
        self.version += 1;
        self.booked = self.booked.saturating_add(1);
        if matches!(booking.claim, Claim::Hold { .. }) {
            self.priced.entry(booking.expert).or_default().push(now);
        }
        self.bookings.insert(id, booking);
        self.unpaid.sort_unstable();
        self.unpaid.drain(..self.unpaid.len().saturating_sub(MAX_UNPAID));
    }

    /// Notes that an appointment has moved to another time. `payment` is the progress of its payment; `None` if it has none.
    pub fn relocate(&mut self, moved: &Appointment, payment: Option<PaymentProgress>, now: Timestamp) {
        self.forget(now);
        self.version += 1;
        let claim = Claim::of_moved(moved, payment);
        self.bookings.insert(moved.id, ClientBooking::of(moved, claim, now));
    }

    /// Adds a proposal of the client. Each holds time of an expert, whatever becomes of it.
    ///
    /// # Errors
    /// [`LimitReached::Proposals`] if they are too many.
    pub fn add_proposal(&mut self, limits: &BookingLimits, now: Timestamp) -> Result<(), LimitReached> {
        self.forget(now);
        let limit = limits.proposals;
        if let Some(too_many) = self.proposed.len().checked_sub(limit.into()) {
            self.proposed.sort_unstable();
            let oldest = self.proposed.get(too_many).copied().unwrap_or(now);
            return Err(LimitReached::Proposals { limit, again_at: oldest.plus(PROPOSAL_COUNTS) });
        }
        self.version += 1;
        self.proposed.push(now);
        Ok(())
    }
}

/// The start of the UTC day.
fn midnight(now: Timestamp) -> Timestamp {
    now.plus(-now.seconds().rem_euclid(DAY))
}

/// The start of the next UTC day.
fn next_midnight(now: Timestamp) -> Timestamp {
    midnight(now).plus(DAY)
}

#[cfg(test)]
mod tests;
