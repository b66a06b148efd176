//! Receipts and credit notes: a document for each movement of money between a client and an expert.
//!
//! Documents never change once they are issued: everything that stands on one is kept with it. What a refund gives back is
//! said by a document of its own, and what a failed refund brings back by a third.

mod number;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::text::{Email, ShortText};
use crate::receipts::billing::{Address, BillingDetails, Country};
use crate::receipts::tax::{TaxReport, Taxes};
use crate::scheduling::appointment::Appointment;
use crate::{AppointmentId, ClientId, ExpertId, Money, ReceiptId, Timestamp, Zone};

pub use number::{InvalidReceiptNumber, ReceiptNumber};

/// What kind of document it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ReceiptKind {
    /// The client paid.
    Receipt,
    /// Money went back to the client.
    CreditNote {
        /// The receipt of the payment that it came from.
        of: ReceiptNumber,
    },
    /// A refund failed, and its money came back: the credit note no longer stands.
    Correction {
        /// The credit note of the refund.
        of: ReceiptNumber,
    },
}

impl ReceiptKind {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receipt => RECEIPT,
            Self::CreditNote { .. } => CREDIT_NOTE,
            Self::Correction { .. } => CORRECTION,
        }
    }
}

const RECEIPT: &str = "receipt";
const CREDIT_NOTE: &str = "credit_note";
const CORRECTION: &str = "correction";

/// What tells the documents of an appointment apart: a movement has at most one of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentName<'a> {
    /// The word for its kind.
    pub kind: &'static str,
    /// What the payment gateway calls the movement.
    pub object: &'a str,
}

/// A movement of money that calls for a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion {
    /// What happened.
    pub kind: OccasionKind,
    /// What the payment gateway calls the movement. Each has at most one document of each kind.
    pub object: String,
    /// How much moved.
    pub amount: Money,
    /// When it did.
    pub at: Timestamp,
}

/// What happened to money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OccasionKind {
    /// The client paid.
    Payment,
    /// The client got some or all of a payment back.
    Refund {
        /// What the gateway calls the payment: the `object` of the occasion that it was.
        payment: String,
    },
    /// A refund failed after its credit note was issued. The object is the refund's.
    FailedRefund,
}

impl Occasion {
    /// The name of its document.
    pub fn document(&self) -> DocumentName<'_> {
        let kind = match self.kind {
            OccasionKind::Payment => RECEIPT,
            OccasionKind::Refund { .. } => CREDIT_NOTE,
            OccasionKind::FailedRefund => CORRECTION,
        };
        DocumentName { kind, object: &self.object }
    }

    /// The name of the document that this one amends; none for a payment.
    pub fn amends(&self) -> Option<DocumentName<'_>> {
        match &self.kind {
            OccasionKind::Payment => None,
            OccasionKind::Refund { payment } => Some(DocumentName { kind: RECEIPT, object: payment }),
            OccasionKind::FailedRefund => Some(DocumentName { kind: CREDIT_NOTE, object: &self.object }),
        }
    }
}

/// Who issued a document, as they described themselves then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Issuer {
    /// Their legal name; the name in their profile when they set no billing details.
    pub name: ShortText,
    /// Their postal address without the country.
    pub address: Option<Address>,
    /// The country of the address.
    pub country: Option<Country>,
    /// What the tax office knows them by.
    pub tax_id: Option<ShortText>,
    /// The zone of their calendar, in which the document is dated.
    pub time_zone: Zone,
}

impl Issuer {
    /// An issuer with these billing details, or known by nothing but their profile's name.
    pub fn new(profile_name: ShortText, billing: Option<&BillingDetails>, time_zone: Zone) -> Self {
        let Some(billing) = billing else {
            return Self { name: profile_name, address: None, country: None, tax_id: None, time_zone };
        };
        Self {
            name: billing.legal_name.clone(),
            address: Some(billing.address.clone()),
            country: Some(billing.country),
            tax_id: billing.tax_id.clone(),
            time_zone,
        }
    }
}

/// Who the document is for, as the booking named them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recipient {
    /// Their name.
    pub name: ShortText,
    /// Where it is sent.
    pub email: Email,
}

/// What was paid for, as it stood when the document was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Service {
    /// What the session was called.
    pub name: ShortText,
    /// When it begins.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// The client's zone, in which its times are shown.
    pub time_zone: Zone,
    /// How many seats.
    pub seats: u16,
    /// When it was booked.
    pub booked_at: Timestamp,
}

/// A document that was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// What it is asked for by.
    pub id: ReceiptId,
    /// The appointment that was paid for.
    pub appointment: AppointmentId,
    /// Who issued it.
    pub expert: ExpertId,
    /// Whom it is for.
    pub client: ClientId,
    /// Its number.
    pub number: ReceiptNumber,
    /// What kind it is.
    #[serde(flatten)]
    pub kind: ReceiptKind,
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
    /// The taxes in it.
    pub taxes: Taxes,
    /// What it put into the issuer's tax reports at the gateway; nothing unless the gateway calculated its taxes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tax_reports: Vec<TaxReport>,
    /// What the payment gateway calls the movement.
    pub reference: String,
}

/// What a document is made of besides the appointment and the occasion.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Its id.
    pub id: ReceiptId,
    /// Its number.
    pub number: ReceiptNumber,
    /// When it is issued.
    pub issued_at: Timestamp,
    /// Who issues it.
    pub issuer: Issuer,
    /// What kind it is.
    pub kind: ReceiptKind,
    /// The taxes in its total.
    pub taxes: Taxes,
    /// What it put into the issuer's tax reports.
    pub tax_reports: Vec<TaxReport>,
}

impl ReceiptKind {
    /// What amends this document: a credit note on a receipt, a correction of anything else.
    pub fn amending(amended: &Receipt) -> Self {
        let of = amended.number;
        match amended.kind {
            Self::Receipt => Self::CreditNote { of },
            Self::CreditNote { .. } | Self::Correction { .. } => Self::Correction { of },
        }
    }
}

impl Receipt {
    /// The document of an occasion.
    pub fn issued(appointment: &Appointment, occasion: &Occasion, draft: Draft) -> Self {
        let Draft { id, number, issued_at, issuer, kind, taxes, tax_reports } = draft;
        Self {
            id,
            appointment: appointment.id,
            expert: appointment.expert,
            client: appointment.client,
            number,
            kind,
            issued_at,
            moved_at: occasion.at,
            issuer,
            recipient: Recipient {
                name: appointment.attendee.name.clone(),
                email: appointment.attendee.email.clone(),
            },
            service: Service {
                name: appointment.session_name.clone(),
                start: appointment.start,
                end: appointment.end,
                time_zone: appointment.attendee.time_zone,
                seats: appointment.seats,
                booked_at: appointment.created_at,
            },
            total: occasion.amount,
            taxes,
            tax_reports,
            reference: occasion.object.clone(),
        }
    }

    /// Its name among the documents of its appointment.
    pub fn name(&self) -> DocumentName<'_> {
        DocumentName { kind: self.kind.as_str(), object: &self.reference }
    }
}

#[cfg(test)]
mod tests;
