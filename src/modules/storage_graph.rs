//! `storage_graph`: the host's storage as one picture, from disks to exports. Only looks.

use serde::{Deserialize, Serialize};

use super::{Describe, Done, Module};
use crate::machine::graph::Graph;
use crate::machine::{Domain, Machine, Needs};
use crate::plan::{Failure, Plan, Refusal};
use crate::value::Map;

/// Says what the host's storage is made of: disks, partitions, arrays, volume groups, pools, volumes, file systems, mounts and
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
        Needs::of([Domain::Block, Domain::Lvm, Domain::Zfs, Domain::Mounts, Domain::Exports])
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{foresee, host, plan};
    use super::*;

    #[test]
    fn shows_what_earlier_tasks_of_a_dry_run_would_leave() {
        let mut machine = host(3);
        for (module, args) in [
            ("md_array", json!({"name": "pair", "level": 1, "members": ["HF-DISK-1", "HF-DISK-2"]})),
            ("lvg", json!({"vg": "vg", "pvs": "/dev/md/pair"})),
            ("lvol", json!({"vg": "vg", "lv": "data", "size": "1g"})),
            ("filesystem", json!({"dev": "/dev/vg/data", "fstype": "xfs"})),
        ] {
            let planned =
                plan(&machine, module, &args).unwrap_or_else(|refusal| panic!("{module}: {refusal}"));
            foresee(&mut machine, &planned);
        }
        let empty = StorageGraph {}.plan(&machine).unwrap();
        let done = Done { before: &machine, after: &machine, plan: &empty, outputs: &[], dry: true };
        let result = StorageGraph {}.result(&done).unwrap();
        let graph: Graph = serde_json::from_value(result["graph"].clone()).unwrap();
        let chain = [
            "device:/dev/vdb",
            "device:/dev/md/pair",
            "group:vg",
            "device:/dev/vg/data",
            "content:/dev/vg/data",
        ];
        for pair in chain.windows(2) {
            assert!(
                graph.edges.iter().any(|edge| edge.from == pair[0] && edge.to == pair[1]),
                "{pair:?}: {:?}",
                graph.edges
            );
        }
        let note =
            |id: &str| graph.node(id).unwrap().notes.iter().map(|note| note.text.clone()).collect::<String>();
        assert_eq!((note("device:/dev/vdb"), note("device:/dev/vdd")), (String::new(), "unused".to_owned()));
    }

    #[test]
    fn a_pool_is_one_thing_between_its_disks_and_its_file_systems() {
        let mut machine = host(2);
        for (module, args) in [
            (
                "zpool",
                json!({"name": "tank", "vdevs": [{"type": "mirror", "disks": ["HF-DISK-1", "HF-DISK-2"]}]}),
            ),
            ("zfs", json!({"name": "tank/data"})),
            ("zfs", json!({"name": "tank/vol", "extra_zfs_properties": {"volsize": "64M"}})),
        ] {
            let planned = plan(&machine, module, &args).unwrap();
            foresee(&mut machine, &planned);
        }
        let graph = Graph::of(&machine);
        for (from, to) in [
            ("device:/dev/vdb1", "group:tank"),
            ("device:/dev/vdc1", "group:tank"),
            ("group:tank", "content:tank"),
            ("content:tank", "content:tank/data"),
            ("content:tank", "device:/dev/zvol/tank/vol"),
            ("content:tank/data", "mount:/tank/data"),
        ] {
            assert!(graph.edges.iter().any(|edge| edge.from == from && edge.to == to), "{:?}", graph.edges);
        }
        assert!(graph.node("content:/dev/vdb1").is_none());
        assert_eq!(graph.node("group:tank").unwrap().facts, ["mirror of 2"]);
    }
}
