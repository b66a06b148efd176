//! Reports based on the ledger: an expert's earnings and the platform's commission in a period. Sums are exact.
//!
//! Reports use the time at which an entry was recorded, not the time of the movement at the gateway. The report of a
//! past period therefore never changes, and adjacent periods add up.

use std::collections::BTreeMap;
use std::fmt;

use crate::payments::ledger::{Account, Entry, Movement, MovementKind};
use crate::{Currency, ExpertId, TimeSpan};

/// A sum of amounts. It can be negative, and larger than any single amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedMoney {
    amount: i128,
    currency: Currency,
}

impl SignedMoney {
    /// Creates a sum of minor units of `currency`.
    pub fn new(amount: i128, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Returns the sum in minor units.
    pub fn amount(self) -> i128 {
        self.amount
    }

    /// Returns the currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// Returns the sum as an exact decimal number with the currency's digits: `-12.05` for EUR, `1200` for JPY,
    /// `3.125` for KWD.
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
    /// Writes the currency and the decimal number, such as `EUR -12.05`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.currency.code(), self.decimal())
    }
}

/// Returns by how much a movement changes the balance of an account, in minor units.
fn gain(movement: &Movement, account: Account) -> i128 {
    let amount = i128::from(movement.amount.amount());
    let side = |whose| if whose == account { amount } else { 0 };
    side(movement.to) - side(movement.from)
}

/// An expert's earnings in one currency in a period.
///
/// `gross_paid − refunded − disputed − refund_processing_costs − fee − processing_fees + carried_by_platform = net_earned`, and
/// `opening_balance + net_earned − paid_out = closing_balance`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earnings {
    /// The currency of all figures.
    pub currency: Currency,
    /// The expert's balance at the gateways before the period.
    pub opening_balance: SignedMoney,
    /// The total that clients paid.
    pub gross_paid: SignedMoney,
    /// The total that was refunded to clients, without refunds that failed.
    pub refunded: SignedMoney,
    /// The total that clients' banks withdrew because of disputes, without what they returned.
    pub disputed: SignedMoney,
    /// What clients paid the platform for the processing of their refunds. The expert has no share of it.
    pub refund_processing_costs: SignedMoney,
    /// The platform's fee, without fee refunds.
    pub fee: SignedMoney,
    /// The gateway fees that the expert paid directly, as with PayPal.
    pub processing_fees: SignedMoney,
    /// What the platform paid for refunds and disputes, or has not passed on yet. It is negative if the platform
    /// collects it in a later period. It includes the fee of each charge whose dispute was won.
    pub carried_by_platform: SignedMoney,
    /// The total that the expert earned.
    pub net_earned: SignedMoney,
    /// The total that was paid out to the expert's bank, without payouts that failed.
    pub paid_out: SignedMoney,
    /// The expert's balance at the gateways after the period. PayPal reports no payouts, so this includes everything
    /// that PayPal ever paid.
    pub closing_balance: SignedMoney,
}

/// The running sums of [`Earnings`].
#[derive(Debug, Clone, Copy, Default)]
struct EarningSums {
    opening: i128,
    gross: i128,
    refunded: i128,
    disputed: i128,
    costs: i128,
    fee: i128,
    processing: i128,
    net: i128,
    paid_out: i128,
}

/// Computes an expert's earnings entry by entry, with memory that does not depend on the length of the ledger.
#[derive(Debug, Clone)]
pub struct EarningsReport {
    span: TimeSpan,
    sums: BTreeMap<&'static str, (Currency, EarningSums)>,
}

impl EarningsReport {
    /// Creates an empty report for a period.
    pub fn new(span: TimeSpan) -> Self {
        Self { span, sums: BTreeMap::new() }
    }

    /// Adds an entry. Entries before the period count towards the opening balance; entries after it are ignored.
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
            let client = gain(movement, Account::Client) + gain(movement, Account::Authorized);
            match movement.kind {
                MovementKind::Captured => sums.gross -= client,
                MovementKind::Refund | MovementKind::RefundFailed | MovementKind::ResolvedManually => {
                    sums.refunded += client;
                }
                MovementKind::Dispute | MovementKind::DisputeWon => sums.disputed += client,
                MovementKind::ProcessingCost => sums.costs += gain(movement, Account::ProcessingCosts),
                MovementKind::Fee | MovementKind::FeeRefund => sums.fee -= gain(movement, Account::Expert),
                MovementKind::ProcessingFee | MovementKind::DisputeFee => {
                    sums.processing -= gain(movement, Account::Expert);
                }
                MovementKind::Payout | MovementKind::PayoutFailed => {
                    sums.paid_out += gain(movement, Account::ExpertBank);
                    continue;
                }
                MovementKind::Authorized
                | MovementKind::Released
                | MovementKind::Transfer
                | MovementKind::Reversal => {}
            }
            sums.net += gain(movement, Account::Expert);
        }
    }

    /// Returns the earnings by currency code. A currency without any movement and balance is omitted.
    pub fn finish(self) -> Vec<Earnings> {
        let earnings = |(currency, sums): (Currency, EarningSums)| {
            let money = |amount| SignedMoney::new(amount, currency);
            let EarningSums { opening, gross, refunded, disputed, costs, fee, processing, net, paid_out } =
                sums;
            Earnings {
                currency,
                opening_balance: money(opening),
                gross_paid: money(gross),
                refunded: money(refunded),
                disputed: money(disputed),
                refund_processing_costs: money(costs),
                fee: money(fee),
                processing_fees: money(processing),
                carried_by_platform: money(net - (gross - refunded - disputed - costs - fee - processing)),
                net_earned: money(net),
                paid_out: money(paid_out),
                closing_balance: money(opening + net - paid_out),
            }
        };
        let all = self.sums.into_values().map(earnings);
        all.filter(|earnings| !earnings.is_zero()).collect()
    }
}

