//! JSON documents of experts, their availability rules and their session types.

use std::collections::BTreeMap;

use app::experts::session_types::PricedSessionType;
use domain::experts::{availability, duration, expert, members, policy, session_type};
use domain::kernel::country::Country;
use domain::kernel::language::Language;
use domain::kernel::percent::Percent;
use domain::kernel::text::{Link, LongText, ShortText};
use domain::kernel::time::{Date, LocalTime};
use domain::{Currency, ExpertId, InvitationId, Money, PersonId, SessionTypeId, Timestamp, Zone};
use http_api::Problem;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::mirror::{each, mirror};

/// A profile that an expert publishes or saves as a draft.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpertProfileRequest {
    /// The status. It defaults to `live` when the profile is created, and to the current status when it is replaced.
    #[serde(default)]
    status: Option<RequestedStatus>,
    /// The expert's name, as clients see it.
    name: ShortText,
    /// One line about what the expert does.
    headline: ShortText,
    /// A description of the expert; may be empty.
    #[serde(default)]
    about: LongText,
    /// The subjects in which the expert can help, each once, the most important first.
    #[serde(default)]
    #[schemars(length(max = 20))]
    specializations: Vec<ShortText>,
    /// The years of experience in the expert's field.
    #[serde(default)]
    #[schemars(range(max = 80))]
    experience_years: Option<u8>,
    /// The languages in which the expert gives sessions, each once, the preferred one first.
    #[serde(default)]
    #[schemars(length(max = 20))]
    languages: Vec<Language>,
    /// The country in which the expert lives.
    #[serde(default)]
    country: Option<Country>,
    /// Pages about the expert, each once.
    #[serde(default)]
    #[schemars(length(max = 10))]
    links: Vec<Link>,
    /// What an hour with the expert costs.
    #[serde(default)]
    hourly_rate: Option<HourlyRate>,
    /// The maximum number of clients who have appointments that have not ended, however far ahead; no limit if absent. At the
    /// limit, only clients who already have such an appointment can book. A client keeps the place until their last appointment
    /// has ended or is cancelled.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    mentorship_capacity: Option<u16>,
}

/// The status that an expert chooses. It applies unless the expert is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum RequestedStatus {
    /// Only the expert's side and administrators can read the profile, and nobody can book.
    Draft,
    /// The profile is public, and the expert can be booked.
    Live,
}

/// What an hour with the expert costs.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HourlyRate {
    /// The amount in minor units.
    #[schemars(range(max = 99_999_999))]
    amount: u64,
    /// The currency; by default that of the country in the profile.
    #[serde(default)]
    currency: Option<Currency>,
}

impl ExpertProfileRequest {
    /// Whether the expert wants the profile to be public; `None` if they do not say so.
    pub fn published(&self) -> Option<bool> {
        self.status.map(|status| status == RequestedStatus::Live)
    }

    /// The profile.
    ///
    /// # Errors
    /// 422 if the hourly rate has no currency.
    pub fn into_profile(self) -> Result<expert::ExpertProfile, Problem> {
        let hourly_rate = self
            .hourly_rate
            .map(|HourlyRate { amount, currency }| expert::hourly_rate(amount, currency, self.country))
            .transpose()
            .map_err(Problem::invalid)?;
        Ok(expert::ExpertProfile {
            name: self.name,
            headline: self.headline,
            about: self.about,
            specializations: self.specializations,
            experience_years: self.experience_years,
            languages: self.languages,
            country: self.country,
            links: self.links,
            hourly_rate,
            mentorship_capacity: self.mentorship_capacity,
        })
    }
}

/// The profile of an expert.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExpertProfile {
    /// The expert's name, as clients see it.
    pub name: ShortText,
    /// One line about what the expert does.
    pub headline: ShortText,
    /// A description of the expert; may be empty.
    pub about: LongText,
    /// The subjects in which the expert can help, the most important first.
    pub specializations: Vec<ShortText>,
    /// The years of experience in the expert's field.
    pub experience_years: Option<u8>,
    /// The languages in which the expert gives sessions, the preferred one first.
    pub languages: Vec<Language>,
    /// The country in which the expert lives.
    pub country: Option<Country>,
    /// Pages about the expert.
    pub links: Vec<Link>,
    /// What an hour with the expert costs.
    pub hourly_rate: Option<Money>,
    /// The maximum number of clients with appointments that have not ended, however far ahead; no limit if null.
    pub mentorship_capacity: Option<u16>,
}

