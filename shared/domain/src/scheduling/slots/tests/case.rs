//! A query that both the engine and the model answer, and its reduction to a minimal case if the answers differ.

use std::fmt::Write;

use super::model::{Clock, Model};
use super::*;
use crate::experts::session_type::BookingWindow;
use crate::kernel::time::HOUR;

/// A query for the slots in a range.
#[derive(Debug, Clone)]
pub struct Case {
    pub rules: AvailabilityRules,
    pub terms: SessionTerms,
    pub occupied: Vec<TimeSpan>,
    pub sessions: Vec<TimeSpan>,
    pub groups: Vec<(Timestamp, u16)>,
    pub range: TimeSpan,
    pub now: Timestamp,
}

/// An implementation that answers a query.
pub type Engine = fn(&Case) -> Vec<Slot>;

impl Case {
    pub fn busy_times(&self) -> BusyTimes<'_> {
        BusyTimes { occupied: &self.occupied, sessions: &self.sessions, groups: &self.groups }
    }

    /// The engine's answer for a part of the range.
    pub fn slots_in(&self, range: TimeSpan) -> Vec<Slot> {
        slots(&self.rules, &self.terms, &self.busy_times(), range, self.now)
    }

    /// The engine's answer.
    pub fn slots(&self) -> Vec<Slot> {
        self.slots_in(self.range)
    }

    /// A clock with which the model can answer.
    pub fn clock(&self) -> Clock {
        let instants = [self.range.start(), self.range.end()].into_iter();
        let instants = instants.chain(self.sessions.iter().map(|session| session.start()));
        let look_ahead = match self.terms.booking_window {
            BookingWindow::FreeDays { .. } => Some(self.now.plus(31 * DAY)),
            _ => None,
        };
        let instants = instants.chain(look_ahead);
        let instants = instants.chain((self.now > Timestamp::MIN).then_some(self.now));
        let seconds = instants.map(Timestamp::seconds);
        let (first, last) = (seconds.clone().min().unwrap(), seconds.max().unwrap());
        // Windows and grids can continue from the day before, and those of that day from the day before it. The model
        // needs both neighbors of each date that it answers for. At the end, a session lasts up to a day.
        Clock::new(self.rules.time_zone, first - 5 * DAY, last + 3 * DAY)
    }

    /// The model's answer with such a clock.
    pub fn expected(&self, clock: &Clock) -> Vec<Slot> {
        Model::new(clock, &self.rules).slots(&self.terms, &self.busy_times(), self.range, self.now)
    }

    /// A report with everything needed to analyze the bug, if the answers differ.
    pub fn disagreement(&self, engine: Engine) -> Option<String> {
        let (found, expected) = (engine(self), self.expected(&self.clock()));
        (found != expected).then(|| self.report(&found, &expected))
    }

    fn report(&self, found: &[Slot], expected: &[Slot]) -> String {
        let zone = self.rules.time_zone;
        let show = |instant: Timestamp| format!("{} ({instant})", zone.to_rfc3339(instant));
        let both = |span: &TimeSpan| format!("{} to {}", show(span.start()), show(span.end()));
        let slots = |slots: &[Slot], others: &[Slot]| -> String {
            let only: Vec<&Slot> = slots.iter().filter(|slot| !others.contains(slot)).collect();
            let shown =
                only.iter().take(5).map(|slot| format!("{}, seats: {}", show(slot.start), slot.seats));
            format!("{} starts: {:?}", only.len(), shown.collect::<Vec<_>>())
        };
        let mut text = format!("the engine and the model disagree in {zone:?}\n");
        let (first, last) = (self.range.start().seconds() - DAY, self.range.end().seconds() + DAY);
        for change in changes::changes(zone, DAY).iter().filter(|change| (first..last).contains(&change.at)) {
            let at = Timestamp::from_seconds(change.at);
            writeln!(text, "clock change:    {} becomes {}", show(at.plus(-1)), show(at)).unwrap();
        }
        writeln!(text, "rules:           {:?}", self.rules).unwrap();
        writeln!(text, "terms:           {:?}", self.terms).unwrap();
        writeln!(text, "occupied:        {:?}", self.occupied.iter().map(both).collect::<Vec<_>>()).unwrap();
        let starts: Vec<String> = self.sessions.iter().map(both).collect();
        writeln!(text, "sessions at:     {starts:?}").unwrap();
        let groups: Vec<String> = self
            .groups
            .iter()
            .map(|(start, seats)| format!("{}, seats left: {seats}", show(*start)))
            .collect();
        writeln!(text, "groups:          {groups:?}").unwrap();
        writeln!(text, "range:           {}", both(&self.range)).unwrap();
        writeln!(text, "now:             {}", show(self.now)).unwrap();
        writeln!(text, "only the engine: {}", slots(found, expected)).unwrap();
        writeln!(text, "only the model:  {}", slots(expected, found)).unwrap();
        text
    }

    /// The smallest similar case on which the answers differ, with its report. The case is simplified as long as the
    /// answers still differ.
    pub fn shrunk(self, engine: Engine) -> Option<(Self, String)> {
        let mut report = self.disagreement(engine)?;
        let mut case = self;
        while let Some((simpler, why)) = case
            .simpler()
            .into_iter()
            .find_map(|simpler| simpler.disagreement(engine).map(|why| (simpler, why)))
        {
            (case, report) = (simpler, why);
        }
        Some((case, report))
    }

    /// Simplified copies of the case, each with something removed. Larger reductions come first.
    fn simpler(&self) -> Vec<Self> {
        let mut simpler = Vec::new();
        let mut with = |change: &dyn Fn(&mut Self)| {
            let mut case = self.clone();
            change(&mut case);
            simpler.push(case);
        };
        // For a list, first halves, then single items.
        fn parts(length: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
            let halves = [0..length / 2, length / 2..length].into_iter().filter(|half| half.len() > 1);
            halves.chain((0..length).map(|at| at..at + 1))
        }
        for part in parts(self.occupied.len()) {
            with(&|case| drop(case.occupied.drain(part.clone())));
        }
        for part in parts(self.sessions.len()) {
            with(&|case| drop(case.sessions.drain(part.clone())));
        }
        for part in parts(self.groups.len()) {
            with(&|case| drop(case.groups.drain(part.clone())));
        }
        for date in self.rules.overrides.keys() {
            with(&|case| drop(case.rules.overrides.remove(date)));
        }
        for part in parts(self.rules.blocked.len()) {
            with(&|case| drop(case.rules.blocked.drain(part.clone())));
        }
        for part in parts(self.rules.extra.len()) {
            with(&|case| drop(case.rules.extra.drain(part.clone())));
        }
        for day in 0..7 {
            if !weekdays(&mut self.rules.weekly.clone())[day].is_empty() {
                with(&|case| weekdays(&mut case.rules.weekly)[day].clear());
            }
            for part in parts(weekdays(&mut self.rules.weekly.clone())[day].len()) {
                with(&|case| drop(weekdays(&mut case.rules.weekly)[day].drain(part.clone())));
            }
        }
        let plain = terms(self.terms.length_minutes, self.terms.step_minutes);
        if self.terms != plain {
            with(&|case| case.terms = plain);
        }
        let mut plainer = |is_plain: bool, change: &dyn Fn(&mut SessionTerms)| {
            if !is_plain {
                with(&|case| change(&mut case.terms));
            }
        };
        plainer(self.terms.buffer_before_minutes == 0, &|terms| terms.buffer_before_minutes = 0);
        plainer(self.terms.buffer_after_minutes == 0, &|terms| terms.buffer_after_minutes = 0);
        plainer(self.terms.minimum_notice_minutes == 0, &|terms| terms.minimum_notice_minutes = 0);
        plainer(self.terms.daily_cap.is_none(), &|terms| terms.daily_cap = None);
        plainer(self.terms.daily_minutes_cap.is_none(), &|terms| terms.daily_minutes_cap = None);
        plainer(self.terms.weekly_cap.is_none(), &|terms| terms.weekly_cap = None);
        plainer(self.terms.capacity == 1, &|terms| terms.capacity = 1);
        plainer(self.terms.booking_window == plain.booking_window, &|terms| {
            terms.booking_window = plain.booking_window;
        });
        plainer(self.terms.length_minutes == 1, &|terms| terms.length_minutes = 1);
        plainer(self.terms.step_minutes == 60, &|terms| terms.step_minutes = 60);
        let (start, end) = (self.range.start(), self.range.end());
        for part in [2, 8].map(|part| self.range.seconds() / part).into_iter().filter(|part| *part > 0) {
            with(&|case| case.range = TimeSpan::new(start, end.plus(-part)));
            with(&|case| case.range = TimeSpan::new(start.plus(part), end));
        }
        simpler
    }
}

