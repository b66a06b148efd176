//! An in-memory payment gateway that moves money like Stripe's destination charges, and the client's bank. If the
//! platform holds the money, it moves like Stripe's separate charges and transfers.
//!
//! A charge pays the platform, which transfers the full amount to the expert and takes its fee back from it. A refund
//! reverses the expert's share only on request; the fee is then returned in proportion to everything reversed so far.
//! A failed refund returns only the platform's money, and so does a won dispute.
//!
//! Sources: <https://docs.stripe.com/connect/destination-charges>, <https://docs.stripe.com/refunds#failed-refunds>,
//! <https://docs.stripe.com/disputes/connect>.

use super::*;

mod outside;

pub(super) use outside::Outside;

/// The result of charging a saved card while the client is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Card {
    Good,
    WantsItsOwner,
    Declines,
    /// The gateway refuses without trying, as for a disabled account.
    NotAsked,
}

/// The gateway refuses a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) &'static str);

/// A snapshot as the platform gets it.
#[derive(Debug, Clone)]
pub(super) struct Fetched {
    pub(super) snapshot: PaymentSnapshot,
    /// The intent of the snapshot, if the platform has not recorded it.
    pub(super) unrecorded_intent: Option<String>,
}

#[derive(Debug, Clone)]
struct Intent {
    name: String,
    plan: Plan,
    amount: Money,
    fee: Money,
    status: IntentStatus,
    decline: Option<Decline>,
}

/// The client's charge, in minor units.
#[derive(Debug, Clone)]
struct Charge {
    intent: usize,
    amount: u64,
    refunded: u64,
    fee: u64,
    fee_back: u64,
    /// The amount reversed together with its fee.
    reversed_with_fee: u64,
    /// What is left of each transfer, beginning with the charge's own.
    transfers: Vec<u64>,
    /// What is left of each share that was paid out of money that the platform holds: the amount and the fee on it.
    shares: Vec<(u64, u64)>,
    /// The amount of each dispute, and whether it is open or was won.
    disputes: Vec<(u64, Dispute)>,
    /// Refunds that did not fail: object, amount, and whether someone other than the platform initiated them.
    refunds: Vec<(String, u64, bool)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dispute {
    Open,
    Won,
    Lost,
}

#[derive(Debug, Clone)]
pub(super) struct ModelGateway {
    pub(super) capabilities: Capabilities,
    /// Whether an approved payment must be collected, as with PayPal.
    pub(super) asks_first: bool,
    /// Whether charges stay with the platform, without a transfer of their own.
    pub(super) holds: bool,
    /// Whether it lists everything twice.
    pub(super) stutters: bool,
    pub(super) card: Card,
    /// The requests that the gateway currently refuses.
    pub(super) refuses: Option<OrderKind>,
    /// The amount that others took from the charge: disputes that are not won, and refunds in the dashboard.
    pub(super) taken_by_others: u64,
    /// Whether the client's bank inquires about the charge without having withdrawn anything.
    bank_asks: bool,
    intents: Vec<Intent>,
    charge: Option<Charge>,
    movements: Vec<(usize, Movement)>,
}

fn saved_card_name(intents: u16) -> String {
    format!("pi_saved_{intents}")
}

/// `whole · part / of`, rounded half up.
fn part_of(whole: u64, part: u64, of: u64) -> u64 {
    (2 * whole * part + of) / (2 * of)
}

impl ModelGateway {
    pub(super) fn new(capabilities: Capabilities) -> Self {
        Self {
            capabilities,
            asks_first: false,
            holds: false,
            stutters: false,
            card: Card::Good,
            refuses: None,
            taken_by_others: 0,
            bank_asks: false,
            intents: Vec::new(),
            charge: None,
            movements: Vec::new(),
        }
    }

    /// All movements.
    pub(super) fn movements(&self) -> impl Iterator<Item = &Movement> {
        self.movements.iter().map(|(_, movement)| movement)
    }

    pub(super) fn has_open_dispute(&self) -> bool {
        let mut disputes = self.charge.iter().flat_map(|charge| &charge.disputes);
        self.bank_asks || disputes.any(|(_, dispute)| *dispute == Dispute::Open)
    }

    fn has_lost_dispute(&self) -> bool {
        let mut disputes = self.charge.iter().flat_map(|charge| &charge.disputes);
        disputes.any(|(_, dispute)| *dispute == Dispute::Lost)
    }

    pub(super) fn is_processing(&self) -> bool {
        self.intents.iter().any(|intent| intent.status == IntentStatus::Processing)
    }

