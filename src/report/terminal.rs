//! A run for people: what changed or went wrong, and why, with nothing said twice.
//!
//! Results of a task are held back until its hosts are through, so that equal ones can be folded; a task that has
//! nothing to say is not mentioned. Results go to standard output, progress to standard error.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use super::fold::{self, Entry};
use super::outcome::{self, Told};
use super::paint::{BOLD, DIM, RED, YELLOW, clean, count, elapsed, indent, paint};
use super::plan::Tally;
use super::progress::Progress;
use super::recap::Ending;
use super::{Options, Report};
use crate::event::{Event, HostDone, Outcome, TaskId, What};

/// Human output.
pub struct Terminal {
    options: Options,
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    progress: Progress,
    dry: bool,
    /// The hosts of the play, in its order.
    hosts: Vec<String>,
    /// Hosts that will report no more.
    lost: BTreeSet<String>,
    tasks: BTreeMap<TaskId, Heading>,
    /// Results that were not shown yet; those of `None` belong to no task (a host that was never reached).
    pending: BTreeMap<Option<TaskId>, Vec<Entry>>,
    /// Who has come to the end of which task, said or unsaid.
    through: BTreeMap<TaskId, BTreeSet<String>>,
    loops: BTreeSet<TaskId>,
    warned: BTreeSet<String>,
    tally: Tally,
    finished: bool,
}

/// How a task is announced.
#[derive(Debug)]
struct Heading {
    text: String,
    at: String,
    shown: bool,
}

impl Terminal {
    /// On standard output and standard error, with colours where they are terminals.
    pub fn new(options: Options) -> Self {
        let progress = Progress::new(options.progress);
        Self::on(options, Box::new(anstream::stdout()), Box::new(anstream::stderr()), progress)
    }

    fn on(
        options: Options,
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
        progress: Progress,
    ) -> Self {
        Self {
            options,
            out,
            err,
            progress,
            dry: false,
            hosts: Vec::new(),
            lost: BTreeSet::new(),
            tasks: BTreeMap::new(),
            pending: BTreeMap::new(),
            through: BTreeMap::new(),
            loops: BTreeSet::new(),
            warned: BTreeSet::new(),
            tally: Tally::default(),
            finished: false,
        }
    }

    /// On any two streams, without bars and colours.
    #[cfg(test)]
    pub(super) fn plain(
        options: Options,
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
    ) -> Self {
        Self::on(
            options,
            Box::new(anstream::StripStream::new(Box::new(out) as Box<dyn Write + Send>)),
            Box::new(anstream::StripStream::new(Box::new(err) as Box<dyn Write + Send>)),
            Progress::hidden(),
        )
    }

    fn print(&mut self, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        let out = &mut self.out;
        // A reader that has gone away must not stop the run.
        self.progress.aside(|| {
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        });
    }

    fn note(&mut self, line: &str) {
        let err = &mut self.err;
        self.progress.aside(|| {
            let _ = writeln!(err, "{line}").and_then(|()| err.flush());
        });
    }

    /// Shows what is held back of all tasks, or of one.
    fn flush(&mut self, only: Option<TaskId>) {
        let ready: Vec<Option<TaskId>> =
            self.pending.keys().copied().filter(|task| only.is_none() || *task == only).collect();
        for task in ready {
            let Some(entries) = self.pending.remove(&task) else { continue };
            let mut lines = vec![String::new()];
            if let Some(heading) = task.and_then(|task| self.tasks.get_mut(&task)) {
                let place =
                    if heading.at.is_empty() { String::new() } else { format!(", at {}", heading.at) };
                let again = if heading.shown { " (continued)" } else { "" };
                lines.push(format!("{}{}{again}", paint(BOLD, &heading.text), paint(DIM, place)));
                heading.shown = true;
            }
            let all_names = self.options.verbosity > 0;
            lines.extend(indent(2, fold::lines(&entries, &self.hosts, all_names)));
            self.print(&lines);
        }
    }

    fn play(&mut self, name: &str, hosts: &[String]) {
        self.flush(None);
        self.hosts = hosts.to_vec();
        self.tasks.clear();
        self.through.clear();
        self.loops.clear();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let on = match hosts.as_slice() {
            [] => "no hosts".to_owned(),
            hosts => fold::names(hosts, self.options.verbosity > 0),
        };
        let heading = paint(BOLD, format!("play: {}", clean(name).replace('\n', " ")));
        self.print(&[String::new(), format!("{heading}{}", paint(DIM, format!(", on {on}")))]);
    }

