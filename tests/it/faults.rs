//! Faults of the table that the embedded database never has: conflicts, concurrent writes at the worst moment, unreadable rows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use app::idempotency::{Creation, IdempotentRequest};
use app::identity::Actor;
use app::identity::people::{Person, Role, Scope};
use app::operations::outbox;
use app::payments::ports::Buyer;
use app::payments::webhooks;
use app::ports::{JobQueue, PortError};
use app::receipts::receipt;
use app::scheduling::appointments;
use app::scheduling::booking::{self, Booked};
use app::{App, AppError};
use async_trait::async_trait;
use domain::kernel::text::LongText;
use domain::payments::gateway::GatewayKind;
use domain::payments::ledger::Totals;
use domain::payments::payment::Payment;
use domain::receipts::receipt::{DocumentCause, DocumentCauseKind};
use domain::scheduling::appointment::Status;
use domain::scheduling::party::Party;
use domain::{AppointmentId, Currency, ExpertId, Money};
use serde_json::{Value, json};
use simulators::stripe::{Faults, signature_header};
use store::keys::Key;
use store::table::{Action, Condition, Consistency, Query, Table, Write, WriteError};
use store::{CommitError, Item, Job, OutboxEntry, Store, TableError, Transaction};

use crate::harness::{GOOD_CARD, Offer, TestApp, id, intent, paid_hour};

/// A table in memory that injects faults.
#[derive(Clone, Default)]
struct Rows {
    rows: Arc<Mutex<BTreeMap<Key, Item>>>,
    /// The number of further writes that fail because the table is busy.
    busy: Arc<Mutex<usize>>,
    /// What is lost of the next writes, the last one first.
    lost: Arc<Mutex<Vec<Lost>>>,
    /// A concurrent write that happens just before the next write of a payment.
    before_payment: Arc<Mutex<Option<Transaction>>>,
    /// The rows that the next query returns: those before a transaction that is still in progress.
    late: Arc<Mutex<Option<BTreeMap<Key, Item>>>>,
    /// How many of the next reads of several rows are throttled.
    throttled: Arc<Mutex<u32>>,
    /// The partition of an index that cannot be read.
    closed: Arc<Mutex<Option<String>>>,
}

/// What is lost of a write.
#[derive(Clone, Copy)]
enum Lost {
    /// The request: the write was not made.
    Request,
    /// The response: the write was made.
    Answer,
}

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

impl Rows {
    fn stands(&self, write: &Write) -> bool {
        let rows = self.rows.lock().expect("no poisoned lock");
        let standing = rows.get(&write.key);
        match write.condition {
            Condition::None => true,
            Condition::Absent => standing.is_none(),
            Condition::Version(version) => standing
                .and_then(|item| item.get("version")?.as_n().ok())
                .is_some_and(|standing| *standing == version.to_string()),
        }
    }
}

#[async_trait]
impl Table for Rows {
    async fn get(&self, key: &Key, _: Consistency) -> Result<Option<Item>, TableError> {
        Ok(self.rows.lock().expect("no poisoned lock").get(key).cloned())
    }

    async fn get_many(&self, keys: &[Key], _: Consistency) -> Result<Vec<Item>, TableError> {
        let mut throttled = self.throttled.lock().expect("no poisoned lock");
        if let Some(left) = throttled.checked_sub(1) {
            *throttled = left;
            return Err(TableError::Busy("throttled".to_owned()));
        }
        drop(throttled);
        let rows = self.rows.lock().expect("no poisoned lock");
        Ok(keys.iter().filter_map(|key| rows.get(key).cloned()).collect())
    }

