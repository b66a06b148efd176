//! Cancellation policies: the refund depends on who cancels and when, and equals the quote.

use domain::payments::ledger::Account;
use serde_json::{Value, json};

use super::tiered_hour;
use crate::harness::{TestApp, paid_hour};

/// The Monday of the next week.
const AT: &str = "2027-01-11T10:00:00Z";

async fn quote(test: &TestApp, who: &str, appointment: &str) -> Value {
    let path = format!("/v1/appointments/{appointment}/cancellation");
    test.get(&path).signed_in_as(who).send().await.expect(200)
}

#[tokio::test]
async fn refund_equals_the_quote() {
    for (now, refund, because) in [
        ("2027-01-04T08:10:00Z", 8_000, "grace"),
        ("2027-01-09T10:00:00Z", 8_000, "tier"),
        ("2027-01-09T10:00:01Z", 4_000, "tier"),
        ("2027-01-10T10:00:01Z", 0, "too_late"),
    ] {
        let test = TestApp::new().await;
        let offer = test.offer(&tiered_hour()).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        test.advance_to(now).await;
        let quoted = quote(&test, "alan", &appointment).await;
        assert_eq!(
            (&quoted["refund"]["amount"], &quoted["reason"]),
            (&json!(refund), &json!(because)),
            "{now}"
        );
        assert_eq!(quoted["final_charge"]["amount"], 8_000 - refund);
        let expected = json!({ "expected_refund": quoted["refund"] });
        test.post_action("alan", &appointment, "cancel", &expected).await.expect(200);
        test.stack.run_until_idle().await;
        let payment = test.payment(&appointment).await;
        assert_eq!(payment["refunded"]["amount"], refund, "{now}");
        let expert = i128::from(8_000 - refund) * 9 / 10;
        let fee = i128::from(8_000 - refund) / 10;
        let [client, expert_has, platform, gateway] =
            test.cents(&offer, [Account::Client, Account::Expert, Account::Platform, Account::Gateway]).await;
        assert_eq!((client, expert_has), (-i128::from(8_000 - refund), expert), "{now}");
        assert_eq!(platform + gateway, fee, "the platform pays the processing fee from its share");
    }
}

