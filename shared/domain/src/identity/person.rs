//! A person, whatever they act as: their verified e-mail address, and what they choose for themself.

use crate::kernel::language::Language;
use crate::kernel::phone::Phone;
use crate::kernel::text::Email;
use crate::kernel::time::HOUR;
use crate::{PersonId, Timestamp, Zone};

/// How long the issuer is not asked about a person after it has refused their access token, in seconds. Few tokens are valid for
/// longer.
const PAUSE_AFTER_REFUSAL: i64 = HOUR;

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their id.
    pub id: PersonId,
    /// Increases by one with each write; 0 if nothing is stored about the person yet.
    pub version: u64,
    /// Increases by one with each change of the e-mail address or the profile; 0 if the person never had either. A sign-in that
    /// changes neither does not increase it, so it does not refuse a change that the person makes.
    pub etag: u64,
    /// The last e-mail address that the issuer has verified; `None` if it has verified none.
    pub email: Option<Email>,
    /// The sign-in after which the issuer last described the person; `None` if it never has.
    pub signed_in_at: Option<Timestamp>,
    /// When the issuer last refused an access token of the person; `None` if it has described the person since.
    pub token_refused_at: Option<Timestamp>,
    /// What the person chooses.
    pub profile: PersonProfile,
}

/// What a person chooses for themself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonProfile {
    /// The language in which the platform addresses them.
    pub language: Option<Language>,
    /// The time zone in which the platform shows them times.
    pub time_zone: Option<Zone>,
    /// The telephone number at which they can be reached.
    pub phone: Option<Phone>,
}

/// How the issuer describes a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserInfo {
    /// The subject of the person's access tokens.
    pub subject: String,
    /// Their e-mail address, if the issuer has verified it.
    pub email: Option<Email>,
    /// Their language.
    pub language: Option<Language>,
    /// Their time zone.
    pub time_zone: Option<Zone>,
}

impl Person {
    /// A person about whom nothing is stored.
    pub fn new(id: PersonId) -> Self {
        Self {
            id,
            version: 0,
            etag: 0,
            email: None,
            signed_in_at: None,
            token_refused_at: None,
            profile: PersonProfile::default(),
        }
    }

    /// Whether to ask the issuer about the person: they have signed in since it last described them, and it has not refused an
    /// access token of theirs within the last hour. `signed_in_at` belongs to the access token of a request.
    pub fn is_outdated(&self, signed_in_at: Timestamp, now: Timestamp) -> bool {
        self.signed_in_at.is_none_or(|last| last < signed_in_at)
            && self.token_refused_at.is_none_or(|refused| refused.plus(PAUSE_AFTER_REFUSAL) <= now)
    }

    /// The next version of the person, after the issuer has described them.
    ///
    /// The e-mail address changes only to another verified one. Language and time zone are taken over with the first description,
    /// unless the person has chosen something before. Afterwards they are the person's choice.
    #[must_use]
    pub fn described(self, user_info: UserInfo, signed_in_at: Timestamp) -> Self {
        let UserInfo { subject: _, email, language, time_zone } = user_info;
        let profile = if self.signed_in_at.is_none() && self.profile == PersonProfile::default() {
            PersonProfile { language, time_zone, phone: None }
        } else {
            self.profile.clone()
        };
        let email = email.or_else(|| self.email.clone());
        let signed_in_at = self.signed_in_at.max(Some(signed_in_at));
        Self { signed_in_at, token_refused_at: None, ..self.with(email, profile) }
    }

    /// The next version of the person, after the issuer has refused their access token.
    #[must_use]
    pub fn refused(self, now: Timestamp) -> Self {
        Self { version: self.version + 1, token_refused_at: Some(now), ..self }
    }

    /// The next version of the person, with another profile.
    #[must_use]
    pub fn edited(self, profile: PersonProfile) -> Self {
        let email = self.email.clone();
        self.with(email, profile)
    }

