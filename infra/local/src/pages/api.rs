//! `/api`: the API reference, rendered from the OpenAPI document. `/api/{function}` has the details of a route.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use app::AppError;
use app::identity::signed_in::Role;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use http_api::{Audience, ProblemType, Route, openapi, problem};
use maud::{Markup, html};
use serde_json::Value;

use super::curl::Caller;
use super::layout::{command, json, page};
use super::{markdown, schema};
use crate::Environment;

/// The OpenAPI document, which is the same for every request.
static DOCUMENT: LazyLock<Value> = LazyLock::new(functions::openapi);

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
    let caller = match Caller::new(&environment).await {
        Ok(caller) => caller,
        Err(error) => return unavailable(&environment, &error),
    };
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
    page(&environment, StatusCode::OK, "The API", &overview(&caller, &groups))
}

fn unavailable(environment: &Environment, error: &AppError) -> Response {
    tracing::error!(%error, "the session types cannot be read");
    let text = html! { p role="alert" { "The database did not respond. Reload this page." } };
    page(environment, StatusCode::SERVICE_UNAVAILABLE, "The API", &text)
}

/// Renders the page of one route.
pub(super) async fn show_route(
    State(environment): State<Environment>,
    Path(function): Path<String>,
) -> Response {
    match functions::ROUTES.iter().find(|route| route.function == function) {
        Some(route) => {
            let caller = match Caller::new(&environment).await {
                Ok(caller) => caller,
                Err(error) => return unavailable(&environment, &error),
            };
            let title = format!("{} {}", route.method.as_str(), route.path);
            page(&environment, StatusCode::OK, &title, &details(&caller, route))
        }
        None => {
            let text =
                html! { p { "There is no such route. See the " a href="/api" { "list of routes" } "." } };
            page(&environment, StatusCode::NOT_FOUND, "Not found", &text)
        }
    }
}

/// The routes of the API, each with a command, and the problem types.
fn overview(caller: &Caller, groups: &[(&str, Vec<&Route>)]) -> Markup {
    html! {
        (markdown::paragraphs(DOCUMENT["info"]["description"].as_str().unwrap_or_default()))
        p {
            "This page is generated from the " a href="/openapi.json" { "OpenAPI 3.1 document" } ". Open a route for a command "
            "to copy. The types of problems of all routes are " a href="#problems" { "below" } "."
        }
        p {
            "A command with " code { "$TOKEN" } " needs an access token, which is valid for an hour. Each of these commands "
            "gets one:"
        }
        (command(&caller.tokens()))
        p {
            "Other variables, such as " code { "$APPOINTMENT" } ", are ids that you set before. "
            @if caller.offer.is_none() {
                "Nothing can be booked yet, so the commands have " code { "$EXPERT" } " and " code { "$SESSION_TYPE" }
                ": the demo, whose command is on the " a href="/" { "first page" } ", creates both."
            } @else {
                "The " a href="/" { "first page" } " has a command that books an appointment and sets "
                code { "$APPOINTMENT" } ". The commands for clients sign in the client who booked it."
            }
        }
        @for (heading, routes) in groups {
            h2 { (heading) }
            @for route in routes {
                details #(route.function) {
                    summary {
                        span.method { (route.method.as_str()) } " " code { (route.path) } " "
                        span.soft { (markdown::inline(route.summary)) }
                    }
                    @if route.audience != Audience::Provider { (command(&curl(caller, route))) }
                    p { a href={ "/api/" (route.function) } { "Parameters, documents and problems" } }
                }
            }
        }
        h2 #problems { "Problems" }
        p {
            "Every error response of a function is a document of type " code { (problem::MEDIA_TYPE) } " (RFC 9457). Its "
            code { "type" } " is " code { "urn:expert-connect:problem:" } " and one of these names:"
        }
        dl.pairs {
            @for kind in problem::catalog() {
                dt #{ "problem-" (kind.name()) } { code { (kind.name()) } " " (kind.status().as_u16()) }
                dd { (markdown::inline(kind.meaning())) " " span.soft { (markdown::inline(kind.remedy())) } }
            }
        }
    }
}

fn curl(caller: &Caller, route: &Route) -> String {
    let operation = operation(route);
    let body = media(&operation["requestBody"]).and_then(|(_, media)| super::curl::first_example(media));
    super::curl::command(caller, route, operation, body)
}

fn operation(route: &Route) -> &'static Value {
    &DOCUMENT["paths"][route.path][route.method.as_str().to_ascii_lowercase()]
}

fn audience(route: &Route) -> &'static str {
    match route.audience {
        Audience::Public => "everybody, without a token",
        Audience::SignedIn if openapi::variables(route.path).next().is_some() => {
            "signed-in people with access to what the path names; others get 403, whose detail says who may call the route, or 404"
        }
        Audience::SignedIn => "everybody who is signed in",
        Audience::Only(Role::Expert) => "experts",
        Audience::Only(Role::Client) => "clients",
        Audience::Only(Role::Admin) => "administrators",
        Audience::Provider => "the provider, which signs its messages",
    }
}

