//! NFS exports of what goes, whichever file they are written in.

use std::collections::BTreeMap;

use crate::machine::exports::ExportsEffect;
use crate::machine::files::FilesEffect;
use crate::machine::mounts::is_below;
use crate::machine::{Machine, Needs, Prediction};
use crate::plan::{Change, LineEdit, Metadata, Plan, Refusal, Risk, Step};
use crate::tools::exportfs;

const MAIN: &str = "/etc/exports";
const FOLDER: &str = "/etc/exports.d";

pub(super) fn needs() -> Needs {
    Needs { trees: vec![FOLDER.to_owned()], ..Needs::nothing().content(MAIN) }
}

/// What the files of the folder say, once it is known which there are.
pub(super) fn further(machine: &Machine) -> Needs {
    files(machine).into_iter().fold(Needs::nothing(), Needs::content)
}

/// The files that the server reads.
fn files(machine: &Machine) -> Vec<String> {
    let own = |path: &String| is_below(path, FOLDER) && path.ends_with(".exports");
    let seen = machine.files.seen.iter().filter(|(_, state)| state.is_some()).map(|(path, _)| path);
    let listed = machine.files.trees.get(FOLDER).into_iter().flat_map(|tree| tree.entries.keys());
    let listed =
        listed.map(|name| if name.starts_with('/') { name.clone() } else { format!("{FOLDER}/{name}") });
    let mut files: Vec<String> = seen.cloned().chain(listed).filter(own).collect();
    files.push(MAIN.to_owned());
    files.sort();
    files.dedup();
    files
}

/// Withdraws everything that is exported of these mount points.
pub(super) fn withdraw(machine: &Machine, targets: &[String]) -> Result<Plan, Refusal> {
    let goes = |path: &str| targets.iter().any(|target| path == target || is_below(path, target));
    let mut live: Vec<&String> =
        machine.exports.iter().flat_map(|exports| exports.live.keys()).filter(|path| goes(path)).collect();
    let mut plan = Plan::empty();
    for file in files(machine) {
        let Some(content) = machine.files.at(&file).and_then(|found| found.content.as_deref()) else {
            continue;
        };
        let text = String::from_utf8_lossy(content);
        let written = exportfs::written(&text);
        let (ours, others): (Vec<_>, Vec<_>) = written.into_iter().partition(|line| goes(&line.path));
        let Some(first) = ours.first() else { continue };
        if let Some(line) = ours.iter().find(|line| line.goes_on) {
            return Err(Refusal::new(format!("{file} exports {} in several lines", line.path))
                .fact(format!("the first is `{}`", line.line))
                .help("remove them, or write them as one line"));
        }
        let mut predicts = Vec::new();
        for line in &ours {
            if let Some(at) = live.iter().position(|path| **path == line.path) {
                predicts.push(gone(live.remove(at)));
            }
        }
        let own = file.starts_with(&format!("{FOLDER}/holdfast-")) && others.is_empty();
        let step = if own {
            predicts.push(Prediction::Files(FilesEffect::Gone { path: file.clone() }));
            Step::Remove { path: file.clone(), recursive: false }
        } else {
            predicts.push(Prediction::Files(FilesEffect::Touched { path: file.clone() }));
            let edits = ours.iter().map(|line| LineEdit::Remove { old: line.line.clone() }).collect();
            Step::Edit { path: file.clone(), edits, metadata: Metadata::default() }
        };
        let change = Change::remove("NFS export", &first.path, format!("in {file}")).risk(Risk::Disruptive);
        plan.push(change, [step, Step::run(exportfs::apply())], predicts);
    }
    // What was exported by hand is written nowhere, and forgotten when the server reads its files again.
    for path in live {
        let change = Change::remove("NFS export", path, "in no file").risk(Risk::Disruptive);
        plan.push(change, [Step::run(exportfs::apply())], [gone(path)]);
    }
    Ok(plan)
}

fn gone(path: &str) -> Prediction {
    Prediction::Exports(ExportsEffect::Put { path: path.to_owned(), clients: BTreeMap::new() })
}
