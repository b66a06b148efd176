//! The euro foreign exchange reference rates of the European Central Bank. It publishes a file at about 16:00 Frankfurt time on
//! TARGET working days
//! (<https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/>).

mod convert;

use app::payments::ports::ExchangeRates;
use app::ports::PortError;
use async_trait::async_trait;
use bytes::BytesMut;
use domain::payments::exchange::ReferenceRates;
use reqwest::Url;
use reqwest::header::{ACCEPT, USER_AGENT};

use crate::https;

/// The URL of the bank's file with the latest rates.
pub const DAILY_RATES: &str = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml";

/// Maximum size of a file, in bytes. The bank's has less than two thousand.
const MAX_FILE: usize = 64 * 1024;

/// The configured address of the rates is not an HTTP or HTTPS URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not the URL of a file of exchange rates")]
pub struct InvalidAddress(String);

/// Fetches rates from the European Central Bank.
#[derive(Debug, Clone)]
pub struct EuropeanCentralBank {
    http: reqwest::Client,
    url: Url,
}

impl EuropeanCentralBank {
    /// Fetches the file at `url`, usually [`DAILY_RATES`]. The timeout is that of `http`.
    ///
    /// # Errors
    /// If `url` is not an HTTP or HTTPS URL.
    pub fn new(http: reqwest::Client, url: &str) -> Result<Self, InvalidAddress> {
        let address = url.parse().ok().filter(|url: &Url| matches!(url.scheme(), "https" | "http"));
        Ok(Self { http, url: address.ok_or_else(|| InvalidAddress(url.to_owned()))? })
    }

    async fn fetch(&self) -> Result<BytesMut, PortError> {
        let request = self
            .http
            .get(self.url.clone())
            .header(ACCEPT, "application/xml, text/xml")
            .header(USER_AGENT, concat!("expert-connect/", env!("CARGO_PKG_VERSION")));
        let file = https::fetch(request, MAX_FILE).await;
        file.map_err(|error| PortError(format!("the European Central Bank {error}")))
    }
}

#[async_trait]
impl ExchangeRates for EuropeanCentralBank {
    async fn latest(&self) -> Result<ReferenceRates, PortError> {
        read(&self.fetch().await?)
    }
}

/// Reads the rates in a file of the bank.
///
/// # Errors
/// If the file does not have the bank's format, or contains an invalid rate.
pub fn read(file: &[u8]) -> Result<ReferenceRates, PortError> {
    let rates = convert::rates(file);
    rates.map_err(|error| PortError(format!("the file of exchange rates cannot be read: {error}")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::https::tests::{endless_response, response, serve};

    const FILE: &str = include_str!("recorded/daily.xml");

    async fn latest(chunks: Vec<Vec<u8>>, hang: bool) -> Result<ReferenceRates, PortError> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let timeout = if hang { Duration::from_millis(200) } else { Duration::from_secs(60) };
        let http = reqwest::Client::builder().no_proxy().timeout(timeout).build().expect("a client");
        EuropeanCentralBank::new(http, &serve("/daily.xml", "accept: application/xml", chunks, hang).await)
            .expect("an address")
            .latest()
            .await
    }

    #[tokio::test]
    async fn file_of_the_day_is_fetched() {
        let rates = latest(vec![response("200 OK", FILE)], false).await.expect("rates");
        assert_eq!(rates.date().to_string(), "2027-03-04");
    }

    #[tokio::test]
    async fn response_that_is_not_a_file_of_rates_is_an_error() {
        for (status, body, expected) in [
            ("500 Internal Server Error", FILE, "responds 500"),
            ("404 Not Found", FILE, "responds 404"),
            ("302 Found\r\nLocation: /elsewhere.xml", "", "responds 302"),
            ("204 No Content", "", "responds 204"),
            ("200 OK", "<html></html>", "cannot be read"),
        ] {
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
            let url = serve("/daily.xml", "", vec![response(status, body)], false).await;
            let bank = EuropeanCentralBank::new(crate::https::client().expect("a client"), &url);
            let error = bank.expect("an address").latest().await.expect_err(status);
            assert!(error.0.contains(expected), "{status}: {error}");
        }
    }

    #[tokio::test]
    async fn endless_or_stalled_response_is_an_error() {
        let error = latest(endless_response(64), true).await.expect_err("too large");
        assert!(error.0.contains("more than 65536 bytes"), "{error}");
        // A response that stalls.
        let half = vec![response("200 OK", FILE)[..400].to_vec()];
        let error = latest(half, true).await.expect_err("too slow");
        assert!(error.0.contains("does not respond"), "{error}");
    }

    #[test]
    fn url_must_be_http_or_https() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let new = |url: &str| EuropeanCentralBank::new(crate::https::client().expect("a client"), url);
        assert!(new(DAILY_RATES).is_ok());
        for wrong in ["", "rates.xml", "file:///etc/passwd", "ftp://example.org/rates.xml"] {
            assert!(new(wrong).is_err(), "{wrong}");
        }
    }
}