    /// The snapshot for the identifiers that the platform has recorded.
    pub(super) fn fetch_payment(&mut self, payment: &Payment, now: Timestamp) -> Fetched {
        self.release_expired(|before| before <= now);
        let unrecorded_intent = self.unrecorded_intent(payment);
        let Some(at_hand) = unrecorded_intent.or(self.current_intent(payment)) else {
            let status = IntentStatus::Missing;
            let snapshot = PaymentSnapshot {
                status,
                movements: vec![],
                open_dispute: false,
                lost_dispute: false,
                decline: None,
                paid_with: None,
                releases_at: None,
            };
            return Fetched { snapshot, unrecorded_intent: None };
        };
        let of_it = self.movements.iter().filter(|(intent, _)| *intent == at_hand);
        let mut movements: Vec<Movement> = of_it.map(|(_, movement)| movement.clone()).collect();
        if self.stutters {
            movements.extend(movements.clone());
        }
        let Intent { status, decline, .. } = self.intents[at_hand];
        let (open_dispute, lost_dispute) = (self.has_open_dispute(), self.has_lost_dispute());
        let snapshot = PaymentSnapshot {
            status,
            movements,
            open_dispute,
            lost_dispute,
            decline,
            paid_with: None,
            releases_at: None,
        };
        Fetched {
            snapshot,
            unrecorded_intent: unrecorded_intent.map(|intent| self.intents[intent].name.clone()),
        }
    }

    /// The intent of a saved card that the platform could not record because it crashed.
    fn unrecorded_intent(&self, payment: &Payment) -> Option<usize> {
        let name = saved_card_name(payment.intent_number + 1);
        let intent = self.intents.iter().position(|intent| intent.name == name);
        intent.filter(|_| payment.references.intent.is_none())
    }

    fn current_intent(&self, payment: &Payment) -> Option<usize> {
        let name = payment.references.intent.as_ref().or(payment.references.setup.as_ref())?;
        self.intents.iter().position(|intent| intent.name == *name)
    }

    /// The bank releases authorized amounts that were not captured in time.
    fn release_expired(&mut self, is_over: impl Fn(Timestamp) -> bool) {
        for intent in 0..self.intents.len() {
            if let IntentStatus::Authorized { capture_before } = self.intents[intent].status
                && is_over(capture_before)
            {
                self.cancel_intent(intent, capture_before);
            }
        }
    }

    fn cancel_intent(&mut self, intent: usize, now: Timestamp) {
        if let IntentStatus::Authorized { .. } = self.intents[intent].status {
            let amount = self.intents[intent].amount.amount();
            self.note(intent, MovementKind::Released, amount, format!("rel_{intent}"), now);
        }
        self.intents[intent].status = IntentStatus::Cancelled;
    }

    fn note(&mut self, intent: usize, kind: MovementKind, amount: u64, object: String, now: Timestamp) {
        let amount = self.intents[intent].amount.with_amount(amount).expect("a part of a payment");
        if !amount.is_zero() {
            self.movements.push((intent, Movement::new(kind, amount, object, now, None)));
        }
    }

    fn object(&self, prefix: &str) -> String {
        format!("{prefix}_{}", self.movements.len())
    }

    /// The client or the saved card approved: captures or authorizes the amount, or saves the card.
    fn approved(&mut self, intent: usize, holds: i64, now: Timestamp) {
        let Intent { plan, amount, fee, .. } = self.intents[intent].clone();
        self.intents[intent].decline = None;
        match plan {
            Plan::SaveCard => self.intents[intent].status = IntentStatus::CardSaved,
            Plan::Authorize => {
                self.intents[intent].status = IntentStatus::Authorized { capture_before: now.plus(holds) };
                self.note(intent, MovementKind::Authorized, amount.amount(), format!("auth_{intent}"), now);
            }
            Plan::Charge => self.charge(intent, amount.amount(), fee.amount(), now),
        }
    }

    fn charge(&mut self, intent: usize, amount: u64, fee: u64, now: Timestamp) {
        assert!(self.charge.is_none(), "the client is charged twice");
        assert!(fee <= amount, "a fee above the charge");
        let object = format!("ch_{intent}");
        self.note(intent, MovementKind::Captured, amount, object.clone(), now);
        if let IntentStatus::Authorized { .. } = self.intents[intent].status {
            let (_, captured) = self.movements.pop().expect("just noted");
            self.movements.push((intent, captured.with_source(Account::Authorized)));
            let rest = self.intents[intent].amount.amount() - amount;
            self.note(intent, MovementKind::Released, rest, format!("rel_{intent}"), now);
        }
        self.note(intent, MovementKind::ProcessingFee, amount / 50 + 1, object.clone(), now);
        if !self.holds {
            self.note(intent, MovementKind::Transfer, amount, format!("tr_{intent}"), now);
            self.note(intent, MovementKind::Fee, fee, format!("fee_{intent}"), now);
        }
        self.intents[intent].status = IntentStatus::Succeeded;
        self.charge = Some(Charge {
            intent,
            amount,
            refunded: 0,
            fee,
            fee_back: 0,
            reversed_with_fee: 0,
            transfers: if self.holds { vec![] } else { vec![amount] },
            shares: vec![],
            disputes: vec![],
            refunds: vec![],
        });
    }

