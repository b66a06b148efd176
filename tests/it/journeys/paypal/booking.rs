//! Booking, approving, and what happens when that comes late or to nothing.

use domain::payments::ledger::MovementKind;
use serde_json::json;
use simulators::paypal::ECHECK_CLEARS_AFTER;

use super::{Market, PAID, SOON};
use crate::harness::{id, intent, paid_hour};

const NOTHING: [i128; 4] = [0; 4];

#[tokio::test]
async fn what_a_client_approves_is_taken_and_confirms_the_booking() {
    let market = Market::new(&paid_hour()).await;
    let booked = market.book(SOON, "k").await.expect(201);
    let payment = &booked["payment"];
    assert_eq!(
        (&booked["status"], &payment["gateway"], &payment["plan"]),
        (&json!("pending"), &json!("paypal"), &json!("charge"))
    );
    assert_eq!(payment.get("client_secret"), None);
    let page = payment["pay_page"].as_str().expect("a page");
    assert!(page.ends_with(&format!("/checkoutnow?token={}", intent(&booked))), "{page}");
    let asked =
        market.world.get(&format!("/v1/appointments/{}/payment", id(&booked))).person("alan").send().await;
    assert_eq!(asked.expect(200)["pay_page"], page);
    market.approve(&booked, "good");
    market.world.stack.settle().await;
    let now = market.world.appointment(&id(&booked)).await;
    assert_eq!((&now["status"], &now["payment"]["state"]), (&json!("confirmed"), &json!("paid")));
    assert_eq!(market.cents().await, PAID);
    let kinds =
        [MovementKind::Captured, MovementKind::Transfer, MovementKind::Fee, MovementKind::ProcessingFee];
    assert_eq!(market.kinds().await, kinds);
    for movement in market.movements().await {
        assert_eq!(movement.object, market.capture_of(&id(&booked)).await);
    }
    // The same request again is the same booking.
    assert_eq!(market.book(SOON, "k").await.expect(201)["id"], booked["id"]);
    assert_eq!(market.cents().await, PAID);
}

#[tokio::test]
async fn whose_card_is_declined_may_choose_another() {
    let market = Market::new(&paid_hour()).await;
    let booked = market.book(SOON, "k").await.expect(201);
    for _ in 0..3 {
        market.approve(&booked, "declined");
        market.world.stack.settle().await;
        assert_eq!(market.status(&id(&booked)).await, "pending");
        let path = format!("/v1/appointments/{}/payment", id(&booked));
        let open = market.world.get(&path).person("alan").send().await.expect(200);
        assert!(open["pay_page"].is_string(), "{open:#}");
    }
    market.approve(&booked, "good");
    market.world.stack.settle().await;
    assert_eq!(market.status(&id(&booked)).await, "confirmed");
    assert_eq!(market.cents().await, PAID);
}

#[tokio::test]
async fn whom_paypal_refuses_for_good_holds_nothing_up() {
    let market = Market::new(&paid_hour()).await;
    let booked = market.book(SOON, "k").await.expect(201);
    market.approve(&booked, "restricted");
    market.world.stack.settle().await;
    let now = market.world.appointment(&id(&booked)).await;
    assert_eq!((&now["status"], &now["payment"]["state"]), (&json!("expired"), &json!("cancelled")));
    market.book_as("katherine", SOON, "k2").await.expect(201);
    assert_eq!(market.cents().await, NOTHING);
}

#[tokio::test]
async fn who_approves_nothing_in_time_is_never_charged() {
    let market = Market::new(&paid_hour()).await;
    let booked = market.book(SOON, "k").await.expect(201);
    market.world.pass(600);
    market.world.sweep().await;
    let now = market.world.appointment(&id(&booked)).await;
    assert_eq!((&now["status"], &now["payment"]["state"]), (&json!("expired"), &json!("cancelled")));
    // The page is still open in the client's browser.
    market.approve(&booked, "good");
    market.days(1).await;
    let later = market.world.appointment(&id(&booked)).await;
    assert_eq!((&later["status"], &later["payment"]["state"]), (&json!("expired"), &json!("cancelled")));
    assert_eq!(later["payment"].get("pay_page"), None);
    assert_eq!(market.cents().await, NOTHING);
    assert!(market.world.stack.queue.inspect().set_aside.is_empty());
}

