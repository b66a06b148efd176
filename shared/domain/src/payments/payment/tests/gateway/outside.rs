//! Events at the gateway that the platform does not initiate: by clients, banks and users of the gateway's dashboard.

use super::*;

/// An event that the platform does not initiate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::payments::payment) enum Outside {
    ClientPays,
    /// With a payment method that takes days.
    ClientPaysSlowly,
    DebitArrives,
    DebitFails,
    AuthorizationEnds,
    CardBecomes(Card),
    /// Requests are refused from now on, or no longer.
    GatewayRefuses(Option<OrderKind>),
    /// Of the refunds that the client's bank has accepted.
    LastRefundFails,
    BankAsks,
    BankIsContent,
    DisputeOpens {
        percent: u8,
    },
    DisputeWon,
    /// A part is returned, and the rest is lost.
    DisputePartlyWon {
        percent: u8,
    },
    DisputeLost,
    /// A person, in the gateway's dashboard.
    SomebodyRefunds {
        percent: u8,
        from_expert: bool,
    },
    SomebodyCancelsTheIntent,
}

impl ModelGateway {
    /// Applies an event. Returns whether it was possible.
    pub(in crate::payments::payment) fn apply(
        &mut self,
        what: Outside,
        payment: &Payment,
        now: Timestamp,
    ) -> bool {
        self.release_expired(|before| before <= now);
        let at_hand = self.current_intent(payment);
        let status = at_hand.map(|intent| self.intents[intent].status);
        match (what, at_hand, status) {
            (Outside::CardBecomes(card), ..) => self.card = card,
            (Outside::GatewayRefuses(order), ..) => self.refuses = order,
            (Outside::ClientPays, Some(intent), Some(IntentStatus::Open)) => {
                if self.asks_first && self.intents[intent].plan != Plan::SaveCard {
                    self.intents[intent].status = IntentStatus::Approved;
                } else {
                    self.approved(intent, self.capabilities.authorization_validity, now);
                }
            }
            (Outside::ClientPaysSlowly, Some(intent), Some(IntentStatus::Open))
                if self.intents[intent].plan == Plan::Charge =>
            {
                self.intents[intent].status = IntentStatus::Processing;
            }
            (Outside::DebitArrives, Some(intent), Some(IntentStatus::Processing)) => {
                self.approved(intent, 0, now)
            }
            (Outside::DebitFails, Some(intent), Some(IntentStatus::Processing)) => {
                self.intents[intent].status = IntentStatus::Open;
                self.intents[intent].decline = Some(Decline::InsufficientFunds);
            }
            (Outside::AuthorizationEnds, Some(_), Some(IntentStatus::Authorized { .. })) => {
                self.release_expired(|_| true)
            }
            (
                Outside::SomebodyCancelsTheIntent,
                Some(intent),
                Some(IntentStatus::Open | IntentStatus::Approved | IntentStatus::Authorized { .. }),
            ) => self.cancel_intent(intent, now),
            _ => return self.charge.is_some() && self.apply_to_charge(what, now),
        }
        true
    }

    fn apply_to_charge(&mut self, what: Outside, now: Timestamp) -> bool {
        let Some(charge) = &mut self.charge else { return false };
        let (intent, whole) = (charge.intent, self.intents[charge.intent].amount);
        let of = |percent: u8, amount: u64| {
            let whole = whole.with_amount(amount).expect("a part of a payment");
            whole.prorate(percent.into(), 100).amount()
        };
        match what {
            Outside::BankAsks => self.bank_asks = true,
            Outside::BankIsContent => self.bank_asks = false,
            Outside::LastRefundFails => {
                let Some((object, amount, by_others)) = charge.refunds.pop() else { return false };
                charge.refunded -= amount;
                self.taken_by_others -= if by_others { amount } else { 0 };
                self.note(intent, MovementKind::RefundFailed, amount, object, now);
            }
            Outside::SomebodyRefunds { percent, from_expert } => {
                let amount = of(percent, charge.amount - charge.refunded);
                if self.issue_refund(amount, from_expert, true, now).is_err() {
                    return false;
                }
                self.taken_by_others += amount;
            }
            Outside::DisputeOpens { percent } => {
                let amount = of(percent, charge.amount);
                if amount == 0 || charge.disputes.iter().any(|(_, dispute)| *dispute != Dispute::Won) {
                    return false;
                }
                charge.disputes.push((amount, Dispute::Open));
                let object = format!("dp_{}", charge.disputes.len());
                self.taken_by_others += amount;
                self.note(intent, MovementKind::Dispute, amount, object.clone(), now);
                self.note(intent, MovementKind::DisputeFee, 1_500, object, now);
            }
            Outside::DisputeWon | Outside::DisputeLost | Outside::DisputePartlyWon { .. } => {
                let number = charge.disputes.len();
                let Some((amount, dispute @ Dispute::Open)) = charge.disputes.last_mut() else {
                    return false;
                };
                let back = match what {
                    Outside::DisputeWon => *amount,
                    Outside::DisputePartlyWon { percent } => of(percent, *amount),
                    _ => 0,
                };
                *dispute = if back == *amount { Dispute::Won } else { Dispute::Lost };
                self.taken_by_others -= back;
                self.note(intent, MovementKind::DisputeWon, back, format!("dp_{number}"), now);
            }
            _ => return false,
        }
        true
    }
}
