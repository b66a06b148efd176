//! JSON documents of payments, payment accounts and reports.

use app::payments::{ports, refunds};
use domain::kernel::time::Date;
use domain::payments::{account, exchange, gateway, ledger, payment, payout, report};
use domain::scheduling::appointment::Status;
use domain::scheduling::party::Party;
use domain::{AppointmentId, Currency, Money, Rate, Timestamp};
use http_api::{Problem, Request, csv};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::AppointmentRecord;

use crate::mirror::mirror;

/// A page of the payment gateway on which the expert completes the onboarding.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OnboardingPage {
    /// The URL to open in the expert's browser. It works once.
    pub url: String,
    /// When the URL stops working. Request another one after that.
    pub expires_at: Timestamp,
}

mirror!(struct OnboardingPage <= ports::OnboardingPage { url, expires_at });

/// A payment gateway.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gateway {
    /// Stripe Connect.
    Stripe,
    /// PayPal for marketplaces.
    Paypal,
}

mirror!(enum Gateway <=> gateway::GatewayKind { Stripe, Paypal });

/// An expert's account at a payment gateway.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PaymentAccount {
    /// The payment gateway.
    pub gateway: Gateway,
    /// The gateway's id of the account.
    pub account: String,
    /// Whether clients can pay for sessions.
    pub charges_enabled: bool,
    /// Whether the gateway pays out to the expert's bank.
    pub payouts_enabled: bool,
    /// What the gateway still requires of the expert: its own field names, or a description.
    pub requirements_due: Vec<String>,
    /// The gateway's reason for disabling the account; null while the account is enabled.
    pub disabled_reason: Option<String>,
    /// When the platform first read this state from the gateway. A later read that finds the same state does not change it.
    pub read_at: Timestamp,
}

mirror!(struct PaymentAccount <= account::PaymentAccount {
    gateway,
    account,
    charges_enabled,
    payouts_enabled,
    requirements_due,
    disabled_reason,
    read_at,
});

/// The payment of an appointment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Payment {
    /// The state of the payment, with the members that belong to it.
    #[serde(flatten)]
    pub state: PaymentState,
    /// The payment gateway.
    pub gateway: Gateway,
    /// When and how the money is collected.
    pub plan: PaymentPlan,
    /// The amount that the client agreed to pay.
    pub amount: Money,
    /// The amount that the client has paid.
    pub paid: Money,
    /// The amount refunded to the client.
    pub refunded: Money,
    /// The amount that the client's bank took back in a dispute.
    pub disputed: Money,
    /// The platform's fee when the full amount is paid; only for the expert and administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_fee: Option<Money>,
    /// The refund that the expert has granted and that is not made yet, because the gateway could not take their share of it back;
    /// absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_refund: Option<WaitingRefund>,
    /// What the platform withholds of the expert's share in addition to its fee, because the expert owed it; absent if nothing is
    /// withheld, and for the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Money>,
    /// When the expert gets their share; not for the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payout_timing: Option<PayoutTiming>,
    /// What the expert has received of their share so far, after the platform's fee: zero until it is paid out, and less after a
    /// refund or a dispute. The gateway's own fee is not subtracted. Not for the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_out: Option<Money>,
    /// The decision that an administrator must make before the payment continues; not for the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalation: Option<EscalationReason>,
    /// The gateway's id of the payment intent, setup intent or order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// Why the client's bank last declined the payment; only for the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declined: Option<Decline>,
    /// True if so many attempts to pay were declined that this payment cannot be paid any more. An appointment that was not
    /// confirmed has then expired.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub too_many_declines: bool,
    /// The secret with which the client's browser completes the payment; only in responses to the client's booking and to
    /// the client's request for the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// The gateway's page on which the client completes the payment; present in the same responses as `client_secret`, for
    /// gateways that use a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pay_page: Option<String>,
}

