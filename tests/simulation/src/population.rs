//! The experts and clients of a simulation, and what the experts offer. There are few of each, so that they compete.

use app::identity::signed_in::{Role, Scope, SignedInPerson};
use app::operations::jobs::Job;
use app::payments::jobs::PaymentsJob;
use domain::experts::availability::{AvailabilityRules, WeeklyHours, Window};
use domain::experts::duration::SessionDuration;
use domain::experts::expert::{Expert, ExpertProfile};
use domain::experts::policy::{CancellationPolicy, Percent, ReschedulePolicy, ReschedulePrice, Tier};
use domain::experts::session_type::{
    BookingWindow, Collection, SessionType, SessionTypeStatus, SessionTypeTerms,
};
use domain::kernel::text::LongText;
use domain::kernel::time::DAY;
use domain::payments::account::PaymentAccount;
use domain::payments::gateway::GatewayKind;
use domain::payments::refund_costs::RefundBudgets;
use domain::scheduling::booking_limits::BookingLimits;
use domain::{Currency, Money, SessionTypeId};
use futures_util::FutureExt;
use store::{Transaction, VersionedRules};

use crate::actors::SimExpert;
use crate::random::Rng;
use crate::simulation::Simulation;

/// Time zones with different clock changes, and some without.
const ZONES: [&str; 6] =
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Auckland"];

fn always() -> Vec<Window> {
    let time = |text: &str| serde_json::from_value(serde_json::json!(text)).ok();
    match (time("00:00"), time("24:00")) {
        (Some(opens), Some(closes)) => vec![Window { opens, closes }],
        _ => Vec::new(),
    }
}

/// Availability at all times.
pub fn rules(zone: &str) -> AvailabilityRules {
    let weekly = WeeklyHours {
        monday: always(),
        tuesday: always(),
        wednesday: always(),
        thursday: always(),
        friday: always(),
        saturday: always(),
        sunday: always(),
    };
    let time_zone = serde_json::from_value(serde_json::json!(zone)).unwrap_or(domain::Zone::UTC);
    AvailabilityRules {
        time_zone,
        weekly,
        overrides: Default::default(),
        blocked: Vec::new(),
        extra: Vec::new(),
    }
}

/// The prices of sessions, in minor units, that can be charged in every currency of the simulation.
const PRICES: [u64; 5] = [0, 8_010, 12_340, 8_000, 8_000];

/// The smallest price of each currency of the simulation, in minor units.
pub fn smallest_price(currency: Currency) -> Option<u64> {
    match currency.code() {
        "EUR" => Some(300),
        "USD" => Some(450),
        "KWD" => Some(1_600),
        _ => None,
    }
}

/// A one-hour session for EUR 80, charged at booking, without any limits.
pub fn plain_terms(currency: Currency) -> SessionTypeTerms {
    SessionTypeTerms {
        name: "Session".to_owned().try_into().unwrap_or_else(|_| panic!("a name")),
        description: LongText::default(),
        durations: vec![SessionDuration { minutes: 60, price: Money::new(8_000, currency).ok() }],
        buffer_before_minutes: 0,
        buffer_after_minutes: 0,
        minimum_notice_minutes: 0,
        booking_window: BookingWindow::default(),
        step_minutes: 30,
        daily_cap: None,
        daily_minutes_cap: None,
        weekly_cap: None,
        capacity: 1,
        collection: Collection::ChargeAtBooking,
        cancellation: CancellationPolicy::default(),
        rescheduling: ReschedulePolicy::default(),
        presentment_currencies: Vec::new(),
    }
}

fn percent(percent: u8) -> Percent {
    Percent::new(percent).unwrap_or(Percent::NOTHING)
}

/// Draws an hourly rate. Sometimes there is none, it is in another currency, or too low to derive a price from.
pub fn hourly_rate(rng: &mut Rng, currency: Currency) -> Option<Money> {
    let dollars = Currency::try_from("USD".to_owned()).unwrap_or(currency);
    let currency = if rng.below(8) == 0 { dollars } else { currency };
    let smallest = smallest_price(currency);
    let amount = *rng.pick(&[None, Some(0), smallest, Some(7_777), Some(8_050), Some(9_999), Some(12_000)]);
    amount.and_then(|amount| Money::new(amount, currency).ok())
}

