//! A receipt for tests and benchmarks.

use std::fmt::Debug;

use domain::kernel::text::ShortText;
use domain::receipts::billing::Address;
use domain::receipts::receipt::{Issuer, Receipt, ReceiptKind, Recipient, Service};
use domain::receipts::tax::{TaxLine, Taxes};
use domain::{AppointmentId, ClientId, Currency, ExpertId, Money, ReceiptId, Timestamp, Zone};

/// A value that is read from its text.
pub fn text<T: TryFrom<String, Error: Debug>>(text: &str) -> T {
    T::try_from(text.to_owned()).expect("a valid text")
}

/// A name as it is stored: earlier releases accepted characters that this one refuses.
pub fn stored(name: &str) -> ShortText {
    ShortText::from_stored(name.to_owned())
}

pub fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub fn zone(name: &str) -> Zone {
    name.parse().expect("a zone")
}

pub fn address(lines: &[&str]) -> Address {
    lines.iter().map(|line| text(line)).collect::<Vec<_>>().try_into().expect("an address")
}

pub fn euros(cents: u64) -> Money {
    Money::new(cents, Currency::EUR).expect("in range")
}

pub fn tax(label: &str, jurisdiction: Option<&str>, rate: Option<&str>, cents: u64) -> TaxLine {
    let (label, jurisdiction) = (stored(label), jurisdiction.map(text));
    TaxLine { label, jurisdiction, rate: rate.map(text), amount: euros(cents) }
}

/// A receipt that Ada issued to Zoë, after a change.
pub fn receipt(change: impl FnOnce(&mut Receipt)) -> Receipt {
    let mut receipt = Receipt {
        id: ReceiptId::from_bits(10),
        appointment: AppointmentId::from_bits(11),
        expert: ExpertId::from_bits(12),
        client: ClientId::from_bits(13),
        number: text("2027-000042"),
        kind: ReceiptKind::Receipt,
        issued_at: at("2027-01-04T08:05:00Z"),
        moved_at: at("2027-01-04T08:04:00Z"),
        issuer: Issuer {
            name: text("Ada Lovelace Ltd"),
            address: Some(address(&["12 St James's Square", "London SW1Y 4JH"])),
            country: Some(text("GB")),
            tax_id: Some(text("GB123456789")),
            time_zone: zone("Europe/London"),
        },
        recipient: Recipient {
            name: text("Zoë Łukasz Ελένη Дмитрий"), email: text("zoe@example.org")
        },
        service: Service {
            name: text("Consultation"),
            start: at("2027-01-05T10:00:00Z"),
            end: at("2027-01-05T11:00:00Z"),
            time_zone: zone("Europe/Berlin"),
            seats: 1,
            booked_at: at("2027-01-04T08:00:00Z"),
        },
        total: euros(8_000),
        taxes: Taxes::Included(vec![tax("VAT", None, Some("20"), 1_333)]),
        tax_reports: Vec::new(),
        reference: "pi_3OqK2eZvKYlo2C".to_owned(),
    };
    change(&mut receipt);
    receipt
}
