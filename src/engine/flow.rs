//! Lists of tasks and blocks, in lock-step. Each part takes the hosts that are there and gives back those that are
//! left, so that `rescue` and `always` need no state of their own.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::attempt::{Fate, Round, plain_text};
use super::local::End;
use super::play::{PlayRun, task_vars};
use super::settings::FORKS;
use super::vars::{HostVars, TaskVars};
use super::world::Host;
use crate::event::{TaskId, What};
use crate::playbook::{Block, Entry, Task, has_template};
use crate::template::Scope;

type Hosts = Vec<Arc<Host>>;

impl PlayRun<'_> {
    /// Runs a list of tasks and blocks; `rescued` says whether something around it takes up failures.
    pub(super) fn entries<'b>(
        &'b mut self,
        entries: Vec<&'b Entry>,
        mut hosts: Hosts,
        rescued: bool,
    ) -> Pin<Box<dyn Future<Output = Hosts> + Send + 'b>> {
        Box::pin(async move {
            for entry in entries {
                if hosts.is_empty() || self.over {
                    break;
                }
                hosts = match entry {
                    Entry::Task(task) => self.task(task, hosts, rescued, false).await,
                    Entry::Block(block) => self.block(block, hosts, rescued).await,
                };
            }
            hosts
        })
    }

    async fn block(&mut self, block: &Block, hosts: Hosts, rescued: bool) -> Hosts {
        let catches = !block.rescue.is_empty();
        let left = self.entries(block.tasks.iter().collect(), hosts.clone(), rescued || catches).await;
        let mut good: BTreeSet<String> = left.iter().map(|host| host.name.clone()).collect();
        if catches {
            let failed: Hosts = hosts.iter().filter(|host| self.has_failed(host, &good)).cloned().collect();
            for host in &failed {
                self.course.tell.tally(|tally| tally.host(&host.name).rescued += 1);
            }
            let saved = self.entries(block.rescue.iter().collect(), failed, rescued).await;
            good.extend(saved.into_iter().map(|host| host.name.clone()));
        }
        let present: Hosts = hosts
            .iter()
            .filter(|host| !self.lost.contains(&host.name) && !self.ended.contains(&host.name))
            .cloned()
            .collect();
        let after = self.entries(block.always.iter().collect(), present, rescued).await;
        after.into_iter().filter(|host| good.contains(&host.name)).collect()
    }

    /// Neither well, nor lost, nor gone by its own wish.
    fn has_failed(&self, host: &Host, good: &BTreeSet<String>) -> bool {
        !good.contains(&host.name) && !self.lost.contains(&host.name) && !self.ended.contains(&host.name)
    }

    /// Runs one task on all hosts at once, and gives back those that are left.
    pub(super) async fn task(
        &mut self,
        task: &Arc<Task>,
        hosts: Hosts,
        rescued: bool,
        handler: bool,
    ) -> Hosts {
        if let Some(first) = self.course.start_at {
            if task.id < first && !handler {
                return hosts;
            }
            self.course.start_at = None;
        }
        if !handler && !self.tags.selects(&task.directives.tags) {
            return hosts;
        }
        if self.course.world.line.interrupt.is_asked() {
            for host in &hosts {
                let title = task.title();
                self.course.tell.tally(|tally| tally.host(&host.name).stopped_at.get_or_insert(title).len());
            }
            return Vec::new();
        }
        self.see(&hosts);
        let round = self.round(task, &hosts, rescued, handler);
        let once = task.directives.run_once.as_ref().is_some_and(|setting| setting.known() == Some(&true));
        let doing = if once { hosts[..1].to_vec() } else { hosts.clone() };
        let fates = all(&round, &doing, self.forks()).await;
        self.follow(&round, hosts, fates, once).await
    }

    fn round(&mut self, task: &Arc<Task>, hosts: &Hosts, rescued: bool, handler: bool) -> Arc<Round> {
        let id = TaskId(self.course.next_task);
        self.course.next_task += 1;
        let vars = Arc::new(task_vars(task));
        self.course.tell.tell(What::TaskStarted {
            task: id,
            name: self.name(task, &vars, hosts),
            module: task.call.does.name().to_owned(),
            at: task.span.to_string(),
            role: task.role.as_ref().map(|role| role.name.clone()),
            handler,
        });
        Arc::new(Round {
            id,
            world: Arc::clone(&self.course.world),
            task: Arc::clone(task),
            play: Arc::clone(&self.vars),
            vars,
            batch: Arc::clone(&self.batch),
            tell: self.course.tell.clone(),
            rescued,
        })
    }

    /// A task's name may use variables; they are those of the first host. What cannot be worked out stays as written.
    fn name(&self, task: &Task, vars: &Arc<TaskVars>, hosts: &Hosts) -> String {
        let written = task.own_title();
        let (Some(node), Some(host)) = (&task.name, hosts.first()) else { return written };
        if !has_template(&written) {
            return written;
        }
        let scope = Scope::new(Arc::new(HostVars {
            world: Arc::clone(&self.course.world),
            memory: host.learnt.snapshot(),
            host: Arc::clone(host),
            play: Arc::clone(&self.vars),
            task: Arc::clone(vars),
            batch: Arc::clone(&self.batch),
        }));
        self.course.world.templar.node(node, &scope).map_or(written, |name| plain_text(&name))
    }

    fn forks(&self) -> usize {
        match self.course.world.settings.forks {
            0 => FORKS,
            forks => forks,
        }
    }

    /// Draws the consequences of a task for the hosts of the batch.
    async fn follow(
        &mut self,
        round: &Round,
        hosts: Hosts,
        fates: Vec<(Arc<Host>, Fate)>,
        once: bool,
    ) -> Hosts {
        let mut gone = BTreeSet::new();
        let mut failed = 0;
        let mut ends = Vec::new();
        for (host, fate) in &fates {
            if fate.lost {
                self.lost.insert(host.name.clone());
            }
            if fate.failed {
                failed += 1;
                gone.insert(host.name.clone());
            }
            for name in &fate.notify {
                self.notify(&host.name, name);
            }
            ends.extend(fate.end.map(|end| (host, end)));
            if once {
                for other in &hosts {
                    if let (Some(name), Some(value)) = (&round.task.register, &fate.registered) {
                        other.learnt.keep(name, value.clone());
                    }
                    if fate.failed {
                        gone.insert(other.name.clone());
                    }
                }
            }
        }
        let fatal = round
            .task
            .directives
            .any_errors_fatal
            .as_ref()
            .map_or(self.any_errors_fatal, |setting| setting.known() == Some(&true));
        let out = self.course.out.len() + gone.len();
        let share = out.saturating_mul(100);
        #[expect(clippy::cast_precision_loss, reason = "counts of hosts are small")]
        let too_many =
            self.max_fail_percentage.is_some_and(|most| share as f64 > most * self.batch_size as f64);
        if failed > 0 && (fatal || too_many) {
            let why = if fatal {
                "`any_errors_fatal` is set"
            } else {
                "more failed than `max_fail_percentage` allows"
            };
            self.course.tell.warning(format!("the play ends for all hosts: {why}"));
            if !round.rescued {
                self.over = true;
            }
            for host in &hosts {
                gone.insert(host.name.clone());
                if !round.rescued {
                    self.course.out.insert(host.name.clone());
                }
            }
        }
        let mut flush = false;
        for (host, end) in ends {
            match end {
                End::Flush => flush = true,
                End::Host => {
                    self.ended.insert(host.name.clone());
                    gone.insert(host.name.clone());
                }
                End::Batch | End::Play => {
                    self.over |= end == End::Play;
                    self.ended.extend(hosts.iter().map(|host| host.name.clone()));
                    gone.extend(hosts.iter().map(|host| host.name.clone()));
                }
            }
        }
        let left: Hosts = hosts.into_iter().filter(|host| !gone.contains(&host.name)).collect();
        if flush { self.flush(left).await } else { left }
    }
}

/// Runs a round on all hosts, so many at once.
async fn all(round: &Arc<Round>, hosts: &[Arc<Host>], forks: usize) -> Vec<(Arc<Host>, Fate)> {
    if let [host] = hosts {
        return vec![(Arc::clone(host), round.on(host).await)];
    }
    let places = Arc::new(Semaphore::new(forks));
    let mut running = JoinSet::new();
    for (at, host) in hosts.iter().enumerate() {
        let (round, host, places) = (Arc::clone(round), Arc::clone(host), Arc::clone(&places));
        running.spawn(async move {
            // The semaphore is never closed; without a place the host would simply not wait.
            let _place = places.acquire().await;
            let fate = round.on(&host).await;
            (at, host, fate)
        });
    }
    let mut fates = Vec::with_capacity(hosts.len());
    while let Some(ended) = running.join_next().await {
        match ended {
            Ok(fate) => fates.push(fate),
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
    fates.sort_by_key(|(at, _, _)| *at);
    fates.into_iter().map(|(_, host, fate)| (host, fate)).collect()
}
