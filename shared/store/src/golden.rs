//! Golden rows: how every row looked in each released version of the code.
//!
//! `golden/<version>.json` has a row of each kind, as plain JSON, by key. The tests check that the code writes rows exactly as
//! the latest file says, and that it reads the rows of every file. If a change of a row is intended, add a file for the next
//! version with `cargo test --workspace --lib write_golden_rows -- --ignored`, and never change an older file: such rows are in tables.

mod samples;
mod unknown;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use domain::payments::gateway::GatewayKind;
use domain::receipts::receipt::DocumentName;
use domain::scheduling::appointment::Status;
use domain::scheduling::occupancy::{Day, OccupancyChange};
use domain::scheduling::party::Party;
use domain::scheduling::reliability::{Incident, IncidentSubject};
use domain::{TimeSpan, Timestamp};
use serde_json::{Map, Value};

use crate::keys::{Key, PK, SK};
use crate::row::SCHEMA;
use crate::table::{Action, Consistency, Item, Query, Table, TableError, Write, WriteError};
use crate::{
    Activations, AppointmentOwner, FailureDomain, NotesWritten, ReadError, RefundsOf, RowVersion, Store,
    Transaction,
};

/// The version of the rows that the code writes now.
const LATEST: u32 = 4;

fn file(version: u32) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("golden/{version}.json"))
}

fn golden(version: u32) -> Map<String, Value> {
    let text = std::fs::read_to_string(file(version)).expect("a file");
    serde_json::from_str(&text).expect("JSON")
}

/// A row of each kind as the code writes it, as plain JSON by key.
fn written() -> Map<String, Value> {
    let mut transaction = Transaction::new();
    let t = &mut transaction;
    t.put_expert(&samples::expert()).expect("a row");
    t.put_expert(&samples::suspended_draft()).expect("a row");
    t.put_rules(samples::EXPERT, &samples::rules()).expect("a row");
    t.put_member(&samples::member()).expect("a row");
    t.put_former_member(&samples::former_member()).expect("a row");
    t.put_invitation(&samples::invitation()).expect("a row");
    t.put_team(samples::EXPERT, &samples::team()).expect("a row");
    t.put_activations(samples::EXPERT, &Activations { version: 1 }).expect("a row");
    t.put_admissions(samples::EXPERT, &samples::admissions()).expect("a row");
    t.put_person(&samples::person()).expect("a row");
    let [warning, no_show, rescheduled] = samples::notifications();
    let of = samples::appointment_id(0);
    let disputes = samples::warning_for_disputes();
    for (warning, subject) in
        [(disputes, IncidentSubject::Payment(of)), (warning, IncidentSubject::Individual(of))]
    {
        t.put_warning(&warning, Party::Client, subject, samples::at(0)).expect("a row");
    }
    for (event, notification) in [("appointment.no_show", no_show), ("appointment.rescheduled", rescheduled)]
    {
        let appointment = samples::appointment_id(0);
        t.put_change_notification(event, &notification, appointment, None, samples::at(0)).expect("a row");
    }
    t.put_read_mark(samples::notifications()[0].person, &samples::read_mark()).expect("a row");
    for session_type in samples::session_types() {
        t.put_session_type(samples::EXPERT, &session_type).expect("a row");
    }
    let (expert, session_types) = samples::durations();
    for session_type in session_types {
        t.put_session_type(expert, &session_type).expect("a row");
    }
    for appointment in samples::appointments() {
        t.put_appointment(&appointment).expect("a row");
    }
    for appointment in samples::proposals().into_iter().chain(samples::decisions()) {
        t.put_appointment(&appointment).expect("a row");
    }
    for (number, entry) in samples::history_of_proposals().iter().enumerate() {
        let version = number as u64 + 2;
        t.put_history(samples::appointment_id(100), version, RowVersion::Appointment(version), entry)
            .expect("a row");
    }
    t.put_occupancy(samples::OTHER_EXPERT, &samples::proposed());
    let days = vec![samples::busy_day()];
    t.put_occupancy(samples::EXPERT, &OccupancyChange { days, ..OccupancyChange::default() });
    for payment in samples::payments() {
        t.put_payment(&payment).expect("a row");
    }
    t.put_payment(&samples::held_payment()).expect("a row");
    t.put_payment(&samples::released_payment()).expect("a row");
    t.put_payment(&samples::owed_payment()).expect("a row");
    t.put_expert_terms(samples::OTHER_EXPERT, &samples::terms_of_another_expert()).expect("a row");
    t.put_track_record(samples::EXPERT, &samples::track_record()).expect("a row");
    t.put_debt(samples::EXPERT, &samples::debt()).expect("a row");
    for entry in samples::entries() {
        t.put_ledger_entry(samples::appointment_id(0), &entry).expect("a row");
    }
    t.put_details(samples::appointment_id(0), &samples::details()).expect("a row");
    for (number, entry) in samples::history().iter().enumerate() {
        let version = number as u64 + 2;
        t.put_history(samples::appointment_id(0), version, RowVersion::Appointment(version), entry)
            .expect("a row");
    }
    for (number, entry) in samples::history_since_version_2().iter().enumerate() {
        let version = number as u64 + 2;
        t.put_history(samples::appointment_id(1), version, RowVersion::Appointment(version), entry)
            .expect("a row");
    }
    for (number, entry) in samples::history_since_version_4().iter().enumerate() {
        let version = number as u64 + 2;
        t.put_history(samples::appointment_id(2), version, RowVersion::Payment(version), entry)
            .expect("a row");
    }
    for note in samples::notes() {
        t.put_note(samples::appointment_id(0), &note).expect("a row");
    }
    t.put_notes_written(samples::appointment_id(0), Party::Client, NotesWritten { version: 1 })
        .expect("a row");
    t.put_client_bookings(samples::CLIENT, &samples::client_bookings()).expect("a row");
    t.put_payout("paid", "po_1", &samples::payout()).expect("a row");
    t.put_payment_account(samples::EXPERT, &samples::account()).expect("rows");
    t.put_expert_terms(samples::EXPERT, &samples::expert_terms()).expect("a row");
    t.put_payment(&samples::payment_with_processing_cost()).expect("a row");
    t.put_payment(&samples::waiting_payment()).expect("a row");
    t.put_ledger_entry(samples::appointment_id(123), &samples::processing_cost_entry()).expect("a row");
    t.issue_receipt(&samples::processing_cost_document()).expect("rows");
    for of in [RefundsOf::Client(samples::CLIENT), RefundsOf::Expert(samples::EXPERT)] {
        t.put_refund_costs(samples::month(), of, &samples::refund_costs()).expect("a row");
    }
    t.put_exchange_rates(&samples::rates()).expect("a row");
    t.put_reconciliation_progress(&samples::progress()).expect("a row");
    for difference in samples::differences() {
        t.put_difference(&difference, None).expect("a row");
    }
    for (expert, billing) in samples::billing() {
        t.put_billing(expert, &billing).expect("a row");
    }
    for receipt in samples::receipts() {
        t.issue_receipt(&receipt).expect("rows");
    }
    let receipt = &samples::receipts()[0];
    t.put_tax_calculation(receipt.appointment, receipt.name(), &samples::tax_calculation()).expect("a row");
    t.put_occupancy(
        samples::EXPERT,
        &OccupancyChange {
            days: vec![(samples::at(0).utc_date(), samples::day())],
            groups: vec![((samples::SESSION_TYPE, samples::at(0)), samples::group())],
            ..OccupancyChange::default()
        },
    );
    t.put_idempotency_record(&samples::idempotency(), None).expect("a row");
    t.put_webhook_event("stripe", "evt_1", samples::at(0)).expect("a row");
    t.put_suspension(&samples::suspension()).expect("a row");
    let (disputed, lost) = samples::lost_dispute();
    t.put_incident(&disputed, &lost).expect("a row");
    for incident in samples::incidents() {
        t.put_incident(&samples::appointments()[0], &incident).expect("a row");
    }
    t.put_payment(&samples::declined_payment()).expect("a row");
    for counter in samples::decline_counters() {
        t.put_declines(counter, 3, samples::at(0)).expect("a row");
    }
    for entry in samples::outbox_entries() {
        t.enqueue(FailureDomain::Payments, &entry).expect("a row");
    }
    let rows = transaction.writes().iter().filter_map(|Write { key, action, .. }| match action {
        Action::Put(item) => {
            Some((key.to_string(), serde_dynamo::from_item(item.clone()).expect("plain JSON")))
        }
        Action::Delete | Action::Check => None,
    });
    // A later row replaces an earlier one with the same key, such as a counter.
    rows.collect()
}