    async fn query(&self, query: &Query) -> Result<Vec<Item>, TableError> {
        if self.closed.lock().expect("no poisoned lock").as_ref() == Some(&query.pk) {
            return Err(TableError::Busy("a hot partition".to_owned()));
        }
        let (pk, sk) = query.index.map_or(("PK", "SK"), |index| (index.pk, index.sk));
        let late = self.late.lock().expect("no poisoned lock").take();
        let rows = self.rows.lock().expect("no poisoned lock");
        let mut found: Vec<(String, Item)> = late
            .as_ref()
            .unwrap_or(&rows)
            .values()
            .filter(|item| text(item, pk) == Some(&query.pk))
            .filter_map(|item| Some((text(item, sk)?.to_owned(), item.clone())))
            .filter(|(sk, _)| (&query.from..=&query.to).contains(&sk))
            .collect();
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(found
            .into_iter()
            .map(|(_, item)| item)
            .take(query.limit.map_or(usize::MAX, usize::from))
            .collect())
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), WriteError> {
        {
            let mut busy = self.busy.lock().expect("no poisoned lock");
            if *busy > 0 {
                *busy -= 1;
                return Err(WriteError::Table(TableError::Busy("a conflict".to_owned())));
            }
        }
        let lost = self.lost.lock().expect("no poisoned lock").pop();
        let no_response = || Err(WriteError::Table(TableError::Unavailable("no answer".to_owned())));
        if matches!(lost, Some(Lost::Request)) {
            return no_response();
        }
        if writes.iter().any(|write| write.key.sk == "PAY" && matches!(write.action, Action::Put(_))) {
            let other = self.before_payment.lock().expect("no poisoned lock").take();
            if let Some(other) = other {
                Store::new(Arc::new(self.clone())).commit(other).await.expect("the other is faster");
            }
        }
        let moved: Vec<Key> =
            writes.iter().filter(|write| !self.stands(write)).map(|write| write.key.clone()).collect();
        if !moved.is_empty() {
            return Err(WriteError::VersionConflict(moved));
        }
        let mut rows = self.rows.lock().expect("no poisoned lock");
        for write in writes {
            match write.action {
                Action::Put(item) => drop(rows.insert(write.key, item)),
                Action::Delete => drop(rows.remove(&write.key)),
                Action::Check => {}
            }
        }
        if lost.is_some() { no_response() } else { Ok(()) }
    }
}

/// A queue that delivers nothing; tests call the worker themselves.
struct NoQueue;

#[async_trait]
impl JobQueue for NoQueue {
    async fn send(&self, _: &[Job]) -> Result<(), PortError> {
        Ok(())
    }
}

/// Ada's session type in a faulty table, with her account at the stack's Stripe simulator.
async fn on_own_rows(test: &TestApp, terms: &Value) -> (App, Rows, Offer, ExpertId) {
    let offer = test.offer(terms).await;
    let expert: ExpertId = offer.expert.parse().expect("an id");
    let kind = offer.session_type.parse().expect("an id");
    let store = &test.stack.app.store;
    let rules = store.rules(expert).await.expect("readable").expect("rules");
    let kind = store.session_type(expert, kind).await.expect("readable").expect("a type");
    let account =
        store.payment_account(expert, GatewayKind::Stripe).await.expect("readable").expect("an account");
    let profile = store.expert(expert).await.expect("readable").expect("a profile");
    let rows = Rows::default();
    let app =
        App { store: Store::new(Arc::new(rows.clone())), queue: Arc::new(NoQueue), ..test.stack.app.clone() };
    let mut transaction = Transaction::new();
    transaction.put_expert(&profile).expect("storable");
    transaction.put_rules(expert, &rules).expect("storable");
    transaction.put_session_type(expert, &kind).expect("storable");
    let account = domain::payments::account::PaymentAccount { version: 1, ..account };
    transaction.put_payment_account(expert, &account).expect("storable");
    app.store.commit(transaction).await.expect("new rows");
    (app, rows, offer, expert)
}

async fn book(app: &App, offer: &Offer, client: u128) -> Result<AppointmentId, AppError> {
    book_at(app, offer, client, "2027-01-05T10:00:00Z").await
}

async fn book_at(app: &App, offer: &Offer, client: u128, start: &str) -> Result<AppointmentId, AppError> {
    Ok(send_booking(app, offer, client, start).await?.appointment.id)
}

/// Books as the first request, or as a repeated one whose response was not stored.
async fn send_booking(app: &App, offer: &Offer, client: u128, start: &str) -> Result<Booked, AppError> {
    let person = Person::new(client, vec![Role::Client], Scope::FULL);
    let attendee = json!({ "name": "Alan", "email": "alan@example.org", "time_zone": "UTC" });
    let booking_request = booking::Booking {
        expert: offer.expert.parse().expect("an id"),
        session_type: offer.session_type.parse().expect("an id"),
        start: start.parse().expect("a time"),
        seats: 1,
        attendee: serde_json::from_value(attendee).expect("an attendee"),
        gateway: GatewayKind::Stripe,
        pay_in: None,
    };
    let request = IdempotentRequest { key: "k".to_owned(), fingerprint: "f".to_owned() };
    match booking::book(app, &Actor::Person(person), &request, &booking_request).await? {
        Creation::Created(booked, _) => Ok(booked),
        Creation::Replayed(_) => panic!("the first request"),
    }
}

