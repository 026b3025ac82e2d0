//! Who is busy with what, and how far the play has come. Pure: it is told the time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::paint::{DIM, RED, YELLOW, clean, count, elapsed, paint};
use crate::event::{Event, HostDone, Outcome, TaskId, What};

/// A step that takes longer than this is worth a look.
const SLOW: Duration = Duration::from_mins(1);

/// The state of a run at this moment.
#[derive(Debug, Default)]
pub(super) struct Board {
    play: String,
    task: String,
    handler: bool,
    tasks: usize,
    hosts: BTreeMap<String, Lane>,
    busy: BTreeMap<String, Busy>,
    failed: usize,
    stopping: bool,
    names: BTreeMap<TaskId, String>,
}

/// One host's way through the play.
#[derive(Debug, Default)]
struct Lane {
    done: usize,
    last: Option<TaskId>,
    gone: bool,
}

#[derive(Debug)]
struct Busy {
    since: Instant,
    step: String,
}

impl Board {
    pub(super) fn hear(&mut self, event: &Event, now: Instant) {
        match &event.what {
            What::PlayStarted { name, hosts, tasks } => {
                self.play.clone_from(name);
                self.task.clear();
                self.tasks = *tasks;
                self.hosts = hosts.iter().map(|host| (host.clone(), Lane::default())).collect();
                self.busy.clear();
            }
            What::TaskStarted { task, name, module, handler, .. } => {
                self.task.clone_from(if name.is_empty() { module } else { name });
                self.handler = *handler;
                self.names.insert(*task, self.task.clone());
            }
            What::HostBusy { task, host, detail } => {
                let step =
                    if detail.is_empty() { self.names.get(task).unwrap_or(&self.task) } else { detail };
                self.busy.insert(host.clone(), Busy { since: now, step: step.clone() });
            }
            What::HostDone(done) => self.done(done),
            What::Unreachable { host, .. } => {
                self.busy.remove(host);
                self.lose(host);
            }
            What::Stopping { .. } => self.stopping = true,
            What::RunEnded { .. } => self.busy.clear(),
            What::RunStarted { .. } | What::Warning { .. } => {}
        }
    }

    fn done(&mut self, done: &HostDone) {
        self.busy.remove(&done.host);
        let lane = self.hosts.entry(done.host.clone()).or_default();
        // Every item of a loop reports; the task counts once.
        if lane.last.replace(done.task) != Some(done.task) {
            lane.done += 1;
        }
        let lost = matches!(done.outcome, Outcome::Failed { .. } | Outcome::Refused { .. });
        if lost && !done.ignored {
            self.lose(&done.host);
        }
    }

    fn lose(&mut self, host: &str) {
        let lane = self.hosts.entry(host.to_owned()).or_default();
        if !lane.gone {
            lane.gone = true;
            self.failed += 1;
        }
    }

    /// Steps done and steps there are; a host that was lost has none left.
    pub(super) fn measure(&self) -> (u64, u64) {
        let done: usize = self.hosts.values().map(|lane| lane.done).sum();
        let all: usize = self
            .hosts
            .values()
            .map(|lane| if lane.gone { lane.done } else { self.tasks.max(lane.done) })
            .sum();
        (done as u64, all as u64)
    }

    /// Hosts that began something and did not say how it ended.
    pub(super) fn unheard(&self) -> Vec<(String, String)> {
        self.busy.iter().map(|(host, busy)| (host.clone(), busy.step.clone())).collect()
    }

    /// What is beside the bar: `the array, 3 hosts busy, 1 lost`.
    pub(super) fn caption(&self) -> String {
        let name = if self.task.is_empty() { &self.play } else { &self.task };
        let mut parts = vec![clean(name).replace('\n', " ")];
        if self.handler {
            parts[0].insert_str(0, "handler ");
        }
        if !self.busy.is_empty() {
            parts.push(format!("{} busy", count(self.busy.len(), "host")));
        }
        if self.failed > 0 {
            parts.push(paint(RED, format!("{} lost", self.failed)));
        }
        if self.stopping {
            parts.push(paint(YELLOW, "stopping"));
        }
        parts.join(", ")
    }

    /// The busiest hosts, slowest first, a line each; `limit` lines at most, the last of which may only count.
    pub(super) fn lines(&self, now: Instant, limit: usize) -> Vec<String> {
        let mut slowest: Vec<(&String, &Busy)> = self.busy.iter().collect();
        slowest.sort_by_key(|(_, busy)| busy.since);
        let named = if slowest.len() > limit { limit.saturating_sub(1) } else { limit };
        let rest = slowest.len().saturating_sub(named);
        slowest.truncate(named);
        let width = slowest.iter().map(|(host, _)| host.chars().count()).max().unwrap_or(0);
        let mut lines: Vec<String> = slowest
            .into_iter()
            .map(|(host, busy)| {
                let age = now.saturating_duration_since(busy.since);
                let style = if age >= SLOW { YELLOW } else { DIM };
                let age = format!("{:>10}", elapsed(u64::try_from(age.as_millis()).unwrap_or(u64::MAX)));
                let step = clean(busy.step.lines().next().unwrap_or_default());
                format!("{:width$} {}  {step}", clean(host), paint(style, age))
            })
            .collect();
        if rest > 0 {
            lines.push(paint(DIM, format!("and {}", count(rest, "more host"))));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::{busy, changed, failed, play, task};
    use super::*;

    #[test]
    fn shows_the_slowest_and_counts_the_rest() {
        let start = Instant::now();
        let mut board = Board::default();
        let hosts: Vec<String> = (1..=12).map(|n| format!("nas{n}")).collect();
        let names: Vec<&str> = hosts.iter().map(String::as_str).collect();
        board.hear(&play("storage", &names, 2), start);
        board.hear(&task(1, "the array"), start);
        for (at, host) in (0u32..).zip(&hosts) {
            board.hear(&busy(1, host, "mdadm --create /dev/md/a"), start + Duration::from_secs(10) * at);
        }
        let lines = board.lines(start + Duration::from_mins(2), 8);
        let lines: Vec<String> =
            lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect();
        assert_eq!(lines.len(), 8);
        assert_eq!(lines[0], "nas1  2 min 0 s  mdadm --create /dev/md/a");
        assert_eq!(lines[6], "nas7  1 min 0 s  mdadm --create /dev/md/a");
        assert_eq!(lines[7], "and 5 more hosts");
    }

    #[test]
    fn counts_tasks_once_and_drops_what_a_lost_host_will_not_do() {
        let now = Instant::now();
        let mut board = Board::default();
        board.hear(&play("storage", &["nas1", "nas2"], 10), now);
        for item in ["a", "b", "c"] {
            board.hear(&changed(1, "nas1", Some(item)), now);
        }
        board.hear(&failed(1, "nas2"), now);
        assert_eq!(board.measure(), (2, 11));
        board.hear(&busy(2, "nas1", "mkfs.xfs /dev/md/a"), now);
        assert_eq!(board.unheard(), [("nas1".to_owned(), "mkfs.xfs /dev/md/a".to_owned())]);
        let caption = anstream::adapter::strip_str(&board.caption()).to_string();
        assert_eq!(caption, "storage, 1 host busy, 1 lost");
    }
}
