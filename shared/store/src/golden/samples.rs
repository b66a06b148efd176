//! Domain values that together use every row, every optional member and every enum variant.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use domain::experts::availability::{AvailabilityRules, DateRange, ExtraWindow, WeeklyHours, Window};
use domain::experts::duration::SessionDuration;
use domain::experts::expert::{Expert, ExpertProfile};
use domain::experts::members::{FormerMember, Invitation, Member, MemberRole};
use domain::experts::policy::{CancellationPolicy, Percent, ReschedulePolicy, ReschedulePrice, Tier};
use domain::experts::session_type::{
    BookingWindow, Collection, SessionType, SessionTypeStatus, SessionTypeTerms,
};
use domain::identity::person::{Person, PersonProfile};
use domain::identity::suspension::{DecidedBy, Suspension, SuspensionChange};
use domain::kernel::country::Country;
use domain::kernel::text::{LongText, ShortText};
use domain::kernel::time::{Date, LocalTime, Month};
use domain::messaging::notification::{
    AppointmentChange, Content, Notification, ReadMark, ReliabilityWarning, first_id_at,
};
use domain::payments::account::{ExpertTerms, PaymentAccount};
use domain::payments::debt::Debt;
use domain::payments::exchange::{CurrencyRate, ReferenceRates};
use domain::payments::gateway::GatewayKind;
use domain::payments::ledger::{Account, Entry, Movement, MovementKind};
use domain::payments::payment::{
    Decline, Escalation, OrderKind, Payment, PaymentState, Plan, References, RefusedReversal,
};
use domain::payments::payout::{PayoutTiming, ProvenSession, TrackRecord};
use domain::payments::reconciliation::{Difference, Sums};
use domain::payments::refund_costs::RefundCosts;
use domain::receipts::billing::{Address, BillingDetails, TaxChoice};
use domain::receipts::receipt::{Issuer, Receipt, ReceiptKind, ReceiptNumber, Recipient, Service};
use domain::receipts::tax::{NoTax, Percentage, Tax, TaxLine, TaxReport, Taxes};
use domain::scheduling::appointment::{Appointment, Attendee, BookedTime, NoShowReport, Status};
use domain::scheduling::booking_limits::{Claim, ClientBooking, ClientBookings};
use domain::scheduling::details::{Guest, SessionDetails};
use domain::scheduling::history::{Change, ChangedBy, HistoryEntry, SessionTime};
use domain::scheduling::note::{NoteVisibility, SessionNote};
use domain::scheduling::occupancy::{Day, Entry as Occupied, EntryKey, GroupSession, OccupancyChange, Seats};
use domain::scheduling::party::{ActingAs, Party};
use domain::scheduling::proposal::{Moves, Proposal, ProposalState};
use domain::scheduling::reliability::{Incident, IncidentKind, SessionOccurrence};
use domain::{
    AppointmentId, ClientId, Currency, ExpertId, InvitationId, Money, NoteId, NotificationId, PersonId, Rate,
    ReceiptId, SessionTypeId, Timestamp, Zone,
};

use crate::idempotency::IdempotencyRecord;
use crate::{
    Admissions, DeclineCounter, JobName, OutboxEntry, ReconciliationProgress, Team, VersionedBilling,
    VersionedDetails, VersionedRates, VersionedRules, VersionedTaxCalculation,
};

pub(super) const EXPERT: ExpertId = ExpertId::from_bits(1);
pub(super) const OTHER_EXPERT: ExpertId = ExpertId::from_bits(4);
pub(super) const CLIENT: ClientId = ClientId::from_bits(2);
pub(super) const SESSION_TYPE: SessionTypeId = SessionTypeId::from_bits(3);

pub(super) fn at(seconds: i64) -> Timestamp {
    let base: Timestamp = "2027-03-05T09:00:00Z".parse().expect("a time");
    base.plus(seconds)
}

pub(super) fn appointment_id(number: usize) -> AppointmentId {
    AppointmentId::from_bits(10 + number as u128)
}

fn short(text: &str) -> ShortText {
    text.to_owned().try_into().expect("a short text")
}

fn long(text: &str) -> LongText {
    text.to_owned().try_into().expect("a long text")
}

pub(super) fn money(amount: u64) -> Money {
    Money::new(amount, Currency::EUR).expect("an amount")
}

fn berlin() -> Zone {
    "Europe/Berlin".to_owned().try_into().expect("a zone")
}

fn currency(code: &str) -> Currency {
    code.to_owned().try_into().expect("a currency")
}

fn time(text: &str) -> LocalTime {
    text.to_owned().try_into().expect("a time of day")
}

fn date(text: &str) -> Date {
    text.to_owned().try_into().expect("a date")
}

fn percent(value: u8) -> Percent {
    Percent::new(value).expect("a percentage")
}

fn rate(points: u16) -> Rate {
    Rate::from_basis_points(points).expect("a rate")
}

pub(super) fn expert() -> Expert {
    Expert {
        id: EXPERT,
        version: 2,
        created_at: at(-86_400),
        published: true,
        suspended: false,
        person_suspended: false,
        profile: ExpertProfile {
            about: long("Programs,\nand notes."),
            ..ExpertProfile::new(short("Ada Lovelace"), short("Analytical engines"))
        },
    }
}

