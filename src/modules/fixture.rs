//! Machines to plan on, for the tests of modules: a Debian host with blank disks, and what a plan does to it.

use std::fmt::Write as _;

use serde_json::Value;

use crate::exec::Kind;
use crate::machine::Machine;
use crate::machine::block::{Block, BlockEffect, Device, DeviceKind};
use crate::machine::exports::Exports;
use crate::machine::files::FileState;
use crate::machine::luks::Luks;
use crate::machine::lvm::Lvm;
use crate::machine::mounts::{Live, Mounts};
use crate::machine::zfs::Zfs;
use crate::plan::{Plan, Refusal};
use crate::units::GIB;

/// A blank disk of 4 GiB: `/dev/vdb` has the serial `HF-DISK-1`.
pub(super) fn disk(number: u8) -> Device {
    let path = format!("/dev/vd{}", char::from(b'a' + number));
    Device { serial: Some(format!("HF-DISK-{number}")), ..Device::new(path, DeviceKind::Disk, 4 * GIB) }
}

/// A Debian host with that many blank disks and nothing else.
pub(super) fn host(disks: u8) -> Machine {
    let mut block = Block::default();
    (1..=disks).for_each(|number| BlockEffect::Put(disk(number).into()).apply(&mut block));
    let live = Live {
        target: "/".into(),
        source: "/dev/vda1".into(),
        fstype: "ext4".into(),
        options: vec!["rw".into()],
        root: "/".into(),
    };
    let mut machine = Machine {
        block: Some(block),
        lvm: Some(Lvm::default()),
        mounts: Some(Mounts { live: vec![live], systemd: true, ..Mounts::default() }),
        exports: Some(Exports::default()),
        luks: Some(Luks::default()),
        zfs: Some(Zfs::default()),
        ..Machine::default()
    };
    let folder = |mode| Some(FileState::expected(Kind::Directory, mode, 0, 0, None));
    let file = Some(FileState::expected(Kind::File, 0o644, 0, 0, None));
    machine.files.seen.insert("/srv".into(), folder(0o755));
    machine.files.seen.insert("/etc/debian_version".into(), file.clone());
    machine.files.seen.insert("/usr/sbin/update-initramfs".into(), file);
    machine.kernel.seen.insert("vm.dirty_background_bytes".into(), Some("0".into()));
    machine.kernel.seen.insert("vm.dirty_background_ratio".into(), Some("10".into()));
    machine
}

/// What a module plans with these arguments.
pub(super) fn plan(machine: &Machine, module: &str, args: &Value) -> Result<Plan, Refusal> {
    let entry = super::find(module).unwrap();
    entry.decode(args.as_object().unwrap()).unwrap().plan(machine)
}

/// Makes a plan's predictions come true.
pub(super) fn foresee(machine: &mut Machine, plan: &Plan) {
    plan.actions.iter().flat_map(|action| &action.predicts).for_each(|one| one.apply(machine));
}

/// Plans on the machine, makes it so, and plans again: nothing may be left. Gives back what was planned.
pub(super) fn becomes(machine: &mut Machine, module: &str, args: &Value) -> String {
    let planned = plan(machine, module, args).unwrap_or_else(|refusal| panic!("{module}: {refusal}"));
    foresee(machine, &planned);
    let again = plan(machine, module, args).unwrap_or_else(|refusal| panic!("{module} again: {refusal}"));
    assert!(again.is_empty(), "{module} again:\n{}", shown(&again));
    shown(&planned)
}

/// Why a module refuses.
pub(super) fn refused(machine: &Machine, module: &str, args: &Value) -> String {
    plan(machine, module, args).map(|plan| shown(&plan)).unwrap_err().to_string()
}

/// The changes of a plan, each with its steps below it.
pub(super) fn shown(plan: &Plan) -> String {
    let mut text = String::new();
    for action in &plan.actions {
        let change = &action.change;
        writeln!(text, "{} {} {} {}", change.op.sign(), change.kind, change.name, change.detail).unwrap();
        for step in &action.steps {
            writeln!(text, "    {}", step.shown()).unwrap();
        }
    }
    text
}
