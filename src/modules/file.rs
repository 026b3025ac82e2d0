//! `file`: files, directories and links as such, without what is in them.

use serde::{Deserialize, Serialize};

use super::ownership::{Mode, Ownership, Placed};
use super::{Describe, Done, Module, paths};
use crate::exec::Kind;
use crate::machine::files::{FileState, FilesEffect};
use crate::machine::{Machine, Needs, Prediction};
use crate::plan::{Change, Failure, Metadata, Op, Plan, Refusal, Risk, Step};
use crate::units::Size;
use crate::value::{Map, Value};

/// Makes, changes and removes files, directories and links.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The path that is spoken of.
    pub path: String,
    /// What it shall be. Without it: what it is now, only with this owner, group and mode; a directory with `recurse`.
    pub state: Option<State>,
    /// Where a link points; for a hard link, the file that gets another name.
    pub src: Option<String>,
    /// Permissions: `"0644"` or `u=rw,g=r,o=`.
    pub mode: Option<Mode>,
    /// Owner, by name or number.
    pub owner: Option<String>,
    /// Group, by name or number.
    pub group: Option<String>,
    /// Owner, group and mode of everything below a directory too.
    #[serde(default)]
    pub recurse: bool,
    /// For links: make one that leads nowhere yet, or in place of a file (which is then lost, and needs consent).
    #[serde(default)]
    pub force: bool,
    /// Whether owner, group and mode are those of what a link leads to. Default: true.
    pub follow: Option<bool>,
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// A file that is there already.
    File,
    /// A directory, with those above it.
    Directory,
    /// Nothing. A directory with content needs consent.
    Absent,
    /// A file with the time of now; an empty one where there is none.
    Touch,
    /// A symbolic link.
    Link,
    /// A hard link.
    Hard,
}

impl Describe for File {
    const NAME: &'static str = "file";
    const ARGUMENT_ALIASES: &'static [(&'static str, &'static str)] = &[("dest", "path"), ("name", "path")];
    const EXAMPLE: &'static str = "\
- name: the folder of the disk images
  file:
    path: /srv/images
    state: directory
    owner: root
    group: root
    mode: \"0750\"
";
}

impl File {
    fn own_path(&self) -> String {
        paths::tidy(&self.path)
    }

