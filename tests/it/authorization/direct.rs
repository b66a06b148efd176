//! Every use case, called without HTTP, with every wrong actor: it is refused and nothing changes. Every right actor is admitted.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;

use app::experts::{members, profiles, session_types};
use app::idempotency::{IdempotentRequest, complete};
use app::identity::Actor;
use app::identity::signed_in::{AccessToken, Role, Scope, SignedInPerson};
use app::identity::{person, suspension};
use app::messaging::notifications;
use app::operations::{failing_jobs, outbox};
use app::payments::{
    accounts, checkout, escalations, exchange_rates, payout_timing, reconciliation, refund_costs, refunds,
    reports, terms, webhooks,
};
use app::ports::Secret;
use app::receipts::{billing, receipt};
use app::scheduling::session_reports::{self, SessionReport};
use app::scheduling::{
    appointments, booking, cancellation, details, history, moves, notes, proposals, reliability, slots,
};
use app::{App, AppError};
use domain::experts::availability::AvailabilityRules;
use domain::experts::expert::ExpertProfile;
use domain::experts::members::{MemberRole, Right};
use domain::experts::session_type::SessionTypeTerms;
use domain::kernel::text::{LongText, ShortText};
use domain::kernel::time::Date;
use domain::payments::account::ExpertTerms;
use domain::payments::gateway::GatewayKind;
use domain::receipts::billing::BillingDetails;
use domain::receipts::receipt::{DocumentCause, DocumentCauseKind};
use domain::scheduling::details::SessionDetails;
use domain::scheduling::note::NoteVisibility;
use domain::scheduling::party::Party;
use domain::{
    AppointmentId, ClientId, Currency, ExpertId, InvitationId, Money, NoteId, NotificationId, PersonId,
    ReceiptId, SessionTypeId, TimeSpan, Timestamp,
};
use functions::experts::documents;
use functions::scheduling::documents::Attendee;
use http_api::claims::id_bits;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::{AppointmentOwner, FailureDomain, JobName};

use super::matrix::Rule;
use super::{Fixture, Verdict, people, verdict};
use crate::harness::{TestApp, billing_details, office_hours, paid_hour};

type Outcome<'a> = Pin<Box<dyn Future<Output = Result<(), AppError>> + 'a>>;

/// A use case: who may run it, and how to call it.
struct UseCase {
    name: &'static str,
    rule: Rule,
    /// Whether it requires the scope to write.
    writes: bool,
    call: for<'a> fn(&'a App, &'a Actor, &'a Ids) -> Outcome<'a>,
}

/// What the calls are about: Ada's appointment with Alan, and what belongs to it.
struct Ids {
    expert: ExpertId,
    client: ClientId,
    session_type: SessionTypeId,
    appointment: AppointmentId,
    receipt: ReceiptId,
    member: PersonId,
    invitation: InvitationId,
    note: NoteId,
    booking: booking::Booking,
}

impl Ids {
    fn of(fixture: &Fixture) -> Self {
        let id = |text: &str| Value::from(text);
        let booking = TestApp::booking(&fixture.offer, "2027-01-05T14:00:00Z");
        let expert = from(id(&fixture.offer.expert));
        let session_type = from(id(&fixture.offer.session_type));
        Self {
            expert,
            session_type,
            client: ClientId::from_bits(id_bits(fixture.test.stack.sign_in.issuer(), "alan")),
            appointment: from(id(&fixture.appointment)),
            receipt: from(id(&fixture.receipt)),
            member: from(id(&fixture.member)),
            invitation: from(id(&fixture.invitation)),
            note: from(id(&fixture.note)),
            booking: booking::Booking {
                expert,
                session_type,
                duration_minutes: None,
                start: at("2027-01-05T14:00:00Z"),
                seats: 1,
                attendee: from::<Attendee>(booking["attendee"].clone()).into(),
                details: SessionDetails::default(),
                gateway: None,
                pay_in: None,
                expected_price: None,
                allow_overlap: false,
                address: None,
                challenge_token: None,
            },
        }
    }
}

