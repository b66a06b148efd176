//! Verifies the signature of an event with PayPal's certificate, without a request to PayPal for each event.
//!
//! PayPal signs `transmission id|time|webhook id|CRC-32 of the body`. The event says where the certificate is. Only certificates on
//! the host of the API, or the same host without `-m`, are fetched, and they are kept. Anybody can send events, so all of this is limited: the length of a
//! certificate, the number of kept ones, and the requests in a minute. A CRC-32 is not a cryptographic hash: whoever has one
//! event can make another one with the same signature. Nothing but the subject of an event is used, and the subject is read from PayPal.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::payments::ports::Headers;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use reqwest::{StatusCode, Url};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::https::{FetchError, fetch};

/// The only algorithm of signatures, as PayPal names it.
const ALGORITHM: &str = "SHA256withRSA";
/// The path of certificates at PayPal's API; the name of one follows it.
const CERTIFICATES: &str = "/v1/notifications/certs/";
/// The maximum length of the name of a certificate.
const MAX_NAME: usize = 128;
/// The maximum size of a certificate with the ones that issued it, in bytes.
const MAX_BYTES: usize = 32 * 1024;
/// The maximum number of certificates in such a chain.
const MAX_CHAIN: usize = 6;
/// The maximum number of kept certificates. PayPal uses one for months.
const MAX_KEPT: usize = 4;
/// The maximum number of requests for certificates in a minute. An event that needs one causes a small request without authentication.
/// Until a process has PayPal's certificate, forged events that name others use this up, and genuine ones have to be repeated. So it is
/// as much as API Gateway lets through to the route for webhooks by default, 20 in a second.
const MAX_CERTIFICATES: u32 = 1_200;
/// The maximum number of requests to PayPal in a minute to verify events. PayPal limits these, and repeats an event that was not
/// accepted for three days.
pub(super) const MAX_VERIFICATIONS: u32 = 10;

/// What a signature says about an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// PayPal has signed it.
    Genuine,
    /// PayPal has not signed it.
    Forged,
    /// It cannot be told here. The text says why.
    Undecided(String),
}

/// The headers with which an event is signed.
pub(super) struct Signed {
    pub(super) algorithm: String,
    pub(super) certificate: String,
    pub(super) transmission: String,
    pub(super) signature: String,
    pub(super) time: String,
}

impl Signed {
    /// Reads the headers of an event; `None` if one is missing, empty or too long.
    pub(super) fn read(headers: &Headers<'_>, longest: usize) -> Option<Self> {
        let header = |name: &str| headers(name).filter(|value| !value.is_empty() && value.len() <= longest);
        Some(Self {
            algorithm: header("paypal-auth-algo")?,
            certificate: header("paypal-cert-url")?,
            transmission: header("paypal-transmission-id")?,
            signature: header("paypal-transmission-sig")?,
            time: header("paypal-transmission-time")?,
        })
    }

    /// The message that PayPal signs for this body.
    fn message(&self, webhook_id: &str, body: &[u8]) -> String {
        let Self { transmission, time, .. } = self;
        format!("{transmission}|{time}|{webhook_id}|{}", crc32fast::hash(body))
    }
}

/// Counts requests, so that the sender of forged events cannot cause more than some of them.
pub(super) struct Budget {
    per_minute: u32,
    /// The last minute with requests, and their number.
    used: Mutex<(i64, u32)>,
}

impl Budget {
    pub(super) fn new(per_minute: u32) -> Self {
        Self { per_minute, used: Mutex::default() }
    }

    /// Takes one request of the current minute. Returns whether there was one left.
    pub(super) fn take(&self, now: Timestamp) -> bool {
        let minute = now.seconds().div_euclid(60);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.0 != minute {
            *used = (minute, 0);
        }
        used.1 = used.1.saturating_add(1);
        used.1 <= self.per_minute
    }
}

