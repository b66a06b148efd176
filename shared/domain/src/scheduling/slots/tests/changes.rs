//! Every clock change from 1970 to 2040, found with nothing but chrono-tz's offsets.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use chrono::{Offset, TimeZone, Utc};

use super::*;

/// 2040-01-01T00:00:00Z.
const END: i64 = 2_208_988_800;

/// A change of a clock's offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClockChange {
    /// The first second with the new offset.
    pub at: i64,
    /// The offset before, in seconds ahead of UTC.
    pub before: i64,
    /// The offset after, in seconds ahead of UTC.
    pub after: i64,
}

/// Seconds in a week.
const WEEK: i64 = 7 * DAY;

pub fn offset(zone: Zone, second: i64) -> i64 {
    let instant = Utc.timestamp_opt(second, 0).unwrap().naive_utc();
    zone.tz().offset_from_utc_datetime(&instant).fix().local_minus_utc().into()
}

/// Finds the changes of a zone's clock: samples the offset every `stride` seconds, and narrows each change down to
/// the second.
pub fn changes(zone: Zone, stride: i64) -> Vec<ClockChange> {
    let mut found = Vec::new();
    let mut known = (0, offset(zone, 0));
    while known.0 < END {
        let next = known.0 + stride;
        let now = offset(zone, next);
        if now != known.1 {
            let (mut low, mut high) = (known.0, next);
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                if offset(zone, middle) == known.1 { low = middle } else { high = middle }
            }
            found.push(ClockChange { at: high, before: known.1, after: now });
        }
        known = (next, now);
    }
    found
}

pub fn all_zones() -> Vec<Zone> {
    chrono_tz::TZ_VARIANTS.iter().map(|tz| tz.name().parse().unwrap()).collect()
}

/// Applies `work` to each item, on all cores.
pub fn on_all_cores<I: Sync, O: Send>(items: &[I], work: impl Fn(&I) -> O + Sync) -> Vec<O> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push(work(item));
        }
        done
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

/// All zones and their changes, found with one sample per day. Another test checks that none is missed.
pub fn all() -> &'static [(Zone, Vec<ClockChange>)] {
    static ALL: OnceLock<Vec<(Zone, Vec<ClockChange>)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all = on_all_cores(&all_zones(), |zone| (*zone, changes(*zone, DAY)));
        all.sort_by_key(|(zone, _)| zone.name());
        all
    })
}

/// All changes in groups. Two changes are in the same group if they differ only by a whole number of weeks and have
/// the same other changes within `around` seconds. Availability rules depend on weeks, but not on years.
pub fn equivalent(around: i64) -> Vec<Vec<(Zone, ClockChange)>> {
    let mut groups: BTreeMap<Vec<ClockChange>, Vec<(Zone, ClockChange)>> = BTreeMap::new();
    for (zone, changes) in all() {
        for change in changes {
            let weeks = change.at.div_euclid(WEEK) * WEEK;
            let near = changes.iter().filter(|near| (near.at - change.at).abs() <= around && *near != change);
            let in_week = |change: &ClockChange| ClockChange { at: change.at - weeks, ..*change };
            let key = [change].into_iter().chain(near).map(in_week).collect();
            groups.entry(key).or_default().push((*zone, *change));
        }
    }
    groups.into_values().collect()
}
