//! Converts claims to domain types. A claim that is not valid is left out.

use domain::identity::person::UserInfo;
use domain::kernel::language::Language;
use domain::kernel::text::Email;
use serde_json::Value;

use super::wire::Claims;

/// How the issuer describes a person.
pub(super) fn user_info(claims: Claims) -> UserInfo {
    // Cognito writes the truth value as text.
    let verified = claims.email_verified == true || claims.email_verified == "true";
    UserInfo {
        subject: claims.sub,
        email: text(claims.email).filter(|_| verified).and_then(|email| Email::try_from(email).ok()),
        language: text(claims.locale).and_then(language),
        time_zone: text(claims.zoneinfo).and_then(|zone| zone.parse().ok()),
    }
}

fn text(claim: Value) -> Option<String> {
    match claim {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// The language of a locale. Some issuers write `en_US` instead of `en-US` (OpenID Connect Core, section 5.1).
fn language(locale: String) -> Option<Language> {
    locale.replace('_', "-").try_into().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(claims: Value) -> UserInfo {
        user_info(serde_json::from_value(claims).expect("claims"))
    }

    #[test]
    fn only_a_verified_email_is_taken() {
        let email = |verified: Value| {
            read(json!({ "sub": "ada", "email": "ada@example.org", "email_verified": verified })).email
        };
        for yes in [json!(true), json!("true")] {
            assert_eq!(email(yes).expect("an address").as_str(), "ada@example.org");
        }
        for no in [
            json!(false),
            json!("false"),
            json!("True"),
            json!("yes"),
            json!(1),
            json!("1"),
            json!(null),
            json!([true]),
            json!({ "true": true }),
        ] {
            assert_eq!(email(no.clone()), None, "{no}");
        }
        assert_eq!(read(json!({ "sub": "ada", "email": "ada@example.org" })).email, None);
    }

    #[test]
    fn claims_of_other_issuers_are_read() {
        // Keycloak, with the client scopes `email` and `profile`.
        let keycloak = read(json!({
            "sub": "f1c2b3a4-5d6e-4f70-8192-a3b4c5d6e7f8",
            "email_verified": true,
            "name": "Ada Lovelace",
            "preferred_username": "ada",
            "given_name": "Ada",
            "locale": "de",
            "family_name": "Lovelace",
            "email": "ada@example.org",
        }));
        assert_eq!(keycloak.email.expect("an address").as_str(), "ada@example.org");
        assert_eq!((keycloak.language.expect("a language").as_str(), keycloak.time_zone), ("de", None));
        // Auth0.
        let auth0 = read(json!({
            "sub": "auth0|6543a1f0c2b1d2e3f4a5b6c7",
            "nickname": "ada",
            "picture": "https://s.gravatar.com/avatar/1.png",
            "updated_at": "2027-01-04T08:00:00.000Z",
            "email": "ada@example.org",
            "email_verified": false,
            "locale": "pt_BR",
            "zoneinfo": "America/Sao_Paulo",
        }));
        assert_eq!(auth0.email, None);
        assert_eq!(auth0.language.expect("a language").as_str(), "pt-BR");
        assert_eq!(auth0.time_zone.expect("a zone").name(), "America/Sao_Paulo");
    }

    #[test]
    fn an_invalid_claim_is_left_out() {
        let read = read(json!({
            "sub": "ada",
            "email": "nobody",
            "email_verified": true,
            "locale": "english, please",
            "zoneinfo": ["Europe/London"],
        }));
        let expected = UserInfo { subject: "ada".to_owned(), email: None, language: None, time_zone: None };
        assert_eq!(read, expected);
        let long = format!("{}@example.org", "x".repeat(300));
        assert_eq!(
            super::tests::read(json!({ "sub": "ada", "email": long, "email_verified": true })).email,
            None
        );
    }
}
