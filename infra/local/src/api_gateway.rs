//! A stand-in for API Gateway's HTTP API: converts HTTP requests to events in payload format 2.0, and runs the same handlers as
//! Lambda (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>).

use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use app::App;
use axum::body::{Body, Bytes};
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{ConnectInfo, RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use axum::{Extension, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{TimeZone, Utc};
use http_api::gateway::convertible;
use http_api::{Problem, Route, problem};
use http_body_util::LengthLimitError;
use lambda_http::request::LambdaRequest;
use lambda_http::tower::Service;
use lambda_http::{Adapter, service_fn};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::StackClock;
use crate::authorizer::{Authorizer, Denied};
use crate::cors;

/// The maximum size of a body that API Gateway passes on, in bytes.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

/// The state of the gateway.
pub(crate) struct ApiGateway {
    pub(crate) app: App,
    pub(crate) authorizer: Authorizer,
    pub(crate) clock: StackClock,
    /// The number of the next request, for its id.
    pub(crate) requests: AtomicU64,
}

/// How many executions of one function run at the same time; further requests wait for one of them to end. Lambda has no such limit but
/// the account's. Here they share a few cores, so a thousand concurrent executions would delay the one that has the turn.
const MAX_CONCURRENCY: usize = 64;

/// A function, and how many more executions of it can begin.
struct Function {
    route: &'static Route,
    executions: Arc<Semaphore>,
}

/// The routes of the route table, also for pages of these origins. Other paths and methods are refused here, as API Gateway does.
pub(crate) fn router(gateway: Arc<ApiGateway>, origins: Arc<[String]>) -> Router {
    let mut router = Router::new();
    for route in functions::ROUTES {
        let filter = match route.method {
            http_api::Method::Get => MethodFilter::GET,
            http_api::Method::Post => MethodFilter::POST,
            http_api::Method::Put => MethodFilter::PUT,
            http_api::Method::Delete => MethodFilter::DELETE,
        };
        let function = Arc::new(Function { route, executions: Arc::new(Semaphore::new(MAX_CONCURRENCY)) });
        router = router.route(route.path, on(filter, invoke).layer(Extension(function)));
    }
    router
        .method_not_allowed_fallback(async |method: Method| {
            let detail = format!("this path does not support {method}; see /openapi.json");
            respond(Problem::new(problem::METHOD, detail).into())
        })
        .fallback(async || {
            respond(Problem::new(problem::NOT_FOUND, "no operation has this path; see /openapi.json").into())
        })
        .with_state(gateway)
        .layer(from_fn_with_state(origins, cors::handle))
}

fn respond(response: http_api::Response) -> Response {
    let response: lambda_http::Response<lambda_http::Body> = response.into();
    response.map(|body| Body::from(body.to_vec())).into_response()
}

async fn invoke(
    State(gateway): State<Arc<ApiGateway>>,
    Extension(function): Extension<Arc<Function>>,
    ConnectInfo(caller): ConnectInfo<SocketAddr>,
    parameters: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Response {
    let route = function.route;
    let Ok(parameters) = parameters else {
        return respond(Problem::new(problem::NOT_FOUND, "a segment of the path is not valid UTF-8").into());
    };
    let (parts, body) = request.into_parts();
    let claims = if route.audience.needs_token() {
        let authorization = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
        match gateway.authorizer.claims(authorization, gateway.clock.seconds()) {
            Ok(claims) => Some(claims),
            Err(Denied::InvalidToken) => return respond(Problem::unauthorized().into()),
            Err(Denied::MissingScope) => {
                let detail = format!("the token lacks the scope {}", gateway.authorizer.scope);
                return respond(Problem::forbidden(detail).into());
            }
        }
    } else {
        None
    };
    let body = match axum::body::to_bytes(body, MAX_BODY_BYTES).await {
        Ok(body) => body,
        Err(error) if error.source().is_some_and(|source| source.is::<LengthLimitError>()) => {
            let detail = format!("the body may have at most {} bytes", http_api::request::MAX_BODY_BYTES);
            return respond(Problem::new(problem::TOO_LARGE, detail).into());
        }
        Err(_) => {
            return respond(Problem::malformed("the body is incomplete or its framing is invalid").into());
        }
    };
    let parameters: HashMap<String, String> =
        parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let event = event(&gateway, route, caller, &parts, &parameters, &body, claims);
    // It ends with the execution, even if the client has left by then.
    let execution = function.executions.clone().acquire_owned().await;
    match run(gateway.app.clone(), route, event, execution.ok()).await {
        Ok(response) => from_lambda(response),
        Err(error) => {
            tracing::error!(function = route.function, %error, "the function failed");
            respond(Problem::internal().into())
        }
    }
}

/// Runs a function as Lambda does: the event and the response are JSON. A panic is an error of the function.
async fn run(
    app: App,
    route: &'static Route,
    event: Value,
    execution: Option<OwnedSemaphorePermit>,
) -> Result<Value, String> {
    let event: LambdaRequest = serde_json::from_value(event).map_err(|error| error.to_string())?;
    let run = tokio::spawn(async move {
        let _execution = execution;
        let function = service_fn(|request| async {
            Ok::<_, std::convert::Infallible>(route.respond(&app, request).await)
        });
        let mut adapter = Adapter::from(function);
        let response = adapter.call(convertible(LambdaEvent::new(event, Context::default()))).await;
        response
            .map_err(|error| error.to_string())
            .and_then(|response| serde_json::to_value(&response).map_err(|error| error.to_string()))
    });
    run.await.map_err(|error| error.to_string())?
}

fn event(
    gateway: &ApiGateway,
    route: &Route,
    caller: SocketAddr,
    parts: &axum::http::request::Parts,
    parameters: &HashMap<String, String>,
    body: &Bytes,
    claims: Option<HashMap<String, String>>,
) -> Value {
    let number = gateway.requests.fetch_add(1, Ordering::Relaxed);
    let now = Utc.timestamp_opt(gateway.clock.seconds(), 0).single().unwrap_or_default();
    let mut headers = joined(&parts.headers);
    // API Gateway sets it, whatever the caller sends.
    headers.insert("x-forwarded-proto".to_owned(), "http".to_owned());
    let query: HashMap<String, String> =
        url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let (text, encoded) = match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (BASE64.encode(body), true),
    };
    let mut event = json!({
        "version": "2.0",
        "routeKey": format!("{} {}", route.method.as_str(), route.path),
        "rawPath": parts.uri.path(),
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "headers": headers,
        "queryStringParameters": query,
        "pathParameters": parameters,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "127.0.0.1",
            "domainPrefix": "local",
            "http": {
                "method": parts.method.as_str(),
                "path": parts.uri.path(),
                "protocol": "HTTP/1.1",
                "sourceIp": caller.ip().to_string(),
                "userAgent": headers.get("user-agent").cloned().unwrap_or_default(),
            },
            "requestId": format!("local-{number}"),
            "routeKey": format!("{} {}", route.method.as_str(), route.path),
            "stage": "$default",
            "time": now.format("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.timestamp_millis(),
        },
        "isBase64Encoded": encoded,
    });
    if !body.is_empty() {
        event["body"] = json!(text);
    }
    if let Some(claims) = claims {
        event["requestContext"]["authorizer"] = json!({ "jwt": { "claims": claims, "scopes": null } });
    }
    event
}

/// Headers as API Gateway passes them on: names in lower case, the values of a repeated header joined by commas.
fn joined(headers: &HeaderMap) -> HashMap<String, String> {
    let mut joined: HashMap<String, String> = HashMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|known| {
                known.push(',');
                known.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    joined
}

/// The HTTP response of a function's JSON response.
fn from_lambda(document: Value) -> Response {
    let status = document["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
    let status =
        status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::BAD_GATEWAY);
    let text = document["body"].as_str().unwrap_or_default();
    let body = if document["isBase64Encoded"].as_bool() == Some(true) {
        BASE64.decode(text).unwrap_or_default()
    } else {
        text.as_bytes().to_vec()
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    for (name, value) in document["headers"].as_object().into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_str(value.as_str().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