/// The commands to copy: how to sign in as somebody who may call the route, and the request. A provider's requests are signed.
fn commands(caller: &Caller, route: &Route) -> Markup {
    let (token, request) = (caller.token_for(route), curl(caller, route));
    let variables = super::curl::variables(&request);
    let all: Vec<&str> = token.as_deref().into_iter().chain([request.as_str()]).collect();
    html! {
        @if route.audience != Audience::Provider {
            (command(&all.join("\n")))
            @if !variables.is_empty() {
                p.soft {
                    "Set before: "
                    @for (at, name) in variables.iter().enumerate() { @if at > 0 { ", " } code { (name) } }
                    "."
                }
            }
            // Only some resources are created by replacing them.
            @if request.contains("If-Match: *") && route.summary.contains("If-Match: \"0\"") {
                p.soft {
                    code { "If-Match: *" } " replaces what exists, whatever its version. The first time, nothing exists yet: send "
                    code { "If-Match: \"0\"" } " instead."
                }
            }
        }
    }
}

fn details(caller: &Caller, route: &Route) -> Markup {
    let operation = operation(route);
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    let (successes, problems): (Vec<_>, Vec<_>) = operation["responses"]
        .as_object()
        .into_iter()
        .flatten()
        .partition(|(status, _)| status.starts_with('2'));
    html! {
        p { (markdown::inline(route.summary)) "." }
        p.soft { "Callers: " (audience(route)) "." }
        @if let Some(text) = operation["description"].as_str() { (markdown::paragraphs(text)) }
        (commands(caller, route))
        @if !parameters.is_empty() {
            h2 { "Parameters" }
            ul.members { @for parameter in parameters { (self::parameter(parameter)) } }
        }
        @if let Some((name, media)) = media(&operation["requestBody"]) {
            h2 { "Body " span.type { (name) } }
            (schema::linked(&DOCUMENT, &media["schema"]))
        }
        @for (status, response) in successes {
            h2 { "Response " (status) }
            @if let Some((_, media)) = media(response) {
                (schema::linked(&DOCUMENT, &media["schema"]))
                @if let Some(example) = super::curl::first_example(media) { (json(example)) }
            }
            @for media in other_media_types(response) {
                p.soft { "Also available as " span.type { (media) } "." }
            }
        }
        h2 { "Problems" }
        dl.pairs {
            @for (status, response) in problems {
                dt { (status) }
                dd {
                    @for kind in types(route, status) {
                        p { a href={ "/api#problem-" (kind.name()) } { (kind.name()) } ": " (markdown::inline(kind.meaning())) }
                    }
                    @if types(route, status).next().is_none() {
                        (markdown::paragraphs(response["description"].as_str().unwrap_or_default()))
                    }
                }
            }
        }
        h2 { "Documents" }
        @for name in documents(operation) {
            h3 #{ "schema-" (name) } { (name) }
            (schema::definition(&DOCUMENT, &DOCUMENT["components"]["schemas"][&name]))
        }
    }
}

/// The names of all documents that an operation refers to, also through other documents.
fn documents(operation: &Value) -> BTreeSet<String> {
    let (mut names, mut unread) = (BTreeSet::new(), vec![operation]);
    while let Some(value) = unread.pop() {
        match value {
            Value::Array(items) => unread.extend(items),
            Value::Object(members) => unread.extend(members.values()),
            _ => {}
        }
        if let Some(name) = schema::name(value)
            && names.insert(name.to_owned())
        {
            unread.push(&DOCUMENT["components"]["schemas"][name]);
        }
    }
    names
}

/// The types of a route's problems with this status.
fn types<'a>(route: &Route, status: &'a str) -> impl Iterator<Item = &'static ProblemType> + use<'a> {
    openapi::problem_types(route).into_iter().filter(move |kind| kind.status().as_str() == status)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::curl::tests::caller;

    /// Asserts that a page renders its Markdown, and that every link in it has a target.
    fn assert_rendered(page: &str, overview: &str) {
        assert!(!page.contains('`'), "a backtick is not rendered");
        let targets = |page: &str| -> Vec<String> {
            page.split(" id=\"")
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
                .map(str::to_owned)
                .collect()
        };
        let (here, there) = (targets(page), targets(overview));
        for link in page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let is_known = match (link.strip_prefix('#'), link.strip_prefix("/api#")) {
                (Some(target), _) => here.iter().any(|known| known == target),
                (None, Some(target)) => there.iter().any(|known| known == target),
                (None, None) => true,
            };
            assert!(is_known, "{link}");
        }
    }

    #[test]
    fn overview_is_small_and_has_a_command_for_every_route() {
        let routes: Vec<&Route> = functions::ROUTES.iter().collect();
        let page = overview(&caller(), &[("All", routes)]).into_string();
        assert!(page.len() < 90_000, "{} bytes", page.len());
        assert_rendered(&page, &page);
        for route in functions::ROUTES {
            assert!(page.contains(&format!("id=\"{}\"", route.function)), "{}", route.function);
        }
        let commands = page.matches("<code>curl ").count();
        let to_providers = functions::ROUTES.iter().filter(|route| route.audience == Audience::Provider);
        assert_eq!(commands + to_providers.count(), functions::ROUTES.len());
    }

    #[test]
    fn every_route_is_rendered_with_its_body_and_media_types() {
        let overview = overview(&caller(), &[("All", functions::ROUTES.iter().collect())]).into_string();
        for route in functions::ROUTES {
            let page = details(&caller(), route).into_string();
            assert!(page.len() < 90_000, "{} {} bytes", route.function, page.len());
            assert_rendered(&page, &overview);
            assert_eq!(page.contains("<h2>Body"), operation(route)["requestBody"].is_object());
            assert_eq!(
                page.contains("application/pdf"),
                route.function == "read_receipt",
                "{}",
                route.function
            );
        }
    }
}
