//! What the tests of both payment services need: answers, a receiver of webhooks, and a folder.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use reqwest::Response;
use serde_json::Value;
use simulators::{Loopback, Running};
use url::Url;

pub const START: i64 = 1_700_000_000;

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn text(&self, pointer: &str) -> &str {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("{pointer} in {}", self.body))
    }

    pub fn id(&self) -> &str {
        self.text("/id")
    }

    /// The answer, which must have this status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}

pub async fn read(response: Response) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await.unwrap();
    Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) }
}

/// A client that keeps redirects to itself.
pub fn client() -> reqwest::Client {
    simulators::loopback_client().unwrap().build().unwrap()
}

#[derive(Debug, Clone)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: String,
}

impl Received {
    pub fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// Somebody who listens to webhooks and answers them with a status of the test's choice.
pub struct Receiver {
    received: Arc<Mutex<Vec<Received>>>,
    answer: Arc<Mutex<StatusCode>>,
    running: Running,
}

impl Receiver {
    /// Listens, and tells `connect` where.
    pub async fn listen(connect: impl FnOnce(Url)) -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let answer = Arc::new(Mutex::new(StatusCode::OK));
        let (kept, status) = (Arc::clone(&received), Arc::clone(&answer));
        let router = Router::new().route(
            "/hook",
            post(move |headers: HeaderMap, body: String| {
                kept.lock().unwrap().push(Received { headers, body });
                let status = *status.lock().unwrap();
                async move { status }
            }),
        );
        let running = Loopback::bind(0).await.unwrap().serve(router);
        connect(running.url().join("hook").unwrap());
        Self { received, answer, running }
    }

    pub fn answer_with(&self, status: u16) {
        *self.answer.lock().unwrap() = StatusCode::from_u16(status).unwrap();
    }

    pub fn url(&self) -> String {
        self.running.url().join("hook").unwrap().to_string()
    }

    /// What came since this was last asked.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.received.lock().unwrap())
    }
}

/// A folder that goes away with the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("simulators-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