/// An expert with the members that rows have since version 1.
pub(super) fn suspended_draft() -> Expert {
    Expert {
        id: OTHER_EXPERT,
        version: 1,
        created_at: at(-86_400),
        published: false,
        suspended: true,
        person_suspended: false,
        profile: ExpertProfile {
            specializations: vec![short("Compilers"), short("COBOL")],
            experience_years: Some(40),
            languages: vec!["en-US".to_owned().try_into().expect("a language")],
            country: Some("US".to_owned().try_into().expect("a country")),
            links: vec!["https://example.org/grace".to_owned().try_into().expect("a link")],
            hourly_rate: Some(Money::new(12_000, currency("USD")).expect("an amount")),
            mentorship_capacity: Some(10),
            ..ExpertProfile::new(short("Grace Hopper"), short("Compilers"))
        },
    }
}

pub(super) fn member() -> Member {
    Member {
        expert: EXPERT,
        person: PersonId::from_bits(5),
        version: 2,
        role: MemberRole::Manager,
        name: short("Grace"),
        since: at(-3_600),
        invitation: InvitationId::from_bits(6),
    }
}

pub(super) fn former_member() -> FormerMember {
    FormerMember { expert: EXPERT, person: PersonId::from_bits(8), left_at: at(-60) }
}

pub(super) fn person() -> Person {
    Person {
        id: PersonId::from_bits(5),
        version: 3,
        etag: 2,
        email: Some("grace@example.org".to_owned().try_into().expect("an address")),
        signed_in_at: Some(at(-600)),
        token_refused_at: Some(at(-300)),
        profile: PersonProfile {
            language: Some("de-AT".to_owned().try_into().expect("a language")),
            time_zone: Some(berlin()),
            phone: Some("+4312345678".to_owned().try_into().expect("a number")),
        },
    }
}

pub(super) fn invitation() -> Invitation {
    Invitation {
        id: InvitationId::from_bits(7),
        expert: EXPERT,
        version: 1,
        role: MemberRole::Assistant,
        name: short("Katherine"),
        created_at: at(0),
        expires_at: at(604_800),
        digest: "00ff".repeat(16),
    }
}

pub(super) fn team() -> Team {
    Team {
        version: 1,
        members: Vec::new(),
        invitations: Vec::new(),
        unreadable_members: 0,
        unreadable_invitations: 0,
    }
}

pub(super) fn rules() -> VersionedRules {
    let window = |opens, closes| Window { opens: time(opens), closes: time(closes) };
    VersionedRules {
        version: 3,
        rules: AvailabilityRules {
            time_zone: berlin(),
            weekly: WeeklyHours {
                monday: vec![window("09:00", "12:00"), window("13:00", "17:30")],
                friday: vec![window("22:00", "02:00")],
                sunday: vec![window("00:00", "24:00")],
                ..WeeklyHours::default()
            },
            overrides: BTreeMap::from([
                (date("2027-12-24"), Vec::new()),
                (date("2027-12-27"), vec![window("10:00", "11:00")]),
            ]),
            blocked: vec![DateRange { first: date("2027-08-01"), last: date("2027-08-14") }],
            extra: vec![ExtraWindow {
                date: date("2027-03-06"),
                opens: time("09:00"),
                closes: time("10:00"),
            }],
        },
    }
}

fn cancellation() -> CancellationPolicy {
    CancellationPolicy {
        tiers: vec![
            Tier { until_hours_before: 48, refund_percent: Percent::ALL },
            Tier { until_hours_before: 12, refund_percent: percent(50) },
        ],
        grace_minutes: 30,
        no_show_refund_percent: percent(10),
    }
}

/// One session type for each variant of its enums.
pub(super) fn session_types() -> Vec<SessionType> {
    let full = SessionTypeTerms {
        name: short("Office hour"),
        description: long("One hour, one question."),
        durations: vec![SessionDuration { minutes: 60, price: Some(money(12_000)) }],
        buffer_before_minutes: 5,
        buffer_after_minutes: 10,
        minimum_notice_minutes: 120,
        booking_window: BookingWindow::Rolling { days: 30 },
        step_minutes: 30,
        daily_cap: Some(3),
        daily_minutes_cap: None,
        weekly_cap: Some(9),
        capacity: 4,
        collection: Collection::AuthorizeThenCapture,
        cancellation: cancellation(),
        rescheduling: ReschedulePolicy {
            at_most: Some(2),
            until_minutes_before: 1_440,
            price: ReschedulePrice::Current,
        },
        presentment_currencies: vec![currency("USD"), currency("JPY")],
    };
    let plain = SessionTypeTerms {
        name: short("Introduction"),
        description: LongText::default(),
        durations: vec![SessionDuration { minutes: 60, price: Some(money(0)) }],
        booking_window: BookingWindow::Dates { first: date("2027-03-01"), last: date("2027-03-31") },
        daily_cap: None,
        weekly_cap: None,
        capacity: 1,
        collection: Collection::ChargeAtBooking,
        cancellation: CancellationPolicy::default(),
        rescheduling: ReschedulePolicy::default(),
        presentment_currencies: Vec::new(),
        ..full.clone()
    };
    vec![
        SessionType { id: SESSION_TYPE, version: 1, status: SessionTypeStatus::Active, terms: full },
        SessionType {
            id: SessionTypeId::from_bits(4),
            version: 2,
            status: SessionTypeStatus::Retired,
            terms: plain,
        },
    ]
}

