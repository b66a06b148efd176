//! The pages to which a payment gateway redirects an expert after onboarding.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::ExpertId;
use domain::payments::gateway::GatewayKind;
use maud::html;

use super::layout::{command, page};
use crate::Environment;

/// The name of a gateway for people.
fn name(gateway: GatewayKind) -> &'static str {
    match gateway {
        GatewayKind::Stripe => "Stripe",
        GatewayKind::Paypal => "PayPal",
    }
}

/// The expert and the gateway in a path.
fn read((expert, gateway): (String, String)) -> Option<(ExpertId, GatewayKind)> {
    Some((expert.parse().ok()?, gateway.parse().ok()?))
}

/// The command that requests a new onboarding page.
fn new_page_command(environment: &Environment, expert: ExpertId, gateway: GatewayKind) -> String {
    format!(
        "curl -X POST -H \"Authorization: Bearer $TOKEN\" {}/v1/experts/{expert}/payment-accounts/{gateway}/onboarding",
        environment.addresses.api
    )
}

/// `/experts/{expert_id}/{gateway}/return`: the expert has finished onboarding or left it early. The page reads the account from
/// the gateway to find out.
pub(super) async fn returned(
    State(environment): State<Environment>,
    Path(named): Path<(String, String)>,
) -> Response {
    let Some((id, gateway)) = read(named) else { return unknown(&environment) };
    let (name, title) = (name(gateway), format!("Back from {}", name(gateway)));
    let account = match environment.app.store.payment_account(id, gateway).await {
        Ok(Some(account)) => account,
        Ok(None) => return unknown(&environment),
        Err(error) => {
            tracing::error!(%error, "the expert's account cannot be read");
            let body = html! { p.problem role="alert" { "The database did not respond. Reload this page." } };
            return page(&environment, StatusCode::SERVICE_UNAVAILABLE, &title, &body);
        }
    };
    let result = match environment.app.gateways.get(gateway) {
        Ok(gateway) => gateway.accounts.read_account(&account.account).await,
        Err(error) => Err(error),
    };
    let state = match result {
        Ok(state) => state,
        Err(error) => {
            tracing::error!(%error, %gateway, "the expert's account cannot be read from the gateway");
            let body = html! { p.problem role="alert" { (name) " did not respond. Reload this page." } };
            return page(&environment, StatusCode::SERVICE_UNAVAILABLE, &title, &body);
        }
    };
    let yes_no = |yes: bool| {
        html! { @if yes { span.good { "yes" } } @else { span.bad { "not yet" } } }
    };
    let body = html! {
        p { "The state of account " code { (state.id) } " at " (name) ":" }
        dl.pairs {
            dt { "Accepts payments" } dd { (yes_no(state.charges_enabled)) }
            dt { "Receives payouts" } dd { (yes_no(state.payouts_enabled)) }
            @if !state.requirements_due.is_empty() {
                dt { "Missing information" }
                dd { @for due in &state.requirements_due { code { (due) } " " } }
            }
            @if let Some(reason) = &state.disabled_reason { dt { "Disabled because of" } dd { code { (reason) } } }
        }
        @if state.charges_enabled {
            p.note { "Onboarding is complete, and paid sessions can be booked. You can close this page." }
        } @else {
            p.note { "Paid sessions cannot be booked yet. Request a new onboarding page and complete it:" }
            (command(&new_page_command(&environment, id, gateway)))
        }
    };
    page(&environment, StatusCode::OK, &title, &body)
}

/// `/experts/{expert_id}/{gateway}/refresh`: the onboarding link has expired or was already used.
pub(super) async fn refresh(
    State(environment): State<Environment>,
    Path(named): Path<(String, String)>,
) -> Response {
    let Some((id, gateway)) = read(named) else { return unknown(&environment) };
    let body = html! {
        p { "A link to " (name(gateway)) "'s onboarding can be used once and expires soon. Your entries are saved. Request a \
             new link as the expert to continue:" }
        (command(&new_page_command(&environment, id, gateway)))
    };
    page(&environment, StatusCode::OK, "The link has expired", &body)
}

fn unknown(environment: &Environment) -> Response {
    let body = html! { p { "This expert does not exist, or has not started onboarding at this gateway." } };
    page(environment, StatusCode::NOT_FOUND, "Not found", &body)
}
