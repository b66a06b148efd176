//! What clients, banks and dashboard users do at the gateway.

use super::orders::{create_refund, secure_payment, set};
use super::*;
use crate::core::{Ended, Start};
use domain::payments::gateway::GatewayKind;

/// How often the gateway sends a webhook that was not accepted.
const MAX_SENDS: u32 = 8;
/// The time limit of the webhook function, in milliseconds.
const TIME_LIMIT: i64 = 10_000;

/// Delivers a webhook, and delivers it again later if it was not accepted.
pub(super) fn deliver_webhook(core: &mut Core, body: String, before: u32) {
    core.steps += 1;
    let taken = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (outcome, bytes) = (taken.clone(), body.clone());
    core.starts.push(Start {
        name: format!("webhook {body}"),
        limit: TIME_LIMIT,
        body: Box::new(move |app| {
            Box::pin(async move {
                let done = app::payments::webhooks::receive_webhook(
                    &app,
                    &app::identity::Actor::Provider,
                    GatewayKind::Stripe,
                    &|_| None,
                    bytes.as_bytes(),
                );
                outcome.store(done.await.is_ok(), std::sync::atomic::Ordering::Relaxed);
            })
        }),
        on_end: Box::new(move |core, ended| {
            let taken = ended == Ended::Done && taken.load(std::sync::atomic::Ordering::Relaxed);
            if !taken && before < MAX_SENDS {
                core.schedule_in(60_000 << before, move |core| deliver_webhook(core, body, before + 1));
            }
        }),
    });
}

/// How a client pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientPayment {
    /// The payment succeeds at once.
    Now,
    /// The gateway processes the payment for days.
    Delayed,
    /// The bank declines.
    Declined,
}

/// A client pays with a client secret. Returns whether it was still payable.
pub fn pay(core: &mut Core, secret: &str, how: ClientPayment) -> bool {
    core.log(|| format!("a client pays {secret}: {how:?}"));
    if let Some(setup) = core.gateway.setups.get_mut(secret) {
        if setup.status != IntentStatus::Open {
            return false;
        }
        let appointment = setup.appointment;
        match how {
            ClientPayment::Declined => setup.decline = Some(Decline::Refused),
            ClientPayment::Now | ClientPayment::Delayed => setup.status = IntentStatus::CardSaved,
        }
        if how == ClientPayment::Declined {
            report_decline(core, appointment);
            return true;
        }
        let now = core.instant();
        core.gateway.secured.entry(appointment).or_insert(now);
        send_webhook(core, &WebhookSubject::Payment { appointment });
        return true;
    }
    let Some(intent) = core.gateway.intents.get(secret) else { return false };
    if intent.status != IntentStatus::Open {
        return false;
    }
    match how {
        ClientPayment::Declined => set(core, secret, |intent| intent.decline = Some(Decline::Refused)),
        ClientPayment::Delayed if intent.plan == Plan::Charge => {
            set(core, secret, |intent| intent.status = IntentStatus::Processing);
            let (name, hours) = (secret.to_owned(), core.rng.between(1, 60));
            let arrives = !core.rng.happens(core.faults.declined_card);
            core.schedule_in(hours * HOUR * 1_000, move |core| bank_decides(core, &name, arrives));
        }
        ClientPayment::Now | ClientPayment::Delayed => {
            let holds = AUTHORIZATION_HOLDS + core.rng.between(0, DAY);
            secure_payment(core, secret, holds);
        }
    }
    match how {
        ClientPayment::Declined => send_declined_webhook(core, secret),
        ClientPayment::Now | ClientPayment::Delayed => send_payment_webhook(core, secret),
    }
    true
}

fn bank_decides(core: &mut Core, name: &str, arrives: bool) {
    if core.gateway.intents[name].status != IntentStatus::Processing {
        return;
    }
    if arrives {
        secure_payment(core, name, 0);
    } else {
        set(core, name, |intent| {
            intent.status = IntentStatus::Open;
            intent.decline = Some(Decline::InsufficientFunds);
        });
        return send_declined_webhook(core, name);
    }
    send_payment_webhook(core, name);
}

/// Completes all debits in progress. Returns whether there were any.
pub fn complete_pending_debits(core: &mut Core) -> bool {
    let under_way = |(name, intent): (&String, &Intent)| {
        (intent.status == IntentStatus::Processing).then(|| name.clone())
    };
    let names: Vec<String> = core.gateway.intents.iter().filter_map(under_way).collect();
    for name in &names {
        bank_decides(core, name, true);
    }
    !names.is_empty()
}

/// A client disputes a percentage of a charge. The bank returns the amount for now.
pub fn open_dispute(core: &mut Core, name: &str, percent: u64) -> bool {
    let Some(charge) = core.gateway.intents.get(name).and_then(|intent| intent.charge.as_ref()) else {
        return false;
    };
    let amount = part_of(charge.amount, percent, 100);
    if amount == 0 || charge.disputes.iter().any(|(_, _, dispute)| *dispute != Dispute::Won) {
        return false;
    }
    let object = core.gateway.object("dp");
    let appointment = core.gateway.intents[name].appointment;
    set(core, name, |intent| {
        if let Some(charge) = &mut intent.charge {
            charge.disputes.push((object.clone(), amount, Dispute::Open));
        }
    });
    *core.gateway.taken_outside.entry(appointment).or_default() += amount;
    core.gateway.disputed_or_failed.insert(appointment, ());
    record_apart(core, name, MovementKind::Dispute, amount, &object, None);
    record_apart(core, name, MovementKind::DisputeFee, 1_500, &object, None);
    send_webhook(core, &WebhookSubject::Payment { appointment });
    true
}

