//! The limits against a model that knows everything about all appointments of a client.

use proptest::prelude::*;

use super::*;
use crate::experts::policy::{CancellationPolicy, ReschedulePolicy};
use crate::kernel::text::LongText;
use crate::kernel::time::HOUR;
use crate::scheduling::appointment::Attendee;
use crate::scheduling::occupancy::{Entry, Seats};
use crate::scheduling::proposal::Moves;
use crate::{ClientId, Currency, Money, Zone};

const HOLD: i64 = 10 * MINUTE;

fn at(seconds: i64) -> Timestamp {
    let base: Timestamp = "2027-03-05T09:00:00Z".parse().expect("a time");
    base.plus(seconds)
}

fn appointment(
    id: u128,
    expert: u128,
    group: bool,
    start: Timestamp,
    cents: u64,
    now: Timestamp,
) -> Appointment {
    let price = Money::new(cents, Currency::EUR).expect("in range");
    let hold_expires_at = now.plus(HOLD);
    Appointment {
        id: AppointmentId::from_bits(id),
        version: 1,
        expert: ExpertId::from_bits(expert),
        client: ClientId::from_bits(1),
        attendee: Attendee {
            name: "Alan".to_owned().try_into().expect("a name"),
            email: "alan@example.org".to_owned().try_into().expect("an address"),
            time_zone: Zone::UTC,
            note: LongText::default(),
        },
        session_type: SessionTypeId::from_bits(3),
        session_name: "Session".to_owned().try_into().expect("a name"),
        start,
        end: start.plus(HOUR),
        buffer_before_minutes: 0,
        buffer_after_minutes: 0,
        seats: 1,
        group,
        price,
        created_at: now,
        reschedules: 0,
        cancellation: CancellationPolicy::default(),
        rescheduling: ReschedulePolicy::default(),
        no_show_report: None,
        moves: Moves::default(),
        status: if cents == 0 { Status::Confirmed } else { Status::Pending { hold_expires_at } },
    }
}

/// What books an appointment, as the use case tells the rule.
fn booking(appointment: &Appointment, saves_card: bool, now: Timestamp) -> ClientBooking {
    let claim = match appointment.status {
        Status::Pending { hold_expires_at } => Claim::Hold { expires_at: hold_expires_at, saves_card },
        _ => Claim::Free,
    };
    ClientBooking::of(appointment, claim, now)
}

/// All appointments of a client, and the row.
struct World {
    now: Timestamp,
    row: ClientBookings,
    appointments: Vec<Appointment>,
    /// How far the payment of each appointment is if its client only saves a card; `None` for the other ones.
    cards: Vec<Option<PaymentProgress>>,
    limits: BookingLimits,
    /// When holds ended unpaid.
    unpaid: Vec<Timestamp>,
}

impl World {
    fn new() -> Self {
        let limits = BookingLimits { bookings_per_day: 12, ..BookingLimits::default() };
        Self {
            now: at(0),
            row: ClientBookings::none(),
            appointments: Vec::new(),
            cards: Vec::new(),
            limits,
            unpaid: Vec::new(),
        }
    }

    /// Books as the use case does: it looks at the appointments only if the row refuses.
    fn book(
        &mut self,
        expert: u128,
        group: bool,
        start: Timestamp,
        cents: u64,
        saves_card: bool,
    ) -> Result<usize, LimitReached> {
        let number = self.appointments.len();
        let new = appointment(10 + number as u128, expert, group, start, cents, self.now);
        let wanted = booking(&new, saves_card, self.now);
        self.row.forget(self.now);
        if !self.row.allows(&wanted, &self.limits, self.now) {
            for (appointment, card) in self.appointments.iter().zip(&self.cards) {
                self.row.resolve(appointment, card.unwrap_or(PaymentProgress::Paid), self.now);
            }
            self.row.check(&wanted, &self.limits, self.now)?;
        }
        self.row.add(new.id, wanted, self.now);
        self.appointments.push(new);
        self.cards.push(saves_card.then_some(PaymentProgress::Unpaid));
        Ok(number)
    }

