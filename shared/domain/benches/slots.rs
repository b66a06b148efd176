//! Benchmarks of the slot engine, compared with a lower bound: reading each busy interval and writing each slot once.
//! Run with `cargo bench -p domain`.

#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use domain::experts::availability::{AvailabilityRules, WeeklyHours, Window};
use domain::experts::duration::SessionTerms;
use domain::experts::session_type::BookingWindow;
use domain::kernel::time::{DAY, MINUTE};
use domain::scheduling::slots::{BusyTimes, Slot, slots};
use domain::{TimeSpan, Timestamp};

/// Sessions of 30 minutes, every 15 minutes, with a notice of two hours.
fn terms() -> SessionTerms {
    SessionTerms {
        length_minutes: 30,
        buffer_before_minutes: 0,
        buffer_after_minutes: 0,
        minimum_notice_minutes: 120,
        booking_window: BookingWindow::Rolling { days: 731 },
        step_minutes: 15,
        daily_cap: None,
        daily_minutes_cap: None,
        weekly_cap: None,
        capacity: 1,
    }
}

fn rules(weekdays: (&str, &str), weekend: Option<(&str, &str)>) -> AvailabilityRules {
    let window = |(opens, closes): (&str, &str)| {
        vec![Window { opens: opens.parse().unwrap(), closes: closes.parse().unwrap() }]
    };
    let (weekday, weekend) = (window(weekdays), weekend.map(window).unwrap_or_default());
    AvailabilityRules {
        time_zone: "Europe/Berlin".parse().unwrap(),
        weekly: WeeklyHours {
            monday: weekday.clone(),
            tuesday: weekday.clone(),
            wednesday: weekday.clone(),
            thursday: weekday.clone(),
            friday: weekday,
            saturday: weekend.clone(),
            sunday: weekend,
        },
        overrides: BTreeMap::new(),
        blocked: Vec::new(),
        extra: Vec::new(),
    }
}

/// Events of 15 or 30 minutes at pseudo-random quarters of an hour, the same on every machine.
fn busy(from: Timestamp, days: u32, events: usize) -> Vec<TimeSpan> {
    let mut state = 42_u32;
    let mut draw = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let mut event = || {
        let start = from.plus(i64::from(draw() % (days * 96)) * 15 * MINUTE);
        TimeSpan::new(start, start.plus(i64::from(15 * (1 + draw() % 2)) * MINUTE))
    };
    (0..events).map(|_| event()).collect()
}

/// Reads each interval and writes as many slots as the engine.
fn floor(busy: &[TimeSpan], count: usize, from: Timestamp) -> (i64, Vec<Slot>) {
    let read = busy.iter().fold(0, |sum, span| sum ^ span.start().seconds() ^ span.end().seconds());
    let slot = |start| Slot { start: Timestamp::from_seconds(start), seats: 1 };
    let slots = (0..count as i64).map(|at| slot(from.seconds() + at * 15 * MINUTE)).collect();
    (read, slots)
}

fn benches(criterion: &mut Criterion) {
    let all_day = ("00:00", "24:00");
    let hours = [("weekdays", rules(("09:00", "17:00"), None)), ("always", rules(all_day, Some(all_day)))];
    let from: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
    let terms = terms();
    for (name, rules) in &hours {
        for days in [30_u32, 365] {
            let mut group = criterion.benchmark_group(format!("{name}, {days} days"));
            let range = TimeSpan::new(from, from.plus(i64::from(days) * DAY));
            for events in [0, 500, 5_000] {
                let busy = busy(from, days, events);
                let occupancy = BusyTimes { occupied: &busy, ..BusyTimes::default() };
                let find = || slots(rules, &terms, black_box(&occupancy), range, from);
                let count = find().len();
                group.bench_function(BenchmarkId::new("slots", events), |bencher| bencher.iter(find));
                group.bench_function(BenchmarkId::new(format!("floor of {count}"), events), |bencher| {
                    bencher.iter(|| floor(black_box(&busy), black_box(count), from));
                });
            }
            group.finish();
        }
    }
}

criterion_group!(all, benches);
criterion_main!(all);
