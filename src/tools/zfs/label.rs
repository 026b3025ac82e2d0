//! `zdb -l`: the label of one device. It says what `zpool` does not: the alignment of a virtual device (`ashift`), and
//! to which pool a device belongs that is not imported.

use std::collections::BTreeMap;

use crate::exec::Command;

/// Reads the labels of a device; needs neither the pool imported nor the kernel's module.
pub fn label(device: &str) -> Command {
    Command::probe("zdb").args(["-l", device])
}

/// What a label says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Label {
    /// Spares and caches have none.
    pub pool: Option<String>,
    pub pool_guid: Option<String>,
    /// Of the device itself.
    pub guid: String,
    /// Of the virtual device it belongs to.
    pub top_guid: Option<String>,
    /// How many virtual devices the pool has.
    pub tops: Option<u64>,
    pub ashift: Option<u64>,
    /// Whether the pool was exported in order, or destroyed.
    pub state: u64,
    pub hostname: Option<String>,
}

/// Whether a pool in this state was exported, `POOL_STATE_EXPORTED` in `sys/fs/zfs.h`.
const EXPORTED: u64 = 1;
/// `POOL_STATE_DESTROYED`.
const DESTROYED: u64 = 2;

impl Label {
    pub fn exported(&self) -> bool {
        self.state == EXPORTED
    }

    pub fn destroyed(&self) -> bool {
        self.state == DESTROYED
    }
}

/// The first label; what it says of the whole comes before what it says of the parts.
pub fn parse_label(text: &str) -> Result<Label, String> {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    let mut labels = 0;
    for line in text.lines() {
        if line.starts_with("LABEL ") {
            labels += 1;
        }
        if labels > 1 {
            break;
        }
        if let Some((key, value)) = line.trim().split_once(": ") {
            first.entry(key).or_insert(value.trim());
        }
    }
    let text = |key: &str| first.get(key).map(|value| value.trim_matches('\'').to_owned());
    let number = |key: &str| match first.get(key) {
        None => Ok(None),
        Some(value) => {
            value.parse::<u64>().map(Some).map_err(|_| format!("zdb: `{key}` of a label is `{value}`"))
        }
    };
    Ok(Label {
        pool: text("name"),
        pool_guid: text("pool_guid"),
        guid: text("guid").ok_or("zdb: a label has no guid")?,
        top_guid: text("top_guid"),
        tops: number("vdev_children")?,
        ashift: number("ashift")?,
        state: number("state")?.unwrap_or(0),
        hostname: text("hostname"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured: ZFS 2.1.11.
    const LABEL: &str = "------------------------------------\nLABEL 0\n------------------------------------\n    version: 5000\n    name: 'tank'\n    state: 0\n    txg: 4\n    pool_guid: 6433667918959421974\n    errata: 0\n    hostid: 744452050\n    hostname: 'h1'\n    top_guid: 11302053721722115767\n    guid: 18321621545225202514\n    vdev_children: 3\n    vdev_tree:\n        type: 'mirror'\n        id: 0\n        guid: 11302053721722115767\n        metaslab_array: 83\n        metaslab_shift: 25\n        ashift: 12\n        asize: 307757056\n        is_log: 0\n        create_txg: 4\n        children[0]:\n            type: 'disk'\n            id: 0\n            guid: 18321621545225202514\n            path: '/dev/disk/by-id/virtio-HF-1-part1'\n            whole_disk: 0\n            create_txg: 4\n    features_for_read:\n        com.delphix:hole_birth\n        com.delphix:embedded_data\n    labels = 0 1 2 3 \n";
    const SPARE: &str = "------------------------------------\nLABEL 0\n------------------------------------\n    version: 5000\n    state: 3\n    guid: 2750625513466563255\n    labels = 0 1 2 3 \n";

    #[test]
    fn reads_whose_device_it_is() {
        let found = parse_label(LABEL).unwrap();
        assert_eq!((found.pool.as_deref(), found.ashift, found.tops), (Some("tank"), Some(12), Some(3)));
        assert_eq!(found.guid, "18321621545225202514");
        assert_eq!(found.hostname.as_deref(), Some("h1"));
        assert!(!found.exported() && !found.destroyed());
        assert!(parse_label(&LABEL.replace("state: 0", "state: 1")).unwrap().exported());
        assert!(parse_label(&LABEL.replace("ashift: 12", "ashift: x")).is_err());
        let spare = parse_label(SPARE).unwrap();
        assert_eq!((spare.pool, spare.ashift, spare.state), (None, None, 3));
        assert!(parse_label("failed to unpack label 0\n").is_err());
    }
}
