//! Keys of billing details, receipts and tax calculations.
//!
//! | used by | question | index | PK | SK |
//! |---|---|---|---|---|
//! | expert, job that issues receipts | an expert's billing details | table | `EXPERT#<expert>` | `BILLING` |
//! | job that issues receipts | the last receipt number of an expert in a year | table | `EXPERT#<expert>` | `RECEIPTS#<year>` |
//! | client, expert, job that issues receipts | the documents of an appointment | table | `APT#<id>` | `DOC#<kind>#<object>` |
//! | job that issues receipts | the gateway's tax calculation for a document | table | `APT#<id>` | `TAX#<kind>#<object>` |
//! | expert | the documents that an expert has issued, by number | GSI1 | `RECEIPTS#<expert>` | `<year>#<sequence>` |
//! | client, expert | a document by its id | GSI2 | `RCP#<receipt>` | `R` |
//!
//! `<object>` is the gateway's id of the payment or refund that the document is for.

use domain::receipts::receipt::DocumentName;
use domain::{AppointmentId, ExpertId, ReceiptId};

use crate::keys::{Key, appointment_partition, expert_partition};

/// The prefix of the sort keys of an appointment's documents.
pub const DOCUMENTS: &str = "DOC#";

/// An expert's billing details.
pub fn billing(expert: ExpertId) -> Key {
    Key::new(expert_partition(expert), "BILLING")
}

/// The last receipt number of an expert in a year.
pub fn receipt_counter(expert: ExpertId, year: u16) -> Key {
    Key::new(expert_partition(expert), format!("RECEIPTS#{year:04}"))
}

/// The receipt, credit note or correction with this name.
pub fn document(id: AppointmentId, name: DocumentName<'_>) -> Key {
    Key::new(appointment_partition(id), format!("{DOCUMENTS}{}#{}", name.kind, name.object))
}

/// The gateway's tax calculation for the document with this name.
pub fn tax_calculation(id: AppointmentId, name: DocumentName<'_>) -> Key {
    Key::new(appointment_partition(id), format!("TAX#{}#{}", name.kind, name.object))
}

/// The key in [`GSI2`](crate::keys::GSI2) of the document with this id.
pub fn receipt(id: ReceiptId) -> Key {
    Key::new(format!("RCP#{id}"), "R")
}

/// The partition of [`GSI1`](crate::keys::GSI1) with the documents that an expert has issued.
pub fn receipts_of_expert(expert: ExpertId) -> String {
    format!("RECEIPTS#{expert}")
}

/// The sort key of a document among those of its issuer.
pub fn receipt_order(year: u16, sequence: u32) -> String {
    format!("{year:04}#{sequence:010}")
}

/// The sequence number in a [`receipt_order`].
pub(super) fn sequence_of(order: &str) -> Option<u32> {
    order.split_once('#')?.1.parse().ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::keys::tests::{APPOINTMENT, EXPERT, Example, ZEROS, indexed, row};
    use crate::keys::{GSI1, GSI2};

    const CREDIT_NOTE: DocumentName<'_> = DocumentName { kind: "credit_note", object: "re_1" };

    /// A key of each function above.
    pub(crate) fn examples() -> Vec<Example> {
        let by_id = receipt(ReceiptId::from_bits(1));
        vec![
            row(billing(EXPERT)),
            row(receipt_counter(EXPERT, 2027)),
            row(document(APPOINTMENT, CREDIT_NOTE)),
            row(tax_calculation(APPOINTMENT, CREDIT_NOTE)),
            indexed(GSI1, receipts_of_expert(EXPERT), receipt_order(2027, 42)),
            indexed(GSI2, by_id.pk, by_id.sk),
        ]
    }

    #[test]
    fn key_strings_do_not_change() {
        assert_eq!(billing(EXPERT).to_string(), format!("EXPERT#exp_{ZEROS}1 / BILLING"));
        assert_eq!(receipt_counter(EXPERT, 2027).sk, "RECEIPTS#2027");
        assert_eq!(
            document(APPOINTMENT, CREDIT_NOTE).to_string(),
            format!("APT#apt_{ZEROS}a / DOC#credit_note#re_1")
        );
        assert_eq!(tax_calculation(APPOINTMENT, CREDIT_NOTE).sk, "TAX#credit_note#re_1");
        assert_eq!(receipt(ReceiptId::from_bits(1)).to_string(), format!("RCP#rcp_{ZEROS}1 / R"));
        assert_eq!(receipts_of_expert(EXPERT), format!("RECEIPTS#exp_{ZEROS}1"));
        assert_eq!(receipt_order(2027, 42), "2027#0000000042");
    }
}
