//! Handlers: notified by changes, run once per flush, in the order they are defined.

use std::sync::Arc;

use super::play::PlayRun;
use super::world::Host;

impl PlayRun<'_> {
    /// Remembers that a host notified a handler (or a topic handlers listen to).
    pub(super) fn notify(&mut self, host: &str, name: &str) {
        let meant = self.play.handlers_for(name);
        if meant.is_empty() {
            self.course.tell.warning(format!("{host} notified `{name}`, and there is no such handler"));
        }
        let places = meant
            .into_iter()
            .filter_map(|handler| self.play.handlers.iter().position(|other| Arc::ptr_eq(other, handler)));
        let places: Vec<usize> = places.collect();
        self.notified.entry(host.to_owned()).or_default().extend(places);
    }

    /// Runs what was notified; a handler may notify others, earlier ones too.
    pub(super) async fn flush(&mut self, mut hosts: Vec<Arc<Host>>) -> Vec<Arc<Host>> {
        loop {
            let mut ran = false;
            for at in 0..self.play.handlers.len() {
                let (wanting, others): (Vec<_>, Vec<_>) = hosts
                    .iter()
                    .cloned()
                    .partition(|host| self.notified.get(&host.name).is_some_and(|set| set.contains(&at)));
                if wanting.is_empty() {
                    continue;
                }
                ran = true;
                for host in &wanting {
                    if let Some(set) = self.notified.get_mut(&host.name) {
                        set.remove(&at);
                    }
                }
                let handler = Arc::clone(&self.play.handlers[at]);
                let left = Box::pin(self.task(&handler, wanting, false, true)).await;
                hosts.retain(|host| {
                    let is = |other: &Arc<Host>| other.name == host.name;
                    left.iter().any(is) || others.iter().any(is)
                });
            }
            if !ran {
                return hosts;
            }
        }
    }

    /// A host that failed loses its handlers, and a later run will find nothing changed: so they are named.
    pub(super) fn report_unrun_handlers(&mut self) {
        for (host, places) in std::mem::take(&mut self.notified) {
            if places.is_empty() {
                continue;
            }
            let names: Vec<String> = places
                .iter()
                .filter_map(|at| self.play.handlers.get(*at))
                .map(|handler| handler.title())
                .collect();
            self.course.tell.warning(format!(
                "{host} stopped before its handlers ran: `{}`; the next run will not notify them again",
                names.join("`, `")
            ));
        }
    }
}
