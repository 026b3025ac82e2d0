//! Pools of ZFS, their file systems and their volumes. Snapshots are only counted.

use super::devices::device_id;
use super::{Graph, Health, Layer, Node, id};
use crate::machine::block::Block;
use crate::machine::zfs::{Class, Dataset, DatasetKind, Pool, Top, Zfs, inside};
use crate::units::Size;

impl Graph {
    pub(super) fn pools(&mut self, zfs: &Zfs, block: &Block) {
        for pool in zfs.pools.values() {
            self.pool(pool, block);
        }
        for dataset in zfs.datasets.values() {
            match dataset.kind {
                DatasetKind::FileSystem => self.file_system(dataset, zfs),
                DatasetKind::Volume => self.zvol(dataset, zfs),
                DatasetKind::Snapshot => {}
            }
        }
    }

    fn pool(&mut self, pool: &Pool, block: &Block) {
        let mut node = Node::new(Layer::Group, "pool", &pool.name);
        (node.size, node.used) = (Some(pool.size), Some(pool.allocated));
        node.facts.extend(pool.tops.iter().map(described));
        match pool.health.as_str() {
            "ONLINE" => {}
            "DEGRADED" => node.note(Health::Warning, "degraded"),
            other => node.note(Health::Critical, other.to_lowercase()),
        }
        if pool.checkpoint {
            node.note(Health::Good, "has a checkpoint");
        }
        for top in &pool.tops {
            for member in &top.members {
                if !matches!(member.state.as_str(), "ONLINE" | "AVAIL" | "INUSE" | "") {
                    let said = format!("{}: {}", member.path, member.state.to_lowercase());
                    node.note(Health::Warning, said);
                }
                if !block.devices.contains_key(&member.path) {
                    self.ghost(&member.path);
                }
                self.edges.push(super::Edge {
                    from: device_id(&member.path),
                    to: node.id.clone(),
                    spare: top.class == Class::Spare,
                });
            }
        }
        // The pool says it better than the signature on each of its devices.
        let own: Vec<String> = pool.members().map(|member| id(Layer::FileSystem, &member.path)).collect();
        self.nodes.retain(|node| !own.contains(&node.id));
        self.edges.retain(|edge| !own.contains(&edge.to));
        self.nodes.push(node);
    }

    fn file_system(&mut self, dataset: &Dataset, zfs: &Zfs) {
        let mut node = Node::new(Layer::FileSystem, "zfs", &dataset.name);
        node.used = Some(dataset.used);
        node.facts.extend(snapshots(dataset, zfs));
        if !dataset.mounted && dataset.mountpoint.as_deref().is_some_and(|path| path.starts_with('/')) {
            node.note(Health::Good, "not mounted");
        }
        let pool = dataset.name.split('/').next().unwrap_or_default();
        let above = dataset.name.rsplit_once('/').map(|(above, _)| id(Layer::FileSystem, above));
        self.edge(above.unwrap_or_else(|| id(Layer::Group, pool)), node.id.clone());
        self.nodes.push(node);
    }

    fn zvol(&mut self, dataset: &Dataset, zfs: &Zfs) {
        let path = format!("/dev/zvol/{}", dataset.name);
        let own = id(Layer::Volume, &path);
        let pool = dataset.name.split('/').next().unwrap_or_default();
        let above = dataset.name.rsplit_once('/').map(|(above, _)| id(Layer::FileSystem, above));
        self.edge(above.unwrap_or_else(|| id(Layer::Group, pool)), own.clone());
        if self.node(&own).is_none() {
            self.nodes.push(Node::new(Layer::Volume, "zvol", &path));
        }
        let facts = snapshots(dataset, zfs);
        let Some(node) = self.node_mut(&own) else { return };
        "zvol".clone_into(&mut node.what);
        node.layer = Layer::Volume;
        node.size = dataset.volsize;
        node.facts.extend(facts);
        node.facts.push(format!("{} in the pool", Size(dataset.used)));
    }
}

/// `mirror of 2`, `log raidz1 of 3`.
fn described(top: &Top) -> String {
    let word = top.class.word().map(|word| format!("{word} ")).unwrap_or_default();
    format!("{word}{} of {}", top.layout, top.members.len())
}

fn snapshots(dataset: &Dataset, zfs: &Zfs) -> Option<String> {
    let of = |one: &&Dataset| {
        one.kind == DatasetKind::Snapshot
            && inside(&one.name, &dataset.name)
            && one.name.split('@').next() == Some(dataset.name.as_str())
    };
    let count = zfs.datasets.values().filter(of).count();
    (count > 0).then(|| format!("{count} snapshots"))
}
