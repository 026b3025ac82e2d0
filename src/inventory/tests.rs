//! Inventories as people write them, on files in memory.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::{Entry, Files, Inventory, Level};
use crate::diagnostic::{Diagnostics, Source, Span};
use crate::value::{Map, Value};

/// Files by path; directories are what paths imply.
#[derive(Debug, Default)]
struct Memory(BTreeMap<PathBuf, Vec<u8>>);

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let below = self.0.keys().filter_map(|file| file.strip_prefix(path).ok());
        let mut entries: Vec<Entry> = below
            .map(|rest| {
                let mut parts = rest.iter();
                let name = parts.next().unwrap().to_str().unwrap().to_owned();
                Entry { name, directory: parts.next().is_some() }
            })
            .collect();
        entries.sort();
        entries.dedup();
        Ok(entries)
    }

    fn directory(&self, path: &Path) -> Option<bool> {
        if self.0.contains_key(path) {
            return Some(false);
        }
        self.0.keys().any(|file| file.starts_with(path)).then_some(true)
    }
}

fn load(sources: &[&str], files: &[(&str, &str)]) -> Result<Inventory, Diagnostics> {
    let files = files.iter().map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec())).collect();
    let sources: Vec<String> = sources.iter().map(|source| (*source).to_owned()).collect();
    Inventory::load(&sources, Arc::new(Memory(files)))
}

