//! Packages: their versions as installed; `None` where not installed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Needs;

/// The packages that were looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Packages {
    pub seen: BTreeMap<String, Option<String>>,
}

/// What an action does to a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PackagesEffect {
    /// It becomes this.
    Put { name: String, state: Option<String> },
}

impl PackagesEffect {
    pub fn apply(&self, part: &mut Packages) {
        let Self::Put { name, state } = self;
        part.seen.insert(name.clone(), state.clone());
    }

    pub fn holds(&self, part: &Packages) -> Result<(), String> {
        let Self::Put { name, state } = self;
        match part.seen.get(name) {
            Some(found) if found == state => Ok(()),
            Some(found) => Err(format!("package {name} is {found:?} and not {state:?}")),
            None => Err("it could not be observed again".to_owned()),
        }
    }

    pub fn needs(&self) -> Needs {
        let Self::Put { name, .. } = self;
        Needs { packages: vec![name.clone()], ..Needs::nothing() }
    }

    pub fn forget(&self, part: &mut Packages) {
        let Self::Put { name, .. } = self;
        part.seen.remove(name);
    }
}
