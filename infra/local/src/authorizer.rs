//! What the API gateway's JWT authorizer does: RS256 only, the issuer's own keys, issuer, client, scope and time.

use std::collections::HashMap;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

/// Seconds by which clocks may differ.
const LEEWAY: i64 = 30;

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is none, or it is not one of ours, or its time is over.
    Token,
    /// It is good, for something else.
    Scope,
}

/// Checks tokens of one issuer.
pub(crate) struct Authorizer {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) keys: JwkSet,
}

impl Authorizer {
    /// The claims of a good token, each as text, a list as `[one two]`: so API Gateway passes them on.
    pub(crate) fn claims(
        &self,
        authorization: Option<&str>,
        now: i64,
    ) -> Result<HashMap<String, String>, Refused> {
        let token = authorization
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or(Refused::Token)?;
        let header = decode_header(token).map_err(|_| Refused::Token)?;
        let key = header.kid.as_deref().and_then(|kid| self.keys.find(kid)).ok_or(Refused::Token)?;
        let key = DecodingKey::from_jwk(key).map_err(|_| Refused::Token)?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[&self.issuer]);
        // Time is checked below by the stack's clock; the client is in `client_id`, as Cognito has it, and not in `aud`.
        validation.validate_exp = false;
        validation.validate_aud = false;
        let token =
            decode::<serde_json::Map<String, Value>>(token, &key, &validation).map_err(|_| Refused::Token)?;
        let claims = token.claims;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let seconds = |name: &str| claims.get(name).and_then(Value::as_i64);
        let client = text("client_id").or_else(|| text("aud"));
        let current = seconds("exp").is_some_and(|end| now < end + LEEWAY)
            && seconds("nbf").is_none_or(|start| start - LEEWAY <= now)
            && seconds("iat").is_none_or(|start| start - LEEWAY <= now);
        if client != Some(self.client_id.as_str()) || !current {
            return Err(Refused::Token);
        }
        if !text("scope").unwrap_or_default().split(' ').any(|scope| scope == self.scope) {
            return Err(Refused::Scope);
        }
        Ok(claims.iter().map(|(name, value)| (name.clone(), as_text(value))).collect())
    }
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(as_text).collect::<Vec<_>>().join(" ")),
        other => other.to_string(),
    }
}
