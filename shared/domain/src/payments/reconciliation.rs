//! Compares the gateway's books with the ledger.
//!
//! Each line of the books about the platform's money must have its movements in the ledger, and each movement of the
//! platform's money must have its lines in the books. Both are grouped by the gateway's object and the currency, and
//! only the sums are compared. The number and the order of lines and movements therefore do not matter.

use std::collections::{BTreeMap, BTreeSet};

use crate::kernel::time::{DAY, HOUR};
use crate::payments::gateway::GatewayKind;
use crate::payments::ledger::{Account, Movement};
use crate::{AppointmentId, TimeSpan, Timestamp};

/// A line of the gateway's books about the platform's money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookLine {
    /// The id of the line.
    pub id: String,
    /// The object that the line is about, as in [`Movement::object`].
    pub object: String,
    /// The gateway's name for the kind of the line.
    pub kind: String,
    /// The gross change of the platform's balance, in minor units; negative if the balance decreases.
    pub amount: i64,
    /// The gateway's fee, in minor units; positive if it was charged, negative if it was returned.
    pub fee: i64,
    /// The ISO 4217 code in capitals.
    pub currency: String,
    /// When the line was created.
    pub at: Timestamp,
    /// The appointment, if the gateway reports it.
    pub appointment: Option<AppointmentId>,
}

/// The age, in seconds, below which movements are not compared, because the ledger may not contain them yet.
pub const MIN_MOVEMENT_AGE: i64 = HOUR;
/// The maximum difference, in seconds, between the times that both sides report for a movement.
pub const MAX_CLOCK_SKEW: i64 = 600;
/// The margin, in seconds, that is read on both sides of a window, so that the edges can be moved to a time without
/// movements.
pub const WINDOW_MARGIN: i64 = HOUR;
/// The maximum length of a window, in seconds. It limits the duration of a run.
const MAX_WINDOW: i64 = DAY;

/// Returns the window that the next run compares: from the end of the last window until an hour ago, but at most one
/// day. If `compared_until` is `None`, the window starts 25 hours before `now`, one day before its end.
pub fn next_window(compared_until: Option<Timestamp>, now: Timestamp) -> TimeSpan {
    let until = now.plus(-MIN_MOVEMENT_AGE);
    let from = compared_until.unwrap_or_else(|| until.plus(-MAX_WINDOW));
    TimeSpan::new(from, until.min(from.plus(MAX_WINDOW)))
}

/// Kinds of lines that do not belong to any client's payment, and why the ledger does not contain them.
///
/// Stripe's kinds: <https://docs.stripe.com/reports/balance-transaction-types>.
const EXCLUDED_KINDS: &[(GatewayKind, &[&str], &str)] = &[
    (
        GatewayKind::Stripe,
        &[
            "payout",
            "payout_cancel",
            "payout_failure",
            "payout_minimum_balance_hold",
            "payout_minimum_balance_release",
        ],
        "a transfer of the platform's own money to its own bank",
    ),
    (
        GatewayKind::Stripe,
        &["topup", "topup_reversal"],
        "a transfer of the platform's own money from its own bank",
    ),
    (
        GatewayKind::Stripe,
        &["stripe_fee", "stripe_fx_fee", "tax_fee"],
        "a fee of the gateway that belongs to no single payment",
    ),
    (
        GatewayKind::Stripe,
        &[
            "reserve_transaction",
            "reserved_funds",
            "reserve_hold",
            "reserve_release",
            "payment_network_reserve_hold",
            "payment_network_reserve_release",
        ],
        "a temporary reserve of the gateway; the money stays the platform's",
    ),
    (
        GatewayKind::Stripe,
        &["contribution", "climate_order_purchase", "climate_order_refund"],
        "a contribution that the platform chose to make",
    ),
    (
        GatewayKind::Stripe,
        &["advance", "advance_funding", "anticipation_repayment"],
        "a loan from the gateway to the platform",
    ),
    (
        GatewayKind::Stripe,
        &[
            "issuing_authorization_hold",
            "issuing_authorization_release",
            "issuing_dispute",
            "issuing_transaction",
        ],
        "a payment with a card of the platform itself",
    ),
];

/// Returns why a line of this kind does not belong to any client's payment, or `None` if it may belong to one.
pub fn exclusion_reason(gateway: GatewayKind, kind: &str) -> Option<&'static str> {
    let matches =
        |(owner, kinds, _): &&(GatewayKind, &[&str], &str)| *owner == gateway && kinds.contains(&kind);
    EXCLUDED_KINDS.iter().find(matches).map(|(_, _, reason)| *reason)
}

/// A movement of the ledger with its appointment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerMovement {
    /// The movement.
    pub movement: Movement,
    /// The appointment whose payment the movement belongs to.
    pub appointment: Option<AppointmentId>,
}

/// The sums of all movements of an object, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// The change of the platform's balance before the gateway's fee; negative if money left the platform.
    pub amount: i64,
    /// The gateway's fee; positive if it was charged, negative if it was returned.
    pub fee: i64,
}