/// A table with these rows, for reading.
struct Rows(Vec<Item>);

impl Rows {
    fn of(rows: &Map<String, Value>) -> Store {
        let item = |row: &Value| serde_dynamo::to_item(row).expect("a row");
        Store::new(Arc::new(Self(rows.values().map(item).collect())))
    }
}

fn attribute<'i>(item: &'i Item, name: &str) -> &'i str {
    item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

#[async_trait]
impl Table for Rows {
    async fn get(&self, key: &Key, _: Consistency) -> Result<Option<Item>, TableError> {
        let found = |item: &&Item| attribute(item, PK) == key.pk && attribute(item, SK) == key.sk;
        Ok(self.0.iter().find(found).cloned())
    }

    async fn get_many(&self, keys: &[Key], consistency: Consistency) -> Result<Vec<Item>, TableError> {
        let mut items = Vec::new();
        for key in keys {
            items.extend(self.get(key, consistency).await?);
        }
        Ok(items)
    }

    async fn query(&self, query: &Query) -> Result<Vec<Item>, TableError> {
        let (pk, sk) = query.index.map_or((PK, SK), |index| (index.pk, index.sk));
        let range = query.from.as_str()..=query.to.as_str();
        let found = |item: &&Item| attribute(item, pk) == query.pk && range.contains(&attribute(item, sk));
        let mut items: Vec<Item> = self.0.iter().filter(found).cloned().collect();
        items.sort_by(|one, other| attribute(one, sk).cmp(attribute(other, sk)));
        if query.descending {
            items.reverse();
        }
        items.truncate(query.limit.map_or(usize::MAX, usize::from));
        Ok(items)
    }

    async fn write(&self, _: Vec<Write>) -> Result<(), WriteError> {
        unreachable!("golden rows are only read")
    }

    async fn count(&self, _: &Key, _: Item) -> Result<u64, TableError> {
        unreachable!("golden rows are only read")
    }
}

