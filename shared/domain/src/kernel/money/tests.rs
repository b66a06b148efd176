use super::*;
use proptest::prelude::*;

pub(crate) fn currency(code: &str) -> Currency {
    Currency::try_from(code.to_owned()).expect("a code in use")
}

#[test]
fn amounts_are_formatted_with_the_digits_of_their_currency() {
    let shown = |amount, code| Money::new(amount, currency(code)).expect("small").to_string();
    assert_eq!(shown(1_205, "EUR"), "EUR 12.05");
    assert_eq!(shown(1_200, "JPY"), "JPY 1200");
    assert_eq!(shown(3_125, "KWD"), "KWD 3.125");
    for wrong in ["eur", "EU", "XYZ", "XAU", "XXX", ""] {
        assert_eq!(Currency::try_from(wrong.to_owned()), Err(InvalidCurrency), "{wrong}");
    }
}

#[test]
fn charges_outside_the_limits_or_steps_are_refused() {
    let check = |amount, code| Money::new(amount, currency(code)).expect("small").check_charge();
    for (code, minimum) in [
        ("USD", 50),
        ("EUR", 50),
        ("GBP", 30),
        ("AED", 200),
        ("RON", 200),
        ("DKK", 250),
        ("NOK", 300),
        ("HKD", 400),
        ("THB", 1_000),
        ("CZK", 1_500),
        ("HUF", 17_500),
        ("JPY", 50),
        ("KWD", 160),
        ("MGA", 230_000),
        ("KRW", 750),
    ] {
        assert_eq!(check(minimum, code), Ok(()), "{code}");
        assert!(check(minimum - 1, code).is_err(), "{code}");
    }
    for (code, maximum) in [("EUR", MAX_CHARGE), ("ISK", 999_999), ("UGX", 999_999)] {
        assert_eq!(check(maximum, code), Ok(()), "{code}");
    }
    assert!(check(1_000_000, "ISK").is_err());
    for (amount, code) in [(3_125, "KWD"), (1_001, "BHD"), (150, "MGA"), (100, "CLF")] {
        assert!(check(amount, code).is_err(), "{code}");
    }
    let message = check(3_125, "KWD").expect_err("not a multiple of ten").to_string();
    assert_eq!(message, "must be a multiple of KWD 0.010, to be charged; got KWD 3.125");
}

/// The fee that Stripe publishes for a card of the same country: basis points and a fixed amount in minor units.
const PUBLISHED_FEES: [(&str, u64, u64); 3] = [("USD", 290, 30), ("EUR", 150, 25), ("GBP", 150, 20)];

#[test]
fn smallest_price_is_the_first_half_unit_whose_commission_covers_the_processing_fee() {
    for (code, points, fixed) in PUBLISHED_FEES {
        let covers = |amount: u64| {
            let commission =
                Money::new(amount, currency(code)).unwrap().apply_rate(Rate::DEFAULT_COMMISSION).amount();
            10_000 * commission >= amount * points + 10_000 * fixed
        };
        let smallest = *currency(code).price_limits().unwrap().start();
        assert!(covers(smallest) && !covers(smallest - 50), "{code} {smallest}");
    }
}

#[test]
fn every_price_can_be_charged() {
    let priced: Vec<_> =
        currencies().into_iter().filter_map(|one| Some((one, one.price_limits()?))).collect();
    assert!(priced.len() > 40, "{}", priced.len());
    for (currency, limits) in priced {
        for amount in [*limits.start(), *limits.end() / currency.charge_step() * currency.charge_step()] {
            let price = Money::new(amount, currency).unwrap();
            assert_eq!((price.check_price(), price.check_charge()), (Ok(()), Ok(())), "{price}");
        }
        for outside in [1, *limits.start() - 1, *limits.end() + 1] {
            assert!(
                Money::new(outside, currency).unwrap().check_price().is_err(),
                "{outside} {}",
                currency.code()
            );
        }
        // A refund or a smaller charge can leave much less than a price.
        assert!(*currency.charge_limits().start() * 2 <= *limits.start(), "{}", currency.code());
    }
    for code in ["CLF", "AFN"] {
        assert_eq!(currency(code).price_limits(), None);
        assert!(Money::new(5_000, currency(code)).unwrap().check_price().is_err());
        assert_eq!(Money::new(0, currency(code)).unwrap().check_price(), Ok(()));
    }
}

