//! A model of Stripe with destination charges, at the level of the ports in `app::payments::ports`, and its own books.
//!
//! A charge pays the platform, which passes all of it on and takes its fee back out of it. What goes back to the client takes
//! the expert's part along only when it is told to; then the fee comes back in proportion to everything that was reversed so
//! far. A refund that fails brings back the platform's money and nothing else, and so does a dispute that is won. Sources:
//! <https://docs.stripe.com/connect/destination-charges>, <https://docs.stripe.com/refunds#failed-refunds>,
//! <https://docs.stripe.com/disputes/connect>, <https://docs.stripe.com/api/idempotent_requests>.

use std::collections::{BTreeMap, BTreeSet};

use app::payments::ports::{BookLine, PaymentError, WebhookSubject};
use domain::kernel::time::{DAY, HOUR};
use domain::payments::ledger::{Account, Movement, MovementKind};
use domain::payments::payment::{Decline, IntentStatus, OrderKind, Plan};
use domain::{AppointmentId, ExpertId, Money, Timestamp};

use crate::core::Core;

mod orders;
mod outside;
mod port;

pub use outside::{
    Pays, decide_disputes, dispute_ends, opens_dispute, payout, pays, restrict, says_again,
    settle_processing, somebody_refunds,
};
pub use port::SimGateway;

/// Seconds for which a key is remembered.
const KEYS_KEPT: i64 = DAY;
/// How long an authorisation surely holds that a client gives, in seconds.
const AUTHORISATION_HOLDS: i64 = 6 * DAY;
/// How long one surely holds that is made with a saved card, in seconds.
const LATER_AUTHORISATION_HOLDS: i64 = 4 * DAY + 18 * HOUR;

/// An intent to pay, and what hangs on it.
#[derive(Debug, Clone)]
pub struct Intent {
    /// What it pays for.
    pub appointment: AppointmentId,
    /// AppointmentsOf account gets the money.
    account: String,
    plan: Plan,
    /// What was asked for.
    pub amount: Money,
    fee: Money,
    /// Where it stands.
    pub status: IntentStatus,
    decline: Option<Decline>,
    /// The key of the order that made it.
    key: String,
    /// Of the order that took what was set aside.
    capture_key: Option<String>,
    charge: Option<Charge>,
    /// Everything that moved, and whether it is found only by another request.
    movements: Vec<(Movement, bool)>,
}

/// What was taken of a client, in minor units.
#[derive(Debug, Clone)]
struct Charge {
    amount: u64,
    refunded: u64,
    fee: u64,
    fee_back: u64,
    reversed_with_fee: u64,
    /// The charge's own first.
    transfers: Vec<Transfer>,
    refunds: Vec<Refund>,
    disputes: Vec<(String, u64, Dispute)>,
}

#[derive(Debug, Clone)]
struct Transfer {
    key: Option<String>,
    left: u64,
    reversals: Vec<Option<String>>,
}

#[derive(Debug, Clone)]
struct Refund {
    object: String,
    key: Option<String>,
    amount: u64,
    failed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dispute {
    Open,
    Won,
    Lost,
}

/// An intent by which a card is saved.
#[derive(Debug, Clone)]
pub struct Setup {
    /// For which appointment.
    pub appointment: AppointmentId,
    /// Where it stands.
    pub status: IntentStatus,
    decline: Option<Decline>,
}

/// An expert's account.
#[derive(Debug, Clone)]
pub struct SimAccount {
    /// AppointmentsOf.
    pub expert: ExpertId,
    /// Whether it can be paid.
    pub charges_enabled: bool,
    /// What went to its owner's bank, and came back.
    pub payouts: Vec<Movement>,
    /// What lies there, in minor units.
    pub balance: i64,
}

/// What an order came to, by its key.
#[derive(Debug, Clone)]
struct Stored {
    at: Timestamp,
    asked: String,
    answer: Result<String, PaymentError>,
}

/// Everything that the gateway knows.
#[derive(Debug, Default)]
pub struct Books {
    /// By name.
    pub intents: BTreeMap<String, Intent>,
    /// By name.
    pub setups: BTreeMap<String, Setup>,
    /// By id.
    pub accounts: BTreeMap<String, SimAccount>,
    keys: BTreeMap<String, Stored>,
    lines: Vec<BookLine>,
    serial: u64,
    /// What it refuses of a payment for now.
    refuses: BTreeMap<AppointmentId, OrderKind>,
    /// Appointments whose payment was ever secure.
    pub secured: BTreeMap<AppointmentId, Timestamp>,
    /// What others than the platform took of a payment: disputes that are not won, refunds of the dashboard.
    pub taken_by_others: BTreeMap<AppointmentId, u64>,
    /// Payments that ever had a dispute or a refund that failed.
    pub troubled: BTreeMap<AppointmentId, ()>,
    /// Appointments whose saved card was not asked, because the expert's account could not be paid, and those of which nothing could
    /// be taken for a while, so that an administrator may have given it up.
    hindered: BTreeSet<AppointmentId>,
    messages: u64,
}

impl Books {
    fn object(&mut self, prefix: &str) -> String {
        self.serial += 1;
        format!("{prefix}_{}", self.serial)
    }

