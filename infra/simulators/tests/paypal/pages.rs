//! What people see and press.

use reqwest::Response;
use serde_json::json;

use crate::harness::{World, order, order_with_source, referral};

fn location(response: &Response) -> &str {
    assert_eq!(response.status(), 303);
    response.headers()["location"].to_str().unwrap()
}

#[tokio::test]
async fn a_payer_approves_on_the_page_and_is_sent_back() {
    let world = World::new().await;
    let seller = world.seller("expert-1").await;
    let key = [("paypal-request-id", "k")];
    let made = world.call("/v2/checkout/orders", order_with_source("CAPTURE", &seller), &key).await.is(200);
    let address = made.link("payer-action").to_owned();
    let page = world.http.get(&address).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("100.00 EUR") && page.contains("value=\"good\""), "{page}");
    assert!(page.contains("An &lt;hour&gt;") && !page.contains("<hour>"));
    let press = |payer: &str| world.http.post(&address).form(&[("payer", payer)]).send();
    let left = press("cancel").await.unwrap();
    assert_eq!(location(&left), format!("https://platform.example/left?token={}", made.id()));
    assert_eq!(press("nobody").await.unwrap().status(), 409);
    let back = press("good").await.unwrap();
    let expected = format!("https://platform.example/done?b=2&token={}&PayerID=GDPAYER222222", made.id());
    assert_eq!(location(&back), expected);
    let again = world.http.get(&address).send().await.unwrap();
    assert_eq!(location(&again), expected, "who has approved is not asked again");
    world.post(&format!("/v2/checkout/orders/{}/capture", made.id()), json!({})).await.is(201);
    assert_eq!(world.http.get(&address).send().await.unwrap().status(), 404);
    assert_eq!(world.http.get(world.url("/checkoutnow?token=X")).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn without_a_way_back_the_page_says_approved() {
    let world = World::new().await;
    let seller = world.seller("expert-1").await;
    let made = world.post("/v2/checkout/orders", order("CAPTURE", &seller)).await.is(201);
    let done = world.http.post(made.link("approve")).form(&[("payer", "good")]).send().await.unwrap();
    assert!(done.text().await.unwrap().contains("<h1>Approved</h1>"));
    let url = world.url(&format!("/_simulator/approve/{}", made.id()));
    let asked = world.http.post(&url).body("{\"payer\":\"good\"}").send().await.unwrap();
    assert_eq!(crate::harness::read(asked).await.is(200).text("/status"), "APPROVED");
    let payers = world.http.get(world.url("/_simulator/payers")).send().await.unwrap();
    assert_eq!(crate::harness::read(payers).await.text("/0/name"), "good");
}

#[tokio::test]
async fn a_seller_agrees_on_the_page_and_is_sent_back() {
    let world = World::new().await;
    let made = world.post("/v2/customer/partner-referrals", referral("expert-<1>")).await.is(201);
    let address = made.link("action_url");
    let page = world.http.get(address).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("expert-&lt;1&gt;") && page.contains("PARTNER_FEE"));
    let press = |outcome: &str| world.http.post(address).form(&[("outcome", outcome)]).send();
    let left = press("incomplete").await.unwrap();
    assert!(location(&left).contains("permissionsGranted=false"));
    let back = press("complete").await.unwrap();
    let back = location(&back);
    assert!(back.starts_with("https://platform.example/paypal?a=1&merchantId=expert-%3C1%3E&"), "{back}");
    let merchant = world.paypal.events()[0]["resource"]["merchant_id"].as_str().unwrap().to_owned();
    assert!(back.contains(&format!("merchantIdInPayPal={merchant}&permissionsGranted=true")), "{back}");
    let wrong = world.url("/bizsignup/partner/entry?referralToken=guess");
    assert_eq!(world.http.get(&wrong).send().await.unwrap().status(), 404);
    assert_eq!(world.http.post(&wrong).form(&[("outcome", "complete")]).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn the_books_show_everything_and_escape_it() {
    let world = World::new().await;
    let (capture, seller) = world.captured("good").await;
    let body = json!({ "note_to_payer": "<script>", "amount": crate::harness::eur("1.00") });
    world.post_for(&seller, &format!("/v2/payments/captures/{capture}/refund"), body).await.is(201);
    world.paypal.dispute(&capture, simulators::paypal::DisputeReason::Unauthorized, None).unwrap();
    world.post("/v2/checkout/orders", order("AUTHORIZE", &seller)).await.is(201);
    world.authorized("good").await;
    let response = world.http.get(world.url("/")).send().await.unwrap();
    assert!(response.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    let page = response.text().await.unwrap();
    for shown in [
        capture.as_str(),
        &seller,
        "-99.00 EUR",
        "PAYMENT.CAPTURE.REFUNDED",
        "UNAUTHORIZED",
        "&lt;script&gt;",
        "/checkoutnow?token=",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(!page.contains("<script>"));
}
