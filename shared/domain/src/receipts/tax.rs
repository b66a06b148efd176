//! The taxes included in a total, or why there are none. Rates come from the expert or from Stripe Tax; the product has no
//! table of rates by country.

mod percentage;

use std::fmt;

use crate::kernel::text::ShortText;
use crate::{Money, Rate};

pub use percentage::{InvalidPercentage, Percentage};

/// A fixed tax that an expert sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tax {
    /// The name of the tax, such as VAT.
    pub label: ShortText,
    /// The rate on the net price in basis points: 1900 is 19 %.
    pub rate: Rate,
}

/// Splits a total that includes a tax. Returns the net amount and the tax.
///
/// The tax is rounded half up to minor units and the net amount is the rest, so they always add up to the total.
///
/// ```
/// use domain::{Currency, Money, Rate};
/// use domain::receipts::tax::split_gross;
/// let total = Money::new(8_000, Currency::EUR)?;
/// let (net, tax) = split_gross(total, Rate::from_basis_points(1_900)?.into());
/// assert_eq!((net.amount(), tax.amount()), (6_723, 1_277)); // 1277.31 cents
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn split_gross(total: Money, rate: Percentage) -> (Money, Money) {
    let millionths = u128::from(rate.millionths());
    let whole = u128::from(Percentage::whole()) + millionths;
    // tax = total × millionths ÷ whole, rounded half up.
    let tax = (2 * u128::from(total.amount()) * millionths + whole) / (2 * whole);
    // A part of a valid amount is always valid.
    let tax = u64::try_from(tax).ok().and_then(|tax| total.with_amount(tax).ok()).unwrap_or(total);
    (total.saturating_sub(tax), tax)
}

/// One tax in a total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxLine {
    /// The name of the tax, such as VAT.
    pub label: ShortText,
    /// The authority that levies the tax, such as a state or a city, if known.
    pub jurisdiction: Option<ShortText>,
    /// The rate on the net amount; absent for a tax that is not proportional to an amount.
    pub rate: Option<Percentage>,
    /// The amount of the tax.
    pub amount: Money,
}

impl fmt::Display for TaxLine {
    /// Writes the tax for a document, such as `VAT 19 %` or `Sales tax, California 7.25 %`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.label)?;
        if let Some(jurisdiction) = &self.jurisdiction {
            write!(out, ", {jurisdiction}")?;
        }
        match &self.rate {
            Some(rate) => write!(out, " {rate} %"),
            None => Ok(()),
        }
    }
}

/// Why a document shows no tax although the issuer has taxes calculated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoTax {
    /// The client's location is not known precisely enough.
    PlaceUnknown,
    /// The issuer is not registered for tax at the client's location.
    NotRegistered,
    /// According to the calculation, no tax is due for this service, location or client.
    NotDue,
    /// The gateway refused to calculate, because the issuer's tax settings or account are not in order.
    Refused,
    /// The payment was made through a gateway that does not calculate taxes.
    OtherGateway,
    /// A newer version of the code has written a reason that this version does not know.
    Unknown,
}

impl fmt::Display for NoTax {
    /// Writes the explanation for the reader of the document.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::PlaceUnknown => {
                "No tax was calculated, because the client's location is not known to Stripe."
            }
            Self::NotRegistered => "The issuer is not registered for tax at the client's location.",
            Self::NotDue => "According to Stripe's calculation, no tax is due.",
            Self::Refused => "Stripe could not calculate tax for the issuer's account.",
            Self::OtherGateway => "No tax was calculated, because the payment was not made through Stripe.",
            Self::Unknown => "No tax was calculated.",
        })
    }
}

/// The taxes in a total.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Taxes {
    /// The issuer makes no statement about tax.
    #[default]
    NotStated,
    /// The total includes these taxes. Their sum is at most the total.
    Included(Vec<TaxLine>),
    /// The issuer has taxes calculated, but there are none for this reason.
    NotIncluded(NoTax),
}

impl Taxes {
    /// Returns the tax of an issuer with a fixed rate.
    pub fn own(total: Money, tax: &Tax) -> Self {
        let rate = Percentage::from(tax.rate);
        let (_, amount) = split_gross(total, rate);
        Self::Included(vec![TaxLine {
            label: tax.label.clone(),
            jurisdiction: None,
            rate: Some(rate),
            amount,
        }])
    }

    /// Returns the taxes; empty if there are none.
    pub fn lines(&self) -> &[TaxLine] {
        match self {
            Self::Included(lines) => lines,
            Self::NotStated | Self::NotIncluded(_) => &[],
        }
    }

