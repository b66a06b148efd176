//! Stripe Tax: the client pays the displayed price; documents and the expert's tax reports state the included taxes.

use serde_json::{Value, json};
use simulators::stripe::Faults;

use super::{authorized_hour, tiered_hour};
use crate::harness::{GOOD_CARD, Offer, TestApp, billing_details, id, intent, office_hours, paid_hour};

const AT: &str = "2027-01-05T10:00:00Z";
/// A card that was issued in Germany.
const GERMAN: &str = "4000002760000016";
/// A card that was issued in the United States and whose refunds fail after a minute.
const REFUNDS_FAIL: &str = "4000000000005126";

impl TestApp {
    async fn choose_tax(&self, expert: &str, version: u32, tax: Value) -> crate::harness::Response {
        let mut details = billing_details();
        details["tax"] = tax;
        let put = self.put(&format!("/v1/experts/{expert}/billing")).signed_in_as("ada");
        put.header("If-Match", &format!("\"{version}\"")).json(&details).send().await
    }

    async fn stripe_account(&self, expert: &str) -> String {
        let path = format!("/v1/experts/{expert}/payment-accounts/stripe");
        let account = self.get(&path).signed_in_as("ada").send().await.expect(200);
        account["account"].as_str().expect("an account").to_owned()
    }

    /// Ada with these terms and taxes calculated by Stripe, registered in California and Germany. Returns her Stripe account too.
    async fn taxed(&self, terms: &Value) -> (Offer, String) {
        let offer = self.offer(terms).await;
        let account = self.stripe_account(&offer.expert).await;
        self.stripe().set_up_tax(&account, true, &["US-CA", "DE"]).expect("it exists");
        self.choose_tax(&offer.expert, 0, json!({ "calculated_by": "stripe" })).await.expect(200);
        (offer, account)
    }

    /// Pays on the checkout page with a billing address.
    async fn pay_from(&self, booked: &Value, card: &str, postal_code: &str) {
        let url = self.stack.stripe_url.as_ref().expect("the simulator runs");
        let url = url.join(&format!("v1/payment_intents/{}/confirm", intent(booked))).expect("an address");
        let details = "payment_method_data[billing_details][address]";
        let (country, code) = (format!("{details}[country]"), format!("{details}[postal_code]"));
        let form = [
            ("client_secret", booked["payment"]["client_secret"].as_str().expect("a secret")),
            ("payment_method_data[type]", "card"),
            ("payment_method_data[card][number]", card),
            (&country, "US"),
            (&code, postal_code),
        ];
        let sent =
            self.http.post(url).bearer_auth("pk_test_browser").form(&form).send().await.expect("a response");
        assert_eq!(sent.status(), 200, "{}", sent.text().await.unwrap_or_default());
        self.stack.run_until_idle().await;
    }

    /// The documents of an appointment, as Alan reads them.
    async fn documents(&self, appointment: &str) -> Vec<Value> {
        let path = format!("/v1/appointments/{appointment}/receipts");
        let list = self.get(&path).signed_in_as("alan").send().await.expect(200);
        list["receipts"].as_array().expect("a list").clone()
    }

    /// The tax transactions of an account: reference, amount and tax.
    fn entries(&self, account: &str) -> Vec<(String, i64, i64)> {
        let entry = |entry: Value| {
            let line = &entry["line_items"]["data"][0];
            let number = |name: &str| line[name].as_i64().expect("a number");
            (
                entry["reference"].as_str().expect("a reference").to_owned(),
                number("amount"),
                number("amount_tax"),
            )
        };
        self.stripe().tax_entries(account).into_iter().map(entry).collect()
    }
}

