//! Random rules against the model, and laws that hold whatever the rules.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::model::Model;
use super::*;
use crate::availability::{DateRange, ExtraWindow, WeeklyHours, Window};
use crate::time::{Date, HOUR, LocalTime};

/// Zones, each with the date of something that its clock does around it.
const MOMENTS: [(&str, &str); 24] = [
    ("Europe/Berlin", "2027-03-28"),
    ("Europe/Berlin", "2027-10-31"),
    ("Europe/Berlin", "2027-12-31"),
    ("America/New_York", "2027-03-14"),
    ("America/New_York", "2027-11-07"),
    ("Africa/Cairo", "2024-04-26"),
    ("Africa/Cairo", "2024-10-31"),
    ("America/Santiago", "2024-09-08"),
    ("America/Santiago", "2024-04-06"),
    ("America/Havana", "2024-03-10"),
    ("America/Havana", "2024-11-03"),
    ("Asia/Beirut", "2024-03-31"),
    ("Asia/Beirut", "2024-10-26"),
    ("Australia/Lord_Howe", "2024-04-07"),
    ("Australia/Lord_Howe", "2024-10-06"),
    ("Pacific/Apia", "2011-12-30"),
    ("Pacific/Kwajalein", "1993-08-21"),
    ("America/Nuuk", "2024-03-30"),
    ("Asia/Pyongyang", "2018-05-04"),
    ("Asia/Kathmandu", "1986-01-01"),
    ("America/St_Johns", "2006-10-29"),
    ("America/St_Johns", "2006-04-02"),
    ("Antarctica/Troll", "2024-10-27"),
    ("Africa/Casablanca", "2024-03-10"),
];

#[derive(Debug, Clone)]
struct Case {
    rules: AvailabilityRules,
    terms: SessionTypeTerms,
    occupied: Vec<TimeSpan>,
    session_starts: Vec<Timestamp>,
    groups: Vec<(Timestamp, u16)>,
    center: NaiveDate,
    range: TimeSpan,
    now: Timestamp,
}

impl Case {
    fn occupancy(&self) -> Occupancy<'_> {
        Occupancy { occupied: &self.occupied, session_starts: &self.session_starts, groups: &self.groups }
    }

    fn slots(&self, range: TimeSpan) -> Vec<Slot> {
        slots(&self.rules, &self.terms, &self.occupancy(), range, self.now)
    }

    fn model(&self) -> Model<'_> {
        Model::new(&self.rules, self.center, 14, 14)
    }
}

/// Minutes on the clock's face, often those that matter.
fn minutes() -> impl Strategy<Value = u16> {
    prop_oneof![4 => (0..96_u16).prop_map(|quarter| quarter * 15), 2 => Just(0_u16), 1 => 0..1440_u16]
}

fn window() -> impl Strategy<Value = Window> {
    let closes = prop_oneof![5 => minutes(), 1 => Just(1440)];
    (minutes(), closes).prop_map(|(opens, closes)| Window {
        opens: LocalTime::from_minutes(opens).unwrap(),
        closes: LocalTime::from_minutes(closes).unwrap(),
    })
}

fn windows() -> impl Strategy<Value = Vec<Window>> {
    let all_day = Window { opens: LocalTime::MIDNIGHT, closes: LocalTime::END_OF_DAY };
    prop_oneof![4 => prop::collection::vec(window(), 0..4), 1 => Just(vec![all_day])]
}

fn weekly() -> impl Strategy<Value = WeeklyHours> {
    let same = windows().prop_map(|windows| [(); 7].map(|()| windows.clone()));
    prop_oneof![same, prop::array::uniform7(windows())].prop_map(
        |[monday, tuesday, wednesday, thursday, friday, saturday, sunday]| WeeklyHours {
            monday,
            tuesday,
            wednesday,
            thursday,
            friday,
            saturday,
            sunday,
        },
    )
}

fn rules_around(zone: Zone, center: NaiveDate) -> impl Strategy<Value = AvailabilityRules> {
    let near = move || (-3..4_i64).prop_map(move |days| Date::try_from(date_plus(center, days)).unwrap());
    let overrides = prop::collection::btree_map(near(), windows(), 0..3);
    let blocked = (near(), 0..2_i64).prop_map(|(first, days)| DateRange {
        first,
        last: Date::try_from(date_plus(first.naive(), days)).unwrap(),
    });
    let extra =
        (near(), window()).prop_map(|(date, Window { opens, closes })| ExtraWindow { date, opens, closes });
    let exceptions = (overrides, prop::collection::vec(blocked, 0..2), prop::collection::vec(extra, 0..3));
    (weekly(), prop_oneof![Just((Default::default(), Vec::new(), Vec::new())), exceptions]).prop_map(
        move |(weekly, (overrides, blocked, extra))| AvailabilityRules {
            time_zone: zone,
            weekly,
            overrides,
            blocked,
            extra,
        },
    )
}

