//! The problem documents of the area `receipts`.

use app::receipts::error::ReceiptsError;

use super::Problem;

pub(super) fn problem(error: &ReceiptsError) -> Problem {
    match error {
        ReceiptsError::TaxNotReady(detail) => {
            Problem::conflict("tax-not-ready", "Taxes cannot be calculated yet", detail).with_field("tax")
        }
    }
}
