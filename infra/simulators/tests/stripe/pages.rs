//! What people see and press.

use reqwest::Response;

use crate::harness::World;

async fn pay(world: &World, address: &str, number: &str) -> Response {
    world.http.post(address).form(&[("number", number)]).send().await.unwrap()
}

fn location(response: &Response) -> &str {
    assert_eq!(response.status(), 303);
    response.headers()["location"].to_str().unwrap()
}

async fn checkout(world: &World, query: &str) -> (String, String) {
    let form = "amount=5000&currency=eur&description=%3Cb%3ETalk%3C/b%3E";
    let intent = world.post("/v1/payment_intents", form).await.ok();
    let address =
        world.url(&format!("/pay/{}?client_secret={}{query}", intent.id(), intent.text("/client_secret")));
    (intent.id().to_owned(), address)
}

const RETURN: &str = "&return_url=https%3A%2F%2Fshop.example%2Fdone%3Fa%3D1";

#[tokio::test]
async fn a_client_pays_and_is_sent_back() {
    let world = World::new().await;
    let (id, address) = checkout(&world, RETURN).await;
    let page = world.http.get(&address).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("50.00 EUR") && page.contains("4242 4242 4242 4242"));
    assert!(page.contains("&lt;b&gt;Talk&lt;/b&gt;") && !page.contains("<b>Talk"));
    let declined = pay(&world, &address, "4000 0000 0000 9995").await;
    assert_eq!(declined.status(), 402);
    assert!(declined.text().await.unwrap().contains("Your card has insufficient funds."));
    let paid = pay(&world, &address, "4242 4242 4242 4242").await;
    let back = location(&paid);
    assert!(back.starts_with(&format!("https://shop.example/done?a=1&payment_intent={id}&")), "{back}");
    assert!(back.ends_with("redirect_status=succeeded"));
    let again = world.http.get(&address).send().await.unwrap();
    assert_eq!(location(&again), back, "who has paid is not asked again");
}

#[tokio::test]
async fn a_client_proves_who_they_are() {
    let world = World::new().await;
    let (id, address) = checkout(&world, RETURN).await;
    let asked = pay(&world, &address, "4000002500003155").await;
    let bank = location(&asked).to_owned();
    assert!(world.http.get(&bank).send().await.unwrap().text().await.unwrap().contains("Approve"));
    let failed = world.http.post(&bank).form(&[("answer", "fail")]).send().await.unwrap();
    assert!(location(&failed).ends_with("redirect_status=failed"));
    let asked = pay(&world, &address, "4000002500003155").await;
    let approved = world.http.post(location(&asked)).form(&[("answer", "approve")]).send().await.unwrap();
    assert!(location(&approved).ends_with("redirect_status=succeeded"));
    assert_eq!(world.stripe.object(&id).unwrap()["status"], "succeeded");
}

#[tokio::test]
async fn without_a_shop_the_page_says_paid() {
    let world = World::new().await;
    for query in ["", "&return_url=javascript%3Aalert(1)"] {
        let (_, address) = checkout(&world, query).await;
        let number = if query.is_empty() { "4242424242424242" } else { "4000002500003155" };
        let paid = pay(&world, &address, number).await;
        if query.is_empty() {
            assert!(paid.text().await.unwrap().contains("<h1>Paid</h1>"));
        } else {
            assert_eq!(paid.status(), 402, "an address that is not of the web is refused");
        }
    }
}

#[tokio::test]
async fn a_payments_page_needs_its_secret() {
    let world = World::new().await;
    let (id, _) = checkout(&world, "").await;
    for address in [
        format!("/pay/{id}"),
        format!("/pay/{id}?client_secret=guess"),
        "/pay/pi_none?client_secret=x".to_owned(),
    ] {
        assert_eq!(world.http.get(world.url(&address)).send().await.unwrap().status(), 404);
        assert_eq!(pay(&world, &world.url(&address), "4242424242424242").await.status(), 404);
    }
    assert_eq!(world.http.get(world.url(&format!("/3ds/{id}"))).send().await.unwrap().status(), 404);
    assert_eq!(world.balance("clients"), 0);
}

#[tokio::test]
async fn the_books_show_everything_and_escape_it() {
    let world = World::new().await;
    let (intent, expert) = world.destination_intent("&description=%3Cscript%3E").await;
    world.stripe.pay(&intent, "4242424242424242").unwrap();
    world
        .post("/v1/refunds", &format!("payment_intent={intent}&amount=100&reverse_transfer=true"))
        .await
        .ok();
    let response = world.http.get(world.url("/")).send().await.unwrap();
    assert!(response.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    let page = response.text().await.unwrap();
    for shown in
        [intent.as_str(), &expert, "89.00 EUR", "-99.00 EUR", "payment_intent.succeeded", "&lt;script&gt;"]
    {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(!page.contains("<script>"));
}
