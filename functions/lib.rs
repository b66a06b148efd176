//! The Lambda functions: a folder each, and the route table.
//!
//! A folder's `handler.rs` reads the call, runs one use case of `app`, and renders; its `main.rs` calls the entry point in
//! this library, so that the async code is compiled once and not for every binary.

mod answers;
pub mod entry;
mod paging;

#[path = "book_appointment/handler.rs"]
pub mod book_appointment;
#[path = "cancel_appointment/handler.rs"]
pub mod cancel_appointment;
#[path = "complete_appointment/handler.rs"]
pub mod complete_appointment;
#[path = "create_expert/handler.rs"]
pub mod create_expert;
#[path = "create_session_type/handler.rs"]
pub mod create_session_type;
#[path = "decide_payment/handler.rs"]
pub mod decide_payment;
#[path = "deliver_effects/handler.rs"]
pub mod deliver_effects;
#[path = "edit_expert/handler.rs"]
pub mod edit_expert;
#[path = "edit_session_type/handler.rs"]
pub mod edit_session_type;
#[path = "fetch_exchange_rates/handler.rs"]
pub mod fetch_exchange_rates;
#[path = "health/handler.rs"]
pub mod health;
#[path = "list_appointment_receipts/handler.rs"]
pub mod list_appointment_receipts;
#[path = "list_appointments/handler.rs"]
pub mod list_appointments;
#[path = "list_concerns/handler.rs"]
pub mod list_concerns;
#[path = "list_differences/handler.rs"]
pub mod list_differences;
#[path = "list_ledger/handler.rs"]
pub mod list_ledger;
#[path = "list_receipts/handler.rs"]
pub mod list_receipts;
#[path = "list_session_types/handler.rs"]
pub mod list_session_types;
#[path = "list_slots/handler.rs"]
pub mod list_slots;
#[path = "mark_no_show/handler.rs"]
pub mod mark_no_show;
#[path = "paypal_webhook/handler.rs"]
pub mod paypal_webhook;
#[path = "read_api_description/handler.rs"]
pub mod read_api_description;
#[path = "read_appointment/handler.rs"]
pub mod read_appointment;
#[path = "read_availability/handler.rs"]
pub mod read_availability;
#[path = "read_billing_details/handler.rs"]
pub mod read_billing_details;
#[path = "read_cancellation/handler.rs"]
pub mod read_cancellation;
#[path = "read_commission/handler.rs"]
pub mod read_commission;
#[path = "read_earnings/handler.rs"]
pub mod read_earnings;
#[path = "read_exchange_rates/handler.rs"]
pub mod read_exchange_rates;
#[path = "read_expert/handler.rs"]
pub mod read_expert;
#[path = "read_payment/handler.rs"]
pub mod read_payment;
#[path = "read_paypal_connection/handler.rs"]
pub mod read_paypal_connection;
#[path = "read_receipt/handler.rs"]
pub mod read_receipt;
#[path = "read_stripe_connection/handler.rs"]
pub mod read_stripe_connection;
#[path = "reconcile_ledger/handler.rs"]
pub mod reconcile_ledger;
#[path = "refund_appointment/handler.rs"]
pub mod refund_appointment;
#[path = "replace_availability/handler.rs"]
pub mod replace_availability;
#[path = "replace_billing_details/handler.rs"]
pub mod replace_billing_details;
#[path = "reschedule_appointment/handler.rs"]
pub mod reschedule_appointment;
#[path = "retire_session_type/handler.rs"]
pub mod retire_session_type;
#[path = "set_expert_fee/handler.rs"]
pub mod set_expert_fee;
#[path = "start_paypal_onboarding/handler.rs"]
pub mod start_paypal_onboarding;
#[path = "start_stripe_onboarding/handler.rs"]
pub mod start_stripe_onboarding;
#[path = "stripe_webhook/handler.rs"]
pub mod stripe_webhook;
#[path = "sweep_due/handler.rs"]
pub mod sweep_due;

use http_api::Route;

/// Every route. What is not here does not exist.
pub const ROUTES: &[Route] = &[
    health::ROUTE,
    read_api_description::ROUTE,
    create_expert::ROUTE,
    read_expert::ROUTE,
    edit_expert::ROUTE,
    read_availability::ROUTE,
    replace_availability::ROUTE,
    create_session_type::ROUTE,
    list_session_types::ROUTE,
    edit_session_type::ROUTE,
    retire_session_type::ROUTE,
    list_slots::ROUTE,
    read_exchange_rates::ROUTE,
    read_billing_details::ROUTE,
    replace_billing_details::ROUTE,
    list_receipts::ROUTE,
    start_stripe_onboarding::ROUTE,
    read_stripe_connection::ROUTE,
    start_paypal_onboarding::ROUTE,
    read_paypal_connection::ROUTE,
    set_expert_fee::ROUTE,
    book_appointment::ROUTE,
    list_appointments::ROUTE,
    read_appointment::ROUTE,
    read_payment::ROUTE,
    read_cancellation::ROUTE,
    cancel_appointment::ROUTE,
    reschedule_appointment::ROUTE,
    complete_appointment::ROUTE,
    mark_no_show::ROUTE,
    refund_appointment::ROUTE,
    decide_payment::ROUTE,
    list_ledger::ROUTE,
    read_earnings::ROUTE,
    read_commission::ROUTE,
    list_concerns::ROUTE,
    list_differences::ROUTE,
    list_appointment_receipts::ROUTE,
    read_receipt::ROUTE,
    stripe_webhook::ROUTE,
    paypal_webhook::ROUTE,
];

/// The functions that no route leads to: what sets them off stands in `template.yaml`.
pub const WORKERS: &[&str] = &[
    deliver_effects::FUNCTION,
    fetch_exchange_rates::FUNCTION,
    reconcile_ledger::FUNCTION,
    sweep_due::FUNCTION,
];