impl Sums {
    /// Returns the effect of a movement, or `None` if it does not affect the platform's balance at the gateway.
    fn of(movement: &Movement) -> Option<Self> {
        if !movement.kind.is_at_gateway() {
            return None;
        }
        let amount = i64::try_from(movement.amount.amount()).unwrap_or(i64::MAX);
        match (movement.from, movement.to) {
            (Account::Platform, Account::Gateway) => Some(Self { amount: 0, fee: amount }),
            (Account::Gateway, Account::Platform) => Some(Self { amount: 0, fee: -amount }),
            (Account::Platform, _) => Some(Self { amount: -amount, fee: 0 }),
            (_, Account::Platform) => Some(Self { amount, fee: 0 }),
            _ => None,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self { amount: self.amount.saturating_add(other.amount), fee: self.fee.saturating_add(other.fee) }
    }
}

/// An object and currency for which the ledger and the books differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discrepancy {
    /// The gateway's object.
    pub object: String,
    /// The ISO 4217 code in capitals.
    pub currency: String,
    /// The sums in the ledger; `None` if it has no movement.
    pub ledger: Option<Sums>,
    /// The sums in the gateway's books; `None` if they have no line.
    pub books: Option<Sums>,
    /// The appointment, if either side reports it.
    pub appointment: Option<AppointmentId>,
    /// The first and the last time at which either side reports a movement.
    pub moved: (Timestamp, Timestamp),
}

/// What both sides report about an object.
#[derive(Debug, Clone, Default)]
struct ObjectHistory {
    /// The movements in the ledger, with their times.
    ledger: Vec<(Timestamp, Sums)>,
    /// The lines in the books, with their times.
    books: Vec<(Timestamp, Sums)>,
    appointment: Option<AppointmentId>,
}

impl ObjectHistory {
    /// Moves each edge of the window later, by at most [`WINDOW_MARGIN`], to a time with no movement within
    /// [`MAX_CLOCK_SKEW`], so that the two sides of a movement are never on different sides of an edge. The shared edge of
    /// two adjacent windows moves to the same time.
    fn edges_without_movements(&self, window: TimeSpan) -> TimeSpan {
        let times: BTreeSet<Timestamp> = self.ledger.iter().chain(&self.books).map(|(at, _)| *at).collect();
        let quiet = |edge: Timestamp| {
            let (mut quiet, latest) = (edge, edge.plus(WINDOW_MARGIN));
            while quiet < latest {
                let near = quiet.plus(-MAX_CLOCK_SKEW)..quiet.plus(MAX_CLOCK_SKEW + 1).min(latest);
                let Some(near) = times.range(near).next_back() else { break };
                quiet = near.plus(MAX_CLOCK_SKEW + 1).min(latest);
            }
            quiet
        };
        TimeSpan::new(quiet(window.start()), quiet(window.end()))
    }
}

/// Compares the books with the ledger and returns the differences of movements within a window.
///
/// Both inputs must include [`WINDOW_MARGIN`] before and after the window, because the two sides can report a movement on
/// different sides of the window's edge. If an object has a movement within [`MAX_CLOCK_SKEW`] of an edge, the edge moves past
/// it for that object. A line that occurs twice counts once. A movement that occurs twice in the ledger counts twice,
/// which is a difference.
pub fn compare(lines: &[BookLine], ledger: &[LedgerMovement], window: TimeSpan) -> Vec<Discrepancy> {
    let around = window.expanded(WINDOW_MARGIN, WINDOW_MARGIN);
    let named: BTreeSet<&str> = ledger.iter().map(|one| one.movement.object.as_str()).collect();
    let mut objects: BTreeMap<(&str, &str), ObjectHistory> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for line in lines.iter().filter(|line| around.contains(line.at)) {
        if !seen.insert(line.id.as_str()) {
            continue;
        }
        // If several lines about one object could not be told apart as movements, the ledger names all but the first by
        // the id of the line instead of the object.
        let object = if named.contains(line.id.as_str()) { &line.id } else { &line.object };
        let history = objects.entry((object, &line.currency)).or_default();
        history.books.push((line.at, Sums { amount: line.amount, fee: line.fee }));
        history.appointment = history.appointment.or(line.appointment);
    }
    for LedgerMovement { movement, appointment } in
        ledger.iter().filter(|one| around.contains(one.movement.at))
    {
        let Some(sums) = Sums::of(movement) else { continue };
        let history = objects.entry((&movement.object, movement.amount.currency().code())).or_default();
        history.ledger.push((movement.at, sums));
        history.appointment = history.appointment.or(*appointment);
    }
    let discrepancy = |((object, currency), history): ((&str, &str), ObjectHistory)| {
        let window = history.edges_without_movements(window);
        let inside = |side: &[(Timestamp, Sums)]| {
            let inside = side.iter().filter(|(at, _)| window.contains(*at));
            inside.map(|(_, sums)| *sums).reduce(Sums::plus)
        };
        let (ledger, books) = (inside(&history.ledger), inside(&history.books));
        if ledger.unwrap_or_default() == books.unwrap_or_default() {
            return None;
        }
        let times =
            history.ledger.iter().chain(&history.books).map(|(at, _)| *at).filter(|at| window.contains(*at));
        let (first, last) = times.fold(None, |moved, at| {
            let (first, last) = moved.unwrap_or((at, at));
            Some((first.min(at), last.max(at)))
        })?;
        Some(Discrepancy {
            object: object.to_owned(),
            currency: currency.to_owned(),
            ledger,
            books,
            appointment: history.appointment,
            moved: (first, last),
        })
    };
    objects.into_iter().filter_map(discrepancy).collect()
}

