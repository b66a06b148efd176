//! What stands on a receipt, in words, whatever it is shown as.

use domain::receipts::receipt::{Receipt, ReceiptKind, Service};
use domain::{Timestamp, Zone};

/// The words of a receipt, top to bottom.
pub(crate) struct Sheet {
    /// What it is, and its number.
    pub title: String,
    /// What it does to the document that it amends.
    pub note: Option<String>,
    /// Who issued it: the name, then the address and the tax id.
    pub issuer: Vec<String>,
    /// Whom it is for.
    pub recipient: Vec<String>,
    /// Dates and references, each with its name.
    pub facts: Vec<(&'static str, String)>,
    /// What was paid for: the name, then the rest.
    pub service: Vec<String>,
    /// How the total is made up; nothing without a tax.
    pub parts: Vec<(String, String)>,
    /// The total, with its name.
    pub total: (&'static str, String),
    /// Why there is no tax in it.
    pub remark: Option<String>,
}

/// `5 January 2027`
fn date(at: Timestamp, zone: Zone) -> String {
    at.utc().with_timezone(&zone.tz()).format("%-d %B %Y").to_string()
}

fn clock(at: Timestamp, zone: Zone) -> String {
    at.utc().with_timezone(&zone.tz()).format("%H:%M").to_string()
}

/// From when to when, on the client's clock.
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
                let note =
                    format!("This credit note gives back the total below, of what receipt {of} was for.");
                ("Credit note", "Refunded on", "Total refunded", Some(note))
            }
            ReceiptKind::Correction { of } => {
                let note = format!(
                    "The refund of credit note {of} failed and its money came back, so that credit note no longer counts."
                );
                ("Correction", "Came back on", "Total not refunded", Some(note))
            }
        };
        let mut sender = vec![issuer.name.to_string()];
        sender.extend(issuer.address.iter().flat_map(|address| address.lines()).map(ToString::to_string));
        sender.extend(issuer.country.map(|country| country.to_string()));
        sender.extend(issuer.tax_id.as_ref().map(|id| format!("Tax id {id}")));
        let mut paid_for = vec![service.name.to_string(), times(service)];
        if service.seats > 1 {
            paid_for.push(format!("{} seats", service.seats));
        }
        let lines = receipt.taxes.lines();
        let net = (!lines.is_empty()).then(|| receipt.taxes.net(receipt.total));
        let net = net.map(|net| ("Net".to_owned(), net.to_string()));
        let taxes = lines.iter().map(|line| (line.to_string(), line.amount.to_string()));
        let parts = net.into_iter().chain(taxes);
        Self {
            title: format!("{name} {number}"),
            note,
            issuer: sender,
            recipient: vec![recipient.name.to_string(), recipient.email.to_string()],
            facts: vec![
                ("Issued on", date(receipt.issued_at, zone)),
                (moved, date(receipt.moved_at, zone)),
                ("Booked on", date(service.booked_at, zone)),
                ("Payment reference", receipt.reference.clone()),
            ],
            service: paid_for,
            parts: parts.collect(),
            total: (total, receipt.total.to_string()),
            remark: receipt.taxes.reason().map(|reason| reason.to_string()),
        }
    }
}
