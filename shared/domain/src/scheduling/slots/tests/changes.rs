//! Every change of every clock from 1970 to 2040, found by asking chrono-tz for offsets and nothing else.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use chrono::{Offset, TimeZone, Utc};

use super::*;

/// 2040-01-01T00:00:00Z.
const END: i64 = 2_208_988_800;

/// What a clock does at one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClockChange {
    /// The first second with the new offset.
    pub at: i64,
    /// Seconds ahead of UTC until then.
    pub before: i64,
    /// Seconds ahead of UTC from then on.
    pub after: i64,
}

/// Seconds in a week.
const WEEK: i64 = 7 * DAY;

pub fn offset(zone: Zone, second: i64) -> i64 {
    let instant = Utc.timestamp_opt(second, 0).unwrap().naive_utc();
    zone.tz().offset_from_utc_datetime(&instant).fix().local_minus_utc().into()
}

/// The changes of a zone's clock, asked every so many seconds and narrowed down to the second.
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

/// The answer for each of the items, worked out on all cores.
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

/// All zones and their changes, found day by day; that this misses none is a test of its own.
pub fn all() -> &'static [(Zone, Vec<ClockChange>)] {
    static ALL: OnceLock<Vec<(Zone, Vec<ClockChange>)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all = on_all_cores(&all_zones(), |zone| (*zone, changes(*zone, DAY)));
        all.sort_by_key(|(zone, _)| zone.name());
        all
    })
}

/// All changes, those put together that are the same but for a number of whole weeks and have the same other changes
/// within `around` seconds on either side: availability rules know weeks, and nothing of years.
pub fn alike(around: i64) -> Vec<Vec<(Zone, ClockChange)>> {
    let mut alike: BTreeMap<Vec<ClockChange>, Vec<(Zone, ClockChange)>> = BTreeMap::new();
    for (zone, changes) in all() {
        for change in changes {
            let weeks = change.at.div_euclid(WEEK) * WEEK;
            let near = changes.iter().filter(|near| (near.at - change.at).abs() <= around && *near != change);
            let in_week = |change: &ClockChange| ClockChange { at: change.at - weeks, ..*change };
            let key = [change].into_iter().chain(near).map(in_week).collect();
            alike.entry(key).or_default().push((*zone, *change));
        }
    }
    alike.into_values().collect()
}
