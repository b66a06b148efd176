//! What the gateway does when it is told to: takes, gives back, passes on.

use super::*;

/// The client agreed, or their saved card did: takes or sets aside.
pub(super) fn agreed(core: &mut Core, name: &str, holds: i64) {
    let now = core.instant();
    let intent = &core.gateway.intents[name];
    let (plan, amount, appointment, key) =
        (intent.plan, intent.amount.amount(), intent.appointment, intent.key.clone());
    core.gateway.secured.entry(appointment).or_insert(now);
    set(core, name, |intent| intent.decline = None);
    if plan == Plan::Charge {
        let fee = core.gateway.intents[name].fee.amount();
        take(core, name, amount, fee);
    } else {
        let capture_before = now.plus(holds);
        set(core, name, |intent| intent.status = IntentStatus::Authorised { capture_before });
        write(core, name, MovementKind::Authorised, amount, &format!("ch_{name}"), Some(key));
        let name = name.to_owned();
        core.later(holds * 1_000, move |core| {
            if matches!(core.gateway.intents[&name].status, IntentStatus::Authorised { .. }) {
                release(core, &name);
                tell_of(core, &name);
            }
        });
    }
}

pub(super) fn set(core: &mut Core, name: &str, change: impl FnOnce(&mut Intent)) {
    if let Some(intent) = core.gateway.intents.get_mut(name) {
        change(intent);
    }
}

/// The bank lets go of what was set aside, or the intent just ends.
pub(super) fn release(core: &mut Core, name: &str) {
    let intent = &core.gateway.intents[name];
    let (status, amount) = (intent.status, intent.amount.amount());
    if let IntentStatus::Authorised { .. } = status {
        write(core, name, MovementKind::Released, amount, &format!("ch_{name}"), None);
    }
    set(core, name, |intent| intent.status = IntentStatus::Cancelled);
}

/// Takes an amount: the charge, its fee, its transfer to the expert, and the platform's fee out of that.
pub(super) fn take(core: &mut Core, name: &str, amount: u64, fee: u64) {
    let intent = &core.gateway.intents[name];
    let aside = matches!(intent.status, IntentStatus::Authorised { .. });
    let rest = intent.amount.amount() - amount;
    let key = intent.capture_key.clone().unwrap_or(intent.key.clone());
    let appointment = intent.appointment;
    let charge = format!("ch_{name}");
    let captured = moved(core, name, MovementKind::Captured, amount, &charge, Some(key.clone()));
    note(core, name, if aside { captured.from(Account::Authorised) } else { captured }, false);
    if aside {
        write(core, name, MovementKind::Released, rest, &charge, Some(key.clone()));
    }
    write(core, name, MovementKind::ProcessingFee, amount / 50 + 1, &charge, None);
    let (transfer, fee_object) = (core.gateway.object("tr"), core.gateway.object("fee"));
    write(core, name, MovementKind::Transfer, amount, &transfer, Some(key.clone()));
    write(core, name, MovementKind::Fee, fee, &fee_object, Some(key));
    set(core, name, |intent| {
        intent.status = IntentStatus::Succeeded;
        intent.charge = Some(Charge {
            amount,
            refunded: 0,
            fee,
            fee_back: 0,
            reversed_with_fee: 0,
            transfers: vec![Transfer { key: None, left: amount, reversals: Vec::new() }],
            refunds: Vec::new(),
            disputes: Vec::new(),
        });
    });
    let captured: u64 = core
        .gateway
        .movements(appointment)
        .iter()
        .filter(|movement| movement.kind == MovementKind::Captured)
        .map(|movement| movement.amount.amount())
        .sum();
    let charges =
        core.gateway.intents.values().filter(|one| one.appointment == appointment && one.charge.is_some());
    if charges.count() > 1 {
        core.wrong(format!("the client of {appointment} paid twice, {captured} in all"));
    }
}

