//! The taxes in a total: which and how much, or why none were calculated.

mod percentage;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::text::ShortText;
use crate::{Money, Rate};

pub use percentage::{InvalidPercentage, Percentage};

/// A tax of the expert's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tax {
    /// What it is called, such as VAT.
    pub label: ShortText,
    /// What is added to the net price, in basis points: 1900 is 19 %.
    #[schemars(with = "u16", range(max = 10_000))]
    pub rate: Rate,
}

/// Splits an amount that includes a tax into what is left without it and the tax.
///
/// The tax is rounded half up in minor units and the net amount is the rest, so that the two always add up to the total.
///
/// ```
/// use domain::{Currency, Money, Rate};
/// use domain::receipts::tax::tax_included;
/// let total = Money::new(8_000, Currency::EUR)?;
/// let (net, tax) = tax_included(total, Rate::from_basis_points(1_900)?.into());
/// assert_eq!((net.amount(), tax.amount()), (6_723, 1_277)); // 1277.31 cents
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn tax_included(total: Money, rate: Percentage) -> (Money, Money) {
    let points = u64::from(rate.millionths());
    let whole = Percentage::whole() + points;
    // total × points ÷ whole, and half of the divisor more before the division: at most 2 × 10^8 × 10^8, inside 64 bits.
    let tax = (2 * total.amount() * points + whole) / (2 * whole);
    // A part of an amount is never too large for one.
    let part = |amount| Money::new(amount, total.currency()).unwrap_or(total);
    (part(total.amount().saturating_sub(tax)), part(tax))
}

/// One tax in a total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaxLine {
    /// What it is called, such as VAT.
    pub label: ShortText,
    /// Who levies it, such as a state or a city, when that was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jurisdiction: Option<ShortText>,
    /// What is added to the amount that is taxed; none for a tax that is no part of an amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Percentage>,
    /// How much it is.
    pub amount: Money,
}

impl fmt::Display for TaxLine {
    /// `VAT 19 %`, `Sales tax, California 7.25 %`.
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

/// Why there is no tax on a document of an issuer who has taxes calculated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoTax {
    /// It is not known well enough where the client is.
    PlaceUnknown,
    /// The issuer collects no tax where the client is.
    NotRegistered,
    /// By the calculation none is due on this service, at this place, or from this client.
    NotDue,
    /// The gateway refused to calculate, because the issuer's tax settings or account there are no longer in order.
    Refused,
    /// The payment was made by a gateway that calculates no taxes.
    OtherGateway,
}

impl fmt::Display for NoTax {
    /// For whoever reads the document.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::PlaceUnknown => "The client's place is not known to Stripe, so no tax was calculated.",
            Self::NotRegistered => "The issuer is not registered for tax at the client's place.",
            Self::NotDue => "By Stripe's calculation no tax is due.",
            Self::Refused => "Stripe could not calculate tax for the issuer's account.",
            Self::OtherGateway => "No tax was calculated, because the payment was not made by Stripe.",
        })
    }
}

/// The taxes in a total.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Taxes {
    /// The issuer says nothing of tax.
    #[default]
    Unsaid,
    /// These; together they are at most the total.
    Included(Vec<TaxLine>),
    /// The issuer has taxes calculated, and there are none, for this reason.
    Without(NoTax),
}

impl Taxes {
    /// The one tax of an issuer with a rate of their own.
    pub fn own(total: Money, tax: &Tax) -> Self {
        let rate = Percentage::from(tax.rate);
        let (_, amount) = tax_included(total, rate);
        Self::Included(vec![TaxLine {
            label: tax.label.clone(),
            jurisdiction: None,
            rate: Some(rate),
            amount,
        }])
    }

    /// The lines, if there are any.
    pub fn lines(&self) -> &[TaxLine] {
        match self {
            Self::Included(lines) => lines,
            Self::Unsaid | Self::Without(_) => &[],
        }
    }

