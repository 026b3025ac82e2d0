//! `package`: packages by whatever this host installs them with.

use serde::{Deserialize, Serialize};

use super::installation::{Installation, Wanted};
use super::{Describe, Done, Module};
use crate::machine::{Machine, Needs};
use crate::plan::{Failure, Plan, Refusal};
use crate::value::{Map, Value};

/// Installs, upgrades and removes packages. Hosts without apt are refused for now.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// The packages, as `NAME` or `NAME=VERSION`.
    pub name: Vec<String>,
    /// Whether they shall be there. Default: present.
    #[serde(default)]
    pub state: Wanted,
    /// Whether the package lists are fetched before something is installed. Without a word: only when they do not know
    /// one of the packages.
    pub update_cache: Option<bool>,
}

impl Describe for Package {
    const NAME: &'static str = "package";
    const ARGUMENT_ALIASES: &'static [(&'static str, &'static str)] = &[("pkg", "name")];
    const EXAMPLE: &'static str = "\
- name: the NFS server
  package:
    name: nfs-kernel-server
    state: present
";
}

impl Package {
    fn installation(&self) -> Installation<'_> {
        Installation {
            names: &self.name,
            wanted: self.state,
            update_cache: self.update_cache,
            cache_valid_time: 0,
            recommends: None,
            purge: false,
        }
    }
}

impl Module for Package {
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