#[tokio::test]
async fn cancellation_with_an_outdated_quote_is_refused() {
    let test = TestApp::new().await;
    let offer = test.offer(&tiered_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    test.advance_to("2027-01-09T09:59:59Z").await;
    let quoted = quote(&test, "alan", &appointment).await;
    test.advance(2);
    let expected = json!({ "expected_refund": quoted["refund"] });
    assert_eq!(
        test.post_action("alan", &appointment, "cancel", &expected).await.problem(409),
        "quote-changed"
    );
    assert_eq!(test.appointment(&appointment).await["status"], "confirmed");

    // A second cancellation with another expected refund is refused too.
    let less = json!({ "expected_refund": quote(&test, "alan", &appointment).await["refund"] });
    test.post_action("alan", &appointment, "cancel", &less).await.expect(200);
    assert_eq!(
        test.post_action("alan", &appointment, "cancel", &expected).await.problem(409),
        "quote-changed"
    );
    test.post_action("alan", &appointment, "cancel", &less).await.expect(200);
    test.stack.run_until_idle().await;
    test.post_action("alan", &appointment, "cancel", &less).await.expect(200);
}

#[tokio::test]
async fn cancellation_by_the_expert_refunds_everything_at_any_time() {
    let test = TestApp::new().await;
    let offer = test.offer(&tiered_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    test.advance_to("2027-01-11T10:30:00Z").await;
    assert_eq!(quote(&test, "ada", &appointment).await["reason"], "by_expert");
    test.post_action("ada", &appointment, "cancel", &json!(null)).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.payment(&appointment).await["state"], "refunded");
    assert_eq!(test.cents(&offer, [Account::Client, Account::Expert]).await, [0, 0]);
}

#[tokio::test]
async fn no_show_refund_depends_on_who_missed_the_session() {
    for (who, at, refund, missed_by) in
        [("ada", "2027-01-11T10:10:00Z", 1_600, "client"), ("alan", "2027-01-11T10:10:00Z", 8_000, "expert")]
    {
        let test = TestApp::new().await;
        let offer = test.offer(&tiered_hour()).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        test.advance_to(at).await;
        let now = test.post_action(who, &appointment, "no-show", &json!(null)).await.expect(200);
        assert_eq!((&now["status"], &now["missed_by"]), (&json!("no_show"), &json!(missed_by)));
        // The other party is notified at once, and does not object within a day.
        test.stack.run_until_idle().await;
        test.advance_to("2027-01-12T10:11:00Z").await;
        assert_eq!(test.payment(&appointment).await["refunded"]["amount"], refund, "{who}");
        test.balances(&offer).await;
    }
}

#[tokio::test]
async fn rescheduling_follows_the_terms_at_booking() {
    let mut terms = paid_hour();
    terms["rescheduling_policy"] = json!({ "at_most": 1, "until_minutes_before": 60, "price": "current" });
    let test = TestApp::new().await;
    let offer = test.offer(&terms).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    // The price decreases; a client who reschedules gets the difference.
    let path = format!("/v1/experts/{}/session-types/{}", offer.expert, offer.session_type);
    let mut cheaper = terms.clone();
    cheaper["durations"][0]["price"]["amount"] = json!(6_000);
    test.put(&path).signed_in_as("ada").header("If-Match", "\"1\"").json(&cheaper).send().await.expect(200);
    let moved = json!({ "start": "2027-01-12T10:00:00Z" });
    let now = test.post_action("alan", &appointment, "reschedule", &moved).await.expect(200);
    assert_eq!(now["price"]["amount"], 6_000);
    test.stack.run_until_idle().await;
    assert_eq!(test.payment(&appointment).await["refunded"]["amount"], 2_000);
    assert_eq!(test.cents(&offer, [Account::Client, Account::Expert]).await, [-6_000, 5_400]);
    let again = json!({ "start": "2027-01-12T12:00:00Z" });
    let refused = test.post_action("alan", &appointment, "reschedule", &again).await;
    assert_eq!(refused.problem(409), "invalid-status");
    assert!(refused.body["detail"].as_str().expect("words").contains("propose other times"));
    let again = json!({ "starts": [again["start"]] });
    test.post_action("alan", &appointment, "proposal", &again).await.expect(200);
    let accepted = json!({ "start": again["starts"][0] });
    let moved = test.post_action("ada", &appointment, "proposal/accept", &accepted).await.expect(200);
    assert_eq!((&moved["reschedules"], &moved["reschedules_by_client"]), (&json!(2), &json!(2)));
}

#[tokio::test]
async fn expert_who_raises_the_price_does_not_take_away_the_clients_moves() {
    let mut terms = paid_hour();
    terms["rescheduling_policy"] = json!({ "price": "current" });
    let test = TestApp::new().await;
    let offer = test.offer(&terms).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    let path = format!("/v1/experts/{}/session-types/{}", offer.expert, offer.session_type);
    let mut dearer = terms.clone();
    dearer["durations"][0]["price"]["amount"] = json!(9_000);
    test.put(&path).signed_in_as("ada").header("If-Match", "\"1\"").json(&dearer).send().await.expect(200);
    let moved = json!({ "start": "2027-01-12T10:00:00Z" });
    let now = test.post_action("alan", &appointment, "reschedule", &moved).await.expect(200);
    assert_eq!((&now["start"], &now["price"]["amount"]), (&moved["start"], &json!(8_000)));
}

#[tokio::test]
async fn current_price_applies_to_a_move_in_the_currency_that_the_client_pays() {
    let mut terms = paid_hour();
    terms["rescheduling_policy"] = json!({ "price": "current" });
    terms["presentment_currencies"] = json!(["USD"]);
    let test = TestApp::new().await;
    let offer = test.offer(&terms).await;
    test.stack.fetch_exchange_rates().await.expect("rates");
    let book = async |start: &str| {
        let mut body = TestApp::booking(&offer, start);
        body["pay_in"] = json!("USD");
        test.post("/v1/appointments").signed_in_as("alan").idempotency_key(start).json(&body).send().await
    };
    let booked = book(AT).await.expect(201);
    test.stripe().pay(crate::harness::intent(&booked), crate::harness::GOOD_CARD).expect("the card works");
    test.stack.run_until_idle().await;
    let appointment = crate::harness::id(&booked);
    let path = format!("/v1/experts/{}/session-types/{}", offer.expert, offer.session_type);
    let mut cheaper = terms.clone();
    cheaper["durations"][0]["price"]["amount"] = json!(6_000);
    test.put(&path).signed_in_as("ada").header("If-Match", "\"1\"").json(&cheaper).send().await.expect(200);
    let current = book("2027-01-11T14:00:00Z").await.expect(201)["price"].clone();
    assert!(current["amount"].as_u64() < booked["price"]["amount"].as_u64(), "{current}");
    let moved = json!({ "start": "2027-01-12T10:00:00Z" });
    let path = format!("/v1/appointments/{appointment}/reschedule?start=2027-01-12T10:00:00Z");
    let quote = test.get(&path).signed_in_as("alan").send().await.expect(200);
    assert_eq!(quote["price"], current, "as a booking costs now");
    let now = test.post_action("alan", &appointment, "reschedule", &moved).await.expect(200);
    assert_eq!(now["price"], quote["price"]);
    test.stack.run_until_idle().await;
    let refunded = test.payment(&appointment).await["refunded"]["amount"].as_u64();
    let difference = booked["price"]["amount"].as_u64().zip(current["amount"].as_u64());
    assert_eq!(refunded, difference.map(|(before, after)| before - after));
    test.balances(&offer).await;
}

#[tokio::test]
async fn fee_is_fixed_at_booking() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let before = test.book_and_secure(&offer, AT).await;
    let path = format!("/v1/experts/{}/terms", offer.expert);
    let fee = json!({ "basis_points": 1_250, "established": false, "refund_budget": null });
    let set = |subject: &str, tag: &str| {
        test.put(&path).signed_in_as(subject).header("If-Match", tag).json(&fee).send()
    };
    let read = || test.get(&path).signed_in_as("margaret").send();
    let usual = json!({ "basis_points": null, "established": false, "refund_budget": null });
    assert_eq!(read().await.expect(200), usual);
    assert_eq!(set("ada", "\"0\"").await.problem(403), "forbidden");
    assert_eq!(set("margaret", "\"1\"").await.problem(412), "version-mismatch");
    assert_eq!(set("margaret", &read().await.etag()).await.expect(200), fee);
    assert_eq!(set("margaret", "\"0\"").await.expect(200), fee, "a repeated request succeeds");
    assert_eq!((read().await.etag().as_str(), read().await.expect(200)), ("\"1\"", fee.clone()));
    let after = test.book_and_secure(&offer, "2027-01-11T12:00:00Z").await;
    let fee_of = async |appointment: &str| {
        let path = format!("/v1/appointments/{appointment}");
        test.get(&path).signed_in_as("ada").send().await.expect(200)["payment"]["platform_fee"]["amount"]
            .clone()
    };
    assert_eq!((fee_of(&before).await, fee_of(&after).await), (json!(800), json!(1_000)));
    assert_eq!(test.cents(&offer, [Account::Expert]).await, [7_200 + 7_000]);
}

