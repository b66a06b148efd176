//! The problems of the area `receipts`.

use app::receipts::error::ReceiptsError;

use super::Problem;
use super::catalog::problem_types;

problem_types! {
    TAX_NOT_READY = 409 "tax-not-ready", "Taxes cannot be calculated yet",
        "Stripe Tax cannot calculate taxes for the expert yet.",
        "Finish the settings at Stripe that detail names, and send the request again.";
}

pub(super) fn from_error(error: &ReceiptsError) -> Problem {
    match error {
        ReceiptsError::TaxNotReady(detail) => Problem::new(TAX_NOT_READY, detail).with_pointer("/tax"),
    }
}
