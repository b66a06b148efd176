//! The bank's 3-D Secure page: `/3ds/{intent}?client_secret=…`.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::{Asked, Visit, back, not_found};
use crate::html::{self, escape};
use crate::stripe::state::IntentStatus;
use crate::stripe::work::Origin;
use crate::stripe::{StripeSimulator, confirm};

/// The button that was pressed.
#[derive(serde::Deserialize)]
pub(in crate::stripe) struct Pressed {
    answer: Answer,
}

#[derive(Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Approve,
    Fail,
}

/// Asks whether the guest is who they say.
pub(in crate::stripe) async fn show(
    State(simulator): State<Arc<StripeSimulator>>,
    Path(id): Path<String>,
    Query(visit): Query<Visit>,
) -> Response {
    let shared = simulator.lock();
    let Some(asked) = visit.asked(&shared.state, &id) else { return not_found() };
    if asked.status != IntentStatus::RequiresAction {
        return back(&asked, asked.return_url.as_deref(), asked.done());
    }
    let question = match &asked.amount {
        Some(amount) => format!("do you want to pay <strong>{}</strong>?", escape(amount)),
        None => "may this card be charged later, when you are not there?".to_owned(),
    };
    let body = format!(
        "<p>Your bank asks: {question}</p><form method=\"post\">\
         <button name=\"answer\" value=\"approve\">Approve</button>\
         <button name=\"answer\" value=\"fail\">Fail</button></form>"
    );
    html::page(StatusCode::OK, "3-D Secure", &body)
}

/// Passes or fails the challenge and sends the guest back.
pub(in crate::stripe) async fn submit(
    State(simulator): State<Arc<StripeSimulator>>,
    Path(id): Path<String>,
    Query(visit): Query<Visit>,
    Form(pressed): Form<Pressed>,
) -> Response {
    let mut shared = simulator.lock();
    if visit.asked(&shared.state, &id).is_none() {
        return not_found();
    }
    let approve = pressed.answer == Answer::Approve;
    let outcome =
        simulator.work(&mut shared, Origin::default(), |work| confirm::authenticate(work, &id, approve));
    match Asked::find(&shared.state, &id) {
        Some(asked) => back(&asked, asked.return_url.as_deref(), outcome.is_ok()),
        None => not_found(),
    }
}