#[tokio::test]
async fn client_can_pay_in_a_presentment_currency() {
    let mut terms = paid_hour();
    terms["presentment_currencies"] = json!(["USD"]);
    let test = TestApp::new().await;
    let offer = test.offer(&terms).await;
    let ask = async |key: &str, currency: &str| {
        let mut body = TestApp::booking(&offer, AT);
        body["pay_in"] = json!(currency);
        test.post("/v1/appointments").signed_in_as("alan").idempotency_key(key).json(&body).send().await
    };
    // Without rates, the amount cannot be converted. Only presentment currencies of the session type are accepted.
    assert_eq!(ask("early", "USD").await.problem(422), "invalid");
    test.stack.fetch_exchange_rates().await.expect("rates");
    let refused = ask("other", "JPY").await;
    assert_eq!((refused.problem(422), refused.places()), ("invalid", vec!["/pay_in"]));
    let booked = ask("now", "USD").await.expect(201);
    let estimate = test
        .get(&format!("/v1/experts/{}/session-types?currency=USD", offer.expert))
        .send()
        .await
        .expect(200)["session_types"][0]["durations"][0]["estimate"]["amount"]
        .clone();
    assert_eq!(booked["price"], estimate, "the charge equals the displayed amount");
    test.stripe().pay(crate::harness::intent(&booked), crate::harness::GOOD_CARD).expect("the card works");
    test.stack.run_until_idle().await;
    let appointment = crate::harness::id(&booked);
    assert_eq!(test.payment(&appointment).await["paid"], estimate);
    test.post_action("ada", &appointment, "cancel", &json!(null)).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.payment(&appointment).await["refunded"], estimate);
    test.balances(&offer).await;
}

