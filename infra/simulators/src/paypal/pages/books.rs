//! The books: `/`.

use axum::extract::State;
use axum::response::Response;
use maud::html;
use serde_json::{Value, json};

use super::Simulator;
use crate::books_page::{Books, ROWS};
use crate::paypal::render::time;
use crate::paypal::state::OrderStatus;
use crate::paypal::{books, display, events};
use crate::table::{Row, Table};

/// Shows the newest of everything.
pub async fn show(State(simulator): Simulator) -> Response {
    let shared = simulator.up_to_date();
    let state = &shared.state;
    let view = simulator.view(state);
    let mut page = Books::new(display, &books::balances(state));
    fn ids<T: Row>(table: &Table<T>) -> impl DoubleEndedIterator<Item = &str> {
        table.iter().map(Row::id)
    }
    let objects = |id: &str| view.any(id).unwrap_or_default();

    let columns = "merchant_id tracking_id payments_receivable primary_email_confirmed";
    page.section("Sellers", columns, ids(&state.sellers).map(objects));

    let open = |status| matches!(status, OrderStatus::Created | OrderStatus::PayerActionRequired);
    let open = state.orders.iter().rev().take(ROWS).filter(|order| open(order.status));
    let links = html! {
        @for order in open {
            p {
                a href={ "/checkoutnow?token=" (order.id) } {
                    "Pay " (display(order.amount, &order.currency)) " for "
                    (order.description.as_deref().unwrap_or(&order.id))
                }
            }
        }
    };
    let columns = "create_time id purchase_units/0/amount status purchase_units/0/payee/merchant_id \
                   payer/email_address purchase_units/0/description";
    page.section_with("Orders", columns, ids(&state.orders).map(objects), links);

    let columns = "create_time id amount status expiration_time";
    page.section("Authorizations", columns, ids(&state.authorizations).map(objects));
    let columns = "create_time id amount seller_receivable_breakdown/paypal_fee \
                   seller_receivable_breakdown/net_amount status";
    page.section("Captures", columns, ids(&state.captures).map(objects));
    let columns = "create_time id amount seller_payable_breakdown/net_amount status note_to_payer";
    page.section("Refunds", columns, ids(&state.refunds).map(objects));
    let columns = "create_time dispute_id dispute_amount reason status dispute_outcome/outcome_code";
    page.section("Disputes", columns, ids(&state.disputes).map(objects));

    let entries = state.entries.iter().map(|entry| {
        let share =
            |(owner, amount): &(String, i64)| format!("{owner} {}", display(*amount, &entry.currency));
        let shares: Vec<String> = entry.shares.iter().map(share).collect();
        json!({ "time": time(entry.at), "kind": entry.kind, "source": entry.source, "shares": shares })
    });
    page.section("Movements", "time kind source shares", entries);
    let events = state.events.iter().map(|event| {
        let body = events::body(view.config, event);
        let mut event: Value = serde_json::from_str(&body).unwrap_or_default();
        event["webhook_due"] = json!(state.deliveries.due(event["id"].as_str().unwrap_or_default()));
        event
    });
    page.section("Events", "create_time event_type id webhook_due", events);
    page.page("PayPal", "payers", &state.deliveries, &shared.faults)
}