    fn advance(&mut self, seconds: i64, expires: bool) {
        self.now = self.now.plus(seconds);
        for appointment in &mut self.appointments {
            if let (true, Ok(expired)) = (expires, appointment.expire(self.now)) {
                *appointment = expired;
            }
        }
        self.note_unpaid();
    }

    fn pay(&mut self, number: usize) {
        // Somebody pays in time.
        if let Some(one) = self.appointments.get_mut(number)
            && matches!(one.status, Status::Pending { hold_expires_at } if self.now < hold_expires_at)
        {
            *one = one.confirm().expect("pending");
        }
    }

    /// The saved card is charged or declined. The second time, the client pays for a declined one with another card.
    fn charge(&mut self, number: usize, works: bool) {
        if let (Some(one), Some(Some(card))) = (self.appointments.get(number), self.cards.get_mut(number))
            && one.status == Status::Confirmed
            && *card != PaymentProgress::Paid
        {
            *card = if works { PaymentProgress::Paid } else { PaymentProgress::CardDeclined };
        }
    }

    /// Whether a saved card was declined and the session is not paid.
    fn has_declined_card(&self) -> bool {
        let declined = |(one, card): &(&Appointment, &Option<PaymentProgress>)| {
            **card == Some(PaymentProgress::CardDeclined) && self.now < one.end.plus(30 * DAY)
        };
        self.appointments.iter().zip(&self.cards).any(|pair| declined(&pair))
    }

    fn cancel(&mut self, number: usize, by: Party) {
        let now = self.now;
        if let Some(one) = self.appointments.get_mut(number)
            && let Ok(cancelled) = one.cancel(by, LongText::default(), now)
        {
            *one = cancelled;
        }
        self.note_unpaid();
    }

    /// Which holds ended without a payment, and when.
    fn note_unpaid(&mut self) {
        self.unpaid = self.appointments.iter().filter_map(|one| self.unpaid_at(one)).collect();
    }

    fn unpaid_at(&self, one: &Appointment) -> Option<Timestamp> {
        match &one.status {
            _ if one.price.is_zero() => None,
            Status::Expired => Some(one.created_at.plus(HOLD)),
            Status::Pending { hold_expires_at } => Some(*hold_expires_at).filter(|end| *end <= self.now),
            Status::Cancelled { cancelled_by: Party::Client, cancelled_at, .. } if one.version == 2 => {
                Some(one.created_at.plus(HOLD).min(*cancelled_at))
            }
            _ => None,
        }
    }

    /// Whether an appointment counts now.
    fn counts(&self, counted: Counted, one: &Appointment, card: Option<PaymentProgress>) -> bool {
        match (counted, &one.status) {
            (Counted::OpenHolds, Status::Pending { hold_expires_at }) => self.now < *hold_expires_at,
            // A hold can be confirmed as long as it is pending.
            (Counted::UnpaidAppointments, Status::Pending { .. } | Status::Confirmed) => {
                card == Some(PaymentProgress::Unpaid) && self.now < one.end
            }
            (Counted::FreeAppointments, Status::Confirmed) => one.price.is_zero() && self.now < one.end,
            _ => false,
        }
    }

    /// The appointments that count now.
    fn counted(&self, counted: Counted) -> impl Iterator<Item = &Appointment> {
        let counts =
            move |pair: &(&Appointment, &Option<PaymentProgress>)| self.counts(counted, pair.0, *pair.1);
        self.appointments.iter().zip(&self.cards).filter(counts).map(|(one, _)| one)
    }

    /// The claims that count now: each as expert and session.
    fn claims(&self, counted: Counted, expert: Option<ExpertId>) -> usize {
        let counted = self.counted(counted);
        let counted = counted.filter(|one| expert.is_none_or(|expert| one.expert == expert));
        let sessions: std::collections::BTreeSet<_> = counted
            .map(|one| {
                if one.group { (one.expert, one.start, None) } else { (one.expert, one.start, Some(one.id)) }
            })
            .collect();
        sessions.len()
    }

