//! Being asked to stop: once, after the running steps; twice, now.

use tokio::sync::watch;

/// Whether the run was asked to stop. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Interrupt {
    asked: watch::Receiver<bool>,
}

/// Asks a run to stop after its running steps.
#[derive(Debug)]
pub struct Stopper {
    ask: watch::Sender<bool>,
}

impl Interrupt {
    pub fn new() -> (Stopper, Self) {
        let (ask, asked) = watch::channel(false);
        (Stopper { ask }, Self { asked })
    }

    pub fn is_asked(&self) -> bool {
        *self.asked.borrow()
    }

    /// Resolves when the run is asked to stop; never, when that is not possible any more.
    pub async fn wait(&self) {
        let mut asked = self.asked.clone();
        if asked.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Stopper {
    pub fn ask(&self) {
        // Nobody listens any more when the run is already over.
        let _ = self.ask.send(true);
    }
}
