//! Ports serve this machine only, and end requests that do not arrive.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue should report the location")]

use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::post;
use simulators::Loopback;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TIMEOUT: Duration = Duration::from_millis(100);

/// What a server with a short timeout responds to bytes that end in the middle of a request, and after how long.
async fn response_to(sent: &str) -> (String, Duration) {
    let port = Loopback::bind(0).await.unwrap();
    let address = port.url().socket_addrs(|| None).unwrap()[0];
    let echo = Router::new().route("/", post(async |body: String| body));
    let _running = port.serve_within(echo, TIMEOUT);
    let begun = Instant::now();
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(sent.as_bytes()).await.unwrap();
    let mut response = String::new();
    connection.read_to_string(&mut response).await.unwrap();
    (response, begun.elapsed())
}

#[tokio::test]
async fn half_sent_request_is_ended() {
    let (response, after) = response_to("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: a").await;
    assert!(!response.contains(" 200 ") && after >= TIMEOUT, "{after:?} {response}");
    for half in [
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\nhalf",
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ] {
        let (response, after) = response_to(half).await;
        assert!(response.starts_with("HTTP/1.1 408 "), "{half:?}: {response}");
        assert!(after >= TIMEOUT, "{half:?}: {after:?}");
    }
}

#[tokio::test]
async fn second_half_sent_request_is_ended_and_idle_time_is_not_counted() {
    let whole = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nwhole";
    let port = Loopback::bind(0).await.unwrap();
    let url = port.url().clone();
    let served = port.serve_within(Router::new().route("/", post(async |body: String| body)), TIMEOUT);
    let mut connection = TcpStream::connect(url.socket_addrs(|| None).unwrap()[0]).await.unwrap();
    for _ in 0..2 {
        // Nothing comes while the connection is idle, and it is not closed.
        let idle = tokio::time::timeout(2 * TIMEOUT, connection.read_u8()).await;
        assert!(idle.is_err(), "{idle:?}");
        connection.write_all(whole.as_bytes()).await.unwrap();
        let mut response = Vec::new();
        while !response.ends_with(b"whole") {
            response.push(connection.read_u8().await.unwrap());
        }
        assert!(response.starts_with(b"HTTP/1.1 200 "));
    }
    let begun = Instant::now();
    connection.write_all(b"POST / HTTP/1.1\r\nHost: 127").await.unwrap();
    let mut rest = Vec::new();
    connection.read_to_end(&mut rest).await.unwrap();
    assert!(begun.elapsed() >= TIMEOUT && !rest.starts_with(b"HTTP/1.1 200 "));
    drop(served);
}

#[tokio::test]
async fn complete_request_is_served_and_a_foreign_host_refused() {
    let request = |host: &str| {
        format!("POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 5\r\n\r\nwhole")
    };
    let (response, _) = response_to(&request("localhost")).await;
    assert!(response.starts_with("HTTP/1.1 200 ") && response.ends_with("whole"), "{response}");
    let (response, _) = response_to(&request("rebound.example.org")).await;
    assert!(response.starts_with("HTTP/1.1 421 "), "{response}");
}
