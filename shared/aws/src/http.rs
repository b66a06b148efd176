//! An HTTP client for the AWS SDK, based on reqwest.
//!
//! The SDK's default client parses all certificates of the operating system when it is created, which adds 3.3 ms to a cold
//! start. This client shares the function's connection pool, whose root certificates are compiled in.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

/// The timeout of a request, if the SDK sets none.
const TIMEOUT: Duration = Duration::from_secs(8);

/// The connection pool that all clients of a function share.
#[derive(Debug, Clone)]
pub(crate) struct SharedHttp(pub(crate) reqwest::Client);

impl HttpClient for SharedHttp {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            client: self.0.clone(),
            timeout: settings.read_timeout().unwrap_or(TIMEOUT),
        })
    }
}

#[derive(Debug)]
struct Connector {
    client: reqwest::Client,
    timeout: Duration,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (client, timeout) = (self.client.clone(), self.timeout);
        HttpConnectorFuture::new(async move { send(client, timeout, request).await })
    }
}

async fn send(
    client: reqwest::Client,
    timeout: Duration,
    request: HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    let Some(body) = body.bytes().map(<[u8]>::to_vec) else {
        return Err(ConnectorError::user("a streaming body cannot be sent".into()));
    };
    let mut request = reqwest::Request::try_from(http::Request::from_parts(parts, body))
        .map_err(|error| ConnectorError::user(error.into()))?;
    *request.timeout_mut() = Some(timeout);
    let received = client.execute(request).await.map_err(failure)?;
    let mut response = http::Response::builder().status(received.status());
    if let Some(headers) = response.headers_mut() {
        *headers = received.headers().clone();
    }
    let body = received.bytes().await.map_err(failure)?;
    let response =
        response.body(SdkBody::from(body)).map_err(|error| ConnectorError::other(error.into(), None))?;
    HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
}

/// Classifies an error for the SDK, which retries timeouts and I/O errors.
fn failure(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_builder() {
        ConnectorError::user(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}
