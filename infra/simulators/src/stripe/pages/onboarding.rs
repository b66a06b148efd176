//! The onboarding page of an account's owner: `/connect/onboarding/{link}`, for one visit.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;

use super::Simulator;
use crate::pages::{self, not_found, see_other};
use crate::random;
use crate::stripe::work::Caller;
use crate::stripe::{Onboarding, accounts};

const OUTCOMES: [(&str, &str, &str); 4] = [
    ("complete", "Submit everything", "charges and payouts are enabled"),
    ("no_payouts", "Submit without a bank account", "charges only"),
    ("restricted", "Submit without a needed document", "nothing is enabled, a document is due"),
    ("incomplete", "Leave before the end", "nothing is submitted"),
];

/// The button that was pressed.
#[derive(serde::Deserialize)]
pub struct Pressed {
    outcome: Onboarding,
}

/// Follows the link. A link that was followed before, or has expired, leads to its `refresh_url`.
pub async fn follow(State(simulator): Simulator, Path(id): Path<String>) -> Response {
    let mut shared = simulator.lock();
    let Some(link) = shared.state.account_links.get(&id) else { return not_found() };
    if link.visit.is_some() || link.expires_at <= simulator.now() {
        return see_other(&link.refresh_url);
    }
    let account = link.account.clone();
    let visit = random::letters(32);
    let saved = simulator.write(&mut shared, Caller::default(), |work| {
        work.state.account_links.change(&id, |link| link.visit = Some(visit.clone()));
        Ok(())
    });
    if let Err(error) = saved {
        return pages::refused(error);
    }
    // The address of the visit is not the address of the link, which may have been seen by others.
    let body = html! {
        p {
            "Here the owner of " code { (account) } " would say who they are and where their money goes. Choose "
            "how that ends."
        }
        (pages::choices(&format!("../visit/{visit}"), "outcome", OUTCOMES))
    };
    pages::page(StatusCode::OK, "Become able to take payments", body)
}

/// Ends the visit and returns to the platform.
pub async fn submit(
    State(simulator): Simulator,
    Path(visit): Path<String>,
    Form(pressed): Form<Pressed>,
) -> Response {
    let mut shared = simulator.lock();
    let link = shared.state.account_links.iter().find(|link| link.visit.as_deref() == Some(visit.as_str()));
    let Some(link) = link else { return not_found() };
    if link.finished {
        return see_other(&link.refresh_url);
    }
    let (id, account, return_url) = (link.id.clone(), link.account.clone(), link.return_url.clone());
    let outcome = simulator.write(&mut shared, Caller::default(), |work| {
        work.state.account_links.change(&id, |link| link.finished = true);
        accounts::onboard(work, &account, pressed.outcome)
    });
    match outcome {
        Ok(_) => see_other(&return_url),
        Err(error) => pages::refused(error),
    }
}