/// Session types of another expert with durations and booking windows that versions before 1 did not have.
pub(super) fn durations() -> (ExpertId, [SessionType; 2]) {
    let [fixed, derived] =
        [(90, Some(money(15_000))), (30, None)].map(|(minutes, price)| SessionDuration { minutes, price });
    let of = |bits, durations, booking_window| {
        let terms = SessionTypeTerms { durations, booking_window, ..session_types().swap_remove(0).terms };
        let id = SessionTypeId::from_bits(bits);
        SessionType { id, version: 1, status: SessionTypeStatus::Active, terms }
    };
    let [business, free] = [BookingWindow::BusinessDays { days: 5 }, BookingWindow::FreeDays { days: 3 }];
    (ExpertId::from_bits(5), [of(5, vec![derived, fixed], business), of(6, vec![derived], free)])
}

/// One appointment for each status and each state of a no-show report.
pub(super) fn appointments() -> Vec<Appointment> {
    let statuses = [
        (Status::Pending { hold_expires_at: at(600) }, None),
        (Status::Confirmed, None),
        (Status::Completed, Some(NoShowReport::Decided)),
        (Status::NoShow { missed_by: Party::Expert }, Some(NoShowReport::Open { until: at(90_000) })),
        (Status::NoShow { missed_by: Party::Client }, Some(NoShowReport::Disputed)),
        (
            Status::Cancelled {
                cancelled_by: Party::Client,
                cancelled_at: at(-60),
                reason: long("A cold, sorry."),
            },
            None,
        ),
        (
            Status::Cancelled {
                cancelled_by: Party::Platform,
                cancelled_at: at(-60),
                reason: LongText::default(),
            },
            None,
        ),
        (Status::Expired, None),
    ];
    let appointment = |(number, (status, no_show_report))| Appointment {
        id: appointment_id(number),
        version: 2,
        expert: EXPERT,
        client: CLIENT,
        attendee: Attendee {
            name: short("Alan Turing"),
            email: "alan@example.org".to_owned().try_into().expect("an address"),
            time_zone: "Europe/London".to_owned().try_into().expect("a zone"),
            note: long("About the halting problem."),
        },
        session_type: SESSION_TYPE,
        session_name: short("Office hour"),
        start: at(0),
        end: at(3_600),
        buffer_before_minutes: 5,
        buffer_after_minutes: 10,
        seats: 2,
        group: true,
        price: money(24_000),
        created_at: at(-7_200),
        reschedules: 1,
        cancellation: cancellation(),
        rescheduling: ReschedulePolicy::default(),
        no_show_report,
        moves: Moves::default(),
        status,
    };
    statuses.into_iter().enumerate().map(appointment).collect()
}

/// Appointments of another expert about which an administrator decided. Rows have these states since version 2.
pub(super) fn decisions() -> Vec<Appointment> {
    let reports = [
        NoShowReport::Announced { until: None, charge: Some(money(2_000)) },
        NoShowReport::Announced { until: Some(at(90_000)), charge: None },
        NoShowReport::Appealed,
    ];
    let appointment = |(number, report)| Appointment {
        id: appointment_id(300 + number),
        expert: OTHER_EXPERT,
        client: ClientId::from_bits(200),
        status: Status::Completed,
        no_show_report: Some(report),
        ..appointments().swap_remove(0)
    };
    reports.into_iter().enumerate().map(appointment).collect()
}

/// Appointments of another expert that were moved and for which other times were proposed, one for each state of a proposal. Rows
/// have them since version 2.
pub(super) fn proposals() -> Vec<Appointment> {
    let states = [
        ProposalState::Open,
        ProposalState::Accepted { start: at(90_000) },
        ProposalState::Declined,
        ProposalState::Withdrawn,
        ProposalState::Expired,
    ];
    let time = |start, group| BookedTime {
        start: at(start),
        end: at(start + 3_600),
        buffer_before_minutes: 5,
        buffer_after_minutes: 10,
        group,
    };
    let appointment = |(number, state): (usize, ProposalState)| Appointment {
        id: appointment_id(100 + number),
        expert: OTHER_EXPERT,
        client: ClientId::from_bits(100),
        group: false,
        no_show_report: None,
        status: Status::Confirmed,
        moves: Moves {
            by_client: Some(1),
            agreed_cancellation: Some(CancellationPolicy::default()),
            proposal: Some(Proposal {
                by: if state == ProposalState::Declined { Party::Client } else { Party::Expert },
                times: vec![time(90_000, false), time(180_000, true)],
                price: money(20_000),
                message: long("The train is late."),
                created_at: at(-3_600),
                expires_at: at(-60),
                refund_share: Percent::new(50).expect("a percentage"),
                state,
            }),
            proposed_by_expert: 2,
            proposed_by_client: 1,
            shortest_notice: Some(3_600),
            declined_earlier: true,
        },
        ..appointments().swap_remove(0)
    };
    (0..).zip(states).map(appointment).collect()
}

/// What the first of the [`proposals`] holds: a time on a day, and seats of a group session.
pub(super) fn proposed() -> OccupancyChange {
    let (id, start) = (appointment_id(100), at(90_000));
    let entry = Occupied { start, end: at(93_600), ..occupied(Some(at(-60))) };
    let day = Day { version: 1, entries: BTreeMap::from([(EntryKey::Proposal(id, start), entry)]) };
    let seats = Seats { count: 2, hold_expires_at: Some(at(-60)), proposed: true };
    let entry = Occupied { start: at(180_000), end: at(183_600), ..occupied(None) };
    let group = GroupSession { version: 0, entry, capacity: 5, seats: BTreeMap::from([(id, seats)]) };
    OccupancyChange {
        days: vec![(start.utc_date(), day)],
        groups: vec![((SESSION_TYPE, at(180_000)), group)],
        ..OccupancyChange::default()
    }
}

