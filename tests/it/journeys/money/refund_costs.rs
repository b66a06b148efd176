//! What refunds cost the platform, who bears it, and the limits that bound it.

use domain::payments::ledger::Account;
use domain::payments::refund_costs::RefundBudgets;
use domain::scheduling::booking_limits::BookingLimits;
use serde_json::{Value, json};

use crate::harness::{GOOD_CARD, Offer, TestApp, free_hour, id, intent, paid_hour};

/// A stack with these budgets, as multiples of EUR 3.00. Stripe charges EUR 1.45 for EUR 80.00.
async fn with_budgets(per_client: u16, per_expert: u16) -> TestApp {
    TestApp::with(|config| config.settings.refund_budgets = RefundBudgets { per_client, per_expert }).await
}

/// Books and pays a session on a weekday of January, and returns the appointment and the quote of its cancellation by this person.
async fn paid(test: &TestApp, offer: &Offer, day: &str, who: &str) -> (String, Value) {
    let id = test.book_and_pay(offer, &format!("2027-01-{day}T10:00:00Z"), day).await;
    let path = format!("/v1/appointments/{id}/cancellation");
    let quote = test.get(&path).signed_in_as(who).send().await.expect(200);
    (id, quote)
}

fn amounts(quote: &Value) -> [u64; 3] {
    ["refund", "final_charge", "processing_cost"]
        .map(|name| quote[name]["amount"].as_u64().expect("an amount"))
}

/// What the platform has earned, in cents; negative if it has lost money.
async fn balance_of_platform(test: &TestApp) -> i64 {
    let path = "/v1/commission?from=2027-01-01&to=2027-12-31";
    let report = test.get(path).signed_in_as("margaret").send().await.expect(200);
    let sum = |name: &str| report["total"][0][name]["amount"].as_i64().expect("an amount");
    sum("net") + sum("passing_through")
}

async fn set_terms(test: &TestApp, offer: &Offer, version: u32, terms: Value) {
    let path = format!("/v1/experts/{}/terms", offer.expert);
    let set = test.put(&path).signed_in_as("margaret").header("If-Match", &format!("\"{version}\""));
    set.json(&terms).send().await.expect(200);
}

