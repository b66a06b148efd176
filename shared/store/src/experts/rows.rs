//! The stored forms of profiles, members, availability rules, session types and policies.

use std::collections::BTreeMap;

use domain::experts::availability::{AvailabilityRules, DateRange, ExtraWindow, WeeklyHours, Window};
use domain::experts::duration::SessionDuration;
use domain::experts::expert::{Expert, ExpertProfile};
use domain::experts::members::{FormerMember, Invitation, Member, MemberRole};
use domain::experts::policy::{CancellationPolicy, Percent, ReschedulePolicy, ReschedulePrice, Tier};
use domain::experts::session_type::{
    BookingWindow, Collection, SessionType, SessionTypeStatus, SessionTypeTerms,
};
use domain::kernel::time::{Date, LocalTime};
use domain::{ClientId, ExpertId, InvitationId, PersonId, SessionTypeId, Timestamp};
use serde::{Deserialize, Serialize};

use super::members::TeamVersion;
use super::profiles::{Activations, Admissions, VersionedRules};
use crate::row::{MoneyRow, Row, Stored, Text, Unreadable, known, stored};

impl Row<Expert> for ExpertRow {
    const SCHEMA: u16 = 2;

    /// A release that knows format 1 would end the suspension of the person when the profile changes.
    fn schema_of(expert: &Expert) -> u16 {
        if expert.person_suspended { 2 } else { 1 }
    }
}

impl Row<VersionedRules> for RulesRow {
    const SCHEMA: u16 = 1;
}

impl Row<Activations> for ActivationsRow {
    const SCHEMA: u16 = 1;
}

impl Row<Admissions> for AdmissionsRow {
    const SCHEMA: u16 = 1;
}

impl Row<Member> for MemberRow {
    const SCHEMA: u16 = 1;

    fn degraded(member: Member) -> Option<Member> {
        Some(member)
    }
}

impl Row<FormerMember> for FormerMemberRow {
    const SCHEMA: u16 = 1;
}

impl Row<Invitation> for InvitationRow {
    const SCHEMA: u16 = 1;

    fn degraded(invitation: Invitation) -> Option<Invitation> {
        Some(invitation)
    }
}

impl Row<TeamVersion> for TeamRow {
    const SCHEMA: u16 = 1;
}

impl Row<SessionType> for SessionTypeRow {
    const SCHEMA: u16 = 1;

    fn degraded(session_type: SessionType) -> Option<SessionType> {
        Some(SessionType { status: SessionTypeStatus::Unknown, ..session_type })
    }
}

/// The stored form of an instant in a list that is written often: the seconds since 1970, a third of the size of a text.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SecondsRow(i64);

known!(SecondsRow);

impl Stored<Timestamp> for SecondsRow {
    fn of(value: &Timestamp) -> Self {
        Self(value.seconds())
    }

    fn read(self) -> Result<Timestamp, Unreadable> {
        Ok(Timestamp::from_seconds(self.0))
    }
}