/// The history of a proposal, which rows have since version 2.
pub(super) fn history_of_proposals() -> Vec<HistoryEntry> {
    let changes = [
        Change::Proposed { starts: vec![at(90_000), at(180_000)] },
        Change::ProposalDeclined,
        Change::ProposalWithdrawn,
        Change::ProposalExpired,
    ];
    (0..)
        .zip(changes)
        .map(|(second, change)| HistoryEntry::new(at(second), ActingAs::Expert, change))
        .collect()
}

/// One payment for each variant of its enums. The first payment counts two ledger entries, as [`entries`] has them.
pub(super) fn payments() -> Vec<Payment> {
    let states = [
        PaymentState::Paid { paid_at: at(1) },
        PaymentState::Open,
        PaymentState::Processing,
        PaymentState::CardSaved,
        PaymentState::Authorized { capture_before: at(2) },
        PaymentState::ActionRequired { deadline: at(3) },
        PaymentState::PartiallyRefunded { refunded_at: at(4) },
        PaymentState::Refunded { refunded_at: at(5) },
        PaymentState::RefundFailed,
        PaymentState::Disputed,
        PaymentState::Cancelled,
        PaymentState::Unpaid,
    ];
    let plans = [Plan::Charge, Plan::Authorize, Plan::SaveCard];
    let declines = [
        Decline::AuthenticationRequired,
        Decline::InsufficientFunds,
        Decline::ExpiredCard,
        Decline::WrongDetails,
        Decline::NotSupported,
        Decline::TryLater,
        Decline::Refused,
    ];
    let orders = [OrderKind::Capture, OrderKind::Refund, OrderKind::Reversal, OrderKind::Transfer];
    let escalations = [
        Escalation::RefundFailed { amount: money(100) },
        Escalation::DisputeLost { amount: money(200) },
        Escalation::Refused { order: OrderKind::Transfer, amount: money(300) },
        Escalation::NoShowDisputed,
    ];
    let full = |(number, state): (usize, PaymentState)| Payment {
        appointment: appointment_id(number),
        version: 4,
        gateway: GatewayKind::ALL[number % 2],
        amount: money(24_000),
        fee_rate: Rate::DEFAULT_COMMISSION,
        destination: "acct_1".to_owned(),
        payout_timing: PayoutTiming::AtPayment,
        pay_ahead_limit: None,
        plan: plans[number % plans.len()],
        references: References {
            intent: Some("pi_1".to_owned()),
            setup: Some("seti_1".to_owned()),
            customer: None,
        },
        intent_number: 2,
        final_charge: Some(money(12_000)),
        charge_before_grants: None,
        granted_refunds: 0,
        processing_cost: None,
        withheld: None,
        share_owed: None,
        action_deadline: Some(at(7)),
        max_failed_refunds: 1,
        refused: orders.iter().take(number % 5).map(|order| (*order, "no_funds".to_owned())).collect(),
        refused_reversal: None,
        refusals: 3,
        failing_since: Some(at(8)),
        released_at: None,
        resolved_with_expert: true,
        settled_outside: None,
        escalation: escalations.get(number).copied(),
        open_dispute: number == 9,
        lost_dispute: number == 10,
        entries: if number == 0 { 2 } else { 0 },
        decline: declines.get(number).copied(),
        declines: 0,
        too_many_declines: false,
        booked_from: None,
        state,
    };
    states.into_iter().enumerate().map(full).collect()
}

/// A payment that the platform holds until after the session.
pub(super) fn held_payment() -> Payment {
    let appointment = appointment_id(120);
    let payout_timing = PayoutTiming::AfterSession;
    let pay_ahead_limit = Some(7_776_000);
    Payment {
        appointment,
        payout_timing,
        pay_ahead_limit,
        withheld: Some(money(290)),
        escalation: None,
        entries: 0,
        ..payments().swap_remove(0)
    }
}

/// A payment that PayPal has held until after the session, and has released.
pub(super) fn released_payment() -> Payment {
    Payment {
        appointment: appointment_id(121),
        gateway: GatewayKind::Paypal,
        destination: "MERCHANT22222".to_owned(),
        pay_ahead_limit: Some(2_246_400),
        withheld: None,
        released_at: Some(at(9)),
        resolved_with_expert: false,
        ..held_payment()
    }
}

/// A payment of which the expert granted refunds that wait for their share.
pub(super) fn waiting_payment() -> Payment {
    Payment {
        appointment: appointment_id(123),
        charge_before_grants: Some(money(24_000)),
        granted_refunds: 2,
        refused: [(OrderKind::Reversal, "balance_insufficient".to_owned())].into(),
        refused_reversal: Some(RefusedReversal { since: at(10), last_at: at(11) }),
        ..held_payment()
    }
}

/// A payment of whose share the expert owes a part, another part was settled with them, and of which they granted a refund.
pub(super) fn owed_payment() -> Payment {
    Payment {
        appointment: appointment_id(122),
        charge_before_grants: Some(money(24_000)),
        share_owed: Some(money(10_800)),
        settled_outside: Some(-5_400),
        ..held_payment()
    }
}