    fn booked_today(&self) -> usize {
        let today = |one: &&Appointment| one.created_at.utc_date() == self.now.utc_date();
        self.appointments.iter().filter(today).count()
    }

    /// Whether unpaid holds cause a pause at an instant, if nothing else happens until then.
    fn is_paused(&self, instant: Timestamp) -> bool {
        let ended = self.unpaid.iter().copied();
        let recent: Vec<Timestamp> = ended.filter(|at| instant < at.plus(DAY)).collect();
        let minutes = match recent.len() {
            0 | 1 => return false,
            2 => 10,
            3 => 20,
            4 => 40,
            5 => 80,
            6 => 160,
            7 => 320,
            8 => 640,
            9 => 1_280,
            _ => 1_440,
        };
        recent.iter().max().is_some_and(|last| instant < last.plus(minutes * MINUTE))
    }
}

#[derive(Debug, Clone)]
enum Step {
    Book { expert: u128, group: bool, slot: i64, free: bool, saves_card: bool },
    Pay(prop::sample::Index),
    Charge(prop::sample::Index, bool),
    Cancel(prop::sample::Index, bool),
    Advance(i64, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (1_u128..4, prop::bool::weighted(0.3), 1_i64..40, prop::bool::weighted(0.3), any::<bool>())
            .prop_map(|(expert, group, slot, free, card)| {
                Step::Book { expert, group, slot, free, saves_card: card && !free }
            }),
        2 => any::<prop::sample::Index>().prop_map(Step::Pay),
        1 => (any::<prop::sample::Index>(), prop::bool::weighted(0.8))
            .prop_map(|(index, works)| Step::Charge(index, works)),
        1 => (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(index, by)| Step::Cancel(index, by)),
        3 => (prop_oneof![1_i64..300, Just(HOLD), Just(HOLD - 1), Just(2 * HOUR), Just(DAY)], any::<bool>())
            .prop_map(|(seconds, expires)| Step::Advance(seconds, expires)),
    ]
}

proptest! {
    /// The row allows a booking exactly when the model, which sees all appointments, does.
    #[test]
    fn bookings_are_refused_exactly_when_a_limit_is_reached(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for step in steps {
            match step {
                Step::Book { expert, group, slot, free, saves_card } => {
                    let start = at(30 * DAY + slot * HOUR);
                    let id = ExpertId::from_bits(expert);
                    let same = |one: &Appointment| {
                        group && one.group && (one.expert, one.start) == (id, start)
                    };
                    let fits_in = |counted, with_expert: u16, in_all: u16| {
                        let added = usize::from(!world.counted(counted).any(same));
                        world.claims(counted, Some(id)) + added <= usize::from(with_expert)
                            && world.claims(counted, None) + added <= usize::from(in_all)
                    };
                    let limits = &world.limits;
                    let fits = world.booked_today() < usize::from(limits.bookings_per_day)
                        && (free || !world.is_paused(world.now))
                        && match free {
                            true => fits_in(
                                Counted::FreeAppointments,
                                limits.free_appointments_per_expert,
                                limits.free_appointments,
                            ),
                            false => {
                                fits_in(Counted::OpenHolds, limits.open_holds_per_expert, limits.open_holds)
                            }
                        }
                        && (!saves_card
                            || !world.has_declined_card()
                                && fits_in(
                                    Counted::UnpaidAppointments,
                                    limits.unpaid_appointments_per_expert,
                                    limits.unpaid_appointments,
                                ));
                    let cents = if free { 0 } else { 8_000 };
                    let booked = world.book(expert, group, start, cents, saves_card);
                    prop_assert_eq!(booked.is_ok(), fits, "{:?}", booked);
                    if let Err(LimitReached::UnpaidHolds { again_at, .. }) = booked {
                        prop_assert!(world.is_paused(again_at.plus(-1)) && !world.is_paused(again_at));
                    }
                    if let Err(reached) = booked {
                        prop_assert!(world.now < reached.again_at(), "{:?}", reached);
                    }
                }
                Step::Pay(index) if !world.appointments.is_empty() => {
                    world.pay(index.index(world.appointments.len()));
                }
                Step::Charge(index, works) if !world.appointments.is_empty() => {
                    world.charge(index.index(world.appointments.len()), works);
                }
                Step::Cancel(index, by_client) if !world.appointments.is_empty() => {
                    let by = if by_client { Party::Client } else { Party::Expert };
                    world.cancel(index.index(world.appointments.len()), by);
                }
                Step::Pay(_) | Step::Charge(..) | Step::Cancel(..) => {}
                Step::Advance(seconds, expires) => world.advance(seconds, expires),
            }
        }
    }
}

