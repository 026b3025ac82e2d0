//! What a volume is to be made like, as far as its extents go: the exact numbers, before anything is done.

use super::size::{Wanted, Within, bytes};
use super::{Lvol, Type};
use crate::machine::lvm::{Group, Kind, NoPlace, RaidLevel, Shape, rmeta_extents};
use crate::plan::Refusal;
use crate::units::{KIB, MIB, Size};

impl Lvol {
    /// What it is made of; pools, thin volumes and snapshots have rules of their own.
    pub(super) fn spread(&self) -> Result<Kind, Refusal> {
        let title = || Refusal::new(format!("the volume {} cannot be made", self.full_name()));
        let unit = match &self.stripe_size {
            Some(size) => bytes(size).map_err(Refusal::new)?,
            None => 64 * KIB,
        };
        let (level, least, parity) = match self.kind() {
            Type::Striped => (None, 2, 0),
            Type::Raid1 => (Some(RaidLevel::Raid1), 1, 1),
            Type::Raid5 => (Some(RaidLevel::Raid5), 2, 1),
            Type::Raid6 => (Some(RaidLevel::Raid6), 3, 2),
            Type::Raid10 => (Some(RaidLevel::Raid10), 2, 0),
            _ => {
                self.only_of(self.stripes.is_some(), "stripes")?;
                self.only_of(self.stripe_size.is_some(), "stripe_size")?;
                self.only_of(self.mirrors.is_some(), "mirrors")?;
                return Ok(Kind::Linear);
            }
        };
        if level == Some(RaidLevel::Raid1) {
            self.only_of(self.stripes.is_some(), "stripes")?;
            self.only_of(self.stripe_size.is_some(), "stripe_size")?;
            let mirrors = self.mirrors.unwrap_or(1);
            if !(1..=9).contains(&mirrors) {
                return Err(
                    title().fact(format!("raid1 has 1 to 9 further copies, and `mirrors` is {mirrors}"))
                );
            }
            return Ok(Kind::Raid { level: RaidLevel::Raid1, images: mirrors + 1, unit: 0 });
        }
        if level == Some(RaidLevel::Raid10) {
            if self.mirrors.is_some_and(|mirrors| mirrors != 1) {
                return Err(title().fact("raid10 with more than one further copy is not supported yet"));
            }
        } else {
            self.only_of(self.mirrors.is_some(), "mirrors")?;
        }
        let stripes = self.stripes.unwrap_or(least);
        if stripes < least || stripes > 60 {
            return Err(title().fact(format!("it has {least} to 60 stripes, and `stripes` is {stripes}")));
        }
        Ok(match level {
            Some(level @ RaidLevel::Raid10) => Kind::Raid { level, images: stripes * 2, unit },
            Some(level) => Kind::Raid { level, images: stripes + parity, unit },
            None => Kind::Striped { stripes, unit },
        })
    }

    fn only_of(&self, given: bool, argument: &str) -> Result<(), Refusal> {
        if !given {
            return Ok(());
        }
        Err(Refusal::new(format!("`{argument}` has no meaning for the volume {}", self.full_name()))
            .help("say with `type` that it is striped, or which level of RAID it has"))
    }

    /// How many extents it shall show. Of what is free as much as can be spread like that is taken.
    pub(super) fn extents(
        &self,
        group: &Group,
        kind: &Kind,
        on: &[String],
        there: bool,
    ) -> Result<Option<u64>, Refusal> {
        let wanted = self.wanted()?;
        if matches!(wanted, Wanted::PercentOfOrigin(_)) {
            return Err(Refusal::new(format!(
                "the volume {} is no snapshot and has no origin",
                self.full_name()
            )));
        }
        let multiple = kind.multiple();
        let mut within = Within { group, on, multiple, free: None, origin: 0 };
        if let (Wanted::PercentOfFree(_), Kind::Raid { .. } | Kind::Striped { .. }) = (wanted, kind) {
            within.free = Some(most(group, kind, on));
        }
        let extents = wanted.extents(&within, there);
        if extents == Some(0) {
            return Err(self.no_room(group, multiple, None));
        }
        Ok(extents)
    }

    pub(super) fn no_room(&self, group: &Group, extents: u64, why: Option<NoPlace>) -> Refusal {
        let bytes = |extents: u64| format!("{} ({extents} extents)", Size(extents * group.extent));
        let refusal = Refusal::new(format!(
            "the volume {} needs {}, and {} has {} free",
            self.full_name(),
            bytes(extents),
            group.name,
            bytes(group.free())
        ))
        .fact(format!("{} has {} in all", group.name, bytes(group.extents())));
        let refusal = why.into_iter().fold(refusal, |refusal, why| refusal.fact(why.to_string()));
        refusal.help("ask for less, or extend the group with another device")
    }
}

/// What has to be put somewhere so that a volume of this kind shows so many extents.
pub(super) fn shape(group: &Group, kind: &Kind, extents: u64, on: &[String]) -> Shape {
    let (images, data, meta) = match kind {
        Kind::Raid { level, images, .. } => (*images, level.data(*images), true),
        Kind::Striped { stripes, .. } => (*stripes, *stripes, false),
        _ => (1, 1, false),
    };
    let each = extents.div_ceil(data);
    let meta = if meta { rmeta_extents(each, group.extent) } else { 0 };
    Shape { images, each, meta, on: on.to_vec() }
}

/// The most extents a volume of this kind can show with what is free.
fn most(group: &Group, kind: &Kind, on: &[String]) -> u64 {
    let multiple = kind.multiple();
    let (mut can, mut cannot) = (0, group.free() / multiple + 1);
    while can + 1 < cannot {
        let half = can.midpoint(cannot);
        if group.place(&shape(group, kind, half * multiple, on)).is_ok() { can = half } else { cannot = half }
    }
    can * multiple
}

/// The chunk and the extents of metadata of a thin pool, as LVM's manual reckons them: 64 bytes for each chunk, chunks
/// large enough for metadata of at most 128 MiB, and never less than 4 MiB of it.
pub(super) fn thin_pool(lvol: &Lvol, group: &Group, data: u64) -> Result<(u64, u64), Refusal> {
    let size = data * group.extent;
    let mut chunk = 64 * KIB;
    if let Some(given) = &lvol.chunk_size {
        chunk = bytes(given).map_err(Refusal::new)?;
        if chunk < 64 * KIB {
            return Err(Refusal::new(format!(
                "chunks of a thin pool have at least 64 KiB, and not {}",
                Size(chunk)
            )));
        }
    } else {
        while size / chunk * 64 > 128 * MIB && chunk < 1024 * MIB {
            chunk *= 2;
        }
    }
    let metadata = match &lvol.metadata_size {
        Some(given) => match Wanted::read(given).map_err(Refusal::new)? {
            Wanted::Bytes(bytes) => bytes.div_ceil(group.extent),
            Wanted::Extents(extents) => extents,
            _ => return Err(Refusal::new(format!("`metadata_size` is no share: `{}`", &**given))),
        },
        None => (size / chunk * 64).max(4 * MIB).div_ceil(group.extent),
    };
    // LVM uses no more than this of it.
    if metadata * group.extent > 16 << 30 || metadata * group.extent < 2 * MIB {
        return Err(Refusal::new(format!(
            "the metadata of a thin pool has 2 MiB to 16 GiB, and not {}",
            Size(metadata * group.extent)
        )));
    }
    Ok((chunk, metadata))
}
