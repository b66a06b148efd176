//! The person whom an access token names.
//!
//! API Gateway verifies the token and passes its claims on as text, in which a list has no quotes: the group `client admin` and
//! the two groups `client` and `admin` become the same text. Roles and scopes are therefore read from the token itself. API
//! Gateway has verified it, which the claims of the authorizer prove: they name the same issuer and subject.
//!
//! A claim grants a role only if it contains exactly the name of the role. A claim of another form grants nothing.

use app::identity::signed_in::{AccessToken, Role, Scope, SignedInPerson};
use app::ports::Secret;
use app::{Settings, SignIn};
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Timestamp;
use serde_json::{Map, Value};

use crate::json::Strict;

/// What is appended to the scope of the API for tokens that allow reading only.
const READ_ONLY: &str = ".read";

/// The person of an access token; `None` without issuer and subject.
///
/// `issuer` and `subject` are the claims that API Gateway has verified, and `authorization` is the header that it has read them
/// from. If the token in that header is of somebody else, or cannot be read, the person has no roles and no scopes.
pub fn person(
    issuer: Option<&str>,
    subject: Option<&str>,
    authorization: Option<&str>,
    settings: &Settings,
) -> Option<SignedInPerson> {
    let (issuer, subject) =
        (issuer.filter(|text| !text.is_empty())?, subject.filter(|text| !text.is_empty())?);
    let claims = claims(issuer, subject, authorization).unwrap_or_default();
    let roles = roles(&claims, &settings.sign_in);
    Some(SignedInPerson::new(id_bits(issuer, subject), roles, scopes(&claims, &settings.sign_in)))
}

/// The access token in the header `authorization`; `None` if it cannot be read, or belongs to somebody else than the issuer and the
/// subject that API Gateway has verified, or has no scope `openid`: the issuer describes nobody for such a token.
pub fn access_token(issuer: &str, subject: &str, authorization: Option<&str>) -> Option<AccessToken> {
    let claims = claims(issuer, subject, authorization).filter(|claims| has_scope(claims, "openid"))?;
    // Such a time may have a fraction (RFC 7519, section 2).
    let seconds = |name: &str| {
        let whole = claims.get(name)?.to_string();
        whole.split('.').next()?.parse::<i64>().ok()
    };
    Some(AccessToken {
        token: Secret::new(authorization.and_then(token)?),
        subject: subject.to_owned(),
        // `auth_time` is the same in all tokens of a sign-in, also after a refresh (OpenID Connect Core, section 2). Some issuers
        // leave it out.
        signed_in_at: Timestamp::from_seconds(seconds("auth_time").or_else(|| seconds("iat")).unwrap_or(0)),
    })
}

/// The claims of the token in a header, if they name this issuer and this subject.
fn claims(issuer: &str, subject: &str, authorization: Option<&str>) -> Option<Map<String, Value>> {
    let claims = authorization.and_then(token).and_then(payload)?;
    let is = |name: &str, text: &str| claims.get(name).and_then(Value::as_str) == Some(text);
    (is("iss", issuer) && is("sub", subject)).then_some(claims)
}

/// The bits of a person's ids: half of a digest of issuer and subject.
pub fn id_bits(issuer: &str, subject: &str) -> u128 {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&(issuer.len() as u64).to_be_bytes());
    context.update(issuer.as_bytes());
    context.update(subject.as_bytes());
    context.finish().as_ref().iter().take(16).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte))
}

/// The token in a header such as `Bearer …`. API Gateway also accepts a token without the scheme.
fn token(authorization: &str) -> Option<&str> {
    match authorization.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim()),
        Some(_) => None,
        None => Some(authorization),
    }
}

/// The claims of a token. An object with a duplicate name is refused: readers differ in which of the two they take.
fn payload(token: &str) -> Option<Map<String, Value>> {
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let bytes = URL_SAFE_NO_PAD.decode(payload).ok()?;
    match serde_json::from_slice(&bytes).ok()? {
        Strict(Value::Object(claims)) => Some(claims),
        Strict(_) => None,
    }
}

