//! What a module has to see before it can plan.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::btrfs::Look;
use super::luks::LuksNeed;
use super::quota::Of;
use super::table::Stretch;

/// A part of the machine that is looked at, and forgotten, as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Domain {
    Block,
    Lvm,
    Mounts,
    /// Memory that is free, and what is swapped out. It is not kept from one order to the next.
    Memory,
    Exports,
    Luks,
    Btrfs,
    Zfs,
}

/// What a module has to see before it can plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Needs {
    pub domains: BTreeSet<Domain>,
    pub paths: Vec<PathNeed>,
    /// Folders of which everything below is looked at too, but no content.
    pub trees: Vec<String>,
    /// Keys of kernel settings, with dots.
    pub sysctls: Vec<String>,
    pub packages: Vec<String>,
    /// Whether the versions that could be installed are needed too, even of packages that are there.
    pub candidates: bool,
    pub services: Vec<String>,
    /// Names or numbers.
    pub users: Vec<String>,
    /// Names or numbers.
    pub groups: Vec<String>,
    /// Folders of which one must know whether anything is in them.
    pub mount_points: Vec<String>,
    /// Containers, and the keys to try on them.
    pub luks: Vec<LuksNeed>,
    /// btrfs file systems that have to be looked into.
    pub btrfs: Vec<Look>,
    /// Datasets of which the properties and the holds have to be known.
    pub datasets: Vec<String>,
    /// File systems that may have to be made smaller: by any name of their device, and to how many bytes.
    pub shrinks: Vec<(String, u64)>,
    /// Mount points, and whose limits there.
    pub quotas: Vec<(String, Of)>,
    /// Folders of which one must know to what project they belong.
    pub projects: Vec<String>,
    /// Files of which one must know whether they are made for swapping.
    pub swap_files: Vec<String>,
    pub facts: bool,
    /// Disks, by lasting name, whose partition tables have to be known.
    pub tables: Vec<String>,
    /// Parts of disks of which one must know what a partition there would come up with.
    pub stretches: Vec<Stretch>,
}

/// A path that has to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathNeed {
    pub path: String,
    /// Whether its content is needed too, where it is a file.
    pub content: bool,
}

impl Needs {
    pub fn nothing() -> Self {
        Self::default()
    }

    pub fn of(domains: impl IntoIterator<Item = Domain>) -> Self {
        Self { domains: domains.into_iter().collect(), ..Self::default() }
    }

    /// What is at `path`, but not what is in it.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.paths.push(PathNeed { path: path.into(), content: false });
        self
    }

    /// What is at `path` and what is in it.
    #[must_use]
    pub fn content(mut self, path: impl Into<String>) -> Self {
        self.paths.push(PathNeed { path: path.into(), content: true });
        self
    }

    /// Everything either of two needs.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.domains.extend(other.domains);
        self.paths.extend(other.paths);
        self.trees.extend(other.trees);
        self.candidates |= other.candidates;
        self.sysctls.extend(other.sysctls);
        self.packages.extend(other.packages);
        self.services.extend(other.services);
        self.users.extend(other.users);
        self.groups.extend(other.groups);
        self.mount_points.extend(other.mount_points);
        self.luks.extend(other.luks);
        self.btrfs.extend(other.btrfs);
        self.datasets.extend(other.datasets);
        self.shrinks.extend(other.shrinks);
        self.quotas.extend(other.quotas);
        self.projects.extend(other.projects);
        self.swap_files.extend(other.swap_files);
        self.facts |= other.facts;
        self.tables.extend(other.tables);
        self.stretches.extend(other.stretches);
        self
    }
}
