//! One play: its batches, its phases, and who is still there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::attempt::plain_text;
use super::batch;
use super::run::Course;
use super::settled;
use super::vars::{HostVars, Layer, PlayVars, TaskVars};
use super::world::{Host, World};
use crate::diagnostic::Diagnostic;
use crate::event::What;
use crate::playbook::{Directives, Entry, Play, Playbook, RoleInfo, Setting, Tags, Task};
use crate::playbook::{Does, ModuleCall};
use crate::template::Scope;
use crate::value::Value;
use crate::yaml::{self, Mapping, Node, Yaml};

/// A play while it runs.
pub(super) struct PlayRun<'a> {
    pub(super) course: &'a mut Course,
    pub(super) play: &'a Play,
    pub(super) vars: Arc<PlayVars>,
    pub(super) tags: Tags,
    /// The hosts of the batch that are still there, for `ansible_play_hosts`.
    pub(super) batch: Arc<[String]>,
    pub(super) batch_size: usize,
    /// Handlers that were notified and not run yet, by host: their places in the play's list.
    pub(super) notified: BTreeMap<String, BTreeSet<usize>>,
    /// Hosts that were lost in this play.
    pub(super) lost: BTreeSet<String>,
    /// Hosts that left without having failed.
    pub(super) ended: BTreeSet<String>,
    /// The play is over for everybody.
    pub(super) over: bool,
    pub(super) any_errors_fatal: bool,
    pub(super) max_fail_percentage: Option<f64>,
    pub(super) force_handlers: bool,
}

impl<'a> PlayRun<'a> {
    /// Runs a play on these hosts, as far as they are still there.
    pub(super) async fn go(course: &'a mut Course, playbook: &Playbook, play: &'a Play, names: &[String]) {
        let world = Arc::clone(&course.world);
        let tell = course.tell.clone();
        let names: Vec<String> = names.iter().filter(|name| !course.out.contains(*name)).cloned().collect();
        let tags = Tags { only: world.settings.tags.clone(), skip: world.settings.skip_tags.clone() };
        let tasks = play.tasks_in_order();
        let count = tasks.iter().filter(|task| tags.selects(&task.directives.tags)).count();
        let gathers = play.gather_facts.as_ref().is_none_or(|setting| setting.known() != Some(&false));
        tell.tell(What::PlayStarted {
            name: play.title(),
            hosts: names.clone(),
            tasks: count + usize::from(gathers),
        });
        if names.is_empty() {
            tell.warning(format!("no host is left for the play `{}`", play.title()));
            return;
        }
        for name in &names {
            tell.tally(|tally| {
                tally.host(name);
            });
            world.host(name).agents.forget_addresses();
        }
        let vars = match play_vars(&world, playbook, play, &names) {
            Ok(vars) => Arc::new(vars),
            Err(diagnostic) => return fail_all(course, &names, &diagnostic),
        };
        let mut run = Self {
            course,
            play,
            vars,
            tags,
            batch: names.clone().into(),
            batch_size: names.len(),
            notified: BTreeMap::new(),
            lost: BTreeSet::new(),
            ended: BTreeSet::new(),
            over: false,
            any_errors_fatal: false,
            max_fail_percentage: None,
            force_handlers: false,
        };
        let sizes = match run.settle(&names) {
            Ok(sizes) => sizes,
            Err(diagnostic) => return fail_all(run.course, &names, &diagnostic),
        };
        let mut rest = names.as_slice();
        for size in sizes {
            let (batch, later) = rest.split_at(size.min(rest.len()));
            rest = later;
            run.batch(batch).await;
            let none_left = batch.iter().all(|name| run.course.out.contains(name));
            if run.over || none_left {
                break;
            }
        }
        run.report_unrun_handlers();
    }