fn hold(world: &mut World, expert: u128, slot: i64) -> Result<usize, LimitReached> {
    world.book(expert, false, at(30 * DAY + slot * HOUR), 8_000, false)
}

/// Books a session for which a card is saved, and saves it.
fn save_card(world: &mut World, expert: u128, day: i64) -> Result<usize, LimitReached> {
    let number = world.book(expert, false, at(day * DAY), 8_000, true)?;
    world.pay(number);
    Ok(number)
}

#[test]
fn sessions_that_are_paid_later_are_limited_until_they_are_paid() {
    let mut world = World::new();
    for day in 30..33 {
        save_card(&mut world, 1, day).expect("within the limit");
    }
    let again_at = at(30 * DAY + HOUR);
    let with_expert = LimitReached::UnpaidAppointments { limit: 3, with_expert: true, again_at };
    assert_eq!(save_card(&mut world, 1, 33), Err(with_expert));
    hold(&mut world, 1, 9).map(|number| world.pay(number)).expect("it is paid at once");
    for day in 33..36 {
        save_card(&mut world, 2, day).expect("within the limit");
    }
    let in_all = LimitReached::UnpaidAppointments { limit: 6, with_expert: false, again_at };
    assert_eq!(save_card(&mut world, 3, 36), Err(in_all));
    // A move keeps the place, also after the hold no longer counts.
    let (start, end) = (at(50 * DAY), at(50 * DAY + HOUR));
    let moved = Appointment { start, end, version: 3, ..world.appointments[0].clone() };
    world.row.relocate(&moved, world.cards[0], world.now);
    world.appointments[0] = moved;
    world.advance(DAY, true);
    let again_at = at(31 * DAY + HOUR);
    let with_expert = LimitReached::UnpaidAppointments { limit: 3, with_expert: true, again_at };
    assert_eq!(save_card(&mut world, 1, 33), Err(with_expert));
    world.charge(1, true);
    save_card(&mut world, 1, 33).expect("one is paid");
    world.cancel(2, Party::Client);
    save_card(&mut world, 1, 34).expect("one is cancelled");
}

#[test]
fn no_card_is_saved_after_one_was_declined_until_the_client_pays() {
    let mut world = World::new();
    let number = save_card(&mut world, 1, 30).expect("the first one");
    world.advance(20 * DAY, true);
    world.charge(number, false);
    let declined = LimitReached::CardDeclined { again_at: at(60 * DAY + HOUR) };
    assert_eq!((declined.limit(), declined.again_at()), (0, at(60 * DAY + HOUR)));
    assert_eq!(save_card(&mut world, 2, 70), Err(declined.clone()));
    hold(&mut world, 2, 9).map(|number| world.pay(number)).expect("it is paid at once");
    world.cancel(number, Party::Platform);
    for days in [DAY, 39 * DAY + 59 * MINUTE] {
        world.advance(days, true);
        assert_eq!(save_card(&mut world, 2, 70), Err(declined.clone()), "{:?}", world.now);
    }
    world.advance(MINUTE, true);
    let again = save_card(&mut world, 2, 70).expect("it was long ago");
    world.charge(again, false);
    assert!(save_card(&mut world, 3, 80).is_err());
    world.charge(again, true);
    save_card(&mut world, 3, 80).expect("the client has paid");
}

