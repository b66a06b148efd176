//! The payment gateway port. Each HTTP request is a separate call, as in `providers::stripe`.

use std::sync::Arc;

use app::payments::ports::{
    self, AccountState, Buyer, Charges, ConnectedAccounts, FetchedPayment, Gateway, Headers, OnboardingPage,
    Opened, PayWith, Payouts, RefundOrder, WebhookError, WebhookEvent, Webhooks,
};
use async_trait::async_trait;
use domain::TimeSpan;
use domain::payments::gateway::{Capabilities, GatewayKind};
use domain::payments::payment::{Payment, PaymentSnapshot, References, Share};

use super::orders::{
    create_charge, create_refund, fee_returned, pay_out, release, release_authorization, reverse,
    secure_payment, set, take_back, transfer,
};
use super::*;
use crate::call::{Kind, call};
use crate::core::Shared;

/// The number of payouts in a response.
const LATEST: usize = 100;

/// The payment gateway port.
pub struct SimGateway(pub Shared);

fn on_lost<T>(why: &'static str) -> Result<T, GatewayError> {
    Err(GatewayError::Unavailable(why.to_owned()))
}

fn key(payment: &Payment, step: &str, number: impl std::fmt::Display) -> String {
    format!("{}:{step}:{number}:{}", payment.appointment, payment.refusals)
}

fn saved_card_key(payment: &Payment, intents: u16) -> String {
    key(payment, "saved", intents)
}

fn reference(reference: Option<&String>) -> Result<String, GatewayError> {
    match reference {
        Some(reference) => Ok(reference.clone()),
        None => refuse("missing_reference", "the payment has no such reference"),
    }
}

fn server_error() -> GatewayError {
    GatewayError::Failed("status 500".to_owned())
}

/// Runs a request under an idempotency key: a repeated key gets the stored response for a day, including a failure.
fn with_idempotency_key(
    core: &mut Core,
    key: &str,
    asked: String,
    act: impl FnOnce(&mut Core) -> Result<String, GatewayError>,
) -> Result<String, GatewayError> {
    let now = core.instant();
    let key = key.to_owned();
    if let Some(stored) = core.gateway.keys.get(&key).filter(|stored| now < stored.at.plus(KEY_RETENTION)) {
        if stored.asked != asked {
            let message = format!("{key} was used for another request: {} and now {asked}", stored.asked);
            return Err(GatewayError::NotNow { code: "idempotency_error".to_owned(), message });
        }
        return stored.answer.clone();
    }
    let fails = core.injected_fault.is_none() && core.rng.happens(core.faults.stored_failure);
    let answer = match fails.then(|| core.rng.happens(5_000)) {
        None => act(core),
        Some(acted) => {
            core.log(|| format!("    status 500 for {key}, acted: {acted}"));
            if acted {
                // The caller never sees this result.
                drop(act(core));
            }
            Err(server_error())
        }
    };
    core.gateway.keys.insert(key, Stored { at: now, asked, answer: answer.clone() });
    answer
}

fn check_enabled(core: &Core, account: &str) -> Result<(), GatewayError> {
    match core.gateway.accounts.get(account) {
        Some(account) if account.charges_enabled => Ok(()),
        _ => refuse("account_invalid", "the account cannot be paid"),
    }
}

fn account_state(core: &Core, id: &str) -> Result<AccountState, GatewayError> {
    let Some(account) = core.gateway.accounts.get(id) else { return refuse("resource_missing", id) };
    Ok(AccountState {
        id: id.to_owned(),
        charges_enabled: account.charges_enabled,
        payouts_enabled: account.charges_enabled,
        requirements_due: Vec::new(),
        disabled_reason: (!account.charges_enabled).then(|| "requirements.past_due".to_owned()),
    })
}

fn pay_with(status: IntentStatus, name: &str) -> PayWith {
    match status {
        IntentStatus::Open => PayWith::ClientSecret(name.to_owned()),
        _ => PayWith::None,
    }
}

