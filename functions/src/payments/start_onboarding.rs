//! Creates the expert's account at a payment gateway, and the page on which the expert completes it.

use app::App;
use app::payments::accounts;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

use super::documents::OnboardingPageDocument;

/// `POST /v1/experts/{expert_id}/payment-accounts/{gateway}/onboarding`
pub const ROUTE: Route = Route {
    function: "start_onboarding",
    method: Method::Post,
    path: "/v1/experts/{expert_id}/payment-accounts/{gateway}/onboarding",
    audience: Audience::Only(app::identity::people::Role::Expert),
    summary: "Start or continue the onboarding at a payment gateway",
    operation: |schemas| {
        Operation::returns::<OnboardingPageDocument>(schemas, StatusCode::CREATED).may_fail(&[409])
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let owner = call.signed_in()?.owner_of(call.parameter("expert_id", "expert")?)?;
    let page = accounts::start_onboarding(app, owner, super::gateway(call)?).await?;
    Ok(Answer::json(StatusCode::CREATED, &OnboardingPageDocument::from(page)))
}
