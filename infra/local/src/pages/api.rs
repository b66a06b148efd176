//! `/api`: the API reference, rendered from the OpenAPI document.

use std::sync::LazyLock;

use app::identity::people::Role;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use http_api::{Audience, ProblemType, Route, openapi, problem};
use maud::{Markup, html};
use serde_json::Value;

use super::layout::{command, page};
use super::{curl, markdown, schema};
use crate::Environment;

/// The OpenAPI document, which is the same for every request.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| openapi::document(functions::ROUTES));

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
    let title = "The API";
    page(&environment, StatusCode::OK, title, &content(&environment.addresses.api, &groups))
}

/// The content of the page for the API at this address.
fn content(api: &str, groups: &[(&str, Vec<&Route>)]) -> Markup {
    html! {
        (markdown::paragraphs(DOCUMENT["info"]["description"].as_str().unwrap_or_default()))
        p {
            "This page is generated from the " a href="/openapi.json" { "OpenAPI 3.1 document" } ". The commands need "
            code { "TOKEN" } ", an access token: see the " a href="/" { "first page" } "."
        }
        nav aria-label="Routes" {
            @for (heading, routes) in groups {
                h2 { (heading) }
                ul.index {
                    @for route in routes {
                        li {
                            a href={ "#" (route.function) } {
                                span.method { (route.method.as_str()) } code { (route.path) }
                            }
                            " " span.soft { (markdown::inline(route.summary)) }
                        }
                    }
                }
            }
            p { a href="#problems" { "Problems" } " and " a href="#documents" { "documents" } " of all routes." }
        }
        @for (heading, routes) in groups {
            h2 { (heading) ": details" }
            @for route in routes { (section(api, route)) }
        }
        (problems())
        (documents())
    }
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

fn section(api: &str, route: &Route) -> Markup {
    let operation = operation(route);
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    let (successes, problems): (Vec<_>, Vec<_>) = operation["responses"]
        .as_object()
        .into_iter()
        .flatten()
        .partition(|(status, _)| status.starts_with('2'));
    let body = media(&operation["requestBody"]);
    html! {
        section.route aria-labelledby=(route.function) {
            h3 #(route.function) { span.method { (route.method.as_str()) } " " code { (route.path) } }
            p { (markdown::inline(route.summary)) ". " span.soft { "Callers: " (audience(route.audience)) "." } }
            @if let Some(text) = operation["description"].as_str() { (markdown::paragraphs(text)) }
            @if !parameters.is_empty() {
                ul.members { @for parameter in parameters { (self::parameter(parameter)) } }
            }
            @if let Some((name, media)) = body {
                h4 { "Body " span.type { (name) } }
                (schema::linked(&DOCUMENT, &media["schema"]))
            }
            @let example = body.and_then(|(_, media)| curl::first_example(media));
            @if route.audience != Audience::Provider { (command(&curl::command(api, route, operation, example))) }
            @for (status, response) in successes {
                h4 { "Response " (status) }
                @if let Some((_, media)) = media(response) {
                    (schema::linked(&DOCUMENT, &media["schema"]))
                    @if let Some(example) = curl::first_example(media) {
                        details { summary { "Example" } pre { code { (example) } } }
                    }
                }
                @for media in other_media_types(response) {
                    p.soft { "Also available as " span.type { (media) } "." }
                }
            }
            p.soft {
                "Problems: "
                @for (index, (status, _)) in problems.iter().enumerate() {
                    @if index > 0 { ", " }
                    (status)
                    @for kind in types(route, status) { " " a href={ "#problem-" (kind.name()) } { (kind.name()) } }
                }
            }
        }
    }
}

/// The types of a route's problems with this status, without those that all routes have.
fn types<'a>(route: &Route, status: &'a str) -> impl Iterator<Item = &'static ProblemType> + use<'a> {
    let general = [problem::INTERNAL, problem::UNAVAILABLE];
    openapi::problem_types(route)
        .into_iter()
        .filter(move |kind| kind.status().as_str() == status && !general.contains(kind))
}

/// The first media type of a body, and its description.
fn media(body: &Value) -> Option<(&str, &Value)> {
    body["content"].as_object()?.iter().next().map(|(name, media)| (name.as_str(), media))
}

/// The media types of a body after the first.
fn other_media_types(body: &Value) -> impl Iterator<Item = &String> {
    body["content"].as_object().into_iter().flat_map(|content| content.keys().skip(1))
}

fn parameter(parameter: &Value) -> Markup {
    let text = |name: &str| parameter[name].as_str().unwrap_or_default();
    html! {
        li {
            code { (text("name")) } " "
            span.type { "in the " (text("in")) ", " (schema::linked_kind(&DOCUMENT, &parameter["schema"])) }
            @if parameter["required"] == true { " " span.must { "required" } }
            @if !text("description").is_empty() { " " (markdown::inline(text("description"))) }
        }
    }
}

fn problems() -> Markup {
    html! {
        section.route aria-labelledby="problems" {
            h2 #problems { "Problems" }
            p {
                "Every error response of a function is a document of type " code { (problem::MEDIA_TYPE) } " (RFC 9457): "
                a href="#schema-Problem" { "Problem" } ". Its " code { "type" } " is "
                code { "urn:expert-connect:problem:" } " and one of these names:"
            }
            dl.pairs {
                @for kind in problem::catalog() {
                    dt #{ "problem-" (kind.name()) } { code { (kind.name()) } " " (kind.status().as_u16()) }
                    dd { (kind.meaning()) " " span.soft { (kind.remedy()) } }
                }
            }
        }
    }
}

/// Every document, once.
fn documents() -> Markup {
    html! {
        section.route aria-labelledby="documents" {
            h2 #documents { "Documents" }
            @for (name, schema) in DOCUMENT["components"]["schemas"].as_object().into_iter().flatten() {
                h3 #{ "schema-" (name) } { (name) }
                (schema::definition(&DOCUMENT, schema))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str = "http://127.0.0.1:8080";

    #[test]
    fn every_route_is_rendered_with_its_body_and_media_types() {
        for route in functions::ROUTES {
            let section = section(API, route).into_string();
            assert!(section.contains(&format!("id=\"{}\"", route.function)), "{}", route.function);
            assert_eq!(section.contains("<h4>Body"), operation(route)["requestBody"].is_object());
            assert_eq!(
                section.contains("application/pdf"),
                route.function == "read_receipt",
                "{}",
                route.function
            );
            let has_command = section.contains(&format!("\"{API}/").replace('"', "&quot;"));
            assert_eq!(has_command, route.audience != Audience::Provider, "{section}");
        }
    }

    #[test]
    fn page_is_small_has_no_raw_markdown_and_every_link_has_a_target() {
        let routes: Vec<&Route> = functions::ROUTES.iter().collect();
        let page = content(API, &[("All", routes)]).into_string();
        assert!(page.len() < 95_000, "{} bytes", page.len());
        assert!(!page.contains('`'), "a backtick is not rendered");
        let targets: Vec<&str> =
            page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        for link in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(targets.contains(&link), "{link}");
        }
    }
}
