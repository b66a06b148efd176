//! Setting aside, taking later, saved cards, and what happens when a card fails by then.

use domain::payments::ledger::{Account, MovementKind};
use serde_json::json;

use simulators::stripe::Onboarding;

use super::authorised_hour;
use crate::harness::{GOOD_CARD, World, id, intent};

/// Tomorrow, and in three weeks.
const SOON: &str = "2027-01-05T10:00:00Z";
const LATER: &str = "2027-01-25T10:00:00Z";

#[tokio::test]
async fn a_session_soon_is_set_aside_at_booking_and_taken_when_it_took_place() {
    let world = World::new().await;
    let offer = world.offer(&authorised_hour()).await;
    let appointment = world.secured(&offer, SOON).await;
    let now = world.appointment(&appointment).await;
    assert_eq!((&now["status"], &now["payment"]["state"]), (&json!("confirmed"), &json!("authorised")));
    assert_eq!(world.kinds(&offer).await, [MovementKind::Authorised]);
    assert_eq!(world.cents(&offer, [Account::Authorised, Account::Expert]).await, [8_000, 0]);
    world.until("2027-01-05T11:00:00Z").await;
    world.act("ada", &appointment, "complete", &json!(null)).await.expect(200);
    world.stack.settle().await;
    let paid = world.payment(&appointment).await;
    assert_eq!((&paid["state"], &paid["paid"]["amount"]), (&json!("paid"), &json!(8_000)));
    assert_eq!(world.cents(&offer, [Account::Authorised, Account::Expert]).await, [0, 7_200]);
}

#[tokio::test]
async fn an_expert_may_take_less_and_the_rest_is_let_go() {
    let world = World::new().await;
    let offer = world.offer(&authorised_hour()).await;
    let appointment = world.secured(&offer, SOON).await;
    world.until("2027-01-05T11:00:00Z").await;
    let charge = json!({ "charge": { "amount": 3_005, "currency": "EUR" } });
    world.act("ada", &appointment, "complete", &charge).await.expect(200);
    world.stack.settle().await;
    assert_eq!(world.payment(&appointment).await["paid"]["amount"], 3_005);
    // A tenth of 30.05 is 3.005, which rounds up.
    let accounts = [Account::Client, Account::Authorised, Account::Expert];
    assert_eq!(world.cents(&offer, accounts).await, [-3_005, 0, 2_704]);
    let again = world.act("ada", &appointment, "complete", &json!(null)).await.expect(200);
    assert_eq!(again["status"], "completed");
    world.stack.settle().await;
    assert_eq!(world.payment(&appointment).await["paid"]["amount"], 3_005, "taken once");
}

#[tokio::test]
async fn an_authorisation_is_taken_before_it_runs_out() {
    let world = World::new().await;
    let offer = world.offer(&authorised_hour()).await;
    let appointment = world.secured(&offer, SOON).await;
    // Moved out of reach of what is set aside.
    let moved = json!({ "start": LATER });
    world.act("alan", &appointment, "reschedule", &moved).await.expect(200);
    world.until("2027-01-12T08:00:00Z").await;
    let now = world.appointment(&appointment).await;
    assert_eq!((&now["status"], &now["payment"]["state"]), (&json!("confirmed"), &json!("paid")));
    world.balances(&offer).await;
}

#[tokio::test]
async fn a_session_far_ahead_saves_the_card_and_asks_it_near_the_time() {
    let world = World::new().await;
    let offer = world.offer(&authorised_hour()).await;
    let appointment = world.secured(&offer, LATER).await;
    let now = world.appointment(&appointment).await;
    assert_eq!((&now["status"], &now["payment"]["state"]), (&json!("confirmed"), &json!("card_saved")));
    assert_eq!(now["payment"]["plan"], "save_card");
    world.until("2027-01-20T08:00:00Z").await;
    assert_eq!(world.kinds(&offer).await, [], "nothing is set aside so early");
    world.until("2027-01-22T08:00:00Z").await;
    assert_eq!(world.payment(&appointment).await["state"], "authorised");
    world.until("2027-01-25T11:00:00Z").await;
    world.act("ada", &appointment, "complete", &json!(null)).await.expect(200);
    world.stack.settle().await;
    assert_eq!(world.payment(&appointment).await["state"], "paid");
    assert_eq!(world.cents(&offer, [Account::Client, Account::Expert]).await, [-8_000, 7_200]);
}

