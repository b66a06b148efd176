//! Creates the expert's account at a payment gateway, and the page on which the expert completes it.

use app::App;
use app::payments::accounts;
use domain::ExpertId;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};

use super::documents::OnboardingPage;

/// `POST /v1/experts/{expert_id}/payment-accounts/{gateway}/onboarding`
pub const ROUTE: Route = Route {
    function: "start_onboarding",
    method: Method::Post,
    path: "/v1/experts/{expert_id}/payment-accounts/{gateway}/onboarding",
    audience: Audience::SignedIn,
    summary: "Start or continue the onboarding at a payment gateway",
    operation: |schemas| {
        Operation::responds_with::<OnboardingPage>(schemas, StatusCode::CREATED)
            .problems(&[problem::PAYMENT_REFUSED])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let actor = request.actor();
    let expert: ExpertId = request.path_parameter("expert_id", "expert")?;
    let gateway = super::gateway(request)?;
    let page = accounts::start_onboarding(app, actor, expert, gateway).await?;
    let account = format!("/v1/experts/{expert}/payment-accounts/{gateway}");
    Ok(Response::json(StatusCode::CREATED, &OnboardingPage::from(page)).location(&account))
}