/// Checks that a store has exactly the samples.
async fn check(store: &Store) {
    let always = TimeSpan::new(Timestamp::MIN, Timestamp::MAX);
    assert_eq!(store.expert(samples::EXPERT).await.expect("readable"), Some(samples::expert()));
    assert_eq!(store.rules(samples::EXPERT).await.expect("readable"), Some(samples::rules()));
    assert_eq!(
        store.session_types(samples::EXPERT, Consistency::Strong).await.expect("readable"),
        (samples::session_types(), 0)
    );

    let appointments = samples::appointments();
    for appointment in &appointments {
        assert_eq!(store.appointment(appointment.id).await.expect("readable").as_ref(), Some(appointment));
    }
    let listed = store.appointments(AppointmentOwner::Client(samples::CLIENT), always, None, 100).await;
    assert_eq!(listed.expect("readable").appointments, appointments);
    let visible = appointments.iter().filter(|appointment| appointment.status != Status::Expired);
    let listed = store.appointments(AppointmentOwner::Expert(samples::EXPERT), always, None, 100).await;
    assert!(listed.expect("readable").appointments.iter().eq(visible));

    let payments = samples::payments();
    for payment in &payments {
        assert_eq!(store.payment(payment.appointment).await.expect("readable").as_ref(), Some(payment));
    }
    let escalated = payments.iter().filter(|payment| payment.escalation.is_some());
    assert!(store.escalations(None, 100).await.expect("readable").payments.iter().eq(escalated));
    let record = store.appointment_record(samples::appointment_id(0)).await.expect("readable");
    let record = record.expect("an appointment");
    assert_eq!(record.payment.as_ref(), payments.first());
    let movements: Vec<_> = samples::entries().into_iter().flat_map(|entry| entry.movements).collect();
    assert_eq!(record.movements, movements);
    let mut entries = samples::entries();
    entries.push(samples::payout());
    let ledger = store.ledger(samples::EXPERT, always, None, None).await.expect("readable");
    assert_eq!(ledger.entries, entries);
    let day = store.ledger_of_day(samples::at(0).utc_date()).await.expect("readable");
    assert_eq!(day, entries);

    let account = store.payment_account(samples::EXPERT, GatewayKind::Stripe).await.expect("readable");
    assert_eq!(account, Some(samples::account()));
    let owner = store.account_owner(GatewayKind::Stripe, "acct_1").await.expect("readable");
    assert_eq!(owner, Some(samples::EXPERT));
    assert_eq!(store.expert_terms(samples::EXPERT).await.expect("readable"), Some(samples::expert_terms()));
    let rates = store.exchange_rates(Consistency::Eventual).await.expect("readable");
    assert_eq!(rates, Some(samples::rates()));
    let progress = store.reconciliation_progress(GatewayKind::Stripe).await.expect("readable");
    assert_eq!(progress, Some(samples::progress()));
    let differences = samples::differences();
    assert_eq!(store.unresolved_differences().await.expect("readable"), differences[..2]);
    assert_eq!(store.differences(None, 100).await.expect("readable").differences, differences[1..]);

    for (expert, billing) in samples::billing() {
        assert_eq!(store.billing(expert).await.expect("readable"), Some(billing));
    }
    let receipts = samples::receipts();
    assert_eq!(store.documents(samples::appointment_id(0)).await.expect("readable"), receipts);
    for receipt in &receipts {
        assert_eq!(store.receipt(receipt.id).await.expect("readable").as_ref(), Some(receipt));
    }
    let issued = store.receipts(samples::EXPERT, 2027, 0, 100).await.expect("readable");
    assert_eq!(issued.receipts, receipts);
    assert_eq!(store.last_receipt(samples::EXPERT, 2027).await.expect("readable"), 7);
    let name = DocumentName { kind: "receipt", object: "ch_0" };
    let calculation = store.tax_calculation(samples::appointment_id(0), name).await.expect("readable");
    assert_eq!(calculation, Some(samples::tax_calculation()));

    let span = TimeSpan::new(samples::at(0), samples::at(3_600));
    let occupancy = store.occupancy(samples::EXPERT, span, Consistency::Strong).await.expect("readable");
    let mut day = samples::day();
    day.version += 1;
    assert_eq!(occupancy.days, BTreeMap::from([(samples::at(0).utc_date(), day)]));
    let group = occupancy.groups.get(&(samples::SESSION_TYPE, samples::at(0))).expect("a group session");
    assert_eq!((&group.entry, &group.seats), (&samples::group().entry, &samples::group().seats));
    let offer = store.offer(samples::EXPERT, samples::SESSION_TYPE, Consistency::Strong).await;
    assert_eq!(offer.expect("readable").expect("an offer").session_type, samples::session_types()[0]);

    let record = store.idempotency_record(&samples::CLIENT.to_string(), "key-1").await.expect("readable");
    assert_eq!(record, Some(samples::idempotency()));
    assert!(store.webhook_event_received("stripe", "evt_1").await.expect("readable"));
}

/// Checks that a store has exactly the samples of session types with several or derived durations, which versions before 1 did
/// not have.
async fn check_durations(store: &Store) {
    let (expert, session_types) = samples::durations();
    assert_eq!(
        store.session_types(expert, Consistency::Strong).await.expect("readable"),
        (session_types.to_vec(), 0)
    );
}

/// Checks that a store has exactly the samples of members and outbox entries, which the rows of version 0 do not have.
async fn check_members(store: &Store) {
    let member = samples::member();
    let found = store.member(samples::EXPERT, member.person).await.expect("readable");
    assert_eq!(found.as_ref(), Some(&member));
    let listed = store.memberships(member.person, None, 10).await.expect("readable");
    assert_eq!(listed.memberships, [member]);
    let former = samples::former_member();
    let found = store.former_member(samples::EXPERT, former.person).await.expect("readable");
    assert_eq!(found, Some(former));
    let invitation = samples::invitation();
    let found = store.invitation(samples::EXPERT, invitation.id).await.expect("readable");
    assert_eq!(found, Some(invitation));
    assert_eq!(store.team(samples::EXPERT).await.expect("readable").version, samples::team().version + 1);
    for entry in samples::outbox_entries() {
        let stored = store.outbox_entry(&entry.name).await.expect("readable").expect("an entry");
        assert_eq!((stored.failing_since(), stored.entry.expect("readable")), (entry.failing_since, entry));
    }
}

