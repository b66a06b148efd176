//! A day and a group session fit in one row of the table, regardless of how much is booked.

use super::*;
use crate::experts::session_type::MAX_CAPACITY;

/// The maximum size of a row in DynamoDB, in bytes.
const MAX_BYTES: usize = 400 * 1_024;

/// An upper bound for the size of an entry or a seat: a name with an id and a start, a second id, and six numbers
/// with at most 21 bytes each and one byte for the type.
const ENTRY_BYTES: usize = 2 * 30 + 22 + 6 * 22 + 4;

#[test]
fn day_with_a_session_every_minute_fits_in_a_row() {
    let session_type = with(1, |terms| {
        terms.length_minutes = 1;
        terms.step_minutes = 1;
    });
    // The starts are offset from the minutes of UTC, so that one session extends into the day from the day before.
    let rules = always("Africa/Monrovia");
    let midnight = at("1971-06-02T00:00:00Z");
    let mut table = Table::default();
    for minute in 0..=1_440 {
        let start = midnight.plus(minute * MINUTE - 30);
        // Expired holds stay until another booking needs their time, so they count too.
        let request = request(minute as u128 + 1, &session_type, start, Some(Timestamp::MIN.plus(1)));
        table.hold(&rules, &request, Timestamp::MIN).unwrap();
    }
    let day = &table.days[&date("1971-06-02")];
    assert_eq!(day.entries.len(), 1_441);
    assert!(day.entries.len() * ENTRY_BYTES < MAX_BYTES);

    // Every further hold reclaims others.
    let hour = with(2, |terms| terms.step_minutes = 1);
    let start = midnight.plus(12 * HOUR - 30);
    let held = table.hold(&rules, &request(9_999, &hour, start, None), Timestamp::MIN.plus(1)).unwrap();
    assert_eq!(held.change.reclaimed.len(), 60);
    assert_eq!(table.days[&date("1971-06-02")].entries.len(), 1_441 - 59);
}

#[test]
fn full_group_session_fits_in_a_row() {
    let session_type = with(1, |terms| terms.capacity = MAX_CAPACITY);
    let (start, now) = (at("2027-03-01T10:00:00Z"), at("2027-02-01T10:00:00Z"));
    let mut table = Table::default();
    // The seats are booked three times. Later bookings reclaim the expired seats.
    for round in 0..3 {
        let now = now.plus(round * DAY);
        for seat in 0..i64::from(MAX_CAPACITY) {
            let bits = (round * 1_000 + seat + 1) as u128;
            table.hold(&utc(), &request(bits, &session_type, start, Some(now.plus(HOUR))), now).unwrap();
        }
        let refused = table.hold(&utc(), &request(9_999, &session_type, start, None), now).unwrap_err();
        assert_eq!(refused, Refusal::Seats { wanted: 1, left: 0 });
        let [group] = table.groups.values().collect::<Vec<_>>()[..] else { panic!("expected one session") };
        assert_eq!(group.seats.len(), usize::from(MAX_CAPACITY));
        assert!((group.seats.len() + 1) * ENTRY_BYTES < MAX_BYTES);
    }
}
