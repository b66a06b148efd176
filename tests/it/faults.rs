//! Faults of the table that the embedded database never has: conflicts, concurrent writes at the worst moment, unreadable rows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::events::DomainEvent;
use app::idempotency::{Creation, IdempotentRequest};
use app::identity::Actor;
use app::identity::signed_in::{Role, Scope, SignedInPerson};
use app::operations::jobs::Job;
use app::operations::{failing_jobs, outbox};
use app::payments::jobs::PaymentsJob;
use app::payments::ports::Buyer;
use app::payments::webhooks;
use app::ports::{Clock, EventBus, JobQueue, PortError};
use app::receipts::receipt;
use app::scheduling::booking::{self, Booked};
use app::scheduling::cancellation;
use app::{App, AppError, IfMatch};
use async_trait::async_trait;
use domain::experts::members::{Member, MemberRole};
use domain::identity::suspension::{DecidedBy, Suspension, SuspensionChange};
use domain::kernel::text::LongText;
use domain::payments::gateway::GatewayKind;
use domain::payments::ledger::Totals;
use domain::payments::payment::Payment;
use domain::receipts::receipt::{DocumentCause, DocumentCauseKind};
use domain::scheduling::appointment::{Attendee, Status};
use domain::scheduling::booking_limits::ClientBookings;
use domain::scheduling::party::Party;
use domain::{AppointmentId, Currency, ExpertId, InvitationId, Money, Timestamp, Zone};
use serde_json::{Value, json};
use simulators::stripe::{Faults, signature_header};
use store::keys::Key;
use store::table::{Action, Condition, Conflict, Consistency, Query, Table, Write, WriteError};
use store::{CommitError, FailureDomain, Item, JobName, OutboxEntry, Store, TableError, Transaction};

use crate::harness::log::Log;
use crate::harness::{GOOD_CARD, Offer, TestApp, free_hour, id, intent, paid_hour};

/// A table in memory that injects faults.
#[derive(Clone, Default)]
struct Rows {
    rows: Arc<Mutex<BTreeMap<Key, Item>>>,
    /// The counts of rows that are only counted.
    counts: Arc<Mutex<BTreeMap<Key, u64>>>,
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
        match &write.condition {
            Condition::None => true,
            Condition::Absent => standing.is_none(),
            Condition::Version(version) => standing
                .and_then(|item| item.get("version")?.as_n().ok())
                .is_some_and(|standing| *standing == version.to_string()),
            Condition::Same(version) => standing.is_some_and(|item| item.get("version") == version.as_ref()),
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
        let row = |key: &Key| self.rows.lock().expect("no poisoned lock").get(key).cloned();
        let moved: Vec<Conflict> = writes
            .iter()
            .filter(|write| !self.stands(write))
            .map(|write| Conflict { key: write.key.clone(), row: row(&write.key) })
            .collect();
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

    async fn count(&self, key: &Key, _: Item) -> Result<u64, TableError> {
        let mut counts = self.counts.lock().expect("no poisoned lock");
        let count = counts.entry(key.clone()).or_default();
        *count += 1;
        Ok(*count)
    }
}

/// A clock whose pauses are over at once.
struct NoPauses {
    clock: Arc<dyn Clock>,
    paused: Mutex<Duration>,
}

impl NoPauses {
    fn new(app: &App) -> Self {
        Self { clock: app.clock.clone(), paused: Mutex::default() }
    }
}

#[async_trait]
impl Clock for NoPauses {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn elapsed(&self) -> Duration {
        *self.paused.lock().expect("no poisoned lock")
    }

