//! `holdfast inventory`: who there is and which variables count, as ansible-inventory shows it.
//!
//! Nobody is contacted. Passwords are shown as `***`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::inventory::{Disk, Files, Group, Host, Inventory, Vars, is_secret};
use crate::value::{Map, Value};
use crate::yaml;

/// Arguments of `holdfast inventory`.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(skip)]
#[command(group = clap::ArgGroup::new("view").required(true).args(["graph", "list", "host"]))]
pub struct Args {
    /// Show the tree of groups, or of one group
    #[arg(long, value_name = "GROUP", num_args = 0..=1, default_missing_value = "all")]
    pub graph: Option<String>,
    /// Write all groups, hosts and variables as JSON
    #[arg(long)]
    pub list: bool,
    /// Write the variables of one host as JSON
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Inventory: a file, a folder, or a list of hosts with a comma (`-i 'nas1,nas2,'`)
    #[arg(short = 'i', long = "inventory", value_name = "PATH", env = "HOLDFAST_INVENTORY")]
    pub inventory: Vec<String>,
    /// Only these hosts of the inventory: a pattern, or `@FILE`
    #[arg(short = 'l', long, value_name = "PATTERN", conflicts_with = "host")]
    pub limit: Option<String>,
    /// Read `group_vars` and `host_vars` of this folder too, as a playbook in it would
    #[arg(long, value_name = "DIR")]
    pub playbook_dir: Option<PathBuf>,
    /// Show variables in the tree
    #[arg(long, conflicts_with_all = ["list", "host"])]
    pub vars: bool,
    /// Show where each variable was written
    #[arg(long, conflicts_with_all = ["graph", "list", "yaml"])]
    pub explain: bool,
    /// Write YAML instead of JSON
    #[arg(short = 'y', long, conflicts_with = "graph")]
    pub yaml: bool,
}

/// The text to print, or everything that is wrong with the inventory.
pub fn run(args: &Args) -> Result<String, Diagnostics> {
    show(args, Arc::new(Disk))
}

fn show(args: &Args, files: Arc<dyn Files>) -> Result<String, Diagnostics> {
    let mut inventory = Inventory::load(&args.inventory, files)?;
    if let Some(folder) = &args.playbook_dir {
        inventory.add_playbook_vars(folder)?;
    }
    if let Some(name) = &args.host {
        let host = one_host(&inventory, name)?;
        let vars = inventory.vars(host);
        return Ok(if args.explain {
            explain(&vars)
        } else {
            document(Value::Object(plain(&vars)), args.yaml)
        });
    }
    let view = View::new(&inventory, args.limit.as_deref(), args.vars)?;
    match &args.graph {
        Some(name) => {
            let group = one_group(&inventory, name)?;
            let mut text = String::new();
            view.graph(group, 0, &mut text);
            Ok(text)
        }
        None if args.yaml => Ok(document(view.nested(), true)),
        None => Ok(document(view.list(), false)),
    }
}

fn one_host<'a>(inventory: &'a Inventory, name: &str) -> Result<&'a Host, Diagnostics> {
    inventory.host(name).ok_or_else(|| {
        let complaint = Diagnostic::new(format!("no host is called `{name}`"));
        let complaint = match inventory.group(name) {
            Some(_) => complaint.help(format!("`{name}` is a group; `--graph {name}` shows it")),
            None => complaint.did_you_mean(name, inventory.hosts().map(|host| host.name.as_str())),
        };
        complaint.into()
    })
}

fn one_group<'a>(inventory: &'a Inventory, name: &str) -> Result<&'a Group, Diagnostics> {
    inventory.group(name).ok_or_else(|| {
        Diagnostic::new(format!("no group is called `{name}`"))
            .did_you_mean(name, inventory.groups().map(|group| group.name.as_str()))
            .into()
    })
}

/// Each variable with its value, its place, and what kind of place that is.
fn explain(vars: &Vars) -> String {
    let mut names: Vec<&String> = vars.keys().collect();
    names.sort();
    names.into_iter().fold(String::new(), |mut text, name| {
        let var = &vars[name];
        let _ = writeln!(
            text,
            "{name} = {}\n    {} ({})",
            inline(name, &var.value),
            var.key,
            var.level.describe()
        );
        text
    })
}

