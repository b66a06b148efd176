//! Opens an expert's account at PayPal, and the page on which they tell PayPal who they are.

use app::App;
use app::payments::accounts;
use domain::payments::gateway::Gateway;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

use crate::answers::OnboardingPageDocument;

/// `POST /v1/experts/{expert_id}/paypal-onboarding`
pub const ROUTE: Route = Route {
    function: "start_paypal_onboarding",
    method: Method::Post,
    path: "/v1/experts/{expert_id}/paypal-onboarding",
    audience: Audience::Only(app::identity::people::Role::Expert),
    summary: "Connect my PayPal account, or go on with it",
    operation: |schemas| {
        Operation::answers::<OnboardingPageDocument>(schemas, StatusCode::CREATED).may_fail(&[409])
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let owner = call.signed_in()?.owner_of(call.parameter("expert_id", "expert")?)?;
    let page = accounts::start_onboarding(app, owner, Gateway::Paypal).await?;
    Ok(Answer::json(StatusCode::CREATED, &OnboardingPageDocument::from(page)))
}
