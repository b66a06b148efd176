//! Runs the jobs that call nothing but the event bus. It needs no secrets.

use store::FailureDomain;

use crate::messages;
use crate::runtime::Worker;

/// Invoked by the queue of general jobs.
pub const WORKER: Worker = Worker {
    function: "run_general_jobs",
    handler: |app, event| Box::pin(messages::receive(app, FailureDomain::General, event)),
};
