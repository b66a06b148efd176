//! Logs and metrics, as CloudWatch reads them.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use tracing_subscriber::EnvFilter;

/// Starts logging as JSON, from the level in `LOG_LEVEL` (default `info`). Starting twice changes nothing.
pub fn start() {
    let level = std::env::var("LOG_LEVEL").unwrap_or_else(|_| "info".to_owned());
    let filter =
        EnvFilter::try_new(format!("{level},hyper=warn,aws=warn")).unwrap_or_else(|_| EnvFilter::new("info"));
    // An error only says that somebody else started it.
    let _ = tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_current_span(false)
        .without_time()
        .with_target(false)
        .try_init();
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
    });
    for (name, _, value) in values {
        line[*name] = json!(value);
    }
    // A log line that cannot be written has nowhere to complain.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
