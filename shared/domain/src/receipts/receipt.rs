//! Receipts and credit notes: one document for each movement of money between a client and an expert.
//!
//! A document never changes after it is issued, and it contains everything that it shows. A refund gets a credit
//! note, and a failed refund gets a correction.

mod number;

use crate::kernel::country::Country;
use crate::kernel::text::{Email, ShortText};
use crate::receipts::billing::{Address, BillingDetails};
use crate::receipts::tax::{TaxReport, Taxes};
use crate::scheduling::appointment::Appointment;
use crate::{AppointmentId, ClientId, ExpertId, Money, ReceiptId, Timestamp, Zone};

pub use number::{InvalidReceiptNumber, ReceiptNumber};

/// The kind of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptKind {
    /// A receipt for a payment.
    Receipt,
    /// A credit note for a refund.
    CreditNote {
        /// The number of the receipt for the refunded payment.
        of: ReceiptNumber,
    },
    /// A correction: the refund failed, and its credit note no longer applies.
    Correction {
        /// The number of the credit note.
        of: ReceiptNumber,
    },
    /// A part of a payment pays for the processing of its refund, and not for the session. It is no revenue from the session.
    ProcessingCost {
        /// The number of the receipt for the payment.
        of: ReceiptNumber,
    },
}

impl ReceiptKind {
    /// Returns the name of the kind used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receipt => RECEIPT,
            Self::CreditNote { .. } => CREDIT_NOTE,
            Self::Correction { .. } => CORRECTION,
            Self::ProcessingCost { .. } => PROCESSING_COST,
        }
    }
}

const RECEIPT: &str = "receipt";
const CREDIT_NOTE: &str = "credit_note";
const CORRECTION: &str = "correction";
const PROCESSING_COST: &str = "processing_cost";

/// The identity of a document among the documents of an appointment. A movement has at most one document of each
/// kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentName<'a> {
    /// The name of the kind.
    pub kind: &'static str,
    /// The gateway's object for the movement.
    pub object: &'a str,
}

/// A movement of money that requires a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentCause {
    /// The kind of the movement.
    pub kind: DocumentCauseKind,
    /// The gateway's object for the movement. It has at most one document of each kind.
    pub object: String,
    /// The amount that moved.
    pub amount: Money,
    /// When the amount moved.
    pub at: Timestamp,
}

/// The kind of a movement that requires a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentCauseKind {
    /// The client paid.
    Payment,
    /// A payment was refunded in full or in part.
    Refund {
        /// The gateway's object for the payment: the `object` of the cause that has the kind
        /// [`Payment`](Self::Payment).
        payment: String,
    },
    /// A refund failed after its credit note was issued. The object is that of the refund.
    FailedRefund,
    /// A part of a payment is kept for the processing of its refund.
    ProcessingCost {
        /// The gateway's object for the payment, as in [`Refund`](Self::Refund).
        payment: String,
    },
}

impl DocumentCause {
    /// Returns the name of the document to issue.
    pub fn document(&self) -> DocumentName<'_> {
        let kind = match self.kind {
            DocumentCauseKind::Payment => RECEIPT,
            DocumentCauseKind::Refund { .. } => CREDIT_NOTE,
            DocumentCauseKind::FailedRefund => CORRECTION,
            DocumentCauseKind::ProcessingCost { .. } => PROCESSING_COST,
        };
        DocumentName { kind, object: &self.object }
    }

    /// Returns the name of the document that the new one amends; `None` for a payment.
    pub fn amends(&self) -> Option<DocumentName<'_>> {
        match &self.kind {
            DocumentCauseKind::Payment => None,
            DocumentCauseKind::Refund { payment } | DocumentCauseKind::ProcessingCost { payment } => {
                Some(DocumentName { kind: RECEIPT, object: payment })
            }
            DocumentCauseKind::FailedRefund => Some(DocumentName { kind: CREDIT_NOTE, object: &self.object }),
        }
    }
}

