//! The API's description, for people. `/api`.

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
use crate::Surroundings;

/// The document is the same at every request.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| http_api::openapi::document(functions::ROUTES));

/// Routes that belong together: the heading, and how their paths begin.
const GROUPS: &[(&str, &str)] = &[
    ("Experts and what they offer", "/v1/experts"),
    ("Appointments", "/v1/appointments"),
    ("Receipts", "/v1/receipts"),
    ("Messages from providers", "/v1/webhooks"),
    ("The service itself", "/"),
];

/// Shows every route.
pub(super) async fn show(State(surroundings): State<Surroundings>) -> Response {
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
        p { "Made from the code, as is " a href="/openapi.json" { "the document for programs" } " (OpenAPI 3.1)." }
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
            p { a href="#problems" { "Problems" } " look the same everywhere." }
        }
        @for (heading, routes) in &groups {
            h2 { (heading) ", in full" }
            @for route in routes { (section(route)) }
        }
        (problems())
    };
    page(&surroundings, StatusCode::OK, "The API", &body)
}

fn operation(route: &Route) -> &'static Value {
    &DOCUMENT["paths"][route.path][route.method.as_str().to_ascii_lowercase()]
}

fn audience(audience: Audience) -> &'static str {
    match audience {
        Audience::Public => "Anybody, without a token",
        Audience::SignedIn => "Whoever signed in",
        Audience::Only(Role::Expert) => "Experts, signed in",
        Audience::Only(Role::Client) => "Clients, signed in",
        Audience::Only(Role::Admin) => "Administrators, signed in",
        Audience::Provider => "The provider, by the signature of its message",
    }
}

fn section(route: &Route) -> Markup {
    let operation = operation(route);
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    let (good, bad): (Vec<_>, Vec<_>) = operation["responses"]
        .as_object()
        .into_iter()
        .flatten()
        .partition(|(status, _)| status.starts_with('2'));
    html! {
        section.route aria-labelledby=(route.function) {
            h3 #(route.function) { span.method { (route.method.as_str()) } " " code { (route.path) } }
            p { (route.summary) "." }
            p.soft { "Who: " (audience(route.audience)) "." }
            @if !parameters.is_empty() {
                h4 { "Parameters" }
                ul.members { @for parameter in parameters { (self::parameter(parameter)) } }
            }
            @if let Some((media, body)) = content(&operation["requestBody"]) {
                h4 { "Body " span.type { (media) } }
                (schema::expanded(&DOCUMENT, body))
            }
            @for (status, answer) in good {
                h4 { "Answer " (status) " " span.soft { (answer["description"].as_str().unwrap_or_default()) } }
                @if let Some((_, body)) = content(answer) {
                    details {
                        summary { (schema::name(body).unwrap_or("The document")) }
                        (schema::expanded(&DOCUMENT, body))
                    }
                }
                @for media in other_forms(answer) { p.soft { "Also as " span.type { (media) } "." } }
            }
            h4 { "Problems" }
            p.soft {
                @for (index, (status, problem)) in bad.iter().enumerate() {
                    @if index > 0 { ", " }
                    (status) " " (problem["description"].as_str().unwrap_or_default())
                }
            }
        }
    }
}

/// Media type and schema of a body.
fn content(body: &Value) -> Option<(&str, &Value)> {
    let (media, content) = body["content"].as_object()?.iter().next()?;
    Some((media, &content["schema"]))
}

/// The media types of a body besides the one that is shown.
fn other_forms(body: &Value) -> impl Iterator<Item = &String> {
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
            p { "Whatever is refused is answered as " code { "application/problem+json" } " (RFC 9457)." }
            (schema::expanded(&DOCUMENT, problem))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_shown_once_and_whole() {
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
