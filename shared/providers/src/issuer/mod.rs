//! The issuer of access tokens, an OpenID Connect provider: its userinfo endpoint
//! (<https://openid.net/specs/openid-connect-core-1_0.html#UserInfo>).

mod convert;
mod wire;

use std::net::IpAddr;
use std::time::Duration;

use app::identity::ports::{Issuer, IssuerError};
use app::ports::{PortError, Secret};
use async_trait::async_trait;
use domain::identity::person::UserInfo;
use reqwest::header::ACCEPT;
use reqwest::{StatusCode, Url};

use crate::https::{self, FetchError};

/// The maximum size of a response, in bytes. Usual ones have less than two thousand.
const MAX_RESPONSE: usize = 64 * 1024;
/// The timeout of a request. Somebody waits for the response, and a person can be returned without it.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The configured address is not one to which an access token may be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not the https URL of a userinfo endpoint")]
pub struct InvalidAddress(String);

/// The userinfo endpoint of an OpenID Connect provider.
#[derive(Debug, Clone)]
pub struct UserInfoEndpoint {
    http: reqwest::Client,
    url: Url,
}

impl UserInfoEndpoint {
    /// The endpoint at `url`, which is `userinfo_endpoint` in the discovery document of the issuer.
    ///
    /// # Errors
    /// If `url` is not an https URL. An http URL is accepted only if its host is a loopback address.
    pub fn new(http: reqwest::Client, url: &str) -> Result<Self, InvalidAddress> {
        let address = url.parse().ok().filter(|url: &Url| url.scheme() == "https" || is_loopback(url));
        Ok(Self { http, url: address.ok_or_else(|| InvalidAddress(url.to_owned()))? })
    }
}

/// Whether a URL leads to this machine over http.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    url.scheme() == "http" && host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[async_trait]
impl Issuer for UserInfoEndpoint {
    async fn user_info(&self, token: &Secret) -> Result<Option<UserInfo>, IssuerError> {
        let request = self.http.get(self.url.clone()).header(ACCEPT, "application/json");
        let request = request.bearer_auth(token.reveal()).timeout(TIMEOUT);
        let claims = https::fetch(request, MAX_RESPONSE).await.map_err(|error| match error {
            // The token is not valid there, or lacks a scope (RFC 6750, section 3.1).
            FetchError::Status(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => IssuerError::TokenRefused,
            error => PortError(format!("the issuer {error}")).into(),
        })?;
        // The error of the parser would contain personal data.
        let claims = serde_json::from_slice(&claims)
            .map_err(|_| PortError("the response of the issuer is not JSON with a subject".to_owned()))?;
        Ok(Some(convert::user_info(claims)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::https::tests::{endless_response, response, serve};

    const ADA: &str = include_str!("recorded/cognito.json");

    async fn ask(chunks: Vec<Vec<u8>>, hang: bool) -> Result<Option<UserInfo>, IssuerError> {
        let url = serve("/oauth2/userInfo", "authorization: bearer a.b.c\r\n", chunks, hang).await;
        let endpoint = UserInfoEndpoint::new(https::client().expect("a client"), &url).expect("an address");
        endpoint.user_info(&Secret::new("a.b.c")).await
    }

    #[tokio::test]
    async fn a_person_is_described() {
        let ada = ask(vec![response("200 OK", ADA)], false).await.expect("a response").expect("a person");
        assert_eq!(ada.subject, "b4a8c4d8-9021-70f5-0d5b-5f0a6c2d7e11");
        assert_eq!(ada.email.expect("an address").as_str(), "ada@example.org");
    }

    #[tokio::test]
    async fn a_response_that_describes_nobody_is_an_error() {
        for (status, body, expected) in [
            ("500 Internal Server Error", ADA, "responds 500"),
            ("404 Not Found", ADA, "responds 404"),
            ("302 Found\r\nLocation: /elsewhere", "", "responds 302"),
            ("204 No Content", "", "responds 204"),
            ("200 OK", "<html>ada@example.org</html>", "is not JSON with a subject"),
            ("200 OK", r#"{"email":"ada@example.org","email_verified":true}"#, "is not JSON with a subject"),
            ("200 OK", r#"{"sub":7,"email":"ada@example.org"}"#, "is not JSON with a subject"),
            ("200 OK", r#"[{"sub":"ada"}]"#, "is not JSON with a subject"),
            ("200 OK", r#"{"sub":"ada"}{"#, "is not JSON with a subject"),
            ("200 OK", "", "is not JSON with a subject"),
        ] {
            let error = ask(vec![response(status, body)], false).await.expect_err(body);
            let IssuerError::Unavailable(PortError(text)) = error else { panic!("{status}: {error}") };
            assert!(text.contains(expected), "{status}: {text}");
            assert!(!text.contains("ada"), "the log has no personal data: {text}");
            assert!(!text.contains("a.b.c"), "the log has no token: {text}");
        }
    }

    #[tokio::test]
    async fn a_token_that_the_issuer_refuses_is_no_failure_of_the_issuer() {
        for status in ["401 Unauthorized", "403 Forbidden"] {
            let error = ask(vec![response(status, ADA)], false).await.expect_err(status);
            assert_eq!(error, IssuerError::TokenRefused, "{status}");
        }
    }

    #[tokio::test]
    async fn a_response_of_ten_megabytes_is_not_read() {
        let error = ask(endless_response(640), true).await.expect_err("too long");
        assert!(error.to_string().contains("more than 65536 bytes"), "{error}");
    }

    #[tokio::test]
    async fn an_issuer_that_hangs_is_waited_for_three_seconds() {
        let half = vec![response("200 OK", ADA)[..60].to_vec()];
        let (silent, stalled) = tokio::join!(ask(Vec::new(), true), ask(half, true));
        for outcome in [silent, stalled] {
            let error = outcome.expect_err("too slow");
            assert!(error.to_string().contains("does not respond"), "{error}");
        }
    }

    #[test]
    fn a_token_is_sent_only_over_https_or_to_this_machine() {
        let new = |url: &str| UserInfoEndpoint::new(https::client().expect("a client"), url);
        for right in
            ["https://issuer.example/userinfo", "http://127.0.0.1:8081/oauth2/userInfo", "http://[::1]:1/"]
        {
            assert!(new(right).is_ok(), "{right}");
        }
        for wrong in [
            "",
            "userinfo",
            "http://issuer.example/userinfo",
            "http://127.0.0.1.example.org/",
            "http://10.0.0.1/userinfo",
            "http://localhost/userinfo",
            "ftp://127.0.0.1/userinfo",
            "file:///etc/passwd",
        ] {
            assert!(new(wrong).is_err(), "{wrong}");
        }
    }
}