/// Incidents of the kinds that exist since version 2, the latest first.
pub(super) fn incidents() -> Vec<Incident> {
    let kinds = [
        IncidentKind::NoShow,
        IncidentKind::Move,
        IncidentKind::LateCancellation,
        IncidentKind::DeclinedProposal,
    ];
    let incident = |(place, kind): (usize, IncidentKind)| {
        let place = place as i64;
        let group_session = SessionOccurrence { session_type: SESSION_TYPE, start: at(3_600) };
        Incident {
            side: Party::Client,
            kind,
            appointment: appointment_id(0),
            group_session: (kind == IncidentKind::NoShow).then_some(group_session),
            counterpart: (kind != IncidentKind::Move).then_some(EXPERT.person()),
            at: at(-place),
            number: 3,
        }
    };
    kinds.into_iter().enumerate().map(incident).collect()
}

/// An appointment of another client, and the incident of its lost dispute.
pub(super) fn lost_dispute() -> (Appointment, Incident) {
    let appointment = Appointment { client: ClientId::from_bits(8), ..appointments().swap_remove(0) };
    let incident = Incident::lost_dispute(&appointment, at(0));
    (appointment, incident)
}

/// A person who was suspended again.
pub(super) fn suspension() -> Suspension {
    let change = |suspended, by, minute: i64| SuspensionChange {
        suspended,
        reason: short("Fraud"),
        by,
        at: at(60 * minute),
    };
    let administrator = DecidedBy::Administrator(PersonId::from_bits(9));
    let changes = vec![
        change(true, administrator, 0),
        change(false, administrator, 1),
        change(true, DecidedBy::Platform, 2),
    ];
    Suspension { person: PersonId::from_bits(7), version: 3, changes }
}

/// A payment that too many attempts to pay have ended.
pub(super) fn declined_payment() -> Payment {
    let open = payments().swap_remove(1);
    Payment {
        appointment: appointment_id(200),
        escalation: None,
        declines: 5,
        too_many_declines: true,
        booked_from: Some("00ff".to_owned()),
        ..open
    }
}

/// The counters of declined attempts.
pub(super) fn decline_counters() -> [DeclineCounter<'static>; 2] {
    [DeclineCounter::Client(CLIENT, at(0)), DeclineCounter::Address("00ff")]
}

/// Two entries that together have every kind of movement and every account that exist since version 0.
pub(super) fn entries() -> Vec<Entry> {
    let kinds = [
        MovementKind::Authorized,
        MovementKind::Released,
        MovementKind::Captured,
        MovementKind::ProcessingFee,
        MovementKind::Transfer,
        MovementKind::Fee,
        MovementKind::Refund,
        MovementKind::RefundFailed,
        MovementKind::Reversal,
        MovementKind::FeeRefund,
        MovementKind::Dispute,
        MovementKind::DisputeFee,
        MovementKind::DisputeWon,
        MovementKind::Payout,
        MovementKind::PayoutFailed,
        MovementKind::ResolvedManually,
    ];
    let usual = kinds.map(|kind| Movement::new(kind, money(500), "ch_1", at(9), Some("key".to_owned())));
    let since_version_4 = |account: &Account| *account == Account::ProcessingCosts;
    let unusual =
        Account::ALL.into_iter().filter(|account| !since_version_4(account)).map(|account| Movement {
            from: account,
            to: Account::Client,
            ..Movement::new(MovementKind::Captured, money(500), "ch_2", at(9), None)
        });
    let entry = |number, movements| Entry {
        appointment: Some(appointment_id(0)),
        expert: EXPERT,
        gateway: GatewayKind::Stripe,
        number,
        at: at(10),
        movements,
    };
    vec![entry(1, usual.to_vec()), entry(2, unusual.collect())]
}

/// An entry with what a client pays for the processing of a refund.
pub(super) fn processing_cost_entry() -> Entry {
    let cost = Movement::new(MovementKind::ProcessingCost, money(145), "processing_cost_ch_1", at(9), None);
    let [entry, _] = <[Entry; 2]>::try_from(entries()).expect("two entries");
    let (appointment, at) = (Some(appointment_id(123)), at(172_800));
    Entry { appointment, expert: OTHER_EXPERT, at, movements: vec![cost], ..entry }
}

pub(super) fn payout() -> Entry {
    Entry {
        appointment: None,
        expert: EXPERT,
        gateway: GatewayKind::Stripe,
        number: 0,
        at: at(11),
        movements: vec![Movement::new(MovementKind::Payout, money(900), "po_1", at(11), None)],
    }
}

pub(super) fn account() -> PaymentAccount {
    PaymentAccount {
        gateway: GatewayKind::Stripe,
        account: "acct_1".to_owned(),
        version: 2,
        charges_enabled: true,
        payouts_enabled: false,
        requirements_due: vec!["external_account".to_owned()],
        disabled_reason: Some("requirements.past_due".to_owned()),
        read_at: at(12),
    }
}

pub(super) fn expert_terms() -> ExpertTerms {
    ExpertTerms {
        version: 1,
        rate: Some(rate(750)),
        payout_timing: None,
        established: false,
        refund_budget: None,
    }
}

pub(super) fn terms_of_another_expert() -> ExpertTerms {
    ExpertTerms {
        payout_timing: Some(PayoutTiming::AtPayment),
        established: true,
        refund_budget: Some(70),
        ..expert_terms()
    }
}

