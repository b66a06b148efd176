//! A model of Stripe with destination charges, and with separate charges and transfers for payments that the platform holds, at
//! the level of the ports in `app::payments::ports`, and its own books.
//!
//! A charge pays the platform, which transfers all of it to the expert and takes its fee from the transfer. A refund
//! reverses the expert's part only on request; the fee is then returned in proportion to all reversals so far. A failed
//! refund, like a dispute that is won, returns only the platform's money. Sources:
//! <https://docs.stripe.com/connect/destination-charges>, <https://docs.stripe.com/refunds#failed-refunds>,
//! <https://docs.stripe.com/disputes/connect>, <https://docs.stripe.com/api/idempotent_requests>.
//!
//! In some flows, it holds and releases shares as PayPal does ([`GatewayState::releases_whole`]): it releases all that is left of a
//! charge when requested, or by itself after 28 days, and a payment does not show the request.

use std::collections::{BTreeMap, BTreeSet};

use app::payments::ports::{BookLine, GatewayError, WebhookSubject};
use domain::kernel::time::{DAY, HOUR};
use domain::payments::ledger::{Account, Movement, MovementKind};
use domain::payments::payment::{Decline, IntentStatus, OrderKind, Plan, Share};
use domain::payments::payout::PayoutTiming;
use domain::{AppointmentId, ExpertId, Money, Timestamp};

use crate::core::Core;

mod events;
mod orders;
mod port;

pub use events::{
    ClientPayment, close_dispute, complete_pending_debits, decide_disputes, empty_account, open_dispute, pay,
    payout, refund_in_dashboard, resend_webhook, restrict,
};
pub use port::SimGateway;

/// How long an idempotency key is remembered, in seconds.
const KEY_RETENTION: i64 = DAY;
/// The guaranteed lifetime of an authorization by the client, in seconds.
const AUTHORIZATION_HOLDS: i64 = 6 * DAY;
/// The guaranteed lifetime of an authorization with a saved card, in seconds.
const LATER_AUTHORIZATION_HOLDS: i64 = 4 * DAY + 18 * HOUR;
/// How long the gateway holds a share that it releases by itself, in seconds.
const RELEASED_AFTER: i64 = 28 * DAY;

/// A payment intent and everything attached to it.
#[derive(Debug, Clone)]
pub struct Intent {
    /// The appointment to pay for.
    pub appointment: AppointmentId,
    /// The destination account.
    account: String,
    payout_timing: PayoutTiming,
    plan: Plan,
    /// The requested amount.
    pub amount: Money,
    fee: Money,
    /// The status.
    pub status: IntentStatus,
    decline: Option<Decline>,
    /// The idempotency key that created it.
    key: String,
    /// The idempotency key of the capture.
    capture_key: Option<String>,
    charge: Option<Charge>,
    /// All movements, and whether each is visible only to a separate request.
    movements: Vec<(Movement, bool)>,
}

/// A charge, with amounts in minor units.
#[derive(Debug, Clone)]
struct Charge {
    amount: u64,
    refunded: u64,
    fee: u64,
    fee_back: u64,
    reversed_with_fee: u64,
    /// The first transfer is that of the charge itself, unless the platform holds the money.
    transfers: Vec<Transfer>,
    refunds: Vec<Refund>,
    disputes: Vec<(String, u64, Dispute)>,
    /// When the gateway releases the share by itself, if it does.
    releases_at: Option<Timestamp>,
}

#[derive(Debug, Clone)]
struct Transfer {
    key: Option<String>,
    left: u64,
    /// The platform's fee on what is left, if the transfer is net of it.
    fee_left: u64,
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

/// A setup intent, which saves a card.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The appointment.
    pub appointment: AppointmentId,
    /// The status.
    pub status: IntentStatus,
    decline: Option<Decline>,
}

/// An expert's account.
#[derive(Debug, Clone)]
pub struct SimAccount {
    /// The owner.
    pub expert: ExpertId,
    /// Whether it can receive charges.
    pub charges_enabled: bool,
    /// Payouts to the owner's bank, including those that failed.
    pub payouts: Vec<Movement>,
    /// The balance, in minor units.
    pub balance: i64,
}

/// The stored response of an idempotency key.
#[derive(Debug, Clone)]
struct Stored {
    at: Timestamp,
    asked: String,
    answer: Result<String, GatewayError>,
}

