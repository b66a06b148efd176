//! Sets the platform's fee for an expert.

use app::App;
use app::payments::fees;
use domain::{Rate, Violations};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `PUT /v1/experts/{expert_id}/fee`
pub const ROUTE: Route = Route {
    function: "set_expert_fee",
    method: Method::Put,
    path: "/v1/experts/{expert_id}/fee",
    audience: Audience::Only(app::identity::people::Role::Admin),
    summary: "Set the platform's fee for an expert; existing appointments keep their rate",
    operation: |schemas| Operation::responds_with::<Fee>(schemas, StatusCode::OK).accepts::<Fee>(schemas),
    handler: |app, request| Box::pin(handle(app, request)),
};

/// The platform's fee for an expert.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fee {
    /// The fee in basis points (hundredths of a percent) of the price; null for the platform's default.
    #[schemars(range(max = 10_000))]
    basis_points: Option<u16>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let expert = request.path_parameter("expert_id", "expert")?;
    let Fee { basis_points } = request.json()?;
    let rate = basis_points.map(Rate::from_basis_points).transpose();
    let rate = rate.map_err(|error| Problem::invalid(Violations::one("/basis_points", error.to_string())))?;
    let fee = fees::set_expert_fee(app, request.actor(), expert, rate).await?;
    Ok(Response::json(StatusCode::OK, &Fee { basis_points: fee.rate.map(Rate::basis_points) }))
}
