//! One host: a name, and what was written about it. How to reach it is the transport's business.

use std::borrow::Borrow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde::Serialize;

use super::vars::{Layers, Vars};
use crate::diagnostic::Span;

/// A host's name as the inventory has it. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct HostName(Arc<str>);

impl HostName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first dot: the magic variable `inventory_hostname_short`. An address stays whole.
    pub fn short(&self) -> &str {
        match self.0.parse::<std::net::IpAddr>() {
            Ok(_) => &self.0,
            Err(_) => self.0.split('.').next().unwrap_or(&self.0),
        }
    }
}

impl From<&str> for HostName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for HostName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A host, as all sources together describe it.
#[derive(Debug)]
pub struct Host {
    pub name: HostName,
    /// Where it is first mentioned.
    pub span: Span,
    /// Nobody wrote it down: this machine, because a pattern named it.
    pub implicit: bool,
    /// The file that first mentions it; `None` for a host from a list.
    pub(super) origin: Option<PathBuf>,
    /// The groups that mention it, as indices.
    pub(super) groups: Vec<usize>,
    pub(super) layers: Layers,
    pub(super) merged: OnceLock<Arc<Vars>>,
}

impl Host {
    pub(super) fn new(name: &str, span: &Span, origin: Option<&Path>) -> Self {
        Self {
            name: name.into(),
            span: span.clone(),
            implicit: false,
            origin: origin.map(Path::to_path_buf),
            groups: Vec::new(),
            layers: Layers::default(),
            merged: OnceLock::new(),
        }
    }

    /// The magic variable `inventory_file`; absolute.
    pub fn inventory_file(&self) -> Option<&Path> {
        self.origin.as_deref()
    }

    /// The magic variable `inventory_dir`; absolute.
    pub fn inventory_dir(&self) -> Option<&Path> {
        self.origin.as_deref()?.parent()
    }
}