#[tokio::test]
async fn a_saved_card_that_wants_its_owner_gets_them_and_then_a_deadline() {
    // Set up without a question, and asked for its owner at each payment.
    const ASKS: &str = "4000002760003184";
    for pays in [true, false] {
        let world = World::new().await;
        let offer = world.offer(&authorised_hour()).await;
        let booked = world.book(&offer, LATER, "k").await.expect(201);
        let waiting = world.stripe().pay(intent(&booked), ASKS).expect("it asks");
        assert_eq!(waiting["status"], "requires_action");
        world.stripe().authenticate(intent(&booked), true).expect("the bank agrees");
        world.stack.settle().await;
        let appointment = id(&booked);
        assert_eq!(world.payment(&appointment).await["state"], "card_saved");
        world.until("2027-01-21T16:00:00Z").await;
        let payment = world.payment(&appointment).await;
        assert_eq!(payment["state"], "action_required", "{payment:#}");
        assert_eq!(payment["declined"]["reason"], "authentication_required");
        assert_eq!(world.told("payment.action_required"), 1);
        if pays {
            let path = format!("/v1/appointments/{appointment}/payment");
            let how = world.get(&path).person("alan").send().await.expect(200);
            let secret = how["client_secret"].as_str().expect("a secret");
            assert!(secret.starts_with(how["intent"].as_str().expect("an intent")));
            let of_expert = world.get(&path).person("ada").send().await.expect(200);
            assert_eq!(of_expert.get("client_secret"), None, "it is the client's");
            world.stripe().pay(how["intent"].as_str().expect("an intent"), GOOD_CARD).expect("it works");
            world.stack.settle().await;
            assert_eq!(world.payment(&appointment).await["state"], "authorised");
            world.until("2027-01-26T12:00:00Z").await;
            let now = world.appointment(&appointment).await;
            assert_eq!((&now["status"], &now["payment"]["state"]), (&json!("completed"), &json!("paid")));
        } else {
            world.until("2027-01-23T10:00:00Z").await;
            let now = world.appointment(&appointment).await;
            assert_eq!((&now["status"], &now["cancelled_by"]), (&json!("cancelled"), &json!("platform")));
            assert_eq!(now["payment"]["state"], "cancelled");
            assert!(world.starts(&offer, "2027-01-25").await.contains(&LATER.to_owned()), "the slot is free");
            assert!(world.stripe().pay(now["payment"]["intent"].as_str().expect("one"), GOOD_CARD).is_err());
        }
        world.balances(&offer).await;
    }
}

#[tokio::test]
async fn a_saved_card_that_is_declined_says_why_in_words() {
    const FAILS_LATER: &str = "4000000000000341";
    let world = World::new().await;
    let offer = world.offer(&authorised_hour()).await;
    let appointment = id(&world.booked_with(&offer, LATER, FAILS_LATER).await);
    world.until("2027-01-21T16:00:00Z").await;
    let payment = world.payment(&appointment).await;
    assert_eq!(
        (&payment["state"], &payment["declined"]["reason"]),
        (&json!("action_required"), &json!("refused"))
    );
    assert!(payment["declined"]["message"].as_str().expect("words").contains("Use another card"));
}

#[tokio::test]
async fn who_has_yet_to_pay_cannot_move_the_session_before_their_deadline() {
    const FAILS_LATER: &str = "4000000000000341";
    let world = World::new().await;
    let offer = world.offer(&authorised_hour()).await;
    let appointment = id(&world.booked_with(&offer, LATER, FAILS_LATER).await);
    world.until("2027-01-21T16:00:00Z").await;
    assert_eq!(world.payment(&appointment).await["state"], "action_required");
    // The deadline is after this session.
    let sooner = json!({ "start": "2027-01-22T09:00:00Z" });
    world.act("alan", &appointment, "reschedule", &sooner).await.expect(200);
    world.until("2027-01-22T09:00:00Z").await;
    let now = world.appointment(&appointment).await;
    assert_eq!((&now["status"], &now["cancelled_by"]), (&json!("cancelled"), &json!("platform")));
    world.balances(&offer).await;
}

