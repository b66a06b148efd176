//! An expert and their public profile.

use crate::kernel::country::Country;
use crate::kernel::language::Language;
use crate::kernel::text::{Link, LongText, ShortText};
use crate::{Currency, ExpertId, Money, Timestamp, Violations};

/// The maximum number of specializations of an expert.
pub const MAX_SPECIALIZATIONS: usize = 20;
/// The maximum number of languages of an expert.
pub const MAX_LANGUAGES: usize = 20;
/// The maximum number of links of an expert.
pub const MAX_LINKS: usize = 10;
/// The maximum number of years of experience.
pub const MAX_EXPERIENCE_YEARS: u8 = 80;
/// The maximum mentorship capacity, in clients.
pub const MAX_MENTORSHIP_CAPACITY: u16 = 100;

/// The public profile of an expert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpertProfile {
    /// The expert's name, as clients see it.
    pub name: ShortText,
    /// One line about what the expert does.
    pub headline: ShortText,
    /// A description of the expert; may be empty.
    pub about: LongText,
    /// The subjects in which the expert can help, each once, the most important first.
    pub specializations: Vec<ShortText>,
    /// The years of experience in the expert's field.
    pub experience_years: Option<u8>,
    /// The languages in which the expert gives sessions, each once, the preferred one first.
    pub languages: Vec<Language>,
    /// The country in which the expert lives.
    pub country: Option<Country>,
    /// Pages about the expert, each once.
    pub links: Vec<Link>,
    /// What an hour with the expert costs. Prices of sessions can follow from it.
    pub hourly_rate: Option<Money>,
    /// The maximum number of clients who have appointments that have not ended, however far ahead; no limit if absent. At the
    /// limit, only clients who already have such an appointment can book. A client keeps the place until their last appointment
    /// has ended or is cancelled.
    pub mentorship_capacity: Option<u16>,
}

impl ExpertProfile {
    /// A profile with a name and a headline, and nothing else.
    pub fn new(name: ShortText, headline: ShortText) -> Self {
        Self {
            name,
            headline,
            about: LongText::default(),
            specializations: Vec::new(),
            experience_years: None,
            languages: Vec::new(),
            country: None,
            links: Vec::new(),
            hourly_rate: None,
            mentorship_capacity: None,
        }
    }

    /// Checks the constraints that the field types do not enforce.
    ///
    /// # Errors
    /// All violations of the profile.
    pub fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::default();
        check_list(&mut violations, "/specializations", &self.specializations, MAX_SPECIALIZATIONS);
        check_list(&mut violations, "/languages", &self.languages, MAX_LANGUAGES);
        check_list(&mut violations, "/links", &self.links, MAX_LINKS);
        if let Some(years) = self.experience_years {
            violations.check_range("/experience_years", years.into(), 0, MAX_EXPERIENCE_YEARS.into());
        }
        if let Some(most) = self.mentorship_capacity {
            violations.check_range("/mentorship_capacity", most.into(), 1, MAX_MENTORSHIP_CAPACITY.into());
        }
        if let Some(rate) = self.hourly_rate.filter(|rate| !rate.is_zero()) {
            if rate.currency().price_limits().is_none() {
                let must = format!("must be a currency of prices; {} is not", rate.currency().code());
                violations.add("/hourly_rate/currency", must);
            } else if let Err(must) = rate.for_minutes(60).unwrap_or(rate).check_price() {
                // The price of an hour is rounded to the charge step, and the rate need not be a multiple of it.
                violations.add("/hourly_rate/amount", must.to_string());
            }
        }
        violations.into_result()
    }
}

fn check_list<T: PartialEq>(violations: &mut Violations, pointer: &str, list: &[T], most: usize) {
    violations.check_count(pointer, list.len(), most);
    for (at, one) in list.iter().enumerate() {
        if list[..at].contains(one) {
            violations.add(format!("{pointer}/{at}"), "must not be in the list twice");
        }
    }
}

/// Returns an hourly rate of `amount` minor units. Without a currency, it is in the currency of the expert's country.
///
/// # Errors
/// [`Violations`] of the profile if neither a currency nor a country with a currency is given, or if the amount is too large.
pub fn hourly_rate(
    amount: u64,
    currency: Option<Currency>,
    country: Option<Country>,
) -> Result<Money, Violations> {
    let currency = currency.or_else(|| country.and_then(Country::currency)).ok_or_else(|| {
        let must = "must be given, unless it is the currency of the country in the profile";
        Violations::one("/hourly_rate/currency", must)
    })?;
    Money::new(amount, currency).map_err(|error| Violations::one("/hourly_rate/amount", error.to_string()))
}

