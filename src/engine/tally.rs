//! Counting what became of each host, for the recap and the exit code.

use std::collections::BTreeMap;

use crate::event::{HostDone, HostRecap, Outcome};
use crate::exit::Exit;

/// Counts by host, in the order the hosts first appeared.
#[derive(Debug, Default)]
pub(super) struct Tally {
    order: Vec<String>,
    hosts: BTreeMap<String, HostRecap>,
    pub(super) pending: bool,
}

impl Tally {
    pub(super) fn host(&mut self, name: &str) -> &mut HostRecap {
        if !self.hosts.contains_key(name) {
            self.order.push(name.to_owned());
            self.hosts.insert(name.to_owned(), HostRecap { host: name.to_owned(), ..HostRecap::default() });
        }
        self.hosts.entry(name.to_owned()).or_default()
    }

    /// Counts a task that came to its end (a loop counts once, by its whole).
    pub(super) fn count(&mut self, done: &HostDone) {
        let pending = matches!(&done.outcome, Outcome::Withheld(_));
        self.pending |= pending;
        let host = self.host(&done.host);
        match &done.outcome {
            Outcome::Unchanged | Outcome::Said { .. } => host.ok += 1,
            Outcome::Changed(_) | Outcome::Withheld(_) => {
                host.ok += 1;
                host.changed += 1;
            }
            Outcome::Skipped { .. } => host.skipped += 1,
            Outcome::Refused { .. } | Outcome::Failed { .. } if done.ignored => {
                host.ok += 1;
                host.ignored += 1;
            }
            Outcome::Refused { .. } => host.refused += 1,
            Outcome::Failed { .. } => host.failed += 1,
        }
    }

    /// All hosts, and what they add up to.
    pub(super) fn recap(&self) -> Vec<HostRecap> {
        self.order.iter().filter_map(|name| self.hosts.get(name)).cloned().collect()
    }

    /// The highest of 3, 4 and 5 that applies. A rescued failure is none.
    pub(super) fn exit(&self) -> Exit {
        let any = |count: fn(&HostRecap) -> u32| self.hosts.values().any(|host| count(host) > 0);
        if any(|host| host.refused) {
            Exit::Refused
        } else if any(|host| host.unreachable) {
            Exit::Unreachable
        } else if any(|host| host.failed) {
            Exit::Failed
        } else {
            Exit::Done
        }
    }
}