/// A refund that the expert has granted, and that is made as soon as what it waits for has come.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WaitingRefund {
    /// What the client gets.
    pub amount: Money,
    /// What the refund waits for.
    pub waits_for: RefundWaitsFor,
    /// When the gateway first refused to take the share back; absent if it has not been asked for it, or that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When the platform attempts again to take the share back: once a day, for 30 days after the first refusal. Absent after that,
    /// and as long as an open dispute leaves nothing to refund. An administrator can decide at any time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
}

/// What a refund waits for.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundWaitsFor {
    /// The expert's share of it, which was paid out to them. The gateway takes it back once the balance of their account covers it.
    ExpertShare,
}

impl From<payment::WaitingRefund> for WaitingRefund {
    fn from(refund: payment::WaitingRefund) -> Self {
        let payment::WaitingRefund { amount, since, next_attempt_at } = refund;
        Self { amount, waits_for: RefundWaitsFor::ExpertShare, since, next_attempt_at }
    }
}

/// Why the client's bank declined a payment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Decline {
    /// The reason code.
    pub reason: DeclineReason,
    /// A message to show to the client.
    pub message: &'static str,
}

/// When and how the client is charged. The plan is chosen at booking.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentPlan {
    /// Charge at booking.
    Charge,
    /// Authorize at booking, and capture after the session took place.
    Authorize,
    /// Save the card at booking, authorize close to the session, and capture after the session took place.
    SaveCard,
}

mirror!(enum PaymentPlan <= payment::Plan { Charge, Authorize, SaveCard });

/// The state of a payment.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum PaymentState {
    /// The client has not paid yet.
    Open,
    /// The gateway processes or reviews the payment. This is rare, and may take days.
    Processing,
    /// The card is saved, but nothing is authorized or captured yet.
    CardSaved,
    /// The amount is authorized.
    Authorized {
        /// The amount can be captured until this instant.
        capture_before: Timestamp,
    },
    /// The card failed. The client must pay again, or the appointment is cancelled.
    ActionRequired {
        /// The client must pay by this instant.
        deadline: Timestamp,
    },
    /// The client has paid.
    Paid {
        /// When the client paid.
        paid_at: Timestamp,
    },
    /// A part was refunded.
    PartiallyRefunded {
        /// When the last refund was made.
        refunded_at: Timestamp,
    },
    /// The full amount was refunded.
    Refunded {
        /// When the last refund was made.
        refunded_at: Timestamp,
    },
    /// A refund is due but cannot be made. An administrator must decide.
    RefundFailed,
    /// The client's bank withdrew the payment because of a dispute, temporarily or permanently.
    Disputed,
    /// Nothing was paid, and nothing can be paid any more.
    Cancelled,
    /// What the client owes for a session, a late cancellation or a no-show could not be charged.
    Unpaid,
    /// A newer version of the platform has stored something in the payment that this one does not know.
    Unknown,
}

mirror!(enum PaymentState <= payment::PaymentState {
    Open,
    Processing,
    CardSaved,
    Authorized { capture_before },
    ActionRequired { deadline },
    Paid { paid_at },
    PartiallyRefunded { refunded_at },
    Refunded { refunded_at },
    RefundFailed,
    Disputed,
    Cancelled,
    Unpaid,
    Unknown,
});

/// A decision that only an administrator can make, and the amount in question.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum EscalationReason {
    /// The client's bank rejected a refund.
    RefundFailed {
        /// The amount to refund.
        amount: Money,
    },
    /// A refund is due on a charge whose dispute was lost, but the gateway does not refund such charges.
    DisputeLost {
        /// The amount to refund.
        amount: Money,
    },
    /// The gateway permanently refuses an order.
    Refused {
        /// The order.
        order: RefusedOrder,
        /// The amount of the order.
        amount: Money,
    },
    /// The parties disagree about whether the session took place.
    NoShowDisputed,
    /// A newer version of the platform has escalated the payment, and this one does not know the reason.
    Unknown,
}

mirror!(enum EscalationReason <= payment::Escalation {
    RefundFailed { amount },
    DisputeLost { amount },
    Refused { order, amount },
    NoShowDisputed,
    Unknown,
});

