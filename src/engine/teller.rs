//! The engine's voice: events with the time since the run began, in the order they happened.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::tally::Tally;
use crate::event::{Event, HostDone, TaskId, What};
use crate::plan::Failure;

/// Whoever listens to a run.
pub type Listener = Box<dyn FnMut(Event) + Send>;

/// Tells events and counts them. Cheap to clone.
#[derive(Clone)]
pub(super) struct Teller {
    began: Instant,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    listener: Listener,
    tally: Tally,
    /// Hosts on which a step is running.
    busy: BTreeSet<String>,
}

impl Teller {
    pub(super) fn new(listener: Listener) -> Self {
        Self {
            began: Instant::now(),
            inner: Arc::new(Mutex::new(Inner { listener, tally: Tally::default(), busy: BTreeSet::new() })),
        }
    }

    pub(super) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn tell(&self, what: What) {
        let event = Event { at_ms: self.elapsed_ms(), what };
        let mut inner = self.lock();
        match &event.what {
            What::HostBusy { host, .. } => drop(inner.busy.insert(host.clone())),
            What::HostDone(done) => drop(inner.busy.remove(&done.host)),
            What::Unreachable { host, .. } => drop(inner.busy.remove(host)),
            _ => {}
        }
        (inner.listener)(event);
    }

    /// Somebody has asked the run to stop.
    pub(super) fn stopping(&self) {
        let running = self.lock().busy.iter().cloned().collect();
        self.tell(What::Stopping { running });
    }

    pub(super) fn busy(&self, task: TaskId, host: &str, detail: String) {
        self.tell(What::HostBusy { task, host: host.to_owned(), detail });
    }

    pub(super) fn done(&self, done: HostDone) {
        self.lock().tally.count(&done);
        self.tell(What::HostDone(Box::new(done)));
    }

    pub(super) fn unreachable(&self, host: &str, task: Option<TaskId>, failure: Failure) {
        self.lock().tally.host(host).unreachable += 1;
        self.tell(What::Unreachable { host: host.to_owned(), task, failure });
    }

    pub(super) fn warning(&self, text: impl Into<String>) {
        self.tell(What::Warning { text: text.into() });
    }

    /// Looks at, or adds to, what was counted.
    pub(super) fn tally<T>(&self, with: impl FnOnce(&mut Tally) -> T) -> T {
        with(&mut self.lock().tally)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // A listener that panicked has nothing more to say; the counts are still good.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
