//! Receipts and credit notes: numbered without gaps, immutable, and visible only to the people concerned.

use app::AppError;
use domain::receipts::receipt::{DocumentCause, DocumentCauseKind, Receipt, ReceiptKind};
use domain::receipts::tax::Taxes;
use domain::{Currency, Money};
use serde_json::{Value, json};

use crate::harness::{Offer, TestApp, billing_details, free_hour, id, office_hours};

fn cause(kind: DocumentCauseKind, object: &str, amount: u64) -> DocumentCause {
    DocumentCause {
        kind,
        object: object.to_owned(),
        amount: Money::new(amount, Currency::EUR).expect("in range"),
        at: "2027-01-04T08:00:00Z".parse().expect("a time"),
    }
}

fn payment(object: &str) -> DocumentCause {
    cause(DocumentCauseKind::Payment, object, 8_000)
}

fn refund(payment: &str, object: &str, amount: u64) -> DocumentCause {
    cause(DocumentCauseKind::Refund { payment: payment.to_owned() }, object, amount)
}

async fn try_issue(test: &TestApp, appointment: &str, cause: &DocumentCause) -> Result<Receipt, AppError> {
    let app = &test.stack.app;
    let appointment = app.store.appointment(appointment.parse().expect("an id")).await;
    let appointment = appointment.expect("readable").expect("an appointment");
    app::receipts::receipt::issue(app, &app::identity::Actor::Platform, &appointment, cause).await
}

async fn issue(test: &TestApp, appointment: &str, cause: &DocumentCause) -> Receipt {
    try_issue(test, appointment, cause).await.expect("issued")
}

/// Ada's session type and Alan's appointment.
async fn booked(test: &TestApp) -> (Offer, String) {
    let offer = test.offer(&free_hour()).await;
    let appointment = id(&test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201));
    (offer, appointment)
}

async fn replace_billing(test: &TestApp, expert: &str, tag: &str, details: &Value) -> Value {
    let path = format!("/v1/experts/{expert}/billing");
    test.put(&path).signed_in_as("ada").header("If-Match", tag).json(details).send().await.expect(200)
}

#[tokio::test]
async fn billing_details_are_replaced_only_on_the_version_that_was_read() {
    let test = TestApp::new().await;
    let profile = test.put("/v1/experts/exp_00000000000000000000000000/billing").signed_in_as("ada");
    let foreign = profile.header("If-Match", "\"0\"").json(&billing_details()).send().await;
    assert_eq!(foreign.problem(403), "forbidden");
    let expert = test.expert(&office_hours()).await;
    let path = format!("/v1/experts/{expert}/billing");
    let read = || test.get(&path).signed_in_as("ada").send();
    assert_eq!(read().await.problem(404), "not-found");
    assert_eq!(replace_billing(&test, &expert, "\"0\"", &billing_details()).await, billing_details());
    assert_eq!(read().await.etag(), "\"1\"");
    assert_eq!(read().await.expect(200), billing_details());
    let replace = |tag: &str, details: &Value| {
        test.put(&path).signed_in_as("ada").header("If-Match", tag).json(details).send()
    };
    assert_eq!(replace("\"0\"", &billing_details()).await.problem(412), "version-mismatch");
    let without = test.put(&path).signed_in_as("ada").json(&billing_details()).send().await;
    assert_eq!(without.problem(428), "version-required");
    for (pointer, wrong, field) in [
        ("/country", json!("GBR"), "/country"),
        ("/address", json!([]), "/address"),
        ("/address/1", json!("x".repeat(121)), "/address/1"),
        ("/tax/rate", json!(10_001), "/tax/rate"),
        ("/legal_name", json!("\u{202e}adA"), "/legal_name"),
    ] {
        let mut details = billing_details();
        *details.pointer_mut(pointer).expect("it exists") = wrong;
        let response = replace("\"1\"", &details).await;
        assert_eq!((response.problem(422), response.places()), ("invalid", vec![field]));
    }
    let short = json!({ "legal_name": "Ada", "address": ["Somewhere"], "country": "GB" });
    let replaced = replace("\"1\"", &short).await.expect(200);
    assert_eq!((&replaced["legal_name"], &replaced["tax"]), (&json!("Ada"), &Value::Null));
}

