//! Reads a receipt, a credit note or a correction as JSON, HTML or PDF.

use app::App;
use domain::receipts::receipt;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, VARY};
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::Receipt;

const JSON: &str = "application/json";
const HTML: &str = "text/html";
const PDF: &str = "application/pdf";

/// `GET /v1/receipts/{receipt_id}`
pub const ROUTE: Route = Route {
    function: "read_receipt",
    method: Method::Get,
    path: "/v1/receipts/{receipt_id}",
    audience: Audience::SignedIn,
    summary: "Read one of my receipts as JSON, HTML or PDF, selected by Accept",
    operation: |schemas| Operation::responds_with::<Receipt>(schemas, StatusCode::OK).also_as(&[HTML, PDF]),
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("receipt_id", "receipt")?;
    let form = request.negotiate(&[JSON, HTML, PDF])?;
    let receipt = app::receipts::receipt::read(app, request.actor(), id).await?;
    let response = match form {
        PDF => pdf(&receipt)?,
        HTML => Response::file(StatusCode::OK, "text/html; charset=utf-8", ::receipts::html(&receipt))
            .header(CONTENT_SECURITY_POLICY, ::receipts::CONTENT_SECURITY_POLICY),
        _ => Response::json(StatusCode::OK, &Receipt::from(receipt)),
    };
    // A receipt never changes, so the caller's browser may cache it for an hour. Shared caches must not.
    Ok(response.header(CACHE_CONTROL, "private, max-age=3600").header(VARY, "Accept, Authorization"))
}

fn pdf(receipt: &receipt::Receipt) -> Result<Response, Problem> {
    let pdf = ::receipts::pdf(receipt).map_err(|error| {
        tracing::error!(%error, receipt = %receipt.id, "the PDF of a receipt cannot be rendered");
        Problem::internal()
    })?;
    let name = receipt.kind.as_str().replace('_', "-");
    let disposition = format!("attachment; filename=\"{name}-{}.pdf\"", receipt.number);
    Ok(Response::file(StatusCode::OK, PDF, pdf).header(CONTENT_DISPOSITION, &disposition))
}