    /// Works out the settings of the play that may be templates, and the sizes of its batches.
    fn settle(&mut self, names: &[String]) -> Result<Vec<usize>, Diagnostic> {
        let world = Arc::clone(&self.course.world);
        let scope = first_scope(&world, &self.vars, names);
        let node = |node: &Node| world.templar.node(node, &scope);
        let flag =
            |setting: Option<&Setting<bool>>| setting.map_or(Ok(false), |setting| setting.resolve(node));
        self.any_errors_fatal = flag(self.play.directives.any_errors_fatal.as_ref())?;
        self.force_handlers = flag(self.play.force_handlers.as_ref())?;
        self.max_fail_percentage =
            self.play.max_fail_percentage.as_ref().map(|setting| setting.resolve(node)).transpose()?;
        let mut serial = Vec::new();
        for part in &self.play.serial {
            match node(part)? {
                Value::Array(several) => serial.extend(several),
                one => serial.push(one),
            }
        }
        let span = self.play.serial.first().map_or(&self.play.span, |node| &node.span);
        batch::sizes(Some(&Value::Array(serial)), names.len())
            .map_err(|why| Diagnostic::new(format!("`serial` cannot be understood: {why}")).at(span, ""))
    }

    async fn batch(&mut self, names: &[String]) {
        let mut hosts: Vec<Arc<Host>> = names.iter().map(|name| self.course.world.host(name)).collect();
        self.batch_size = hosts.len();
        self.see(&hosts);
        hosts = self.gather(hosts).await;
        for phase in self.play.phases() {
            hosts = self.entries(phase, hosts, false).await;
            let mut flushed = hosts.clone();
            if self.force_handlers {
                flushed = names
                    .iter()
                    .filter(|name| !self.lost.contains(*name))
                    .map(|name| self.course.world.host(name))
                    .collect();
            }
            let after = self.flush(flushed).await;
            hosts.retain(|host| after.iter().any(|other| other.name == host.name));
            if self.over {
                break;
            }
        }
        for name in names {
            let left = hosts.iter().any(|host| host.name == *name);
            if !left && !self.ended.contains(name) && !self.course.world.line.interrupt.is_asked() {
                self.course.out.insert(name.clone());
            }
        }
    }

    /// Keeps `ansible_play_hosts` true.
    pub(super) fn see(&mut self, hosts: &[Arc<Host>]) {
        if hosts.len() != self.batch.len() {
            self.batch = hosts.iter().map(|host| host.name.clone()).collect();
        }
    }

    async fn gather(&mut self, hosts: Vec<Arc<Host>>) -> Vec<Arc<Host>> {
        let wanted = match &self.play.gather_facts {
            None => true,
            Some(setting) => {
                let names: Vec<String> = hosts.iter().map(|host| host.name.clone()).collect();
                let scope = first_scope(&self.course.world, &self.vars, &names);
                setting.resolve(|node| self.course.world.templar.node(node, &scope)).unwrap_or(true)
            }
        };
        let Some(task) = wanted.then(|| gathering(self.play)).flatten() else { return hosts };
        let earlier = self.course.start_at.take();
        let hosts = self.entries(vec![&Entry::Task(task)], hosts, false).await;
        self.course.start_at = earlier;
        hosts
    }
}

fn fail_all(course: &mut Course, names: &[String], diagnostic: &Diagnostic) {
    for name in names {
        course.tell.tally(|tally| tally.host(name).failed += 1);
        course.out.insert(name.clone());
    }
    let failure = settled::failure(diagnostic);
    course.tell.warning(format!("the play cannot be run: {failure}"));
}

