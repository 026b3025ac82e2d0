//! Notes of what was begun on devices that were proven blank, kept on the host until the order has been proven: see
//! [`crate::machine::unfinished`] for what they are worth.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::act::place;
use crate::machine::block::{BlockEffect, DeviceKind};
use crate::machine::unfinished::{NOTES, Unfinished};
use crate::machine::{Machine, Prediction};
use crate::plan::{Action, Failure, Metadata, Plan, Step};
use crate::tools::initramfs::{PENDING, is_rebuild};

/// The file of notes on this host.
#[derive(Debug)]
pub(super) struct Notes {
    path: PathBuf,
}

impl Notes {
    pub(super) fn new() -> Self {
        Self { path: PathBuf::from(NOTES) }
    }

    /// Notes the devices that the action will make: nothing was there, so whatever is found later is ours. A partition
    /// is a view of a disk's bytes, which may be somebody's: it is not noted.
    pub(super) fn make(&self, action: &Action, before: &Machine) -> Result<(), Failure> {
        let there = |path: &str| before.block.as_ref().is_none_or(|block| block.find(path).is_some());
        let made = action.predicts.iter().filter_map(|prediction| match prediction {
            Prediction::Block(BlockEffect::Put(device))
                if device.kind != DeviceKind::Partition && !there(&device.path) =>
            {
                Some(device)
            }
            _ => None,
        });
        for device in made {
            self.add(&device.path, device.serial.as_deref(), device.size, action)?;
        }
        Ok(())
    }

    /// Notes the device that a step has just proven to be blank.
    pub(super) fn proven(&self, step: &Step, action: &Action) -> Result<(), Failure> {
        match step {
            Step::Confirm { device, serial, size, blank: true } => {
                self.add(device, serial.as_deref(), *size, action)
            }
            _ => Ok(()),
        }
    }

    /// Leaves a mark before a plan that will make the initramfs anew.
    pub(super) fn expect_rebuild(&self, plan: &Plan) -> Result<(), Failure> {
        if !plan.actions.iter().flat_map(|action| &action.steps).any(is_rebuild) {
            return Ok(());
        }
        let mark = self.mark();
        self.folder()
            .and_then(|_| place::write(&mark, b"", &Metadata::default(), false))
            .map(drop)
            .map_err(|error| Failure::new(format!("cannot make {}: {error}", mark.display())))
    }

    /// Takes the mark away when the initramfs is made.
    pub(super) fn rebuilt(&self, step: &Step) -> Result<(), Failure> {
        if !is_rebuild(step) {
            return Ok(());
        }
        let mark = self.mark();
        fs::remove_file(&mark)
            .map_err(|error| Failure::new(format!("cannot remove {}: {error}", mark.display())))
    }

    fn mark(&self) -> PathBuf {
        self.path.with_file_name(Path::new(PENDING).file_name().unwrap_or_default())
    }

    fn add(&self, path: &str, serial: Option<&str>, size: u64, action: &Action) -> Result<(), Failure> {
        let note = Unfinished {
            path: path.to_owned(),
            serial: serial.map(str::to_owned),
            size,
            making: format!("{} {}", action.change.kind, action.change.name),
        };
        let failed = |error: io::Error| {
            Failure::new(format!("cannot note in {} what is begun on {path}: {error}", self.path.display()))
        };
        let line = serde_json::to_string(&note).map_err(|error| failed(error.into()))?;
        self.append(&line).map_err(failed)
    }

    fn folder(&self) -> io::Result<&Path> {
        let folder = self.path.parent().unwrap_or(&self.path);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        Ok(folder)
    }

    /// On the disk before anything else is: a note that a power cut takes away is worth nothing.
    fn append(&self, line: &str) -> io::Result<()> {
        let folder = self.folder()?;
        let new = !self.path.exists();
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?;
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_all()?;
        if new { File::open(folder)?.sync_all() } else { Ok(()) }
    }

