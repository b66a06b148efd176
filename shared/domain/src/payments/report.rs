//! What the ledger comes to: an expert's earnings and the platform's commission over a span. No floats, nothing rounded.
//!
//! Both go by when an entry was written down and not by when the gateway moved the money, so that the report of a span that is
//! over never changes, and spans that follow each other add up.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::payments::ledger::{Account, Entry, Movement, MovementKind};
use crate::{Currency, ExpertId, TimeSpan};

/// A sum of amounts, which may be below zero and larger than any single amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedMoney {
    amount: i128,
    currency: Currency,
}

impl SignedMoney {
    /// A sum of minor units of `currency`.
    pub fn new(amount: i128, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Minor units.
    pub fn amount(self) -> i128 {
        self.amount
    }

    /// What the minor units are of.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// The amount as an exact decimal number with the currency's digits: `-12.05` for EUR, `1200` for JPY, `3.125` for KWD.
    pub fn decimal(self) -> String {
        let digits = usize::from(self.currency.exponent());
        let unit = 10_u128.pow(self.currency.exponent().into());
        let sign = if self.amount < 0 { "-" } else { "" };
        let magnitude = self.amount.unsigned_abs();
        if digits == 0 {
            return format!("{sign}{magnitude}");
        }
        format!("{sign}{}.{:0digits$}", magnitude / unit, magnitude % unit)
    }
}

impl fmt::Display for SignedMoney {
    /// `EUR -12.05`
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.currency.code(), self.decimal())
    }
}

/// A sum on the wire.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SignedMoney")]
struct SignedMoneyDocument {
    /// Minor units; below zero for what went the other way.
    amount: i128,
    /// Of what.
    currency: Currency,
    /// The same as an exact decimal number with the currency's digits.
    #[schemars(regex(pattern = r"^-?[0-9]+(\.[0-9]+)?$"))]
    decimal: String,
}

impl Serialize for SignedMoney {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { amount, currency } = *self;
        SignedMoneyDocument { amount, currency, decimal: self.decimal() }.serialize(serializer)
    }
}

impl JsonSchema for SignedMoney {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        SignedMoneyDocument::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        SignedMoneyDocument::json_schema(generator)
    }
}

/// What an account gets by a movement, in minor units; below zero when it gives.
fn gain(movement: &Movement, account: Account) -> i128 {
    let amount = i128::from(movement.amount.amount());
    let side = |whose| if whose == account { amount } else { 0 };
    side(movement.to) - side(movement.from)
}

/// An expert's money in one currency over a span.
///
/// `gross_paid − refunded − disputed − fee − processing_fees + carried_by_platform = net_earned`, and
/// `opening_balance + net_earned − paid_out = closing_balance`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Earnings {
    /// The currency of all figures.
    pub currency: Currency,
    /// What the expert had at the gateways before the span.
    pub opening_balance: SignedMoney,
    /// What clients paid.
    pub gross_paid: SignedMoney,
    /// What went back to them, without what their banks did not take.
    pub refunded: SignedMoney,
    /// What their banks took back in disputes, without what they returned.
    pub disputed: SignedMoney,
    /// What the platform kept as its fee, without what it gave back of it.
    pub fee: SignedMoney,
    /// What the gateway took of the expert themselves, as PayPal does.
    pub processing_fees: SignedMoney,
    /// What the platform bore of refunds and disputes, or has yet to pass on; below zero when that is settled later, and
    /// by the fee of each charge whose dispute was won.
    pub carried_by_platform: SignedMoney,
    /// What came to the expert of all this.
    pub net_earned: SignedMoney,
    /// What went to the expert's bank, without what came back from there.
    pub paid_out: SignedMoney,
    /// What the expert had at the gateways after the span. PayPal tells of no payouts, so what it ever brought stays in here.
    pub closing_balance: SignedMoney,
}

/// The running sums behind [`Earnings`].
#[derive(Debug, Clone, Copy, Default)]
struct EarningSums {
    opening: i128,
    gross: i128,
    refunded: i128,
    disputed: i128,
    fee: i128,
    processing: i128,
    net: i128,
    paid_out: i128,
}

