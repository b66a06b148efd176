//! What a browser sees on the API's own origin, besides the API. Made on the server, without scripts; maud escapes every value.

mod api;
mod events;
mod home;
mod layout;
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

use crate::{Description, Offered, Surroundings};

/// The pages, for [`crate::Stack::start`].
pub fn router() -> Router<Surroundings> {
    Router::new()
        .route("/", get(home::show))
        .route("/api", get(api::show))
        .route("/events", get(events::show))
        .route("/sign-in", get(sign_in::leave))
        .route(sign_in::LANDING, get(sign_in::land))
        .route("/experts/{expert_id}/{gateway}/return", get(onboarding::returned))
        .route("/experts/{expert_id}/{gateway}/refresh", get(onboarding::refresh))
        .route("/local.json", get(local))
        .route("/style.css", get(style))
}

/// `/local.json`: where everything is, for programs.
async fn local(State(surroundings): State<Surroundings>) -> Json<Description> {
    Json(surroundings.describe())
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
pub(crate) fn slots_command(api: &str, offered: &Offered, from: Timestamp, zone: Zone) -> String {
    let Offered { expert, session_type } = offered;
    let to = from.plus(7 * DAY);
    let zone = zone.name().replace('+', "%2B");
    format!(
        "curl '{api}/v1/experts/{expert}/slots?session_type={session_type}&from={from}&to={to}&time_zone={zone}'"
    )
}
