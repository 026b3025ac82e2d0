//! Projects: a number with a name in `/etc/projid`, a folder in `/etc/projects`, and everything below that folder.

use super::XfsQuota;
use crate::exec::Kind;
use crate::machine::files::{FileState, FilesEffect};
use crate::machine::quota::{Project, QuotaEffect};
use crate::machine::{Machine, Needs, Prediction};
use crate::plan::{Change, LineEdit, Metadata, Plan, Refusal, Risk, Step, edited};
use crate::tools::xfs_quota as tool;

const PROJID: &str = "/etc/projid";
const PROJECTS: &str = "/etc/projects";

impl XfsQuota {
    /// The number of the project, where it has one.
    pub(super) fn project(&self, machine: &Machine) -> Result<Option<u32>, Refusal> {
        let name = &*self.name;
        let text = content(machine, PROJID);
        let all = tool::parse_projid(&text);
        let found = all.iter().find(|(other, _)| *other == name).map(|(_, id)| *id);
        match (found, self.id) {
            (Some(found), Some(asked)) if found != asked => {
                Err(Refusal::new(format!("the project {name} has the number {found}, not {asked}"))
                    .fact(format!("{PROJID} says so"))
                    .help("leave `id` out to keep it"))
            }
            (None, Some(0)) => {
                Err(Refusal::new("a project cannot have the number 0, which is that of no project"))
            }
            (None, Some(asked)) => match all.iter().find(|(_, id)| *id == asked) {
                Some((other, _)) => Err(Refusal::new(format!(
                    "the number {asked} belongs to the project {other}, not to {name}"
                ))),
                None => Ok(Some(asked)),
            },
            (found, _) => Ok(found.or_else(|| name.parse().ok())),
        }
    }

    /// Makes the project known, and its folder part of it.
    pub(super) fn register(&self, machine: &Machine, plan: &mut Plan) -> Result<(), Refusal> {
        let Some(folder) = self.folder() else { return Ok(()) };
        let id = self.project(machine)?.ok_or_else(|| self.nobody())?;
        let (name, mountpoint) = (&*self.name, self.mountpoint());
        let inside =
            folder == mountpoint || folder.starts_with(&format!("{}/", mountpoint.trim_end_matches('/')));
        if !inside {
            return Err(Refusal::new(format!(
                "{folder} is not below {mountpoint}, and cannot be limited there"
            )));
        }
        let (ids, folders) = (content(machine, PROJID), content(machine, PROJECTS));
        let named = tool::parse_projid(&ids).iter().any(|(other, _)| *other == name);
        let entry =
            tool::parse_projects(&folders).into_iter().find(|(_, path)| path.trim_end_matches('/') == folder);
        if let Some((other, _)) = entry.filter(|(other, _)| *other != id) {
            return Err(Refusal::new(format!(
                "{folder} belongs to the project {other}, not to {name} ({id})"
            ))
            .fact(format!("{PROJECTS} says so")));
        }
        let project = Project { id, inherits: true };
        let state = machine.quotas.folders.get(folder).copied().flatten();
        if let Some(other) = state.filter(|state| state.id != 0 && state.id != id) {
            return Err(Refusal::new(format!(
                "{folder} belongs to the project {}, not to {name} ({id})",
                other.id
            )));
        }
        let mut steps = Vec::new();
        let mut predicts = Vec::new();
        let by_number = name.parse() == Ok(id);
        if !named && !by_number {
            append(machine, PROJID, format!("{name}:{id}"), &mut steps, &mut predicts);
        }
        if entry.is_none() {
            append(machine, PROJECTS, format!("{id}:{folder}"), &mut steps, &mut predicts);
        }
        if state != Some(project) {
            steps.push(Step::run(tool::set_up(name, mountpoint)));
            let effect = QuotaEffect::Folder { path: folder.to_owned(), project };
            predicts.push(Prediction::Quota(effect));
        }
        if !steps.is_empty() {
            plan.push(Change::create("project", name, format!("{id}, {folder}")), steps, predicts);
        }
        Ok(())
    }

