//! Setting aside at booking, and taking when the session took place.

use domain::payments::ledger::{Account, MovementKind};
use serde_json::json;

use super::{BACK, FRIDAY, LATER, Market, PAID, SOON, authorised_hour, tiered};
use crate::harness::id;

#[tokio::test]
async fn what_is_set_aside_is_taken_once_the_session_took_place() {
    for (start, end, renewed) in [
        (SOON, "2027-01-05T11:00:00Z", false),
        // The three days are over that PayPal vouches for, so it is asked to do so again.
        (FRIDAY, "2027-01-08T11:00:00Z", true),
        (LATER, "2027-01-25T11:00:00Z", true),
    ] {
        let market = Market::new(&authorised_hour()).await;
        let appointment = market.paid(start).await;
        let payment = market.payment(&appointment).await;
        assert_eq!((&payment["state"], &payment["plan"]), (&json!("authorised"), &json!("authorise")));
        assert_eq!(payment["capture_before"], "2027-02-02T08:00:00Z");
        assert_eq!(market.kinds().await, [MovementKind::Authorised]);
        assert_eq!(market.cents().await, [0; 4]);
        market.until(end).await;
        market.act("ada", &appointment, "complete").await;
        assert_eq!(market.state(&appointment).await, "paid");
        assert_eq!(market.cents().await, PAID);
        let order = market.order_of(&appointment).await;
        let authorisations =
            order["purchase_units"][0]["payments"]["authorizations"].as_array().map(Vec::len);
        assert_eq!(authorisations, Some(if renewed { 2 } else { 1 }), "{start}");
        let captured = market.movements().await.into_iter().find(|one| one.kind == MovementKind::Captured);
        assert_eq!(captured.map(|one| one.from), Some(Account::Authorised));
        market.days(40).await;
        assert_eq!(market.cents().await, PAID);
    }
}

#[tokio::test]
async fn a_session_beyond_an_authorisation_is_charged_at_booking() {
    let market = Market::new(&authorised_hour()).await;
    // The time to take it counts too.
    for (start, plan) in [("2027-01-29T10:00:00Z", "authorise"), ("2027-02-02T10:00:00Z", "charge")] {
        let booked = market.book(start, start).await.expect(201);
        assert_eq!(booked["payment"]["plan"], plan, "{start}");
    }
}

#[tokio::test]
async fn a_part_is_taken_and_the_rest_let_go() {
    let market = Market::new(&authorised_hour()).await;
    let appointment = market.paid(SOON).await;
    market.until("2027-01-05T11:00:00Z").await;
    let charge = json!({ "charge": { "amount": 3_005, "currency": "EUR" } });
    market.world.act("ada", &appointment, "complete", &charge).await.expect(200);
    market.world.stack.settle().await;
    assert_eq!(market.payment(&appointment).await["paid"]["amount"], 3_005);
    // A tenth of 30.05 is 3.005, which rounds up; PayPal's price is 2.99 % and 35 cents.
    assert_eq!(market.cents().await, [-3_005, 301, 3_005 - 301 - 125, 125]);
    assert_eq!(market.kinds().await.iter().filter(|kind| **kind == MovementKind::Released).count(), 1);
    market.days(40).await;
    assert_eq!(market.cents().await, [-3_005, 301, 3_005 - 301 - 125, 125]);
}

#[tokio::test]
async fn who_calls_off_keeps_what_the_policy_gives() {
    // At 10:00 on Thursday half is kept, on Tuesday nothing.
    for (when, cents, state) in [
        ("2027-01-07T08:00:00Z", [-4_000, 400, 3_600 - 155, 155], "paid"),
        ("2027-01-05T08:00:00Z", [0; 4], "cancelled"),
    ] {
        let market = Market::new(&tiered(authorised_hour())).await;
        let appointment = market.paid(FRIDAY).await;
        market.until(when).await;
        market.act("alan", &appointment, "cancel").await;
        assert_eq!(market.state(&appointment).await, state, "{when}");
        assert_eq!(market.cents().await, cents, "{when}");
        market.days(40).await;
        assert_eq!(market.cents().await, cents, "{when}");
        let order = market.order_of(&appointment).await;
        let given = &order["purchase_units"][0]["payments"]["authorizations"][0]["status"];
        assert_eq!(given, if state == "paid" { "CAPTURED" } else { "VOIDED" });
    }
}