/// Whether an expert can be found and booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpertStatus {
    /// The expert has not published the profile. Only the expert's side and administrators can read it, and nobody can book.
    Draft,
    /// The profile is public, and the expert can be booked.
    Live,
    /// An administrator has suspended the expert, and nobody can book. If the expert has published the profile, everybody can
    /// still read it. Existing appointments stay.
    Suspended,
}

/// An expert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expert {
    /// The expert's id, derived from the issuer and subject of their access token.
    pub id: ExpertId,
    /// The version, incremented with each change. It is the ETag.
    pub version: u64,
    /// When the profile was created.
    pub created_at: Timestamp,
    /// Whether the expert has published the profile, so that everybody may read it. It decides the status unless the expert is
    /// suspended.
    pub published: bool,
    /// Whether an administrator has suspended the expert alone.
    pub suspended: bool,
    /// Whether the person is suspended, as an expert and as a client. It follows the suspension of the person.
    pub person_suspended: bool,
    /// The public profile.
    pub profile: ExpertProfile,
}

impl Expert {
    /// Returns whether the expert is suspended, alone or as a person.
    pub fn is_suspended(&self) -> bool {
        self.suspended || self.person_suspended
    }

    /// Returns the status.
    pub fn status(&self) -> ExpertStatus {
        match (self.is_suspended(), self.published) {
            (true, _) => ExpertStatus::Suspended,
            (false, true) => ExpertStatus::Live,
            (false, false) => ExpertStatus::Draft,
        }
    }

    /// Returns whether clients can book the expert.
    pub fn is_bookable(&self) -> bool {
        self.status() == ExpertStatus::Live
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::money::MAX_CHARGE;

    fn text(text: &str) -> ShortText {
        text.to_owned().try_into().expect("a text")
    }

    fn profile() -> ExpertProfile {
        ExpertProfile::new(text("Ada Lovelace"), text("Engines"))
    }

    fn country(code: &str) -> Option<Country> {
        Some(code.to_owned().try_into().expect("a country"))
    }

    #[test]
    fn lists_have_no_duplicates_and_a_limit() {
        let invalid = |profile: ExpertProfile| {
            let violations = profile.check().expect_err("invalid").into_iter();
            violations.map(|violation| violation.pointer).collect::<Vec<_>>()
        };
        assert_eq!(profile().check(), Ok(()));
        let many = |count: usize| (0..count).map(|number| text(&number.to_string())).collect();
        assert_eq!(ExpertProfile { specializations: many(20), ..profile() }.check(), Ok(()));
        let wrong = ExpertProfile {
            specializations: many(21),
            languages: ["en", "EN"].map(|tag| tag.to_owned().try_into().expect("a language")).to_vec(),
            experience_years: Some(81),
            mentorship_capacity: Some(0),
            hourly_rate: Money::new(MAX_CHARGE + 1, Currency::EUR).ok(),
            ..profile()
        };
        let all = [
            "/specializations",
            "/languages/1",
            "/experience_years",
            "/mentorship_capacity",
            "/hourly_rate/amount",
        ];
        assert_eq!(invalid(wrong), all);
    }

    #[test]
    fn hourly_rate_without_a_currency_is_in_that_of_the_country() {
        let rate = hourly_rate(9_000, None, country("GB")).expect("a rate");
        assert_eq!((rate.amount(), rate.currency().code()), (9_000, "GBP"));
        let rate = hourly_rate(9_000, Some(Currency::EUR), country("GB")).expect("a rate");
        assert_eq!(rate.currency(), Currency::EUR);
        for without in [None, country("AQ")] {
            let violations = hourly_rate(1, None, without).expect_err("no currency");
            assert!(violations.iter().all(|violation| violation.pointer == "/hourly_rate/currency"));
        }
    }

    proptest! {
        #[test]
        fn only_a_published_expert_who_is_not_suspended_can_be_booked(
            published: bool,
            suspended: bool,
            person_suspended: bool,
        ) {
            let created_at = Timestamp::from_seconds(0);
            let id = ExpertId::from_bits(1);
            let expert = Expert { id, version: 1, created_at, published, suspended, person_suspended, profile: profile() };
            let suspended = suspended || person_suspended;
            prop_assert_eq!(expert.is_bookable(), published && !suspended);
            prop_assert_eq!(expert.status() == ExpertStatus::Suspended, suspended);
        }
    }
}