fn terms_around(center: NaiveDate) -> impl Strategy<Value = SessionTypeTerms> {
    let length = prop_oneof![4 => select(vec![15_u16, 30, 45, 60, 90]), 1 => 1..=1440_u16];
    let step = prop_oneof![4 => select(vec![5_u16, 15, 20, 30, 45, 60]), 1 => 7..=1440_u16];
    let buffers = (select(vec![0_u16, 0, 5, 17, 720]), select(vec![0_u16, 0, 10, 23, 720]));
    let rolling = (0..5_u16).prop_map(|days| BookingWindow::Rolling { days });
    let some_dates = (-3..3_i64, 0..4_i64).prop_map(move |(first, days)| BookingWindow::Dates {
        first: Date::try_from(date_plus(center, first)).unwrap(),
        last: Date::try_from(date_plus(center, first + days)).unwrap(),
    });
    let window = prop_oneof![2 => Just(terms(30, 30).booking_window), 1 => rolling, 1 => some_dates];
    let cap = || prop_oneof![2 => Just(None), 1 => (1..3_u16).prop_map(Some)];
    (length, step, buffers, select(vec![0_u32, 120, 1441]), window, (cap(), cap()), 1..4_u16).prop_map(
        |(length, step, (before, after), notice, window, (daily, weekly), capacity)| SessionTypeTerms {
            buffer_before_minutes: before,
            buffer_after_minutes: after,
            minimum_notice_minutes: notice,
            booking_window: window,
            daily_cap: daily,
            weekly_cap: weekly,
            capacity,
            ..terms(length, step)
        },
    )
}

fn date_plus(date: NaiveDate, days: i64) -> NaiveDate {
    date_of_number(day_number(date) + days)
}

/// Instants within a few days of the date, mostly whole quarters of an hour.
fn near(center: NaiveDate) -> impl Strategy<Value = Timestamp> {
    let noon = day_number(center) * DAY + 12 * HOUR;
    let seconds = prop_oneof![3 => (-300..300_i64).prop_map(|quarter| quarter * 900), 1 => -3 * DAY..3 * DAY];
    seconds.prop_map(move |seconds| Timestamp::from_seconds(noon + seconds))
}

fn case() -> impl Strategy<Value = Case> {
    let moment = select(&MOMENTS[..]).prop_map(|(zone, on)| (zone.parse::<Zone>().unwrap(), date(on)));
    moment.prop_flat_map(|(zone, center)| {
        let busy = (near(center), prop_oneof![Just(0), Just(1800), 0..9000_i64])
            .prop_map(|(start, seconds)| TimeSpan::new(start, start.plus(seconds)));
        let occupancy = (
            prop::collection::vec(busy, 0..12),
            prop::collection::vec(near(center), 0..4),
            prop::collection::btree_map(near(center), 0..3_u16, 0..3),
        );
        let range = (near(center), near(center));
        (rules_around(zone, center), terms_around(center), occupancy, range, near(center)).prop_map(
            move |(rules, terms, (occupied, session_starts, groups), (one, other), now)| Case {
                rules,
                terms,
                occupied,
                session_starts,
                groups: groups.into_iter().collect(),
                center,
                range: TimeSpan::new(one.min(other), one.max(other)),
                // Half of the days lie ahead of a `now` that is in their midst.
                now: now.plus(-2 * DAY),
            },
        )
    })
}

fn configured(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(configured(64))]

    #[test]
    fn the_engine_offers_what_the_model_offers(case in case()) {
        let expected = case.model().slots(&case.terms, &case.occupancy(), case.range, case.now);
        prop_assert_eq!(case.slots(case.range), expected);
    }
}

proptest! {
    #![proptest_config(configured(256))]

    #[test]
    fn a_range_offers_what_its_parts_offer(
        case in case(),
        cuts in prop::collection::vec(any::<Index>(), 1..6),
    ) {
        let seconds = usize::try_from(case.range.seconds()).unwrap() + 1;
        let mut cuts: Vec<Timestamp> =
            cuts.iter().map(|cut| case.range.start().plus(cut.index(seconds) as i64)).collect();
        cuts.extend([case.range.start(), case.range.end()]);
        cuts.sort_unstable();
        let parts: Vec<Slot> =
            cuts.windows(2).flat_map(|ends| case.slots(TimeSpan::new(ends[0], ends[1]))).collect();
        prop_assert_eq!(case.slots(case.range), parts);
    }

    #[test]
    fn a_start_is_explained_as_it_is_offered(case in case()) {
        let offered = case.slots(case.range);
        let free = slots(&case.rules, &case.terms, &Occupancy::default(), case.range, case.now);
        let quarters = case.range.start().seconds() / 900..case.range.end().seconds() / 900;
        let quarters = quarters
            .map(|quarter| Timestamp::from_seconds(quarter * 900))
            .filter(|quarter| case.range.contains(*quarter));
        let both = offered.iter().chain(&free).map(|slot| slot.start).take(50);
        for start in quarters.chain(both) {
            let explained = explain(&case.rules, &case.terms, &case.occupancy(), start, case.now);
            let is_offered = offered.binary_search_by_key(&start, |slot| slot.start).is_ok();
            prop_assert_eq!(explained.is_ok(), is_offered, "{}: {:?}", start, explained);
            let checked = check_start(&case.rules, &case.terms, start, case.now);
            let is_free = free.binary_search_by_key(&start, |slot| slot.start).is_ok();
            prop_assert_eq!(checked.is_ok(), is_free, "{}: {:?}", start, checked);
            for named in named_starts(checked) {
                prop_assert_eq!(check_start(&case.rules, &case.terms, named, case.now), Ok(()));
            }
        }
    }
}

/// The other starts that a refusal proposes.
fn named_starts(checked: Result<(), Refusal>) -> Vec<Timestamp> {
    match checked {
        Err(Refusal::NotOnGrid { previous, next }) => previous.into_iter().chain(next).collect(),
        Err(Refusal::OutsideHours { next }) => next.into_iter().collect(),
        _ => Vec::new(),
    }
}