#[test]
fn shares_are_multiples_of_the_charge_step() {
    let share = |amount, code| {
        Money::new(amount, currency(code)).expect("small").apply_rate(Rate::DEFAULT_COMMISSION).amount()
    };
    assert_eq!(share(3_130, "KWD"), 310);
    assert_eq!(share(3_150, "KWD"), 320);
    assert_eq!(share(1_005, "JPY"), 101);
    assert_eq!(share(12_500, "MGA"), 1_300);
    let whole = Rate::from_basis_points(10_000).expect("100 %");
    // The amount cannot be charged, but its share still does not exceed it.
    assert_eq!(Money::new(15, currency("KWD")).expect("small").apply_rate(whole).amount(), 15);
}

#[test]
fn invalid_amounts_are_refused() {
    for wrong in [
        r#"{"amount":-1,"currency":"EUR"}"#,
        r#"{"amount":1.5,"currency":"EUR"}"#,
        r#"{"amount":1000000000000,"currency":"EUR"}"#,
        r#"{"amount":1,"currency":"EUR","more":1}"#,
        r#"{"amount":1}"#,
    ] {
        assert!(serde_json::from_str::<Money>(wrong).is_err(), "{wrong}");
    }
}

/// Returns every supported currency.
fn currencies() -> Vec<Currency> {
    let letters = || 'A'..='Z';
    let codes = letters()
        .flat_map(|one| letters().flat_map(move |two| letters().map(move |three| [one, two, three])));
    codes.filter_map(|code| Currency::try_from(code.iter().collect::<String>()).ok()).collect()
}

/// Any amount of any currency, including amounts that cannot be charged.
fn any_money() -> impl Strategy<Value = Money> {
    static CURRENCIES: std::sync::LazyLock<Vec<Currency>> = std::sync::LazyLock::new(currencies);
    let currency = proptest::sample::select(&CURRENCIES[..]);
    let amount = prop_oneof![0..200_u64, 0..=MAX_CHARGE];
    (currency, amount).prop_map(|(currency, amount)| Money::new(amount, currency).expect("in range"))
}

