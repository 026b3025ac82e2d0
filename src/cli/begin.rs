//! What every subcommand with hosts begins with: the inventory, the flags as settings, the secrets to mask.

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use super::targets::Targets;
use super::{Complaint, password};
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::engine::{Run, Settings};
use crate::inventory::{Inventory, is_secret};
use crate::playbook::{Library, Lint, Playbook};
use crate::secret::Secrets;
use crate::template::{FileRoots, Templar};
use crate::transport::Parcel;
use crate::value::{Map, Value};
use crate::yaml::{self, Node};

/// The inventory and the settings that come from flags.
pub(super) struct Begun {
    pub(super) inventory: Inventory,
    pub(super) settings: Settings,
    pub(super) secrets: Secrets,
}

/// Reads the inventory and the flags; `found` is what was wrong before. Everything wrong is said at once.
pub(super) fn begin(
    targets: &Targets,
    library: &Arc<Library>,
    mut found: Diagnostics,
) -> anyhow::Result<Begun> {
    let sources: Vec<String> = sources(targets).iter().map(|name| library.inventory(name)).collect();
    let inventory = match Inventory::load(&sources, Arc::clone(library) as _) {
        Ok(inventory) => Some(inventory),
        Err(complaints) => {
            found.extend(complaints.0);
            None
        }
    };
    let mut extra_vars = Map::new();
    for text in &targets.extra_vars {
        if let Some(vars) = found.take(extra(text)) {
            extra_vars.extend(vars);
        }
    }
    let ssh_common_args = found.take(words(targets.ssh_common_args.as_deref())).unwrap_or_default();
    let Some(inventory) = inventory.filter(|_| found.is_empty()) else { return Err(Complaint(found).into()) };
    let become_password = become_password(targets)?;
    let secrets = Secrets::default();
    if let Some(password) = &become_password {
        secrets.add(password);
    }
    for (name, value) in &extra_vars {
        if is_secret(name)
            && let Value::String(text) = value
        {
            secrets.add(text);
        }
    }
    for host in inventory.hosts() {
        for (name, var) in inventory.vars(host).iter() {
            if is_secret(name)
                && let Value::String(text) = &var.value
            {
                secrets.add(text);
            }
        }
    }
    let settings = Settings {
        forks: targets.forks.map_or(0, usize::from),
        extra_vars,
        user: targets.user.clone(),
        private_key: targets.private_key.clone(),
        ssh_common_args,
        connection: targets.connection.clone(),
        connect_timeout: targets.timeout,
        elevate: targets.elevate,
        become_user: targets.become_user.clone(),
        become_password,
        secrets: secrets.clone(),
        ..Settings::default()
    };
    Ok(Begun { inventory, settings, secrets })
}

/// Everything a run needs, put together.
pub(super) fn assemble(
    playbooks: Vec<Playbook>,
    inventory: Inventory,
    settings: Settings,
    library: Arc<Library>,
    templar: Templar,
    limit: Option<String>,
) -> anyhow::Result<Run> {
    let parcel = Parcel::new().context("this program could not read itself")?;
    Ok(Run { playbooks, inventory, limit, settings, library, templar, parcel })
}

/// What `-i` says; nothing means nobody but `localhost`.
fn sources(targets: &Targets) -> Vec<String> {
    match (targets.inventory.is_empty(), std::env::var("HOLDFAST_INVENTORY")) {
        (true, Ok(default)) if !default.is_empty() => vec![default],
        _ => targets.inventory.clone(),
    }
}

/// One `-e`: `name=value` pairs (always strings, as in Ansible), a YAML or JSON mapping, or `@FILE` of one.
fn extra(text: &str) -> Result<Map<String, Value>, Diagnostic> {
    if let Some(path) = text.strip_prefix('@') {
        let content = std::fs::read_to_string(path).map_err(|error| {
            Diagnostic::new(format!("cannot read the variables of `-e @{path}`: {error}"))
        })?;
        return mapping(&Source::new(path, content));
    }
    if text.trim_start().starts_with('{') || text.contains(": ") {
        return mapping(&Source::new("-e", text));
    }
    let pairs = shlex::split(text)
        .ok_or_else(|| Diagnostic::new(format!("`-e {text}` has a quote that is never closed")))?;
    let mut vars = Map::new();
    for pair in pairs {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            Diagnostic::new(format!("`-e {pair}` sets nothing"))
                .help("write `-e name=value`, `-e '{name: value}'` or `-e @FILE`")
        })?;
        vars.insert(name.to_owned(), value.into());
    }
    Ok(vars)
}

fn mapping(source: &Arc<Source>) -> Result<Map<String, Value>, Diagnostic> {
    let node = yaml::parse_one(source)?;
    match node.to_value() {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        _ => Err(Diagnostic::new(format!("variables are a mapping, not {}", node.kind())).at(&node.span, "")),
    }
}

fn words(text: Option<&str>) -> Result<Vec<String>, Diagnostic> {
    let text = text.unwrap_or_default();
    shlex::split(text).ok_or_else(|| {
        Diagnostic::new(format!("`--ssh-common-args {text}` has a quote that is never closed"))
    })
}

fn become_password(targets: &Targets) -> anyhow::Result<Option<String>> {
    if let Some(path) = &targets.become_password_file {
        return first_line(path).map(Some);
    }
    if !targets.ask_become_pass {
        return Ok(None);
    }
    if std::io::stdin().is_terminal() {
        return password::ask("BECOME password: ").map(Some);
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("cannot read the password from standard input")?;
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn first_line(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the password file {}", path.display()))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// The template engine, with its files on this machine's disk and in the binary.
pub(super) fn templar() -> Templar {
    Templar::new(FileRoots { files: Arc::new(Library::new()), roots: vec![PathBuf::from(".")] })
}

/// Threads for waiting on hosts: the work itself is small.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// The template engine's checks, as the loader asks for them.
pub(super) struct Checks<'a>(pub(super) &'a Templar);

impl Lint for Checks<'_> {
    fn template(&self, node: &Node) -> Vec<Diagnostic> {
        self.0.check(node)
    }

    fn condition(&self, node: &Node) -> Vec<Diagnostic> {
        self.0.check_condition(node)
    }

    fn file(&self, source: &Arc<Source>) -> Vec<Diagnostic> {
        self.0.check_file(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_variables_in_all_their_forms() {
        assert_eq!(Value::Object(extra("a=1 b='x y'").unwrap()), serde_json::json!({"a": "1", "b": "x y"}));
        assert_eq!(
            Value::Object(extra("{a: 1, b: [yes]}").unwrap()),
            serde_json::json!({"a": 1, "b": [true]})
        );
        assert!(extra("nonsense").is_err());
        assert!(extra("[1]: 2: 3").is_err());
    }
}