    /// AppointmentsOf account it is.
    pub fn owner(&self, account: &str) -> Option<ExpertId> {
        self.accounts.get(account).map(|account| account.expert)
    }

    /// Whether a bank refused an appointment's card, nobody ever gave one, or the expert could not be paid.
    pub fn was_refused(&self, appointment: AppointmentId) -> bool {
        let mut intents = self.intents.values().filter(|intent| intent.appointment == appointment);
        let mut setups = self.setups.values().filter(|setup| setup.appointment == appointment);
        intents.any(|intent| intent.decline.is_some())
            || setups.any(|setup| setup.decline.is_some())
            || !self.secured.contains_key(&appointment)
            || self.hindered.contains(&appointment)
    }

    /// Everything that moved for an appointment.
    pub fn movements(&self, appointment: AppointmentId) -> Vec<&Movement> {
        let of = self.intents.values().filter(|intent| intent.appointment == appointment);
        of.flat_map(|intent| intent.movements.iter().map(|(movement, _)| movement)).collect()
    }

    /// Whether a dispute of an appointment's payment is open.
    pub fn has_open_dispute(&self, appointment: AppointmentId) -> bool {
        let of = self.intents.values().filter(|intent| intent.appointment == appointment);
        of.filter_map(|intent| intent.charge.as_ref())
            .any(|charge| charge.disputes.iter().any(|(_, _, dispute)| *dispute == Dispute::Open))
    }

    /// Whether a bank decided for the client.
    pub fn has_lost_dispute(&self, appointment: AppointmentId) -> bool {
        let of = self.intents.values().filter(|intent| intent.appointment == appointment);
        of.filter_map(|intent| intent.charge.as_ref())
            .any(|charge| charge.disputes.iter().any(|(_, _, dispute)| *dispute == Dispute::Lost))
    }

    /// Stops refusing.
    pub fn refuse_nothing(&mut self) {
        self.refuses.clear();
    }

