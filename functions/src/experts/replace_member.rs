//! Changes the role of a member.

use app::App;
use app::experts::members;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::{Member, MemberTerms};

/// `PUT /v1/experts/{expert_id}/members/{person_id}`
pub const ROUTE: Route = Route {
    function: "replace_member",
    method: Method::Put,
    path: "/v1/experts/{expert_id}/members/{person_id}",
    audience: Audience::SignedIn,
    summary: "Change the role and the name of a member",
    operation: |schemas| {
        Operation::responds_with::<Member>(schemas, StatusCode::OK)
            .accepts::<MemberTerms>(schemas)
            .conditional()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let expert = request.path_parameter("expert_id", "expert")?;
    let person = request.path_parameter("person_id", "member")?;
    let (version, MemberTerms { role, name }) = (request.if_match()?, request.json()?);
    let member = members::replace(app, request.actor(), expert, person, version, role.into(), name).await?;
    let version = member.version;
    Ok(Response::json(StatusCode::OK, &Member::from(member)).version(version))
}