fn good(sources: &[&str], files: &[(&str, &str)]) -> Inventory {
    load(sources, files).unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

fn of(text: &str) -> Inventory {
    good(&["i.yml"], &[("i.yml", text)])
}

fn bad(text: &str) -> String {
    load(&["i.yml"], &[("i.yml", text)]).unwrap_err().render(false)
}

fn names(inventory: &Inventory, pattern: &str) -> String {
    let hosts =
        inventory.select(pattern, None).unwrap_or_else(|complaint| panic!("{}", complaint.render(false)));
    hosts.iter().map(|host| host.name.as_str()).collect::<Vec<_>>().join(" ")
}

fn vars(inventory: &Inventory, host: &str) -> Value {
    let vars = inventory.vars(inventory.host(host).unwrap());
    let map: Map<String, Value> = vars.iter().map(|(name, var)| (name.clone(), var.value.clone())).collect();
    Value::Object(map)
}

const FLEET: &str = "
all:
  hosts:
    bastion:
      ansible_host: 192.0.2.1
  vars:
    where: all
  children:
    nas:
      hosts:
        nas[01:03]:
        filer:2222:
      vars: {where: nas, size: 4}
    db:
      hosts: db-[a:b]
    prod:
      children:
        nas:
          hosts:
            nas02: {where: host}
        db:
";

#[test]
fn hosts_groups_and_ranges() {
    let inventory = of(FLEET);
    assert_eq!(names(&inventory, "all"), "bastion nas01 nas02 nas03 filer db-a db-b");
    assert_eq!(names(&inventory, "prod"), "nas01 nas02 nas03 filer db-a db-b");
    assert_eq!(names(&inventory, "ungrouped"), "bastion");
    assert_eq!(inventory.group_names(inventory.host("nas02").unwrap()), ["nas", "prod"]);
    assert_eq!(inventory.group_names(inventory.host("bastion").unwrap()), ["ungrouped"]);
    let depths: Vec<_> = inventory.groups().map(|group| (group.name.as_str(), group.depth)).collect();
    assert_eq!(depths, [("all", 0), ("ungrouped", 1), ("nas", 2), ("db", 2), ("prod", 1)]);
    assert_eq!(vars(&inventory, "filer"), json!({"where": "nas", "size": 4, "ansible_port": 2222}));
    assert_eq!(vars(&inventory, "nas02")["where"], "host");
    assert_eq!(vars(&inventory, "bastion"), json!({"where": "all", "ansible_host": "192.0.2.1"}));
    assert_eq!(inventory.groups_map()["db"], ["db-a", "db-b"]);
}

#[test]
fn deeper_groups_then_priority_then_names() {
    let inventory = of("
a: {hosts: {h: }, vars: {name: a, deep: a, prio: a, ansible_group_priority: 5}}
b: {hosts: {h: }, vars: {name: b, deep: b, prio: b}}
c: {vars: {deep: c}, children: {d: {hosts: {h: }, vars: {deep: d}}}}
");
    assert_eq!(vars(&inventory, "h"), json!({"name": "a", "deep": "d", "prio": "a"}));
}

#[test]
fn precedence_is_ansibles() {
    let text = "all: {vars: {x: 3, all: inventory}, children: {g: {vars: {x: 3g}, hosts: {h: {x: 8}}}}}";
    // A level's file and the value it gives; each is added on top of those before.
    let steps = [
        ("inv/group_vars/all.yml", "x: 4\n", json!(8)),
        ("play/group_vars/all/main.yml", "x: 5\n", json!(8)),
        ("inv/host_vars/h.json", "{\"x\": 9}", json!(9)),
        ("play/host_vars/h", "x: 10\n", json!(10)),
    ];
    let mut files = vec![("inv/hosts.yml", text)];
    for (path, text, expected) in &steps {
        files.push((path, text));
        let mut inventory = good(&["inv/hosts.yml"], &files);
        inventory.add_playbook_vars(Path::new("play")).unwrap();
        assert_eq!(vars(&inventory, "h")["x"], *expected, "{path}");
    }
    let text = "all: {vars: {x: 3}, children: {g: {vars: {x: 3g}, hosts: {h: }}}}";
    let steps = [
        ("inv/group_vars/all.yml", "x: 4\n", Level::InventoryAllFile),
        ("play/group_vars/all.yml", "x: 5\n", Level::PlaybookAllFile),
        ("inv/group_vars/g.yaml", "x: 6\n", Level::InventoryGroupFile),
        ("play/group_vars/g/x.yml", "x: 7\n", Level::PlaybookGroupFile),
    ];
    let mut files = vec![("inv/hosts.yml", text)];
    for (path, text, expected) in steps {
        files.push((path, text));
        let mut inventory = good(&["inv"], &files);
        inventory.add_playbook_vars(Path::new("play")).unwrap();
        let vars = inventory.vars(inventory.host("h").unwrap());
        assert_eq!(vars["x"].level, expected, "{path}");
        assert!(vars["x"].node.span.to_string().starts_with(path));
    }
}

#[test]
fn another_playbook_replaces_the_variables_of_the_first() {
    let files =
        [("i.yml", "all: {hosts: {h: }}"), ("a/host_vars/h.yml", "x: 1"), ("b/group_vars/all.yml", "y: 2")];
    let mut inventory = good(&["i.yml"], &files);
    inventory.add_playbook_vars(Path::new("a")).unwrap();
    assert_eq!(vars(&inventory, "h"), json!({"x": 1}));
    inventory.add_playbook_vars(Path::new("b")).unwrap();
    assert_eq!(vars(&inventory, "h"), json!({"y": 2}));
}

#[test]
fn directories_are_read_in_order_without_the_rest() {
    let inventory = good(
        &["inv", "x1,x2:2200,"],
        &[
            ("inv/10-a.yml", "g: {hosts: {h: {v: 10, w: 10}}}"),
            ("inv/20-b.yml", "g: {hosts: {h: {v: 20}}}"),
            ("inv/sub/c", "all:\n  hosts:\n    i:\n"),
            ("inv/30.yml.bak", "not: [read"),
            ("inv/40.yml~", "not: [read"),
            ("inv/.hidden.yml", "not: [read"),
            ("inv/README.md", "not: [read"),
            ("inv/group_vars/g/1.yml", "z: 1"),
            ("inv/group_vars/g/2.yml", "z: 2"),
            ("inv/group_vars/g/sub/3", "y: 3"),
            ("inv/group_vars/g/4.txt", "not: [read"),
        ],
    );
    assert_eq!(vars(&inventory, "h"), json!({"z": 2, "y": 3, "v": 20, "w": 10}));
    assert_eq!(names(&inventory, "ungrouped"), "i x1 x2");
    assert_eq!(vars(&inventory, "x2"), json!({"ansible_port": 2200}));
    let file = inventory.host("i").unwrap().inventory_file().unwrap();
    assert!(file.is_absolute() && file.ends_with("inv/sub/c"));
    assert!(inventory.host("x1").unwrap().inventory_dir().is_none());
}

#[test]
fn patterns_mean_what_they_mean_in_ansible() {
    let inventory = of(FLEET);
    for (pattern, hosts) in [
        ("nas", "nas01 nas02 nas03 filer"),
        ("nas:db", "nas01 nas02 nas03 filer db-a db-b"),
        ("db,nas01,db", "db-a db-b nas01"),
        ("!nas", "bastion db-a db-b"),
        ("&db", "db-a db-b"),
        ("!nas02:nas:&prod", "nas01 nas03 filer"),
        ("nas0*", "nas01 nas02 nas03"),
        ("*", "bastion nas01 nas02 nas03 filer db-a db-b"),
        ("n*", "nas01 nas02 nas03 filer"),
        ("~(db|nas)-?0?[a1]", "nas01 db-a"),
        ("nas[0]", "nas01"),
        ("nas[-1]", "filer"),
        ("nas[1:2]", "nas02 nas03"),
        ("nothing*", ""),
        ("nas:!all", ""),
        ("localhost", "localhost"),
        ("db:127.0.0.1", "db-a db-b 127.0.0.1"),
        ("::1", "::1"),
    ] {
        assert_eq!(names(&inventory, pattern), hosts, "{pattern}");
    }
    assert_eq!(vars(&inventory, "localhost"), json!({"where": "all", "ansible_connection": "local"}));
    assert!(inventory.hosts().all(|host| !host.implicit));
}

#[test]
fn limits_keep_the_order_and_read_files() {
    let files = [("i.yml", FLEET), ("retry", "# failed\nnas03\n\ndb:&prod\n")];
    let inventory = good(&["i.yml"], &files);
    let limit = |limit: &str| {
        let hosts = inventory.select("db:nas", None).unwrap();
        let hosts = inventory.limit(hosts, limit)?;
        Ok(hosts.iter().map(|host| host.name.to_string()).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(limit("nas02,db-b").as_deref(), Ok("db-b nas02"));
    assert_eq!(limit("@retry").as_deref(), Ok("db-a db-b nas03"));
    assert_eq!(limit("@retry,!db-b").as_deref(), Ok("db-a nas03"));
    let complaint: crate::diagnostic::Diagnostic = limit("@gone").unwrap_err();
    assert!(complaint.title.starts_with("cannot read `gone`"));
    assert!(limit("nas99").unwrap_err().render(false).contains("--limit:1:1"));
}

#[test]
fn a_name_nobody_has_is_an_error() {
    let inventory = of(FLEET);
    let source = Source::new("site.yml", "- hosts: prod:!nsa\n");
    let complaint = inventory.select("prod:!nsa", Some(&Span::new(&source, 9..18))).unwrap_err();
    insta::assert_snapshot!(complaint.render(false), @r"
    error: no host and no group is called `nsa`
     --> site.yml:1:15
      |
    1 | - hosts: prod:!nsa
      |               ^^^^
      |
      = help: did you mean `nas`?
    ");
    for (pattern, words) in [("nas[7]", "has 4 hosts"), ("~(", "regular expression"), ("", "is empty")] {
        assert!(inventory.select(pattern, None).unwrap_err().title.contains(words), "{pattern}");
    }
    assert!(good(&[], &[]).select("web", None).unwrap_err().render(false).contains("name one with `-i`"));
}

#[test]
fn all_complaints_come_at_once() {
    insta::assert_snapshot!(bad("
web:
  host:
    a:
  hosts: [b, c]
  vars: none
db:
  hosts:
    d[1:: oops
    'e f': {}
    h: !vault x
  children:
    all:
lab: [x]
"), @r"
error: a group has no `host`
 --> i.yml:3:3
  |
3 |   host:
  |   ^^^^ inside the group `web`
  |
  = help: did you mean `hosts`?
  = help: hosts belong under `hosts:`, groups under `children:`, variables under `vars:`

error: `hosts` must be a mapping
 --> i.yml:5:10
  |
5 |   hosts: [b, c]
  |          ^^^^^^ this is a list
  |
  = help: write each name on a line of its own, followed by a colon and without a dash

error: `vars` of the group `web` must be a mapping
 --> i.yml:6:9
  |
6 |   vars: none
  |         ^^^^ this is a string

error: the variables of the host `d[1:` must be a mapping
 --> i.yml:9:11
  |
9 |     d[1:: oops
  |           ^^^^ this is a string

error: `e f` is not the name of a host
  --> i.yml:10:5
   |
10 |     'e f': {}
   |     ^^^^^ this host

error: the variables of the host `h` must be a mapping
  --> i.yml:11:15
   |
11 |     h: !vault x
   |               ^ this is a string

error: the group `all` cannot be inside another group
  --> i.yml:13:5
   |
13 |     all:
   |     ^^^ inside the group `db`

error: the group `lab` must be a mapping
  --> i.yml:14:6
   |
14 | lab: [x]
   | ---  ^^^ this is a list
   | |
   | this group
   |
   = help: inside a group stand `hosts:`, `vars:` and `children:`

8 problems found; nothing was done
");
}

#[test]
fn circles_are_shown() {
    insta::assert_snapshot!(bad("a: {children: {b: }}\nb: {children: {c: }}\nc: {children: {a: }}\n"), @r"
    error: the group `a` would contain itself
     --> i.yml:1:1
      |
    1 | a: {children: {b: }}
      | ^ this group
      |
      = help: the circle is a > b > c > a; remove one of its `children`
    ");
    assert!(bad("a: {children: {a: }}\n").contains("a > a"));
}

#[test]
fn other_formats_are_named() {
    for (path, text, words) in [
        ("hosts", "[web]\nweb1 ansible_host=1.2.3.4\n", "INI inventories are not supported yet"),
        ("hosts", "# mine\nweb1\nweb2\n", "INI inventories are not supported yet"),
        ("hosts.ini", "web1:\n", "INI inventories are not supported yet"),
        ("hosts.sh", "#!/bin/sh\necho {}\n", "inventory scripts are not supported yet"),
        ("i.toml", "[a]\n", "TOML inventories are not supported yet"),
        ("cloud.yml", "plugin: aws_ec2\n", "the inventory plugin `aws_ec2` is not supported yet"),
        ("i.yml", "$ANSIBLE_VAULT;1.1;AES256\n3132\n", "vault is not supported yet"),
        ("i.yml", "- web1\n", "an inventory is a mapping of groups"),
        ("i.yml", "all: {hosts: {h: {p: !vault x}}}\n", "vault is not supported yet"),
    ] {
        let text = load(&[path], &[(path, text)]).unwrap_err().render(false);
        assert!(text.contains(words), "{path}: {text}");
    }
    let missing = load(&["web1"], &[]).unwrap_err().render(false);
    assert!(missing.contains("there is no inventory `web1`") && missing.contains("-i web1,"));
    let both = [("i.yml", "g: {hosts: h}"), ("group_vars/g.yml", "a: 1"), ("group_vars/g/x.yml", "b: 1")];
    assert!(load(&["i.yml"], &both).unwrap_err().render(false).contains("both `group_vars/g`"));
    let list = [("i.yml", "g: {hosts: h}"), ("host_vars/h.yml", "- a")];
    assert!(
        load(&["i.yml"], &list).unwrap_err().render(false).contains("a file of variables must be a mapping")
    );
}

#[test]
fn nothing_is_an_inventory_too() {
    assert_eq!(good(&[], &[]).hosts().len(), 0);
    assert_eq!(names(&of(""), "all"), "");
}

#[test]
fn ten_thousand_hosts() {
    let mut text = String::from("all:\n  vars: &defaults {port: 22, tags: [a, b]}\n  children:\n");
    for rack in 0..100 {
        write!(text, "    rack{rack:02}:\n      vars: {{rack: {rack}}}\n      hosts:\n").unwrap();
        for host in 0..100 {
            let (a, b) = (rack, host);
            writeln!(text, "        n{rack:02}-{host:02}: {{<<: *defaults, ansible_host: 10.0.{a}.{b}}}")
                .unwrap();
        }
    }
    let inventory = of(&text);
    assert_eq!(inventory.hosts().len(), 10_000);
    assert_eq!(inventory.select("all:!rack9*", None).unwrap().len(), 9_000);
    for host in inventory.hosts() {
        assert_eq!(inventory.vars(host).len(), 4);
    }
    assert_eq!(
        vars(&inventory, "n42-07"),
        json!({"port": 22, "tags": ["a", "b"], "rack": 42, "ansible_host": "10.0.42.7"})
    );
}

/// The fixtures were put through ansible-core 2.19: `ansible-inventory --list` and `ansible --list-hosts`.
#[test]
fn agrees_with_ansible() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inventories");
    let source = place.join("fleet").to_str().unwrap().to_owned();
    let mut inventory = Inventory::load(&[source], Arc::new(super::Disk)).unwrap();
    for line in std::fs::read_to_string(place.join("fleet.patterns")).unwrap().lines() {
        let (pattern, hosts) = line.split_once(" => ").unwrap();
        assert_eq!(names(&inventory, pattern), hosts, "{pattern}");
    }
    inventory.add_playbook_vars(&place.join("playbook")).unwrap();
    let expected: Value = serde_json::from_slice(&std::fs::read(place.join("fleet.json")).unwrap()).unwrap();
    for host in inventory.hosts() {
        let name = host.name.as_str();
        assert_eq!(vars(&inventory, name), expected["_meta"]["hostvars"][name], "{name}");
    }
    for group in inventory.groups().filter(|group| group.name != "all") {
        let hosts: Vec<&str> = inventory.direct_hosts(group).map(|host| host.name.as_str()).collect();
        let children: Vec<&str> = inventory.children(group).map(|child| child.name.as_str()).collect();
        let listed = |kind: &str| expected[&group.name].get(kind).cloned().unwrap_or_else(|| json!([]));
        assert_eq!((json!(hosts), json!(children)), (listed("hosts"), listed("children")), "{}", group.name);
    }
}
