//! Modules decide. Each is a file: typed arguments and a pure plan on the [`Machine`]. A module runs nothing, prints
//! nothing and never learns whether this is a dry run.
//!
//! Adding a module is one file and one word in the list below.

pub mod apt;
mod arguments;
mod boot_image;
mod btrfs;
mod btrfs_balance;
mod btrfs_subvolume;
pub mod command;
pub mod copy;
mod devices;
mod disk;
pub mod file;
mod filesystem;
#[cfg(test)]
mod fixture;
mod installation;
mod invocation;
pub mod lineinfile;
mod luks;
mod lvg;
mod lvm_filter;
mod lvol;
mod md_array;
mod md_monitor;
mod mount;
mod nfs_export;
pub mod ownership;
pub mod package;
mod partition;
mod paths;
mod placement;
mod presence;
pub mod reboot;
mod registry;
mod scrub;
pub mod service;
pub mod setup;
pub mod shell;
#[cfg(test)]
mod stack;
mod stages;
pub mod stat;
mod storage;
mod storage_graph;
mod swap;
mod sysctl;
pub mod systemd;
mod teardown;
pub mod template;
mod text_file;
mod timer;
mod unit;
pub mod wait_for;
mod xfs_quota;
mod zfs;
mod zpool;

pub use arguments::{BadArgument, coerce, decode_args};
pub use registry::{Entry, entries, find};

use stages::task;

use serde::{Serialize, de::DeserializeOwned};

use crate::exec::Output;
use crate::machine::{Machine, Needs};
use crate::plan::{Failure, Plan, Refusal};
use crate::value::{Map, Value};

/// What a task asks for, decoded: decides what is missing.
pub trait Module: Send + Sync {
    /// What has to be looked at before planning.
    fn needs(&self) -> Needs;

    /// What else has to be looked at, now that something is known. Asked until the answer stays the same, so it must not
    /// take back what it asked for before.
    fn further(&self, machine: &Machine) -> Needs {
        let _ = machine;
        Needs::nothing()
    }

    /// What is missing. Pure: the same machine gives the same plan.
    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal>;

    /// What `register` keeps beside `changed` and `failed`. `before` is the machine that was planned on, `after` the
    /// machine as it is now (in a dry run: as it would be).
    fn result(&self, done: &Done<'_>) -> Result<Map<String, Value>, Failure> {
        let _ = done;
        Ok(Map::new())
    }

    /// Whether it acts every time it is asked (a command), so that an empty second plan proves nothing.
    fn repeats(&self) -> bool {
        false
    }
}

/// What became of a plan, for [`Module::result`].
#[derive(Debug)]
pub struct Done<'a> {
    pub before: &'a Machine,
    pub after: &'a Machine,
    pub plan: &'a Plan,
    /// The output of every command that was run, in order; empty in a dry run.
    pub outputs: &'a [Output],
    /// Whether this was a dry run.
    pub dry: bool,
}

/// The description of a module: its names and an example that works.
pub trait Describe: DeserializeOwned + Serialize + schemars::JsonSchema + Module + 'static {
    /// Its own name, as in `mount`.
    const NAME: &'static str;
    /// Other names it answers to, such as `ansible.posix.mount`.
    const ALIASES: &'static [&'static str] = &[];
    /// Other names of arguments: `(other, own)`, such as `("dest", "path")`.
    const ARGUMENT_ALIASES: &'static [(&'static str, &'static str)] = &[];
    /// The argument that free text goes to (`command: echo hello`), where there is one.
    const FREE_FORM: Option<&'static str> = None;
    /// A task that works, as YAML.
    const EXAMPLE: &'static str;
}
