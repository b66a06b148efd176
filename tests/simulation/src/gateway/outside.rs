//! What clients, banks, and people at the gateway do without the platform.

use super::orders::{agreed, give_back, set};
use super::*;
use crate::core::{Ended, Start};
use domain::payments::gateway::GatewayKind;

/// So long the gateway keeps sending a message that was not taken, in tries.
const MOST_SENDS: u32 = 8;
/// How long the function that takes messages may run, in milliseconds.
const LIMIT: i64 = 10_000;

/// Delivers a message; sends it again later when it was not taken.
pub(super) fn message(core: &mut Core, body: String, before: u32) {
    core.steps += 1;
    let taken = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (outcome, bytes) = (taken.clone(), body.clone());
    core.starts.push(Start {
        name: format!("webhook {body}"),
        limit: LIMIT,
        body: Box::new(move |app| {
            Box::pin(async move {
                let done = app::payments::webhooks::receive_webhook(
                    &app,
                    GatewayKind::Stripe,
                    &|_| None,
                    bytes.as_bytes(),
                );
                outcome.store(done.await.is_ok(), std::sync::atomic::Ordering::Relaxed);
            })
        }),
        on_end: Box::new(move |core, ended| {
            let taken = ended == Ended::Done && taken.load(std::sync::atomic::Ordering::Relaxed);
            if !taken && before < MOST_SENDS {
                core.later(60_000 << before, move |core| message(core, body, before + 1));
            }
        }),
    });
}

/// How a client pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pays {
    /// At once.
    Now,
    /// By something that takes days.
    Slowly,
    /// The bank says no.
    Declined,
}

/// A client acts on what they were given to pay with. Whether they still could.
pub fn pays(core: &mut Core, secret: &str, how: Pays) -> bool {
    core.say(|| format!("a client pays {secret}: {how:?}"));
    if let Some(setup) = core.gateway.setups.get_mut(secret) {
        if setup.status != IntentStatus::Open {
            return false;
        }
        let appointment = setup.appointment;
        match how {
            Pays::Declined => setup.decline = Some(Decline::Refused),
            Pays::Now | Pays::Slowly => setup.status = IntentStatus::CardSaved,
        }
        if how != Pays::Declined {
            let now = core.instant();
            core.gateway.secured.entry(appointment).or_insert(now);
        }
        tell(core, &WebhookSubject::Payment { appointment });
        return true;
    }
    let Some(intent) = core.gateway.intents.get(secret) else { return false };
    if intent.status != IntentStatus::Open {
        return false;
    }
    match how {
        Pays::Declined => set(core, secret, |intent| intent.decline = Some(Decline::Refused)),
        Pays::Slowly if intent.plan == Plan::Charge => {
            set(core, secret, |intent| intent.status = IntentStatus::Processing);
            let (name, hours) = (secret.to_owned(), core.chance.between(1, 60));
            let arrives = !core.chance.hits(core.weather.decline);
            core.later(hours * HOUR * 1_000, move |core| bank_decides(core, &name, arrives));
        }
        Pays::Now | Pays::Slowly => {
            let holds = AUTHORISATION_HOLDS + core.chance.between(0, DAY);
            agreed(core, secret, holds);
        }
    }
    tell_of(core, secret);
    true
}

fn bank_decides(core: &mut Core, name: &str, arrives: bool) {
    if core.gateway.intents[name].status != IntentStatus::Processing {
        return;
    }
    if arrives {
        agreed(core, name, 0);
    } else {
        set(core, name, |intent| {
            intent.status = IntentStatus::Open;
            intent.decline = Some(Decline::InsufficientFunds);
        });
    }
    tell_of(core, name);
}

/// Whatever is under way arrives now.
pub fn settle_processing(core: &mut Core) -> bool {
    let under_way = |(name, intent): (&String, &Intent)| {
        (intent.status == IntentStatus::Processing).then(|| name.clone())
    };
    let names: Vec<String> = core.gateway.intents.iter().filter_map(under_way).collect();
    for name in &names {
        bank_decides(core, name, true);
    }
    !names.is_empty()
}

