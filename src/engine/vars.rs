//! Who defines a variable, and who wins: Ansible's precedence, highest first.
//!
//! Nothing is merged or copied: a lookup walks the layers. Source: ansible-core 2.19, "Variable precedence".

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use minijinja::Value as Lively;
use minijinja::value::{Enumerator, Object};

use super::memory::Memory;
use super::world::{Host, World};
use crate::template::{Raw, Scope, Variables};
use crate::value::{Map, Value};

/// Variables as written in one place.
pub(super) type Layer = Arc<Map<String, Value>>;

/// What a play adds to the variables of its hosts.
#[derive(Debug, Clone, Default)]
pub(super) struct PlayVars {
    pub(super) name: String,
    /// `vars`, then each of `vars_files`: later ones win.
    pub(super) layers: Vec<Layer>,
    /// Defaults and vars of the play's roles, in their order; tasks outside of roles see them too.
    pub(super) role_defaults: Vec<Layer>,
    pub(super) role_vars: Vec<Layer>,
    pub(super) role_names: Vec<String>,
    pub(super) hosts_all: Vec<String>,
    pub(super) playbook_dir: String,
}

/// What a task adds.
#[derive(Debug, Default)]
pub(super) struct TaskVars {
    /// Parameters of the role it belongs to.
    pub(super) role_params: Vec<Layer>,
    /// `vars` of blocks and of the task, outermost first.
    pub(super) layers: Vec<Layer>,
    pub(super) role_vars: Vec<Layer>,
    pub(super) role_defaults: Vec<Layer>,
    pub(super) role_name: Option<String>,
    pub(super) role_path: Option<String>,
}

/// The variables of one host at one task.
pub(super) struct HostVars {
    pub(super) world: Arc<World>,
    pub(super) host: Arc<Host>,
    pub(super) memory: Memory,
    pub(super) play: Arc<PlayVars>,
    pub(super) task: Arc<TaskVars>,
    /// The hosts of the batch that are still there.
    pub(super) batch: Arc<[String]>,
}

impl fmt::Debug for HostVars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostVars").field("host", &self.host.name).finish_non_exhaustive()
    }
}

impl Variables for HostVars {
    fn get(&self, name: &str) -> Option<Raw<'_>> {
        if let Some(magic) = self.magic(name) {
            return Some(Raw::Object(magic));
        }
        if let Some(value) = self.world.settings.extra_vars.get(name) {
            return Some(Raw::Template(value));
        }
        if let Some(value) = find(&self.task.role_params, name) {
            return Some(Raw::Template(value));
        }
        if let Some(value) = self.memory.kept.get(name) {
            return Some(Raw::Plain(value));
        }
        if let Some(value) = self.memory.included.get(name) {
            return Some(Raw::Template(value));
        }
        let layers = [&self.task.layers, &self.task.role_vars, &self.play.role_vars, &self.play.layers];
        if let Some(value) = layers.into_iter().find_map(|layers| find(layers, name)) {
            return Some(Raw::Template(value));
        }
        if let Some(value) = name.strip_prefix("ansible_").and_then(|fact| self.memory.facts.get(fact)) {
            return Some(Raw::Plain(value));
        }
        let inventory = self.host.vars.get(name).map(|var| &var.value);
        let defaults =
            || find(&self.task.role_defaults, name).or_else(|| find(&self.play.role_defaults, name));
        inventory.or_else(defaults).map(Raw::Template)
    }

    fn names(&self) -> Vec<String> {
        let layers = [
            &self.task.role_params,
            &self.task.layers,
            &self.task.role_vars,
            &self.play.role_vars,
            &self.play.layers,
            &self.task.role_defaults,
            &self.play.role_defaults,
        ];
        let mut names: Vec<String> = MAGIC.iter().map(|name| (*name).to_owned()).collect();
        names.extend(self.world.settings.extra_vars.keys().cloned());
        names.extend(self.memory.kept.keys().cloned());
        names.extend(layers.into_iter().flatten().flat_map(|layer| layer.keys().cloned()));
        names.extend(self.memory.facts.keys().map(|fact| format!("ansible_{fact}")));
        names.extend(self.host.vars.keys().cloned());
        names.sort();
        names.dedup();
        names
    }
}

fn find<'a>(layers: &'a [Layer], name: &str) -> Option<&'a Value> {
    layers.iter().rev().find_map(|layer| layer.get(name))
}