    /// Why there are none, when they were to be calculated.
    pub fn reason(&self) -> Option<NoTax> {
        match self {
            Self::Without(reason) => Some(*reason),
            Self::Unsaid | Self::Included(_) => None,
        }
    }

    /// What is left of a total without them.
    pub fn net(&self, total: Money) -> Money {
        self.lines().iter().fold(total, |rest, line| rest.less(line.amount))
    }

    /// The taxes in a part of a total that includes these: at the rate when there is one line, in proportion when there are
    /// several.
    #[must_use]
    pub fn of_part(&self, total: Money, part: Money) -> Self {
        if part == total {
            return self.clone();
        }
        let sum = match self.lines() {
            [TaxLine { rate: Some(rate), .. }] => tax_included(part, *rate).1,
            _ => total.less(self.net(total)).proportion(part.amount(), total.amount()),
        };
        self.adding_up_to(sum)
    }

    /// The same taxes, so that together they are `sum`. Each has its share, and what rounding leaves goes to those that lost
    /// most by it.
    #[must_use]
    pub fn adding_up_to(&self, sum: Money) -> Self {
        let Self::Included(lines) = self else { return self.clone() };
        let whole: u64 = lines.iter().map(|line| line.amount.amount()).sum();
        // Both factors are at most eight digits.
        let share = |line: &TaxLine| match whole {
            0 => (0, 0),
            whole => {
                (sum.amount() * line.amount.amount() / whole, sum.amount() * line.amount.amount() % whole)
            }
        };
        let shares: Vec<(u64, u64)> = lines.iter().map(share).collect();
        let given: u64 = shares.iter().map(|(share, _)| share).sum();
        let mut order: Vec<usize> = (0..lines.len()).collect();
        order.sort_by_key(|place| std::cmp::Reverse(shares.get(*place).map(|(_, rest)| *rest)));
        let mut left = sum.amount().saturating_sub(given);
        let mut lines = lines.clone();
        for place in order {
            let Some((line, (share, _))) = lines.get_mut(place).zip(shares.get(place)) else { continue };
            // Less than a unit is left for each line; without any tax to share by, the first has it all.
            let more = if whole == 0 { left } else { left.min(1) };
            left -= more;
            line.amount = sum.with_amount(share + more).unwrap_or(sum);
        }
        Self::Included(lines)
    }
}

/// What a document put into its issuer's tax reports at the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxReport {
    /// What the gateway calls the entry; none when it is there and its name was lost.
    pub entry: Option<String>,
    /// The entry that this one takes back, in part or whole; none when it reports money that came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes_back: Option<String>,
    /// Of how much it is, tax included.
    pub amount: Money,
}

/// A part of an entry to be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakeBack {
    /// What the gateway calls the entry.
    pub entry: String,
    /// How much of it.
    pub amount: Money,
}

/// What to take back of the entries of a payment, oldest first, when `amount` of it goes back to the client.
///
/// Usually it is one entry. There are several once a refund failed, because what a gateway took back it cannot put back: the
/// money was reported anew. Entries whose names were lost stay as they are, so it can come to less than the amount.
pub fn to_take_back<'a>(reports: impl IntoIterator<Item = &'a TaxReport>, amount: Money) -> Vec<TakeBack> {
    let mut left: Vec<TakeBack> = Vec::new();
    for report in reports {
        match (&report.takes_back, &report.entry) {
            (Some(of), _) => {
                if let Some(entry) = left.iter_mut().find(|entry| entry.entry == *of) {
                    entry.amount = entry.amount.less(report.amount);
                }
            }
            (None, Some(entry)) => left.push(TakeBack { entry: entry.clone(), amount: report.amount }),
            (None, None) => {}
        }
    }
    let mut wanted = amount;
    for entry in &mut left {
        entry.amount = std::cmp::min_by_key(entry.amount, wanted, |amount| amount.amount());
        wanted = wanted.less(entry.amount);
    }
    left.retain(|entry| !entry.amount.is_zero());
    left
}

#[cfg(test)]
mod tests;
