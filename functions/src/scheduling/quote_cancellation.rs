//! Quotes the refund of a cancellation without cancelling.

use app::App;
use app::scheduling::appointments;
use domain::scheduling::cancellation::Quote;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

/// `GET /v1/appointments/{appointment_id}/cancellation`
pub const ROUTE: Route = Route {
    function: "quote_cancellation",
    method: Method::Get,
    path: "/v1/appointments/{appointment_id}/cancellation",
    audience: Audience::SignedIn,
    summary: "Read the refund that cancelling an appointment now would give",
    operation: |schemas| Operation::returns::<Quote>(schemas, StatusCode::OK).may_fail(&[409]),
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let id = call.parameter("appointment_id", "appointment")?;
    let quote = appointments::quote(app, call.signed_in()?, id).await?;
    Ok(Answer::json(StatusCode::OK, &quote))
}
