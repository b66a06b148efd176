//! Proposals: one side of an appointment proposes other times for the session, and the other side decides.
//!
//! All proposed times are held until the proposal expires, so each of them can be accepted. The old time stands until then. Nothing
//! that the expert does lowers the client's refund, except accepting the client's own proposal:
//! - An accepted proposal of the expert has the cancellation policy as agreed at booking, because a client who declines it gets
//!   everything back.
//! - After a proposal of the expert that the client does not accept, the client can cancel with a full refund, until the session is
//!   moved or begins. That is so if the client declines it, if it expires, and if the expert withdraws it: a client who waited for
//!   its end must not lose by it.
//! - An accepted proposal of the client is a move by the client: the share that a cancellation would refund at that
//!   moment becomes the most that any tier refunds.

use crate::experts::policy::{CancellationPolicy, Percent};
use crate::kernel::text::LongText;
use crate::kernel::time::{HOUR, MINUTE};
use crate::scheduling::appointment::{Appointment, BookedTime, ChangeRefusal, Status};
use crate::scheduling::cancellation::reached_share;
use crate::scheduling::party::Party;
use crate::{Money, TimeSpan, Timestamp};

/// The maximum number of starts that an expert proposes at a time.
pub const MAX_STARTS_OF_EXPERT: usize = 5;
/// The maximum number of starts that a client proposes at a time. They hold the expert's time.
pub const MAX_STARTS_OF_CLIENT: usize = 2;
/// The maximum number of proposals of each side for one appointment.
pub const MAX_PROPOSALS: u16 = 5;
/// A proposal of a start that is further ahead is accepted at least this many minutes before it, whatever the notice of a booking
/// is: the side that proposed it must have a chance to know.
pub const ACCEPTANCE_NOTICE_MINUTES: u32 = 60;
/// A proposal is open for at most this many hours.
pub const MAX_OPEN_HOURS: i64 = 48;

/// Other times for a session, as one side proposed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The side that proposed: the expert or the client.
    pub by: Party,
    /// The proposed times, as they are held in the occupancy.
    pub times: Vec<BookedTime>,
    /// The price of all seats together if one of the times is accepted; at most the price of the appointment.
    pub price: Money,
    /// A message to the other side; may be empty.
    pub message: LongText,
    /// When the times were proposed.
    pub created_at: Timestamp,
    /// The instant from which the proposal can no longer be accepted.
    pub expires_at: Timestamp,
    /// The share of the price that the client would have got back by cancelling when the times were proposed.
    pub refund_share: Percent,
    /// What became of it. An open proposal whose time is over is [expired](Self::state_at), even if no job has written so yet.
    pub state: ProposalState,
}

/// What became of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProposalState {
    /// The other side can accept or decline it.
    Open,
    /// The session was moved to one of the proposed times.
    Accepted {
        /// The accepted start.
        start: Timestamp,
    },
    /// The other side declined it.
    Declined,
    /// The side that proposed withdrew it.
    Withdrawn,
    /// Nobody decided in time.
    Expired,
}

impl Proposal {
    /// Returns what has become of the proposal at `now`.
    pub fn state_at(&self, now: Timestamp) -> ProposalState {
        match self.state {
            ProposalState::Open if self.expires_at <= now => ProposalState::Expired,
            state => state,
        }
    }

    /// Returns the proposed time with this start.
    pub fn time_at(&self, start: Timestamp) -> Option<BookedTime> {
        self.times.iter().find(|time| time.start == start).copied()
    }

    /// Returns the proposed starts, in the order in which they were proposed.
    pub fn starts(&self) -> impl Iterator<Item = Timestamp> {
        self.times.iter().map(|time| time.start)
    }
}