/// A client disputes a payment at their bank, which takes so much per cent of it back for now.
pub fn opens_dispute(core: &mut Core, name: &str, percent: u64) -> bool {
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
    *core.gateway.taken_by_others.entry(appointment).or_default() += amount;
    core.gateway.troubled.insert(appointment, ());
    write_apart(core, name, MovementKind::Dispute, amount, &object, None);
    write_apart(core, name, MovementKind::DisputeFee, 1_500, &object, None);
    tell(core, &WebhookSubject::Payment { appointment });
    true
}

/// Banks decide about what is disputed. Whether there was anything.
pub fn decide_disputes(core: &mut Core) -> bool {
    let disputed = |(name, intent): (&String, &Intent)| {
        let open =
            intent.charge.as_ref()?.disputes.iter().position(|(_, _, dispute)| *dispute == Dispute::Open)?;
        Some((name.clone(), open))
    };
    let open: Vec<(String, usize)> = core.gateway.intents.iter().filter_map(disputed).collect();
    for (name, place) in &open {
        let percent = *core.chance.pick(&[100, 100, 0, 0, 30]);
        dispute_ends(core, name, *place, percent);
    }
    !open.is_empty()
}

/// A bank gives so much per cent of a disputed amount back.
pub fn dispute_ends(core: &mut Core, name: &str, place: usize, percent: u64) {
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
    if let Some(taken) = core.gateway.taken_by_others.get_mut(&appointment) {
        *taken -= back;
    }
    write_apart(core, name, MovementKind::DisputeWon, back, &object, None);
    tell(core, &WebhookSubject::Payment { appointment });
}

/// Somebody gives so much per cent back in the gateway's dashboard.
pub fn somebody_refunds(core: &mut Core, name: &str, percent: u64) -> bool {
    let Some(intent) = core.gateway.intents.get(name) else { return false };
    let Some(charge) = &intent.charge else { return false };
    let amount = part_of(charge.amount - charge.refunded, percent, 100);
    let (from_expert, appointment) = (charge.transfers[0].left >= amount, intent.appointment);
    if give_back(core, name, (amount, from_expert, from_expert), None).is_err() {
        return false;
    }
    *core.gateway.taken_by_others.entry(appointment).or_default() += amount;
    true
}

/// The gateway says once more that there is news of a payment.
pub fn says_again(core: &mut Core, name: &str) {
    tell_of(core, name);
}

/// The gateway stops an account, or lets it go on.
pub fn restrict(core: &mut Core, account: &str, enabled: bool) {
    core.say(|| format!("{account} is {}", if enabled { "enabled" } else { "stopped" }));
    if let Some(account) = core.gateway.accounts.get_mut(account) {
        account.charges_enabled = enabled;
    }
    tell(core, &WebhookSubject::Account { account: account.to_owned() });
}

/// Pays some of what an expert has out to their bank; some of it comes back.
pub fn payout(core: &mut Core, name: &str) -> bool {
    let now = core.instant();
    let balance = core.gateway.accounts.get(name).map_or(0, |account| account.balance);
    let most = core.chance.between(1, 20_000).min(balance);
    let Ok(amount) = u64::try_from(most) else { return false };
    let Some(amount) = Money::new(amount, domain::Currency::EUR).ok().filter(|amount| !amount.is_zero())
    else {
        return false;
    };
    let object = core.gateway.object("po");
    let fails = core.chance.hits(2_000);
    if let Some(account) = core.gateway.accounts.get_mut(name) {
        account.payouts.push(Movement::new(MovementKind::Payout, amount, object.clone(), now, None));
        account.balance -= most;
    }
    tell(core, &WebhookSubject::Payouts { account: name.to_owned() });
    if fails {
        let name = name.to_owned();
        core.later(DAY * 1_000, move |core| {
            let now = core.instant();
            if let Some(account) = core.gateway.accounts.get_mut(&name) {
                account.payouts.push(Movement::new(MovementKind::PayoutFailed, amount, object, now, None));
                account.balance += most;
            }
            tell(core, &WebhookSubject::Payouts { account: name });
        });
    }
    true
}