/// Names that are always defined and that nobody can redefine.
const MAGIC: &[&str] = &[
    "ansible_check_mode",
    "ansible_diff_mode",
    "ansible_facts",
    "ansible_forks",
    "ansible_managed",
    "ansible_play_batch",
    "ansible_play_hosts",
    "ansible_play_hosts_all",
    "ansible_play_name",
    "ansible_play_role_names",
    "ansible_role_name",
    "ansible_run_tags",
    "ansible_skip_tags",
    "ansible_verbosity",
    "ansible_version",
    "group_names",
    "groups",
    "hostvars",
    "inventory_dir",
    "inventory_file",
    "inventory_hostname",
    "inventory_hostname_short",
    "play_hosts",
    "playbook_dir",
    "role_name",
    "role_path",
];

impl HostVars {
    fn magic(&self, name: &str) -> Option<Lively> {
        if MAGIC.binary_search(&name).is_err() {
            return None;
        }
        let world = &self.world;
        let settings = &world.settings;
        let list = |names: &[String]| names.iter().map(String::as_str).collect::<Lively>();
        Some(match name {
            "ansible_check_mode" => settings.dry.into(),
            "ansible_diff_mode" => settings.diff.into(),
            "ansible_facts" => self
                .memory
                .facts_object
                .clone()
                .unwrap_or_else(|| crate::template::plain(&Value::Object(Map::new()))),
            "ansible_forks" => settings.forks.into(),
            "ansible_managed" => "Managed by Holdfast: changes made here are overwritten".into(),
            "ansible_play_batch" | "ansible_play_hosts" | "play_hosts" => list(&self.batch),
            "ansible_play_hosts_all" => list(&self.play.hosts_all),
            "ansible_play_name" => self.play.name.as_str().into(),
            "ansible_play_role_names" => list(&self.play.role_names),
            "ansible_run_tags" => list(&settings.tags),
            "ansible_skip_tags" => list(&settings.skip_tags),
            "ansible_verbosity" => settings.verbosity.into(),
            "ansible_version" => version(),
            "group_names" => list(&self.host.group_names),
            "groups" => world.groups.clone(),
            "hostvars" => Lively::from_object(AllHosts { of: self.for_others() }),
            "inventory_dir" => self.host.inventory_file.as_deref().and_then(parent)?.into(),
            "inventory_file" => self.host.inventory_file.as_deref()?.into(),
            "inventory_hostname" => self.host.name.as_str().into(),
            "inventory_hostname_short" => self.host.name.split('.').next().unwrap_or_default().into(),
            "playbook_dir" => self.play.playbook_dir.as_str().into(),
            "ansible_role_name" | "role_name" => self.task.role_name.as_deref()?.into(),
            "role_path" => self.task.role_path.as_deref()?.into(),
            _ => return None,
        })
    }

    /// The same play, seen without a task.
    fn for_others(&self) -> Others {
        Others {
            world: Arc::clone(&self.world),
            play: Arc::clone(&self.play),
            batch: Arc::clone(&self.batch),
        }
    }
}

fn parent(file: &str) -> Option<String> {
    Path::new(file).parent().map(|folder| folder.display().to_string())
}

/// The Ansible whose language this is, for roles that ask.
fn version() -> Lively {
    crate::template::plain(
        &serde_json::json!({"full": "2.19.0", "major": 2, "minor": 19, "revision": 0, "string": "2.19.0"}),
    )
}

#[derive(Clone)]
struct Others {
    world: Arc<World>,
    play: Arc<PlayVars>,
    batch: Arc<[String]>,
}

impl Others {
    fn scope(&self, name: &str) -> Scope {
        let host = self.world.host(name);
        Scope::new(Arc::new(HostVars {
            memory: host.learnt.snapshot(),
            host,
            world: Arc::clone(&self.world),
            play: Arc::clone(&self.play),
            task: Arc::default(),
            batch: Arc::clone(&self.batch),
        }))
    }
}

/// The magic variable `hostvars`: a host's variables are worked out when they are asked for.
struct AllHosts {
    of: Others,
}

impl fmt::Debug for AllHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hostvars")
    }
}

impl Object for AllHosts {
    fn get_value(self: &Arc<Self>, key: &Lively) -> Option<Lively> {
        let name = key.as_str()?;
        self.of.world.inventory.host(name).map(|_| self.of.scope(name).as_object())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(
            self.of.world.inventory.hosts().map(|host| Lively::from(host.name.as_str())).collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::MAGIC;

    #[test]
    fn magic_names_are_sorted_for_the_search() {
        assert!(MAGIC.is_sorted());
    }
}
