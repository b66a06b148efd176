//! Events of API Gateway.

use lambda_http::lambda_runtime::LambdaEvent;
use lambda_http::request::LambdaRequest;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// The characters that API Gateway passes on in a query although they are not valid in a URI. Characters that are not ASCII
/// are encoded as well.
const NOT_IN_QUERY: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}');

/// Changes an event so that `lambda_http` can convert it.
///
/// `lambda_http` builds a URL from the headers `X-Forwarded-Proto` and `Host`, the path and the query, and panics if the URL is
/// invalid. A caller can send all of them. No handler needs scheme and host, so they are removed, and the query is encoded.
pub fn convertible(mut event: LambdaEvent<LambdaRequest>) -> LambdaEvent<LambdaRequest> {
    if let LambdaRequest::ApiGatewayV2(request) = &mut event.payload {
        request.headers.remove("x-forwarded-proto");
        request.headers.remove(http::header::HOST);
        request.request_context.domain_name = None;
        if let Some(query) = &mut request.raw_query_string {
            *query = utf8_percent_encode(query, NOT_IN_QUERY).to_string();
        }
        if let Some(path) = request.raw_path.as_mut().filter(|path| !path.starts_with('/')) {
            path.insert(0, '/');
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use lambda_http::{Context, RequestExt};
    use serde_json::{Value, json};

    use super::*;

    fn converted(change: impl FnOnce(&mut Value)) -> lambda_http::Request {
        let mut event: Value =
            serde_json::from_str(include_str!("../../../events/http_public.json")).expect("JSON");
        change(&mut event);
        let event: LambdaRequest = serde_json::from_value(event).expect("an event");
        convertible(LambdaEvent::new(event, Context::default())).payload.into()
    }

    #[test]
    fn a_query_that_is_no_uri_is_encoded() {
        for (query, expected) in [
            ("from=<b> \"x\"&to={y}", "from=%3Cb%3E%20%22x%22&to=%7By%7D"),
            ("a=b c#d", "a=b%20c%23d"),
            ("a=ä\u{0}", "a=%C3%A4%00"),
            ("a=%20+b", "a=%20+b"),
        ] {
            let request = converted(|event| event["rawQueryString"] = json!(query));
            assert_eq!(request.uri().query(), Some(expected));
        }
        let request = converted(|event| event["rawQueryString"] = json!("name=<b> %26"));
        assert_eq!(request.query_string_parameters().first("name"), Some("<b> &"));
    }

    #[test]
    fn no_header_of_the_caller_is_used_for_the_url() {
        for (name, value) in [
            ("x-forwarded-proto", "no scheme"),
            ("x-forwarded-proto", "https, http"),
            ("x-forwarded-proto", ""),
            ("host", "a b"),
            ("host", "[::"),
            ("host", "example.org:99999"),
            ("host", ""),
        ] {
            let expected = converted(|_| ()).uri().path().to_owned();
            let request = converted(|event| event["headers"][name] = json!(value));
            assert_eq!(request.uri().path(), expected, "{name}: {value}");
        }
    }
}
