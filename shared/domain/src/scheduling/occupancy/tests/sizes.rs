//! A day and a group session stay within one row of the table, however much is booked.

use super::*;
use crate::experts::session_type::MAXIMUM_CAPACITY;

/// Most bytes of a row in DynamoDB.
const MOST_BYTES: usize = 400 * 1_024;

/// More bytes than any entry or seat takes: an id and a start as the name, a second id, and six numbers, each at most 21
/// bytes and one for its type.
const ENTRY_BYTES: usize = 2 * 30 + 22 + 6 * 22 + 4;

#[test]
fn a_day_has_no_more_entries_than_minutes_and_fits_in_a_row() {
    let kind = with(1, |terms| {
        terms.length_minutes = 1;
        terms.step_minutes = 1;
    });
    // The starts are not those of UTC's minutes, so that one session reaches in from the day before.
    let rules = always("Africa/Monrovia");
    let midnight = at("1971-06-02T00:00:00Z");
    let mut table = Table::default();
    for minute in 0..=1_440 {
        let start = midnight.plus(minute * MINUTE - 30);
        // Holds that are over stay until somebody wants their time, so they count too.
        let request = request(minute as u128 + 1, &kind, start, Some(Timestamp::MIN.plus(1)));
        table.hold(&rules, &request, Timestamp::MIN).unwrap();
    }
    let day = &table.days[&date("1971-06-02")];
    assert_eq!(day.entries.len(), 1_441);
    assert!(day.entries.len() * ENTRY_BYTES < MOST_BYTES);

    // Whatever comes now takes the place of others.
    let hour = with(2, |terms| terms.step_minutes = 1);
    let start = midnight.plus(12 * HOUR - 30);
    let held = table.hold(&rules, &request(9_999, &hour, start, None), Timestamp::MIN.plus(1)).unwrap();
    assert_eq!(held.change.reclaimed.len(), 60);
    assert_eq!(table.days[&date("1971-06-02")].entries.len(), 1_441 - 59);
}

#[test]
fn a_group_session_has_no_more_seats_than_its_capacity_and_fits_in_a_row() {
    let kind = with(1, |terms| terms.capacity = MAXIMUM_CAPACITY);
    let (start, now) = (at("2027-03-01T10:00:00Z"), at("2027-02-01T10:00:00Z"));
    let mut table = Table::default();
    // Three times over: who comes later takes the seats of those whose time is over.
    for round in 0..3 {
        let now = now.plus(round * DAY);
        for seat in 0..i64::from(MAXIMUM_CAPACITY) {
            let bits = (round * 1_000 + seat + 1) as u128;
            table.hold(&utc(), &request(bits, &kind, start, Some(now.plus(HOUR))), now).unwrap();
        }
        let refused = table.hold(&utc(), &request(9_999, &kind, start, None), now).unwrap_err();
        assert_eq!(refused, Refusal::Seats { wanted: 1, left: 0 });
        let [group] = table.groups.values().collect::<Vec<_>>()[..] else { panic!("one session") };
        assert_eq!(group.seats.len(), usize::from(MAXIMUM_CAPACITY));
        assert!((group.seats.len() + 1) * ENTRY_BYTES < MOST_BYTES);
    }
}
