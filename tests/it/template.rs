//! `template.yaml` agrees with the route tables, and with the log messages that its alarms count.

use functions::runtime::NOTHING;
use functions::{AREAS, Area};
use http_api::{Method, Route};
use store::FailureDomain;
use tools::template::{faults, regenerate};

const TEMPLATE: &str = include_str!("../../template.yaml");

/// Asserts that a fault is found after `before` was replaced with `after`.
fn assert_found(before: &str, after: &str, fault: &str) {
    assert!(TEMPLATE.contains(before), "{before}");
    let found = faults(&TEMPLATE.replacen(before, after, 1), AREAS);
    assert!(found.iter().any(|found| found.contains(fault)), "{found:?}");
}

#[test]
fn the_template_agrees_with_the_route_tables() {
    assert_eq!(faults(TEMPLATE, AREAS), Vec::<String>::new());
}

#[test]
fn a_path_that_differs_from_the_route_tables_is_found() {
    let fault = "the generated part differs";
    assert_found(
        "/v1/appointments/{appointment_id}/cancel:",
        "/v1/appointments/{appointment_id}/end:",
        fault,
    );
    assert_found("security: [{NONE: []}], ", "", fault);
    assert_found("                  - !GetAtt BookAppointment.Arn\n", "", fault);
    assert_found("# End of the generated part.", "", "lacks the comment");
}

#[test]
fn a_function_without_a_resource_is_found() {
    let fault = "book_appointment of the area scheduling has no resource BookAppointment";
    assert_found("\n  BookAppointment:\n", "\n  BookSession:\n", fault);
}

#[test]
fn a_resource_without_a_function_is_found() {
    assert_found("\n  RunGeneralJobs:\n", "\n  RunTasks:\n", "RunTasks is in no route table");
}

#[test]
fn a_resource_that_starts_another_function_is_found() {
    let area = "Binary: scheduling}}\n    Properties:\n      Handler: book_appointment\n";
    for (after, fault) in [
        (area.replace("scheduling", "payments"), "Metadata.BuildProperties.Binary: scheduling"),
        (area.replace("book_appointment", "list_slots"), "Properties.Handler: book_appointment"),
    ] {
        assert_found(area, &after, &format!("BookAppointment needs {fault}"));
    }
    let public = "Binary: public}}\n    Properties:\n      Handler: list_slots\n";
    assert_found(
        public,
        &public.replace("public", "scheduling"),
        "ListSlots needs Metadata.BuildProperties.Binary: public",
    );
    let log = "LogGroup: !Ref SchedulingLog";
    assert_found(log, "LogGroup: !Ref PaymentsLog", "needs Properties.LoggingConfig.LogGroup: SchedulingLog");
}

#[test]
fn an_event_that_adds_no_route_is_found() {
    let description = "      Description: Holds a slot and starts its payment\n";
    let event =
        "      Events: {Http: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: /x}}}\n";
    assert_found(description, &format!("{description}{event}"), "BookAppointment has an event HttpApi");
}

#[test]
fn alarms_count_messages_that_are_logged() {
    use app::identity::person::ISSUER_FAILED;
    use app::operations::outbox::{ENTRY_UNREADABLE, JOB_FAILED};
    use app::payments::declines::DECLINED;
    use app::payments::{ESCALATED, SHARE_OWED};
    for message in [ESCALATED, SHARE_OWED, DECLINED, JOB_FAILED, ENTRY_UNREADABLE, ISSUER_FAILED] {
        assert!(TEMPLATE.contains(&format!("$.fields.message = \"{message}\"")), "{message}");
    }
}

/// The resource with this name, as text.
fn resource(name: &str) -> &str {
    let rest = TEMPLATE.split(&format!("\n  {name}:\n")).nth(1).unwrap_or_else(|| panic!("no {name}"));
    rest.split("\n\n").next().expect("its text")
}

