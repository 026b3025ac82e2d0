//! Text files below `/etc` that modules keep: whole ones of our own, or single lines in somebody else's. No module
//! itself; `copy`, `template` and `lineinfile`, where the user says which file, are not built on it.

use crate::exec::Kind;
use crate::machine::files::{FileState, FilesEffect};
use crate::machine::{Machine, Prediction};
use crate::plan::{Change, LineEdit, Metadata, Plan, Refusal, Step, edited};

/// A file that is ours alone has exactly this content, belongs to root, and can be read by everybody.
pub(super) fn whole(machine: &Machine, path: &str, content: String) -> Plan {
    let found = machine.files.at(path);
    let before = found.and_then(|found| found.content.as_deref());
    if before == Some(content.as_bytes()) {
        return Plan::empty();
    }
    let change = match found {
        Some(_) => Change::modify("file", path, ""),
        None => Change::create("file", path, ""),
    };
    let change = change.text(shown(before.unwrap_or_default()), content.clone());
    let metadata = Metadata { mode: Some(0o644), uid: Some(0), gid: Some(0) };
    let bytes = content.into_bytes();
    let step = Step::Write { path: path.to_owned(), content: bytes.clone(), metadata, backup: false };
    Plan::of(change, [step], [put(path, bytes)])
}

/// Lines of a file that others write to as well; without edits there is nothing to do.
pub(super) fn lines(
    machine: &Machine,
    path: &str,
    edits: Vec<LineEdit>,
    change: Change,
) -> Result<Plan, Refusal> {
    if edits.is_empty() {
        return Ok(Plan::empty());
    }
    let content = text(machine, path)?;
    let before = content.unwrap_or_default();
    let after = edited(before, &edits).map_err(Refusal::new)?;
    let change = change.text(shown(before), shown(&after));
    let metadata = Metadata::default();
    let step = match content {
        Some(_) => Step::Edit { path: path.to_owned(), edits, metadata },
        None => {
            let metadata = Metadata { mode: Some(0o644), ..metadata };
            Step::Write { path: path.to_owned(), content: after.clone(), metadata, backup: false }
        }
    };
    Ok(Plan::of(change, [step], [put(path, after)]))
}

/// The content of a file, where there is one; refused where something else is at its path.
pub(super) fn text<'a>(machine: &'a Machine, path: &str) -> Result<Option<&'a [u8]>, Refusal> {
    let Some(found) = machine.files.at(path) else { return Ok(None) };
    match (&found.stat.kind, &found.content) {
        (Kind::File, Some(content)) => Ok(Some(content)),
        (Kind::File, None) => Err(Refusal::new(format!("{path} is too large for a file of settings"))),
        (kind, _) => Err(Refusal::new(format!("{path} is {} and no file of settings", kind.name()))),
    }
}

fn put(path: &str, content: Vec<u8>) -> Prediction {
    let state = FileState::expected(Kind::File, 0o644, 0, 0, Some(content));
    Prediction::Files(FilesEffect::Put { path: path.to_owned(), state })
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