/// The moves of an appointment so far, and the last proposal of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moves {
    /// How often the client moved the session; `None` if that was not counted separately yet.
    pub by_client: Option<u16>,
    /// The cancellation policy as agreed at booking, if moves of the client have limited it since.
    pub agreed_cancellation: Option<CancellationPolicy>,
    /// The last proposal. A cancellation or a move by the client removes one that is open.
    pub proposal: Option<Proposal>,
    /// The number of proposals of the expert so far.
    pub proposed_by_expert: u16,
    /// The number of proposals of the client so far.
    pub proposed_by_client: u16,
    /// The least number of seconds before a start at which the client has moved the session away from it at once; `None` if they have
    /// not since the last move by the expert.
    pub shortest_notice: Option<i64>,
    /// Whether an earlier proposal of the expert than the last proposal was not accepted, and the session was not moved since.
    pub declined_earlier: bool,
}

impl Moves {
    /// Returns the moves without an open proposal, whose times are free again.
    #[must_use]
    pub fn without_open_proposal(&self) -> Self {
        let proposal = self.proposal.clone().filter(|proposal| proposal.state != ProposalState::Open);
        Self { proposal, ..self.clone() }
    }
}

impl Appointment {
    /// Returns how often the client moved the session.
    pub fn moves_by_client(&self) -> u16 {
        self.moves.by_client.unwrap_or(self.reschedules)
    }

    /// Returns the appointment with another time.
    #[must_use]
    pub fn at(&self, time: BookedTime) -> Self {
        let BookedTime { start, end, buffer_before_minutes, buffer_after_minutes, group } = time;
        Self { start, end, buffer_before_minutes, buffer_after_minutes, group, ..self.clone() }
    }

    /// Returns the times that may still be held for a proposal. The holds of an expired proposal are held until somebody needs the
    /// time or a job frees it.
    pub fn proposed_times(&self) -> &[BookedTime] {
        match &self.moves.proposal {
            Some(proposal) if proposal.state == ProposalState::Open => &proposal.times,
            _ => &[],
        }
    }

    /// Returns the spans that the appointment and its open proposal occupy, with their buffers.
    pub fn held_spans(&self) -> Vec<TimeSpan> {
        let proposed = self.proposed_times().iter().map(|time| self.at(*time).occupied_span());
        std::iter::once(self.occupied_span()).chain(proposed).collect()
    }

    /// Returns whether the client can cancel with a full refund at `now`, because they did not accept a proposal of the expert.
    pub fn has_unaccepted_proposal(&self, now: Timestamp) -> bool {
        let last = self.moves.proposal.as_ref().filter(|proposal| proposal.by == Party::Expert);
        let last = last.map(|proposal| proposal.state_at(now));
        self.moves.declined_earlier
            || matches!(
                last,
                Some(ProposalState::Declined | ProposalState::Withdrawn | ProposalState::Expired)
            )
    }

    /// Returns the share of the price that the client gets back by cancelling at `now`.
    pub fn refund_share(&self, now: Timestamp) -> Percent {
        match self.has_unaccepted_proposal(now) {
            true => Percent::ALL,
            false => reached_share(&self.cancellation, self.created_at, self.start, now),
        }
    }

    /// Checks whether a side may propose other times.
    ///
    /// # Errors
    /// If the appointment is not confirmed, the session has begun, a proposal is open, or the side has proposed too often.
    pub fn check_proposal(&self, by: Party, now: Timestamp) -> Result<(), ChangeRefusal> {
        self.check_movable(now)?;
        if let Some(open) = &self.moves.proposal
            && open.state_at(now) == ProposalState::Open
        {
            return Err(ChangeRefusal::ProposalOpen { until: open.expires_at });
        }
        let Moves { proposed_by_expert, proposed_by_client, .. } = self.moves;
        match if by == Party::Client { proposed_by_client } else { proposed_by_expert } {
            MAX_PROPOSALS.. => Err(ChangeRefusal::ProposalLimitReached),
            _ => Ok(()),
        }
    }

