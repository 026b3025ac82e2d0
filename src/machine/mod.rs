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
pub mod claim;
pub mod exports;
pub mod facts;
pub mod files;
pub mod graph;
pub mod kernel;
pub mod luks;
pub mod lvm;
pub mod mounts;
pub mod packages;
pub mod services;
pub mod table;
pub mod unfinished;

/// One host's storage, files, packages, services and kernel settings, as far as they were looked at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Machine {
    /// Disks, partitions, arrays, signatures, holders. [`Domain::Block`].
    pub block: Option<block::Block>,
    /// Physical volumes, volume groups, logical volumes. [`Domain::Lvm`].
    pub lvm: Option<lvm::Lvm>,
    /// What is mounted, and what fstab says. [`Domain::Mounts`].
    pub mounts: Option<mounts::Mounts>,
    /// Encrypted containers and crypttab. [`Domain::Luks`].
    pub luks: Option<luks::Luks>,
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