/// The windows of each day of the week.
pub fn weekdays(
    weekly: &mut crate::experts::availability::WeeklyHours,
) -> [&mut Vec<crate::experts::availability::Window>; 7] {
    [
        &mut weekly.monday,
        &mut weekly.tuesday,
        &mut weekly.wednesday,
        &mut weekly.thursday,
        &mut weekly.friday,
        &mut weekly.saturday,
        &mut weekly.sunday,
    ]
}

#[test]
fn faulty_engine_is_detected_and_the_case_is_reduced() {
    /// Ignores the buffer after a session.
    fn without_buffer_after(case: &Case) -> Vec<Slot> {
        let mut case = case.clone();
        case.terms.buffer_after_minutes = 0;
        case.slots()
    }
    /// Offers only starts with the offset of the range's first second.
    fn without_changes(case: &Case) -> Vec<Slot> {
        let first = case.rules.time_zone.offset(case.range.start().seconds());
        let found = case.slots().into_iter();
        found.filter(|slot| case.rules.time_zone.offset(slot.start.seconds()) == first).collect()
    }
    let change = at("2027-03-28T01:00:00Z");
    let busy = |hours: i64| TimeSpan::new(change.plus(hours * 3600), change.plus(hours * 3600 + 1800));
    let mut rules = daily("Europe/London", &["00:00-12:00", "13:00-20:00"]);
    rules.extra = vec![extra("2027-03-27", "20:00", "23:00")];
    let case = Case {
        rules,
        terms: SessionTerms {
            buffer_before_minutes: 15,
            buffer_after_minutes: 10,
            daily_cap: Some(90),
            ..terms(30, 15)
        },
        occupied: (-10..10).map(|place| busy(3 * place)).collect(),
        sessions: vec![TimeSpan::new(change, change.plus(HOUR))],
        groups: vec![(change.plus(7200), 2)],
        range: TimeSpan::new(change.plus(-30 * 3600), change.plus(30 * 3600)),
        now: Timestamp::MIN,
    };
    assert_eq!(case.disagreement(Case::slots), None);

    let (small, report) = case.clone().shrunk(without_buffer_after).unwrap();
    let terms = &small.terms;
    assert_eq!((terms.buffer_before_minutes, terms.buffer_after_minutes, terms.daily_cap), (0, 10, None));
    assert_eq!((small.occupied.len(), small.sessions.len(), small.groups.len()), (1, 0, 0));
    let windows: usize = weekdays(&mut small.rules.weekly.clone()).iter().map(|windows| windows.len()).sum();
    assert_eq!(windows + small.rules.extra.len(), 1);
    assert!(small.slots().len() <= 1 && report.contains("only the engine: 1 starts"), "{report}");

    let (small, report) = case.shrunk(without_changes).unwrap();
    assert!(small.occupied.is_empty() && report.contains("only the model:  1 starts"), "{report}");
    assert!(small.range.contains(change) && small.range.seconds() < DAY, "{report}");
    let shown =
        "clock change:    2027-03-28T00:59:59+00:00 (2027-03-28T00:59:59Z) becomes 2027-03-28T02:00:00+01:00";
    assert!(report.contains(shown), "{report}");
}