#[test]
fn every_failure_domain_has_a_queue_a_worker_and_dead_letters_of_its_own() {
    use app::operations::outbox::{lease_seconds, worker_timeout_seconds};
    for domain in FailureDomain::ALL {
        let name = match domain {
            FailureDomain::Payments => "Payment",
            FailureDomain::General => "General",
        };
        let assert_has = |resource_name: String, text: String| {
            let resource = resource(&resource_name);
            assert!(resource.contains(&text), "{resource_name} lacks {text}: {resource}");
        };
        let queue = format!("{name}JobsQueue");
        assert_has(format!("Run{name}Jobs"), format!("Timeout: {}\n", worker_timeout_seconds(domain)));
        assert_has(queue.clone(), format!("VisibilityTimeout: {}\n", lease_seconds(domain)));
        assert!(lease_seconds(domain) >= 6 * worker_timeout_seconds(domain));
        assert_has(queue.clone(), format!("!GetAtt {name}JobsDeadLetters.Arn, maxReceiveCount: 5"));
        assert_has(format!("Run{name}JobsTrigger"), format!("EventSourceArn: !GetAtt {queue}.Arn"));
        assert_has(format!("{name}JobsDeadLettersAlarm"), format!("!GetAtt {name}JobsDeadLetters.QueueName"));
        assert_has(format!("Run{name}Jobs"), format!("!Ref MayReceive{name}Jobs"));
        assert_has(format!("MayReceive{name}Jobs"), format!("Resource: !GetAtt {queue}.Arn"));
        let secrets = resource(&format!("Run{name}Jobs")).contains("Secret");
        assert_eq!(secrets, domain == FailureDomain::Payments, "{domain}");
    }
}

#[test]
fn routes_that_share_a_function_share_an_integration() {
    const PAGE: Route = Route { function: "page", path: "/page", ..functions::operations::health::ROUTE };
    const WEB: Area = Area {
        name: "web",
        description: "Pages.",
        examples: "{}",
        public: &[],
        routes: &[(PAGE, NOTHING), (Route { method: Method::Post, ..PAGE }, NOTHING)],
        workers: &[],
    };
    let template = regenerate(TEMPLATE, &[WEB]).unwrap();
    assert_eq!(template.matches("#/components/x-amazon-apigateway-integrations/Page'").count(), 2);
    assert_eq!(template.matches("functions/${Page.Arn}/invocations").count(), 1);
    assert_eq!(template.matches("- !GetAtt Page.Arn").count(), 1);
}

#[test]
fn a_route_that_calls_a_provider_without_limits_is_found() {
    let webhooks = "        POST /v1/webhooks/{gateway}:\n";
    assert_found(webhooks, "        POST /v1/webhooks:\n", "POST /v1/webhooks/{gateway} calls a provider");
    assert_found(webhooks, "        POST /v1/webhooks:\n", "RouteSettings has POST /v1/webhooks, which");
}

#[test]
fn pages_of_other_origins_have_the_same_rights_here_and_on_aws() {
    let listed = |name: &str| {
        let list = TEMPLATE.split(&format!("            {name}: [")).nth(1).expect("a list");
        list.split(']').next().expect("its end").replace(' ', "")
    };
    assert_eq!(listed("allowMethods"), local::cors::METHODS);
    assert_eq!(listed("allowHeaders"), local::cors::REQUEST_HEADERS);
    assert_eq!(listed("exposeHeaders"), local::cors::RESPONSE_HEADERS);
    assert!(TEMPLATE.contains(&format!("            maxAge: {}\n", local::cors::MAX_AGE)));
    assert!(!TEMPLATE.contains("allowCredentials"));
    let methods: Vec<&str> = local::cors::METHODS.split(',').collect();
    assert!(functions::ROUTES.iter().all(|route| methods.contains(&route.method.as_str())));
}

#[test]
fn a_role_holds_at_most_ten_policies() {
    // IAM attaches at most ten managed policies to a role, and SAM attaches Lambda's own for writing logs.
    let functions = TEMPLATE.split("      Policies:").skip(1);
    let lists = functions.filter_map(|rest| rest.split("\n\n").next());
    let counts: Vec<usize> = lists.map(|list| list.matches("!Ref May").count()).collect();
    assert!(counts.len() > 30 && counts.iter().max() > Some(&7), "{counts:?}");
    assert!(counts.iter().all(|count| *count <= 9), "{counts:?}");
}

#[test]
fn a_function_without_an_alarm_or_permissions_is_found() {
    assert_found(
        "Dimensions: [{Name: FunctionName, Value: !Ref ListSlots}]",
        "Dimensions: [{Name: FunctionName, Value: !Ref ListSlot}]",
        "ListSlots is in no alarm",
    );
    let list = TEMPLATE.split("\n  ListAppointments:\n").nth(1).expect("the function");
    let list = list.split("\n\n").next().expect("its resource");
    let without: String =
        list.lines().filter(|line| !line.contains("Policies:")).map(|line| format!("{line}\n")).collect();

    assert_found(list, without.trim_end(), "ListAppointments uses the table and has no Policies");
}
