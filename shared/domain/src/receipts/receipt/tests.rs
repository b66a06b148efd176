use super::*;
use crate::receipts::tax::Tax;

fn appointment() -> Appointment {
    Appointment {
        start: "2027-01-05T10:00:00Z".parse().expect("a time"),
        end: "2027-01-05T11:00:00Z".parse().expect("a time"),
        ..crate::scheduling::occupancy::tests::appointment(1)
    }
}

fn cause(kind: DocumentCauseKind, object: &str, amount: u64) -> DocumentCause {
    DocumentCause {
        kind,
        object: object.to_owned(),
        amount: Money::new(amount, crate::Currency::EUR).expect("in range"),
        at: "2027-01-04T08:05:00Z".parse().expect("a time"),
    }
}

fn issued(cause: &DocumentCause, last: u32, kind: ReceiptKind, taxes: Taxes) -> Receipt {
    let draft = Draft {
        id: ReceiptId::from_bits(last.into()),
        number: ReceiptNumber::after(last, 2027),
        issued_at: "2027-01-04T08:06:00Z".parse().expect("a time"),
        issuer: Issuer::new(ShortText::try_from("Ada".to_owned()).expect("a name"), None, Zone::UTC),
        kind,
        taxes,
        tax_reports: Vec::new(),
    };
    Receipt::issued(&appointment(), cause, draft)
}

#[test]
fn credit_note_has_the_tax_of_its_receipt() {
    let label = "VAT".to_owned().try_into().expect("a text");
    let tax = Tax { label, rate: crate::Rate::from_basis_points(1_900).expect("in range") };
    let paid = cause(DocumentCauseKind::Payment, "pi_1", 8_000);
    let receipt = issued(&paid, 0, ReceiptKind::Receipt, Taxes::own(paid.amount, &tax));
    assert_eq!((receipt.kind, receipt.name()), (ReceiptKind::Receipt, paid.document()));
    let shown = |receipt: &Receipt| {
        let lines = receipt.taxes.lines().iter();
        lines.map(|line| (line.to_string(), line.amount.amount())).collect::<Vec<_>>()
    };
    assert_eq!(shown(&receipt), [("VAT 19 %".to_owned(), 1_277)]);
    assert_eq!(receipt.taxes.net(receipt.total).amount(), 6_723);

    let back = cause(DocumentCauseKind::Refund { payment: "pi_1".to_owned() }, "re_1", 4_000);
    assert_eq!(back.amends(), Some(receipt.name()));
    let taxes = receipt.taxes.of_part(receipt.total, back.amount);
    let note = issued(&back, 1, ReceiptKind::amending(&back, &receipt), taxes);
    assert_eq!((note.kind, note.name()), (ReceiptKind::CreditNote { of: receipt.number }, back.document()));
    assert_eq!(shown(&note), [("VAT 19 %".to_owned(), 639)]);

    let failed = cause(DocumentCauseKind::FailedRefund, "re_1", 4_000);
    assert_eq!(failed.amends(), Some(note.name()));
    let correction = issued(&failed, 2, ReceiptKind::amending(&failed, &note), note.taxes.clone());
    assert_eq!(correction.kind, ReceiptKind::Correction { of: note.number });
    assert_eq!(correction.name(), failed.document());
}