#[tokio::test]
async fn who_approves_after_somebody_else_took_the_slot_is_never_charged() {
    let market = Market::new(&paid_hour()).await;
    let slow = market.book(SOON, "slow").await.expect(201);
    market.world.pass(601);
    let quick = market.book_as("katherine", SOON, "quick").await.expect(201);
    market.approve(&slow, "good");
    market.world.stack.settle().await;
    assert_eq!(market.status(&id(&slow)).await, "expired");
    assert_eq!(market.cents().await, NOTHING);
    market.approve(&quick, "good");
    market.world.stack.settle().await;
    market.days(1).await;
    let path = format!("/v1/appointments/{}", id(&quick));
    assert_eq!(market.world.get(&path).person("katherine").send().await.expect(200)["status"], "confirmed");
    assert_eq!(market.cents().await, PAID);
}

#[tokio::test]
async fn who_approves_late_gets_the_slot_while_nobody_else_wants_it() {
    let market = Market::new(&paid_hour()).await;
    let booked = market.book(SOON, "k").await.expect(201);
    market.world.pass(601);
    market.approve(&booked, "good");
    market.world.stack.settle().await;
    assert_eq!(market.status(&id(&booked)).await, "confirmed");
    assert_eq!(market.cents().await, PAID);
}

#[tokio::test]
async fn who_calls_off_before_paying_is_never_charged() {
    let market = Market::new(&paid_hour()).await;
    let booked = market.book(SOON, "k").await.expect(201);
    market.act("alan", &id(&booked), "cancel").await;
    market.approve(&booked, "good");
    market.days(1).await;
    assert_eq!(
        (market.status(&id(&booked)).await, market.state(&id(&booked)).await),
        (json!("cancelled"), json!("cancelled"))
    );
    assert_eq!(market.cents().await, NOTHING);
}

#[tokio::test]
async fn an_echeck_confirms_when_it_cleared_and_never_when_it_bounced() {
    const IN_A_WEEK: &str = "2027-01-12T10:00:00Z";
    for (payer, status, cents) in [("echeck", "confirmed", PAID), ("bouncing", "expired", NOTHING)] {
        let market = Market::new(&paid_hour()).await;
        let appointment = market.paid_by(payer, IN_A_WEEK).await;
        assert_eq!(
            (market.status(&appointment).await, market.state(&appointment).await),
            (json!("pending"), json!("processing"))
        );
        market.days(ECHECK_CLEARS_AFTER / super::DAY - 1).await;
        assert_eq!(market.status(&appointment).await, "pending");
        assert_eq!(market.cents().await, NOTHING);
        market.days(2).await;
        assert_eq!(market.status(&appointment).await, status, "{payer}");
        assert_eq!(market.cents().await, cents, "{payer}");
    }
}

#[tokio::test]
async fn money_that_clears_after_the_slot_was_given_away_goes_back_whole() {
    const IN_A_WEEK: &str = "2027-01-12T10:00:00Z";
    let market = Market::new(&paid_hour()).await;
    let slow = market.paid_by("echeck", IN_A_WEEK).await;
    market.world.pass(601);
    let quick = market.book_as("katherine", IN_A_WEEK, "quick").await.expect(201);
    market.approve(&quick, "good");
    market.world.stack.settle().await;
    market.days(4).await;
    assert_eq!(
        (market.status(&slow).await, market.state(&slow).await),
        (json!("expired"), json!("refunded"))
    );
    // PayPal keeps its price of the payment that came for nothing, and the expert bears it.
    assert_eq!(market.cents().await, [-8_000, 800, 7_200 - 2 * super::PRICE, 2 * super::PRICE]);
}

#[tokio::test]
async fn amounts_that_paypal_cannot_show_are_refused_before_anybody_pays() {
    for (price, code) in [(3_130, "KWD"), (2_010_050, "HUF")] {
        let mut terms = paid_hour();
        terms["price"] = json!({ "amount": price, "currency": code });
        let market = Market::new(&terms).await;
        let refused = market.book(SOON, "k").await;
        assert_eq!(refused.problem(409), "payment-refused", "{code}");
        assert!(!refused.body.to_string().to_lowercase().contains("paypal"), "{:#}", refused.body);
        // Nobody else waits for it.
        assert!(market.world.starts(&market.offer, "2027-01-05").await.contains(&SOON.to_owned()), "{code}");
        assert_eq!(
            market.paypal().events().iter().filter(|event| event["resource_type"] == "capture").count(),
            0
        );
    }
}