/// The names and amounts of a document's taxes. Checks that they and the net amount add up to the total.
#[track_caller]
fn taxes(document: &Value) -> Vec<(String, u64)> {
    let amount = |money: &Value| money["amount"].as_u64().expect("an amount");
    let lines: Vec<(String, u64)> = document["taxes"]
        .as_array()
        .map_or(&[][..], Vec::as_slice)
        .iter()
        .map(|line| {
            let text = |name: &str| line[name].as_str().expect("text").to_owned();
            (format!("{} {}", text("jurisdiction"), text("rate")), amount(&line["amount"]))
        })
        .collect();
    if !lines.is_empty() {
        let sum: u64 = lines.iter().map(|(_, amount)| amount).sum();
        assert_eq!(amount(&document["net"]) + sum, amount(&document["total"]), "{document:#}");
    }
    lines
}

fn california(state: u64, city: u64) -> Vec<(String, u64)> {
    vec![("California 7.25".to_owned(), state), ("San Francisco 1.375".to_owned(), city)]
}

async fn refund(test: &TestApp, appointment: &str, key: &str, cents: u64) {
    let path = format!("/v1/appointments/{appointment}/refunds");
    let body = json!({ "amount": { "amount": cents, "currency": "EUR" } });
    test.post(&path).signed_in_as("ada").idempotency_key(key).json(&body).send().await.expect(201);
    test.stack.run_until_idle().await;
}

#[tokio::test]
async fn taxes_are_calculated_once_the_account_is_ready() {
    let test = TestApp::new().await;
    let expert = test.expert(&office_hours()).await;
    let on = json!({ "calculated_by": "stripe" });
    let none = test.choose_tax(&expert, 0, on.clone()).await;
    assert!(none.body["detail"].as_str().is_some_and(|text| text.contains("onboarding")), "{:#}", none.body);
    assert_eq!(none.problem(409), "tax-not-ready");
    let account = test.onboard(&expert).await;
    let pending = test.choose_tax(&expert, 0, on.clone()).await;
    assert!(
        pending.body["detail"].as_str().is_some_and(|text| text.contains("head_office")),
        "{:#}",
        pending.body
    );
    assert_eq!((pending.problem(409), pending.places()), ("tax-not-ready", vec!["/tax"]));
    test.stripe().set_up_tax(&account, true, &[]).expect("it exists");
    test.stripe().set_faults(Faults { fail_before_acting: 1, ..Faults::default() });
    assert_eq!(test.choose_tax(&expert, 0, on.clone()).await.problem(503), "unavailable");
    assert_eq!(test.choose_tax(&expert, 0, on.clone()).await.expect(200)["tax"], on);
    // Tax calculation stays enabled, even if Stripe no longer reports it as active.
    test.stripe().deauthorize(&account).expect("it exists");
    test.choose_tax(&expert, 1, on.clone()).await.expect(200);
    let own = json!({ "label": "VAT", "rate": 2_000 });
    assert_eq!(test.choose_tax(&expert, 2, own.clone()).await.expect(200)["tax"], own);
    assert_eq!(test.choose_tax(&expert, 3, on).await.problem(409), "tax-not-ready");
    for wrong in [
        json!({ "calculated_by": "stripe", "label": "VAT", "rate": 1 }),
        json!({ "calculated_by": "me" }),
        json!({}),
    ] {
        assert_eq!(test.choose_tax(&expert, 3, wrong).await.problem(422), "invalid");
    }
}

#[tokio::test]
async fn receipt_and_credit_note_have_two_taxes() {
    let test = TestApp::new().await;
    let (offer, account) = test.taxed(&paid_hour()).await;
    let booked = test.book(&offer, AT, "k").await.expect(201);
    test.pay_from(&booked, GOOD_CARD, "94102").await;
    let appointment = id(&booked);
    assert_eq!(test.payment(&appointment).await["paid"]["amount"], 8_000, "the client pays the price only");
    refund(&test, &appointment, "r1", 3_000).await;
    refund(&test, &appointment, "r2", 5_000).await;
    let documents = test.documents(&appointment).await;
    let taxes_of_documents: Vec<_> = documents.iter().map(taxes).collect();
    assert_eq!(taxes_of_documents, [california(534, 101), california(200, 38), california(334, 63)]);
    let reference = |place: usize| documents[place]["payment_reference"].as_str().expect("text").to_owned();
    let entries = [(reference(0), 8_000, 635), (reference(1), -3_000, -238), (reference(2), -5_000, -397)];
    assert_eq!(test.entries(&account), entries);
    assert!(reference(0).starts_with("ch_") && reference(1).starts_with("re_"));

    let receipt = documents[0]["id"].as_str().expect("an id");
    let page =
        test.get(&format!("/v1/receipts/{receipt}")).signed_in_as("alan").header("Accept", "text/html");
    let page = String::from_utf8(page.send_for_file().await.1).expect("text");
    assert!(page.contains("Sales Tax, San Francisco 1.375 %") && page.contains("EUR 73.65"), "{page}");
    test.balances(&offer).await;
}

