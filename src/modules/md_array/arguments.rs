//! What can be asked for, checked when it is decoded: what is wrong is said before any host is touched.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MdArray;
use crate::machine::array::{Layout, Level, Shape};
use crate::modules::devices::checked_text;
use crate::plan::Refusal;
use crate::units::{KIB, Size};

checked_text!(
    /// The name of an array, without `/dev/md/`.
    ArrayName,
    |text| {
        let plain = text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_.-".contains(letter));
        // The superblock has 32 bytes for it, of which `any:` takes four.
        if text.is_empty() || text.len() > 28 || !plain || text.starts_with(['-', '.']) {
            return Err(format!("`{text}` is no name of an array: 1 to 28 letters, digits, `_`, `.` and `-`"));
        }
        if text.chars().all(|letter| letter.is_ascii_digit()) {
            return Err(format!("`{text}` is no name of an array: a number alone is a name the kernel gives out"));
        }
        Ok(())
    }
);
checked_text!(
    /// A RAID level.
    LevelName,
    |text| text.parse::<Level>().map(drop)
);
checked_text!(
    /// A raid10 layout.
    LayoutName,
    |text| text.parse::<Layout>().map(drop)
);
checked_text!(
    /// A chunk size.
    ChunkSize,
    |text| {
        let Size(chunk) = text.parse().map_err(|error: crate::units::BadSize| error.to_string())?;
        if chunk >= 4 * KIB && chunk.is_power_of_two() {
            return Ok(());
        }
        Err(format!("`{text}` is no chunk size: a power of two of at least 4 KiB"))
    }
);
checked_text!(
    /// Where a reshape keeps what it is moving.
    BackupFile,
    |text| {
        let plain = text.starts_with('/') && !text.ends_with('/') && !text.contains('\0');
        if plain { Ok(()) } else { Err(format!("`{text}` is no file: a path from the root on")) }
    }
);

/// The one version that is written.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize, JsonSchema)]
pub(super) enum Metadata12 {
    #[default]
    #[serde(rename = "1.2")]
    V12,
}

/// What makes an array consistent after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Policy {
    Bitmap,
    Resync,
    Ppl,
}

/// How much of its members an array uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Use {
    Max,
}

impl Policy {
    /// As the kernel says it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bitmap => "bitmap",
            Self::Resync => "resync",
            Self::Ppl => "ppl",
        }
    }
}

impl MdArray {
    pub(super) fn path(&self) -> String {
        format!("/dev/md/{}", &*self.name)
    }

    pub(super) fn level(&self) -> Result<Level, Refusal> {
        match &self.level {
            Some(level) => level.parse().map_err(Refusal::new),
            None => Err(self.cannot("`level` is not given")),
        }
    }

    /// The chunk and layout that were asked for.
    pub(super) fn chunk(&self) -> Option<u64> {
        self.chunk.as_ref().and_then(|chunk| chunk.parse().ok()).map(Size::bytes)
    }

    pub(super) fn layout(&self) -> Option<Layout> {
        self.layout.as_ref().and_then(|layout| layout.parse().ok())
    }

    /// What is asked for, with what holds where nothing is.
    pub(super) fn shape(&self) -> Result<Shape, Refusal> {
        let level = self.level()?;
        let chunk = if level.striped() { self.chunk().unwrap_or(512 * KIB) } else { 0 };
        let layout = self.layout().unwrap_or(Layout::NEAR_2);
        Ok(Shape { level, layout, chunk, slots: self.members.len() })
    }

    /// How it is to be consistent after a crash.
    pub(super) fn policy(&self) -> Policy {
        self.consistency_policy.unwrap_or(if self.bitmap == Some(false) {
            Policy::Resync
        } else {
            Policy::Bitmap
        })
    }

    fn cannot(&self, why: impl Into<String>) -> Refusal {
        Refusal::new(format!("the array {} cannot be made", &*self.name)).fact(why)
    }

    /// Whether what is asked for can be, on any machine.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let shape = self.shape()?;
        let (level, slots) = (shape.level, shape.slots);
        let wanted = self.devices.unwrap_or(slots);
        if wanted != slots {
            return Err(Refusal::new(format!(
                "the array {} needs {wanted} members, and {slots} are given",
                &*self.name
            ))
            .fact(format!("devices: {wanted}, members: {}", self.members))
            .help("name as many members as `devices` says, or change `devices`"));
        }
        if slots < level.least() {
            let least = level.least();
            return Err(self
                .cannot(format!("{} needs at least {least} members, and {slots} are given", level.name())));
        }
        if level == Level::Raid10 && shape.layout.copies > slots {
            return Err(self.cannot(format!("{} needs {} members", shape.layout, shape.layout.copies)));
        }
        let given = [
            (self.layout.is_some() && level != Level::Raid10, "`layout` is for raid10 only"),
            (
                !self.spares.is_empty() && !level.redundant(),
                "raid0 has no redundancy, so a spare can never step in",
            ),
            (self.replace && !level.redundant(), "raid0 has no redundancy, so no member can be replaced"),
            (self.degraded && !level.redundant(), "raid0 has no redundancy, so no member can be missing"),
            (
                self.size.is_some() && !level.redundant(),
                "raid0 uses all of its members, and they cannot be resized",
            ),
            (!self.write_mostly.is_empty() && level != Level::Raid1, "`write_mostly` is for raid1 only"),
            (
                !self.failfast.is_empty() && !matches!(level, Level::Raid1 | Level::Raid10),
                "`failfast` is for raid1 and raid10 only",
            ),
            (
                self.consistency_policy == Some(Policy::Ppl) && level != Level::Raid5,
                "`ppl` is for raid5 only",
            ),
            (
                self.consistency_policy == Some(Policy::Bitmap) && !level.redundant(),
                "raid0 has no redundancy, so there is nothing a bitmap could say",
            ),
        ];
        if let Some((_, why)) = given.iter().find(|(wrong, _)| *wrong) {
            return Err(self.cannot(*why));
        }
        match (self.bitmap, self.consistency_policy) {
            (Some(bitmap), Some(policy)) if bitmap != (policy == Policy::Bitmap) => {
                Err(self.cannot(format!(
                    "`bitmap: {bitmap}` and `consistency_policy: {}` contradict each other",
                    policy.name()
                )))
            }
            _ => Ok(()),
        }
    }
}

/// A shape in words: `raid10 n2 of 4, chunks of 512 KiB`.
pub(super) fn describe(shape: &Shape) -> String {
    match shape.level {
        Level::Raid1 => format!("raid1 of {}", shape.slots),
        Level::Raid10 => {
            format!("raid10 {} of {}, chunks of {}", shape.layout, shape.slots, Size(shape.chunk))
        }
        level => format!("{} of {}, chunks of {}", level.name(), shape.slots, Size(shape.chunk)),
    }
}
