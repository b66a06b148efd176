//! Reads the platform's terms for an expert.

use app::App;
use app::payments::terms;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::ExpertTerms;

/// `GET /v1/experts/{expert_id}/terms`
pub const ROUTE: Route = Route {
    function: "read_expert_terms",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/terms",
    audience: Audience::Only(app::identity::signed_in::Role::Admin),
    summary: "Read the platform's terms for an expert",
    operation: |schemas| Operation::responds_with::<ExpertTerms>(schemas, StatusCode::OK).versioned(),
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let expert = request.path_parameter("expert_id", "expert")?;
    let terms = terms::read_expert_terms(app, request.actor(), expert).await?;
    Ok(Response::json(StatusCode::OK, &ExpertTerms::from(terms)).version(terms.version))
}
