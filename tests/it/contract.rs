//! The route table, the API description and `template.yaml` say the same.

use std::collections::{BTreeMap, BTreeSet};

use http_api::Audience;

use crate::harness::World;

const TEMPLATE: &str = include_str!("../../template.yaml");

fn table() -> BTreeSet<(String, String)> {
    functions::ROUTES.iter().map(|route| (route.method.as_str().to_owned(), route.path.to_owned())).collect()
}

#[tokio::test]
async fn the_api_description_has_every_route_and_no_other() {
    let world = World::new().await;
    let document = world.get("/openapi.json").send().await.expect(200);
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
    // Every reference leads somewhere.
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        let pointer = reference.strip_prefix('#').expect("a local reference");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn no_two_routes_have_one_name_or_one_address() {
    let names: BTreeSet<_> = functions::ROUTES.iter().map(|route| route.function).collect();
    assert_eq!((names.len(), table().len()), (functions::ROUTES.len(), functions::ROUTES.len()));
}

/// The template's functions: binary → (method, path, whether a token is needed), by reading the few lines that say so.
fn template_routes() -> BTreeMap<String, (String, String, bool)> {
    let mut routes = BTreeMap::new();
    let mut binary = None;
    let (mut method, mut path) = (None, None);
    let mut open = false;
    let value =
        |line: &str| line.split_once(':').map(|(_, value)| value.trim().trim_matches(['\'', '"']).to_owned());
    let mut finish = |binary: &mut Option<String>,
                      method: &mut Option<String>,
                      path: &mut Option<String>,
                      open: &mut bool| {
        if let (Some(binary), Some(method), Some(path)) = (binary.take(), method.take(), path.take()) {
            routes.insert(binary, (method, path, !*open));
        }
        *open = false;
    };
    for line in TEMPLATE.lines() {
        let trimmed = line.trim();
        // A new resource begins at two spaces.
        if line.starts_with("  ") && !line.starts_with("   ") && trimmed.ends_with(':') {
            finish(&mut binary, &mut method, &mut path, &mut open);
            binary = None;
        }
        if let Some((_, name)) = trimmed.split_once("Binary:") {
            binary = Some(name.trim().trim_end_matches('}').to_owned());
        } else if trimmed.starts_with("Method:") {
            method = value(trimmed);
        } else if trimmed.starts_with("Path:") {
            path = value(trimmed);
        } else if trimmed.contains("Authorizer: NONE") {
            open = true;
        }
    }
    finish(&mut binary, &mut method, &mut path, &mut open);
    routes
}

#[test]
fn the_template_has_every_route_and_no_other() {
    let described = template_routes();
    for route in functions::ROUTES {
        let (method, path, token) = described
            .get(route.function)
            .unwrap_or_else(|| panic!("{} is not in the template", route.function));
        assert_eq!(
            (method.to_ascii_uppercase().as_str(), path.as_str()),
            (route.method.as_str(), route.path),
            "{}",
            route.function
        );
        assert_eq!(*token, route.audience.needs_token(), "{}", route.function);
    }
    assert_eq!(described.len(), functions::ROUTES.len());
    for worker in functions::WORKERS {
        assert!(TEMPLATE.contains(&format!("Binary: {worker}")), "{worker} is not in the template");
    }
}

#[test]
fn the_alarms_wait_for_the_words_of_the_log() {
    for words in [app::payments::NEEDS_PERSON, app::operations::outbox::STAYS_OWED] {
        assert!(TEMPLATE.contains(&format!("$.fields.message = \"{words}\"")), "{words}");
    }
}

#[test]
fn what_anybody_may_call_is_known() {
    let open: BTreeSet<_> = functions::ROUTES
        .iter()
        .filter(|route| matches!(route.audience, Audience::Public | Audience::Provider))
        .map(|route| route.function)
        .collect();
    let expected = [
        "health",
        "read_api_description",
        "read_expert",
        "list_session_types",
        "list_slots",
        "read_exchange_rates",
        "stripe_webhook",
        "paypal_webhook",
    ];
    assert_eq!(open, expected.into_iter().collect());
}

/// The packages that a manifest depends on for its own code.
fn dependencies(manifest: &str) -> BTreeSet<&str> {
    let section = manifest.split("[dependencies]").nth(1).expect("dependencies");
    let section = section.split("\n[").next().unwrap_or_default();
    section.lines().filter_map(|line| line.split(['.', ' ']).next()).filter(|name| !name.is_empty()).collect()
}

#[test]
fn each_layer_knows_only_what_it_may() {
    let domain = dependencies(include_str!("../../shared/domain/Cargo.toml"));
    let pure = ["chrono", "chrono-tz", "iso_currency", "schemars", "serde", "thiserror"];
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
    // Who may know it, by what the package's name begins with.
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
