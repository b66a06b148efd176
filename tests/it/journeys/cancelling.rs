//! Calling off and moving, by either side, and by nobody else.

use serde_json::json;

use crate::harness::{World, free_hour, id, paid_hour};

#[tokio::test]
async fn either_side_calls_off_and_the_client_gets_everything_back() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    for (who, key) in [("ada", "a"), ("alan", "b")] {
        let id = world.paid(&offer, "2027-01-05T10:00:00Z", key).await;
        world.act(who, &id, "cancel", &json!({ "reason": "sorry" })).await.expect(200);
        world.stack.settle().await;
        let appointment = world.appointment(&id).await;
        assert_eq!(appointment["cancelled_by"], if who == "ada" { "expert" } else { "client" });
        assert_eq!(appointment["payment"]["state"], "refunded");
        // Again: the same answer, and no second refund.
        world.act(who, &id, "cancel", &json!(null)).await.expect(200);
        let other = if who == "ada" { "alan" } else { "ada" };
        assert_eq!(world.act(other, &id, "cancel", &json!(null)).await.problem(409), "status");
        world.stack.settle().await;
    }
    let refunds = world.stripe().events().iter().filter(|event| event["type"] == "refund.created").count();
    assert_eq!(refunds, 2);
}

#[tokio::test]
async fn an_unpaid_hold_can_be_given_back() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let booked = world.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201);
    world.act("alan", &id(&booked), "cancel", &json!(null)).await.expect(200);
    assert_eq!(world.starts(&offer, "2027-01-05").await.len(), 15);
    world.stack.settle().await;
    assert_eq!(world.appointment(&id(&booked)).await["payment"]["state"], "cancelled");
    let intent = world.stripe().object(crate::harness::intent(&booked)).expect("an intent");
    assert_eq!(intent["status"], "canceled");
}

#[tokio::test]
async fn nobody_else_sees_or_changes_an_appointment() {
    let world = World::new().await;
    let offer = world.offer(&free_hour()).await;
    let id = id(&world.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201));
    let path = format!("/v1/appointments/{id}");
    for stranger in ["grace", "katherine"] {
        assert_eq!(world.get(&path).person(stranger).send().await.problem(404), "not-found", "{stranger}");
        for what in ["cancel", "reschedule"] {
            let reply = world.act(stranger, &id, what, &json!({ "start": "2027-01-05T12:00:00Z" })).await;
            let expected = if what == "cancel" { 422 } else { 404 };
            reply.problem(expected);
        }
        assert_eq!(world.act(stranger, &id, "cancel", &json!(null)).await.problem(404), "not-found");
    }
    assert_eq!(world.get(&path).send().await.problem(401), "sign-in");
    assert_eq!(world.appointment(&id).await["status"], "confirmed");
    // An administrator acts for the platform.
    assert_eq!(world.get(&path).person("margaret").send().await.expect(200)["status"], "confirmed");
    let moved = json!({ "start": "2027-01-05T12:00:00Z" });
    world.act("margaret", &id, "reschedule", &moved).await.expect(200);
    let cancelled = world.act("margaret", &id, "cancel", &json!(null)).await.expect(200);
    assert_eq!(cancelled["cancelled_by"], "platform");
}

#[tokio::test]
async fn moving_keeps_the_old_time_until_the_new_one_is_sure() {
    let world = World::new().await;
    let offer = world.offer(&free_hour()).await;
    let first = id(&world.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201));
    let second = id(&world.book(&offer, "2027-01-05T12:00:00Z", "k2").await.expect(201));
    let to = |start: &str| json!({ "start": start });
    assert_eq!(
        world.act("alan", &first, "reschedule", &to("2027-01-05T12:30:00Z")).await.problem(409),
        "slot-taken"
    );
    assert_eq!(
        world.act("alan", &first, "reschedule", &to("2027-01-05T20:00:00Z")).await.problem(409),
        "not-offered"
    );
    assert_eq!(world.appointment(&first).await["start"], "2027-01-05T10:00:00Z");
    // Half an hour later overlaps its own old time, which is no obstacle.
    world.act("alan", &first, "reschedule", &to("2027-01-05T10:30:00Z")).await.expect(200);
    let again = world.act("alan", &first, "reschedule", &to("2027-01-05T10:30:00Z")).await.expect(200);
    assert_eq!(again["reschedules"], 1);
    world.act("ada", &second, "reschedule", &to("2027-01-05T11:30:00Z")).await.expect(200);
    let starts = world.starts(&offer, "2027-01-05").await;
    assert_eq!(starts[..2], ["2027-01-05T09:00:00Z", "2027-01-05T09:30:00Z"]);
    assert_eq!(starts[2], "2027-01-05T12:30:00Z");
    world.pass(26 * 3_600 + 1_800);
    assert_eq!(
        world.act("alan", &first, "reschedule", &to("2027-01-06T10:30:00Z")).await.problem(409),
        "status"
    );
    // Once it has begun, only the expert can still call it off.
    assert_eq!(world.act("alan", &first, "cancel", &json!(null)).await.problem(409), "status");
    assert_eq!(world.act("ada", &first, "cancel", &json!(null)).await.expect(200)["status"], "cancelled");
}
