//! The layout of all pages.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use crate::Environment;

/// A complete page as a response, with its security headers.
pub(super) fn page(environment: &Environment, status: StatusCode, title: &str, body: &Markup) -> Response {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Expert Connect" }
                link rel="stylesheet" href="/style.css";
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header {
                    nav aria-label="Pages" {
                        a.brand href="/" { "Expert Connect" }
                        a href="/api" { "API" }
                        a href="/events" { "Events" }
                        @if let Some(stripe) = &environment.addresses.stripe_simulator {
                            a href={ (stripe) "/" } { "Stripe's books" }
                        }
                        @if let Some(paypal) = &environment.addresses.paypal_simulator {
                            a href={ (paypal) "/" } { "PayPal's books" }
                        }
                        a href={ (environment.addresses.sign_in) "/" } { "People" }
                    }
                }
                main #content {
                    h1 { (title) }
                    (body)
                }
                footer { p { "Runs on this machine only. No real money moves unless you set keys of a live account." } }
            }
        }
    };
    let policy = format!(
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self' {}; frame-ancestors 'none'",
        environment.addresses.sign_in
    );
    let mut response = (status, Html(markup.into_string())).into_response();
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A block of text to copy, such as a shell command.
pub(super) fn command(text: &str) -> Markup {
    html! { pre tabindex="0" { code { (text) } } }
}

/// A block of formatted JSON.
pub(super) fn json(value: &serde_json::Value) -> Markup {
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
    html! { pre tabindex="0" { code { (text) } } }
}
