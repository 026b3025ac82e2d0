//! One YAML inventory: a mapping of groups, each with `hosts`, `vars` and `children`.
//!
//! It only takes down what is written; how the groups hang together is settled when everything has been read.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use super::address::split_port;
use super::vars::{Level, Var, Vars};
use super::{ALL, Group, Host, Inventory, range};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::yaml::{Key, Mapping, Node, Yaml};

/// What may stand inside a group.
const KEYS: [&str; 3] = ["hosts", "vars", "children"];

/// Takes down the inventory `root`, which was read from the file `origin` (an absolute path).
pub(super) fn read(inventory: &mut Inventory, root: &Node, origin: &Path, problems: &mut Diagnostics) {
    let groups = match &root.value {
        Yaml::Null => return,
        Yaml::Map(groups) => groups,
        _ => {
            return problems.push(
                Diagnostic::new("an inventory is a mapping of groups")
                    .at(&root.span, format!("this is {}", root.kind()))
                    .help("begin with `all:`, and below it `hosts:` and `children:`"),
            );
        }
    };
    if let (Some(key), Some(plugin)) = (groups.key("plugin"), groups.get("plugin").and_then(Node::as_str)) {
        return problems.push(
            Diagnostic::new(format!("the inventory plugin `{plugin}` is not supported yet"))
                .at(&key.span, "this makes the file a plugin's configuration")
                .help("write its hosts down: `ansible-inventory -i THIS_FILE --list --yaml > hosts.yml`"),
        );
    }
    let mut reader = Reader { inventory, origin, problems };
    for (key, node) in &groups.entries {
        reader.group(key, node);
    }
}

struct Reader<'a> {
    inventory: &'a mut Inventory,
    origin: &'a Path,
    problems: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn group(&mut self, key: &Key, node: &Node) -> usize {
        let index = self.inventory.touch_group(&key.name, Some(&key.span));
        match &node.value {
            Yaml::Null => {}
            Yaml::Map(parts) => self.parts(index, &key.name, parts),
            _ => self.problems.push(
                Diagnostic::new(format!("the group `{}` must be a mapping", key.name))
                    .at(&node.span, format!("this is {}", node.kind()))
                    .note(&key.span, "this group")
                    .help("inside a group stand `hosts:`, `vars:` and `children:`"),
            ),
        }
        index
    }

    fn parts(&mut self, group: usize, name: &str, parts: &Mapping) {
        for (key, node) in &parts.entries {
            match key.name.as_str() {
                "hosts" => {
                    for (key, node) in self.entries("hosts", node).iter() {
                        self.hosts(group, key, node);
                    }
                }
                "children" => {
                    for (key, node) in self.entries("children", node).iter() {
                        if key.name == ALL {
                            self.problems.push(
                                Diagnostic::new("the group `all` cannot be inside another group")
                                    .at(&key.span, format!("inside the group `{name}`")),
                            );
                            continue;
                        }
                        let child = self.group(key, node);
                        self.inventory.link(group, child);
                    }
                }
                "vars" => match &node.value {
                    Yaml::Null => {}
                    Yaml::Map(vars) => self.group_vars(group, vars),
                    _ => self.problems.push(
                        Diagnostic::new(format!("`vars` of the group `{name}` must be a mapping"))
                            .at(&node.span, format!("this is {}", node.kind())),
                    ),
                },
                other => self.problems.push(
                    Diagnostic::new(format!("a group has no `{other}`"))
                        .at(&key.span, format!("inside the group `{name}`"))
                        .did_you_mean(other, KEYS)
                        .help(
                            "hosts belong under `hosts:`, groups under `children:`, variables under `vars:`",
                        ),
                ),
            }
        }
    }

    /// The entries of `hosts` or `children`: a mapping, or one name alone.
    fn entries<'n>(&mut self, what: &str, node: &'n Node) -> Cow<'n, [(Key, Node)]> {
        match &node.value {
            Yaml::Null => Cow::default(),
            Yaml::Map(map) => Cow::Borrowed(&map.entries),
            Yaml::Str(name) => {
                let nothing = Node { value: Yaml::Null, span: node.span.clone(), tag: None };
                Cow::Owned(vec![(Key { name: name.clone(), span: node.span.clone() }, nothing)])
            }
            _ => {
                self.problems.push(
                    Diagnostic::new(format!("`{what}` must be a mapping"))
                        .at(&node.span, format!("this is {}", node.kind()))
                        .help("write each name on a line of its own, followed by a colon and without a dash"),
                );
                Cow::default()
            }
        }
    }

    fn hosts(&mut self, group: usize, key: &Key, node: &Node) {
        let nothing = Mapping::default();
        let map = match &node.value {
            Yaml::Null => &nothing,
            Yaml::Map(map) => map,
            _ => {
                return self.problems.push(
                    Diagnostic::new(format!("the variables of the host `{}` must be a mapping", key.name))
                        .at(&node.span, format!("this is {}", node.kind())),
                );
            }
        };
        let vars = self.vars(map, Level::InventoryHost);
        if let Err(problem) =
            self.inventory.touch_hosts(&key.name, &key.span, Some(self.origin), group, &vars)
        {
            self.problems.push(problem);
        }
    }

    fn group_vars(&mut self, group: usize, map: &Mapping) {
        let mut vars = self.vars(map, Level::InventoryGroup);
        // Only here: in `group_vars/` Ansible takes it for an ordinary variable.
        if let Some(priority) = vars.shift_remove("ansible_group_priority") {
            match priority.value.as_i64().or_else(|| priority.value.as_str()?.parse().ok()) {
                Some(number) => self.inventory.groups[group].priority = number,
                None => self.problems.push(
                    Diagnostic::new("`ansible_group_priority` must be a whole number")
                        .at(&priority.node.span, format!("this is {}", priority.node.kind())),
                ),
            }
        }
        self.inventory.groups[group].layers.written.extend(vars);
    }

    fn vars(&mut self, map: &Mapping, level: Level) -> Vars {
        variables(map, level, self.problems)
    }
}