#[tokio::test]
async fn client_pays_for_the_processing_of_a_refund_beyond_the_budget() {
    for (per_client, per_expert) in [(1, 35), (35, 1)] {
        let test = with_budgets(per_client, per_expert).await;
        let offer = test.offer(&paid_hour()).await;
        for day in ["05", "06"] {
            let (id, quote) = paid(&test, &offer, day, "alan").await;
            assert_eq!(amounts(&quote), [8_000, 0, 0]);
            test.post_action("alan", &id, "cancel", &json!({ "expected_refund": quote["refund"] }))
                .await
                .expect(200);
            test.stack.run_until_idle().await;
        }
        assert_eq!(balance_of_platform(&test).await, -290);
        let (id, quote) = paid(&test, &offer, "07", "alan").await;
        assert_eq!(amounts(&quote), [7_855, 145, 145]);
        // A move does not change who pays. The quote of the move says so.
        let path = format!("/v1/appointments/{id}/reschedule?start=2027-01-08T10:00:00Z");
        let moved = test.get(&path).signed_in_as("alan").send().await.expect(200);
        assert_eq!(amounts(&moved["cancellation_now"]), [7_855, 145, 145]);
        assert_eq!(amounts(&moved["cancellation_after_move"]), [7_855, 145, 145]);
        // Nobody pays for the processing without having seen it.
        for unseen in [json!({ "expected_refund": { "amount": 8_000, "currency": "EUR" } }), json!({})] {
            let refused = test.post_action("alan", &id, "cancel", &unseen).await;
            assert_eq!(refused.problem(409), "quote-changed");
        }
        let expected = json!({ "expected_refund": quote["refund"] });
        test.post_action("alan", &id, "cancel", &expected).await.expect(200);
        test.post_action("alan", &id, "cancel", &expected).await.expect(200);
        test.stack.run_until_idle().await;
        let payment = test.appointment(&id).await["payment"].clone();
        assert_eq!(
            (&payment["refunded"]["amount"], &payment["state"]),
            (&json!(7_855), &json!("partially_refunded"))
        );
        // The platform has lost nothing more, and the expert has no share of it.
        assert_eq!(balance_of_platform(&test).await, -290);
        let path = format!("/v1/experts/{}/earnings?from=2027-01-01&to=2027-12-31", offer.expert);
        let earnings = test.get(&path).signed_in_as("ada").send().await.expect(200);
        let of_expert = |name: &str| earnings["earnings"][0][name]["amount"].clone();
        let names = ["refund_processing_costs", "carried_by_platform", "net_earned", "closing_balance"];
        assert_eq!(names.map(of_expert), [145, 0, 0, 0].map(|cents| json!(cents)));
        let path = "/v1/commission?from=2027-01-01&to=2027-12-31";
        let report = test.get(path).signed_in_as("margaret").send().await.expect(200);
        let of_platform = |name: &str| report["total"][0][name]["amount"].clone();
        let names = ["processing_fees", "refund_processing_costs", "net", "passing_through"];
        assert_eq!(names.map(of_platform), [435, 145, -290, 0].map(|cents| json!(cents)));
        assert_eq!(test.cents(&offer, [Account::ProcessingCosts]).await, [145]);
        // It is no revenue from the session: its document takes it off the receipt, as the credit note does with the refund.
        let path = format!("/v1/appointments/{id}/receipts");
        let listed = test.get(&path).signed_in_as("alan").send().await.expect(200);
        let mut documents: Vec<_> = listed["receipts"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| (one["kind"].clone(), one["total"]["amount"].clone()))
            .collect();
        documents.sort_by_key(|(kind, _)| kind.to_string());
        let expected = [("credit_note", 7_855), ("processing_cost", 145), ("receipt", 8_000)];
        assert_eq!(documents, expected.map(|(kind, cents)| (json!(kind), json!(cents))));
        // What the client paid for the processing is spent. The expert cannot give it back.
        let refund =
            test.post(&format!("/v1/appointments/{id}/refunds")).signed_in_as("ada").idempotency_key("r");
        let refund = refund.json(&json!({ "amount": { "amount": 145, "currency": "EUR" } }));
        assert_eq!(refund.send().await.problem(409), "payment-state");
        // The next month has another budget.
        test.advance(31 * 86_400);
        let next = test.book_and_pay(&offer, "2027-02-09T10:00:00Z", "next").await;
        let path = format!("/v1/appointments/{next}/cancellation");
        assert_eq!(amounts(&test.get(&path).signed_in_as("alan").send().await.expect(200)), [8_000, 0, 0]);
    }
}

#[tokio::test]
async fn quote_says_what_a_cancellation_costs_the_expert_and_whether_it_is_late() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    test.join(&offer.expert, "ada", "ines", "assistant").await;
    let owed = async || terms_and_debt(&test, &offer).await.1.unwrap_or(0);
    // It is Monday, 08:00.
    for (number, (day, who, owes, late)) in [
        ("04", "ada", Some(145), true),
        ("05", "ines", Some(145), false),
        ("05", "alan", None, false),
        ("04", "alan", None, true),
        ("04", "margaret", None, false),
    ]
    .into_iter()
    .enumerate()
    {
        let start = format!("2027-01-{day}T{}:00:00Z", 10 + number);
        let id = test.book_and_pay(&offer, &start, &start).await;
        let path = format!("/v1/appointments/{id}/cancellation");
        let quote = test.get(&path).signed_in_as(who).send().await.expect(200);
        assert_eq!(quote["expert_owes"]["amount"].as_u64(), owes, "{who} {day}: {quote:#}");
        assert_eq!(quote["counts_as_late"], late, "{who} {day}");
        let before = owed().await;
        test.post_action(who, &id, "cancel", &json!(null)).await.expect(200);
        assert_eq!(owed().await - before, owes.unwrap_or(0), "{who} {day}");
    }
    for (who, side) in [("ada", "as_expert"), ("alan", "as_client")] {
        let reliability = test.get("/v1/me/reliability").signed_in_as(who).send().await.expect(200);
        assert_eq!(reliability[side]["last_90_days"]["late_cancellations"], 1, "{who}");
    }
    // A move shortly before the start makes a later cancellation late.
    let id = test.book_and_pay(&offer, "2027-01-04T15:30:00Z", "moved").await;
    let path = format!("/v1/appointments/{id}/reschedule?start=2027-01-07T10:00:00Z");
    let quote = test.get(&path).signed_in_as("alan").send().await.expect(200);
    for when in ["cancellation_now", "cancellation_after_move"] {
        assert_eq!((&quote[when]["counts_as_late"], quote[when].get("expert_owes")), (&json!(true), None));
    }
}

