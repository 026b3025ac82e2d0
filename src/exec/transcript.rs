//! Recorded answers for tests. What was not recorded is not there, and an unexpected command panics.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::{Command, Kind, Output, Private, Seen, Stat, Status, System};

/// A machine made of recorded answers.
#[derive(Debug, Clone, Default)]
pub struct Transcript {
    commands: BTreeMap<String, Output>,
    files: BTreeMap<PathBuf, Vec<u8>>,
    links: BTreeMap<PathBuf, PathBuf>,
    /// Sizes of block devices that read as zeros, but for what was written at offsets.
    devices: BTreeMap<PathBuf, (u64, Vec<Written>)>,
}

/// Bytes, and the offset at which they are.
type Written = (u64, Vec<u8>);

impl Transcript {
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers the command line `shown` with `stdout` and exit status 0.
    #[must_use]
    pub fn says(self, shown: &str, stdout: &str) -> Self {
        self.ends(shown, Status::Code(0), stdout, "")
    }

    /// Answers the command line `shown` in full.
    #[must_use]
    pub fn ends(mut self, shown: &str, status: Status, stdout: &str, stderr: &str) -> Self {
        let output = Output { status, stdout: stdout.into(), stderr: stderr.into() };
        self.commands.insert(shown.to_owned(), output);
        self
    }

    #[must_use]
    pub fn file(mut self, path: &str, content: &str) -> Self {
        self.files.insert(path.into(), content.into());
        self
    }

    /// A block device that nobody uses and that reads as zeros, but for these bytes at these offsets.
    #[must_use]
    pub fn device(mut self, path: &str, size: u64, content: &[(u64, &[u8])]) -> Self {
        let content = content.iter().map(|(at, bytes)| (*at, bytes.to_vec())).collect();
        self.devices.insert(path.into(), (size, content));
        self
    }

    #[must_use]
    pub fn link(mut self, path: &str, target: &str) -> Self {
        self.links.insert(path.into(), target.into());
        self
    }
}

impl System for Transcript {
    fn run(&self, command: &Command) -> Output {
        let shown = command.to_string();
        match self.commands.get(&shown) {
            Some(output) => output.clone(),
            None => panic!("the transcript has no answer to `{shown}`"),
        }
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn read_at(&self, path: &Path, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        if let Some((size, content)) = self.devices.get(path) {
            let length = length.min(usize::try_from(size.saturating_sub(offset)).unwrap_or(length));
            let mut bytes = vec![0; length];
            for (at, written) in content {
                for (place, byte) in (*at..).zip(written) {
                    let inside = place.checked_sub(offset).and_then(|place| usize::try_from(place).ok());
                    if let Some(slot) = inside.and_then(|place| bytes.get_mut(place)) {
                        *slot = *byte;
                    }
                }
            }
            return Ok(bytes);
        }
        let all = self.read(path)?;
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(all.len());
        Ok(all[from..all.len().min(from.saturating_add(length))].to_vec())
    }

    fn open_exclusive(&self, path: &Path) -> io::Result<bool> {
        if self.devices.contains_key(path) { Ok(true) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut names: Vec<String> = self
            .files
            .keys()
            .chain(self.links.keys())
            .filter_map(|file| file.strip_prefix(path).ok()?.components().next())
            .map(|name| name.as_os_str().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        match self.links.get(path) {
            Some(target) => Ok(target.clone()),
            None if self.stat(path)?.is_some() => Ok(path.to_owned()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        let (kind, size, target) = if let Some(target) = self.links.get(path) {
            (Kind::Link, 0, Some(target.clone()))
        } else if let Some(content) = self.files.get(path) {
            (Kind::File, content.len() as u64, None)
        } else if !self.list(path)?.is_empty() {
            (Kind::Directory, 0, None)
        } else {
            return Ok(None);
        };
        let mode = if kind == Kind::Directory { 0o755 } else { 0o644 };
        Ok(Some(Stat {
            kind,
            mode,
            uid: 0,
            gid: 0,
            size,
            inode: 1,
            device: 1,
            links: 1,
            modified: 0.0,
            accessed: 0.0,
            changed: 0.0,
            target,
        }))
    }

    /// Nothing is there: whoever needs more records it in a virtual machine.
    fn look(&self, _: Option<&Private>, _: &Path, paths: &[String]) -> io::Result<Vec<Option<Seen>>> {
        Ok(vec![None; paths.len()])
    }
}