    fn ownership(&self) -> Ownership<'_> {
        Ownership { owner: self.owner.as_deref(), group: self.group.as_deref(), mode: self.mode.as_ref() }
    }

    /// Where a link written as `src` leads.
    fn source(&self) -> Option<String> {
        let src = self.src.as_deref()?;
        let path = self.own_path();
        Some(if src.starts_with('/') { paths::tidy(src) } else { format!("{}/{src}", paths::parent(&path)) })
    }

    /// The path that owner, group and mode are set on.
    fn subject(&self, machine: &Machine) -> String {
        let path = self.own_path();
        if self.follow == Some(false) { path } else { machine.files.follow(&path).0 }
    }

    /// Owner, group and mode of something that is there.
    fn adjust(&self, machine: &Machine, path: &str, plan: &mut Plan) -> Result<(), Refusal> {
        let Some(now) = machine.files.at(path) else { return Ok(()) };
        if self.recurse && now.stat.kind == Kind::Directory {
            return self.adjust_all(machine, path, plan);
        }
        let placed = self.ownership().of_old(machine, &now.stat)?;
        let attributes = placed.differences(&now.stat);
        if attributes.is_empty() {
            return Ok(());
        }
        let mut change = Change::modify(word(now.stat.kind), path, "");
        change.attributes = attributes;
        let step =
            Step::Attributes { path: path.to_owned(), metadata: placed.metadata.clone(), recursive: false };
        plan.push(change, [step], [put(path, now, &placed)]);
        Ok(())
    }

    fn adjust_all(&self, machine: &Machine, path: &str, plan: &mut Plan) -> Result<(), Refusal> {
        let tree = machine.files.below(path);
        if tree.cut {
            return Err(Refusal::new(format!("{path} has too much below it to look at each owner and mode"))
                .help(
                    "not supported yet: `recurse` over more than 100000 entries; use `command: chown -R`",
                ));
        }
        let top = machine.files.at(path).map(|state| (path.to_owned(), state.stat.clone()));
        let (mut steps, mut predicts, mut first) = (Vec::new(), Vec::new(), Vec::new());
        for (entry, stat) in top.into_iter().chain(tree.entries) {
            let placed = self.ownership().of_old(machine, &stat)?;
            let mut attributes = placed.differences(&stat);
            if stat.kind == Kind::Link {
                attributes.retain(|attribute| attribute.name != "mode");
            }
            if attributes.is_empty() {
                continue;
            }
            if first.is_empty() {
                first = attributes;
            }
            let now = FileState { stat, content: None };
            predicts.push(put(&entry, &now, &placed));
            steps.push(Step::Attributes { path: entry, metadata: placed.metadata, recursive: false });
        }
        if steps.is_empty() {
            return Ok(());
        }
        let mut change = Change::modify("directory", path, format!("{} entries", steps.len()));
        change.attributes = first;
        // Many entries with one plain mode are one step.
        if steps.len() > 50 && self.ownership().is_plain() {
            let metadata = self.ownership().wanted(machine, 0, Kind::Directory)?;
            steps = vec![Step::Attributes { path: path.to_owned(), metadata, recursive: true }];
        }
        plan.push(change, steps, predicts);
        Ok(())
    }

    fn directory(&self, machine: &Machine, path: &str) -> Result<Plan, Refusal> {
        let mut plan = Plan::empty();
        let mut ahead = machine.clone();
        for folder in paths::ancestors(path).into_iter().chain([path]) {
            if path == "/" {
                break;
            }
            match machine.files.follow(folder).1.map(|state| state.stat.kind) {
                Some(Kind::Directory) => {}
                Some(other) => {
                    return Err(Refusal::new(format!("{folder} is {} and not a directory", other.name())));
                }
                None if machine.files.at(folder).is_some() => {
                    return Err(Refusal::new(format!("{folder} is a symbolic link that leads nowhere")));
                }
                None => {
                    let placed = self.ownership().of_new(&ahead, folder, Kind::Directory)?;
                    let mut change = Change::create("directory", folder, "");
                    placed.metadata.to_string().trim().clone_into(&mut change.detail);
                    let effect = FilesEffect::Put {
                        path: folder.to_owned(),
                        state: placed.state(Kind::Directory, None),
                    };
                    effect.apply(&mut ahead.files);
                    let step = Step::Directory { path: folder.to_owned(), metadata: placed.metadata };
                    plan.push(change, [step], [Prediction::Files(effect)]);
                }
            }
        }
        if plan.actions.is_empty() {
            self.adjust(machine, &self.subject(machine), &mut plan)?;
        }
        Ok(plan)
    }

    fn absent(machine: &Machine, path: &str) -> Result<Plan, Refusal> {
        let Some(now) = machine.files.at(path) else { return Ok(Plan::empty()) };
        let gone = [Prediction::Files(FilesEffect::Gone { path: path.to_owned() })];
        let step = |recursive| [Step::Remove { path: path.to_owned(), recursive }];
        if now.stat.kind != Kind::Directory {
            let detail = match now.stat.kind {
                Kind::File => Size(now.stat.size).to_string(),
                _ => String::new(),
            };
            let change = Change::remove(word(now.stat.kind), path, detail).risk(Risk::Disruptive);
            return Ok(Plan::of(change, step(false), gone));
        }
        if path == "/" {
            return Err(Refusal::new("the root directory is not removed"));
        }
        let in_use = |at: &str| {
            Refusal::new(format!("{path} is not removed: something is mounted at {at}"))
                .help(format!("unmount it first, with `mount: path={at} state=absent`"))
        };
        let folder = machine.files.follow(paths::parent(path)).1;
        // Predicted things have no device number: nobody can have mounted anything there.
        let differs = |one: u64, other: u64| one != 0 && other != 0 && one != other;
        if folder.is_some_and(|folder| differs(folder.stat.device, now.stat.device)) {
            return Err(in_use(path));
        }
        let tree = machine.files.below(path);
        if let Some((at, _)) = tree.entries.iter().find(|(_, stat)| differs(stat.device, now.stat.device)) {
            return Err(in_use(at));
        }
        if tree.entries.is_empty() {
            return Ok(Plan::of(Change::remove("directory", path, "empty"), step(false), gone));
        }
        let bytes = tree.entries.values().filter(|stat| stat.kind == Kind::File).map(|stat| stat.size).sum();
        let loss = format!(
            "{}{} entries with {} in them would be gone",
            if tree.cut { "more than " } else { "" },
            tree.entries.len(),
            Size(bytes)
        );
        let change = Change::destroy("directory", path, format!("remove:{path}"), loss);
        Ok(Plan::of(change, step(true), gone))
    }

    fn touch(&self, machine: &Machine, path: &str) -> Result<Plan, Refusal> {
        let touch = |path: &str, metadata: Metadata| [Step::Touch { path: path.to_owned(), metadata }];
        let (path, now) = match machine.files.follow(path) {
            (target, Some(now)) => (target, Some(now)),
            (_, None) => (path.to_owned(), None),
        };
        if let Some(now) = now {
            let placed = self.ownership().of_old(machine, &now.stat)?;
            let mut change = Change::modify(word(now.stat.kind), path.as_str(), "touched");
            change.attributes = placed.differences(&now.stat);
            Ok(Plan::of(change, touch(&path, placed.metadata.clone()), [put(&path, now, &placed)]))
        } else {
            paths::folder_exists(machine, &path)?;
            let placed = self.ownership().of_new(machine, &path, Kind::File)?;
            let effect =
                FilesEffect::Put { path: path.clone(), state: placed.state(Kind::File, Some(Vec::new())) };
            let change = Change::create("file", path.as_str(), "empty");
            Ok(Plan::of(change, touch(&path, placed.metadata), [Prediction::Files(effect)]))
        }
    }

    fn link(&self, machine: &Machine, path: &str, hard: bool) -> Result<Plan, Refusal> {
        let (Some(written), Some(source)) = (self.src.as_deref(), self.source()) else {
            return Err(Refusal::new(format!("{path} cannot become a link: `src` does not say where to")));
        };
        let (target, found) = machine.files.follow(&source);
        let nowhere = || Refusal::new(format!("{path} would lead nowhere: there is no {source}"));
        let now = machine.files.at(path);
        let linked = match (hard, now) {
            (false, Some(now)) => now.stat.target.as_deref().is_some_and(|at| at.to_str() == Some(written)),
            (true, Some(now)) => found.is_some_and(|found| same_file(found, now)),
            (_, None) => false,
        };
        let mut plan = Plan::empty();
        if !linked {
            if found.is_none() && (hard || !(self.force || machine.packages.expected)) {
                let help = "make it first, or let `force: true` make a link that leads nowhere";
                return Err(if hard { nowhere() } else { nowhere().help(help) });
            }
            paths::folder_exists(machine, path)?;
            let (kind, arrow) = if hard { ("hard link", "=") } else { ("link", "->") };
            let mut change = match now {
                None => Change::create(kind, path, format!("{arrow} {written}")),
                Some(_) => Change::modify(kind, path, format!("{arrow} {written}")),
            };
            self.replaced(path, now, &mut change)?;
            let (step, state) = match found {
                Some(found) if hard => {
                    let mut state = found.clone();
                    state.stat.links += 1;
                    (Step::HardLink { path: path.to_owned(), target }, state)
                }
                _ => {
                    let (uid, gid) = machine.accounts.own;
                    let step = Step::Link { path: path.to_owned(), target: written.to_owned() };
                    (step, FileState::expected_link(written, uid, gid))
                }
            };
            plan.push(change, [step], [Prediction::Files(FilesEffect::Put { path: path.to_owned(), state })]);
        }
        if !self.ownership().is_nothing() && self.follow != Some(false) {
            self.adjust(machine, &machine.files.follow(&source).0, &mut plan)?;
        }
        Ok(plan)
    }

    /// What a link takes the place of.
    fn replaced(&self, path: &str, now: Option<&FileState>, change: &mut Change) -> Result<(), Refusal> {
        let Some(now) = now else { return Ok(()) };
        match now.stat.kind {
            Kind::Link => Ok(()),
            Kind::File if self.force => {
                if now.stat.size > 0 {
                    change.op = Op::Modify;
                    change.risk = Risk::Destructive;
                    change.token = Some(format!("remove:{path}"));
                    change.loss = Some(format!("the file there has {} in it", Size(now.stat.size)));
                }
                Ok(())
            }
            Kind::File => Err(Refusal::new(format!("{path} is a file, and would become a link"))
                .fact(format!("it has {} in it", Size(now.stat.size)))
                .help("`force: true` asks for that; a file with content then still needs consent")),
            other => Err(Refusal::new(format!("{path} is {} and does not become a link", other.name()))),
        }
    }
}