#[tokio::test]
async fn expert_who_causes_refunds_gives_back_everything_and_is_paused_until_the_next_month() {
    let test = with_budgets(1, 1).await;
    let offer = test.offer(&paid_hour()).await;
    let free = Offer { session_type: test.session_type(&offer.expert, &free_hour()).await, ..offer.clone() };
    // By cancelling, by refunding and by cancelling again: EUR 4.35 in all.
    for (number, day) in ["05", "06", "07"].into_iter().enumerate() {
        let (id, quote) = paid(&test, &offer, day, "ada").await;
        assert_eq!(amounts(&quote), [8_000, 0, 0]);
        match number {
            1 => {
                let refund = test.post(&format!("/v1/appointments/{id}/refunds")).signed_in_as("ada");
                let amount = json!({ "amount": { "amount": 8_000, "currency": "EUR" } });
                refund.idempotency_key("r").json(&amount).send().await.expect(201);
            }
            _ => drop(test.post_action("ada", &id, "cancel", &json!(null)).await.expect(200)),
        }
        test.stack.run_until_idle().await;
        assert_eq!(test.appointment(&id).await["payment"]["state"], "refunded");
    }
    assert_eq!(balance_of_platform(&test).await, -435);
    let refused = test.book(&offer, "2027-01-08T10:00:00Z", "k").await;
    assert_eq!(refused.problem(409), "expert-paused");
    let wait = refused.body["retry_after"].as_i64().expect("seconds");
    test.book(&free, "2027-01-08T10:00:00Z", "free").await.expect(201);
    // An administrator can end the pause with a larger budget.
    set_terms(&test, &offer, 0, json!({ "basis_points": null, "refund_budget": 2 })).await;
    test.book(&offer, "2027-01-11T10:00:00Z", "k2").await.expect(201);
    set_terms(&test, &offer, 1, json!({ "basis_points": null })).await;
    assert_eq!(test.book(&offer, "2027-01-12T10:00:00Z", "k3").await.problem(409), "expert-paused");
    test.advance(wait);
    test.book(&offer, "2027-02-09T10:00:00Z", "k4").await.expect(201);
}

/// When an expert gets their share of new payments, and what they owe in cents.
async fn terms_and_debt(test: &TestApp, offer: &Offer) -> (String, Option<u64>) {
    let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
    let account = test.get(&path).signed_in_as("ada").send().await.expect(200);
    let timing = account["payout_timing"].as_str().expect("a timing").to_owned();
    (timing, account["owed"][0]["amount"].as_u64())
}