impl SimGateway {
    /// Its ports: it can do everything but calculate taxes.
    pub fn ports(self) -> Gateway {
        let gateway = Arc::new(self);
        Gateway {
            kind: GatewayKind::Stripe,
            charges: gateway.clone(),
            accounts: gateway.clone(),
            webhooks: gateway.clone(),
            payouts: Some(gateway.clone()),
            books: Some(gateway),
            tax_service: None,
        }
    }

    async fn get<T: Send + 'static>(
        &self,
        label: impl FnOnce() -> String,
        act: impl FnOnce(&mut Core) -> Result<T, GatewayError> + Send + 'static,
    ) -> Result<T, GatewayError> {
        call(&self.0, Kind::Read, label, on_lost, act).await
    }

    async fn post<T: Send + 'static>(
        &self,
        label: impl FnOnce() -> String,
        act: impl FnOnce(&mut Core) -> Result<T, GatewayError> + Send + 'static,
    ) -> Result<T, GatewayError> {
        call(&self.0, Kind::Write, label, on_lost, act).await
    }

    /// Finds the intent that was created with a key that the gateway may have forgotten. Requires a customer to search by.
    async fn find_intent_by_key(
        &self,
        payment: &Payment,
        what: String,
        key: impl Fn(&str) -> bool + Send + 'static,
    ) -> Result<Option<String>, GatewayError> {
        if payment.references.customer.is_none() {
            return Ok(None);
        }
        self.get(
            || format!("gateway: list intents, for {what}"),
            move |core| {
                if core.mutant == "unrecorded_intents_are_hidden" {
                    return Ok(None);
                }
                let made = core.gateway.intents.iter().find(|(_, intent)| key(&intent.key));
                Ok(made.map(|(name, _)| name.clone()))
            },
        )
        .await
    }

    async fn read_intent(
        &self,
        name: String,
        unrecorded_intent: Option<String>,
        released_at: Option<Timestamp>,
    ) -> Result<FetchedPayment, GatewayError> {
        let asked = name.clone();
        let (status, decline, mut movements, disputed) = self
            .get(
                || format!("gateway: read {name}"),
                move |core| {
                    let Some(intent) = core.gateway.intents.get(&asked) else {
                        return refuse("resource_missing", &asked);
                    };
                    let mut status = intent.status;
                    if core.mutant == "processing_debit_counts_as_paid" && status == IntentStatus::Processing
                    {
                        status = IntentStatus::Succeeded;
                    }
                    let hides = core.mutant == "failed_refunds_are_hidden";
                    let snapshot = intent
                        .movements
                        .iter()
                        .filter(|(one, apart)| !(*apart || hides && one.kind == MovementKind::RefundFailed));
                    let movements: Vec<Movement> = snapshot.map(|(movement, _)| movement.clone()).collect();
                    let held = intent.payout_timing == PayoutTiming::AfterSession;
                    let disputed = intent.charge.as_ref().is_some_and(|charge| {
                        held || !charge.disputes.is_empty()
                            || charge.refunds.iter().any(|refund| refund.failed)
                    });
                    Ok((status, intent.decline, movements, disputed))
                },
            )
            .await?;
        let (mut open_dispute, mut lost_dispute, mut releases_at) = (false, false, None);
        if disputed {
            let asked = name.clone();
            let (apart, open, lost, held_until) = self
                .get(
                    || format!("gateway: read the disputes and transfers of {name}"),
                    move |core| {
                        let now = core.instant();
                        let intent = &core.gateway.intents[&asked];
                        let releases_at = intent.charge.as_ref().and_then(|charge| charge.releases_at);
                        let held_until = releases_at.filter(|at| released_at.is_none() && now < *at);
                        // It does not show that it has released what it held.
                        let is_hidden = |movement: &Movement| {
                            held_until.is_some() && [movement.from, movement.to].contains(&Account::Expert)
                        };
                        let movements = intent.movements.iter();
                        let movements = movements.filter(|(one, apart)| *apart && !is_hidden(one));
                        let open = core.gateway.has_open_dispute(intent.appointment);
                        let lost = core.gateway.has_lost_dispute(intent.appointment);
                        let movements = movements.map(|(movement, _)| movement.clone());
                        Ok((movements.collect::<Vec<_>>(), open, lost, held_until))
                    },
                )
                .await?;
            movements.extend(apart);
            (open_dispute, lost_dispute, releases_at) = (open, lost, held_until);
        }
        movements.sort_by_key(|movement| movement.at);
        // Each payment is made with another card.
        let paid_with = Some(name.clone());
        let snapshot = PaymentSnapshot {
            status,
            movements,
            open_dispute,
            lost_dispute,
            decline,
            paid_with,
            releases_at,
        };
        Ok(FetchedPayment { snapshot, pay_with: pay_with(status, &name), unrecorded_intent })
    }
}

