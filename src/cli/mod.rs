//! The command line: one file per subcommand. Only this folder and `report` print.

pub mod adhoc;
pub mod completions;
pub mod doc;
pub mod graph;
pub mod inventory;
pub mod lab;
pub mod list;
pub mod run;
pub mod targets;
pub mod validate;

mod begin;
mod interrupts;
mod listing;
mod password;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::diagnostic::Diagnostics;
use crate::exit::Exit;

/// Storage automation for fleets: a dry run that tells the truth, and nothing destroyed that was not named.
#[derive(Debug, Parser)]
#[command(name = "holdfast", version, max_term_width = 100, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring hosts into the state a playbook describes
    Run(run::Args),
    /// Show what `run` would do, and do nothing
    Plan(run::Args),
    /// Say everything that is wrong with playbooks, without touching a host
    Validate(validate::Args),
    /// Show what is inside the binary: playbooks, roles, inventories
    List(list::Args),
    /// Show hosts, groups and variables
    Inventory(inventory::Args),
    /// Run one module on some hosts
    Exec(adhoc::Exec),
    /// Show what is known about a host
    Facts(adhoc::Facts),
    /// Draw the storage of a host, as it is or as a playbook would make it
    Graph(graph::Args),
    /// Show the modules, or what one of them takes
    Doc(doc::Doc),
    /// Virtual machines on this computer, to try playbooks on
    #[command(subcommand)]
    Lab(lab::LabCommand),
    /// Write what a shell needs to complete this command line
    Completions(completions::Completions),
    /// The remote side; started on hosts by this program itself
    #[command(hide = true)]
    Agent,
}

/// Parses the command line and runs it.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = match cli.command {
        Command::Run(args) => run::run(&args, run::Mode::Run),
        Command::Plan(args) => run::run(&args, run::Mode::Plan),
        Command::Validate(args) => validate::run(&args),
        Command::List(args) => list::run(&args),
        Command::Inventory(args) => match inventory::run(&args) {
            Ok(text) => show(Ok(text)),
            Err(complaints) => Err(Complaint(complaints).into()),
        },
        Command::Exec(args) => adhoc::exec(args),
        Command::Facts(args) => adhoc::facts(&args),
        Command::Graph(args) => graph::run(&args),
        Command::Doc(args) => show(doc::run(&args)),
        Command::Completions(args) => completions::write(args.shell, &mut command(), &mut std::io::stdout())
            .map(|()| Exit::Done)
            .map_err(Into::into),
        Command::Lab(command) => return lab::run(command).unwrap_or_else(|error| complain(&error)),
        Command::Agent => return crate::agent::serve(),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => complain(&error),
    }
}

/// Prints a text that was asked for, or what was wrong with the question.
fn show(text: Result<String, String>) -> anyhow::Result<Exit> {
    match text {
        Ok(text) => {
            write!(anstream::stdout(), "{text}")?;
            Ok(Exit::Done)
        }
        Err(complaint) => {
            writeln!(anstream::stderr(), "error: {complaint}")?;
            Ok(Exit::Invalid)
        }
    }
}

/// Says what went wrong, and with which code the program ends because of it.
fn complain(error: &anyhow::Error) -> ExitCode {
    let mut stderr = anstream::stderr();
    if let Some(Complaint(diagnostics)) = error.downcast_ref() {
        // A closed terminal is no reason to fail differently.
        let _ = write!(stderr, "{}", diagnostics.render(true));
        return Exit::Invalid.into();
    }
    let _ = writeln!(stderr, "error: {error:#}");
    Exit::Internal.into()
}

/// Invalid input, on its way to the user.
#[derive(Debug, thiserror::Error)]
#[error("{} problems found", .0.0.len())]
pub(crate) struct Complaint(pub(crate) Diagnostics);

impl From<Diagnostics> for Complaint {
    fn from(diagnostics: Diagnostics) -> Self {
        Self(diagnostics)
    }
}

/// The whole command line, for completions.
pub fn command() -> clap::Command {
    Cli::command()
}
