//! The lines of everybody's books.

use serde::{Deserialize, Serialize};

/// What a line is about. Stripe's `type` and `reporting_category` follow from it.
/// Source: <https://docs.stripe.com/reports/balance-transaction-types>,
/// <https://docs.stripe.com/reports/reporting-categories>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::stripe) enum Line {
    /// A guest paid.
    Charge,
    /// A guest gets money back.
    Refund,
    /// A refund did not reach the guest, and the money is back.
    RefundFailure,
    /// A guest's bank took disputed money.
    Dispute,
    /// A dispute was won, and the money is back.
    DisputeReversal,
    /// The platform sent money to an account.
    Transfer,
    /// The platform took some of it back.
    TransferReversal,
    /// The platform's earning.
    ApplicationFee,
    /// The platform gave some of its earning back.
    ApplicationFeeRefund,
    /// An account was sent money.
    Payment,
    /// An account had to give some of it back.
    PaymentRefund,
    /// An account got some of the platform's fee back.
    FeeReturned,
    /// An account's money went to its bank.
    Payout,
    /// It did not arrive there, and is back.
    PayoutFailure,
}

impl Line {
    /// Stripe's `type`.
    pub(in crate::stripe) fn kind(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::RefundFailure => "refund_failure",
            Self::Dispute | Self::DisputeReversal | Self::FeeReturned => "adjustment",
            Self::Transfer => "transfer",
            Self::TransferReversal => "transfer_refund",
            Self::ApplicationFee => "application_fee",
            Self::ApplicationFeeRefund => "application_fee_refund",
            Self::Payment => "payment",
            Self::PaymentRefund => "payment_refund",
            Self::Payout => "payout",
            Self::PayoutFailure => "payout_failure",
        }
    }

    /// Stripe's `reporting_category`.
    pub(in crate::stripe) fn category(self) -> &'static str {
        match self {
            Self::Charge | Self::Payment => "charge",
            Self::Refund | Self::PaymentRefund => "refund",
            Self::RefundFailure => "refund_failure",
            Self::Dispute => "dispute",
            Self::DisputeReversal => "dispute_reversal",
            Self::Transfer => "transfer",
            Self::TransferReversal => "transfer_reversal",
            Self::ApplicationFee => "platform_earning",
            Self::ApplicationFeeRefund => "platform_earning_refund",
            Self::FeeReturned => "other_adjustment",
            Self::Payout => "payout",
            Self::PayoutFailure => "payout_reversal",
        }
    }

    /// Who keeps no books here and has the other side of the line; `None` when another line has it.
    pub(in crate::stripe) fn other_side(self) -> Option<&'static str> {
        match self {
            Self::Charge | Self::Refund | Self::RefundFailure | Self::Dispute | Self::DisputeReversal => {
                Some("guests")
            }
            Self::Payout | Self::PayoutFailure => Some("bank"),
            Self::Transfer
            | Self::TransferReversal
            | Self::ApplicationFee
            | Self::ApplicationFeeRefund
            | Self::Payment
            | Self::PaymentRefund
            | Self::FeeReturned => None,
        }
    }
}

/// A line in somebody's books.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::stripe) struct Transaction {
    pub(in crate::stripe) id: String,
    /// The connected account; the platform when it is absent.
    pub(in crate::stripe) account: Option<String>,
    pub(in crate::stripe) line: Line,
    pub(in crate::stripe) amount: i64,
    pub(in crate::stripe) stripe_fee: i64,
    pub(in crate::stripe) application_fee: i64,
    pub(in crate::stripe) currency: String,
    pub(in crate::stripe) source: String,
    /// The automatic payout that paid it out.
    pub(in crate::stripe) payout: Option<String>,
    pub(in crate::stripe) created: i64,
}

impl Transaction {
    /// What the line changes the balance by.
    pub(in crate::stripe) fn net(&self) -> i64 {
        self.amount - self.stripe_fee - self.application_fee
    }
}
