//! Variables and which of them counts: levels 3 to 10 of Ansible's precedence.
//!
//! Values replace each other whole (Ansible's `hash_behaviour=replace`). Nothing is rendered here.

use std::sync::Arc;

use indexmap::IndexMap;

use super::{ALL, Host, Inventory};
use crate::diagnostic::{Diagnostic, Span};
use crate::value::Value;
use crate::yaml::{Key, Node, Yaml};

/// Variables by name.
pub type Vars = IndexMap<String, Arc<Var>>;

/// A variable as somebody wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct Var {
    /// Where its name stands.
    pub key: Span,
    /// The value with its places and tags (`!unsafe` values are not templates).
    pub node: Node,
    /// The same value as plain data.
    pub value: Value,
    pub level: Level,
}

/// Where a variable was written, lowest precedence first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `vars:` of a group in the inventory.
    InventoryGroup,
    /// `group_vars/all` beside the inventory.
    InventoryAllFile,
    /// `group_vars/all` beside the playbook.
    PlaybookAllFile,
    /// `group_vars/NAME` beside the inventory.
    InventoryGroupFile,
    /// `group_vars/NAME` beside the playbook.
    PlaybookGroupFile,
    /// A host's own variables in the inventory.
    InventoryHost,
    /// `host_vars/NAME` beside the inventory.
    InventoryHostFile,
    /// `host_vars/NAME` beside the playbook.
    PlaybookHostFile,
}

/// Variables whose values are never shown.
const SECRET: [&str; 6] = [
    "ansible_become_pass",
    "ansible_become_password",
    "ansible_password",
    "ansible_ssh_pass",
    "ansible_su_pass",
    "ansible_sudo_pass",
];

/// Whether a variable of this name holds a password, and must not be shown.
pub fn is_secret(name: &str) -> bool {
    SECRET.contains(&name)
}

impl Level {
    /// Names the place as a person would.
    pub fn describe(self) -> &'static str {
        match self {
            Self::InventoryGroup => "group in the inventory",
            Self::InventoryAllFile => "group_vars/all beside the inventory",
            Self::PlaybookAllFile => "group_vars/all beside the playbook",
            Self::InventoryGroupFile => "group_vars beside the inventory",
            Self::PlaybookGroupFile => "group_vars beside the playbook",
            Self::InventoryHost => "host in the inventory",
            Self::InventoryHostFile => "host_vars beside the inventory",
            Self::PlaybookHostFile => "host_vars beside the playbook",
        }
    }
}

impl Var {
    /// A variable, unless its value is something that cannot be read yet.
    pub(super) fn new(key: &Key, node: Node, level: Level) -> Result<Self, Diagnostic> {
        match secret(&node) {
            Some(vault) => Err(Diagnostic::new("vault is not supported yet")
                .at(&vault.span, format!("part of the variable `{}`", key.name))
                .help("for now, pass the value with `-e`, or look it up from a file or the environment")),
            None => Ok(Self { key: key.span.clone(), value: node.to_value(), node, level }),
        }
    }
}

/// The first encrypted value inside `node`.
fn secret(node: &Node) -> Option<&Node> {
    if node.tag.as_deref().is_some_and(|tag| tag.starts_with("!vault")) {
        return Some(node);
    }
    match &node.value {
        Yaml::List(items) => items.iter().find_map(secret),
        Yaml::Map(map) => map.entries.iter().find_map(|(_, node)| secret(node)),
        _ => None,
    }
}

/// The variables of one host or group, by where they were written.
#[derive(Debug, Default)]
pub(super) struct Layers {
    /// In the inventory itself.
    pub(super) written: Vars,
    /// In `group_vars/` or `host_vars/` beside the inventory.
    pub(super) beside_inventory: Vars,
    /// In `group_vars/` or `host_vars/` beside the playbook.
    pub(super) beside_playbook: Vars,
}

impl Layers {
    pub(super) fn all(&self) -> [&Vars; 3] {
        [&self.written, &self.beside_inventory, &self.beside_playbook]
    }
}

/// What counts for `host`.
pub(super) fn merged(inventory: &Inventory, host: &Host) -> Vars {
    let ancestry = inventory.ancestry(host);
    let groups: Vec<&Layers> = ancestry
        .iter()
        .map(|index| &inventory.groups[*index])
        .filter(|group| group.name != ALL)
        .map(|group| &group.layers)
        .collect();
    // Implicit hosts are in no group, and still `all` counts for them.
    let all: Vec<&Layers> = inventory.groups.get(ALL).map(|group| &group.layers).into_iter().collect();
    let layers = [&all, &groups]
        .into_iter()
        .flat_map(|from| from.iter().map(|layers| &layers.written))
        .chain(all.iter().flat_map(|layers| [&layers.beside_inventory, &layers.beside_playbook]))
        .chain(groups.iter().map(|layers| &layers.beside_inventory))
        .chain(groups.iter().map(|layers| &layers.beside_playbook))
        .chain(host.layers.all());
    let mut vars = Vars::new();
    for (name, var) in layers.flatten() {
        match vars.get_mut(name) {
            Some(slot) => *slot = Arc::clone(var),
            None => drop(vars.insert(name.clone(), Arc::clone(var))),
        }
    }
    vars
}
