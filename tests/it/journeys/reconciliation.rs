//! Reconciliation of the ledger with the gateway's books, with lost webhooks, changes at the gateway, and wrong entries.

use app::payments::jobs::PaymentsJob;
use app::payments::reconciliation::Reconciled;
use domain::payments::gateway::GatewayKind;
use domain::payments::ledger::{Entry, Movement, MovementKind};
use domain::{AppointmentId, Money, Timestamp};
use serde_json::{Value, json};
use simulators::stripe::{DisputeOutcome, Faults, PayoutOutcome};

use crate::harness::{GOOD_CARD, Offer, TestApp, id, intent, paid_hour};

const AT: &str = "2027-01-05T10:00:00Z";
const HOUR: i64 = 3_600;

impl TestApp {
    async fn reconcile(&self) -> Reconciled {
        self.stack.reconcile().await.expect("it reconciles")
    }

    /// The open and closed differences, as an administrator reads them.
    async fn differences(&self) -> Vec<Value> {
        let list = self.get("/v1/ledger-differences").signed_in_as("margaret").send().await.expect(200);
        list["differences"].as_array().expect("a list").clone()
    }

    /// Sends a request to Stripe with the platform's key, without the platform knowing of it.
    async fn stripe_request(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let url = self.stack.stripe_url.as_ref().expect("the simulator runs").join(path).expect("an address");
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let response =
            http.post(url).bearer_auth("sk_test_local").form(form).send().await.expect("a response");
        let status = response.status();
        let body: Value = serde_json::from_str(&response.text().await.expect("text")).expect("JSON");
        assert_eq!(status, 200, "{body:#}");
        body
    }

    /// Writes a ledger entry that the gateway does not have.
    async fn insert_movement(&self, offer: &Offer, appointment: &str, number: u32, movement: Movement) {
        let id: AppointmentId = appointment.parse().expect("an id");
        let entry = Entry {
            appointment: Some(id),
            expert: offer.expert.parse().expect("an id"),
            gateway: GatewayKind::Stripe,
            number,
            at: self.stack.app.now(),
            movements: vec![movement],
        };
        let mut transaction = store::Transaction::new();
        transaction.put_ledger_entry(id, &entry).expect("it can be stored");
        self.stack.app.store.commit(transaction).await.expect("it is new");
    }

    async fn captured(&self, appointment: &str) -> Movement {
        let id = appointment.parse().expect("an id");
        let record = self.stack.app.store.appointment_record(id).await.expect("readable").expect("there");
        let captured = record.movements.into_iter().find(|one| one.kind == MovementKind::Captured);
        captured.expect("it was paid")
    }
}

fn cents(amount: u64) -> Money {
    Money::new(amount, domain::Currency::EUR).expect("small")
}

#[tokio::test]
async fn ledger_agrees_with_the_books_after_every_kind_of_movement() {
    let test = TestApp::new().await;
    // The platform needs a balance to transfer the expert's share again after a dispute.
    let mut terms = paid_hour();
    terms["durations"][0]["price"]["amount"] = json!(50_000);
    let offer = test.offer(&terms).await;
    // The ledger is still empty.
    assert_eq!(test.reconcile().await, Reconciled::default());
    let cancelled = test.book_and_pay(&offer, AT, "k1").await;
    test.post_action("alan", &cancelled, "cancel", &json!(null)).await.expect(200);
    test.stack.run_until_idle().await;
    let disputed = test.book(&offer, "2027-01-05T12:00:00Z", "k2").await.expect(201);
    test.stripe().pay(intent(&disputed), GOOD_CARD).expect("the card works");
    test.stack.run_until_idle().await;
    let dispute = test.stripe().dispute(intent(&disputed), None, "fraudulent").expect("possible");
    test.stack.run_until_idle().await;
    test.advance(HOUR / 2);
    let dispute = dispute["id"].as_str().expect("an id");
    test.stripe().close_dispute(dispute, DisputeOutcome::Won).expect("it is open");
    test.stack.run_until_idle().await;
    // A card whose refunds fail after a minute.
    let failing = test.book(&offer, "2027-01-05T14:00:00Z", "k3").await.expect(201);
    test.stripe().pay(intent(&failing), "4000000000005126").expect("the card works");
    test.stack.run_until_idle().await;
    test.post_action("ada", &id(&failing), "cancel", &json!(null)).await.expect(200);
    test.stack.run_until_idle().await;
    test.advance(120);
    test.stack.run_until_idle().await;
    let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
    let account = test.get(&path).signed_in_as("ada").send().await.expect(200);
    let account = account["account"].as_str().expect("an account");
    test.stripe().pay_out(account, Some(1_000), None, PayoutOutcome::Paid).expect("there is enough");
    test.stack.run_until_idle().await;

    // Entries of the last hour are left for the next run.
    assert_eq!(test.reconcile().await, Reconciled::default());
    test.advance(2 * HOUR);
    test.stack.run_until_idle().await;
    let Reconciled { lines, differences } = test.reconcile().await;
    assert!(lines >= 15, "{lines}");
    assert_eq!(differences, 0, "{:#?}", test.differences().await);
    // Each entry is compared once.
    assert_eq!(test.reconcile().await, Reconciled::default());
    test.advance(HOUR);
    assert_eq!(test.reconcile().await, Reconciled::default());
    assert_eq!(test.differences().await, Vec::<Value>::new());
}

