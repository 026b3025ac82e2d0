//! Kernel settings under /proc/sys, by their dotted keys; `None` where the kernel has no such key.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Needs;

/// The settings that were looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kernel {
    pub seen: BTreeMap<String, Option<String>>,
}

/// What an action does to a setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum KernelEffect {
    /// It becomes this.
    Put { name: String, state: Option<String> },
}

impl KernelEffect {
    pub fn apply(&self, part: &mut Kernel) {
        let Self::Put { name, state } = self;
        part.seen.insert(name.clone(), state.clone());
    }

    pub fn holds(&self, part: &Kernel) -> Result<(), String> {
        let Self::Put { name, state } = self;
        match part.seen.get(name) {
            Some(found) if found == state => Ok(()),
            Some(found) => Err(format!("setting {name} is {found:?} and not {state:?}")),
            None => Err("it could not be observed again".to_owned()),
        }
    }

    pub fn needs(&self) -> Needs {
        let Self::Put { name, .. } = self;
        Needs { sysctls: vec![name.clone()], ..Needs::nothing() }
    }

    pub fn forget(&self, part: &mut Kernel) {
        let Self::Put { name, .. } = self;
        part.seen.remove(name);
    }
}
