//! `holdfast graph`: a host's storage as a picture, as it is or as it would be after a playbook.
//!
//! The host is looked at by ordinary tasks of ordinary plays, so that reaching it, becoming root and failing are as
//! everywhere. With `--plan` the same is done before and after a dry run of the playbook.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;

use super::begin::{self, Begun};
use super::targets::Targets;
use super::{Complaint, adhoc, interrupts, run};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::engine::{Interrupt, hosts_of};
use crate::event::{Event, HostDone, Outcome, What};
use crate::exit::Exit;
use crate::inventory::Inventory;
use crate::machine::graph::{Compared, Graph};
use crate::playbook::{Directives, Does, Entry, Library, Play, Playbook};
use crate::report::graph::{Picture, dot, svg, tree};
use crate::secret::Secrets;

/// Arguments of `holdfast graph`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The host
    #[arg(value_name = "HOST")]
    pub host: String,
    /// Show what would come and go with this playbook (repeatable); nothing is done
    #[arg(long, value_name = "PLAYBOOK")]
    pub plan: Vec<String>,
    /// The form of the picture [default: as the ending of FILE says, or a tree]
    #[arg(long, value_enum)]
    pub format: Option<Form>,
    /// Write the picture to this file
    #[arg(short = 'O', long = "out", value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// With --plan: only tasks with one of these tags
    #[arg(short = 't', long, value_name = "TAGS", value_delimiter = ',', requires = "plan")]
    pub tags: Vec<String>,
    /// With --plan: no tasks with one of these tags
    #[arg(long, value_name = "TAGS", value_delimiter = ',', requires = "plan")]
    pub skip_tags: Vec<String>,
    /// With --plan: draw as if this destructive change of this object were allowed (repeatable)
    #[arg(long, value_name = "TOKEN", requires = "plan")]
    pub consent: Vec<String>,
    #[command(flatten)]
    pub targets: Targets,
}

/// The forms of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// For the terminal
    Tree,
    /// For browsers and documents
    Svg,
    /// For Graphviz
    Dot,
    /// For programs
    Json,
}

/// The plays that look, before and after. The name says which is which in the stream of events.
const BEFORE: &str = "the storage as it is";
const AFTER: &str = "the storage as it would be";

/// Looks at the host and draws.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut found = Diagnostics::default();
    let form = found.take(form(args)).unwrap_or(Form::Tree);
    if args.targets.limit.is_some() {
        let complaint = Diagnostic::new("a picture shows one host, so there is nothing to limit");
        found.push(complaint.help("name the host itself instead of `--limit`"));
    }
    let templar = begin::templar();
    let library = Arc::new(Library::new());
    let (playbooks, complaints) = run::load(&args.plan, &library, &templar);
    found.extend(complaints.0);
    let Begun { mut inventory, mut settings, secrets } = begin::begin(&args.targets, &library, found)?;
    run::add_vars(&mut inventory, &playbooks)?;
    let host = one_host(&inventory, &args.host).map_err(|one| Complaint(one.into()))?;
    settings.dry = true;
    settings.tags.clone_from(&args.tags);
    settings.skip_tags.clone_from(&args.skip_tags);
    settings.consent.clone_from(&args.consent);
    if !playbooks.is_empty() {
        hosts_of(&playbooks, &inventory, Some(&host), &settings, &templar).map_err(Complaint)?;
    }
    let all = surrounded(&host, playbooks)?;
    let run = begin::assemble(all, inventory, settings, library, templar, Some(host.clone()))?;
    let heard: Arc<Mutex<Heard>> = Arc::default();
    let keep = Arc::clone(&heard);
    let listener = Box::new(move |event: Event| {
        keep.lock().unwrap_or_else(PoisonError::into_inner).hear(event);
    });
    let (stopper, interrupt) = Interrupt::new();
    let runtime = begin::runtime()?;
    let ended = runtime.block_on(async {
        let watching = tokio::spawn(interrupts::watch(stopper));
        let ended = run.go(listener, interrupt).await;
        watching.abort();
        ended
    });
    runtime.shutdown_background();
    let exit = ended.map_err(Complaint)?;
    let heard = std::mem::take(&mut *heard.lock().unwrap_or_else(PoisonError::into_inner));
    for trouble in &heard.troubles {
        writeln!(anstream::stderr(), "error: {host}: {}", crate::report::clean(&secrets.mask(trouble)))?;
    }
    let plan = (!args.plan.is_empty()).then(|| args.plan.join(", "));
    let Some(graph) = heard.compared(plan.is_some())? else {
        return Ok(if exit == Exit::Done || exit == Exit::Pending { Exit::Failed } else { exit });
    };
    let unseen = |text: &str| text.contains("ermission denied");
    if graph.nodes.iter().any(|node| node.thing.notes.iter().any(|note| unseen(&note.text))) {
        writeln!(anstream::stderr(), "help: some of it can only be seen by root: `--become`")?;
    }
    show(args, form, &Picture { host, playbook: plan, graph }, &secrets)?;
    Ok(if exit == Exit::Pending { Exit::Done } else { exit })
}

