//! When to end.

use super::Failure;

fn refused(error: std::io::Error) -> Failure {
    Failure::System(format!("the signals that end the process cannot be heard: {error}"))
}

/// Waits until somebody asks the process to end, with Ctrl-C or SIGTERM.
#[cfg(unix)]
pub(super) async fn asked_to_end() -> Result<(), Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).map_err(refused)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(refused)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Waits until somebody asks the process to end, with Ctrl-C.
#[cfg(not(unix))]
pub(super) async fn asked_to_end() -> Result<(), Failure> {
    tokio::signal::ctrl_c().await.map_err(refused)
}