    /// Takes the folders out of the project, and forgets it.
    pub(super) fn unregister(&self, machine: &Machine, id: u32, plan: &mut Plan) {
        let name = &*self.name;
        let (ids, folders) = (content(machine, PROJID), content(machine, PROJECTS));
        let mut steps = Vec::new();
        let mut predicts = Vec::new();
        let named: Vec<&str> = lines_of(&ids, |line| tool::parse_projid(line).contains(&(name, id)));
        let entries: Vec<&str> = lines_of(&folders, |line| {
            let all = tool::parse_projects(line);
            all.first()
                .is_some_and(|(other, path)| *other == id && self.folder().is_none_or(|own| own == *path))
        });
        if let Some(folder) = self.folder()
            && machine.quotas.folders.get(folder).copied().flatten().is_some_and(|state| state.id == id)
            && !named.is_empty()
        {
            steps.push(Step::run(tool::clear(name, self.mountpoint())));
            let project = Project { id: 0, inherits: false };
            predicts.push(Prediction::Quota(QuotaEffect::Folder { path: folder.to_owned(), project }));
        }
        for (path, lines) in [(PROJECTS, entries), (PROJID, named)] {
            let edits: Vec<LineEdit> =
                lines.into_iter().map(|old| LineEdit::Remove { old: old.to_owned() }).collect();
            if !edits.is_empty() {
                edit(machine, path, edits, &mut steps, &mut predicts);
            }
        }
        if !steps.is_empty() {
            plan.push(
                Change::remove("project", name, id.to_string()).risk(Risk::Disruptive),
                steps,
                predicts,
            );
        }
    }
}

pub(in crate::modules) fn needs() -> Needs {
    Needs::nothing().content(PROJID).content(PROJECTS)
}

/// Forgets the folders that go with their file system, and the projects that have no other.
pub(in crate::modules) fn forget(machine: &Machine, goes: impl Fn(&str) -> bool) -> Plan {
    let (ids, folders) = (content(machine, PROJID), content(machine, PROJECTS));
    let (gone, left): (Vec<_>, Vec<_>) =
        tool::parse_projects(&folders).into_iter().partition(|(_, path)| goes(path));
    let over = |id: u32| gone.iter().any(|(one, _)| *one == id) && left.iter().all(|(one, _)| *one != id);
    let entries = lines_of(&folders, |line| tool::parse_projects(line).iter().any(|(_, path)| goes(path)));
    let named = lines_of(&ids, |line| tool::parse_projid(line).iter().any(|(_, id)| over(*id)));
    let (mut steps, mut predicts) = (Vec::new(), Vec::new());
    for (path, lines) in [(PROJECTS, entries), (PROJID, named)] {
        let edits: Vec<LineEdit> =
            lines.into_iter().map(|old| LineEdit::Remove { old: old.to_owned() }).collect();
        if !edits.is_empty() {
            edit(machine, path, edits, &mut steps, &mut predicts);
        }
    }
    let mut plan = Plan::empty();
    if !steps.is_empty() {
        let names: Vec<&str> = gone.iter().map(|(_, path)| *path).collect();
        plan.push(Change::remove("projects of", names.join(", "), ""), steps, predicts);
    }
    plan
}

fn lines_of(text: &str, wanted: impl Fn(&str) -> bool) -> Vec<&str> {
    text.lines().filter(|line| wanted(line)).collect()
}

fn content(machine: &Machine, path: &str) -> String {
    let bytes = machine.files.at(path).and_then(|found| found.content.clone()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn append(
    machine: &Machine,
    path: &str,
    line: String,
    steps: &mut Vec<Step>,
    predicts: &mut Vec<Prediction>,
) {
    edit(machine, path, vec![LineEdit::Append { line }], steps, predicts);
}

fn edit(
    machine: &Machine,
    path: &str,
    edits: Vec<LineEdit>,
    steps: &mut Vec<Step>,
    predicts: &mut Vec<Prediction>,
) {
    let found = machine.files.at(path);
    let before = found.and_then(|found| found.content.clone()).unwrap_or_default();
    let metadata = Metadata { mode: found.is_none().then_some(0o644), ..Metadata::default() };
    let state = found.map_or_else(
        || FileState::expected(Kind::File, 0o644, 0, 0, None),
        |found| FileState { content: None, ..found.clone() },
    );
    let after = edited(&before, &edits).ok();
    let effect = FilesEffect::Put { path: path.to_owned(), state: FileState { content: after, ..state } };
    steps.push(Step::Edit { path: path.to_owned(), edits, metadata });
    predicts.push(Prediction::Files(effect));
}