pub(super) fn track_record() -> TrackRecord {
    let session = |client: u128, paid_with: &str| ProvenSession {
        client: domain::ClientId::from_bits(client),
        paid_with: paid_with.to_owned(),
    };
    TrackRecord { version: 2, sessions: vec![session(1, "Xt5EWLLDS7FJjR1c"), session(2, "QYR5Z8FUVKFNU")] }
}

pub(super) fn debt() -> Debt {
    Debt { version: 3, owed: vec![money(290), Money::new(507, currency("JPY")).expect("small")] }
}

pub(super) fn rates() -> VersionedRates {
    let rate = |code, per_euro: &str| CurrencyRate {
        currency: currency(code),
        per_euro: per_euro.parse().expect("a rate"),
    };
    VersionedRates {
        version: 5,
        fetched_at: at(13),
        rates: ReferenceRates::new(date("2027-03-04"), vec![rate("JPY", "161.20"), rate("USD", "1.0562")])
            .expect("rates"),
    }
}

pub(super) fn progress() -> ReconciliationProgress {
    ReconciliationProgress { gateway: GatewayKind::Stripe, version: 6, until: at(14) }
}

/// A difference that is not confirmed, one that is open, and one that is resolved.
pub(super) fn differences() -> Vec<Difference> {
    let difference = |object: &str, confirmed, resolved_at| Difference {
        gateway: GatewayKind::Stripe,
        object: object.to_owned(),
        currency: "EUR".to_owned(),
        version: 1,
        ledger: Some(Sums { amount: 100, fee: -3 }),
        books: None,
        appointment: Some(appointment_id(0)),
        first_moved_at: at(15),
        last_moved_at: at(16),
        first_seen_at: at(17),
        last_seen_at: at(18),
        resolved_at,
        confirmed,
    };
    vec![
        difference("ch_1", false, None),
        difference("ch_2", true, None),
        difference("ch_3", true, Some(at(19))),
    ]
}

/// Billing details with each choice of taxes.
pub(super) fn billing() -> Vec<(ExpertId, VersionedBilling)> {
    let choices =
        [None, Some(TaxChoice::Own(Tax { label: short("VAT"), rate: rate(1_900) })), Some(TaxChoice::Stripe)];
    let details = |(number, tax): (usize, Option<TaxChoice>)| {
        let details = BillingDetails {
            legal_name: short("Ada Lovelace Ltd"),
            address: address(),
            country: gb(),
            tax_id: tax.is_some().then(|| short("GB123456789")),
            tax,
        };
        (ExpertId::from_bits(20 + number as u128), VersionedBilling { version: 1, details })
    };
    choices.into_iter().enumerate().map(details).collect()
}

fn address() -> Address {
    vec![short("12 St James's Square"), short("London SW1Y 4JH")].try_into().expect("an address")
}

fn gb() -> Country {
    "GB".to_owned().try_into().expect("a country")
}

fn taxes() -> Taxes {
    Taxes::Included(vec![
        TaxLine {
            label: short("Sales tax"),
            jurisdiction: Some(short("California")),
            rate: Some(Percentage::try_from("7.25".to_owned()).expect("a percentage")),
            amount: money(70),
        },
        TaxLine { label: short("Levy"), jurisdiction: None, rate: None, amount: money(1) },
    ])
}

/// One document for each kind, each form of taxes, and each reason why there are none.
pub(super) fn receipts() -> Vec<Receipt> {
    let number = |sequence| ReceiptNumber::after(sequence - 1, 2027);
    let variants = [
        (ReceiptKind::Receipt, taxes()),
        (ReceiptKind::CreditNote { of: number(1) }, Taxes::NotStated),
        (ReceiptKind::Correction { of: number(2) }, Taxes::NotIncluded(NoTax::PlaceUnknown)),
        (ReceiptKind::Receipt, Taxes::NotIncluded(NoTax::NotRegistered)),
        (ReceiptKind::Receipt, Taxes::NotIncluded(NoTax::NotDue)),
        (ReceiptKind::Receipt, Taxes::NotIncluded(NoTax::Refused)),
        (ReceiptKind::Receipt, Taxes::NotIncluded(NoTax::OtherGateway)),
    ];
    let receipt = |(place, (kind, taxes)): (usize, (ReceiptKind, Taxes))| Receipt {
        id: ReceiptId::from_bits(30 + place as u128),
        appointment: appointment_id(0),
        expert: EXPERT,
        client: CLIENT,
        number: number(u32::try_from(place).expect("small") + 1),
        kind,
        issued_at: at(20),
        moved_at: at(19),
        issuer: Issuer {
            name: short("Ada Lovelace Ltd"),
            address: (place == 0).then(address),
            country: (place == 0).then(gb),
            tax_id: (place == 0).then(|| short("GB123456789")),
            time_zone: berlin(),
        },
        recipient: Recipient {
            name: short("Alan Turing"),
            email: "alan@example.org".to_owned().try_into().expect("an address"),
        },
        service: Service {
            name: short("Office hour"),
            start: at(0),
            end: at(3_600),
            time_zone: berlin(),
            seats: 2,
            booked_at: at(-7_200),
        },
        total: money(1_000),
        taxes,
        tax_reports: match place {
            0 => vec![TaxReport { entry: Some("tax_1".to_owned()), reverses: None, amount: money(1_000) }],
            1 => vec![TaxReport { entry: None, reverses: Some("tax_1".to_owned()), amount: money(1_000) }],
            _ => Vec::new(),
        },
        reference: format!("ch_{place}"),
    };
    variants.into_iter().enumerate().map(receipt).collect()
}

