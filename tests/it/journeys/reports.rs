//! Reports from the ledger: earnings, commission, and the ledger itself.

use serde_json::{Value, json};
use simulators::stripe::PayoutOutcome;

use crate::harness::{Offer, TestApp, office_hours, paid_hour};

const AT: &str = "2027-01-05T10:00:00Z";

/// A payment of 80 euros of which half was refunded.
async fn half_given_back(test: &TestApp) -> Offer {
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_pay(&offer, AT, "k").await;
    let amount = json!({ "amount": { "amount": 4_000, "currency": "EUR" } });
    let path = format!("/v1/appointments/{appointment}/refunds");
    test.post(&path).signed_in_as("ada").idempotency_key("r").json(&amount).send().await.expect(201);
    test.stack.run_until_idle().await;
    offer
}

fn earnings_path(offer: &Offer, from: &str, to: &str) -> String {
    format!("/v1/experts/{}/earnings?from={from}&to={to}", offer.expert)
}

/// The amounts of the only currency, as decimals.
fn figures<const N: usize>(row: &Value, names: [&str; N]) -> [String; N] {
    names.map(|name| row[name]["decimal"].as_str().unwrap_or_else(|| panic!("{name}: {row:#}")).to_owned())
}

const EARNINGS: [&str; 10] = [
    "opening_balance",
    "gross_paid",
    "refunded",
    "disputed",
    "platform_fee",
    "processing_fees",
    "carried_by_platform",
    "net_earned",
    "paid_out",
    "closing_balance",
];

#[tokio::test]
async fn expert_reads_earnings_and_balance() {
    let test = TestApp::new().await;
    let offer = half_given_back(&test).await;
    let report = test
        .get(&earnings_path(&offer, "2027-01-04", "2027-01-04"))
        .signed_in_as("ada")
        .send()
        .await
        .expect(200);
    assert_eq!(report["time_zone"], "Europe/London");
    let [row] = report["earnings"].as_array().expect("rows").as_slice() else { panic!("{report:#}") };
    assert_eq!(row["net_earned"], json!({ "amount": 3_600, "currency": "EUR", "decimal": "36.00" }));
    let expected = ["0.00", "80.00", "40.00", "0.00", "4.00", "0.00", "0.00", "36.00", "0.00", "36.00"];
    assert_eq!(figures(row, EARNINGS), expected.map(str::to_owned));

    test.advance(86_400);
    let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
    let account = test.get(&path).signed_in_as("ada").send().await.expect(200);
    let account = account["account"].as_str().expect("an account");
    test.stripe().pay_out(account, Some(1_000), None, PayoutOutcome::Paid).expect("there is enough");
    test.stack.run_until_idle().await;
    let (headers, sheet) = test
        .get(&format!("{}&format=csv", earnings_path(&offer, "2027-01-05", "2027-01-06")))
        .signed_in_as("ada")
        .send_for_file()
        .await;
    assert_eq!(headers["content-type"], "text/csv; charset=utf-8; header=present");
    let name = "attachment; filename=\"earnings-2027-01-05-2027-01-06.csv\"";
    assert_eq!(headers["content-disposition"], name);
    let lines = "from,to,time_zone,currency,opening_balance,gross_paid,refunded,disputed,refund_processing_costs,platform_fee,processing_fees,carried_by_platform,\
                 net_earned,paid_out,closing_balance\r\n\
                 2027-01-05,2027-01-06,Europe/London,EUR,36.00,0.00,0.00,0.00,0.00,0.00,0.00,0.00,0.00,10.00,26.00\r\n";
    assert_eq!(String::from_utf8(sheet).expect("UTF-8"), lines);
    // The report of a past day does not change.
    let again = test
        .get(&earnings_path(&offer, "2027-01-04", "2027-01-04"))
        .signed_in_as("ada")
        .send()
        .await
        .expect(200);
    assert_eq!(again, report);
}