    /// The next version of the person, with this e-mail address and profile.
    fn with(self, email: Option<Email>, profile: PersonProfile) -> Self {
        let is_changed = email != self.email || profile != self.profile;
        Self { version: self.version + 1, etag: self.etag + u64::from(is_changed), email, profile, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: PersonId = PersonId::from_bits(1);
    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn email(text: &str) -> Option<Email> {
        Some(text.to_owned().try_into().expect("an address"))
    }

    fn language(tag: &str) -> Option<Language> {
        Some(tag.to_owned().try_into().expect("a language"))
    }

    fn described(email: Option<Email>, language: Option<Language>) -> UserInfo {
        UserInfo { subject: "ada".to_owned(), email, language, time_zone: Some(Zone::UTC) }
    }

    #[test]
    fn the_first_description_is_taken_over() {
        let ada = Person::new(ID);
        assert!(ada.is_outdated(at(0), NOW));
        let ada = ada.described(described(email("ada@example.org"), language("en")), at(5));
        assert_eq!((ada.version, &ada.email), (1, &email("ada@example.org")));
        assert_eq!((&ada.profile.language, ada.profile.time_zone), (&language("en"), Some(Zone::UTC)));
        let is_outdated = |signed_in_at| ada.is_outdated(at(signed_in_at), NOW);
        assert!(!is_outdated(4) && !is_outdated(5) && is_outdated(6));
    }

    #[test]
    fn after_a_refusal_the_issuer_is_not_asked_for_an_hour() {
        let refused = Person::new(ID).refused(NOW);
        assert!(
            !refused.is_outdated(at(9), NOW.plus(HOUR - 1)) && refused.is_outdated(at(9), NOW.plus(HOUR))
        );
        let ada = refused.described(described(email("ada@example.org"), language("en")), at(9));
        assert_eq!((ada.version, &ada.profile.language), (2, &language("en")), "it is the first description");
        assert!(ada.is_outdated(at(10), NOW), "the refusal is over");
        let refused = ada.clone().refused(NOW);
        assert_eq!(refused, Person { version: 3, token_refused_at: Some(NOW), ..ada });
    }

    #[test]
    fn etag_changes_only_with_what_the_person_sees() {
        let known = described(email("ada@example.org"), language("en"));
        let ada = Person::new(ID).refused(NOW);
        assert_eq!((ada.version, ada.etag), (1, 0));
        let ada = ada.described(known.clone(), at(5));
        assert_eq!((ada.version, ada.etag), (2, 1));
        let ada = ada.described(known, at(6)).refused(NOW);
        assert_eq!((ada.version, ada.etag), (4, 1));
        let profile = ada.profile.clone();
        let ada = ada.edited(profile);
        assert_eq!((ada.version, ada.etag), (5, 1));
        let ada = ada.edited(PersonProfile::default());
        assert_eq!((ada.version, ada.etag), (6, 2));
        let ada = ada.described(described(email("ada@example.com"), None), at(7));
        assert_eq!((ada.version, ada.etag), (7, 3));
    }

    #[test]
    fn a_later_description_changes_the_email_only() {
        let ada = Person::new(ID).described(described(email("ada@example.org"), language("en")), at(5));
        let ada = ada.edited(PersonProfile { language: None, ..PersonProfile::default() });
        let ada = ada.described(described(email("ada@example.com"), language("fr")), at(9));
        assert_eq!((ada.version, &ada.email), (3, &email("ada@example.com")));
        assert_eq!(ada.profile, PersonProfile::default(), "the person chose neither");
        let ada = ada.described(described(None, None), at(11));
        assert_eq!(ada.email, email("ada@example.com"), "the last verified address stays");
    }

    #[test]
    fn what_a_person_chose_before_the_first_description_stays() {
        let chosen = PersonProfile { language: language("de"), ..PersonProfile::default() };
        let ada = Person::new(ID).edited(chosen.clone());
        assert!(ada.is_outdated(at(0), NOW));
        let ada = ada.described(described(email("ada@example.org"), language("en")), at(5));
        assert_eq!((&ada.email, &ada.profile), (&email("ada@example.org"), &chosen));
    }

    #[test]
    fn an_older_sign_in_does_not_become_the_last_one() {
        let ada = Person::new(ID).described(described(None, None), at(9));
        assert_eq!(ada.described(described(None, None), at(5)).signed_in_at, Some(at(9)));
    }
}
