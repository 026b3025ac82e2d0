//! `setup`: facts about the host, under Ansible's names. Changes nothing.

use serde::{Deserialize, Serialize};

use super::{Describe, Done, Module};
use crate::machine::{Machine, Needs};
use crate::plan::{Failure, Plan, Refusal};
use crate::value::{Map, Value};

/// Says what is known about the host.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// Which groups of facts: `all`, `min`, `hardware`, `network`, `virtual`, and each of them with `!` for without.
    /// Default: all.
    #[serde(default)]
    pub gather_subset: Vec<String>,
    /// Only facts whose names match one of these patterns (`*` stands for anything).
    #[serde(default)]
    pub filter: Vec<String>,
    /// Taken for Ansible's sake: each question has its own deadline here.
    pub gather_timeout: Option<u64>,
}

impl Describe for Setup {
    const NAME: &'static str = "setup";
    const ALIASES: &'static [&'static str] = &["gather_facts"];
    const EXAMPLE: &'static str = "\
- name: which disks and mounts are there
  setup:
    gather_subset: [hardware]
    filter: [ansible_devices, ansible_mounts]
";
}

/// The groups that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Min,
    Hardware,
    Network,
    Virtual,
}

const GROUPS: [Group; 4] = [Group::Min, Group::Hardware, Group::Network, Group::Virtual];

/// Ansible's smaller groups, each to the one that has it here.
fn group_called(word: &str) -> Option<Group> {
    Some(match word {
        "min" => Group::Min,
        "hardware" | "devices" | "mounts" | "processor" | "memory" => Group::Hardware,
        "network" | "interfaces" | "default_ipv4" | "default_ipv6" | "all_ipv4_addresses" => Group::Network,
        "virtual" => Group::Virtual,
        "date_time" | "distribution" | "dns" | "env" | "fips" | "pkg_mgr" | "platform" | "python"
        | "selinux" | "service_mgr" | "user" | "cmdline" | "apparmor" | "caps" | "local" | "lsb" => {
            Group::Min
        }
        _ => return None,
    })
}

fn group_of(name: &str, interfaces: &[&str]) -> Group {
    const HARDWARE: [&str; 16] = [
        "mem",
        "swap",
        "processor",
        "devices",
        "device_links",
        "mounts",
        "lvm",
        "md",
        "uptime",
        "product_",
        "system_vendor",
        "bios_",
        "board_",
        "chassis_",
        "memory_mb",
        "memavailable",
    ];
    const NETWORK: [&str; 5] =
        ["interfaces", "all_ipv4_addresses", "all_ipv6_addresses", "default_ipv4", "default_ipv6"];
    if NETWORK.contains(&name) || interfaces.contains(&name) {
        Group::Network
    } else if name.starts_with("virtualization_") {
        Group::Virtual
    } else if HARDWARE.iter().any(|prefix| name.starts_with(prefix)) {
        Group::Hardware
    } else {
        Group::Min
    }
}

impl Setup {
    fn groups(&self) -> Result<Vec<Group>, Refusal> {
        let (mut wanted, mut without, mut everything) =
            (Vec::new(), Vec::new(), self.gather_subset.is_empty());
        for word in &self.gather_subset {
            let (plain, not) = match word.trim().strip_prefix('!') {
                Some(plain) => (plain, true),
                None => (word.trim(), false),
            };
            let known = group_called(plain);
            match (plain, known, not) {
                ("all", _, false) => everything = true,
                ("all", _, true) => without.extend([Group::Hardware, Group::Network, Group::Virtual]),
                (_, Some(group), false) => wanted.push(group),
                (_, Some(group), true) => without.push(group),
                (_, None, _) => {
                    return Err(Refusal::new(format!("there is no group of facts called `{plain}`"))
                        .help("groups are `all`, `min`, `hardware`, `network` and `virtual`"));
                }
            }
        }
        // Only leaving out starts from everything, and the smallest group is always there unless it is left out.
        everything |= wanted.is_empty();
        let asked = |group: Group| everything || group == Group::Min || wanted.contains(&group);
        Ok(GROUPS
            .into_iter()
            .filter(|group| asked(*group) && (!without.contains(group) || wanted.contains(group)))
            .collect())
    }

