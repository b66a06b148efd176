//! The demo and the pages against a running stack.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot continue should report the location, and the helpers are part of the tests"
)]

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use domain::scheduling::appointment::Status;
use local::{Stack, StackClock, StackConfig, StartError, Terminal, demo, pages};
use reqwest::StatusCode;
use tokio::net::TcpListener;

async fn stack() -> Stack {
    let clock = StackClock::new(simulators::system_clock());
    Stack::start(StackConfig::in_memory(clock), pages::router()).await.expect("the stack starts")
}

/// Runs the future while the stack does its background work.
async fn with_background_work<T>(stack: &Stack, future: impl Future<Output = T>) -> T {
    let (mut background, mut future) = (pin!(stack.run()), pin!(future));
    poll_fn(|context| {
        if background.as_mut().poll(context).is_ready() {
            panic!("the background work stopped");
        }
        match future.as_mut().poll(context) {
            Poll::Ready(outcome) => Poll::Ready(outcome),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

fn browser() -> reqwest::Client {
    simulators::loopback_client().expect("cryptography").build().expect("a client")
}

#[tokio::test]
async fn the_demo_can_be_repeated() {
    let stack = stack().await;
    for time_zone in ["Europe/Berlin", "Asia/Kathmandu"] {
        let options =
            demo::Options { url: stack.api_url.clone(), time_zone: time_zone.parse().expect("a zone") };
        let outcome = with_background_work(&stack, demo::run(Terminal::silent(), options)).await;
        outcome.unwrap_or_else(|failure| panic!("{failure}"));
    }
    assert_eq!(stack.queues.dead_letters(), Vec::<String>::new());
}

/// Runs the demo, so that the stack has a session type that can be booked.
async fn run_demo(stack: &Stack) {
    let options = demo::Options { url: stack.api_url.clone(), time_zone: domain::Zone::UTC };
    let outcome = with_background_work(stack, demo::run(Terminal::silent(), options)).await;
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

async fn text_of(url: String) -> String {
    browser().get(url).send().await.expect("a response").text().await.expect("text")
}

/// The commands that the first page shows to copy.
fn commands(page: &str) -> Vec<String> {
    let section = page.split("id=\"try\"").nth(1).and_then(|rest| rest.split("</section>").next());
    blocks(section.expect("commands to try"))
}

/// The blocks of text that a page shows to copy.
fn blocks(page: &str) -> Vec<String> {
    let blocks = page.split("<pre tabindex=\"0\"><code>").skip(1);
    let blocks = blocks.filter_map(|block| block.split("</code>").next());
    let unescaped = |block: &str| {
        block.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    };
    blocks.map(unescaped).collect()
}

/// Runs a script of the shell with `curl`, which fails at the first response of 400 or more. Returns its output; `None` if this
/// machine has no curl.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
async fn run_script(stack: &Stack, commands: &[String]) -> Option<String> {
    if std::process::Command::new("curl").arg("--version").output().is_err() {
        eprintln!("NOT TESTED: this machine has no curl, so the commands of the first page did not run");
        return None;
    }
    let curl = "curl() { command curl --fail --silent --show-error --noproxy '*' \"$@\"; }";
    let script = format!("set -e\n{curl}\n{}", commands.join("\necho\n"));
    let run = move || std::process::Command::new("sh").arg("-c").arg(script).output();
    let output = with_background_work(stack, tokio::task::spawn_blocking(run)).await;
    let output = output.expect("it ends").expect("sh runs");
    let stdout = String::from_utf8(output.stdout).expect("text");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{commands:#?}\n{stdout}\n{stderr}");
    Some(stdout)
}

#[tokio::test]
async fn commands_of_the_first_page_work() {
    let stack = stack().await;
    let front = format!("{}/", stack.api_url);
    let demo = format!("cargo run -- demo --url {}", stack.api_url);
    assert_eq!(commands(&text_of(front.clone()).await).last(), Some(&demo));
    run_demo(&stack).await;

    let page = text_of(front.clone()).await;
    assert!(page.contains("No job fails.") && !page.contains("role=\"alert\""), "{page}");
    let listed = commands(&page);
    assert_eq!(listed.len(), 6, "{listed:#?}");
    let Some(output) = run_script(&stack, &listed).await else { return };
    assert!(output.contains("\"slots\":[{") && output.contains("is paid"), "{output}");
    stack.run_until_idle().await;
    let id = output.split("\"id\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an id");
    let booked = stack.app.store.appointment(id.parse().expect("an id")).await.expect("the table responds");
    assert_eq!(booked.expect("an appointment").status, Status::Confirmed, "{output}");
}

#[tokio::test]
async fn commands_of_the_reference_work_as_they_are() {
    let stack = stack().await;
    run_demo(&stack).await;
    for function in
        ["read_person", "list_slots", "list_session_types", "replace_availability", "list_failing_jobs"]
    {
        let page = text_of(format!("{}/api/{function}", stack.api_url)).await;
        let Some(output) = run_script(&stack, &blocks(&page)[..1]).await else { return };
        assert!(output.starts_with('{'), "{function}: {output}");
    }

    // What the first page books can be read by the client whom the reference signs in.
    let mut script = commands(&text_of(format!("{}/", stack.api_url)).await)[2..5].to_vec();
    for function in ["read_appointment", "quote_cancellation", "list_history"] {
        let page = text_of(format!("{}/api/{function}", stack.api_url)).await;
        script.push(format!("echo 'response of {function}:'\n{}", blocks(&page)[0]));
    }
    let Some(output) = run_script(&stack, &script).await else { return };
    assert_eq!(output.matches("\"id\":\"apt_").count(), 2, "{output}");

    // The reference books the next free start, once the first appointment is confirmed.
    stack.run_until_idle().await;
    let page = text_of(format!("{}/api/book_appointment", stack.api_url)).await;
    let Some(output) = run_script(&stack, &blocks(&page)[..1]).await else { return };
    assert!(output.contains("\"status\":\"pending\""), "{output}");
}

#[tokio::test]
async fn first_page_says_why_nothing_can_be_booked() {
    let stack = stack().await;
    run_demo(&stack).await;
    let (people, sign_in) = (stack.environment.people(), &stack.environment.addresses.sign_in);
    let token = browser().post(format!("{sign_in}/people/margaret/token")).send().await.expect("a response");
    let token: serde_json::Value = token.json().await.expect("JSON");
    let suspend = format!("{}/v1/experts/{}/suspension", stack.api_url, people[0].expert_id);
    let suspend = browser().put(suspend).bearer_auth(token["access_token"].as_str().expect("a token"));
    let suspend = suspend.header("If-Match", "\"1\"").json(&serde_json::json!({ "suspended": true }));
    assert_eq!(suspend.send().await.expect("a response").status(), StatusCode::OK);
    let page = text_of(format!("{}/", stack.api_url)).await;
    assert!(page.contains("Nothing can be booked in that week"), "{page}");
    let Some(output) = run_script(&stack, &commands(&page)).await else { return };
    assert!(output.contains("\"empty_reason\":\"expert_not_live\""), "{output}");
}

#[tokio::test]
async fn the_demo_reports_that_nothing_is_running() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    let options = demo::Options { url: url.clone(), time_zone: domain::Zone::UTC };
    let failure = demo::run(Terminal::silent(), options).await.expect_err("nothing is running");
    assert!(matches!(&failure, demo::Failure::NotRunning { .. }), "{failure}");
    assert!(failure.to_string().contains(&url) && failure.to_string().contains("cargo run"), "{failure}");
}

#[tokio::test]
async fn every_page_responds_with_security_headers_and_without_scripts() {
    let stack = stack().await;
    let browser = browser();
    let expert = &stack.environment.people()[0].expert_id;
    for (path, status) in [
        ("/".to_owned(), StatusCode::OK),
        ("/api".to_owned(), StatusCode::OK),
        ("/api/book_appointment".to_owned(), StatusCode::OK),
        ("/api/nothing".to_owned(), StatusCode::NOT_FOUND),
        ("/events".to_owned(), StatusCode::OK),
        ("/signed-in".to_owned(), StatusCode::BAD_REQUEST),
        (format!("/experts/{expert}/stripe/refresh"), StatusCode::OK),
        (format!("/experts/{expert}/stripe/return"), StatusCode::NOT_FOUND),
        ("/experts/nobody/stripe/refresh".to_owned(), StatusCode::NOT_FOUND),
        (format!("/experts/{expert}/paypal/refresh"), StatusCode::OK),
        (format!("/experts/{expert}/paypal/return"), StatusCode::NOT_FOUND),
        (format!("/experts/{expert}/nobody/return"), StatusCode::NOT_FOUND),
    ] {
        let page = browser.get(format!("{}{path}", stack.api_url)).send().await.expect("a response");
        assert_eq!(page.status(), status, "{path}");
        let header = |name: &str| page.headers()[name].to_str().expect("text").to_owned();
        assert!(header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        let text = page.text().await.expect("text");
        assert!(text.contains("<html lang=\"en\">") && !text.contains("<script"), "{path}");
    }
    let missing = browser.get(format!("{}/nowhere", stack.api_url)).send().await.expect("a response");
    assert_eq!(missing.headers()["content-type"], "application/problem+json");
    let missing = missing.text().await.expect("text");
    assert!(missing.contains("\"no operation has this path; see /openapi.json\""), "{missing}");
}

#[tokio::test]
async fn sign_in_returns_tokens_only_to_the_browser_that_started_it() {
    let stack = stack().await;
    let browser = browser();
    let started = browser.get(format!("{}/sign-in", stack.api_url)).send().await.expect("a response");
    let location = started.headers()["location"].to_str().expect("text").to_owned();
    let cookie = started.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let cookie = cookie.split(';').next().expect("a pair").to_owned();

    let authorize: url::Url = location.parse().expect("a URL");
    let mut form: Vec<(String, String)> = authorize.query_pairs().into_owned().collect();
    form.push(("subject".to_owned(), "alan".to_owned()));
    let url = format!("{}/oauth2/authorize", stack.environment.addresses.sign_in);
    let redirect = browser.post(url).form(&form).send().await.expect("a response");
    let redirect = redirect.headers()["location"].to_str().expect("text").to_owned();

    // A browser without the cookie, and a request with another state, get no token. Markup in the URL is escaped.
    let refused = "The code belongs to another application";
    let other = browser.get(&redirect).send().await.expect("a response").text().await.expect("text");
    assert!(other.contains(refused), "{other}");
    let forged = format!("{}/signed-in?code=%3Cscript%3E&state=x", stack.api_url);
    let forged = browser.get(forged).header("cookie", &cookie).send().await.expect("a response");
    let forged = forged.text().await.expect("text");
    assert!(forged.contains(refused) && !forged.contains("<script"), "{forged}");

    let page = browser.get(&redirect).header("cookie", &cookie).send().await.expect("a response");
    assert_eq!(page.status(), StatusCode::OK);
    let page = page.text().await.expect("text");
    assert!(page.contains("Signed in") && page.contains("Bearer ey"), "{page}");
}

#[tokio::test]
async fn two_stacks_cannot_share_a_data_folder() {
    let folder = std::env::temp_dir().join(format!("expert-connect-owner-{}", std::process::id()));
    let start = || {
        let mut config = StackConfig::in_memory(StackClock::new(simulators::system_clock()));
        config.data = Some(folder.clone());
        Stack::start(config, pages::router())
    };
    let first = start().await.expect("the stack starts");
    let second = start().await.map(|_| ()).expect_err("the folder is in use");
    assert!(matches!(second, StartError::InUse { .. }), "{second}");
    drop(first);
    drop(start().await.expect("the folder is free again"));
    let _ = std::fs::remove_dir_all(&folder);
}

#[tokio::test]
async fn pages_of_configured_origins_may_use_the_api() {
    const ALLOWED: &str = "https://app.example.org";
    let clock = StackClock::new(simulators::system_clock());
    let mut config = StackConfig::in_memory(clock);
    config.cors_origins = vec![ALLOWED.to_owned()];
    let stack = Stack::start(config, pages::router()).await.expect("the stack starts");
    let preflight = async |stack: &Stack, origin: &str| {
        let request =
            browser().request(reqwest::Method::OPTIONS, format!("{}/v1/appointments", stack.api_url));
        let request = request.header("Origin", origin).header("Access-Control-Request-Method", "POST");
        let request = request.header("Access-Control-Request-Headers", "authorization,idempotency-key");
        request.send().await.expect("a response")
    };
    let header = |response: &reqwest::Response, name: &str| {
        response.headers().get(name).map(|value| value.to_str().expect("text").to_owned())
    };
    let response = preflight(&stack, ALLOWED).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    for (name, value) in [
        ("access-control-allow-origin", ALLOWED),
        ("access-control-allow-methods", "GET,POST,PUT,DELETE"),
        ("access-control-allow-headers", "authorization,content-type,if-match,idempotency-key"),
        ("access-control-expose-headers", "etag,location,retry-after"),
        ("access-control-max-age", "3600"),
        ("vary", "Origin"),
    ] {
        assert_eq!(header(&response, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(header(&response, "access-control-allow-credentials"), None);

    let get = async |stack: &Stack, origin: &str| {
        let request = browser().get(format!("{}/v1/appointments", stack.api_url)).header("Origin", origin);
        request.send().await.expect("a response")
    };
    // A refusal is readable too.
    let response = get(&stack, ALLOWED).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(header(&response, "access-control-allow-origin").as_deref(), Some(ALLOWED));
    assert_eq!(
        header(&response, "access-control-expose-headers").as_deref(),
        Some("etag,location,retry-after")
    );
    for other in
        ["https://evil.example", "https://app.example.org.evil.example", "null", "http://app.example.org"]
    {
        for response in [preflight(&stack, other).await, get(&stack, other).await] {
            assert_eq!(header(&response, "access-control-allow-origin"), None, "{other}");
        }
    }

    let without = self::stack().await;
    assert_eq!(header(&get(&without, ALLOWED).await, "access-control-allow-origin"), None);
    assert_eq!(preflight(&without, ALLOWED).await.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn requests_with_a_foreign_host_are_refused() {
    let stack = stack().await;
    let ask = async |path: &str, host: &str| {
        let request = browser().get(format!("{}{path}", stack.api_url)).header("Host", host);
        request.send().await.expect("a response").status()
    };
    for path in ["/", "/api", "/local.json", "/health", "/v1/exchange-rates", "/nowhere"] {
        for host in ["rebound.example.org", "rebound.example.org:8080", "10.0.0.1"] {
            assert_eq!(ask(path, host).await, StatusCode::MISDIRECTED_REQUEST, "{path} {host}");
        }
    }
    for host in ["localhost:8080", "127.0.0.1", "[::1]"] {
        assert_eq!(ask("/health", host).await, StatusCode::OK, "{host}");
    }
}

/// A page on the internet can make its own name resolve to this machine. It must get no token and read no row.
#[tokio::test]
async fn every_port_refuses_a_foreign_host() {
    let stack = stack().await;
    let addresses = &stack.environment.addresses;
    let token = format!("{}/people/margaret/token", addresses.sign_in);
    let database = format!("{}/", addresses.database);
    let simulators = [&addresses.stripe_simulator, &addresses.paypal_simulator, &addresses.ecb_simulator];
    let books = simulators.map(|url| format!("{}/", url.as_deref().expect("a simulator")));
    let scan = "{\"TableName\":\"expert-connect\"}";
    let post = |url: &str, host: &str| {
        let request =
            browser().post(url).header("Host", host).header("X-Amz-Target", "DynamoDB_20120810.Scan");
        request.header("Origin", "http://rebound.example.org").body(scan).send()
    };
    for url in books.iter().chain([&token, &database, &format!("{}/health", stack.api_url)]) {
        for host in
            ["rebound.example.org", "rebound.example.org:8080", "127.0.0.1.example.org", "192.168.0.1"]
        {
            let response = post(url, host).await.expect("a response");
            assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST, "{url} {host}");
        }
    }
    for url in [&token, &database] {
        let response = post(url, "localhost:8080").await.expect("a response");
        assert_eq!(response.status(), StatusCode::OK, "{url}");
        assert_eq!(response.headers().get("access-control-allow-origin"), None, "{url}");
    }
}

/// Connects an expert's accounts, so that each gateway has a webhook to deliver.
async fn leave_webhooks_due(stack: &Stack) {
    let (person, sign_in) = (&stack.environment.people()[0], &stack.environment.addresses.sign_in);
    let token = browser().post(format!("{sign_in}/people/ada/token")).send().await.expect("a response");
    let token: serde_json::Value = token.json().await.expect("JSON");
    let ask = async |request: reqwest::RequestBuilder| -> serde_json::Value {
        let request = request.bearer_auth(token["access_token"].as_str().expect("a token"));
        let response = request.header("Idempotency-Key", "k").send().await.expect("a response");
        response.error_for_status().expect("it succeeds").json().await.expect("JSON")
    };
    let experts = format!("{}/v1/experts", stack.api_url);
    ask(browser().post(&experts).json(&serde_json::json!({ "name": "Ada", "headline": "Engines" }))).await;
    let accounts = format!("{experts}/{}/payment-accounts", person.expert_id);
    for gateway in ["stripe", "paypal"] {
        ask(browser().post(format!("{accounts}/{gateway}/onboarding"))).await;
    }
    let account = ask(browser().get(format!("{accounts}/stripe"))).await;
    let (stripe, paypal) =
        (stack.stripe.as_ref().expect("simulated"), stack.paypal.as_ref().expect("simulated"));
    let account = account["account"].as_str().expect("an account");
    stripe.onboard(account, simulators::stripe::Onboarding::Complete).expect("it exists");
    paypal.onboard(&person.expert_id.to_string(), simulators::paypal::Onboarding::Complete).expect("invited");
}

/// A gateway whose receiver of webhooks does not respond delays neither the other gateway's nor the jobs.
#[tokio::test]
async fn webhook_without_a_response_delays_nothing_else() {
    let stack = stack().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let other = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = |listener: &TcpListener| {
        format!("http://{}/", listener.local_addr().expect("an address")).parse().expect("a URL")
    };
    let (stripe, paypal) =
        (stack.stripe.as_ref().expect("simulated"), stack.paypal.as_ref().expect("simulated"));
    stripe.set_webhook_url(url(&silent));
    paypal.set_webhook_url(url(&other));
    leave_webhooks_due(&stack).await;
    assert!(stripe.next_webhook_due().is_some() && paypal.next_webhook_due().is_some());
    stack.queues.iter().for_each(|queue| queue.put("payment:apt_0123456789abcdefghjkmnpqrs"));
    let processed = async {
        let mut connections = Vec::new();
        connections.push(silent.accept().await.expect("a delivery"));
        connections.push(other.accept().await.expect("a delivery"));
        while stack.queues.iter().any(|queue| queue.inspect().waiting > 0) {
            tokio::task::yield_now().await;
        }
        // They stay open, so that nothing has responded until here.
        drop(connections);
    };
    let limit = std::time::Duration::from_secs(8);
    tokio::select! {
        () = stack.run() => panic!("it runs until it is dropped"),
        done = tokio::time::timeout(limit, processed) => done.expect("nothing waits for the receiver"),
    }
}