#[test]
fn third_hold_and_second_one_with_an_expert_are_refused() {
    let mut world = World::new();
    hold(&mut world, 1, 1).expect("the first hold");
    let again_at = at(HOLD);
    let with_expert = LimitReached::OpenHolds { limit: 1, with_expert: true, again_at };
    assert_eq!(hold(&mut world, 1, 2), Err(with_expert));
    world.advance(60, true);
    hold(&mut world, 2, 2).expect("the second hold");
    let in_all = LimitReached::OpenHolds { limit: 2, with_expert: false, again_at };
    assert_eq!(hold(&mut world, 3, 3), Err(in_all.clone()));
    assert_eq!((in_all.limit(), in_all.again_at()), (2, again_at));
    // What is paid no longer counts.
    world.pay(0);
    hold(&mut world, 1, 3).expect("one hold is paid");
}

#[test]
fn pause_doubles_with_each_unpaid_hold_up_to_a_day() {
    let mut world =
        World { limits: BookingLimits { bookings_per_day: 100, ..BookingLimits::default() }, ..World::new() };
    let mut pauses = Vec::new();
    // A cancellation of a hold counts like its expiry.
    for slot in 0..14 {
        if let Err(LimitReached::UnpaidHolds { again_at, .. }) = hold(&mut world, 1, slot) {
            pauses.push((again_at.seconds() - world.now.seconds()) / MINUTE);
            // A hold is possible at that instant and not a second before.
            world.advance(again_at.seconds() - world.now.seconds() - 1, true);
            assert!(hold(&mut world, 1, slot).is_err());
            world.advance(1, true);
            hold(&mut world, 1, slot).expect("the pause is over");
        }
        let number = world.appointments.len() - 1;
        world.cancel(number, Party::Client);
    }
    assert_eq!(pauses[..7], [10, 20, 40, 80, 160, 320, 640]);
    // Later, the first ones no longer count.
    assert!(pauses.iter().all(|pause| *pause <= 1_440), "{pauses:?}");
}

#[test]
fn hold_that_could_not_be_paid_or_that_the_expert_cancelled_is_not_held_against_the_client() {
    let mut world = World::new();
    for slot in 0..3 {
        let number = hold(&mut world, 1, slot).expect("no pause");
        world.cancel(number, Party::Expert);
    }
    world.limits.bookings_per_day = 100;
    for slot in 3..6 {
        let number = hold(&mut world, 1, slot).expect("no pause");
        let released = world.appointments[number].hold_released().expect("pending");
        world.row.resolve(&released, PaymentProgress::NotOpened, world.now);
        world.appointments[number] = released;
    }
    assert_eq!((world.row.unpaid.len(), world.row.bookings.len()), (0, 0));
}

#[test]
fn client_has_at_most_four_open_proposals() {
    let (mut row, limits) = (ClientBookings::none(), BookingLimits::default());
    for hour in 0..4 {
        row.add_proposal(&limits, at(hour * HOUR)).expect("within the limit");
    }
    assert_eq!((row.version, row.proposed.len()), (4, 4));
    let again_at = at(48 * HOUR);
    let refused = Err(LimitReached::Proposals { limit: 4, again_at });
    assert_eq!(row.add_proposal(&limits, at(4 * HOUR)), refused);
    assert_eq!(row.add_proposal(&limits, again_at.plus(-1)), refused);
    row.add_proposal(&limits, again_at).expect("the first one is over");
    let again_at = at(49 * HOUR);
    assert_eq!(row.add_proposal(&limits, at(48 * HOUR)), Err(LimitReached::Proposals { limit: 4, again_at }));
}

#[test]
fn attempts_of_an_address_are_counted_until_midnight() {
    let limits = BookingLimits::default();
    assert_eq!(check_attempts(100, &limits, at(0)), Ok(()));
    let again_at = "2027-03-06T00:00:00Z".parse().expect("a time");
    assert_eq!(
        check_attempts(101, &limits, at(0)),
        Err(LimitReached::AttemptsOfAddress { limit: 100, again_at })
    );
}

