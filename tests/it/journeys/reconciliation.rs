//! The ledger held against the gateway's books, when messages were lost and when somebody meddled.

use app::payments::reconciliation::Reconciled;
use domain::payments::gateway::GatewayKind;
use domain::payments::ledger::{Entry, Movement, MovementKind};
use domain::{AppointmentId, Money, Timestamp};
use serde_json::{Value, json};
use simulators::stripe::{DisputeOutcome, Faults, PayoutOutcome};

use crate::harness::{GOOD_CARD, Offer, World, id, intent, paid_hour};

const AT: &str = "2027-01-05T10:00:00Z";
const HOUR: i64 = 3_600;

impl World {
    async fn reconcile(&self) -> Reconciled {
        self.stack.reconcile().await.expect("it reconciles")
    }

    /// What differs, and what did, as an administrator sees it.
    async fn differences(&self) -> Vec<Value> {
        let list = self.get("/v1/ledger-differences").person("margaret").send().await.expect(200);
        list["differences"].as_array().expect("a list").clone()
    }

    /// Asks Stripe as somebody does who has the platform's key, past our functions.
    async fn at_the_dashboard(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let url = self.stack.stripe_url.as_ref().expect("the simulator runs").join(path).expect("an address");
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let answer = http.post(url).bearer_auth("sk_test_local").form(form).send().await.expect("an answer");
        let status = answer.status();
        let body: Value = serde_json::from_str(&answer.text().await.expect("text")).expect("JSON");
        assert_eq!(status, 200, "{body:#}");
        body
    }