/// Gives back to the client.
pub(super) fn give_back(
    core: &mut Core,
    name: &str,
    (amount, from_expert, with_fee): (u64, bool, bool),
    key: Option<String>,
) -> Result<String, PaymentError> {
    let intent = &core.gateway.intents[name];
    let appointment = intent.appointment;
    let Some(charge) = &intent.charge else { return refuse("charge_missing", "nothing was charged") };
    if charge.disputes.iter().any(|(_, _, dispute)| *dispute != Dispute::Won) {
        return refuse("charge_disputed", "the charge is disputed");
    }
    if amount == 0 || amount > charge.amount - charge.refunded {
        return refuse("charge_already_refunded", "more than is left, or nothing");
    }
    if from_expert && charge.transfers[0].left < amount {
        return refuse("transfer_reversed", "the transfer is reversed already");
    }
    let object = core.gateway.object("re");
    write(core, name, MovementKind::Refund, amount, &object, key.clone());
    set(core, name, |intent| {
        if let Some(charge) = &mut intent.charge {
            charge.refunded += amount;
            charge.refunds.push(Refund { object: object.clone(), key: key.clone(), amount, failed: false });
        }
    });
    if from_expert {
        reverse(core, name, 0, (amount, with_fee), key.clone(), false);
    }
    if core.chance.hits(core.weather.refund_fails) {
        let days = core.chance.between(1, 72);
        let (name, object, by_us) = (name.to_owned(), object.clone(), key.is_some());
        core.later(days * HOUR * 1_000, move |core| refund_fails(core, &name, &object, appointment, by_us));
    }
    tell(core, &WebhookSubject::Payment { appointment });
    Ok(object)
}

fn refund_fails(core: &mut Core, name: &str, object: &str, appointment: AppointmentId, by_us: bool) {
    let Some(charge) = core.gateway.intents[name].charge.as_ref() else { return };
    let refund = charge.refunds.iter().position(|refund| refund.object == object && !refund.failed);
    let Some(place) = refund else { return };
    let amount = charge.refunds[place].amount;
    set(core, name, |intent| {
        if let Some(charge) = &mut intent.charge {
            charge.refunded -= amount;
            charge.refunds[place].failed = true;
        }
    });
    write(core, name, MovementKind::RefundFailed, amount, object, None);
    core.gateway.troubled.insert(appointment, ());
    if !by_us && let Some(taken) = core.gateway.taken_by_others.get_mut(&appointment) {
        *taken -= amount;
    }
    tell(core, &WebhookSubject::Payment { appointment });
}

/// Takes back from the expert.
pub(super) fn reverse(
    core: &mut Core,
    name: &str,
    place: usize,
    (amount, with_fee): (u64, bool),
    key: Option<String>,
    ordered: bool,
) {
    let (object, fee_object) = (core.gateway.object("trr"), core.gateway.object("fr"));
    let mut fee_back = 0;
    set(core, name, |intent| {
        let Some(charge) = &mut intent.charge else { return };
        let transfer = &mut charge.transfers[place];
        transfer.left -= amount;
        if ordered {
            transfer.reversals.push(key.clone());
        }
        if with_fee {
            charge.reversed_with_fee += amount;
            let due = part_of(charge.fee, charge.reversed_with_fee, charge.amount);
            fee_back = due.saturating_sub(charge.fee_back);
            charge.fee_back += fee_back;
        }
    });
    if place == 0 {
        write(core, name, MovementKind::Reversal, amount, &object, key.clone());
    } else {
        write_apart(core, name, MovementKind::Reversal, amount, &object, key.clone());
    }
    write(core, name, MovementKind::FeeRefund, fee_back, &fee_object, key);
}

/// Gives to the expert again.
pub(super) fn transfer(core: &mut Core, name: &str, amount: u64, key: String) {
    let object = core.gateway.object("tr");
    set(core, name, |intent| {
        if let Some(charge) = &mut intent.charge {
            charge.transfers.push(Transfer { key: Some(key.clone()), left: amount, reversals: Vec::new() });
        }
    });
    write_apart(core, name, MovementKind::Transfer, amount, &object, Some(key));
}