/// The numbers of docs/policies.md.
#[tokio::test]
async fn expert_repays_what_their_refunds_cost_with_the_next_payout() {
    let test = with_budgets(1, 35).await;
    let offer = test.offer(&paid_hour()).await;
    assert_eq!(terms_and_debt(&test, &offer).await, ("at_payment".to_owned(), None));
    let (cancelled, _) = paid(&test, &offer, "05", "ada").await;
    test.post_action("ada", &cancelled, "cancel", &json!(null)).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(terms_and_debt(&test, &offer).await, ("after_session".to_owned(), Some(145)));
    // There is a payout from which it can be withheld, although the platform pays experts at once.
    let (next, _) = paid(&test, &offer, "06", "alan").await;
    assert_eq!(test.cents(&offer, [Account::Expert]).await, [0]);
    test.advance_to("2027-01-07T11:02:00Z").await;
    assert_eq!(test.cents(&offer, [Account::Expert]).await, [7_055]);
    assert_eq!(terms_and_debt(&test, &offer).await, ("at_payment".to_owned(), None));
    assert_eq!(balance_of_platform(&test).await, 800 - 145);
    let path = format!("/v1/appointments/{next}");
    let payment =
        async |who: &str| test.get(&path).signed_in_as(who).send().await.expect(200)["payment"].clone();
    assert_eq!(payment("ada").await["withheld"], json!({ "amount": 145, "currency": "EUR" }));
    assert!(payment("alan").await.get("withheld").is_none(), "it does not concern the client");
    // Once the whole session is refunded, the expert owes the costs of both refunds.
    let refund = test.post(&format!("{path}/refunds")).signed_in_as("ada").idempotency_key("r");
    let everything = json!({ "amount": { "amount": 8_000, "currency": "EUR" } });
    refund.json(&everything).send().await.expect(201);
    test.stack.run_until_idle().await;
    assert_eq!(test.cents(&offer, [Account::Expert]).await, [0]);
    assert!(payment("ada").await.get("withheld").is_none());
    assert_eq!(terms_and_debt(&test, &offer).await, ("after_session".to_owned(), Some(290)));
    assert_eq!(balance_of_platform(&test).await, -290);
}

#[tokio::test]
async fn expert_who_owes_more_than_a_share_keeps_one_cent_of_it() {
    let test = with_budgets(1, 35).await;
    let offer = test.offer(&paid_hour()).await;
    let mut cheap = paid_hour();
    (cheap["name"], cheap["durations"][0]["price"]["amount"]) = (json!("Short call"), json!(300));
    let cheap = Offer { session_type: test.session_type(&offer.expert, &cheap).await, ..offer.clone() };
    for day in ["05", "06", "07"] {
        let (id, _) = paid(&test, &offer, day, "ada").await;
        test.post_action("ada", &id, "cancel", &json!(null)).await.expect(200);
        test.stack.run_until_idle().await;
    }
    assert_eq!(terms_and_debt(&test, &offer).await.1, Some(435));
    let (small, _) = paid(&test, &cheap, "08", "ada").await;
    test.advance_to("2027-01-09T11:02:00Z").await;
    assert_eq!(test.cents(&offer, [Account::Expert]).await, [1]);
    assert_eq!(test.appointment(&small).await["payment"]["state"], "paid");
    assert_eq!(terms_and_debt(&test, &offer).await, ("after_session".to_owned(), Some(435 - 269)));
}

#[tokio::test]
async fn expert_who_cancels_holds_while_clients_pay_is_paused() {
    let test = with_budgets(35, 1).await;
    let offer = test.offer(&paid_hour()).await;
    for day in ["05", "06", "07"] {
        let booked = test.book(&offer, &format!("2027-01-{day}T10:00:00Z"), day).await.expect(201);
        test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
        // Before the platform knows of the payment.
        test.post_action("ada", &id(&booked), "cancel", &json!(null)).await.expect(200);
        test.stack.run_until_idle().await;
        assert_eq!(test.appointment(&id(&booked)).await["payment"]["state"], "refunded");
    }
    assert_eq!(balance_of_platform(&test).await, -435);
    assert_eq!(test.book(&offer, "2027-01-08T10:00:00Z", "k").await.problem(409), "expert-paused");
}