/// The appointment that the client's only request has created.
async fn made(app: &App, client: u128) -> AppointmentId {
    let person = Person::new(client, vec![Role::Client], Scope::FULL).client_id().to_string();
    let idempotency = app.store.idempotency_record(&person, "k").await.expect("readable").expect("a record");
    idempotency.subject.parse().expect("an id")
}

#[tokio::test]
async fn booking_is_repeated_after_throttled_reads() {
    let test = TestApp::new().await;
    let (app, rows, offer, _) = on_own_rows(&test, &paid_hour()).await;
    *rows.throttled.lock().expect("no poisoned lock") = 3;
    book(&app, &offer, 7).await.expect("booked");
    *rows.throttled.lock().expect("no poisoned lock") = 100;
    let refused = book_at(&app, &offer, 8, "2027-01-05T14:00:00Z").await;
    assert!(matches!(refused, Err(AppError::Busy)), "{refused:?}");
}

#[tokio::test]
async fn concurrent_webhooks_are_all_accepted() {
    let test = TestApp::new().await;
    let (app, rows, offer, _) = on_own_rows(&test, &paid_hour()).await;
    let appointment = book(&app, &offer, 7).await.expect("booked");
    let event = json!({
        "id": "evt_1",
        "type": "charge.succeeded",
        "data": { "object": { "object": "charge", "metadata": { "appointment_id": appointment } } },
    });
    let body = event.to_string();
    let signature = signature_header("whsec_local", test.clock.now(), &body);
    *rows.busy.lock().expect("no poisoned lock") = 2;
    let header = |name: &str| (name == "stripe-signature").then(|| signature.clone());
    webhooks::receive_webhook(&app, &Actor::Provider, GatewayKind::Stripe, &header, body.as_bytes())
        .await
        .expect("taken in the end");
    let due = app.store.outbox_entry(&Job::Payment(appointment)).await.expect("readable").expect("owed");
    assert_eq!(due.due_at, app.now());
}

#[tokio::test]
async fn intent_created_after_its_hold_ended_is_cancelled() {
    let test = TestApp::new().await;
    let (app, rows, offer, _) = on_own_rows(&test, &paid_hour()).await;
    test.stripe().set_faults(Faults { fail_before_acting: 1, ..Faults::default() });
    assert!(matches!(book(&app, &offer, 7).await, Err(AppError::Payments(_))));
    let slow = made(&app, 7).await;
    let payment = app.store.payment(slow).await.expect("readable").expect("a payment");
    test.advance(600);
    book(&app, &offer, 8).await.expect("takes the slot over");
    // The first request continues: its intent is stored just before the payment is cancelled.
    let buyer = Buyer {
        description: "Consultation",
        name: "Alan",
        email: "alan@example.org",
        return_url: "http://127.0.0.1/",
    };
    let stripe = app.gateways.get(GatewayKind::Stripe).expect("it exists");
    let references = stripe.charges.open(&payment, &buyer).await.expect("an intent").references;
    let late = references.intent.clone().expect("an intent");
    let mut faster = Transaction::new();
    let stored = Payment { version: payment.version + 1, references, ..payment };
    faster.put_payment(&stored).expect("storable");
    *rows.before_payment.lock().expect("no poisoned lock") = Some(faster);
    outbox::process(&app, &Actor::Platform, Job::Payment(slow)).await.expect("all messages are processed");
    assert_eq!(test.stripe().object(&late).expect("it exists")["status"], "canceled");
    assert_eq!(app.store.outbox_entry(&Job::Payment(slow)).await.expect("readable"), None);
}

