//! Invariants of moves and proposals: what both sides get back, and what is held.

use domain::scheduling::proposal::{Proposal, ProposalState};

use super::*;

/// How long after a request its write may take effect, in seconds.
const DELAY: i64 = 45;

/// The appointment at each time that is held for its proposal, with the end of the hold.
pub(super) fn held_sessions(appointment: &Appointment) -> Vec<(Appointment, Timestamp)> {
    let open = open(appointment);
    let times = open.into_iter().flat_map(|open| open.times.iter().map(|time| (*time, open.expires_at)));
    times
        .map(|(time, expires_at)| {
            let mut held = appointment.clone();
            (held.start, held.end, held.group) = (time.start, time.end, time.group);
            held.buffer_before_minutes = time.buffer_before_minutes;
            held.buffer_after_minutes = time.buffer_after_minutes;
            (held, expires_at)
        })
        .collect()
}

/// The proposal that is not closed, even if its time is over.
fn open(appointment: &Appointment) -> Option<&Proposal> {
    appointment.moves.proposal.as_ref().filter(|proposal| proposal.state == ProposalState::Open)
}

/// What [`AppointmentState`] keeps of a proposal.
pub(super) fn held(appointment: &Appointment) -> Option<HeldProposal> {
    let open = open(appointment)?;
    let held = held_sessions(appointment);
    let times = held.iter().map(|(held, _)| (held.session_span(), held.occupied_span())).collect();
    Some(HeldProposal { by: open.by, times, expires_at: open.expires_at })
}

/// The proposed sessions of a state, as holds.
pub(super) fn as_holds(state: &AppointmentState) -> Vec<AppointmentState> {
    let Some(HeldProposal { times, expires_at, .. }) = &state.proposed else { return Vec::new() };
    let status = Status::Pending { hold_expires_at: *expires_at };
    let hold = |(session, occupied): &(TimeSpan, TimeSpan)| AppointmentState {
        session: *session,
        occupied: *occupied,
        status: status.clone(),
        proposed: None,
        ..state.clone()
    };
    times.iter().map(hold).collect()
}

/// The proposal that was accepted with this change.
pub(super) fn accepted<'a>(before: &'a Appointment, now: &Appointment) -> Option<&'a Proposal> {
    let start = match now.moves.proposal.as_ref()?.state {
        ProposalState::Accepted { start } => start,
        _ => return None,
    };
    open(before).filter(|_| start == now.start && before.start != now.start)
}

/// The event that a change without another status requires.
pub(super) fn event_for(before: &Appointment, now: &Appointment) -> Option<&'static str> {
    let (earlier, last) = (&before.moves.proposal, &now.moves.proposal);
    if before.start != now.start {
        return Some("appointment.rescheduled");
    }
    if earlier == last {
        return None;
    }
    Some(match last.as_ref()?.state {
        ProposalState::Open => "appointment.proposed",
        ProposalState::Declined => "appointment.proposal_declined",
        ProposalState::Withdrawn => "appointment.proposal_withdrawn",
        ProposalState::Expired => "appointment.proposal_expired",
        ProposalState::Accepted { .. } => "appointment.rescheduled",
    })
}

/// Whether a client can cancel with a full refund, because they did not accept a proposal of the expert.
pub(super) fn is_free_to_cancel(core: &Core, appointment: &Appointment, at: i64) -> bool {
    let is_over = |open: &Proposal| open.by == Party::Expert && open.expires_at.seconds() <= at;
    core.unaccepted.contains(&appointment.id) || open(appointment).is_some_and(is_over)
}

/// The share of the price that a client gets back who cancels, in percent.
fn share(core: &Core, appointment: &Appointment, at: i64) -> u8 {
    match is_free_to_cancel(core, appointment, at) {
        true => 100,
        false => policy::refund_percent(appointment, at),
    }
}

/// What a client can get back at once: by cancelling, or by declining the proposal of the expert first.
fn entitlement(appointment: &Appointment, at: Timestamp) -> u64 {
    let can_decline = open(appointment).is_some_and(|open| open.by == Party::Expert);
    match can_decline {
        true => appointment.price.amount(),
        false => appointment.cancellation_quote(Party::Client, at).refund.amount(),
    }
}

