//! The problems of the area `operations`.

use app::operations::error::OperationsError;

use super::Problem;
use super::catalog::problem_types;

problem_types! {
    JOB_UNREADABLE = 409 "job-unreadable", "The job cannot be read",
        "A job was set aside because this release cannot read it, and it still cannot.",
        "Deploy a release that can read the job. It then runs within about an hour, or at once if it is retried.";
}

pub(super) fn from_error(error: &OperationsError) -> Problem {
    match error {
        OperationsError::Unreadable(_) => Problem::new(JOB_UNREADABLE, error.to_string()),
    }
}
