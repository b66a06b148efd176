//! The state outlives the simulator.

use serde_json::json;
use simulators::paypal::PayPalSimulator;
use simulators::{ManualClock, OpenError};

use crate::harness::{CLIENT_ID, Folder, Receiver, START, World, assertion, config, eur};
use crate::webhooks::verify;

fn reopen(path: &std::path::Path) -> Result<std::sync::Arc<PayPalSimulator>, OpenError> {
    let clock = ManualClock::at(START);
    PayPalSimulator::open(config(&clock, Some(path.to_owned()), "http://127.0.0.1:1/"))
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = Folder::new("restart");
    let path = folder.0.join("deeper/paypal.json");
    let clock = ManualClock::at(START);
    let body = json!({ "amount": eur("10.00") });
    let (refund, capture, seller, balances, token, count) = {
        let world = World::open(clock.clone(), Some(path.clone())).await;
        let receiver = Receiver::of(&world).await;
        receiver.answer_with(500);
        let (capture, seller) = world.captured("good").await;
        let assertion = assertion(CLIENT_ID, &seller);
        let headers = [("paypal-request-id", "r"), ("paypal-auth-assertion", assertion.as_str())];
        let refund = format!("/v2/payments/captures/{capture}/refund");
        let refund = world.call(&refund, body.clone(), &headers).await.is(201);
        let count = world.paypal.deliver_due_webhooks().await;
        let (balances, token) = (world.paypal.balances(), world.token.clone());
        (refund.body, capture, seller, balances, token, count)
    };
    let mut world = World::open(clock, Some(path.clone())).await;
    world.token = token;
    assert_eq!(world.paypal.balances(), balances);
    let assertion = assertion(CLIENT_ID, &seller);
    let headers = [("paypal-request-id", "r"), ("paypal-auth-assertion", assertion.as_str())];
    let again = format!("/v2/payments/captures/{capture}/refund");
    let again = world.call(&again, body, &headers).await.is(200);
    assert_eq!(again.body["id"], refund["id"]);
    let receiver = Receiver::of(&world).await;
    world.clock.advance(60);
    assert_eq!(world.paypal.deliver_due_webhooks().await, count, "what had not arrived is tried again");
    let received = receiver.take();
    assert_eq!(verify(&world, &received[0], &received[0].body).await, "SUCCESS");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn the_signing_key_is_kept_and_damage_is_named() {
    let folder = Folder::new("damaged");
    let path = folder.0.join("paypal.json");
    drop(reopen(&path).unwrap());
    let key = || -> serde_json::Value {
        let state: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        state["signing_key"].clone()
    };
    let (written, kept) = (std::fs::read_to_string(&path).unwrap(), key());
    drop(reopen(&path).unwrap());
    assert!(kept.is_string() && key() == kept, "the key is the same");
    for content in ["", "{", "{\"layout\":1}", "[1,2]"] {
        std::fs::write(&path, content).unwrap();
        let Err(error) = reopen(&path) else { panic!("{content:?} was taken") };
        assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content, "it is left for a look");
    }
    std::fs::write(&path, written.replace("\"layout\":3", "\"layout\":99")).unwrap();
    assert!(reopen(&path).err().unwrap().to_string().contains("layout 99"));
}

#[test]
fn a_configuration_that_paypal_would_not_give_is_refused() {
    let clock = ManualClock::at(START);
    for (partner, webhook) in
        [("short", "A1"), ("PARTNER22222O", "A1"), ("PARTNER222222", "A-1"), ("PARTNER222222", "")]
    {
        let mut wrong = config(&clock, None, "http://127.0.0.1:1/");
        (wrong.partner_id, wrong.webhook_id) = (partner.to_owned(), webhook.to_owned());
        assert!(matches!(PayPalSimulator::open(wrong), Err(OpenError::Configuration(_))));
    }
}
