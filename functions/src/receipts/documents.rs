//! JSON documents of receipts.

use domain::receipts::receipt::{Issuer, Receipt, ReceiptKind, ReceiptNumber, Recipient, Service};
use domain::receipts::tax::{NoTax, TaxLine, Taxes};
use domain::{AppointmentId, ClientId, ExpertId, Money, ReceiptId, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

/// A receipt, a credit note or a correction. An issued document never changes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReceiptDocument {
    /// The id of the document.
    pub id: ReceiptId,
    /// The number in the issuer's series of the year. Receipts, credit notes and corrections share one series without gaps.
    pub number: ReceiptNumber,
    /// The kind of the document.
    #[serde(flatten)]
    pub kind: ReceiptKind,
    /// The appointment that was paid for.
    pub appointment_id: AppointmentId,
    /// The expert who issued the document.
    pub expert_id: ExpertId,
    /// The client to whom the document was issued.
    pub client_id: ClientId,
    /// When the document was issued.
    pub issued_at: Timestamp,
    /// When the money moved.
    pub moved_at: Timestamp,
    /// The issuer's billing details at the time of issue.
    pub issuer: Issuer,
    /// The recipient, as named in the booking.
    pub recipient: Recipient,
    /// The service that was paid for.
    pub service: Service,
    /// The amount that moved, including tax.
    pub total: Money,
    /// The taxes included in the total; empty when none apply or the issuer has not set any.
    pub taxes: Vec<TaxLine>,
    /// The total without the taxes; absent when there are no taxes. `net` and `taxes` add up to `total`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net: Option<Money>,
    /// Why no tax applies; present only when the issuer has taxes calculated and none are due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_tax_because: Option<NoTax>,
    /// The payment gateway's id of the movement.
    pub payment_reference: String,
}

impl From<Receipt> for ReceiptDocument {
    fn from(receipt: Receipt) -> Self {
        let net = (!receipt.taxes.lines().is_empty()).then(|| receipt.taxes.net(receipt.total));
        let no_tax_because = receipt.taxes.reason();
        let taxes = match receipt.taxes {
            Taxes::Included(lines) => lines,
            Taxes::NotStated | Taxes::NotIncluded(_) => Vec::new(),
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
