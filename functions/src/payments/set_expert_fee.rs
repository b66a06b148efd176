//! Sets the platform's fee for an expert.

use app::App;
use app::payments::fees;
use domain::{Rate, Violations};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::ExpertFee;

/// `PUT /v1/experts/{expert_id}/fee`
pub const ROUTE: Route = Route {
    function: "set_expert_fee",
    method: Method::Put,
    path: "/v1/experts/{expert_id}/fee",
    audience: Audience::Only(app::identity::signed_in::Role::Admin),
    summary: "Set the platform's fee and the payout timing for an expert; the first time with If-Match: \"0\"",
    operation: |schemas| {
        Operation::responds_with::<ExpertFee>(schemas, StatusCode::OK)
            .accepts::<ExpertFee>(schemas)
            .conditional()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let expert = request.path_parameter("expert_id", "expert")?;
    let if_match = request.if_match()?;
    let ExpertFee { basis_points, payout_timing } = request.json()?;
    let rate = basis_points.map(Rate::from_basis_points).transpose();
    let rate = rate.map_err(|error| Problem::invalid(Violations::one("/basis_points", error.to_string())))?;
    let fee =
        fees::set_expert_fee(app, request.actor(), expert, if_match, rate, payout_timing.map(Into::into))
            .await?;
    Ok(Response::json(StatusCode::OK, &ExpertFee::from(fee)).version(fee.version))
}
