//! systemd units: whether they run and whether they start at boot.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Needs;

/// The services that were looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Services {
    pub seen: BTreeMap<String, ServiceState>,
}

/// What an action does to a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServicesEffect {
    /// It becomes this.
    Put { name: String, state: ServiceState },
}

impl ServicesEffect {
    pub fn apply(&self, part: &mut Services) {
        let Self::Put { name, state } = self;
        part.seen.insert(name.clone(), state.clone());
    }

    pub fn holds(&self, part: &Services) -> Result<(), String> {
        let Self::Put { name, state } = self;
        match part.seen.get(name) {
            Some(found) if found == state => Ok(()),
            Some(found) => Err(format!("service {name} is {found:?} and not {state:?}")),
            None => Err("it could not be observed again".to_owned()),
        }
    }

    pub fn needs(&self) -> Needs {
        let Self::Put { name, .. } = self;
        Needs { services: vec![name.clone()], ..Needs::nothing() }
    }

    pub fn forget(&self, part: &mut Services) {
        let Self::Put { name, .. } = self;
        part.seen.remove(name);
    }
}

/// What systemd says of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ServiceState {
    /// Whether there is such a unit at all.
    pub exists: bool,
    pub active: bool,
    pub enabled: bool,
}
