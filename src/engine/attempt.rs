//! One task on one host, from its conditions to its result.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::agents::NoReport;
use super::connection::Reach;
use super::content;
use super::local;
use super::result::{self, Ended};
use super::teller::Teller;
use super::vars::{HostVars, PlayVars, TaskVars};
use super::world::{Host, World};
use super::{reboot, settled};
use crate::diagnostic::Diagnostic;
use crate::event::{HostDone, Outcome, TaskId};
use crate::plan::Failure;
use crate::playbook::{Does, Over, Setting, Task};
use crate::protocol::Order;
use crate::template::Scope;
use crate::value::{Map, Value};

/// One task as it is run on a batch of hosts: everything that is the same for all of them.
pub(super) struct Round {
    pub(super) id: TaskId,
    pub(super) world: Arc<World>,
    pub(super) task: Arc<Task>,
    pub(super) play: Arc<PlayVars>,
    pub(super) vars: Arc<TaskVars>,
    pub(super) batch: Arc<[String]>,
    pub(super) tell: Teller,
    /// A `rescue` around this task takes up its failures.
    pub(super) rescued: bool,
}

/// What became of a host.
#[derive(Debug, Clone, Default)]
pub(super) struct Fate {
    /// It takes no further part, unless a rescue takes it up.
    pub(super) failed: bool,
    pub(super) lost: bool,
    pub(super) changed: bool,
    pub(super) end: Option<local::End>,
    /// Handlers to notify, rendered.
    pub(super) notify: Vec<String>,
    /// What was registered, for hosts that share it (`run_once`).
    pub(super) registered: Option<Value>,
}

/// A way out of an attempt that is no result.
pub(super) enum Out {
    Lost(Failure),
    Ended(Box<Ended>),
    /// What was written cannot be made sense of here and now.
    Wrong(Box<Diagnostic>),
}

impl From<Diagnostic> for Out {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Wrong(Box::new(diagnostic))
    }
}

impl From<Failure> for Out {
    fn from(failure: Failure) -> Self {
        Self::Ended(Box::new(Ended::failed(failure)))
    }
}

impl Round {
    /// Runs the task on one host and tells what became of it.
    pub(super) async fn on(&self, host: &Arc<Host>) -> Fate {
        let scope = self.scope(host);
        match self.whole(host, &scope).await {
            Ok(fate) => fate,
            Err(failure) => self.unreachable(host, &scope, failure),
        }
    }

    pub(super) fn scope(&self, host: &Arc<Host>) -> Scope {
        Scope::new(Arc::new(HostVars {
            world: Arc::clone(&self.world),
            memory: host.learnt.snapshot(),
            host: Arc::clone(host),
            play: Arc::clone(&self.play),
            task: Arc::clone(&self.vars),
            batch: Arc::clone(&self.batch),
        }))
        .searching(content::roots(&self.task))
    }

    fn unreachable(&self, host: &Arc<Host>, scope: &Scope, failure: Failure) -> Fate {
        let ignored = self.flag(self.task.directives.ignore_unreachable.as_ref(), scope).unwrap_or(false);
        if ignored {
            let ended = Ended::failed(failure);
            self.done(host, None, &ended, true, Instant::now());
            return Fate::default();
        }
        self.tell.unreachable(&host.name, Some(self.id), failure);
        Fate { lost: true, failed: true, ..Fate::default() }
    }

    /// The task with its loop. Err: the host was lost.
    async fn whole(&self, host: &Arc<Host>, scope: &Scope) -> Result<Fate, Failure> {
        let started = Instant::now();
        let Some(looping) = &self.task.looping else {
            let (ended, end) = self.item(host, scope).await?;
            let ignored = self.is_ignored(&ended, scope);
            self.done(host, None, &ended, ignored, started);
            return Ok(self.fate(
                host,
                scope,
                std::slice::from_ref(&ended),
                Value::Object(ended.result.clone()),
                end,
            ));
        };
        let items = match self.items(scope) {
            Ok(items) => items,
            // A loop over something undefined is skipped where the task would be skipped anyway.
            Err(diagnostic) => {
                let ended = match self.holds(scope) {
                    Ok(Some(reason)) => Ended::skipped(reason),
                    _ => self.complaint(host, &diagnostic),
                };
                let ignored = self.is_ignored(&ended, scope);
                self.done(host, None, &ended, ignored, started);
                let value = Value::Object(ended.result.clone());
                return Ok(self.fate(host, scope, &[ended], value, None));
            }
        };
        let mut all = Vec::new();
        let count = items.len();
        for (index, value) in items.into_iter().enumerate() {
            let started = Instant::now();
            let mut own = Map::new();
            if let Some(name) = &looping.index_variable {
                own.insert(name.clone(), index.into());
            }
            own.insert("ansible_loop_var".into(), looping.variable.as_str().into());
            own.insert(looping.variable.clone(), value.clone());
            let inner = scope.with_plain(own);
            let label = looping.label.as_ref().and_then(|label| self.world.templar.node(label, &inner).ok());
            let shown = label.unwrap_or_else(|| value.clone());
            let (mut ended, _) = self.item(host, &inner).await?;
            ended.result.insert(looping.variable.clone(), value);
            ended.result.insert("ansible_loop_var".into(), looping.variable.as_str().into());
            let ignored = self.is_ignored(&ended, &inner);
            self.done(host, Some(plain_text(&shown)), &ended, ignored, started);
            all.push(ended);
            if self.world.line.interrupt.is_asked() {
                break;
            }
            if let Some(pause) = &looping.pause
                && index + 1 < count
                && let Ok(seconds) = self.setting(pause, &inner)
            {
                tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
            }
        }
        if all.is_empty() {
            self.done(host, None, &Ended::skipped("the loop has no items"), false, started);
        }
        let registered = Value::Object(result::of_loop(&all));
        Ok(self.fate(host, scope, &all, registered, None))
    }

