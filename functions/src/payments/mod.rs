//! Payments, experts' payment accounts, the ledger, reports and exchange rates.

pub mod documents;
pub mod fetch_exchange_rates;
pub mod list_differences;
pub mod list_escalations;
pub mod list_ledger;
pub mod list_refund_costs;
pub mod payment_webhook;
pub mod read_commission;
pub mod read_earnings;
pub mod read_exchange_rates;
pub mod read_expert_terms;
pub mod read_payment;
pub mod read_payment_account;
pub mod reconcile_ledger;
pub mod refund_appointment;
pub mod resolve_escalation;
pub mod set_expert_terms;
pub mod start_onboarding;

use domain::payments::gateway::GatewayKind;
use http_api::{Problem, Request};

use crate::runtime::{EXCHANGE_RATES, PAYMENTS, TABLE};
use crate::{Area, Routes, Workers};

/// The functions of this area.
pub const AREA: Area = Area {
    name: "payments",
    description: "Payments and refunds of appointments, payment accounts, fees, the ledger, reports and exchange rates.",
    examples: include_str!("examples.json"),
    public: PUBLIC,
    routes: ROUTES,
    workers: WORKERS,
};

/// The public routes that are called most often, and what each needs.
pub const PUBLIC: Routes = &[(read_exchange_rates::ROUTE, TABLE)];

/// The other routes, and what each needs.
pub const ROUTES: Routes = &[
    (start_onboarding::ROUTE, PAYMENTS),
    (read_payment_account::ROUTE, PAYMENTS),
    (payment_webhook::ROUTE, PAYMENTS),
    (read_expert_terms::ROUTE, TABLE),
    (set_expert_terms::ROUTE, TABLE),
    (read_payment::ROUTE, PAYMENTS),
    (refund_appointment::ROUTE, TABLE),
    (resolve_escalation::ROUTE, TABLE),
    (list_escalations::ROUTE, TABLE),
    (list_refund_costs::ROUTE, TABLE),
    (list_ledger::ROUTE, TABLE),
    (read_earnings::ROUTE, TABLE),
    (read_commission::ROUTE, TABLE),
    (list_differences::ROUTE, TABLE),
];

/// The workers, and what each needs.
pub const WORKERS: Workers =
    &[(fetch_exchange_rates::WORKER, EXCHANGE_RATES), (reconcile_ledger::WORKER, PAYMENTS)];

/// The payment gateway that the path variable `{gateway}` names.
///
/// # Errors
/// 404 when there is no such gateway.
fn gateway(request: &Request) -> Result<GatewayKind, Problem> {
    let what = "payment gateway";
    request.path_parameter::<String>("gateway", what)?.parse().map_err(|_| Problem::not_found(what))
}
