//! Receipts, credit notes and corrections, and the billing details of their issuers.

pub mod documents;
pub mod list_appointment_receipts;
pub mod list_receipts;
pub mod read_billing_details;
pub mod read_receipt;
pub mod replace_billing_details;

use crate::runtime::{PAYMENTS, TABLE};
use crate::{Area, Routes};

/// The functions of this area.
pub const AREA: Area = Area {
    name: "receipts",
    description: "Receipts, credit notes and corrections, and the billing details of their issuers.",
    examples: include_str!("examples.json"),
    public: &[],
    routes: ROUTES,
    workers: &[],
};

/// The routes, and what each needs.
pub const ROUTES: Routes = &[
    (read_billing_details::ROUTE, TABLE),
    // Whether an expert can have taxes calculated is a question to the payment gateway.
    (replace_billing_details::ROUTE, PAYMENTS),
    (list_receipts::ROUTE, TABLE),
    (list_appointment_receipts::ROUTE, TABLE),
    (read_receipt::ROUTE, TABLE),
];
