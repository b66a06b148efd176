//! Web pages on the origin of the API. They are rendered on the server and have no scripts; maud escapes every value.

mod api;
mod curl;
mod events;
mod home;
mod layout;
mod markdown;
mod onboarding;
mod schema;
mod sign_in;

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use domain::kernel::time::DAY;
use domain::{Timestamp, Zone};

use crate::{Description, Environment, Offer};

/// The pages, for [`crate::Stack::start`].
pub fn router() -> Router<Environment> {
    Router::new()
        .route("/", get(home::show))
        .route("/api", get(api::show))
        .route("/api/{function}", get(api::show_route))
        .route("/events", get(events::show))
        .route("/sign-in", get(sign_in::start))
        .route(sign_in::REDIRECT_PATH, get(sign_in::finish))
        .route("/experts/{expert_id}/{gateway}/return", get(onboarding::returned))
        .route("/experts/{expert_id}/{gateway}/refresh", get(onboarding::refresh))
        .route("/local.json", get(local))
        .route("/style.css", get(style))
}

/// `/local.json`: the addresses and people, for programs.
async fn local(State(environment): State<Environment>) -> Json<Description> {
    Json(environment.describe())
}

async fn style() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, include_str!("style.css")).into_response()
}

/// The command that lists a week of slots.
pub(crate) fn slots_command(api: &str, offered: &Offer, from: Timestamp, zone: Zone) -> String {
    let Offer { expert, session_type, duration_minutes } = offered;
    let of = format!("session_type_id={session_type}&duration_minutes={duration_minutes}");
    let to = from.plus(7 * DAY);
    let zone = zone.name().replace('+', "%2B");
    format!("curl '{api}/v1/experts/{expert}/slots?{of}&from={from}&to={to}&time_zone={zone}'")
}
