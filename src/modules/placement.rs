//! A whole file put in place: what `copy` and `template` have in common. No module itself.

use sha1::{Digest, Sha1};

use super::ownership::Ownership;
use super::paths;
use crate::exec::{Command, Kind};
use crate::machine::files::{FilesEffect, LARGEST_CONTENT};
use crate::machine::{Machine, Needs, Prediction};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::units::Size;
use crate::value::{Map, Value};

/// Larger texts are not shown as a difference.
const LARGEST_DIFF: usize = 1 << 20;

/// Content and where it goes.
pub(super) struct Placement<'a> {
    pub(super) dest: &'a str,
    /// The name it has where it comes from; needed where `dest` is a directory.
    pub(super) basename: Option<&'a str>,
    pub(super) ownership: Ownership<'a>,
    pub(super) directory_mode: Option<&'a super::ownership::Mode>,
    /// Whether the folders above are made, as they are for a `dest` that ends with a slash.
    pub(super) make_folders: bool,
    pub(super) backup: bool,
    /// Whether a file that is there with other content is replaced.
    pub(super) force: bool,
    pub(super) follow: bool,
    pub(super) validate: Option<&'a str>,
}

impl Placement<'_> {
    fn candidates(&self) -> Vec<String> {
        let dest = paths::tidy(self.dest);
        let inside = self.basename.map(|name| format!("{}/{name}", dest.trim_end_matches('/')));
        [dest].into_iter().chain(inside).collect()
    }

    pub(super) fn needs(&self) -> Needs {
        let candidates = self.candidates();
        let mut needs = self.ownership.needs();
        for candidate in &candidates {
            needs =
                paths::ancestors(candidate).into_iter().fold(needs, Needs::path).content(candidate.as_str());
        }
        needs
    }

    /// The path the content goes to.
    pub(super) fn path(&self, machine: &Machine) -> Result<String, Refusal> {
        let dest = paths::tidy(self.dest);
        let found = machine.files.follow(&dest).1.map(|state| state.stat.kind);
        let path = if self.dest.ends_with('/') || found == Some(Kind::Directory) {
            let name = self.basename.ok_or_else(|| {
                Refusal::new(format!("{dest} is a directory, and the content has no name of its own"))
                    .help("write the whole path of the file in `dest`")
            })?;
            format!("{}/{name}", dest.trim_end_matches('/'))
        } else {
            dest
        };
        Ok(if self.follow { machine.files.follow(&path).0 } else { path })
    }

    /// What is missing for `content` to be there.
    pub(super) fn plan(&self, machine: &Machine, content: &[u8]) -> Result<Plan, Refusal> {
        paths::absolute("dest", self.dest)?;
        let path = self.path(machine)?;
        let mut plan = Plan::empty();
        let mut ahead = machine.clone();
        if self.make_folders || self.dest.ends_with('/') {
            self.folders(&mut ahead, &path, &mut plan)?;
        } else {
            paths::folder_exists(machine, &path)?;
        }
        let now = machine.files.at(&path);
        let placed = match now {
            Some(now) if now.stat.kind == Kind::Directory => {
                return Err(Refusal::new(format!("{path} is a directory and does not become a file")));
            }
            Some(_) if !self.force => return Ok(Plan::empty()),
            Some(now) if now.stat.kind == Kind::File => self.ownership.of_old(machine, &now.stat)?,
            _ => self.ownership.of_new(&ahead, &path, Kind::File)?,
        };
        let file = now.filter(|now| now.stat.kind == Kind::File);
        if let Some(file) = file
            && file.content.is_none()
            && file.stat.size <= LARGEST_CONTENT
        {
            return Err(Refusal::new(format!("{path} is there, and this user may not read it"))
                .help("let the task become root: `become: true`"));
        }
        let same = file.is_some_and(|file| file.content.as_deref() == Some(content));
        let attributes = file.map(|file| placed.differences(&file.stat)).unwrap_or_default();
        if same && attributes.is_empty() {
            return Ok(plan);
        }
        let mut change = match now {
            None => Change::create("file", path.as_str(), Size(content.len() as u64).to_string()),
            Some(_) => Change::modify("file", path.as_str(), ""),
        };
        change.attributes = attributes;
        let state = placed.state(Kind::File, Some(content.to_vec()));
        let predicts = [Prediction::Files(FilesEffect::Put { path: path.clone(), state })];
        let metadata = placed.metadata;
        if same {
            plan.push(change, [Step::Attributes { path, metadata, recursive: false }], predicts);
            return Ok(plan);
        }
        let before = file.and_then(|file| file.content.as_deref()).unwrap_or_default();
        change.text = shown(before).zip(shown(content));
        if change.text.is_none() {
            change.detail = format!("{}, not shown", Size(content.len() as u64));
        }
        let mut steps = Vec::new();
        if let Some(validate) = self.validate {
            let command = validation(validate)?;
            steps.push(Step::Validate { path: path.clone(), content: content.to_vec(), command });
        }
        steps.push(Step::Write { path, content: content.to_vec(), metadata, backup: self.backup });
        plan.push(change, steps, predicts);
        Ok(plan)
    }

    /// The folders above.
    fn folders(&self, ahead: &mut Machine, path: &str, plan: &mut Plan) -> Result<(), Refusal> {
        for folder in paths::ancestors(path) {
            match ahead.files.follow(folder).1.map(|state| state.stat.kind) {
                Some(Kind::Directory) => continue,
                Some(_) => return Err(Refusal::new(format!("{folder} is no directory"))),
                None => {}
            }
            let ownership = Ownership { mode: self.directory_mode, ..Ownership::default() };
            let placed = ownership.of_new(ahead, folder, Kind::Directory)?;
            let state = placed.state(Kind::Directory, None);
            let effect = FilesEffect::Put { path: folder.to_owned(), state };
            effect.apply(&mut ahead.files);
            let step = Step::Directory { path: folder.to_owned(), metadata: placed.metadata };
            plan.push(Change::create("directory", folder, ""), [step], [Prediction::Files(effect)]);
        }
        Ok(())
    }

    pub(super) fn result(&self, done: &super::Done<'_>, content: &[u8]) -> Map<String, Value> {
        let path = self.path(done.before).unwrap_or_else(|_| paths::tidy(self.dest));
        let mut result = paths::described(done.after, "dest", &path);
        result.insert("checksum".to_owned(), hex(&Sha1::digest(content)).into());
        // The last output of a write that kept the old content is where it is now.
        let wrote = done
            .plan
            .actions
            .iter()
            .flat_map(|action| &action.steps)
            .any(|step| matches!(step, Step::Write { backup: true, .. }));
        if wrote
            && done.before.files.at(&path).is_some_and(|before| before.stat.kind == Kind::File)
            && let Some(output) = done.outputs.last()
        {
            result.insert("backup_file".to_owned(), output.text().into());
        }
        result
    }
}

/// The command that looks at the new content before it is put in place.
pub(super) fn validation(validate: &str) -> Result<Command, Refusal> {
    if !validate.contains("%s") {
        return Err(Refusal::new("`validate` has no `%s` where the path of the new file goes"));
    }
    let mut words = shlex::split(validate).unwrap_or_default().into_iter();
    let program =
        words.next().ok_or_else(|| Refusal::new(format!("`validate` is no command: {validate}")))?;
    Ok(Command::new(program).args(words))
}

/// Text that can be shown as a difference; `None` where it is binary or long.
pub(super) fn shown(content: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(content).ok()?;
    (content.len() <= LARGEST_DIFF && !text.contains('\0')).then(|| text.to_owned())
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
