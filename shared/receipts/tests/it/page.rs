use proptest::prelude::*;
use receipts::html;
use serde_json::json;

use crate::fixture::receipt;

/// The text of a page, without markup.
fn text(page: &str) -> String {
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
    let page = html(&receipt(&[]));
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{page}");
    assert_eq!(
        text(&page),
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
    let note = html(&receipt(&[("/kind", json!("credit_note")), ("/of", json!("2026-000007"))]));
    assert!(text(&note).starts_with("Credit note 2027-000042\n"), "{note}");
    for part in ["receipt 2026-000007", "Refunded on\n4 January 2027", "Total refunded\nEUR 80.00"] {
        assert!(text(&note).contains(part), "{part}: {note}");
    }
    let correction = html(&receipt(&[("/kind", json!("correction")), ("/of", json!("2026-000008"))]));
    for part in ["Correction 2027-000042", "credit note 2026-000008 failed", "Total not refunded\nEUR 80.00"]
    {
        assert!(text(&correction).contains(part), "{part}: {correction}");
    }
}

#[test]
fn dates_use_the_issuers_time_zone_and_times_the_clients() {
    let page = html(&receipt(&[
        ("/issued_at", json!("2026-12-31T23:30:00Z")),
        ("/issuer/time_zone", json!("Pacific/Auckland")),
        ("/service/start", json!("2027-01-05T23:30:00Z")),
        ("/service/end", json!("2027-01-06T00:30:00Z")),
        ("/service/time_zone", json!("UTC")),
        ("/service/seats", json!(3)),
        ("/taxes", json!("not_stated")),
        ("/issuer/address", json!(null)),
        ("/issuer/country", json!(null)),
        ("/issuer/tax_id", json!(null)),
    ]));
    let text = text(&page);
    assert!(text.contains("Issued on\n1 January 2027\n"), "{text}");
    assert!(text.contains("5 January 2027, 23:30 to 6 January 2027, 00:30 (UTC)\n3 seats\n"), "{text}");
    assert!(text.contains("From\nAda Lovelace Ltd\nFor\n") && !text.contains("VAT"), "{text}");
}

#[test]
fn each_tax_has_a_line_and_absence_of_tax_a_reason() {
    let euros = |amount: u64| json!({ "amount": amount, "currency": "EUR" });
    let taxes = json!({ "included": [
        { "label": "Sales tax", "jurisdiction": "California", "rate": "7.25", "amount": euros(530) },
        { "label": "Sales tax", "jurisdiction": "San Mateo", "rate": "2.125", "amount": euros(155) },
        { "label": "Delivery fee", "amount": euros(28) },
    ] });
    let page = text(&html(&receipt(&[("/taxes", taxes)])));
    let lines = "Net\nEUR 72.87\nSales tax, California 7.25 %\nEUR 5.30\nSales tax, San Mateo 2.125 %\nEUR 1.55\n\
                 Delivery fee\nEUR 0.28\nTotal paid\nEUR 80.00\n";
    assert!(page.ends_with(lines), "{page}");
    let page = text(&html(&receipt(&[("/taxes", json!({ "not_included": "place_unknown" }))])));
    let end = "Total paid\nEUR 80.00\nNo tax was calculated, because the client's location is not known to Stripe.\n";
    assert!(page.ends_with(end) && !page.contains("Net"), "{page}");
}

#[test]
fn markup_in_names_is_escaped() {
    let hostile = "</style></title><script>alert(1)</script><img src=x onerror='alert(\"1\")'>&amp;";
    let page = html(&receipt(&[
        ("/issuer/name", json!(hostile)),
        ("/issuer/address", json!([hostile, hostile])),
        ("/issuer/tax_id", json!(hostile)),
        ("/recipient/name", json!(hostile)),
        ("/service/name", json!(hostile)),
        ("/taxes/included/0/label", json!(hostile)),
        ("/reference", json!(hostile)),
    ]));
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
        let page = html(&receipt(&[("/recipient/name", json!(name)), ("/service/name", json!(name))]));
        prop_assert_eq!(tags(&page), tags(&html(&receipt(&[]))));
    }
}
