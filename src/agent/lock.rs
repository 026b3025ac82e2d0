//! One run at a time on a host. The lock is the kernel's (it goes when the process goes); the file says who has it, and
//! which program of theirs has to run to its end: an agent that is killed leaves it behind, and whoever comes next
//! must not work beside it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// A lock that lasts as long as this value.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    holder: String,
}

impl Lock {
    /// Where to write down which program is running: in the lock's own file, behind the holder's name.
    pub(super) fn ledger(&self) -> io::Result<impl Fn(Option<(u32, &str)>) + Send + Sync + 'static> {
        let (file, at) = (self.file.try_clone()?, self.holder.len() as u64);
        Ok(move |running: Option<(u32, &str)>| {
            // Somebody else's file can be locked but not written; the lock is as good without the name.
            let _ = match running {
                Some((group, command)) => file.write_all_at(format!("\n{group} {command}\n").as_bytes(), at),
                None => file.set_len(at),
            };
        })
    }
}

/// Why a lock was not had.
#[derive(Debug)]
pub(super) enum NoLock {
    /// Somebody else has it, and left this about themselves.
    Held(String),
    Io(io::Error),
}

/// Takes the lock at `path`, leaving `holder` there for whoever comes second.
pub(super) fn take(path: &Path, holder: &str) -> Result<Lock, NoLock> {
    let file = open(path).map_err(NoLock::Io)?;
    let left = || std::fs::read_to_string(path).unwrap_or_default();
    match file.try_lock() {
        Ok(()) => {
            outlive(&left())?;
            // Another user's file can be locked but not written: then the lock holds without a name.
            if file.set_len(0).is_ok() {
                let _ = file.write_all_at(holder.as_bytes(), 0);
            }
            Ok(Lock { file, holder: holder.to_owned() })
        }
        Err(TryLockError::WouldBlock) => Err(NoLock::Held(match left().lines().next() {
            Some(holder) if !holder.is_empty() => holder.to_owned(),
            _ => "somebody who left no name".to_owned(),
        })),
        Err(TryLockError::Error(error)) => Err(NoLock::Io(error)),
    }
}

/// How long a program that an earlier agent left behind is waited for; it may well be in its last moments.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for the program that a killed agent left running, by what it wrote down.
fn outlive(left: &str) -> Result<(), NoLock> {
    let mut lines = left.lines();
    let (Some(holder), Some(running)) = (lines.next(), lines.next()) else { return Ok(()) };
    let Some((group, command)) = running.split_once(' ') else { return Ok(()) };
    let begun = Instant::now();
    while group_runs(group).map_err(NoLock::Io)? {
        if begun.elapsed() > PATIENCE {
            return Err(NoLock::Held(format!("{holder}, whose agent is gone but left `{command}` running")));
        }
        thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// Whether any process is in that group. A number is given out again only after the whole group has ended.
fn group_runs(group: &str) -> io::Result<bool> {
    for entry in std::fs::read_dir("/proc")? {
        let path = entry?.path().join("stat");
        // A process may end while one looks. Its name, in brackets, may hold anything.
        let Ok(stat) = std::fs::read_to_string(path) else { continue };
        let Some((_, fields)) = stat.rsplit_once(')') else { continue };
        let mut fields = fields.split_whitespace();
        let (state, of) = (fields.next(), fields.nth(1));
        if of == Some(group) && state != Some("Z") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Opens without creating first: in a sticky folder the kernel forbids creating over another user's file.
fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let writable = OpenOptions::new().read(true).write(true).open(path);
    match writable {
        Ok(file) => Ok(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => File::open(path),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_hears_who_was_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/lock");
        let first = take(&path, "ann on laptop").unwrap();
        assert!(matches!(take(&path, "bob"), Err(NoLock::Held(holder)) if holder == "ann on laptop"));
        drop(first);
        assert!(take(&path, "bob").is_ok());
    }

    #[test]
    fn a_program_that_was_left_behind_is_not_worked_beside() {
        use std::os::unix::process::CommandExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let mut program = std::process::Command::new("sleep").arg("600").process_group(0).spawn().unwrap();
        let first = take(&path, "ann on laptop").unwrap();
        let ledger = first.ledger().unwrap();
        ledger(Some((program.id(), "sleep 600")));
        assert!(matches!(take(&path, "bob"), Err(NoLock::Held(holder)) if holder == "ann on laptop"));
        // The agent is killed: nothing is struck out.
        drop((first, ledger));
        let Err(NoLock::Held(holder)) = take(&path, "bob") else { panic!("worked beside it") };
        assert_eq!(holder, "ann on laptop, whose agent is gone but left `sleep 600` running");
        program.kill().unwrap();
        program.wait().unwrap();
        let bob = take(&path, "bob").unwrap();
        let ledger = bob.ledger().unwrap();
        ledger(Some((1, "x")));
        ledger(None);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "bob");
    }
}