#[tokio::test]
async fn reconciliation_finds_a_payment_with_a_lost_webhook() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    test.stripe().set_faults(Faults { drop_webhooks: true, ..Faults::default() });
    let booked = test.book(&offer, AT, "k").await.expect(201);
    test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
    test.advance(2 * HOUR);
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&id(&booked)).await["status"], "pending");
    let Reconciled { lines, differences } = test.reconcile().await;
    // Charge, transfer and fee are missing in the ledger, which is not a difference yet.
    assert_eq!((lines, differences), (3, 0));
    let found = test.appointment(&id(&booked)).await;
    assert_eq!((&found["status"], &found["payment"]["state"]), (&json!("confirmed"), &json!("paid")));
    test.advance(HOUR);
    assert_eq!(test.reconcile().await.differences, 0);
    assert_eq!(test.differences().await, Vec::<Value>::new());
}

#[tokio::test]
async fn reconciliation_does_not_hide_since_when_a_payment_job_fails() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    test.stripe().set_faults(Faults { drop_webhooks: true, ..Faults::default() });
    let booked = test.book(&offer, AT, "k").await.expect(201);
    test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
    let appointment = id(&booked).parse().expect("an id");
    test.store_failing_job(PaymentsJob::Payment { appointment }).await;
    let failing = async || test.get("/v1/failing-jobs").signed_in_as("margaret").send().await.expect(200);
    let before = failing().await;
    test.advance(2 * HOUR);
    assert_eq!(test.reconcile().await.lines, 3);
    assert_eq!(failing().await, before);
    test.sweep().await;
    assert_eq!(test.appointment(&id(&booked)).await["status"], "confirmed");
    assert_eq!(failing().await, json!({ "jobs": [] }));
}

#[tokio::test]
async fn reconciliation_finds_a_refund_made_at_stripe() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_pay(&offer, AT, "k").await;
    // The refund is days later, so that no neighboring entry in the books names the appointment.
    test.advance(3 * 24 * HOUR);
    test.reconcile().await;
    while test.reconcile().await.lines > 0 {}
    test.stripe().set_faults(Faults { drop_webhooks: true, ..Faults::default() });
    let charge = test.captured(&appointment).await.object;
    let form = [
        ("charge", charge.as_str()),
        ("amount", "4000"),
        ("reverse_transfer", "true"),
        ("refund_application_fee", "true"),
    ];
    test.stripe_request("v1/refunds", &form).await;
    test.advance(2 * HOUR);
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&appointment).await["payment"]["refunded"]["amount"], 0);
    for _ in 0..4 {
        assert_eq!(test.reconcile().await.differences, 0);
        test.advance(HOUR);
    }
    assert_eq!(test.appointment(&appointment).await["payment"]["refunded"]["amount"], 4_000);
    assert_eq!(test.differences().await, Vec::<Value>::new());
}

#[tokio::test]
async fn transfer_made_at_stripe_is_a_difference() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    test.book_and_pay(&offer, AT, "k").await;
    let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
    let account = test.get(&path).signed_in_as("ada").send().await.expect(200);
    let destination = account["account"].as_str().expect("an account");
    let form = [("amount", "500"), ("currency", "eur"), ("destination", destination)];
    let transfer = test.stripe_request("v1/transfers", &form).await;
    test.advance(2 * HOUR);
    test.stack.run_until_idle().await;
    assert_eq!(test.reconcile().await.differences, 1);
    let differences = test.differences().await;
    let [difference] = differences.as_slice() else { panic!("{differences:#?}") };
    assert_eq!(
        (&difference["object"], &difference["kind"], &difference["currency"], &difference["gateway"]),
        (&transfer["id"], &json!("missing_in_ledger"), &json!("EUR"), &json!("stripe"))
    );
    assert_eq!(
        (&difference["ledger"], &difference["books"]),
        (&json!(null), &json!({ "amount": -500, "fee": 0 }))
    );
    // Another run changes only the time at which the difference was last found.
    test.advance(HOUR);
    assert_eq!(test.reconcile().await.differences, 1);
    let again = test.differences().await;
    let [again] = again.as_slice() else { panic!("{again:#?}") };
    assert_ne!(again["last_seen_at"], difference["last_seen_at"]);
    let mut same = again.clone();
    same["last_seen_at"] = difference["last_seen_at"].clone();
    assert_eq!(&same, difference);
    for stranger in ["ada", "alan"] {
        let list = test.get("/v1/ledger-differences").signed_in_as(stranger).send().await;
        assert_eq!(list.problem(403), "forbidden");
    }
}