    async fn pause(&self, length: Duration) {
        *self.paused.lock().expect("no poisoned lock") += length;
    }
}

#[tokio::test]
async fn changes_that_stopped_in_their_turn_delay_the_next_ones_by_some_seconds() {
    let test = TestApp::new().await;
    let mut minute = free_hour();
    minute["durations"][0]["minutes"] = json!(1);
    minute["step_minutes"] = json!(1);
    let offer = test.offer(&minute).await;
    let expert = offer.expert.parse().expect("an id");
    let start: Timestamp = "2027-01-05T10:00:00Z".parse().expect("a time");
    let day = store::scheduling::keys::day(expert, start.utc_date());
    let at = |client: u8| format!("2027-01-05T{:02}:{:02}:00Z", 10 + client / 60, client % 60);
    // From a number of sessions on, bookings look whether others wait.
    for client in 0..64 {
        test.book_for_client(client, &offer, &at(client), "k").await.expect("booked");
    }
    for stopped in 1..4_u32 {
        for _ in 0..stopped {
            test.stack.app.store.take_ticket(&day, test.stack.app.now()).await.expect("a ticket");
        }
        let clock = Arc::new(NoPauses::new(&test.stack.app));
        let app = App { clock: clock.clone(), ..test.stack.app.clone() };
        for next in 0..2 {
            let client = u8::try_from(64 + stopped * 2 + next).expect("small");
            test.book_for_client_with(&app, client, &offer, &at(client), "k").await.expect("booked");
        }
        let waited = clock.elapsed().as_secs();
        assert!((3..20).contains(&waited), "{stopped} have stopped, and the others waited for {waited} s");
    }
}

/// A clock that moves on only while a change waits for its next attempt: three hours each time.
struct SlowRetries {
    began: Timestamp,
    retries: Mutex<i64>,
}

#[async_trait]
impl Clock for SlowRetries {
    fn now(&self) -> Timestamp {
        self.began.plus(3 * 3_600 * *self.retries.lock().expect("no poisoned lock"))
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    async fn pause(&self, _: Duration) {
        *self.retries.lock().expect("no poisoned lock") += 1;
    }
}

#[tokio::test]
async fn cancellation_in_time_refunds_what_it_would_have_at_once_although_it_meets_others() {
    let mut terms = paid_hour();
    terms["cancellation_policy"] = json!({
        "tiers": [{ "until_hours_before": 24, "refund_percent": 100 }],
        "grace_minutes": 0,
        "no_show_refund_percent": 0,
    });
    let test = TestApp::new().await;
    let (app, rows, offer, _) = on_own_rows(&test, &terms).await;
    let id = book(&app, &offer, 7).await.expect("booked");
    let read = async || app.store.appointment_record(id).await.expect("readable").expect("it exists");
    let intent = read().await.payment.expect("a payment").references.intent.expect("an intent");
    test.stripe().pay(&intent, GOOD_CARD).expect("the card works");
    process(&app, payment_job(id)).await;
    let clock = SlowRetries { began: app.now(), retries: Mutex::default() };
    let app = App { clock: Arc::new(clock), ..app.clone() };
    *rows.busy.lock().expect("no poisoned lock") = 2;
    let client = Actor::Person(SignedInPerson::new(7, vec![Role::Client], Scope::FULL));
    let cancelled = cancellation::cancel(&app, &client, id, IfMatch::Any, LongText::default(), None).await;
    let payment = cancelled.expect("cancelled").0.payment.expect("a payment");
    assert_eq!(payment.final_charge, Some(payment.amount.zero()));
    assert!(app.now() > "2027-01-04T10:00:00Z".parse().expect("a time"), "it was decided again, too late");
}

/// A person who is a member of the expert, and what the expert or an administrator writes when they lose their rights.
async fn member_who_loses(app: &App, expert: ExpertId, suspended: bool) -> (Actor, Transaction) {
    let person = SignedInPerson::new(9, vec![Role::Client], Scope::FULL);
    let member = Member {
        expert,
        person: person.id(),
        version: 1,
        role: MemberRole::Assistant,
        name: "Grace".to_owned().try_into().expect("a name"),
        since: app.now(),
        invitation: InvitationId::from_bits(6),
    };
    let mut joins = Transaction::new();
    joins.put_member(&member).expect("storable");
    app.store.commit(joins).await.expect("a member");
    let mut loses = Transaction::new();
    match suspended {
        true => loses.put_suspension(&suspension_of(app, &person)).expect("storable"),
        false => loses.delete_member(&member),
    }
    (Actor::Person(person), loses)
}

fn suspension_of(app: &App, person: &SignedInPerson) -> Suspension {
    let reason = "Fraud".to_owned().try_into().expect("a reason");
    let change = SuspensionChange { suspended: true, reason, by: DecidedBy::Platform, at: app.now() };
    Suspension::never(person.id()).changed(change)
}

#[tokio::test]
async fn member_who_loses_their_rights_between_two_attempts_changes_nothing() {
    for suspended in [false, true] {
        let test = TestApp::new().await;
        let (app, rows, offer, expert) = on_own_rows(&test, &paid_hour()).await;
        let id = book(&app, &offer, 7).await.expect("booked");
        let payment = app.store.appointment_record(id).await.expect("readable").expect("it exists").payment;
        let payment = payment.expect("a payment");
        let (member, mut other) = member_who_loses(&app, expert, suspended).await;
        // The change meets another one, so its next attempt remembers what the first one has read.
        other.put_payment(&Payment { version: payment.version + 1, ..payment }).expect("storable");
        *rows.before_payment.lock().expect("no poisoned lock") = Some(other);
        let refused = cancellation::cancel(&app, &member, id, IfMatch::Any, LongText::default(), None).await;
        match refused {
            Err(AppError::Forbidden(_)) if suspended => {}
            Err(AppError::NotFound("appointment")) if !suspended => {}
            other => panic!("{other:?}"),
        }
        let record = app.store.appointment_record(id).await.expect("readable").expect("it exists");
        assert!(
            matches!(record.appointment.status, Status::Pending { .. }),
            "{:?}",
            record.appointment.status
        );
        assert!(rows.before_payment.lock().expect("no poisoned lock").is_none(), "it met nobody");
    }
}

#[tokio::test]
async fn client_who_is_suspended_between_two_attempts_books_nothing() {
    let test = TestApp::new().await;
    let (app, rows, offer, _) = on_own_rows(&test, &paid_hour()).await;
    let client = SignedInPerson::new(7, vec![Role::Client], Scope::FULL);
    let mut other = Transaction::new();
    other.put_suspension(&suspension_of(&app, &client)).expect("storable");
    let row = ClientBookings { version: 1, ..ClientBookings::none() };
    other.put_client_bookings(client.client_id(), &row).expect("storable");
    *rows.before_payment.lock().expect("no poisoned lock") = Some(other);
    let refused = book(&app, &offer, 7).await;
    assert!(matches!(refused, Err(AppError::Forbidden(_))), "{refused:?}");
    let other = book(&app, &offer, 8).await;
    assert!(other.is_ok(), "the slot is free: {other:?}");
}

/// The payment job of an appointment.
fn payment_job(id: AppointmentId) -> JobName {
    JobName::new("payment", id)
}

/// An entry of the payment job of an appointment.
fn payment_entry(id: AppointmentId, due_at: Timestamp, token: u64) -> OutboxEntry {
    Job::from(PaymentsJob::Payment { appointment: id }).entry(due_at, token).expect("JSON")
}

/// Processes a job that calls a payment gateway.
async fn process(app: &App, job: JobName) {
    outbox::process(app, &Actor::Platform, FailureDomain::Payments, &job)
        .await
        .expect("all messages are processed");
}

/// A queue that delivers nothing; tests call the worker themselves.
struct NoQueue;

#[async_trait]
impl JobQueue for NoQueue {
    async fn send(&self, _: FailureDomain, _: &[JobName]) -> Result<(), PortError> {
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
    let person = SignedInPerson::new(client, vec![Role::Client], Scope::FULL);
    let attendee = Attendee {
        name: "Alan".to_owned().try_into().expect("a name"),
        email: "alan@example.org".to_owned().try_into().expect("an address"),
        time_zone: Zone::UTC,
        note: LongText::default(),
    };
    let booking_request = booking::Booking {
        expert: offer.expert.parse().expect("an id"),
        session_type: offer.session_type.parse().expect("an id"),
        duration_minutes: None,
        start: start.parse().expect("a time"),
        seats: 1,
        attendee,
        details: Default::default(),
        gateway: None,
        pay_in: None,
        expected_price: None,
        allow_overlap: false,
        address: None,
        challenge_token: None,
    };
    let request = IdempotentRequest { key: "k".to_owned(), fingerprint: "f".to_owned() };
    match booking::book(app, &Actor::Person(person), &request, &booking_request).await? {
        Creation::Created(booked, _) => Ok(booked),
        Creation::Replayed(_) => panic!("the first request"),
    }
}

/// The appointment that the client's only request has created.
async fn made(app: &App, client: u128) -> AppointmentId {
    let person = SignedInPerson::new(client, vec![Role::Client], Scope::FULL).client_id().to_string();
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
    let app = App { clock: Arc::new(NoPauses::new(&app)), ..app };
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
    let due = app.store.outbox_entry(&payment_job(appointment)).await.expect("readable").expect("owed");
    assert_eq!(due.entry.expect("readable").due_at, app.now());
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
    process(&app, payment_job(slow)).await;
    assert_eq!(test.stripe().object(&late).expect("it exists")["status"], "canceled");
    assert!(app.store.outbox_entry(&payment_job(slow)).await.expect("readable").is_none());
}

#[tokio::test]
async fn saved_card_authorized_during_a_cancellation_is_released() {
    let mut terms = paid_hour();
    terms["collection"] = json!("authorize_then_capture");
    let test = TestApp::new().await;
    let (app, rows, offer, _) = on_own_rows(&test, &terms).await;
    let id = book_at(&app, &offer, 7, "2027-01-25T10:00:00Z").await.expect("booked");
    let process = async || process(&app, payment_job(id)).await;
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
    let process = async |job| process(&app, job).await;
    let read = async || app.store.appointment_record(id).await.expect("readable").expect("it exists");
    let intent = read().await.payment.expect("a payment").references.intent.expect("an intent");
    test.stripe().pay(&intent, GOOD_CARD).expect("the card works");
    test.advance(700);
    process(payment_job(id)).await;
    process(JobName::new("receipts", id)).await;
    assert_eq!(app.store.documents(id).await.expect("readable").len(), 1, "a receipt");
    // The appointment is cancelled, and the refund job reads a part of that transaction but not yet the rest.
    let late = || Some(rows.rows.lock().expect("no poisoned lock").clone());
    let before = late();
    let client = Actor::Person(SignedInPerson::new(7, vec![Role::Client], Scope::FULL));
    let version = read().await.appointment.version;
    cancellation::cancel(&app, &client, id, version.into(), LongText::default(), None)
        .await
        .expect("called off");
    let called_off = late();
    *rows.late.lock().expect("no poisoned lock") = before;
    process(payment_job(id)).await;
    let refunded = domain::payments::ledger::Totals::of(&read().await.movements).refunded;
    assert_eq!(refunded, 8_000);
    // The same for the receipt.
    *rows.late.lock().expect("no poisoned lock") = called_off;
    process(JobName::new("receipts", id)).await;
    let documents = app.store.documents(id).await.expect("readable");
    assert_eq!(documents.len(), 2, "a receipt and a credit note");
}

/// A queue that remembers the jobs of each failure domain.
#[derive(Clone, Default)]
struct RecordingQueue(Arc<Mutex<Vec<(FailureDomain, JobName)>>>);

impl RecordingQueue {
    fn take(&self) -> Vec<(FailureDomain, JobName)> {
        std::mem::take(&mut self.0.lock().expect("no poisoned lock"))
    }
}

#[async_trait]
impl JobQueue for RecordingQueue {
    async fn send(&self, failure_domain: FailureDomain, jobs: &[JobName]) -> Result<(), PortError> {
        let jobs = jobs.iter().map(|job| (failure_domain, job.clone()));
        self.0.lock().expect("no poisoned lock").extend(jobs);
        Ok(())
    }
}

/// An empty table with a recording queue.
fn with_recording_queue(test: &TestApp) -> (App, Rows, RecordingQueue) {
    let (rows, queue) = (Rows::default(), RecordingQueue::default());
    let app = App {
        store: Store::new(Arc::new(rows.clone())),
        queue: Arc::new(queue.clone()),
        ..test.stack.app.clone()
    };
    (app, rows, queue)
}

/// Enqueues payment jobs that are due now, on appointments with these bits.
async fn enqueue(app: &App, bits: impl IntoIterator<Item = u128>) -> Vec<JobName> {
    let mut names = Vec::new();
    for bits in bits {
        let entry = payment_entry(AppointmentId::from_bits(bits), app.now(), 5);
        let mut transaction = Transaction::new();
        transaction.enqueue(FailureDomain::Payments, &entry).expect("storable");
        app.store.commit(transaction).await.expect("owed");
        names.push(entry.name);
    }
    names
}

/// Makes stored entries unreadable, each in one of several ways.
fn corrupt(rows: &Rows, names: &[JobName]) {
    let mut rows = rows.rows.lock().expect("no poisoned lock");
    for (number, name) in names.iter().enumerate() {
        let sk = format!("OUTBOX#{name}");
        let key = Key { pk: format!("APT#{}", name.subject()), sk };
        let row = rows.get_mut(&key).expect("a row");
        let (text, version) = (row["PK"].clone(), row["version"].clone());
        match number % 6 {
            // A job that this release does not know, and a format of a later one.
            0 => row.insert("job".to_owned(), text),
            1 => row.insert("schema".to_owned(), version),
            2 => row.insert("payload".to_owned(), text),
            3 => row.remove("due_at"),
            4 => row.insert("version".to_owned(), text),
            _ => row.remove("version"),
        };
    }
}

#[tokio::test]
async fn ten_thousand_unreadable_entries_delay_nothing() {
    let test = TestApp::new().await;
    let (app, rows, queue) = with_recording_queue(&test);
    // All of them are in one shard, and due before the others.
    let unreadable = enqueue(&app, (0..10_000).map(|number| number * 8)).await;
    corrupt(&rows, &unreadable);
    test.advance(1);
    let readable = enqueue(&app, [80_000, 80_008, 1, 2]).await;
    let swept = outbox::sweep(&app, &Actor::Platform).await.expect("swept");
    assert_eq!((swept.queued, swept.unreadable), (4, 10_000));
    let mut queued: Vec<JobName> = queue.take().into_iter().map(|(_, name)| name).collect();
    queued.sort();
    let mut expected = readable.clone();
    expected.sort();
    assert_eq!(queued, expected, "in the same sweep");
    // The next sweep does not read them again.
    let swept = outbox::sweep(&app, &Actor::Platform).await.expect("swept");
    assert_eq!((swept.queued, swept.unreadable), (4, 0));
    // Administrators see all of them, page by page.
    let admin = Actor::Person(SignedInPerson::new(9, vec![Role::Admin], Scope::FULL));
    let (mut cursor, mut listed) = (None, Vec::new());
    loop {
        let page = failing_jobs::list(&app, &admin, cursor.as_deref(), 100).await.expect("an administrator");
        listed.extend(page.jobs);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed.len(), 10_000);
    assert!(listed.iter().all(|job| job.schedule.is_none() && job.subject.is_some()));
    // An hour later they are read again, and delay nothing again.
    test.advance(4_200);
    queue.take();
    let swept = outbox::sweep(&app, &Actor::Platform).await.expect("swept");
    assert_eq!((swept.queued, swept.unreadable), (4, 10_000));
}

/// Stores more payment jobs in each shard than a sweep queues, all of them due before a job of another failure domain, whose name
/// it returns.
async fn enqueue_event_behind_payments(test: &TestApp, app: &App) -> JobName {
    let booked = book(&test.stack.app, &test.offer(&free_hour()).await, 7).await.expect("booked");
    let event = JobName::new("event", booked).with(1).with("appointment.confirmed");
    let stored = test.stack.app.store.outbox_entry(&event).await.expect("readable").expect("an entry");
    enqueue(app, 0..4_800).await;
    test.advance(1);
    let entry = OutboxEntry { due_at: app.now(), ..stored.entry.expect("readable") };
    let mut transaction = Transaction::new();
    transaction.enqueue(FailureDomain::General, &entry).expect("storable");
    app.store.commit(transaction).await.expect("enqueued");
    event
}

#[tokio::test]
async fn backlog_of_one_failure_domain_delays_no_other() {
    let test = TestApp::new().await;
    let (app, _, queue) = with_recording_queue(&test);
    let event = enqueue_event_behind_payments(&test, &app).await;
    let swept = outbox::sweep(&app, &Actor::Platform).await.expect("swept");
    assert_eq!(swept.queued, 8 * 500 + 1);
    assert!(queue.take().contains(&(FailureDomain::General, event)));
}

/// A queue that takes no jobs of one failure domain.
#[derive(Clone)]
struct HalfBrokenQueue(RecordingQueue);

#[async_trait]
impl JobQueue for HalfBrokenQueue {
    async fn send(&self, failure_domain: FailureDomain, jobs: &[JobName]) -> Result<(), PortError> {
        match failure_domain {
            FailureDomain::Payments => Err(PortError("no access".to_owned())),
            FailureDomain::General => self.0.send(failure_domain, jobs).await,
        }
    }
}

#[tokio::test]
async fn failing_queue_of_one_failure_domain_delays_no_other() {
    let test = TestApp::new().await;
    let (app, _, queue) = with_recording_queue(&test);
    let event = enqueue_event_behind_payments(&test, &app).await;
    queue.take();
    let app = App { queue: Arc::new(HalfBrokenQueue(queue.clone())), ..app };
    assert!(outbox::sweep(&app, &Actor::Platform).await.is_err(), "the failure is reported");
    assert_eq!(queue.take(), [(FailureDomain::General, event)]);
}

/// Only one of the two times of an entry counts, so no entry is queued every minute and never run.
#[tokio::test]
async fn entry_is_due_when_the_index_says_so() {
    let test = TestApp::new().await;
    let (app, rows, _) = with_recording_queue(&test);
    let names = enqueue(&app, [1, 2]).await;
    test.advance(1_000);
    let later = enqueue(&app, [3]).await.remove(0);
    {
        let mut rows = rows.rows.lock().expect("no poisoned lock");
        let key =
            |name: &JobName| Key { pk: format!("APT#{}", name.subject()), sk: format!("OUTBOX#{name}") };
        let due_at = rows[&key(&later)]["due_at"].clone();
        rows.get_mut(&key(&names[0])).expect("a row").insert("due_at".to_owned(), due_at);
    }
    test.advance(-500);
    assert_eq!(outbox::sweep(&app, &Actor::Platform).await.expect("swept").queued, 2);
    process(&app, names[0].clone()).await;
    assert!(app.store.outbox_entry(&names[0]).await.expect("readable").is_none(), "it has run");
}

#[tokio::test]
async fn unreadable_entry_is_set_aside_unchanged_and_runs_once_it_is_readable() {
    let test = TestApp::new().await;
    let (app, rows, queue) = with_recording_queue(&test);
    let names = enqueue(&app, 0..6).await;
    let before = rows.rows.lock().expect("no poisoned lock").clone();
    corrupt(&rows, &names);
    let corrupted = rows.rows.lock().expect("no poisoned lock").clone();
    // A message of the queue sets its entry aside as well, and does not fail.
    for name in &names {
        process(&app, name.clone()).await;
    }
    let index = |name: &str| name.starts_with("GSI");
    let without_index = |rows: &BTreeMap<Key, Item>| -> Vec<Item> {
        let rows = rows.values().cloned();
        rows.map(|row| row.into_iter().filter(|(name, _)| !index(name)).collect()).collect()
    };
    let aside = rows.rows.lock().expect("no poisoned lock").clone();
    assert_eq!(without_index(&aside), without_index(&corrupted));
    // A message that is delivered again changes nothing.
    process(&app, names[0].clone()).await;
    assert_eq!(*rows.rows.lock().expect("no poisoned lock"), aside);

    let admin = Actor::Person(SignedInPerson::new(9, vec![Role::Admin], Scope::FULL));
    let page = failing_jobs::list(&app, &admin, None, 100).await.expect("an administrator");
    assert_eq!(page.jobs.len(), 6);
    for job in &page.jobs {
        let retried = failing_jobs::retry(&app, &admin, &job.partition, &job.name).await;
        assert!(matches!(retried, Err(AppError::Operations(_))), "{retried:?}");
    }
    assert_eq!(*rows.rows.lock().expect("no poisoned lock"), aside, "nothing has changed");
    assert_eq!(queue.take(), []);
    // A release that reads the entries again.
    {
        let mut rows = rows.rows.lock().expect("no poisoned lock");
        for (key, row) in rows.iter_mut() {
            for name in ["job", "schema", "payload", "due_at", "version"] {
                row.insert(name.to_owned(), before[key][name].clone());
            }
        }
    }
    let page = failing_jobs::list(&app, &admin, None, 100).await.expect("an administrator");
    assert!(page.jobs.iter().all(|job| job.reason.contains("this one can")), "{page:?}");
    assert!(page.jobs.iter().all(|job| job.schedule.is_some()), "{page:?}");
    for job in &page.jobs[..3] {
        failing_jobs::retry(&app, &admin, &job.partition, &job.name).await.expect("it is due");
    }
    assert_eq!(queue.take().len(), 3);
    assert_eq!(outbox::sweep(&app, &Actor::Platform).await.expect("swept").queued, 3);
    // The others run by themselves after about a minute.
    test.advance(70);
    assert_eq!(outbox::sweep(&app, &Actor::Platform).await.expect("swept").queued, 6);
    for name in names {
        process(&app, name).await;
    }
    assert!(rows.rows.lock().expect("no poisoned lock").is_empty(), "all of them have run");
}

#[tokio::test]
async fn entry_whose_place_in_the_index_is_no_time_is_set_aside_and_then_runs() {
    let test = TestApp::new().await;
    let (app, rows, _) = with_recording_queue(&test);
    // Texts that other attributes have.
    let places = ["PK", "SK", "job", "payload", "due_at"];
    let names = enqueue(&app, 0..places.len() as u128).await;
    for (name, place) in names.iter().zip(places) {
        let key = Key { pk: format!("APT#{}", name.subject()), sk: format!("OUTBOX#{name}") };
        let mut rows = rows.rows.lock().expect("no poisoned lock");
        let row = rows.get_mut(&key).expect("a row");
        let text = row[place].clone();
        row.insert("GSI1SK".to_owned(), text);
    }
    let swept = outbox::sweep(&app, &Actor::Platform).await.expect("swept");
    assert_eq!((swept.queued, swept.unreadable), (0, places.len()));
    let admin = Actor::Person(SignedInPerson::new(9, vec![Role::Admin], Scope::FULL));
    let page = failing_jobs::list(&app, &admin, None, 100).await.expect("an administrator");
    assert_eq!(page.jobs.len(), places.len(), "administrators see them");
    let swept = outbox::sweep(&app, &Actor::Platform).await.expect("swept");
    assert_eq!((swept.queued, swept.unreadable), (0, 0), "they wait for a minute");
    test.advance(70);
    let swept = outbox::sweep(&app, &Actor::Platform).await.expect("swept");
    assert_eq!((swept.queued, swept.unreadable), (places.len(), 0));
    for name in names {
        process(&app, name).await;
    }
    assert!(rows.rows.lock().expect("no poisoned lock").is_empty(), "all of them have run");
}

#[tokio::test]
async fn entry_that_stays_unreadable_is_read_again_in_pauses_that_double_up_to_an_hour() {
    let test = TestApp::new().await;
    let (app, rows, _) = with_recording_queue(&test);
    let names = enqueue(&app, 0..1).await;
    corrupt(&rows, &names);
    let mut pauses = Vec::new();
    for _ in 0..9 {
        process(&app, names[0].clone()).await;
        let entry = app.store.outbox_entry(&names[0]).await.expect("readable").expect("an entry");
        let pause = entry.due_at().expect("an instant").seconds() - app.now().seconds();
        pauses.push(pause);
        test.advance(pause);
    }
    let between = |pause: i64, least: i64| (least..=least + least / 6).contains(&pause);
    let mut elapsed = 0;
    for pause in &pauses {
        assert!(between(*pause, elapsed.clamp(60, 3_600)), "{pauses:?}");
        elapsed += pause;
    }
    assert!(between(pauses[8], 3_600), "{pauses:?}");
}

#[tokio::test]
async fn entry_that_was_written_again_is_not_set_aside() {
    let test = TestApp::new().await;
    let (app, rows, _) = with_recording_queue(&test);
    let names = enqueue(&app, 0..6).await;
    corrupt(&rows, &names);
    for name in names {
        let read = app.store.outbox_entry(&name).await.expect("readable").expect("an entry");
        // The job is enqueued again before the entry is set aside.
        let mut transaction = Transaction::new();
        let id = AppointmentId::from_bits(match name.subject() {
            store::operations::outbox::Subject::Appointment(id) => id.bits(),
            store::operations::outbox::Subject::Expert(id) => id.bits(),
        });
        transaction.enqueue(FailureDomain::Payments, &payment_entry(id, app.now(), 6)).expect("storable");
        app.store.commit(transaction).await.expect("enqueued");
        let mut transaction = Transaction::new();
        transaction.set_aside(&read, app.now(), app.now());
        let committed = app.store.commit(transaction).await;
        assert!(matches!(committed, Err(CommitError::VersionConflict(_))), "{name}: {committed:?}");
    }
}

#[tokio::test]
async fn job_that_does_not_end_or_panics_is_listed_as_failing() {
    /// Stops the worker, or panics, when an event is published.
    struct Bus(bool);

    #[async_trait]
    impl EventBus for Bus {
        async fn publish(&self, _: &DomainEvent) -> Result<(), PortError> {
            assert!(self.0, "a defect");
            std::future::pending().await
        }
    }

    for (stops, expected) in [(true, "the worker stopped"), (false, "the job panicked")] {
        let test = TestApp::new().await;
        let offer = test.offer(&free_hour()).await;
        let app = App { events: Arc::new(Bus(stops)), queue: Arc::new(NoQueue), ..test.stack.app.clone() };
        let id = book(&app, &offer, 7).await.expect("booked");
        let name = JobName::new("event", id).with(1).with("appointment.confirmed");
        let log = Log::default();
        let listening = tracing::subscriber::set_default(log.clone());
        for _ in 0..3 {
            // A worker that stops does not run its future to the end.
            let run = outbox::process(&app, &Actor::Platform, FailureDomain::General, &name);
            let _ = tokio::time::timeout(std::time::Duration::from_secs(1), run).await;
            test.advance(outbox::lease_seconds(FailureDomain::General));
        }
        drop(listening);
        // An attempt that did not end is logged when the next one begins.
        let logged = log.errors();
        assert_eq!(logged.len(), if stops { 2 } else { 3 }, "{logged:?}");
        assert!(logged.iter().all(|error| error.contains(expected)), "{logged:?}");
        let admin = Actor::Person(SignedInPerson::new(9, vec![Role::Admin], Scope::FULL));
        let page = failing_jobs::list(&app, &admin, None, 100).await.expect("an administrator");
        let [job] = page.jobs.as_slice() else { panic!("{page:?}") };
        assert_eq!(job.subject, Some(id.into()));
        assert!(job.reason.starts_with(expected), "{job:?}");
        assert_eq!(job.schedule.map(|schedule| schedule.attempts), Some(3));
    }
}

#[tokio::test]
async fn job_in_the_wrong_queue_is_left_to_the_sweep() {
    let test = TestApp::new().await;
    let (app, _, queue) = with_recording_queue(&test);
    let [name] = enqueue(&app, [1]).await.try_into().expect("one job");
    outbox::process(&app, &Actor::Platform, FailureDomain::General, &name).await.expect("left");
    // Releases that disagree about its failure domain do not send it back and forth.
    assert_eq!(queue.take(), []);
    outbox::sweep(&app, &Actor::Platform).await.expect("swept");
    assert_eq!(queue.take(), [(FailureDomain::Payments, name)]);
}

#[tokio::test]
async fn unreadable_partition_blocks_no_other() {
    let test = TestApp::new().await;
    let (app, rows, queue) = with_recording_queue(&test);
    let names = enqueue(&app, 0..8).await;
    assert_eq!(outbox::sweep(&app, &Actor::Platform).await.expect("swept").queued, names.len());
    for closed in store::operations::keys::outbox_shards() {
        queue.take();
        *rows.closed.lock().expect("no poisoned lock") = Some(closed.clone());
        outbox::sweep(&app, &Actor::Platform).await.expect_err("one of them cannot be read");
        assert_eq!(queue.take().len(), names.len() - 1, "{closed}");
    }
}

#[tokio::test]
async fn write_with_a_lost_response_does_not_conflict_with_itself() {
    let test = TestApp::new().await;
    let store = &test.stack.app.store;
    let due = payment_entry(AppointmentId::from_bits(1), test.stack.app.now(), 5);
    let put = |due: &OutboxEntry, token| {
        let mut transaction = Transaction::new();
        transaction.reschedule(due, token).expect("storable");
        transaction
    };
    let mut first = Transaction::new();
    first.enqueue(FailureDomain::Payments, &due).expect("storable");
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
    test.advance(35);
    let booked = send_booking(app, &offer, 7, start).await.expect("resumed");
    assert_eq!(booked.appointment.status, Status::Confirmed);
    assert_eq!(Totals::of(&booked.movements).captured, 8_000);
}

#[tokio::test]
async fn partial_refund_made_at_the_gateway_is_not_taken_for_the_whole() {
    let refund = async |test: &TestApp, intent: &str, amount: Option<&str>| {
        // Without the fee, the expert would not have enough to return the whole.
        let mut form = vec![
            ("payment_intent", intent),
            ("reverse_transfer", "true"),
            ("refund_application_fee", "true"),
        ];
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