#[tokio::test]
async fn who_spent_what_was_set_aside_is_asked_again_by_a_person_until_it_lapses() {
    let market = Market::new(&authorised_hour()).await;
    let appointment = market.paid_by("spender", FRIDAY).await;
    assert_eq!(market.status(&appointment).await, "confirmed");
    market.until("2027-01-08T11:00:00Z").await;
    market.act("ada", &appointment, "complete").await;
    assert_eq!(
        (market.status(&appointment).await, market.state(&appointment).await),
        (json!("completed"), json!("authorised"))
    );
    assert_eq!(market.cents().await, [0; 4]);
    assert_eq!(market.told("payment.escalated"), 1);
    let seen = market.world.get(&format!("/v1/appointments/{appointment}")).person("ada").send().await;
    let amount = json!({ "amount": 8_000, "currency": "EUR" });
    let needs = json!({ "because": "refused", "order": "capture", "amount": amount });
    assert_eq!(seen.expect(200)["payment"]["escalation"], needs);
    for told in 2..4 {
        market.world.decide(&appointment, "try_again").await.expect(200);
        market.world.stack.settle().await;
        assert_eq!(market.told("payment.escalated"), told, "it was asked again, in vain");
    }
    market.until("2027-02-03T08:00:00Z").await;
    assert_eq!(market.state(&appointment).await, "unpaid");
    assert_eq!(market.told("payment.unpaid"), 1);
    assert_eq!(market.cents().await, [0; 4]);
    let kinds = market.kinds().await;
    assert_eq!(kinds, [MovementKind::Authorised, MovementKind::Released]);
}

#[tokio::test]
async fn what_lapses_before_the_session_is_paid_anew() {
    let market = Market::new(&authorised_hour()).await;
    let appointment = market.paid(LATER).await;
    // Somebody at PayPal lets go of it.
    let order = market.order_of(&appointment).await;
    let given =
        order["purchase_units"][0]["payments"]["authorizations"][0]["id"].as_str().expect("an id").to_owned();
    let account = market.connection().await["account"].as_str().expect("an account").to_owned();
    super::faults::void(&market, &given, &account).await;
    market.world.stack.settle().await;
    let payment =
        market.world.get(&format!("/v1/appointments/{appointment}/payment")).person("alan").send().await;
    let payment = payment.expect(200);
    assert_eq!(payment["state"], "action_required", "{payment:#}");
    assert_ne!(payment["intent"], order["id"]);
    assert!(payment["pay_page"].is_string(), "{payment:#}");
    assert_eq!(market.told("payment.action_required"), 1);
    market
        .paypal()
        .approve(payment["intent"].as_str().expect("an order"), "good")
        .expect("it can be approved");
    market.world.stack.settle().await;
    assert_eq!(
        (market.status(&appointment).await, market.state(&appointment).await),
        (json!("confirmed"), json!("authorised"))
    );
    market.until("2027-01-26T12:00:00Z").await;
    assert_eq!(
        (market.status(&appointment).await, market.state(&appointment).await),
        (json!("completed"), json!("paid"))
    );
    assert_eq!(market.cents().await, PAID);
    // A refund after all of that gives everything back.
    let back = json!({ "amount": { "amount": 8_000, "currency": "EUR" } });
    let path = format!("/v1/appointments/{appointment}/refunds");
    market.world.post(&path).person("ada").once("r").json(&back).send().await.expect(201);
    market.world.stack.settle().await;
    assert_eq!(market.cents().await, BACK);
    assert_eq!(id(&market.world.appointment(&appointment).await), appointment);
}

#[tokio::test]
async fn who_agrees_anew_to_what_cannot_be_taken_is_asked_once_more_until_the_deadline() {
    let market = Market::new(&authorised_hour()).await;
    let appointment = market.paid(LATER).await;
    let order = market.order_of(&appointment).await;
    let given =
        order["purchase_units"][0]["payments"]["authorizations"][0]["id"].as_str().expect("an id").to_owned();
    let account = market.connection().await["account"].as_str().expect("an account").to_owned();
    super::faults::void(&market, &given, &account).await;
    market.world.stack.settle().await;
    let path = format!("/v1/appointments/{appointment}/payment");
    let mut tried = vec![order["id"].clone()];
    for _ in 0..2 {
        let payment = market.world.get(&path).person("alan").send().await.expect(200);
        assert_eq!(payment["state"], "action_required", "{payment:#}");
        assert!(payment["pay_page"].is_string(), "{payment:#}");
        assert!(!tried.contains(&payment["intent"]), "there is another to agree to");
        tried.push(payment["intent"].clone());
        market
            .paypal()
            .approve(payment["intent"].as_str().expect("an order"), "restricted")
            .expect("approved");
        market.world.stack.settle().await;
    }
    assert_eq!(market.told("payment.action_required"), 1, "the deadline stays");
    market.days(2).await;
    let now = market.world.appointment(&appointment).await;
    assert_eq!((&now["status"], &now["cancelled_by"]), (&json!("cancelled"), &json!("platform")));
    assert_eq!(market.cents().await, [0; 4]);
    assert!(market.world.stack.queue.inspect().set_aside.is_empty());
}