#[tokio::test]
async fn wrong_ledger_entry_is_a_difference_until_it_is_corrected() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_pay(&offer, AT, "k").await;
    let paid = test.captured(&appointment).await;
    let one_more = Movement::new(MovementKind::Captured, cents(1), &paid.object, paid.at, None);
    test.insert_movement(&offer, &appointment, 900, one_more).await;
    test.advance(2 * HOUR);
    test.stack.run_until_idle().await;
    // The payment job could have added the movement, so it is not a difference after the first run.
    assert_eq!(test.reconcile().await.differences, 0);
    for _ in 0..3 {
        test.advance(HOUR);
        assert_eq!(test.reconcile().await.differences, 1);
    }
    let differences = test.differences().await;
    let [difference] = differences.as_slice() else { panic!("{differences:#?}") };
    assert_eq!(difference["object"], paid.object.as_str());
    assert_eq!(difference["kind"], "amount_differs");
    assert_eq!(difference["ledger"], json!({ "amount": 8_001, "fee": 145 }));
    assert_eq!(difference["books"], json!({ "amount": 8_000, "fee": 145 }));
    assert_eq!(difference["appointment_id"], appointment.as_str());
    assert_eq!(difference["resolved_at"], json!(null));

    let correction = Movement::new(MovementKind::Refund, cents(1), &paid.object, paid.at, None);
    test.insert_movement(&offer, &appointment, 901, correction).await;
    test.advance(HOUR);
    assert_eq!(test.reconcile().await.differences, 0);
    let differences = test.differences().await;
    let [difference] = differences.as_slice() else { panic!("{differences:#?}") };
    assert!(difference["resolved_at"].is_string(), "{difference:#}");
}

#[tokio::test]
async fn movement_missing_in_the_books_is_a_difference_at_once() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_pay(&offer, AT, "k").await;
    let at: Timestamp = test.captured(&appointment).await.at;
    for (number, object) in ["tr_never", "tr_neither"].into_iter().enumerate() {
        let movement = Movement::new(MovementKind::Transfer, cents(700), object, at, None);
        test.insert_movement(&offer, &appointment, 900 + u32::try_from(number).expect("few"), movement).await;
    }
    test.advance(2 * HOUR);
    test.stack.run_until_idle().await;
    assert_eq!(test.reconcile().await.differences, 2);
    let differences = test.differences().await;
    let found: Vec<_> =
        differences.iter().map(|one| (&one["kind"], &one["ledger"]["amount"], &one["books"])).collect();
    assert_eq!(found, [(&json!("missing_at_gateway"), &json!(-700), &json!(null)); 2]);
    // One entry is corrected.
    let back = Movement::new(MovementKind::Reversal, cents(700), "tr_neither", at, None);
    test.insert_movement(&offer, &appointment, 910, back).await;
    test.advance(HOUR);
    assert_eq!(test.reconcile().await.differences, 1);
    let mut objects = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/v1/ledger-differences?limit=1{after}");
        let page = test.get(&path).signed_in_as("margaret").send().await.expect(200);
        for one in page["differences"].as_array().expect("a list") {
            objects.push((one["object"].clone(), one["resolved_at"].is_string()));
        }
        let Some(next) = page["next_cursor"].as_str() else { break };
        after = format!("&cursor={next}");
    }
    assert_eq!(objects, [(json!("tr_never"), false), (json!("tr_neither"), true)]);
    for wrong in [
        "limit=0",
        "limit=101",
        "after=%23",
        "x=1",
        "cursor=ch_1",
        "cursor=UNCONFIRMED.stripe.ch_1.EUR",
        "cursor=OPEN.elsewhere.ch_1.EUR",
        "cursor=OPEN.stripe.ch_1",
        "cursor=RESOLVED.stripe.ch_1.EUR",
        "cursor=RESOLVED.251598063599.stripe..EUR",
    ] {
        let path = format!("/v1/ledger-differences?{wrong}");
        assert_eq!(test.get(&path).signed_in_as("margaret").send().await.problem(422), "invalid", "{wrong}");
    }
}

#[tokio::test]
async fn unavailable_gateway_is_compared_later() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    test.book_and_pay(&offer, AT, "k").await;
    test.advance(2 * HOUR);
    test.stack.run_until_idle().await;
    test.stripe().set_faults(Faults { rate_limit: 1, ..Faults::default() });
    assert!(test.stack.reconcile().await.is_err());
    test.advance(HOUR);
    assert_eq!(test.reconcile().await, Reconciled { lines: 3, differences: 0 });
}
