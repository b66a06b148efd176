//! Documents that more than one function answers, and what more than one asks for.

use app::payments::ports::{OnboardingPage, PayWith};
use domain::experts::expert::{Expert, ExpertProfile};
use domain::experts::policy::{CancellationPolicy, ReschedulePolicy};
use domain::experts::session_type::{SessionType, SessionTypeStatus, SessionTypeTerms};
use domain::kernel::text::ShortText;
use domain::kernel::time::Date;
use domain::payments::account::PaymentAccount;
use domain::payments::gateway::Gateway;
use domain::payments::ledger::{Movement, Totals};
use domain::payments::payment::{Concern, Decline, Payment, PaymentState, Plan};
use domain::receipts::receipt::{Issuer, Receipt, ReceiptKind, ReceiptNumber, Recipient, Service};
use domain::receipts::tax::{NoTax, TaxLine, Taxes};
use domain::scheduling::appointment::{Attendee, Review, Status};
use domain::scheduling::party::Party;
use domain::{AppointmentId, ClientId, ExpertId, Money, ReceiptId, SessionTypeId, Timestamp};
use http_api::{Call, Problem, sheet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::AppointmentRecord;

/// An expert's public profile.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExpertDocument {
    /// Its id.
    pub id: ExpertId,
    /// When it was published.
    pub created_at: Timestamp,
    /// What they tell.
    #[serde(flatten)]
    pub profile: ExpertProfile,
}

impl From<Expert> for ExpertDocument {
    fn from(expert: Expert) -> Self {
        Self { id: expert.id, created_at: expert.created_at, profile: expert.profile }
    }
}

/// What an expert offers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SessionTypeDocument {
    /// Its id.
    pub id: SessionTypeId,
    /// Whether it can be booked.
    pub status: SessionTypeStatus,
    /// Its version, for `If-Match` when it is edited.
    pub version: u64,
    /// What the expert chose.
    #[serde(flatten)]
    pub terms: SessionTypeTerms,
}

impl From<SessionType> for SessionTypeDocument {
    fn from(kind: SessionType) -> Self {
        Self { id: kind.id, status: kind.status, version: kind.version, terms: kind.terms }
    }
}

/// A page of a payment gateway on which an expert tells it who they are, once.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OnboardingPageDocument {
    /// Where to send the expert's browser.
    pub url: String,
    /// Until when it works; then ask for another.
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
    /// Whose gateway.
    pub gateway: Gateway,
    /// Its id there.
    pub account: String,
    /// Whether clients can pay for sessions.
    pub charges_enabled: bool,
    /// Whether the gateway pays out to the expert's bank.
    pub payouts_enabled: bool,
    /// What the gateway still wants to know, in its own field names, or what the expert must do, in words.
    pub requirements_due: Vec<String>,
    /// Why the gateway stopped the account, in its own word.
    pub disabled_reason: Option<String>,
    /// Since when it has been so.
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

/// An appointment, as one of its two people sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AppointmentDocument {
    /// Its id.
    pub id: AppointmentId,
    /// Grows by one with each change.
    pub version: u64,
    /// Where it stands.
    #[serde(flatten)]
    pub status: Status,
    /// What is decided, and what not yet, of how it ended; none when nobody contradicted anybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// Who gives the session.
    pub expert_id: ExpertId,
    /// Who booked it.
    pub client_id: ClientId,
    /// What was booked.
    pub session_type_id: SessionTypeId,
    /// What it was called then.
    pub session_name: ShortText,
    /// When it begins, in UTC.
    pub start: Timestamp,
    /// When it ends, in UTC.
    pub end: Timestamp,
    /// When it begins on the client's clock, with its offset.
    pub start_for_client: String,
    /// Seats taken.
    pub seats: u16,
    /// Of all seats together.
    pub price: Money,
    /// Who comes.
    pub attendee: Attendee,
    /// When it was held.
    pub created_at: Timestamp,
    /// How often it was moved.
    pub reschedules: u16,
    /// What comes back when it does not take place, as agreed when it was booked.
    pub cancellation: CancellationPolicy,
    /// How its client may move it, as agreed when it was booked.
    pub rescheduling: ReschedulePolicy,
    /// Its payment; none when there is nothing to pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentDocument>,
}

/// A payment, as one of the two people sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PaymentDocument {
    /// How far it is.
    #[serde(flatten)]
    pub state: PaymentState,
    /// Who moves the money.
    pub gateway: Gateway,
    /// How it is come by.
    pub plan: Plan,
    /// What the client agreed to pay.
    pub amount: Money,
    /// What the client has paid.
    pub paid: Money,
    /// What went back to the client.
    pub refunded: Money,
    /// What the client's bank took back in a dispute.
    pub disputed: Money,
    /// What the platform keeps when all of it is paid; for the expert only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee: Option<Money>,
    /// What an administrator must decide before it goes on; not for the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs_person: Option<Concern>,
    /// The intent or order at the gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// Why the client's bank last refused, for the client to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declined: Option<DeclineDocument>,
    /// What the client's browser pays with; only to the client who books or asks how to pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// The gateway's page on which the client pays; only to the client who books or asks how to pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pay_page: Option<String>,
}