/// The entries of `map` as variables.
pub(super) fn variables(map: &Mapping, level: Level, problems: &mut Diagnostics) -> Vars {
    let mut vars = Vars::with_capacity(map.entries.len());
    for (key, node) in &map.entries {
        if let Some(var) = problems.take(Var::new(key, node.clone(), level)) {
            vars.insert(key.name.clone(), var.into());
        }
    }
    vars
}

impl Inventory {
    /// The group `name`, made where it is not known yet.
    pub(super) fn touch_group(&mut self, name: &str, span: Option<&Span>) -> usize {
        match self.groups.get_index_of(name) {
            Some(index) => {
                let group = &mut self.groups[index];
                group.span = group.span.take().or_else(|| span.cloned());
                index
            }
            None => self.groups.insert_full(name.to_owned(), Group::new(name, span)).0,
        }
    }

    pub(super) fn link(&mut self, parent: usize, child: usize) {
        if !self.groups[parent].children.contains(&child) {
            self.groups[parent].children.push(child);
            self.groups[child].parents.push(parent);
        }
    }

    /// The hosts that `pattern` stands for (a name, `name:port`, ranges), made where they are not known yet, put
    /// into `group` and given `vars`.
    pub(super) fn touch_hosts(
        &mut self,
        pattern: &str,
        span: &Span,
        origin: Option<&Path>,
        group: usize,
        vars: &Vars,
    ) -> Result<(), Diagnostic> {
        let (name, port) = split_port(pattern);
        let address = name.parse::<std::net::Ipv6Addr>().is_ok();
        let names = if address { Ok(vec![name.to_owned()]) } else { range::expand(name) };
        let names = names.map_err(|why| {
            Diagnostic::new(format!("`{pattern}` is not the name of a host: {why}")).at(span, "this host")
        })?;
        if !address && name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == ',') {
            return Err(
                Diagnostic::new(format!("`{pattern}` is not the name of a host")).at(span, "this host")
            );
        }
        if names.iter().any(|name| !address && name.contains(':')) {
            return Err(Diagnostic::new(format!("`{pattern}` is not the name of a host"))
                .at(span, "what follows the colon is not a port"));
        }
        let port = port.map(|port| {
            let key = Key { name: "ansible_port".to_owned(), span: span.clone() };
            let node = Node { value: Yaml::Int(port.into()), span: span.clone(), tag: None };
            Var::new(&key, node, Level::InventoryHost)
        });
        let port = port.transpose()?.map(Arc::new);
        for name in names {
            let index = self.hosts.get_index_of(name.as_str()).unwrap_or_else(|| {
                let host = Host::new(&name, span, origin);
                self.hosts.insert_full(host.name.clone(), host).0
            });
            let host = &mut self.hosts[index];
            if let Some(port) = &port {
                host.layers.written.insert("ansible_port".to_owned(), Arc::clone(port));
            }
            host.layers.written.extend(vars.iter().map(|(name, var)| (name.clone(), Arc::clone(var))));
            if !host.groups.contains(&group) {
                host.groups.push(group);
                self.groups[group].hosts.push(index);
            }
        }
        Ok(())
    }
}