#[tokio::test]
async fn client_who_cancels_holds_while_paying_uses_up_only_their_own_budget() {
    let test = with_budgets(1, 35).await;
    let offer = test.offer(&paid_hour()).await;
    for day in ["05", "06", "07", "08"] {
        let booked = test.book(&offer, &format!("2027-01-{day}T10:00:00Z"), day).await.expect(201);
        test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
        // Before the platform knows of the payment.
        test.post_action("alan", &id(&booked), "cancel", &json!(null)).await.expect(200);
        test.stack.run_until_idle().await;
        assert_eq!(test.appointment(&id(&booked)).await["payment"]["state"], "refunded");
    }
    assert_eq!(balance_of_platform(&test).await, -4 * 145);
    let costs = test.get("/v1/refund-costs?month=2027-01").signed_in_as("margaret").send().await.expect(200);
    let costs = costs["refund_costs"].as_array().expect("a list");
    let of = |name: &str| {
        let one = costs.iter().find(|one| one[name].is_string()).expect("counted");
        one["by_clients"]["amount"].as_u64().expect("an amount")
    };
    // The budget of EUR 3.00 covers two of them.
    assert_eq!((of("client_id"), of("expert_id")), (580, 290));
}

#[tokio::test]
async fn administrators_list_what_refunds_cost_in_a_month() {
    let test = with_budgets(1, 35).await;
    let offer = test.offer(&paid_hour()).await;
    for (day, who) in [("05", "alan"), ("06", "ada")] {
        let (id, _) = paid(&test, &offer, day, who).await;
        test.post_action(who, &id, "cancel", &json!(null)).await.expect(200);
        test.stack.run_until_idle().await;
    }
    let now = domain::Timestamp::from_seconds(test.clock.now());
    let month = domain::kernel::time::Month::of(now);
    let list = async |query: &str| {
        let path = format!("/v1/refund-costs?{query}");
        test.get(&path).signed_in_as("margaret").send().await
    };
    let cents = |amount: u64| json!({ "amount": amount, "currency": "EUR" });
    let first = list(&format!("month={month}&limit=1")).await.expect(200);
    assert_eq!(first["month"], json!(month.to_string()));
    assert_eq!(first["refund_costs"][0]["by_clients"], cents(145));
    assert!(first["refund_costs"][0]["client_id"].as_str().is_some_and(|id| id.starts_with("cli_")));
    assert!(first["refund_costs"][0].get("by_expert").is_none());
    let cursor = first["next_cursor"].as_str().expect("another page");
    let second = list(&format!("month={month}&limit=1&cursor={cursor}")).await.expect(200);
    let of_expert = json!({ "expert_id": offer.expert, "by_clients": cents(145), "by_expert": cents(145) });
    assert_eq!((&second["refund_costs"], second.get("next_cursor")), (&json!([of_expert]), None));
    // Another month has costs of its own.
    let later = list("month=2030-01").await.expect(200);
    assert_eq!(later["refund_costs"], json!([]));
    for (query, place) in
        [("month=2027-13", "month"), ("month=2027-01&cursor=client.x", "cursor"), ("", "month")]
    {
        let refused = list(query).await;
        assert_eq!(refused.problem(422), "invalid", "{query}");
        assert!(refused.body.to_string().contains(place), "{:#}", refused.body);
    }
}

#[tokio::test]
async fn administrator_who_cancels_uses_up_no_budget() {
    let test = with_budgets(1, 1).await;
    let offer = test.offer(&paid_hour()).await;
    for day in ["05", "06", "07", "08"] {
        let (id, quote) = paid(&test, &offer, day, "margaret").await;
        assert_eq!(amounts(&quote), [8_000, 0, 0]);
        test.post_action("margaret", &id, "cancel", &json!(null)).await.expect(200);
        test.stack.run_until_idle().await;
    }
    let (_, quote) = paid(&test, &offer, "11", "alan").await;
    assert_eq!(amounts(&quote), [8_000, 0, 0]);
}

