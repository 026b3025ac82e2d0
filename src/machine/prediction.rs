//! What an action leaves behind: it carries a dry run forward, and a real run is held to it.

use serde::{Deserialize, Serialize};

use super::{
    Domain, Machine, Needs, block, btrfs, exports, files, kernel, luks, lvm, mounts, packages, quota,
    services, table, zfs,
};

/// One fact about the machine after an action. Applying it twice is the same as applying it once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Prediction {
    Block(block::BlockEffect),
    Lvm(lvm::LvmEffect),
    Btrfs(btrfs::BtrfsEffect),
    Zfs(zfs::ZfsEffect),
    Mounts(mounts::MountsEffect),
    Exports(exports::ExportsEffect),
    Luks(luks::LuksEffect),
    Kernel(kernel::KernelEffect),
    Quota(quota::QuotaEffect),
    Files(files::FilesEffect),
    Packages(packages::PackagesEffect),
    Services(services::ServicesEffect),
    Tables(table::TableEffect),
    /// The action touches a whole domain in ways nobody predicts (a command); it is looked at again.
    Touches(Domain),
}

impl Prediction {
    /// Makes it so in the model. Parts that were not observed yet are left alone: they are observed first, and then
    /// all predictions are applied again.
    pub fn apply(&self, machine: &mut Machine) {
        match self {
            Self::Block(effect) => {
                machine.block.iter_mut().for_each(|part| effect.apply(part));
                if let block::BlockEffect::Renamed { from, to } = effect {
                    let renamed = |name: &str| if name == from { to.clone() } else { name.to_owned() };
                    machine.lvm.iter_mut().for_each(|part| part.rename_devices(renamed));
                    machine.mounts.iter_mut().for_each(|part| part.rename_device(from, to));
                }
            }
            Self::Lvm(effect) => {
                machine.lvm.iter_mut().for_each(|part| effect.apply(part));
                // What its volumes were made of (`pool_tdata`, `lv_rimage_0`) are devices that nobody can name.
                if let (lvm::LvmEffect::GroupGone { name }, Some(block)) = (effect, &mut machine.block) {
                    let inside = format!("/dev/{name}/");
                    block.devices.retain(|path, _| !path.starts_with(&inside));
                }
            }
            Self::Btrfs(effect) => machine.btrfs.iter_mut().for_each(|part| effect.apply(part)),
            Self::Zfs(effect) => machine.zfs.iter_mut().for_each(|part| effect.apply(part)),
            Self::Mounts(effect) => {
                let block = machine.block.as_ref();
                machine.mounts.iter_mut().for_each(|part| effect.apply(part, block));
            }
            Self::Exports(effect) => machine.exports.iter_mut().for_each(|part| effect.apply(part)),
            Self::Luks(effect) => machine.luks.iter_mut().for_each(|part| effect.apply(part)),
            Self::Kernel(effect) => effect.apply(&mut machine.kernel),
            Self::Quota(effect) => effect.apply(&mut machine.quotas),
            Self::Files(effect) => effect.apply(&mut machine.files),
            Self::Packages(effect) => effect.apply(&mut machine.packages),
            Self::Services(effect) => effect.apply(&mut machine.services),
            Self::Tables(effect) => effect.apply(&mut machine.tables),
            Self::Touches(_) => {}
        }
    }

    /// Whether the machine, observed again, is as predicted; says how it differs otherwise.
    pub fn holds(&self, machine: &Machine) -> Result<(), String> {
        let unseen = || Err("it could not be observed again".to_owned());
        match self {
            Self::Block(effect) => machine.block.as_ref().map_or_else(unseen, |part| effect.holds(part)),
            Self::Lvm(effect) => machine.lvm.as_ref().map_or_else(unseen, |part| effect.holds(part)),
            Self::Btrfs(effect) => machine.btrfs.as_ref().map_or_else(unseen, |part| effect.holds(part)),
            Self::Zfs(effect) => machine.zfs.as_ref().map_or_else(unseen, |part| effect.holds(part)),
            Self::Mounts(effect) => {
                let block = machine.block.as_ref();
                machine.mounts.as_ref().map_or_else(unseen, |part| effect.holds(part, block))
            }
            Self::Exports(effect) => machine.exports.as_ref().map_or_else(unseen, |part| effect.holds(part)),
            Self::Luks(effect) => machine.luks.as_ref().map_or_else(unseen, |part| effect.holds(part)),
            Self::Kernel(effect) => effect.holds(&machine.kernel),
            Self::Quota(effect) => effect.holds(&machine.quotas),
            Self::Files(effect) => effect.holds(&machine.files),
            Self::Packages(effect) => effect.holds(&machine.packages),
            Self::Services(effect) => effect.holds(&machine.services),
            Self::Tables(effect) => effect.holds(&machine.tables),
            Self::Touches(_) => Ok(()),
        }
    }

