//! `/api`: the API reference, rendered from the OpenAPI document.

use std::sync::LazyLock;

use app::identity::people::Role;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use http_api::{Audience, Route};
use maud::{Markup, html};
use serde_json::Value;

use super::layout::page;
use super::schema;
use crate::Environment;

/// The OpenAPI document, which is the same for every request.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| http_api::openapi::document(functions::ROUTES));

/// The groups of routes: a heading, and the prefix of the paths. A route belongs to the first group whose prefix matches.
const GROUPS: &[(&str, &str)] = &[
    ("Experts and what they offer", "/v1/experts"),
    ("Appointments", "/v1/appointments"),
    ("Receipts", "/v1/receipts"),
    ("Webhooks of providers", "/v1/webhooks"),
    ("Other routes", "/"),
];

/// Renders the page.
pub(super) async fn show(State(environment): State<Environment>) -> Response {
    let groups: Vec<(&str, Vec<&Route>)> = GROUPS
        .iter()
        .map(|(heading, start)| {
            let belongs = |route: &&Route| {
                GROUPS
                    .iter()
                    .find(|(_, start)| route.path.starts_with(start))
                    .is_some_and(|(_, own)| own == start)
            };
            (*heading, functions::ROUTES.iter().filter(belongs).collect())
        })
        .collect();
    let body = html! {
        p { (DOCUMENT["info"]["description"].as_str().unwrap_or_default()) }
        p { "This page is generated from the " a href="/openapi.json" { "OpenAPI 3.1 document" } "." }
        nav aria-label="Routes" {
            @for (heading, routes) in &groups {
                h2 { (heading) }
                ul.index {
                    @for route in routes {
                        li {
                            a href={ "#" (route.function) } {
                                span.method { (route.method.as_str()) } code { (route.path) }
                            }
                            " " span.soft { (route.summary) }
                        }
                    }
                }
            }
            p { a href="#problems" { "Problems" } " have the same form in all routes." }
        }
        @for (heading, routes) in &groups {
            h2 { (heading) ": details" }
            @for route in routes { (section(route)) }
        }
        (problems())
    };
    page(&environment, StatusCode::OK, "The API", &body)
}

fn operation(route: &Route) -> &'static Value {
    &DOCUMENT["paths"][route.path][route.method.as_str().to_ascii_lowercase()]
}

fn audience(audience: Audience) -> &'static str {
    match audience {
        Audience::Public => "everybody, without a token",
        Audience::SignedIn => "everybody who is signed in",
        Audience::Only(Role::Expert) => "experts",
        Audience::Only(Role::Client) => "clients",
        Audience::Only(Role::Admin) => "administrators",
        Audience::Provider => "the provider, which signs its messages",
    }
}

fn section(route: &Route) -> Markup {
    let operation = operation(route);
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    let (successes, problems): (Vec<_>, Vec<_>) = operation["responses"]
        .as_object()
        .into_iter()
        .flatten()
        .partition(|(status, _)| status.starts_with('2'));
    html! {
        section.route aria-labelledby=(route.function) {
            h3 #(route.function) { span.method { (route.method.as_str()) } " " code { (route.path) } }
            p { (route.summary) "." }
            p.soft { "Callers: " (audience(route.audience)) "." }
            @if !parameters.is_empty() {
                h4 { "Parameters" }
                ul.members { @for parameter in parameters { (self::parameter(parameter)) } }
            }
            @if let Some((media, body)) = content(&operation["requestBody"]) {
                h4 { "Body " span.type { (media) } }
                (schema::expanded(&DOCUMENT, body))
            }
            @for (status, response) in successes {
                h4 { "Response " (status) " " span.soft { (response["description"].as_str().unwrap_or_default()) } }
                @if let Some((_, body)) = content(response) {
                    details {
                        summary { (schema::name(body).unwrap_or("The document")) }
                        (schema::expanded(&DOCUMENT, body))
                    }
                }
                @for media in other_media_types(response) {
                    p.soft { "Also available as " span.type { (media) } "." }
                }
            }
            h4 { "Problems" }
            p.soft {
                @for (index, (status, problem)) in problems.iter().enumerate() {
                    @if index > 0 { ", " }
                    (status) " " (problem["description"].as_str().unwrap_or_default())
                }
            }
        }
    }
}

/// The first media type of a body, and its schema.
fn content(body: &Value) -> Option<(&str, &Value)> {
    let (media, content) = body["content"].as_object()?.iter().next()?;
    Some((media, &content["schema"]))
}

/// The media types of a body after the first.
fn other_media_types(body: &Value) -> impl Iterator<Item = &String> {
    body["content"].as_object().into_iter().flat_map(|content| content.keys().skip(1))
}

fn parameter(parameter: &Value) -> Markup {
    let text = |name: &str| parameter[name].as_str().unwrap_or_default();
    html! {
        li {
            code { (text("name")) } " " span.type { "in the " (text("in")) ", " (schema::kind(&DOCUMENT, &parameter["schema"])) }
            @if parameter["required"] == true { " " span.must { "required" } }
            @if !text("description").is_empty() { p { (schema::prose(text("description"))) } }
        }
    }
}

fn problems() -> Markup {
    let problem = &DOCUMENT["components"]["schemas"]["Problem"];
    html! {
        section.route aria-labelledby="problems" {
            h2 #problems { "Problems" }
            p { "Every error response is a document of type " code { "application/problem+json" } " (RFC 9457)." }
            (schema::expanded(&DOCUMENT, problem))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_rendered_with_its_body_and_media_types() {
        for route in functions::ROUTES {
            let section = section(route).into_string();
            assert!(section.contains(&format!("id=\"{}\"", route.function)), "{}", route.function);
            assert_eq!(section.contains("<h4>Body"), operation(route)["requestBody"].is_object());
            assert_eq!(
                section.contains("application/pdf"),
                route.function == "read_receipt",
                "{}",
                route.function
            );
        }
    }
}