fn from<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("valid")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn day(text: &str) -> Date {
    text.to_owned().try_into().expect("a date")
}

fn name() -> ShortText {
    "Mallory".to_owned().try_into().expect("a name")
}

fn profile() -> ExpertProfile {
    ExpertProfile::new(name(), name())
}

fn rules() -> AvailabilityRules {
    from::<documents::AvailabilityRules>(office_hours()).into()
}

fn terms() -> SessionTypeTerms {
    from::<documents::SessionTypeTerms>(paid_hour()).into()
}

fn details() -> BillingDetails {
    from::<functions::receipts::documents::BillingDetails>(billing_details()).try_into().expect("valid")
}

fn note() -> notes::NoteContents {
    let text = "x".to_owned().try_into().expect("a text");
    notes::NoteContents { visibility: NoteVisibility::Private, text }
}

fn euros(amount: u64) -> Money {
    Money::new(amount, Currency::EUR).expect("an amount")
}

fn request(key: &str) -> IdempotentRequest {
    IdempotentRequest { key: key.to_owned(), fingerprint: "f".to_owned() }
}

fn token() -> AccessToken {
    AccessToken { token: Secret::new("a.b.c"), subject: "ada".to_owned(), signed_in_at: Timestamp::MAX }
}

fn always() -> TimeSpan {
    TimeSpan::new(Timestamp::MIN, Timestamp::MAX)
}

fn refreshed(result: Result<bool, exchange_rates::RefreshError>) -> Result<(), AppError> {
    match result {
        Err(exchange_rates::RefreshError::App(error)) => Err(error),
        _ => Ok(()),
    }
}

async fn issue(app: &App, actor: &Actor, ids: &Ids) -> Result<(), AppError> {
    let appointment = app.store.appointment(ids.appointment).await?.expect("an appointment");
    let cause = DocumentCause {
        kind: DocumentCauseKind::Payment,
        object: "pi_forged".to_owned(),
        amount: euros(1),
        at: app.now(),
    };
    receipt::issue(app, actor, &appointment, &cause).await.map(|_| ())
}

async fn complete_anothers(app: &App, actor: &Actor) -> Result<(), AppError> {
    let now = app.now();
    let record = store::idempotency::IdempotencyRecord::starting("cli_another", "k", "f", "s", now, 15);
    complete(app, actor, record, "forged".to_owned()).await;
    let stored = app.store.idempotency_record("cli_another", "k").await?;
    assert_eq!(stored, None, "the response of another person was recorded");
    Ok(())
}

macro_rules! use_cases {
    ($($name:literal $rule:expr, $writes:expr, |$app:ident, $actor:ident, $ids:ident| $call:expr;)*) => {
        &[$(UseCase {
            name: $name,
            rule: $rule,
            writes: $writes,
            call: |$app, $actor, $ids| Box::pin(async move {
                let _ = $ids;
                $call.await.map(|_| ())
            }),
        }),*]
    };
}

const READS: bool = false;
const WRITES: bool = true;
const SCHEDULE: Rule = Rule::Acts(Right::Schedule);
const MONEY: Rule = Rule::Acts(Right::Money);
const ACCOUNT: Rule = Rule::Acts(Right::Account);
const STRIPE: GatewayKind = GatewayKind::Stripe;

