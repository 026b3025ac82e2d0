//! The name of an array: at boot, by mdadm.conf and the initramfs; and now, by the node below `/dev/md`.

use super::MdArray;
use crate::machine::block::{BlockEffect, Registered, Uuid};
use crate::machine::files::FilesEffect;
use crate::machine::{Machine, Needs, Prediction};
use crate::modules::devices::block;
use crate::plan::{Change, LineEdit, Metadata, Plan, Refusal, Step};
use crate::tools::{initramfs, mdadm, udevadm};

pub(in crate::modules) const DEBIAN: &str = "/etc/debian_version";

/// mdadm's configuration file, where this host's system has it.
pub(in crate::modules) fn config(machine: &Machine) -> &'static str {
    if machine.files.at(DEBIAN).is_some() { mdadm::CONFIGS[0] } else { mdadm::CONFIGS[1] }
}

/// What has to be seen to know where the boot configuration is.
pub(in crate::modules) fn needs() -> Needs {
    initramfs::needs().path(DEBIAN)
}

impl MdArray {
    /// Gives the array its name at boot, where it does not have it yet.
    pub(super) fn register(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let (found, array) = self.array(machine)?;
        let mut wanted = mdadm::registration(&self.name);
        // The line speaks of the node; one that has another name cannot be asked by its own.
        if let (Some(uuid), true) = (array.uuid.known(), found.path != wanted.path) {
            wanted.line = wanted.line.replace(&format!("@{{md-uuid:{}}}", wanted.path), uuid);
            wanted.uuid = array.uuid.clone();
        }
        let mut edits = Vec::new();
        let mut there = false;
        for line in &block(machine)?.registered {
            let this = match (&array.uuid, &line.uuid) {
                (Uuid::Known(array), Uuid::Known(line)) => array.eq_ignore_ascii_case(line),
                _ => line.path == wanted.path,
            };
            if this && line.path == wanted.path && !there {
                there = true;
            } else if this || line.path == wanted.path {
                edits.push(LineEdit::Remove { old: line.line.clone() });
            }
        }
        if !there {
            edits.push(LineEdit::Append { line: wanted.line.clone() });
        }
        if edits.is_empty() {
            return Ok(Plan::empty());
        }
        Ok(configure(machine, &self.path(), edits, vec![Prediction::Block(BlockEffect::Registered(wanted))]))
    }

    /// Gives the node its name now, though the array may be in use: mdadm looks its name up anew, and udev follows.
    pub(super) fn rename(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let (found, _) = self.array(machine)?;
        let path = self.path();
        if found.path == path {
            return Ok(Plan::empty());
        }
        let mut steps = Vec::new();
        if found.path.starts_with("/dev/md/") {
            // While there is this link, mdadm takes it for the name.
            steps.push(Step::Remove { path: found.path.clone(), recursive: false });
        }
        steps.extend([Step::run(mdadm::rebuild_map()), Step::run(udevadm::settle())]);
        let change = Change::modify("array", &path, "").attribute(
            "name",
            Some(found.path.clone()),
            Some(path.clone()),
        );
        let predicts = [Prediction::Block(BlockEffect::Renamed { from: found.path.clone(), to: path })];
        Ok(Plan::of(change, steps, predicts))
    }
}

/// Takes an array out of the boot configuration, by its node and by its UUID.
pub(in crate::modules) fn unregistration(
    machine: &Machine,
    path: &str,
    uuid: Option<&str>,
) -> Result<Plan, Refusal> {
    let is = |line: &&Registered| line.path == path || uuid.is_some() && line.uuid.known() == uuid;
    let lines: Vec<&Registered> = block(machine)?.registered.iter().filter(is).collect();
    if lines.is_empty() {
        return Ok(Plan::empty());
    }
    let edits = lines.iter().map(|line| LineEdit::Remove { old: line.line.clone() }).collect();
    let predicts =
        lines.iter().map(|line| BlockEffect::Unregistered { path: line.path.clone() }).map(Prediction::Block);
    Ok(configure(machine, path, edits, predicts.collect()))
}

fn configure(machine: &Machine, path: &str, edits: Vec<LineEdit>, mut predicts: Vec<Prediction>) -> Plan {
    let config = config(machine);
    let mut steps = vec![Step::Edit { path: config.to_owned(), edits, metadata: Metadata::default() }];
    steps.extend(initramfs::rebuild(machine).map(Step::run));
    predicts.push(Prediction::Files(FilesEffect::Touched { path: config.to_owned() }));
    let change = Change::modify("boot configuration", config, format!("ARRAY {path}"));
    Plan::of(change, steps, predicts)
}
