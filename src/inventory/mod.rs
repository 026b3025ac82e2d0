//! Who there is: hosts, the groups they are in, and the variables written for them.
//!
//! Reads YAML inventories, host lists, `group_vars/` and `host_vars/` as Ansible does, and answers who a pattern
//! means. It connects to nobody, renders no templates and does not interpret connection variables
//! (`ansible_host`, `ansible_become` ...): to the inventory they are variables like any other.

mod address;
mod document;
mod files;
mod group;
mod host;
mod load;
mod pattern;
mod range;
mod settle;
mod vars;
mod vars_files;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::diagnostic::{Diagnostic, Diagnostics, Span};

pub use files::{Disk, Entry, Files};
pub use group::Group;
pub use host::{Host, HostName};
pub use vars::{Level, Var, Vars, is_secret};

/// The group every host is in.
const ALL: &str = "all";
/// The group of the hosts that are in no other.
const UNGROUPED: &str = "ungrouped";
/// The names that mean this machine even where no inventory mentions them.
const LOCALHOST: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Every host and group of one run, in the order in which they were first mentioned.
#[derive(Debug)]
pub struct Inventory {
    hosts: IndexMap<HostName, Host>,
    groups: IndexMap<String, Group>,
    /// This machine, under each of its names that `hosts` does not have.
    implicit: Vec<Host>,
    /// Where the sources are: the directories whose `group_vars/` and `host_vars/` count.
    places: Vec<PathBuf>,
    files: Arc<dyn Files>,
}

impl Inventory {
    /// Reads all `sources` in their order: files, directories, and lists such as `web1,web2,`.
    ///
    /// The `group_vars/` and `host_vars/` beside them are read too. Everything that is wrong is reported at once.
    pub fn load(sources: &[String], files: Arc<dyn Files>) -> Result<Self, Diagnostics> {
        load::load(sources, files)
    }

    /// Reads `group_vars/` and `host_vars/` beside a playbook; they replace those of an earlier playbook.
    pub fn add_playbook_vars(&mut self, playbook_dir: &Path) -> Result<(), Diagnostics> {
        vars_files::beside_playbook(self, playbook_dir)
    }

    /// The hosts a `hosts:` pattern means; `span` is where it was written.
    ///
    /// A name that is neither a host nor a group is an error; a glob or an expression may match nobody.
    pub fn select(&self, pattern: &str, span: Option<&Span>) -> Result<Vec<&Host>, Diagnostic> {
        pattern::select(self, pattern, span)
    }

    /// Those of `hosts` that `--limit` leaves over, in the order they had.
    pub fn limit<'a>(&'a self, hosts: Vec<&'a Host>, limit: &str) -> Result<Vec<&'a Host>, Diagnostic> {
        let wanted = pattern::limit(self, limit)?;
        let names: std::collections::BTreeSet<&str> = wanted.iter().map(|host| host.name.as_str()).collect();
        Ok(hosts.into_iter().filter(|host| names.contains(host.name.as_str())).collect())
    }

    /// Every host that was written down; this machine only where somebody did.
    pub fn hosts(&self) -> impl ExactSizeIterator<Item = &Host> {
        self.hosts.values()
    }

    /// Every group, `all` and `ungrouped` first.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &Group> {
        self.groups.values()
    }

    /// A host by its name, this machine included.
    pub fn host(&self, name: &str) -> Option<&Host> {
        self.hosts.get(name).or_else(|| self.implicit.iter().find(|host| host.name.as_str() == name))
    }

    /// A group by its name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(name)
    }

    /// The groups directly inside `group`.
    pub fn children(&self, group: &Group) -> impl Iterator<Item = &Group> {
        group.children.iter().map(|index| &self.groups[*index])
    }

    /// The hosts directly inside `group`.
    pub fn direct_hosts(&self, group: &Group) -> impl Iterator<Item = &Host> {
        group.hosts.iter().map(|index| &self.hosts[*index])
    }

    /// The hosts of `group` and of the groups inside it, each once, nearest groups first.
    pub fn members(&self, group: &Group) -> Vec<&Host> {
        let index = self.groups.get_index_of(&group.name).unwrap_or_default();
        self.member_indices(index).into_iter().map(|host| &self.hosts[host]).collect()
    }

    /// The names of all groups `host` is in, sorted, without `all`: the magic variable `group_names`.
    pub fn group_names(&self, host: &Host) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .ancestry(host)
            .into_iter()
            .map(|index| self.groups[index].name.as_str())
            .filter(|name| *name != ALL)
            .collect();
        names.sort_unstable();
        names
    }

    /// Every group with the names of its hosts: the magic variable `groups`.
    pub fn groups_map(&self) -> IndexMap<&str, Vec<&str>> {
        (0..self.groups.len())
            .map(|index| {
                let members = self.member_indices(index);
                let names = members.into_iter().map(|host| self.hosts[host].name.as_str()).collect();
                (self.groups[index].name.as_str(), names)
            })
            .collect()
    }

    /// The variables of `host`, by precedence: levels 3 to 10 of Ansible's list. Computed once, cheap to share.
    pub fn vars(&self, host: &Host) -> Arc<Vars> {
        Arc::clone(host.merged.get_or_init(|| Arc::new(vars::merged(self, host))))
    }

    fn member_indices(&self, group: usize) -> Vec<usize> {
        let mut queue = vec![group];
        let mut known = vec![false; self.groups.len()];
        known[group] = true;
        let mut taken = vec![false; self.hosts.len()];
        let mut members = Vec::new();
        let mut at = 0;
        while let Some(group) = queue.get(at).map(|index| &self.groups[*index]) {
            at += 1;
            for host in &group.hosts {
                if !std::mem::replace(&mut taken[*host], true) {
                    members.push(*host);
                }
            }
            for child in &group.children {
                if !std::mem::replace(&mut known[*child], true) {
                    queue.push(*child);
                }
            }
        }
        members
    }

    /// The groups `host` is in, directly or through others, in the order in which their variables count.
    fn ancestry(&self, host: &Host) -> Vec<usize> {
        let mut known: Vec<usize> = host.groups.clone();
        let mut at = 0;
        while let Some(index) = known.get(at).copied() {
            at += 1;
            for parent in &self.groups[index].parents {
                if !known.contains(parent) {
                    known.push(*parent);
                }
            }
        }
        known.sort_by(|left, right| self.groups[*left].rank().cmp(&self.groups[*right].rank()));
        known
    }
}

#[cfg(test)]
mod tests;
