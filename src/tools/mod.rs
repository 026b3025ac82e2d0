//! One file per outside program: typed command builders and pure parsers, side by side.
//!
//! Sizes are bytes, the locale is C, commands are argument lists. A line that does not parse is an error that names
//! tool, field and line; it is never skipped. Nothing is run here.

pub mod apt;
pub mod blkid;
pub mod btrfs;
pub mod cryptsetup;
pub mod crypttab;
#[cfg(test)]
mod damaged;
pub mod dpkg;
pub mod exportfs;
pub mod filesystem;
pub mod findmnt;
pub mod fstab;
pub mod getent;
pub mod initramfs;
pub mod ip;
pub mod lsattr;
pub mod luks_header;
pub mod lvm;
pub mod mdadm;
pub mod mount;
pub mod mountinfo;
pub mod mounts;
pub mod procfs;
pub mod sfdisk;
pub mod swap;
pub mod sysctl;
pub mod systemctl;
pub mod udev;
pub mod udevadm;
pub mod wipefs;
pub mod xfs_quota;
pub mod zfs;
