//! The demo and the pages against a running stack.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should say where, and the helpers are part of the tests"
)]

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use local::{Stack, StackClock, StackConfig, StartError, Terminal, demo, pages};
use reqwest::StatusCode;

async fn stack() -> Stack {
    let clock = StackClock::new(simulators::system_clock());
    Stack::start(StackConfig::in_memory(clock), pages::router()).await.expect("the stack starts")
}

/// Does the work while the stack turns its own wheels.
async fn on<T>(stack: &Stack, work: impl Future<Output = T>) -> T {
    let (mut wheels, mut work) = (pin!(stack.run()), pin!(work));
    poll_fn(|context| {
        if wheels.as_mut().poll(context).is_ready() {
            panic!("the wheels stopped");
        }
        match work.as_mut().poll(context) {
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
async fn the_demo_works_again_and_again() {
    let stack = stack().await;
    for time_zone in ["Europe/Berlin", "Asia/Kathmandu"] {
        let options =
            demo::Options { url: stack.api_url.clone(), time_zone: time_zone.parse().expect("a zone") };
        let outcome = on(&stack, demo::run(Terminal::silent(), options)).await;
        outcome.unwrap_or_else(|failure| panic!("{failure}"));
    }
    assert_eq!(stack.queue.inspect().set_aside, Vec::<String>::new());
}

#[tokio::test]
async fn the_demo_says_when_nothing_runs() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    let options = demo::Options { url: url.clone(), time_zone: domain::Zone::UTC };
    let failure = demo::run(Terminal::silent(), options).await.expect_err("nobody is there");
    assert!(matches!(&failure, demo::Failure::NotRunning { .. }), "{failure}");
    assert!(failure.to_string().contains(&url) && failure.to_string().contains("cargo run"), "{failure}");
}

#[tokio::test]
async fn every_page_is_there_and_locked_down() {
    let stack = stack().await;
    let browser = browser();
    let expert = &stack.surroundings.people()[0].expert_id;
    for (path, status) in [
        ("/".to_owned(), StatusCode::OK),
        ("/api".to_owned(), StatusCode::OK),
        ("/events".to_owned(), StatusCode::OK),
        ("/signed-in".to_owned(), StatusCode::BAD_REQUEST),
        (format!("/experts/{expert}/stripe/refresh"), StatusCode::OK),
        (format!("/experts/{expert}/stripe/return"), StatusCode::NOT_FOUND),
        ("/experts/nobody/stripe/refresh".to_owned(), StatusCode::NOT_FOUND),
        (format!("/experts/{expert}/paypal/refresh"), StatusCode::OK),
        (format!("/experts/{expert}/paypal/return"), StatusCode::NOT_FOUND),
        (format!("/experts/{expert}/nobody/return"), StatusCode::NOT_FOUND),
    ] {
        let page = browser.get(format!("{}{path}", stack.api_url)).send().await.expect("an answer");
        assert_eq!(page.status(), status, "{path}");
        let header = |name: &str| page.headers()[name].to_str().expect("text").to_owned();
        assert!(header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        let text = page.text().await.expect("text");
        assert!(text.contains("<html lang=\"en\">") && !text.contains("<script"), "{path}");
    }
    let missing = browser.get(format!("{}/nowhere", stack.api_url)).send().await.expect("an answer");
    assert_eq!(missing.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn signing_in_ends_with_tokens_and_only_for_who_left_from_here() {
    let stack = stack().await;
    let browser = browser();
    let left = browser.get(format!("{}/sign-in", stack.api_url)).send().await.expect("an answer");
    let location = left.headers()["location"].to_str().expect("text").to_owned();
    let cookie = left.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let cookie = cookie.split(';').next().expect("a pair").to_owned();

    let asked: url::Url = location.parse().expect("an address");
    let mut form: Vec<(String, String)> = asked.query_pairs().into_owned().collect();
    form.push(("subject".to_owned(), "alan".to_owned()));
    let address = format!("{}/oauth2/authorize", stack.surroundings.addresses.sign_in);
    let back = browser.post(address).form(&form).send().await.expect("an answer");
    let back = back.headers()["location"].to_str().expect("text").to_owned();

    // Another browser, one with another state, and markup in the address get no token and do no harm.
    let stranger = browser.get(&back).send().await.expect("an answer").text().await.expect("text");
    assert!(stranger.contains("A code for somebody else"), "{stranger}");
    let forged = format!("{}/signed-in?code=%3Cscript%3E&state=x", stack.api_url);
    let forged = browser.get(forged).header("cookie", &cookie).send().await.expect("an answer");
    let forged = forged.text().await.expect("text");
    assert!(forged.contains("A code for somebody else") && !forged.contains("<script"), "{forged}");

    let page = browser.get(&back).header("cookie", &cookie).send().await.expect("an answer");
    assert_eq!(page.status(), StatusCode::OK);
    let page = page.text().await.expect("text");
    assert!(page.contains("Signed in") && page.contains("Bearer ey"), "{page}");
}

#[tokio::test]
async fn a_data_folder_has_one_owner() {
    let folder = std::env::temp_dir().join(format!("expert-connect-owner-{}", std::process::id()));
    let start = || {
        let mut config = StackConfig::in_memory(StackClock::new(simulators::system_clock()));
        config.data = Some(folder.clone());
        Stack::start(config, pages::router())
    };
    let first = start().await.expect("the stack starts");
    let second = start().await.map(|_| ()).expect_err("it is in use");
    assert!(matches!(second, StartError::InUse { .. }), "{second}");
    drop(first);
    drop(start().await.expect("it is free again"));
    let _ = std::fs::remove_dir_all(&folder);
}
