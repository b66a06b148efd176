//! Lists the session types of an expert.

use app::experts::session_types::{self, PricedSessionType, SessionTypeList};
use app::payments::accounts::usable_gateways;
use app::payments::exchange_rates;
use app::{App, AppError};
use domain::payments::exchange;
use domain::{Currency, ExpertId, Money};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::documents::{OfferedDuration, SessionType, SessionTypeStatus};
use crate::payments::documents::{Estimate, Gateway};

/// The maximum size of the session types in the public list, in bytes. Nearly all experts need a small part of it.
const MAX_PUBLIC_BYTES: usize = 1_000_000;

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
pub(super) struct SessionTypesQuery {
    /// Which session types to list: `active` (the default), or `all` to include retired ones.
    #[serde(default)]
    status: StatusFilter,
    /// The currency in which to estimate the prices, using the reference rates of the European Central Bank. The estimate is for
    /// information only; the client pays in the currency of the price, or in one of `presentment_currencies` that they choose
    /// when they book.
    pub(super) currency: Option<Currency>,
}

impl SessionTypesQuery {
    /// Whether to list retired session types.
    pub(super) fn includes_retired(&self) -> bool {
        matches!(self.status, StatusFilter::All)
    }
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum StatusFilter {
    #[default]
    Active,
    All,
}

/// The session types of an expert, the oldest first.
#[derive(Serialize, JsonSchema)]
pub(super) struct SessionTypes {
    /// The session types.
    session_types: Vec<ListedSessionType>,
    /// The payment gateways that accept payments for the expert now. The first one is the default of a booking.
    gateways: Vec<Gateway>,
    /// Whether some session types are missing, because they cannot be shown at the moment, or because the list would be too large. Then
    /// the newest ones are missing.
    truncated: bool,
}

/// A session type with estimates of its prices.
#[derive(Serialize, JsonSchema)]
struct ListedSessionType {
    #[serde(flatten)]
    session_type: SessionType<ListedDuration>,
    /// Why the session type has no slots, whatever the hours; absent if it can have some.
    #[serde(skip_serializing_if = "Option::is_none")]
    unavailable_reason: Option<UnavailableReason>,
}

/// A length of a session that a client can select, with its price now and an estimate of it.
#[derive(Serialize, JsonSchema)]
struct ListedDuration {
    #[serde(flatten)]
    duration: OfferedDuration,
    /// The estimated price in the requested currency; absent when no currency was requested, the session is free, or there is
    /// no reference rate for one of the two currencies. It is for information only.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate: Option<Estimate>,
    /// Why the client cannot pay in the requested currency; absent if they can, or if the session type does not list the
    /// currency in `presentment_currencies`.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_pay_in_reason: Option<NoPayInReason>,
}

/// Why a client cannot pay in a currency that the session type lists.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum NoPayInReason {
    /// There is no exchange rate for one of the two currencies, or the latest rates are too old.
    NoRate,
    /// The converted price is too small or too large to be charged.
    NotChargeable,
}

/// Why the client cannot pay a price in another currency, given the estimate of the price in it.
fn no_pay_in_reason(price: Money, estimate: Option<&exchange::Estimate>) -> Option<NoPayInReason> {
    match estimate {
        _ if price.is_zero() => None,
        Some(estimate) if estimate.stale => Some(NoPayInReason::NoRate),
        Some(estimate) => estimate.amount.to_charge().is_err().then_some(NoPayInReason::NotChargeable),
        None => Some(NoPayInReason::NoRate),
    }
}

/// Why a session type has no slots, whatever the hours. A booking checks these in the same order.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum UnavailableReason {
    /// The expert has not published the profile, or is suspended.
    ExpertNotLive,
    /// The session type is not offered: its `status` is not `active`.
    NotActive,
    /// No duration can be booked at a price now; `no_price_reason` says why.
    NoPrice,
    /// All durations with a price cost something, and no payment gateway accepts payments for the expert yet. The expert must
    /// complete the onboarding at a gateway.
    PaymentsNotReady,
}

/// Why no duration of a session type can be booked; `None` if one can be.
fn unavailable_reason(
    session_type: &SessionType<ListedDuration>,
    expert_is_live: bool,
    can_be_paid: bool,
) -> Option<UnavailableReason> {
    let durations = session_type.terms.durations.iter().map(|listed| &listed.duration);
    let bookable = durations.filter(|duration| duration.no_price_reason.is_none());
    let prices: Vec<Money> = bookable.filter_map(|duration| duration.price).collect();
    if !expert_is_live {
        Some(UnavailableReason::ExpertNotLive)
    } else if !matches!(session_type.status, SessionTypeStatus::Active) {
        Some(UnavailableReason::NotActive)
    } else if prices.is_empty() {
        Some(UnavailableReason::NoPrice)
    } else if !can_be_paid && prices.iter().all(|price| !price.is_zero()) {
        Some(UnavailableReason::PaymentsNotReady)
    } else {
        None
    }
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let expert = request.path_parameter("expert_id", "expert")?;
    let query: SessionTypesQuery = request.query()?;
    let list = session_types::list(app, request.actor(), expert, query.includes_retired());
    respond(app, request, expert, query.currency, MAX_PUBLIC_BYTES, list).await
}

/// The response with the session types of an expert, with estimated prices in `currency`. The session types have at most `max_bytes`.
pub(super) async fn respond(
    app: &App,
    request: &Request,
    expert: ExpertId,
    currency: Option<Currency>,
    max_bytes: usize,
    list: impl Future<Output = Result<SessionTypeList, AppError>>,
) -> Result<Response, Problem> {
    let (list, gateways, estimator) = tokio::join!(
        list,
        usable_gateways(app, request.actor(), expert),
        exchange_rates::estimator(app, request.actor(), currency),
    );
    let (SessionTypeList { session_types, expert_is_live, truncated }, gateways) = (list?, gateways?);
    let listed = |priced: PricedSessionType| {
        let presented = &priced.session_type.terms.presentment_currencies;
        let pays_in = currency.filter(|currency| presented.contains(currency));
        let show = |duration: OfferedDuration| {
            let price = duration.price;
            let estimate = estimator.as_ref().zip(price).and_then(|(estimator, price)| estimator.of(price));
            let no_pay_in_reason =
                pays_in.and(price).and_then(|price| no_pay_in_reason(price, estimate.as_ref()));
            ListedDuration { duration, estimate: estimate.map(Into::into), no_pay_in_reason }
        };
        let session_type = SessionType::new(priced, show);
        let unavailable_reason = unavailable_reason(&session_type, expert_is_live, !gateways.is_empty());
        ListedSessionType { session_type, unavailable_reason }
    };
    let (found, mut bytes) = (session_types.len(), 0);
    let fits = |listed: &ListedSessionType| {
        bytes += serde_json::to_vec(listed).map_or(0, |json| json.len());
        bytes <= max_bytes
    };
    let session_types: Vec<ListedSessionType> =
        session_types.into_iter().map(listed).take_while(fits).collect();
    let truncated = truncated || session_types.len() < found;
    let gateways = gateways.into_iter().map(Into::into).collect();
    Ok(Response::json(StatusCode::OK, &SessionTypes { session_types, gateways, truncated }))
}
