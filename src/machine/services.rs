//! systemd units: whether they run and whether they start at boot.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Needs;

/// The services that were looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Services {
    pub seen: BTreeMap<String, ServiceState>,
    /// systemd does not run this host: nothing is known of any unit, and nothing can be done to one.
    pub no_systemd: bool,
}

/// What an action does to a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServicesEffect {
    /// It becomes this.
    Put { name: String, state: ServiceState },
    /// A package that is installed starts it, under all its names. Foreseen, but not promised: what a package's own
    /// scripts do is not ours, and a task that wants the unit running looks for itself.
    Brought { names: Vec<String> },
}

impl ServicesEffect {
    pub fn apply(&self, part: &mut Services) {
        match self {
            Self::Put { name, state } => drop(part.seen.insert(name.clone(), state.clone())),
            Self::Brought { names } => {
                for name in names {
                    let state = part.seen.entry(name.clone()).or_default();
                    if !state.exists {
                        *state = ServiceState {
                            exists: true,
                            active: true,
                            enabled: true,
                            ..ServiceState::default()
                        };
                    }
                }
            }
        }
    }

    fn names(&self) -> &[String] {
        match self {
            Self::Put { name, .. } => std::slice::from_ref(name),
            Self::Brought { names } => names,
        }
    }

    /// Looks at what a task can ask for; what kind of unit it is stays its own business.
    pub fn holds(&self, part: &Services) -> Result<(), String> {
        let Self::Put { name, state } = self else { return Ok(()) };
        let Some(found) = part.seen.get(name) else {
            return Err("it could not be observed again".to_owned());
        };
        let says = |what: &str, is: bool| format!("service {name} is {}{what}", if is { "" } else { "not " });
        if found.exists != state.exists {
            return Err(says("there", found.exists));
        }
        if found.active != state.active && !found.passing {
            return Err(says("running", found.active));
        }
        if found.enabled != state.enabled && !found.fixed {
            return Err(says("enabled", found.enabled));
        }
        if found.masked != state.masked {
            return Err(says("masked", found.masked));
        }
        Ok(())
    }

    pub fn needs(&self) -> Needs {
        match self {
            Self::Put { name, .. } => Needs { services: vec![name.clone()], ..Needs::nothing() },
            Self::Brought { .. } => Needs::nothing(),
        }
    }

    pub fn forget(&self, part: &mut Services) {
        for name in self.names() {
            part.seen.remove(name);
        }
    }
}

/// What systemd says of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ServiceState {
    /// Whether there is such a unit at all.
    pub exists: bool,
    pub active: bool,
    pub enabled: bool,
    pub masked: bool,
    /// It cannot be enabled or disabled: it has no `[Install]` section, or is made by a generator.
    pub fixed: bool,
    /// It does something and ends (`Type=oneshot` without `RemainAfterExit`), so it is never found running.
    pub passing: bool,
    /// Its file changed since systemd read it.
    pub stale: bool,
    /// systemd's own words: `running`, `dead`, `failed`.
    pub sub: String,
}