/// What was told, as far as it matters here.
#[derive(Debug, Default)]
struct Heard {
    play: String,
    before: Option<Graph>,
    after: Option<Graph>,
    troubles: Vec<String>,
}

impl Heard {
    fn hear(&mut self, event: Event) {
        match event.what {
            What::PlayStarted { name, .. } => self.play = name,
            What::Unreachable { failure, .. } => self.troubles.push(failure.to_string()),
            What::HostDone(done) => self.done(&done),
            _ => {}
        }
    }

    fn done(&mut self, done: &HostDone) {
        match &done.outcome {
            Outcome::Failed { failure, .. } if !done.ignored => self.troubles.push(failure.to_string()),
            Outcome::Refused { refusal, .. } if !done.ignored => self.troubles.push(refusal.to_string()),
            _ => {}
        }
        let graph = || serde_json::from_value(done.result.get("graph")?.clone()).ok();
        match self.play.as_str() {
            BEFORE => self.before = graph(),
            AFTER => self.after = graph(),
            _ => {}
        }
    }

    /// One picture of what was seen; none where the playbook did not get to its end.
    fn compared(self, plan: bool) -> anyhow::Result<Option<Compared>> {
        Ok(match (self.before, self.after, plan) {
            (Some(before), _, false) => Some(Compared::alone(&before)),
            (Some(before), Some(after), true) => Some(Compared::of(&before, &after)),
            _ if self.troubles.is_empty() => anyhow::bail!("the host was not looked at"),
            _ => None,
        })
    }
}

fn show(args: &Args, form: Form, picture: &Picture, secrets: &Secrets) -> anyhow::Result<()> {
    let stdout = std::io::stdout();
    let wide = stdout.is_terminal() && args.out.is_none();
    let width = rustix::termios::tcgetwinsize(&stdout).ok().map(|size| usize::from(size.ws_col));
    let text = match form {
        Form::Tree => tree(picture, width.filter(|width| wide && *width > 0)),
        Form::Svg => svg(picture),
        Form::Dot => dot(picture),
        Form::Json => {
            let mut value = serde_json::to_value(picture)?;
            value["schema"] = crate::event::SCHEMA.into();
            format!("{value:#}\n")
        }
    };
    let text = secrets.mask(&text);
    match &args.out {
        Some(path) => {
            let plain = anstream::adapter::strip_str(&text).to_string();
            std::fs::write(path, plain).with_context(|| format!("cannot write {}", path.display()))
        }
        None => Ok(write!(anstream::stdout(), "{text}")?),
    }
}

/// The form that was asked for, or the one a file's ending promises.
fn form(args: &Args) -> Result<Form, Diagnostic> {
    if let Some(form) = args.format {
        return Ok(form);
    }
    let Some(out) = &args.out else { return Ok(Form::Tree) };
    let ending = out.extension().unwrap_or_default();
    match ending.to_str() {
        Some("svg") => Ok(Form::Svg),
        Some("dot" | "gv") => Ok(Form::Dot),
        Some("json") => Ok(Form::Json),
        Some("txt" | "") => Ok(Form::Tree),
        _ => Err(Diagnostic::new(format!("`.{}` is no form of a picture", ending.to_string_lossy()))
            .help("end the file with `.svg`, `.dot`, `.json` or `.txt`, or say `--format`")),
    }
}

fn one_host(inventory: &Inventory, pattern: &str) -> Result<String, Diagnostic> {
    let hosts = inventory.select(pattern, None)?;
    match hosts.as_slice() {
        [host] => Ok(host.name.as_str().to_owned()),
        [] => Err(Diagnostic::new(format!("no host matched `{pattern}`"))),
        several => {
            let names: Vec<&str> = several.iter().take(5).map(|host| host.name.as_str()).collect();
            let more = if several.len() > names.len() { ", ..." } else { "" };
            Err(Diagnostic::new(format!("a picture shows one host, and `{pattern}` means {}", several.len()))
                .help(format!("name one of them: {}{more}", names.join(", "))))
        }
    }
}