/// The document of what a client pays for the processing of a refund.
pub(super) fn processing_cost_document() -> Receipt {
    let receipt = receipts().swap_remove(1);
    let ReceiptKind::CreditNote { of } = receipt.kind else { panic!("{receipt:?}") };
    Receipt {
        id: ReceiptId::from_bits(60),
        appointment: appointment_id(123),
        expert: OTHER_EXPERT,
        number: of,
        kind: ReceiptKind::ProcessingCost { of },
        tax_reports: Vec::new(),
        reference: "processing_cost_ch_1".to_owned(),
        ..receipt
    }
}

pub(super) fn tax_calculation() -> VersionedTaxCalculation {
    VersionedTaxCalculation { version: 1, id: "taxcalc_1".to_owned(), valid_until: at(21), taxes: taxes() }
}

fn occupied(hold_expires_at: Option<Timestamp>) -> Occupied {
    Occupied {
        session_type: SESSION_TYPE,
        start: at(0),
        end: at(3_600),
        buffer_before_minutes: 5,
        buffer_after_minutes: 10,
        hold_expires_at,
    }
}

pub(super) fn day() -> Day {
    Day {
        version: 4,
        entries: BTreeMap::from([
            (EntryKey::Appointment(appointment_id(0)), occupied(None)),
            (EntryKey::Appointment(appointment_id(1)), occupied(Some(at(600)))),
            (EntryKey::Group(SESSION_TYPE, at(0)), occupied(None)),
        ]),
    }
}

/// A day with so many sessions that its entries are a text, which rows have since version 2.
pub(super) fn busy_day() -> (NaiveDate, Day) {
    let entry = |number: i64| {
        let start = at(86_400 + 600 * number);
        (
            EntryKey::Appointment(appointment_id(300 + usize::try_from(number).expect("positive"))),
            Occupied { start, end: start.plus(600), ..occupied((number == 0).then(|| at(600))) },
        )
    };
    let day = Day { version: 64, entries: (0..65).map(entry).collect() };
    (at(86_400).utc_date(), day)
}

pub(super) fn group() -> GroupSession {
    GroupSession {
        version: 0,
        entry: occupied(None),
        capacity: 5,
        seats: BTreeMap::from([
            (appointment_id(0), Seats { count: 2, hold_expires_at: None, proposed: false }),
            (appointment_id(1), Seats { count: 1, hold_expires_at: Some(at(600)), proposed: false }),
        ]),
    }
}

pub(super) fn idempotency() -> IdempotencyRecord {
    let record = IdempotencyRecord::starting(
        CLIENT.to_string(),
        "key-1",
        "f00d",
        appointment_id(0).to_string(),
        at(22),
        15,
    );
    IdempotencyRecord { response: Some("{}".to_owned()), ..record }
}

/// What the client said about the first appointment.
pub(super) fn details() -> VersionedDetails {
    let email = |text: &str| text.to_owned().try_into().expect("an address");
    VersionedDetails {
        version: 1,
        details: SessionDetails {
            topic: Some(short("Computable numbers")),
            goals: long("Decide\nwhether it halts."),
            requirements: long("A tape"),
            guests: vec![
                Guest { email: email("joan@example.org"), name: Some(short("Joan Clarke")) },
                Guest { email: email("max@example.org"), name: None },
            ],
        },
    }
}

/// An entry of each kind that versions before 2 did not have.
pub(super) fn history_since_version_2() -> Vec<HistoryEntry> {
    let changes = [Change::ObjectionPeriodBegun { until: at(86_400) }, Change::DecisionTookEffect];
    let entry = |change| HistoryEntry::new(at(0), ActingAs::Platform, change);
    changes.into_iter().map(entry).collect()
}

pub(super) fn history_since_version_4() -> Vec<HistoryEntry> {
    let waits = |ended| Change::PaymentRefundWaits { amount: money(300), ended };
    [false, true].map(|ended| HistoryEntry::new(at(0), ActingAs::Platform, waits(ended))).into()
}

/// Notifications of the client, the newest first: a warning, one about a change with an amount, and one without.
pub(super) fn notifications() -> [Notification; 3] {
    let notification = |number: i64, content| Notification {
        id: NotificationId::from_bits(first_id_at(at(number)).bits() + u128::from(number.unsigned_abs())),
        person: PersonId::from_bits(7),
        at: at(0),
        content,
    };
    let change = |number: i64, change, final_charge: Option<Money>| {
        let change = AppointmentChange {
            appointment: appointment_id(0),
            expert: EXPERT,
            version: 2,
            by: ChangedBy::Expert,
            change,
            session: SessionTime { start: at(0), end: at(3_600) },
            final_charge,
            object_until: final_charge.map(|_| at(86_400)),
        };
        notification(number, Content::Change(change))
    };
    let warning = ReliabilityWarning {
        side: Party::Client,
        appointment: appointment_id(0),
        for_lost_disputes: false,
        incidents: 4,
        warning_from: 3,
        suspension_from: Some(5),
    };
    [
        notification(3, Content::Warning(warning)),
        change(2, Change::NoShow { missed_by: Party::Client }, Some(money(4_000))),
        change(1, Change::Rescheduled { from: session_time(0), to: session_time(7_200) }, None),
    ]
}