#[tokio::test]
async fn report_days_are_in_the_experts_time_zone() {
    let test = TestApp::new().await;
    let mut hours = office_hours();
    hours["time_zone"] = json!("Pacific/Auckland");
    let expert = test.expert(&hours).await;
    let session_type = test.session_type(&expert, &paid_hour()).await;
    test.onboard(&expert).await;
    let offer = Offer { expert, session_type };
    // Noon in UTC is 01:00 of the next day in Auckland.
    test.advance(4 * 3_600);
    test.book_and_pay(&offer, "2027-01-05T22:00:00Z", "k").await;
    let read = async |day: &str| {
        let path = earnings_path(&offer, day, day);
        let report = test.get(&path).signed_in_as("ada").send().await.expect(200);
        report["earnings"].as_array().expect("rows").len()
    };
    assert_eq!((read("2027-01-04").await, read("2027-01-05").await), (0, 1));
    // Before any availability rules are published, days are in UTC.
    let path = format!("/v1/experts/{}/earnings?from=2027-01-04&to=2027-01-04", grace(&test).await);
    assert_eq!(test.get(&path).signed_in_as("grace").send().await.expect(200)["time_zone"], "UTC");
}

/// Grace with only a profile.
async fn grace(test: &TestApp) -> String {
    let profile = json!({ "name": "Grace Hopper", "headline": "Compilers" });
    let expert = test
        .post("/v1/experts")
        .signed_in_as("grace")
        .idempotency_key("p")
        .json(&profile)
        .send()
        .await
        .expect(201);
    expert["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn administrator_reads_the_commission() {
    let test = TestApp::new().await;
    let offer = half_given_back(&test).await;
    let path = "/v1/commission?from=2027-01-01&to=2027-01-31";
    let report = test.get(path).signed_in_as("margaret").send().await.expect(200);
    let names = [
        "platform_fee",
        "platform_fee_refunded",
        "processing_fees",
        "dispute_fees",
        "net",
        "passing_through",
    ];
    let expected = ["8.00", "4.00", "1.45", "0.00", "2.55", "0.00"].map(str::to_owned);
    assert_eq!(figures(&report["total"][0], names), expected);
    assert_eq!(figures(&report["experts"][0], names), expected);
    assert_eq!(report["experts"][0]["expert_id"], offer.expert.as_str());
    let (headers, sheet) =
        test.get(path).signed_in_as("margaret").header("Accept", "text/csv").send_for_file().await;
    assert!(
        headers["content-disposition"].to_str().expect("text").contains("commission-2027-01-01-2027-01-31")
    );
    let row = format!("2027-01-01,2027-01-31,{},EUR,8.00,4.00,0.00,1.45,0.00,2.55,0.00\r\n", offer.expert);
    let sheet = String::from_utf8(sheet).expect("UTF-8");
    assert_eq!(sheet.split_once("\r\n").map(|(_, rows)| rows), Some(row.as_str()));
    for stranger in ["ada", "alan"] {
        assert_eq!(test.get(path).signed_in_as(stranger).send().await.problem(403), "forbidden");
    }
    // A loss is a negative number, and not a formula.
    test.advance(86_400);
    let intent = test.stripe().events();
    let charge = intent.iter().find(|event| event["type"] == "charge.succeeded").expect("it was paid");
    let charge = charge["data"]["object"]["id"].as_str().expect("an id");
    test.stripe().dispute(charge, Some(1_000), "fraudulent").expect("possible");
    test.stack.run_until_idle().await;
    let (_, sheet) = test
        .get("/v1/commission?from=2027-01-05&to=2027-01-05&format=csv")
        .signed_in_as("margaret")
        .send_for_file()
        .await;
    let sheet = String::from_utf8(sheet).expect("UTF-8");
    assert!(sheet.contains(",20.00,-2"), "{sheet}");
}

#[tokio::test]
async fn invalid_report_days_are_refused_with_a_reason() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    for (from, to) in [
        ("2027-01-04", "2027-01-03"),
        ("2027-01-04", "2028-01-05"),
        ("2027-02-30", "2027-03-01"),
        ("2027-1-4", "2027-01-04"),
        ("0001-01-01", "0001-01-01"),
        ("2027-01-04T00:00:00Z", "2027-01-04"),
        ("2027-01-04", "2027-01-04&format=pdf"),
        ("2027-01-04", "2027-01-04&format="),
        ("2027-01-04", "2027-01-04&more=1"),
    ] {
        let own = earnings_path(&offer, from, to);
        assert_eq!(test.get(&own).signed_in_as("ada").send().await.problem(422), "invalid", "{from} {to}");
        let all = format!("/v1/commission?from={from}&to={to}");
        assert_eq!(
            test.get(&all).signed_in_as("margaret").send().await.problem(422),
            "invalid",
            "{from} {to}"
        );
    }
    // A report can cover a whole leap year (2028), and the last representable days.
    for (from, to) in
        [("2028-01-01", "2028-12-31"), ("9999-12-31", "9999-12-31"), ("1970-01-01", "1970-01-01")]
    {
        test.get(&earnings_path(&offer, from, to)).signed_in_as("ada").send().await.expect(200);
        test.get(&format!("/v1/commission?from={from}&to={to}"))
            .signed_in_as("margaret")
            .send()
            .await
            .expect(200);
    }
    let path = earnings_path(&offer, "2027-01-04", "2027-01-04");
    let picky = test.get(&path).signed_in_as("ada").header("Accept", "application/pdf").send().await;
    assert_eq!(picky.problem(406), "not-acceptable");
}