fn plain(vars: &Vars) -> Map<String, Value> {
    vars.iter().map(|(name, var)| (name.clone(), shown(name, &var.value))).collect()
}

fn shown(name: &str, value: &Value) -> Value {
    if is_secret(name) { Value::from("***") } else { value.clone() }
}

fn inline(name: &str, value: &Value) -> String {
    match shown(name, value) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn document(mut value: Value, as_yaml: bool) -> String {
    value.sort_all_objects();
    if as_yaml {
        return yaml::write(&value, 2, true, false);
    }
    format!("{value:#}\n")
}

/// The inventory, as far as `--limit` lets one see it.
struct View<'a> {
    inventory: &'a Inventory,
    visible: Option<BTreeSet<&'a str>>,
    with_vars: bool,
}

impl<'a> View<'a> {
    fn new(inventory: &'a Inventory, limit: Option<&str>, with_vars: bool) -> Result<Self, Diagnostic> {
        let visible = match limit {
            None => None,
            Some(limit) => {
                let hosts = inventory.limit(inventory.hosts().collect(), limit)?;
                Some(hosts.into_iter().map(|host| host.name.as_str()).collect())
            }
        };
        Ok(Self { inventory, visible, with_vars })
    }

    fn sees(&self, host: &Host) -> bool {
        self.visible.as_ref().is_none_or(|names| names.contains(host.name.as_str()))
    }

    /// Hosts directly in `group`; for `all` Ansible shows none, since each is in a group below.
    fn hosts(&self, group: &'a Group) -> impl Iterator<Item = &'a Host> {
        let below = group.name != "all";
        self.inventory.direct_hosts(group).filter(move |host| below && self.sees(host))
    }

    fn graph(&self, group: &Group, depth: usize, text: &mut String) {
        line(text, depth, &format!("@{}:", group.name));
        for child in self.inventory.children(group) {
            self.graph(child, depth + 1, text);
        }
        if let Some(group) = self.inventory.group(&group.name) {
            for host in self.hosts(group) {
                line(text, depth + 1, host.name.as_str());
                if self.with_vars {
                    variables(text, depth + 2, &self.inventory.vars(host));
                }
            }
        }
        if self.with_vars {
            variables(text, depth + 1, &group.vars());
        }
    }

    /// The shape of an inventory script's `--list`.
    fn list(&self) -> Value {
        let mut all = Map::new();
        let mut hostvars = Map::new();
        for host in self.inventory.hosts().filter(|host| self.sees(host)) {
            let vars = plain(&self.inventory.vars(host));
            if !vars.is_empty() {
                hostvars.insert(host.name.to_string(), Value::Object(vars));
            }
        }
        let mut meta = Map::new();
        meta.insert("hostvars".into(), Value::Object(hostvars));
        all.insert("_meta".into(), Value::Object(meta));
        for group in self.inventory.groups() {
            let hosts: Vec<Value> = self.hosts(group).map(|host| host.name.as_str().into()).collect();
            let children: Vec<Value> =
                self.inventory.children(group).map(|child| child.name.as_str().into()).collect();
            let parts =
                [("hosts", hosts), ("children", children)].into_iter().filter(|(_, list)| !list.is_empty());
            let parts: Map<String, Value> =
                parts.map(|(name, list)| (name.to_owned(), list.into())).collect();
            if !parts.is_empty() {
                all.insert(group.name.clone(), Value::Object(parts));
            }
        }
        Value::Object(all)
    }

    /// The shape of a YAML inventory: each host's variables stand where it is first mentioned.
    fn nested(&self) -> Value {
        let mut told = BTreeSet::new();
        let mut root = Map::new();
        if let Some(all) = self.inventory.group("all") {
            root.insert(all.name.clone(), self.group(all, &mut told));
        }
        Value::Object(root)
    }

    fn group(&self, group: &'a Group, told: &mut BTreeSet<&'a str>) -> Value {
        let mut parts = Map::new();
        let children: Map<String, Value> = self
            .inventory
            .children(group)
            .map(|child| (child.name.clone(), self.group(child, told)))
            .collect();
        let hosts: Map<String, Value> = self
            .hosts(group)
            .map(|host| {
                let first = told.insert(host.name.as_str());
                let vars = if first { plain(&self.inventory.vars(host)) } else { Map::new() };
                (host.name.to_string(), Value::Object(vars))
            })
            .collect();
        for (name, entries) in [("children", children), ("hosts", hosts)] {
            if !entries.is_empty() {
                parts.insert(name.into(), Value::Object(entries));
            }
        }
        Value::Object(parts)
    }
}

fn variables(text: &mut String, depth: usize, vars: &Vars) {
    let mut names: Vec<&String> = vars.keys().collect();
    names.sort();
    for name in names {
        line(text, depth, &format!("{{{name} = {}}}", inline(name, &vars[name].value)));
    }
}

fn line(text: &mut String, depth: usize, what: &str) {
    let dashes = if depth == 0 { "" } else { "--" };
    let _ = writeln!(text, "{}{dashes}{what}", "  |".repeat(depth));
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use clap::Parser;

    use super::*;
    use crate::inventory::Entry;

    /// One inventory file, whatever its name.
    #[derive(Debug)]
    struct One;

    impl Files for One {
        fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
            Ok(b"
all:
  vars: {site: north}
  children:
    nas:
      hosts: {nas1: {ansible_host: 192.0.2.7, ansible_password: hunter2}, nas2: {tags: [a, 'no']}}
    prod: {children: {nas: }}
"
            .to_vec())
        }

        fn list(&self, _: &Path) -> io::Result<Vec<Entry>> {
            Err(io::ErrorKind::NotADirectory.into())
        }

        fn directory(&self, path: &Path) -> Option<bool> {
            (path == Path::new("i.yml")).then_some(false)
        }
    }

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn shown(words: &[&str]) -> String {
        let words = ["inventory", "-i", "i.yml"].iter().chain(words);
        let args = Cli::try_parse_from(words).unwrap().args;
        show(&args, Arc::new(One)).unwrap_or_else(|problems| problems.render(false))
    }

