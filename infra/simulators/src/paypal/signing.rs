//! The key that webhooks are signed with, and the certificate that says so.
//! Source: <https://developer.paypal.com/api/rest/webhooks/rest/#verify-webhook-signature>.

use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::OpenError;
use crate::pem::pem;

/// The only algorithm, as the `PAYPAL-AUTH-ALGO` header has it.
pub(super) const ALGORITHM: &str = "SHA256withRSA";

/// An RSA key of 2048 bits.
pub(super) struct SigningKey {
    pair: KeyPair,
    /// The public half in a certificate, in DER.
    certificate: Vec<u8>,
}

impl SigningKey {
    /// A new key, and what to keep of it.
    pub(super) fn generate() -> Result<(Self, String), OpenError> {
        let failed = |_| OpenError::Cryptography("an RSA key could not be made".to_owned());
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
        let kept = STANDARD.encode(der.as_ref());
        Ok((Self::of(pair)?, kept))
    }

    /// The same new key whenever the process asks.
    pub(super) fn of_this_process() -> Result<Self, OpenError> {
        static KEPT: Mutex<Option<String>> = Mutex::new(None);
        let mut known = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = known.as_deref() {
            return Self::read(kept);
        }
        let (key, kept) = Self::generate()?;
        *known = Some(kept);
        Ok(key)
    }

    /// The key that was kept.
    pub(super) fn read(kept: &str) -> Result<Self, OpenError> {
        let failed = |reason: String| OpenError::Cryptography(format!("the kept key is damaged: {reason}"));
        let der = STANDARD.decode(kept).map_err(|error| failed(error.to_string()))?;
        Self::of(KeyPair::from_pkcs8(&der).map_err(|error| failed(error.to_string()))?)
    }

    fn of(pair: KeyPair) -> Result<Self, OpenError> {
        let mut key = Self { pair, certificate: Vec::new() };
        let public: PublicKeyX509Der<'_> = key
            .pair
            .public_key()
            .as_der()
            .map_err(|_| OpenError::Cryptography("the public key cannot be written".to_owned()))?;
        key.certificate = certificate(public.as_ref(), |body| key.sign(body))?;
        Ok(key)
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, OpenError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| OpenError::Cryptography("a message could not be signed".to_owned()))?;
        Ok(signature)
    }

    /// The signature over a webhook, in base64.
    pub(super) fn signature(&self, message: &str) -> Result<String, OpenError> {
        self.sign(message.as_bytes()).map(|signature| STANDARD.encode(signature))
    }

    /// Whether this key made the signature.
    pub(super) fn made(&self, signature: &str, message: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.pair.public_key());
        key.verify(message.as_bytes(), &signature).is_ok()
    }

    /// The name of the certificate, by which its address ends.
    pub(super) fn certificate_name(&self) -> String {
        let hash = digest(&SHA256, &self.certificate);
        let hex: String = hash.as_ref().iter().take(10).map(|byte| format!("{byte:02x}")).collect();
        format!("CERT-{hex}")
    }

    /// The certificate in PEM.
    pub(super) fn certificate_pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }
}

/// What is signed: the id and time of the sending, the webhook it goes to, and the checksum of the raw body.
pub(super) fn signed_message(transmission: &str, time: &str, webhook: &str, body: &[u8]) -> String {
    format!("{transmission}|{time}|{webhook}|{}", crc32(body))
}

/// The CRC-32 of zip and Ethernet (ISO-HDLC).
fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

/// A certificate the key gives itself, for the public half in `public` (a `SubjectPublicKeyInfo`).
/// Source: <https://www.rfc-editor.org/rfc/rfc5280#section-4.1>.
fn certificate(
    public: &[u8],
    sign: impl Fn(&[u8]) -> Result<Vec<u8>, OpenError>,
) -> Result<Vec<u8>, OpenError> {
    const SEQUENCE: u8 = 0x30;
    let sequence = |parts: &[&[u8]]| element(SEQUENCE, &parts.concat());
    let version = element(0xA0, &element(0x02, &[2]));
    // A positive number of its own: the first bytes of a hash, with a leading zero.
    let hash = digest(&SHA256, public);
    let serial: Vec<u8> = [0, 1].iter().chain(hash.as_ref().iter().take(8)).copied().skip(1).collect();
    let serial = element(0x02, &serial);
    // sha256WithRSAEncryption, 1.2.840.113549.1.1.11.
    let algorithm = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B];
    let algorithm = sequence(&[&element(0x06, &algorithm), &element(0x05, &[])]);
    // The common name, 2.5.4.3.
    let name = [element(0x06, &[0x55, 0x04, 0x03]), element(0x0C, b"PayPal simulator")].concat();
    let name = sequence(&[&element(0x31, &sequence(&[&name]))]);
    let validity = sequence(&[&element(0x17, b"200101000000Z"), &element(0x17, b"491231235959Z")]);
    let body = sequence(&[&version, &serial, &algorithm, &name, &validity, &name, public]);
    // No bits of the last byte are unused.
    let signature = [&[0], sign(&body)?.as_slice()].concat();
    Ok(sequence(&[&body, &algorithm, &element(0x03, &signature)]))
}

/// A tag, the length in the shortest form, and the content: DER.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let digits: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut der = vec![tag];
    match digits.as_slice() {
        [] => der.push(0),
        [short] if *short < 0x80 => der.push(*short),
        long => {
            // A length has at most eight digits.
            der.push(0x80 | u8::try_from(long.len()).unwrap_or(8));
            der.extend_from_slice(long);
        }
    }
    der.extend_from_slice(content);
    der
}

#[cfg(test)]
mod tests {
    use super::{SigningKey, crc32, element, signed_message};

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
        assert_eq!(signed_message("a", "b", "C", b"123456789"), "a|b|C|3421780262");
    }

    #[test]
    fn lengths_are_written_in_the_shortest_form() {
        assert_eq!(element(4, &[]), [4, 0]);
        assert_eq!(element(4, &[7; 127])[..2], [4, 127]);
        assert_eq!(element(4, &[7; 128])[..3], [4, 0x81, 128]);
        assert_eq!(element(4, &[7; 300])[..4], [4, 0x82, 1, 44]);
    }

    #[test]
    fn the_certificate_is_one_and_the_kept_key_the_same() {
        let (key, kept) = SigningKey::generate().unwrap();
        let der = rustls::pki_types::CertificateDer::from(key.certificate.clone());
        rustls::server::ParsedCertificate::try_from(&der).unwrap();
        let again = SigningKey::read(&kept).unwrap();
        assert_eq!(again.certificate_pem(), key.certificate_pem());
        let signature = key.signature("message").unwrap();
        assert!(again.made(&signature, "message"));
        assert!(
            !again.made(&signature, "massage") && !again.made("", "message") && !again.made("%", "message")
        );
        assert!(SigningKey::read("AAAA").is_err());
    }
}
