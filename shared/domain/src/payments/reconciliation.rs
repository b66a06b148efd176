//! The gateway's books against the ledger.
//!
//! Every line of the books about the platform's money must have its movements in the ledger, and every movement of the
//! platform's money its line. The two are matched by the gateway's object and the currency, and by the sums that moved there,
//! so it does not matter in how many lines or movements, or in which order, either side tells it.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::time::{DAY, HOUR};
use crate::payments::gateway::GatewayKind;
use crate::payments::ledger::{Account, Movement, MovementKind};
use crate::{AppointmentId, TimeSpan, Timestamp};

/// A line of the gateway's books about the platform's money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookLine {
    /// Its own id.
    pub id: String,
    /// The object that it is about, as in [`Movement::object`].
    pub object: String,
    /// The gateway's word for what it is.
    pub kind: String,
    /// What it did to the platform's balance, before the gateway's own fee, in minor units.
    pub amount: i64,
    /// The gateway's own fee.
    pub fee: i64,
    /// ISO 4217 code in capitals.
    pub currency: String,
    /// When it was written.
    pub at: Timestamp,
    /// The appointment, where the gateway can tell.
    pub appointment: Option<AppointmentId>,
}

/// What moved less than this ago may still be on its way into the ledger, in seconds.
pub const GRACE: i64 = HOUR;
/// By so much the two sides may differ about when something moved, in seconds.
pub const SKEW: i64 = 600;
/// So much more than a window is looked at on either side, in seconds, because its edges lie where nothing happens.
pub const SLACK: i64 = HOUR;
/// Most of the books that one run compares, in seconds, so that a run ends.
const LONGEST_WINDOW: i64 = DAY;

/// The part of the books that the next run compares: what follows the part that was compared last, up to an hour ago, at most
/// a day. The first run begins a day before that.
pub fn next_window(compared_until: Option<Timestamp>, now: Timestamp) -> TimeSpan {
    let until = now.plus(-GRACE);
    let from = compared_until.unwrap_or_else(|| until.plus(-LONGEST_WINDOW));
    TimeSpan::new(from, until.min(from.plus(LONGEST_WINDOW)))
}

/// Lines that are about no client's payment, by the gateway's word for them, and why the ledger knows nothing of them.
///
/// Stripe's words: <https://docs.stripe.com/reports/balance-transaction-types>.
const NOT_OURS: &[(GatewayKind, &[&str], &str)] = &[
    (
        GatewayKind::Stripe,
        &[
            "payout",
            "payout_cancel",
            "payout_failure",
            "payout_minimum_balance_hold",
            "payout_minimum_balance_release",
        ],
        "the platform's own money on its way to the platform's own bank",
    ),
    (GatewayKind::Stripe, &["topup", "topup_reversal"], "the platform's own money from its own bank"),
    (
        GatewayKind::Stripe,
        &["stripe_fee", "stripe_fx_fee", "tax_fee"],
        "the gateway's bill to the platform for no payment in particular",
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
        "set aside by the gateway and let go again; it stays the platform's",
    ),
    (
        GatewayKind::Stripe,
        &["contribution", "climate_order_purchase", "climate_order_refund"],
        "what the platform gives away by itself",
    ),
    (
        GatewayKind::Stripe,
        &["advance", "advance_funding", "anticipation_repayment"],
        "a loan of the gateway to the platform",
    ),
    (
        GatewayKind::Stripe,
        &[
            "issuing_authorization_hold",
            "issuing_authorization_release",
            "issuing_dispute",
            "issuing_transaction",
        ],
        "cards that the platform itself pays with",
    ),
];

/// Why a line of this kind is about no client's payment; none when it is, as far as its kind tells.
pub fn not_ours(gateway: GatewayKind, kind: &str) -> Option<&'static str> {
    let of = |(whose, kinds, _): &&(GatewayKind, &[&str], &str)| *whose == gateway && kinds.contains(&kind);
    NOT_OURS.iter().find(of).map(|(_, _, reason)| *reason)
}

/// A movement of the ledger and the payment that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    /// What moved.
    pub movement: Movement,
    /// Of which payment.
    pub appointment: Option<AppointmentId>,
}

/// What moved at an object, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sums {
    /// What it did to the platform's balance, before the gateway's own fee; below zero what went out.
    pub amount: i64,
    /// The gateway's own fee.
    pub fee: i64,
}

