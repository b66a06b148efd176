//! Disputes, payouts, and accounts that the gateway disables.

use domain::payments::ledger::{Account, MovementKind};
use serde_json::json;
use simulators::stripe::{DisputeOutcome, Faults, Onboarding, PayoutOutcome};

use super::authorized_hour;
use crate::harness::{TestApp, intent, paid_hour};

const AT: &str = "2027-01-05T10:00:00Z";
const LATER: &str = "2027-01-25T10:00:00Z";

fn dispute(test: &TestApp, intent: &str, amount: Option<i64>) -> String {
    let dispute = test.stripe().dispute(intent, amount, "fraudulent").expect("it can be disputed");
    dispute["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn disputed_amount_is_reversed_from_the_expert_until_the_decision() {
    for (outcome, event, expert_has, client) in [
        (DisputeOutcome::Won, "payment.dispute_won", 7_200, -8_000),
        (DisputeOutcome::Lost, "payment.dispute_lost", 0, 0),
    ] {
        let test = TestApp::new().await;
        let offer = test.offer(&paid_hour()).await;
        let [paid, earned] = test.fund_platform(&offer, [Account::Client, Account::Expert]).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        let read = test.appointment(&appointment).await;
        let dispute = dispute(&test, intent(&read), None);
        test.stack.run_until_idle().await;
        assert_eq!(test.payment(&appointment).await["state"], "disputed");
        assert_eq!(test.published("payment.disputed"), 1);
        assert_eq!(test.cents(&offer, [Account::Client, Account::Expert]).await, [paid, earned]);
        let (client, expert_has) = (paid + client, earned + expert_has);
        // A cancellation during the dispute waits for the decision, and nothing is refunded twice.
        test.stripe().close_dispute(&dispute, outcome).expect("the bank decides");
        test.stack.run_until_idle().await;
        assert_eq!(test.published(event), 1, "{event}");
        assert_eq!(
            test.cents(&offer, [Account::Client, Account::Expert]).await,
            [client, expert_has],
            "{event}"
        );
        for _ in 0..3 {
            test.advance(90_000);
            test.sweep().await;
        }
        assert_eq!(
            test.cents(&offer, [Account::Client, Account::Expert]).await,
            [client, expert_has],
            "{event}"
        );
    }
}

#[tokio::test]
async fn partial_dispute_leaves_the_rest_unchanged() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let [paid, earned] = test.fund_platform(&offer, [Account::Client, Account::Expert]).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    let read = test.appointment(&appointment).await;
    let dispute = dispute(&test, intent(&read), Some(3_000));
    test.stack.run_until_idle().await;
    assert_eq!(test.cents(&offer, [Account::Client, Account::Expert]).await, [paid - 5_000, earned + 4_500]);
    test.stripe().close_dispute(&dispute, DisputeOutcome::Won).expect("the bank decides");
    test.stack.run_until_idle().await;
    assert_eq!(test.cents(&offer, [Account::Client, Account::Expert]).await, [paid - 8_000, earned + 7_200]);
}

#[tokio::test]
async fn cancelling_a_disputed_payment_refunds_nothing_twice() {
    for (outcome, refunded) in [(DisputeOutcome::Won, 8_000), (DisputeOutcome::Lost, 0)] {
        let test = TestApp::new().await;
        let offer = test.offer(&paid_hour()).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        let read = test.appointment(&appointment).await;
        let dispute = dispute(&test, intent(&read), None);
        test.stack.run_until_idle().await;
        test.post_action("alan", &appointment, "cancel", &json!(null)).await.expect(200);
        test.stack.run_until_idle().await;
        assert_eq!(test.cents(&offer, [Account::Client]).await, [0]);
        test.stripe().close_dispute(&dispute, outcome).expect("the bank decides");
        test.stack.run_until_idle().await;
        assert_eq!(test.payment(&appointment).await["refunded"]["amount"], refunded);
        assert_eq!(test.cents(&offer, [Account::Client, Account::Expert]).await, [0, 0]);
    }
}