#[test]
fn currencies_lists_every_charge_step() {
    let all = currencies();
    assert!(all.len() > 140, "{}", all.len());
    for (code, step) in [("EUR", 1), ("JPY", 1), ("ISK", 1), ("KWD", 10), ("MGA", 100)] {
        assert!(all.iter().any(|one| one.code() == code && one.charge_step() == step), "{code}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn share_is_rounded_half_up(amount in 0..=MAX_CHARGE, points in 0_u16..=10_000) {
        let whole = Money::new(amount, Currency::EUR).expect("in range");
        let share = whole.apply_rate(Rate::from_basis_points(points).expect("in range")).amount();
        prop_assert!(share <= amount);
        let exact = u128::from(amount) * u128::from(points);
        // |share − exact| ≤ ½, and exactly ½ only when rounding up.
        prop_assert!(2 * 10_000 * u128::from(share) <= 2 * exact + 10_000);
        prop_assert!(2 * 10_000 * u128::from(share) + 10_000 > 2 * exact);
    }

    #[test]
    fn proportion_is_rounded_half_up_to_the_charge_step(
        money in any_money(),
        (part, whole) in (0..=1_000_000_u64).prop_flat_map(|whole| (0..=whole, Just(whole))),
    ) {
        let step = u128::from(money.currency().charge_step());
        let found = u128::from(money.prorate(part, whole).amount());
        prop_assert!(found <= u128::from(money.amount()));
        if whole == 0 {
            prop_assert_eq!(found, 0);
            return Ok(());
        }
        let (exact, whole) = (u128::from(money.amount()) * u128::from(part), u128::from(whole));
        // |found − exact| ≤ half a step, and exactly half only when rounding up.
        prop_assert!(2 * found * whole <= 2 * exact + step * whole);
        let is_all = found == u128::from(money.amount());
        prop_assert!(is_all || 2 * found * whole + step * whole > 2 * exact);
        prop_assert!(is_all || found.is_multiple_of(step), "{} is not a multiple of {}", found, step);
        if exact.is_multiple_of(whole * step) {
            prop_assert_eq!(found * whole, exact, "the exact result is a multiple of the step");
        }
    }

    #[test]
    fn proportion_is_monotonic(money in any_money(), other in 0..=MAX_CHARGE, whole in 1..=1_000_000_u64, part in 0..1_000_000_u64) {
        let (less, more) = (money.amount().min(other), money.amount().max(other));
        let of = |amount, part| money.with_amount(amount).expect("in range").prorate(part, whole).amount();
        prop_assert!(of(more, part) <= of(more, part + 1));
        prop_assert!(of(less, part) <= of(more, part));
        // A part that exceeds the whole gives at most the amount itself.
        prop_assert!(of(more, whole.saturating_mul(3)) == more);
    }

    /// Each refund returns the rounded share of the fee for everything refunded so far, minus what was returned
    /// before.
    #[test]
    fn partial_fee_refunds_add_up_to_the_fee(
        price in any_money(),
        rate in 0..=10_000_u16,
        cuts in proptest::collection::vec(0..=MAX_CHARGE, 0..30),
    ) {
        let fee = price.apply_rate(Rate::from_basis_points(rate).expect("at most 100 %"));
        let mut cuts: Vec<u64> = cuts.into_iter().map(|cut| cut % (price.amount() + 1)).collect();
        cuts.push(price.amount());
        cuts.sort_unstable();
        let mut returned = fee.zero();
        for refunded in cuts {
            let due = fee.prorate(refunded, price.amount());
            prop_assert!(due.amount() >= returned.amount(), "a negative part");
            let part = due.saturating_sub(returned);
            returned = fee.with_amount(returned.amount() + part.amount()).expect("at most the fee");
            prop_assert!(returned.amount() <= fee.amount());
        }
        prop_assert_eq!(returned, if price.is_zero() { fee.zero() } else { fee });
    }
}

#[test]
fn currencies_and_rates_serialize_as_they_deserialize() {
    assert_eq!(serde_json::to_value(Currency::EUR).unwrap(), "EUR");
    let schema = schemars::schema_for!(Currency);
    assert_eq!(schema.get("pattern").unwrap(), "^[A-Z]{3}$");
    for points in [0, 1, 250, 10_000] {
        let rate: Rate = serde_json::from_value(points.into()).unwrap();
        assert_eq!(rate.basis_points(), points);
        assert_eq!(serde_json::to_value(rate).unwrap(), points);
    }
    assert_eq!(Rate::from_basis_points(10_001), Err(RateTooHigh));
}

#[test]
fn a_stored_amount_in_a_withdrawn_currency_is_readable_and_not_chargeable() {
    for code in ["XQZ", "HRK", "BGN"] {
        let withdrawn = Currency::from_stored(code);
        assert_eq!(Currency::try_from(code.to_owned()), Err(InvalidCurrency));
        assert_eq!(withdrawn.code(), code);
        assert_eq!(withdrawn, Currency::from_stored(code));
        assert!(!withdrawn.is_chargeable());
        let amount = Money::new(1_250, withdrawn).unwrap();
        assert_eq!(amount.to_string(), format!("1250 minor units of {code}"));
        assert!(amount.check_charge().is_err());
        assert!(amount.check_price().is_err());
    }
    assert_eq!(Currency::from_stored("EUR"), Currency::EUR);
}