impl Sums {
    /// What a movement does; none when it does not touch the platform's money at the gateway.
    fn of(movement: &Movement) -> Option<Self> {
        // A person settled it outside the gateway, whose books therefore know nothing of it.
        if movement.kind == MovementKind::ResolvedManually {
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

/// An object and a currency in which the two sides do not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discrepancy {
    /// The gateway's object.
    pub object: String,
    /// ISO 4217 code in capitals.
    pub currency: String,
    /// What the ledger says; none when it says nothing.
    pub expected: Option<Sums>,
    /// What the gateway's books say; none when they say nothing.
    pub found: Option<Sums>,
    /// Of which payment, where either side tells.
    pub appointment: Option<AppointmentId>,
    /// From the first to the last moment at which either side says that something moved there.
    pub moved: (Timestamp, Timestamp),
}

/// What both say of an object.
#[derive(Debug, Clone, Default)]
struct Both {
    /// What the ledger says, and when.
    ledger: Vec<(Timestamp, Sums)>,
    /// What the books say, and when.
    books: Vec<(Timestamp, Sums)>,
    appointment: Option<AppointmentId>,
}

impl Both {
    /// The window with both edges where nothing happens, so that no event has its two sides on different sides of an edge. Two
    /// windows that have an edge in common still do.
    fn quiet(&self, window: TimeSpan) -> TimeSpan {
        let times: BTreeSet<Timestamp> = self.ledger.iter().chain(&self.books).map(|(at, _)| *at).collect();
        let quiet = |edge: Timestamp| {
            let (mut quiet, latest) = (edge, edge.plus(SLACK));
            while quiet < latest {
                let near = quiet.plus(-SKEW)..quiet.plus(SKEW + 1).min(latest);
                let Some(near) = times.range(near).next_back() else { break };
                quiet = near.plus(SKEW + 1).min(latest);
            }
            quiet
        };
        TimeSpan::new(quiet(window.start()), quiet(window.end()))
    }
}

/// What the books and the ledger say differently about what moved within a window.
///
/// Both sides are given with [`SLACK`] more than the window holds, because they may put one event on different sides of the window's
/// edge: where something happened within [`SKEW`] of an edge, the edge lies behind it for that object. A line that is given twice
/// counts once. A movement that stands twice in the ledger counts twice, which is a difference.
pub fn compare(lines: &[BookLine], booked: &[Booked], window: TimeSpan) -> Vec<Discrepancy> {
    let around = window.widened(SLACK, SLACK);
    let named: BTreeSet<&str> = booked.iter().map(|one| one.movement.object.as_str()).collect();
    let mut objects: BTreeMap<(&str, &str), Both> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for line in lines.iter().filter(|line| around.contains(line.at)) {
        if !seen.insert(line.id.as_str()) {
            continue;
        }
        // Of several lines about one object that would be one movement, the ledger names the later ones by themselves.
        let object = if named.contains(line.id.as_str()) { &line.id } else { &line.object };
        let both = objects.entry((object, &line.currency)).or_default();
        both.books.push((line.at, Sums { amount: line.amount, fee: line.fee }));
        both.appointment = both.appointment.or(line.appointment);
    }
    for Booked { movement, appointment } in booked.iter().filter(|one| around.contains(one.movement.at)) {
        let Some(sums) = Sums::of(movement) else { continue };
        let both = objects.entry((&movement.object, movement.amount.currency().code())).or_default();
        both.ledger.push((movement.at, sums));
        both.appointment = both.appointment.or(*appointment);
    }
    let discrepancy = |((object, currency), both): ((&str, &str), Both)| {
        let window = both.quiet(window);
        let inside = |side: &[(Timestamp, Sums)]| {
            let inside = side.iter().filter(|(at, _)| window.contains(*at));
            inside.map(|(_, sums)| *sums).reduce(Sums::plus)
        };
        let (expected, found) = (inside(&both.ledger), inside(&both.books));
        if expected.unwrap_or_default() == found.unwrap_or_default() {
            return None;
        }
        let times =
            both.ledger.iter().chain(&both.books).map(|(at, _)| *at).filter(|at| window.contains(*at));
        let (first, last) = times.fold(None, |moved, at| {
            let (first, last) = moved.unwrap_or((at, at));
            Some((first.min(at), last.max(at)))
        })?;
        Some(Discrepancy {
            object: object.to_owned(),
            currency: currency.to_owned(),
            expected,
            found,
            appointment: both.appointment,
            moved: (first, last),
        })
    };
    objects.into_iter().filter_map(discrepancy).collect()
}

/// In what way the two sides differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// The gateway moved money of which the ledger knows nothing.
    MissingInLedger,
    /// The ledger says that money moved of which the gateway knows nothing.
    MissingAtGateway,
    /// Another amount moved.
    OtherAmount,
    /// The gateway took another fee.
    OtherFee,
}

impl DifferenceKind {
    fn of(expected: Option<Sums>, found: Option<Sums>) -> Self {
        match (expected, found) {
            (None, _) => Self::MissingInLedger,
            (_, None) => Self::MissingAtGateway,
            (Some(expected), Some(found)) if expected.amount != found.amount => Self::OtherAmount,
            _ => Self::OtherFee,
        }
    }
}

impl Discrepancy {
    /// In what way the two sides differ.
    pub fn kind(&self) -> DifferenceKind {
        DifferenceKind::of(self.expected, self.found)
    }
}

/// A difference between the ledger and a gateway's books, from when it was first seen until the two agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// AppointmentsOf books.
    pub gateway: GatewayKind,
    /// The gateway's object.
    pub object: String,
    /// ISO 4217 code in capitals.
    pub currency: String,
    /// Grows by one with each change.
    pub version: u64,
    /// What the ledger says; none when it says nothing.
    pub expected: Option<Sums>,
    /// What the gateway's books say; none when they say nothing.
    pub found: Option<Sums>,
    /// Of which payment, where that is known.
    pub appointment: Option<AppointmentId>,
    /// The first moment at which something moved there.
    pub first_moved_at: Timestamp,
    /// The last one.
    pub last_moved_at: Timestamp,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// When it was last seen.
    pub last_seen_at: Timestamp,
    /// Since when the two agree again.
    pub resolved_at: Option<Timestamp>,
    /// Whether it counts: what the ledger can still learn by looking at the payment does so only when it is seen again.
    pub counts: bool,
}