#[tokio::test]
async fn administrator_who_lowers_a_charge_uses_up_no_budget() {
    let test = with_budgets(1, 1).await;
    let offer = test.offer(&paid_hour()).await;
    let nothing = json!({ "charge": { "amount": 0, "currency": "EUR" } });
    for day in ["05", "06", "07"] {
        let id = test.book_and_pay(&offer, &format!("2027-01-{day}T10:00:00Z"), day).await;
        test.advance_to(&format!("2027-01-{day}T11:00:00Z")).await;
        test.post_action("margaret", &id, "complete", &nothing).await.expect(200);
        test.stack.run_until_idle().await;
        // The second decision takes effect at once.
        test.post_action("ada", &id, "no-show/objection", &Value::Null).await.expect(200);
        test.post_action("margaret", &id, "complete", &nothing).await.expect(200);
        test.stack.run_until_idle().await;
        assert_eq!(test.appointment(&id).await["payment"]["state"], "refunded");
    }
    test.book(&offer, "2027-01-11T10:00:00Z", "k").await.expect(201);
}

#[tokio::test]
async fn new_expert_has_a_smaller_largest_price() {
    let test = TestApp::with(|config| config.settings.new_expert_price = 300).await;
    let offer = test.offer(&paid_hour()).await;
    let of = |amount: u64, capacity: u16| {
        let mut terms = paid_hour();
        terms["durations"][0]["price"]["amount"] = json!(amount);
        terms["capacity"] = json!(capacity);
        terms
    };
    let path = format!("/v1/experts/{}/session-types", offer.expert);
    let create = async |key: &str, terms: Value| {
        test.post(&path).signed_in_as("ada").idempotency_key(key).json(&terms).send().await
    };
    create("a", of(90_000, 1)).await.expect(201);
    let refused = create("b", of(90_001, 1)).await;
    assert_eq!(refused.problem(422), "invalid");
    assert_eq!(refused.places(), ["/durations/0/price/amount"]);
    assert!(refused.body.to_string().contains("must be at most EUR 900.00"), "{:#}", refused.body);
    // All seats of a booking count together.
    let created = create("c", of(30_001, 3)).await.expect(201);
    let course = Offer { session_type: crate::harness::id(&created), ..offer.clone() };
    let mut seats = TestApp::booking(&course, "2027-01-05T14:00:00Z");
    for (number, status) in [(3, 422), (2, 201)] {
        seats["seats"] = json!(number);
        let book = test.post("/v1/appointments").signed_in_as("alan").idempotency_key(&format!("s{number}"));
        let response = book.json(&seats).send().await;
        assert_eq!(response.status, status, "{:#}", response.body);
        if status == 422 {
            assert_eq!(response.places(), ["/seats"]);
        }
    }
    // An administrator allows larger prices, up to the largest one of all.
    set_terms(&test, &offer, 0, json!({ "basis_points": null, "established": true })).await;
    let created = create("d", of(900_000, 1)).await.expect(201);
    let large = Offer { session_type: crate::harness::id(&created), ..offer.clone() };
    let refused = create("e", of(900_001, 1)).await;
    assert_eq!(refused.places(), ["/durations/0/price/amount"]);
    assert!(refused.body.to_string().contains("from EUR 3.00 to EUR 9000.00"), "{:#}", refused.body);
    test.book(&large, "2027-01-05T10:00:00Z", "k").await.expect(201);
    set_terms(&test, &offer, 1, json!({ "basis_points": null })).await;
    let refused = test.book(&large, "2027-01-06T10:00:00Z", "k2").await;
    assert_eq!(refused.problem(409), "no-price");
    assert!(refused.body.to_string().contains("must be at most EUR 900.00"), "{:#}", refused.body);
}