#[tokio::test]
async fn only_the_captured_amount_is_taxed() {
    let test = TestApp::new().await;
    let (offer, account) = test.taxed(&authorized_hour()).await;
    let appointment = id(&test.book_with_card(&offer, AT, GERMAN).await);
    assert!(test.documents(&appointment).await.is_empty() && test.entries(&account).is_empty());
    test.advance_to("2027-01-05T11:00:00Z").await;
    let charge = json!({ "charge": { "amount": 3_005, "currency": "EUR" } });
    test.post_action("ada", &appointment, "complete", &charge).await.expect(200);
    test.stack.run_until_idle().await;
    let documents = test.documents(&appointment).await;
    assert_eq!(taxes(&documents[0]), [("Germany 19".to_owned(), 480)]);
    assert_eq!(documents[0]["total"]["amount"], 3_005);
    assert_eq!(
        test.entries(&account).iter().map(|entry| (entry.1, entry.2)).collect::<Vec<_>>(),
        [(3_005, 480)]
    );
}

#[tokio::test]
async fn failed_refund_is_corrected_in_the_tax_transactions() {
    for decision in ["try_again", "resolved_manually"] {
        let test = TestApp::new().await;
        let (offer, account) = test.taxed(&paid_hour()).await;
        let booked = test.book(&offer, AT, "k").await.expect(201);
        test.pay_from(&booked, REFUNDS_FAIL, "94102").await;
        let appointment = id(&booked);
        test.post_action("ada", &appointment, "cancel", &json!(null)).await.expect(200);
        test.stack.run_until_idle().await;
        test.advance(120);
        test.stack.run_until_idle().await;
        let documents = test.documents(&appointment).await;
        assert_eq!(documents.iter().map(taxes).collect::<Vec<_>>(), vec![california(534, 101); 3]);
        assert_eq!(documents[2]["kind"], "correction");
        let refunded = documents[1]["payment_reference"].as_str().expect("text");
        let entries = test.entries(&account);
        assert_eq!(entries.last(), Some(&(format!("{refunded}:failed"), 8_000, 635)), "{entries:?}");

        test.resolve(&appointment, decision).await.expect(200);
        test.stack.run_until_idle().await;
        let entries = test.entries(&account);
        assert_eq!(
            entries.iter().map(|entry| entry.1).collect::<Vec<_>>(),
            [8_000, -8_000, 8_000, -8_000],
            "{decision}"
        );
        assert_eq!(entries.iter().map(|entry| entry.2).sum::<i64>(), 0);
        let manual = entries[3].0.starts_with(&format!("{appointment}:manual_"));
        assert_eq!(manual, decision == "resolved_manually", "{entries:?}");
        assert_eq!(taxes(&test.documents(&appointment).await[3]), california(534, 101));
    }
}

