//! An expert's billing details, and the source of the tax in their prices.

use crate::kernel::country::Country;
use crate::kernel::text::ShortText;
use crate::receipts::tax::Tax;

/// The maximum number of lines of a postal address.
pub const MAX_ADDRESS_LINES: usize = 6;

/// The billing details that appear on the receipts of an expert. A receipt keeps the details that were valid when it
/// was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillingDetails {
    /// The issuer: the full name of a person or company.
    pub legal_name: ShortText,
    /// The postal address without the country, as on an envelope.
    pub address: Address,
    /// The country of the address.
    pub country: Country,
    /// The issuer's tax identifier, such as a VAT identification number.
    pub tax_id: Option<ShortText>,
    /// The tax that prices include. Without it, receipts do not mention tax.
    pub tax: Option<TaxChoice>,
}

/// The source of the tax that prices include.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaxChoice {
    /// A fixed tax that the expert sets.
    Own(Tax),
    /// Stripe Tax calculates the tax of each payment from the client's location and the expert's registrations
    /// (<https://docs.stripe.com/tax>).
    Stripe,
}

/// The lines of a postal address: one to six.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Vec<ShortText>);

/// The address has no line, or too many.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {MAX_ADDRESS_LINES} lines")]
pub struct InvalidAddress;

impl Address {
    /// Returns the address of a stored row without a check of the number of lines.
    pub fn from_stored(lines: Vec<ShortText>) -> Self {
        Self(lines)
    }

    /// Returns the lines in order.
    pub fn lines(&self) -> &[ShortText] {
        &self.0
    }
}

impl TryFrom<Vec<ShortText>> for Address {
    type Error = InvalidAddress;

    fn try_from(lines: Vec<ShortText>) -> Result<Self, InvalidAddress> {
        if (1..=MAX_ADDRESS_LINES).contains(&lines.len()) { Ok(Self(lines)) } else { Err(InvalidAddress) }
    }
}

impl From<Address> for Vec<ShortText> {
    fn from(address: Address) -> Self {
        address.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::money::MAX_CHARGE;
    use crate::receipts::tax::split_gross;
    use crate::{Currency, Money, Rate};

    /// Returns every currency in use that has a minor unit.
    fn currencies() -> Vec<Currency> {
        let letters = || (b'A'..=b'Z').map(char::from);
        letters()
            .flat_map(|one| letters().flat_map(move |two| letters().map(move |three| [one, two, three])))
            .filter_map(|code| Currency::try_from(String::from_iter(code)).ok())
            .collect()
    }

    fn split(amount: u64, points: u16) -> (u64, u64) {
        let total = Money::new(amount, Currency::EUR).expect("in range");
        let (net, tax) = split_gross(total, Rate::from_basis_points(points).expect("in range").into());
        (net.amount(), tax.amount())
    }

    #[test]
    fn included_tax_is_rounded_half_up() {
        assert_eq!(split(11_900, 1_900), (10_000, 1_900));
        // 0.5 rounds up, and the net amount is the rest.
        assert_eq!(split(1, 10_000), (0, 1));
        assert_eq!(split(3, 10_000), (1, 2));
        assert_eq!(split(100, 0), (100, 0));
        assert_eq!(split(0, 1_900), (0, 0));
        assert_eq!(split(MAX_CHARGE, 10_000), (49_999_999, 50_000_000));
    }

    #[test]
    fn net_and_tax_add_up_in_every_currency() {
        let all = currencies();
        assert!(["EUR", "JPY", "KWD"].iter().all(|code| all.iter().any(|known| known.code() == *code)));
        for currency in all {
            for amount in [0, 1, 2, 7, 99, 1_234_567, MAX_CHARGE] {
                for points in [0, 1, 550, 770, 1_900, 2_500, 10_000] {
                    let total = Money::new(amount, currency).expect("in range");
                    let (net, tax) =
                        split_gross(total, Rate::from_basis_points(points).expect("in range").into());
                    assert_eq!(net.amount() + tax.amount(), amount, "{total} {points}");
                    assert_eq!((net.currency(), tax.currency()), (currency, currency));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn net_and_tax_add_up_and_tax_is_the_nearest_amount(amount in 0..=MAX_CHARGE, points in 0_u16..=10_000) {
            let (net, tax) = split(amount, points);
            prop_assert_eq!(net + tax, amount);
            let (whole, exact) = (10_000 + i128::from(points), i128::from(amount) * i128::from(points));
            // |tax − exact ÷ whole| ≤ ½, and exactly ½ only when rounding up.
            let twice_off = 2 * (i128::from(tax) * whole - exact);
            prop_assert!(-whole < twice_off && twice_off <= whole);
        }
    }

    #[test]
    fn address_has_one_to_six_lines() {
        let lines = |count| vec![ShortText::try_from("London".to_owned()).expect("a line"); count];
        for count in [1, MAX_ADDRESS_LINES] {
            assert_eq!(Address::try_from(lines(count)).expect("an address").lines(), lines(count));
        }
        for count in [0, MAX_ADDRESS_LINES + 1] {
            assert_eq!(Address::try_from(lines(count)), Err(InvalidAddress), "{count}");
        }
    }
}