/// Adds up an expert's earnings entry by entry, so that a ledger of any length fits in memory.
#[derive(Debug, Clone)]
pub struct EarningsReport {
    span: TimeSpan,
    sums: BTreeMap<&'static str, (Currency, EarningSums)>,
}

impl EarningsReport {
    /// A report about this span, without entries.
    pub fn new(span: TimeSpan) -> Self {
        Self { span, sums: BTreeMap::new() }
    }

    /// Takes in an entry. Those before the span make the opening balance; those after it count for nothing.
    pub fn add(&mut self, entry: &Entry) {
        if entry.at >= self.span.end() {
            return;
        }
        for movement in &entry.movements {
            let currency = movement.amount.currency();
            let (_, sums) =
                self.sums.entry(currency.code()).or_insert_with(|| (currency, EarningSums::default()));
            if entry.at < self.span.start() {
                sums.opening += gain(movement, Account::Expert);
                continue;
            }
            let client = gain(movement, Account::Client) + gain(movement, Account::Authorised);
            match movement.kind {
                MovementKind::Captured => sums.gross -= client,
                MovementKind::Refund | MovementKind::RefundFailed | MovementKind::ResolvedManually => {
                    sums.refunded += client;
                }
                MovementKind::Dispute | MovementKind::DisputeWon => sums.disputed += client,
                MovementKind::Fee | MovementKind::FeeRefund => sums.fee -= gain(movement, Account::Expert),
                MovementKind::ProcessingFee | MovementKind::DisputeFee => {
                    sums.processing -= gain(movement, Account::Expert);
                }
                MovementKind::Payout | MovementKind::PayoutFailed => {
                    sums.paid_out += gain(movement, Account::Bank);
                    continue;
                }
                MovementKind::Authorised
                | MovementKind::Released
                | MovementKind::Transfer
                | MovementKind::Reversal => {}
            }
            sums.net += gain(movement, Account::Expert);
        }
    }

    /// The report, by currency code. A currency in which nothing moved and nothing is left is not in it.
    pub fn finish(self) -> Vec<Earnings> {
        let earnings = |(currency, sums): (Currency, EarningSums)| {
            let money = |amount| SignedMoney::new(amount, currency);
            let EarningSums { opening, gross, refunded, disputed, fee, processing, net, paid_out } = sums;
            Earnings {
                currency,
                opening_balance: money(opening),
                gross_paid: money(gross),
                refunded: money(refunded),
                disputed: money(disputed),
                fee: money(fee),
                processing_fees: money(processing),
                carried_by_platform: money(net - (gross - refunded - disputed - fee - processing)),
                net_earned: money(net),
                paid_out: money(paid_out),
                closing_balance: money(opening + net - paid_out),
            }
        };
        let all = self.sums.into_values().map(earnings);
        all.filter(|earnings| !earnings.is_nothing()).collect()
    }
}

impl Earnings {
    fn is_nothing(&self) -> bool {
        let Self { opening_balance, gross_paid, refunded, disputed, fee, net_earned, paid_out, .. } = self;
        [opening_balance, gross_paid, refunded, disputed, fee, net_earned, paid_out]
            .iter()
            .all(|figure| figure.amount == 0)
    }
}

/// What the platform earned in one currency over a span.
///
/// `fee − fee_refunded − processing_fees − dispute_fees = net`; `net + passing_through` is what the platform's balance at the
/// gateways changed by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Commission {
    /// The currency of all figures.
    pub currency: Currency,
    /// The platform's fee of what was paid.
    pub fee: SignedMoney,
    /// What it gave back of it.
    pub fee_refunded: SignedMoney,
    /// What the gateways took for charges.
    pub processing_fees: SignedMoney,
    /// What they took for disputes.
    pub dispute_fees: SignedMoney,
    /// What is left.
    pub net: SignedMoney,
    /// Clients' money that came in and did not go on yet; below zero what the platform bore of refunds and disputes, or laid
    /// out until experts give it back. The fee of a charge whose dispute was won stays in here: it went back when the dispute was
    /// opened, and gateways take none of the transfer that makes the expert whole again.
    pub passing_through: SignedMoney,
}