/// Checks that a store has exactly the sample of a person, which versions before 1 did not have.
async fn check_person(store: &Store) {
    let person = samples::person();
    assert_eq!(store.person(person.id).await.expect("readable"), Some(person));
}

#[test]
#[ignore = "writes the file of the latest version"]
fn write_golden_rows() {
    let text = serde_json::to_string_pretty(&written()).expect("JSON");
    std::fs::write(file(LATEST), text + "\n").expect("a file");
}

#[test]
fn rows_are_written_as_the_latest_golden_rows() {
    let (golden, written) = (golden(LATEST), written());
    let keys = |rows: &Map<String, Value>| rows.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&written), keys(&golden));
    for (key, row) in &written {
        assert_eq!(
            Some(row),
            golden.get(key),
            "{key}: the row has changed; add golden rows of a new version"
        );
    }
}

#[tokio::test]
async fn golden_rows_of_every_version_are_read() {
    for version in 0..=LATEST {
        let store = Rows::of(&golden(version));
        check(&store).await;
        if version >= 1 {
            check_since_version_1(&store).await;
        }
        if version >= 2 {
            check_since_version_2(&store).await;
        }
        if version >= 3 {
            check_since_version_3(&store).await;
        }
        if version >= 4 {
            check_since_version_4(&store).await;
        }
    }
}

/// Adds a member that no version knows to every object, except those whose member names are data.
fn with_unknown_members(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                let Value::Object(inner) = value else {
                    with_unknown_members(value);
                    continue;
                };
                if [
                    "overrides",
                    "refused",
                    "entries",
                    "seats",
                    "taxes",
                    "clients",
                    "recent",
                    "bookings",
                    "priced",
                ]
                .contains(&name.as_str())
                {
                    inner.values_mut().for_each(with_unknown_members);
                } else {
                    with_unknown_members(value);
                }
            }
            members
                .insert("added_later".to_owned(), serde_json::json!({ "amount": 1, "of": ["everything"] }));
        }
        Value::Array(items) => items.iter_mut().for_each(with_unknown_members),
        _ => {}
    }
}

#[tokio::test]
async fn attributes_that_a_later_version_adds_are_ignored() {
    let mut rows = golden(LATEST);
    // Occupancy rows are refused instead; see the next test.
    let others = rows.iter_mut().filter(|(key, _)| !is_occupancy(key));
    others.for_each(|(_, row)| with_unknown_members(row));
    check(&Rows::of(&rows)).await;
    check_since_version_1(&Rows::of(&rows)).await;
    check_since_version_2(&Rows::of(&rows)).await;
    check_since_version_3(&Rows::of(&rows)).await;
}

/// The version that knows only one duration, with a price, reads the first one that has a price.
#[test]
fn the_first_fixed_duration_is_written_as_the_only_one() {
    let rows = golden(LATEST);
    let (expert, [mixed, derived]) = samples::durations();
    let terms = |id| &rows[&crate::experts::keys::session_type(expert, id).to_string()]["terms"];
    assert_eq!(terms(mixed.id)["length_minutes"], 90);
    assert_eq!(terms(mixed.id)["price"], serde_json::json!({ "amount": 15_000, "currency": "EUR" }));
    assert_eq!((terms(derived.id).get("length_minutes"), terms(derived.id).get("price")), (None, None));
}

/// Whether a row with this key is an occupancy row.
fn is_occupancy(key: &str) -> bool {
    key.contains(" / D#")
}

/// An attribute of a later release may block time.
#[tokio::test]
async fn occupancy_with_an_attribute_that_a_later_version_adds_is_not_read() {
    let span = TimeSpan::new(samples::at(0), samples::at(90_000));
    let rows = golden(LATEST);
    let own = samples::EXPERT.to_string();
    let occupancy: Vec<&String> = rows.keys().filter(|key| is_occupancy(key) && key.contains(&own)).collect();
    assert_eq!(occupancy.len(), 3, "two days and a group session");
    for key in occupancy {
        let mut rows = rows.clone();
        rows[key]["busy"] = Value::Bool(true);
        let read = Rows::of(&rows).occupancy(samples::EXPERT, span, Consistency::Strong).await;
        assert!(matches!(read, Err(ReadError::NewerRelease { .. })), "{key}: {read:?}");
    }
}

#[test]
fn every_row_has_the_version_of_its_format() {
    for (key, row) in written() {
        assert!(row[SCHEMA].as_u64().is_some_and(|schema| schema >= 1), "{key}");
    }
}