/// An order that the gateway permanently refuses.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusedOrder {
    /// Capturing the authorized amount.
    Capture,
    /// Refunding the client.
    Refund,
    /// Taking money back from the expert.
    Reversal,
    /// Transferring money to the expert, after the session or again.
    Transfer,
}

mirror!(enum RefusedOrder <= payment::OrderKind { Capture, Refund, Reversal, Transfer });

/// Why the client's bank declined, grouped by what the client can do.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeclineReason {
    /// The bank requires the cardholder to authenticate.
    AuthenticationRequired,
    /// The balance is too low.
    InsufficientFunds,
    /// The card has expired.
    ExpiredCard,
    /// The card number, date or security code is wrong.
    WrongDetails,
    /// The card does not support this kind of payment or this currency.
    NotSupported,
    /// The bank asks to try again later.
    TryLater,
    /// The bank gives no reason, or the reason must not be disclosed.
    Refused,
}

mirror!(enum DeclineReason <= payment::Decline {
    AuthenticationRequired,
    InsufficientFunds,
    ExpiredCard,
    WrongDetails,
    NotSupported,
    TryLater,
    Refused,
});

impl Payment {
    /// The payment of an appointment as `party` may see it.
    ///
    /// # Errors
    /// 404 if the appointment has no payment.
    pub fn of(record: AppointmentRecord, party: Party) -> Result<Self, Problem> {
        let payment = record.payment.ok_or_else(|| Problem::not_found("payment"))?;
        Ok(Self::new(payment, &record.movements, &record.appointment.status, party))
    }

    /// The payment of an appointment with this status, as `party` may see it.
    pub fn new(
        payment: payment::Payment,
        movements: &[ledger::Movement],
        status: &Status,
        party: Party,
    ) -> Self {
        let totals = ledger::Totals::of(movements);
        let money = |amount| payment.amount.with_amount(amount).unwrap_or(payment.amount);
        Self {
            gateway: payment.gateway.into(),
            plan: payment.plan.into(),
            amount: payment.amount,
            paid: money(totals.captured),
            refunded: money(totals.refunded),
            disputed: money(totals.disputed),
            platform_fee: (party != Party::Client).then(|| payment.fee()),
            waiting_refund: payment.waiting_refund(totals, payment.amount_due(status)).map(Into::into),
            withheld: payment.withheld.filter(|_| party != Party::Client),
            payout_timing: (party != Party::Client).then(|| payment.payout_timing.into()),
            paid_out: (party != Party::Client).then(|| money(totals.expert_balance())),
            escalation: payment.escalation.filter(|_| party != Party::Client).map(Into::into),
            intent: payment.references.intent.or(payment.references.setup),
            declined: payment
                .decline
                .filter(|_| party == Party::Client)
                .map(|reason| Decline { message: reason.message(), reason: reason.into() }),
            too_many_declines: payment.too_many_declines,
            client_secret: None,
            pay_page: None,
            state: payment.state.into(),
        }
    }

    /// Adds how the client completes the payment.
    #[must_use]
    pub fn paid_with(mut self, pay_with: ports::PayWith) -> Self {
        match pay_with {
            ports::PayWith::ClientSecret(secret) => self.client_secret = Some(secret),
            ports::PayWith::Page(page) => self.pay_page = Some(page),
            ports::PayWith::None => {}
        }
        self
    }
}

/// When an expert gets their share of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PayoutTiming {
    /// As soon as the client pays.
    AtPayment,
    /// One day after the end of the session.
    AfterSession,
}

mirror!(enum PayoutTiming <=> payout::PayoutTiming { AtPayment, AfterSession });