/// Why a bank refused.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DeclineDocument {
    /// In one word.
    pub reason: Decline,
    /// In words for the client.
    pub words: &'static str,
}

impl PaymentDocument {
    /// What this side sees.
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
            needs_person: payment.concern.filter(|_| party != Party::Client),
            intent: payment.references.intent.or(payment.references.setup),
            declined: payment
                .decline
                .filter(|_| party == Party::Client)
                .map(|reason| DeclineDocument { reason, words: reason.words() }),
            client_secret: None,
            pay_page: None,
            state: payment.state,
        }
    }

    /// The same with how the client pays.
    #[must_use]
    pub fn paid_with(mut self, pay_with: PayWith) -> Self {
        match pay_with {
            PayWith::ClientSecret(secret) => self.client_secret = Some(secret),
            PayWith::Page(page) => self.pay_page = Some(page),
            PayWith::Nothing => {}
        }
        self
    }
}

impl AppointmentDocument {
    /// What this side sees.
    pub fn new(record: AppointmentRecord, party: Party) -> Self {
        let AppointmentRecord { appointment, payment, movements } = record;
        Self {
            id: appointment.id,
            version: appointment.version,
            status: appointment.status,
            review: appointment.review,
            expert_id: appointment.expert,
            client_id: appointment.client,
            session_type_id: appointment.session_type,
            session_name: appointment.session_name,
            start: appointment.start,
            end: appointment.end,
            start_for_client: appointment.attendee.time_zone.show(appointment.start),
            seats: appointment.seats,
            price: appointment.price,
            attendee: appointment.attendee,
            created_at: appointment.created_at,
            reschedules: appointment.reschedules,
            cancellation: appointment.cancellation,
            rescheduling: appointment.rescheduling,
            payment: payment.map(|payment| PaymentDocument::new(payment, &movements, party)),
        }
    }
}

/// A receipt, a credit note or a correction. It never changes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReceiptDocument {
    /// Its id.
    pub id: ReceiptId,
    /// Its number in the issuer's series of the year; receipts, credit notes and corrections share one, without gaps.
    pub number: ReceiptNumber,
    /// What kind it is.
    #[serde(flatten)]
    pub kind: ReceiptKind,
    /// The appointment that was paid for.
    pub appointment_id: AppointmentId,
    /// Who issued it.
    pub expert_id: ExpertId,
    /// Whom it is for.
    pub client_id: ClientId,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When the money moved.
    pub moved_at: Timestamp,
    /// Who issued it, as they described themselves then.
    pub issuer: Issuer,
    /// Whom it is for, as the booking named them.
    pub recipient: Recipient,
    /// What was paid for.
    pub service: Service,
    /// How much moved, tax included.
    pub total: Money,
    /// The taxes in it, when the issuer had set one, or had them calculated and some are due.
    pub taxes: Vec<TaxLine>,
    /// What is left of the total without its taxes, when there are any: together they are the total.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net: Option<Money>,
    /// Why there are none, when the issuer has taxes calculated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_tax_because: Option<NoTax>,
    /// What the payment gateway calls the movement.
    pub payment_reference: String,
}

impl From<Receipt> for ReceiptDocument {
    fn from(receipt: Receipt) -> Self {
        let net = (!receipt.taxes.lines().is_empty()).then(|| receipt.taxes.net(receipt.total));
        let no_tax_because = receipt.taxes.reason();
        let taxes = match receipt.taxes {
            Taxes::Included(lines) => lines,
            Taxes::Unsaid | Taxes::Without(_) => Vec::new(),
        };
        Self {
            id: receipt.id,
            number: receipt.number,
            kind: receipt.kind,
            appointment_id: receipt.appointment,
            expert_id: receipt.expert,
            client_id: receipt.client,
            issued_at: receipt.issued_at,
            moved_at: receipt.moved_at,
            issuer: receipt.issuer,
            recipient: receipt.recipient,
            service: receipt.service,
            total: receipt.total,
            taxes,
            net,
            no_tax_because,
            payment_reference: receipt.reference,
        }
    }
}

/// The days of a report, and the form that it is wanted in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Days {
    /// The first day.
    pub from: Date,
    /// The last day, at most 365 days after the first.
    pub to: Date,
    /// `json` or `csv`; without it the `Accept` header says.
    pub format: Option<ReportFormat>,
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportFormat {
    /// A JSON document.
    Json,
    /// A table for spreadsheets.
    Csv,
}

impl Days {
    /// Whether the report is wanted as a table.
    ///
    /// # Errors
    /// 406 when it is wanted in a form that there is not.
    pub fn as_sheet(&self, call: &Call) -> Result<bool, Problem> {
        Ok(match self.format {
            Some(format) => format == ReportFormat::Csv,
            None => call.preferred(&["application/json", sheet::MEDIA_TYPE])? == sheet::MEDIA_TYPE,
        })
    }
}
