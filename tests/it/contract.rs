//! The route table, the OpenAPI document and the crates' dependencies are consistent.

use std::collections::BTreeSet;

use http_api::{Audience, ProblemType, openapi, problem};

use crate::harness::TestApp;

fn table() -> BTreeSet<(String, String)> {
    functions::ROUTES.iter().map(|route| (route.method.as_str().to_owned(), route.path.to_owned())).collect()
}

#[tokio::test]
async fn openapi_document_has_exactly_the_routes() {
    let test = TestApp::new().await;
    let document = test.get("/openapi.json").send().await.expect(200);
    assert_eq!(document["openapi"], "3.1.0");
    let mut described = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            described.insert((method.to_ascii_uppercase(), path.clone()));
            let route = functions::ROUTES.iter().find(|route| route.function == operation["operationId"]);
            let route = route.expect("an operation id is a function's name");
            assert_eq!(operation.get("security").is_some(), route.audience.needs_token(), "{path}");
        }
    }
    assert_eq!(described, table());
    // Every reference has a target.
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        let pointer = reference.strip_prefix('#').expect("a local reference");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn route_names_and_paths_are_unique() {
    let names: BTreeSet<_> = functions::ROUTES.iter().map(|route| route.function).collect();
    assert_eq!((names.len(), table().len()), (functions::ROUTES.len(), functions::ROUTES.len()));
}

#[test]
fn public_routes_are_listed() {
    let open: BTreeSet<_> = functions::ROUTES
        .iter()
        .filter(|route| matches!(route.audience, Audience::Public | Audience::Provider))
        .map(|route| route.function)
        .collect();
    let expected = [
        "health",
        "read_openapi",
        "read_expert",
        "list_session_types",
        "read_session_type",
        "list_slots",
        "read_exchange_rates",
        "payment_webhook",
    ];
    assert_eq!(open, expected.into_iter().collect());
}

/// The dependencies of a manifest, without those for tests.
fn dependencies(manifest: &str) -> BTreeSet<&str> {
    let section = manifest.split("[dependencies]").nth(1).expect("dependencies");
    let section = section.split("\n[").next().unwrap_or_default();
    section.lines().filter_map(|line| line.split(['.', ' ']).next()).filter(|name| !name.is_empty()).collect()
}

#[test]
fn each_layer_has_only_allowed_dependencies() {
    let domain = dependencies(include_str!("../../shared/domain/Cargo.toml"));
    let pure = [
        "chrono",
        "chrono-tz",
        "icu_locale_core",
        "icu_properties",
        "iso_currency",
        "schemars",
        "serde",
        "thiserror",
        "url",
    ];
    assert_eq!(domain, pure.into_iter().collect());
    let manifests = [
        ("app", dependencies(include_str!("../../shared/app/Cargo.toml"))),
        ("store", dependencies(include_str!("../../shared/store/Cargo.toml"))),
        ("providers", dependencies(include_str!("../../shared/providers/Cargo.toml"))),
        ("aws", dependencies(include_str!("../../shared/aws/Cargo.toml"))),
        ("receipts", dependencies(include_str!("../../shared/receipts/Cargo.toml"))),
        ("http", dependencies(include_str!("../../shared/http/Cargo.toml"))),
        ("functions", dependencies(include_str!("../../functions/Cargo.toml"))),
    ];
    // The prefixes of package names, and the crates that may depend on them.
    for (known, by) in [
        ("aws-sdk-dynamodb", ["store", "aws"].as_slice()),
        ("aws-sdk-sqs", &["aws"]),
        ("aws-sdk-eventbridge", &["aws"]),
        ("aws-sdk-secretsmanager", &["aws"]),
        ("aws-config", &["aws"]),
        ("async-stripe", &["providers"]),
        ("reqwest", &["providers", "aws", "functions"]),
        ("lambda_", &["http", "functions"]),
        ("krilla", &["receipts"]),
        ("local", &[]),
        ("simulators", &[]),
    ] {
        for (layer, dependencies) in &manifests {
            let knows = dependencies.iter().any(|name| name.starts_with(known));
            assert!(!knows || by.contains(layer), "{layer} must not know {known}");
        }
    }
}

#[test]
fn problem_page_is_generated_from_the_catalog() {
    let page = include_str!("../../docs/problems.md");
    assert!(page == tools::problems::page(), "run `cargo run -p tools -- problems`");
}