    /// Returns why there are no taxes although the issuer has them calculated.
    pub fn reason(&self) -> Option<NoTax> {
        match self {
            Self::NotIncluded(reason) => Some(*reason),
            Self::NotStated | Self::Included(_) => None,
        }
    }

    /// Returns a total without these taxes.
    pub fn net(&self, total: Money) -> Money {
        self.lines().iter().fold(total, |rest, line| rest.saturating_sub(line.amount))
    }

    /// Returns the taxes in `part` of a `total` that includes these taxes. A single tax is computed from its rate;
    /// several taxes are divided in proportion.
    #[must_use]
    pub fn of_part(&self, total: Money, part: Money) -> Self {
        if part == total {
            return self.clone();
        }
        let sum = match self.lines() {
            [TaxLine { rate: Some(rate), .. }] => split_gross(part, *rate).1,
            _ => total.saturating_sub(self.net(total)).prorate(part.amount(), total.amount()),
        };
        self.adding_up_to(sum)
    }

    /// Scales the taxes so that their sum is `sum`. Each tax gets its proportion, and the units lost by rounding go
    /// to the taxes with the largest remainders.
    #[must_use]
    pub fn adding_up_to(&self, sum: Money) -> Self {
        let Self::Included(lines) = self else { return self.clone() };
        let whole: u64 = lines.iter().map(|line| line.amount.amount()).sum();
        let share = |line: &TaxLine| {
            let product = u128::from(sum.amount()) * u128::from(line.amount.amount());
            let divided = product.checked_div(whole.into()).zip(product.checked_rem(whole.into()));
            // A share is at most the sum, and a remainder less than the whole.
            let divided =
                divided.and_then(|(share, rest)| Some((share.try_into().ok()?, rest.try_into().ok()?)));
            divided.unwrap_or((0, 0))
        };
        let shares: Vec<(u64, u64)> = lines.iter().map(share).collect();
        let given: u64 = shares.iter().map(|(share, _)| share).sum();
        let mut order: Vec<usize> = (0..lines.len()).collect();
        order.sort_by_key(|place| std::cmp::Reverse(shares.get(*place).map(|(_, rest)| *rest)));
        let mut left = sum.amount().saturating_sub(given);
        let mut lines = lines.clone();
        for place in order {
            let Some((line, (share, _))) = lines.get_mut(place).zip(shares.get(place)) else { continue };
            // Fewer units are left than there are lines. If all taxes are zero, the first line gets everything.
            let more = if whole == 0 { left } else { left.min(1) };
            left -= more;
            line.amount = sum.with_amount(share + more).unwrap_or(sum);
        }
        Self::Included(lines)
    }
}

/// An entry that a document caused in its issuer's tax reports at the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxReport {
    /// The gateway's id of the entry; `None` if the entry exists but its id was lost.
    pub entry: Option<String>,
    /// The id of the entry that this one reverses in full or in part; `None` if it reports a payment.
    pub reverses: Option<String>,
    /// The amount of the entry, including tax.
    pub amount: Money,
}

/// A reversal of an entry in full or in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxReversal {
    /// The gateway's id of the entry to reverse.
    pub entry: String,
    /// The amount to reverse.
    pub amount: Money,
}

/// Returns the reversals, oldest entry first, for a refund of `amount` of a payment.
///
/// Usually a payment has one entry. It has several after a failed refund: a gateway cannot undo a reversal, so the
/// payment is reported again. Entries whose ids were lost cannot be reversed, so the reversals can add up to less
/// than the amount.
pub fn tax_reversals<'a>(
    reports: impl IntoIterator<Item = &'a TaxReport>,
    amount: Money,
) -> Vec<TaxReversal> {
    let mut open: Vec<TaxReversal> = Vec::new();
    for report in reports {
        match (&report.reverses, &report.entry) {
            (Some(of), _) => {
                if let Some(entry) = open.iter_mut().find(|entry| entry.entry == *of) {
                    entry.amount = entry.amount.saturating_sub(report.amount);
                }
            }
            (None, Some(entry)) => open.push(TaxReversal { entry: entry.clone(), amount: report.amount }),
            (None, None) => {}
        }
    }
    let mut remaining = amount;
    for entry in &mut open {
        entry.amount = std::cmp::min_by_key(entry.amount, remaining, |amount| amount.amount());
        remaining = remaining.saturating_sub(entry.amount);
    }
    open.retain(|entry| !entry.amount.is_zero());
    open
}

#[cfg(test)]
mod tests;
