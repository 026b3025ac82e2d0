//! The smallest effects. A module that needs a new kind of effect adds one here and to `agent::act`.
//!
//! Text in a step may hold a late name, `@{uuid:/dev/vg/lv}` or `@{md-uuid:/dev/md/kvm}`: the UUID that thing has
//! when the step is performed. That keeps a plan the same before and after the thing exists.

use serde::{Deserialize, Serialize};

use crate::exec::Command;
use crate::units::Size;

/// The smallest effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Runs a program.
    Run { command: Command, accept: Accept },
    /// Puts a whole file in place: written beside it, synced, renamed.
    Write { path: String, content: Vec<u8>, metadata: Metadata, backup: bool },
    /// Changes single lines of a text file and leaves every other byte alone; fails when `old` is not there.
    Edit { path: String, edits: Vec<LineEdit>, metadata: Metadata },
    /// The same for fstab, whose last line keeps its end; fails, with nothing written, when `findmnt --verify` finds
    /// more that would stop the next start.
    Fstab { edits: Vec<LineEdit> },
    /// Unmounts; says who is in the way when it fails.
    Unmount { target: String },
    /// Removes a file, link or (with `recursive`) a folder with all that is in it.
    Remove { path: String, recursive: bool },
    /// Makes one folder; its parent exists by then.
    Directory { path: String, metadata: Metadata },
    /// Makes a symbolic link, replacing one that is there.
    Link { path: String, target: String },
    /// Makes a hard link.
    HardLink { path: String, target: String },
    /// Sets owner, group and mode, as far as they are given.
    Attributes { path: String, metadata: Metadata, recursive: bool },
    /// Sets the times of a file to now, making an empty one where there is none.
    Touch { path: String, metadata: Metadata },
    /// Puts content beside `path` for as long as a program looks at it (`%s` in its arguments is where); goes on only
    /// if the program ends well.
    Validate { path: String, content: Vec<u8>, command: Command },
    /// Waits for something to become true; `or_else` is said when it does not.
    Wait { condition: Condition, timeout_ms: u64, delay_ms: u64, poll_ms: u64, or_else: Option<String> },
    /// Writes zeroes into rooms of a device, which nothing else may hold unless it is `shared`.
    Zero { device: String, rooms: Vec<Room>, shared: bool },
    /// Keeps what a program says as evidence, before something is changed: a new file each time, below
    /// `/var/lib/holdfast/evidence`, readable by root alone. `name` may have folders in it; the time is added to it.
    Keep { name: String, command: Command },
    /// Goes on only if the device is still the one that was planned with, and still blank where that was relied on.
    Confirm { device: String, serial: Option<String>, size: u64, blank: bool },
    /// Goes on only if the file system of that kind on the device ends within so many bytes: what is behind them is
    /// about to be cut off.
    Fits { device: String, kind: String, within: u64 },
}

/// A stretch of a device, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    pub start: u64,
    pub size: u64,
}

/// Which ends of a program are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Accept {
    /// Only exit status 0.
    Zero,
    /// Exit statuses up to this one: more than 0 can be good news, such as errors that were corrected.
    AtMost(i32),
    /// Any exit status: the module judges it.
    Any,
}

/// Owner, group and mode; what is `None` stays as it is (or is the default for something new).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Metadata {
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub mode: Option<u32>,
}

/// One changed line, without its line feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LineEdit {
    Append { line: String },
    Replace { old: String, new: String },
    Remove { old: String },
}

/// Something one can wait for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// A path exists (or does not).
    Path { path: String, present: bool },
    /// A TCP port accepts connections (or does not).
    Port { host: String, port: u16, open: bool },
    /// A file has a line matching a regular expression.
    Content { path: String, pattern: String },
    /// An md array has become that, and no resync, recovery or reshape runs in it.
    Array { path: String, level: String, devices: u64 },
    /// Nothing holds a device any more: what has just let go of it may close it a moment later.
    Released { device: String },
    /// Only time passes.
    Time,
}

impl Step {
    /// Runs a program that must end well.
    pub fn run(command: Command) -> Self {
        Self::Run { command, accept: Accept::Zero }
    }

    /// The step as a line a person could follow: a command as typed, an effect in words.
    pub fn shown(&self) -> String {
        match self {
            Self::Run { command, .. } => command.to_string(),
            Self::Write { path, content, .. } => format!("write {path} ({} bytes)", content.len()),
            Self::Edit { path, edits, .. } => format!("edit {path} ({} lines)", edits.len()),
            Self::Fstab { edits } => {
                format!("edit /etc/fstab ({} lines) if findmnt --verify finds it no worse", edits.len())
            }
            Self::Unmount { target } => Command::new("umount").arg(target).to_string(),
            Self::Remove { path, .. } => format!("remove {path}"),
            Self::Directory { path, .. } => format!("make directory {path}"),
            Self::Link { path, target } => format!("link {path} -> {target}"),
            Self::HardLink { path, target } => format!("hard link {path} = {target}"),
            Self::Attributes { path, metadata, .. } => format!("set{metadata} of {path}"),
            Self::Touch { path, .. } => format!("touch {path}"),
            Self::Validate { path, command, .. } => format!("validate {path} with {command}"),
            Self::Zero { device, rooms, .. } => {
                let room = |room: &Room| format!("{} at {}", Size(room.size), room.start);
                let rooms: Vec<String> = rooms.iter().map(room).collect();
                format!("zero {} of {device}", rooms.join(" and "))
            }
            Self::Wait { condition, .. } => format!("wait until {condition}"),
            Self::Keep { name, command } => format!("keep what `{command}` says as {name}"),
            Self::Confirm { device, blank, .. } if *blank => {
                format!("confirm {device} is the same and blank")
            }
            Self::Confirm { device, .. } => format!("confirm {device} is the same"),
            Self::Fits { device, kind, within } => {
                format!("confirm the {kind} on {device} ends within {}", Size(*within))
            }
        }
    }
}

impl std::fmt::Display for Metadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(mode) = self.mode {
            write!(f, " mode {mode:04o}")?;
        }
        if let Some(uid) = self.uid {
            write!(f, " owner {uid}")?;
        }
        if let Some(gid) = self.gid {
            write!(f, " group {gid}")?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path { path, present: true } => write!(f, "{path} exists"),
            Self::Path { path, .. } => write!(f, "{path} is gone"),
            Self::Port { host, port, open: true } => write!(f, "{host}:{port} accepts connections"),
            Self::Port { host, port, .. } => write!(f, "{host}:{port} accepts no connections"),
            Self::Content { path, pattern } => write!(f, "{path} has a line matching `{pattern}`"),
            Self::Array { path, level, devices } => write!(f, "{path} is {level} of {devices} and at rest"),
            Self::Released { device } => write!(f, "nothing holds {device}"),
            Self::Time => f.write_str("time has passed"),
        }
    }
}
