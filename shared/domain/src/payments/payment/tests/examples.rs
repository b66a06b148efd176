//! Stories with a name: what is easily done wrong with money that comes back, and what becomes of clients who do not pay.

use super::gateway::{Card, Outside};
use super::platform::Act;
use super::world::{Beginning, Mark, Moment, What, World};
use super::*;
use crate::experts::policy::{CancellationPolicy, Percent, ReschedulePolicy, Tier};
use crate::scheduling::party::Party;
use crate::{Currency, Rate};

/// 100 euros, 10 % of them for the platform; half comes back to a client who calls off.
fn beginning(collection: Collection, days_ahead: i64) -> Beginning {
    let half = Percent::new(50).unwrap();
    Beginning {
        price: Money::new(10_000, Currency::EUR).unwrap(),
        fee_rate: Rate::TEN_PERCENT,
        collection,
        saves_cards: true,
        stutters: false,
        lead: days_ahead * 24 * 60,
        length: 60,
        cancellation: CancellationPolicy {
            tiers: vec![Tier { until_hours_before: 0, refund_percent: half }],
            ..CancellationPolicy::default()
        },
        rescheduling: ReschedulePolicy::default(),
    }
}

/// The client pays 100 euros a day ahead; then this happens.
fn paid(then: &[What]) -> World {
    let pays = [What::Outside(Outside::ClientPays)];
    tell(Collection::ChargeAtBooking, 1, &[&pays, then].concat())
}

/// As it stands once everything was seen, and before anybody decides what is still open.
fn tell(collection: Collection, days_ahead: i64, whats: &[What]) -> World {
    let mut world = World::begin(beginning(collection, days_ahead));
    for what in whats {
        let told = world.happens(Moment::heard(*what));
        told.unwrap_or_else(|wrong| panic!("{wrong}\n{}", world.platform.log.join("\n")));
    }
    world
}

/// What the client gave for good, the expert has, and the platform has before what the gateway took.
fn shares(world: &World) -> [i128; 3] {
    let [client, expert, platform, gateway] =
        [Account::Client, Account::Expert, Account::Platform, Account::Gateway]
            .map(|account| world.balance(account));
    [-client, expert, platform + gateway]
}

fn state(world: &World) -> &PaymentState {
    &world.platform.payment.state
}

const CANCEL: What = What::Act(Act::Cancel(Party::Client));
const DISPUTE: What = What::Outside(Outside::DisputeOpens { percent: 100 });
const PART_DISPUTE: What = What::Outside(Outside::DisputeOpens { percent: 30 });
const WON: What = What::Outside(Outside::DisputeWon);
const LOST: What = What::Outside(Outside::DisputeLost);
const REFUND_FAILS: What = What::Outside(Outside::LastRefundFails);

#[test]
fn each_has_their_part_of_what_is_kept() {
    assert_eq!(shares(&paid(&[])), [10_000, 9_000, 1_000]);
    assert_eq!(shares(&paid(&[CANCEL])), [5_000, 4_500, 500]);
    assert_eq!(shares(&paid(&[What::Act(Act::Cancel(Party::Expert))])), [0, 0, 0]);
    let given = What::Act(Act::GiveBack { percent: 10 });
    assert_eq!(shares(&paid(&[given, given, CANCEL])), [5_000, 4_500, 500]);
}

#[test]
fn a_dispute_takes_the_experts_part_back_and_a_won_one_gives_it_again() {
    assert_eq!(shares(&paid(&[DISPUTE])), [0, 0, 0]);
    assert_eq!(shares(&paid(&[DISPUTE, WON])), [10_000, 9_000, 1_000]);
    assert_eq!(shares(&paid(&[DISPUTE, LOST])), [0, 0, 0]);
    assert_eq!(shares(&paid(&[PART_DISPUTE, LOST])), [7_000, 6_300, 700]);
    let partly = What::Outside(Outside::DisputePartlyWon { percent: 50 });
    assert_eq!(shares(&paid(&[DISPUTE, partly])), [5_000, 4_500, 500]);
    // As it would be without it.
    assert_eq!(shares(&paid(&[CANCEL, DISPUTE, WON])), shares(&paid(&[CANCEL])));
    assert_eq!(shares(&paid(&[PART_DISPUTE, CANCEL, WON])), shares(&paid(&[CANCEL])));
}

#[test]
fn after_a_won_dispute_the_platform_refunds_and_takes_the_experts_part_back_by_itself() {
    // The charge's own transfer was reversed for the dispute, so a refund cannot reverse it again.
    assert_eq!(shares(&paid(&[DISPUTE, WON, CANCEL])), [5_000, 4_500, 500]);
    assert_eq!(shares(&paid(&[PART_DISPUTE, WON, CANCEL])), [5_000, 4_500, 500]);
    assert_eq!(shares(&paid(&[PART_DISPUTE, WON, What::Act(Act::Cancel(Party::Expert))])), [0, 0, 0]);
}

