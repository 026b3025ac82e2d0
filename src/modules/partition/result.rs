//! What `register` keeps: the disk and its partitions, in Ansible's words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::kinds::{LEGACY_BOOT, named};
use crate::machine::Machine;
use crate::machine::block::{Content, Device, partition_path};
use crate::units::{GIB, KIB, MIB};
use crate::value::{Map, Value};

/// What numbers count in. Cylinders are not supported.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) enum Unit {
    #[serde(rename = "s")]
    Sector,
    B,
    KB,
    #[default]
    KiB,
    MB,
    MiB,
    GB,
    GiB,
    TB,
    TiB,
    /// Of the disk.
    #[serde(rename = "%")]
    Percent,
}

impl Unit {
    /// Bytes of one; `None` where it depends on the disk.
    pub(super) fn bytes(self, sector: u64) -> Option<u64> {
        Some(match self {
            Self::Sector => sector,
            Self::B => 1,
            Self::KB => 1000,
            Self::KiB => KIB,
            Self::MB => 1_000_000,
            Self::MiB => MIB,
            Self::GB => 1_000_000_000,
            Self::GiB => GIB,
            Self::TB => 1_000_000_000_000,
            Self::TiB => GIB * 1024,
            Self::Percent => return None,
        })
    }

    fn word(self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

pub(super) fn describe(
    machine: &Machine,
    disk: &Device,
    unit: Unit,
    number: Option<u64>,
) -> Map<String, Value> {
    let table = machine.tables.of(&disk.path);
    let sector = table.map_or(disk.sector, |table| table.sector);
    let amount = |bytes: u64| -> Value {
        let (of, times) = match unit.bytes(sector) {
            Some(of) => (of, 1),
            None => (disk.size.max(1), 100),
        };
        let bytes = u128::from(bytes) * times;
        let of = u128::from(of);
        if bytes.is_multiple_of(of) {
            return u64::try_from(bytes / of).unwrap_or(u64::MAX).into();
        }
        // Two digits, as parted writes them.
        format!("{}.{:02}", bytes / of, bytes % of * 100 / of).parse::<f64>().unwrap_or(0.0).into()
    };
    let found = |path: &str| machine.block.as_ref().and_then(|block| block.devices.get(path));
    let parts = table.into_iter().flat_map(|table| &table.parts).map(|(number, part)| {
        let path = partition_path(&disk.path, *number);
        let fstype = match found(&path).map(|device| &device.content) {
            Some(Content::FileSystem(found)) => found.kind.as_str(),
            Some(Content::Other { kind, .. }) => kind,
            _ => "",
        };
        let mut flags: Vec<&str> = match named(&part.kind) {
            flag @ ("esp" | "lvm" | "raid" | "swap" | "bios_grub") => vec![flag],
            _ => Vec::new(),
        };
        if part.bootable || flags == ["esp"] {
            flags.push("boot");
        }
        if part.attributes.iter().any(|one| one == LEGACY_BOOT) {
            flags.push("legacy_boot");
        }
        json!({
            "num": number, "path": path, "begin": amount(part.start * sector), "end": amount(part.end() * sector - 1),
            "size": amount(part.size * sector), "unit": unit.word(), "name": part.name.clone().unwrap_or_default(),
            "fstype": fstype, "flags": flags, "type": part.kind, "uuid": part.uuid.known(),
        })
    });
    let label = table.and_then(|table| table.label.as_ref().ok()).map_or("unknown", |label| label.name());
    let mut result = Map::new();
    result.insert("partitions".to_owned(), parts.collect());
    result.insert(
        "disk".to_owned(),
        json!({
            "dev": disk.path, "size": amount(disk.size), "unit": unit.word(), "table": label,
            "model": disk.model.clone().unwrap_or_default(), "logical_block": sector,
        }),
    );
    if let Some(number) = number {
        result.insert("partition".to_owned(), partition_path(&disk.path, number).into());
    }
    result
}