    /// Writes an entry into the ledger that no gateway told of.
    async fn meddle(&self, offer: &Offer, appointment: &str, number: u32, movement: Movement) {
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
async fn the_whole_life_of_money_agrees_with_the_books() {
    let world = World::new().await;
    // So much that the platform can give the expert again what a dispute had taken.
    let mut terms = paid_hour();
    terms["price"]["amount"] = json!(50_000);
    let offer = world.offer(&terms).await;
    // Nothing was written yet.
    assert_eq!(world.reconcile().await, Reconciled::default());
    let cancelled = world.paid(&offer, AT, "k1").await;
    world.act("alan", &cancelled, "cancel", &json!(null)).await.expect(200);
    world.stack.settle().await;
    let disputed = world.book(&offer, "2027-01-05T12:00:00Z", "k2").await.expect(201);
    world.stripe().pay(intent(&disputed), GOOD_CARD).expect("the card works");
    world.stack.settle().await;
    let dispute = world.stripe().dispute(intent(&disputed), None, "fraudulent").expect("it can be");
    world.stack.settle().await;
    world.pass(HOUR / 2);
    let dispute = dispute["id"].as_str().expect("an id");
    world.stripe().close_dispute(dispute, DisputeOutcome::Won).expect("it is open");
    world.stack.settle().await;
    // A card whose refund comes back a minute later.
    let failing = world.book(&offer, "2027-01-05T14:00:00Z", "k3").await.expect(201);
    world.stripe().pay(intent(&failing), "4000000000005126").expect("the card works");
    world.stack.settle().await;
    world.act("ada", &id(&failing), "cancel", &json!(null)).await.expect(200);
    world.stack.settle().await;
    world.pass(120);
    world.stack.settle().await;
    let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
    let account = world.get(&path).person("ada").send().await.expect(200);
    let account = account["account"].as_str().expect("an account");
    world.stripe().pay_out(account, Some(1_000), None, PayoutOutcome::Paid).expect("there is enough");
    world.stack.settle().await;

    // What is younger than an hour is left for the next run.
    assert_eq!(world.reconcile().await, Reconciled::default());
    world.pass(2 * HOUR);
    world.stack.settle().await;
    let Reconciled { lines, differences } = world.reconcile().await;
    assert!(lines >= 15, "{lines}");
    assert_eq!(differences, 0, "{:#?}", world.differences().await);
    // Compared once.
    assert_eq!(world.reconcile().await, Reconciled::default());
    world.pass(HOUR);
    assert_eq!(world.reconcile().await, Reconciled::default());
    assert_eq!(world.differences().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_payment_that_nobody_told_of_is_found() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    world.stripe().set_faults(Faults { drop_webhooks: true, ..Faults::default() });
    let booked = world.book(&offer, AT, "k").await.expect(201);
    world.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
    world.pass(2 * HOUR);
    world.stack.settle().await;
    assert_eq!(world.appointment(&id(&booked)).await["status"], "pending");
    let Reconciled { lines, differences } = world.reconcile().await;
    // Charge, transfer and fee; that they are missing is not held against the ledger yet.
    assert_eq!((lines, differences), (3, 0));
    let found = world.appointment(&id(&booked)).await;
    assert_eq!((&found["status"], &found["payment"]["state"]), (&json!("confirmed"), &json!("paid")));
    world.pass(HOUR);
    assert_eq!(world.reconcile().await.differences, 0);
    assert_eq!(world.differences().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_refund_by_hand_that_nobody_told_of_is_found() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let appointment = world.paid(&offer, AT, "k").await;
    // Days later, so that nothing near it in the books names the appointment.
    world.pass(3 * 24 * HOUR);
    world.reconcile().await;
    while world.reconcile().await.lines > 0 {}
    world.stripe().set_faults(Faults { drop_webhooks: true, ..Faults::default() });
    let charge = world.captured(&appointment).await.object;
    let form = [
        ("charge", charge.as_str()),
        ("amount", "4000"),
        ("reverse_transfer", "true"),
        ("refund_application_fee", "true"),
    ];
    world.at_the_dashboard("v1/refunds", &form).await;
    world.pass(2 * HOUR);
    world.stack.settle().await;
    assert_eq!(world.appointment(&appointment).await["payment"]["refunded"]["amount"], 0);
    for _ in 0..4 {
        assert_eq!(world.reconcile().await.differences, 0);
        world.pass(HOUR);
    }
    assert_eq!(world.appointment(&appointment).await["payment"]["refunded"]["amount"], 4_000);
    assert_eq!(world.differences().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_transfer_by_hand_is_a_difference_with_its_amount() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    world.paid(&offer, AT, "k").await;
    let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
    let account = world.get(&path).person("ada").send().await.expect(200);
    let destination = account["account"].as_str().expect("an account");
    let form = [("amount", "500"), ("currency", "eur"), ("destination", destination)];
    let transfer = world.at_the_dashboard("v1/transfers", &form).await;
    world.pass(2 * HOUR);
    world.stack.settle().await;
    assert_eq!(world.reconcile().await.differences, 1);
    let differences = world.differences().await;
    let [difference] = differences.as_slice() else { panic!("{differences:#?}") };
    assert_eq!(
        (&difference["object"], &difference["kind"], &difference["currency"], &difference["gateway"]),
        (&transfer["id"], &json!("missing_in_ledger"), &json!("EUR"), &json!("stripe"))
    );
    assert_eq!(
        (&difference["expected"], &difference["found"]),
        (&json!(null), &json!({ "amount": -500, "fee": 0 }))
    );
    // Running again changes nothing but when it was last seen.
    world.pass(HOUR);
    assert_eq!(world.reconcile().await.differences, 1);
    let again = world.differences().await;
    let [again] = again.as_slice() else { panic!("{again:#?}") };
    assert_ne!(again["last_seen_at"], difference["last_seen_at"]);
    let mut same = again.clone();
    same["last_seen_at"] = difference["last_seen_at"].clone();
    assert_eq!(&same, difference);
    for stranger in ["ada", "alan"] {
        let list = world.get("/v1/ledger-differences").person(stranger).send().await;
        assert_eq!(list.problem(403), "forbidden");
    }
}

#[tokio::test]
async fn a_ledger_that_was_meddled_with_is_a_difference_until_it_is_corrected() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let appointment = world.paid(&offer, AT, "k").await;
    let paid = world.captured(&appointment).await;
    let one_more = Movement::new(MovementKind::Captured, cents(1), &paid.object, paid.at, None);
    world.meddle(&offer, &appointment, 900, one_more).await;
    world.pass(2 * HOUR);
    world.stack.settle().await;
    // Looking at the payment might have mended it, so the first sight does not count.
    assert_eq!(world.reconcile().await.differences, 0);
    for _ in 0..3 {
        world.pass(HOUR);
        assert_eq!(world.reconcile().await.differences, 1);
    }
    let differences = world.differences().await;
    let [difference] = differences.as_slice() else { panic!("{differences:#?}") };
    assert_eq!(difference["object"], paid.object.as_str());
    assert_eq!(difference["kind"], "other_amount");
    assert_eq!(difference["expected"], json!({ "amount": 8_001, "fee": 145 }));
    assert_eq!(difference["found"], json!({ "amount": 8_000, "fee": 145 }));
    assert_eq!(difference["appointment_id"], appointment.as_str());
    assert_eq!(difference["resolved_at"], json!(null));

    let correction = Movement::new(MovementKind::Refund, cents(1), &paid.object, paid.at, None);
    world.meddle(&offer, &appointment, 901, correction).await;
    world.pass(HOUR);
    assert_eq!(world.reconcile().await.differences, 0);
    let differences = world.differences().await;
    let [difference] = differences.as_slice() else { panic!("{differences:#?}") };
    assert!(difference["resolved_at"].is_string(), "{difference:#}");
}

#[tokio::test]
async fn what_only_the_ledger_knows_is_a_difference_at_once_and_the_open_ones_come_first() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let appointment = world.paid(&offer, AT, "k").await;
    let at: Timestamp = world.captured(&appointment).await.at;
    for (number, object) in ["tr_never", "tr_neither"].into_iter().enumerate() {
        let movement = Movement::new(MovementKind::Transfer, cents(700), object, at, None);
        world.meddle(&offer, &appointment, 900 + u32::try_from(number).expect("few"), movement).await;
    }
    world.pass(2 * HOUR);
    world.stack.settle().await;
    assert_eq!(world.reconcile().await.differences, 2);
    let differences = world.differences().await;
    let told: Vec<_> =
        differences.iter().map(|one| (&one["kind"], &one["expected"]["amount"], &one["found"])).collect();
    assert_eq!(told, [(&json!("missing_at_gateway"), &json!(-700), &json!(null)); 2]);
    // One is taken back.
    let back = Movement::new(MovementKind::Reversal, cents(700), "tr_neither", at, None);
    world.meddle(&offer, &appointment, 910, back).await;
    world.pass(HOUR);
    assert_eq!(world.reconcile().await.differences, 1);
    let mut objects = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/v1/ledger-differences?limit=1{after}");
        let page = world.get(&path).person("margaret").send().await.expect(200);
        for one in page["differences"].as_array().expect("a list") {
            objects.push((one["object"].clone(), one["resolved_at"].is_string()));
        }
        let Some(next) = page["next_after"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(objects, [(json!("tr_never"), false), (json!("tr_neither"), true)]);
    for wrong in ["limit=0", "limit=101", "after=%23", "x=1"] {
        let path = format!("/v1/ledger-differences?{wrong}");
        assert_eq!(world.get(&path).person("margaret").send().await.problem(422), "invalid", "{wrong}");
    }
}

#[tokio::test]
async fn a_gateway_that_does_not_answer_is_compared_later() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    world.paid(&offer, AT, "k").await;
    world.pass(2 * HOUR);
    world.stack.settle().await;
    world.stripe().set_faults(Faults { rate_limit: 1, ..Faults::default() });
    assert!(world.stack.reconcile().await.is_err());
    world.pass(HOUR);
    assert_eq!(world.reconcile().await, Reconciled { lines: 3, differences: 0 });
}
