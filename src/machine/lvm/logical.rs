//! A logical volume: what it is made like, and what it takes out of which device.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::machine::block::Uuid;
use crate::units::Size;

/// A logical volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logical {
    pub name: String,
    pub uuid: Uuid,
    /// Extents it shows: of a thin volume those it promises, of a snapshot those for what is kept of its origin.
    pub extents: u64,
    pub kind: Kind,
    /// A cache that lies over it.
    pub cache: Option<Cache>,
    pub active: bool,
    pub tags: BTreeSet<String>,
    /// Extents it takes out of each device, with copies, metadata and cache. Of a volume that is yet to be made this
    /// is a guess: LVM chooses.
    pub places: BTreeMap<String, u64>,
    /// How full it is, in hundredths of a percent: the data of a pool, what a snapshot keeps.
    pub full: Option<u64>,
    /// The profile its metadata names.
    pub profile: Option<String>,
    /// A snapshot that is being merged into it, or is to be when it is opened next.
    pub merging: bool,
}

/// How a volume is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    Linear,
    /// Over several devices in turn, `unit` bytes each.
    Striped {
        stripes: u64,
        unit: u64,
    },
    /// `images` devices, parity and copies among them; `unit` is 0 for raid1.
    Raid {
        level: RaidLevel,
        images: u64,
        unit: u64,
    },
    /// Room for thin volumes, given out in chunks of that many bytes; `metadata` in extents.
    ThinPool {
        chunk: u64,
        metadata: u64,
    },
    /// A volume that takes from its pool what is written to it.
    Thin {
        pool: String,
        origin: Option<String>,
    },
    /// The old content of another volume, as far as that was written over.
    Snapshot {
        origin: String,
    },
    /// What is not made here, by LVM's own words.
    Other(String),
}

/// The levels of RAID that LVM makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RaidLevel {
    Raid1,
    Raid5,
    Raid6,
    Raid10,
}

/// A cache over a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cache {
    pub kind: CacheKind,
    /// The volume it is kept in.
    pub volume: String,
    /// Extents of that volume.
    pub extents: u64,
    pub mode: CacheMode,
}

/// What is cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CacheKind {
    /// What is read often; writes by its mode.
    Cache,
    /// What is written, until it is written back.
    Writecache,
}

/// Where a write has to be before it counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CacheMode {
    /// On the volume and in the cache.
    Writethrough,
    /// In the cache: whoever loses that loses the volume.
    Writeback,
    /// On the volume alone.
    Passthrough,
}

impl RaidLevel {
    pub fn name(self) -> &'static str {
        match self {
            Self::Raid1 => "raid1",
            Self::Raid5 => "raid5",
            Self::Raid6 => "raid6",
            Self::Raid10 => "raid10",
        }
    }

    /// How many of its images hold data, of this many.
    pub fn data(self, images: u64) -> u64 {
        match self {
            Self::Raid1 => 1,
            Self::Raid5 => images.saturating_sub(1),
            Self::Raid6 => images.saturating_sub(2),
            Self::Raid10 => images / 2,
        }
        .max(1)
    }
}

impl FromStr for RaidLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Raid1, Self::Raid5, Self::Raid6, Self::Raid10]
            .into_iter()
            .find(|level| level.name() == text)
            .ok_or_else(|| format!("`{text}` is no level of RAID"))
    }
}

impl CacheKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Writecache => "writecache",
        }
    }
}

impl CacheMode {
    pub fn name(self) -> &'static str {
        match self {
            Self::Writethrough => "writethrough",
            Self::Writeback => "writeback",
            Self::Passthrough => "passthrough",
        }
    }
}

impl Kind {
    /// LVM's word for it, as `lvcreate --type` takes it.
    pub fn name(&self) -> &str {
        match self {
            Self::Linear => "linear",
            Self::Striped { .. } => "striped",
            Self::Raid { level, .. } => level.name(),
            Self::ThinPool { .. } => "thin-pool",
            Self::Thin { .. } => "thin",
            Self::Snapshot { .. } => "snapshot",
            Self::Other(words) => words,
        }
    }

    /// Extents are taken in multiples of this.
    pub fn multiple(&self) -> u64 {
        match self {
            Self::Striped { stripes, .. } => (*stripes).max(1),
            Self::Raid { level, images, .. } => level.data(*images),
            _ => 1,
        }
    }

    /// Whether there is a device of its name: of a pool there is none that one can use.
    pub fn has_device(&self) -> bool {
        !matches!(self, Self::ThinPool { .. })
    }

    /// Whether its extents can be counted before it is made or changed.
    pub fn known(&self) -> bool {
        !matches!(self, Self::Other(_))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Striped { stripes, unit } => write!(f, "striped over {stripes} × {}", Size(*unit)),
            Self::Raid { level, images, unit: 0 } => write!(f, "{} of {images}", level.name()),
            Self::Raid { level, images, unit } => {
                write!(f, "{} of {images} with stripes of {}", level.name(), Size(*unit))
            }
            Self::ThinPool { chunk, metadata } => {
                write!(f, "thin-pool in chunks of {}, {metadata} extents of metadata", Size(*chunk))
            }
            Self::Thin { pool, origin: None } => write!(f, "thin of {pool}"),
            Self::Thin { pool, origin: Some(origin) } => write!(f, "thin snapshot of {origin} in {pool}"),
            Self::Snapshot { origin } => write!(f, "snapshot of {origin}"),
            _ => f.write_str(self.name()),
        }
    }
}

impl Logical {
    /// A volume that is about to be made.
    pub fn new(name: impl Into<String>, extents: u64, kind: Kind) -> Self {
        Self {
            name: name.into(),
            uuid: Uuid::Late,
            extents,
            kind,
            cache: None,
            active: true,
            tags: BTreeSet::new(),
            places: BTreeMap::new(),
            full: None,
            profile: None,
            merging: false,
        }
    }

    /// Extents it takes out of its group.
    pub fn used(&self) -> u64 {
        self.places.values().sum()
    }

    /// Whether an observed volume is what was predicted; says how it differs otherwise.
    pub(super) fn agrees(&self, found: &Self) -> Result<(), String> {
        let differs = |what: &str, found: String, want: String| Err(format!("{what} {found}, not {want}"));
        let name = &self.name;
        if found.extents != self.extents {
            return differs(&format!("{name} has"), extents(found.extents), extents(self.extents));
        }
        if found.kind != self.kind {
            return differs(&format!("{name} is"), found.kind.to_string(), self.kind.to_string());
        }
        if found.cache != self.cache {
            let word = |cache: &Option<Cache>| match cache {
                Some(cache) => format!("{} {}", cache.kind.name(), extents(cache.extents)),
                None => "none".to_owned(),
            };
            return differs(&format!("the cache of {name} is"), word(&found.cache), word(&self.cache));
        }
        if found.active != self.active {
            let word = |active: bool| if active { "active" } else { "inactive" }.to_owned();
            return differs(&format!("{name} is"), word(found.active), word(self.active));
        }
        if found.used() != self.used() {
            return differs(
                &format!("{name} takes"),
                format!("{} out of its group", extents(found.used())),
                extents(self.used()),
            );
        }
        if found.tags != self.tags {
            return differs(
                &format!("the tags of {name} are"),
                format!("{:?}", found.tags),
                format!("{:?}", self.tags),
            );
        }
        if found.profile != self.profile {
            return differs(
                &format!("the profile of {name} is"),
                format!("{:?}", found.profile),
                format!("{:?}", self.profile),
            );
        }
        Ok(())
    }
}

fn extents(count: u64) -> String {
    format!("{count} extents")
}