#[tokio::test]
async fn saved_card_authorized_during_a_cancellation_is_released() {
    let mut terms = paid_hour();
    terms["collection"] = json!("authorize_then_capture");
    let test = TestApp::new().await;
    let (app, rows, offer, _) = on_own_rows(&test, &terms).await;
    let id = book_at(&app, &offer, 7, "2027-01-25T10:00:00Z").await.expect("booked");
    let process = async || {
        outbox::process(&app, &Actor::Platform, Job::Payment(id)).await.expect("all messages are processed")
    };
    let read = async || app.store.appointment_record(id).await.expect("readable").expect("it exists");
    let setup = read().await.payment.expect("a payment").references.setup.expect("a card to save");
    test.stripe().pay(&setup, GOOD_CARD).expect("the card works");
    test.advance(700);
    process().await;
    let record = read().await;
    assert_eq!(record.appointment.status, Status::Confirmed);
    // The card is authorized, and the client cancels before that is recorded.
    test.advance(18 * 86_400);
    let payment = record.payment.expect("a payment");
    let version = payment.version + 1;
    let nothing = payment.amount.with_amount(0).expect("nothing");
    let called_off =
        record.appointment.cancel(Party::Client, LongText::default(), app.now()).expect("in time");
    let mut faster = Transaction::new();
    faster.put_appointment(&called_off).expect("storable");
    faster.put_payment(&Payment { version, final_charge: Some(nothing), ..payment }).expect("storable");
    *rows.before_payment.lock().expect("no poisoned lock") = Some(faster);
    process().await;
    let record = read().await;
    let intent = record.payment.expect("a payment").references.intent.expect("a stored intent");
    assert_eq!(test.stripe().object(&intent).expect("it exists")["status"], "canceled");
    let totals = domain::payments::ledger::Totals::of(&record.movements);
    assert_eq!((totals.captured, totals.authorized), (0, 0));
    assert_eq!(record.movements.len(), 2, "set aside and let go of: {:?}", record.movements);
}

#[tokio::test]
async fn job_is_not_finished_by_a_stale_read() {
    let test = TestApp::new().await;
    let (app, rows, offer, _) = on_own_rows(&test, &paid_hour()).await;
    let id = book(&app, &offer, 7).await.expect("booked");
    let process =
        async |job| outbox::process(&app, &Actor::Platform, job).await.expect("all messages are processed");
    let read = async || app.store.appointment_record(id).await.expect("readable").expect("it exists");
    let intent = read().await.payment.expect("a payment").references.intent.expect("an intent");
    test.stripe().pay(&intent, GOOD_CARD).expect("the card works");
    test.advance(700);
    process(Job::Payment(id)).await;
    process(Job::Receipts(id)).await;
    assert_eq!(app.store.documents(id).await.expect("readable").len(), 1, "a receipt");
    // The appointment is cancelled, and the refund job reads a part of that transaction but not yet the rest.
    let late = || Some(rows.rows.lock().expect("no poisoned lock").clone());
    let before = late();
    let client = Actor::Person(Person::new(7, vec![Role::Client], Scope::FULL));
    let version = read().await.appointment.version;
    appointments::cancel(&app, &client, id, version, LongText::default(), None).await.expect("called off");
    let called_off = late();
    *rows.late.lock().expect("no poisoned lock") = before;
    process(Job::Payment(id)).await;
    let refunded = domain::payments::ledger::Totals::of(&read().await.movements).refunded;
    assert_eq!(refunded, 8_000);
    // The same for the receipt.
    *rows.late.lock().expect("no poisoned lock") = called_off;
    process(Job::Receipts(id)).await;
    let documents = app.store.documents(id).await.expect("readable");
    assert_eq!(documents.len(), 2, "a receipt and a credit note");
}

#[tokio::test]
async fn unreadable_outbox_entry_blocks_no_other() {
    let test = TestApp::new().await;
    let (app, rows, offer, _) = on_own_rows(&test, &paid_hour()).await;
    book(&app, &offer, 7).await.expect("booked");
    test.advance(700);
    let known = outbox::sweep(&app, &Actor::Platform).await.expect("swept").queued;
    assert!(known > 0);
    {
        // An unknown outbox entry precedes the others in its shard.
        let mut rows = rows.rows.lock().expect("no poisoned lock");
        let (key, row) = rows.iter().find(|(key, _)| key.sk.starts_with("OUTBOX#")).expect("a due row");
        let (key, mut row) = (Key { sk: "OUTBOX#later".to_owned(), ..key.clone() }, row.clone());
        let unknown = row["PK"].clone();
        row.insert("job".to_owned(), unknown);
        rows.insert(key, row);
    }
    assert_eq!(outbox::sweep(&app, &Actor::Platform).await.expect("swept all the same").queued, known);
}