/// The use cases. Those that remove something come last.
const USE_CASES: &[UseCase] = use_cases! {
    "idempotency::complete" Rule::Anybody, READS, |app, actor, ids| complete_anothers(app, actor);
    "identity::person::read" Rule::SignedIn, READS, |app, actor, ids| person::read(app, actor, Some(&token()));
    "identity::person::replace" Rule::SignedIn, WRITES, |app, actor, ids|
        person::replace(app, actor, 0.into(), Default::default());
    "identity::suspension::read" Rule::Has(Role::Admin), READS, |app, actor, ids|
        suspension::read(app, actor, ids.member);
    "identity::suspension::change" Rule::Has(Role::Admin), WRITES, |app, actor, ids|
        suspension::change(app, actor, ids.member, 0.into(), false, name());
    "messaging::notifications::list" Rule::SignedIn, READS, |app, actor, ids|
        notifications::list(app, actor, None, false, 10);
    "messaging::notifications::mark_read" Rule::SignedIn, WRITES, |app, actor, ids|
        notifications::mark_read(app, actor, NotificationId::from_bits(1));
    "experts::profiles::create" Rule::Has(Role::Expert), WRITES, |app, actor, ids|
        profiles::create(app, actor, &request("profile"), profile(), true);
    "experts::profiles::read_public" Rule::Anybody, READS, |app, actor, ids|
        profiles::read_public(app, actor, ids.expert);
    "experts::profiles::read_own" Rule::ActsOrAdmin(Right::Schedule), READS, |app, actor, ids|
        profiles::read_own(app, actor, ids.expert);
    "experts::profiles::replace" SCHEDULE, WRITES, |app, actor, ids|
        profiles::replace(app, actor, ids.expert, 1.into(), profile(), None);
    "experts::profiles::suspend" Rule::Uninvolved, WRITES, |app, actor, ids|
        profiles::suspend(app, actor, ids.expert, 1.into(), false);
    "experts::profiles::rules" SCHEDULE, READS, |app, actor, ids| profiles::rules(app, actor, ids.expert);
    "experts::profiles::replace_rules" SCHEDULE, WRITES, |app, actor, ids|
        profiles::replace_rules(app, actor, ids.expert, 1.into(), rules());
    "experts::session_types::create" MONEY, WRITES, |app, actor, ids|
        session_types::create(app, actor, ids.expert, &request("type"), terms());
    "experts::session_types::read" Rule::Anybody, READS, |app, actor, ids|
        session_types::read(app, actor, ids.expert, ids.session_type);
    "experts::session_types::list" Rule::Anybody, READS, |app, actor, ids|
        session_types::list(app, actor, ids.expert, true);
    "experts::session_types::list_own" Rule::ActsOrAdmin(Right::Schedule), READS, |app, actor, ids|
        session_types::list_own(app, actor, ids.expert, true);
    "experts::session_types::replace" SCHEDULE, WRITES, |app, actor, ids|
        session_types::replace(app, actor, ids.expert, ids.session_type, 1.into(), terms());
    "experts::members::invite" ACCOUNT, WRITES, |app, actor, ids|
        members::invite(app, actor, ids.expert, &request("member"), MemberRole::Manager, name());
    "experts::members::accept" Rule::Secret, WRITES, |app, actor, ids|
        members::accept(app, actor, ids.expert, ids.invitation, &Secret::new("0".repeat(32)));
    "experts::members::list" ACCOUNT, READS, |app, actor, ids| members::list(app, actor, ids.expert);
    "experts::members::invitation" ACCOUNT, READS, |app, actor, ids|
        members::invitation(app, actor, ids.expert, ids.invitation);
    "experts::members::replace" ACCOUNT, WRITES, |app, actor, ids|
        members::replace(app, actor, ids.expert, ids.member, 1.into(), MemberRole::Manager, name());
    "experts::members::memberships" Rule::SignedIn, READS, |app, actor, ids|
        members::memberships(app, actor, None, 10);
    "scheduling::slots::list" Rule::Anybody, READS, |app, actor, ids| slots::list(
        app, actor, ids.expert, ids.session_type, None,
        TimeSpan::new(at("2027-01-05T00:00:00Z"), at("2027-01-06T00:00:00Z")),
    );
    "scheduling::booking::book" Rule::Has(Role::Client), WRITES, |app, actor, ids|
        booking::book(app, actor, &request("booking"), &ids.booking);
    "scheduling::appointments::read" Rule::Party, READS, |app, actor, ids|
        appointments::read(app, actor, ids.appointment);
    "scheduling::appointments::list" Rule::ListOfExpert, READS, |app, actor, ids|
        appointments::list(app, actor, AppointmentOwner::Expert(ids.expert), always(), None, 10);
    "scheduling::appointments::list" Rule::ListOfClient, READS, |app, actor, ids|
        appointments::list(app, actor, AppointmentOwner::Client(ids.client), always(), None, 10);
    "scheduling::cancellation::quote" Rule::Party, READS, |app, actor, ids|
        cancellation::quote(app, actor, ids.appointment);
    "scheduling::moves::reschedule" Rule::OnlyClient, WRITES, |app, actor, ids|
        moves::reschedule(app, actor, ids.appointment, 2.into(), at("2027-01-05T12:00:00Z"), false);
    "scheduling::moves::quote" Rule::EitherSide, READS, |app, actor, ids|
        moves::quote(app, actor, ids.appointment, at("2027-01-05T12:00:00Z"));
    "scheduling::proposals::propose" Rule::EitherSide, WRITES, |app, actor, ids| async {
        let starts = [at("2027-01-05T12:00:00Z")];
        proposals::propose(app, actor, ids.appointment, 2.into(), &starts, &LongText::default(), false).await
    };
    "scheduling::proposals::accept" Rule::EitherSide, WRITES, |app, actor, ids|
        proposals::accept(app, actor, ids.appointment, 2.into(), at("2027-01-05T12:00:00Z"), false);
    "scheduling::proposals::decline" Rule::EitherSide, WRITES, |app, actor, ids|
        proposals::decline(app, actor, ids.appointment, 2.into());
    "scheduling::proposals::withdraw" Rule::EitherSide, WRITES, |app, actor, ids|
        proposals::withdraw(app, actor, ids.appointment, 2.into());
    "scheduling::session_reports::end" Rule::ExpertOrAdmin(Right::Schedule), WRITES, |app, actor, ids|
        session_reports::end(app, actor, ids.appointment, 2.into(), SessionReport::Completed { charge: None });
    "scheduling::session_reports::end" Rule::ExpertOrAdmin(Right::Money), WRITES, |app, actor, ids|
        session_reports::end(app, actor, ids.appointment, 2.into(), SessionReport::Completed { charge: Some(euros(1)) });
    "scheduling::session_reports::end" Rule::Party, WRITES, |app, actor, ids|
        session_reports::end(app, actor, ids.appointment, 2.into(), SessionReport::NoShow { missed_by: Some(Party::Client) });
    "scheduling::session_reports::end" Rule::PartyWith(Right::Money), WRITES, |app, actor, ids|
        session_reports::end(app, actor, ids.appointment, 2.into(), SessionReport::NoShow { missed_by: Some(Party::Expert) });
    "scheduling::session_reports::quote" Rule::Party, READS, |app, actor, ids|
        session_reports::quote(app, actor, ids.appointment, None);
    "scheduling::session_reports::object" Rule::Party, WRITES, |app, actor, ids|
        session_reports::object(app, actor, ids.appointment, 2.into());
    "scheduling::details::replace" Rule::ClientOrAdmin, WRITES, |app, actor, ids|
        details::replace(app, actor, ids.appointment, 0.into(), SessionDetails::default());
    "scheduling::history::list" Rule::Party, READS, |app, actor, ids|
        history::list(app, actor, ids.appointment, None, 10);
    "scheduling::reliability::read_own" Rule::SignedIn, READS, |app, actor, ids|
        reliability::read_own(app, actor);
    "scheduling::reliability::read" Rule::Has(Role::Admin), READS, |app, actor, ids|
        reliability::read(app, actor, ids.member);
    "scheduling::notes::list" Rule::Party, READS, |app, actor, ids| notes::list(app, actor, ids.appointment);
    "scheduling::notes::read" Rule::Author, READS, |app, actor, ids|
        notes::read(app, actor, ids.appointment, ids.note);
    "scheduling::notes::create" Rule::EitherSide, WRITES, |app, actor, ids|
        notes::create(app, actor, &request("note"), ids.appointment, note());
    "scheduling::notes::replace" Rule::Author, WRITES, |app, actor, ids|
        notes::replace(app, actor, ids.appointment, ids.note, 1.into(), note());
    "receipts::billing::read" MONEY, READS, |app, actor, ids| billing::read(app, actor, ids.expert);
    "receipts::billing::replace" MONEY, WRITES, |app, actor, ids|
        billing::replace(app, actor, ids.expert, 1.into(), details());
    "receipts::receipt::issue" Rule::Platform, WRITES, |app, actor, ids| issue(app, actor, ids);
    "receipts::receipt::read" Rule::PartyWith(Right::Money), READS, |app, actor, ids| receipt::read(app, actor, ids.receipt);
    "receipts::receipt::list_of_appointment" Rule::PartyWith(Right::Money), READS, |app, actor, ids|
        receipt::list_of_appointment(app, actor, ids.appointment);
    "receipts::receipt::list_of_expert" MONEY, READS, |app, actor, ids|
        receipt::list_of_expert(app, actor, ids.expert, 2027, 0, 10);
    "payments::accounts::usable_gateways" Rule::Anybody, READS, |app, actor, ids|
        accounts::usable_gateways(app, actor, ids.expert);
    "payments::accounts::start_onboarding" ACCOUNT, WRITES, |app, actor, ids|
        accounts::start_onboarding(app, actor, ids.expert, STRIPE);
    "payments::accounts::read_account" ACCOUNT, READS, |app, actor, ids|
        accounts::read_account(app, actor, ids.expert, STRIPE);
    "payments::checkout::pay_with" Rule::Party, READS, |app, actor, ids|
        checkout::pay_with(app, actor, ids.appointment);
    "payments::escalations::list" Rule::Has(Role::Admin), READS, |app, actor, ids|
        escalations::list(app, actor, None, 10);
    "payments::escalations::resolve" Rule::Arbiter, WRITES, |app, actor, ids|
        escalations::resolve(app, actor, ids.appointment, escalations::Resolution::TryAgain);
    "payments::exchange_rates::refresh" Rule::Platform, WRITES, |app, actor, ids|
        async { refreshed(exchange_rates::refresh(app, actor).await) };
    "payments::exchange_rates::read" Rule::Anybody, READS, |app, actor, ids| exchange_rates::read(app, actor);
    "payments::exchange_rates::age_days" Rule::Platform, READS, |app, actor, ids|
        exchange_rates::age_days(app, actor);
    "payments::exchange_rates::estimator" Rule::Anybody, READS, |app, actor, ids|
        async { Ok::<_, AppError>(exchange_rates::estimator(app, actor, Some(Currency::EUR)).await) };
    "payments::exchange_rates::convert_for_charge" Rule::Platform, READS, |app, actor, ids|
        exchange_rates::convert_for_charge(app, actor, euros(100), Currency::EUR, app.now());
    "payments::payout_timing::read_payout_terms" ACCOUNT, READS, |app, actor, ids|
        payout_timing::read_payout_terms(app, actor, ids.expert, STRIPE);
    "payments::terms::read_expert_terms" Rule::Has(Role::Admin), READS, |app, actor, ids|
        terms::read_expert_terms(app, actor, ids.expert);
    "payments::terms::set_expert_terms" Rule::Impartial, WRITES, |app, actor, ids|
        terms::set_expert_terms(
            app, actor, ids.expert, 0.into(),
            ExpertTerms { version: 0, rate: None, payout_timing: None, established: false, refund_budget: None },
        );
    "payments::reconciliation::reconcile" Rule::Platform, WRITES, |app, actor, ids|
        reconciliation::reconcile(app, actor);
    "payments::refunds::refund" Rule::OnlyExpert(Right::Money), WRITES, |app, actor, ids|
        refunds::refund(app, actor, &request("refund"), ids.appointment, euros(1));
    "payments::reports::ledger" MONEY, READS, |app, actor, ids|
        reports::ledger(app, actor, ids.expert, always(), None, 10);
    "payments::refund_costs::list" Rule::Has(Role::Admin), READS, |app, actor, ids|
        refund_costs::list(app, actor, "2027-01".parse().expect("a month"), None, 10);
    "payments::reports::earnings" MONEY, READS, |app, actor, ids|
        reports::earnings(app, actor, ids.expert, day("2027-01-01"), day("2027-01-31"));
    "payments::reports::commission" Rule::Has(Role::Admin), READS, |app, actor, ids|
        reports::commission(app, actor, day("2027-01-01"), day("2027-01-31"));
    "payments::reports::differences" Rule::Has(Role::Admin), READS, |app, actor, ids|
        reports::differences(app, actor, None, 10);
    "payments::webhooks::receive_webhook" Rule::Provider, WRITES, |app, actor, ids|
        webhooks::receive_webhook(app, actor, STRIPE, &|_| None, b"{}");
    "operations::outbox::process" Rule::Platform, WRITES, |app, actor, ids|
        async { outbox::process(app, actor, FailureDomain::Payments, &JobName::new("payment", ids.appointment)).await };
    "operations::failing_jobs::list" Rule::Has(Role::Admin), READS, |app, actor, ids|
        failing_jobs::list(app, actor, None, 10);
    "operations::failing_jobs::retry" Rule::Has(Role::Admin), WRITES, |app, actor, ids|
        failing_jobs::retry(app, actor, "EXPERT#x", "payment:x");
    "operations::outbox::sweep" Rule::Platform, WRITES, |app, actor, ids| outbox::sweep(app, actor);
    "scheduling::cancellation::cancel" Rule::Party, WRITES, |app, actor, ids|
        cancellation::cancel(app, actor, ids.appointment, 2.into(), LongText::default(), None);
    "scheduling::notes::delete" Rule::Author, WRITES, |app, actor, ids|
        notes::delete(app, actor, ids.appointment, ids.note, 1.into());
    "experts::session_types::offer_again" MONEY, WRITES, |app, actor, ids|
        session_types::offer_again(app, actor, ids.expert, ids.session_type, 1.into());
    "experts::session_types::retire" SCHEDULE, WRITES, |app, actor, ids|
        session_types::retire(app, actor, ids.expert, ids.session_type, 1.into());
    "experts::members::withdraw" ACCOUNT, WRITES, |app, actor, ids|
        members::withdraw(app, actor, ids.expert, ids.invitation);
    "experts::members::remove" Rule::ExpertOrMemberThemself, WRITES, |app, actor, ids|
        members::remove(app, actor, ids.expert, ids.member, 1.into());
};