    /// Like `open` of the port: a repeated request with the same number returns the same intent.
    pub(super) fn open(&mut self, payment: &Payment) -> References {
        let plan = payment.plan;
        let name =
            format!("{}_{}", if plan == Plan::SaveCard { "seti" } else { "pi" }, payment.intent_number);
        if !self.intents.iter().any(|intent| intent.name == name) {
            let (amount, fee) = (payment.amount, payment.fee());
            let status = IntentStatus::Open;
            self.intents.push(Intent { name: name.clone(), plan, amount, fee, status, decline: None });
        }
        match plan {
            Plan::SaveCard => References { setup: Some(name), ..payment.references.clone() },
            _ => References { intent: Some(name), ..payment.references.clone() },
        }
    }

    pub(super) fn charge_saved_card(
        &mut self,
        payment: &Payment,
        amount: Money,
        at_once: bool,
        now: Timestamp,
    ) -> Result<String, Refusal> {
        let name = saved_card_name(payment.intent_number);
        assert!(
            !self.intents.iter().any(|intent| intent.name == name),
            "a card is asked twice for one thing"
        );
        if self.card == Card::NotAsked {
            return Err(Refusal("cards cannot be charged now"));
        }
        amount.check_charge().map_err(|_| Refusal("the amount is below the minimum charge"))?;
        let setup = self.intents.iter().find(|intent| intent.status == IntentStatus::CardSaved);
        setup.ok_or(Refusal("no card is saved"))?;
        let plan = if at_once { Plan::Charge } else { Plan::Authorize };
        let (fee, status) = (amount.apply_rate(payment.fee_rate), IntentStatus::Open);
        self.intents.push(Intent { name: name.clone(), plan, amount, fee, status, decline: None });
        let intent = self.intents.len() - 1;
        match self.card {
            Card::Good => {
                let holds = self
                    .capabilities
                    .saved_card_authorization_validity
                    .ok_or(Refusal("cards are not saved"))?;
                self.approved(intent, holds, now);
            }
            Card::WantsItsOwner => self.intents[intent].decline = Some(Decline::AuthenticationRequired),
            Card::Declines | Card::NotAsked => self.intents[intent].decline = Some(Decline::Refused),
        }
        Ok(name)
    }

    pub(super) fn complete_approved(&mut self, payment: &Payment, now: Timestamp) -> Result<(), Refusal> {
        match self.current_intent(payment).filter(|at| self.intents[*at].status == IntentStatus::Approved) {
            Some(intent) => {
                self.approved(intent, self.capabilities.authorization_validity, now);
                Ok(())
            }
            None => Err(Refusal("the client has not approved")),
        }
    }

    /// A captured or processing payment is not cancelled.
    pub(super) fn cancel(&mut self, payment: &Payment, now: Timestamp) {
        use IntentStatus::{Approved, Authorized, CardSaved, Open};
        let Some(intent) = self.current_intent(payment) else { return };
        if matches!(self.intents[intent].status, Open | Approved | CardSaved | Authorized { .. }) {
            self.cancel_intent(intent, now);
        }
    }

    pub(super) fn capture(
        &mut self,
        payment: &Payment,
        amount: Money,
        fee: Money,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let intent = self.current_intent(payment).ok_or(Refusal("there is no intent"))?;
        let Intent { status, amount: set_aside, .. } = self.intents[intent];
        if !matches!(status, IntentStatus::Authorized { .. }) {
            return Err(Refusal("nothing is authorized"));
        }
        if amount.is_zero() || amount.amount() > set_aside.amount() {
            return Err(Refusal("the amount is zero or exceeds the authorization"));
        }
        self.charge(intent, amount.amount(), fee.amount(), now);
        Ok(())
    }

    pub(super) fn refund(&mut self, amount: u64, from_expert: bool, now: Timestamp) -> Result<(), Refusal> {
        self.issue_refund(amount, from_expert, false, now)
    }

