//! The JSON documents of the area `operations`.

use std::str::FromStr;

use app::operations::failing_jobs::{self, Schedule};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{AppointmentId, ExpertId, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use store::operations::outbox::Subject;

/// The longest id of a job that is accepted, in bytes. Keys in the table have at most 3,072 bytes.
const MAX_ID: usize = 4_200;

/// The id of a failing job: its partition and its name, encoded so that a path can contain it.
pub(super) struct JobId {
    /// The partition of the outbox entry.
    pub partition: String,
    /// The name of the job.
    pub name: String,
}

impl JobId {
    fn encode(partition: &str, name: &str) -> String {
        encode(&format!("{partition}\n{name}"))
    }
}

impl FromStr for JobId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let plain = decode(text).filter(|_| text.len() <= MAX_ID).ok_or(())?;
        let (partition, name) = plain.split_once('\n').ok_or(())?;
        let is_key = |part: &str| !part.is_empty();
        if is_key(partition) && is_key(name) {
            Ok(Self { partition: partition.to_owned(), name: name.to_owned() })
        } else {
            Err(())
        }
    }
}

/// Text in characters that a URL can contain.
pub(super) fn encode(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// The text that was encoded; `None` if there is none.
pub(super) fn decode(text: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// A job that fails, or that cannot be read.
#[derive(Serialize, JsonSchema)]
pub(super) struct FailingJob {
    /// The id, for `POST /v1/failing-jobs/{job_id}/retry`.
    id: String,
    /// The name of the job: its kind, what it is about, and what else distinguishes it.
    name: String,
    /// The kind of the job, such as `payment` or `event`.
    kind: String,
    /// Whether the job fails or cannot be read.
    status: FailingJobStatus,
    /// The appointment that the job is about; absent if it is about none.
    #[serde(skip_serializing_if = "Option::is_none")]
    appointment_id: Option<AppointmentId>,
    /// The expert that the job is about; absent if it is about none, or about an appointment.
    #[serde(skip_serializing_if = "Option::is_none")]
    expert_id: Option<ExpertId>,
    /// Why the job fails. The log of its worker has the whole error.
    reason: String,
    /// When the job began to fail, or when it was set aside. It begins again if the job is enqueued again, for example by a
    /// webhook.
    failing_since: Timestamp,
    /// The group of jobs to which the job belongs: `payments` or `general`. Absent if the job was set aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_domain: Option<&'static str>,
    /// When the job was first due; absent if it was set aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_due_at: Option<Timestamp>,
    /// When the job is started next; absent if it was set aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<Timestamp>,
    /// How often the job was started since it was enqueued; absent if it was set aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
}

/// Whether a failing job fails or cannot be read.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum FailingJobStatus {
    /// The job is retried at `next_attempt_at`.
    Failing,
    /// The job was set aside, because this release cannot read it. It is read again after a minute, then
    /// after longer and longer, at most 70 minutes, and runs as soon as a release can read it.
    SetAside,
}

impl From<failing_jobs::FailingJob> for FailingJob {
    fn from(job: failing_jobs::FailingJob) -> Self {
        let failing_jobs::FailingJob { partition, name, subject, failing_since, reason, schedule } = job;
        let (appointment_id, expert_id) = match subject {
            Some(Subject::Appointment(id)) => (Some(id), None),
            Some(Subject::Expert(id)) => (None, Some(id)),
            None => (None, None),
        };
        let status = match schedule {
            Some(_) => FailingJobStatus::Failing,
            None => FailingJobStatus::SetAside,
        };
        let at = |of: fn(Schedule) -> Timestamp| schedule.map(of);
        Self {
            id: JobId::encode(&partition, &name),
            kind: name.split(':').next().unwrap_or_default().to_owned(),
            name,
            status,
            appointment_id,
            expert_id,
            reason,
            failing_since,
            failure_domain: schedule.map(|schedule| schedule.failure_domain.as_str()),
            first_due_at: at(|schedule| schedule.first_due_at),
            next_attempt_at: at(|schedule| schedule.next_attempt_at),
            attempts: schedule.map(|schedule| schedule.attempts),
        }
    }
}
