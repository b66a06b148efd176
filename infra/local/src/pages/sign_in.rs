//! Signing in as an application does: off to the issuer, and back with a code for tokens
//! (<https://www.rfc-editor.org/rfc/rfc7636>).

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
use crate::{Surroundings, plain_http};

/// Where the issuer sends people back to.
pub(super) const LANDING: &str = "/signed-in";
/// Name of the cookie that holds `state.verifier` while somebody is away.
const COOKIE_NAME: &str = "expert_connect_sign_in";

fn redirect_uri(surroundings: &Surroundings) -> String {
    format!("{}{LANDING}", surroundings.addresses.api)
}

/// `/sign-in`: off to the issuer, with a challenge whose answer stays in a cookie.
pub(super) async fn leave(State(surroundings): State<Surroundings>) -> Response {
    let fresh = || format!("{:032x}", surroundings.app.random.bits());
    let (state, verifier) = (fresh(), fresh() + &fresh());
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    let address = Url::parse_with_params(
        &format!("{}/oauth2/authorize", surroundings.addresses.sign_in),
        [
            ("response_type", "code"),
            ("client_id", CLIENT_ID),
            ("redirect_uri", &redirect_uri(&surroundings)),
            ("scope", &format!("openid profile email {SCOPE}")),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ],
    );
    let Ok(address) = address else {
        let body = html! { p.problem role="alert" { "The sign-in service has no address." } };
        return page(&surroundings, StatusCode::INTERNAL_SERVER_ERROR, "Cannot sign in", &body);
    };
    let cookie =
        format!("{COOKIE_NAME}={state}.{verifier}; Path={LANDING}; Max-Age=600; HttpOnly; SameSite=Lax");
    let headers =
        [(LOCATION, address.to_string()), (SET_COOKIE, cookie), (CACHE_CONTROL, "no-store".to_owned())];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// What the issuer sends people back with.
#[derive(Deserialize)]
pub(super) struct Back {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// `/signed-in`: takes the code to the issuer and shows the tokens, or says why not.
pub(super) async fn land(
    State(surroundings): State<Surroundings>,
    Query(back): Query<Back>,
    headers: HeaderMap,
) -> Response {
    if let Some(error) = back.error {
        let body = html! {
            p.problem role="alert" { "The sign-in service says " code { (error) } ". "
                (back.error_description.unwrap_or_default()) }
            p { a href="/sign-in" { "Try again" } }
        };
        return page(&surroundings, StatusCode::BAD_REQUEST, "Not signed in", &body);
    }
    let Some(code) = back.code else {
        let body = html! {
            p { "The sign-in service sends people here with a code, and there is none in the address." }
            p { a href="/sign-in" { "Sign in" } }
        };
        return page(&surroundings, StatusCode::BAD_REQUEST, "Not signed in", &body);
    };
    match verifier(&headers, back.state.as_deref().unwrap_or_default()) {
        Some(verifier) => redeem(&surroundings, &code, &verifier).await,
        None => explain(&surroundings, &code),
    }
}

/// The answer to the challenge, when this browser left from here with this state.
fn verifier(headers: &HeaderMap, state: &str) -> Option<String> {
    let cookies = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|value| value.split(';'));
    let value =
        pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == COOKIE_NAME)?.1;
    let (final_charge, verifier) = value.split_once('.')?;
    verify_slices_are_equal(final_charge.as_bytes(), state.as_bytes()).ok()?;
    Some(verifier.to_owned())
}

fn explain(surroundings: &Surroundings, code: &str) -> Response {
    let exchange = format!(
        "curl {}/oauth2/token -d grant_type=authorization_code -d client_id={CLIENT_ID} -d redirect_uri={} \\\n  \
         -d code_verifier=YOUR_VERIFIER --data-urlencode 'code={}'",
        surroundings.addresses.sign_in,
        redirect_uri(surroundings),
        code.replace('\'', "")
    );
    let body = html! {
        p { "Here is a code, but this browser did not leave from this site for it. If your own application asked, it has \
             the verifier and can change the code for tokens within five minutes:" }
        (command(&exchange))
        p { "Otherwise " a href="/sign-in" { "sign in from here" } ". If you came by another name of this machine, go to "
            a href={ (surroundings.addresses.api) "/" } { (surroundings.addresses.api) } " first." }
    };
    page(surroundings, StatusCode::OK, "A code for somebody else", &body)
}

async fn redeem(surroundings: &Surroundings, code: &str, verifier: &str) -> Response {
    let tokens = match exchange(surroundings, code, verifier).await {
        Ok(tokens) => tokens,
        Err(why) => {
            let body = html! {
                p.problem role="alert" { "The code was not changed for tokens: " (why) }
                p { a href="/sign-in" { "Try again" } }
            };
            return page(surroundings, StatusCode::BAD_REQUEST, "Not signed in", &body);
        }
    };
    let text = |name: &str| tokens[name].as_str().unwrap_or_default();
    let header = format!("Authorization: Bearer {}", text("access_token"));
    let body = html! {
        p { "The code was changed for tokens. The access token is good for an hour:" }
        (command(text("access_token")))
        p { "What you booked, for instance:" }
        (command(&format!("curl -H '{header}' '{}/v1/appointments?as=client'", surroundings.addresses.api)))
        h2 { "What it says" }
        (json(&claims(text("access_token"))))
        details {
            summary { "The whole answer of the sign-in service" }
            (json(&tokens))
        }
    };
    page(surroundings, StatusCode::OK, "Signed in", &body)
}

async fn exchange(surroundings: &Surroundings, code: &str, verifier: &str) -> Result<Value, String> {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", &redirect_uri(surroundings)),
        ("code_verifier", verifier),
        ("code", code),
    ];
    let address = format!("{}/oauth2/token", surroundings.addresses.sign_in);
    let answer = plain_http::client()?.post(address).form(&form).send().await;
    let answer = answer.map_err(|error| error.to_string())?;
    let good = answer.status().is_success();
    let body: Value = answer.json().await.map_err(|error| error.to_string())?;
    if good {
        Ok(body)
    } else {
        Err(body["error_description"].as_str().unwrap_or("no reason given").to_owned())
    }
}

/// What is written in a token. Nobody relies on it here, so its signature is not looked at.
fn claims(token: &str) -> Value {
    let middle = token.split('.').nth(1).unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(middle).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}
