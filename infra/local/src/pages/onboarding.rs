//! Where a payment gateway sends an expert back to.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::ExpertId;
use domain::payments::gateway::GatewayKind;
use maud::html;

use super::layout::{command, page};
use crate::Surroundings;

/// What people call a gateway.
fn name(gateway: GatewayKind) -> &'static str {
    match gateway {
        GatewayKind::Stripe => "Stripe",
        GatewayKind::Paypal => "PayPal",
    }
}

/// The expert and the gateway that an address names.
fn read((expert, gateway): (String, String)) -> Option<(ExpertId, GatewayKind)> {
    Some((expert.parse().ok()?, gateway.parse().ok()?))
}

/// The address without its end, so that its page can be named here.
fn again(surroundings: &Surroundings, expert: ExpertId, gateway: GatewayKind) -> String {
    format!(
        "curl -X POST -H \"Authorization: Bearer $TOKEN\" {}/v1/experts/{expert}/payment-accounts/{gateway}/onboarding",
        surroundings.addresses.api
    )
}

/// `/experts/{expert_id}/{gateway}/return`: they are through, or left early. Only the gateway knows, so it is asked.
pub(super) async fn returned(
    State(surroundings): State<Surroundings>,
    Path(named): Path<(String, String)>,
) -> Response {
    let Some((id, gateway)) = read(named) else { return unknown(&surroundings) };
    let (name, title) = (name(gateway), format!("Back from {}", name(gateway)));
    let account = match surroundings.app.store.payment_account(id, gateway).await {
        Ok(Some(account)) => account,
        Ok(None) => return unknown(&surroundings),
        Err(error) => {
            tracing::error!(%error, "the expert's account cannot be read");
            let body =
                html! { p.problem role="alert" { "The database did not answer. Load the page again." } };
            return page(&surroundings, StatusCode::SERVICE_UNAVAILABLE, &title, &body);
        }
    };
    let asked = match surroundings.app.gateways.get(gateway) {
        Ok(gateway) => gateway.accounts.read_account(&account.account).await,
        Err(error) => Err(error),
    };
    let state = match asked {
        Ok(state) => state,
        Err(error) => {
            tracing::error!(%error, %gateway, "the gateway was not asked");
            let body = html! { p.problem role="alert" { (name) " did not answer. Load the page again." } };
            return page(&surroundings, StatusCode::SERVICE_UNAVAILABLE, &title, &body);
        }
    };
    let yes_no = |yes: bool| {
        html! { @if yes { span.good { "yes" } } @else { span.bad { "not yet" } } }
    };
    let body = html! {
        p { (name) " says of account " code { (state.id) } ":" }
        dl.pairs {
            dt { "Clients can pay" } dd { (yes_no(state.charges_enabled)) }
            dt { (name) " pays out" } dd { (yes_no(state.payouts_enabled)) }
            @if !state.requirements_due.is_empty() {
                dt { (name) " still wants" }
                dd { @for due in &state.requirements_due { code { (due) } " " } }
            }
            @if let Some(reason) = &state.disabled_reason { dt { "Stopped because" } dd { code { (reason) } } }
        }
        @if state.charges_enabled {
            p.note { "Done: paid sessions can be booked. You can close this page." }
        } @else {
            p.note { "Paid sessions cannot be booked yet. Ask for another onboarding page and finish it:" }
            (command(&again(&surroundings, id, gateway)))
        }
    };
    page(&surroundings, StatusCode::OK, &title, &body)
}

/// `/experts/{expert_id}/{gateway}/refresh`: the link was too old, or followed twice.
pub(super) async fn refresh(
    State(surroundings): State<Surroundings>,
    Path(named): Path<(String, String)>,
) -> Response {
    let Some((id, gateway)) = read(named) else { return unknown(&surroundings) };
    let body = html! {
        p { "A link to " (name(gateway)) "'s onboarding works once, and not for long. Nothing is lost: ask for another, as the \
             expert, and go on where you were." }
        (command(&again(&surroundings, id, gateway)))
    };
    page(&surroundings, StatusCode::OK, "That link is used up", &body)
}

fn unknown(surroundings: &Surroundings) -> Response {
    let body = html! { p { "There is no such expert, or they never went to this gateway." } };
    page(surroundings, StatusCode::NOT_FOUND, "Not found", &body)
}
