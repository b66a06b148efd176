//! Sets the platform's terms for an expert.

use app::App;
use app::payments::terms;
use domain::payments::account;
use domain::{Rate, Violations};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::ExpertTerms;

/// `PUT /v1/experts/{expert_id}/terms`
pub const ROUTE: Route = Route {
    function: "set_expert_terms",
    method: Method::Put,
    path: "/v1/experts/{expert_id}/terms",
    audience: Audience::Only(app::identity::signed_in::Role::Admin),
    summary: "Set the platform's terms for an expert; the first time with If-Match: \"0\"",
    operation: |schemas| {
        Operation::responds_with::<ExpertTerms>(schemas, StatusCode::OK)
            .accepts::<ExpertTerms>(schemas)
            .conditional()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let expert = request.path_parameter("expert_id", "expert")?;
    let if_match = request.if_match()?;
    let ExpertTerms { basis_points, payout_timing, established, refund_budget } = request.json()?;
    let rate = basis_points.map(Rate::from_basis_points).transpose();
    let rate = rate.map_err(|error| Problem::invalid(Violations::one("/basis_points", error.to_string())))?;
    if refund_budget == Some(0) {
        return Err(Problem::invalid(Violations::one("/refund_budget", "must be from 1 to 65535")));
    }
    let terms = account::ExpertTerms {
        version: 0,
        rate,
        payout_timing: payout_timing.map(Into::into),
        established,
        refund_budget,
    };
    let terms = terms::set_expert_terms(app, request.actor(), expert, if_match, terms).await?;
    Ok(Response::json(StatusCode::OK, &ExpertTerms::from(terms)).version(terms.version))
}