#[test]
fn the_expert_is_not_left_with_less_than_nothing() {
    // The fee of the last cents is rounded by the gateway, which knows nothing of what the dispute moved.
    let mut world = World::begin(Beginning {
        price: Money::new(53, Currency::EUR).unwrap(),
        ..beginning(Collection::ChargeAtBooking, 1)
    });
    let half_dispute = What::Outside(Outside::DisputeOpens { percent: 50 });
    let give_back = What::Act(Act::GiveBack { percent: 90 });
    let refund = What::Outside(Outside::SomebodyRefunds { percent: 100, from_expert: true });
    for what in [What::Outside(Outside::ClientPays), half_dispute, WON, give_back, refund] {
        world.happens(Moment::heard(what)).unwrap();
    }
    assert_eq!(shares(&world), [0, 0, 0]);
}

#[test]
fn a_dispute_of_more_than_is_left_is_made_good_when_it_is_won() {
    let world = paid(&[CANCEL, DISPUTE]);
    assert_eq!(shares(&world), [-5_000, 0, -5_000], "the bank took 100 euros of which 50 were given back");
    assert_eq!(shares(&paid(&[CANCEL, DISPUTE, WON])), [5_000, 4_500, 500]);
}

#[test]
fn what_is_left_after_a_lost_dispute_only_a_person_can_give_back() {
    let world = paid(&[PART_DISPUTE, LOST, CANCEL]);
    assert_eq!(shares(&world), [7_000, 4_500, 2_500], "the 20 euros for the client are not the expert's");
    assert_eq!((state(&world), world.platform.wake), (&PaymentState::Disputed, None));
}

#[test]
fn a_refund_that_fails_takes_nothing_twice_from_the_expert() {
    let waits = paid(&[CANCEL, REFUND_FAILS]);
    assert_eq!(shares(&waits), [10_000, 4_500, 5_500]);
    assert_eq!(state(&waits), &PaymentState::RefundFailed);
    for decision in [Act::TryAgain, Act::SettleByHand] {
        let settled = paid(&[CANCEL, REFUND_FAILS, What::Act(decision)]);
        assert_eq!(shares(&settled), [5_000, 4_500, 500], "{decision:?}");
        assert!(matches!(state(&settled), PaymentState::PartlyRefunded { .. }), "{decision:?}");
    }
    let again = paid(&[CANCEL, REFUND_FAILS, What::Act(Act::TryAgain), REFUND_FAILS]);
    assert_eq!((shares(&again), state(&again)), ([10_000, 4_500, 5_500], &PaymentState::RefundFailed));
}

#[test]
fn a_refund_that_somebody_else_gave_and_that_fails_is_the_experts_again() {
    for from_expert in [false, true] {
        let refunds = What::Outside(Outside::SomebodyRefunds { percent: 40, from_expert });
        assert_eq!(shares(&paid(&[refunds])), [6_000, 5_400, 600]);
        assert_eq!(shares(&paid(&[refunds, REFUND_FAILS])), [10_000, 9_000, 1_000]);
        assert_eq!(shares(&paid(&[refunds, REFUND_FAILS, refunds])), [6_000, 5_400, 600]);
    }
}

#[test]
fn what_is_refused_waits_for_a_person_and_what_they_settled_is_left_alone() {
    let refuses = |order| What::Outside(Outside::GatewayRefuses(order));
    let refunds = What::Outside(Outside::SomebodyRefunds { percent: 40, from_expert: false });
    let waits = [refuses(Some(OrderKind::Reversal)), refunds];
    let world = paid(&waits);
    assert_eq!(shares(&world), [6_000, 9_000, -3_000], "the expert has their part of what went back");
    let amount = Money::new(4_000, Currency::EUR).unwrap();
    let escalation = Some(Escalation::Refused { order: OrderKind::Reversal, amount });
    assert_eq!((world.platform.payment.escalation, state(&world)), (escalation, state(&paid(&[refunds]))));
    let again = [refuses(None), What::Act(Act::TryAgain)];
    assert_eq!(shares(&paid(&[&waits[..], &again].concat())), [6_000, 5_400, 600]);
    // What was settled with the expert is not asked of them again, also not by a later refund.
    let by_hand = [refuses(None), What::Act(Act::SettleByHand), What::Act(Act::Cancel(Party::Expert))];
    let world = paid(&[&waits[..], &by_hand].concat());
    assert_eq!((shares(&world), world.platform.payment.escalation), ([0, 9_000, -9_000], None));
}

#[test]
fn what_the_expert_gave_back_while_a_bank_asked_is_not_taken_again() {
    let world = paid(&[What::Outside(Outside::BankAsks), CANCEL]);
    assert_eq!(shares(&world), [10_000, 4_500, 5_500], "nothing is refunded before the bank says more");
    let refunds = What::Outside(Outside::SomebodyRefunds { percent: 50, from_expert: true });
    let twice = paid(&[What::Outside(Outside::BankAsks), CANCEL, refunds]);
    assert_eq!(shares(&twice), [5_000, 4_500, 500], "somebody else reversed it once more");
    let (little, content) = (What::Act(Act::GiveBack { percent: 30 }), What::Outside(Outside::BankIsContent));
    assert_eq!(shares(&paid(&[What::Outside(Outside::BankAsks), little, content])), [7_000, 6_300, 700]);
    assert_eq!(
        shares(&paid(&[What::Outside(Outside::BankAsks), DISPUTE, content, WON, CANCEL])),
        [5_000, 4_500, 500]
    );
}

