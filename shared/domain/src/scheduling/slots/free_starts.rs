//! A bitmap of the starts that occupied time removes.

use crate::experts::duration::SessionTerms;
use crate::kernel::time::{MINUTE, TimeSpan, Timestamp};

use super::{Run, Slot, length, step};

/// A bitmap with one bit for each multiple of a time unit after `origin`. A bit is set if a session that starts then,
/// with its buffers, would overlap occupied time.
///
/// The unit is the largest one of which all starts of the runs are multiples. Usually it is the step of the grid, so
/// that one word of the bitmap covers 64 starts.
pub(super) struct FreeStarts {
    origin: i64,
    unit: i64,
    /// The number of units between two starts.
    stride: usize,
    /// A word in which every `stride`th bit is set, beginning with bit 0.
    pattern: u64,
    taken: Vec<u64>,
}

impl FreeStarts {
    /// Marks the starts of `runs` that `occupied` removes. The runs must be in order. Returns `None` if there are no
    /// runs.
    pub(super) fn of(runs: &[Run], terms: &SessionTerms, occupied: &[TimeSpan]) -> Option<Self> {
        let step = step(terms);
        let (origin, last) = (runs.first()?.first, runs.last()?.last(terms));
        let unit = runs.iter().fold(step, |unit, run| greatest_common_divisor(unit, run.first - origin));
        let units = (last - origin) / unit + 1;
        let mut taken = vec![0; usize::try_from(units / 64).ok()? + 1];
        let stride = usize::try_from(step / unit).ok()?;
        let pattern = (0..64).step_by(stride).fold(0, |pattern, bit| pattern | 1 << bit);

        // A span removes the starts strictly between (span start − length − buffer after) and (span end + buffer
        // before). The first removed unit is therefore the lower bound rounded down, plus one. The first remaining
        // unit is the upper bound rounded up.
        let first_shift = unit - origin - length(terms) - i64::from(terms.buffer_after_minutes) * MINUTE;
        let end_shift = unit - 1 - origin + i64::from(terms.buffer_before_minutes) * MINUTE;
        let to_units = Reciprocal::of(unit);
        for span in occupied.iter().filter(|span| !span.is_empty()) {
            let first = (span.start().seconds() + first_shift).max(0);
            let end = (span.end().seconds() + end_shift).min(units * unit);
            if first < end {
                set(&mut taken, to_units.quotient(first), to_units.quotient(end));
            }
        }
        Some(Self { origin, unit, stride, pattern, taken })
    }

    /// Adds the starts of a run that are free.
    pub(super) fn push(&self, run: &Run, seats: u16, slots: &mut Vec<Slot>) {
        let Ok(first) = usize::try_from((run.first - self.origin) / self.unit) else { return };
        let last = first + (run.count - 1) * self.stride;
        // The position, in the current word, of the run's first possible start.
        let mut bit = first % 64;
        let mut word_start = run.first - i64::try_from(bit).unwrap_or(0) * self.unit;
        let words = first / 64..=last / 64;
        for (word, taken) in words.clone().zip(self.taken.get(words).unwrap_or_default()) {
            let mut free = if bit < 64 { self.pattern << bit & !taken } else { 0 };
            if word == last / 64 {
                free &= u64::MAX >> (63 - last % 64);
            }
            if free == u64::MAX {
                let start = |at: i64| Timestamp::from_seconds_unchecked(word_start + at * self.unit);
                slots.extend((0..64).map(|at| Slot { start: start(at), seats }));
            } else {
                while free != 0 {
                    let start = word_start + i64::from(free.trailing_zeros()) * self.unit;
                    slots.push(Slot { start: Timestamp::from_seconds_unchecked(start), seats });
                    free &= free - 1;
                }
            }
            bit = (bit + self.stride - 64 % self.stride) % self.stride;
            word_start += 64 * self.unit;
        }
    }
}

/// Sets the bits from `first` to `end`, exclusive.
fn set(words: &mut [u64], first: usize, end: usize) {
    if first >= end {
        return;
    }
    let last = end - 1;
    let from_first = u64::MAX << (first % 64);
    let to_last = u64::MAX >> (63 - last % 64);
    if first / 64 == last / 64 {
        if let Some(word) = words.get_mut(first / 64) {
            *word |= from_first & to_last;
        }
    } else if let Some([word, between @ .., last_word]) = words.get_mut(first / 64..=last / 64) {
        *word |= from_first;
        between.fill(u64::MAX);
        *last_word |= to_last;
    }
}

fn greatest_common_divisor(mut one: i64, mut other: i64) -> i64 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

/// Fast repeated division by the same number, as a multiplication.
struct Reciprocal(u64);

impl Reciprocal {
    /// Prepares division by `divisor`, from 1 to 2³¹.
    fn of(divisor: i64) -> Self {
        Self((1 << 63) / divisor.unsigned_abs().max(1) + 1)
    }

    /// Returns the quotient rounded down, for dividends from 0 to 2³¹.
    ///
    /// The reciprocal is too large by at most 1 in 2⁶³, so the product is too large by less than 2³¹ in 2⁶³. This is
    /// less than the distance to the next whole quotient.
    fn quotient(&self, dividend: i64) -> usize {
        ((u128::from(self.0) * u128::from(dividend as u64)) >> 63) as usize
    }
}