impl Module for File {
    fn needs(&self) -> Needs {
        let path = self.own_path();
        let mut needs = self.ownership().needs().path(path.as_str()).path(paths::parent(&path));
        if matches!(self.state, Some(State::Directory) | None) {
            needs = paths::ancestors(&path).into_iter().fold(needs, Needs::path);
        }
        if let Some(source) = self.source() {
            needs = needs.path(source);
        }
        if self.recurse || self.state == Some(State::Absent) {
            needs.trees.push(path);
        }
        needs
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        paths::absolute("path", &self.path)?;
        let path = self.own_path();
        let found = machine.files.follow(&path).1.map(|state| state.stat.kind);
        let state = self.state.unwrap_or(match machine.files.at(&path).map(|state| state.stat.kind) {
            _ if self.recurse => State::Directory,
            Some(Kind::Directory) => State::Directory,
            Some(Kind::Link) if self.src.is_some() => State::Link,
            _ => State::File,
        });
        if self.recurse && state != State::Directory {
            return Err(Refusal::new(format!("`recurse` is for directories, and {path} is to be none")));
        }
        match state {
            State::Directory => self.directory(machine, &path),
            State::Absent => Self::absent(machine, &path),
            State::Touch => self.touch(machine, &path),
            State::Link => self.link(machine, &path, false),
            State::Hard => self.link(machine, &path, true),
            State::File => match found {
                None => Err(Refusal::new(format!("there is no file {path}"))
                    .help("`state: file` only changes one that is there: use `touch`, `copy` or `template`")),
                Some(Kind::Directory) if self.state.is_some() => {
                    Err(Refusal::new(format!("{path} is a directory and not a file")))
                }
                Some(_) => {
                    let mut plan = Plan::empty();
                    self.adjust(machine, &self.subject(machine), &mut plan)?;
                    Ok(plan)
                }
            },
        }
    }