#[tokio::test]
async fn refund_waits_for_the_decision_of_a_dispute() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    test.fund_platform(&offer, []).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    let dispute = dispute(&test, intent(&test.appointment(&appointment).await), Some(4_000));
    test.stack.run_until_idle().await;
    let give_back = async |key: &str| {
        let part = json!({ "amount": { "amount": 2_400, "currency": "EUR" } });
        test.post(&format!("/v1/appointments/{appointment}/refunds"))
            .signed_in_as("ada")
            .idempotency_key(key)
            .json(&part)
            .send()
            .await
    };
    assert_eq!(give_back("a").await.problem(409), "payment-state");
    test.stripe().close_dispute(&dispute, DisputeOutcome::Won).expect("the bank decides");
    test.stack.run_until_idle().await;
    give_back("b").await.expect(201);
    test.stack.run_until_idle().await;
    assert_eq!(test.payment(&appointment).await["refunded"]["amount"], 2_400, "nothing more is refunded");
    test.balances(&offer).await;
}

#[tokio::test]
async fn payouts_and_failed_payouts_are_in_the_ledger() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    test.book_and_secure(&offer, AT).await;
    let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
    let account = test.get(&path).signed_in_as("ada").send().await.expect(200);
    let account = account["account"].as_str().expect("an account");
    for (outcome, bank) in [(PayoutOutcome::Paid, 5_000), (PayoutOutcome::Failed, 5_000)] {
        let amount = if bank == 5_000 && outcome == PayoutOutcome::Paid { 5_000 } else { 1_000 };
        test.stripe().pay_out(account, Some(amount), Some("eur"), outcome).expect("there is enough");
        test.stack.run_until_idle().await;
        test.advance(3_600);
        test.stack.run_until_idle().await;
        assert_eq!(test.cents(&offer, [Account::Expert, Account::ExpertBank]).await, [7_200 - bank, bank]);
    }
    let kinds = test.kinds(&offer).await;
    assert_eq!(kinds.iter().filter(|kind| **kind == MovementKind::PayoutFailed).count(), 1);
}

#[tokio::test]
async fn disabled_account_refuses_new_bookings_and_keeps_existing_ones() {
    let test = TestApp::new().await;
    let offer = test.offer(&authorized_hour()).await;
    let paid = test.book_and_secure(&offer, AT).await;
    let saved = test.book_and_secure(&offer, LATER).await;
    let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
    let account = test.get(&path).signed_in_as("ada").send().await.expect(200);
    let account = account["account"].as_str().expect("an account").to_owned();
    test.stripe().deauthorize(&account).expect("it was authorized");
    test.stack.run_until_idle().await;
    let refused = test.book(&offer, "2027-01-06T10:00:00Z", "new").await;
    assert_eq!(refused.problem(409), "payments-not-ready");
    assert_eq!(test.appointment(&paid).await["status"], "confirmed");
    // The card can no longer be charged for this expert: the client is event, and the appointment is cancelled.
    test.advance_to("2027-01-24T10:00:00Z").await;
    let now = test.appointment(&saved).await;
    assert_eq!((&now["status"], &now["cancelled_by"]), (&json!("cancelled"), &json!("platform")));
    assert_eq!(test.published("payment.action_required"), 1);
}

