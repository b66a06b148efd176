//! The key that webhooks are signed with, and its certificate.
//! Source: <https://developer.paypal.com/api/rest/webhooks/rest/#verify-webhook-signature>.

use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, SigningKey as _,
};

use crate::OpenError;
use crate::idempotency::hex;

/// The only algorithm, as the `PAYPAL-AUTH-ALGO` header names it.
pub(super) const ALGORITHM: &str = "SHA256withRSA";

/// An RSA key of 2048 bits, and the certificate of its public half, which an authority of the simulator's own issues.
pub(super) struct SigningKey {
    pair: KeyPair,
    certificate: Certificate,
    authority: CertifiedIssuer<'static, KeyPair>,
}

fn failed(error: impl std::fmt::Display) -> OpenError {
    OpenError::Cryptography(error.to_string())
}

fn named(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters
}

impl SigningKey {
    /// A new key.
    pub(super) fn generate() -> Result<Self, OpenError> {
        let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).map_err(failed)?;
        Self::of(pair, KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?)
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

    /// The private key and that of the authority, each as PKCS #8 in base64.
    pub(super) fn to_text(&self) -> String {
        let authority = self.authority.key().serialized_der();
        format!("{} {}", STANDARD.encode(self.pair.serialized_der()), STANDARD.encode(authority))
    }

    /// Reads what [`to_text`](Self::to_text) wrote.
    pub(super) fn read(text: &str) -> Result<Self, OpenError> {
        let decode = |text: &str| STANDARD.decode(text).map_err(failed);
        let (own, authority) = match text.split_once(' ') {
            Some((own, authority)) => {
                let authority = decode(authority)?.into();
                (own, KeyPair::from_pkcs8_der_and_sign_algo(&authority, &PKCS_ECDSA_P256_SHA256))
            }
            // An earlier version had no authority.
            None => (text, KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)),
        };
        let own = KeyPair::from_pkcs8_der_and_sign_algo(&decode(own)?.into(), &PKCS_RSA_SHA256);
        Self::of(own.map_err(failed)?, authority.map_err(failed)?)
    }

    fn of(pair: KeyPair, authority: KeyPair) -> Result<Self, OpenError> {
        let mut parameters = named("Certificate authority of the PayPal simulator");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(parameters, authority).map_err(failed)?;
        let certificate =
            named("Webhooks of the PayPal simulator").signed_by(&pair, &authority).map_err(failed)?;
        Ok(Self { pair, certificate, authority })
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

    /// The name of the certificate, which its address ends with. It names the key, because each start issues a new certificate.
    pub(super) fn certificate_name(&self) -> String {
        let hash = digest(&SHA256, self.pair.public_key_raw());
        format!("CERT-{}", hex(hash.as_ref().get(..10).unwrap_or_default()))
    }

    /// The certificate in PEM.
    pub(super) fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// The certificate of the authority that issued the certificate, in PEM.
    pub(super) fn authority_pem(&self) -> String {
        self.authority.pem()
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
        assert_eq!(again.certificate_name(), key.certificate_name());
        let signature = key.signature("message").unwrap();
        assert!(again.verify(&signature, "message"));
        assert!(!again.verify(&signature, "massage"));
        assert!(!again.verify("", "message") && !again.verify("%", "message"));
        assert!(SigningKey::read("AAAA").is_err());
    }
}