    fn done(&mut self, done: &HostDone) {
        match &done.outcome {
            Outcome::Changed(plan) | Outcome::Withheld(plan) => self.tally.add(&plan.actions),
            Outcome::Failed { plan, done, .. } if !self.dry => {
                self.tally.add(&plan.actions[..(*done).min(plan.actions.len())]);
            }
            _ => {}
        }
        if matches!(done.outcome, Outcome::Failed { .. } | Outcome::Refused { .. }) && !done.ignored {
            self.lost.insert(done.host.clone());
        }
        let at = self.tasks.get(&done.task).map_or("", |heading| heading.at.as_str());
        if let Some(mut told) = outcome::told(done, at, self.options) {
            if self.options.verbosity > 1 {
                told.status = format!("{} ({})", told.status, elapsed(done.elapsed_ms));
            }
            self.hold(Some(done.task), &done.host, done.item.clone(), told);
        }
        if done.item.is_some() {
            self.loops.insert(done.task);
        }
        self.through.entry(done.task).or_default().insert(done.host.clone());
        self.flush_when_all_are_through(done.task);
    }

    fn hold(&mut self, task: Option<TaskId>, host: &str, item: Option<String>, told: Told) {
        self.pending.entry(task).or_default().push(Entry { host: host.to_owned(), item, told });
    }

    /// How many items a loop has is not known here, so the results of a loop wait for the next task.
    fn flush_when_all_are_through(&mut self, task: TaskId) {
        let through = self.through.get(&task);
        let all = self
            .hosts
            .iter()
            .all(|host| self.lost.contains(host) || through.is_some_and(|through| through.contains(host)));
        if all && !self.loops.contains(&task) {
            self.flush(Some(task));
        }
    }

    fn warn(&mut self, text: &str) {
        if !self.warned.insert(text.to_owned()) {
            return;
        }
        let text = clean(text);
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let mut all = vec![format!("{} {first}", paint(YELLOW, "warning:"))];
        all.extend(indent(2, lines.map(str::to_owned)));
        self.print(&all);
    }
}

impl Report for Terminal {
    fn hear(&mut self, event: &Event) {
        // What nobody reported the end of is asked for before the end of the run clears it.
        let unheard = match event.what {
            What::RunEnded { .. } => self.progress.unheard(),
            _ => Vec::new(),
        };
        self.progress.hear(event, &mut self.err);
        match &event.what {
            What::RunStarted { dry, .. } => {
                self.dry = *dry;
                if *dry {
                    self.print(&[paint(BOLD, "dry run: nothing will be changed")]);
                }
            }
            What::PlayStarted { name, hosts, tasks: _ } => self.play(name, hosts),
            What::TaskStarted { task, name, module, at, role, handler } => {
                self.flush(None);
                let kind = if *handler { "handler" } else { "task" };
                let name = if name.is_empty() { module } else { name };
                let role = role.as_ref().map(|role| format!("{role} : ")).unwrap_or_default();
                let text = clean(&format!("{kind}: {role}{name}")).replace('\n', " ");
                self.tasks.insert(*task, Heading { text, at: clean(at), shown: false });
            }
            What::HostBusy { .. } => {}
            What::HostDone(done) => self.done(done),
            What::Unreachable { host, task, failure } => {
                self.lost.insert(host.clone());
                self.hold(*task, host, None, outcome::unreachable(failure));
                if let Some(task) = task {
                    self.flush_when_all_are_through(*task);
                }
            }
            What::Warning { text } => self.warn(text),
            What::Stopping { running } => {
                let running: Vec<&str> = running.iter().map(String::as_str).collect();
                let text = if running.is_empty() {
                    "stopping: nothing is running any more".to_owned()
                } else {
                    let hosts = fold::names(&running, self.options.verbosity > 0);
                    format!(
                        "stopping as soon as the steps that are running have ended, on {hosts} (Ctrl-C again stops now)"
                    )
                };
                self.note(&paint(YELLOW, text));
            }
            What::RunEnded { recap, elapsed_ms, interrupted, cost: _ } => {
                self.flush(None);
                let ending = Ending {
                    recap,
                    tally: self.tally,
                    dry: self.dry,
                    elapsed_ms: *elapsed_ms,
                    interrupted: *interrupted,
                    unheard,
                    all_names: self.options.verbosity > 0,
                };
                let mut lines = vec![String::new()];
                lines.extend(ending.lines());
                self.progress.finish();
                self.print(&lines);
                self.finished = true;
            }
        }
    }

    fn finish(&mut self) {
        if self.finished {
            return;
        }
        self.finished = true;
        self.flush(None);
        let unheard = self.progress.unheard();
        self.progress.finish();
        if !unheard.is_empty() {
            let hosts = count(unheard.len(), "host");
            self.note(&paint(RED, format!("the run broke off while {hosts} had a step running")));
        }
    }
}
