//! What people see. No page needs a script; whatever anybody typed is escaped.

pub(super) mod approve;
pub(super) mod books;
pub(super) mod onboarding;

use axum::http::StatusCode;
use axum::response::Response;
use url::Url;

use crate::html;

fn not_found() -> Response {
    let body = "<p>This page does not exist, or its time is over.</p>";
    html::page(StatusCode::NOT_FOUND, "Not found", body)
}

/// Sends the visitor back to the platform with what PayPal adds to the address, or says how it ended when
/// there is no address.
fn back(address: Option<&str>, members: &[(&str, &str)], sentence: &str) -> Response {
    match address.and_then(|text| Url::parse(text).ok()) {
        Some(mut url) => {
            url.query_pairs_mut().extend_pairs(members);
            html::see_other(url.as_str())
        }
        None => html::page(StatusCode::OK, sentence, "<p>You can close this page.</p>"),
    }
}