#[tokio::test]
async fn refused_transfer_after_a_won_dispute_is_escalated() {
    for decision in ["try_again", "resolved_manually"] {
        let test = TestApp::new().await;
        let offer = test.offer(&paid_hour()).await;
        let [paid, earned] = test.fund_platform(&offer, [Account::Client, Account::Expert]).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        let dispute = dispute(&test, intent(&test.appointment(&appointment).await), None);
        test.stack.run_until_idle().await;
        // The bank decides for an expert to whom Stripe cannot transfer.
        let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
        let account = test.get(&path).signed_in_as("ada").send().await.expect(200);
        let account = account["account"].as_str().expect("an account").to_owned();
        test.stripe().onboard(&account, Onboarding::Restricted).expect("possible");
        test.stripe().close_dispute(&dispute, DisputeOutcome::Won).expect("the bank decides");
        test.stack.run_until_idle().await;
        let appointment_for_ada = async || {
            test.get(&format!("/v1/appointments/{appointment}")).signed_in_as("ada").send().await.expect(200)
        };
        let eighty = json!({ "amount": 7_200, "currency": "EUR" });
        let needs = json!({ "reason": "refused", "order": "transfer", "amount": eighty });
        assert_eq!(appointment_for_ada().await["payment"]["escalation"], needs);
        let of_client = test.payment(&appointment).await;
        assert_eq!((&of_client["state"], of_client.get("escalation")), (&json!("paid"), None));
        test.advance(86_400);
        test.sweep().await;
        assert_eq!(
            test.published("payment.escalated"),
            1,
            "the refused transfer is not retried automatically"
        );
        test.stripe().onboard(&account, Onboarding::Complete).expect("possible");
        let body = json!({ "resolution": "resolved_manually", "amount": eighty });
        for stranger in ["ada", "alan"] {
            let response = test.post_action(stranger, &appointment, "payment/resolution", &body).await;
            assert_eq!(response.problem(403), "forbidden");
        }
        test.resolve(&appointment, decision).await.expect(200);
        test.stack.run_until_idle().await;
        assert_eq!(appointment_for_ada().await["payment"].get("escalation"), None);
        let again = test.post_action("margaret", &appointment, "payment/resolution", &body).await;
        assert_eq!(again.problem(409), "payment-state");
        let expert = earned + if decision == "try_again" { 7_200 } else { 0 };
        assert_eq!(test.cents(&offer, [Account::Client, Account::Expert]).await, [paid - 8_000, expert]);
    }
}

#[tokio::test]
async fn remainder_after_a_lost_dispute_is_resolved_manually() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    test.fund_platform(&offer, []).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    let dispute = dispute(&test, intent(&test.appointment(&appointment).await), Some(3_000));
    test.stripe().close_dispute(&dispute, DisputeOutcome::Lost).expect("the bank decides");
    test.stack.run_until_idle().await;
    // One snapshot contains both events, and both are published.
    assert_eq!((test.published("payment.disputed"), test.published("payment.dispute_lost")), (1, 1));
    let quote =
        test.get(&format!("/v1/appointments/{appointment}/cancellation")).signed_in_as("ada").send().await;
    assert_eq!(quote.problem(409), "invalid-status", "the platform has cancelled it");
    let appointment_for_ada = async || {
        test.get(&format!("/v1/appointments/{appointment}")).signed_in_as("ada").send().await.expect(200)
    };
    let fifty = json!({ "amount": 5_000, "currency": "EUR" });
    let needs = json!({ "reason": "dispute_lost", "amount": fifty });
    assert_eq!(appointment_for_ada().await["payment"]["escalation"], needs);
    assert_eq!(test.resolve(&appointment, "try_again").await.problem(409), "payment-state");
    test.resolve(&appointment, "resolved_manually").await.expect(200);
    test.stack.run_until_idle().await;
    let payment = appointment_for_ada().await["payment"].clone();
    assert_eq!((&payment["refunded"]["amount"], payment.get("escalation")), (&json!(5_000), None));
    assert!(test.kinds(&offer).await.contains(&MovementKind::ResolvedManually));
}

#[tokio::test]
async fn appointment_is_cancelled_when_its_dispute_is_lost_before_the_start() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    test.fund_platform(&offer, []).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    let disputed = dispute(&test, intent(&test.appointment(&appointment).await), None);
    test.stack.run_until_idle().await;
    // A dispute that is only open changes nothing.
    assert_eq!(test.appointment(&appointment).await["status"], "confirmed");
    let balances = test.cents(&offer, [Account::Client, Account::Expert]).await;
    test.stripe().close_dispute(&disputed, DisputeOutcome::Lost).expect("the bank decides");
    test.stack.run_until_idle().await;
    let now = test.appointment(&appointment).await;
    assert_eq!((&now["status"], &now["cancelled_by"]), (&json!("cancelled"), &json!("platform")));
    assert!(now["reason"].as_str().is_some_and(|why| why.contains("disputed")), "{now:#}");
    // Nothing more is refunded, and the slot is free again.
    assert_eq!(test.cents(&offer, [Account::Client, Account::Expert]).await, balances);
    assert_eq!(now["payment"]["refunded"]["amount"], 0);
    assert_eq!(test.published("payment.escalated"), 0);
    assert!(test.starts(&offer, "2027-01-05").await.contains(&AT.to_owned()));
    for subject in ["ada", "alan"] {
        let told = test.notifications(subject).await;
        let cancelled = told.iter().find(|one| one["change"] == "cancelled");
        assert_eq!(cancelled.expect("a notification")["by"], "platform", "{subject}");
        let reliability = test.get("/v1/me/reliability").signed_in_as(subject).send().await.expect(200);
        let expert = &reliability["as_expert"]["last_90_days"];
        assert_eq!((&expert["late_cancellations"], &expert["lost_disputes"]), (&json!(0), &json!(0)));
        let disputes = if subject == "alan" { 1 } else { 0 };
        assert_eq!(reliability["as_client"]["last_90_days"]["lost_disputes"], disputes, "{subject}");
    }
    // A session that has begun stays as it is.
    let begun = test.book_and_secure(&offer, "2027-01-06T10:00:00Z").await;
    let disputed = dispute(&test, intent(&test.appointment(&begun).await), None);
    test.advance_to("2027-01-06T10:00:00Z").await;
    test.stripe().close_dispute(&disputed, DisputeOutcome::Lost).expect("the bank decides");
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&begun).await["status"], "confirmed");
    test.advance_to("2027-01-07T12:00:00Z").await;
    assert_eq!(test.appointment(&begun).await["status"], "completed");
}

