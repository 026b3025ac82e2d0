//! `storage_graph`: the host's storage as one picture, from disks to exports. Only looks.

use serde::{Deserialize, Serialize};

use super::{Describe, Done, Module};
use crate::machine::graph::Graph;
use crate::machine::{Domain, Machine, Needs};
use crate::plan::{Failure, Plan, Refusal};
use crate::value::Map;

/// Says what the host's storage is made of: disks, partitions, arrays, volume groups, volumes, file systems, mounts and
/// exports, with sizes, use and health. In a dry run: what it would be made of.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StorageGraph {}

impl Describe for StorageGraph {
    const NAME: &'static str = "storage_graph";
    const EXAMPLE: &'static str = "\
- name: what is this host's storage made of
  storage_graph:
  register: storage
";
}

impl Module for StorageGraph {
    fn needs(&self) -> Needs {
        Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts, Domain::Exports])
    }

    fn plan(&self, _machine: &Machine) -> Result<Plan, Refusal> {
        Ok(Plan::empty())
    }

    fn result(&self, done: &Done<'_>) -> Result<Map<String, serde_json::Value>, Failure> {
        let graph = serde_json::to_value(Graph::of(done.after))
            .map_err(|error| Failure::new(format!("the picture cannot be written as JSON: {error}")))?;
        Ok([("graph".to_owned(), graph)].into_iter().collect())
    }
}