/// Draws the terms of a session type. The first duration has a fixed price.
pub fn terms(rng: &mut Rng, currency: Currency) -> SessionTypeTerms {
    let plain = plain_terms(currency);
    let tier = |until_hours_before, refund| Tier { until_hours_before, refund_percent: percent(refund) };
    let tiers = match rng.below(4) {
        0 => Vec::new(),
        1 => vec![tier(0, 100)],
        2 => vec![tier(24, 100), tier(1, 50)],
        _ => vec![tier(48, 90), tier(24, 33), tier(2, 10)],
    };
    let last = tiers.last().map_or(Percent::NOTHING, |tier| tier.refund_percent);
    let mut durations: Vec<SessionDuration> = Vec::new();
    for _ in 0..*rng.pick(&[1, 1, 2, 3]) {
        let minutes = *rng.pick(&[30, 45, 60, 60, 90, 600, 1_440]);
        if durations.iter().all(|duration| duration.minutes != minutes) {
            let is_derived = !durations.is_empty() && rng.below(2) == 0;
            let smallest = smallest_price(currency).filter(|_| rng.below(6) == 0);
            let amount = smallest.unwrap_or(*rng.pick(&PRICES));
            let price = Money::new(amount, currency).ok().filter(|_| !is_derived);
            durations.push(SessionDuration { minutes, price });
        }
    }
    let longest = durations.iter().map(|duration| duration.minutes).max().unwrap_or(60);
    SessionTypeTerms {
        durations,
        buffer_before_minutes: *rng.pick(&[0, 0, 0, 15, 60, 720]),
        buffer_after_minutes: *rng.pick(&[0, 0, 5, 30, 120, 720]),
        minimum_notice_minutes: *rng.pick(&[0, 0, 60]),
        daily_cap: *rng.pick(&[None, None, None, Some(1), Some(2), Some(5)]),
        daily_minutes_cap: *rng.pick(&[None, None, None, Some((2 * longest).min(1_440)), Some(1_440)]),
        weekly_cap: *rng.pick(&[None, None, None, Some(2), Some(6)]),
        booking_window: *rng.pick(&[
            plain.booking_window,
            plain.booking_window,
            BookingWindow::BusinessDays { days: 40 },
            BookingWindow::FreeDays { days: 3 },
        ]),
        capacity: *rng.pick(&[1, 1, 1, 2, 5]),
        collection: *rng.pick(&[
            Collection::ChargeAtBooking,
            Collection::AuthorizeThenCapture,
            Collection::AuthorizeThenCapture,
        ]),
        cancellation: CancellationPolicy {
            tiers,
            grace_minutes: *rng.pick(&[0, 0, 10, 600]),
            no_show_refund_percent: percent(*rng.pick(&[0, 0, 50, 100])).min(last),
        },
        rescheduling: ReschedulePolicy {
            at_most: *rng.pick(&[None, None, Some(2)]),
            until_minutes_before: *rng.pick(&[0, 0, 120]),
            price: *rng.pick(&[ReschedulePrice::AsBooked, ReschedulePrice::Current]),
        },
        presentment_currencies: match currency == Currency::EUR && rng.below(3) == 0 {
            true => crate::exchange_rates::other_currencies(),
            false => Vec::new(),
        },
        ..plain
    }
}

