//! Limits on a mounted file system: what users, groups and projects may use of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Needs;

/// Whom a limit is for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    User,
    Group,
    /// Everything below a folder, whoever owns it.
    Project,
}

impl Of {
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Project => "project",
        }
    }
}

/// Four limits; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes.
    pub bsoft: u64,
    /// Bytes.
    pub bhard: u64,
    /// Files and folders.
    pub isoft: u64,
    /// Files and folders.
    pub ihard: u64,
}

/// What a folder belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// 0 is none.
    pub id: u32,
    /// Whether what is made in it belongs to it too.
    pub inherits: bool,
}

/// Limits and projects, as far as they were looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quotas {
    /// By mount point and sort: limits by number. Numbers without limits may be left out.
    pub limits: BTreeMap<(String, Of), BTreeMap<u32, Limits>>,
    /// By folder; `None`: there is no such folder.
    pub folders: BTreeMap<String, Option<Project>>,
}

/// What an action does to limits and projects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuotaEffect {
    Limits { mountpoint: String, of: Of, id: u32, limits: Limits },
    Folder { path: String, project: Project },
}

impl QuotaEffect {
    pub fn apply(&self, quotas: &mut Quotas) {
        match self {
            Self::Limits { mountpoint, of, id, limits } => {
                quotas.limits.entry((mountpoint.clone(), *of)).or_default().insert(*id, *limits);
            }
            Self::Folder { path, project } => {
                quotas.folders.insert(path.clone(), Some(*project));
            }
        }
    }

    pub fn holds(&self, quotas: &Quotas) -> Result<(), String> {
        match self {
            Self::Limits { mountpoint, of, id, limits } => {
                let known = quotas.limits.get(&(mountpoint.clone(), *of));
                let found = known.and_then(|all| all.get(id)).copied().unwrap_or_default();
                match found == *limits {
                    true => Ok(()),
                    false => {
                        Err(format!("the {} {id} has other limits at {mountpoint}: {found:?}", of.name()))
                    }
                }
            }
            Self::Folder { path, project } => match quotas.folders.get(path) {
                Some(Some(found)) if found == project => Ok(()),
                _ => Err(format!("{path} does not belong to project {}", project.id)),
            },
        }
    }

    pub fn needs(&self) -> Needs {
        match self {
            Self::Limits { mountpoint, of, .. } => {
                Needs { quotas: vec![(mountpoint.clone(), *of)], ..Needs::nothing() }
            }
            Self::Folder { path, .. } => Needs { projects: vec![path.clone()], ..Needs::nothing() },
        }
    }

    /// Whether this makes an earlier effect moot: both are about the same thing.
    pub fn replaces(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (
                Self::Limits { mountpoint, of, id, .. },
                Self::Limits { mountpoint: other, of: kind, id: number, .. },
            ) => mountpoint == other && of == kind && id == number,
            (Self::Folder { path, .. }, Self::Folder { path: other, .. }) => path == other,
            _ => false,
        }
    }

    pub fn forget(&self, quotas: &mut Quotas) {
        match self {
            Self::Limits { mountpoint, of, .. } => drop(quotas.limits.remove(&(mountpoint.clone(), *of))),
            Self::Folder { path, .. } => drop(quotas.folders.remove(path)),
        }
    }
}
