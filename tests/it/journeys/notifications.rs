//! Notifications: who is told about which change, and up to where it is read.

use serde_json::{Value, json};

use crate::harness::{TestApp, free_hour, id, paid_hour};

const DAY: i64 = 86_400;

impl TestApp {
    async fn notifications_with(&self, subject: &str, query: &str) -> Value {
        let path = format!("/v1/me/notifications{query}");
        self.get(&path).signed_in_as(subject).send().await.expect(200)
    }

    /// The notifications of a person, the newest first.
    pub async fn notifications(&self, subject: &str) -> Vec<Value> {
        let page = self.notifications_with(subject, "?limit=100").await;
        assert_eq!((&page["truncated"], page.get("next_cursor")), (&json!(false), None));
        page["notifications"].as_array().expect("a list").clone()
    }

    /// The changes about which a person is notified, in alphabetical order, and who made them.
    async fn told(&self, subject: &str) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let notifications = self.notifications(subject).await;
        let mut told: Vec<_> =
            notifications.iter().map(|one| (text(&one["change"]), text(&one["by"]))).collect();
        // Notifications of one second have no order.
        told.sort();
        told
    }

    async fn mark_read(&self, subject: &str, until: &Value) {
        let body = json!({ "until": until });
        self.post("/v1/me/notifications/read").signed_in_as(subject).json(&body).send().await.expect(204);
    }
}

fn told(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut told: Vec<_> =
        changes.iter().map(|(change, by)| ((*change).to_owned(), (*by).to_owned())).collect();
    told.sort();
    told
}

#[tokio::test]
async fn people_are_told_what_others_change_and_not_what_they_change_themselves() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    test.join(&offer.expert, "ada", "ines", "assistant").await;
    let appointment = test.book_and_pay(&offer, "2027-01-08T10:00:00Z", "k").await;
    let confirmed = told(&[("confirmed", "platform")]);
    for subject in ["ada", "alan", "ines"] {
        assert_eq!(test.told(subject).await, confirmed, "{subject}");
    }
    test.advance(60);
    let to = json!({ "start": "2027-01-08T12:00:00Z" });
    test.post_action("alan", &appointment, "reschedule", &to).await.expect(200);
    test.stack.run_until_idle().await;
    test.advance(60);
    test.post_action("ines", &appointment, "cancel", &json!({ "reason": "private words" })).await.expect(200);
    test.stack.run_until_idle().await;
    test.stripe().deliver_due_webhooks().await;
    test.stack.run_until_idle().await;

    let refunded = ("payment_refunded", "platform");
    let (moved, gone) = (("rescheduled", "client"), ("cancelled", "member"));
    assert_eq!(test.told("alan").await, told(&[refunded, gone, ("confirmed", "platform")]));
    assert_eq!(test.told("ada").await, told(&[refunded, gone, moved, ("confirmed", "platform")]));
    assert_eq!(test.told("ines").await, told(&[refunded, moved, ("confirmed", "platform")]));
    // Neither somebody who has nothing to do with it nor an administrator.
    for subject in ["grace", "margaret"] {
        assert_eq!(test.told(subject).await, [], "{subject}");
    }
    let list = test.notifications("alan").await;
    let cancelled = list.iter().find(|one| one["change"] == "cancelled").expect("a notification");
    assert!(!json!(list).to_string().contains("private words"));
    assert_eq!(cancelled["final_charge"], json!({ "amount": 0, "currency": "EUR" }));
    assert_eq!(cancelled["appointment_id"], appointment.as_str());
    assert_eq!(cancelled["expert_id"], offer.expert.as_str());
    assert_eq!(cancelled["session"]["start"], "2027-01-08T12:00:00Z");
}

#[tokio::test]
async fn member_who_is_the_client_is_told_as_the_client_only() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    test.join(&offer.expert, "ada", "alan", "manager").await;
    let unpaid = id(&test.book(&offer, "2027-01-08T10:00:00Z", "k").await.expect(201));
    test.advance(700);
    test.sweep().await;
    assert_eq!(test.appointment(&unpaid).await["status"], "expired");
    assert_eq!(test.told("alan").await, told(&[("expired", "platform")]));
    assert_eq!(test.told("ada").await, [], "the expert never saw the hold");
}

#[tokio::test]
async fn later_change_of_the_same_kind_replaces_a_notification() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let appointment = id(&test.book(&offer, "2027-01-08T10:00:00Z", "k").await.expect(201));
    test.stack.run_until_idle().await;
    let mut read = Value::Null;
    for hour in 11..16 {
        test.advance(60);
        let to = json!({ "start": format!("2027-01-08T{hour}:00:00Z") });
        test.post_action("alan", &appointment, "reschedule", &to).await.expect(200);
        test.stack.run_until_idle().await;
        // The client fills no list: there is one notification about the last move, and it is unread again.
        let list = test.notifications("ada").await;
        assert_eq!(test.told("ada").await, told(&[("rescheduled", "client"), ("confirmed", "client")]));
        assert_eq!((&list[0]["to"]["start"], &list[0]["read"]), (&to["start"], &json!(false)));
        assert_ne!(list[0]["id"], read);
        read = list[0]["id"].clone();
        test.mark_read("ada", &read).await;
        assert_eq!(test.notifications("ada").await[0]["read"], true);
    }
}

#[tokio::test]
async fn notifications_are_read_up_to_one_of_them_and_kept_for_half_a_year() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    for hour in 10..15 {
        let start = format!("2027-01-08T{hour}:00:00Z");
        test.book(&offer, &start, &start).await.expect(201);
        test.stack.run_until_idle().await;
        test.advance(60);
    }
    let all = test.notifications("ada").await;
    let ids = |list: &[Value]| list.iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
    assert_eq!(all.len(), 5);
    // In pages.
    let first = test.notifications_with("ada", "?limit=3").await;
    let rest = format!("?limit=3&cursor={}", first["next_cursor"].as_str().expect("a cursor"));
    let rest = test.notifications_with("ada", &rest).await;
    let pages = [first, rest.clone()].map(|page| page["notifications"].as_array().expect("a list").clone());
    assert_eq!((pages.concat(), rest.get("next_cursor")), (all.clone(), None));

    test.mark_read("ada", &all[2]["id"]).await;
    let now = test.notifications("ada").await;
    let read: Vec<bool> = now.iter().map(|one| one["read"] == true).collect();
    assert_eq!(read, [false, false, true, true, true]);
    // An older mark changes nothing.
    test.mark_read("ada", &all[4]["id"]).await;
    let unread = test.notifications_with("ada", "?unread=true").await;
    assert_eq!(ids(unread["notifications"].as_array().expect("a list")), ids(&all[..2]));
    // Notifications that are delivered later stay unread, whatever the id says.
    test.mark_read("ada", &json!("ntf_7zzzzzzzzzzzzzzzzzzzzzzzzz")).await;
    assert_eq!(test.notifications_with("ada", "?unread=true").await["notifications"], json!([]));
    test.advance(60);
    test.book(&offer, "2027-01-08T15:00:00Z", "last").await.expect(201);
    test.stack.run_until_idle().await;
    assert_eq!(test.notifications_with("ada", "?unread=true").await["notifications"][0]["read"], false);

    test.advance(181 * DAY);
    assert_eq!(test.notifications("ada").await, Vec::<Value>::new());
}
