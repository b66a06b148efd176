//! Lost responses, faults after an action, expired keys, webhooks in any order: each movement happens exactly once.

use serde_json::json;
use simulators::stripe::Faults;

use super::authorized_hour;
use crate::harness::{GOOD_CARD, TestApp, id, intent, paid_hour};

const AT: &str = "2027-01-05T10:00:00Z";
const LATER: &str = "2027-01-25T10:00:00Z";

/// The faults of each request, and of webhooks.
fn faults() -> Vec<Faults> {
    let webhooks = [
        Faults::default(),
        Faults { duplicate_deliveries: true, out_of_order: true, ..Faults::default() },
        Faults { drop_webhooks: true, ..Faults::default() },
        Faults { delay_deliveries_seconds: 7_000, ..Faults::default() },
    ];
    let calls = |webhooks: &Faults| {
        [
            Faults { fail_before_acting: 1, ..webhooks.clone() },
            Faults { fail_after_acting: 1, ..webhooks.clone() },
            Faults { lose_responses: 1, ..webhooks.clone() },
            Faults { rate_limit: 2, ..webhooks.clone() },
        ]
    };
    webhooks.iter().flat_map(calls).collect()
}

/// Removes the idempotency keys, as Stripe does after a day.
fn clear_idempotency_keys(test: &TestApp) {
    let faults = test.stripe().faults();
    test.stripe().set_faults(Faults { clear_idempotency_keys: true, ..faults });
}

/// Runs the sweep for some days, and removes idempotency keys on the way.
async fn days(test: &TestApp, days: i64) {
    for _ in 0..days * 4 {
        test.advance(6 * 3_600);
        test.stack.run_until_idle().await;
        test.sweep().await;
    }
}

#[tokio::test]
async fn refund_happens_once_despite_faults() {
    for faults in faults() {
        let test = TestApp::new().await;
        let offer = test.offer(&paid_hour()).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        test.stripe().set_faults(faults.clone());
        test.post_action("ada", &appointment, "cancel", &json!(null)).await.expect(200);
        test.stack.run_until_idle().await;
        clear_idempotency_keys(&test);
        days(&test, 2).await;
        assert_eq!(test.payment(&appointment).await["state"], "refunded", "{faults:?}");
        let refunds = test.stripe().events().iter().filter(|event| event["type"] == "refund.created").count();
        assert_eq!(refunds, 1, "{faults:?}");
        test.balances(&offer).await;
    }
}

#[tokio::test]
async fn saved_card_is_charged_once_despite_faults() {
    for faults in faults() {
        let test = TestApp::new().await;
        let offer = test.offer(&authorized_hour()).await;
        let appointment = test.book_and_secure(&offer, LATER).await;
        test.advance_to("2027-01-21T08:00:00Z").await;
        test.stripe().set_faults(faults.clone());
        for _ in 0..6 {
            test.advance(6 * 3_600);
            test.sweep().await;
            clear_idempotency_keys(&test);
        }
        assert_eq!(test.payment(&appointment).await["state"], "authorized", "{faults:?}");
        test.advance_to("2027-01-27T08:00:00Z").await;
        assert_eq!(test.payment(&appointment).await["state"], "paid", "{faults:?}");
        let balances = test.balances(&offer).await;
        assert_eq!(
            balances.get(domain::payments::ledger::Account::Client, domain::Currency::EUR),
            -8_000,
            "{faults:?}"
        );
    }
}

#[tokio::test]
async fn capture_with_a_lost_response_is_not_repeated() {
    for faults in faults() {
        let test = TestApp::new().await;
        let offer = test.offer(&authorized_hour()).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        test.advance_to("2027-01-05T11:00:00Z").await;
        test.stripe().set_faults(faults.clone());
        test.post_action("ada", &appointment, "complete", &json!(null)).await.expect(200);
        test.stack.run_until_idle().await;
        clear_idempotency_keys(&test);
        days(&test, 1).await;
        assert_eq!(test.payment(&appointment).await["state"], "paid", "{faults:?}");
        test.balances(&offer).await;
    }
}

#[tokio::test]
async fn repeated_booking_continues_after_a_lost_response() {
    for (terms, start) in [(paid_hour(), AT), (authorized_hour(), AT), (authorized_hour(), LATER)] {
        for fault in [
            Faults { fail_before_acting: 1, ..Faults::default() },
            Faults { lose_responses: 1, ..Faults::default() },
            Faults { rate_limit: 1, ..Faults::default() },
        ] {
            let test = TestApp::new().await;
            let offer = test.offer(&terms).await;
            test.stripe().set_faults(fault.clone());
            let first = test.book(&offer, start, "k").await;
            let booked = match first.status.as_u16() {
                201 => first.body,
                503 => test.book(&offer, start, "k").await.expect(201),
                other => panic!("{other}: {:#}", first.body),
            };
            test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
            test.stack.run_until_idle().await;
            assert_eq!(test.appointment(&id(&booked)).await["status"], "confirmed", "{fault:?}");
            test.balances(&offer).await;
        }
    }
}

/// Stripe repeats an error for a key for a day; a retry must not wait for that.
#[tokio::test]
async fn failed_stripe_request_succeeds_within_an_hour() {
    let within_the_hour = async |test: &TestApp| {
        for _ in 0..12 {
            test.advance(300);
            test.stack.run_until_idle().await;
            test.sweep().await;
        }
    };
    let fails = || Faults { fail_for_good: 1, ..Faults::default() };

    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    test.stripe().set_faults(fails());
    test.post_action("ada", &appointment, "cancel", &json!(null)).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.stripe().faults().fail_for_good, 0, "it failed");
    within_the_hour(&test).await;
    assert_eq!(test.payment(&appointment).await["state"], "refunded");
    test.balances(&offer).await;

    let test = TestApp::new().await;
    let offer = test.offer(&authorized_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    test.advance_to("2027-01-05T11:00:00Z").await;
    test.stripe().set_faults(fails());
    test.post_action("ada", &appointment, "complete", &json!(null)).await.expect(200);
    within_the_hour(&test).await;
    assert_eq!(test.payment(&appointment).await["state"], "paid");
    test.balances(&offer).await;

    let test = TestApp::new().await;
    let offer = test.offer(&authorized_hour()).await;
    let appointment = test.book_and_secure(&offer, LATER).await;
    test.advance_to("2027-01-20T20:00:00Z").await;
    assert_eq!(test.payment(&appointment).await["state"], "card_saved");
    test.stripe().set_faults(fails());
    test.advance_to("2027-01-22T08:00:00Z").await;
    assert_eq!(test.payment(&appointment).await["state"], "authorized");
    test.balances(&offer).await;
}
