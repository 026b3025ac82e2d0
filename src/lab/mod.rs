//! Throwaway virtual machines to prove playbooks on.
//!
//! ```text
//! LabFile (what was asked for) -> Image (Debian, built once) -> Snapshot (booted once per kind) -> Vm (resumed)
//! ```
//! A machine is resumed from a snapshot of one with as many disks, and gets new ones of its own sizes and serials, so it
//! starts in seconds even on an emulated processor. All state is in two places: the cache, which may be deleted at any
//! time, and one folder per lab. What is not done here: no lab is ever reachable from outside this machine, and no
//! guest reaches any network but its own lab's.

pub mod accel;
pub mod connection;
pub mod daemon;
pub mod hardware;
pub mod image;
pub mod inventory;
pub mod labfile;
pub mod places;
pub mod process;
pub mod qmp;
pub mod snapshot;
pub mod ssh;
pub mod vm;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, thread};

use anyhow::{Context, anyhow, ensure};

use daemon::Daemon;
use hardware::Hardware;
use image::Image;
use snapshot::Snapshot;
use ssh::Door;
use vm::Place;

pub use image::Flavour;
pub use labfile::LabFile;
pub use vm::{DiskStats, Vm};

/// Told what is happening, one sentence at a time, from several threads.
pub type Progress<'a> = &'a (dyn Fn(&str) + Sync);

/// Machines that run together.
#[derive(Debug)]
pub struct Lab {
    dir: PathBuf,
    vms: BTreeMap<String, Vm>,
    keep: bool,
}

impl Lab {
    /// Starts every machine of `file` with blank disks and waits until all of them answer.
    ///
    /// `dir` is the lab's own folder; what an earlier run left there is ended and removed first.
    /// The machines end when the value is dropped, unless [`Lab::keep`] is called.
    pub fn up(file: &LabFile, dir: &Path, progress: Progress<'_>) -> anyhow::Result<Self> {
        process::require(&["qemu-system-x86_64", "qemu-img", "ssh"])?;
        let accel = accel::chosen(progress)?;
        let image = Image::ensure(file.image, progress)?;
        let together = file.hosts.len() > 1;
        let snapshots = file
            .hosts
            .values()
            .map(|spec| Snapshot::ensure(&image, Hardware::of(spec, accel, together), progress))
            .collect::<anyhow::Result<Vec<_>>>()?;

        let mut lab = Self { dir: claim(dir)?, vms: BTreeMap::new(), keep: false };
        let ports = ssh::free_ports(snapshots.len())?;
        Door::prepare(&lab.dir, &image.key(), &image.host_key()?, &ports)?;
        let lan = if together { Some(ssh::free_udp_port()?) } else { None };
        let peers: Vec<(String, String)> = file
            .hosts
            .keys()
            .enumerate()
            .map(|(index, name)| (name.clone(), vm::lan_address(index)))
            .collect();
        let started: Vec<anyhow::Result<Vm>> = thread::scope(|scope| {
            let places = file.hosts.keys().zip(&ports).enumerate().map(|(index, (name, port))| Place {
                name,
                lab: &lab.dir,
                index,
                port: *port,
                lan,
                peers: &peers,
            });
            let resume = |place: Place<'_>, snapshot: &Snapshot| {
                let vm = Vm::resume(place, snapshot)?;
                progress(&format!("{} answers on 127.0.0.1 port {}", vm.name(), vm.port()));
                Ok(vm)
            };
            let threads: Vec<_> = places
                .zip(&snapshots)
                .map(|(place, snapshot)| scope.spawn(move || resume(place, snapshot)))
                .collect();
            let died = |_| Err(anyhow!("the thread that started a machine panicked"));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(died)).collect()
        });
        for vm in started {
            let vm = vm?;
            lab.vms.insert(vm.name().to_owned(), vm);
        }
        inventory::write(&lab, file)?;
        Ok(lab)
    }

    /// A lab that an earlier process started and kept.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        ensure!(dir.join(MARKER).is_file(), "there is no lab in {}", dir.display());
        let dir = resolved(dir)?;
        let vms = machine_dirs(&dir)?
            .into_iter()
            .map(|machine| Vm::open(&dir, machine).map(|vm| (vm.name().to_owned(), vm)))
            .collect::<anyhow::Result<_>>()?;
        Ok(Self { dir, vms, keep: true })
    }

    /// Lets the machines live on after this process; `Lab::open` finds them again and `Lab::down` ends them.
    pub fn keep(&mut self) {
        self.keep = true;
    }

    pub fn host(&self, name: &str) -> anyhow::Result<&Vm> {
        self.vms.get(name).with_context(|| {
            let known: Vec<&str> = self.vms.keys().map(String::as_str).collect();
            format!("the lab has no host `{name}`; it has {}", known.join(", "))
        })
    }

    pub fn hosts(&self) -> impl Iterator<Item = &Vm> {
        self.vms.values()
    }

    /// For `-i`: connection variables, groups and variables of every host.
    pub fn inventory(&self) -> PathBuf {
        self.dir.join("inventory.yaml")
    }

    pub fn known_hosts(&self) -> PathBuf {
        self.dir.join("known_hosts")
    }

    /// The login key of every machine's `root`, `holdfast` (sudo without a password) and `operator` (sudo with the
    /// password `operator`).
    pub fn key(&self) -> PathBuf {
        self.dir.join("key")
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Ends every machine and removes the lab's folder.
    pub fn down(mut self) -> anyhow::Result<()> {
        self.keep = true;
        self.vms.clear();
        sweep(&self.dir)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if !self.keep {
            self.vms.clear();
            // Nobody could be told; the next `up` in this folder tries again.
            let _ = sweep(&self.dir);
        }
    }
}

/// The file that makes a folder a lab's.
const MARKER: &str = "holdfast-lab";

/// Ends what still runs for the lab in `dir`, whoever started it, and removes the folder.
pub fn sweep(dir: &Path) -> anyhow::Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    let dir = resolved(dir)?;
    if !dir.join(MARKER).is_file() {
        let mut entries = fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))?;
        ensure!(entries.next().is_none(), "{} is not empty and holds no lab", dir.display());
    }
    for machine in machine_dirs(&dir)? {
        Daemon::of(&machine).end()?;
    }
    fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))
}

/// Makes `dir` the empty folder of a new lab.
fn claim(dir: &Path) -> anyhow::Result<PathBuf> {
    sweep(dir)?;
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    fs::write(dir.join(MARKER), "").with_context(|| format!("cannot write into {}", dir.display()))?;
    resolved(dir)
}

fn resolved(dir: &Path) -> anyhow::Result<PathBuf> {
    fs::canonicalize(dir).with_context(|| format!("cannot resolve {}", dir.display()))
}

/// The folders of a lab's machines.
fn machine_dirs(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        if path.join(vm::RECORD).is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
