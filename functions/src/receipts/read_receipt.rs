//! Reads a receipt, a credit note or a correction as JSON, HTML or PDF.

use app::App;
use domain::receipts::receipt::Receipt;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, VARY};
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

use super::documents::ReceiptDocument;

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
    operation: |schemas| Operation::returns::<ReceiptDocument>(schemas, StatusCode::OK).also_as(&[HTML, PDF]),
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let id = call.parameter("receipt_id", "receipt")?;
    let form = call.preferred(&[JSON, HTML, PDF])?;
    let receipt = app::receipts::receipt::read(app, call.signed_in()?, id).await?;
    let answer = match form {
        PDF => pdf(&receipt)?,
        HTML => Answer::file(StatusCode::OK, "text/html; charset=utf-8", ::receipts::html(&receipt))
            .header(CONTENT_SECURITY_POLICY, ::receipts::CONTENT_SECURITY_POLICY),
        _ => Answer::json(StatusCode::OK, &ReceiptDocument::from(receipt)),
    };
    // A receipt never changes, so the caller's browser may cache it for an hour. Shared caches must not.
    Ok(answer.header(CACHE_CONTROL, "private, max-age=3600").header(VARY, "Accept, Authorization"))
}

fn pdf(receipt: &Receipt) -> Result<Answer, Problem> {
    let pdf = ::receipts::pdf(receipt).map_err(|error| {
        tracing::error!(%error, receipt = %receipt.id, "the PDF of a receipt cannot be rendered");
        Problem::internal()
    })?;
    let name = receipt.kind.as_str().replace('_', "-");
    let disposition = format!("attachment; filename=\"{name}-{}.pdf\"", receipt.number);
    Ok(Answer::file(StatusCode::OK, PDF, pdf).header(CONTENT_DISPOSITION, &disposition))
}