#[tokio::test]
async fn unreadable_partition_blocks_no_other() {
    #[derive(Clone, Default)]
    struct RecordingQueue(Arc<Mutex<Vec<Job>>>);

    #[async_trait]
    impl JobQueue for RecordingQueue {
        async fn send(&self, jobs: &[Job]) -> Result<(), PortError> {
            self.0.lock().expect("no poisoned lock").extend(jobs);
            Ok(())
        }
    }

    let test = TestApp::new().await;
    let (rows, queue) = (Rows::default(), RecordingQueue::default());
    let app = App {
        store: Store::new(Arc::new(rows.clone())),
        queue: Arc::new(queue.clone()),
        ..test.stack.app.clone()
    };
    let jobs: Vec<Job> = (0..8).map(|bits| Job::Payment(AppointmentId::from_bits(bits))).collect();
    let mut transaction = Transaction::new();
    for job in &jobs {
        transaction.enqueue(&OutboxEntry::new(*job, app.now(), 5)).expect("storable");
    }
    app.store.commit(transaction).await.expect("owed");
    assert_eq!(outbox::sweep(&app, &Actor::Platform).await.expect("swept").queued, jobs.len());
    for closed in 0..store::operations::keys::OUTBOX_SHARDS {
        queue.0.lock().expect("no poisoned lock").clear();
        *rows.closed.lock().expect("no poisoned lock") = Some(format!("OUTBOX#{closed}"));
        outbox::sweep(&app, &Actor::Platform).await.expect_err("one of them cannot be read");
        assert_eq!(queue.0.lock().expect("no poisoned lock").len(), jobs.len() - 1, "{closed}");
    }
}

#[tokio::test]
async fn write_with_a_lost_response_does_not_conflict_with_itself() {
    let test = TestApp::new().await;
    let store = &test.stack.app.store;
    let job = Job::Payment(AppointmentId::from_bits(1));
    let due = OutboxEntry::new(job, test.stack.app.now(), 5);
    let put = |due: &OutboxEntry, token| {
        let mut transaction = Transaction::new();
        transaction.reschedule(due, token).expect("storable");
        transaction
    };
    let mut first = Transaction::new();
    first.enqueue(&due).expect("storable");
    store.commit(first).await.expect("new");
    let next = OutboxEntry { token: 6, ..due.clone() };
    store.commit(put(&next, 5)).await.expect("as it was read");
    // The SDK repeats a request without a response.
    store.commit(put(&next, 5)).await.expect("it is there already");
    assert!(store.commit(put(&OutboxEntry { token: 7, ..due }, 5)).await.is_err());
}

#[tokio::test]
async fn interrupted_request_can_be_repeated_at_once() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    for _ in 0..3 {
        test.stripe().set_faults(Faults { fail_before_acting: 1, ..Faults::default() });
        assert_eq!(test.book(&offer, "2027-01-05T10:00:00Z", "k").await.problem(503), "unavailable");
    }
    let booked = test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201);
    assert_eq!(test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201), booked);
}

#[tokio::test]
async fn booking_that_is_resumed_after_the_payment_shows_the_payment() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let app = &test.stack.app;
    let start = "2027-01-05T10:00:00Z";
    // The function stops before it stores its response.
    let (payment, _) = send_booking(app, &offer, 7, start).await.expect("booked").payment.expect("a payment");
    let intent = payment.references.intent.expect("an intent");
    test.stripe().pay(&intent, GOOD_CARD).expect("the card works");
    test.stack.run_until_idle().await;
    test.advance(20);
    let booked = send_booking(app, &offer, 7, start).await.expect("resumed");
    assert_eq!(booked.appointment.status, Status::Confirmed);
    assert_eq!(Totals::of(&booked.movements).captured, 8_000);
}