    fn result(&self, done: &Done<'_>) -> Result<Map<String, Value>, Failure> {
        let key = if matches!(self.state, Some(State::Link | State::Hard | State::Touch)) {
            "dest"
        } else {
            "path"
        };
        let mut result = paths::described(done.after, key, &self.own_path());
        if let Some(src) = &self.src {
            result.insert("src".to_owned(), src.as_str().into());
        }
        Ok(result)
    }

    fn repeats(&self) -> bool {
        self.state == Some(State::Touch)
    }
}

fn same_file(one: &FileState, other: &FileState) -> bool {
    let (one, other) = (&one.stat, &other.stat);
    // A predicted hard link has the numbers of its source.
    one.kind == other.kind && (one.inode, one.device) == (other.inode, other.device)
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::Directory => "directory",
        Kind::Link => "link",
        Kind::BlockDevice => "block device",
        Kind::Other => "special file",
    }
}

/// The same thing with another owner, group and mode.
fn put(path: &str, now: &FileState, placed: &Placed) -> Prediction {
    let mut state = FileState { stat: now.stat.clone(), content: None };
    (state.stat.mode, state.stat.uid, state.stat.gid) = (placed.mode, placed.uid, placed.gid);
    Prediction::Files(FilesEffect::Put { path: path.to_owned(), state })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::files::Tree;

    fn machine(states: &[(&str, FileState)]) -> Machine {
        let mut machine = Machine::default();
        for (path, state) in states {
            let mut state = state.clone();
            (state.stat.device, state.stat.inode) = (1, path.len() as u64);
            machine.files.seen.insert((*path).to_owned(), Some(state));
        }
        machine
    }

    fn folder() -> FileState {
        FileState::expected(Kind::Directory, 0o755, 0, 0, None)
    }

    fn text() -> FileState {
        FileState::expected(Kind::File, 0o644, 0, 0, Some(b"text".to_vec()))
    }

    fn file(args: &str) -> File {
        serde_json::from_str(args).unwrap()
    }

    fn shown(plan: &Plan) -> Vec<String> {
        plan.actions.iter().flat_map(|action| &action.steps).map(Step::shown).collect()
    }

    /// The plan, and that nothing is left to do after it.
    fn settled(file: &File, machine: &Machine) -> Plan {
        let plan = file.plan(machine).unwrap();
        let mut after = machine.clone();
        plan.actions.iter().flat_map(|action| &action.predicts).for_each(|one| one.apply(&mut after));
        assert!(file.repeats() || file.plan(&after).unwrap().is_empty());
        plan
    }

    #[test]
    fn makes_a_directory_and_those_above_it() {
        let machine = machine(&[("/srv", folder())]);
        let plan = settled(&file(r#"{"path": "/srv/a/b/", "state": "directory", "mode": "0750"}"#), &machine);
        let steps = shown(&plan);
        assert_eq!(steps, ["make directory /srv/a", "make directory /srv/a/b"]);
        let adjust = file(r#"{"path": "/srv", "mode": "u=rwx,go="}"#);
        assert_eq!(shown(&settled(&adjust, &machine)), ["set mode 0700 of /srv"]);
    }

    #[test]
    fn a_directory_with_content_needs_consent() {
        let mut machine = machine(&[("/d", folder()), ("/f", text())]);
        let absent = file(r#"{"path": "/d", "state": "absent"}"#);
        assert_eq!(settled(&absent, &machine).actions[0].change.risk, Risk::Reversible);
        let tree = Tree { entries: [("/d/x".to_owned(), text().stat)].into(), cut: false };
        machine.files.trees.insert("/d".into(), tree);
        let plan = settled(&absent, &machine);
        let change = &plan.actions[0].change;
        assert_eq!(change.token.as_deref(), Some("remove:/d"));
        assert_eq!(change.loss.as_deref(), Some("1 entries with 4 B in them would be gone"));
        let plan = settled(&file(r#"{"path": "/f", "state": "absent"}"#), &machine);
        assert_eq!(plan.actions[0].change.risk, Risk::Disruptive);
        machine.files.trees.get_mut("/d").unwrap().entries.get_mut("/d/x").unwrap().device = 2;
        assert!(absent.plan(&machine).unwrap_err().title.contains("something is mounted at /d/x"));
    }

    #[test]
    fn links_lead_somewhere_and_destroy_nothing() {
        let machine = machine(&[("/etc", folder()), ("/etc/real", text()), ("/etc/file", text())]);
        let link = |path: &str, src: &str, force: bool| {
            file(&format!(r#"{{"path": "{path}", "src": "{src}", "state": "link", "force": {force}}}"#))
        };
        let plan = settled(&link("/etc/new", "real", false), &machine);
        assert_eq!(shown(&plan), ["link /etc/new -> real"]);
        let nowhere = link("/etc/new", "none", false).plan(&machine).unwrap_err();
        assert_eq!(nowhere.title, "/etc/new would lead nowhere: there is no /etc/none");
        assert!(link("/etc/file", "real", false).plan(&machine).is_err());
        let plan = settled(&link("/etc/file", "real", true), &machine);
        assert_eq!(plan.actions[0].change.token.as_deref(), Some("remove:/etc/file"));
        let hard = file(r#"{"path": "/etc/hard", "src": "/etc/real", "state": "hard"}"#);
        assert_eq!(shown(&settled(&hard, &machine)), ["hard link /etc/hard = /etc/real"]);
    }

    #[test]
    fn touch_acts_every_time() {
        let machine = machine(&[("/", folder()), ("/old", text())]);
        let touch = |path: &str| file(&format!(r#"{{"path": "{path}", "state": "touch"}}"#));
        assert_eq!(settled(&touch("/old"), &machine).actions[0].change.op, Op::Modify);
        assert_eq!(settled(&touch("/new"), &machine).actions[0].change.op, Op::Create);
        assert!(touch("/none/new").plan(&machine).is_err());
    }

    #[test]
    fn recursion_touches_only_what_differs() {
        let mut machine = machine(&[("/d", folder())]);
        let mut program = text().stat;
        program.mode = 0o755;
        let entries = [("/d/x".to_owned(), text().stat), ("/d/y".to_owned(), program)].into();
        machine.files.trees.insert("/d".into(), Tree { entries, cut: false });
        let recurse = file(r#"{"path": "/d", "recurse": true, "mode": "u=rwX,g=rX,o="}"#);
        let plan = settled(&recurse, &machine);
        assert_eq!(shown(&plan), ["set mode 0750 of /d", "set mode 0640 of /d/x", "set mode 0750 of /d/y"]);
    }
}
