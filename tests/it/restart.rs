//! The process ends at any moment and starts again on what it left.

use serde_json::json;
use simulators::ManualClock;

use crate::harness::{GOOD_CARD, NOW, World, id, intent, paid_hour};

/// A folder of the test's own, removed at its end.
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
async fn nothing_is_held_for_ever_and_nothing_paid_stays_unconfirmed() {
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

    let world = World::at(clock.clone(), config(0)).await;
    // Who somebody is follows from the issuer's address, so it listens where it did.
    let port = world.stack.sign_in_url.port().expect("a port");
    let begin = || async {
        while tokio::net::TcpListener::bind(("127.0.0.1", port)).await.is_err() {
            tokio::task::yield_now().await;
        }
        World::at(clock.clone(), config(port)).await
    };
    let offer = world.offer(&paid_hour()).await;
    let unpaid = world.book(&offer, "2027-01-05T09:00:00Z", "k1").await.expect(201);
    let paid = world.book(&offer, "2027-01-05T11:00:00Z", "k2").await.expect(201);
    world.stripe().pay(intent(&paid), GOOD_CARD).expect("the card works");
    let cancelled = world.paid(&offer, "2027-01-05T13:00:00Z", "k3").await;
    world.act("alan", &cancelled, "cancel", &json!(null)).await.expect(200);
    // Effects are owed, messages are under way, the queue is full: and it ends.
    drop(world);

    let world = begin().await;
    world.sweep().await;
    assert_eq!(world.appointment(&id(&paid)).await["status"], "confirmed");
    assert_eq!(world.appointment(&cancelled).await["payment"]["state"], "refunded");
    assert_eq!(world.appointment(&id(&unpaid)).await["status"], "pending");
    drop(world);

    clock.advance(600);
    let world = begin().await;
    world.sweep().await;
    assert_eq!(world.appointment(&id(&unpaid)).await["status"], "expired");
    assert_eq!(world.starts(&offer, "2027-01-05").await.len(), 12);
}
