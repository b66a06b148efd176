//! JSON documents of receipts.

use domain::kernel::country::Country;
use domain::kernel::text::{Email, ShortText};
use domain::receipts::{billing, receipt, tax};
use domain::{AppointmentId, ClientId, ExpertId, Money, Rate, ReceiptId, Timestamp, Violations, Zone};
use http_api::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::mirror::{each, mirror};

/// A receipt, a credit note or a correction. An issued document never changes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Receipt {
    /// The id of the document.
    pub id: ReceiptId,
    /// The number in the issuer's series of the year. Receipts, credit notes and corrections share one series without gaps.
    #[schemars(regex(pattern = "^[0-9]{4}-[0-9]{6,10}$"))]
    pub number: String,
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
    pub no_tax_reason: Option<NoTaxReason>,
    /// The payment gateway's id of the movement.
    pub payment_reference: String,
}

impl From<receipt::Receipt> for Receipt {
    fn from(receipt: receipt::Receipt) -> Self {
        let net = (!receipt.taxes.lines().is_empty()).then(|| receipt.taxes.net(receipt.total));
        let no_tax_reason = receipt.taxes.reason().map(Into::into);
        let taxes = match receipt.taxes {
            tax::Taxes::Included(lines) => each(lines),
            tax::Taxes::NotStated | tax::Taxes::NotIncluded(_) => Vec::new(),
        };
        Self {
            id: receipt.id,
            number: receipt.number.into(),
            kind: receipt.kind.into(),
            appointment_id: receipt.appointment,
            expert_id: receipt.expert,
            client_id: receipt.client,
            issued_at: receipt.issued_at,
            moved_at: receipt.moved_at,
            issuer: receipt.issuer.into(),
            recipient: receipt.recipient.into(),
            service: receipt.service.into(),
            total: receipt.total,
            taxes,
            net,
            no_tax_reason,
            payment_reference: receipt.reference,
        }
    }
}

/// The kind of a document.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ReceiptKind {
    /// A receipt for a payment.
    Receipt,
    /// A credit note for a refund.
    CreditNote {
        /// The number of the receipt for the refunded payment.
        of: String,
    },
    /// A correction: the refund failed, and its credit note no longer applies.
    Correction {
        /// The number of the credit note.
        of: String,
    },
    /// A part of a payment pays for the processing of its refund, and not for the session. It is no revenue from the session.
    ProcessingCost {
        /// The number of the receipt for the payment.
        of: String,
    },
}

mirror!(enum ReceiptKind <= receipt::ReceiptKind {
    Receipt,
    CreditNote { of },
    Correction { of },
    ProcessingCost { of },
});

/// The issuer of a document, with the details that were valid at the time of issue.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Issuer {
    /// The legal name, or the profile name if the expert has set no billing details.
    pub name: ShortText,
    /// The lines of the postal address without the country; null if the expert has set no billing details.
    pub address: Option<Vec<ShortText>>,
    /// The country of the address; null if the expert has set no billing details.
    pub country: Option<Country>,
    /// The tax identifier; null if the expert has set none.
    pub tax_id: Option<ShortText>,
    /// The issuer's time zone, which determines the date of the document.
    pub time_zone: Zone,
}

mirror!(struct Issuer <= receipt::Issuer { name, address: optional, country, tax_id, time_zone });

/// The recipient of a document, as named in the booking.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Recipient {
    /// The recipient's name.
    pub name: ShortText,
    /// The recipient's e-mail address.
    pub email: Email,
}

mirror!(struct Recipient <= receipt::Recipient { name, email });

/// The service that was paid for, as it was when the document was issued.
#[derive(Debug, Serialize, JsonSchema)]
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

mirror!(struct Service <= receipt::Service { name, start, end, time_zone, seats, booked_at });

/// One tax in a total.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaxLine {
    /// The name of the tax, such as VAT.
    pub label: ShortText,
    /// The authority that levies the tax, such as a state or a city, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jurisdiction: Option<ShortText>,
    /// The rate on the net amount in percent, as an exact decimal number such as `9.875`; absent for a tax that is not
    /// proportional to an amount.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^(100|[0-9]{1,2}(\.[0-9]{1,6})?)$"))]
    pub rate: Option<String>,
    /// The amount of the tax.
    pub amount: Money,
}

mirror!(struct TaxLine <= tax::TaxLine { label, jurisdiction, rate: optional, amount });

/// Why a document shows no tax although the issuer has taxes calculated.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoTaxReason {
    /// The client's location is not known precisely enough.
    PlaceUnknown,
    /// The issuer is not registered for tax at the client's location.
    NotRegistered,
    /// According to the calculation, no tax is due for this service, location or client.
    NotDue,
    /// The gateway refused to calculate, because the issuer's tax settings or account are not in order.
    Refused,
    /// The payment was made through a gateway that does not calculate taxes.
    OtherGateway,
    /// A newer version of the platform has issued the document, and this one does not know the reason.
    Unknown,
}

