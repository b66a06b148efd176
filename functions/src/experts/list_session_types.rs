//! What an expert offers.

use app::App;
use app::experts::session_types;
use app::payments::exchange_rates;
use domain::Currency;
use domain::payments::exchange::Estimate;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::documents::SessionTypeDocument;

/// `GET /v1/experts/{expert_id}/session-types`
pub const ROUTE: Route = Route {
    function: "list_session_types",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/session-types",
    audience: Audience::Public,
    summary: "What an expert offers, and with `currency` subject what it comes to in the reader's own",
    operation: |schemas| Operation::responds_with::<SessionTypes>(schemas, StatusCode::OK).query::<Which>(),
    handler: |app, request| Box::pin(handle(app, request)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// `active` (the default), or `all` with those that were withdrawn.
    #[serde(default)]
    status: Wanted,
    /// Shows what each price comes to in this currency, by the reference rates of the European Central Bank. That is an
    /// estimate: what is charged is the price, in the expert's currency.
    currency: Option<Currency>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    #[default]
    Active,
    All,
}

/// Session types, oldest first.
#[derive(Serialize, JsonSchema)]
struct SessionTypes {
    /// All of them.
    session_types: Vec<ListedSessionType>,
}

/// A session type, and what its price comes to.
#[derive(Serialize, JsonSchema)]
struct ListedSessionType {
    #[serde(flatten)]
    session_type: SessionTypeDocument,
    /// The price in the asked currency; absent when none was asked for, there is nothing to pay, or there is no rate for one of
    /// the two currencies. It is not what is charged: that is the price, in the expert's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate: Option<Estimate>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let expert = request.parameter("expert_id", "expert")?;
    let which: Which = request.query()?;
    let (kinds, estimator) = tokio::join!(
        session_types::list(app, expert, matches!(which.status, Wanted::All)),
        exchange_rates::estimator(app, which.currency),
    );
    let session_types = kinds?
        .into_iter()
        .map(|kind| ListedSessionType {
            estimate: estimator.as_ref().and_then(|estimator| estimator.of(kind.terms.price)),
            session_type: kind.into(),
        })
        .collect();
    Ok(Response::json(StatusCode::OK, &SessionTypes { session_types }))
}
