//! `holdfast exec` and `holdfast facts`: one task without a playbook, by way of a playbook of one task.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use super::begin::{self, Begun};
use super::run::{Args, Mode, go};
use super::targets::Targets;
use crate::engine::Interrupt;
use crate::event::{Event, HostDone, Outcome, What};
use crate::exit::Exit;
use crate::playbook::{Library, Playbook};
use crate::value::Value;

/// Arguments of `holdfast exec`.
#[derive(Debug, clap::Args)]
pub struct Exec {
    /// Which hosts
    #[arg(value_name = "PATTERN")]
    pub pattern: String,
    /// The module
    #[arg(short = 'm', long, default_value = "command", value_name = "MODULE")]
    pub module: String,
    /// Its arguments: `name=value` pairs, free text, or a JSON object
    #[arg(short = 'a', long = "args", default_value = "", value_name = "ARGS")]
    pub arguments: String,
    #[command(flatten)]
    pub show: super::run::Show,
    #[command(flatten)]
    pub targets: Targets,
}

/// Arguments of `holdfast facts`.
#[derive(Debug, clap::Args)]
pub struct Facts {
    /// The host
    #[arg(value_name = "HOST")]
    pub host: String,
    #[command(flatten)]
    pub targets: Targets,
}

/// Runs one module on some hosts.
pub fn exec(args: Exec) -> anyhow::Result<Exit> {
    let playbook = playbook(&args.pattern, &args.module, &args.arguments)?;
    let args = Args {
        playbooks: vec![format!("exec {}", args.module)],
        targets: args.targets,
        show: args.show,
        ..Args::default()
    };
    go(&args, Mode::Run, vec![playbook], Arc::new(Library::new()))
}

/// Prints the facts of one host as JSON.
pub fn facts(args: &Facts) -> anyhow::Result<Exit> {
    let playbook = playbook(&args.host, "setup", "")?;
    let library = Arc::new(Library::new());
    let begun = begin::begin(&args.targets, &library, crate::diagnostic::Diagnostics::default())?;
    let Begun { inventory, settings, .. } = begun;
    let run = begin::assemble(vec![playbook], inventory, settings, library, begin::templar(), None)?;
    let heard: Arc<Mutex<Vec<Event>>> = Arc::default();
    let keep = Arc::clone(&heard);
    let listener = Box::new(move |event| keep.lock().unwrap_or_else(PoisonError::into_inner).push(event));
    let (_stopper, interrupt) = Interrupt::new();
    let runtime = begin::runtime()?;
    let exit = runtime.block_on(run.go(listener, interrupt)).map_err(super::Complaint)?;
    runtime.shutdown_background();
    for event in heard.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        match &event.what {
            What::HostDone(done) => print(done)?,
            What::Unreachable { host, failure, .. } => {
                writeln!(anstream::stderr(), "error: {host}: {failure}")?;
            }
            _ => {}
        }
    }
    Ok(exit)
}

fn print(done: &HostDone) -> anyhow::Result<()> {
    match (&done.outcome, done.result.get("ansible_facts")) {
        (Outcome::Failed { failure, .. }, _) => {
            writeln!(anstream::stderr(), "error: {}: {failure}", done.host)?;
        }
        (_, Some(facts)) => writeln!(anstream::stdout(), "{}", serde_json::to_string_pretty(facts)?)?,
        _ => {}
    }
    Ok(())
}

/// A playbook of one task. JSON is YAML, so nothing has to be quoted by hand.
pub(super) fn playbook(pattern: &str, module: &str, arguments: &str) -> anyhow::Result<Playbook> {
    let arguments = match serde_json::from_str(arguments) {
        Ok(Value::Object(map)) => Value::Object(map),
        _ if arguments.is_empty() => Value::Null,
        _ => Value::from(arguments),
    };
    let task = serde_json::json!({ "name": module, module: arguments });
    let play =
        serde_json::json!([{"name": "exec", "hosts": pattern, "gather_facts": false, "tasks": [task]}]);
    let text = play.to_string();
    let library = Library::holding([("playbooks/exec.yaml", text.as_str())]);
    let templar = begin::templar();
    let loaded = crate::playbook::load("exec", &library, &begin::Checks(&templar));
    Ok(loaded.map_err(super::Complaint)?)
}
