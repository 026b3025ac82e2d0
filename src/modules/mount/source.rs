//! What is mounted: a device by any of its names, a folder, something on a server, or a name only the kernel knows.

use super::options::subvolume;
use super::point::with_ancestors;
use crate::exec::Kind;
use crate::machine::Machine;
use crate::machine::block::{Content, Device};
use crate::machine::mounts::Live;
use crate::modules::devices::{block, device};
use crate::plan::Refusal;

pub(super) enum Source<'a> {
    Device(&'a Device),
    /// `host:/path` or `//host/share`.
    Server(&'a str),
    /// A folder, and how the kernel shows it elsewhere: its file system, and where in that it is.
    Folder {
        path: &'a str,
        source: String,
        root: String,
    },
    /// `tmpfs`, a dataset, ...
    Named(&'a str),
}

impl<'a> Source<'a> {
    pub(super) fn of(
        machine: &'a Machine,
        target: &str,
        src: Option<&'a str>,
        bind: bool,
    ) -> Result<Self, Refusal> {
        let src = src
            .ok_or_else(|| Refusal::new(format!("what is to be mounted at {target} is not given: `src`")))?;
        if bind {
            return folder(machine, src);
        }
        if src.contains(":/") || src.starts_with("//") {
            return Ok(Self::Server(src));
        }
        if !src.starts_with('/') && !src.contains('=') && block(machine)?.find(src).is_none() {
            return Ok(Self::Named(src));
        }
        let found = device(machine, src, &format!("the mount at {target}"))?;
        // Of several devices the one that speaks for all.
        Ok(Self::Device(block(machine)?.lead_device(found)))
    }

    pub(super) fn device(&self) -> Option<&'a Device> {
        match self {
            Self::Device(device) => Some(device),
            _ => None,
        }
    }

    pub(super) fn is_remote(&self) -> bool {
        matches!(self, Self::Server(_))
    }

    /// As `mount` is told.
    pub(super) fn given(&self) -> &str {
        match self {
            Self::Device(device) => &device.path,
            Self::Server(name) | Self::Named(name) | Self::Folder { path: name, .. } => name,
        }
    }

    /// As a new entry of fstab names it.
    pub(super) fn spec(&self) -> String {
        match self {
            Self::Device(device) => format!("UUID=@{{uuid:{}}}", device.path),
            _ => self.given().to_owned(),
        }
    }

    /// As the kernel will show it: the source, and the folder of it that is seen.
    pub(super) fn shown(&self, options: &str) -> (String, String) {
        match self {
            Self::Folder { source, root, .. } => (source.clone(), root.clone()),
            _ => (self.given().to_owned(), subvolume(options).unwrap_or_else(|| "/".to_owned())),
        }
    }

    /// Whether that is what is mounted there.
    pub(super) fn is_seen_in(&self, found: &Live, options: &str) -> bool {
        match self {
            Self::Device(device) => {
                let same = found.source == device.path;
                same && subvolume(options).is_none_or(|root| found.root == root)
            }
            Self::Server(name) => found.source.trim_end_matches('/') == name.trim_end_matches('/'),
            Self::Named(name) => found.source == *name,
            Self::Folder { source, root, .. } => found.source == *source && found.root == *root,
        }
    }

    pub(super) fn fstype(&self, target: &str, wanted: Option<&str>) -> Result<String, Refusal> {
        let missing = || Refusal::new(format!("the kind of file system for {target} is not given: `fstype`"));
        let device = match self {
            Self::Device(device) => device,
            Self::Folder { .. } => return Ok(wanted.unwrap_or("none").to_owned()),
            Self::Server(_) | Self::Named(_) => return wanted.map(str::to_owned).ok_or_else(missing),
        };
        match (&device.content, wanted) {
            (Content::FileSystem(found), _)
                if found.kind != "swap" && wanted.is_none_or(|one| one == found.kind || one == "auto") =>
            {
                Ok(found.kind.clone())
            }
            (content, wanted) => Err(Refusal::new(format!(
                "{} cannot be mounted at {target}: it holds {}",
                device.path,
                content.describe()
            ))
            .fact(format!("wanted is {}", wanted.unwrap_or("a file system")))
            .help("make the file system first, with `filesystem`")),
        }
    }
}

fn folder<'a>(machine: &'a Machine, path: &'a str) -> Result<Source<'a>, Refusal> {
    for part in with_ancestors(path.trim_end_matches('/')) {
        if machine.files.at(&part).is_some_and(|found| found.stat.kind == Kind::Link) {
            return Err(Refusal::new(format!("{path} leads through the symbolic link {part}"))
                .help("name the folder itself: the kernel shows where it really is"));
        }
    }
    let mounts =
        machine.mounts.as_ref().ok_or_else(|| Refusal::new("the mounts of this host are not known"))?;
    let around = mounts
        .around(path.trim_end_matches('/'))
        .ok_or_else(|| Refusal::new(format!("no file system is mounted around {path}")))?;
    let inside = path.trim_end_matches('/').strip_prefix(around.target.trim_end_matches('/')).unwrap_or("");
    let root = format!("{}{inside}", around.root.trim_end_matches('/'));
    let root = if root.is_empty() { "/".to_owned() } else { root };
    Ok(Source::Folder { path, source: around.source.clone(), root })
}
