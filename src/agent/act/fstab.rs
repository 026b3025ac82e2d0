//! fstab, changed line by line and put in place only if `findmnt --verify` has nothing more against it than before: a
//! line that would stop the next start never gets there.

use std::path::Path;

use super::place;
use crate::exec::System;
use crate::plan::{Failure, LineEdit, Metadata};
use crate::tools::findmnt::{self, Fault};
use crate::tools::fstab::edited;

pub(super) fn edit(path: &str, edits: &[LineEdit], system: &dyn System) -> Result<(), Failure> {
    let path = system.resolve(Path::new(path)).unwrap_or_else(|_| path.into());
    let failed = |error: std::io::Error| Failure::new(format!("cannot edit {}: {error}", path.display()));
    let before = match std::fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        read => read.map_err(failed)?,
    };
    let after = edited(&before, edits).map_err(|gone| {
        Failure::new(format!("{} was changed by somebody else meanwhile: {gone}", path.display()))
    })?;
    let beside = place::Beside::new(&path, &after).map_err(failed)?;
    verify(beside.path(), &path, system)?;
    drop(beside);
    place::write(&path, &after, &Metadata::default(), false).map_err(failed)?;
    Ok(())
}

fn verify(new: &Path, old: &Path, system: &dyn System) -> Result<(), Failure> {
    let faults = |path: &Path| {
        let command = findmnt::verify(&path.to_string_lossy());
        let output = system.run(&command);
        findmnt::parse(&output).map_err(|_| Failure::of(&command, &output))
    };
    // Who cannot verify does without, as everybody did before there was such a thing.
    let Some(after) = faults(new)? else { return Ok(()) };
    if !after.iter().any(|fault| fault.grave) {
        return Ok(());
    }
    let before = faults(old)?.unwrap_or_default();
    let told = |fault: &Fault| match fault.target.as_str() {
        "" => fault.message.clone(),
        target => format!("{target}: {}", fault.message),
    };
    let worse: Vec<String> = findmnt::worse(&before, &after).into_iter().map(told).collect();
    if worse.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("the new fstab is worse than the old one: {}", worse.join("; ")))
        .help("nothing was written; this is what `findmnt --verify` would hold against it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::{Command, Output, Private, Seen, Stat, Status};

    /// A machine whose `findmnt` dislikes every file with `bad` in it, by the mount point `/bad`.
    struct Picky;

    impl System for Picky {
        fn run(&self, command: &Command) -> Output {
            let text = std::fs::read_to_string(&command.args[2]).unwrap();
            let bad: Vec<&str> = text.lines().filter(|line| line.contains("bad")).collect();
            let stdout = bad.join("\n   [E] worse\n") + "\n   [E] worse\n";
            Output { status: Status::Code(1), stdout: stdout.into_bytes(), stderr: Vec::new() }
        }

        fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
            std::fs::read(path)
        }

        fn read_at(&self, _: &Path, _: u64, _: usize) -> std::io::Result<Vec<u8>> {
            unreachable!("nobody asks")
        }

        fn open_exclusive(&self, _: &Path) -> std::io::Result<bool> {
            unreachable!("nobody asks")
        }

        fn list(&self, _: &Path) -> std::io::Result<Vec<String>> {
            unreachable!("nobody asks")
        }

        fn resolve(&self, path: &Path) -> std::io::Result<std::path::PathBuf> {
            path.canonicalize()
        }

        fn look(&self, _: Option<&Private>, _: &Path, _: &[String]) -> std::io::Result<Vec<Option<Seen>>> {
            unreachable!("nobody asks")
        }

        fn stat(&self, _: &Path) -> std::io::Result<Option<Stat>> {
            unreachable!("nobody asks")
        }
    }

    #[test]
    fn what_is_worse_is_not_put_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fstab").to_string_lossy().into_owned();
        std::fs::write(&path, "old bad\nlast").unwrap();
        let append = |line: &str| [LineEdit::Append { line: line.into() }];
        edit(&path, &append("good"), &Picky).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old bad\nlast\ngood");
        let failure = edit(&path, &append("new bad"), &Picky).unwrap_err();
        assert_eq!(failure.title, "the new fstab is worse than the old one: new bad: worse");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old bad\nlast\ngood");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