    fn refusal(&self, appointment: AppointmentId, order: OrderKind) -> Result<(), PaymentError> {
        match self.refuses.get(&appointment) {
            Some(refused) if *refused == order => refuse("refused_for_now", "for reasons of its own"),
            _ => Ok(()),
        }
    }
}

fn refuse<T>(code: &str, message: &str) -> Result<T, PaymentError> {
    Err(PaymentError::Refused { code: code.to_owned(), message: message.to_owned() })
}

/// `whole · part / of`, halves up.
fn part_of(whole: u64, part: u64, of: u64) -> u64 {
    if of == 0 { 0 } else { (2 * whole * part + of) / (2 * of) }
}

/// Notes that something moved, and writes the line of the books.
fn note(core: &mut Core, name: &str, movement: Movement, apart: bool) {
    if movement.amount.is_zero() {
        return;
    }
    let signed = i64::try_from(movement.amount.amount()).unwrap_or(i64::MAX);
    let line = match (movement.from, movement.to) {
        (Account::Platform, Account::Gateway) => Some((0, signed)),
        (Account::Platform, _) => Some((-signed, 0)),
        (_, Account::Platform) => Some((signed, 0)),
        _ => None,
    };
    let Books { intents, lines, accounts, .. } = &mut core.gateway;
    let Some(intent) = intents.get_mut(name) else { return };
    if let Some((amount, fee)) = line {
        lines.push(BookLine {
            id: format!("txn_{}", lines.len()),
            object: movement.object.clone(),
            kind: "payment".to_owned(),
            amount,
            fee,
            currency: movement.amount.currency().code().to_owned(),
            at: movement.at,
            appointment: Some(intent.appointment),
        });
    }
    if let Some(account) = accounts.get_mut(&intent.account) {
        account.balance += match (movement.from, movement.to) {
            (Account::Expert, _) => -signed,
            (_, Account::Expert) => signed,
            _ => 0,
        };
    }
    intent.movements.push((movement.clone(), apart));
    core.say(|| {
        format!("    moved: {:?} {} of {name} by {}", movement.kind, movement.amount, movement.object)
    });
}

fn moved(
    core: &mut Core,
    name: &str,
    kind: MovementKind,
    amount: u64,
    object: &str,
    key: Option<String>,
) -> Movement {
    let whole = core.gateway.intents[name].amount;
    let amount = whole.with_amount(amount).unwrap_or(whole);
    Movement::new(kind, amount, object, core.instant(), key)
}

fn write(core: &mut Core, name: &str, kind: MovementKind, amount: u64, object: &str, key: Option<String>) {
    let movement = moved(core, name, kind, amount, object, key);
    note(core, name, movement, false);
}

fn write_apart(
    core: &mut Core,
    name: &str,
    kind: MovementKind,
    amount: u64,
    object: &str,
    key: Option<String>,
) {
    let movement = moved(core, name, kind, amount, object, key);
    note(core, name, movement, true);
}

/// Sends a message about something, as the weather allows.
fn tell(core: &mut Core, subject: &WebhookSubject) {
    core.gateway.messages += 1;
    let number = core.gateway.messages;
    if core.chance.hits(core.weather.webhook_lost) {
        core.say(|| format!("message evt_{number} is never sent"));
        return;
    }
    let body = match subject {
        WebhookSubject::Payment { appointment } => format!("evt_{number}|payment|{appointment}"),
        WebhookSubject::Account { account } => format!("evt_{number}|account|{account}"),
        WebhookSubject::Payouts { account } => format!("evt_{number}|payouts|{account}"),
        WebhookSubject::Nothing => format!("evt_{number}|nothing|"),
    };
    let copies = if core.chance.hits(core.weather.duplicate) { 2 } else { 1 };
    for _ in 0..copies {
        let most = core.weather.message_delay;
        let delay = if most <= 1 { 1 } else { core.chance.between(1, most) };
        let body = body.clone();
        core.later(delay, move |core| outside::message(core, body, 0));
    }
}

fn tell_of(core: &mut Core, name: &str) {
    let appointment = core.gateway.intents[name].appointment;
    tell(core, &WebhookSubject::Payment { appointment });
}

impl Books {
    /// Opens an account that can be paid.
    pub fn enlist(&mut self, expert: ExpertId) -> String {
        let id = self.object("acct");
        self.accounts.insert(
            id.clone(),
            SimAccount { expert, charges_enabled: true, payouts: Vec::new(), balance: 0 },
        );
        id
    }

    /// From now on an order is refused for a payment.
    pub fn refuse(&mut self, appointment: AppointmentId, order: OrderKind) {
        self.refuses.insert(appointment, order);
        if order == OrderKind::Capture {
            self.hindered.insert(appointment);
        }
    }

    /// Whether a client can pay by an intent, or save a card by it.
    pub fn is_payable(&self, name: &str) -> bool {
        let intent = self.intents.get(name).map(|intent| intent.status);
        intent.or(self.setups.get(name).map(|setup| setup.status)) == Some(IntentStatus::Open)
    }

    /// Whether a saved card was asked, or a client, to pay for an appointment.
    pub fn was_asked(&self, appointment: AppointmentId) -> bool {
        self.intents.values().any(|intent| intent.appointment == appointment)
    }

    /// In which currency an appointment is paid.
    pub fn currency_of(&self, appointment: AppointmentId) -> Option<domain::Currency> {
        let mut of = self.intents.values().filter(|intent| intent.appointment == appointment);
        of.next().map(|intent| intent.amount.currency())
    }

    /// Whether money was taken for an appointment.
    pub fn was_charged(&self, appointment: AppointmentId) -> bool {
        self.intents.values().any(|intent| intent.appointment == appointment && intent.charge.is_some())
    }

    /// Names of intents whose money was taken.
    pub fn charged(&self) -> Vec<String> {
        self.intents
            .iter()
            .filter(|(_, intent)| intent.charge.is_some())
            .map(|(name, _)| name.clone())
            .collect()
    }
}