#[test]
fn a_debit_that_arrives_when_the_slot_is_gone_goes_back() {
    let slowly =
        [What::Outside(Outside::ClientPaysSlowly), What::WaitFor(Mark::HoldEnd, 0), What::Act(Act::TakeSlot)];
    let arrives = [What::Outside(Outside::DebitArrives), What::Wait(HOUR)];
    let world = tell(Collection::ChargeAtBooking, 1, &[&slowly[..], &arrives].concat());
    assert_eq!((shares(&world), world.platform.appointment.status.as_str()), ([0, 0, 0], "expired"));
    assert!(matches!(state(&world), PaymentState::Refunded { .. }));
}

#[test]
fn a_saved_card_pays_without_its_owner() {
    let pays = What::Outside(Outside::ClientPays);
    let world = tell(Collection::AuthoriseThenCapture, 20, &[pays, What::WaitFor(Mark::End, 0)]);
    assert!(matches!(state(&world), PaymentState::Authorised { .. }));
    let world = tell(Collection::AuthoriseThenCapture, 20, &[pays, What::WaitFor(Mark::End, 2 * DAY)]);
    assert_eq!(shares(&world), [10_000, 9_000, 1_000]);
    // Who calls off pays their part with it.
    let world = tell(Collection::AuthoriseThenCapture, 20, &[pays, CANCEL]);
    assert_eq!(shares(&world), [5_000, 4_500, 500]);
}

#[test]
fn who_does_not_pay_anew_is_called_off() {
    let pays = What::Outside(Outside::ClientPays);
    for card in [Card::Declines, Card::WantsItsOwner] {
        let fails = [pays, What::Outside(Outside::CardBecomes(card)), What::WaitFor(Mark::Wake, 0)];
        let asked = tell(Collection::AuthoriseThenCapture, 20, &fails);
        let deadline = asked.platform.payment.action_deadline.unwrap();
        assert_eq!(
            (state(&asked), asked.now.plus(DAY)),
            (&PaymentState::ActionRequired { deadline }, deadline)
        );
        let late = tell(
            Collection::AuthoriseThenCapture,
            20,
            &[&fails[..], &[What::WaitFor(Mark::ActionDeadline, 0)]].concat(),
        );
        assert_eq!((late.platform.appointment.status.as_str(), shares(&late)), ("cancelled", [0, 0, 0]));
        let then = [What::WaitFor(Mark::ActionDeadline, -1), pays, What::WaitFor(Mark::End, 2 * DAY)];
        let paid = tell(Collection::AuthoriseThenCapture, 20, &[&fails[..], &then].concat());
        assert_eq!(
            (paid.platform.appointment.status.as_str(), shares(&paid)),
            ("completed", [10_000, 9_000, 1_000])
        );
    }
}

#[test]
fn a_card_that_cannot_even_be_asked_is_written_off_after_the_session() {
    let whats = [What::Outside(Outside::ClientPays), What::Outside(Outside::CardBecomes(Card::NotAsked))];
    let mut world = tell(Collection::AuthoriseThenCapture, 20, &whats);
    // It is asked once, and then nobody looks until the session is over.
    let asked = [Moment::heard(What::WaitFor(Mark::Wake, 0)), Moment::unheard(What::WaitFor(Mark::End, 0))];
    for moment in asked.into_iter().chain([Moment::heard(What::Wait(1))]) {
        let told = world.happens(moment);
        told.unwrap_or_else(|wrong| panic!("{wrong}\n{}", world.platform.log.join("\n")));
    }
    assert_eq!(
        (state(&world), world.platform.appointment.status.as_str()),
        (&PaymentState::Unpaid, "confirmed")
    );
}

#[test]
fn a_price_that_became_too_small_for_a_card_calls_nothing_off() {
    let whats = [
        What::Outside(Outside::ClientPays),
        What::Act(Act::GiveBack { percent: 100 }),
        What::WaitFor(Mark::End, 0),
    ];
    let world = tell(Collection::AuthoriseThenCapture, 20, &whats);
    assert_eq!((world.platform.appointment.status.as_str(), shares(&world)), ("confirmed", [0, 0, 0]));
    // 49 cents of 50.
    let little = Beginning {
        price: Money::new(50, Currency::EUR).unwrap(),
        ..beginning(Collection::AuthoriseThenCapture, 20)
    };
    let mut world = World::begin(little);
    for what in [whats[0], What::Act(Act::GiveBack { percent: 1 }), whats[2]] {
        world.happens(Moment::heard(what)).unwrap();
    }
    assert_eq!((world.platform.appointment.status.as_str(), shares(&world)), ("confirmed", [0, 0, 0]));
}