    /// Strikes out the devices of a plan that is done and was proven. Others stay: their task has not come yet.
    pub(super) fn strike(&self, plan: &Plan) -> Result<(), Failure> {
        let failed =
            |error: io::Error| Failure::new(format!("cannot change {}: {error}", self.path.display()));
        let text = match fs::read_to_string(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            read => read.map_err(failed)?,
        };
        let done = |note: &Unfinished| plan.actions.iter().any(|action| concerns(action, note));
        let left: Vec<Unfinished> = Unfinished::parse(&text).into_iter().filter(|note| !done(note)).collect();
        if left.is_empty() {
            return fs::remove_file(&self.path).map_err(failed);
        }
        let lines: Vec<String> = left
            .iter()
            .map(serde_json::to_string)
            .collect::<Result<_, _>>()
            .map_err(|error| failed(error.into()))?;
        let text = format!("{}\n", lines.join("\n"));
        place::write(&self.path, text.as_bytes(), &Metadata::default(), false).map(drop).map_err(failed)
    }
}

/// Whether an action was about the device of a note.
fn concerns(action: &Action, note: &Unfinished) -> bool {
    let confirmed = action.steps.iter().any(|step| match step {
        Step::Confirm { device, serial, .. } => match (&note.serial, serial) {
            (Some(noted), Some(confirmed)) => noted == confirmed,
            _ => *device == note.path,
        },
        _ => false,
    });
    let made = action.predicts.iter().any(|prediction| {
        matches!(prediction, Prediction::Block(BlockEffect::Put(device)) if device.path == note.path)
    });
    confirmed || made
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Command;
    use crate::machine::block::{Block, Device};
    use crate::plan::Change;

    #[test]
    fn an_initramfs_is_old_from_before_the_plan_until_it_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let notes = Notes { path: folder.path().join("deep/unfinished") };
        let step = |program: &str| Step::run(Command::new(program).args(["-u", "-k", "all"]));
        let plan =
            |steps: Vec<Step>| Plan::of(Change::modify("boot configuration", "c", ""), steps, Vec::new());
        notes.expect_rebuild(&plan(vec![step("true")])).unwrap();
        assert!(!notes.mark().exists());
        notes.expect_rebuild(&plan(vec![step("true"), step("update-initramfs")])).unwrap();
        notes.rebuilt(&step("true")).unwrap();
        assert!(notes.mark().exists());
        notes.rebuilt(&step("update-initramfs")).unwrap();
        assert!(!notes.mark().exists());
    }

    #[test]
    fn what_is_begun_is_on_the_disk_until_it_is_proven() {
        let folder = tempfile::tempdir().unwrap();
        let notes = Notes { path: folder.path().join("deep/unfinished") };
        let made = Device::new("/dev/vg/lv", DeviceKind::Logical, 7);
        let action = Action {
            change: Change::create("logical volume", "vg/lv", ""),
            steps: Vec::new(),
            predicts: vec![Prediction::Block(BlockEffect::Put(made.into()))],
        };
        let confirm =
            |blank| Step::Confirm { device: "/dev/vdb".into(), serial: Some("S".into()), size: 9, blank };
        let machine = Machine { block: Some(Block::default()), ..Machine::default() };
        notes.make(&action, &machine).unwrap();
        notes.proven(&confirm(false), &action).unwrap();
        notes.proven(&confirm(true), &action).unwrap();
        let found = Unfinished::parse(&fs::read_to_string(&notes.path).unwrap());
        let named: Vec<_> = found.iter().map(|note| (note.path.as_str(), note.size)).collect();
        assert_eq!(named, [("/dev/vg/lv", 7), ("/dev/vdb", 9)]);
        assert_eq!(found[0].making, "logical volume vg/lv");

        // Another task's work does not strike them out; their own does.
        let plan = |path: &str| {
            let mut action = action.clone();
            action.predicts =
                vec![Prediction::Block(BlockEffect::Put(Device::new(path, DeviceKind::Logical, 7).into()))];
            Plan { actions: vec![action] }
        };
        notes.strike(&plan("/dev/vg/other")).unwrap();
        notes.strike(&plan("/dev/vg/lv")).unwrap();
        assert_eq!(Unfinished::parse(&fs::read_to_string(&notes.path).unwrap()), found[1..]);
        let mut last = plan("/dev/vg/other");
        last.actions[0].steps.push(confirm(true));
        notes.strike(&last).unwrap();
        assert!(!notes.path.exists());
        notes.strike(&last).unwrap();
    }
}