impl Difference {
    /// One that is seen for the first time. `mendable` says whether the ledger may yet learn of it.
    pub fn new(gateway: GatewayKind, seen: Discrepancy, mendable: bool, now: Timestamp) -> Self {
        let Discrepancy { object, currency, expected, found, appointment, moved } = seen;
        Self {
            gateway,
            object,
            currency,
            version: 1,
            expected,
            found,
            appointment,
            first_moved_at: moved.0,
            last_moved_at: moved.1,
            first_seen_at: now,
            last_seen_at: now,
            resolved_at: None,
            counts: !mendable,
        }
    }

    /// The same, seen again. Now it counts.
    #[must_use]
    pub fn seen_again(&self, seen: Discrepancy, now: Timestamp) -> Self {
        let Discrepancy { object, currency, expected, found, appointment, moved } = seen;
        Self {
            gateway: self.gateway,
            object,
            currency,
            version: self.version + 1,
            expected,
            found,
            appointment: appointment.or(self.appointment),
            first_moved_at: self.first_moved_at.min(moved.0),
            last_moved_at: self.last_moved_at.max(moved.1),
            first_seen_at: self.first_seen_at,
            last_seen_at: now,
            resolved_at: None,
            counts: true,
        }
    }

    /// The same, now that the two sides agree.
    #[must_use]
    pub fn resolved(&self, now: Timestamp) -> Self {
        Self { version: self.version + 1, resolved_at: Some(now), ..self.clone() }
    }

    /// In what way the two sides differ.
    pub fn kind(&self) -> DifferenceKind {
        DifferenceKind::of(self.expected, self.found)
    }

    /// The whole hours that hold everything that moved there, wherever [`compare`] finds a quiet moment for their edges: what is
    /// compared when it is looked at again.
    pub fn hours(&self) -> TimeSpan {
        let floor = |at: Timestamp| Timestamp::from_seconds(at.seconds().div_euclid(HOUR) * HOUR);
        TimeSpan::new(floor(self.first_moved_at).plus(-SLACK), floor(self.last_moved_at).plus(HOUR))
    }
}

#[cfg(test)]
mod tests;