/// A certificate, followed by those that issued it.
type Chain = std::sync::Arc<[CertificateDer<'static>]>;

/// Fetches and keeps certificates, and verifies signatures with them.
pub(super) struct Certificates {
    http: reqwest::Client,
    /// The address of the API.
    base: Url,
    kept: Mutex<VecDeque<(Url, Chain)>>,
    budget: Budget,
}

impl Certificates {
    pub(super) fn new(http: reqwest::Client, base: Url) -> Self {
        Self { http, base, kept: Mutex::default(), budget: Budget::new(MAX_CERTIFICATES) }
    }

    /// Verifies the signature of an event. `roots` are the certificates in PEM that the chain must end with; without them, the
    /// public certificate authorities.
    pub(super) async fn verify(
        &self,
        signed: &Signed,
        webhook_id: &str,
        body: &[u8],
        roots: Option<&str>,
        now: Timestamp,
    ) -> Verdict {
        let Some(address) = self.pinned(&signed.certificate) else { return Verdict::Forged };
        let Ok(signature) = STANDARD.decode(&signed.signature) else { return Verdict::Forged };
        if signed.algorithm != ALGORITHM {
            return Verdict::Undecided("the algorithm of its signature is not known".to_owned());
        }
        let kept = self.kept().iter().find(|(at, _)| *at == address).map(|(_, chain)| chain.clone());
        let chain = match kept {
            Some(chain) => chain,
            None => match self.fetch(&address, now).await {
                Ok(chain) => chain,
                Err(verdict) => return verdict,
            },
        };
        let message = signed.message(webhook_id, body);
        let verdict = verify(&chain, roots, now, message.as_bytes(), &signature);
        if !matches!(verdict, Verdict::Undecided(_)) {
            self.keep(address, chain);
        }
        verdict
    }

    /// The address of a certificate, if it is one of PayPal's: at the API, or at the same host without `-m`.
    fn pinned(&self, address: &str) -> Option<Url> {
        let address: Url = address.parse().ok()?;
        let host = address.host_str()?;
        let own = self.base.host_str()?;
        let is_pinned =
            host == own || own.strip_prefix("api-m.").is_some_and(|rest| host == format!("api.{rest}"));
        let name = address.path().strip_prefix(CERTIFICATES)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (is_pinned
            && address.scheme() == self.base.scheme()
            && address.port_or_known_default() == self.base.port_or_known_default()
            && address.username().is_empty()
            && address.password().is_none()
            && address.query().is_none()
            && address.fragment().is_none()
            && (1..=MAX_NAME).contains(&name.len())
            && name.bytes().all(is_plain))
        .then_some(address)
    }

    async fn fetch(&self, address: &Url, now: Timestamp) -> Result<Chain, Verdict> {
        let undecided = |why: String| Err(Verdict::Undecided(why));
        if !self.budget.take(now) {
            return undecided("too many certificates were requested in this minute".to_owned());
        }
        let pem = match fetch(self.http.get(address.clone()), MAX_BYTES).await {
            Ok(pem) => pem,
            // There is no such certificate.
            Err(FetchError::Status(StatusCode::NOT_FOUND)) => return Err(Verdict::Forged),
            Err(error) => return undecided(format!("the server of its certificate {error}")),
        };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).take(MAX_CHAIN + 1).collect();
        match chain {
            Ok(chain) if (1..=MAX_CHAIN).contains(&chain.len()) => Ok(chain.into()),
            _ => undecided("its certificate cannot be read".to_owned()),
        }
    }

    fn keep(&self, address: Url, chain: Chain) {
        let mut kept = self.kept();
        if !kept.iter().any(|(at, _)| *at == address) {
            kept.push_front((address, chain));
            kept.truncate(MAX_KEPT);
        }
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(Url, Chain)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks the dates and the issuers of a certificate, and a signature with its key.
fn verify(
    chain: &[CertificateDer<'static>],
    roots: Option<&str>,
    now: Timestamp,
    message: &[u8],
    signature: &[u8],
) -> Verdict {
    let undecided =
        |error: webpki::Error| Verdict::Undecided(format!("its certificate is not valid: {error}"));
    let Some((own, issuers)) = chain.split_first() else {
        return Verdict::Undecided("there is no certificate".to_owned());
    };
    let certificate = match EndEntityCert::try_from(own) {
        Ok(certificate) => certificate,
        Err(error) => return undecided(error),
    };
    let root_certificates =
        roots.map(|pem| Vec::from_iter(CertificateDer::pem_slice_iter(pem.as_bytes()).flatten()));
    let anchors: Vec<TrustAnchor<'_>> = match &root_certificates {
        Some(roots) => roots.iter().filter_map(|root| anchor_from_trusted_cert(root).ok()).collect(),
        None => webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let now = UnixTime::since_unix_epoch(Duration::from_secs(now.seconds().unsigned_abs()));
    let usage = KeyUsage::server_auth();
    if let Err(error) =
        certificate.verify_for_usage(ALL_VERIFICATION_ALGS, &anchors, issuers, now, usage, None, None)
    {
        return undecided(error);
    }
    match certificate.verify_signature(RSA_PKCS1_2048_8192_SHA256, message, signature) {
        Ok(()) => Verdict::Genuine,
        Err(_) => Verdict::Forged,
    }
}

#[cfg(test)]
mod tests;