#[tokio::test]
async fn partial_refund_made_at_the_gateway_is_not_taken_for_the_whole() {
    let refund = async |test: &TestApp, intent: &str, amount: Option<&str>| {
        let mut form = vec![("payment_intent", intent), ("reverse_transfer", "true")];
        form.extend(amount.map(|amount| ("amount", amount)));
        let url = test.stack.stripe_url.as_ref().expect("it runs").join("v1/refunds").expect("a URL");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let response =
            client.post(url).bearer_auth("sk_test_local").form(&form).send().await.expect("a response");
        assert_eq!(response.status(), 200, "{}", response.text().await.unwrap_or_default());
    };
    for (by_hand, refunds) in [(Some("1000"), 2), (None, 1)] {
        let test = TestApp::new().await;
        let offer = test.offer(&paid_hour()).await;
        let appointment = test.book_and_pay(&offer, "2027-01-05T10:00:00Z", "k").await;
        let read = test.appointment(&appointment).await;
        assert_eq!(id(&read), appointment);
        refund(&test, intent(&read), by_hand).await;
        test.post_action("alan", &appointment, "cancel", &json!(null)).await.expect(200);
        test.stack.run_until_idle().await;
        assert_eq!(test.appointment(&appointment).await["payment"]["state"], "refunded", "{by_hand:?}");
        let made: Vec<_> =
            test.stripe().events().into_iter().filter(|event| event["type"] == "refund.created").collect();
        assert_eq!(made.len(), refunds, "{by_hand:?}");
        let total: i64 =
            made.iter().map(|event| event["data"]["object"]["amount"].as_i64().expect("an amount")).sum();
        assert_eq!(total, 8_000, "{by_hand:?}");
    }
}

#[tokio::test]
async fn rates_of_another_format_version_leave_prices_without_estimates() {
    let test = TestApp::new().await;
    let (app, rows, ..) = on_own_rows(&test, &paid_hour()).await;
    app::payments::exchange_rates::refresh(&app, &Actor::Platform).await.expect("rates");
    let dollar = domain::Currency::try_from("USD".to_owned()).expect("a code");
    let price = domain::Money::new(8_000, domain::Currency::EUR).expect("small");
    let estimator =
        app::payments::exchange_rates::estimator(&app, &Actor::Anonymous, Some(dollar)).await.expect("rates");
    assert!(estimator.of(price).is_some());
    let key = store::payments::keys::exchange_rates();
    if let Some(row) = rows.rows.lock().expect("no poisoned lock").get_mut(&key) {
        let no_date = row["PK"].clone();
        row.insert("date".to_owned(), no_date);
    }
    assert!(app::payments::exchange_rates::estimator(&app, &Actor::Anonymous, Some(dollar)).await.is_none());
    // A request that needs the rates is refused.
    let charge =
        app::payments::exchange_rates::convert_for_charge(&app, &Actor::Platform, price, dollar, app.now())
            .await;
    assert!(matches!(charge, Err(AppError::Read(_))), "{charge:?}");
}

#[tokio::test]
async fn receipt_numbers_have_no_gap_despite_lost_requests_and_responses() {
    let test = TestApp::new().await;
    let (app, rows, offer, expert) = on_own_rows(&test, &paid_hour()).await;
    let id = book(&app, &offer, 7).await.expect("booked");
    let appointment = app.store.appointment(id).await.expect("readable").expect("an appointment");
    let cause = |number: u32| DocumentCause {
        kind: DocumentCauseKind::Payment,
        object: format!("pi_{number}"),
        amount: Money::new(8_000, Currency::EUR).expect("in range"),
        at: app.now(),
    };
    let faults: [&[Lost]; 5] = [
        &[Lost::Request],
        &[Lost::Answer],
        &[],
        &[Lost::Request, Lost::Request, Lost::Answer],
        &[Lost::Answer],
    ];
    for (number, faults) in (1..).zip(faults) {
        for fault in faults {
            rows.lost.lock().expect("no poisoned lock").push(*fault);
            let silent = receipt::issue(&app, &Actor::Platform, &appointment, &cause(number)).await;
            assert!(matches!(silent, Err(AppError::Commit(CommitError::Table(_)))), "{silent:?}");
        }
        *rows.busy.lock().expect("no poisoned lock") = 2;
        let issued =
            receipt::issue(&app, &Actor::Platform, &appointment, &cause(number)).await.expect("issued");
        *rows.busy.lock().expect("no poisoned lock") = 0;
        assert_eq!(issued.number.sequence(), number);
    }
    let documents = app.store.documents(id).await.expect("readable");
    let numbers: Vec<u32> = documents.iter().map(|receipt| receipt.number.sequence()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert_eq!(app.store.last_receipt(expert, 2027).await.expect("readable"), 5);
}