#[async_trait]
impl Charges for SimGateway {
    fn capabilities(&self) -> Capabilities {
        let releases_whole = self.0.lock().gateway.releases_whole;
        Capabilities {
            authorization_validity: AUTHORIZATION_HOLDS,
            saved_card_authorization_validity: Some(LATER_AUTHORIZATION_HOLDS),
            requires_completion: false,
            supports_transfers: !releases_whole,
            refunds_after_dispute: false,
            hold_period: Some(if releases_whole { RELEASED_AFTER - 2 * DAY } else { 90 * DAY }),
            refund_period: None,
        }
    }

    async fn open(&self, payment: &Payment, _: &Buyer<'_>) -> Result<Opened, GatewayError> {
        let Payment { appointment, destination, amount, payout_timing, plan, .. } = payment.clone();
        if plan == Plan::SaveCard {
            let made = key(payment, "setup", payment.intent_number);
            let name = self
                .post(|| format!("gateway: open {made}"), {
                    let made = made.clone();
                    move |core| {
                        with_idempotency_key(core, &made, String::new(), |core| {
                            check_enabled(core, &destination)?;
                            let name = core.gateway.object("seti");
                            let status = IntentStatus::Open;
                            let setup = Setup { appointment, status, decline: None };
                            core.gateway.setups.insert(name.clone(), setup);
                            Ok(name)
                        })
                    }
                })
                .await?;
            let customer = Some(format!("cus_{appointment}"));
            let references = References { setup: Some(name.clone()), customer, intent: None };
            return Ok(Opened { references, pay_with: pay_with(IntentStatus::Open, &name) });
        }
        let made = key(payment, "intent", payment.intent_number);
        let before = match payment.intent_number {
            0 | 1 => None,
            _ => {
                let wanted = made.clone();
                self.find_intent_by_key(payment, made.clone(), move |key| key == wanted).await?
            }
        };
        let fee = payment.fee();
        let name = match before {
            Some(name) => name,
            None => {
                self.post(|| format!("gateway: open {made}"), {
                    let made = made.clone();
                    move |core| {
                        with_idempotency_key(core, &made, format!("{amount} {plan:?}"), |core| {
                            check_enabled(core, &destination)?;
                            let to = (&*destination, payout_timing);
                            Ok(new_intent(core, appointment, to, plan, (amount, fee), made.clone()))
                        })
                    }
                })
                .await?
            }
        };
        let references = References { intent: Some(name.clone()), ..payment.references.clone() };
        Ok(Opened { references, pay_with: pay_with(IntentStatus::Open, &name) })
    }

