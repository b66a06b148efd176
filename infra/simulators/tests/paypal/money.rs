//! Whatever happens, the books add up to zero, and nobody gives back more than they took.

use std::cell::{Cell, RefCell};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use simulators::paypal::{DisputeOutcome, DisputeReason, Faults, TEST_PAYERS};

use crate::harness::{DAY, World, eur};

#[derive(Debug, Clone)]
enum Step {
    Capture { cents: i64, fee: i64, last: bool },
    Refund { cents: i64, fee: i64 },
    Void,
    Reauthorize,
    Wait { days: i64 },
    Dispute { cents: i64 },
    Resolve { buyer: bool },
    PendRefunds { pend: bool, fail: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let cents = 1..12_000_i64;
    prop_oneof![
        3 => (cents.clone(), 0..1_200_i64, any::<bool>())
            .prop_map(|(cents, fee, last)| Step::Capture { cents, fee, last }),
        3 => (cents.clone(), 0..1_200_i64).prop_map(|(cents, fee)| Step::Refund { cents, fee }),
        1 => Just(Step::Void),
        1 => Just(Step::Reauthorize),
        2 => (1..20_i64).prop_map(|days| Step::Wait { days }),
        1 => cents.prop_map(|cents| Step::Dispute { cents }),
        1 => any::<bool>().prop_map(|buyer| Step::Resolve { buyer }),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(pend, fail)| Step::PendRefunds { pend, fail }),
    ]
}

fn money(cents: i64) -> Value {
    eur(&format!("{}.{:02}", cents / 100, cents % 100))
}

fn with_fee(cents: i64, fee: i64) -> Value {
    json!({
        "amount": money(cents),
        "payment_instruction": { "platform_fees": [{ "amount": money(fee) }] },
    })
}

/// The latest id of a list in the order's payments.
fn latest(order: &Value, list: &str) -> Option<String> {
    let rows = order["purchase_units"][0]["payments"][list].as_array()?;
    rows.last().map(|row| row["id"].as_str().unwrap().to_owned())
}

async fn take(world: &mut World, order: &str, seller: &str, step: &Step, dispute: &mut Option<String>) {
    let seen = world.paypal.object(order).unwrap();
    let authorization = latest(&seen, "authorizations").unwrap_or_default();
    let capture = latest(&seen, "captures").unwrap_or_default();
    let path = format!("/v2/payments/authorizations/{authorization}");
    match step {
        Step::Capture { cents, fee, last } => {
            let mut body = with_fee(*cents, *fee);
            body["final_capture"] = json!(last);
            world.post_for(seller, &format!("{path}/capture"), body).await;
        }
        Step::Refund { cents, fee } => {
            let path = format!("/v2/payments/captures/{capture}/refund");
            world.post_for(seller, &path, with_fee(*cents, *fee)).await;
        }
        Step::Void => drop(world.post_for(seller, &format!("{path}/void"), json!({})).await),
        Step::Reauthorize => drop(world.post_for(seller, &format!("{path}/reauthorize"), json!({})).await),
        Step::Wait { days } => {
            world.clock.advance(days * 86_400);
            world.sign_in().await;
        }
        Step::Dispute { cents } => {
            let opened = world.paypal.dispute(&capture, DisputeReason::NotAsDescribed, Some(*cents));
            *dispute = opened.ok().map(|opened| opened["dispute_id"].as_str().unwrap().to_owned());
        }
        Step::Resolve { buyer } => {
            let outcome = if *buyer { DisputeOutcome::BuyerFavour } else { DisputeOutcome::SellerFavour };
            let _ = world.paypal.resolve_dispute(dispute.as_deref().unwrap_or_default(), outcome);
        }
        Step::PendRefunds { pend, fail } => {
            let faults = Faults { pend_refunds: *pend, fail_refunds: *fail, ..Faults::default() };
            world.paypal.set_faults(faults);
        }
    }
}

/// The balances of a case: what changed since it began.
struct Case {
    seller: String,
    payers: i64,
    platform: i64,
    paypal: i64,
}

impl Case {
    fn begin(world: &World, seller: String) -> Self {
        let (payers, platform, paypal) =
            (world.balance("payers"), world.balance("platform"), world.balance("paypal"));
        Self { seller, payers, platform, paypal }
    }

    fn check(&self, world: &World) {
        assert_eq!(world.sum(), 0);
        let payers = world.balance("payers") - self.payers;
        assert!((-10_000..=0).contains(&payers), "payers have {payers}");
        let platform = world.balance("platform") - self.platform;
        assert!((0..=10_000).contains(&platform), "the platform has {platform}");
        assert!(world.balance("paypal") >= self.paypal);
        assert!(world.balance(&self.seller) >= -10_000);
    }
}

async fn run(world: &mut World, number: u32, payer: usize, authorizes: bool, steps: &[Step]) {
    let intent = if authorizes { "AUTHORIZE" } else { "CAPTURE" };
    let seller = world.seller(&format!("expert-{number}")).await;
    let case = Case::begin(world, seller.clone());
    let order = world.post("/v2/checkout/orders", crate::harness::order(intent, &seller)).await.is(201);
    let order = order.id().to_owned();
    world.paypal.approve(&order, TEST_PAYERS[payer].name).unwrap();
    world.post(&format!("/v2/checkout/orders/{order}/{}", intent.to_lowercase()), json!({})).await;
    let mut dispute = None;
    for step in steps {
        take(world, &order, &seller, step, &mut dispute).await;
        case.check(world);
    }
    // Nothing of this case happens in the next one.
    world.paypal.set_faults(Faults::default());
    world.clock.advance(40 * DAY);
    world.sign_in().await;
    case.check(world);
}

#[test]
fn the_books_add_up_whatever_happens() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let world = RefCell::new(runtime.block_on(World::new()));
    let number = Cell::new(0);
    let cases = (0..TEST_PAYERS.len(), any::<bool>(), prop::collection::vec(step(), 1..16));
    let config = ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&cases, |(payer, authorizes, steps)| {
        number.set(number.get() + 1);
        runtime.block_on(run(&mut world.borrow_mut(), number.get(), payer, authorizes, &steps));
        Ok(())
    });
    outcome.unwrap();
}