#[test]
fn every_use_case_is_in_the_table() {
    let found: BTreeSet<String> = super::use_cases::all().into_iter().map(|(name, _)| name).collect();
    let listed: BTreeSet<String> = USE_CASES.iter().map(|use_case| use_case.name.to_owned()).collect();
    let missing: Vec<_> = found.difference(&listed).collect();
    assert!(
        missing.is_empty(),
        "add these use cases to the table, with the rule of who may run them: {missing:?}"
    );
    let unknown: Vec<_> = listed.difference(&found).collect();
    assert!(unknown.is_empty(), "the table has use cases that do not exist: {unknown:?}");
}

/// An actor, and what a rule means for it.
struct Candidate {
    hint: String,
    actor: Actor,
    verdict: fn(&Candidate, Rule, bool) -> Expected,
    person: Option<simulators::sign_in::Person>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Admitted,
    Forbidden,
    Hidden,
    SignInRequired,
}

impl Candidate {
    /// What a rule means for a person with full access.
    fn of_person(&self, rule: Rule, writes: bool) -> Expected {
        match verdict(rule, self.person.as_ref().expect("a person"), writes) {
            Verdict::Admitted => Expected::Admitted,
            Verdict::Forbidden => Expected::Forbidden,
            Verdict::Hidden => Expected::Hidden,
        }
    }
}

