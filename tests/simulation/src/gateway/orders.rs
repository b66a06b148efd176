//! What the gateway does on request: charges, refunds, reversals and transfers.

use super::*;

/// Charges or authorizes an intent after the client or the saved card confirmed it.
pub(super) fn secure_payment(core: &mut Core, name: &str, holds: i64) {
    let now = core.instant();
    let intent = &core.gateway.intents[name];
    let (plan, amount, appointment, key) =
        (intent.plan, intent.amount.amount(), intent.appointment, intent.key.clone());
    core.gateway.secured.entry(appointment).or_insert(now);
    set(core, name, |intent| intent.decline = None);
    if plan == Plan::Charge {
        let fee = core.gateway.intents[name].fee.amount();
        create_charge(core, name, amount, fee);
    } else {
        let capture_before = now.plus(holds);
        set(core, name, |intent| intent.status = IntentStatus::Authorized { capture_before });
        record_movement(core, name, MovementKind::Authorized, amount, &format!("ch_{name}"), Some(key));
        let name = name.to_owned();
        core.schedule_in(holds * 1_000, move |core| {
            if matches!(core.gateway.intents[&name].status, IntentStatus::Authorized { .. }) {
                release_authorization(core, &name);
                send_payment_webhook(core, &name);
            }
        });
    }
}

pub(super) fn set(core: &mut Core, name: &str, change: impl FnOnce(&mut Intent)) {
    if let Some(intent) = core.gateway.intents.get_mut(name) {
        change(intent);
    }
}

/// Releases the authorization, if there is one, and cancels the intent.
pub(super) fn release_authorization(core: &mut Core, name: &str) {
    let intent = &core.gateway.intents[name];
    let (status, amount) = (intent.status, intent.amount.amount());
    if let IntentStatus::Authorized { .. } = status {
        record_movement(core, name, MovementKind::Released, amount, &format!("ch_{name}"), None);
    }
    set(core, name, |intent| intent.status = IntentStatus::Cancelled);
}

/// Charges an amount: the charge itself, its processing fee, the transfer to the expert and the platform's fee.
pub(super) fn create_charge(core: &mut Core, name: &str, amount: u64, fee: u64) {
    let intent = &core.gateway.intents[name];
    let aside = matches!(intent.status, IntentStatus::Authorized { .. });
    let rest = intent.amount.amount() - amount;
    let key = intent.capture_key.clone().unwrap_or(intent.key.clone());
    let appointment = intent.appointment;
    let charge = format!("ch_{name}");
    let captured = movement(core, name, MovementKind::Captured, amount, &charge, Some(key.clone()));
    record(core, name, if aside { captured.with_source(Account::Authorized) } else { captured }, false);
    if aside {
        record_movement(core, name, MovementKind::Released, rest, &charge, Some(key.clone()));
    }
    record_movement(core, name, MovementKind::ProcessingFee, amount / 50 + 1, &charge, None);
    let held = core.gateway.intents[name].payout_timing == PayoutTiming::AfterSession;
    if !held {
        let (transfer, fee_object) = (core.gateway.object("tr"), core.gateway.object("fee"));
        record_movement(core, name, MovementKind::Transfer, amount, &transfer, Some(key.clone()));
        record_movement(core, name, MovementKind::Fee, fee, &fee_object, Some(key));
    }
    let releases_at = (held && core.gateway.releases_whole).then(|| core.instant().plus(RELEASED_AFTER));
    let own = (!held).then(|| Transfer { key: None, left: amount, fee_left: 0, reversals: Vec::new() });
    set(core, name, |intent| {
        intent.status = IntentStatus::Succeeded;
        intent.charge = Some(Charge {
            amount,
            refunded: 0,
            fee,
            fee_back: 0,
            reversed_with_fee: 0,
            transfers: own.into_iter().collect(),
            refunds: Vec::new(),
            disputes: Vec::new(),
            releases_at,
        });
    });
    if releases_at.is_some() {
        let name = name.to_owned();
        core.schedule_in(RELEASED_AFTER * 1_000, move |core| release_by_itself(core, &name));
    }
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
        core.violation(format!("the client of {appointment} paid twice, {captured} in total"));
    }
}

/// Refunds an amount to the client.
pub(super) fn create_refund(
    core: &mut Core,
    name: &str,
    (amount, from_expert, with_fee): (u64, bool, bool),
    key: Option<String>,
) -> Result<String, GatewayError> {
    let intent = &core.gateway.intents[name];
    let appointment = intent.appointment;
    let Some(charge) = &intent.charge else { return refuse("charge_missing", "nothing was charged") };
    if charge.disputes.iter().any(|(_, _, dispute)| *dispute != Dispute::Won) {
        return refuse("charge_disputed", "the charge is disputed");
    }
    if amount == 0 || amount > charge.amount - charge.refunded {
        return refuse("charge_already_refunded", "more than is left, or nothing");
    }
    let own = charge.transfers.first().filter(|_| intent.payout_timing == PayoutTiming::AtPayment);
    if from_expert && own.is_none_or(|transfer| transfer.left < amount) {
        return refuse("transfer_reversed", "the transfer is reversed already");
    }
    if from_expert {
        core.gateway.check_balance(name, amount - fee_returned(charge, amount, with_fee))?;
    }
    let object = core.gateway.object("re");
    record_movement(core, name, MovementKind::Refund, amount, &object, key.clone());
    set(core, name, |intent| {
        if let Some(charge) = &mut intent.charge {
            charge.refunded += amount;
            charge.refunds.push(Refund { object: object.clone(), key: key.clone(), amount, failed: false });
        }
    });
    if from_expert {
        reverse(core, name, 0, (amount, with_fee), key.clone(), false);
    }
    if core.rng.happens(core.faults.failed_refund) {
        let days = core.rng.between(1, 72);
        let (name, object, by_us) = (name.to_owned(), object.clone(), key.is_some());
        core.schedule_in(days * HOUR * 1_000, move |core| {
            fail_refund(core, &name, &object, appointment, by_us)
        });
    }
    send_webhook(core, &WebhookSubject::Payment { appointment });
    Ok(object)
}