    fn passes(&self, name: &str) -> bool {
        let prefixed = format!("ansible_{name}");
        self.filter.is_empty()
            || self.filter.iter().any(|filter| matches(filter, name) || matches(filter, &prefixed))
    }
}

/// A pattern with `*` and `?`.
fn matches(pattern: &str, name: &str) -> bool {
    match (pattern.chars().next(), name.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => {
            let rest = &pattern[1..];
            (0..=name.len()).filter(|at| name.is_char_boundary(*at)).any(|at| matches(rest, &name[at..]))
        }
        (Some(one), Some(other)) if one == '?' || one == other => {
            matches(&pattern[one.len_utf8()..], &name[other.len_utf8()..])
        }
        _ => false,
    }
}

impl Module for Setup {
    fn needs(&self) -> Needs {
        Needs { facts: true, ..Needs::nothing() }
    }

    fn plan(&self, _machine: &Machine) -> Result<Plan, Refusal> {
        self.groups().map(|_| Plan::empty())
    }

    fn result(&self, done: &Done<'_>) -> Result<Map<String, Value>, Failure> {
        let groups = self.groups().map_err(|refusal| Failure::new(refusal.title))?;
        let Some(facts) = &done.after.facts else {
            return Err(Failure::new("this host's facts were not looked at"));
        };
        let facts = &facts.0;
        let listed = facts.get("interfaces").and_then(Value::as_array);
        let interfaces: Vec<String> = listed
            .into_iter()
            .flatten()
            .filter_map(|name| Some(name.as_str()?.replace(['-', ':', '.'], "_")))
            .collect();
        let interfaces: Vec<&str> = interfaces.iter().map(String::as_str).collect();
        let mut shown: Map<String, Value> = facts
            .iter()
            .filter(|(name, _)| groups.contains(&group_of(name, &interfaces)) && self.passes(name))
            .map(|(name, value)| (format!("ansible_{name}"), value.clone()))
            .collect();
        if self.passes("gather_subset") {
            let subset = match self.gather_subset.as_slice() {
                [] => vec!["all".to_owned()],
                some => some.to_vec(),
            };
            shown.insert("gather_subset".to_owned(), subset.into());
        }
        let mut result = Map::new();
        result.insert("ansible_facts".to_owned(), shown.into());
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::facts::Facts;
    use serde_json::json;

    fn names(args: Value) -> Vec<String> {
        let setup: Setup = serde_json::from_value(args).unwrap();
        let Value::Object(facts) = json!({"kernel": "6.1", "memtotal_mb": 1, "mounts": [], "interfaces": ["br-0"],
            "br_0": {}, "virtualization_type": "kvm"})
        else {
            unreachable!("it is a mapping")
        };
        let machine = Machine { facts: Some(Facts(facts)), ..Machine::default() };
        let plan = setup.plan(&machine).unwrap();
        let done = Done { before: &machine, after: &machine, plan: &plan, outputs: &[], dry: false };
        let result = setup.result(&done).unwrap();
        let shown = result["ansible_facts"].as_object().unwrap().keys();
        shown.filter(|name| *name != "gather_subset").map(|name| name.replace("ansible_", "")).collect()
    }

    #[test]
    fn keeps_the_groups_that_were_asked_for() {
        assert_eq!(names(json!({})).len(), 6);
        assert_eq!(names(json!({"gather_subset": ["!all"]})), ["kernel"]);
        assert_eq!(
            names(json!({"gather_subset": ["!hardware", "!virtual"]})),
            ["kernel", "interfaces", "br_0"]
        );
        assert_eq!(names(json!({"gather_subset": ["network", "!min"]})), ["interfaces", "br_0"]);
        assert_eq!(names(json!({"filter": ["ansible_m*"]})), ["memtotal_mb", "mounts"]);
        let wrong: Setup = serde_json::from_value(json!({"gather_subset": ["hardwear"]})).unwrap();
        assert!(wrong.plan(&Machine::default()).is_err());
    }
}