#[tokio::test]
async fn calling_off_forgets_the_card_and_lets_go_of_what_is_set_aside() {
    for (start, state) in [(SOON, "authorised"), (LATER, "card_saved")] {
        let world = World::new().await;
        let offer = world.offer(&authorised_hour()).await;
        let appointment = world.secured(&offer, start).await;
        assert_eq!(world.payment(&appointment).await["state"], state);
        world.act("alan", &appointment, "cancel", &json!(null)).await.expect(200);
        world.stack.settle().await;
        assert_eq!(world.payment(&appointment).await["state"], "cancelled", "{state}");
        let balances = world.balances(&offer).await;
        assert!(balances.iter().all(|(_, _, amount)| amount == 0), "{balances:?}");
        world.until("2027-01-27T00:00:00Z").await;
        assert_eq!(world.payment(&appointment).await["state"], "cancelled", "{state}");
    }
}

#[tokio::test]
async fn calling_off_too_late_takes_what_the_policy_keeps() {
    let mut terms = authorised_hour();
    terms["cancellation"] = json!({ "tiers": [{ "until_hours_before": 24, "refund_percent": 60 }] });
    for (start, before) in [(SOON, "2027-01-04T09:00:00Z"), (LATER, "2027-01-04T09:00:00Z")] {
        let world = World::new().await;
        let offer = world.offer(&terms).await;
        let appointment = world.secured(&offer, start).await;
        world.until(before).await;
        world.act("alan", &appointment, "cancel", &json!(null)).await.expect(200);
        world.stack.settle().await;
        let payment = world.payment(&appointment).await;
        assert_eq!(
            (&payment["state"], &payment["paid"]["amount"]),
            (&json!("paid"), &json!(3_200)),
            "{start}"
        );
        assert_eq!(world.cents(&offer, [Account::Client, Account::Expert]).await, [-3_200, 2_880]);
    }
}

#[tokio::test]
async fn a_card_that_cannot_even_be_asked_is_asked_again_or_paid_anew_or_called_off() {
    #[derive(PartialEq)]
    enum Then {
        Never,
        Soon,
        Late,
    }
    for then in [Then::Never, Then::Soon, Then::Late] {
        let world = World::new().await;
        let offer = world.offer(&authorised_hour()).await;
        let appointment = world.secured(&offer, LATER).await;
        let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
        let account = world.get(&path).person("ada").send().await.expect(200);
        let account = account["account"].as_str().expect("an account").to_owned();
        world.stripe().onboard(&account, Onboarding::Restricted).expect("it can be");
        world.until("2027-01-21T16:00:00Z").await;
        // Stripe takes nothing for this expert now, neither of the saved card nor by a new intent.
        assert_eq!(world.payment(&appointment).await["state"], "action_required");
        assert_eq!(world.told("payment.action_required"), 1);
        if then == Then::Soon {
            world.stripe().onboard(&account, Onboarding::Complete).expect("it can be");
            world.until("2027-01-21T20:00:00Z").await;
            assert_eq!(
                world.payment(&appointment).await["state"],
                "authorised",
                "the saved card was asked again"
            );
        }
        world.until("2027-01-23T16:00:00Z").await;
        if then == Then::Late {
            world.stripe().onboard(&account, Onboarding::Complete).expect("it can be");
        }
        world.until("2027-01-27T16:00:00Z").await;
        let now = world.appointment(&appointment).await;
        let (status, state) =
            if then == Then::Soon { ("completed", "paid") } else { ("cancelled", "cancelled") };
        assert_eq!((&now["status"], &now["payment"]["state"]), (&json!(status), &json!(state)));
        assert_eq!(world.told("payment.action_required"), 1);
        world.balances(&offer).await;
    }
}
