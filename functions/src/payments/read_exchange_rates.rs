//! Reads the reference rates that price estimates use.

use app::App;
use app::payments::exchange_rates;
use domain::Currency;
use domain::kernel::time::Date;
use domain::payments::exchange::{self, SOURCE};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};
use schemars::JsonSchema;
use serde::Serialize;

/// `GET /v1/exchange-rates`
pub const ROUTE: Route = Route {
    function: "read_exchange_rates",
    method: Method::Get,
    path: "/v1/exchange-rates",
    audience: Audience::Public,
    summary: "Read the reference rates used for price estimates",
    operation: |schemas| {
        Operation::responds_with::<ExchangeRates>(schemas, StatusCode::OK).problems(&[problem::NOT_FOUND])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// The euro foreign exchange reference rates of one day.
#[derive(Serialize, JsonSchema)]
struct ExchangeRates {
    /// The day of the rates.
    date: Date,
    /// The publisher of the rates.
    source: &'static str,
    /// The base currency, EUR: a rate is the amount of the other currency for one euro.
    base: Currency,
    /// Whether the rates are more than five days old, so that weekends and holidays do not explain why there are no newer ones.
    stale: bool,
    /// The rate of each currency, sorted by currency code.
    rates: Vec<ExchangeRate>,
}

/// The reference rate of one currency.
#[derive(Serialize, JsonSchema)]
struct ExchangeRate {
    /// The currency.
    currency: Currency,
    /// The number of units of the currency that one euro buys, as an exact decimal number.
    #[schemars(regex(pattern = r"^[0-9]{1,12}(\.[0-9]{1,8})?$"))]
    per_euro: String,
}

impl From<&exchange::CurrencyRate> for ExchangeRate {
    fn from(rate: &exchange::CurrencyRate) -> Self {
        Self { currency: rate.currency, per_euro: rate.per_euro.into() }
    }
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let rates = exchange_rates::read(app, request.actor()).await?;
    let document = ExchangeRates {
        date: rates.date(),
        source: SOURCE,
        base: Currency::EUR,
        stale: rates.is_stale(app.now()),
        rates: rates.rates().iter().map(ExchangeRate::from).collect(),
    };
    // The rates change once a day and are fetched every hour.
    Ok(Response::json(StatusCode::OK, &document).header(CACHE_CONTROL, "public, max-age=3600"))
}