    /// Returns when a proposal of these starts expires: after [`MAX_OPEN_HOURS`], and never after the start of the session. It is
    /// accepted as early as a session must be booked: `notice_minutes` before the earliest proposed start, and at least
    /// [`ACCEPTANCE_NOTICE_MINUTES`] before it if there is so much time.
    ///
    /// A proposal of the client also expires before what they would get back falls, now or at a proposed start. So it does not
    /// depend on when the expert accepts, and the quote is what the client agrees to.
    pub fn proposal_expires_at(
        &self,
        by: Party,
        starts: &[Timestamp],
        notice_minutes: u32,
        now: Timestamp,
    ) -> Timestamp {
        let notices = [notice_minutes, notice_minutes.max(ACCEPTANCE_NOTICE_MINUTES)];
        let notices = notices.map(|minutes| i64::from(minutes) * MINUTE);
        let notices = starts.iter().flat_map(|start| notices.map(|notice| start.plus(-notice)));
        let tiers = self.cancellation.tiers.iter().filter(|_| by == Party::Client).flat_map(|tier| {
            let hours = i64::from(tier.until_hours_before);
            starts.iter().chain([&self.start]).map(move |start| start.plus(-hours * HOUR))
        });
        let grace = Some(self.created_at.plus(i64::from(self.cancellation.grace_minutes) * MINUTE));
        let falls = |end: &Timestamp| self.refund_share(end.plus(1)) < self.refund_share(now);
        let grace = grace.filter(|end| by == Party::Client && falls(end));
        let latest = now.plus(MAX_OPEN_HOURS * HOUR).min(self.start);
        notices.chain(tiers).chain(grace).filter(|end| now < *end).fold(latest, Timestamp::min)
    }