mirror!(struct ExpertProfile <= expert::ExpertProfile {
    name,
    headline,
    about,
    specializations,
    experience_years,
    languages,
    country,
    links,
    hourly_rate,
    mentorship_capacity,
});

/// Whether an expert can be found and booked.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExpertStatus {
    /// The expert has not published the profile. Only the expert's side and administrators can read it, and nobody can book.
    Draft,
    /// The profile is public, and the expert can be booked.
    Live,
    /// An administrator has suspended the expert, and nobody can book. If the expert has published the profile, everybody can
    /// still read it. Existing appointments stay.
    Suspended,
}

mirror!(enum ExpertStatus <= expert::ExpertStatus { Draft, Live, Suspended });

/// An expert.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Expert {
    /// The id of the expert.
    pub id: ExpertId,
    /// The version, to send in `If-Match` when you change the profile.
    pub version: u64,
    /// When the profile was created.
    pub created_at: Timestamp,
    /// Whether the expert can be found and booked.
    pub status: ExpertStatus,
    /// The contents of the profile.
    #[serde(flatten)]
    pub profile: ExpertProfile,
}

impl From<expert::Expert> for Expert {
    fn from(expert: expert::Expert) -> Self {
        let status = expert.status().into();
        let expert::Expert { id, version, created_at, profile, .. } = expert;
        Self { id, version, created_at, status, profile: profile.into() }
    }
}

/// An expert, as the expert's side and administrators see them.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OwnExpert {
    /// What everybody can see once the profile is published.
    #[serde(flatten)]
    expert: Expert,
    /// The status that the expert chose. It differs from `status` only while the expert is suspended.
    requested_status: RequestedStatus,
}

impl From<expert::Expert> for OwnExpert {
    fn from(expert: expert::Expert) -> Self {
        let requested_status = if expert.published { RequestedStatus::Live } else { RequestedStatus::Draft };
        Self { expert: expert.into(), requested_status }
    }
}

/// A session type that an expert offers.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SessionType")]
pub struct SessionType<D = OfferedDuration> {
    /// The id of the session type.
    pub id: SessionTypeId,
    /// Whether the session type can be booked.
    pub status: SessionTypeStatus,
    /// The version, to send in `If-Match` when you change the session type.
    pub version: u64,
    /// The terms that the expert chose.
    #[serde(flatten)]
    pub terms: SessionTypeTerms<D>,
}

impl<D> SessionType<D> {
    /// The document of a session type, with durations as `show` makes them.
    pub fn new(priced: PricedSessionType, show: impl FnMut(OfferedDuration) -> D) -> Self {
        let PricedSessionType { session_type, hourly_rate } = priced;
        let offered = |duration: &duration::SessionDuration| {
            let price = session_type.terms.price(*duration, hourly_rate);
            OfferedDuration {
                minutes: duration.minutes,
                price: duration.price.or(price.as_ref().ok().copied()),
                derived: duration.price.is_none(),
                no_price_reason: price.err().map(Into::into),
            }
        };
        let durations = session_type.terms.durations.iter().map(offered).map(show).collect();
        Self {
            id: session_type.id,
            status: session_type.status.into(),
            version: session_type.version,
            terms: SessionTypeTerms::new(session_type.terms, durations),
        }
    }
}

impl From<PricedSessionType> for SessionType {
    fn from(priced: PricedSessionType) -> Self {
        Self::new(priced, |duration| duration)
    }
}

/// Whether a session type can be booked.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionTypeStatus {
    /// The session type is listed and can be booked.
    Active,
    /// The expert has retired the session type. Existing appointments are not affected.
    Retired,
    /// A newer release of the platform has changed the session type in a way that the present one does not know. It cannot be
    /// booked, retired or offered again. When the expert replaces its terms, it becomes retired and can be offered again.
    Unknown,
}

mirror!(enum SessionTypeStatus <= session_type::SessionTypeStatus { Active, Retired, Unknown });

