//! Taxes on an expert's account: calculated from the client's location, and reported once.

use app::payments::ports::{CalculatedTax, GatewayError, TaxCalculation, TaxReversal, TaxService};
use domain::Money;
use domain::payments::ledger::MovementKind;
use domain::payments::payment::{Payment, Plan};
use domain::receipts::tax::NoTax;
use simulators::stripe::Faults;

use crate::fixture::{Fixture, VISA};

/// A card from Germany.
const GERMAN: &str = "4000002760000016";

/// An expert who is registered for tax in Germany and Iceland.
async fn registered() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.simulator.set_up_tax(&fixture.account, true, &["DE", "IS"]).expect("the account exists");
    fixture
}

/// A captured payment, and the id of its charge.
async fn charged(fixture: &Fixture, amount: u64, code: &str, card: &str) -> (Payment, String) {
    let payment = fixture.paid(Plan::Charge, amount, code, card).await;
    fixture.fetch_payment(&payment).await;
    let captured = fixture.movements().into_iter().find(|movement| movement.kind == MovementKind::Captured);
    (payment, captured.expect("captured").object)
}

fn service(fixture: &Fixture) -> &dyn TaxService {
    fixture.stripe.tax_service.as_deref().expect("Stripe calculates taxes")
}

async fn calculated(fixture: &Fixture, charge: &str, amount: Money) -> TaxCalculation {
    match service(fixture).calculate(&fixture.account, charge, amount).await.expect("calculated") {
        CalculatedTax::Done(calculation) => calculation,
        CalculatedTax::PlaceUnknown => panic!("the place is known"),
    }
}

