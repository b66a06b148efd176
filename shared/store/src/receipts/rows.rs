//! The stored forms of billing details, receipts and tax calculations.

use domain::kernel::text::ShortText;
use domain::receipts::billing::{Address, BillingDetails, TaxChoice};
use domain::receipts::receipt::{Issuer, Receipt, ReceiptKind, ReceiptNumber, Recipient, Service};
use domain::receipts::tax::{NoTax, Percentage, Tax, TaxLine, TaxReport, Taxes};
use domain::{AppointmentId, ClientId, ExpertId, Rate, ReceiptId, Timestamp};
use serde::{Deserialize, Serialize};

use super::receipt::{Counter, VersionedBilling, VersionedTaxCalculation};
use crate::row::{Known, MoneyRow, Row, Stored, Text, Unreadable, known, stored};

impl Row<VersionedBilling> for BillingRow {
    const SCHEMA: u16 = 1;
}

impl Row<VersionedTaxCalculation> for TaxCalculationRow {
    const SCHEMA: u16 = 1;

    /// A calculation is only replaced by a later one.
    fn degraded(calculation: VersionedTaxCalculation) -> Option<VersionedTaxCalculation> {
        Some(calculation)
    }
}

impl Row<Counter> for CounterRow {
    const SCHEMA: u16 = 1;
}

impl Row<Receipt> for ReceiptRow {
    const SCHEMA: u16 = 1;

    /// An issued document never changes.
    fn degraded(receipt: Receipt) -> Option<Receipt> {
        Some(receipt)
    }
}

stored! {
    struct BillingRow for VersionedBilling {
        version: u64,
        details: BillingDetailsRow,
    }

    struct CounterRow for Counter {
        version: u32,
    }

    struct BillingDetailsRow for BillingDetails {
        legal_name: Text,
        address: AddressRow,
        country: Text,
        #[serde(default)]
        tax_id: Option<Text>,
        #[serde(default)]
        tax: Option<TaxChoiceRow>,
    }

    struct TaxRow for Tax {
        label: Text,
        rate: Rate,
    }

    struct TaxCalculationRow for VersionedTaxCalculation {
        version: u64,
        id: String,
        valid_until: Timestamp,
        taxes: TaxesRow,
    }

    struct ReceiptRow for Receipt {
        id: ReceiptId,
        appointment: AppointmentId,
        expert: ExpertId,
        client: ClientId,
        number: ReceiptNumber,
        #[serde(flatten)]
        kind: ReceiptKindRow,
        issued_at: Timestamp,
        moved_at: Timestamp,
        issuer: IssuerRow,
        recipient: RecipientRow,
        service: ServiceRow,
        total: MoneyRow,
        taxes: TaxesRow,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tax_reports: Vec<TaxReportRow>,
        reference: String,
    }

    #[serde(tag = "kind")]
    enum ReceiptKindRow for ReceiptKind {
        Receipt,
        CreditNote { of: ReceiptNumber },
        Correction { of: ReceiptNumber },
        ProcessingCost { of: ReceiptNumber },
        _ => Err(Unreadable::unknown("kind of document"))
    }

    struct IssuerRow for Issuer {
        name: Text,
        address: Option<AddressRow>,
        country: Option<Text>,
        tax_id: Option<Text>,
        time_zone: Text,
    }

    struct RecipientRow for Recipient {
        name: Text,
        email: Text,
    }

    struct ServiceRow for Service {
        name: Text,
        start: Timestamp,
        end: Timestamp,
        time_zone: Text,
        seats: u16,
        booked_at: Timestamp,
    }

    struct TaxLineRow for TaxLine {
        label: Text,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        jurisdiction: Option<Text>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rate: Option<Percentage>,
        amount: MoneyRow,
    }

    enum NoTaxRow for NoTax {
        PlaceUnknown,
        NotRegistered,
        NotDue,
        Refused,
        OtherGateway,
        _ is Unknown
    }

    struct TaxReportRow for TaxReport {
        entry: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reverses: Option<String>,
        amount: MoneyRow,
    }
}

/// The lines of a postal address.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct AddressRow(Vec<Text>);

known!(AddressRow);

impl Stored<Address> for AddressRow {
    fn of(address: &Address) -> Self {
        Self(address.lines().iter().map(Text::of).collect())
    }

    fn read(self) -> Result<Address, Unreadable> {
        let lines: Vec<ShortText> = self.0.read()?;
        Ok(Address::from_stored(lines))
    }
}

/// A fixed tax (`label` and `rate`), or the gateway that calculates taxes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum TaxChoiceRow {
    Own(TaxRow),
    Calculated { calculated_by: String },
}

impl Known for TaxChoiceRow {
    fn is_known(&self) -> bool {
        match self {
            Self::Own(tax) => tax.is_known(),
            Self::Calculated { calculated_by } => calculated_by == "stripe",
        }
    }
}

impl Stored<TaxChoice> for TaxChoiceRow {
    fn of(choice: &TaxChoice) -> Self {
        match choice {
            TaxChoice::Own(tax) => Self::Own(TaxRow::of(tax)),
            TaxChoice::Stripe => Self::Calculated { calculated_by: "stripe".to_owned() },
        }
    }

    fn read(self) -> Result<TaxChoice, Unreadable> {
        match self {
            Self::Own(tax) => Ok(TaxChoice::Own(tax.read()?)),
            Self::Calculated { calculated_by } if calculated_by == "stripe" => Ok(TaxChoice::Stripe),
            // A receipt without the taxes that the expert owes would be wrong.
            Self::Calculated { .. } => Err(Unreadable::unknown("way to calculate taxes")),
        }
    }
}

/// The taxes in a total.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TaxesRow {
    NotStated,
    Included(Vec<TaxLineRow>),
    NotIncluded(NoTaxRow),
    #[serde(untagged, skip_serializing)]
    Unknown(serde::de::IgnoredAny),
}

impl Known for TaxesRow {
    fn is_known(&self) -> bool {
        match self {
            Self::NotStated => true,
            Self::Included(lines) => lines.is_known(),
            Self::NotIncluded(reason) => reason.is_known(),
            Self::Unknown(_) => false,
        }
    }
}

impl Stored<Taxes> for TaxesRow {
    fn of(taxes: &Taxes) -> Self {
        match taxes {
            Taxes::NotStated => Self::NotStated,
            Taxes::Included(lines) => Self::Included(Stored::of(lines)),
            Taxes::NotIncluded(reason) => Self::NotIncluded(Stored::of(reason)),
        }
    }

    fn read(self) -> Result<Taxes, Unreadable> {
        Ok(match self {
            Self::NotStated => Taxes::NotStated,
            Self::Included(lines) => Taxes::Included(lines.read()?),
            Self::NotIncluded(reason) => Taxes::NotIncluded(reason.read()?),
            Self::Unknown(_) => return Err(Unreadable::unknown("kind of taxes")),
        })
    }
}