/// Draws and creates one to three experts and some clients.
pub fn populate(simulation: &mut Simulation) {
    let (rng, currency) = {
        let core = &mut *simulation.shared.lock();
        let mut rng = core.actors.rng.fork();
        if rng.below(6) == 0 {
            // A currency that is charged in steps of ten minor units.
            core.actors.currency = Currency::try_from("KWD".to_owned()).unwrap_or(Currency::EUR);
        }
        (rng, core.actors.currency)
    };
    let mut rng = rng;
    let experts = *rng.pick(&[1, 1, 2, 3]);
    let clients = *rng.pick(&[2, 4, 8]);
    for _ in 0..experts {
        let session_types = *rng.pick(&[1, 2, 3]);
        let terms: Vec<SessionTypeTerms> = (0..session_types).map(|_| terms(&mut rng, currency)).collect();
        let zone = *rng.pick(&ZONES);
        let can_be_paid = rng.below(8) > 0;
        let hourly_rate = hourly_rate(&mut rng, currency);
        let capacity = *rng.pick(&[None, None, None, Some(1), Some(2)]);
        add_expert(simulation, zone, terms, can_be_paid, |profile| {
            profile.hourly_rate = hourly_rate;
            profile.mentorship_capacity = capacity;
        });
    }
    let limits = match rng.below(4) {
        0 => BookingLimits::default(),
        1 => BookingLimits {
            open_holds: 4,
            open_holds_per_expert: 2,
            unpaid_holds: 3,
            priced_bookings: 6,
            priced_bookings_per_expert: 4,
            ..BookingLimits::default()
        },
        _ => BookingLimits::unlimited(),
    };
    simulation.limit_bookings(limits);
    simulation.limit_refunds(match rng.below(4) {
        0 => RefundBudgets::default(),
        1 => RefundBudgets { per_client: 1, per_expert: 2 },
        2 => RefundBudgets { per_client: 2, per_expert: 1 },
        _ => RefundBudgets::unlimited(),
    });
    let core = &mut *simulation.shared.lock();
    for _ in 0..clients {
        let client = SignedInPerson::new(rng.next_u128(), vec![Role::Client], Scope::FULL);
        core.actors.clients.push(client);
    }
}

/// Creates an expert with these session types, with or without an enabled payment account. `change` completes the profile.
pub fn add_expert(
    simulation: &mut Simulation,
    zone: &str,
    terms: Vec<SessionTypeTerms>,
    can_be_paid: bool,
    change: impl FnOnce(&mut ExpertProfile),
) -> SignedInPerson {
    let rules = rules(zone);
    let name = "Ada".to_owned().try_into().unwrap_or_else(|_| panic!("a name"));
    let headline = "Knows things".to_owned().try_into().unwrap_or_else(|_| panic!("a line"));
    let mut profile = ExpertProfile::new(name, headline);
    change(&mut profile);
    let capacity = profile.mentorship_capacity;
    let (person, account, session_types, now) = {
        let core = &mut *simulation.shared.lock();
        let person = SignedInPerson::new(core.product_rng.next_u128(), vec![Role::Expert], Scope::FULL);
        let account = can_be_paid.then(|| core.gateway.add_enabled_account(person.expert_id()));
        let session_types: Vec<SessionType> = terms
            .into_iter()
            .map(|terms| SessionType {
                id: SessionTypeId::from_bits(core.product_rng.next_u128()),
                version: 1,
                status: SessionTypeStatus::Active,
                terms,
            })
            .collect();
        let types = session_types.iter().map(|one| (one.id, one.terms.clone())).collect();
        core.actors.experts.push(SimExpert { person: person.clone(), types, rules: rules.clone(), capacity });
        (person, account, session_types, core.instant())
    };
    let id = person.expert_id();
    let mut transaction = Transaction::new();
    let mut storable = transaction
        .put_expert(&Expert {
            id,
            version: 1,
            created_at: now,
            published: true,
            suspended: false,
            person_suspended: false,
            profile,
        })
        .and_then(|()| transaction.put_rules(id, &VersionedRules { version: 1, rules }))
        .and_then(|()| session_types.iter().try_for_each(|one| transaction.put_session_type(id, one)));
    if let Some(account) = account {
        let account = PaymentAccount {
            gateway: GatewayKind::Stripe,
            account,
            version: 1,
            charges_enabled: true,
            payouts_enabled: true,
            requirements_due: Vec::new(),
            disabled_reason: None,
            read_at: now,
        };
        // As the onboarding use case does.
        let payouts = Job::from(PaymentsJob::Payouts { expert: id, gateway: GatewayKind::Stripe });
        let looks = payouts.entry(now.plus(DAY), 1);
        storable = storable
            .and_then(|()| transaction.put_payment_account(id, &account))
            .and_then(|()| transaction.enqueue(payouts.failure_domain(), &looks?));
    }
    assert!(storable.is_ok(), "{storable:?}");
    let stored = simulation.direct.commit(transaction).now_or_never();
    assert!(matches!(stored, Some(Ok(()))), "{stored:?}");
    person
}
