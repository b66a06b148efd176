//! The signing key.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Map, Value, json};

use crate::{OpenError, state_file};

/// What PEM calls a private key in PKCS #8.
const LABEL: &str = "PRIVATE KEY";

/// An RSA key of 2048 bits that signs with RS256.
pub(super) struct SigningKey {
    /// The name of the key: a hash of its public half.
    id: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
    modulus: String,
    exponent: String,
}

impl SigningKey {
    /// Reads the key from the file, or makes one and keeps it there. Without a file, it is the one of this process.
    pub(super) fn open(file: Option<&Path>) -> Result<Self, OpenError> {
        let Some(path) = file else { return Self::from_pem(&of_this_process()?) };
        if let Some(bytes) = state_file::read(path)? {
            let damaged = |reason: String| OpenError::Damaged { path: path.to_owned(), reason };
            let pem = String::from_utf8(bytes).map_err(|_| damaged("it is not text".to_owned()))?;
            return Self::from_pem(&pem).map_err(|error| damaged(error.to_string()));
        }
        let pem = generate()?;
        state_file::replace(path, pem.as_bytes())?;
        Self::from_pem(&pem)
    }

    fn from_pem(pem: &str) -> Result<Self, OpenError> {
        let failed = |reason: &str| OpenError::Cryptography(reason.to_owned());
        let parsed = pem::parse(pem).ok().filter(|parsed| parsed.tag() == LABEL);
        let parsed = parsed.ok_or_else(|| failed("it holds no private key in PEM"))?;
        let pair = KeyPair::from_pkcs8(parsed.contents())
            .map_err(|error| OpenError::Cryptography(error.to_string()))?;
        let encoding =
            EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|error| failed(&error.to_string()))?;
        let public = pair.public_key();
        let (modulus, exponent) = (public.modulus(), public.exponent());
        let (modulus, exponent) =
            (modulus.big_endian_without_leading_zero(), exponent.big_endian_without_leading_zero());
        let public_der: PublicKeyX509Der<'_> =
            public.as_der().map_err(|_| failed("the public key cannot be written"))?;
        Ok(Self {
            id: URL_SAFE_NO_PAD.encode(digest(&SHA256, public_der.as_ref())),
            encoding,
            decoding: DecodingKey::from_rsa_raw_components(modulus, exponent),
            modulus: URL_SAFE_NO_PAD.encode(modulus),
            exponent: URL_SAFE_NO_PAD.encode(exponent),
        })
    }

    /// The public half as a JSON Web Key Set. Source: <https://www.rfc-editor.org/rfc/rfc7517>.
    pub(super) fn jwks(&self) -> Value {
        json!({ "keys": [{
            "alg": "RS256",
            "e": self.exponent,
            "kid": self.id,
            "kty": "RSA",
            "n": self.modulus,
            "use": "sig",
        }] })
    }

    /// A signed token.
    pub(super) fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.id.clone());
        // The claims are plain JSON and the key was checked when it was read, so there is nothing to fail at;
        // an empty token is refused by everybody.
        jsonwebtoken::encode(&header, claims, &self.encoding).unwrap_or_else(|error| {
            tracing::error!(%error, "a token could not be signed");
            String::new()
        })
    }

    /// The claims of a token this key signed. Its times are not looked at: they follow another clock.
    pub(super) fn verify(&self, token: &str) -> Option<Map<String, Value>> {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        jsonwebtoken::decode(token, &self.decoding, &validation).ok().map(|token| token.claims)
    }
}

/// A key that all sign-in services of this process share, because generating one takes a while.
fn of_this_process() -> Result<String, OpenError> {
    static MADE: Mutex<Option<String>> = Mutex::new(None);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    match made.as_ref() {
        Some(made) => Ok(made.clone()),
        None => Ok(made.insert(generate()?).clone()),
    }
}

fn generate() -> Result<String, OpenError> {
    let failed = |_| OpenError::Cryptography("an RSA key could not be made".to_owned());
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
    Ok(pem::encode(&pem::Pem::new(LABEL, der.as_ref())))
}
