//! `nfs_export`: what the NFS server offers to whom.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::devices::checked_text;
use super::{Describe, Module};
use crate::exec::Kind;
use crate::machine::exports::{Exports, ExportsEffect};
use crate::machine::files::{FileState, FilesEffect};
use crate::machine::{Domain, Machine, Needs, Prediction};
use crate::modules::presence::State;
use crate::plan::{Change, Metadata, Plan, Refusal, Risk, Step};
use crate::tools::exportfs;

checked_text!(
    /// An exported path.
    ExportPath,
    |text| {
        if text.starts_with('/') { Ok(()) } else { Err(format!("`{text}` is no absolute path")) }
    }
);
checked_text!(
    /// The name of a file of exports.
    FileName,
    |text| {
        let plain = text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_.-".contains(letter));
        if plain && !text.is_empty() { Ok(()) } else { Err(format!("`{text}` is no name: letters, digits, `_`, `.`, `-`")) }
    }
);

/// Exports a folder over NFS, in a file of its own below `/etc/exports.d`, and compares what the server really offers.
///
/// The path has to be a folder. Where fstab wants something mounted there, it has to be mounted.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NfsExport {
    /// The folder that is offered.
    path: ExportPath,
    /// To whom: a mapping of host, network or `*` to options, or a list of `host` and `options`. Needed while
    /// `present`.
    clients: Option<Clients>,
    /// The file: `NAME` becomes `/etc/exports.d/holdfast-NAME.exports`. Made of the path when left out.
    name: Option<FileName>,
    /// Whether it is exported.
    #[serde(default)]
    state: State,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Clients {
    List(Vec<Client>),
    Map(BTreeMap<String, Options>),
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Client {
    /// A host, a network, `@netgroup` or `*`.
    host: String,
    /// Export options.
    #[serde(default)]
    options: Options,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Options {
    Text(String),
    List(Vec<String>),
    #[default]
    None,
}

impl Options {
    fn words(&self) -> Vec<String> {
        let words: Vec<String> = match self {
            Self::Text(text) => text.split(',').map(|word| word.trim().to_owned()).collect(),
            Self::List(words) => words.iter().map(|word| word.trim().to_owned()).collect(),
            Self::None => Vec::new(),
        };
        words.into_iter().filter(|word| !word.is_empty()).collect()
    }
}

impl Describe for NfsExport {
    const NAME: &'static str = "nfs_export";
    const EXAMPLE: &'static str = "\
nfs_export:
  path: /srv/kvm
  clients:
    10.0.0.0/24: rw,sync,no_root_squash
";
}

const FOLDER: &str = "/etc/exports.d";

impl Module for NfsExport {
    fn needs(&self) -> Needs {
        Needs::of([Domain::Block, Domain::Mounts, Domain::Exports])
            .path(self.target())
            .path(FOLDER)
            .content(self.file())
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let none = Exports::default();
        let exports = machine.exports.as_ref().unwrap_or(&none);
        match self.state {
            State::Present => self.offer(machine, exports),
            State::Absent => self.withdraw(machine, exports),
        }
    }
}

impl NfsExport {
    fn target(&self) -> &str {
        match self.path.trim_end_matches('/') {
            "" => "/",
            path => path,
        }
    }

    fn file(&self) -> String {
        let name = match &self.name {
            Some(name) => name.to_string(),
            None => {
                let plain = |letter: char| {
                    if letter.is_ascii_alphanumeric() || "_.".contains(letter) { letter } else { '-' }
                };
                self.target().trim_start_matches('/').chars().map(plain).collect()
            }
        };
        format!("{FOLDER}/holdfast-{}.exports", if name.is_empty() { "root" } else { &name })
    }

    fn clients(&self) -> Result<BTreeMap<String, Vec<String>>, Refusal> {
        let mut all = BTreeMap::new();
        let mut add = |host: &str, options: &Options| {
            if host.is_empty()
                || host.contains(|letter: char| letter.is_whitespace() || "()".contains(letter))
            {
                return Err(Refusal::new(format!("`{host}` is no client of an NFS server")));
            }
            let mut words = options.words();
            // Spelt out, because exportfs warns where they are not.
            for pair in [["sync", "async"], ["no_subtree_check", "subtree_check"]] {
                if !words.iter().any(|word| pair.contains(&word.as_str())) {
                    words.push(pair[0].to_owned());
                }
            }
            match all.insert(host.to_owned(), words) {
                Some(_) => {
                    Err(Refusal::new(format!("the client `{host}` is given twice for {}", self.target())))
                }
                None => Ok(()),
            }
        };
        match &self.clients {
            Some(Clients::List(list)) => {
                list.iter().try_for_each(|client| add(&client.host, &client.options))?;
            }
            Some(Clients::Map(map)) => map.iter().try_for_each(|(host, options)| add(host, options))?,
            None => {}
        }
        if all.is_empty() {
            return Err(Refusal::new(format!(
                "to whom {} is exported is not given: `clients`",
                self.target()
            )));
        }
        Ok(all)
    }

    fn offer(&self, machine: &Machine, exports: &Exports) -> Result<Plan, Refusal> {
        let (target, file) = (self.target(), self.file());
        let clients = self.clients()?;
        let seen = |path: &str| machine.files.seen.get(path).and_then(Option::as_ref);
        match seen(target) {
            Some(found) if found.stat.kind == Kind::Directory => {}
            Some(found) => {
                return Err(Refusal::new(format!(
                    "{target} cannot be exported: it is {}",
                    found.stat.kind.name()
                )));
            }
            None => {
                return Err(Refusal::new(format!("{target} cannot be exported: there is no such folder")));
            }
        }
        if let Some(mounts) = &machine.mounts
            && mounts.fstab.iter().any(|entry| entry.path == target)
            && mounts.at(target).is_none()
        {
            return Err(Refusal::new(format!("{target} is not exported while nothing is mounted there"))
                .fact("fstab wants a file system there; clients would write into the folder below it")
                .help("mount it first, with `mount` and `state: mounted`"));
        }
        let content = exportfs::file(target, &clients).into_bytes();
        let before = seen(&file).and_then(|found| found.content.clone());
        let wanted: BTreeMap<_, _> =
            clients.iter().map(|(client, options)| (client.clone(), exportfs::expanded(options))).collect();
        let effect = ExportsEffect::Put { path: target.to_owned(), clients: wanted };
        let written = before.as_ref() == Some(&content);
        if written && effect.holds(exports).is_ok() {
            return Ok(Plan::empty());
        }
        let mut steps = Vec::new();
        let mut predicts = vec![Prediction::Exports(effect)];
        if !written {
            if seen(FOLDER).is_none() {
                let metadata = Metadata { mode: Some(0o755), ..Metadata::default() };
                steps.push(Step::Directory { path: FOLDER.to_owned(), metadata });
                let state = FileState::expected(Kind::Directory, 0o755, 0, 0, None);
                predicts.push(Prediction::Files(FilesEffect::Put { path: FOLDER.to_owned(), state }));
            }
            let metadata = Metadata { uid: Some(0), gid: Some(0), mode: Some(0o644) };
            steps.push(Step::Write { path: file.clone(), content: content.clone(), metadata, backup: false });
            let state = FileState::expected(Kind::File, 0o644, 0, 0, Some(content.clone()));
            predicts.push(Prediction::Files(FilesEffect::Put { path: file.clone(), state }));
        }
        steps.push(Step::run(exportfs::apply()));
        let list: Vec<&str> = clients.keys().map(String::as_str).collect();
        let change = if before.is_none() {
            Change::create("NFS export", target, format!("to {}", list.join(", ")))
        } else {
            Change::modify("NFS export", target, format!("to {}", list.join(", ")))
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let change =
            if written { change } else { change.text(text(&before.unwrap_or_default()), text(&content)) };
        Ok(Plan::of(change, steps, predicts))
    }

    fn withdraw(&self, machine: &Machine, exports: &Exports) -> Result<Plan, Refusal> {
        let (target, file) = (self.target(), self.file());
        let there = machine.files.seen.get(&file).is_some_and(Option::is_some);
        let live = exports.live.get(target);
        match live {
            Some(clients) if !there => {
                let clients: Vec<&str> = clients.keys().map(String::as_str).collect();
                return Err(Refusal::new(format!("{target} is exported, and not by {file}"))
                    .fact(format!("it is exported to {}", clients.join(", ")))
                    .help("`name` says which file of ours it is in; another line, such as one in /etc/exports, is removed there"));
            }
            None if !there => return Ok(Plan::empty()),
            _ => {}
        }
        let mut predicts = vec![Prediction::Files(FilesEffect::Gone { path: file.clone() })];
        if live.is_some() {
            let effect = ExportsEffect::Put { path: target.to_owned(), clients: BTreeMap::new() };
            predicts.push(Prediction::Exports(effect));
        }
        let steps = [Step::Remove { path: file, recursive: false }, Step::run(exportfs::apply())];
        Ok(Plan::of(Change::remove("NFS export", target, "").risk(Risk::Disruptive), steps, predicts))
    }
}