impl Earnings {
    fn is_zero(&self) -> bool {
        let Self { opening_balance, gross_paid, refunded, disputed, refund_processing_costs, .. } = self;
        let Self { fee, net_earned, paid_out, .. } = self;
        let before_fee = [opening_balance, gross_paid, refunded, disputed, refund_processing_costs];
        before_fee.into_iter().chain([fee, net_earned, paid_out]).all(|figure| figure.amount == 0)
    }
}

/// The platform's commission in one currency in a period.
///
/// `fee − fee_refunded + refund_processing_costs − processing_fees − dispute_fees = net`. `net + passing_through` is the change of
/// the platform's balance at the gateways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commission {
    /// The currency of all figures.
    pub currency: Currency,
    /// The platform's fee.
    pub fee: SignedMoney,
    /// The part of the fee that was returned.
    pub fee_refunded: SignedMoney,
    /// What clients paid for the processing of their refunds.
    pub refund_processing_costs: SignedMoney,
    /// The gateways' fees for payments.
    pub processing_fees: SignedMoney,
    /// The gateways' fees for disputes.
    pub dispute_fees: SignedMoney,
    /// The net commission.
    pub net: SignedMoney,
    /// Clients' money that has not been passed on yet. It is negative for what the platform paid for refunds and
    /// disputes, or advanced until experts return it. It includes the fee of each charge whose dispute was won: the
    /// fee is returned when the dispute is opened, and the gateway charges none on the transfer that compensates the
    /// expert.
    pub passing_through: SignedMoney,
}

/// The running sums of [`Commission`].
#[derive(Debug, Clone, Copy, Default)]
struct CommissionSums {
    fee: i128,
    fee_refunded: i128,
    costs: i128,
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
            // It was the client's money, and is the platform's from now on.
            MovementKind::ProcessingCost => {
                self.passing += gain;
                self.costs -= gain;
            }
            MovementKind::Authorized
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

    fn is_zero(self) -> bool {
        let Self { fee, fee_refunded, costs, processing, dispute, passing } = self;
        [fee, fee_refunded, costs, processing, dispute, passing] == [0; 6]
    }

    fn finish(self, currency: Currency) -> Commission {
        let money = |amount| SignedMoney::new(amount, currency);
        let Self { fee, fee_refunded, costs, processing, dispute, passing } = self;
        Commission {
            currency,
            fee: money(fee),
            fee_refunded: money(fee_refunded),
            refund_processing_costs: money(costs),
            processing_fees: money(processing),
            dispute_fees: money(dispute),
            net: money(fee - fee_refunded + costs - processing - dispute),
            passing_through: money(passing),
        }
    }
}

/// Computes the platform's commission entry by entry.
#[derive(Debug, Clone)]
pub struct CommissionReport {
    span: TimeSpan,
    sums: BTreeMap<(&'static str, ExpertId), (Currency, CommissionSums)>,
}

/// The platform's commission in total and by expert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommissionTotals {
    /// The commission of all experts together, by currency code.
    pub total: Vec<Commission>,
    /// The commission of each expert, by currency code.
    pub by_expert: Vec<(ExpertId, Commission)>,
}

impl CommissionReport {
    /// Creates an empty report for a period.
    pub fn new(span: TimeSpan) -> Self {
        Self { span, sums: BTreeMap::new() }
    }

    /// Adds an entry. Entries that were not recorded within the period are ignored.
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

    /// Returns the commission. Experts without any movement of the platform's money are omitted.
    pub fn finish(self) -> CommissionTotals {
        let mut totals: BTreeMap<&'static str, (Currency, CommissionSums)> = BTreeMap::new();
        let mut by_expert = Vec::new();
        for ((code, expert), (currency, sums)) in self.sums {
            if sums.is_zero() {
                continue;
            }
            let (_, total) = totals.entry(code).or_insert_with(|| (currency, CommissionSums::default()));
            total.fee += sums.fee;
            total.fee_refunded += sums.fee_refunded;
            total.costs += sums.costs;
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
