use domain::receipts::receipt::ReceiptKind;
use domain::receipts::tax::{NoTax, Taxes};
use proptest::prelude::*;
use receipts::html;

use crate::fixture::{address, at, receipt, stored, tax, text, zone};

/// The text of a page, without markup.
fn shown(page: &str) -> String {
    let body = page.split("<body>").nth(1).expect("a body");
    let mut text = String::new();
    for piece in body.split('<') {
        let piece = piece.split_once('>').map_or(piece, |(_, text)| text);
        if !piece.is_empty() {
            text.push_str(piece);
            text.push('\n');
        }
    }
    text
}

#[test]
fn receipt_shows_parties_service_dates_and_amounts() {
    let page = html(&receipt(|_| {}));
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{page}");
    assert_eq!(
        shown(&page),
        "Receipt 2027-000042\n\
         From\nAda Lovelace Ltd\n12 St James's Square\nLondon SW1Y 4JH\nGB\nTax id GB123456789\n\
         For\nZoë Łukasz Ελένη Дмитрий\nzoe@example.org\n\
         Issued on\n4 January 2027\nPaid on\n4 January 2027\nBooked on\n4 January 2027\n\
         Payment reference\npi_3OqK2eZvKYlo2C\n\
         Consultation\n5 January 2027, 11:00 to 12:00 (Europe/Berlin)\n\
         Net\nEUR 66.67\nVAT 20 %\nEUR 13.33\nTotal paid\nEUR 80.00\n"
    );
}

#[test]
fn amendment_names_the_amended_document() {
    let note = html(&receipt(|receipt| receipt.kind = ReceiptKind::CreditNote { of: text("2026-000007") }));
    assert!(shown(&note).starts_with("Credit note 2027-000042\n"), "{note}");
    for part in ["receipt 2026-000007", "Refunded on\n4 January 2027", "Total refunded\nEUR 80.00"] {
        assert!(shown(&note).contains(part), "{part}: {note}");
    }
    let correction =
        html(&receipt(|receipt| receipt.kind = ReceiptKind::Correction { of: text("2026-000008") }));
    for part in ["Correction 2027-000042", "credit note 2026-000008 failed", "Total not refunded\nEUR 80.00"]
    {
        assert!(shown(&correction).contains(part), "{part}: {correction}");
    }
}

#[test]
fn dates_use_the_issuers_time_zone_and_times_the_clients() {
    let page = html(&receipt(|receipt| {
        receipt.issued_at = at("2026-12-31T23:30:00Z");
        receipt.issuer.time_zone = zone("Pacific/Auckland");
        receipt.service.start = at("2027-01-05T23:30:00Z");
        receipt.service.end = at("2027-01-06T00:30:00Z");
        receipt.service.time_zone = zone("UTC");
        receipt.service.seats = 3;
        receipt.taxes = Taxes::NotStated;
        receipt.issuer.address = None;
        receipt.issuer.country = None;
        receipt.issuer.tax_id = None;
    }));
    let text = shown(&page);
    assert!(text.contains("Issued on\n1 January 2027\n"), "{text}");
    assert!(text.contains("5 January 2027, 23:30 to 6 January 2027, 00:30 (UTC)\n3 seats\n"), "{text}");
    assert!(text.contains("From\nAda Lovelace Ltd\nFor\n") && !text.contains("VAT"), "{text}");
}

#[test]
fn each_tax_has_a_line_and_absence_of_tax_a_reason() {
    let taxes = Taxes::Included(vec![
        tax("Sales tax", Some("California"), Some("7.25"), 530),
        tax("Sales tax", Some("San Mateo"), Some("2.125"), 155),
        tax("Delivery fee", None, None, 28),
    ]);
    let page = shown(&html(&receipt(|receipt| receipt.taxes = taxes)));
    let lines = "Net\nEUR 72.87\nSales tax, California 7.25 %\nEUR 5.30\nSales tax, San Mateo 2.125 %\nEUR 1.55\n\
                 Delivery fee\nEUR 0.28\nTotal paid\nEUR 80.00\n";
    assert!(page.ends_with(lines), "{page}");
    let page = shown(&html(&receipt(|receipt| receipt.taxes = Taxes::NotIncluded(NoTax::PlaceUnknown))));
    let end = "Total paid\nEUR 80.00\nNo tax was calculated, because the client's location is not known to Stripe.\n";
    assert!(page.ends_with(end) && !page.contains("Net"), "{page}");
}

#[test]
fn markup_in_names_is_escaped() {
    let hostile = "</style></title><script>alert(1)</script><img src=x onerror='alert(\"1\")'>&amp;";
    let page = html(&receipt(|receipt| {
        receipt.issuer.name = text(hostile);
        receipt.issuer.address = Some(address(&[hostile, hostile]));
        receipt.issuer.tax_id = Some(text(hostile));
        receipt.recipient.name = text(hostile);
        receipt.service.name = text(hostile);
        receipt.taxes = Taxes::Included(vec![tax(hostile, None, Some("20"), 1_333)]);
        receipt.reference = hostile.to_owned();
    }));
    assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    // `</style>` in a name is escaped too.
    assert_eq!(page.matches("</style>").count(), 1, "{page}");
    assert_eq!(page.matches("&lt;script&gt;").count(), 8, "{page}");
    assert!(page.contains("&amp;amp;"), "{page}");
}

proptest! {
    #[test]
    fn no_name_adds_markup(name in "[^\\p{Cc}\u{202a}-\u{202e}\u{2066}-\u{2069}]{1,60}") {
        let tags = |page: &str| page.matches('<').count();
        let name = format!("x{name}");
        let page = html(&receipt(|receipt| {
            receipt.recipient.name = stored(&name);
            receipt.service.name = stored(&name);
        }));
        prop_assert_eq!(tags(&page), tags(&html(&receipt(|_| {}))));
    }
}
