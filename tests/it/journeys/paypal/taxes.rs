//! Payments through PayPal to an expert whose taxes Stripe calculates.

use serde_json::json;

use super::{PayPalTest, SOON};
use crate::harness::{billing_details, paid_hour};

#[tokio::test]
async fn receipt_states_why_it_has_no_tax() {
    let paypal = PayPalTest::new(&paid_hour()).await;
    let (test, expert) = (&paypal.test, &paypal.offer.expert);
    let account = test.onboard(expert).await;
    test.stripe().set_up_tax(&account, true, &["DE"]).expect("it exists");
    let mut details = billing_details();
    details["tax"] = json!({ "calculated_by": "stripe" });
    let put =
        test.put(&format!("/v1/experts/{expert}/billing")).signed_in_as("ada").header("If-Match", "\"0\"");
    put.json(&details).send().await.expect(200);
    let appointment = paypal.book_and_pay(SOON).await;
    test.post_action("ada", &appointment, "cancel", &json!(null)).await.expect(200);
    test.stack.run_until_idle().await;
    let path = format!("/v1/appointments/{appointment}/receipts");
    let list = test.get(&path).signed_in_as("alan").send().await.expect(200);
    let documents = list["receipts"].as_array().expect("a list");
    assert_eq!(documents.len(), 2, "{list:#}");
    for document in documents {
        assert_eq!((&document["taxes"], &document["no_tax_reason"]), (&json!([]), &json!("other_gateway")));
    }
    assert!(test.stripe().tax_entries(&account).is_empty());
}