/// The properties of a session type that its expert chooses.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SessionTypeTerms")]
pub struct SessionTypeTerms<D = SessionDuration> {
    /// The name that clients see in the list.
    pub name: ShortText,
    /// The description that clients read before they book.
    #[serde(default)]
    pub description: LongText,
    /// The durations that a client can select. All fixed prices have the same currency.
    #[schemars(length(min = 1, max = 10))]
    pub durations: Vec<D>,
    /// Minutes that stay free before the start.
    #[serde(default)]
    #[schemars(range(max = 720))]
    pub buffer_before_minutes: u16,
    /// Minutes that stay free after the end.
    #[serde(default)]
    #[schemars(range(max = 720))]
    pub buffer_after_minutes: u16,
    /// The minimum number of minutes between booking and start, inclusive.
    #[serde(default)]
    #[schemars(range(max = 527_040))]
    pub minimum_notice_minutes: u32,
    /// How far ahead sessions can be booked.
    #[serde(default)]
    pub booking_window: BookingWindow,
    /// Minutes between an offered start and the next.
    #[schemars(range(min = 1, max = 1_440))]
    pub step_minutes: u16,
    /// The maximum number of sessions of this type on one of the expert's local days.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_000))]
    pub daily_cap: Option<u16>,
    /// The maximum number of minutes of sessions of this type, without buffers, that begin on one of the expert's local
    /// days. At least the longest duration.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_440))]
    pub daily_minutes_cap: Option<u16>,
    /// The maximum number of sessions of this type in one ISO week of the expert's local calendar.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_000))]
    pub weekly_cap: Option<u16>,
    /// The number of seats of a session. If it is above 1, the session is a group session.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 500))]
    pub capacity: u16,
    /// When the client is charged.
    #[serde(default)]
    pub collection: Collection,
    /// What the client gets back if the session does not take place. An appointment keeps the policy that applied when it was
    /// booked.
    #[serde(default)]
    pub cancellation_policy: CancellationPolicy,
    /// How an appointment may be rescheduled. An appointment keeps the policy that applied when it was booked.
    #[serde(default)]
    pub rescheduling_policy: ReschedulingPolicy,
    /// Currencies, besides the currency of the prices, in which a client may choose to pay. The price is converted at the
    /// reference rate of the day.
    #[serde(default)]
    #[schemars(length(max = 10))]
    pub presentment_currencies: Vec<Currency>,
}

fn one() -> u16 {
    1
}

impl<D> SessionTypeTerms<D> {
    fn new(terms: session_type::SessionTypeTerms, durations: Vec<D>) -> Self {
        Self {
            name: terms.name,
            description: terms.description,
            durations,
            buffer_before_minutes: terms.buffer_before_minutes,
            buffer_after_minutes: terms.buffer_after_minutes,
            minimum_notice_minutes: terms.minimum_notice_minutes,
            booking_window: terms.booking_window.into(),
            step_minutes: terms.step_minutes,
            daily_cap: terms.daily_cap,
            daily_minutes_cap: terms.daily_minutes_cap,
            weekly_cap: terms.weekly_cap,
            capacity: terms.capacity,
            collection: terms.collection.into(),
            cancellation_policy: terms.cancellation.into(),
            rescheduling_policy: terms.rescheduling.into(),
            presentment_currencies: terms.presentment_currencies,
        }
    }
}

impl From<SessionTypeTerms> for session_type::SessionTypeTerms {
    fn from(terms: SessionTypeTerms) -> Self {
        Self {
            name: terms.name,
            description: terms.description,
            durations: each(terms.durations),
            buffer_before_minutes: terms.buffer_before_minutes,
            buffer_after_minutes: terms.buffer_after_minutes,
            minimum_notice_minutes: terms.minimum_notice_minutes,
            booking_window: terms.booking_window.into(),
            step_minutes: terms.step_minutes,
            daily_cap: terms.daily_cap,
            daily_minutes_cap: terms.daily_minutes_cap,
            weekly_cap: terms.weekly_cap,
            capacity: terms.capacity,
            collection: terms.collection.into(),
            cancellation: terms.cancellation_policy.into(),
            rescheduling: terms.rescheduling_policy.into(),
            presentment_currencies: terms.presentment_currencies,
        }
    }
}

/// When the client is charged.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Collection {
    /// At booking. If the session is cancelled, the amount that the cancellation policy gives back is refunded.
    #[default]
    ChargeAtBooking,
    /// The amount is authorized at booking, or closer to the session if the session is too far ahead, and captured after the
    /// session took place.
    AuthorizeThenCapture,
}

