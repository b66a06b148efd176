use proptest::prelude::*;

use super::*;

fn money(amount: u64, code: &str) -> Money {
    Money::new(amount, Currency::try_from(code.to_owned()).expect("a currency")).expect("small")
}

fn share(amount: u64, fee: u64, code: &str) -> Share {
    Share { amount: money(amount, code), fee: money(fee, code) }
}

#[test]
fn each_currency_is_owed_separately() {
    let debt = Debt::default().plus(money(145, "EUR")).plus(money(500, "JPY")).plus(money(5, "EUR"));
    assert_eq!((debt.version, &debt.owed), (3, &vec![money(150, "EUR"), money(500, "JPY")]));
    assert_eq!(debt.withhold(share(8_000, 800, "USD")), None);
    let repaid = Debt { version: 4, owed: vec![money(500, "JPY")] };
    assert_eq!(debt.withhold(share(8_000, 800, "EUR")), Some((money(150, "EUR"), repaid)));
}

#[test]
fn smallest_amount_of_a_transfer_is_left() {
    let debt = Debt::default().plus(money(9_000, "EUR")).plus(money(9_000, "KWD"));
    let rest = |code| debt.withhold(share(8_000, 800, code)).map(|(withheld, _)| withheld.amount());
    assert_eq!([rest("EUR"), rest("KWD")], [Some(7_199), Some(7_190)]);
    assert_eq!(debt.withhold(share(801, 800, "EUR")), None);
    assert_eq!(debt.withhold(share(800, 800, "EUR")), None);
}

/// Something that changes what an expert owes.
#[derive(Debug, Clone, Copy)]
enum Event {
    Refund { cost: u64 },
    Payout { price: u64 },
    TakeBack { payment: prop::sample::Index, percent: u64 },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..3_000_u64).prop_map(|cost| Event::Refund { cost }),
        (1..9_000_u64).prop_map(|price| Event::Payout { price }),
        (any::<prop::sample::Index>(), 0..=100_u64)
            .prop_map(|(payment, percent)| Event::TakeBack { payment, percent }),
    ]
}

proptest! {
    /// Whatever is refunded, paid out and taken back: what was caused is withheld or owed, and no share becomes negative. How much
    /// a smaller share releases is a story of one payment (`payment/tests/stories.rs`).
    #[test]
    fn what_experts_cause_is_withheld_or_owed(events in prop::collection::vec(event(), 0..60)) {
        let (mut debt, mut caused, mut payments) = (Debt::default(), 0, Vec::<(Share, Money)>::new());
        for event in events {
            match event {
                Event::Refund { cost } => {
                    debt = debt.plus(money(cost, "EUR"));
                    caused += cost;
                }
                Event::Payout { price } => {
                    let share = share(price, price / 10, "EUR");
                    let (withheld, rest) = debt.withhold(share).unwrap_or((money(0, "EUR"), debt.clone()));
                    debt = rest;
                    payments.push((share, withheld));
                }
                Event::TakeBack { payment, percent } if !payments.is_empty() => {
                    let (_, withheld) = payment.get_mut(&mut payments);
                    let released = withheld.prorate(percent, 100);
                    debt = debt.plus(released);
                    *withheld = withheld.saturating_sub(released);
                }
                Event::TakeBack { .. } => {}
            }
            let withheld: u64 = payments.iter().map(|(_, withheld)| withheld.amount()).sum();
            prop_assert_eq!(withheld + debt.owed_in(Currency::EUR), caused);
            for (share, withheld) in &payments {
                prop_assert!(withheld.is_zero() || withheld.amount() < share.net().amount());
            }
            prop_assert!(debt.owed.iter().all(|owed| !owed.is_zero()));
        }
    }
}
