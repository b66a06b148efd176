//! The page where the payer approves an order, or does not: `/checkoutnow?token={order}`.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::{back, not_found};
use crate::html::{self, escape};
use crate::paypal::payers::TestPayer;
use crate::paypal::state::{Order, OrderStatus};
use crate::paypal::work::{Answer, Caller, Work};
use crate::paypal::{PayPalSimulator, TEST_PAYERS, in_words};

/// What the address carries.
#[derive(serde::Deserialize)]
pub(in crate::paypal) struct Visit {
    token: String,
}

/// The button that was pressed: a test payer's name, or `cancel`.
#[derive(serde::Deserialize)]
pub(in crate::paypal) struct Pressed {
    payer: String,
}

/// Shows the payment and asks who pays.
pub(in crate::paypal) async fn show(
    State(simulator): State<Arc<PayPalSimulator>>,
    Query(visit): Query<Visit>,
) -> Response {
    match simulator.approvable(&visit.token) {
        Some(order) if order.status == OrderStatus::Approved => approved(&order),
        Some(order) => page(&order),
        None => not_found(),
    }
}

/// Approves with the payer that was chosen, or goes back without.
pub(in crate::paypal) async fn submit(
    State(simulator): State<Arc<PayPalSimulator>>,
    Query(visit): Query<Visit>,
    Form(pressed): Form<Pressed>,
) -> Response {
    let Some(order) = simulator.approvable(&visit.token) else { return not_found() };
    if pressed.payer == "cancel" && order.status != OrderStatus::Approved {
        return back(order.cancel_url.as_deref(), &[("token", &order.id)], "Not paid");
    }
    match simulator.approve(&order.id, &pressed.payer) {
        Ok(_) => simulator.approvable(&order.id).map_or_else(not_found, |order| approved(&order)),
        Err(refused) => {
            let body = format!("<p class=\"problem\">{}</p>", escape(&refused.message));
            html::page(StatusCode::CONFLICT, "That did not work", &body)
        }
    }
}

impl PayPalSimulator {
    /// An order that the payer may approve, or has.
    fn approvable(&self, id: &str) -> Option<Order> {
        let mut found = None;
        let look = |work: &mut Work| {
            found = work.order(id).ok().filter(|order| order.status != OrderStatus::Completed).cloned();
            Ok(Answer::Body { status: 200, body: serde_json::Value::Null })
        };
        self.look(&mut self.lock(), Caller::default(), look).ok()?;
        found
    }
}

fn approved(order: &Order) -> Response {
    let payer = order.payer.as_deref().and_then(TestPayer::named).map_or("", |payer| payer.payer_id);
    back(order.return_url.as_deref(), &[("token", &order.id), ("PayerID", payer)], "Approved")
}

fn page(order: &Order) -> Response {
    let amount = escape(&in_words(order.amount, &order.currency));
    let mut body = format!("<p>Amount: <strong>{amount}</strong></p>");
    for line in [&order.brand_name, &order.description].into_iter().flatten() {
        // Writing to a string cannot fail.
        let _ = write!(body, "<p>{}</p>", escape(line));
    }
    body.push_str(
        "<p class=\"note\">A simulator: no money moves. Choose who pays.</p><form method=\"post\">",
    );
    for payer in TEST_PAYERS {
        let _ = write!(
            body,
            "<p><button name=\"payer\" value=\"{name}\">Pay as {name}</button> {effect}</p>",
            name = escape(payer.name),
            effect = escape(payer.effect),
        );
    }
    body.push_str(
        "<p><button name=\"payer\" value=\"cancel\">Cancel</button> go back without paying</p></form>",
    );
    html::page(StatusCode::OK, "Pay with PayPal, simulated", &body)
}