/// The running sums behind [`Commission`].
#[derive(Debug, Clone, Copy, Default)]
struct CommissionSums {
    fee: i128,
    fee_refunded: i128,
    processing: i128,
    dispute: i128,
    passing: i128,
}

impl CommissionSums {
    fn add(&mut self, movement: &Movement) {
        let gain = gain(movement, Account::Platform);
        match movement.kind {
            MovementKind::Fee => self.fee += gain,
            MovementKind::FeeRefund => self.fee_refunded -= gain,
            MovementKind::ProcessingFee => self.processing -= gain,
            MovementKind::DisputeFee => self.dispute -= gain,
            MovementKind::Authorised
            | MovementKind::Released
            | MovementKind::Captured
            | MovementKind::Transfer
            | MovementKind::Refund
            | MovementKind::RefundFailed
            | MovementKind::Reversal
            | MovementKind::Dispute
            | MovementKind::DisputeWon
            | MovementKind::Payout
            | MovementKind::PayoutFailed
            | MovementKind::ResolvedManually => self.passing += gain,
        }
    }

    fn is_nothing(self) -> bool {
        let Self { fee, fee_refunded, processing, dispute, passing } = self;
        [fee, fee_refunded, processing, dispute, passing] == [0; 5]
    }

    fn finish(self, currency: Currency) -> Commission {
        let money = |amount| SignedMoney::new(amount, currency);
        let Self { fee, fee_refunded, processing, dispute, passing } = self;
        Commission {
            currency,
            fee: money(fee),
            fee_refunded: money(fee_refunded),
            processing_fees: money(processing),
            dispute_fees: money(dispute),
            net: money(fee - fee_refunded - processing - dispute),
            passing_through: money(passing),
        }
    }
}

/// Adds up the platform's commission entry by entry.
#[derive(Debug, Clone)]
pub struct CommissionReport {
    span: TimeSpan,
    sums: BTreeMap<(&'static str, ExpertId), (Currency, CommissionSums)>,
}

/// The platform's commission by currency, and of each expert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommissionTotals {
    /// Of all experts together, by currency code.
    pub total: Vec<Commission>,
    /// Of each expert, by currency code.
    pub by_expert: Vec<(ExpertId, Commission)>,
}

impl CommissionReport {
    /// A report about this span, without entries.
    pub fn new(span: TimeSpan) -> Self {
        Self { span, sums: BTreeMap::new() }
    }

    /// Takes in an entry; one that was not written within the span counts for nothing.
    pub fn add(&mut self, entry: &Entry) {
        if !self.span.contains(entry.at) {
            return;
        }
        for movement in &entry.movements {
            let currency = movement.amount.currency();
            let key = (currency.code(), entry.expert);
            self.sums.entry(key).or_insert_with(|| (currency, CommissionSums::default())).1.add(movement);
        }
    }

    /// The report. Who moved nothing of the platform's is not in it.
    pub fn finish(self) -> CommissionTotals {
        let mut totals: BTreeMap<&'static str, (Currency, CommissionSums)> = BTreeMap::new();
        let mut by_expert = Vec::new();
        for ((code, expert), (currency, sums)) in self.sums {
            if sums.is_nothing() {
                continue;
            }
            let (_, total) = totals.entry(code).or_insert_with(|| (currency, CommissionSums::default()));
            total.fee += sums.fee;
            total.fee_refunded += sums.fee_refunded;
            total.processing += sums.processing;
            total.dispute += sums.dispute;
            total.passing += sums.passing;
            by_expert.push((expert, sums.finish(currency)));
        }
        let total = totals.into_values().map(|(currency, sums)| sums.finish(currency)).collect();
        CommissionTotals { total, by_expert }
    }
}

#[cfg(test)]
mod tests;