mirror!(enum Collection <=> session_type::Collection { ChargeAtBooking, AuthorizeThenCapture });

/// How far ahead a session type can be booked, in dates of the expert's time zone.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum BookingWindow {
    /// Sessions can be booked until the end of the day this many days after today.
    Rolling {
        /// The number of days; 0 means today only.
        #[schemars(range(max = 731))]
        days: u16,
    },
    /// Sessions can be booked until the end of the day this many business days after today. Business days are Monday to
    /// Friday; holidays are not known. On a weekend, 1 means the following Monday.
    BusinessDays {
        /// The number of business days; 0 means today only.
        #[schemars(range(max = 522))]
        days: u16,
    },
    /// Sessions can be booked on the next days that have free time, today included: dates on which at least one session
    /// of this type can start. As days fill up, later ones can be booked. Only today and the following 30 days are
    /// searched; with fewer such days, all of them can be booked.
    FreeDays {
        /// The number of days with free time.
        #[schemars(range(min = 1, max = 31))]
        days: u16,
    },
    /// Sessions can be booked from the first to the last date, both inclusive.
    Dates {
        /// The first bookable date.
        first: Date,
        /// The last bookable date; not before the first.
        last: Date,
    },
}

impl Default for BookingWindow {
    fn default() -> Self {
        session_type::BookingWindow::default().into()
    }
}

mirror!(enum BookingWindow <=> session_type::BookingWindow {
    Rolling { days },
    BusinessDays { days },
    FreeDays { days },
    Dates { first, last },
});

/// A length of a session that a client can select.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionDuration {
    /// The length in minutes; different for each duration of a session type.
    #[schemars(range(min = 1, max = 1_440))]
    pub minutes: u16,
    /// The fixed price of one seat. A session with price zero is booked without payment. If absent, the price is derived from
    /// the expert's hourly rate whenever it is needed: the rate times the length, rounded half up to the smallest amount that
    /// can be charged.
    #[serde(default)]
    pub price: Option<Money>,
}

mirror!(struct SessionDuration <=> duration::SessionDuration { minutes, price });

/// A length of a session that a client can select, with its price now.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OfferedDuration {
    /// The length in minutes. Send it as `duration_minutes`.
    pub minutes: u16,
    /// The price of one seat; absent if it is derived and there is none now. A session with price zero is booked without
    /// payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// Whether the price is derived from the expert's hourly rate. It then changes with the rate.
    pub derived: bool,
    /// Why the duration cannot be booked at a price now; absent if it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_price_reason: Option<NoPriceReason>,
}

/// Why a duration cannot be booked at a price.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoPriceReason {
    /// The expert has no hourly rate.
    NoHourlyRate,
    /// The hourly rate has another currency than the fixed prices of the session type.
    OtherCurrency,
    /// The price is below the minimum or above the maximum of its currency, for one seat or for all seats, or nothing can be
    /// charged in its currency.
    NotChargeable,
}

impl From<duration::NoPrice> for NoPriceReason {
    fn from(reason: duration::NoPrice) -> Self {
        match reason {
            duration::NoPrice::NoHourlyRate => Self::NoHourlyRate,
            duration::NoPrice::OtherCurrency { .. } => Self::OtherCurrency,
            duration::NoPrice::NotChargeable(_) => Self::NotChargeable,
        }
    }
}

/// What a client gets back if they cancel or do not attend. After the last tier, the client gets nothing back.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancellationPolicy {
    /// The tiers from the earliest to the latest. Each gives back less than the one before.
    #[schemars(length(max = 8))]
    pub tiers: Vec<CancellationTier>,
    /// For this many minutes after booking, but only until the start, the client can cancel and gets everything back.
    #[serde(default)]
    #[schemars(range(max = 4_320))]
    pub grace_minutes: u16,
    /// The share of the price that the client gets back if they do not attend: at most the `refund_percent` of the last tier, and 0
    /// without tiers.
    #[serde(default = "nothing")]
    pub no_show_refund_percent: Percent,
}

fn nothing() -> Percent {
    Percent::NOTHING
}

impl Default for CancellationPolicy {
    fn default() -> Self {
        policy::CancellationPolicy::default().into()
    }
}

mirror!(struct CancellationPolicy <=> policy::CancellationPolicy {
    tiers: each,
    grace_minutes,
    no_show_refund_percent,
});