/// The state of the gateway.
#[derive(Debug, Default)]
pub struct GatewayState {
    /// Payment intents by name.
    pub intents: BTreeMap<String, Intent>,
    /// Setup intents by name.
    pub setups: BTreeMap<String, Setup>,
    /// Accounts by id.
    pub accounts: BTreeMap<String, SimAccount>,
    keys: BTreeMap<String, Stored>,
    lines: Vec<BookLine>,
    serial: u64,
    /// The request that is refused for an appointment at present.
    refuses: BTreeMap<AppointmentId, OrderKind>,
    /// The attempts to pay that were declined.
    declined: BTreeMap<AppointmentId, u16>,
    /// Appointments whose payment was ever secured, and since when.
    pub secured: BTreeMap<AppointmentId, Timestamp>,
    /// What was returned to the client outside the platform: open and lost disputes, and dashboard refunds.
    pub taken_outside: BTreeMap<AppointmentId, u64>,
    /// Appointments whose payment ever had a dispute or a failed refund.
    pub disputed_or_failed: BTreeMap<AppointmentId, ()>,
    /// Appointments that could not be charged for a while, because the expert's account was disabled or captures were
    /// refused. The administrator may have written off their payments.
    uncollectable: BTreeSet<AppointmentId>,
    /// Whether it holds shares itself, and releases what is left of a charge as a whole. Only before the release do refunds and
    /// disputes follow PayPal.
    pub releases_whole: bool,
    /// Whether the experts have put as much on their accounts as is taken back from them.
    pub accounts_are_covered: bool,
    /// Appointments whose share was released without a request.
    released_by_itself: BTreeSet<AppointmentId>,
    messages: u64,
}

impl GatewayState {
    fn object(&mut self, prefix: &str) -> String {
        self.serial += 1;
        format!("{prefix}_{}", self.serial)
    }

    /// The owner of an account.
    pub fn owner(&self, account: &str) -> Option<ExpertId> {
        self.accounts.get(account).map(|account| account.expert)
    }

    /// Whether a payment of an appointment was declined, never secured, or could not be collected.
    pub fn was_refused(&self, appointment: AppointmentId) -> bool {
        let mut intents = self.intents.values().filter(|intent| intent.appointment == appointment);
        let mut setups = self.setups.values().filter(|setup| setup.appointment == appointment);
        intents.any(|intent| intent.decline.is_some())
            || setups.any(|setup| setup.decline.is_some())
            || !self.secured.contains_key(&appointment)
            || self.uncollectable.contains(&appointment)
    }

    /// All movements of an appointment.
    pub fn movements(&self, appointment: AppointmentId) -> Vec<&Movement> {
        let of = self.intents.values().filter(|intent| intent.appointment == appointment);
        of.flat_map(|intent| intent.movements.iter().map(|(movement, _)| movement)).collect()
    }

    /// Whether an appointment has an open dispute.
    pub fn has_open_dispute(&self, appointment: AppointmentId) -> bool {
        let of = self.intents.values().filter(|intent| intent.appointment == appointment);
        of.filter_map(|intent| intent.charge.as_ref())
            .any(|charge| charge.disputes.iter().any(|(_, _, dispute)| *dispute == Dispute::Open))
    }

    /// Whether an appointment has a lost dispute.
    pub fn has_lost_dispute(&self, appointment: AppointmentId) -> bool {
        let of = self.intents.values().filter(|intent| intent.appointment == appointment);
        of.filter_map(|intent| intent.charge.as_ref())
            .any(|charge| charge.disputes.iter().any(|(_, _, dispute)| *dispute == Dispute::Lost))
    }

    /// Whether the gateway released the share of an appointment without a request.
    pub fn released_by_itself(&self, appointment: AppointmentId) -> bool {
        self.released_by_itself.contains(&appointment)
    }

    /// Stops refusing requests.
    pub fn clear_refusals(&mut self) {
        self.refuses.clear();
    }

    /// Refuses to take an amount back from an account that does not have it.
    fn check_balance(&self, name: &str, amount: u64) -> Result<(), GatewayError> {
        let account = self.intents.get(name).and_then(|intent| self.accounts.get(&intent.account));
        let balance = account.map_or(0, |account| account.balance);
        match u64::try_from(balance).is_ok_and(|balance| balance >= amount) || self.accounts_are_covered {
            true => Ok(()),
            false => refuse("balance_insufficient", "the account of the expert does not have it"),
        }
    }

    fn refusal(&self, appointment: AppointmentId, order: OrderKind) -> Result<(), GatewayError> {
        match self.refuses.get(&appointment) {
            Some(refused) if *refused == order => refuse("refused_for_now", "for reasons of its own"),
            _ => Ok(()),
        }
    }
}

fn refuse<T>(code: &str, message: &str) -> Result<T, GatewayError> {
    Err(GatewayError::Refused { code: code.to_owned(), message: message.to_owned() })
}

/// `whole · part / of`, rounded half up.
fn part_of(whole: u64, part: u64, of: u64) -> u64 {
    if of == 0 { 0 } else { (2 * whole * part + of) / (2 * of) }
}

