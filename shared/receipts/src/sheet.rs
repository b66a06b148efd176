//! The text of a receipt, independent of the format.

use domain::receipts::receipt::{Receipt, ReceiptKind, Service};
use domain::{Timestamp, Zone};

/// The text of a receipt, from top to bottom.
pub(crate) struct Sheet {
    /// The kind of the document and its number.
    pub title: String,
    /// How the document changes the one that it amends.
    pub note: Option<String>,
    /// The issuer's name, address and tax id.
    pub issuer: Vec<String>,
    /// The client's name and email address.
    pub recipient: Vec<String>,
    /// Dates and references, each with a label.
    pub facts: Vec<(&'static str, String)>,
    /// The name of the session, its time, and the number of seats.
    pub service: Vec<String>,
    /// The net amount and the taxes, each with a label. Empty if there is no tax.
    pub parts: Vec<(String, String)>,
    /// The label of the total, and the total.
    pub total: (&'static str, String),
    /// Why no tax is included.
    pub remark: Option<String>,
}

/// A date such as `5 January 2027`.
fn date(at: Timestamp, zone: Zone) -> String {
    at.utc().with_timezone(&zone.tz()).format("%-d %B %Y").to_string()
}

fn clock(at: Timestamp, zone: Zone) -> String {
    at.utc().with_timezone(&zone.tz()).format("%H:%M").to_string()
}

/// Start and end in the client's time zone.
fn times(service: &Service) -> String {
    let Service { start, end, time_zone: zone, .. } = *service;
    let (first, last) = (date(start, zone), date(end, zone));
    let until = if first == last { String::new() } else { format!("{last}, ") };
    format!("{first}, {} to {until}{} ({})", clock(start, zone), clock(end, zone), zone.name())
}

impl Sheet {
    pub(crate) fn of(receipt: &Receipt) -> Self {
        let Receipt { number, issuer, recipient, service, .. } = receipt;
        let zone = issuer.time_zone;
        let (name, moved, total, note) = match receipt.kind {
            ReceiptKind::Receipt => ("Receipt", "Paid on", "Total paid", None),
            ReceiptKind::CreditNote { of } => {
                let note = format!("This credit note refunds the total below, from receipt {of}.");
                ("Credit note", "Refunded on", "Total refunded", Some(note))
            }
            ReceiptKind::Correction { of } => {
                let note = format!(
                    "The refund of credit note {of} failed and the money was returned, so that credit note is void."
                );
                ("Correction", "Returned on", "Total not refunded", Some(note))
            }
            ReceiptKind::ProcessingCost { of } => {
                let note = format!(
                    "The total below, from receipt {of}, is not paid for the session. It pays for the processing of the refund."
                );
                ("Processing cost", "Kept on", "Total processing cost", Some(note))
            }
        };
        let mut issuer_lines = vec![issuer.name.to_string()];
        issuer_lines
            .extend(issuer.address.iter().flat_map(|address| address.lines()).map(ToString::to_string));
        issuer_lines.extend(issuer.country.map(|country| country.to_string()));
        issuer_lines.extend(issuer.tax_id.as_ref().map(|id| format!("Tax id {id}")));
        let mut service_lines = vec![service.name.to_string(), times(service)];
        if service.seats > 1 {
            service_lines.push(format!("{} seats", service.seats));
        }
        let lines = receipt.taxes.lines();
        let net = (!lines.is_empty()).then(|| receipt.taxes.net(receipt.total));
        let net = net.map(|net| ("Net".to_owned(), net.to_string()));
        let taxes = lines.iter().map(|line| (line.to_string(), line.amount.to_string()));
        let parts = net.into_iter().chain(taxes);
        Self {
            title: format!("{name} {number}"),
            note,
            issuer: issuer_lines,
            recipient: vec![recipient.name.to_string(), recipient.email.to_string()],
            facts: vec![
                ("Issued on", date(receipt.issued_at, zone)),
                (moved, date(receipt.moved_at, zone)),
                ("Booked on", date(service.booked_at, zone)),
                ("Payment reference", receipt.reference.clone()),
            ],
            service: service_lines,
            parts: parts.collect(),
            total: (total, receipt.total.to_string()),
            remark: receipt.taxes.reason().map(|reason| reason.to_string()),
        }
    }
}
