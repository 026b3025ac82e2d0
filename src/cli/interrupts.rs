//! Ctrl-C: once to stop after the running steps, twice to stop now.

use std::io::Write;

use crate::engine::Stopper;
use crate::exit::Exit;

/// Waits for Ctrl-C (or a polite request to end) and passes it on.
pub(super) async fn watch(stopper: Stopper) {
    asked().await;
    // The run itself says what it is going to do.
    stopper.ask();
    asked().await;
    say("stopped at once; what was running on hosts ends by its own rules");
    #[expect(clippy::exit, reason = "the person asked twice, and connections must not be waited for")]
    std::process::exit(Exit::Interrupted as i32);
}

async fn asked() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

fn say(text: &str) {
    // On a line of its own, below any bar.
    let _ = writeln!(anstream::stderr(), "\nholdfast: {text}");
}
