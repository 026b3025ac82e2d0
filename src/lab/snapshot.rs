//! A machine that has booted, waiting on disk. Made once per image and kind of hardware: booting takes a minute where
//! the processor is emulated, resuming takes seconds.
//!
//! Kept are the memory (a migration stream) and the system disk as they were at one moment. Both are only read
//! afterwards, so any number of machines resume from them at once; data disks are new and blank each time.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::json;

use super::daemon::Daemon;
use super::hardware::{Hardware, Wiring};
use super::image::Image;
use super::process;
use super::qmp::{self, Qmp};
use super::ssh::{self, Door};
use super::{Progress, places};

/// However slow an emulated and busy processor is.
pub const BOOT_LIMIT: Duration = Duration::from_mins(15);
const STREAM_LIMIT: Duration = Duration::from_mins(5);

#[derive(Debug)]
pub struct Snapshot {
    dir: PathBuf,
    pub hardware: Hardware,
}

impl Snapshot {
    pub fn ensure(image: &Image, hardware: Hardware, progress: Progress<'_>) -> anyhow::Result<Self> {
        let version = process::run("qemu-system-x86_64", &["--version"], Path::new("/"))?;
        let kind = hardware.kind();
        let digest = kind.digest(&String::from_utf8_lossy(&version.stdout));
        let dir = image.dir().join(format!("booted-{digest}"));
        let _lock = places::lock(&format!("booted-{digest}"))?;
        if !dir.exists() {
            progress(&format!(
                "booting new hardware with {} and keeping a snapshot (once, a minute or more)",
                hardware.accel.name()
            ));
            places::complete_dir(&dir, |building| {
                Daemon::of(building).end()?;
                let made = boot(image, &kind, building).and_then(|()| freeze(building));
                Daemon::of(building).end()?;
                made.context("cannot prepare a machine")
            })?;
        }
        Ok(Self { dir, hardware })
    }

    /// The system disk, to be used as a backing file.
    pub fn disk(&self) -> PathBuf {
        self.dir.join("root.qcow2")
    }

    /// Makes a QEMU that waits in `dir` become the machine as it was.
    pub fn load(&self, dir: &Path) -> anyhow::Result<()> {
        let mut qmp = Qmp::connect(dir)?;
        qmp.call("migrate-incoming", &json!({ "uri": pipe("cat", &self.dir.join("memory"))? }))?;
        qmp.until("query-migrate", STREAM_LIMIT, finished)?;
        qmp.call("cont", &json!({}))?;
        // The guest knows the disks of the machine that was booted, and is told that their sizes are others.
        for (index, disk) in self.hardware.disks.iter().enumerate() {
            let size = json!({ "node-name": Hardware::disk_node(index), "size": disk.size.bytes() });
            qmp.call("block_resize", &size)?;
        }
        Ok(())
    }
}

/// Starts QEMU in `dir`, which has `root.qcow2` and the data disks, and returns when it has accepted its hardware.
pub fn start(dir: &Path, args: &[String], incoming: bool) -> anyhow::Result<()> {
    let mut all = vec!["-name".to_owned(), Daemon::of(dir).mark()];
    all.extend_from_slice(args);
    all.extend(["-qmp".into(), format!("unix:{},server=on,wait=off", qmp::SOCKET)]);
    all.extend(["-pidfile".into(), Daemon::PID_FILE.into(), "-daemonize".into()]);
    if incoming {
        all.extend(["-incoming".into(), "defer".into()]);
    }
    process::run_logged("qemu-system-x86_64", &all, dir, &dir.join("qemu.log"))
}

/// The system disk of a machine, which reads from `backing` what it has not written itself, and its blank data disks.
pub fn make_disks(dir: &Path, backing: &Path, hardware: &Hardware) -> anyhow::Result<()> {
    let backing = backing.to_string_lossy();
    let args = ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", &*backing, "root.qcow2"];
    process::run("qemu-img", &args, dir)?;
    for disk in &hardware.disks {
        let path = dir.join(Hardware::disk_file(&disk.serial));
        let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        file.set_len(disk.size.bytes()).with_context(|| format!("cannot size {}", path.display()))?;
    }
    Ok(())
}

fn boot(image: &Image, hardware: &Hardware, dir: &Path) -> anyhow::Result<()> {
    make_disks(dir, &image.disk(), hardware)?;
    let ports = ssh::free_ports(1)?;
    let lan = if hardware.lan { Some((ssh::free_udp_port()?, String::new())) } else { None };
    Door::prepare(dir, &image.key(), &image.host_key()?, &ports)?;
    start(dir, &hardware.args(&Wiring { ssh_port: ports[0], lan }), false)?;
    let door = Door::of(dir, ports[0]);
    door.wait(BOOT_LIMIT, || Daemon::of(dir).is_running())?;
    // Everything has started, and one login has been seen: what a resumed machine needs first is in its memory.
    door.must(&["systemctl is-system-running --wait && sync"]).map(drop)
}

fn freeze(dir: &Path) -> anyhow::Result<()> {
    let mut qmp = Qmp::connect(dir)?;
    qmp.call("stop", &json!({}))?;
    qmp.call("migrate-set-parameters", &json!({ "max-bandwidth": 100_000_000_000_u64 }))?;
    qmp.call("migrate", &json!({ "uri": pipe("cat >", &dir.join("memory"))? }))?;
    qmp.until("query-migrate", STREAM_LIMIT, finished)?;
    qmp.call("quit", &json!({}))?;
    drop(qmp);
    Daemon::of(dir).gone()
}

fn finished(answer: &serde_json::Value) -> anyhow::Result<Option<()>> {
    match answer["status"].as_str() {
        Some("completed") => Ok(Some(())),
        Some("failed" | "cancelled") => {
            bail!("the memory could not be transferred: {}", answer["error-desc"])
        }
        _ => Ok(None),
    }
}

/// QEMU's transfer through a program, which it starts by `/bin/sh`.
fn pipe(program: &str, file: &Path) -> anyhow::Result<String> {
    let path = file.to_str().context("the cache's path is not UTF-8")?;
    Ok(format!("exec:{program} {}", shlex::try_quote(path).context("the cache's path cannot be quoted")?))
}
