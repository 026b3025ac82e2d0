//! `apt`: packages of Debian and Ubuntu.

use serde::{Deserialize, Serialize};

use super::installation::{Installation, Wanted};
use super::{Describe, Done, Module};
use crate::machine::{Machine, Needs};
use crate::plan::{Failure, Plan, Refusal};
use crate::value::{Map, Value};

/// Installs, upgrades and removes packages with apt. A lock that somebody else holds is waited for, up to 5 minutes.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Apt {
    /// The packages, as `NAME` or `NAME=VERSION`.
    #[serde(default)]
    pub name: Vec<String>,
    /// Whether they shall be there. Default: present.
    #[serde(default)]
    pub state: Wanted,
    /// Whether the package lists are fetched before something is installed. Without a word: only when they do not know
    /// one of the packages.
    pub update_cache: Option<bool>,
    /// Lists that were fetched within these seconds are not fetched again. Default: 0.
    #[serde(default)]
    pub cache_valid_time: u64,
    /// Whether recommended packages come along. Without a word the host decides.
    pub install_recommends: Option<bool>,
    /// Whether the configuration goes with a package that is removed.
    #[serde(default)]
    pub purge: bool,
}

impl Describe for Apt {
    const NAME: &'static str = "apt";
    const ARGUMENT_ALIASES: &'static [(&'static str, &'static str)] = &[
        ("package", "name"),
        ("pkg", "name"),
        ("update-cache", "update_cache"),
        ("install-recommends", "install_recommends"),
    ];
    const EXAMPLE: &'static str = "\
- name: what a storage host needs
  apt:
    name: [mdadm, lvm2, xfsprogs]
    update_cache: true
    cache_valid_time: 3600
";
}

impl Apt {
    fn installation(&self) -> Installation<'_> {
        Installation {
            names: &self.name,
            wanted: self.state,
            // As with Ansible, a time says that lists matter.
            update_cache: self.update_cache.or((self.cache_valid_time > 0).then_some(true)),
            cache_valid_time: self.cache_valid_time,
            recommends: self.install_recommends,
            purge: self.purge,
        }
    }
}

impl Module for Apt {
    fn needs(&self) -> Needs {
        self.installation().needs()
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        self.installation().plan(machine)
    }

    fn result(&self, done: &Done<'_>) -> Result<Map<String, Value>, Failure> {
        Ok(self.installation().result(done))
    }

    fn repeats(&self) -> bool {
        self.installation().only_updates()
    }
}
