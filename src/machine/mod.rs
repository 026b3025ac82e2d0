//! What is really there on one host, as typed data, or what would be there after the changes of a dry run.
//!
//! The model does no I/O: `observe` fills it, `plan` is made on it, and [`Prediction`]s carry it forward.
//! A part that was not observed is `None` (or has no entry), which is different from "nothing is there".

mod needs;
mod prediction;

pub use needs::{Domain, Needs, PathNeed};
pub use prediction::Prediction;

pub mod accounts;
pub mod array;
pub mod block;
pub mod btrfs;
pub mod claim;
pub mod exports;
pub mod facts;
pub mod files;
pub mod fstab;
pub mod graph;
pub mod kernel;
pub mod luks;
pub mod lvm;
pub mod membership;
pub mod mounts;
pub mod packages;
pub mod quota;
pub mod services;
pub mod span;
pub mod swap;
pub mod table;
pub mod unfinished;
pub mod zfs;

/// One host's storage, files, packages, services and kernel settings, as far as they were looked at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Machine {
    /// Disks, partitions, arrays, signatures, holders. [`Domain::Block`].
    pub block: Option<block::Block>,
    /// What holds of the block devices that no action has touched, until they are looked at again.
    pub known: Option<block::Known>,
    /// Physical volumes, volume groups, logical volumes. [`Domain::Lvm`].
    pub lvm: Option<lvm::Lvm>,
    /// btrfs file systems, and the inside of those asked for in [`Needs::btrfs`]. [`Domain::Btrfs`].
    pub btrfs: Option<btrfs::Btrfs>,
    /// Pools and datasets of ZFS, and the properties of those asked for in [`Needs::datasets`]. [`Domain::Zfs`].
    pub zfs: Option<zfs::Zfs>,
    /// Encrypted containers and crypttab. [`Domain::Luks`].
    pub luks: Option<luks::Luks>,
    /// The fewest bytes a file system could have, by the path of its device, or why that is not known; as asked for
    /// in [`Needs::shrinks`], of those that are larger.
    pub least: std::collections::BTreeMap<String, Result<u64, String>>,
    /// What is mounted, and what fstab says. [`Domain::Mounts`].
    pub mounts: Option<mounts::Mounts>,
    /// Limits and projects, as asked for in [`Needs::quotas`] and [`Needs::projects`].
    pub quotas: quota::Quotas,
    /// What programs can have at this moment. [`Domain::Memory`].
    pub memory: Option<swap::Memory>,
    /// What the kernel exports over NFS. [`Domain::Exports`].
    pub exports: Option<exports::Exports>,
    /// Partition tables, as asked for in [`Needs::tables`] and [`Needs::stretches`].
    pub tables: table::Tables,
    /// Kernel settings, by key, as asked for in [`Needs::sysctls`].
    pub kernel: kernel::Kernel,
    /// Paths, as asked for in [`Needs::paths`].
    pub files: files::Files,
    /// Packages, as asked for in [`Needs::packages`].
    pub packages: packages::Packages,
    /// Units, as asked for in [`Needs::services`].
    pub services: services::Services,
    /// Users and groups, as asked for in [`Needs::users`] and [`Needs::groups`].
    pub accounts: accounts::Accounts,
    /// Ansible's facts, as asked for in [`Needs::facts`].
    pub facts: Option<facts::Facts>,
}