    async fn fetch_payment(&self, payment: &Payment) -> Result<FetchedPayment, GatewayError> {
        let References { intent, setup, .. } = &payment.references;
        if let Some(intent) = intent {
            return self.read_intent(intent.clone(), None, payment.released_at).await;
        }
        let Some(setup) = setup else { return Ok(FetchedPayment::missing()) };
        let name = setup.clone();
        let (status, decline) = self
            .get(
                || format!("gateway: read {setup}"),
                move |core| match core.gateway.setups.get(&name) {
                    Some(setup) => Ok((setup.status, setup.decline)),
                    None => refuse("resource_missing", &name),
                },
            )
            .await?;
        if status == IntentStatus::CardSaved {
            // Includes attempts that were refused in the meantime.
            let asked = format!("{}:saved:{}:", payment.appointment, payment.intent_number.saturating_add(1));
            let wanted = asked.clone();
            if let Some(intent) =
                self.find_intent_by_key(payment, asked, move |key| key.starts_with(&wanted)).await?
            {
                return self.read_intent(intent.clone(), Some(intent), payment.released_at).await;
            }
        }
        let snapshot = PaymentSnapshot {
            status,
            movements: Vec::new(),
            open_dispute: false,
            lost_dispute: false,
            decline,
            paid_with: None,
            releases_at: None,
        };
        Ok(FetchedPayment { snapshot, pay_with: pay_with(status, setup), unrecorded_intent: None })
    }

    async fn complete_approved(&self, _: &Payment) -> Result<ports::Completion, GatewayError> {
        Ok(ports::Completion::Done)
    }

    async fn charge_saved_card(
        &self,
        payment: &Payment,
        amount: Money,
        at_once: bool,
    ) -> Result<String, GatewayError> {
        let made = saved_card_key(payment, payment.intent_number);
        let setup = reference(payment.references.setup.as_ref())?;
        let (appointment, destination) = (payment.appointment, payment.destination.clone());
        let payout_timing = payment.payout_timing;
        let fee = amount.apply_rate(payment.fee_rate);
        let read = setup.clone();
        self.get(
            || format!("gateway: read {setup}"),
            move |core| match core.gateway.setups.get(&read).map(|setup| setup.status) {
                Some(IntentStatus::CardSaved) => Ok(()),
                _ => refuse("no_saved_card", &read),
            },
        )
        .await?;
        self.post(|| format!("gateway: charge {amount} to the saved card, {made}"), {
            let made = made.clone();
            move |core| {
                with_idempotency_key(core, &made, format!("{amount} {at_once}"), |core| {
                    if let Err(no) = check_enabled(core, &destination) {
                        core.gateway.uncollectable.insert(appointment);
                        return Err(no);
                    }
                    let saved = core.gateway.setups.get(&setup).map(|setup| setup.status);
                    if saved != Some(IntentStatus::CardSaved) {
                        return refuse("payment_method_unexpected_state", "the card was detached");
                    }
                    if let Err(error) = amount.check_charge() {
                        return refuse("amount_too_small", &error.to_string());
                    }
                    let plan = if at_once { Plan::Charge } else { Plan::Authorize };
                    let to = (&*destination, payout_timing);
                    let name = new_intent(core, appointment, to, plan, (amount, fee), made.clone());
                    if core.rng.happens(core.faults.declined_card) {
                        let decline = *core.rng.pick(&[Decline::AuthenticationRequired, Decline::Refused]);
                        set(core, &name, |intent| intent.decline = Some(decline));
                        send_declined_webhook(core, &name);
                    } else {
                        secure_payment(core, &name, LATER_AUTHORIZATION_HOLDS);
                        send_payment_webhook(core, &name);
                    }
                    Ok(name)
                })
            }
        })
        .await
    }

    async fn cancel(&self, payment: &Payment) -> Result<(), GatewayError> {
        if let Some(intent) = payment.references.intent.clone() {
            self.post(|| format!("gateway: cancel {intent}"), {
                let intent = intent.clone();
                move |core| {
                    let Some(status) = core.gateway.intents.get(&intent).map(|intent| intent.status) else {
                        return refuse("resource_missing", &intent);
                    };
                    let open = matches!(status, IntentStatus::Open | IntentStatus::Authorized { .. });
                    if open && core.mutant != "cancel_intent_does_nothing" {
                        release_authorization(core, &intent);
                        send_payment_webhook(core, &intent);
                    }
                    Ok(())
                }
            })
            .await?;
        }
        if let Some(setup) = payment.references.setup.clone() {
            self.post(|| format!("gateway: cancel {setup} and detach its card"), {
                let setup = setup.clone();
                move |core| {
                    if let Some(setup) = core.gateway.setups.get_mut(&setup) {
                        setup.status = IntentStatus::Cancelled;
                    }
                    Ok(())
                }
            })
            .await?;
        }
        Ok(())
    }