#[test]
fn openapi_document_lists_every_problem_type() {
    let document = functions::openapi();
    let listed: Vec<&str> = document["x-problem-types"]
        .as_array()
        .expect("a list")
        .iter()
        .inspect(|kind| {
            for member in ["title", "meaning", "remedy"] {
                assert!(kind[member].as_str().is_some_and(|text| !text.is_empty()), "{kind:#}");
            }
            assert!(kind["status"].is_u64(), "{kind:#}");
        })
        .filter_map(|kind| kind["type"].as_str())
        .collect();
    let known: Vec<String> = problem::catalog().map(ProblemType::urn).collect();
    assert_eq!(listed, known);
    // Every type belongs to an operation, except that of a path without the method.
    let used: BTreeSet<&str> =
        functions::ROUTES.iter().flat_map(openapi::problem_types).map(ProblemType::name).collect();
    let unused: Vec<&str> =
        problem::catalog().map(ProblemType::name).filter(|name| !used.contains(name)).collect();
    assert_eq!(unused, ["method-not-allowed"]);
}

#[test]
fn every_operation_documents_throttling_and_its_problem_types() {
    let document = functions::openapi();
    for route in functions::ROUTES {
        let responses =
            &document["paths"][route.path][route.method.as_str().to_ascii_lowercase()]["responses"];
        assert!(responses["429"]["content"]["application/json"].is_object(), "{}", route.function);
        let kinds = openapi::problem_types(route);
        assert!(kinds.contains(&problem::INTERNAL) && kinds.contains(&problem::UNAVAILABLE));
        for kind in kinds {
            let response = &responses[kind.status().as_str()]["content"][problem::MEDIA_TYPE];
            let types = &response["schema"]["allOf"][1]["properties"]["type"]["enum"];
            let listed = types.as_array().is_some_and(|types| types.iter().any(|urn| *urn == kind.urn()));
            assert!(listed, "{} {}", route.function, kind.name());
        }
    }
}

#[test]
fn parameters_state_their_limits_and_are_never_null() {
    let document = functions::openapi();
    for route in functions::ROUTES {
        let operation = &document["paths"][route.path][route.method.as_str().to_ascii_lowercase()];
        for parameter in operation["parameters"].as_array().expect("a list") {
            let schema = &parameter["schema"];
            let text = schema.to_string();
            assert!(
                !text.contains("\"null\"") && !text.contains("\"type\":null"),
                "{} {parameter:#}",
                route.function
            );
            let is_limited = ["enum", "pattern", "maxLength", "format", "oneOf"];
            assert!(
                schema["type"] != "string" || is_limited.iter().any(|keyword| schema.get(keyword).is_some()),
                "{} {parameter:#}",
                route.function
            );
        }
    }
}

/// Routes without query parameters refuse unknown ones like the others.
#[tokio::test]
async fn unknown_query_parameters_are_refused_by_every_route() {
    let test = TestApp::new().await;
    let document = test.get("/openapi.json").send().await.expect(200);
    let offer = test.offer(&crate::harness::free_hour()).await;
    for route in functions::ROUTES {
        let operation = &document["paths"][route.path][route.method.as_str().to_ascii_lowercase()];
        let mut path = route.path.replace("{expert_id}", &offer.expert);
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] == "path" {
                let name = parameter["name"].as_str().expect("a name");
                path =
                    path.replace(&format!("{{{name}}}"), parameter["example"].as_str().expect("an example"));
            }
        }
        let mut refused = 0;
        for person in ["ada", "alan", "margaret"] {
            let method = route.method.as_str().parse().expect("a method");
            let request = test.request(method, &format!("{path}?utm_source=letter")).signed_in_as(person);
            let response = request.send().await;
            let about = format!("{} for {person}: {} {:#}", route.function, response.status, response.body);
            if route.audience == Audience::Provider {
                // Providers may add parameters to their messages.
                assert_ne!(response.status, 422, "{about}");
                refused += 1;
            } else if response.status != 403 {
                assert_eq!(response.problem(422), "invalid", "{about}");
                assert!(response.places().contains(&"utm_source"), "{about}");
                refused += 1;
            }
        }
        assert!(refused > 0, "{} is not called", route.function);
    }
}