#[tokio::test]
async fn client_who_takes_payments_back_by_disputes_is_warned_and_suspended() {
    for (limit, suspended_after) in [(Some(2), 2), (None, 9)] {
        let test = TestApp::with(|config| config.settings.reliability.suspension_for_disputes = limit).await;
        let offer = test.offer(&paid_hour()).await;
        test.fund_platform(&offer, []).await;
        let alan = test.get("/v1/me").signed_in_as("alan").send().await.expect(200);
        let alan = format!("/v1/people/{}/suspension", alan["id"].as_str().expect("an id"));
        for number in 1..=3_u64 {
            let start = format!("2027-01-{:02}T10:00:00Z", 10 + number);
            // Notifications of the same second have no order.
            test.advance(60);
            if number > suspended_after {
                assert_eq!(test.book(&offer, &start, &start).await.problem(403), "forbidden");
                // An administrator can lift the suspension, and the same disputes do not suspend again.
                let tag = test.get(&alan).signed_in_as("margaret").send().await.etag();
                let lifted = json!({ "suspended": false, "reason": "A stolen card" });
                let change = test.put(&alan).signed_in_as("margaret").header("If-Match", &tag);
                change.json(&lifted).send().await.expect(200);
                test.sweep().await;
            }
            let appointment = test.book_and_secure(&offer, &start).await;
            let disputed = dispute(&test, intent(&test.appointment(&appointment).await), None);
            test.stripe().close_dispute(&disputed, DisputeOutcome::Lost).expect("the bank decides");
            test.stack.run_until_idle().await;
            let me = test.get("/v1/me").signed_in_as("alan").send().await.expect(200);
            let reliability = test.get("/v1/me/reliability").signed_in_as("alan").send().await.expect(200);
            assert_eq!(reliability["as_client"]["last_90_days"]["lost_disputes"], number);
            let reason = format!("{number} payments taken back by disputes as a client within 90 days");
            let is_suspended = number >= suspended_after;
            assert_eq!(me["suspension"]["reason"] == reason, is_suspended, "{number}: {me:#}");
            let consequence = match limit {
                None => "none",
                Some(_) if is_suspended => "suspension",
                Some(_) => "warning",
            };
            assert_eq!(reliability["as_client"]["consequence"], consequence, "{number}");
            let mut warnings = test.notifications("alan").await;
            warnings.retain(|one| one["kind"] == "reliability_warning");
            assert_eq!(warnings.len() as u64, if limit.is_some() { number } else { 0 });
            if let Some(last) = warnings.first() {
                assert_eq!(last["for_lost_disputes"], true, "{last:#}");
                let numbers = ["incidents", "warning_from", "suspension_from"];
                assert_eq!(numbers.map(|name| last[name].as_u64()), [number, 1, 2].map(Some), "{last:#}");
            }
        }
    }
}

