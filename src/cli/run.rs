//! `holdfast run` and `holdfast plan`: a playbook, brought about or only shown.

use std::path::Path;
use std::sync::Arc;

use super::begin::{self, Begun};
use super::interrupts;
use super::targets::Targets;
use crate::diagnostic::Diagnostics;
use crate::engine::{Interrupt, hosts_of};
use crate::exit::Exit;
use crate::inventory::Inventory;
use crate::playbook::{Library, Playbook};
use crate::report::{self, Format, Options, Progress, Report};

/// What to run, on which hosts, and how to show it. Named as in ansible-playbook.
#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// Playbooks: paths, or names of embedded ones (`holdfast list`)
    #[arg(required = true, value_name = "PLAYBOOK")]
    pub playbooks: Vec<String>,
    #[command(flatten)]
    pub targets: Targets,
    /// Only tasks with one of these tags
    #[arg(short = 't', long, value_name = "TAGS", value_delimiter = ',')]
    pub tags: Vec<String>,
    /// No tasks with one of these tags
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    pub skip_tags: Vec<String>,
    /// Begin at the task of this name
    #[arg(long, value_name = "NAME")]
    pub start_at_task: Option<String>,
    /// Only list the hosts that are meant
    #[arg(long)]
    pub list_hosts: bool,
    /// Only list the tasks that are meant
    #[arg(long)]
    pub list_tasks: bool,
    #[command(flatten)]
    pub show: Show,
}

/// Whether to do it, and how to show it.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Show {
    /// A dry run: show what would be done, and do nothing
    #[arg(short = 'C', long)]
    pub check: bool,
    /// Show how files change
    #[arg(short = 'D', long)]
    pub diff: bool,
    /// Allow this destructive change of this object, as a refusal names it (repeatable)
    #[arg(long, value_name = "TOKEN")]
    pub consent: Vec<String>,
    /// End with 6 when changes are pending or were made
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Show more: `-v` also what was fine, `-vv` also what tasks returned
    #[arg(short = 'v', long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// The form of the result on standard output
    #[arg(long, value_enum, default_value_t)]
    pub output: Format,
    /// Whether to show bars while working
    #[arg(long, value_enum, default_value_t)]
    pub progress: Progress,
}

/// Whether changes may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Run,
    Plan,
}

/// Reads the playbooks and runs them.
pub fn run(args: &Args, mode: Mode) -> anyhow::Result<Exit> {
    let templar = begin::templar();
    let library = Arc::new(Library::new());
    let (playbooks, found) = load(&args.playbooks, &library, &templar);
    if found.is_empty() {
        return go(args, mode, playbooks, library);
    }
    // What is wrong with the inventory and the flags is said too, in the same pass.
    Err(begin::begin(&args.targets, &library, found)
        .err()
        .unwrap_or_else(|| anyhow::anyhow!("the complaints were lost")))
}

/// Runs playbooks that were read.
pub(super) fn go(
    args: &Args,
    mode: Mode,
    playbooks: Vec<Playbook>,
    library: Arc<Library>,
) -> anyhow::Result<Exit> {
    let templar = begin::templar();
    let Begun { mut inventory, mut settings, secrets } =
        begin::begin(&args.targets, &library, Diagnostics::default())?;
    add_vars(&mut inventory, &playbooks)?;
    let plan = mode == Mode::Plan;
    settings.dry = args.show.check || plan;
    settings.diff = args.show.diff || plan;
    settings.verbosity = args.show.verbose;
    settings.tags.clone_from(&args.tags);
    settings.skip_tags.clone_from(&args.skip_tags);
    settings.start_at_task.clone_from(&args.start_at_task);
    settings.consent.clone_from(&args.show.consent);
    settings.holder = holder(&args.playbooks);
    if args.list_hosts || args.list_tasks {
        let hosts = hosts_of(&playbooks, &inventory, args.targets.limit.as_deref(), &settings, &templar);
        let hosts = hosts.map_err(super::Complaint)?;
        return super::listing::show(args, &playbooks, &hosts);
    }
    let options = Options { diff: settings.diff, verbosity: args.show.verbose, progress: args.show.progress };
    let mut report = report::open(args.show.output, options, &secrets);
    let limit = args.targets.limit.clone();
    let run = begin::assemble(playbooks, inventory, settings, library, templar, limit)?;
    let runtime = begin::runtime()?;
    let (tell, events) = std::sync::mpsc::channel();
    let listener = Box::new(move |event| {
        // The reader outlives the run; it can only be gone after a panic, and then nobody reads.
        let _ = tell.send(event);
    });
    // Showing is done by a thread of its own: a slow terminal does not hold up hosts.
    let telling = std::thread::spawn(move || {
        let mut changed = false;
        for event in events {
            changed |= is_change(&event);
            report.hear(&event);
        }
        report.finish();
        changed
    });
    let (stopper, interrupt) = Interrupt::new();
    let ended = runtime.block_on(async {
        let watching = tokio::spawn(interrupts::watch(stopper));
        let ended = run.go(listener, interrupt).await;
        watching.abort();
        ended
    });
    // Whatever still runs belongs to connections, which end with the process.
    runtime.shutdown_background();
    let changed = telling.join().unwrap_or(false);
    let exit = ended.map_err(super::Complaint)?;
    Ok(match exit {
        Exit::Pending | Exit::Done if args.show.detailed_exitcode && (changed || exit == Exit::Pending) => {
            Exit::Pending
        }
        Exit::Pending => Exit::Done,
        other => other,
    })
}

/// Reads `group_vars` and `host_vars` beside playbooks on disk.
pub(super) fn add_vars(inventory: &mut Inventory, playbooks: &[Playbook]) -> Result<(), super::Complaint> {
    for playbook in playbooks {
        if let crate::playbook::Dir::Disk(folder) = &playbook.dir {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            inventory.add_playbook_vars(folder).map_err(super::Complaint)?;
        }
    }
    Ok(())
}

fn is_change(event: &crate::event::Event) -> bool {
    use crate::event::{Outcome, What};
    matches!(&event.what, What::HostDone(done) if matches!(done.outcome, Outcome::Changed(_)))
}

/// Reads all playbooks, and everything that is wrong with any of them.
pub(super) fn load(
    names: &[String],
    library: &Library,
    templar: &crate::template::Templar,
) -> (Vec<Playbook>, Diagnostics) {
    let mut found = Diagnostics::default();
    let mut playbooks = Vec::new();
    for name in names {
        match crate::playbook::load(name, library, &begin::Checks(templar)) {
            Ok(playbook) => playbooks.push(playbook),
            Err(complaints) => found.extend(complaints.0),
        }
    }
    (playbooks, found)
}

/// Who has a host's lock, for whoever comes second.
fn holder(playbooks: &[String]) -> String {
    let user =
        std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "somebody".into());
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{user}@{machine}, process {}, `holdfast run {}`", std::process::id(), playbooks.join(" "))
}
