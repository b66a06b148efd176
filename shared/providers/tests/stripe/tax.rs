//! Taxes on an expert's account: calculated from where the client is, and entered into the reports once.

use app::payments::ports::{CalculatedTax, PaymentError, TakenBack, TaxCalculation, TaxService};
use domain::Money;
use domain::payments::ledger::MovementKind;
use domain::payments::payment::{Payment, Plan};
use domain::receipts::tax::NoTax;
use simulators::stripe::Faults;

use crate::world::{VISA, World};

/// A card from Germany.
const GERMAN: &str = "4000002760000016";

/// A world whose expert is registered in Germany and Iceland.
async fn world() -> World {
    let world = World::new().await;
    world.simulator.set_up_tax(&world.account, true, &["DE", "IS"]).expect("it is there");
    world
}

/// A payment that was taken, and what its charge is called.
async fn charged(world: &World, amount: u64, code: &str, card: &str) -> (Payment, String) {
    let payment = world.paid(Plan::Charge, amount, code, card).await;
    world.fetch_payment(&payment).await;
    let captured = world.movements().into_iter().find(|movement| movement.kind == MovementKind::Captured);
    (payment, captured.expect("captured").object)
}

fn service(world: &World) -> &dyn TaxService {
    &world.stripe
}

async fn calculated(world: &World, charge: &str, amount: Money) -> TaxCalculation {
    match service(world).calculate(&world.account, charge, amount).await.expect("calculated") {
        CalculatedTax::Done(calculation) => calculation,
        CalculatedTax::PlaceUnknown => panic!("the place is known"),
    }
}

fn refused<T: std::fmt::Debug>(done: Result<T, PaymentError>) -> String {
    match done {
        Err(PaymentError::Refused { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_expert_learns_what_is_missing() {
    let world = World::new().await;
    let missing = async || service(&world).missing(&world.account).await;
    assert_eq!(missing().await, Ok(vec!["head_office".to_owned()]));
    world.simulator.set_up_tax(&world.account, true, &[]).expect("it is there");
    assert_eq!(missing().await, Ok(Vec::new()));
    world.switch(|switches| switches.fail_before_acting = 1);
    assert!(matches!(missing().await, Err(PaymentError::Failed(_))));
    world.simulator.deauthorize(&world.account).expect("it is there");
    assert_eq!(refused(missing().await), "account_invalid");
}

#[tokio::test]
async fn the_tax_of_where_the_card_is_from_is_in_the_price() {
    let world = world().await;
    let (payment, charge) = charged(&world, 8_000, "EUR", GERMAN).await;
    let TaxCalculation { taxes, .. } = calculated(&world, &charge, payment.amount).await;
    let shown: Vec<_> = taxes.lines().iter().map(|line| (line.to_string(), line.amount.amount())).collect();
    assert_eq!(shown, [("VAT, Germany 19 %".to_owned(), 1_277)]);
    assert_eq!(taxes.net(payment.amount).amount(), 6_723);
    world.simulator.set_up_tax(&world.account, true, &["FR"]).expect("it is there");
    let taxes = calculated(&world, &charge, payment.amount).await.taxes;
    assert_eq!(taxes.reason(), Some(NoTax::NotRegistered));
    world.simulator.set_up_tax(&world.account, false, &[]).expect("it is there");
    let calculate = async || service(&world).calculate(&world.account, &charge, payment.amount).await;
    assert_eq!(refused(calculate().await), "stripe_tax_inactive");
    world.agrees().await;
}

#[tokio::test]
async fn a_country_alone_can_be_too_little() {
    let world = world().await;
    let (payment, charge) = charged(&world, 8_000, "EUR", VISA).await;
    let calculated = service(&world).calculate(&world.account, &charge, payment.amount).await;
    assert_eq!(calculated, Ok(CalculatedTax::PlaceUnknown));
}

#[tokio::test]
async fn taxes_are_told_in_our_units() {
    // Stripe counts kronur in hundredths, and finds 239.50 of them.
    for (code, amount, tax) in [("ISK", 1_500, 240), ("JPY", 1_005, 160), ("KWD", 3_130, 500)] {
        let world = world().await;
        let (payment, charge) = charged(&world, amount, code, GERMAN).await;
        let taxes = calculated(&world, &charge, payment.amount).await.taxes;
        let lines: Vec<u64> = taxes.lines().iter().map(|line| line.amount.amount()).collect();
        assert_eq!(lines, [tax], "{code}");
        assert_eq!(taxes.net(payment.amount).amount(), amount - tax, "{code}");
        world.agrees().await;
    }
}

#[tokio::test]
async fn entries_are_made_once_whatever_becomes_of_the_answers() {
    for (fault, forget) in [
        (Faults { fail_after_acting: 1, ..Faults::default() }, false),
        (Faults { fail_before_acting: 1, ..Faults::default() }, false),
        (Faults { lose_responses: 1, ..Faults::default() }, false),
        (Faults { lose_responses: 1, ..Faults::default() }, true),
        (Faults { rate_limit: 1, ..Faults::default() }, false),
    ] {
        let world = world().await;
        let (payment, charge) = charged(&world, 8_000, "EUR", GERMAN).await;
        let calculation = calculated(&world, &charge, payment.amount).await.id;
        let broken = || world.simulator.set_faults(fault.clone());
        let forget = || world.switch(|switches| switches.prune_keys = forget);
        let report = async || service(&world).report(&world.account, &calculation, &charge).await;
        broken();
        let mut entry = report().await;
        if matches!(entry, Err(PaymentError::Unavailable(_))) {
            forget();
            entry = report().await;
        }
        let entry = entry.expect("reported").expect("named");
        assert_eq!(report().await, Ok(Some(entry.clone())), "{fault:?}");

        let part = payment.amount.with_amount(3_000).expect("small");
        let take_back = async || service(&world).take_back(&world.account, &entry, part, "re_1").await;
        broken();
        let mut back = take_back().await;
        if matches!(back, Err(PaymentError::Unavailable(_))) {
            forget();
            back = take_back().await;
        }
        let TakenBack { entry: Some(_), tax: Some(tax) } = back.expect("taken back") else {
            panic!("{fault:?}")
        };
        assert_eq!(tax.amount(), 479, "{fault:?}");
        let entries = world.simulator.tax_entries(&world.account);
        let amounts: Vec<_> =
            entries.iter().map(|entry| entry["line_items"]["data"][0]["amount"].as_i64()).collect();
        assert_eq!(amounts, [Some(8_000), Some(-3_000)], "{fault:?}");
        world.agrees().await;
    }
}

#[tokio::test]
async fn what_the_account_does_not_allow_is_refused_for_good() {
    let world = world().await;
    let (payment, charge) = charged(&world, 8_000, "EUR", GERMAN).await;
    let calculation = calculated(&world, &charge, payment.amount).await.id;
    let entry = service(&world)
        .report(&world.account, &calculation, &charge)
        .await
        .expect("reported")
        .expect("named");
    let more = payment.amount.with_amount(8_001).expect("small");
    let too_much = service(&world).take_back(&world.account, &entry, more, "re_1").await;
    assert_eq!(refused(too_much), "invalid_request_error");
    world.simulator.deauthorize(&world.account).expect("it is there");
    let calculate = service(&world).calculate(&world.account, &charge, payment.amount).await;
    assert_eq!(refused(calculate), "account_invalid");
    let report = service(&world).report(&world.account, &calculation, "ch_2").await;
    assert_eq!(refused(report), "account_invalid");
    let back = service(&world).take_back(&world.account, &entry, payment.amount, "re_2").await;
    assert_eq!(refused(back), "account_invalid");
}
