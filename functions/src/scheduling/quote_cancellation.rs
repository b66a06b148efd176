//! Quotes the refund of a cancellation without cancelling.

use app::App;
use app::scheduling::cancellation;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};

use super::documents::CancellationQuote;

/// `GET /v1/appointments/{appointment_id}/cancellation`
pub const ROUTE: Route = Route {
    function: "quote_cancellation",
    method: Method::Get,
    path: "/v1/appointments/{appointment_id}/cancellation",
    audience: Audience::SignedIn,
    summary: "Read the refund that cancelling an appointment now would give",
    operation: |schemas| {
        Operation::responds_with::<CancellationQuote>(schemas, StatusCode::OK)
            .problems(&[problem::INVALID_STATUS])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let quote = cancellation::quote(app, request.actor(), id).await?;
    Ok(Response::json(StatusCode::OK, &CancellationQuote::from(quote)))
}