    async fn capture(&self, payment: &Payment, amount: Money, fee: Money) -> Result<(), GatewayError> {
        let intent = reference(payment.references.intent.as_ref())?;
        let ordered = key(payment, "capture", payment.intent_number);
        let appointment = payment.appointment;
        self.post(|| format!("gateway: capture {amount} of {intent}, {ordered}"), {
            let (intent, ordered) = (intent.clone(), ordered.clone());
            move |core| {
                let whole = core.gateway.intents.get(&intent).map_or(amount, |intent| intent.amount);
                let amount = if core.mutant == "capture_takes_everything" { whole } else { amount };
                with_idempotency_key(core, &ordered, format!("{amount} {fee}"), |core| {
                    core.gateway.refusal(appointment, OrderKind::Capture)?;
                    let Some(found) = core.gateway.intents.get(&intent) else {
                        return refuse("resource_missing", &intent);
                    };
                    if !matches!(found.status, IntentStatus::Authorized { .. }) {
                        // The adapter treats this as done and reads the intent again.
                        return Ok(intent.clone());
                    }
                    if amount.is_zero() || amount.amount() > found.amount.amount() {
                        return refuse("amount_too_large", "more than is authorized, or nothing");
                    }
                    set(core, &intent, |found| found.capture_key = Some(ordered.clone()));
                    create_charge(core, &intent, amount.amount(), fee.amount());
                    send_payment_webhook(core, &intent);
                    Ok(intent.clone())
                })
                .map(drop)
            }
        })
        .await
    }

    async fn refund(&self, payment: &Payment, wanted: RefundOrder) -> Result<(), GatewayError> {
        let intent = reference(payment.references.intent.as_ref())?;
        let ordered = key(payment, "refund", wanted.ordinal);
        let amount = wanted.amount.amount();
        let appointment = payment.appointment;
        let (name, sought) = (intent.clone(), ordered.clone());
        let found = self
            .get(
                || format!("gateway: read {intent}"),
                move |core| {
                    let Some(charge) =
                        core.gateway.intents.get(&name).and_then(|intent| intent.charge.as_ref())
                    else {
                        return Ok(None);
                    };
                    let given = charge.refunds.iter().any(|refund| refund.key.as_ref() == Some(&sought));
                    let from_expert = wanted.from_expert
                        && charge.transfers.first().is_some_and(|transfer| transfer.left >= amount);
                    let with_fee = from_expert && charge.fee > charge.fee_back;
                    Ok((!given).then_some((from_expert, with_fee)))
                },
            )
            .await?;
        let Some((from_expert, with_fee)) = found else { return Ok(()) };
        self.post(
            || format!("gateway: refund {amount} of {intent}, from the expert: {from_expert}, {ordered}"),
            {
                let (name, ordered) = (intent.clone(), ordered.clone());
                move |core| {
                    let asked = format!("{amount} {from_expert} {with_fee}");
                    with_idempotency_key(core, &ordered.clone(), asked, |core| {
                        core.gateway.refusal(appointment, OrderKind::Refund)?;
                        let again = core.mutant == "refund_retry_has_no_key" && core.rng.happens(3_000);
                        let given = create_refund(
                            core,
                            &name,
                            (amount, from_expert, with_fee),
                            Some(ordered.clone()),
                        );
                        if again && given.is_ok() {
                            // Without a key the gateway cannot recognize the repetition.
                            drop(create_refund(core, &name, (amount, from_expert, with_fee), Some(ordered)));
                        }
                        given
                    })
                    .map(drop)
                }
            },
        )
        .await
    }