/// How the ledger and the books differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DifferenceKind {
    /// The gateway has a movement that the ledger does not have.
    MissingInLedger,
    /// The ledger has a movement that the gateway does not have.
    MissingAtGateway,
    /// The amounts differ.
    AmountDiffers,
    /// The gateway's fees differ.
    FeeDiffers,
}

impl DifferenceKind {
    fn of(ledger: Option<Sums>, books: Option<Sums>) -> Self {
        match (ledger, books) {
            (None, _) => Self::MissingInLedger,
            (_, None) => Self::MissingAtGateway,
            (Some(ledger), Some(books)) if ledger.amount != books.amount => Self::AmountDiffers,
            _ => Self::FeeDiffers,
        }
    }
}

impl Discrepancy {
    /// Returns how the two sides differ.
    pub fn kind(&self) -> DifferenceKind {
        DifferenceKind::of(self.ledger, self.books)
    }
}

/// A stored difference between the ledger and a gateway's books, from its first detection until both sides agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The gateway.
    pub gateway: GatewayKind,
    /// The gateway's object.
    pub object: String,
    /// The ISO 4217 code in capitals.
    pub currency: String,
    /// The version, incremented with each change.
    pub version: u64,
    /// The sums in the ledger; `None` if it has no movement.
    pub ledger: Option<Sums>,
    /// The sums in the gateway's books; `None` if they have no line.
    pub books: Option<Sums>,
    /// The appointment, if it is known.
    pub appointment: Option<AppointmentId>,
    /// The time of the first movement.
    pub first_moved_at: Timestamp,
    /// The time of the last movement.
    pub last_moved_at: Timestamp,
    /// When the difference was first detected.
    pub first_seen_at: Timestamp,
    /// When the difference was last detected.
    pub last_seen_at: Timestamp,
    /// When both sides were found to agree again.
    pub resolved_at: Option<Timestamp>,
    /// Whether the difference is confirmed. If the payment job can still add the missing movement to the ledger, the
    /// difference is confirmed only when it is detected a second time.
    pub confirmed: bool,
}

impl Difference {
    /// Creates a difference that was detected for the first time. If `recoverable` is true, the payment job may still
    /// add the movement to the ledger.
    pub fn new(gateway: GatewayKind, discrepancy: Discrepancy, recoverable: bool, now: Timestamp) -> Self {
        let Discrepancy { object, currency, ledger, books, appointment, moved } = discrepancy;
        Self {
            gateway,
            object,
            currency,
            version: 1,
            ledger,
            books,
            appointment,
            first_moved_at: moved.0,
            last_moved_at: moved.1,
            first_seen_at: now,
            last_seen_at: now,
            resolved_at: None,
            confirmed: !recoverable,
        }
    }

    /// Updates the difference after it was detected again, which confirms it.
    #[must_use]
    pub fn observed_again(&self, discrepancy: Discrepancy, now: Timestamp) -> Self {
        let Discrepancy { object, currency, ledger, books, appointment, moved } = discrepancy;
        Self {
            gateway: self.gateway,
            object,
            currency,
            version: self.version + 1,
            ledger,
            books,
            appointment: appointment.or(self.appointment),
            first_moved_at: self.first_moved_at.min(moved.0),
            last_moved_at: self.last_moved_at.max(moved.1),
            first_seen_at: self.first_seen_at,
            last_seen_at: now,
            resolved_at: None,
            confirmed: true,
        }
    }

    /// Marks the difference as resolved, because both sides agree.
    #[must_use]
    pub fn resolved(&self, now: Timestamp) -> Self {
        Self { version: self.version + 1, resolved_at: Some(now), ..self.clone() }
    }

    /// Returns how the two sides differ.
    pub fn kind(&self) -> DifferenceKind {
        DifferenceKind::of(self.ledger, self.books)
    }

    /// Returns the whole hours that contain all movements of the difference, with a margin of [`WINDOW_MARGIN`] before
    /// them, because [`compare`] may move the start later. This is the window for the next comparison.
    pub fn recheck_window(&self) -> TimeSpan {
        let floor = |at: Timestamp| Timestamp::from_seconds(at.seconds().div_euclid(HOUR) * HOUR);
        TimeSpan::new(floor(self.first_moved_at).plus(-WINDOW_MARGIN), floor(self.last_moved_at).plus(HOUR))
    }
}

#[cfg(test)]
mod tests;
