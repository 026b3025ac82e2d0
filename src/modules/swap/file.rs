//! Files to swap to. Only what says that it was made for swapping is ever made anew or removed.

use super::area;
use crate::exec::Kind;
use crate::machine::block::Content;
use crate::machine::files::{FileState, FilesEffect};
use crate::machine::mounts::{Mounts, MountsEffect};
use crate::machine::{Machine, Prediction};
use crate::modules::devices::block;
use crate::plan::{Change, Metadata, Plan, Refusal, Step};
use crate::tools::swap as tool;
use crate::units::Size;

/// File systems whose files the kernel swaps to as they are.
const KINDS: [&str; 3] = ["ext4", "ext3", "xfs"];

/// The folder a file is in.
pub(super) fn folder(path: &str) -> String {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/".to_owned(),
        Some((folder, _)) => folder.to_owned(),
    }
}

/// Makes the file, or makes it anew with another size. Answers with its size.
pub(super) fn make(
    machine: &Machine,
    mounts: &Mounts,
    path: &str,
    size: Option<u64>,
    written: bool,
    plan: &mut Plan,
) -> Result<u64, Refusal> {
    let Some(found) = machine.files.at(path) else {
        let size = size.ok_or_else(|| {
            Refusal::new(format!("there is no {path} to swap to, and no `size` to make it with"))
        })?;
        create(machine, mounts, path, size, written, plan)?;
        return Ok(size);
    };
    // What is empty is nobody's.
    let empty = found.stat.kind == Kind::File && found.stat.size == 0;
    if !empty {
        made_for_it(machine, mounts, path)?;
    }
    if let Some(size) = size.filter(|size| *size != found.stat.size) {
        area::off(machine, mounts, path, plan)?;
        let change = Change::remove("swap file", path, Size(found.stat.size).to_string());
        plan.push(change, [Step::Remove { path: path.to_owned(), recursive: false }], gone(path));
        create(machine, mounts, path, size, written, plan)?;
        return Ok(size);
    }
    if empty {
        return Err(Refusal::new(format!("{path} is empty, and no `size` is given to make it swap with")));
    }
    let stat = &found.stat;
    if (stat.mode, stat.uid, stat.gid) != (0o600, 0, 0) {
        let change = Change::modify("swap file", path, "").attribute(
            "mode",
            Some(format!("{:04o} of {}:{}", stat.mode, stat.uid, stat.gid)),
            Some("0600 of 0:0".to_owned()),
        );
        let step = Step::Attributes { path: path.to_owned(), metadata: private(), recursive: false };
        let state = FileState::expected(Kind::File, 0o600, 0, 0, None);
        plan.push(change, [step], [Prediction::Files(FilesEffect::Put { path: path.to_owned(), state })]);
    }
    Ok(stat.size)
}

/// Removes the file.
pub(super) fn remove(machine: &Machine, mounts: &Mounts, path: &str, plan: &mut Plan) -> Result<(), Refusal> {
    let Some(found) = machine.files.at(path) else { return Ok(()) };
    made_for_it(machine, mounts, path)?;
    let change = Change::remove("swap file", path, Size(found.stat.size).to_string());
    plan.push(change, [Step::Remove { path: path.to_owned(), recursive: false }], gone(path));
    Ok(())
}

fn create(
    machine: &Machine,
    mounts: &Mounts,
    path: &str,
    size: u64,
    written: bool,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let folder = folder(path);
    let (_, found) = machine.files.follow(&folder);
    if folder != "/" && !found.is_some_and(|found| found.stat.kind == Kind::Directory) {
        return Err(Refusal::new(format!("there is no folder {folder} to make {path} in")));
    }
    fits(machine, mounts, path, size)?;
    let space = if written { tool::fill(path, size) } else { tool::reserve(path, size) };
    let steps = [
        Step::Write { path: path.to_owned(), content: Vec::new(), metadata: private(), backup: false },
        Step::run(space),
        Step::run(tool::make_file(path)),
    ];
    let mut state = FileState::expected(Kind::File, 0o600, 0, 0, None);
    state.stat.size = size;
    let predicts = [
        Prediction::Files(FilesEffect::Put { path: path.to_owned(), state }),
        Prediction::Mounts(MountsEffect::SwapFile { path: path.to_owned(), made: true }),
    ];
    plan.push(Change::create("swap file", path, Size(size).to_string()), steps, predicts);
    Ok(())
}

/// Refuses a file system that cannot hold such a file.
fn fits(machine: &Machine, mounts: &Mounts, path: &str, size: u64) -> Result<(), Refusal> {
    let around = mounts
        .around(path)
        .ok_or_else(|| Refusal::new(format!("no file system is mounted around {path}")))?;
    if !KINDS.contains(&around.fstype.as_str()) {
        return Err(Refusal::new(format!("{path} would be on {}, and is not made there", around.fstype))
            .fact(format!("{} is mounted at {}", around.source, around.target))
            .help("swap files on file systems other than ext4 and XFS are not supported yet"));
    }
    let device = block(machine)?.devices.get(&around.source);
    let free = device.and_then(|device| match &device.content {
        Content::FileSystem(found) => Some(found.size?.saturating_sub(found.used?)),
        _ => None,
    });
    match free {
        Some(free) if free < size => {
            Err(Refusal::new(format!("{path} does not fit: it needs {}", Size(size)))
                .fact(format!("{} has {} free", around.target, Size(free)))
                .help("make it smaller, or put it somewhere else"))
        }
        _ => Ok(()),
    }
}

fn made_for_it(machine: &Machine, mounts: &Mounts, path: &str) -> Result<(), Refusal> {
    let file = machine.files.at(path).is_some_and(|found| found.stat.kind == Kind::File);
    if file && (mounts.swap_files.get(path) == Some(&true) || mounts.swapping(path).is_some()) {
        return Ok(());
    }
    Err(Refusal::new(format!("{path} is there, and is no swap file"))
        .fact("nothing in it says that it was made for swapping")
        .help("if nobody needs it, remove it first; it may be what a broken run left"))
}

fn private() -> Metadata {
    Metadata { uid: Some(0), gid: Some(0), mode: Some(0o600) }
}

fn gone(path: &str) -> [Prediction; 2] {
    [
        Prediction::Files(FilesEffect::Gone { path: path.to_owned() }),
        Prediction::Mounts(MountsEffect::SwapFile { path: path.to_owned(), made: false }),
    ]
}
