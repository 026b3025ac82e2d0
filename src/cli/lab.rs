//! `holdfast lab`: virtual machines to try playbooks on. What they are and how they run is `crate::lab`'s; here is
//! only what people type and read.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;

use crate::lab::{Lab, LabFile, labfile, places, process, sweep};

/// Virtual machines on this computer, to try playbooks on
#[derive(Debug, clap::Subcommand)]
pub enum LabCommand {
    /// Start a lab with blank disks and write its inventory
    ///
    /// The first start on a computer builds a Debian 12 image and boots it once; later starts take seconds.
    /// Running machines of the same lab are ended first.
    Up {
        /// The lab's hosts and disks; without it, one host `nas1` with four disks of 4 GiB
        labfile: Option<PathBuf>,
        #[command(flatten)]
        which: Which,
    },
    /// Show what runs and where the inventory is
    Status {
        #[command(flatten)]
        which: Which,
    },
    /// Log in to a host as root, or run a command there
    Ssh {
        host: String,
        /// Another user: `holdfast` (sudo without a password) or `operator` (sudo with the password `operator`)
        #[arg(short = 'l', long, default_value = "root")]
        user: String,
        /// Run this instead of a shell
        #[arg(last = true)]
        command: Vec<String>,
        #[command(flatten)]
        which: Which,
    },
    /// End all machines and remove their disks
    Down {
        #[command(flatten)]
        which: Which,
    },
}

/// Which lab is meant; several may run side by side.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// The lab's name
    #[arg(long, default_value = "default")]
    name: String,
    /// The lab's folder instead of ~/.local/state/holdfast/lab/NAME
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Which {
    fn dir(&self) -> anyhow::Result<PathBuf> {
        match &self.dir {
            Some(dir) => Ok(dir.clone()),
            None => places::lab(&self.name),
        }
    }
}

pub fn run(command: LabCommand) -> anyhow::Result<ExitCode> {
    match command {
        LabCommand::Up { labfile, which } => up(labfile, &which),
        LabCommand::Status { which } => status(&which),
        LabCommand::Ssh { host, user, command, which } => {
            let lab = Lab::open(&which.dir()?)?;
            let words: Vec<&str> = command.iter().map(String::as_str).collect();
            let status = process::attached("ssh", &lab.host(&host)?.door().args(&user, &words))?;
            let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(255);
            Ok(ExitCode::from(code))
        }
        LabCommand::Down { which } => {
            sweep(&which.dir()?)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn up(labfile: Option<PathBuf>, which: &Which) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    let file = match labfile {
        Some(path) => LabFile::read(&path)?,
        None => LabFile::parse(labfile::DEFAULT).context("the built-in labfile is invalid")?,
    };
    let tell = |sentence: &str| {
        // Progress that cannot be shown is no reason to stop.
        let _ = writeln!(anstream::stderr(), "[{:>5.1} s] {sentence}", begun.elapsed().as_secs_f64());
    };
    let mut lab = Lab::up(&file, &which.dir()?, &tell)?;
    lab.keep();
    writeln!(anstream::stdout(), "{}", lab.inventory().display())?;
    Ok(ExitCode::SUCCESS)
}

fn status(which: &Which) -> anyhow::Result<ExitCode> {
    let dir = which.dir()?;
    let mut out = anstream::stdout();
    if !dir.exists() {
        writeln!(out, "no lab is up")?;
        return Ok(ExitCode::SUCCESS);
    }
    let lab = Lab::open(&dir)?;
    writeln!(out, "inventory {}", lab.inventory().display())?;
    for vm in lab.hosts() {
        let state = if vm.is_running() { "running" } else { "off" };
        writeln!(out, "{:<16} {state:<8} 127.0.0.1 port {}", vm.name(), vm.port())?;
    }
    Ok(ExitCode::SUCCESS)
}
