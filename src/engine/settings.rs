//! What the command line decided about a run.

use std::path::PathBuf;

use crate::secret::Secrets;
use crate::value::{Map, Value};

/// The flags of a run, parsed.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `--check`: look and plan, do nothing.
    pub dry: bool,
    pub diff: bool,
    pub verbosity: u8,
    pub tags: Vec<String>,
    pub skip_tags: Vec<String>,
    pub start_at_task: Option<String>,
    /// How many hosts at once.
    pub forks: usize,
    pub extra_vars: Map<String, Value>,
    /// Destructive changes that were named with `--consent`.
    pub consent: Vec<String>,
    pub user: Option<String>,
    pub private_key: Option<PathBuf>,
    pub ssh_common_args: Vec<String>,
    pub connection: Option<String>,
    pub connect_timeout: Option<u64>,
    pub elevate: bool,
    pub become_user: Option<String>,
    pub become_password: Option<String>,
    /// What reports mask: arguments that are secrets are added once they are rendered.
    pub secrets: Secrets,
    /// Who runs this, for the lock on hosts: `ann@laptop, pid 4711, holdfast run site.yml`.
    pub holder: String,
}

/// The most hosts at once when nothing else is said.
pub const FORKS: usize = 256;
