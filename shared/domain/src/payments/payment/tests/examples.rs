//! Examples of refunds and disputes that are easy to get wrong, and of clients who do not pay.

use super::gateway::{Card, Outside};
use super::platform::{Act, Platform};
use super::world::{Beginning, Mark, Moment, What, World};
use super::*;
use crate::experts::policy::{CancellationPolicy, Percent, ReschedulePolicy, Tier};
use crate::scheduling::party::Party;
use crate::{Currency, Rate};

/// A session of 100 euros with a fee of 10 %. A cancellation by the client refunds half.
fn beginning(collection: Collection, days_ahead: i64) -> Beginning {
    let half = Percent::new(50).unwrap();
    Beginning {
        price: Money::new(10_000, Currency::EUR).unwrap(),
        fee_rate: Rate::DEFAULT_COMMISSION,
        collection,
        payout_timing: PayoutTiming::AtPayment,
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

/// The client pays 100 euros a day before the session, and then these events occur.
fn paid(then: &[What]) -> World {
    let pays = [What::Outside(Outside::ClientPays)];
    tell(Collection::ChargeAtBooking, 1, &[&pays, then].concat())
}

/// The situation after all events were processed and before open decisions are made.
fn tell(collection: Collection, days_ahead: i64, events: &[What]) -> World {
    let mut world = World::begin(beginning(collection, days_ahead));
    for what in events {
        let result = world.happens(Moment::notified(*what));
        result.unwrap_or_else(|wrong| panic!("{wrong}\n{}", world.platform.log.join("\n")));
    }
    world
}

/// What the client has paid in total, what the expert has, and what the platform has before gateway fees.
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
fn final_charge_is_divided_between_expert_and_platform() {
    assert_eq!(shares(&paid(&[])), [10_000, 9_000, 1_000]);
    assert_eq!(shares(&paid(&[CANCEL])), [5_000, 4_500, 500]);
    assert_eq!(shares(&paid(&[What::Act(Act::Cancel(Party::Expert))])), [0, 0, 0]);
    let at_cost = |percent| What::Act(Act::CancelAtCost { percent });
    assert_eq!(shares(&paid(&[at_cost(3)])), [5_150, 4_500, 650]);
    let given = What::Act(Act::GiveBack { percent: 10 });
    assert_eq!(shares(&paid(&[given, given, CANCEL])), [5_000, 4_500, 500]);
}

#[test]
fn dispute_reverses_the_experts_share_and_winning_restores_it() {
    assert_eq!(shares(&paid(&[DISPUTE])), [0, 0, 0]);
    assert_eq!(shares(&paid(&[DISPUTE, WON])), [10_000, 9_000, 1_000]);
    assert_eq!(shares(&paid(&[DISPUTE, LOST])), [0, 0, 0]);
    // The platform cancels the appointment, so what the client has not got back yet does not belong to the expert.
    assert_eq!(shares(&paid(&[PART_DISPUTE, LOST])), [7_000, 0, 7_000]);
    let partly = What::Outside(Outside::DisputePartlyWon { percent: 50 });
    assert_eq!(shares(&paid(&[DISPUTE, partly])), [5_000, 0, 5_000]);
    // The result is the same as without the dispute.
    assert_eq!(shares(&paid(&[CANCEL, DISPUTE, WON])), shares(&paid(&[CANCEL])));
    assert_eq!(shares(&paid(&[PART_DISPUTE, CANCEL, WON])), shares(&paid(&[CANCEL])));
}

#[test]
fn refund_after_a_won_dispute_reverses_the_experts_share_separately() {
    // The charge's own transfer was reversed for the dispute, so the refund cannot reverse it again.
    assert_eq!(shares(&paid(&[DISPUTE, WON, CANCEL])), [5_000, 4_500, 500]);
    assert_eq!(shares(&paid(&[PART_DISPUTE, WON, CANCEL])), [5_000, 4_500, 500]);
    assert_eq!(shares(&paid(&[PART_DISPUTE, WON, What::Act(Act::Cancel(Party::Expert))])), [0, 0, 0]);
}

#[test]
fn experts_share_never_becomes_negative() {
    // The gateway rounds the fee of the last cents without regard to the dispute.
    let mut world = World::begin(Beginning {
        price: Money::new(53, Currency::EUR).unwrap(),
        ..beginning(Collection::ChargeAtBooking, 1)
    });
    let half_dispute = What::Outside(Outside::DisputeOpens { percent: 50 });
    let give_back = What::Act(Act::GiveBack { percent: 90 });
    let refund = What::Outside(Outside::SomebodyRefunds { percent: 100, from_expert: true });
    for what in [What::Outside(Outside::ClientPays), half_dispute, WON, give_back, refund] {
        world.happens(Moment::notified(what)).unwrap();
    }
    assert_eq!(shares(&world), [0, 0, 0]);
}

#[test]
fn dispute_of_more_than_is_held_is_restored_when_won() {
    let world = paid(&[CANCEL, DISPUTE]);
    assert_eq!(
        shares(&world),
        [-5_000, 0, -5_000],
        "the bank withdrew 100 euros of which 50 were already refunded"
    );
    assert_eq!(shares(&paid(&[CANCEL, DISPUTE, WON])), [5_000, 4_500, 500]);
}

#[test]
fn refund_after_a_lost_dispute_needs_an_administrator() {
    let world = paid(&[PART_DISPUTE, LOST]);
    assert_eq!(shares(&world), [7_000, 0, 7_000], "the 70 euros to refund do not belong to the expert");
    assert_eq!((state(&world), world.platform.wake), (&PaymentState::Disputed, None));
}

#[test]
fn failed_refund_is_not_taken_twice_from_the_expert() {
    let waits = paid(&[CANCEL, REFUND_FAILS]);
    assert_eq!(shares(&waits), [10_000, 4_500, 5_500]);
    assert_eq!(state(&waits), &PaymentState::RefundFailed);
    for decision in [Act::TryAgain, Act::ResolveManually] {
        let settled = paid(&[CANCEL, REFUND_FAILS, What::Act(decision)]);
        assert_eq!(shares(&settled), [5_000, 4_500, 500], "{decision:?}");
        assert!(matches!(state(&settled), PaymentState::PartiallyRefunded { .. }), "{decision:?}");
    }
    let again = paid(&[CANCEL, REFUND_FAILS, What::Act(Act::TryAgain), REFUND_FAILS]);
    assert_eq!((shares(&again), state(&again)), ([10_000, 4_500, 5_500], &PaymentState::RefundFailed));
}

#[test]
fn failed_refund_by_someone_else_is_returned_to_the_expert() {
    for from_expert in [false, true] {
        let refunds = What::Outside(Outside::SomebodyRefunds { percent: 40, from_expert });
        assert_eq!(shares(&paid(&[refunds])), [6_000, 5_400, 600]);
        assert_eq!(shares(&paid(&[refunds, REFUND_FAILS])), [10_000, 9_000, 1_000]);
        assert_eq!(shares(&paid(&[refunds, REFUND_FAILS, refunds])), [6_000, 5_400, 600]);
    }
}

fn refuses(order: Option<OrderKind>) -> What {
    What::Outside(Outside::GatewayRefuses(order))
}

/// What the expert owes, in cents.
fn owed(world: &World) -> u64 {
    world.platform.debt.owed_in(Currency::EUR)
}

#[test]
fn share_that_cannot_be_taken_back_is_owed() {
    let refunds = What::Outside(Outside::SomebodyRefunds { percent: 40, from_expert: false });
    let world = paid(&[refuses(Some(OrderKind::Reversal)), refunds]);
    assert_eq!(shares(&world), [6_000, 9_000, -3_000], "the expert has their share of what was refunded");
    assert_eq!((owed(&world), world.platform.payment.escalation), (3_600, None));
    // A client who is entitled to a refund gets it in any case. Nothing is taken back twice afterwards.
    let cancelled = [refuses(Some(OrderKind::Reversal)), What::Act(Act::Cancel(Party::Expert))];
    let world = paid(&cancelled);
    assert_eq!((shares(&world), owed(&world)), ([0, 9_000, -9_000], 9_000));
    let world = paid(&[&cancelled[..], &[refuses(None), REFUND_FAILS, What::Act(Act::TryAgain)]].concat());
    assert_eq!((shares(&world), owed(&world)), ([0, 9_000, -9_000], 9_000));
    // What the expert gets again after a dispute that is won is what they owe.
    let lost = [refuses(Some(OrderKind::Reversal)), DISPUTE];
    assert_eq!(owed(&paid(&lost)), 9_000);
    let won = paid(&[&lost[..], &[WON]].concat());
    assert_eq!((shares(&won), owed(&won)), ([10_000, 9_000, 1_000], 0));
}

#[test]
fn granted_refund_waits_for_the_experts_share() {
    let given = What::Act(Act::GiveBack { percent: 40 });
    let waits = [refuses(Some(OrderKind::Reversal)), given];
    let world = paid(&waits);
    assert_eq!((shares(&world), owed(&world)), ([10_000, 9_000, 1_000], 0), "nobody has lost anything");
    // The expert's share of it, without the platform's fee.
    let amount = Money::new(3_600, Currency::EUR).unwrap();
    let escalation = Some(Escalation::Refused { order: OrderKind::Reversal, amount });
    assert_eq!(world.platform.payment.escalation, escalation);
    let again = [refuses(None), What::Act(Act::TryAgain)];
    assert_eq!(shares(&paid(&[&waits[..], &again].concat())), [6_000, 5_400, 600]);
    // Once the share is settled outside the gateway, the client is refunded, and nothing is owed.
    let settled = [&waits[..], &[What::Act(Act::ResolveManually)]].concat();
    let world = paid(&settled);
    assert_eq!((shares(&world), owed(&world)), ([6_000, 9_000, -3_000], 0));
    // A client who becomes entitled to a part waits for the rest, and the expert owes their share of the part. Here, half of the price is
    // refunded if the client cancels.
    let more = What::Act(Act::GiveBack { percent: 60 });
    let partly = [refuses(Some(OrderKind::Reversal)), more, CANCEL];
    let world = paid(&partly);
    assert_eq!((shares(&world), owed(&world)), ([5_000, 9_000, -4_000], 4_500));
    let amount = Money::new(900, Currency::EUR).unwrap();
    let escalation = Some(Escalation::Refused { order: OrderKind::Reversal, amount });
    assert_eq!(world.platform.payment.escalation, escalation, "an administrator decides about the rest");
    let world = paid(&[&partly[..], &again].concat());
    assert_eq!((shares(&world), owed(&world)), ([4_000, 8_100, -4_100], 4_500));
    // A client who becomes entitled to everything does not wait any more.
    let cancelled = paid(&[&waits[..], &[What::Act(Act::Cancel(Party::Expert))]].concat());
    assert_eq!((shares(&cancelled), owed(&cancelled)), ([0, 9_000, -9_000], 9_000));
    // A dispute that is won changes nothing about that. After one that is lost, the client has the money, and the expert owes theirs.
    let disputed = |end| paid(&[&waits[..], &[DISPUTE, end]].concat());
    let world = disputed(WON);
    assert_eq!(
        (shares(&world), owed(&world)),
        ([10_000, 9_000, 1_000], 0),
        "{}",
        world.platform.log.join("\n")
    );
    let world = disputed(LOST);
    assert_eq!((shares(&world), owed(&world)), ([0, 9_000, -9_000], 9_000));
    // A refund to which the client is entitled does not wait for one that the expert grants in addition.
    let both = [refuses(Some(OrderKind::Refund)), CANCEL, refuses(Some(OrderKind::Reversal)), given];
    let world = paid(&[&both[..], &[What::Act(Act::TryAgain)]].concat());
    assert_eq!(shares(&world)[0], 5_000, "{}", world.platform.log.join("\n"));
}

#[test]
fn what_was_settled_with_an_expert_is_owed_after_a_lost_dispute() {
    let mut world = World::begin(Beginning {
        payout_timing: PayoutTiming::AfterSession,
        ..beginning(Collection::ChargeAtBooking, 1)
    });
    let events = [
        What::Outside(Outside::ClientPays),
        refuses(Some(OrderKind::Transfer)),
        What::WaitFor(Mark::End, DAY),
        What::Act(Act::ResolveManually),
    ];
    let mut happen = |events: &[What]| {
        for what in events {
            world.happens(Moment::notified(*what)).unwrap();
        }
        (shares(&world), owed(&world))
    };
    assert_eq!(happen(&events), ([10_000, 0, 10_000], 0), "the platform has paid the expert outside");
    assert_eq!(happen(&[PART_DISPUTE]), ([7_000, 0, 7_000], 0), "it may be won");
    assert_eq!(happen(&[LOST]), ([7_000, 0, 7_000], 2_700));
}

#[test]
fn share_reversed_during_an_inquiry_is_not_reversed_again() {
    let world = paid(&[What::Outside(Outside::BankAsks), CANCEL]);
    assert_eq!(shares(&world), [10_000, 4_500, 5_500], "nothing is refunded before the bank decides");
    let refunds = What::Outside(Outside::SomebodyRefunds { percent: 50, from_expert: true });
    let twice = paid(&[What::Outside(Outside::BankAsks), CANCEL, refunds]);
    assert_eq!(shares(&twice), [5_000, 4_500, 500], "someone else reversed the transfer again");
    let (little, content) = (What::Act(Act::GiveBack { percent: 30 }), What::Outside(Outside::BankIsContent));
    assert_eq!(shares(&paid(&[What::Outside(Outside::BankAsks), little, content])), [7_000, 6_300, 700]);
    assert_eq!(
        shares(&paid(&[What::Outside(Outside::BankAsks), DISPUTE, content, WON, CANCEL])),
        [5_000, 4_500, 500]
    );
}

#[test]
fn bank_debit_after_the_slot_was_taken_is_refunded() {
    let slowly =
        [What::Outside(Outside::ClientPaysSlowly), What::WaitFor(Mark::HoldEnd, 0), What::Act(Act::TakeSlot)];
    let arrives = [What::Outside(Outside::DebitArrives), What::Wait(HOUR)];
    let world = tell(Collection::ChargeAtBooking, 1, &[&slowly[..], &arrives].concat());
    assert_eq!((shares(&world), world.platform.appointment.status.as_str()), ([0, 0, 0], "expired"));
    assert!(matches!(state(&world), PaymentState::Refunded { .. }));
}

#[test]
fn saved_card_is_charged_without_the_client() {
    let pays = What::Outside(Outside::ClientPays);
    let world = tell(Collection::AuthorizeThenCapture, 20, &[pays, What::WaitFor(Mark::End, 0)]);
    assert!(matches!(state(&world), PaymentState::Authorized { .. }));
    let world = tell(Collection::AuthorizeThenCapture, 20, &[pays, What::WaitFor(Mark::End, 2 * DAY)]);
    assert_eq!(shares(&world), [10_000, 9_000, 1_000]);
    // A client who cancels pays the final charge with the saved card.
    let world = tell(Collection::AuthorizeThenCapture, 20, &[pays, CANCEL]);
    assert_eq!(shares(&world), [5_000, 4_500, 500]);
}

#[test]
fn appointment_is_cancelled_if_the_client_does_not_pay_again() {
    let pays = What::Outside(Outside::ClientPays);
    for card in [Card::Declines, Card::WantsItsOwner] {
        let fails = [pays, What::Outside(Outside::CardBecomes(card)), What::WaitFor(Mark::Wake, 0)];
        let asked = tell(Collection::AuthorizeThenCapture, 20, &fails);
        let deadline = asked.platform.payment.action_deadline.unwrap();
        assert_eq!(
            (state(&asked), asked.now.plus(DAY)),
            (&PaymentState::ActionRequired { deadline }, deadline)
        );
        let late = tell(
            Collection::AuthorizeThenCapture,
            20,
            &[&fails[..], &[What::WaitFor(Mark::ActionDeadline, 0)]].concat(),
        );
        assert_eq!((late.platform.appointment.status.as_str(), shares(&late)), ("cancelled", [0, 0, 0]));
        let then = [What::WaitFor(Mark::ActionDeadline, -1), pays, What::WaitFor(Mark::End, 2 * DAY)];
        let paid = tell(Collection::AuthorizeThenCapture, 20, &[&fails[..], &then].concat());
        assert_eq!(
            (paid.platform.appointment.status.as_str(), shares(&paid)),
            ("completed", [10_000, 9_000, 1_000])
        );
    }
}

#[test]
fn unusable_card_is_written_off_after_the_session() {
    let events = [What::Outside(Outside::ClientPays), What::Outside(Outside::CardBecomes(Card::NotAsked))];
    let mut world = tell(Collection::AuthorizeThenCapture, 20, &events);
    // The card is tried once, and then the platform waits until the end of the session.
    let asked =
        [Moment::notified(What::WaitFor(Mark::Wake, 0)), Moment::unnotified(What::WaitFor(Mark::End, 0))];
    for moment in asked.into_iter().chain([Moment::notified(What::Wait(1))]) {
        let result = world.happens(moment);
        result.unwrap_or_else(|wrong| panic!("{wrong}\n{}", world.platform.log.join("\n")));
    }
    assert_eq!(
        (state(&world), world.platform.appointment.status.as_str()),
        (&PaymentState::Unpaid, "confirmed")
    );
}

#[test]
fn price_below_the_minimum_charge_does_not_cancel_the_appointment() {
    let events = [
        What::Outside(Outside::ClientPays),
        What::Act(Act::GiveBack { percent: 100 }),
        What::WaitFor(Mark::End, 0),
    ];
    let world = tell(Collection::AuthorizeThenCapture, 20, &events);
    assert_eq!((world.platform.appointment.status.as_str(), shares(&world)), ("confirmed", [0, 0, 0]));
    // 49 of 50 cents.
    let little = Beginning {
        price: Money::new(50, Currency::EUR).unwrap(),
        ..beginning(Collection::AuthorizeThenCapture, 20)
    };
    let mut world = World::begin(little);
    for what in [events[0], What::Act(Act::GiveBack { percent: 1 }), events[2]] {
        world.happens(Moment::notified(what)).unwrap();
    }
    assert_eq!((world.platform.appointment.status.as_str(), shares(&world)), ("confirmed", [0, 0, 0]));
}

/// The client pays 100 euros, which the platform holds, a day before the session, and then these events occur.
fn held(then: &[What]) -> World {
    let beginning =
        Beginning { payout_timing: PayoutTiming::AfterSession, ..beginning(Collection::ChargeAtBooking, 1) };
    let mut world = World::begin(beginning);
    for what in [&[What::Outside(Outside::ClientPays)], then].concat() {
        let result = world.happens(Moment::notified(what));
        result.unwrap_or_else(|wrong| panic!("{wrong}\n{}", world.platform.log.join("\n")));
    }
    world
}

/// Until one day after the end of the session.
const RELEASE: What = What::WaitFor(Mark::End, DAY);

#[test]
fn held_money_is_paid_out_one_day_after_the_session() {
    assert_eq!(shares(&held(&[])), [10_000, 0, 10_000]);
    assert_eq!(shares(&held(&[What::WaitFor(Mark::End, DAY - 1)])), [10_000, 0, 10_000]);
    assert_eq!(shares(&held(&[RELEASE])), [10_000, 9_000, 1_000]);
    // The same holds for the kept part of a late cancellation.
    assert_eq!(shares(&held(&[CANCEL])), [5_000, 0, 5_000]);
    assert_eq!(shares(&held(&[CANCEL, RELEASE])), [5_000, 4_500, 500]);
    assert_eq!(shares(&held(&[What::Act(Act::Cancel(Party::Expert)), RELEASE])), [0, 0, 0]);
}

#[test]
fn dispute_holds_the_money_until_it_is_decided() {
    let decided = |dispute: What, outcome: What| shares(&held(&[dispute, RELEASE, outcome]));
    assert_eq!(shares(&held(&[PART_DISPUTE, RELEASE])), [7_000, 0, 7_000]);
    assert_eq!(decided(PART_DISPUTE, WON), [10_000, 9_000, 1_000]);
    assert_eq!(decided(PART_DISPUTE, LOST), [7_000, 6_300, 700]);
    assert_eq!(decided(DISPUTE, LOST), [0, 0, 0]);
}

#[test]
fn paid_out_share_is_adjusted_exactly() {
    // A dispute after the payout takes the share back, and winning it pays it out again.
    assert_eq!(shares(&held(&[RELEASE, PART_DISPUTE])), [7_000, 6_300, 700]);
    assert_eq!(shares(&held(&[RELEASE, PART_DISPUTE, WON])), [10_000, 9_000, 1_000]);
    let third = What::Act(Act::GiveBack { percent: 33 });
    assert_eq!(shares(&held(&[RELEASE, third])), [6_700, 6_030, 670]);
    assert_eq!(shares(&held(&[RELEASE, third, third])), [4_489, 4_040, 449]);
}

#[test]
fn unresolved_no_show_report_holds_the_money() {
    let report = What::Act(Act::NoShow { missed_by: Party::Client, by: Party::Expert });
    let objects = What::Act(Act::NoShow { missed_by: Party::Expert, by: Party::Client });
    let admin = What::Act(Act::Complete { by: Party::Platform, percent: 100 });
    let during = What::WaitFor(Mark::End, 0);
    assert_eq!(shares(&held(&[during, report, objects, RELEASE])), [10_000, 0, 10_000]);
    // The decision is announced, and takes effect a day later.
    assert_eq!(shares(&held(&[during, report, objects, RELEASE, admin])), [10_000, 0, 10_000]);
    let later = What::Wait(DAY);
    assert_eq!(shares(&held(&[during, report, objects, RELEASE, admin, later])), [10_000, 9_000, 1_000]);
}

/// The refund of another payment, which the expert caused, costs one euro and 45 cents.
const COST: What = What::Act(Act::CauseCost { steps: 145 });

/// What is withheld from the share, and what the expert still owes.
fn withheld_and_owed(world: &World) -> [u64; 2] {
    let Platform { payment, debt, .. } = &world.platform;
    [payment.withheld.map_or(0, Money::amount), debt.owed_in(Currency::EUR)]
}

#[test]
fn expert_repays_what_they_owe_with_the_share_of_the_next_payout() {
    let world = held(&[COST]);
    assert_eq!((shares(&world), withheld_and_owed(&world)), ([10_000, 0, 10_000], [0, 145]));
    let world = held(&[COST, RELEASE]);
    assert_eq!((shares(&world), withheld_and_owed(&world)), ([10_000, 8_855, 1_145], [145, 0]));
    // What is owed after the payout stays owed.
    let world = held(&[RELEASE, COST]);
    assert_eq!((shares(&world), withheld_and_owed(&world)), ([10_000, 9_000, 1_000], [0, 145]));
    // A refund takes back the share of what the client gets, and what was withheld stays withheld.
    let world = held(&[COST, RELEASE, What::Act(Act::GiveBack { percent: 20 })]);
    assert_eq!((shares(&world), withheld_and_owed(&world)), ([8_000, 7_055, 945], [145, 0]));
    // After a refund of everything, the expert owes it again.
    let world = held(&[COST, RELEASE, What::Act(Act::GiveBack { percent: 100 })]);
    assert_eq!((shares(&world), withheld_and_owed(&world)), ([0, 0, 0], [0, 145]));
}

#[test]
fn almost_everything_is_withheld_if_the_expert_owes_more_than_their_share() {
    let cost = What::Act(Act::CauseCost { steps: 10_000 });
    let all = held(&[cost, RELEASE]);
    assert_eq!((shares(&all), withheld_and_owed(&all)), ([10_000, 1, 9_999], [8_999, 1_001]));
    // Nothing moves, because one cent is left of a smaller share too. The fee in the ledger follows later.
    let third = What::Act(Act::GiveBack { percent: 30 });
    let less = held(&[cost, RELEASE, third]);
    assert_eq!((shares(&less), withheld_and_owed(&less)), ([7_000, 1, 6_999], [6_299, 3_701]));
    let none = held(&[cost, RELEASE, third, What::Act(Act::GiveBack { percent: 100 })]);
    assert_eq!((shares(&none), withheld_and_owed(&none)), ([0, 0, 0], [0, 10_000]));
    // A dispute that is won pays the share out again, so it is withheld again.
    let won = held(&[cost, RELEASE, DISPUTE, WON]);
    assert_eq!((shares(&won), withheld_and_owed(&won)), ([10_000, 1, 9_999], [8_999, 1_001]));
    let partly = held(&[cost, RELEASE, PART_DISPUTE, WON]);
    // The cent that was left before is left again.
    assert_eq!((shares(&partly), withheld_and_owed(&partly)), ([10_000, 2, 9_998], [8_998, 1_002]));
}