mirror!(enum NoTaxReason <= tax::NoTax {
    PlaceUnknown,
    NotRegistered,
    NotDue,
    Refused,
    OtherGateway,
    Unknown,
});

/// The billing details that appear on the receipts of an expert. A receipt keeps the details that were valid when it was issued.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BillingDetails {
    /// The issuer: the full name of a person or company.
    pub legal_name: ShortText,
    /// The lines of the postal address without the country, as on an envelope.
    #[schemars(length(min = 1, max = 6))]
    pub address: Vec<ShortText>,
    /// The country of the address.
    pub country: Country,
    /// The issuer's tax identifier, such as a VAT identification number.
    #[serde(default)]
    pub tax_id: Option<ShortText>,
    /// The tax that prices include. Without it, receipts do not mention tax.
    #[serde(default)]
    pub tax: Option<TaxChoice>,
}

impl From<billing::BillingDetails> for BillingDetails {
    fn from(details: billing::BillingDetails) -> Self {
        Self {
            legal_name: details.legal_name,
            address: details.address.into(),
            country: details.country,
            tax_id: details.tax_id,
            tax: details.tax.map(Into::into),
        }
    }
}

impl TryFrom<BillingDetails> for billing::BillingDetails {
    type Error = Problem;

    fn try_from(details: BillingDetails) -> Result<Self, Problem> {
        Ok(Self {
            legal_name: details.legal_name,
            address: details.address.try_into().map_err(|error: billing::InvalidAddress| {
                Problem::invalid(Violations::one("/address", error.to_string()))
            })?,
            country: details.country,
            tax_id: details.tax_id,
            tax: details.tax.map(Into::into),
        })
    }
}

/// The source of the tax that prices include: either `label` and `rate`, or `calculated_by`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "TaxMembers", into = "TaxMembers")]
pub enum TaxChoice {
    /// A fixed tax that the expert sets.
    Own(FixedTax),
    /// Stripe Tax calculates the tax of each payment from the client's location and the expert's registrations.
    Stripe,
}

impl From<billing::TaxChoice> for TaxChoice {
    fn from(choice: billing::TaxChoice) -> Self {
        match choice {
            billing::TaxChoice::Own(tax) => Self::Own(tax.into()),
            billing::TaxChoice::Stripe => Self::Stripe,
        }
    }
}

impl From<TaxChoice> for billing::TaxChoice {
    fn from(choice: TaxChoice) -> Self {
        match choice {
            TaxChoice::Own(tax) => Self::Own(tax.into()),
            TaxChoice::Stripe => Self::Stripe,
        }
    }
}

impl JsonSchema for TaxChoice {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TaxChoice".into()
    }

    fn json_schema(schemas: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A fixed tax that the expert sets, or a tax that Stripe Tax calculates for each payment",
            "anyOf": [
                schemas.subschema_for::<FixedTax>(),
                {
                    "type": "object",
                    "properties": { "calculated_by": { "const": "stripe" } },
                    "required": ["calculated_by"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

/// A fixed tax that an expert sets.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixedTax {
    /// The name of the tax, such as VAT.
    pub label: ShortText,
    /// The rate on the net price in basis points: 1900 is 19 %.
    #[schemars(with = "u16", range(max = 10_000))]
    pub rate: Rate,
}

mirror!(struct FixedTax <=> tax::Tax { label, rate });

/// The members of a [`TaxChoice`] in one flat object, so that errors name the invalid member.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TaxMembers {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<ShortText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    calculated_by: Option<TaxCalculator>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TaxCalculator {
    Stripe,
}

/// The choice is neither a fixed tax nor a calculated one, or it is both.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must have either label and rate, or only calculated_by")]
struct InvalidTaxChoice;

impl TryFrom<TaxMembers> for TaxChoice {
    type Error = InvalidTaxChoice;

    fn try_from(members: TaxMembers) -> Result<Self, InvalidTaxChoice> {
        match members {
            TaxMembers { label: Some(label), rate: Some(rate), calculated_by: None } => {
                Ok(Self::Own(FixedTax { label, rate }))
            }
            TaxMembers { label: None, rate: None, calculated_by: Some(TaxCalculator::Stripe) } => {
                Ok(Self::Stripe)
            }
            _ => Err(InvalidTaxChoice),
        }
    }
}

impl From<TaxChoice> for TaxMembers {
    fn from(choice: TaxChoice) -> Self {
        match choice {
            TaxChoice::Own(FixedTax { label, rate }) => {
                Self { label: Some(label), rate: Some(rate), calculated_by: None }
            }
            TaxChoice::Stripe => Self { label: None, rate: None, calculated_by: Some(TaxCalculator::Stripe) },
        }
    }
}
