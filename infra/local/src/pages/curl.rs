//! Commands that send a request of an operation, to copy.

use http_api::Route;
use serde_json::Value;

/// The `curl` command that sends an example of the request.
pub(super) fn command(api: &str, route: &Route, operation: &Value, body: Option<&Value>) -> String {
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    let (mut path, mut query, mut options) = (route.path.to_owned(), Vec::new(), Vec::new());
    if route.audience.needs_token() {
        options.push("-H \"Authorization: Bearer $TOKEN\"".to_owned());
    }
    for parameter in parameters {
        let name = parameter["name"].as_str().unwrap_or_default();
        let example = example(parameter);
        match (parameter["in"].as_str(), example) {
            (Some("path"), Some(value)) => path = path.replace(&format!("{{{name}}}"), &escaped(&value)),
            // A variable of the shell, to be set before.
            (Some("path"), None) => {
                path = path.replace(&format!("{{{name}}}"), &format!("${}", name.to_ascii_uppercase()));
            }
            (Some("query"), value) if parameter["required"] == true => {
                let value =
                    value.map_or_else(|| format!("${}", name.to_ascii_uppercase()), |value| escaped(&value));
                query.push(format!("{name}={value}"));
            }
            (Some("header"), _) if name == "Idempotency-Key" => {
                options.push("-H \"Idempotency-Key: $(date +%s%N)\"".to_owned());
            }
            (Some("header"), value) if parameter["required"] == true => {
                let value = value.unwrap_or_else(|| "\"1\"".to_owned());
                options.push(format!("-H {}", quoted(&format!("{name}: {value}"))));
            }
            _ => {}
        }
    }
    if let Some(body) = body {
        options.push("-H 'Content-Type: application/json'".to_owned());
        options.push(format!("-d {}", quoted(&body.to_string())));
    }
    let method = match route.method {
        http_api::Method::Get => String::new(),
        other => format!("-X {} ", other.as_str()),
    };
    let question = if query.is_empty() { "" } else { "?" };
    let mut lines = vec![format!("curl {method}\"{api}{path}{question}{}\"", query.join("&"))];
    lines.extend(options);
    lines.join(" \\\n  ")
}

/// The first example of a media type or a parameter.
pub(super) fn first_example(described: &Value) -> Option<&Value> {
    let named = described["examples"].as_object().and_then(|examples| examples.values().next());
    let example = described.get("example").or_else(|| named?.get("value"));
    let of_schema = described["schema"]["examples"].as_array().and_then(|examples| examples.first());
    example.or(of_schema)
}

/// The text of a parameter's example; the first choice if it has none.
fn example(parameter: &Value) -> Option<String> {
    let choice = parameter["schema"]["enum"].as_array().and_then(|choices| choices.first());
    first_example(parameter)
        .or(choice)
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// A value in a query.
fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace("%3A", ":")
        .replace("%2F", "/")
}

/// A word of the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn route(function: &str) -> &'static Route {
        functions::ROUTES.iter().find(|route| route.function == function).expect("a route")
    }

    #[test]
    fn command_has_everything_that_is_required() {
        let operation = json!({ "parameters": [
            { "name": "Idempotency-Key", "in": "header", "required": true, "schema": {} },
        ] });
        let body = json!({ "note": "Ada's" });
        assert_eq!(
            command("http://127.0.0.1:8080", route("book_appointment"), &operation, Some(&body)),
            "curl -X POST \"http://127.0.0.1:8080/v1/appointments\" \\\n  \
             -H \"Authorization: Bearer $TOKEN\" \\\n  \
             -H \"Idempotency-Key: $(date +%s%N)\" \\\n  \
             -H 'Content-Type: application/json' \\\n  \
             -d '{\"note\":\"Ada'\\''s\"}'"
        );
        let operation = json!({ "parameters": [
            { "name": "expert_id", "in": "path", "required": true, "schema": {} },
            { "name": "from", "in": "query", "required": true, "example": "2027-01-05T00:00:00+01:00" },
            { "name": "time_zone", "in": "query", "required": false },
        ] });
        assert_eq!(
            command("http://localhost", route("list_slots"), &operation, None),
            "curl \"http://localhost/v1/experts/$EXPERT_ID/slots?from=2027-01-05T00:00:00%2B01:00\""
        );
    }
}
