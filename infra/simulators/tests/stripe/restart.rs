//! The state outlives the simulator.

use reqwest::Method;
use simulators::stripe::{StripeSimulator, StripeSimulatorConfig};
use simulators::{ManualClock, OpenError};

use crate::harness::{Folder, Receiver, START, World};

fn reopen(path: &std::path::Path) -> Result<std::sync::Arc<StripeSimulator>, OpenError> {
    StripeSimulator::open(StripeSimulatorConfig {
        secret_key: "sk_test_secret".to_owned(),
        webhook_secret: "whsec_test".to_owned(),
        webhook_url: None,
        state_file: Some(path.to_owned()),
        clock: ManualClock::at(START).clock(),
        public_url: "http://127.0.0.1:1/".parse().unwrap(),
    })
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = Folder::new("restart");
    let path = folder.0.join("deeper/stripe.json");
    let clock = ManualClock::at(START);
    let key = [("idempotency-key", "k")];
    let form = "amount=5000&currency=eur&confirm=true&payment_method=pm_card_visa";
    let (intent, balances, events) = {
        let world = World::open(clock.clone(), Some(path.clone())).await;
        let receiver = Receiver::of(&world).await;
        receiver.answer_with(500);
        let intent = world.call(Method::POST, "/v1/payment_intents", form, &key).await.ok();
        world.stripe.deliver_due_webhooks().await;
        (intent, world.stripe.balances(), world.stripe.events())
    };
    let world = World::open(clock, Some(path.clone())).await;
    assert_eq!((world.stripe.balances(), world.stripe.events()), (balances, events));
    let again = world.call(Method::POST, "/v1/payment_intents", form, &key).await.ok();
    assert_eq!((again.id(), &again.headers["idempotent-replayed"]), (intent.id(), &"true".parse().unwrap()));
    let receiver = Receiver::of(&world).await;
    world.clock.advance(60);
    assert_eq!(world.stripe.deliver_due_webhooks().await, 3, "what had not arrived is tried again");
    assert_eq!(receiver.kinds().len(), 3);
    world.post("/v1/refunds", &format!("payment_intent={}", intent.id())).await.ok();
    assert_eq!(world.balance("clients"), 0);
    let unpaid = world.post("/v1/payment_intents", "amount=5000&currency=eur").await.ok();
    assert!(world.stripe.pay(unpaid.id(), "4111 1111 1111 1111").is_err());
    let file = |end: &str| std::fs::read_to_string(format!("{}{end}", path.display())).unwrap();
    let kept = file("") + &file(".journal");
    assert!(kept.contains(unpaid.id()) && !kept.contains("4111111111111111"), "it might be somebody's card");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_damaged_file_is_named_and_kept() {
    let folder = Folder::new("damaged");
    let path = folder.0.join("stripe.json");
    for content in ["", "{", "{\"layout\":2}", "[1,2]", "\u{0}"] {
        std::fs::write(&path, content).unwrap();
        let Err(error) = reopen(&path) else { panic!("{content:?} was taken") };
        assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("stripe.json") && text.contains("delete it to start afresh"), "{text}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content, "it is left for a look");
    }
    std::fs::remove_file(&path).unwrap();
    drop(reopen(&path).unwrap());
    let other = std::fs::read_to_string(&path).unwrap().replace("\"layout\":5", "\"layout\":99");
    std::fs::write(&path, other).unwrap();
    assert!(reopen(&path).err().unwrap().to_string().contains("layout 99"));
}

#[test]
fn a_file_that_cannot_be_written_is_said_at_once() {
    let folder = Folder::new("unwritable");
    let file = folder.0.join("file");
    std::fs::write(&file, "").unwrap();
    let Err(error) = reopen(&file.join("stripe.json")) else { panic!("a file is no folder") };
    assert!(matches!(error, OpenError::Unwritable { .. } | OpenError::Unreadable { .. }), "{error}");
}
