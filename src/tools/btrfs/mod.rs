//! btrfs-progs: what btrfs file systems there are, what is inside them, and what changes them.
//!
//! Commands that need the file system mounted take a [`Reach`]: where it is mounted, or a mount of its own for that
//! command alone. None of them ever mounts degraded: writing to a degraded btrfs makes chunks without redundancy that
//! stand in the way of every repair.

mod change;
mod list;
mod usage;

pub use change::*;
pub use list::*;
pub use usage::*;

use crate::exec::{Command, PRIVATE, Private};

/// How to get at a btrfs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The mount that is made for it.
    private: Option<Private>,
    path: String,
}

impl Reach {
    /// It is mounted there.
    pub fn mounted(path: &str) -> Self {
        Self { private: None, path: path.to_owned() }
    }

    /// Its top level, mounted for one command at a time and seen by nobody else.
    pub fn private(device: &str) -> Self {
        let mount = Private {
            source: device.to_owned(),
            fstype: "btrfs".to_owned(),
            options: "subvolid=5".to_owned(),
            read_only: false,
        };
        Self { private: Some(mount), path: PRIVATE.to_owned() }
    }

    /// The same to look only. `open`: it is mounted already. Where it is not, the log of a crash is left alone, so
    /// that nothing at all is written.
    pub fn look(device: &str, open: bool) -> Self {
        let mut reach = Self::private(device);
        if let Some(mount) = &mut reach.private {
            mount.read_only = true;
            if !open {
                mount.options.push_str(",rescue=nologreplay");
            }
        }
        reach
    }

    pub fn mount(&self) -> Option<&Private> {
        self.private.as_ref()
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// A path inside.
    pub fn inside(&self, path: &str) -> String {
        if path.is_empty() {
            self.path.clone()
        } else {
            format!("{}/{path}", self.path.trim_end_matches('/'))
        }
    }

    fn ask(&self, args: &[&str]) -> Command {
        Command::probe("btrfs").args(args.iter().copied()).arg(&self.path).private(self.private.clone())
    }

    /// A program that does something at a path inside; it may take days.
    fn run(&self, program: &str, args: &[&str], paths: &[&str]) -> Command {
        Command::new(program)
            .args(args.iter().copied())
            .args(paths.iter().map(|path| self.inside(path)))
            .private(self.private.clone())
    }
}