#[tokio::test]
async fn document_without_tax_states_the_reason_and_is_issued() {
    let test = TestApp::new().await;
    let (offer, account) = test.taxed(&tiered_hour()).await;
    // An American card without postal code, a client from Oregon, and one from New York, where Ada is not registered.
    let unknown = id(&test.book_with_card(&offer, AT, GOOD_CARD).await);
    let mut appointments = vec![(unknown.clone(), "place_unknown")];
    for (start, postal_code, reason) in
        [("2027-01-05T12:00:00Z", "97201", "not_due"), ("2027-01-05T14:00:00Z", "10001", "not_registered")]
    {
        let booked = test.book(&offer, start, postal_code).await.expect(201);
        test.pay_from(&booked, GOOD_CARD, postal_code).await;
        appointments.push((id(&booked), reason));
    }
    // Untaxed payments are reported too, so that Stripe can tell when a registration becomes necessary.
    assert_eq!(
        test.entries(&account).iter().map(|entry| (entry.1, entry.2)).collect::<Vec<_>>(),
        [(8_000, 0); 2]
    );
    test.stripe().set_up_tax(&account, false, &[]).expect("it exists");
    let refused = id(&test.book_with_card(&offer, "2027-01-05T16:00:00Z", GERMAN).await);
    appointments.push((refused, "refused"));
    for (appointment, reason) in &appointments {
        let documents = test.documents(appointment).await;
        assert_eq!((documents.len(), taxes(&documents[0])), (1, Vec::new()));
        assert_eq!(documents[0]["no_tax_reason"], *reason);
        assert_eq!(documents[0].get("net"), None);
    }
    refund(&test, &unknown, "r", 1_000).await;
    assert_eq!(test.documents(&unknown).await[1]["no_tax_reason"], "place_unknown");
    let receipt = test.documents(&unknown).await[0]["id"].as_str().expect("an id").to_owned();
    let page = test.get(&format!("/v1/receipts/{receipt}")).signed_in_as("ada").header("Accept", "text/html");
    let page = String::from_utf8(page.send_for_file().await.1).expect("text");
    assert!(page.contains("location is not known to Stripe"), "{page}");
}

#[tokio::test]
async fn credit_note_keeps_its_taxes_after_the_account_is_disconnected() {
    let test = TestApp::new().await;
    let (offer, account) = test.taxed(&paid_hour()).await;
    let booked = test.book(&offer, AT, "k").await.expect(201);
    test.pay_from(&booked, GOOD_CARD, "94102").await;
    let appointment = id(&booked);
    test.stripe().set_up_tax(&account, false, &[]).expect("it exists");
    test.choose_tax(&offer.expert, 1, json!({ "label": "VAT", "rate": 2_000 })).await.expect(200);
    refund(&test, &appointment, "r1", 4_000).await;
    assert_eq!(taxes(&test.documents(&appointment).await[1]), california(267, 51));
    assert_eq!(test.entries(&account).len(), 2, "a credit note needs no settings");
}

#[tokio::test]
async fn each_tax_transaction_is_created_once_despite_lost_responses() {
    for count in (1..=9).step_by(2) {
        for faults in [
            Faults { fail_after_acting: count, ..Faults::default() },
            Faults { lose_responses: count, ..Faults::default() },
        ] {
            let test = TestApp::new().await;
            let (offer, account) = test.taxed(&authorized_hour()).await;
            let appointment = id(&test.book_with_card(&offer, AT, GERMAN).await);
            test.advance_to("2027-01-05T11:00:00Z").await;
            test.stripe().set_faults(faults.clone());
            test.post_action("ada", &appointment, "complete", &json!(null)).await.expect(200);
            test.advance_to("2027-01-08T11:00:00Z").await;
            assert_eq!(test.documents(&appointment).await.len(), 1, "{faults:?}");
            test.stripe().set_faults(faults.clone());
            refund(&test, &appointment, "r", 3_000).await;
            test.advance_to("2027-01-11T11:00:00Z").await;
            let documents = test.documents(&appointment).await;
            let taxes_of_documents: Vec<_> = documents.iter().map(taxes).collect();
            let germany = |amount| vec![("Germany 19".to_owned(), amount)];
            assert_eq!(taxes_of_documents, [germany(1_277), germany(479)], "{faults:?}");
            let entries: Vec<_> = test.entries(&account).iter().map(|entry| (entry.1, entry.2)).collect();
            assert_eq!(entries, [(8_000, 1_277), (-3_000, -479)], "{faults:?}");
        }
    }
}