/// One tier of a cancellation policy.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancellationTier {
    /// The tier applies until this many hours before the start, inclusive.
    #[schemars(range(max = 8_784))]
    pub until_hours_before: u16,
    /// The share of the price that the client gets back if they cancel in this tier.
    pub refund_percent: Percent,
}

mirror!(struct CancellationTier <=> policy::Tier { until_hours_before, refund_percent });

/// How the client may move an appointment at once. Otherwise, they propose other times, as the expert always does.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReschedulingPolicy {
    /// The maximum number of times; 10 if absent.
    #[serde(default)]
    #[schemars(range(max = 1_000))]
    pub at_most: Option<u16>,
    /// The client may move the appointment at once until this many minutes before the start.
    #[serde(default)]
    #[schemars(range(max = 527_040))]
    pub until_minutes_before: u32,
    /// How the price is determined if the session type's price has changed since the booking.
    #[serde(default)]
    pub price: ReschedulingPrice,
}

mirror!(struct ReschedulingPolicy <=> policy::ReschedulePolicy { at_most, until_minutes_before, price });

/// How the price of a rescheduled appointment is determined if the session type's price has changed since the booking.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReschedulingPrice {
    /// The price stays as agreed at booking.
    #[default]
    AsBooked,
    /// The current price applies. If it is lower, the difference is refunded. If it is higher, the price stays as
    /// agreed.
    Current,
}

mirror!(enum ReschedulingPrice <=> policy::ReschedulePrice { AsBooked, Current });

/// When an expert can be booked.
///
/// If a local date is in a blocked range, or has an override without windows, nothing is open on that date; this includes the
/// rest of a window that opened the evening before. Otherwise, the windows of an override replace the weekly windows that would
/// open on that date, and extra windows are added. Windows that touch or overlap, also across midnight, count as one window.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AvailabilityRules {
    /// The time zone of all local times and dates in the rules.
    pub time_zone: Zone,
    /// The regular weekly hours.
    #[serde(default)]
    pub weekly: WeeklyHours,
    /// Different hours on single dates. An empty list blocks the date.
    #[serde(default)]
    #[schemars(schema_with = "overrides_schema")]
    pub overrides: BTreeMap<Date, Vec<Window>>,
    /// Blocked dates, such as holidays.
    #[serde(default)]
    #[schemars(length(max = 400))]
    pub blocked: Vec<DateRange>,
    /// Additional windows on single dates.
    #[serde(default)]
    #[schemars(length(max = 400))]
    pub extra: Vec<ExtraWindow>,
}

fn overrides_schema(schemas: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "propertyNames": { "type": "string", "format": "date" },
        "maxProperties": availability::MAX_EXCEPTIONS,
        "additionalProperties": {
            "type": "array",
            "items": schemas.subschema_for::<Window>(),
            "maxItems": availability::MAX_WINDOWS_A_DAY,
        },
    })
}

mirror!(struct AvailabilityRules <=> availability::AvailabilityRules {
    time_zone,
    weekly,
    overrides: each_list,
    blocked: each,
    extra: each,
});

/// The windows that open on each day of the week.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WeeklyHours {
    /// Windows that open on a Monday.
    #[schemars(length(max = 12))]
    pub monday: Vec<Window>,
    /// Windows that open on a Tuesday.
    #[schemars(length(max = 12))]
    pub tuesday: Vec<Window>,
    /// Windows that open on a Wednesday.
    #[schemars(length(max = 12))]
    pub wednesday: Vec<Window>,
    /// Windows that open on a Thursday.
    #[schemars(length(max = 12))]
    pub thursday: Vec<Window>,
    /// Windows that open on a Friday.
    #[schemars(length(max = 12))]
    pub friday: Vec<Window>,
    /// Windows that open on a Saturday.
    #[schemars(length(max = 12))]
    pub saturday: Vec<Window>,
    /// Windows that open on a Sunday.
    #[schemars(length(max = 12))]
    pub sunday: Vec<Window>,
}

mirror!(struct WeeklyHours <=> availability::WeeklyHours {
    monday: each,
    tuesday: each,
    wednesday: each,
    thursday: each,
    friday: each,
    saturday: each,
    sunday: each,
});

