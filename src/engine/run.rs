//! A whole run: one playbook after the other, one play after the other.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::agents::Line;
use super::interrupt::Interrupt;
use super::play::PlayRun;
use super::settings::{FORKS, Settings};
use super::teller::{Listener, Teller};
use super::world::World;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::event::{Cost, SCHEMA, What};
use crate::exit::Exit;
use crate::inventory::Inventory;
use crate::playbook::{Library, Order, Play, Playbook};
use crate::template::{Raw, Scope, Templar, Variables};
use crate::transport::Parcel;
use crate::value::{Map, Value};

/// Everything a run needs. Nothing has been contacted yet.
pub struct Run {
    pub playbooks: Vec<Playbook>,
    pub inventory: Inventory,
    pub limit: Option<String>,
    pub settings: Settings,
    pub library: Arc<Library>,
    pub templar: Templar,
    pub parcel: Parcel,
}

/// What goes on from play to play.
pub(super) struct Course {
    pub(super) world: Arc<World>,
    pub(super) tell: Teller,
    /// Hosts that failed or were lost: they take no part in later plays.
    pub(super) out: BTreeSet<String>,
    /// The first task to run, until it was reached.
    pub(super) start_at: Option<usize>,
    pub(super) next_task: u32,
}

impl Run {
    /// Runs it to its end. Err: no host was touched, because the text is wrong or no host is meant.
    pub async fn go(self, listener: Listener, interrupt: Interrupt) -> Result<Exit, Diagnostics> {
        let hosts =
            hosts_of(&self.playbooks, &self.inventory, self.limit.as_deref(), &self.settings, &self.templar)?;
        let start_at = match &self.settings.start_at_task {
            Some(pattern) => Some(start_at(&self.playbooks, pattern)?),
            None => None,
        };
        let tell = Teller::new(listener);
        let distinct: BTreeSet<&String> = hosts.iter().flatten().flatten().collect();
        tell.tell(What::RunStarted {
            schema: SCHEMA,
            playbooks: self.playbooks.iter().map(|playbook| playbook.path.to_string()).collect(),
            dry: self.settings.dry,
            hosts: distinct.len(),
        });
        for warning in self.playbooks.iter().flat_map(|playbook| &playbook.warnings) {
            tell.warning(warning.render_warning(false));
        }
        let forks = if self.settings.forks == 0 { FORKS } else { self.settings.forks };
        let line = Line {
            parcel: self.parcel,
            connecting: Semaphore::new(forks),
            holder: self.settings.holder.clone(),
            interrupt: interrupt.clone(),
        };
        let asked = {
            let (tell, interrupt) = (tell.clone(), interrupt.clone());
            tokio::spawn(async move {
                interrupt.wait().await;
                tell.stopping();
            })
        };
        let world = Arc::new(World::new(self.inventory, self.settings, self.templar, self.library, line));
        let mut course = Course { world, tell: tell.clone(), out: BTreeSet::new(), start_at, next_task: 0 };
        for (playbook, hosts) in self.playbooks.iter().zip(&hosts) {
            for (play, names) in playbook.plays.iter().zip(hosts) {
                if !interrupt.is_asked() {
                    PlayRun::go(&mut course, playbook, play, names).await;
                }
            }
        }
        asked.abort();
        let (recap, exit, pending) = tell.tally(|tally| (tally.recap(), tally.exit(), tally.pending));
        let interrupted = interrupt.is_asked();
        tell.tell(What::RunEnded { recap, elapsed_ms: tell.elapsed_ms(), interrupted, cost: cost() });
        Ok(match exit {
            _ if interrupted => Exit::Interrupted,
            Exit::Done if pending => Exit::Pending,
            other => other,
        })
    }
}

/// What this process has used so far. Source: proc(5), `VmHWM` and the CPU clock of the process.
fn cost() -> Cost {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let cpu_ms = u64::try_from(used.tv_sec * 1000 + used.tv_nsec / 1_000_000).unwrap_or(0);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok());
    Cost { cpu_ms, peak_memory_kib: peak.unwrap_or(0) }
}

/// The hosts of every play of every playbook, limited, in the order they are worked on. All complaints at once.
pub fn hosts_of(
    playbooks: &[Playbook],
    inventory: &Inventory,
    limit: Option<&str>,
    settings: &Settings,
    templar: &Templar,
) -> Result<Vec<Vec<Vec<String>>>, Diagnostics> {
    let mut found = Diagnostics::default();
    let mut all = Vec::new();
    let mut patterns = Vec::new();
    for playbook in playbooks {
        let mut plays = Vec::new();
        for play in &playbook.plays {
            let pattern = pattern(play, settings, templar);
            let names = pattern.and_then(|pattern| {
                patterns.push(pattern.clone());
                hosts_of_play(play, &pattern, inventory, limit)
            });
            plays.push(found.take(names).unwrap_or_default());
        }
        all.push(plays);
    }
    if found.is_empty() && all.iter().flatten().all(Vec::is_empty) {
        let mut nobody = Diagnostic::new(match limit {
            Some(limit) => format!("no hosts matched: `{}` limited to `{limit}`", patterns.join("`, `")),
            None => format!("no hosts matched `{}`", patterns.join("`, `")),
        });
        if inventory.hosts().len() == 0 {
            nobody = nobody.help("the inventory is empty; name one with `-i`");
        }
        found.push(nobody);
    }
    found.or(all)
}

fn hosts_of_play(
    play: &Play,
    pattern: &str,
    inventory: &Inventory,
    limit: Option<&str>,
) -> Result<Vec<String>, Diagnostic> {
    let selected = inventory.select(pattern, Some(&play.span))?;
    let limited = match limit {
        Some(limit) => inventory.limit(selected, limit)?,
        None => selected,
    };
    let mut names: Vec<String> = limited.into_iter().map(|host| host.name.as_str().to_owned()).collect();
    match play.order {
        Order::Inventory => {}
        Order::ReverseInventory => names.reverse(),
        Order::Sorted => names.sort(),
        Order::ReverseSorted => names.sort_by(|left, right| right.cmp(left)),
    }
    Ok(names)
}

/// `hosts:` as one pattern. It may use the play's own variables and `-e`, nothing else is known yet.
fn pattern(play: &Play, settings: &Settings, templar: &Templar) -> Result<String, Diagnostic> {
    let vars = Known { extra: settings.extra_vars.clone(), play: play.vars.to_map() };
    let scope = Scope::new(Arc::new(vars));
    let mut parts = Vec::new();
    for node in &play.hosts {
        match templar.node(node, &scope)? {
            Value::Array(several) => parts.extend(several.iter().map(super::attempt::plain_text)),
            one => parts.push(super::attempt::plain_text(&one)),
        }
    }
    Ok(parts.join(","))
}

/// Variables that are known before any host is.
#[derive(Debug)]
struct Known {
    extra: Map<String, Value>,
    play: Map<String, Value>,
}

impl Variables for Known {
    fn get(&self, name: &str) -> Option<Raw<'_>> {
        self.extra.get(name).or_else(|| self.play.get(name)).map(Raw::Template)
    }

    fn names(&self) -> Vec<String> {
        self.extra.keys().chain(self.play.keys()).cloned().collect()
    }
}

fn start_at(playbooks: &[Playbook], pattern: &str) -> Result<usize, Diagnostic> {
    let mut complaint = None;
    for playbook in playbooks {
        match playbook.start_at(pattern) {
            Ok(id) => return Ok(id),
            Err(diagnostic) => complaint = Some(diagnostic),
        }
    }
    Err(complaint.unwrap_or_else(|| Diagnostic::new(format!("no task is called `{pattern}`"))))
}
