//! Logs and metrics in the formats of CloudWatch. The functions of an area share a log group, so each record has the member
//! `function`, which is the name in Lambda's `_HANDLER`.

use std::fmt;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent};
use tracing_subscriber::registry::LookupSpan;

use crate::config;

/// Starts logging as JSON, from the level in `LOG_LEVEL` (default `info`). Starting twice changes nothing.
pub fn start() {
    let level = std::env::var("LOG_LEVEL").unwrap_or_else(|_| "info".to_owned());
    let filter =
        EnvFilter::try_new(format!("{level},hyper=warn,aws=warn")).unwrap_or_else(|_| EnvFilter::new("info"));
    // Fails if logging was started before.
    let _ = tracing_subscriber::fmt()
        .fmt_fields(JsonFields::new())
        .event_format(Record {
            function: function(),
            format: Format::default().json().with_current_span(false).without_time().with_target(false),
        })
        .with_env_filter(filter)
        .try_init();
}

/// The name of this function; null outside of Lambda.
fn function() -> Value {
    config::optional("_HANDLER").into()
}

/// A log record: the JSON object of `format`, with the name of the function in front.
struct Record {
    function: Value,
    format: Format<Json, ()>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, JsonFields> for Record {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut object = String::new();
        self.format.format_event(context, Writer::new(&mut object), event)?;
        let members = object.strip_prefix('{').ok_or(fmt::Error)?;
        write!(writer, "{{\"function\":{},{members}", self.function)
    }
}

/// Writes metrics in CloudWatch's embedded metric format
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).
pub fn metrics(values: &[(&str, &str, i64)]) {
    let milliseconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let metrics: Vec<_> =
        values.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": u64::try_from(milliseconds).unwrap_or(0),
            "CloudWatchMetrics": [{ "Namespace": "ExpertConnect", "Dimensions": [[]], "Metrics": metrics }],
        },
        "function": function(),
    });
    for (name, _, value) in values {
        line[*name] = json!(value);
    }
    // There is nowhere to report that standard output cannot be written to.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_record_names_its_function() {
        let output = Output::default();
        let writer = output.clone();
        let format = Format::default().json().with_current_span(false).without_time().with_target(false);
        let logger = tracing_subscriber::fmt()
            .fmt_fields(JsonFields::new())
            .event_format(Record { function: json!("list_slots"), format })
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(logger, || tracing::info!(attempts = 8, "job failed, will retry"));
        let record: Value = serde_json::from_slice(&output.0.lock().unwrap()).unwrap();
        let expected = json!({
            "function": "list_slots",
            "level": "INFO",
            "fields": { "message": "job failed, will retry", "attempts": 8 },
        });
        assert_eq!(record, expected);
    }
}