    /// What follows for the host from the ends of all items.
    fn fate(
        &self,
        host: &Arc<Host>,
        scope: &Scope,
        all: &[Ended],
        registered: Value,
        end: Option<local::End>,
    ) -> Fate {
        let mut fate = Fate { end, ..Fate::default() };
        for ended in all {
            fate.failed |= ended.is_failed() && !self.ignores(scope);
            fate.changed |= ended.is_changed() && !ended.is_failed();
        }
        if let Some(name) = &self.task.register {
            let withheld = all.iter().any(Ended::is_withheld);
            host.learnt.register(name, registered.clone(), withheld);
            fate.registered = Some(registered);
        }
        if fate.changed && !fate.failed {
            for node in &self.task.directives.notify {
                match self.world.templar.node(node, scope) {
                    Ok(Value::Array(names)) => fate.notify.extend(names.iter().map(plain_text)),
                    Ok(name) => fate.notify.push(plain_text(&name)),
                    Err(diagnostic) => self.tell.warning(diagnostic.render(false)),
                }
            }
        }
        fate
    }

    /// One item (or the whole task, where it does not loop): condition, attempts, the task's own verdict.
    async fn item(&self, host: &Arc<Host>, scope: &Scope) -> Result<(Ended, Option<local::End>), Failure> {
        match self.holds(scope) {
            Ok(None) => {}
            Ok(Some(reason)) => return Ok((Ended::skipped(reason), None)),
            Err(diagnostic) => return Ok((self.complaint(host, &diagnostic), None)),
        }
        let mut end = None;
        let mut left = match &self.task.retry {
            Some(retry) => self.setting(&retry.retries, scope).unwrap_or(3),
            None => 0,
        };
        loop {
            let mut ended = match self.once(host, scope, &mut end).await {
                Ok(ended) => ended,
                Err(Out::Ended(ended)) => *ended,
                Err(Out::Wrong(diagnostic)) => match self.complaint(host, &diagnostic) {
                    skipped if skipped.is_skipped() => return Ok((skipped, end)),
                    failed => failed,
                },
                Err(Out::Lost(failure)) => return Err(failure),
            };
            let judged = self.judge(&mut ended, scope);
            if let Err(diagnostic) = judged {
                return Ok((self.complaint(host, &diagnostic), end));
            }
            let Some(retry) = &self.task.retry else { return Ok((ended, end)) };
            let satisfied = if retry.until.is_empty() {
                Ok(!ended.is_failed())
            } else {
                let with = self.with_result(&ended, scope);
                retry
                    .until
                    .iter()
                    .try_fold(true, |all, one| Ok(all && self.world.templar.condition(one, &with)?))
            };
            let dry = ended.is_withheld();
            match satisfied {
                Ok(true) => return Ok((ended, end)),
                Err(diagnostic) if dry => return Ok((self.complaint(host, &diagnostic), end)),
                Err(diagnostic) if left == 0 => return Ok((self.complaint(host, &diagnostic), end)),
                _ if left == 0 || dry || self.world.line.interrupt.is_asked() => {
                    if !ended.is_failed() && !dry {
                        ended.set_failed(true);
                    }
                    return Ok((ended, end));
                }
                _ => {}
            }
            left -= 1;
            let delay = self.setting(&retry.delay, scope).unwrap_or(5.0);
            self.tell.busy(self.id, &host.name, format!("tries again in {delay} s ({left} more after that)"));
            tokio::time::sleep(Duration::from_secs_f64(delay)).await;
        }
    }