#[tokio::test]
async fn refund_without_balance_continues_when_balance_is_available() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    let dispute = dispute(&test, intent(&test.appointment(&appointment).await), None);
    test.stack.run_until_idle().await;
    // Fees have used the returned amount, so the balance is too low to transfer the expert's share again.
    test.stripe().close_dispute(&dispute, DisputeOutcome::Won).expect("the bank decides");
    test.stack.run_until_idle().await;
    assert_eq!(test.cents(&offer, [Account::Expert]).await, [0]);
    assert_eq!(test.published("payment.escalated"), 0, "nothing is escalated");
    // Stripe repeats its response to a key for a day; by then, the amount has changed too.
    let back = json!({ "amount": { "amount": 1_000, "currency": "EUR" } });
    let path = format!("/v1/appointments/{appointment}/refunds");
    test.post(&path).signed_in_as("ada").idempotency_key("r").json(&back).send().await.expect(201);
    let [paid, earned] = test.fund_platform(&offer, [Account::Client, Account::Expert]).await;
    for _ in 0..3 {
        test.advance(3_600);
        test.sweep().await;
    }
    let expected = [paid, earned.max(90_000 + 6_300)];
    assert_eq!(test.cents(&offer, [Account::Client, Account::Expert]).await, expected);
    assert_eq!(test.published("payment.escalated"), 0);
}

#[tokio::test]
async fn failed_refund_made_at_stripe_returns_to_the_expert() {
    const REFUNDS_FAIL: &str = "4000000000005126";
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let [paid, earned] = test.fund_platform(&offer, [Account::Client, Account::Expert]).await;
    let booked = test.book_with_card(&offer, AT, REFUNDS_FAIL).await;
    let form = [
        ("payment_intent", intent(&booked)),
        ("amount", "2000"),
        ("reverse_transfer", "true"),
        ("refund_application_fee", "true"),
    ];
    let url = test.stack.stripe_url.as_ref().expect("it runs").join("v1/refunds").expect("a URL");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let response =
        client.post(url).bearer_auth("sk_test_local").form(&form).send().await.expect("a response");
    assert_eq!(response.status(), 200);
    test.stack.run_until_idle().await;
    assert_eq!(test.cents(&offer, [Account::Client, Account::Expert]).await, [paid - 6_000, earned + 5_400]);
    for _ in 0..3 {
        test.advance(120);
        test.stack.run_until_idle().await;
        test.sweep().await;
        let now = test.cents(&offer, [Account::Client, Account::Expert]).await;
        assert_eq!(now, [paid - 8_000, earned + 7_200], "once");
    }
    assert_eq!(test.stripe().events().iter().filter(|event| event["type"] == "transfer.created").count(), 3);
    test.post_action("ada", &crate::harness::id(&booked), "cancel", &json!(null)).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.cents(&offer, [Account::Expert]).await, [earned]);
}

#[tokio::test]
async fn payout_with_a_lost_webhook_is_found_the_next_day() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    test.book_and_secure(&offer, AT).await;
    let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
    let account = test.get(&path).signed_in_as("ada").send().await.expect(200);
    let account = account["account"].as_str().expect("an account");
    for bank in [2_000, 3_000] {
        let deaf = Faults { drop_webhooks: true, ..Faults::default() };
        test.stripe().set_faults(deaf);
        test.stripe()
            .pay_out(
                account,
                Some(if bank == 2_000 { 2_000 } else { 1_000 }),
                Some("eur"),
                PayoutOutcome::Paid,
            )
            .expect("there is enough");
        test.advance(25 * 3_600);
        test.sweep().await;
        assert_eq!(test.cents(&offer, [Account::Expert, Account::ExpertBank]).await, [7_200 - bank, bank]);
    }
}

#[tokio::test]
async fn restricted_account_is_detected_and_restored() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
    let account = test.get(&path).signed_in_as("ada").send().await.expect(200);
    let account = account["account"].as_str().expect("an account").to_owned();
    test.stripe().onboard(&account, Onboarding::Restricted).expect("possible");
    test.stack.run_until_idle().await;
    assert_eq!(test.book(&offer, AT, "k1").await.problem(409), "payments-not-ready");
    test.stripe().onboard(&account, Onboarding::Complete).expect("possible");
    test.stack.run_until_idle().await;
    test.book(&offer, AT, "k2").await.expect(201);
}
