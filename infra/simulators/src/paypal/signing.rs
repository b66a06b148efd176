//! The key that webhooks are signed with, and its certificate.
//! Source: <https://developer.paypal.com/api/rest/webhooks/rest/#verify-webhook-signature>.

use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{Certificate, CertificateParams, KeyPair, PKCS_RSA_SHA256, SigningKey as _};

use crate::OpenError;
use crate::idempotency::hex;

/// The only algorithm, as the `PAYPAL-AUTH-ALGO` header names it.
pub(super) const ALGORITHM: &str = "SHA256withRSA";

/// An RSA key of 2048 bits, and the self-signed certificate of its public half.
pub(super) struct SigningKey {
    pair: KeyPair,
    certificate: Certificate,
}

fn failed(error: impl std::fmt::Display) -> OpenError {
    OpenError::Cryptography(error.to_string())
}

impl SigningKey {
    /// A new key.
    pub(super) fn generate() -> Result<Self, OpenError> {
        Self::of(KeyPair::generate_for(&PKCS_RSA_SHA256).map_err(failed)?)
    }

    /// A key that all simulators of this process share, because generating one takes a while.
    pub(super) fn of_this_process() -> Result<Self, OpenError> {
        static SAVED: Mutex<Option<String>> = Mutex::new(None);
        let mut saved = SAVED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(saved) = saved.as_deref() {
            return Self::read(saved);
        }
        let key = Self::generate()?;
        *saved = Some(key.to_text());
        Ok(key)
    }

    /// The private key as PKCS #8 in base64.
    pub(super) fn to_text(&self) -> String {
        STANDARD.encode(self.pair.serialized_der())
    }

    /// Reads what [`to_text`](Self::to_text) wrote.
    pub(super) fn read(text: &str) -> Result<Self, OpenError> {
        let der = STANDARD.decode(text).map_err(failed)?;
        Self::of(KeyPair::from_pkcs8_der_and_sign_algo(&der.into(), &PKCS_RSA_SHA256).map_err(failed)?)
    }

    fn of(pair: KeyPair) -> Result<Self, OpenError> {
        let certificate = CertificateParams::default().self_signed(&pair).map_err(failed)?;
        Ok(Self { pair, certificate })
    }

    /// The signature of a message, in base64.
    pub(super) fn signature(&self, message: &str) -> Result<String, OpenError> {
        self.pair.sign(message.as_bytes()).map(|signature| STANDARD.encode(signature)).map_err(failed)
    }

    /// Whether the signature is one of this key.
    pub(super) fn verify(&self, signature: &str, message: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.pair.public_key_raw());
        key.verify(message.as_bytes(), &signature).is_ok()
    }

    /// The name of the certificate, which its address ends with.
    pub(super) fn certificate_name(&self) -> String {
        let hash = digest(&SHA256, self.certificate.der());
        format!("CERT-{}", hex(hash.as_ref().get(..10).unwrap_or_default()))
    }

    /// The certificate in PEM.
    pub(super) fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }
}

/// The message that is signed: the id and time of the attempt, the webhook's id, and the CRC-32 of the body.
pub(super) fn signed_message(transmission: &str, time: &str, webhook: &str, body: &[u8]) -> String {
    format!("{transmission}|{time}|{webhook}|{}", crc32fast::hash(body))
}

#[cfg(test)]
mod tests {
    use super::{SigningKey, signed_message};

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(signed_message("a", "b", "C", b"123456789"), "a|b|C|3421780262");
        assert_eq!(signed_message("a", "b", "C", b""), "a|b|C|0");
    }

    #[test]
    fn the_certificate_is_one_and_the_kept_key_the_same() {
        let key = SigningKey::generate().unwrap();
        rustls::server::ParsedCertificate::try_from(key.certificate.der()).unwrap();
        let again = SigningKey::read(&key.to_text()).unwrap();
        assert_eq!(again.certificate_pem(), key.certificate_pem());
        let signature = key.signature("message").unwrap();
        assert!(again.verify(&signature, "message"));
        assert!(!again.verify(&signature, "massage"));
        assert!(!again.verify("", "message") && !again.verify("%", "message"));
        assert!(SigningKey::read("AAAA").is_err());
    }
}
