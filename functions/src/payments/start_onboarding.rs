//! Creates the expert's account at a payment gateway, and the page on which the expert completes it.

use app::App;
use app::payments::accounts;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};

use super::documents::OnboardingPageDocument;

/// `POST /v1/experts/{expert_id}/payment-accounts/{gateway}/onboarding`
pub const ROUTE: Route = Route {
    function: "start_onboarding",
    method: Method::Post,
    path: "/v1/experts/{expert_id}/payment-accounts/{gateway}/onboarding",
    audience: Audience::SignedIn,
    summary: "Start or continue the onboarding at a payment gateway",
    operation: |schemas| {
        Operation::responds_with::<OnboardingPageDocument>(schemas, StatusCode::CREATED)
            .problems(&[problem::PAYMENT_REFUSED])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let (actor, expert) = (request.actor(), request.path_parameter("expert_id", "expert")?);
    let page = accounts::start_onboarding(app, actor, expert, super::gateway(request)?).await?;
    Ok(Response::json(StatusCode::CREATED, &OnboardingPageDocument::from(page)))
}