/// A later release has given an attribute another meaning, so nothing must be read, and nothing can be written in the old format.
#[tokio::test]
async fn rows_in_a_format_of_a_later_version_are_not_read() {
    for later in [serde_json::json!(9), serde_json::json!(1e30), serde_json::json!("9")] {
        let mut rows = golden(LATEST);
        rows.values_mut().for_each(|row| row[SCHEMA] = later.clone());
        let store = Rows::of(&rows);
        let always = TimeSpan::new(Timestamp::MIN, Timestamp::MAX);
        let span = TimeSpan::new(samples::at(0), samples::at(3_600));
        let (expert, appointment) = (samples::EXPERT, samples::appointment_id(0));
        let person = samples::notifications()[0].person;
        let name = DocumentName { kind: "receipt", object: "ch_0" };
        let reads = [
            store.expert(expert).await.map(drop),
            store.rules(expert).await.map(drop),
            store.session_type(expert, samples::SESSION_TYPE).await.map(drop),
            store.offer(expert, samples::SESSION_TYPE, Consistency::Strong).await.map(drop),
            store.appointment(appointment).await.map(drop),
            store.appointment_record(appointment).await.map(drop),
            store.payment(appointment).await.map(drop),
            store.ledger(expert, always, None, None).await.map(drop),
            store.ledger_of_day(samples::at(0).utc_date()).await.map(drop),
            store.payment_account(expert, GatewayKind::Stripe).await.map(drop),
            store.account_owner(GatewayKind::Stripe, "acct_1").await.map(drop),
            store.expert_terms(expert).await.map(drop),
            store.exchange_rates(Consistency::Eventual).await.map(drop),
            store.reconciliation_progress(GatewayKind::Stripe).await.map(drop),
            store.unresolved_differences().await.map(drop),
            store.billing(samples::billing()[0].0).await.map(drop),
            store.documents(appointment).await.map(drop),
            store.receipt(samples::receipts()[0].id).await.map(drop),
            store.last_receipt(expert, 2027).await.map(drop),
            store.tax_calculation(appointment, name).await.map(drop),
            store.occupancy(expert, span, Consistency::Strong).await.map(drop),
            store.idempotency_record(&samples::CLIENT.to_string(), "key-1").await.map(drop),
            store.member(expert, samples::member().person).await.map(drop),
            store.former_member(expert, samples::former_member().person).await.map(drop),
            store.invitation(expert, samples::invitation().id).await.map(drop),
            store.team(expert).await.map(drop),
            store.notes_written(appointment, Party::Client).await.map(drop),
            store.activations(expert).await.map(drop),
            store.admissions(expert).await.map(drop),
            store.person(samples::person().id).await.map(drop),
            store.notified_change(person, appointment, "appointment.no_show").await.map(drop),
            store.read_mark(person).await.map(drop),
            store.client_bookings(samples::CLIENT).await.map(drop),
            store.declines(samples::decline_counters()[0]).await.map(drop),
            store.suspension(samples::suspension().person).await.map(drop),
            store.debt(expert, Consistency::Strong).await.map(drop),
            store
                .refund_costs(samples::month(), RefundsOf::Client(samples::CLIENT), Consistency::Strong)
                .await
                .map(drop),
            store
                .refund_costs(samples::month(), RefundsOf::Expert(samples::EXPERT), Consistency::Strong)
                .await
                .map(drop),
        ];
        for (place, read) in reads.iter().enumerate() {
            let Err(ReadError::NewerRelease { .. }) = read else { panic!("{later}, read {place}: {read:?}") };
        }
        assert_eq!(store.payment_accounts(expert).await.expect("a list"), []);
        assert_eq!(store.session_types(expert, Consistency::Strong).await.expect("a list"), (Vec::new(), 2));
        assert_eq!(store.notes(appointment).await.expect("a list"), (Vec::new(), samples::notes().len()));
        let history = store.history(appointment, None, 9).await.expect("a page");
        assert!(history.entries.is_empty() && history.unreadable > 0, "{history:?}");
        let page = store.escalations(None, 9).await.expect("a page");
        assert!(page.payments.is_empty() && !page.unreadable.is_empty(), "{page:?}");
        let page = store.differences(None, 9).await.expect("a page");
        assert!(page.differences.is_empty() && page.unreadable > 0, "{page:?}");
        let page = store.receipts(expert, 2027, 0, 3).await.expect("a page");
        assert_eq!((page.receipts, page.unreadable, page.next), (Vec::new(), 3, Some(3)));
        let documents = store.readable_documents(appointment).await.expect("a list");
        assert_eq!(documents, (Vec::new(), samples::receipts().len()));
        let page = store.refund_costs_of_all(samples::month(), None, 1).await.expect("a page");
        let client = RefundsOf::Client(samples::CLIENT);
        assert_eq!((page.costs, page.unreadable, page.next), (Vec::new(), 1, Some(client)));
    }
}

/// One row in a later format does not hide the others.
#[tokio::test]
async fn a_session_type_that_cannot_be_read_is_left_out_of_the_list() {
    let mut rows = golden(LATEST);
    let all = samples::session_types();
    let key = crate::experts::keys::session_type(samples::EXPERT, all[0].id).to_string();
    rows.get_mut(&key).expect("a row")[SCHEMA] = serde_json::json!(9);
    let listed = Rows::of(&rows).session_types(samples::EXPERT, Consistency::Strong).await.expect("a list");
    assert_eq!(listed, (all[1..].to_vec(), 1));
}

/// The latest golden rows, in which every text `from` is `to`.
fn replacing(from: &str, to: &str) -> Store {
    fn replace(value: &mut Value, from: &str, to: &str) -> usize {
        match value {
            Value::String(text) if text == from => {
                to.clone_into(text);
                1
            }
            Value::Array(items) => items.iter_mut().map(|item| replace(item, from, to)).sum(),
            Value::Object(members) => members.values_mut().map(|member| replace(member, from, to)).sum(),
            _ => 0,
        }
    }
    let mut rows = golden(LATEST);
    let replaced: usize = rows.values_mut().map(|row| replace(row, from, to)).sum();
    assert!(replaced > 0, "no row contains {from}");
    Rows::of(&rows)
}