#[tokio::test]
async fn each_payment_and_refund_has_one_document() {
    let test = TestApp::new().await;
    let (offer, appointment) = booked(&test).await;
    replace_billing(&test, &offer.expert, "\"0\"", &billing_details()).await;
    let early = try_issue(&test, &appointment, &refund("pi_1", "re_1", 8_000)).await;
    assert!(matches!(early, Err(AppError::NotFound(_))), "{early:?}");

    let receipt = issue(&test, &appointment, &payment("pi_1")).await;
    test.advance(60);
    assert_eq!(
        issue(&test, &appointment, &payment("pi_1")).await,
        receipt,
        "a repeated issue returns the same receipt"
    );
    // New billing details apply to later receipts; a credit note has the tax of its receipt.
    let other = json!({ "legal_name": "Ada King", "address": ["Elsewhere"], "country": "GB", "tax": { "label": "VAT", "rate": 500 } });
    replace_billing(&test, &offer.expert, "\"1\"", &other).await;
    let back = issue(&test, &appointment, &refund("pi_1", "re_1", 3_000)).await;
    let failed = issue(&test, &appointment, &cause(DocumentCauseKind::FailedRefund, "re_1", 3_000)).await;
    assert_eq!(back.kind, ReceiptKind::CreditNote { of: receipt.number });
    assert_eq!(failed.kind, ReceiptKind::Correction { of: back.number });

    let list = format!("/v1/appointments/{appointment}/receipts");
    for person in ["ada", "alan"] {
        let listed = test.get(&list).signed_in_as(person).send().await.expect(200);
        let listed: Vec<&Value> = listed["receipts"].as_array().expect("a list").iter().collect();
        let column = |name: &str| listed.iter().map(|document| document[name].clone()).collect::<Vec<_>>();
        assert_eq!(column("number"), ["2027-000001", "2027-000002", "2027-000003"]);
        assert_eq!(column("kind"), ["receipt", "credit_note", "correction"]);
        assert_eq!(column("of"), [Value::Null, json!("2027-000001"), json!("2027-000002")]);
        let first = listed[0];
        assert_eq!(first["issuer"]["name"], "Ada Lovelace Ltd");
        assert_eq!(first["issuer"]["country"], "GB");
        assert_eq!(first["recipient"], json!({ "name": "Alan", "email": "alan@example.org" }));
        assert_eq!(first["service"]["time_zone"], "Europe/Berlin");
        assert_eq!(first["total"], json!({ "amount": 8_000, "currency": "EUR" }));
        assert_eq!(
            (&first["net"]["amount"], &first["taxes"][0]["amount"]["amount"]),
            (&json!(6_667), &json!(1_333))
        );
        assert_eq!(first["payment_reference"], "pi_1");
        assert_eq!(listed[1]["issuer"]["name"], "Ada King");
        assert_eq!(
            (&listed[1]["taxes"][0]["rate"], &listed[1]["taxes"][0]["amount"]["amount"]),
            (&json!("20"), &json!(500))
        );
        assert_eq!(listed[2]["taxes"], listed[1]["taxes"]);
        let path = format!("/v1/receipts/{}", first["id"].as_str().expect("an id"));
        assert_eq!(&test.get(&path).signed_in_as(person).send().await.expect(200), first);
    }
}

#[tokio::test]
async fn receipt_without_billing_details_has_no_tax() {
    let test = TestApp::new().await;
    let (_, appointment) = booked(&test).await;
    let receipt = issue(&test, &appointment, &payment("pi_1")).await;
    assert_eq!((receipt.issuer.name.as_str(), receipt.issuer.address), ("Ada Lovelace", None));
    assert_eq!((receipt.taxes, receipt.issuer.time_zone.name()), (Taxes::NotStated, "Europe/London"));
    let back = issue(&test, &appointment, &refund("pi_1", "re_1", 8_000)).await;
    assert_eq!(back.taxes, Taxes::NotStated);
}

#[tokio::test]
async fn receipt_numbers_restart_with_the_issuers_year() {
    let test = TestApp::new().await;
    let mut rules = office_hours();
    rules["time_zone"] = json!("Pacific/Auckland");
    let expert = test.expert(&rules).await;
    let session_type = test.session_type(&expert, &free_hour()).await;
    let offer = Offer { expert, session_type };
    let appointment = id(&test.book(&offer, "2027-01-04T22:00:00Z", "k").await.expect(201));
    let number = async |object: &str| issue(&test, &appointment, &payment(object)).await.number.to_string();
    assert_eq!(number("pi_1").await, "2027-000001");
    // An hour before the year ends in UTC, the new year has begun in Auckland.
    let until: domain::Timestamp = "2027-12-31T23:00:00Z".parse().expect("a time");
    test.advance(until.seconds() - test.clock.now());
    assert_eq!(number("pi_2").await, "2028-000001");
    assert_eq!(number("pi_1").await, "2027-000001");
    test.advance(86_400);
    assert_eq!(number("pi_3").await, "2028-000002");
}