/// Decides all open disputes. Returns whether there were any.
pub fn decide_disputes(core: &mut Core) -> bool {
    let disputed = |(name, intent): (&String, &Intent)| {
        let open =
            intent.charge.as_ref()?.disputes.iter().position(|(_, _, dispute)| *dispute == Dispute::Open)?;
        Some((name.clone(), open))
    };
    let open: Vec<(String, usize)> = core.gateway.intents.iter().filter_map(disputed).collect();
    for (name, place) in &open {
        let percent = *core.rng.pick(&[100, 100, 0, 0, 30]);
        close_dispute(core, name, *place, percent);
    }
    !open.is_empty()
}

/// Decides a dispute: the bank returns a percentage of the disputed amount to the platform.
pub fn close_dispute(core: &mut Core, name: &str, place: usize, percent: u64) {
    let Some(charge) = core.gateway.intents[name].charge.as_ref() else { return };
    let (object, amount, _) = charge.disputes[place].clone();
    let back = part_of(amount, percent, 100);
    let appointment = core.gateway.intents[name].appointment;
    let decided = if back == amount { Dispute::Won } else { Dispute::Lost };
    set(core, name, |intent| {
        if let Some(charge) = &mut intent.charge {
            charge.disputes[place].2 = decided;
        }
    });
    if let Some(taken) = core.gateway.taken_outside.get_mut(&appointment) {
        *taken -= back;
    }
    record_apart(core, name, MovementKind::DisputeWon, back, &object, None);
    send_webhook(core, &WebhookSubject::Payment { appointment });
}

/// A dashboard user refunds a percentage of a charge.
pub fn refund_in_dashboard(core: &mut Core, name: &str, percent: u64) -> bool {
    let Some(intent) = core.gateway.intents.get(name) else { return false };
    let Some(charge) = &intent.charge else { return false };
    let amount = part_of(charge.amount - charge.refunded, percent, 100);
    let from_expert = charge.transfers.first().is_some_and(|transfer| transfer.left >= amount);
    // Money that the platform holds is not with the expert, and later transfers are not those of the charge.
    let from_expert = from_expert && intent.payout_timing == PayoutTiming::AtPayment;
    let appointment = intent.appointment;
    if create_refund(core, name, (amount, from_expert, from_expert), None).is_err() {
        return false;
    }
    *core.gateway.taken_outside.entry(appointment).or_default() += amount;
    true
}

/// Sends another webhook for a payment.
pub fn resend_webhook(core: &mut Core, name: &str) {
    send_payment_webhook(core, name);
}

/// Disables or enables an account.
pub fn restrict(core: &mut Core, account: &str, enabled: bool) {
    core.log(|| format!("{account} is {}", if enabled { "enabled" } else { "disabled" }));
    if let Some(account) = core.gateway.accounts.get_mut(account) {
        account.charges_enabled = enabled;
    }
    send_webhook(core, &WebhookSubject::Account { account: account.to_owned() });
}

/// Pays everything that is on an account out to the bank of its owner.
pub fn empty_account(core: &mut Core, name: &str) {
    let now = core.instant();
    let object = core.gateway.object("po");
    let Some(account) = core.gateway.accounts.get_mut(name) else { return };
    let everything = u64::try_from(account.balance).unwrap_or(0);
    let Ok(amount) = Money::new(everything, domain::Currency::EUR) else { return };
    if !amount.is_zero() {
        account.payouts.push(Movement::new(MovementKind::Payout, amount, object, now, None));
        account.balance = 0;
        send_webhook(core, &WebhookSubject::Payouts { account: name.to_owned() });
    }
}

/// Pays out part of an expert's balance. Some payouts fail a day later.
pub fn payout(core: &mut Core, name: &str) -> bool {
    let now = core.instant();
    let balance = core.gateway.accounts.get(name).map_or(0, |account| account.balance);
    let most = core.rng.between(1, 20_000).min(balance);
    let Ok(amount) = u64::try_from(most) else { return false };
    let Some(amount) = Money::new(amount, domain::Currency::EUR).ok().filter(|amount| !amount.is_zero())
    else {
        return false;
    };
    let object = core.gateway.object("po");
    let fails = core.rng.happens(2_000);
    if let Some(account) = core.gateway.accounts.get_mut(name) {
        account.payouts.push(Movement::new(MovementKind::Payout, amount, object.clone(), now, None));
        account.balance -= most;
    }
    send_webhook(core, &WebhookSubject::Payouts { account: name.to_owned() });
    if fails {
        let name = name.to_owned();
        core.schedule_in(DAY * 1_000, move |core| {
            let now = core.instant();
            if let Some(account) = core.gateway.accounts.get_mut(&name) {
                account.payouts.push(Movement::new(MovementKind::PayoutFailed, amount, object, now, None));
                account.balance += most;
            }
            send_webhook(core, &WebhookSubject::Payouts { account: name });
        });
    }
    true
}