#[tokio::test]
async fn a_withdrawn_currency_time_zone_or_country_is_read() {
    let store = replacing("EUR", "XQZ");
    let appointment = store.appointment(samples::appointment_id(0)).await.expect("readable");
    assert_eq!(appointment.expect("an appointment").price.to_string(), "24000 minor units of XQZ");
    let record = store.appointment_record(samples::appointment_id(0)).await.expect("readable");
    assert_eq!(record.expect("an appointment").movements.len(), 22);
    assert_eq!(store.session_types(samples::EXPERT, Consistency::Strong).await.expect("readable").0.len(), 2);
    assert_eq!(store.receipts(samples::EXPERT, 2027, 0, 100).await.expect("readable").receipts.len(), 7);

    let rates = replacing("USD", "XQZ").exchange_rates(Consistency::Eventual).await.expect("readable");
    assert_eq!(rates.expect("rates").rates.rates().len(), 2);

    let store = replacing("Europe/Berlin", "Mars/Olympus_Mons");
    let rules = store.rules(samples::EXPERT).await.expect("readable").expect("rules").rules;
    assert_eq!(rules.time_zone.name(), "Mars/Olympus_Mons");
    // Nobody knows when these hours are, so nothing can be booked.
    let terms = &samples::session_types()[0].of_length(60).terms;
    let month = TimeSpan::new(samples::at(0), samples::at(30 * 86_400));
    let slots =
        |rules| domain::scheduling::slots::slots(rules, terms, &Default::default(), month, samples::at(0));
    let known = samples::rules().rules;
    assert!(!slots(&known).is_empty());
    assert!(slots(&rules).is_empty());

    let (expert, _) = samples::billing()[0];
    let billing = replacing("GB", "ZZ").billing(expert).await.expect("readable").expect("billing details");
    assert_eq!(billing.details.country.to_string(), "ZZ");
}

#[tokio::test]
async fn a_text_that_is_too_long_by_now_is_read() {
    let store = replacing("Alan Turing", &"x".repeat(5_000));
    let appointment = store.appointment(samples::appointment_id(0)).await.expect("readable");
    assert_eq!(appointment.expect("an appointment").attendee.name.as_str().len(), 5_000);
}

#[tokio::test]
async fn unknown_values_are_read_as_values_that_are_handled_with_care() {
    use domain::experts::members::MemberRole;
    use domain::experts::policy::ReschedulePrice;
    use domain::experts::session_type::{BookingWindow, Collection, SessionType, SessionTypeStatus};
    use domain::kernel::time::Date;
    use domain::payments::payment::{Decline, Escalation, PaymentState};
    use domain::receipts::tax::{NoTax, Taxes};
    use domain::scheduling::appointment::{ChangeRefusal, Outcome};
    use domain::scheduling::history::{Change, ChangedBy};
    use domain::scheduling::note::NoteVisibility;
    use domain::scheduling::party::Party;

    let appointment = async |store: Store, number| {
        let read = store.appointment(samples::appointment_id(number)).await.expect("readable");
        read.expect("an appointment")
    };
    let payment = async |store: Store, number| {
        let read = store.payment(samples::appointment_id(number)).await.expect("readable");
        read.expect("a payment")
    };
    // A status that is not known, in the appointment, its record and both lists. Nothing can be done with it.
    let store = replacing("confirmed", "levitating");
    let unknown = appointment(store.clone(), 1).await;
    assert_eq!(unknown.status, Status::Unknown);
    let now = samples::at(-60);
    assert!(unknown.cancel(Party::Platform, Default::default(), now).is_err());
    assert!(unknown.confirm().is_err());
    assert!(unknown.expire(now).is_err());
    assert!(unknown.check_reschedule(now).is_err());
    for outcome in [Outcome::Completed, Outcome::NoShow { missed_by: Party::Expert }] {
        for party in [Party::Expert, Party::Client, Party::Platform] {
            let ended = unknown.ended(outcome, None, party, samples::at(7_200));
            assert_eq!(ended, Err(ChangeRefusal::NewerRelease));
            assert_eq!(unknown.objected(party, now), Err(ChangeRefusal::NewerRelease));
        }
    }
    let always = TimeSpan::new(Timestamp::MIN, Timestamp::MAX);
    for owner in [AppointmentOwner::Client(samples::CLIENT), AppointmentOwner::Expert(samples::EXPERT)] {
        let page = store.appointments(owner, always, None, 100).await.expect("readable");
        assert!(page.appointments.contains(&unknown));
    }
    assert!(store.appointment_record(samples::appointment_id(1)).await.expect("readable").is_some());

    for (number, value) in [(3, "notified"), (5, "client"), (1, "as_booked")] {
        assert_eq!(appointment(replacing(value, "new"), number).await.status, Status::Unknown, "{value}");
    }

    let id = samples::appointment_id(0);
    let (notes, _) = replacing("shared", "new").notes(id).await.expect("readable");
    assert!(notes.iter().any(|note| note.visibility == NoteVisibility::Unknown));
    assert!(notes.iter().all(|note| note.visibility != NoteVisibility::Shared));
    let history = async |from| replacing(from, "new").history(id, None, 100).await.expect("readable").entries;
    assert!(history("confirmed").await.iter().any(|entry| entry.change == Change::Unknown));
    assert!(history("administrator").await.iter().any(|entry| entry.by == ChangedBy::Unknown));

    let state = |name| async move { payment(replacing(name, "new"), 0).await.state };
    assert_eq!(state("paid").await, PaymentState::Unknown);
    let escalated = payment(replacing("no_show_disputed", "new"), 3).await;
    assert_eq!((escalated.escalation, escalated.state), (Some(Escalation::Unknown), PaymentState::Unknown));
    let declined = payment(replacing("try_later", "new"), 5).await;
    assert_eq!((declined.decline, declined.state), (Some(Decline::Refused), PaymentState::Unknown));

    let session_types = async |from: &str| {
        replacing(from, "new").session_types(samples::EXPERT, Consistency::Strong).await.expect("readable").0
    };
    let SessionType { status, terms, .. } = session_types("active").await[0].clone();
    assert_eq!((status, &terms), (SessionTypeStatus::Unknown, &samples::session_types()[0].terms));
    // Unknown terms make the status unknown, so that nothing follows from the values that are read in their place.
    let SessionType { status, terms, .. } = session_types("authorize_then_capture").await[0].clone();
    assert_eq!((status, terms.collection), (SessionTypeStatus::Unknown, Collection::ChargeAtBooking));
    let SessionType { status, terms, .. } = session_types("rolling").await[0].clone();
    let over = BookingWindow::Dates { first: Date::MIN, last: Date::MIN };
    assert_eq!((status, terms.booking_window), (SessionTypeStatus::Unknown, over));
    let SessionType { status, terms, .. } = session_types("current").await[0].clone();
    assert_eq!((status, terms.rescheduling.price), (SessionTypeStatus::Unknown, ReschedulePrice::AsBooked));

    let member = samples::member();
    let store = replacing("manager", "new");
    let found = store.member(samples::EXPERT, member.person).await.expect("readable").expect("a member");
    assert_eq!(found.role, MemberRole::Unknown);
    let listed = store.memberships(member.person, None, 10).await.expect("readable").memberships;
    assert_eq!(
        (listed.as_slice(), store.team(samples::EXPERT).await.expect("readable").members),
        ([found.clone()].as_slice(), vec![found])
    );
    let id = samples::invitation().id;
    let found = replacing("assistant", "new").invitation(samples::EXPERT, id).await.expect("readable");
    assert_eq!(found.expect("an invitation").role, MemberRole::Unknown);

    let receipt = replacing("not_due", "new").receipt(samples::receipts()[4].id).await.expect("readable");
    assert_eq!(receipt.expect("a receipt").taxes, Taxes::NotIncluded(NoTax::Unknown));
}

