//! `/oauth2/authorize`: who are you?

use std::sync::Arc;

use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use url::Url;

use super::SignIn;
use super::sessions::Grant;
use crate::{pages, random};

/// What an application asks for. Source: <https://www.rfc-editor.org/rfc/rfc7636#section-4.3>.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Request {
    pub(super) response_type: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) redirect_uri: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) state: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) code_challenge: Option<String>,
    pub(super) code_challenge_method: Option<String>,
}

/// A request with the person that was chosen.
#[derive(Debug, Deserialize)]
pub(super) struct Chosen {
    subject: String,
    #[serde(flatten)]
    request: Request,
}

/// A request that is in order.
struct Checked {
    redirect_uri: Url,
    scope: String,
    challenge: String,
}

enum Refusal {
    /// There is nowhere safe to send anybody to.
    Page(&'static str),
    /// The application is told: where it waits, which error, and why.
    Redirect(Box<Url>, &'static str, &'static str),
}

fn check(service: &SignIn, request: &Request) -> Result<Checked, Refusal> {
    if request.client_id.as_deref() != Some(service.config.client_id.as_str()) {
        return Err(Refusal::Page("The client_id is not the registered one."));
    }
    let redirect_uri = request.redirect_uri.as_deref();
    let registered = service.config.redirect_uris.iter().find(|url| Some(url.as_str()) == redirect_uri);
    let Some(redirect_uri) = registered.cloned() else {
        return Err(Refusal::Page("The redirect_uri is not a registered one."));
    };
    let refuse = |error, why| Err(Refusal::Redirect(Box::new(redirect_uri.clone()), error, why));
    if request.response_type.as_deref() != Some("code") {
        return refuse("unsupported_response_type", "The response_type must be code.");
    }
    if request.code_challenge_method.as_deref() != Some("S256") {
        return refuse("invalid_request", "PKCE is required: the code_challenge_method must be S256.");
    }
    // A SHA-256 in base64url has 43 characters.
    let Some(challenge) = request.code_challenge.clone().filter(|challenge| challenge.len() == 43) else {
        return refuse(
            "invalid_request",
            "PKCE is required: the code_challenge must be a SHA-256 in base64url.",
        );
    };
    let scope = match request.scope.as_deref().map(str::trim) {
        None | Some("") => service.full_scope(),
        Some(scope) => scope.to_owned(),
    };
    let full = service.full_scope();
    if scope.split_ascii_whitespace().any(|one| !full.split(' ').any(|known| known == one)) {
        return refuse("invalid_scope", "The application may not ask for that scope.");
    }
    Ok(Checked { redirect_uri, scope, challenge })
}

fn refused(refusal: Refusal, state: Option<&str>) -> Response {
    match refusal {
        Refusal::Page(why) => pages::problem(StatusCode::BAD_REQUEST, "Cannot sign in", why),
        Refusal::Redirect(url, error, why) => {
            back(*url, &[("error", error), ("error_description", why)], state)
        }
    }
}

fn back(mut url: Url, parameters: &[(&str, &str)], state: Option<&str>) -> Response {
    url.query_pairs_mut().extend_pairs(parameters).extend_pairs(state.map(|state| ("state", state)));
    pages::see_other(url.as_str())
}

/// Lists the people to sign in as.
pub(super) async fn show(State(service): State<Arc<SignIn>>, Query(request): Query<Request>) -> Response {
    match check(&service, &request) {
        Ok(_) => super::pages::choose(&service, &request),
        Err(refusal) => refused(refusal, request.state.as_deref()),
    }
}

/// Sends the browser back with a code for the person that was chosen.
pub(super) async fn submit(State(service): State<Arc<SignIn>>, Form(chosen): Form<Chosen>) -> Response {
    let request = chosen.request;
    let checked = match check(&service, &request) {
        Ok(checked) => checked,
        Err(refusal) => return refused(refusal, request.state.as_deref()),
    };
    if service.person(&chosen.subject).is_none() {
        return refused(Refusal::Page("There is nobody of that name here."), None);
    }
    let now = service.now();
    let grant = Grant {
        subject: chosen.subject,
        scope: checked.scope,
        nonce: request.nonce,
        signed_in_at: now,
        family: random::secret(),
    };
    let redirect_uri = checked.redirect_uri.as_str().to_owned();
    let code = service.sessions().issue_code(grant, redirect_uri, checked.challenge, now);
    back(checked.redirect_uri, &[("code", &code)], request.state.as_deref())
}