#[tokio::test]
async fn one_client_books_one_expert_only_so_often_in_30_days() {
    let limits = BookingLimits { priced_bookings_per_expert: 2, ..BookingLimits::unlimited() };
    let test = TestApp::with(|config| config.settings.booking_limits = limits).await;
    let offer = test.offer(&paid_hour()).await;
    let free = Offer { session_type: test.session_type(&offer.expert, &free_hour()).await, ..offer.clone() };
    for day in ["05", "06"] {
        let (id, _) = paid(&test, &offer, day, "alan").await;
        test.post_action("alan", &id, "cancel", &json!(null)).await.expect(200);
        test.stack.run_until_idle().await;
        test.advance(3_600);
    }
    let refused = test.book(&offer, "2027-01-07T10:00:00Z", "k").await;
    assert_eq!(refused.problem(429), "too-many-priced-bookings");
    assert_eq!(
        (&refused.body["limit"], &refused.body["retry_after"]),
        (&json!(2), &json!(30 * 86_400 - 7_200))
    );
    test.book(&free, "2027-01-07T10:00:00Z", "free").await.expect(201);
    test.advance(30 * 86_400 - 7_201);
    assert_eq!(
        test.book(&offer, "2027-02-09T10:00:00Z", "k2").await.problem(429),
        "too-many-priced-bookings"
    );
    test.advance(1);
    test.book(&offer, "2027-02-09T10:00:00Z", "k3").await.expect(201);
}

#[tokio::test]
async fn cost_of_a_refund_is_the_same_while_a_dispute_is_open() {
    for (who, expected) in [("alan", [7_855, 145, 145]), ("ada", [8_000, 0, 0])] {
        let test = with_budgets(0, 35).await;
        let offer = test.offer(&paid_hour()).await;
        let (id, quote) = paid(&test, &offer, "05", who).await;
        assert_eq!(amounts(&quote), expected);
        let read = test.appointment(&id).await;
        let dispute = test.stripe().dispute(intent(&read), None, "fraudulent").expect("it can be disputed");
        test.stack.run_until_idle().await;
        // The bank has the money, and may return it.
        let path = format!("/v1/appointments/{id}/cancellation");
        let disputed = test.get(&path).signed_in_as(who).send().await.expect(200);
        assert_eq!(
            (amounts(&disputed), &disputed["expert_owes"]),
            (expected, &quote["expert_owes"]),
            "{who}"
        );
        let body = json!({ "expected_refund": quote["refund"] });
        test.post_action(who, &id, "cancel", &body).await.expect(200);
        test.stack.run_until_idle().await;
        let dispute = dispute["id"].as_str().expect("an id");
        test.stripe()
            .close_dispute(dispute, simulators::stripe::DisputeOutcome::Won)
            .expect("the bank decides");
        test.advance(3_600);
        test.stack.run_until_idle().await;
        assert_eq!(test.cents(&offer, [Account::Client]).await, [i128::from(expected[0]) - 8_000], "{who}");
    }
}

#[tokio::test]
async fn charge_that_is_lowered_before_it_is_captured_costs_what_its_commission_does_not_cover() {
    // The price and the reported charge in cents, and what the expert owes: the largest fee on the charge less its commission, beyond
    // what the price costs as well.
    for (price, charge, owes) in
        [(300, 50, Some(17)), (8_000, 50, Some(22)), (8_000, 4_000, None), (8_000, 0, None)]
    {
        let test = with_budgets(0, 35).await;
        let mut terms = super::authorized_hour();
        terms["durations"][0]["price"]["amount"] = json!(price);
        let offer = test.offer(&terms).await;
        let appointment = test.book_and_secure(&offer, "2027-01-05T10:00:00Z").await;
        test.advance_to("2027-01-05T11:30:00Z").await;
        let charge = json!({ "charge": { "amount": charge, "currency": "EUR" } });
        test.post_action("ada", &appointment, "complete", &charge).await.expect(200);
        assert_eq!(terms_and_debt(&test, &offer).await.1, owes, "{price} to {charge}");
    }
}