fn candidates(issuer: &str) -> Vec<Candidate> {
    let mut candidates = vec![
        Candidate {
            hint: "nobody".to_owned(),
            actor: Actor::Anonymous,
            verdict: |_, rule, _| match rule {
                Rule::Anybody => Expected::Admitted,
                Rule::Provider | Rule::Platform => Expected::Forbidden,
                _ => Expected::SignInRequired,
            },
            person: None,
        },
        Candidate {
            hint: "a provider".to_owned(),
            actor: Actor::Provider,
            verdict: |_, rule, _| match rule {
                Rule::Anybody | Rule::Provider => Expected::Admitted,
                _ => Expected::Forbidden,
            },
            person: None,
        },
        Candidate {
            hint: "the platform".to_owned(),
            actor: Actor::Platform,
            verdict: |_, rule, _| match rule {
                Rule::Anybody | Rule::Platform => Expected::Admitted,
                _ => Expected::Forbidden,
            },
            person: None,
        },
    ];
    for person in people() {
        let bits = id_bits(issuer, &person.subject);
        let roles: Vec<Role> = person.groups.iter().filter_map(|group| Role::from_group(group)).collect();
        let with = |scopes: &[Scope]| Actor::Person(SignedInPerson::new(bits, roles.clone(), scopes));
        let hint = format!("{} as {:?}", person.subject, person.groups);
        candidates.push(Candidate {
            hint: hint.clone(),
            actor: with(Scope::FULL),
            verdict: |candidate, rule, writes| match rule {
                Rule::Provider => Expected::Forbidden,
                rule => candidate.of_person(rule, writes),
            },
            person: Some(person.clone()),
        });
        candidates.push(Candidate {
            hint: format!("{hint}, reading only"),
            actor: with(&[Scope::Read]),
            verdict: |candidate, rule, writes| match rule {
                Rule::Anybody => Expected::Admitted,
                _ if writes => Expected::Forbidden,
                rule => candidate.of_person(rule, writes),
            },
            person: Some(person.clone()),
        });
        candidates.push(Candidate {
            hint: format!("{hint}, without a scope"),
            actor: with(&[]),
            verdict: |_, rule, _| match rule {
                Rule::Anybody => Expected::Admitted,
                _ => Expected::Forbidden,
            },
            person: Some(person),
        });
    }
    candidates
}

