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
use domain::{TimeSpan, Timestamp, Zone};

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

/// The first free slot in the week after `from`, or a sentence that says why there is none.
async fn first_slot(environment: &Environment, offer: &Offer, from: Timestamp) -> Result<Timestamp, String> {
    let week = TimeSpan::new(from, from.plus(7 * DAY));
    let listed = app::scheduling::slots::list(
        &environment.app,
        &app::identity::Actor::Anonymous,
        offer.expert,
        offer.session_type,
        Some(offer.duration_minutes),
        week,
    )
    .await;
    match listed {
        Ok(listed) => listed.slots.first().map(|slot| slot.start).ok_or_else(|| {
            "Nothing can be booked in that week: empty_reason in the list of slots says why.".to_owned()
        }),
        Err(error) => Err(format!("Nothing can be booked: {error}.")),
    }
}

/// The command that lists a week of slots.
pub(crate) fn slots_command(api: &str, offered: &Offer, from: Timestamp, zone: Zone) -> String {
    let Offer { expert, session_type, duration_minutes, .. } = offered;
    let of = format!("session_type_id={session_type}&duration_minutes={duration_minutes}");
    let to = from.plus(7 * DAY);
    let zone = zone.name().replace('+', "%2B");
    format!("curl '{api}/v1/experts/{expert}/slots?{of}&from={from}&to={to}&time_zone={zone}'")
}