/// Records a movement and its line in the books.
fn record(core: &mut Core, name: &str, movement: Movement, apart: bool) {
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
    let GatewayState { intents, lines, accounts, .. } = &mut core.gateway;
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
    core.log(|| {
        format!("    moved: {:?} {} of {name} by {}", movement.kind, movement.amount, movement.object)
    });
}

fn movement(
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

fn record_movement(
    core: &mut Core,
    name: &str,
    kind: MovementKind,
    amount: u64,
    object: &str,
    key: Option<String>,
) {
    let movement = movement(core, name, kind, amount, object, key);
    record(core, name, movement, false);
}

fn record_apart(
    core: &mut Core,
    name: &str,
    kind: MovementKind,
    amount: u64,
    object: &str,
    key: Option<String>,
) {
    let movement = movement(core, name, kind, amount, object, key);
    record(core, name, movement, true);
}

/// Sends a webhook, subject to the fault profile.
fn send_webhook(core: &mut Core, subject: &WebhookSubject) {
    core.gateway.messages += 1;
    let number = core.gateway.messages;
    if core.rng.happens(core.faults.lost_webhook) {
        core.log(|| format!("webhook evt_{number} is not sent"));
        return;
    }
    let body = match subject {
        WebhookSubject::Payment { appointment } => format!("evt_{number}|payment|{appointment}"),
        WebhookSubject::DeclinedPayment { appointment } => format!("evt_{number}|declined|{appointment}"),
        WebhookSubject::Account { account } => format!("evt_{number}|account|{account}"),
        WebhookSubject::Payouts { account } => format!("evt_{number}|payouts|{account}"),
        WebhookSubject::Nothing => format!("evt_{number}|nothing|"),
    };
    let copies = if core.rng.happens(core.faults.duplicate_delivery) { 2 } else { 1 };
    for _ in 0..copies {
        let most = core.faults.max_delivery_delay;
        let delay = if most <= 1 { 1 } else { core.rng.between(1, most) };
        let body = body.clone();
        core.schedule_in(delay, move |core| events::deliver_webhook(core, body, 0));
    }
}

fn send_payment_webhook(core: &mut Core, name: &str) {
    let appointment = core.gateway.intents[name].appointment;
    send_webhook(core, &WebhookSubject::Payment { appointment });
}

fn send_declined_webhook(core: &mut Core, name: &str) {
    let appointment = core.gateway.intents[name].appointment;
    report_decline(core, appointment);
}

/// Counts a declined attempt to pay, and reports it.
fn report_decline(core: &mut Core, appointment: AppointmentId) {
    *core.gateway.declined.entry(appointment).or_default() += 1;
    send_webhook(core, &WebhookSubject::DeclinedPayment { appointment });
}

impl GatewayState {
    /// Creates an account that can receive charges.
    pub fn add_enabled_account(&mut self, expert: ExpertId) -> String {
        let id = self.object("acct");
        self.accounts.insert(
            id.clone(),
            SimAccount { expert, charges_enabled: true, payouts: Vec::new(), balance: 0 },
        );
        id
    }

    /// Refuses a kind of request for an appointment from now on.
    pub fn refuse(&mut self, appointment: AppointmentId, order: OrderKind) {
        self.refuses.insert(appointment, order);
        if order == OrderKind::Capture {
            self.uncollectable.insert(appointment);
        }
    }

    /// Whether a client can pay an intent, or save a card with it.
    pub fn is_payable(&self, name: &str) -> bool {
        let intent = self.intents.get(name).map(|intent| intent.status);
        intent.or(self.setups.get(name).map(|setup| setup.status)) == Some(IntentStatus::Open)
    }

    /// The number of attempts to pay for an appointment that were declined.
    pub fn declined_attempts(&self, appointment: AppointmentId) -> u16 {
        self.declined.get(&appointment).copied().unwrap_or_default()
    }

    /// Whether an intent was created for an appointment: a saved card was charged, or the client was asked to pay.
    pub fn was_asked(&self, appointment: AppointmentId) -> bool {
        self.intents.values().any(|intent| intent.appointment == appointment)
    }

    /// The currency of an appointment's payment.
    pub fn currency_of(&self, appointment: AppointmentId) -> Option<domain::Currency> {
        let mut of = self.intents.values().filter(|intent| intent.appointment == appointment);
        of.next().map(|intent| intent.amount.currency())
    }

    /// Whether an appointment was charged.
    pub fn was_charged(&self, appointment: AppointmentId) -> bool {
        self.intents.values().any(|intent| intent.appointment == appointment && intent.charge.is_some())
    }

    /// The names of the intents that were charged.
    pub fn charged(&self) -> Vec<String> {
        self.intents
            .iter()
            .filter(|(_, intent)| intent.charge.is_some())
            .map(|(name, _)| name.clone())
            .collect()
    }
}