/// Checks a change of an appointment.
pub(super) fn check(core: &mut Core, before: &Appointment, now: &Appointment, violations: &mut Vec<String>) {
    let (id, at) = (now.id, core.instant());
    let (earlier, last) = (&before.moves.proposal, &now.moves.proposal);
    let is_proposed = earlier != last && open(now).is_some();
    if before.start != now.start {
        check_move(core, before, now, violations);
        core.unaccepted.remove(&id);
        return;
    }
    if before.status != now.status {
        if open(now).is_some() && !now.status.is_active() && !now.status.has_outcome() {
            violations.push(format!("{id} is {} and still has an open proposal", now.status.as_str()));
        }
        return;
    }
    if let Some(open) = open(now).filter(|_| is_proposed) {
        check_proposal(core, before, now, open, violations);
    }
    let is_closed = |one: &Proposal| {
        one.by == Party::Expert && (is_proposed || !matches!(one.state, ProposalState::Accepted { .. }))
    };
    // A new proposal replaces one that expired, or that was closed before.
    let closed = if is_proposed { earlier } else { last };
    let closed = closed.as_ref().filter(|one| earlier != last && is_closed(one));
    if closed.is_some_and(|one| !matches!(one.state, ProposalState::Accepted { .. })) {
        core.unaccepted.insert(id);
    }
    // Clients cancel and accept; nothing else lowers what they get back.
    if now.status == Status::Confirmed && entitlement(now, at) < entitlement(before, at) {
        violations.push(format!("{id} refunds less after a proposal, or after its end"));
    }
}

fn check_move(core: &Core, before: &Appointment, now: &Appointment, violations: &mut Vec<String>) {
    let (id, at) = (now.id, core.instant());
    let asked = at.plus(-DELAY).seconds();
    let accepted = accepted(before, now);
    match accepted {
        Some(proposal) if proposal.price != now.price => {
            violations.push(format!("{id} costs {} and not {}", now.price, proposal.price));
        }
        Some(_) => {}
        None => terms::check_price_of_move(core, before, now.price, violations),
    }
    if accepted.is_some_and(|proposal| proposal.by == Party::Expert) {
        if core.agreed.get(&id) != Some(&now.cancellation) {
            violations.push(format!("{id} has another policy after an accepted proposal of the expert"));
        }
        return;
    }
    let mut most = share(core, before, asked).max(share(core, before, at.seconds()));
    if let Some(proposal) = accepted {
        most = most.min(share(core, before, proposal.created_at.seconds()));
    }
    if now.cancellation.tiers.iter().any(|tier| tier.refund_percent.value() > most) {
        violations.push(format!("{id} refunds more after its client has rescheduled it"));
    }
}

fn check_proposal(
    core: &Core,
    before: &Appointment,
    now: &Appointment,
    proposal: &Proposal,
    violations: &mut Vec<String>,
) {
    let id = now.id;
    let most = if proposal.by == Party::Client { 2 } else { 5 };
    if proposal.by == Party::Platform || !(1..=most).contains(&proposal.times.len()) {
        violations.push(format!("{:?} proposed {} starts for {id}", proposal.by, proposal.times.len()));
    }
    let earliest = proposal.starts().chain([now.start]).min().unwrap_or(now.start);
    if proposal.expires_at > proposal.created_at.plus(2 * DAY).min(earliest) {
        violations.push(format!("a proposal for {id} expires at {}, which is late", proposal.expires_at));
    }
    // What the client would get back does not fall before the expert accepts.
    for tier in now.cancellation.tiers.iter().filter(|_| proposal.by == Party::Client) {
        let falls = |start: Timestamp| start.plus(-HOUR * i64::from(tier.until_hours_before));
        for at in proposal.starts().chain([now.start]).map(falls) {
            if proposal.created_at < at && at < proposal.expires_at {
                violations
                    .push(format!("a proposal of the client of {id} outlives a refund that falls at {at}"));
            }
        }
    }
    let (of_expert, of_client) = (now.moves.proposed_by_expert, now.moves.proposed_by_client);
    let counted = before.moves.proposed_by_expert + before.moves.proposed_by_client + 1;
    if of_expert.max(of_client) > 5 || of_expert + of_client != counted {
        violations.push(format!("{id} has {of_expert} and {of_client} proposals"));
    }
    // Clocks differ.
    let still = proposal.created_at.plus(CLOCK_SKEW);
    if open(before).is_some_and(|earlier| still < earlier.expires_at) {
        violations.push(format!("{id} has a second proposal"));
    }
    terms::check_price_of_move(core, before, proposal.price, violations);
}

/// The largest difference of two clocks, in seconds.
const CLOCK_SKEW: i64 = 60;