/// The issuer of a document, with the details that were valid at the time of issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// The legal name, or the profile name if the expert has set no billing details.
    pub name: ShortText,
    /// The postal address without the country.
    pub address: Option<Address>,
    /// The country of the address.
    pub country: Option<Country>,
    /// The tax identifier.
    pub tax_id: Option<ShortText>,
    /// The issuer's time zone, which determines the date of the document.
    pub time_zone: Zone,
}

impl Issuer {
    /// Creates an issuer with the given billing details, or only with the profile name.
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

/// The recipient of a document, as named in the booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The recipient's name.
    pub name: ShortText,
    /// The recipient's e-mail address.
    pub email: Email,
}

/// The service that was paid for, as it was when the document was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The name of the session type.
    pub name: ShortText,
    /// The start of the session.
    pub start: Timestamp,
    /// The end of the session.
    pub end: Timestamp,
    /// The client's time zone, in which the document shows times.
    pub time_zone: Zone,
    /// The number of seats.
    pub seats: u16,
    /// When the session was booked.
    pub booked_at: Timestamp,
}

/// An issued document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The id of the document.
    pub id: ReceiptId,
    /// The appointment that was paid for.
    pub appointment: AppointmentId,
    /// The expert who issued the document.
    pub expert: ExpertId,
    /// The client for whom the document is.
    pub client: ClientId,
    /// The number in the issuer's series.
    pub number: ReceiptNumber,
    /// The kind of the document.
    pub kind: ReceiptKind,
    /// When the document was issued.
    pub issued_at: Timestamp,
    /// When the money moved.
    pub moved_at: Timestamp,
    /// The issuer, with the details that were valid at the time of issue.
    pub issuer: Issuer,
    /// The recipient, as named in the booking.
    pub recipient: Recipient,
    /// The service that was paid for.
    pub service: Service,
    /// The amount that moved, including taxes.
    pub total: Money,
    /// The taxes in the total.
    pub taxes: Taxes,
    /// The entries that the document caused in the issuer's tax reports at the gateway. Empty unless the gateway
    /// calculated the taxes.
    pub tax_reports: Vec<TaxReport>,
    /// The gateway's object for the movement.
    pub reference: String,
}

/// The parts of a document that do not come from the appointment or the cause.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The id of the document.
    pub id: ReceiptId,
    /// The number of the document.
    pub number: ReceiptNumber,
    /// When the document is issued.
    pub issued_at: Timestamp,
    /// The issuer.
    pub issuer: Issuer,
    /// The kind of the document.
    pub kind: ReceiptKind,
    /// The taxes in the total.
    pub taxes: Taxes,
    /// The entries in the issuer's tax reports.
    pub tax_reports: Vec<TaxReport>,
}

impl ReceiptKind {
    /// Returns the kind of the document that a cause requires, if it amends this one.
    pub fn amending(cause: &DocumentCause, amended: &Receipt) -> Self {
        let of = amended.number;
        match cause.kind {
            DocumentCauseKind::Payment => Self::Receipt,
            DocumentCauseKind::Refund { .. } => Self::CreditNote { of },
            DocumentCauseKind::FailedRefund => Self::Correction { of },
            DocumentCauseKind::ProcessingCost { .. } => Self::ProcessingCost { of },
        }
    }
}

impl Receipt {
    /// Creates the document for a cause.
    pub fn issued(appointment: &Appointment, cause: &DocumentCause, draft: Draft) -> Self {
        let Draft { id, number, issued_at, issuer, kind, taxes, tax_reports } = draft;
        Self {
            id,
            appointment: appointment.id,
            expert: appointment.expert,
            client: appointment.client,
            number,
            kind,
            issued_at,
            moved_at: cause.at,
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
            total: cause.amount,
            taxes,
            tax_reports,
            reference: cause.object.clone(),
        }
    }

    /// Returns the name of the document among the documents of its appointment.
    pub fn name(&self) -> DocumentName<'_> {
        DocumentName { kind: self.kind.as_str(), object: &self.reference }
    }
}

#[cfg(test)]
mod tests;
