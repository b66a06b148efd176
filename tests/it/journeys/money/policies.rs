//! Who calls off, when, and what comes back: as it was shown.

use domain::payments::ledger::Account;
use serde_json::{Value, json};

use super::tiered_hour;
use crate::harness::{World, paid_hour};

/// Monday a week later.
const AT: &str = "2027-01-11T10:00:00Z";

async fn quote(world: &World, who: &str, appointment: &str) -> Value {
    let path = format!("/v1/appointments/{appointment}/cancellation");
    world.get(&path).person(who).send().await.expect(200)
}

#[tokio::test]
async fn what_is_shown_is_what_comes_back() {
    for (now, refund, because) in [
        ("2027-01-04T08:10:00Z", 8_000, "grace"),
        ("2027-01-09T10:00:00Z", 8_000, "tier"),
        ("2027-01-09T10:00:01Z", 4_000, "tier"),
        ("2027-01-10T10:00:01Z", 0, "too_late"),
    ] {
        let world = World::new().await;
        let offer = world.offer(&tiered_hour()).await;
        let appointment = world.secured(&offer, AT).await;
        world.until(now).await;
        let shown = quote(&world, "alan", &appointment).await;
        assert_eq!(
            (&shown["refund"]["amount"], &shown["because"]),
            (&json!(refund), &json!(because)),
            "{now}"
        );
        assert_eq!(shown["final_charge"]["amount"], 8_000 - refund);
        let expected = json!({ "expected_refund": shown["refund"] });
        world.act("alan", &appointment, "cancel", &expected).await.expect(200);
        world.stack.settle().await;
        let payment = world.payment(&appointment).await;
        assert_eq!(payment["refunded"]["amount"], refund, "{now}");
        let expert = i128::from(8_000 - refund) * 9 / 10;
        let fee = i128::from(8_000 - refund) / 10;
        let [client, expert_has, platform, gateway] = world
            .cents(&offer, [Account::Client, Account::Expert, Account::Platform, Account::Gateway])
            .await;
        assert_eq!((client, expert_has), (-i128::from(8_000 - refund), expert), "{now}");
        assert_eq!(platform + gateway, fee, "the platform pays the gateway from its part");
    }
}

#[tokio::test]
async fn a_quote_that_is_no_longer_true_changes_nothing() {
    let world = World::new().await;
    let offer = world.offer(&tiered_hour()).await;
    let appointment = world.secured(&offer, AT).await;
    world.until("2027-01-09T09:59:59Z").await;
    let shown = quote(&world, "alan", &appointment).await;
    world.pass(2);
    let expected = json!({ "expected_refund": shown["refund"] });
    assert_eq!(world.act("alan", &appointment, "cancel", &expected).await.problem(409), "quote-changed");
    assert_eq!(world.appointment(&appointment).await["status"], "confirmed");

    // Nor is it true that it came back when they call it off by another request, for less.
    let less = json!({ "expected_refund": quote(&world, "alan", &appointment).await["refund"] });
    world.act("alan", &appointment, "cancel", &less).await.expect(200);
    assert_eq!(world.act("alan", &appointment, "cancel", &expected).await.problem(409), "quote-changed");
    world.act("alan", &appointment, "cancel", &less).await.expect(200);
    world.stack.settle().await;
    world.act("alan", &appointment, "cancel", &less).await.expect(200);
}

#[tokio::test]
async fn an_expert_gives_everything_back_at_any_hour() {
    let world = World::new().await;
    let offer = world.offer(&tiered_hour()).await;
    let appointment = world.secured(&offer, AT).await;
    world.until("2027-01-11T10:30:00Z").await;
    assert_eq!(quote(&world, "ada", &appointment).await["because"], "by_expert");
    world.act("ada", &appointment, "cancel", &json!(null)).await.expect(200);
    world.stack.settle().await;
    assert_eq!(world.payment(&appointment).await["state"], "refunded");
    assert_eq!(world.cents(&offer, [Account::Client, Account::Expert]).await, [0, 0]);
}

#[tokio::test]
async fn who_does_not_come_decides() {
    for (who, at, refund, missed_by) in
        [("ada", "2027-01-11T10:10:00Z", 1_600, "client"), ("alan", "2027-01-11T10:10:00Z", 8_000, "expert")]
    {
        let world = World::new().await;
        let offer = world.offer(&tiered_hour()).await;
        let appointment = world.secured(&offer, AT).await;
        world.until(at).await;
        let now = world.act(who, &appointment, "no-show", &json!(null)).await.expect(200);
        assert_eq!((&now["status"], &now["missed_by"]), (&json!("no_show"), &json!(missed_by)));
        // Nobody contradicts within a day.
        world.until("2027-01-12T10:11:00Z").await;
        assert_eq!(world.payment(&appointment).await["refunded"]["amount"], refund, "{who}");
        world.balances(&offer).await;
    }
}

