//! Runs the jobs that call a payment gateway.

use store::FailureDomain;

use crate::messages;
use crate::runtime::Worker;

/// Invoked by the queue of payment jobs.
pub const WORKER: Worker = Worker {
    function: "run_payment_jobs",
    handler: |app, event| Box::pin(messages::receive(app, FailureDomain::Payments, event)),
};