fn refused<T: std::fmt::Debug>(done: Result<T, GatewayError>) -> String {
    match done {
        Err(GatewayError::Refused { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn missing_settings_are_reported() {
    let fixture = Fixture::new().await;
    let missing = async || service(&fixture).missing(&fixture.account).await;
    assert_eq!(missing().await, Ok(vec!["head_office".to_owned()]));
    fixture.simulator.set_up_tax(&fixture.account, true, &[]).expect("the account exists");
    assert_eq!(missing().await, Ok(Vec::new()));
    fixture.switch(|switches| switches.fail_before_acting = 1);
    assert!(matches!(missing().await, Err(GatewayError::Failed(_))));
    fixture.simulator.deauthorize(&fixture.account).expect("the account exists");
    assert_eq!(refused(missing().await), "account_invalid");
}

#[tokio::test]
async fn price_includes_the_tax_of_the_cards_country() {
    let fixture = registered().await;
    let (payment, charge) = charged(&fixture, 8_000, "EUR", GERMAN).await;
    let TaxCalculation { taxes, .. } = calculated(&fixture, &charge, payment.amount).await;
    let shown: Vec<_> = taxes.lines().iter().map(|line| (line.to_string(), line.amount.amount())).collect();
    assert_eq!(shown, [("VAT, Germany 19 %".to_owned(), 1_277)]);
    assert_eq!(taxes.net(payment.amount).amount(), 6_723);
    fixture.simulator.set_up_tax(&fixture.account, true, &["FR"]).expect("the account exists");
    let taxes = calculated(&fixture, &charge, payment.amount).await.taxes;
    assert_eq!(taxes.reason(), Some(NoTax::NotRegistered));
    fixture.simulator.set_up_tax(&fixture.account, false, &[]).expect("the account exists");
    let calculate = async || service(&fixture).calculate(&fixture.account, &charge, payment.amount).await;
    assert_eq!(refused(calculate().await), "stripe_tax_inactive");
    fixture.assert_ledger_agrees().await;
}

#[tokio::test]
async fn country_alone_may_not_determine_the_location() {
    let fixture = registered().await;
    let (payment, charge) = charged(&fixture, 8_000, "EUR", VISA).await;
    let calculated = service(&fixture).calculate(&fixture.account, &charge, payment.amount).await;
    assert_eq!(calculated, Ok(CalculatedTax::PlaceUnknown));
}

#[tokio::test]
async fn taxes_are_in_minor_units() {
    // Stripe uses hundredths of a króna, and calculates 239.50.
    for (code, amount, tax) in [("ISK", 1_500, 240), ("JPY", 1_005, 160), ("KWD", 3_130, 500)] {
        let fixture = registered().await;
        let (payment, charge) = charged(&fixture, amount, code, GERMAN).await;
        let taxes = calculated(&fixture, &charge, payment.amount).await.taxes;
        let lines: Vec<u64> = taxes.lines().iter().map(|line| line.amount.amount()).collect();
        assert_eq!(lines, [tax], "{code}");
        assert_eq!(taxes.net(payment.amount).amount(), amount - tax, "{code}");
        fixture.assert_ledger_agrees().await;
    }
}

#[tokio::test]
async fn entries_are_created_once_despite_faults() {
    for (fault, forget) in [
        (Faults { fail_after_acting: 1, ..Faults::default() }, false),
        (Faults { fail_before_acting: 1, ..Faults::default() }, false),
        (Faults { lose_responses: 1, ..Faults::default() }, false),
        (Faults { lose_responses: 1, ..Faults::default() }, true),
        (Faults { rate_limit: 1, ..Faults::default() }, false),
    ] {
        let fixture = registered().await;
        let (payment, charge) = charged(&fixture, 8_000, "EUR", GERMAN).await;
        let calculation = calculated(&fixture, &charge, payment.amount).await.id;
        let inject_fault = || fixture.simulator.set_faults(fault.clone());
        let forget = || fixture.switch(|switches| switches.clear_idempotency_keys = forget);
        let report = async || service(&fixture).report(&fixture.account, &calculation, &charge).await;
        inject_fault();
        let mut entry = report().await;
        if matches!(entry, Err(GatewayError::Unavailable(_))) {
            forget();
            entry = report().await;
        }
        let entry = entry.expect("reported").expect("named");
        assert_eq!(report().await, Ok(Some(entry.clone())), "{fault:?}");

        let part = payment.amount.with_amount(3_000).expect("small");
        let reverse = async || service(&fixture).reverse(&fixture.account, &entry, part, "re_1").await;
        inject_fault();
        let mut reversal = reverse().await;
        if matches!(reversal, Err(GatewayError::Unavailable(_))) {
            forget();
            reversal = reverse().await;
        }
        let TaxReversal { entry: Some(_), tax: Some(tax) } = reversal.expect("reversed") else {
            panic!("{fault:?}")
        };
        assert_eq!(tax.amount(), 479, "{fault:?}");
        let entries = fixture.simulator.tax_entries(&fixture.account);
        let amounts: Vec<_> =
            entries.iter().map(|entry| entry["line_items"]["data"][0]["amount"].as_i64()).collect();
        assert_eq!(amounts, [Some(8_000), Some(-3_000)], "{fault:?}");
        fixture.assert_ledger_agrees().await;
    }
}

#[tokio::test]
async fn order_that_the_account_does_not_allow_is_refused_permanently() {
    let fixture = registered().await;
    let (payment, charge) = charged(&fixture, 8_000, "EUR", GERMAN).await;
    let calculation = calculated(&fixture, &charge, payment.amount).await.id;
    let entry = service(&fixture)
        .report(&fixture.account, &calculation, &charge)
        .await
        .expect("reported")
        .expect("named");
    let more = payment.amount.with_amount(8_001).expect("small");
    let too_much = service(&fixture).reverse(&fixture.account, &entry, more, "re_1").await;
    assert_eq!(refused(too_much), "invalid_request_error");
    fixture.simulator.deauthorize(&fixture.account).expect("the account exists");
    let calculate = service(&fixture).calculate(&fixture.account, &charge, payment.amount).await;
    assert_eq!(refused(calculate), "account_invalid");
    let report = service(&fixture).report(&fixture.account, &calculation, "ch_2").await;
    assert_eq!(refused(report), "account_invalid");
    let reversal = service(&fixture).reverse(&fixture.account, &entry, payment.amount, "re_2").await;
    assert_eq!(refused(reversal), "account_invalid");
}