    #[test]
    fn graphs() {
        insta::assert_snapshot!(shown(&["--graph"]), @r"
        @all:
          |--@ungrouped:
          |--@nas:
          |  |--nas1
          |  |--nas2
          |--@prod:
          |  |--@nas:
          |  |  |--nas1
          |  |  |--nas2
        ");
        insta::assert_snapshot!(shown(&["--graph", "nas", "--vars", "-l", "nas1"]), @r"
        @nas:
          |--nas1
          |  |--{ansible_host = 192.0.2.7}
          |  |--{ansible_password = ***}
          |  |--{site = north}
        ");
        assert!(shown(&["--graph", "nsa"]).contains("did you mean `nas`?"));
    }

    #[test]
    fn lists() {
        insta::assert_snapshot!(shown(&["--list"]), @r#"
        {
          "_meta": {
            "hostvars": {
              "nas1": {
                "ansible_host": "192.0.2.7",
                "ansible_password": "***",
                "site": "north"
              },
              "nas2": {
                "site": "north",
                "tags": [
                  "a",
                  "no"
                ]
              }
            }
          },
          "all": {
            "children": [
              "ungrouped",
              "nas",
              "prod"
            ]
          },
          "nas": {
            "hosts": [
              "nas1",
              "nas2"
            ]
          },
          "prod": {
            "children": [
              "nas"
            ]
          }
        }
        "#);
        insta::assert_snapshot!(shown(&["--list", "--yaml", "-l", "nas2"]), @r"
        all:
          children:
            nas:
              hosts:
                nas2:
                  site: north
                  tags:
                  - a
                  - 'no'
            prod:
              children:
                nas:
                  hosts:
                    nas2: {}
            ungrouped: {}
        ");
    }

    #[test]
    fn shows_one_host() {
        insta::assert_snapshot!(shown(&["--host", "nas1", "--yaml"]), @r"
        ansible_host: '192.0.2.7'
        ansible_password: '***'
        site: north
        ");
        insta::assert_snapshot!(shown(&["--host", "nas2", "--explain"]), @r#"
        site = north
            i.yml:3:10 (group in the inventory)
        tags = ["a","no"]
            i.yml:6:82 (host in the inventory)
        "#);
        assert!(shown(&["--host", "nas"]).contains("`--graph nas` shows it"));
    }

    #[test]
    fn wants_exactly_one_view() {
        for words in
            [&["inventory"][..], &["inventory", "--list", "--graph"], &["inventory", "--list", "--vars"]]
        {
            assert!(Cli::try_parse_from(words).is_err(), "{words:?}");
        }
    }
}