/// A sum without a movement, or a document of the wrong kind, would be wrong. Such a row is not read.
#[tokio::test]
async fn money_that_is_not_understood_is_not_added_up() {
    let always = TimeSpan::new(Timestamp::MIN, Timestamp::MAX);
    for unknown in ["processing_fee", "expert_bank"] {
        let store = replacing(unknown, "new");
        assert!(store.ledger(samples::EXPERT, always, None, None).await.is_err(), "{unknown}");
    }
    let receipt = &samples::receipts()[1];
    assert!(replacing("credit_note", "new").receipt(receipt.id).await.is_err());
    assert!(replacing("save_card", "new").payment(samples::appointment_id(2)).await.is_err());
}

async fn check_notifications(store: &Store) {
    let notifications = samples::notifications();
    let person = notifications[0].person;
    let [newest, oldest] = [notifications[0].id, notifications[2].id];
    let page = store.notifications(person, oldest, newest, 10).await.expect("readable");
    assert_eq!(
        (page.notifications.as_slice(), page.unreadable, page.next),
        (notifications.as_slice(), 0, None)
    );
    let page = store.notifications(person, oldest, newest, 1).await.expect("readable");
    assert_eq!((page.notifications.as_slice(), page.next), (&notifications[..1], Some(newest)));
    let found = store.notified_change(person, samples::appointment_id(0), "appointment.no_show").await;
    assert_eq!(found.expect("readable").as_ref(), notifications[1].change());
    let session = IncidentSubject::Individual(samples::appointment_id(0));
    assert!(store.was_warned(person, Party::Client, session).await.expect("readable"));
    assert!(!store.was_warned(person, Party::Expert, session).await.expect("readable"));
    assert_eq!(store.read_mark(person).await.expect("readable"), samples::read_mark());
    let history = store.history(samples::appointment_id(1), None, 100).await.expect("readable");
    assert_eq!(history.entries, samples::history_since_version_2());
}

/// Checks that a store also has the samples of rows that exist since version 1.
async fn check_since_version_1(store: &Store) {
    check_members(store).await;
    check_person(store).await;
    check_durations(store).await;
    let expert = samples::suspended_draft();
    assert_eq!(store.expert(expert.id).await.expect("readable"), Some(expert));
    let id = samples::appointment_id(0);
    let record = store.appointment_record(id).await.expect("readable").expect("an appointment");
    assert_eq!(record.details, Some(samples::details()));
    let history = store.history(id, None, 100).await.expect("readable");
    assert_eq!((history.entries, history.next), (samples::history(), None));
    assert_eq!(store.notes(id).await.expect("readable"), (samples::notes(), 0));
    let admissions = store.admissions(samples::EXPERT).await.expect("readable");
    assert_eq!(admissions, Some(samples::admissions()));
}

/// Checks that a store also has the samples of rows that exist since version 3.
async fn check_since_version_3(store: &Store) {
    let payment = samples::owed_payment();
    assert_eq!(store.payment(payment.appointment).await.expect("readable"), Some(payment));
    let (appointment, lost) = samples::lost_dispute();
    let client = appointment.client.person();
    let incidents = store.incidents(client, Party::Client, Timestamp::MIN).await.expect("readable");
    assert_eq!(without_counterparts(incidents), without_counterparts((vec![lost], 0)));
    let warning = samples::warning_for_disputes();
    let page = store.notifications(warning.person, warning.id, warning.id, 10).await.expect("readable");
    assert_eq!(page.notifications, [warning]);
    let subject = IncidentSubject::Payment(appointment.id);
    assert!(store.was_warned(client, Party::Client, subject).await.expect("readable"));
}

