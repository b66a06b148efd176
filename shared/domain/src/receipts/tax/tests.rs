use proptest::prelude::*;

use super::*;
use crate::Currency;
use crate::kernel::money::{MAX_AMOUNT, MAX_CHARGE};

fn euros(amount: u64) -> Money {
    Money::new(amount, Currency::EUR).expect("in range")
}

fn line(amount: u64, rate: &str) -> TaxLine {
    let text = |text: &str| ShortText::try_from(text.to_owned()).expect("a text");
    TaxLine {
        label: text("Sales tax"),
        jurisdiction: Some(text("Somewhere")),
        rate: Some(rate.to_owned().try_into().expect("a percentage")),
        amount: euros(amount),
    }
}

fn amounts(taxes: &Taxes) -> Vec<u64> {
    taxes.lines().iter().map(|line| line.amount.amount()).collect()
}

#[test]
fn taxes_of_the_maximum_amount_do_not_overflow() {
    let total = euros(MAX_AMOUNT);
    let whole = Rate::from_basis_points(10_000).expect("a rate").into();
    let (net, tax) = split_gross(total, whole);
    assert_eq!((net.amount(), tax.amount()), (MAX_AMOUNT / 2, MAX_AMOUNT.div_ceil(2)));
    let taxes = Taxes::Included(vec![line(MAX_AMOUNT, "19"), line(MAX_AMOUNT, "7")]);
    let amounts: Vec<_> = taxes.adding_up_to(total).lines().iter().map(|line| line.amount.amount()).collect();
    assert_eq!(amounts.iter().sum::<u64>(), MAX_AMOUNT);
}

#[test]
fn tax_line_is_formatted_with_jurisdiction_and_rate() {
    let mut one = line(1, "7.25");
    assert_eq!(one.to_string(), "Sales tax, Somewhere 7.25 %");
    one.jurisdiction = None;
    assert_eq!(one.to_string(), "Sales tax 7.25 %");
    one.rate = None;
    assert_eq!(one.to_string(), "Sales tax");
}

#[test]
fn part_of_a_total_has_its_part_of_each_tax() {
    let state_and_city = Taxes::Included(vec![line(527, "7.25"), line(100, "1.375")]);
    let total = euros(8_000);
    assert_eq!(state_and_city.net(total), euros(7_373));
    assert_eq!(amounts(&state_and_city.of_part(total, euros(4_000))), [264, 50]);
    assert_eq!(amounts(&state_and_city.of_part(total, euros(1))), [0, 0]);
    assert_eq!(state_and_city.of_part(total, total), state_and_city);
    assert_eq!(amounts(&state_and_city.adding_up_to(euros(3))), [3, 0]);
    // A single tax with a rate is recalculated.
    let one = Taxes::Included(vec![line(50, "100")]);
    assert_eq!(amounts(&one.of_part(euros(100), euros(3))), [2]);
    let one = Taxes::Included(vec![line(1, "19")]);
    assert_eq!(
        amounts(&one.of_part(euros(4), euros(2))),
        [0],
        "0.32, and not half of what 0.64 was rounded to"
    );
    for other in [Taxes::NotStated, Taxes::NotIncluded(NoTax::NotRegistered)] {
        assert_eq!((other.of_part(total, euros(1)), other.net(total)), (other.clone(), total));
    }
    let nothing = Taxes::Included(vec![line(0, "0"), line(0, "0")]);
    assert_eq!(amounts(&nothing.adding_up_to(euros(5))), [5, 0]);
}

#[test]
fn remainder_of_rounding_goes_to_the_largest_fraction() {
    // The exact parts of 4 are 0.66, 1.33 and 2, and the first has the largest fraction.
    let taxes = Taxes::Included(vec![line(10, "1"), line(20, "2"), line(30, "3")]);
    assert_eq!(amounts(&taxes.adding_up_to(euros(4))), [1, 1, 2]);
    let taxes = Taxes::Included(vec![line(30, "3"), line(20, "2"), line(10, "1")]);
    assert_eq!(amounts(&taxes.adding_up_to(euros(4))), [2, 1, 1]);
}

#[test]
fn missing_tax_is_explained() {
    let not_registered = Taxes::NotIncluded(NoTax::NotRegistered);
    assert_eq!(not_registered.reason(), Some(NoTax::NotRegistered));
    assert_eq!(NoTax::NotDue.to_string(), "According to Stripe's calculation, no tax is due.");
    for other in [Taxes::NotStated, Taxes::Included(vec![line(1, "19")])] {
        assert_eq!(other.reason(), None);
    }
}

fn report(entry: &str, reverses: Option<&str>, amount: u64) -> TaxReport {
    TaxReport { entry: Some(entry.to_owned()), reverses: reverses.map(str::to_owned), amount: euros(amount) }
}

fn parts(reports: &[TaxReport], amount: u64) -> Vec<(String, u64)> {
    let parts = tax_reversals(reports, euros(amount));
    parts.into_iter().map(|part| (part.entry, part.amount.amount())).collect()
}

#[test]
fn reversals_use_what_is_left_of_each_entry() {
    let mut reports = vec![report("tax_1", None, 8_000)];
    assert_eq!(parts(&reports, 3_000), [("tax_1".to_owned(), 3_000)]);
    reports.push(report("tax_2", Some("tax_1"), 3_000));
    assert_eq!(parts(&reports, 8_000), [("tax_1".to_owned(), 5_000)]);
    // The refund failed, and its amount was reported again.
    reports.push(report("tax_3", None, 3_000));
    assert_eq!(parts(&reports, 6_000), [("tax_1".to_owned(), 5_000), ("tax_3".to_owned(), 1_000)]);
    let lost = TaxReport { entry: None, reverses: None, amount: euros(8_000) };
    assert_eq!(parts(&[lost], 1_000), []);
}

proptest! {
    #[test]
    fn lines_add_up_exactly(
        taxes in prop::collection::vec(0_u64..=MAX_CHARGE / 8, 1..8),
        net in 0_u64..=1_000_000,
        part in 0..=MAX_CHARGE,
        sum in 0..=MAX_CHARGE,
    ) {
        let total = euros(net + taxes.iter().sum::<u64>().min(MAX_CHARGE - net));
        let part = euros(part.min(total.amount()));
        let taxes = Taxes::Included(taxes.into_iter().map(|amount| line(amount, "10")).collect());
        prop_assert_eq!(amounts(&taxes.adding_up_to(euros(sum))).iter().sum::<u64>(), sum);
        let of_part = taxes.of_part(total, part);
        let taxed: u64 = amounts(&of_part).iter().sum();
        prop_assert_eq!(of_part.net(part).amount() + taxed, part.amount());
        prop_assert_eq!(of_part.lines().len(), taxes.lines().len());
    }

    #[test]
    fn no_more_is_reversed_than_was_reported(steps in prop::collection::vec((any::<bool>(), 1_u64..=500), 0..12)) {
        // Payments and refunds alternate; a failed refund is reported as a payment again.
        let (mut reports, mut held, mut count) = (Vec::new(), 0, 0);
        for (comes, amount) in steps {
            count += 1;
            if comes {
                reports.push(report(&format!("tax_{count}"), None, amount));
                held += amount;
            } else {
                let amount = amount.min(held);
                let parts = tax_reversals(&reports, euros(amount));
                prop_assert_eq!(parts.iter().map(|part| part.amount.amount()).sum::<u64>(), amount);
                reports.extend(parts.iter().map(|part| report("tax_r", Some(&part.entry), part.amount.amount())));
                held -= amount;
            }
        }
    }
}