/// The task that looks at the hosts before all others.
fn gathering(play: &Play) -> Option<Arc<Task>> {
    let entry = crate::modules::find("setup")?;
    let mut args = Mapping::default();
    if !play.gather_subset.is_empty() {
        let node = Node { value: Yaml::List(play.gather_subset.clone()), span: play.span.clone(), tag: None };
        args.entries.push((yaml::Key { name: "gather_subset".into(), span: play.span.clone() }, node));
    }
    let named = |text: &str| Node { value: Yaml::Str(text.into()), span: play.span.clone(), tag: None };
    let directives = Directives {
        when: Vec::new(),
        notify: Vec::new(),
        tags: vec!["always".to_owned()],
        ..play.directives.clone()
    };
    Some(Arc::new(Task {
        id: 0,
        name: Some(named("look at the host")),
        call: ModuleCall {
            written: "setup".into(),
            does: Does::Remote(entry),
            args,
            span: play.span.clone(),
        },
        directives,
        looping: None,
        register: None,
        listen: Vec::new(),
        changed_when: Vec::new(),
        failed_when: Vec::new(),
        retry: None,
        consent: Vec::new(),
        role: None,
        span: play.span.clone(),
        folder: play.folder.clone(),
        playbook: play.folder.clone(),
    }))
}

/// The variables a play adds, its files of variables read.
fn play_vars(
    world: &Arc<World>,
    playbook: &Playbook,
    play: &Play,
    names: &[String],
) -> Result<PlayVars, Diagnostic> {
    let public: Vec<&Arc<RoleInfo>> = play.role_infos.iter().filter(|role| role.public).collect();
    let mut vars = PlayVars {
        name: play.title(),
        layers: vec![Arc::new(play.vars.to_map())],
        role_defaults: public.iter().map(|role| Arc::new(role.defaults.to_map())).collect(),
        role_vars: public.iter().map(|role| Arc::new(role.vars.to_map())).collect(),
        role_names: play.roles.iter().map(|role| role.info.name.clone()).collect(),
        hosts_all: names.to_vec(),
        playbook_dir: playbook.dir.to_string(),
    };
    for node in &play.vars_files {
        let so_far = Arc::new(vars);
        let scope = first_scope(world, &so_far, names);
        let name = plain_text(&world.templar.node(node, &scope)?);
        drop(scope);
        vars = Arc::unwrap_or_clone(so_far);
        let place = play.folder.join(&name);
        let source = world.library.source(&place)?.ok_or_else(|| {
            Diagnostic::new(format!("there is no file `{name}`"))
                .at(&node.span, "")
                .help(format!("looked for {place}"))
        })?;
        vars.layers.push(layer(&yaml::parse_one(&source)?)?);
    }
    Ok(vars)
}

fn layer(node: &Node) -> Result<Layer, Diagnostic> {
    match node.to_value() {
        Value::Object(map) => Ok(Arc::new(map)),
        Value::Null => Ok(Arc::default()),
        _ => Err(Diagnostic::new(format!("a file of variables holds a mapping, not {}", node.kind()))
            .at(&node.span, "")),
    }
}

/// What the play as a whole is seen with: the eyes of its first host.
fn first_scope(world: &Arc<World>, vars: &Arc<PlayVars>, names: &[String]) -> Scope {
    let host = world.host(names.first().map_or("localhost", String::as_str));
    Scope::new(Arc::new(HostVars {
        world: Arc::clone(world),
        memory: host.learnt.snapshot(),
        host,
        play: Arc::clone(vars),
        task: Arc::default(),
        batch: names.into(),
    }))
}

/// What a task adds to the variables.
pub(super) fn task_vars(task: &Task) -> TaskVars {
    let own = |map: &Mapping| Arc::new(map.to_map());
    let mut vars =
        TaskVars { layers: task.directives.vars.iter().map(|map| own(map)).collect(), ..TaskVars::default() };
    if let Some(role) = &task.role {
        let family = || role.parents.iter().chain(&role.dependencies).chain(std::iter::once(role));
        vars.role_params =
            role.parents.iter().chain(std::iter::once(role)).map(|one| own(&one.params)).collect();
        vars.role_vars = family().flat_map(|one| [own(&one.entry_vars), own(&one.vars)]).collect();
        vars.role_defaults = family().map(|one| own(&one.defaults)).collect();
        vars.role_name = Some(role.name.clone());
        vars.role_path = Some(role.dir.to_string());
    }
    vars
}
