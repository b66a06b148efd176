use domain::receipts::receipt::Receipt;
use domain::receipts::tax::{NoTax, Taxes};
use lopdf::{Document, Object};
use proptest::prelude::*;
use receipts::pdf;

use crate::fixture::{address, euros, receipt, stored, tax, text};

fn parsed(change: impl FnOnce(&mut Receipt)) -> Document {
    let bytes = pdf(&receipt(change)).expect("a document");
    Document::load_mem(&bytes).expect("a PDF")
}

/// The text of all pages, as a reader would copy it.
fn shown(document: &Document) -> String {
    let pages: Vec<u32> = document.get_pages().keys().copied().collect();
    document.extract_text(&pages).expect("text")
}

#[test]
fn text_of_every_script_of_the_font_is_selectable() {
    let document = parsed(|receipt| receipt.service.name = text("Διαβούλευση · Консультация"));
    let text = shown(&document);
    for part in [
        "Receipt 2027-000042",
        "Ada Lovelace Ltd",
        "12 St James's Square",
        "Tax id GB123456789",
        "Zoë Łukasz Ελένη Дмитрий",
        "Διαβούλευση · Консультация",
        "5 January 2027, 11:00 to 12:00 (Europe/Berlin)",
        "pi_3OqK2eZvKYlo2C",
        "VAT 20 %",
        "EUR 13.33",
        "EUR 80.00",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("boxes"), "{text}");
    assert_eq!(document.get_pages().len(), 1);
}

#[test]
fn font_is_embedded_and_reduced() {
    let bytes = pdf(&receipt(|_| {})).expect("a document");
    assert!(bytes.len() < 40_000, "{} bytes", bytes.len());
    let document = Document::load_mem(&bytes).expect("a PDF");
    let dictionaries = document.objects.values().filter_map(|object| object.as_dict().ok());
    let names: Vec<_> = dictionaries
        .filter(|dictionary| dictionary.has(b"FontFile2"))
        .map(|font| {
            font.get(b"FontName").and_then(Object::as_name).map(String::from_utf8_lossy).expect("a name")
        })
        .collect();
    assert!(names.len() == 1 && names[0].ends_with("+DejaVuSans"), "{names:?}");
}

#[test]
fn same_receipt_gives_the_same_bytes() {
    let first = pdf(&receipt(|_| {})).expect("a document");
    assert_eq!(first, pdf(&receipt(|_| {})).expect("a document"));
    assert_ne!(first, pdf(&receipt(|receipt| receipt.number = text("2027-000043"))).expect("a document"));
}

#[test]
fn document_is_tagged_for_screen_readers() {
    let document = parsed(|_| {});
    let catalog = document.catalog().expect("a catalog");
    assert_eq!(catalog.get(b"Lang").and_then(Object::as_str).expect("a language"), b"en");
    assert!(catalog.has(b"StructTreeRoot"));
    let roles: Vec<String> = document
        .objects
        .values()
        .filter_map(|object| object.as_dict().ok()?.get(b"S").and_then(Object::as_name).ok())
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect();
    assert!(roles.iter().any(|role| role == "H1") && roles.iter().any(|role| role == "P"), "{roles:?}");
}

#[test]
fn missing_characters_are_explained_and_can_be_copied() {
    for name in ["山田太郎", "김철수"] {
        let document = parsed(|receipt| receipt.recipient.name = text(name));
        let text = shown(&document);
        assert!(text.contains("The boxes stand for characters"), "{name}: {text}");
        let page = document.page_iter().next().expect("a page");
        let drawn = String::from_utf8_lossy(&document.get_page_content(page)).into_owned();
        // A glyph can be mapped to one character only. Others are noted in the page's content, where the glyph is drawn.
        for character in name.chars() {
            let annotation = format!("/ActualText<FEFF{:04X}>", u32::from(character));
            assert!(text.contains(character) || drawn.contains(&annotation), "{character}: {drawn}");
        }
    }
}

#[test]
fn each_tax_has_a_line_and_absence_of_tax_a_reason() {
    let line = |place, rate, cents| tax("Sales tax", Some(place), Some(rate), cents);
    let taxes = Taxes::Included(vec![line("California", "7.25", 530), line("San Mateo", "2.125", 155)]);
    let document = shown(&parsed(|receipt| receipt.taxes = taxes));
    for part in
        ["EUR 73.15", "Sales tax, California 7.25 %", "EUR 5.30", "Sales tax, San Mateo 2.125 %", "EUR 1.55"]
    {
        assert!(document.contains(part), "{part}: {document}");
    }
    let document = shown(&parsed(|receipt| receipt.taxes = Taxes::NotIncluded(NoTax::NotRegistered)));
    assert!(document.contains("not registered for tax at the client's location"), "{document}");
}

#[test]
fn right_to_left_scripts_are_drawn() {
    for name in ["עדה לאבלייס", "محمد", "Ada עדה 42 محمد"] {
        let text = shown(&parsed(|receipt| {
            receipt.recipient.name = text(name);
            receipt.service.name = text(name);
        }));
        assert!(!text.contains("boxes"), "{name}: {text}");
    }
}

#[test]
fn longest_details_take_two_pages_and_are_complete() {
    let wide = |letter: &str| letter.repeat(120);
    let document = parsed(|receipt| {
        receipt.issuer.name = text(&wide("W"));
        let lines = ["M", "N", "O", "P", "Q", "R"].map(wide);
        receipt.issuer.address = Some(address(&lines.each_ref().map(String::as_str)));
        receipt.issuer.tax_id = Some(text(&wide("9")));
        receipt.recipient.name = text(&wide("Ж"));
        receipt.recipient.email = text(&format!("{}@{}.org", "w".repeat(64), "m".repeat(180)));
        receipt.service.name = text(&wide("Ω"));
        receipt.taxes = Taxes::Included(vec![tax(&wide("V"), None, Some("20"), 1_333)]);
        receipt.reference = wide("z");
    });
    assert_eq!(document.get_pages().len(), 2);
    let text = shown(&document);
    for letter in ["W", "M", "N", "O", "Q", "R", "9", "Ж", "Ω", "V", "z"] {
        assert!(text.matches(letter).count() >= 120, "{letter}: {text}");
    }
    assert!(text.contains("EUR 80.00"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_name_can_be_rendered(name in "[^\\p{Cc}\u{202a}-\u{202e}\u{2066}-\u{2069}]{1,120}", amount in 0_u64..=99_999_999) {
        let name = format!("x{}", name.chars().take(118).collect::<String>());
        let receipt = receipt(|receipt| {
            receipt.recipient.name = stored(&name);
            receipt.service.name = stored(&name);
            receipt.taxes = Taxes::Included(vec![tax(&name, None, Some("20"), 1_333)]);
            receipt.total = euros(amount);
        });
        let bytes = pdf(&receipt).expect("a document");
        prop_assert!(Document::load_mem(&bytes).is_ok());
    }
}