    /// Whether this makes an earlier prediction of the same plan moot: both are about the same thing.
    pub fn replaces(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::Block(later), Self::Block(earlier)) => later.replaces(earlier),
            (Self::Lvm(later), Self::Lvm(earlier)) => later.replaces(earlier),
            (Self::Btrfs(later), Self::Btrfs(earlier)) => later.replaces(earlier),
            (Self::Zfs(later), Self::Zfs(earlier)) => later.replaces(earlier),
            (Self::Mounts(later), Self::Mounts(earlier)) => later.replaces(earlier),
            (Self::Exports(later), Self::Exports(earlier)) => later.replaces(earlier),
            (Self::Luks(later), Self::Luks(earlier)) => later.replaces(earlier),
            (Self::Kernel(later), Self::Kernel(earlier)) => later.needs() == earlier.needs(),
            (Self::Quota(later), Self::Quota(earlier)) => later.replaces(earlier),
            (Self::Files(later), Self::Files(earlier)) => later.replaces(earlier),
            (Self::Packages(later), Self::Packages(earlier)) => later.needs() == earlier.needs(),
            (Self::Services(later), Self::Services(earlier)) => later.needs() == earlier.needs(),
            (Self::Tables(later), Self::Tables(earlier)) => later.replaces(earlier),
            _ => false,
        }
    }

    /// What has to be looked at to know whether it holds.
    pub fn needs(&self) -> Needs {
        match self {
            Self::Block(_) => Needs::of([Domain::Block]),
            Self::Lvm(_) => Needs::of([Domain::Lvm]),
            Self::Btrfs(_) => Needs::of([Domain::Btrfs]),
            Self::Zfs(effect) => Needs {
                datasets: effect.dataset().map(str::to_owned).into_iter().collect(),
                ..Needs::of([Domain::Zfs])
            },
            Self::Mounts(_) => Needs::of([Domain::Mounts]),
            Self::Exports(_) => Needs::of([Domain::Exports]),
            Self::Luks(effect) => effect.needs(),
            Self::Kernel(effect) => effect.needs(),
            Self::Quota(effect) => effect.needs(),
            Self::Files(effect) => effect.needs(),
            Self::Packages(effect) => effect.needs(),
            Self::Services(effect) => effect.needs(),
            Self::Tables(effect) => {
                Needs { tables: vec![effect.disk().to_owned()], ..Needs::of([Domain::Block]) }
            }
            Self::Touches(_) => Needs::nothing(),
        }
    }

    /// Drops what the action may have changed, so that it is observed again.
    pub fn forget(&self, machine: &mut Machine) {
        match self {
            // The layers above speak of devices by their names.
            Self::Block(block::BlockEffect::Renamed { .. }) => {
                (machine.block, machine.known, machine.lvm, machine.mounts) = (None, None, None, None);
            }
            Self::Block(block::BlockEffect::Content { path, .. }) => touch(machine, path),
            Self::Block(block::BlockEffect::Put(device)) if device.array.is_none() => {
                touch(machine, &device.path);
            }
            Self::Block(_) | Self::Touches(Domain::Block) => (machine.block, machine.known) = (None, None),
            Self::Lvm(_) | Self::Touches(Domain::Lvm) => machine.lvm = None,
            Self::Btrfs(_) | Self::Touches(Domain::Btrfs) => machine.btrfs = None,
            Self::Zfs(_) | Self::Touches(Domain::Zfs) => machine.zfs = None,
            Self::Mounts(_) | Self::Touches(Domain::Mounts) => machine.mounts = None,
            Self::Exports(_) | Self::Touches(Domain::Exports) => machine.exports = None,
            Self::Luks(_) | Self::Touches(Domain::Luks) => machine.luks = None,
            Self::Touches(Domain::Memory) => machine.memory = None,
            Self::Kernel(effect) => effect.forget(&mut machine.kernel),
            Self::Quota(effect) => effect.forget(&mut machine.quotas),
            Self::Files(effect) => {
                effect.forget(&mut machine.files);
                match effect.path() {
                    "/etc/crypttab" => machine.luks = None,
                    "/etc/fstab" => machine.mounts = None,
                    "/etc/mdadm/mdadm.conf" | "/etc/mdadm.conf" => machine.block = None,
                    path if path.starts_with("/etc/exports") => machine.exports = None,
                    _ => {}
                }
            }
            Self::Packages(effect) => effect.forget(&mut machine.packages),
            Self::Services(effect) => effect.forget(&mut machine.services),
            Self::Tables(_) => machine.tables = table::Tables::default(),
        }
    }
}

/// Block devices are looked at again, those that have to do with this one more closely.
fn touch(machine: &mut Machine, path: &str) {
    if let Some(block) = machine.block.take() {
        machine.known = Some(block::Known::of(block));
    }
    if let Some(known) = &mut machine.known {
        known.touch(path);
    }
}