#[tokio::test]
async fn expert_pages_through_the_ledger() {
    let test = TestApp::new().await;
    let offer = half_given_back(&test).await;
    let path = format!("/v1/experts/{}/ledger", offer.expert);
    let whole = test.get(&path).signed_in_as("ada").send().await.expect(200);
    let whole = whole["entries"].as_array().expect("entries");
    assert!(whole.len() >= 2, "{whole:#?}");
    let kinds: Vec<&Value> = whole
        .iter()
        .flat_map(|entry| entry["movements"].as_array().expect("a list"))
        .map(|one| &one["kind"])
        .collect();
    for kind in [
        "captured",
        "transfer",
        "platform_fee",
        "processing_fee",
        "refund",
        "reversal",
        "platform_fee_refund",
    ] {
        assert!(kinds.contains(&&json!(kind)), "{kind}: {kinds:?}");
    }
    for entry in whole {
        assert!(entry["appointment_id"].as_str().is_some_and(|id| id.starts_with("apt_")), "{entry:#}");
        for movement in entry["movements"].as_array().expect("a list") {
            assert!(movement["object"].as_str().is_some_and(|id| id.contains('_')), "{movement:#}");
            // A movement that the gateway makes on its own has no idempotency key.
            let ordered = ["captured", "transfer", "platform_fee", "refund"]
                .contains(&movement["kind"].as_str().expect("a word"));
            assert!(movement["idempotency_key"].is_string() || !ordered, "{movement:#}");
        }
    }
    let mut paged = Vec::new();
    let mut after = String::new();
    loop {
        let page = test.get(&format!("{path}?limit=1{after}")).signed_in_as("ada").send().await.expect(200);
        paged.extend(page["entries"].as_array().expect("entries").clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        after = format!("&cursor={next}");
    }
    assert_eq!(&paged, whole);
    let part =
        test.get(&format!("{path}?to=2027-01-04T08:00:00Z")).signed_in_as("ada").send().await.expect(200);
    assert_eq!(part["entries"], json!([]));
    for wrong in ["limit=0", "limit=101", "after=x", "after=%23", "after=000000000000.%23", "from=now", "x=1"]
    {
        assert_eq!(
            test.get(&format!("{path}?{wrong}")).signed_in_as("ada").send().await.problem(422),
            "invalid",
            "{wrong}"
        );
    }
    for stranger in ["grace", "margaret", "alan"] {
        assert_eq!(test.get(&path).signed_in_as(stranger).send().await.problem(403), "forbidden");
    }
}