    /// Proposes other times, which have been held until [`expires_at`](Self::proposal_expires_at), at a price. It replaces an earlier
    /// proposal.
    ///
    /// # Errors
    /// See [`Self::check_proposal`].
    pub fn proposed(
        &self,
        by: Party,
        times: Vec<BookedTime>,
        price: Money,
        message: LongText,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Self, ChangeRefusal> {
        self.check_proposal(by, now)?;
        let proposal = Proposal {
            by,
            times,
            price,
            message,
            created_at: now,
            expires_at,
            refund_share: self.refund_share(now),
            state: ProposalState::Open,
        };
        let count = |of: Party, so_far: u16| so_far + u16::from(of == by);
        let moves = Moves {
            proposal: Some(proposal),
            proposed_by_expert: count(Party::Expert, self.moves.proposed_by_expert),
            proposed_by_client: count(Party::Client, self.moves.proposed_by_client),
            declined_earlier: self.has_unaccepted_proposal(now),
            ..self.moves.clone()
        };
        Ok(self.with_moves(moves))
    }

    /// Returns the open proposal if this side may decide about it.
    ///
    /// # Errors
    /// If the appointment is not confirmed, the session has begun, no proposal is open, or the side proposed it itself.
    pub fn check_decision(&self, by: Party, now: Timestamp) -> Result<&Proposal, ChangeRefusal> {
        match self.check_open_proposal(now)? {
            own if own.by == by => Err(ChangeRefusal::OwnProposal),
            proposal => Ok(proposal),
        }
    }

    /// Returns the open proposal.
    ///
    /// # Errors
    /// If the appointment is not confirmed, the session has begun, or no proposal is open.
    fn check_open_proposal(&self, now: Timestamp) -> Result<&Proposal, ChangeRefusal> {
        self.check_movable(now)?;
        let open = self.moves.proposal.as_ref();
        open.filter(|open| open.state_at(now) == ProposalState::Open).ok_or(ChangeRefusal::NoOpenProposal)
    }

    /// Moves the session to one of the proposed times.
    ///
    /// # Errors
    /// See [`Self::check_decision`], and [`ChangeRefusal::NotProposed`] if the proposal does not contain the start.
    pub fn accepted(&self, by: Party, start: Timestamp, now: Timestamp) -> Result<Self, ChangeRefusal> {
        let proposal = self.check_decision(by, now)?;
        let time = proposal.time_at(start).ok_or(ChangeRefusal::NotProposed { start })?;
        // What the client would have got back falls with time. A client who proposes early must not gain by it.
        let share = proposal.refund_share.min(self.refund_share(now));
        let moved = self.moved(proposal.by, time, proposal.price, share);
        let proposal = Proposal { state: ProposalState::Accepted { start }, ..proposal.clone() };
        Ok(Self { moves: Moves { proposal: Some(proposal), ..moved.moves.clone() }, ..moved })
    }

    /// Declines the open proposal of the other side.
    ///
    /// # Errors
    /// See [`Self::check_decision`].
    pub fn declined(&self, by: Party, now: Timestamp) -> Result<Self, ChangeRefusal> {
        let proposal = self.check_decision(by, now)?;
        Ok(self.with_proposal(proposal, ProposalState::Declined))
    }

    /// Withdraws the open proposal of this side.
    ///
    /// # Errors
    /// If the appointment is not confirmed, the session has begun, no proposal is open, or the other side proposed it.
    pub fn withdrawn(&self, by: Party, now: Timestamp) -> Result<Self, ChangeRefusal> {
        match self.check_open_proposal(now)? {
            own if own.by == by => Ok(self.with_proposal(own, ProposalState::Withdrawn)),
            _ => Err(ChangeRefusal::ProposalOfOtherSide),
        }
    }

    /// Writes down that the proposal has expired, so that its times can be freed; `None` if it has not expired, if that is written
    /// down already, or if the session is over, so that a booking reclaims its times.
    pub fn proposal_expired(&self, now: Timestamp) -> Option<Self> {
        let proposal = self.moves.proposal.as_ref().filter(|_| self.status == Status::Confirmed)?;
        let is_due =
            proposal.state == ProposalState::Open && proposal.state_at(now) == ProposalState::Expired;
        is_due.then(|| self.with_proposal(proposal, ProposalState::Expired))
    }

    fn with_proposal(&self, proposal: &Proposal, state: ProposalState) -> Self {
        let proposal = Some(Proposal { state, ..proposal.clone() });
        self.with_moves(Moves { proposal, ..self.moves.clone() })
    }

    fn with_moves(&self, moves: Moves) -> Self {
        Self { version: self.version + 1, moves, ..self.clone() }
    }

    /// Checks whether the session can be moved at all.
    ///
    /// # Errors
    /// If the appointment is not confirmed, or the session has begun.
    pub(super) fn check_movable(&self, now: Timestamp) -> Result<(), ChangeRefusal> {
        if self.status != Status::Confirmed {
            return Err(self.status_refusal("rescheduled"));
        }
        if now >= self.start {
            return Err(ChangeRefusal::AlreadyStarted { start: self.start, requested: "rescheduled" });
        }
        Ok(())
    }

    /// Moves the session for a side, and removes an open proposal. After a move by the client, no tier of the cancellation policy
    /// gives back more than `share`. After one by the expert, the policy is the one of the booking.
    pub(super) fn moved(&self, by: Party, to: BookedTime, price: Money, share: Percent) -> Self {
        let agreed = self.moves.agreed_cancellation.as_ref().unwrap_or(&self.cancellation);
        let cancellation = match by {
            Party::Client => self.cancellation.clone().limited_to(share),
            Party::Expert | Party::Platform => agreed.clone(),
        };
        let moves = Moves {
            by_client: Some(self.moves_by_client().saturating_add(u16::from(by == Party::Client))),
            agreed_cancellation: Some(agreed.clone()).filter(|agreed| *agreed != cancellation),
            shortest_notice: (by == Party::Client).then_some(self.moves.shortest_notice).flatten(),
            declined_earlier: false,
            proposal: None,
            ..self.moves.clone()
        };
        Self {
            version: self.version + 1,
            price,
            reschedules: self.reschedules.saturating_add(1),
            cancellation,
            moves,
            ..self.at(to)
        }
    }
}

#[cfg(test)]
mod tests;