    fn issue_refund(
        &mut self,
        amount: u64,
        from_expert: bool,
        by_others: bool,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let charge = self.charge.clone().ok_or(Refusal("nothing was charged"))?;
        if charge.disputes.iter().any(|(_, dispute)| *dispute != Dispute::Won) {
            return Err(Refusal("the charge is disputed"));
        }
        if amount == 0 || amount > charge.amount - charge.refunded {
            return Err(Refusal("the amount is zero or exceeds what is left"));
        }
        if from_expert && charge.transfers.first().is_none_or(|left| *left < amount) {
            return Err(Refusal("the transfer is already reversed"));
        }
        let object = self.object("re");
        self.note(charge.intent, MovementKind::Refund, amount, object.clone(), now);
        if let Some(charge) = &mut self.charge {
            charge.refunded += amount;
            charge.refunds.push((object, amount, by_others));
        }
        if from_expert { self.reverse(amount, true, now) } else { Ok(()) }
    }

    /// Without the fee, reverses the latest transfer that is not fully reversed. With the fee, reverses the charge's
    /// own transfer.
    pub(super) fn reverse(&mut self, amount: u64, with_fee: bool, now: Timestamp) -> Result<(), Refusal> {
        let (object, fee_object) = (self.object("trr"), self.object("fr"));
        let charge = self.charge.as_mut().ok_or(Refusal("nothing was charged"))?;
        let transfer = if with_fee {
            charge.transfers.first_mut()
        } else {
            charge.transfers.iter_mut().rfind(|left| **left > 0)
        };
        let left = transfer.filter(|left| **left > 0).ok_or(Refusal("the transfer is already reversed"))?;
        let amount = if with_fee { amount } else { amount.min(*left) };
        *left = left.checked_sub(amount).ok_or(Refusal("the amount exceeds what is left of the transfer"))?;
        let mut fee_back = 0;
        if with_fee {
            charge.reversed_with_fee += amount;
            let due = part_of(charge.fee, charge.reversed_with_fee, charge.amount);
            fee_back = due.saturating_sub(charge.fee_back);
            charge.fee_back += fee_back;
        }
        let intent = charge.intent;
        self.note(intent, MovementKind::Reversal, amount, object, now);
        self.note(intent, MovementKind::FeeRefund, fee_back, fee_object, now);
        Ok(())
    }

    pub(super) fn transfer(&mut self, amount: u64, now: Timestamp) -> Result<(), Refusal> {
        let object = self.object("tr");
        let charge = self.charge.as_mut().ok_or(Refusal("nothing was charged"))?;
        charge.transfers.push(amount);
        let intent = charge.intent;
        self.note(intent, MovementKind::Transfer, amount, object, now);
        Ok(())
    }

    /// Transfers a share of the charge. The platform keeps its fee on it.
    pub(super) fn pay_out(&mut self, share: Share, now: Timestamp) -> Result<(), Refusal> {
        let object = self.object("tr");
        let charge = self.charge.as_mut().ok_or(Refusal("nothing was charged"))?;
        charge.shares.push((share.amount.amount(), share.fee.amount()));
        let paid_out: u64 = charge.shares.iter().map(|(amount, fee)| amount - fee).sum();
        assert!(paid_out <= charge.amount, "more is paid out than was charged");
        let intent = charge.intent;
        self.note(intent, MovementKind::Transfer, share.amount.amount(), object.clone(), now);
        self.note(intent, MovementKind::Fee, share.fee.amount(), object, now);
        Ok(())
    }

    /// Takes a share back from the latest transfer with enough left, or everything from the one with the most left.
    pub(super) fn take_back(&mut self, share: Share, now: Timestamp) -> Result<(), Refusal> {
        let object = self.object("trr");
        let charge = self.charge.as_mut().ok_or(Refusal("nothing was charged"))?;
        let wanted = (share.amount.amount(), share.fee.amount());
        let net = |(amount, fee): (u64, u64)| amount - fee;
        let enough = charge.shares.iter().rposition(|left| net(*left) >= net(wanted));
        let most = (0..charge.shares.len()).max_by_key(|place| net(charge.shares[*place]));
        let left = &mut charge.shares[enough.or(most).ok_or(Refusal("nothing was paid out"))?];
        let (amount, fee) = if enough.is_some() { wanted } else { *left };
        let rest = net(*left) - net((amount, fee));
        let fee_left = left.1.saturating_sub(fee);
        *left = (rest + fee_left, fee_left);
        let intent = charge.intent;
        self.note(intent, MovementKind::Reversal, amount, object.clone(), now);
        self.note(intent, MovementKind::FeeRefund, fee, object, now);
        Ok(())
    }
}