/// Checks that a store also has the samples of rows that exist since version 4.
async fn check_since_version_4(store: &Store) {
    let payment = samples::waiting_payment();
    assert_eq!(store.payment(payment.appointment).await.expect("readable"), Some(payment));
    let entry = samples::processing_cost_entry();
    let span = TimeSpan::new(entry.at, entry.at.plus(1));
    let page = store.ledger(entry.expert, span, None, None).await.expect("readable");
    assert!(page.entries.contains(&entry), "{page:?}");
    let document = samples::processing_cost_document();
    let read = store.document(document.appointment, document.name()).await.expect("readable");
    assert_eq!(read, Some(document));
    let history = store.history(samples::appointment_id(2), None, 100).await.expect("readable");
    assert_eq!(history.entries, samples::history_since_version_4());
    let client = samples::appointments()[0].client.person();
    let incidents = store.incidents(client, Party::Client, Timestamp::MIN).await.expect("readable");
    assert_eq!(incidents, (samples::incidents(), 0));
}

/// Incidents as versions before 4 have stored them.
fn without_counterparts((incidents, unreadable): (Vec<Incident>, usize)) -> (Vec<Incident>, usize) {
    let without = |one| Incident { counterpart: None, ..one };
    (incidents.into_iter().map(without).collect(), unreadable)
}

/// Checks that a store also has the samples of rows that exist since version 2.
async fn check_since_version_2(store: &Store) {
    check_notifications(store).await;
    for counter in samples::decline_counters() {
        assert_eq!(store.declines(counter).await.expect("readable"), 3);
    }
    let client = samples::appointments()[0].client.person();
    let incidents = store.incidents(client, Party::Client, Timestamp::MIN).await.expect("readable");
    assert_eq!(without_counterparts(incidents), without_counterparts((samples::incidents(), 0)));
    let suspension = samples::suspension();
    assert_eq!(store.suspension(suspension.person).await.expect("readable"), suspension);
    let declined = samples::declined_payment();
    let payment = store.payment(declined.appointment).await.expect("readable");
    assert_eq!(payment, Some(declined));
    let bookings = store.client_bookings(samples::CLIENT).await.expect("readable");
    assert_eq!(bookings, samples::client_bookings());
    let fee = store.expert_terms(samples::OTHER_EXPERT).await.expect("readable");
    assert_eq!(fee, Some(samples::terms_of_another_expert()));
    let record = store.track_record(samples::EXPERT).await.expect("readable");
    assert_eq!(record, samples::track_record());
    assert_eq!(store.debt(samples::EXPERT, Consistency::Strong).await.expect("readable"), samples::debt());
    let of_all = store.refund_costs_of_all(samples::month(), None, 9).await.expect("readable");
    let both = [RefundsOf::Client(samples::CLIENT), RefundsOf::Expert(samples::EXPERT)];
    assert_eq!(of_all.costs, both.map(|of| (of, samples::refund_costs())));
    let payment = samples::payment_with_processing_cost();
    assert_eq!(store.payment(payment.appointment).await.expect("readable"), Some(payment));
    for payment in [samples::held_payment(), samples::released_payment()] {
        assert_eq!(store.payment(payment.appointment).await.expect("readable"), Some(payment));
    }
    for appointment in samples::proposals().into_iter().chain(samples::decisions()) {
        let read = store.appointment(appointment.id).await.expect("readable");
        assert_eq!(read.as_ref(), Some(&appointment));
    }
    let history = store.history(samples::appointment_id(100), None, 100).await.expect("readable");
    assert_eq!(history.entries, samples::history_of_proposals());
    let (date, busy) = samples::busy_day();
    let span = TimeSpan::new(samples::at(86_400), samples::at(90_000));
    let occupancy = store.occupancy(samples::EXPERT, span, Consistency::Strong).await.expect("readable");
    assert_eq!(occupancy.days, BTreeMap::from([(date, Day { version: 65, ..busy })]));
    let span = TimeSpan::new(samples::at(90_000), samples::at(183_600));
    let occupancy = store.occupancy(samples::OTHER_EXPERT, span, Consistency::Strong).await;
    let (occupancy, expected) = (occupancy.expect("readable"), samples::proposed());
    for (date, day) in expected.days {
        assert_eq!(occupancy.days[&date].entries, day.entries);
    }
    for (key, group) in expected.groups {
        assert_eq!(occupancy.groups[&key].seats, group.seats);
    }
}

/// A release that does not know that the platform holds money must not overwrite it, because it would never pay the expert.
#[test]
fn payments_that_are_paid_out_at_once_keep_their_format() {
    let rows = written();
    let schema = |payment: domain::payments::payment::Payment| {
        rows[&crate::payments::keys::payment(payment.appointment).to_string()][SCHEMA].as_u64()
    };
    assert_eq!(schema(samples::payments().swap_remove(0)), Some(1));
    assert_eq!(schema(samples::held_payment()), Some(2));
    assert_eq!(schema(samples::released_payment()), Some(3));
    assert_eq!(schema(samples::owed_payment()), Some(4));
}

/// A release that does not know proposals must not overwrite them, and what a client gets back because of them.
#[test]
fn appointments_without_moves_keep_their_format() {
    let rows = written();
    let schema = |id| rows[&crate::scheduling::keys::appointment(id).to_string()][SCHEMA].as_u64();
    assert_eq!(schema(samples::appointment_id(0)), Some(1));
    assert_eq!(schema(samples::appointment_id(100)), Some(2));
}