#[test]
fn moved_free_appointment_counts_until_its_new_end() {
    let mut world = World::new();
    for slot in 1..4 {
        world.book(1, false, at(slot * HOUR), 0, false).expect("a free session");
    }
    let later = at(20 * DAY);
    let moved =
        Appointment { start: later, end: later.plus(HOUR), version: 2, ..world.appointments[0].clone() };
    world.row.relocate(&moved, None, world.now);
    world.appointments[0] = moved;
    world.advance(DAY, true);
    world.book(1, false, at(21 * DAY), 0, false).expect("two have ended");
    world.book(1, false, at(22 * DAY), 0, false).expect("two have ended");
    let again_at = later.plus(HOUR);
    assert_eq!(
        world.book(1, false, at(23 * DAY), 0, false),
        Err(LimitReached::FreeAppointments { limit: 3, with_expert: true, again_at })
    );
}

#[test]
fn seats_that_nobody_has_paid_count_apart_once_they_are_moved() {
    let limits = BookingLimits::default();
    for (cents, claim) in [(0, Claim::Free), (8_000, Claim::CardSaved), (8_000, Claim::Paid)] {
        let mut row = ClientBookings::none();
        let seats: Vec<Appointment> = (1..6)
            .map(|id| Appointment {
                status: Status::Confirmed,
                ..appointment(id, 1, true, at(20 * DAY), cents, at(0))
            })
            .collect();
        for seat in &seats {
            row.add(seat.id, ClientBooking::of(seat, claim, at(0)), at(0));
        }
        let moves = seats.iter().enumerate().map(|(number, seat)| {
            let start = at(21 * DAY).plus(number as i64 * HOUR);
            let moved = Appointment { start, end: start.plus(HOUR), ..seat.clone() };
            let checked = row.check_separation(&moved, &limits, at(0));
            if checked.is_ok() {
                row.bookings.insert(moved.id, ClientBooking::of(&moved, claim, at(0)));
            }
            checked.is_ok()
        });
        let moved = moves.filter(|moved| *moved).count();
        // Two apart and those that are left are three appointments, the most with one expert.
        assert_eq!(moved, if claim == Claim::Paid { 5 } else { 2 }, "{claim:?}");
    }
}

#[test]
fn seats_that_are_not_paid_are_counted() {
    let until = |expires_at| Claim::Hold { expires_at, saves_card: true };
    let claims = [
        (Claim::Free, None, true),
        (Claim::CardSaved, None, true),
        (Claim::CardDeclined, None, true),
        (until(at(HOLD)), Some(at(HOLD)), true),
        // The hold has ended, so others can take the seats.
        (until(at(0)), Some(at(0)), false),
        (Claim::Paid, None, false),
    ];
    let (mut row, mut seats, mut expected) = (ClientBookings::none(), BTreeMap::new(), BTreeMap::new());
    for (number, (claim, hold_expires_at, counts)) in (1_u16..).zip(claims) {
        let booked = appointment(number.into(), 1, true, at(20 * DAY), 8_000, at(0));
        row.bookings.insert(booked.id, ClientBooking::of(&booked, claim, at(0)));
        seats.insert(booked.id, Seats { count: number, hold_expires_at, proposed: false });
        expected.extend(counts.then_some((booked.id, number)));
    }
    // Another client's.
    seats.insert(AppointmentId::from_bits(99), Seats { count: 9, hold_expires_at: None, proposed: false });
    let entry = Entry {
        session_type: SessionTypeId::from_bits(3),
        start: at(20 * DAY),
        end: at(20 * DAY + HOUR),
        buffer_before_minutes: 0,
        buffer_after_minutes: 0,
        hold_expires_at: None,
    };
    let group = GroupSession { version: 1, entry, capacity: 200, seats };
    assert_eq!(row.unpaid_seats(&group, at(0)), expected);
}