stored! {
    struct ExpertRow for Expert {
        id: ExpertId,
        version: u64,
        created_at: Timestamp,
        // Profiles were always public before they could be drafts.
        #[serde(default = "yes")]
        published: bool,
        #[serde(default)]
        suspended: bool,
        #[serde(default)]
        person_suspended: bool,
        profile: ProfileRow,
    }

    struct ProfileRow for ExpertProfile {
        name: Text,
        headline: Text,
        #[serde(default)]
        about: Text,
        #[serde(default)]
        specializations: Vec<Text>,
        #[serde(default)]
        experience_years: Option<u8>,
        #[serde(default)]
        languages: Vec<Text>,
        #[serde(default)]
        country: Option<Text>,
        #[serde(default)]
        links: Vec<Text>,
        #[serde(default)]
        hourly_rate: Option<MoneyRow>,
        #[serde(default)]
        mentorship_capacity: Option<u16>,
    }

    enum MemberRoleRow for MemberRole {
        Assistant,
        Manager,
        // It gives no rights. The expert can remove the member or choose another role.
        _ is Unknown
    }

    struct MemberRow for Member {
        expert: ExpertId,
        person: PersonId,
        version: u64,
        role: MemberRoleRow,
        name: Text,
        since: Timestamp,
        invitation: InvitationId,
    }

    struct FormerMemberRow for FormerMember {
        expert: ExpertId,
        person: PersonId,
        left_at: Timestamp,
    }

    struct InvitationRow for Invitation {
        id: InvitationId,
        expert: ExpertId,
        version: u64,
        role: MemberRoleRow,
        name: Text,
        created_at: Timestamp,
        // The attribute `expires_at` is the TTL of the row.
        #[serde(rename = "valid_until")]
        expires_at: Timestamp,
        digest: String,
    }

    struct TeamRow for TeamVersion {
        version: u64,
    }

    struct RulesRow for VersionedRules {
        version: u64,
        rules: AvailabilityRow,
    }

    struct AvailabilityRow for AvailabilityRules {
        time_zone: Text,
        #[serde(default)]
        weekly: WeeklyHoursRow,
        #[serde(default)]
        overrides: BTreeMap<Date, Vec<WindowRow>>,
        #[serde(default)]
        blocked: Vec<DateRangeRow>,
        #[serde(default)]
        extra: Vec<ExtraWindowRow>,
    }

    #[derive(Default)]
    #[serde(default)]
    struct WeeklyHoursRow for WeeklyHours {
        monday: Vec<WindowRow>,
        tuesday: Vec<WindowRow>,
        wednesday: Vec<WindowRow>,
        thursday: Vec<WindowRow>,
        friday: Vec<WindowRow>,
        saturday: Vec<WindowRow>,
        sunday: Vec<WindowRow>,
    }

    struct WindowRow for Window {
        opens: LocalTime,
        closes: LocalTime,
    }

    struct DateRangeRow for DateRange {
        first: Date,
        last: Date,
    }

    struct ExtraWindowRow for ExtraWindow {
        date: Date,
        opens: LocalTime,
        closes: LocalTime,
    }

    struct ActivationsRow for Activations {
        version: u64,
    }

    struct AdmissionsRow for Admissions {
        version: u64,
        since: Timestamp,
        counted_at: Timestamp,
        clients: BTreeMap<ClientId, SecondsRow>,
        recent: BTreeMap<ClientId, SecondsRow>,
    }

    struct SessionTypeRow for SessionType {
        id: SessionTypeId,
        version: u64,
        status: SessionTypeStatusRow,
        terms: TermsRow,
    }

    enum SessionTypeStatusRow for SessionTypeStatus {
        Active,
        Retired,
        // What it means is not known, so nobody can book it.
        _ is Unknown
    }

    struct TermsRow for SessionTypeTerms {
        name: Text,
        #[serde(default)]
        description: Text,
        #[serde(flatten)]
        durations: DurationsRow,
        #[serde(default)]
        buffer_before_minutes: u16,
        #[serde(default)]
        buffer_after_minutes: u16,
        #[serde(default)]
        minimum_notice_minutes: u32,
        #[serde(default)]
        booking_window: BookingWindowRow,
        step_minutes: u16,
        #[serde(default)]
        daily_cap: Option<u16>,
        #[serde(default)]
        daily_minutes_cap: Option<u16>,
        #[serde(default)]
        weekly_cap: Option<u16>,
        #[serde(default = "one")]
        capacity: u16,
        #[serde(default)]
        collection: CollectionRow,
        #[serde(default)]
        cancellation: CancellationRow,
        #[serde(default)]
        rescheduling: RescheduleRow,
        #[serde(default)]
        presentment_currencies: Vec<Text>,
    }

    struct DurationRow for SessionDuration {
        minutes: u16,
        #[serde(default)]
        price: Option<MoneyRow>,
    }

    #[derive(Default)]
    enum CollectionRow for Collection {
        #[default]
        ChargeAtBooking,
        AuthorizeThenCapture,
        // The session type has an unknown status then.
        _ => Ok(Collection::ChargeAtBooking)
    }

    #[serde(tag = "kind")]
    enum BookingWindowRow for BookingWindow {
        Rolling { days: u16 },
        BusinessDays { days: u16 },
        FreeDays { days: u16 },
        Dates { first: Date, last: Date },
        // A window that is over: nothing can be booked. The session type has an unknown status then.
        _ => Ok(BookingWindow::Dates { first: Date::MIN, last: Date::MIN })
    }

    struct CancellationRow for CancellationPolicy {
        tiers: Vec<TierRow>,
        #[serde(default)]
        grace_minutes: u16,
        #[serde(default = "nothing")]
        no_show_refund_percent: Percent,
    }

    struct TierRow for Tier {
        until_hours_before: u16,
        refund_percent: Percent,
    }

    #[derive(Default)]
    struct RescheduleRow for ReschedulePolicy {
        #[serde(default)]
        at_most: Option<u16>,
        #[serde(default)]
        until_minutes_before: u32,
        #[serde(default)]
        price: ReschedulePriceRow,
    }

    #[derive(Default)]
    enum ReschedulePriceRow for ReschedulePrice {
        #[default]
        AsBooked,
        Current,
        // The session type or the appointment has an unknown status then.
        _ => Ok(ReschedulePrice::AsBooked)
    }
}

fn yes() -> bool {
    true
}

/// The durations of a session type, members of its terms. A session type once had only one, with a fixed price. It is
/// still written, so that the version of the code that knows no others reads the first duration with a fixed price.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct DurationsRow {
    #[serde(default)]
    durations: Vec<DurationRow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    length_minutes: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price: Option<MoneyRow>,
}

known!(DurationsRow);

impl Stored<Vec<SessionDuration>> for DurationsRow {
    fn of(durations: &Vec<SessionDuration>) -> Self {
        let only = durations.iter().find(|duration| duration.price.is_some());
        Self {
            durations: Stored::of(durations),
            length_minutes: only.map(|only| only.minutes),
            price: only.and_then(|only| Stored::of(&only.price)),
        }
    }

    fn read(self) -> Result<Vec<SessionDuration>, Unreadable> {
        if !self.durations.is_empty() {
            return self.durations.read();
        }
        let (Some(minutes), price @ Some(_)) = (self.length_minutes, self.price) else {
            return Err(Unreadable::invalid("the session type has no durations"));
        };
        Ok(vec![SessionDuration { minutes, price: price.read()? }])
    }
}

fn one() -> u16 {
    1
}

fn nothing() -> Percent {
    Percent::NOTHING
}

impl Default for BookingWindowRow {
    fn default() -> Self {
        crate::row::Stored::of(&BookingWindow::default())
    }
}

impl Default for CancellationRow {
    fn default() -> Self {
        crate::row::Stored::of(&CancellationPolicy::default())
    }
}
