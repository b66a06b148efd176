//! Refuses requests whose `Host` is not this machine.
//!
//! A page on the internet can make its own name resolve to 127.0.0.1 and then read what this machine serves (DNS rebinding). Its
//! requests have its name in `Host`.

use std::net::Ipv4Addr;

use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Passes a request on if it is for this machine.
pub(crate) async fn require_local(request: Request, next: Next) -> Response {
    if is_local(request.uri(), request.headers().get(HOST).and_then(|host| host.to_str().ok())) {
        next.run(request).await
    } else {
        let text = "This server is only for this machine: use 127.0.0.1 or localhost in the address.\n";
        (StatusCode::MISDIRECTED_REQUEST, text).into_response()
    }
}

/// Whether a request is for this machine. A request line with a whole URL, as to a proxy, counts before the header.
fn is_local(uri: &Uri, header: Option<&str>) -> bool {
    let authority = uri.authority().cloned().or_else(|| header?.parse::<Authority>().ok());
    authority.is_some_and(|authority| {
        let host = authority.host();
        !authority.as_str().contains('@')
            && (host.eq_ignore_ascii_case("localhost")
                || host == "[::1]"
                || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_local() {
        let of = |header: &str| is_local(&Uri::from_static("/v1"), Some(header));
        for local in
            ["127.0.0.1", "127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080", "127.1.2.3:1"]
        {
            assert!(of(local), "{local}");
        }
        for foreign in [
            "example.org",
            "example.org:8080",
            "127.0.0.1.example.org",
            "localhost.example.org",
            "10.0.0.1",
            "127.0.0.1@example.org",
            "example.org@127.0.0.1",
            "",
            "a b",
        ] {
            assert!(!of(foreign), "{foreign}");
        }
        assert!(!is_local(&Uri::from_static("/v1"), None));
        assert!(!is_local(&Uri::from_static("http://example.org/v1"), Some("localhost")));
    }
}