/// The platform's terms for an expert. A change applies to new appointments; existing ones keep theirs.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpertTerms {
    /// The fee in basis points (hundredths of a percent) of the price; null for the platform's default.
    #[schemars(range(max = 10_000))]
    pub basis_points: Option<u16>,
    /// When the expert gets their share of new payments; absent for the platform's setting. New experts get it after the session,
    /// whatever this says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payout_timing: Option<PayoutTiming>,
    /// Whether the expert may ask for prices up to the largest one of a currency; false if absent. Otherwise, the platform's limit for
    /// new experts applies.
    #[serde(default)]
    pub established: bool,
    /// What refunds of the expert's sessions may cost the platform in a month, as a multiple of the smallest price of a currency; null
    /// for the platform's default.
    #[serde(default)]
    #[schemars(range(min = 1, max = 65_535))]
    pub refund_budget: Option<u16>,
}

impl From<account::ExpertTerms> for ExpertTerms {
    fn from(fee: account::ExpertTerms) -> Self {
        let account::ExpertTerms { rate, payout_timing, established, refund_budget, .. } = fee;
        Self {
            basis_points: rate.map(Rate::basis_points),
            payout_timing: payout_timing.map(Into::into),
            established,
            refund_budget,
        }
    }
}

/// A refund that was requested. The payment shows what the gateway has refunded so far.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Refund {
    /// The appointment whose payment is refunded.
    pub appointment_id: AppointmentId,
    /// The amount of this refund.
    pub amount: Money,
    /// What happens with the amount.
    pub state: RefundState,
    /// The amount that the client pays in the end, after this refund and all earlier ones.
    pub final_charge: Money,
    /// When the refund was requested.
    pub requested_at: Timestamp,
}

/// What happens with the amount of a refund.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// The client has paid, and the gateway is asked to refund the amount. If your share was paid out, it is taken back from your
    /// account first, so keep enough on it; until then, the payment has a `waiting_refund`. `refunded` of the payment increases when
    /// the gateway has refunded the amount.
    Pending,
    /// The client has not been charged yet, and will be charged less.
    ChargeReduced,
}

mirror!(enum RefundState <= refunds::RefundState { Pending, ChargeReduced });
mirror!(struct Refund <= refunds::Refund { appointment_id, amount, state, final_charge, requested_at });

/// The days that a report covers, and its format.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportQuery {
    /// The first day of the report.
    pub from: Date,
    /// The last day of the report, at most 365 days after `from`.
    pub to: Date,
    /// The format of the report. When it is absent, the `Accept` header decides.
    pub format: Option<ReportFormat>,
}

/// The format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportFormat {
    /// A JSON document.
    Json,
    /// Comma-separated values for spreadsheets.
    Csv,
}

impl ReportQuery {
    /// Whether the caller wants the report as CSV.
    ///
    /// # Errors
    /// 406 when the caller accepts neither JSON nor CSV.
    pub fn wants_csv(&self, request: &Request) -> Result<bool, Problem> {
        Ok(match self.format {
            Some(format) => format == ReportFormat::Csv,
            None => request.negotiate(&["application/json", csv::MEDIA_TYPE])? == csv::MEDIA_TYPE,
        })
    }
}

/// A sum of amounts. It can be negative.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SignedMoney {
    /// The sum in minor units; it can be negative.
    pub amount: i128,
    /// The currency.
    pub currency: Currency,
    /// The same sum as an exact decimal number with the currency's digits.
    #[schemars(regex(pattern = r"^-?[0-9]+(\.[0-9]+)?$"))]
    pub decimal: String,
}

impl From<report::SignedMoney> for SignedMoney {
    fn from(sum: report::SignedMoney) -> Self {
        Self { amount: sum.amount(), currency: sum.currency(), decimal: sum.decimal() }
    }
}

/// The estimated price in another currency, for information only. It is not the amount that is charged.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Estimate {
    /// The estimated amount, rounded half up to minor units.
    pub amount: Money,
    /// The date of the exchange rates.
    pub rate_date: Date,
    /// The publisher of the exchange rates.
    pub source: &'static str,
    /// Whether newer rates should exist: the rates are more than five days old, which no weekend or holiday explains.
    pub stale: bool,
}

mirror!(struct Estimate <= exchange::Estimate { amount, rate_date, source, stale });