/// The value of a claim. If no claim has exactly this name, a dot separates the name of an object from the name of its member, as
/// in `realm_access.roles`.
fn claim<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c Value> {
    claims.get(name).or_else(|| {
        let (object, member) = name.split_once('.')?;
        claim(claims.get(object)?.as_object()?, member)
    })
}

/// The roles in the claim that the settings name: a list of names, or one name as text.
fn roles(claims: &Map<String, Value>, settings: &SignIn) -> Vec<Role> {
    let names: Option<Vec<&str>> = match claim(claims, &settings.roles_claim) {
        Some(Value::String(name)) => Some(vec![name]),
        Some(Value::Array(names)) => names.iter().map(Value::as_str).collect(),
        _ => None,
    };
    let names = names.unwrap_or_default();
    names
        .into_iter()
        .filter_map(|name| Role::from_group(name.strip_prefix(settings.role_prefix.as_str())?))
        .collect()
}

/// Whether the token has a scope. Issuers write scopes as `scope` or `scp`, as text separated by spaces or as a list.
fn has_scope(claims: &Map<String, Value>, scope: &str) -> bool {
    ["scope", "scp"].iter().any(|name| match claims.get(*name) {
        Some(Value::String(scopes)) => scopes.split(' ').any(|one| one == scope),
        Some(Value::Array(scopes)) => scopes.iter().any(|one| one == scope),
        _ => false,
    })
}