/// The playbooks with a look at the host before and after, by the user they act as.
fn surrounded(host: &str, playbooks: Vec<Playbook>) -> anyhow::Result<Vec<Playbook>> {
    let mut before = looking(host, BEFORE)?;
    if playbooks.is_empty() {
        return Ok(vec![before]);
    }
    let mut after = looking(host, AFTER)?;
    if let Some((play, directives)) = acting(&playbooks) {
        act_as(&mut before, play, directives);
        act_as(&mut after, play, directives);
    }
    Ok(std::iter::once(before).chain(playbooks).chain(std::iter::once(after)).collect())
}

fn looking(host: &str, name: &str) -> anyhow::Result<Playbook> {
    let mut playbook = adhoc::playbook(host, "storage_graph", "")?;
    for play in &mut playbook.plays {
        let span = play.span.clone();
        play.name = Some(crate::yaml::Node { value: crate::yaml::Yaml::Str(name.into()), span, tag: None });
        each_task(play, |directives| directives.tags = vec!["always".to_owned()]);
    }
    Ok(playbook)
}

/// The play and the directives that say as whom the playbooks act: those of the last task that becomes somebody, since
/// looking at disks takes root.
fn acting(playbooks: &[Playbook]) -> Option<(&Play, &Directives)> {
    let tasks = playbooks.iter().flat_map(|playbook| &playbook.plays).flat_map(|play| {
        let remote = |task: &&&Arc<crate::playbook::Task>| matches!(task.call.does, Does::Remote(_));
        let tasks: Vec<_> = play.tasks_in_order().into_iter().collect();
        let tasks: Vec<_> = tasks.iter().filter(remote).map(|task| (play, &task.directives)).collect();
        tasks
    });
    let tasks: Vec<(&Play, &Directives)> = tasks.collect();
    tasks.iter().rev().find(|(_, directives)| directives.r#become.is_some()).or(tasks.last()).copied()
}

fn act_as(playbook: &mut Playbook, like: &Play, with: &Directives) {
    for play in &mut playbook.plays {
        // They may be templates of these.
        play.vars.clone_from(&like.vars);
        play.vars_files.clone_from(&like.vars_files);
        play.folder = like.folder.clone();
        each_task(play, |directives| {
            directives.r#become.clone_from(&with.r#become);
            directives.become_user.clone_from(&with.become_user);
            directives.become_flags.clone_from(&with.become_flags);
            directives.remote_user.clone_from(&with.remote_user);
            directives.connection.clone_from(&with.connection);
            directives.port.clone_from(&with.port);
            directives.vars.clone_from(&with.vars);
        });
    }
}

fn each_task(play: &mut Play, change: impl Fn(&mut Directives)) {
    for entry in &mut play.tasks {
        // Just loaded: nobody else has it yet.
        if let Entry::Task(task) = entry
            && let Some(task) = Arc::get_mut(task)
        {
            change(&mut task.directives);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn args(line: &str) -> Args {
        Line::parse_from(std::iter::once("graph").chain(line.split(' '))).args
    }

    #[test]
    fn the_ending_of_the_file_says_the_form_unless_somebody_else_does() {
        assert_eq!(form(&args("nas1")).unwrap(), Form::Tree);
        assert_eq!(form(&args("nas1 -O a/b.svg")).unwrap(), Form::Svg);
        assert_eq!(form(&args("nas1 -O b.svg --format dot")).unwrap(), Form::Dot);
        assert!(form(&args("nas1 -O b.png")).is_err());
    }

    #[test]
    fn the_host_is_looked_at_by_whoever_the_playbook_acts_as() {
        let text = "- hosts: all\n  vars: {root: true}\n  tasks:\n    - command: id\n      become: \"{{ root }}\"\n    - ping:\n";
        let text = text.replace("    - ping:\n", "    - debug: {msg: x}\n");
        let library = Library::holding([("playbooks/p.yaml", text.as_str())]);
        let playbook = crate::playbook::load("p", &library, &crate::playbook::NoLint).unwrap();
        let all = surrounded("nas1", vec![playbook]).unwrap();
        let names: Vec<String> =
            all.iter().flat_map(|playbook| playbook.plays.iter().map(Play::title)).collect();
        assert_eq!(names, [BEFORE, "all", AFTER]);
        let task = |at: usize| Arc::clone(all[at].plays[0].tasks_in_order()[0]);
        assert!(task(2).directives.r#become.is_some());
        assert_eq!(task(0).directives.r#become, task(1).directives.r#become);
        assert_eq!(task(2).directives.tags, ["always"]);
    }
}