    async fn reverse(
        &self,
        payment: &Payment,
        amount: Money,
        with_fee: bool,
        ordinal: u32,
    ) -> Result<(), GatewayError> {
        let intent = reference(payment.references.intent.as_ref())?;
        let ordered = key(payment, "reversal", ordinal);
        let appointment = payment.appointment;
        let wanted = amount.amount();
        let (name, sought) = (intent.clone(), ordered.clone());
        let chosen = self
            .get(
                || format!("gateway: read {intent}"),
                move |core| {
                    let Some(charge) =
                        core.gateway.intents.get(&name).and_then(|intent| intent.charge.as_ref())
                    else {
                        return refuse("nothing_to_reverse", &name);
                    };
                    let mut reversals = charge.transfers.iter().flat_map(|transfer| &transfer.reversals);
                    if reversals.any(|key| key.as_ref() == Some(&sought)) {
                        return Ok(None);
                    }
                    let enough = charge.transfers.iter().rposition(|transfer| transfer.left >= wanted);
                    let fullest =
                        charge.transfers.iter().enumerate().max_by_key(|(_, transfer)| transfer.left);
                    let Some(place) = enough.or(fullest.map(|(place, _)| place)) else { return Ok(None) };
                    let left = charge.transfers[place].left;
                    if left == 0 {
                        return refuse("nothing_to_reverse", &name);
                    }
                    let with_fee = with_fee && place == 0 && charge.fee > charge.fee_back;
                    Ok(Some((place, wanted.min(left), with_fee)))
                },
            )
            .await?;
        let Some((place, part, with_fee)) = chosen else { return Ok(()) };
        self.post(|| format!("gateway: reverse {part} of {intent}, with the fee: {with_fee}, {ordered}"), {
            let (name, ordered) = (intent.clone(), ordered.clone());
            move |core| {
                let asked = format!("{place} {part} {with_fee}");
                with_idempotency_key(core, &ordered.clone(), asked, |core| {
                    core.gateway.refusal(appointment, OrderKind::Reversal)?;
                    let left = core.gateway.intents[&name]
                        .charge
                        .as_ref()
                        .map_or(0, |charge| charge.transfers[place].left);
                    if left < part {
                        return refuse("amount_too_large", "more than is left of the transfer");
                    }
                    let charge = core.gateway.intents[&name].charge.as_ref();
                    let fee = charge.map_or(0, |charge| fee_returned(charge, part, with_fee));
                    core.gateway.check_balance(&name, part - fee)?;
                    reverse(core, &name, place, (part, with_fee), Some(ordered), true);
                    Ok(name.clone())
                })
                .map(drop)
            }
        })
        .await
    }

    async fn transfer(&self, payment: &Payment, amount: Money, ordinal: u32) -> Result<(), GatewayError> {
        let intent = reference(payment.references.intent.as_ref())?;
        let ordered = key(payment, "transfer", ordinal);
        let appointment = payment.appointment;
        let amount = amount.amount();
        let (name, sought) = (intent.clone(), ordered.clone());
        let given = self
            .get(
                || format!("gateway: list the transfers of {intent}"),
                move |core| {
                    let charge = core.gateway.intents.get(&name).and_then(|intent| intent.charge.as_ref());
                    let mut transfers = charge.iter().flat_map(|charge| &charge.transfers);
                    let given = transfers.any(|transfer| transfer.key.as_ref() == Some(&sought));
                    Ok(given)
                },
            )
            .await?;
        if given {
            return Ok(());
        }
        self.post(|| format!("gateway: transfer {amount} again, {ordered}"), {
            let (name, ordered) = (intent.clone(), ordered.clone());
            move |core| {
                with_idempotency_key(core, &ordered.clone(), format!("{amount}"), |core| {
                    core.gateway.refusal(appointment, OrderKind::Transfer)?;
                    transfer(core, &name, amount, ordered);
                    Ok(name.clone())
                })
                .map(drop)
            }
        })
        .await
    }