/// What the token allows: everything with the scope of the API, and reading with that scope followed by `.read`.
fn scopes(claims: &Map<String, Value>, settings: &SignIn) -> &'static [Scope] {
    if has_scope(claims, &settings.scope) {
        Scope::FULL
    } else if has_scope(claims, &format!("{}{READ_ONLY}", settings.scope)) {
        &[Scope::Read]
    } else {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn header(claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("Bearer {}.{}.c2lnbmF0dXJl", part(&json!({ "alg": "RS256", "kid": "1" })), part(claims))
    }

    fn settings(roles_claim: &str, role_prefix: &str, scope: &str) -> Settings {
        Settings {
            sign_in: SignIn {
                roles_claim: roles_claim.to_owned(),
                role_prefix: role_prefix.to_owned(),
                scope: scope.to_owned(),
            },
            ..Settings::default()
        }
    }

    /// The person of a token with these claims, which API Gateway has verified.
    fn verified(claims: &Value, settings: &Settings) -> SignedInPerson {
        let header = header(claims);
        person(claims["iss"].as_str(), claims["sub"].as_str(), Some(&header), settings).expect("a person")
    }

    fn held(person: &SignedInPerson) -> Vec<Role> {
        [Role::Expert, Role::Client, Role::Admin].into_iter().filter(|role| person.has(*role)).collect()
    }

    /// The roles that a claim with this value grants.
    fn granted(value: Value) -> Vec<Role> {
        let claims = json!({ "iss": "https://issuer.example", "sub": "ada", "cognito:groups": value });
        held(&verified(&claims, &Settings::default()))
    }

    #[test]
    fn only_the_exact_name_of_a_group_grants_a_role() {
        assert_eq!(granted(json!(["expert", "client"])), [Role::Expert, Role::Client]);
        assert_eq!(granted(json!(["x", "admin"])), [Role::Admin]);
        assert_eq!(granted(json!("admin")), [Role::Admin]);
        for other in [
            json!(["client admin"]),
            json!([" admin"]),
            json!(["admin "]),
            json!(["Admin"]),
            json!(["superadmin"]),
            json!(["/admin"]),
            json!(["admin,expert"]),
            json!(["[admin]"]),
            json!([["admin"]]),
            json!(["admin", 1]),
            json!(["admin", null]),
            json!("client admin"),
            json!("[admin]"),
            json!("[\"admin\"]"),
            json!({ "admin": true }),
            json!(null),
            json!([]),
        ] {
            assert_eq!(granted(other.clone()), [], "{other}");
        }
    }

    #[test]
    fn tokens_of_cognito_are_read() {
        let person = verified(
            &json!({
                "sub": "b4a8c4d8-9021-70f5-0d5b-5f0a6c2d7e11",
                "cognito:groups": ["eu-central-1_AbCdEfGhI_Google", "expert", "client"],
                "iss": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI",
                "version": 2,
                "client_id": "5v0q0rr9fmbbu7c2ftqgpl6m1c",
                "origin_jti": "5b9f50a3-05da-454a-8b99-b79c2349de77",
                "token_use": "access",
                "scope": "openid profile expert-connect/api email",
                "auth_time": 1798621200,
                "exp": 1798622100,
                "iat": 1798621200,
                "jti": "0aab1ff6-1d2e-4d9e-a8de-4f3a8d4a5d5c",
                "username": "b4a8c4d8-9021-70f5-0d5b-5f0a6c2d7e11",
            }),
            &Settings::default(),
        );
        assert_eq!(held(&person), [Role::Expert, Role::Client]);
        assert!(person.has_scope(Scope::Read) && person.has_scope(Scope::Write));
    }

    #[test]
    fn tokens_of_auth0_are_read() {
        let claims = json!({
            "https://expert-connect.example/roles": ["client"],
            "iss": "https://expert-connect.eu.auth0.com/",
            "sub": "auth0|6543a1f0c2b1d2e3f4a5b6c7",
            "aud": ["https://api.expert-connect.example", "https://expert-connect.eu.auth0.com/userinfo"],
            "iat": 1798621200,
            "exp": 1798707600,
            "scope": "openid profile email expert-connect/api",
            "azp": "my9rVdN2kN2lB1Qk6B3kN9mB5pQ0wXyZ",
            "permissions": ["admin"],
        });
        let settings = settings("https://expert-connect.example/roles", "", "expert-connect/api");
        let person = verified(&claims, &settings);
        assert_eq!(held(&person), [Role::Client], "`permissions` are not roles");
        assert!(person.has_scope(Scope::Write));
    }

    #[test]
    fn tokens_of_keycloak_are_read() {
        let claims = json!({
            "exp": 1798621500,
            "iat": 1798621200,
            "jti": "onrtac:8c1f7c52-6f1d-4d7e-9b5f-6f1f3f0a9d3b",
            "iss": "https://keycloak.example/realms/expert-connect",
            "aud": "account",
            "sub": "f1c2b3a4-5d6e-4f70-8192-a3b4c5d6e7f8",
            "typ": "Bearer",
            "azp": "web",
            "realm_access": { "roles": ["offline_access", "expert", "uma_authorization"] },
            "resource_access": { "account": { "roles": ["admin"] } },
            "scope": "openid email expert-connect/api profile",
            "groups": ["/client", "/team/admin"],
        });
        let by_role = verified(&claims, &settings("realm_access.roles", "", "expert-connect/api"));
        assert_eq!(held(&by_role), [Role::Expert]);
        let by_group = verified(&claims, &settings("groups", "/", "expert-connect/api"));
        assert_eq!(held(&by_group), [Role::Client], "a group within another one is another group");
        assert_eq!(held(&verified(&claims, &settings("groups", "", "expert-connect/api"))), []);
    }

    #[test]
    fn tokens_of_entra_id_are_read() {
        let claims = json!({
            "aud": "7c1d2e3f-4a5b-6c7d-8e9f-0a1b2c3d4e5f",
            "iss": "https://login.microsoftonline.com/3f2b1c4d-5e6f-4a1b-8c2d-9e0f1a2b3c4d/v2.0",
            "iat": 1798621200,
            "nbf": 1798621200,
            "exp": 1798625100,
            "azp": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
            "name": "Ada Lovelace",
            "oid": "1b2c3d4e-5f60-4718-92a3-b4c5d6e7f809",
            "roles": ["admin"],
            "groups": ["expert"],
            "scp": "api",
            "sub": "Qm9va2luZyBwbGF0Zm9ybSB1c2Vy",
            "tid": "3f2b1c4d-5e6f-4a1b-8c2d-9e0f1a2b3c4d",
            "ver": "2.0",
        });
        let person = verified(&claims, &settings("roles", "", "api"));
        assert_eq!(held(&person), [Role::Admin]);
        assert!(person.has_scope(Scope::Write));
    }

    #[test]
    fn a_scope_for_reading_allows_reading_only() {
        let of = |name: &str, value: Value| {
            let claims = json!({ "iss": "i", "sub": "s", name: value });
            let person = verified(&claims, &Settings::default());
            (person.has_scope(Scope::Read), person.has_scope(Scope::Write))
        };
        assert_eq!(of("scope", json!("openid expert-connect/api")), (true, true));
        assert_eq!(of("scp", json!(["expert-connect/api"])), (true, true));
        assert_eq!(of("scope", json!("openid expert-connect/api.read")), (true, false));
        assert_eq!(of("scope", json!("expert-connect/api.read expert-connect/api")), (true, true));
        for none in [json!("expert-connect/api.write"), json!("openid"), json!(1), json!(null)] {
            assert_eq!(of("scope", none.clone()), (false, false), "{none}");
        }
    }

    #[test]
    fn a_token_of_somebody_else_grants_nothing() {
        let admin = json!({ "iss": "i", "sub": "margaret", "cognito:groups": ["admin"], "scope": "expert-connect/api" });
        let settings = Settings::default();
        for (issuer, subject) in [("i", "mallory"), ("j", "margaret")] {
            let person =
                person(Some(issuer), Some(subject), Some(&header(&admin)), &settings).expect("a person");
            assert_eq!(held(&person), []);
            assert!(!person.has_scope(Scope::Read));
        }
        for unreadable in ["", "Bearer", "Basic a.b.c", "Bearer a.b", "Bearer a.b.c", "Bearer a.W10.c"] {
            let person = person(Some("i"), Some("margaret"), Some(unreadable), &settings).expect("a person");
            assert_eq!(held(&person), [], "{unreadable}");
        }
        let twice = URL_SAFE_NO_PAD.encode(
            r#"{"iss":"i","sub":"margaret","scope":"expert-connect/api","cognito:groups":[],"cognito:groups":["admin"]}"#,
        );
        let person = person(Some("i"), Some("margaret"), Some(&format!("Bearer a.{twice}.c")), &settings);
        assert_eq!(held(&person.expect("a person")), [], "a duplicate claim is ambiguous");
    }

    #[test]
    fn an_access_token_says_when_its_person_signed_in() {
        let signed_in_at = |more: Value| {
            let mut claims = json!({ "iss": "i", "sub": "ada", "scope": "openid" });
            claims.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            let header = header(&claims);
            let token = access_token("i", "ada", Some(&header)).expect("a token");
            assert_eq!(header, format!("Bearer {}", token.token.reveal()));
            assert_eq!(token.subject, "ada");
            token.signed_in_at.seconds()
        };
        assert_eq!(signed_in_at(json!({ "auth_time": 7, "iat": 9 })), 7, "iat is that of a refreshed token");
        assert_eq!(signed_in_at(json!({ "iat": 9 })), 9);
        assert_eq!(signed_in_at(json!({ "auth_time": 7.9 })), 7, "a time may have a fraction");
        assert_eq!(signed_in_at(json!({ "auth_time": "7" })), 0);
    }

    #[test]
    fn an_access_token_of_somebody_else_or_without_openid_is_not_shown_to_the_issuer() {
        let without = header(&json!({ "iss": "i", "sub": "ada", "scope": "expert-connect/api" }));
        assert_eq!(access_token("i", "ada", Some(&without)), None);
        let header = header(&json!({ "iss": "i", "sub": "ada", "scope": "openid" }));
        assert!(access_token("i", "ada", Some(&header)).is_some());
        for (issuer, subject, header) in [
            ("i", "mallory", &*header),
            ("j", "ada", &header),
            ("i", "ada", "Basic a.b.c"),
            ("i", "ada", "x"),
        ] {
            assert_eq!(access_token(issuer, subject, Some(header)), None);
        }
        assert_eq!(access_token("i", "ada", None), None);
    }

    #[test]
    fn a_person_needs_issuer_and_subject() {
        let settings = Settings::default();
        for (issuer, subject) in
            [(None, Some("s")), (Some("i"), None), (Some(""), Some("s")), (Some("i"), Some(""))]
        {
            assert_eq!(person(issuer, subject, None, &settings), None);
        }
        assert_ne!(id_bits("i", "s"), id_bits("is", ""));
    }
}
