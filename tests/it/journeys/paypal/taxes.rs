//! An expert whose taxes Stripe calculates is paid by PayPal.

use serde_json::json;

use super::{Market, SOON};
use crate::harness::{billing_details, paid_hour};

#[tokio::test]
async fn the_receipt_says_why_it_has_no_tax() {
    let market = Market::new(&paid_hour()).await;
    let (world, expert) = (&market.world, &market.offer.expert);
    let account = world.onboard(expert).await;
    world.stripe().set_up_tax(&account, true, &["DE"]).expect("it is there");
    let mut details = billing_details();
    details["tax"] = json!({ "calculated_by": "stripe" });
    let put = world.put(&format!("/v1/experts/{expert}/billing")).person("ada").header("If-Match", "\"0\"");
    put.json(&details).send().await.expect(200);
    let appointment = market.paid(SOON).await;
    world.act("ada", &appointment, "cancel", &json!(null)).await.expect(200);
    world.stack.settle().await;
    let path = format!("/v1/appointments/{appointment}/receipts");
    let list = world.get(&path).person("alan").send().await.expect(200);
    let documents = list["receipts"].as_array().expect("a list");
    assert_eq!(documents.len(), 2, "{list:#}");
    for document in documents {
        assert_eq!((&document["taxes"], &document["no_tax_because"]), (&json!([]), &json!("other_gateway")));
    }
    assert!(world.stripe().tax_entries(&account).is_empty());
}
