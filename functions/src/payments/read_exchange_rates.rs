//! The exchange rates that estimates go by.

use app::App;
use app::payments::exchange_rates;
use domain::Currency;
use domain::kernel::time::Date;
use domain::payments::exchange::{CurrencyRate, SOURCE};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::Serialize;

/// `GET /v1/exchange-rates`
pub const ROUTE: Route = Route {
    function: "read_exchange_rates",
    method: Method::Get,
    path: "/v1/exchange-rates",
    audience: Audience::Public,
    summary: "The reference rates that price estimates go by; prices themselves stay in their own currency",
    operation: |schemas| Operation::responds_with::<ExchangeRates>(schemas, StatusCode::OK).problems(&[404]),
    handler: |app, request| Box::pin(handle(app, request)),
};

/// The euro foreign exchange reference rates of one day.
#[derive(Serialize, JsonSchema)]
struct ExchangeRates {
    /// The day they are of.
    date: Date,
    /// Who published them.
    source: &'static str,
    /// The currency that one unit of is bought: the euro.
    base: Currency,
    /// Whether newer ones should be there by now: these are more than five days old, which neither a weekend nor a holiday
    /// explains.
    stale: bool,
    /// One for each currency, by its code.
    rates: Vec<CurrencyRate>,
}

async fn handle(app: &App, _: &Request) -> Result<Response, Problem> {
    let rates = exchange_rates::read(app).await?;
    let document = ExchangeRates {
        date: rates.date(),
        source: SOURCE,
        base: Currency::EUR,
        stale: rates.is_stale(app.now()),
        rates: rates.rates().to_vec(),
    };
    // They change once a day, and are fetched every hour.
    Ok(Response::json(StatusCode::OK, &document).header(CACHE_CONTROL, "public, max-age=3600"))
}
