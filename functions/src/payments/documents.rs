//! JSON documents of payments, payment accounts and reports.

use app::payments::ports::{OnboardingPage, PayWith};
use domain::kernel::time::Date;
use domain::payments::account::PaymentAccount;
use domain::payments::gateway::GatewayKind;
use domain::payments::ledger::{Movement, Totals};
use domain::payments::payment::{Decline, Escalation, Payment, PaymentState, Plan};
use domain::scheduling::party::Party;
use domain::{Money, Timestamp};
use http_api::{Problem, Request, csv};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::AppointmentRecord;

/// A page of the payment gateway on which the expert completes the onboarding.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OnboardingPageDocument {
    /// The URL to open in the expert's browser. It works once.
    pub url: String,
    /// When the URL stops working. Request another one after that.
    pub expires_at: Timestamp,
}

impl From<OnboardingPage> for OnboardingPageDocument {
    fn from(page: OnboardingPage) -> Self {
        Self { url: page.url, expires_at: page.expires_at }
    }
}

/// An expert's account at a payment gateway.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PaymentAccountDocument {
    /// The payment gateway.
    pub gateway: GatewayKind,
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
    /// When the account was first read in this state.
    pub read_at: Timestamp,
}

impl From<PaymentAccount> for PaymentAccountDocument {
    fn from(account: PaymentAccount) -> Self {
        Self {
            gateway: account.gateway,
            account: account.account,
            charges_enabled: account.charges_enabled,
            payouts_enabled: account.payouts_enabled,
            requirements_due: account.requirements_due,
            disabled_reason: account.disabled_reason,
            read_at: account.read_at,
        }
    }
}

/// The payment of an appointment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PaymentDocument {
    /// The state of the payment, with the members that belong to it.
    #[serde(flatten)]
    pub state: PaymentState,
    /// The payment gateway.
    pub gateway: GatewayKind,
    /// When and how the money is collected.
    pub plan: Plan,
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
    pub fee: Option<Money>,
    /// The decision that an administrator must make before the payment continues; not for the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalation: Option<Escalation>,
    /// The gateway's id of the payment intent, setup intent or order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// Why the client's bank last declined the payment; only for the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declined: Option<DeclineDocument>,
    /// The secret with which the client's browser completes the payment; only in responses to the client's booking and to
    /// the client's request for the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// The gateway's page on which the client completes the payment; present in the same responses as `client_secret`, for
    /// gateways that use a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pay_page: Option<String>,
}

/// Why the client's bank declined a payment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DeclineDocument {
    /// The reason code.
    pub reason: Decline,
    /// A message to show to the client.
    pub message: &'static str,
}

impl PaymentDocument {
    /// The payment of an appointment as `party` may see it.
    ///
    /// # Errors
    /// 404 if the appointment has no payment.
    pub fn of(record: AppointmentRecord, party: Party) -> Result<Self, Problem> {
        let payment = record.payment.ok_or_else(|| Problem::not_found("payment"))?;
        Ok(Self::new(payment, &record.movements, party))
    }

    /// The payment as `party` may see it.
    pub fn new(payment: Payment, movements: &[Movement], party: Party) -> Self {
        let totals = Totals::of(movements);
        let money = |amount| payment.amount.with_amount(amount).unwrap_or(payment.amount);
        Self {
            gateway: payment.gateway,
            plan: payment.plan,
            amount: payment.amount,
            paid: money(totals.captured),
            refunded: money(totals.refunded),
            disputed: money(totals.disputed),
            fee: (party != Party::Client).then(|| payment.fee()),
            escalation: payment.escalation.filter(|_| party != Party::Client),
            intent: payment.references.intent.or(payment.references.setup),
            declined: payment
                .decline
                .filter(|_| party == Party::Client)
                .map(|reason| DeclineDocument { reason, message: reason.message() }),
            client_secret: None,
            pay_page: None,
            state: payment.state,
        }
    }

    /// Adds how the client completes the payment.
    #[must_use]
    pub fn paid_with(mut self, pay_with: PayWith) -> Self {
        match pay_with {
            PayWith::ClientSecret(secret) => self.client_secret = Some(secret),
            PayWith::Page(page) => self.pay_page = Some(page),
            PayWith::None => {}
        }
        self
    }
}

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
