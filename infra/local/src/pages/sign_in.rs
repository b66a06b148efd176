//! Sign-in with the authorization code flow and PKCE, as an application does it (<https://www.rfc-editor.org/rfc/rfc7636>).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use maud::html;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::layout::{command, json, page};
use crate::stack::{CLIENT_ID, SCOPE};
use crate::{Environment, loopback};

/// The path to which the issuer redirects after sign-in.
pub(super) const REDIRECT_PATH: &str = "/signed-in";
/// The name of the cookie that holds `state.verifier` during sign-in.
const COOKIE_NAME: &str = "expert_connect_sign_in";

fn redirect_uri(environment: &Environment) -> String {
    format!("{}{REDIRECT_PATH}", environment.addresses.api)
}

/// `/sign-in`: redirects to the issuer with a code challenge, and keeps its verifier in a cookie.
pub(super) async fn start(State(environment): State<Environment>) -> Response {
    let random = || format!("{:032x}", environment.app.random.bits());
    let (state, verifier) = (random(), random() + &random());
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    let url = Url::parse_with_params(
        &format!("{}/oauth2/authorize", environment.addresses.sign_in),
        [
            ("response_type", "code"),
            ("client_id", CLIENT_ID),
            ("redirect_uri", &redirect_uri(&environment)),
            ("scope", &format!("openid profile email {SCOPE}")),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ],
    );
    let Ok(url) = url else {
        let body = html! { p.problem role="alert" { "The URL of the sign-in service is invalid." } };
        return page(&environment, StatusCode::INTERNAL_SERVER_ERROR, "Sign-in failed", &body);
    };
    let cookie = format!(
        "{COOKIE_NAME}={state}.{verifier}; Path={REDIRECT_PATH}; Max-Age=600; HttpOnly; SameSite=Lax"
    );
    let headers = [(LOCATION, url.to_string()), (SET_COOKIE, cookie), (CACHE_CONTROL, "no-store".to_owned())];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// The query parameters that the issuer adds to the redirect.
#[derive(Deserialize)]
pub(super) struct Redirect {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// `/signed-in`: exchanges the code for tokens and shows them, or explains the failure.
pub(super) async fn finish(
    State(environment): State<Environment>,
    Query(redirect): Query<Redirect>,
    headers: HeaderMap,
) -> Response {
    if let Some(error) = redirect.error {
        let body = html! {
            p.problem role="alert" { "The sign-in service reports the error " code { (error) } ". "
                (redirect.error_description.unwrap_or_default()) }
            p { a href="/sign-in" { "Try again" } }
        };
        return page(&environment, StatusCode::BAD_REQUEST, "Not signed in", &body);
    }
    let Some(code) = redirect.code else {
        let body = html! {
            p { "This URL has no authorization code. The sign-in service adds one when it redirects here." }
            p { a href="/sign-in" { "Sign in" } }
        };
        return page(&environment, StatusCode::BAD_REQUEST, "Not signed in", &body);
    };
    match verifier(&headers, redirect.state.as_deref().unwrap_or_default()) {
        Some(verifier) => show_tokens(&environment, &code, &verifier).await,
        None => show_command(&environment, &code),
    }
}

/// The code verifier, if this browser started the sign-in here with this state.
fn verifier(headers: &HeaderMap, state: &str) -> Option<String> {
    let cookies = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|value| value.split(';'));
    let value =
        pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == COOKIE_NAME)?.1;
    let (expected_state, verifier) = value.split_once('.')?;
    verify_slices_are_equal(expected_state.as_bytes(), state.as_bytes()).ok()?;
    Some(verifier.to_owned())
}

/// A page with the command that exchanges a code of another application.
fn show_command(environment: &Environment, code: &str) -> Response {
    let exchange = format!(
        "curl {}/oauth2/token -d grant_type=authorization_code -d client_id={CLIENT_ID} -d redirect_uri={} \\\n  \
         -d code_verifier=YOUR_VERIFIER --data-urlencode 'code={}'",
        environment.addresses.sign_in,
        redirect_uri(environment),
        code.replace('\'', "")
    );
    let body = html! {
        p { "This browser did not start the sign-in from this site. If your own application started it, the application has \
             the code verifier and can exchange the code for tokens within five minutes:" }
        (command(&exchange))
        p { "Otherwise, " a href="/sign-in" { "sign in from here" } ". If you use another host name of this machine, open "
            a href={ (environment.addresses.api) "/" } { (environment.addresses.api) } " first." }
    };
    page(environment, StatusCode::OK, "The code belongs to another application", &body)
}

/// A page with the tokens that the code is exchanged for.
async fn show_tokens(environment: &Environment, code: &str, verifier: &str) -> Response {
    let tokens = match exchange(environment, code, verifier).await {
        Ok(tokens) => tokens,
        Err(reason) => {
            let body = html! {
                p.problem role="alert" { "The code cannot be exchanged for tokens: " (reason) }
                p { a href="/sign-in" { "Try again" } }
            };
            return page(environment, StatusCode::BAD_REQUEST, "Not signed in", &body);
        }
    };
    let text = |name: &str| tokens[name].as_str().unwrap_or_default();
    let header = format!("Authorization: Bearer {}", text("access_token"));
    let body = html! {
        p { "The access token is valid for an hour:" }
        (command(text("access_token")))
        p { "For example, list your appointments:" }
        (command(&format!("curl -H '{header}' '{}/v1/appointments?as=client'", environment.addresses.api)))
        h2 { "Claims of the access token" }
        (json(&claims(text("access_token"))))
        details {
            summary { "The complete response of the sign-in service" }
            (json(&tokens))
        }
    };
    page(environment, StatusCode::OK, "Signed in", &body)
}

async fn exchange(environment: &Environment, code: &str, verifier: &str) -> Result<Value, String> {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", &redirect_uri(environment)),
        ("code_verifier", verifier),
        ("code", code),
    ];
    let url = format!("{}/oauth2/token", environment.addresses.sign_in);
    let response = loopback::client()?.post(url).form(&form).send().await;
    let response = response.map_err(|error| error.to_string())?;
    let success = response.status().is_success();
    let body: Value = response.json().await.map_err(|error| error.to_string())?;
    if success {
        Ok(body)
    } else {
        Err(body["error_description"].as_str().unwrap_or("no reason given").to_owned())
    }
}

/// The claims of a token, for display only. The signature is not verified.
fn claims(token: &str) -> Value {
    let middle = token.split('.').nth(1).unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(middle).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}
