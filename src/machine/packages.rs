//! Packages: their versions as installed; `None` where not installed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Needs;

/// The packages that were looked at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Packages {
    pub seen: BTreeMap<String, Option<String>>,
    /// The version that would be installed, where that was looked up; empty for a virtual package, and `None` where
    /// this host's lists know no such package.
    pub candidates: BTreeMap<String, Option<String>>,
    /// What installs packages here, once it was looked for.
    pub manager: Option<Manager>,
    /// How long ago the package lists were fetched; `None`: never, or nobody looked.
    pub lists_age_s: Option<u64>,
    /// Which state of the package manager's own record all this was read from.
    pub record: Option<Record>,
    /// A dry run would have installed something: users, units and tools may be there by then that nobody can see yet.
    pub expected: bool,
}

impl Packages {
    /// What is installed, and nothing that could be.
    #[must_use]
    pub fn installed(mut self) -> Self {
        self.seen.retain(|_, version| version.is_some());
        Self { seen: self.seen, manager: self.manager, record: self.record, ..Self::default() }
    }
}

/// The file in which dpkg records what is installed: every change of it puts another file in its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Record {
    pub inode: u64,
    pub size: u64,
    /// Seconds since the epoch, with fractions.
    pub modified: f64,
}

/// What installs packages on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manager {
    Apt,
    /// Another one, by the name of its program.
    Other(String),
    /// None that is known.
    Unknown,
}

/// What an action does to a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PackagesEffect {
    /// It becomes this version, or is not installed. An empty version is one nobody could know before.
    Put { name: String, state: Option<String> },
}

impl PackagesEffect {
    pub fn apply(&self, part: &mut Packages) {
        let Self::Put { name, state } = self;
        let before = part.seen.insert(name.clone(), state.clone());
        part.expected |= state.is_some() && !matches!(before, Some(Some(_)));
    }

    pub fn holds(&self, part: &Packages) -> Result<(), String> {
        let Self::Put { name, state } = self;
        match (part.seen.get(name), state) {
            (None, _) => Err("it could not be observed again".to_owned()),
            (Some(None), None) => Ok(()),
            (Some(Some(found)), None) => Err(format!("package {name} {found} is still installed")),
            (Some(None), Some(_)) => Err(format!("package {name} is not installed")),
            (Some(Some(found)), Some(wanted)) if wanted.is_empty() || found == wanted => Ok(()),
            (Some(Some(found)), Some(wanted)) => {
                Err(format!("package {name} has version {found} and not {wanted}"))
            }
        }
    }

    pub fn needs(&self) -> Needs {
        let Self::Put { name, .. } = self;
        Needs { packages: vec![name.clone()], ..Needs::nothing() }
    }

    pub fn forget(&self, part: &mut Packages) {
        let Self::Put { name, .. } = self;
        part.seen.remove(name);
        part.candidates.clear();
        part.lists_age_s = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_a_version_only_where_one_was_known() {
        let put = |version: &str| PackagesEffect::Put { name: "a".into(), state: Some(version.into()) };
        let mut part = Packages::default();
        part.seen.insert("a".into(), Some("2".into()));
        assert_eq!(put("").holds(&part), Ok(()));
        assert!(put("1").holds(&part).unwrap_err().contains("version 2 and not 1"));
    }

    #[test]
    fn a_predicted_installation_is_remembered() {
        let mut part = Packages::default();
        part.seen.insert("a".into(), Some("1".into()));
        PackagesEffect::Put { name: "a".into(), state: Some("2".into()) }.apply(&mut part);
        assert!(!part.expected);
        PackagesEffect::Put { name: "b".into(), state: Some(String::new()) }.apply(&mut part);
        assert!(part.expected);
    }
}
