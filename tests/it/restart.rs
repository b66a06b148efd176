//! The process stops at any moment and restarts with the data that it left.

use serde_json::json;
use simulators::ManualClock;

use crate::harness::{GOOD_CARD, NOW, TestApp, id, intent, paid_hour};

/// A temporary folder, which is removed at the end of the test.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("expert-connect-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn restart_loses_no_expired_hold_and_no_payment() {
    let folder = Folder::new("restart");
    let start: domain::Timestamp = NOW.parse().expect("a time");
    let clock = ManualClock::at(start.seconds());
    let config = |sign_in: u16| {
        let folder = folder.0.clone();
        move |config: &mut local::StackConfig| {
            config.data = Some(folder);
            config.ports.sign_in = sign_in;
        }
    };

    let test = TestApp::at(clock.clone(), config(0)).await;
    // A person's ids depend on the issuer's URL, so the sign-in service uses the same port again.
    let port = test.stack.sign_in_url.port().expect("a port");
    let begin = || async {
        while tokio::net::TcpListener::bind(("127.0.0.1", port)).await.is_err() {
            tokio::task::yield_now().await;
        }
        TestApp::at(clock.clone(), config(port)).await
    };
    let offer = test.offer(&paid_hour()).await;
    let unpaid = test.book(&offer, "2027-01-05T09:00:00Z", "k1").await.expect(201);
    let paid = test.book(&offer, "2027-01-05T11:00:00Z", "k2").await.expect(201);
    test.stripe().pay(intent(&paid), GOOD_CARD).expect("the card works");
    let cancelled = test.book_and_pay(&offer, "2027-01-05T13:00:00Z", "k3").await;
    test.post_action("alan", &cancelled, "cancel", &json!(null)).await.expect(200);
    // The process stops while jobs and webhooks are due and the queue has messages.
    drop(test);

    let test = begin().await;
    test.sweep().await;
    assert_eq!(test.appointment(&id(&paid)).await["status"], "confirmed");
    assert_eq!(test.appointment(&cancelled).await["payment"]["state"], "refunded");
    assert_eq!(test.appointment(&id(&unpaid)).await["status"], "pending");
    drop(test);

    clock.advance(600);
    let test = begin().await;
    test.sweep().await;
    assert_eq!(test.appointment(&id(&unpaid)).await["status"], "expired");
    assert_eq!(test.starts(&offer, "2027-01-05").await.len(), 12);
}