#[tokio::test]
async fn quote_excludes_earlier_refunds() {
    let test = TestApp::new().await;
    let offer = test.offer(&tiered_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    let path = format!("/v1/appointments/{appointment}/refunds");
    let back = json!({ "amount": { "amount": 5_000, "currency": "EUR" } });
    test.post(&path).signed_in_as("ada").idempotency_key("r").json(&back).send().await.expect(201);
    test.stack.run_until_idle().await;
    // The half that the tier keeps is more than the remaining amount.
    test.advance_to("2027-01-10T09:00:00Z").await;
    let quoted = quote(&test, "alan", &appointment).await;
    assert_eq!((&quoted["refund"]["amount"], &quoted["final_charge"]["amount"]), (&json!(0), &json!(3_000)));
    let of_expert = quote(&test, "ada", &appointment).await;
    assert_eq!(of_expert["refund"]["amount"], 3_000);
    test.post_action("ada", &appointment, "cancel", &json!({ "expected_refund": of_expert["refund"] }))
        .await
        .expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.payment(&appointment).await["state"], "refunded");
}

#[tokio::test]
async fn client_who_reschedules_keeps_the_tier_that_they_have_reached() {
    for (now, refund) in
        [("2027-01-08T10:00:00Z", 8_000), ("2027-01-10T09:00:00Z", 4_000), ("2027-01-10T11:00:00Z", 0)]
    {
        let test = TestApp::new().await;
        let offer = test.offer(&tiered_hour()).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        test.advance_to(now).await;
        assert_eq!(quote(&test, "alan", &appointment).await["refund"]["amount"], refund, "{now}");
        // Two weeks later, every tier is ahead again.
        let later = json!({ "start": "2027-01-25T10:00:00Z" });
        test.post_action("alan", &appointment, "reschedule", &later).await.expect(200);
        let quoted = quote(&test, "alan", &appointment).await;
        assert_eq!(quoted["refund"]["amount"], refund, "{now}");
        let expected = json!({ "expected_refund": quoted["refund"] });
        test.post_action("alan", &appointment, "cancel", &expected).await.expect(200);
        test.stack.run_until_idle().await;
        assert_eq!(test.payment(&appointment).await["refunded"]["amount"], refund, "{now}");
        test.balances(&offer).await;
    }
}