/// A window of open time on the wall clock. A window that closes before it opens closes on the next day. The whole day is
/// `00:00` to `24:00`; equal times are refused.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The first minute that is open; before 24:00.
    pub opens: LocalTime,
    /// The first minute that is no longer open; 24:00 is the end of the day. If it is before `opens`, the window closes on the
    /// next day. It must differ from `opens`.
    pub closes: LocalTime,
}

mirror!(struct Window <=> availability::Window { opens, closes });

/// A range of dates, both ends inclusive.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DateRange {
    /// The first date.
    pub first: Date,
    /// The last date; not before the first.
    pub last: Date,
}

mirror!(struct DateRange <=> availability::DateRange { first, last });

/// An additional window on a single date.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtraWindow {
    /// The date on which the window opens.
    pub date: Date,
    /// The first minute that is open; before 24:00.
    pub opens: LocalTime,
    /// The first minute that is no longer open; 24:00 is the end of the day. If it is before `opens`, the window closes on the
    /// next day. It must differ from `opens`.
    pub closes: LocalTime,
}

mirror!(struct ExtraWindow <=> availability::ExtraWindow { date, opens, closes });

/// What a member may do for an expert.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberRole {
    /// Manages the profile, the availability, the session types and the appointments, but not prices. A cancellation before the
    /// start, and a report that the client did not come, refund what the cancellation policy says.
    Assistant,
    /// Does what an assistant does, and also sees and manages the expert's money: prices, earnings, ledger, billing details,
    /// receipts, refunds and charges.
    Manager,
    /// A role that this version of the platform does not know. It gives no rights.
    Unknown,
}

mirror!(enum MemberRole <= members::MemberRole { Assistant, Manager, Unknown });

/// A role to give to a member.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NewMemberRole {
    /// Manages the profile, the availability, the session types and the appointments, but not prices. A cancellation before the
    /// start, and a report that the client did not attend, refund what the cancellation policy says.
    Assistant,
    /// Does what an assistant does, and also sees and manages the expert's money: prices, earnings, ledger, billing details,
    /// receipts, refunds and charges.
    Manager,
}

mirror!(enum NewMemberRole => members::MemberRole { Assistant, Manager });

/// The role of a member, and the expert's name for the member.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberTerms {
    /// What the member may do.
    pub role: NewMemberRole,
    /// Your name for the person, for your own list. It is shown to you only.
    pub name: ShortText,
}

/// A person who acts for an expert.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Member {
    /// The id of the person.
    pub person_id: PersonId,
    /// What the person may do.
    pub role: MemberRole,
    /// Your name for the person.
    pub name: ShortText,
    /// When the person accepted the invitation.
    pub since: Timestamp,
    /// The version, to send in `If-Match` when you change the role or remove the member.
    pub version: u64,
}

impl From<members::Member> for Member {
    fn from(member: members::Member) -> Self {
        let members::Member { person, version, role, name, since, .. } = member;
        Self { person_id: person, role: role.into(), name, since, version }
    }
}

/// An invitation that was not accepted yet.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Invitation {
    /// The id of the invitation.
    pub id: InvitationId,
    /// The expert who invites.
    pub expert_id: ExpertId,
    /// The role that the member will have.
    pub role: MemberRole,
    /// Your name for the invited person.
    pub name: ShortText,
    /// When the invitation was created.
    pub created_at: Timestamp,
    /// When it can no longer be accepted.
    pub expires_at: Timestamp,
}

impl From<members::Invitation> for Invitation {
    fn from(invitation: members::Invitation) -> Self {
        let members::Invitation { id, expert, role, name, created_at, expires_at, .. } = invitation;
        Self { id, expert_id: expert, role: role.into(), name, created_at, expires_at }
    }
}

/// Your membership: an expert for whom you act.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Membership {
    /// The expert for whom you act.
    pub expert_id: ExpertId,
    /// Your id, by which the expert knows you.
    pub person_id: PersonId,
    /// What you may do.
    pub role: MemberRole,
    /// When you accepted the invitation.
    pub since: Timestamp,
    /// The version, to send in `If-Match` when you leave the expert.
    pub version: u64,
}

impl From<members::Member> for Membership {
    fn from(member: members::Member) -> Self {
        let members::Member { expert, person, version, role, since, .. } = member;
        Self { expert_id: expert, person_id: person, role: role.into(), since, version }
    }
}
