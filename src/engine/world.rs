//! What a whole run shares: the hosts, what they taught us, and how templates and agents are reached.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::agents::{Agents, Line};
use super::memory::Learnt;
use super::settings::Settings;
use crate::inventory::{Inventory, Vars};
use crate::playbook::Library;
use crate::template::Templar;
use crate::value::Value;

/// One run's shared state. Everything in it can be used by many hosts at once.
pub(super) struct World {
    pub(super) inventory: Inventory,
    pub(super) settings: Settings,
    pub(super) templar: Templar,
    pub(super) library: Arc<Library>,
    pub(super) line: Line,
    /// The magic variable `groups`.
    pub(super) groups: minijinja::Value,
    hosts: Mutex<BTreeMap<String, Arc<Host>>>,
}

/// A host of this run.
pub(super) struct Host {
    pub(super) name: String,
    /// This machine, which no inventory mentions: reached without SSH unless a variable says otherwise.
    pub(super) here: bool,
    /// Variables of the inventory, `group_vars` and `host_vars`, merged.
    pub(super) vars: Arc<Vars>,
    pub(super) group_names: Vec<String>,
    pub(super) inventory_file: Option<String>,
    pub(super) learnt: Learnt,
    pub(super) agents: Agents,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("dry", &self.settings.dry).finish_non_exhaustive()
    }
}

impl World {
    pub(super) fn new(
        inventory: Inventory,
        settings: Settings,
        templar: Templar,
        library: Arc<Library>,
        line: Line,
    ) -> Self {
        let groups = serde_json::to_value(inventory.groups_map()).unwrap_or(Value::Null);
        let groups = crate::template::plain(&groups);
        Self { inventory, settings, templar, library, line, groups, hosts: Mutex::default() }
    }

    /// The host of that name. One the inventory does not know (a `delegate_to`) has no variables.
    pub(super) fn host(&self, name: &str) -> Arc<Host> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.get(name) {
            return Arc::clone(host);
        }
        let known = self.inventory.host(name);
        let own = |text: &str| text.to_owned();
        let host = Arc::new(Host {
            name: name.to_owned(),
            here: known.is_some_and(|host| host.implicit),
            vars: known.map(|host| self.inventory.vars(host)).unwrap_or_default(),
            group_names: known
                .map(|host| self.inventory.group_names(host).into_iter().map(own).collect())
                .unwrap_or_default(),
            inventory_file: known
                .and_then(|host| host.inventory_file())
                .map(|path| path.display().to_string()),
            learnt: Learnt::default(),
            agents: Agents::default(),
        });
        hosts.insert(name.to_owned(), Arc::clone(&host));
        host
    }
}