#[tokio::test]
async fn issuer_lists_the_receipts_of_a_year_by_page() {
    let test = TestApp::new().await;
    let (offer, appointment) = booked(&test).await;
    for number in 1..=7 {
        issue(&test, &appointment, &payment(&format!("pi_{number}"))).await;
    }
    let path = format!("/v1/experts/{}/receipts", offer.expert);
    let page = |query: String| {
        let ask = test.get(&format!("{path}?{query}")).signed_in_as("ada");
        async move { ask.send().await }
    };
    let (mut after, mut numbers) = (String::new(), Vec::new());
    loop {
        let listed = page(format!("year=2027&limit=3{after}")).await.expect(200);
        let receipts = listed["receipts"].as_array().expect("a list");
        assert!(receipts.len() <= 3);
        numbers.extend(receipts.iter().map(|receipt| receipt["number"].as_str().expect("text").to_owned()));
        match listed["next_cursor"].as_str() {
            Some(next) => after = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(numbers, (1..=7).map(|number| format!("2027-{number:06}")).collect::<Vec<_>>());
    assert_eq!(page("year=2026".to_owned()).await.expect(200), json!({ "receipts": [], "truncated": false }));
    for query in [
        "",
        "year=x",
        "year=1969",
        "year=10000",
        "year=2027&limit=0",
        "year=2027&limit=101",
        "year=2027&cursor=-1",
    ] {
        assert_eq!(page(query.to_owned()).await.problem(422), "invalid", "{query}");
    }
}

#[tokio::test]
async fn receipt_is_available_as_json_html_and_pdf() {
    let test = TestApp::new().await;
    let (offer, appointment) = booked(&test).await;
    let mut details = billing_details();
    details["legal_name"] = json!("<script>alert(1)</script>");
    replace_billing(&test, &offer.expert, "\"0\"", &details).await;
    let receipt = issue(&test, &appointment, &payment("pi_1")).await;
    let path = format!("/v1/receipts/{}", receipt.id);
    let ask = |accept: &str| test.get(&path).signed_in_as("alan").header("Accept", accept);

    for accept in ["*/*", "application/json", "image/png, application/json;q=0.1"] {
        let data = ask(accept).send().await;
        assert_eq!(data.headers["cache-control"], "private, max-age=3600");
        assert_eq!(data.headers["vary"], "Accept, Authorization");
        assert_eq!(data.expect(200)["number"], "2027-000001", "{accept}");
    }
    let (headers, page) = ask("text/html,application/xhtml+xml,*/*;q=0.8").send_for_file().await;
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(headers["content-security-policy"], receipts::CONTENT_SECURITY_POLICY);
    assert_eq!(headers["cache-control"], "private, max-age=3600");
    let page = String::from_utf8(page).expect("text");
    assert!(page.contains("Receipt 2027-000001") && page.contains("&lt;script&gt;alert(1)"), "{page}");
    assert!(!page.contains("<script"), "{page}");

    let (headers, pdf) = ask("application/pdf").send_for_file().await;
    assert_eq!(headers["content-type"], "application/pdf");
    assert_eq!(headers["content-disposition"], "attachment; filename=\"receipt-2027-000001.pdf\"");
    assert_eq!(pdf, receipts::pdf(&receipt).expect("a document"), "the PDF is complete");

    assert_eq!(ask("image/png").send().await.problem(406), "not-acceptable");
    let back = issue(&test, &appointment, &refund("pi_1", "re_1", 8_000)).await;
    let path = format!("/v1/receipts/{}", back.id);
    let (headers, _) =
        test.get(&path).signed_in_as("ada").header("Accept", "application/pdf").send_for_file().await;
    assert_eq!(headers["content-disposition"], "attachment; filename=\"credit-note-2027-000002.pdf\"");
}

#[tokio::test]
async fn receipt_is_visible_to_its_expert_its_client_and_administrators() {
    let test = TestApp::new().await;
    let (offer, appointment) = booked(&test).await;
    let receipt = issue(&test, &appointment, &payment("pi_1")).await;
    let path = format!("/v1/receipts/{}", receipt.id);
    for person in ["ada", "alan", "margaret"] {
        test.get(&path).signed_in_as(person).send().await.expect(200);
    }
    for accept in ["application/json", "text/html", "application/pdf"] {
        for stranger in ["grace", "katherine"] {
            let response = test.get(&path).signed_in_as(stranger).header("Accept", accept).send().await;
            assert_eq!(response.problem(404), "not-found");
        }
    }
    let unknown = "/v1/receipts/rcp_00000000000000000000000000";
    assert_eq!(test.get(unknown).signed_in_as("margaret").send().await.problem(404), "not-found");
    for stranger in ["grace", "alan", "margaret"] {
        for path in ["billing", "receipts?year=2027"] {
            let path = format!("/v1/experts/{}/{path}", offer.expert);
            assert_eq!(test.get(&path).signed_in_as(stranger).send().await.problem(403), "forbidden");
        }
    }
}
