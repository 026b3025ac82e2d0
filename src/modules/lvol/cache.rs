//! A cache over a volume: made, changed, taken off.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::size::{Wanted, Within};
use super::writecache::{at_boot, block_size};
use super::{Lvol, VolumeSize, devices_of};
use crate::machine::block::DeviceKind;
use crate::machine::lvm::{Cache, CacheKind, CacheMode, Group, Kind, Logical, LvmEffect, Shape};
use crate::machine::{Domain, Machine, Prediction};
use crate::modules::devices::block;
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::lvm;
use crate::units::{MIB, Size};

/// A cache over a volume.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WantedCache {
    /// The devices the cache is on; they are in the same group. Needed while it is `present`.
    #[serde(default)]
    pvs: Vec<String>,
    /// Its size. Needed while it is `present`.
    size: Option<VolumeSize>,
    /// `cache` keeps what is read often, `writecache` what is written until it is written back. For a writecache the
    /// initramfs gets the module `dm_writecache`; it keeps it when the cache is taken off.
    #[serde(default, rename = "type")]
    kind: WantedKind,
    /// Where a write has to be before it counts as done. Left out, `writethrough` for a cache; a writecache always
    /// writes back.
    mode: Option<WantedMode>,
    /// Whether there is a cache; `absent` writes it back and removes it.
    #[serde(default)]
    state: Presence,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum WantedKind {
    #[default]
    Cache,
    Writecache,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum WantedMode {
    Writethrough,
    Writeback,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Presence {
    #[default]
    Present,
    Absent,
}

impl WantedCache {
    pub(super) fn present(&self) -> bool {
        self.state == Presence::Present
    }

    /// Whether it is to be a writecache.
    pub(super) fn writes(&self) -> bool {
        self.present() && self.kind == WantedKind::Writecache
    }

    fn kind(&self) -> CacheKind {
        match self.kind {
            WantedKind::Cache => CacheKind::Cache,
            WantedKind::Writecache => CacheKind::Writecache,
        }
    }

    fn mode(&self) -> CacheMode {
        match (self.kind, self.mode) {
            (WantedKind::Writecache, _) | (_, Some(WantedMode::Writeback)) => CacheMode::Writeback,
            _ => CacheMode::Writethrough,
        }
    }
}

impl Lvol {
    pub(super) fn keep_cache(
        &self,
        machine: &Machine,
        group: &Group,
        volume: &Logical,
    ) -> Result<Plan, Refusal> {
        let Some(wanted) = &self.cache else { return Ok(Plan::empty()) };
        let name = self.full_name();
        if wanted.kind == WantedKind::Writecache && wanted.mode == Some(WantedMode::Writethrough) {
            return Err(Refusal::new(format!(
                "the cache of {name} cannot be a writecache that writes through"
            )));
        }
        let mut plan = if wanted.writes() { at_boot(machine, &name)? } else { Plan::empty() };
        plan.then(match (&volume.cache, wanted.state) {
            (None, Presence::Absent) => Plan::empty(),
            (Some(cache), Presence::Absent) => take_off(group, volume, cache),
            (None, Presence::Present) => self.put_on(machine, group, volume, wanted)?,
            (Some(cache), Presence::Present) => self.change(machine, group, volume, (wanted, cache))?,
        });
        Ok(plan)
    }

    fn put_on(
        &self,
        machine: &Machine,
        group: &Group,
        volume: &Logical,
        wanted: &WantedCache,
    ) -> Result<Plan, Refusal> {
        let name = self.full_name();
        if !matches!(volume.kind, Kind::Linear | Kind::Striped { .. } | Kind::Raid { .. }) {
            return Err(Refusal::new(format!(
                "the volume {name} is {}, and no cache is laid over it",
                volume.kind
            )));
        }
        if wanted.pvs.is_empty() || wanted.size.is_none() {
            return Err(Refusal::new(format!(
                "where the cache of {name} is and how large is not given: `pvs`, `size`"
            )));
        }
        let on = devices_of(machine, group, &wanted.pvs, &format!("the cache of {name}"))?;
        let own = on.iter().find(|device| volume.places.contains_key(*device));
        if let (Some(device), true) = (own, self.name_is_settled(group)) {
            return Err(Refusal::new(format!(
                "the cache of {name} would be on a device of the volume itself"
            ))
            .fact(format!("{} extents of it are on {device}", volume.places[device]))
            .help("name faster devices, and keep the volume off them with `pvs`"));
        }
        self.check_risk(machine, group, wanted, &on)?;
        let size = wanted.size.as_ref().map(|size| Wanted::read(size)).transpose().map_err(Refusal::new)?;
        let within = Within { group, on: &on, multiple: 1, free: None, origin: volume.extents };
        let extents = size.and_then(|size| size.extents(&within, false)).unwrap_or(0);
        if extents * group.extent < 8 * MIB {
            return Err(Refusal::new(format!("the cache of {name} is too small"))
                .fact(format!("it has {}, and 8 MiB is the least LVM takes", Size(extents * group.extent))));
        }
        let shape = Shape { on: on.clone(), ..Shape::linear(extents) };
        let kept = format!("{}_cache", volume.name);
        let room = group.room(&shape).map_err(|none| {
            Refusal::new(format!(
                "the cache of {name} needs {} ({extents} extents), and there is no room",
                Size(extents * group.extent)
            ))
            .fact(none.to_string())
        })?;
        if group.logical.contains_key(&kept) {
            return Err(Refusal::new(format!(
                "the cache of {name} would be kept in {kept}, and there is such a volume"
            ))
            .help("what is in it would be lost; rename or remove it"));
        }
        let (kind, mode) = (wanted.kind(), wanted.mode());
        let lay = match kind {
            CacheKind::Cache => lvm::cache(&group.name, &volume.name, &kept, mode),
            CacheKind::Writecache => {
                lvm::writecache(&group.name, &volume.name, &kept, block_size(machine, group, volume)?)
            }
        };
        let steps = [
            Step::run(lvm::lvcreate(&room, &kept, &Kind::Linear, extents, &on, &[])),
            Step::run(lvm::lvchange_active(&group.name, &kept, false)),
            Step::run(lay),
        ];
        let mut after = volume.clone();
        for (device, count) in room.places() {
            *after.places.entry(device.clone()).or_default() += count;
        }
        after.cache = Some(Cache { kind, volume: kept, extents, mode });
        let detail = format!("{} of {} on {}", mode.name(), Size(extents * group.extent), on.join(", "));
        let change = Change::create(kind.name(), &name, detail);
        Ok(Plan::of(change, steps, cached(group, after)))
    }

    /// Where the places of the volume are only guessed, nothing is refused for them.
    fn name_is_settled(&self, group: &Group) -> bool {
        group.logical.get(self.name()).is_some_and(|volume| volume.uuid.known().is_some())
            || !self.pvs.is_empty()
    }

    fn change(
        &self,
        machine: &Machine,
        group: &Group,
        volume: &Logical,
        (wanted, cache): (&WantedCache, &Cache),
    ) -> Result<Plan, Refusal> {
        let name = self.full_name();
        if cache.kind != wanted.kind() {
            return Err(Refusal::new(format!(
                "the cache of {name} is a {}, not a {}",
                cache.kind.name(),
                wanted.kind().name()
            ))
            .help("take it off first (`cache: {state: absent}`)"));
        }
        if let Some(size) = &wanted.size {
            let on = devices_of(machine, group, &wanted.pvs, &format!("the cache of {name}"))?;
            let within = Within { group, on: &on, multiple: 1, free: None, origin: volume.extents };
            let extents = Wanted::read(size).map_err(Refusal::new)?.extents(&within, true);
            if let Some(extents) = extents.filter(|extents| *extents != cache.extents) {
                return Err(Refusal::new(format!(
                    "the cache of {name} has {}, not {}",
                    Size(cache.extents * group.extent),
                    Size(extents * group.extent)
                ))
                .help("a cache keeps its size; take it off (`cache: {state: absent}`) and put another on"));
            }
        }
        if cache.mode == wanted.mode() || wanted.mode.is_none() {
            return Ok(Plan::empty());
        }
        let on = devices_of(machine, group, &wanted.pvs, &format!("the cache of {name}"))?;
        self.check_risk(machine, group, wanted, &on)?;
        let change = Change::modify("cache", &name, "").attribute(
            "mode",
            Some(cache.mode.name().to_owned()),
            Some(wanted.mode().name().to_owned()),
        );
        let mut after = volume.clone();
        after.cache = Some(Cache { mode: wanted.mode(), ..cache.clone() });
        let step = Step::run(lvm::cache_mode(&group.name, &volume.name, wanted.mode()));
        Ok(Plan::of(change, [step], cached(group, after)))
    }

    /// Refuses to hold the only copy of what was written on a device whose failure loses it.
    fn check_risk(
        &self,
        machine: &Machine,
        group: &Group,
        wanted: &WantedCache,
        on: &[String],
    ) -> Result<(), Refusal> {
        if wanted.mode() != CacheMode::Writeback || self.accept_risk {
            return Ok(());
        }
        let block = block(machine)?;
        let safe = |path: &String| {
            let array = block.devices.get(path).filter(|device| device.kind == DeviceKind::Array);
            array.and_then(|device| device.array.as_ref()).is_some_and(|array| {
                matches!(array.level.as_str(), "raid1" | "raid4" | "raid5" | "raid6" | "raid10")
            })
        };
        let all: Vec<String> =
            if on.is_empty() { group.physical.keys().cloned().collect() } else { on.to_vec() };
        match all.iter().find(|path| !safe(path)) {
            None => Ok(()),
            Some(path) => Err(Refusal::new(format!(
                "a writeback cache of {} on {path} loses the volume when that device fails",
                self.full_name()
            ))
            .fact("what was written last would be nowhere else")
            .help(
                "put it on an array with redundancy, use `mode: writethrough`, or say `accept_risk: true`",
            )),
        }
    }
}

fn cached(group: &Group, volume: Logical) -> [Prediction; 2] {
    let effect = LvmEffect::Logical { group: group.name.clone(), volume: volume.into() };
    // The device stays what it is; those below it are others.
    [Prediction::Lvm(effect), Prediction::Touches(Domain::Block)]
}

fn take_off(group: &Group, volume: &Logical, cache: &Cache) -> Plan {
    let name = format!("{}/{}", group.name, volume.name);
    let change = Change::remove(
        cache.kind.name(),
        &name,
        format!("{} of {}, written back first", cache.mode.name(), Size(cache.extents * group.extent)),
    );
    let mut after = volume.clone();
    after.cache = None;
    // Which of its extents the cache has is not known apart: those that are too many, on the devices with the fewest.
    let mut less = cache.extents;
    let mut places: Vec<(u64, String)> =
        after.places.iter().map(|(device, count)| (*count, device.clone())).collect();
    places.sort();
    for (count, device) in places {
        let part = less.min(count);
        less -= part;
        after.places.insert(device, count - part);
    }
    after.places.retain(|_, count| *count > 0);
    Plan::of(change, [Step::run(lvm::uncache(&group.name, &volume.name))], cached(group, after))
}