    /// Does it once.
    async fn once(
        &self,
        host: &Arc<Host>,
        scope: &Scope,
        end: &mut Option<local::End>,
    ) -> Result<Ended, Out> {
        match self.task.call.does {
            Does::Controller(entry) => {
                let args = local::arguments(self, entry, scope)?;
                let action = entry.decode(&args).map_err(|bad| {
                    Out::Ended(Box::new(Ended::failed(settled::bad_arguments(&[bad], &self.task.span))))
                })?;
                Ok(local::perform(self, host, scope, &action, end).await)
            }
            Does::Remote(entry) => {
                let mut args = match self.rendered_arguments(scope)? {
                    Value::Object(args) => args,
                    _ => Map::new(),
                };
                for secret in entry.secrets(&args) {
                    self.world.settings.secrets.add(&secret);
                }
                content::fill(self, entry.name, &mut args, scope)?;
                let order = self.order(entry.name, &args, scope)?;
                let target = self.target(host, scope)?;
                let reach = self
                    .reach(&target, scope)
                    .map_err(|failure| Out::Ended(Box::new(Ended::failed(failure))))?;
                self.tell.busy(self.id, &host.name, self.task.own_title());
                if entry.name == "reboot" && order.consent.act {
                    return reboot::perform(self, host, &target, &reach, order, &args)
                        .await
                        .map_err(Out::Lost);
                }
                self.report(host, &target, &reach, order).await
            }
        }
    }

    /// Sends an order and hears its report.
    pub(super) async fn send(
        &self,
        host: &Host,
        target: &Host,
        reach: &Reach,
        order: Order,
    ) -> Result<Ended, NoReport> {
        let busy = |detail| self.tell.busy(self.id, &host.name, detail);
        let report = target.agents.order(&self.world.line, &reach.address, &reach.lock, order, busy).await?;
        let result = match serde_json::from_str(&report.result) {
            Ok(Value::Object(result)) => result,
            _ => Map::new(),
        };
        if let Some(Value::Object(facts)) = result.get("ansible_facts") {
            host.learnt.facts(facts);
        }
        Ok(Ended::reported(report.outcome, result))
    }

    async fn report(&self, host: &Host, target: &Host, reach: &Reach, order: Order) -> Result<Ended, Out> {
        match self.send(host, target, reach, order).await {
            Ok(ended) => Ok(ended),
            Err(NoReport::Lost(lost)) => Err(Out::Lost(lost.into())),
            Err(NoReport::Failed(failure)) => Ok(Ended::failed(failure)),
            Err(NoReport::Refused(refusal)) => Ok(Ended::of(Outcome::Refused { refusal, plan: None })),
        }
    }

    fn items(&self, scope: &Scope) -> Result<Vec<Value>, Diagnostic> {
        let Some(looping) = &self.task.looping else { return Ok(Vec::new()) };
        let value = self.world.templar.node(&looping.items, scope)?;
        let wrong = |value: &Value| {
            Err(Diagnostic::new(format!("a loop needs a list, not {}", crate::value::kind(value)))
                .at(&looping.items.span, "gives something else"))
        };
        match (looping.over, value) {
            (Over::List, Value::Array(items)) => Ok(items),
            (Over::Items, Value::Array(items)) => Ok(items
                .into_iter()
                .flat_map(|item| match item {
                    Value::Array(inner) => inner,
                    other => vec![other],
                })
                .collect()),
            (Over::Items, Value::Null) => Ok(Vec::new()),
            (Over::Items, single) => Ok(vec![single]),
            (Over::Dict, Value::Object(map)) => Ok(map
                .into_iter()
                .map(|(key, value)| serde_json::json!({"key": key, "value": value}))
                .collect()),
            (_, other) => wrong(&other),
        }
    }

    pub(super) fn setting<T: crate::playbook::Plain + Clone>(
        &self,
        setting: &Setting<T>,
        scope: &Scope,
    ) -> Result<T, Diagnostic> {
        setting.resolve(|node| self.world.templar.node(node, scope))
    }

    pub(super) fn flag(&self, setting: Option<&Setting<bool>>, scope: &Scope) -> Result<bool, Diagnostic> {
        setting.map_or(Ok(false), |setting| self.setting(setting, scope))
    }

    fn done(&self, host: &Host, item: Option<String>, ended: &Ended, ignored: bool, started: Instant) {
        // A template that cannot be worked out here hides too: a secret shown cannot be taken back.
        let hidden =
            self.task.directives.no_log.as_ref().is_some_and(|setting| setting.known() != Some(&false));
        let mut done = HostDone {
            task: self.id,
            host: host.name.clone(),
            item,
            outcome: ended.outcome.clone(),
            ignored,
            result: Value::Object(ended.result.clone()),
            elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        if hidden {
            settled::hide(&mut done);
        }
        self.tell.done(done);
    }
}

/// A value as text: strings without quotes.
pub(super) fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
