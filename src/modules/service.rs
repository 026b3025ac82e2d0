//! `service`: whether a service runs, now and after a restart of the host.

use serde::{Deserialize, Serialize};

use super::unit::{Running, Unit};
use super::{Describe, Done, Module};
use crate::machine::{Machine, Needs};
use crate::plan::{Failure, Plan, Refusal};
use crate::value::{Map, Value};

/// Starts, stops and enables a service. Hosts without systemd are refused for now.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The service.
    pub name: String,
    /// What it does now.
    pub state: Option<Running>,
    /// Whether it starts with the host.
    pub enabled: Option<bool>,
}

impl Describe for Service {
    const NAME: &'static str = "service";
    const EXAMPLE: &'static str = "\
- name: exports are served, also after a restart of the host
  service:
    name: nfs-server
    state: started
    enabled: true
";
}

impl Service {
    fn unit(&self) -> Unit<'_> {
        Unit {
            name: &self.name,
            state: self.state,
            enabled: self.enabled,
            masked: None,
            daemon_reload: false,
        }
    }
}

impl Module for Service {
    fn needs(&self) -> Needs {
        self.unit().needs()
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        if self.state.is_none() && self.enabled.is_none() {
            return Err(Refusal::new("`service` needs `state` or `enabled`"));
        }
        self.unit().plan(machine)
    }

    fn result(&self, done: &Done<'_>) -> Result<Map<String, Value>, Failure> {
        Ok(self.unit().result(done))
    }

    fn repeats(&self) -> bool {
        self.unit().repeats()
    }
}
