//! Languages.

use std::fmt;

use icu_locale_core::LanguageIdentifier;
use icu_locale_core::subtags::{Language as Primary, Region, Script, Variants};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A language that people speak, as a BCP 47 tag such as `de` or `pt-BR`, in its canonical form.
///
/// A tag has a language and optionally a script and a region. It is checked for its form; whether the language exists is not
/// checked, because the registry of languages grows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(String);

/// The text is not a language tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a BCP 47 language tag, such as de or pt-BR")]
pub struct InvalidLanguage;

impl Language {
    /// Returns the language of a stored row, without checking its tag again.
    pub fn from_stored(tag: String) -> Self {
        Self(tag)
    }

    /// Returns the tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Language {
    type Error = InvalidLanguage;

    fn try_from(tag: String) -> Result<Self, InvalidLanguage> {
        let mut parts = tag.split('-').peekable();
        let language = parts.next().and_then(|part| Primary::try_from_str(part).ok());
        // `und` means that the language is not known.
        let language = language.filter(|language| !language.is_unknown()).ok_or(InvalidLanguage)?;
        let script = parts.peek().and_then(|part| Script::try_from_str(part).ok());
        if script.is_some() {
            parts.next();
        }
        let region = parts.peek().and_then(|part| Region::try_from_str(part).ok());
        if region.is_some() {
            parts.next();
        }
        match parts.next() {
            Some(_) => Err(InvalidLanguage),
            None => {
                let variants = Variants::new();
                Ok(Self(LanguageIdentifier { language, script, region, variants }.to_string()))
            }
        }
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0
    }
}

impl fmt::Display for Language {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl JsonSchema for Language {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Language".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "language",
            "pattern": "^[A-Za-z]{2,8}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?$",
            "description": "BCP 47 language tag",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(tag: &str) -> Option<String> {
        Language::try_from(tag.to_owned()).ok().map(String::from)
    }

    #[test]
    fn tags_are_stored_in_canonical_form() {
        for (tag, canonical) in
            [("de", "de"), ("EN-gb", "en-GB"), ("zh-hant-TW", "zh-Hant-TW"), ("es-419", "es-419")]
        {
            assert_eq!(parse(tag).as_deref(), Some(canonical));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for wrong in ["", "und", "german!", "d", "de_DE", "de-", "-de", "x-private", "de-1996", "de-AT-AT"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn parsing_arbitrary_text_never_panics_and_the_canonical_form_is_stable(tag in "[A-Za-z0-9_-]{0,12}|.{0,40}") {
            if let Some(canonical) = parse(&tag) {
                prop_assert_eq!(parse(&canonical), Some(canonical));
            }
        }
    }
}