    async fn pay_out(&self, payment: &Payment, share: Share, ordinal: u32) -> Result<(), GatewayError> {
        let intent = reference(payment.references.intent.as_ref())?;
        let ordered = key(payment, "transfer", ordinal);
        if !self.capabilities().supports_transfers {
            let appointment = payment.appointment;
            return self
                .post(|| format!("gateway: release what is held of {intent}, {ordered}"), {
                    let (name, ordered) = (intent.clone(), ordered.clone());
                    move |core| {
                        with_idempotency_key(core, &ordered.clone(), String::new(), |core| {
                            core.gateway.refusal(appointment, OrderKind::Transfer)?;
                            release(core, &name, ordered)?;
                            Ok(name.clone())
                        })
                        .map(drop)
                    }
                })
                .await;
        }
        let (appointment, destination) = (payment.appointment, payment.destination.clone());
        let (name, sought) = (intent.clone(), ordered.clone());
        let sent = self
            .get(
                || format!("gateway: read {intent} and its transfers"),
                move |core| {
                    let charge = core.gateway.intents.get(&name).and_then(|intent| intent.charge.as_ref());
                    let mut transfers = charge.iter().flat_map(|charge| &charge.transfers);
                    Ok(transfers.any(|transfer| transfer.key.as_ref() == Some(&sought)))
                },
            )
            .await?;
        if sent {
            return Ok(());
        }
        let Share { amount, fee } = share;
        self.post(|| format!("gateway: pay out {amount} without {fee}, {ordered}"), {
            let (name, ordered) = (intent.clone(), ordered.clone());
            move |core| {
                with_idempotency_key(core, &ordered.clone(), format!("{amount} {fee}"), |core| {
                    core.gateway.refusal(appointment, OrderKind::Transfer)?;
                    check_enabled(core, &destination)?;
                    pay_out(core, &name, share, ordered)?;
                    send_payment_webhook(core, &name);
                    Ok(name.clone())
                })
                .map(drop)
            }
        })
        .await
    }

    async fn take_back(&self, payment: &Payment, share: Share, ordinal: u32) -> Result<(), GatewayError> {
        let intent = reference(payment.references.intent.as_ref())?;
        let ordered = key(payment, "reversal", ordinal);
        let appointment = payment.appointment;
        let wanted = (share.net().amount(), share.fee.amount());
        let (name, sought) = (intent.clone(), ordered.clone());
        let chosen = self
            .get(
                || format!("gateway: read {intent} and its transfers"),
                move |core| {
                    let charge = core.gateway.intents.get(&name).and_then(|intent| intent.charge.as_ref());
                    let transfers = charge.map_or(&[][..], |charge| &charge.transfers);
                    let mut reversals = transfers.iter().flat_map(|transfer| &transfer.reversals);
                    if reversals.any(|key| key.as_ref() == Some(&sought)) {
                        return Ok(None);
                    }
                    if let Some(place) = transfers.iter().rposition(|transfer| transfer.left >= wanted.0) {
                        return Ok(Some((place, wanted)));
                    }
                    let most = transfers.iter().enumerate().max_by_key(|(_, transfer)| transfer.left);
                    match most.filter(|(_, transfer)| transfer.left > 0) {
                        Some((place, transfer)) => Ok(Some((place, (transfer.left, transfer.fee_left)))),
                        None => refuse("nothing_to_reverse", &name),
                    }
                },
            )
            .await?;
        let Some((place, part)) = chosen else { return Ok(()) };
        self.post(|| format!("gateway: take {part:?} of {intent} back, {ordered}"), {
            let (name, ordered) = (intent.clone(), ordered.clone());
            move |core| {
                with_idempotency_key(core, &ordered.clone(), format!("{place} {part:?}"), |core| {
                    core.gateway.refusal(appointment, OrderKind::Reversal)?;
                    let charge = core.gateway.intents[&name].charge.as_ref();
                    let left = charge.map_or(0, |charge| charge.transfers[place].left);
                    if left < part.0 {
                        return refuse("amount_too_large", "more than is left of the transfer");
                    }
                    core.gateway.check_balance(&name, part.0)?;
                    take_back(core, &name, place, part, ordered);
                    Ok(name.clone())
                })
                .map(drop)
            }
        })
        .await
    }
}