fn fail_refund(core: &mut Core, name: &str, object: &str, appointment: AppointmentId, by_us: bool) {
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
    record_movement(core, name, MovementKind::RefundFailed, amount, object, None);
    core.gateway.disputed_or_failed.insert(appointment, ());
    if !by_us && let Some(taken) = core.gateway.taken_outside.get_mut(&appointment) {
        *taken -= amount;
    }
    send_webhook(core, &WebhookSubject::Payment { appointment });
}

/// The platform's fee that is returned with a reversal.
pub(super) fn fee_returned(charge: &Charge, amount: u64, with_fee: bool) -> u64 {
    let due = part_of(charge.fee, charge.reversed_with_fee + amount, charge.amount);
    if with_fee { due.saturating_sub(charge.fee_back).min(amount) } else { 0 }
}

/// Reverses an amount of a transfer.
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
        record_movement(core, name, MovementKind::Reversal, amount, &object, key.clone());
    } else {
        record_apart(core, name, MovementKind::Reversal, amount, &object, key.clone());
    }
    record_movement(core, name, MovementKind::FeeRefund, fee_back, &fee_object, key);
}

/// Transfers an amount to the expert again.
pub(super) fn transfer(core: &mut Core, name: &str, amount: u64, key: String) {
    let object = core.gateway.object("tr");
    set(core, name, |intent| {
        if let Some(charge) = &mut intent.charge {
            let key = Some(key.clone());
            charge.transfers.push(Transfer { key, left: amount, fee_left: 0, reversals: Vec::new() });
        }
    });
    record_apart(core, name, MovementKind::Transfer, amount, &object, Some(key));
}

/// Transfers a share of a charge that the platform holds. A charge pays for no more than its amount.
pub(super) fn pay_out(core: &mut Core, name: &str, share: Share, key: String) -> Result<(), GatewayError> {
    let (amount, fee) = (share.amount.amount(), share.fee.amount());
    let Some(charge) = &core.gateway.intents[name].charge else {
        return refuse("charge_missing", "nothing was charged");
    };
    let left: u64 = charge.transfers.iter().map(|transfer| transfer.left).sum();
    if left + amount - fee > charge.amount {
        return refuse("amount_too_large", "more than was charged");
    }
    let object = core.gateway.object("tr");
    set(core, name, |intent| {
        if let Some(charge) = &mut intent.charge {
            let key = Some(key.clone());
            charge.transfers.push(Transfer { key, left: amount - fee, fee_left: fee, reversals: Vec::new() });
        }
    });
    record_apart(core, name, MovementKind::Transfer, amount, &object, Some(key.clone()));
    record_apart(core, name, MovementKind::Fee, fee, &object, Some(key));
    Ok(())
}

/// Releases all that is left of a charge, once.
pub(super) fn release(core: &mut Core, name: &str, key: String) -> Result<(), GatewayError> {
    let Some(charge) = &core.gateway.intents[name].charge else {
        return refuse("charge_missing", "nothing was charged");
    };
    if !charge.transfers.is_empty() {
        return Ok(());
    }
    let disputed = charge.disputes.iter().filter(|(_, _, dispute)| *dispute != Dispute::Won);
    let taken = charge.refunded + disputed.map(|(_, amount, _)| amount).sum::<u64>();
    let left = charge.amount.saturating_sub(taken);
    let fee = part_of(charge.fee, left, charge.amount);
    let whole = core.gateway.intents[name].amount;
    let money = |amount| whole.with_amount(amount).unwrap_or(whole);
    pay_out(core, name, Share { amount: money(left), fee: money(fee) }, key)
}

/// Releases a share that the platform has not had released in time.
fn release_by_itself(core: &mut Core, name: &str) {
    let intent = &core.gateway.intents[name];
    let appointment = intent.appointment;
    if intent.charge.as_ref().is_some_and(|charge| charge.transfers.is_empty()) {
        core.gateway.released_by_itself.insert(appointment);
        // Nothing may be left.
        drop(release(core, name, format!("{name}:by_itself")));
    }
}

/// Takes a part of a share back, of which `amount` is net of `fee`.
pub(super) fn take_back(core: &mut Core, name: &str, place: usize, (amount, fee): (u64, u64), key: String) {
    let object = core.gateway.object("trr");
    set(core, name, |intent| {
        let Some(charge) = &mut intent.charge else { return };
        let transfer = &mut charge.transfers[place];
        transfer.left -= amount;
        transfer.fee_left = transfer.fee_left.saturating_sub(fee);
        transfer.reversals.push(Some(key.clone()));
    });
    record_apart(core, name, MovementKind::Reversal, amount + fee, &object, Some(key.clone()));
    record_apart(core, name, MovementKind::FeeRefund, fee, &object, Some(key));
}
