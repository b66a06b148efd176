//! Lists the session types of an expert.

use app::App;
use app::experts::session_types;
use app::payments::exchange_rates;
use domain::Currency;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::documents::SessionType;
use crate::payments::documents::Estimate;

/// `GET /v1/experts/{expert_id}/session-types`
pub const ROUTE: Route = Route {
    function: "list_session_types",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/session-types",
    audience: Audience::Public,
    summary: "List the session types of an expert, with estimated prices in another currency",
    operation: |schemas| {
        Operation::responds_with::<SessionTypes>(schemas, StatusCode::OK).query::<SessionTypesQuery>()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SessionTypesQuery {
    /// Which session types to list: `active` (the default), or `all` to include withdrawn ones.
    #[serde(default)]
    status: StatusFilter,
    /// The currency in which to estimate the prices, using the reference rates of the European Central Bank. The client pays
    /// the price in the expert's currency.
    currency: Option<Currency>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum StatusFilter {
    #[default]
    Active,
    All,
}

/// The session types of an expert, ordered by the second in which they were created.
#[derive(Serialize, JsonSchema)]
struct SessionTypes {
    /// The session types.
    session_types: Vec<ListedSessionType>,
}

/// A session type with an estimate of its price.
#[derive(Serialize, JsonSchema)]
struct ListedSessionType {
    #[serde(flatten)]
    session_type: SessionType,
    /// The estimated price in the requested currency; absent when no currency was requested, the session is free, or there is
    /// no reference rate for one of the two currencies. The client pays the price in the expert's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate: Option<Estimate>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let expert = request.path_parameter("expert_id", "expert")?;
    let SessionTypesQuery { status, currency } = request.query()?;
    let (kinds, estimator) = tokio::join!(
        session_types::list(app, request.actor(), expert, matches!(status, StatusFilter::All)),
        exchange_rates::estimator(app, request.actor(), currency),
    );
    let session_types = kinds?
        .into_iter()
        .map(|kind| ListedSessionType {
            estimate: estimator.as_ref().and_then(|estimator| estimator.of(kind.terms.price)).map(Into::into),
            session_type: kind.into(),
        })
        .collect();
    Ok(Response::json(StatusCode::OK, &SessionTypes { session_types }))
}