/// A warning of another client because of lost disputes.
pub(super) fn warning_for_disputes() -> Notification {
    let [warning, ..] = notifications();
    let content = match warning.content {
        Content::Warning(warning) => {
            Content::Warning(ReliabilityWarning { for_lost_disputes: true, ..warning })
        }
        Content::Change(change) => Content::Change(change),
    };
    Notification { person: PersonId::from_bits(8), content, ..warning }
}

/// Up to where the client has read their notifications.
pub(super) fn read_mark() -> ReadMark {
    ReadMark { version: 1, until: notifications()[2].id }
}

/// The time of a session that begins these seconds after the first one.
fn session_time(seconds: i64) -> SessionTime {
    SessionTime { start: at(seconds), end: at(seconds + 3_600) }
}

/// An entry of every kind, by everybody, ordered by time.
pub(super) fn history() -> Vec<HistoryEntry> {
    let person = PersonId::from_bits(5);
    let changes = [
        Change::Booked,
        Change::Confirmed,
        Change::Rescheduled { from: session_time(0), to: session_time(7_200) },
        Change::Cancelled,
        Change::Completed,
        Change::NoShow { missed_by: Party::Client },
        Change::NoShowDisputed,
        Change::NoShowAccepted,
        Change::Expired,
        Change::DetailsChanged,
        Change::RefundGranted { amount: money(100) },
        Change::PaymentActionRequired,
        Change::PaymentUnpaid,
        Change::PaymentRefunded { amount: money(200) },
        Change::PaymentRefundFailed,
        Change::PaymentDisputed,
        Change::PaymentDisputeWon,
        Change::PaymentDisputeLost,
        Change::PaymentEscalated,
        Change::EscalationResolved,
    ];
    let acting = [
        ActingAs::Client,
        ActingAs::Platform,
        ActingAs::Member { id: person, role: MemberRole::Assistant },
        ActingAs::Administrator { id: person },
        ActingAs::Expert,
    ];
    let entries = changes.into_iter().zip(acting.into_iter().cycle()).enumerate();
    entries.map(|(second, (change, acting))| HistoryEntry::new(at(second as i64), acting, change)).collect()
}

/// A private note of the client, and a shared one of the expert.
pub(super) fn notes() -> Vec<SessionNote> {
    let note = |number, author, visibility, text: &str| SessionNote {
        id: NoteId::from_bits(number),
        version: 2,
        author,
        visibility,
        text: text.to_owned().try_into().expect("a text"),
        created_at: at(0),
        changed_at: at(60),
    };
    vec![
        note(1, Party::Client, NoteVisibility::Private, "Ask about\nthe tape."),
        note(2, Party::Expert, NoteVisibility::Shared, "It does not halt."),
    ]
}

pub(super) fn admissions() -> Admissions {
    let (first, second) = (ClientId::from_bits(2), ClientId::from_bits(3));
    Admissions {
        version: 1,
        since: at(0),
        counted_at: at(60),
        clients: BTreeMap::from([(first, at(120)), (second, at(240))]),
        recent: BTreeMap::from([(second, at(60))]),
    }
}

pub(super) fn client_bookings() -> ClientBookings {
    let booking = |group, claim| ClientBooking {
        expert: EXPERT,
        group,
        start: at(0),
        end: at(3_600),
        changed_at: at(-7_200),
        claim,
    };
    ClientBookings {
        version: 1,
        day: at(-9 * 3_600),
        booked: 3,
        unpaid: vec![at(-7_500)],
        priced: BTreeMap::from([(EXPERT, vec![at(-7_500), at(-7_200)])]),
        proposed: vec![at(-7_000)],
        bookings: BTreeMap::from([
            (appointment_id(0), booking(None, Claim::Hold { expires_at: at(-6_600), saves_card: false })),
            (appointment_id(1), booking(Some(SESSION_TYPE), Claim::Free)),
            (appointment_id(2), booking(None, Claim::Paid)),
            (appointment_id(3), booking(None, Claim::Hold { expires_at: at(-6_600), saves_card: true })),
            (appointment_id(4), booking(None, Claim::CardSaved)),
            (appointment_id(5), booking(None, Claim::CardDeclined)),
        ]),
    }
}

/// The payment of a client who paid for the processing of their refund.
pub(super) fn payment_with_processing_cost() -> Payment {
    let first = payments().swap_remove(0);
    Payment {
        appointment: appointment_id(210),
        final_charge: Some(money(145)),
        processing_cost: Some(money(145)),
        escalation: None,
        ..first
    }
}

/// What the refunds of a client, or of an expert, have cost.
pub(super) fn refund_costs() -> RefundCosts {
    RefundCosts { version: 1, by_clients: 483, by_expert: 1_250 }
}

/// The month of these costs.
pub(super) fn month() -> Month {
    Month::of(at(0))
}

/// The entry of a job that has not run yet, and of one that fails.
pub(super) fn outbox_entries() -> Vec<OutboxEntry> {
    let entry = |number| {
        let id = appointment_id(number);
        let payload = serde_json::json!({ "payment": { "appointment": id } }).to_string();
        OutboxEntry::new(JobName::new("payment", id), payload, at(23), 5)
    };
    let failing = OutboxEntry {
        due_at: at(24),
        attempts: 3,
        last_error: "the payment gateway failed".to_owned(),
        failing_since: Some(at(23)),
        ..entry(1)
    };
    vec![entry(0), failing]
}
