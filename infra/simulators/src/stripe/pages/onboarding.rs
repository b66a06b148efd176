//! The onboarding an account's owner is sent to: `/connect/onboarding/{link}`, good for one visit.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::not_found;
use crate::html::{self, escape};
use crate::random;
use crate::stripe::work::Origin;
use crate::stripe::{Onboarding, StripeSimulator, accounts};

/// The button that was pressed.
#[derive(serde::Deserialize)]
pub(in crate::stripe) struct Pressed {
    outcome: Onboarding,
}

/// Follows the link. A link that was followed before, or is too old, leads to its `refresh_url`.
pub(in crate::stripe) async fn follow(
    State(simulator): State<Arc<StripeSimulator>>,
    Path(id): Path<String>,
) -> Response {
    let mut shared = simulator.lock();
    let Some(link) = shared.state.account_links.get(&id) else { return not_found() };
    if link.visit.is_some() || link.expires_at <= simulator.now() {
        return html::see_other(&link.refresh_url);
    }
    let account = escape(&link.account);
    let visit = random::letters(32);
    let kept = simulator.work(&mut shared, Origin::default(), |work| {
        if let Some(link) = work.state.account_links.get_mut(&id) {
            link.visit = Some(visit.clone());
        }
        Ok(Value::Null)
    });
    if let Err(error) = kept {
        let message = format!("<p class=\"problem\">{}</p>", escape(&error.refused().message));
        return html::page(StatusCode::INTERNAL_SERVER_ERROR, "Not saved", &message);
    }
    // The buttons lead to the visit, which the link's address does not give away.
    let body = format!(
        "<p>Here the owner of <code>{account}</code> would say who they are and where their money goes. \
         Choose how that ends.</p><form method=\"post\" action=\"../visit/{visit}\">\
         <p><button name=\"outcome\" value=\"complete\">Submit everything</button> \
         charges and payouts are enabled</p>\
         <p><button name=\"outcome\" value=\"no_payouts\">Submit without a bank account</button> \
         charges only</p>\
         <p><button name=\"outcome\" value=\"restricted\">Submit without a needed document</button> nothing \
         is enabled, a document is due</p>
         <p><button name=\"outcome\" value=\"incomplete\">Leave before the end</button> \
         nothing is submitted</p></form>"
    );
    html::page(StatusCode::OK, "Become able to take payments", &body)
}

/// Ends the visit and sends the owner back to the platform.
pub(in crate::stripe) async fn submit(
    State(simulator): State<Arc<StripeSimulator>>,
    Path(visit): Path<String>,
    Form(pressed): Form<Pressed>,
) -> Response {
    let mut shared = simulator.lock();
    let link = shared.state.account_links.iter().find(|link| link.visit.as_deref() == Some(visit.as_str()));
    let Some(link) = link else { return not_found() };
    if link.finished {
        return html::see_other(&link.refresh_url);
    }
    let (id, account, return_url) = (link.id.clone(), link.account.clone(), link.return_url.clone());
    let outcome = simulator.work(&mut shared, Origin::default(), |work| {
        let outcome = accounts::onboard(work, &account, pressed.outcome);
        if let Some(link) = work.state.account_links.get_mut(&id) {
            link.finished = true;
        }
        outcome
    });
    match outcome {
        Ok(_) => html::see_other(&return_url),
        Err(error) => {
            let message = format!("<p class=\"problem\">{}</p>", escape(&error.refused().message));
            html::page(StatusCode::CONFLICT, "That did not work", &message)
        }
    }
}