#[tokio::test]
async fn moving_follows_the_terms_that_were_agreed() {
    let mut terms = paid_hour();
    terms["rescheduling"] = json!({ "at_most": 1, "until_minutes_before": 60, "price": "current" });
    let world = World::new().await;
    let offer = world.offer(&terms).await;
    let appointment = world.secured(&offer, AT).await;
    // The session becomes cheaper; who moves gets the difference.
    let path = format!("/v1/experts/{}/session-types/{}", offer.expert, offer.session_type);
    let mut cheaper = terms.clone();
    cheaper["price"]["amount"] = json!(6_000);
    world.put(&path).person("ada").header("If-Match", "\"1\"").json(&cheaper).send().await.expect(200);
    let moved = json!({ "start": "2027-01-12T10:00:00Z" });
    let now = world.act("alan", &appointment, "reschedule", &moved).await.expect(200);
    assert_eq!(now["price"]["amount"], 6_000);
    world.stack.settle().await;
    assert_eq!(world.payment(&appointment).await["refunded"]["amount"], 2_000);
    assert_eq!(world.cents(&offer, [Account::Client, Account::Expert]).await, [-6_000, 5_400]);
    let again = json!({ "start": "2027-01-12T12:00:00Z" });
    let refused = world.act("alan", &appointment, "reschedule", &again).await;
    assert_eq!(refused.problem(409), "status");
    assert!(refused.body["detail"].as_str().expect("words").contains("rescheduled 1 times"));
    world.act("ada", &appointment, "reschedule", &again).await.expect(200);
}

#[tokio::test]
async fn a_dearer_session_needs_a_new_booking() {
    let mut terms = paid_hour();
    terms["rescheduling"] = json!({ "price": "current" });
    let world = World::new().await;
    let offer = world.offer(&terms).await;
    let appointment = world.secured(&offer, AT).await;
    let path = format!("/v1/experts/{}/session-types/{}", offer.expert, offer.session_type);
    let mut dearer = terms.clone();
    dearer["price"]["amount"] = json!(9_000);
    world.put(&path).person("ada").header("If-Match", "\"1\"").json(&dearer).send().await.expect(200);
    let moved = json!({ "start": "2027-01-12T10:00:00Z" });
    assert_eq!(world.act("alan", &appointment, "reschedule", &moved).await.problem(409), "status");
    assert_eq!(world.appointment(&appointment).await["start"], AT);
}

#[tokio::test]
async fn the_fee_is_fixed_when_it_is_booked() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let before = world.secured(&offer, AT).await;
    let path = format!("/v1/experts/{}/fee", offer.expert);
    let fee = json!({ "basis_points": 1_250 });
    assert_eq!(world.put(&path).person("ada").json(&fee).send().await.problem(403), "forbidden");
    let set = world.put(&path).person("margaret").json(&fee).send().await;
    assert_eq!(set.expect(200), fee);
    let after = world.secured(&offer, "2027-01-11T12:00:00Z").await;
    let fee_of = async |appointment: &str| {
        let path = format!("/v1/appointments/{appointment}");
        world.get(&path).person("ada").send().await.expect(200)["payment"]["fee"]["amount"].clone()
    };
    assert_eq!((fee_of(&before).await, fee_of(&after).await), (json!(800), json!(1_000)));
    assert_eq!(world.cents(&offer, [Account::Expert]).await, [7_200 + 7_000]);
}

#[tokio::test]
async fn a_client_may_pay_in_a_currency_that_the_expert_switched_on() {
    let mut terms = paid_hour();
    terms["presentment_currencies"] = json!(["USD"]);
    let world = World::new().await;
    let offer = world.offer(&terms).await;
    let ask = async |key: &str, currency: &str| {
        let mut body = World::booking(&offer, AT);
        body["pay_in"] = json!(currency);
        world.post("/v1/appointments").person("alan").once(key).json(&body).send().await
    };
    // Without rates nobody can say how much that is, and only what was switched on is taken.
    assert_eq!(ask("early", "USD").await.problem(422), "invalid");
    world.stack.fetch_exchange_rates().await.expect("rates");
    let refused = ask("other", "JPY").await;
    assert_eq!((refused.problem(422), &refused.body["field"]), ("invalid", &json!("pay_in")));
    let booked = ask("now", "USD").await.expect(201);
    let estimate = world
        .get(&format!("/v1/experts/{}/session-types?currency=USD", offer.expert))
        .send()
        .await
        .expect(200)["session_types"][0]["estimate"]["amount"]
        .clone();
    assert_eq!(booked["price"], estimate, "what was shown is what is charged");
    world.stripe().pay(crate::harness::intent(&booked), crate::harness::GOOD_CARD).expect("the card works");
    world.stack.settle().await;
    let appointment = crate::harness::id(&booked);
    assert_eq!(world.payment(&appointment).await["paid"], estimate);
    world.act("ada", &appointment, "cancel", &json!(null)).await.expect(200);
    world.stack.settle().await;
    assert_eq!(world.payment(&appointment).await["refunded"], estimate);
    world.balances(&offer).await;
}

#[tokio::test]
async fn what_went_back_before_is_not_promised_again() {
    let world = World::new().await;
    let offer = world.offer(&tiered_hour()).await;
    let appointment = world.secured(&offer, AT).await;
    let path = format!("/v1/appointments/{appointment}/refunds");
    let back = json!({ "amount": { "amount": 5_000, "currency": "EUR" } });
    world.post(&path).person("ada").once("r").json(&back).send().await.expect(201);
    world.stack.settle().await;
    // The half that the tier keeps is more than what is left.
    world.until("2027-01-10T09:00:00Z").await;
    let shown = quote(&world, "alan", &appointment).await;
    assert_eq!((&shown["refund"]["amount"], &shown["final_charge"]["amount"]), (&json!(0), &json!(3_000)));
    let of_expert = quote(&world, "ada", &appointment).await;
    assert_eq!(of_expert["refund"]["amount"], 3_000);
    world
        .act("ada", &appointment, "cancel", &json!({ "expected_refund": of_expert["refund"] }))
        .await
        .expect(200);
    world.stack.settle().await;
    assert_eq!(world.payment(&appointment).await["state"], "refunded");
}