#[tokio::test]
async fn every_use_case_refuses_every_wrong_actor() {
    let fixture = Fixture::new().await;
    let (app, ids) = (&fixture.test.stack.app, Ids::of(&fixture));
    let candidates = candidates(fixture.test.stack.sign_in.issuer());
    let before = fixture.test.snapshot().await;
    let mut refused = 0;
    for use_case in USE_CASES {
        for candidate in &candidates {
            let expected = (candidate.verdict)(candidate, use_case.rule, use_case.writes);
            if expected == Expected::Admitted {
                continue;
            }
            let result = (use_case.call)(app, &candidate.actor, &ids).await;
            let got = match &result {
                Err(AppError::SignInRequired) => Some(Expected::SignInRequired),
                Err(AppError::Forbidden(_)) => Some(Expected::Forbidden),
                Err(AppError::NotFound(_)) => Some(Expected::Hidden),
                _ => None,
            };
            assert_eq!(got, Some(expected), "{} by {}: {result:?}", use_case.name, candidate.hint);
            refused += 1;
        }
    }
    assert_eq!(fixture.test.snapshot().await, before);
    println!("{refused} pairs of a use case and a wrong actor, each refused");

    let mut admitted = BTreeSet::new();
    for use_case in USE_CASES {
        for candidate in &candidates {
            if (candidate.verdict)(candidate, use_case.rule, use_case.writes) != Expected::Admitted {
                continue;
            }
            // An earlier call may conflict with this one, but it must not be refused.
            let result = (use_case.call)(app, &candidate.actor, &ids).await;
            assert!(
                !matches!(result, Err(AppError::Forbidden(_) | AppError::SignInRequired)),
                "{} by {}: {result:?}",
                use_case.name,
                candidate.hint
            );
            admitted.insert(use_case.name);
        }
    }
    // All but the one for holders of a secret.
    let listed: BTreeSet<&str> = USE_CASES.iter().map(|use_case| use_case.name).collect();
    assert_eq!(listed.difference(&admitted).collect::<Vec<_>>(), [&"experts::members::accept"]);
}
