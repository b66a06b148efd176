//! The signals that stop the process.

use super::Failure;

fn not_available(error: std::io::Error) -> Failure {
    Failure::System(format!("the signals that stop the process are not available: {error}"))
}

/// Waits for Ctrl-C or SIGTERM.
#[cfg(unix)]
pub(super) async fn stop_requested() -> Result<(), Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).map_err(not_available)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(not_available)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub(super) async fn stop_requested() -> Result<(), Failure> {
    tokio::signal::ctrl_c().await.map_err(not_available)
}
