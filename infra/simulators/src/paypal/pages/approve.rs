//! The page where the payer approves an order: `/checkoutnow?token={order}`.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;

use super::Simulator;
use crate::pages::{self, not_found};
use crate::paypal::payers::TestPayer;
use crate::paypal::state::{Order, OrderStatus};
use crate::paypal::work::Caller;
use crate::paypal::{PayPalSimulator, TEST_PAYERS, display};

/// The query of the address.
#[derive(serde::Deserialize)]
pub struct Visit {
    token: String,
}

/// The button that was pressed: the name of a test payer, or `cancel`.
#[derive(serde::Deserialize)]
pub struct Pressed {
    payer: String,
}

/// Shows the payment and the payers to choose from.
pub async fn show(State(simulator): Simulator, Query(visit): Query<Visit>) -> Response {
    match simulator.approvable(&visit.token) {
        Some(order) if order.status == OrderStatus::Approved => approved(&order),
        Some(order) => page(&order),
        None => not_found(),
    }
}

/// Approves the order with the chosen payer, or returns to the platform.
pub async fn submit(
    State(simulator): Simulator,
    Query(visit): Query<Visit>,
    Form(pressed): Form<Pressed>,
) -> Response {
    let Some(order) = simulator.approvable(&visit.token) else { return not_found() };
    if pressed.payer == "cancel" && order.status != OrderStatus::Approved {
        return back(order.cancel_url.as_deref(), &[("token", &order.id)], "Not paid");
    }
    match simulator.approve(&order.id, &pressed.payer) {
        Ok(_) => simulator.approvable(&order.id).map_or_else(not_found, |order| approved(&order)),
        Err(refused) => pages::refused(refused),
    }
}

impl PayPalSimulator {
    /// An order that the payer may approve, or has approved.
    fn approvable(&self, id: &str) -> Option<Order> {
        let order = self.read(&mut self.lock(), Caller::default(), |work| work.order(id).cloned());
        order.ok().filter(|order| order.status != OrderStatus::Completed)
    }
}

/// Returns to the platform, or says how it ended when there is no address to return to.
pub(super) fn back(address: Option<&str>, members: &[(&str, &str)], outcome: &str) -> Response {
    let closed = || pages::page(StatusCode::OK, outcome, html! { p { "You can close this page." } });
    pages::back(address, members).unwrap_or_else(closed)
}

fn approved(order: &Order) -> Response {
    let payer = order.payer.as_deref().and_then(TestPayer::named).map_or("", |payer| payer.payer_id);
    back(order.return_url.as_deref(), &[("token", &order.id), ("PayerID", payer)], "Approved")
}

fn page(order: &Order) -> Response {
    let payers = TEST_PAYERS.iter().map(|payer| (payer.name, payer.name, payer.effect));
    let cancel = ("cancel", "Cancel", "go back without paying");
    let body = html! {
        p { "Amount: " strong { (display(order.amount, &order.currency)) } }
        @if let Some(description) = &order.description { p { (description) } }
        p.note { "A simulator: no money moves. Choose who pays." }
        (pages::choices("", "payer", payers.chain([cancel])))
    };
    pages::page(StatusCode::OK, "Pay with PayPal, simulated", body)
}
