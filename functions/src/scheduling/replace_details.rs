//! Replaces what the client said about a session.

use app::App;
use app::scheduling::details;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};

use super::documents::{AppointmentDetails, SessionDetails};

/// `PUT /v1/appointments/{appointment_id}/details`
pub const ROUTE: Route = Route {
    function: "replace_details",
    method: Method::Put,
    path: "/v1/appointments/{appointment_id}/details",
    audience: Audience::SignedIn,
    summary: "Replace what I said about a session, until it begins; the first time with If-Match: \"0\"",
    operation: |schemas| {
        Operation::responds_with::<AppointmentDetails>(schemas, StatusCode::OK)
            .accepts::<SessionDetails>(schemas)
            .conditional()
            .problems(&[problem::INVALID_STATUS, problem::TOO_MANY])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let contents: SessionDetails = request.json()?;
    let details = details::replace(app, request.actor(), id, request.if_match()?, contents.into()).await?;
    let version = details.version;
    Ok(Response::json(StatusCode::OK, &AppointmentDetails::from(details)).version(version))
}
