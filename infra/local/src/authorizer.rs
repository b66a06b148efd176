//! A stand-in for API Gateway's JWT authorizer: checks algorithm (RS256 only), signature, issuer, client, scope and time.

use std::collections::HashMap;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

/// The seconds by which the issuer's clock may differ.
const LEEWAY: i64 = 30;

/// Why access is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// The token is missing, invalid or expired, or belongs to another issuer or client.
    InvalidToken,
    /// The token is valid but lacks the scope.
    MissingScope,
}

/// Checks access tokens of one issuer.
pub(crate) struct Authorizer {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) keys: JwkSet,
}

impl Authorizer {
    /// The claims of a valid token. As from API Gateway, each is text, and a list is `[one two]`.
    pub(crate) fn claims(
        &self,
        authorization: Option<&str>,
        now: i64,
    ) -> Result<HashMap<String, String>, Denied> {
        let token = authorization
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or(Denied::InvalidToken)?;
        let header = decode_header(token).map_err(|_| Denied::InvalidToken)?;
        let key = header.kid.as_deref().and_then(|kid| self.keys.find(kid)).ok_or(Denied::InvalidToken)?;
        let key = DecodingKey::from_jwk(key).map_err(|_| Denied::InvalidToken)?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[&self.issuer]);
        // The time is checked below against the stack's clock. Cognito puts the client into `client_id` instead of `aud`.
        validation.validate_exp = false;
        validation.validate_aud = false;
        let token = decode::<serde_json::Map<String, Value>>(token, &key, &validation)
            .map_err(|_| Denied::InvalidToken)?;
        let claims = token.claims;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let seconds = |name: &str| claims.get(name).and_then(Value::as_i64);
        let client = text("client_id").or_else(|| text("aud"));
        let current = seconds("exp").is_some_and(|end| now < end + LEEWAY)
            && seconds("nbf").is_none_or(|start| start - LEEWAY <= now)
            && seconds("iat").is_none_or(|start| start - LEEWAY <= now);
        if client != Some(self.client_id.as_str()) || !current {
            return Err(Denied::InvalidToken);
        }
        let read_only = format!("{}.read", self.scope);
        let allowed = [self.scope.as_str(), &read_only];
        if !text("scope").unwrap_or_default().split(' ').any(|scope| allowed.contains(&scope)) {
            return Err(Denied::MissingScope);
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