#[async_trait]
impl ConnectedAccounts for SimGateway {
    async fn create_account(&self, expert: ExpertId) -> Result<AccountState, GatewayError> {
        self.post(
            || format!("gateway: create an account for {expert}"),
            move |core| {
                let id = with_idempotency_key(core, &format!("{expert}:account"), String::new(), |core| {
                    let id = core.gateway.object("acct");
                    let account =
                        SimAccount { expert, charges_enabled: false, payouts: Vec::new(), balance: 0 };
                    core.gateway.accounts.insert(id.clone(), account);
                    Ok(id)
                })?;
                account_state(core, &id)
            },
        )
        .await
    }

    async fn read_account(&self, account: &str) -> Result<AccountState, GatewayError> {
        let id = account.to_owned();
        self.get(|| format!("gateway: read {account}"), move |core| account_state(core, &id)).await
    }

    async fn onboarding_page(&self, account: &str, _: &str, _: &str) -> Result<OnboardingPage, GatewayError> {
        let url = format!("https://gateway.example/{account}");
        self.post(
            || format!("gateway: a page for {account}"),
            move |core| Ok(OnboardingPage { url, expires_at: core.instant().plus(300) }),
        )
        .await
    }
}

#[async_trait]
impl Payouts for SimGateway {
    async fn payouts(&self, account: &str) -> Result<Vec<Movement>, GatewayError> {
        let id = account.to_owned();
        self.get(
            || format!("gateway: list the payouts of {account}"),
            move |core| {
                let payouts = core.gateway.accounts.get(&id).map_or(&[][..], |account| &account.payouts);
                Ok(payouts[payouts.len().saturating_sub(LATEST)..].to_vec())
            },
        )
        .await
    }
}

#[async_trait]
impl ports::Books for SimGateway {
    async fn book_lines(&self, written: TimeSpan) -> Result<Vec<BookLine>, GatewayError> {
        self.get(
            || format!("gateway: read the books of {written:?}"),
            move |core| {
                let lines = core.gateway.lines.iter().filter(|line| written.contains(line.at));
                Ok(lines.cloned().collect())
            },
        )
        .await
    }
}

#[async_trait]
impl Webhooks for SimGateway {
    async fn read_webhook(
        &self,
        _: &Headers<'_>,
        body: &[u8],
        _: Timestamp,
    ) -> Result<WebhookEvent, WebhookError> {
        let text = String::from_utf8_lossy(body);
        let invalid = || WebhookError::Body("not a message".to_owned());
        let mut parts = text.split('|');
        let (id, kind, name) = (parts.next(), parts.next(), parts.next());
        let name = name.ok_or_else(invalid)?.to_owned();
        let subject = match kind {
            Some("payment") => WebhookSubject::Payment { appointment: name.parse().map_err(|_| invalid())? },
            Some("declined") => {
                WebhookSubject::DeclinedPayment { appointment: name.parse().map_err(|_| invalid())? }
            }
            Some("account") => WebhookSubject::Account { account: name },
            Some("payouts") => WebhookSubject::Payouts { account: name },
            _ => WebhookSubject::Nothing,
        };
        Ok(WebhookEvent { id: id.ok_or_else(invalid)?.to_owned(), subject })
    }
}

fn new_intent(
    core: &mut Core,
    appointment: AppointmentId,
    (account, payout_timing): (&str, PayoutTiming),
    plan: Plan,
    (amount, fee): (Money, Money),
    key: String,
) -> String {
    let name = core.gateway.object("pi");
    let intent = Intent {
        appointment,
        account: account.to_owned(),
        payout_timing,
        plan,
        amount,
        fee,
        status: IntentStatus::Open,
        decline: None,
        key,
        capture_key: None,
        charge: None,
        movements: Vec::new(),
    };
    core.gateway.intents.insert(name.clone(), intent);
    name
}
