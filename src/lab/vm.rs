//! One running machine, and everything tests do to it. Does not end when dropped: its [`super::Lab`] ends it.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::daemon::Daemon;
use super::hardware::{Hardware, Wiring, hex};
use super::labfile::DiskSpec;
use super::qmp::Qmp;
use super::snapshot::{self, BOOT_LIMIT, Snapshot};
use super::ssh::{self, Door};
use crate::units::Size;

/// The file in a machine's folder by which it is known.
pub const RECORD: &str = "machine.json";

/// What a later process needs to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    name: String,
    port: u16,
    lan_address: Option<String>,
    qemu: Vec<String>,
}

/// Where a new machine belongs.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub name: &'a str,
    /// The lab's folder; the machine gets one of its own in it.
    pub lab: &'a Path,
    pub index: usize,
    pub port: u16,
    /// UDP port of the lab's network.
    pub lan: Option<u16>,
    /// Names and addresses of all machines on that network.
    pub peers: &'a [(String, String)],
}

#[derive(Debug)]
pub struct Vm {
    record: Record,
    dir: PathBuf,
    door: Door,
}

/// What reached one disk since its machine was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiskStats {
    pub bytes_read: u64,
    pub bytes_written: u64,
    pub writes: u64,
    pub discards: u64,
}

impl Vm {
    /// Makes a machine from a snapshot: its own name, today's clock, blank disks.
    pub fn resume(place: Place<'_>, snapshot: &Snapshot) -> anyhow::Result<Self> {
        let dir = place.lab.join(place.name);
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let lan = place.lan.map(|port| (port, lan_mac(place.index)));
        let qemu = snapshot.hardware.args(&Wiring { ssh_port: place.port, lan });
        let lan_address = place.lan.map(|_| lan_address(place.index));
        let record = Record { name: place.name.to_owned(), port: place.port, lan_address, qemu };
        let vm = Self { record, door: Door::of(place.lab, place.port), dir };
        // Before there is a process, so that whatever happens next can be cleaned up.
        fs::write(vm.dir.join(RECORD), serde_json::to_vec_pretty(&vm.record)?)
            .with_context(|| format!("cannot write into {}", vm.dir.display()))?;
        let context = || format!("cannot start `{}`", place.name);
        snapshot::make_disks(&vm.dir, &snapshot.disk(), &snapshot.hardware).with_context(context)?;
        snapshot::start(&vm.dir, &vm.record.qemu, true).with_context(context)?;
        snapshot.load(&vm.dir).with_context(context)?;
        vm.door.wait(Duration::from_mins(2), || vm.is_running()).with_context(context)?;
        let mut seed = [0; 64];
        File::open("/dev/urandom")
            .and_then(|mut random| random.read_exact(&mut seed))
            .context("no randomness")?;
        let script = identity(place, &hex(&seed)) + &disks(&snapshot.hardware);
        let output = vm.door.kept(&["sh -e"], script.as_bytes());
        output.and_then(|output| ssh::succeeded(&["sh -e"], &output)).with_context(context)?;
        Ok(vm)
    }

    /// The machine of a folder, also when it is powered off.
    pub fn open(lab: &Path, dir: PathBuf) -> anyhow::Result<Self> {
        let path = dir.join(RECORD);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let record: Record =
            serde_json::from_str(&text).with_context(|| format!("cannot understand {}", path.display()))?;
        Ok(Self { door: Door::of(lab, record.port), dir, record })
    }

    pub fn name(&self) -> &str {
        &self.record.name
    }

    /// Port of 127.0.0.1 that leads to the guest's sshd.
    pub fn port(&self) -> u16 {
        self.record.port
    }

    /// Address on the lab's own network, in labs of several machines.
    pub fn lan_address(&self) -> Option<&str> {
        self.record.lan_address.as_deref()
    }

    pub fn door(&self) -> &Door {
        &self.door
    }

    pub fn is_running(&self) -> bool {
        Daemon::of(&self.dir).is_running()
    }

    /// Runs a command as root; as with `ssh`, its words are joined and read by the login shell.
    pub fn ssh(&self, command: &[&str]) -> anyhow::Result<Output> {
        self.door.kept(command, b"")
    }

    /// Runs a command as root that must succeed, and gives back what it wrote.
    pub fn must(&self, command: &[&str]) -> anyhow::Result<String> {
        self.ssh(command)
            .and_then(|output| ssh::succeeded(command, &output))
            .with_context(|| format!("on `{}`", self.name()))
    }

    /// Restarts the guest in order, as an administrator does, and waits until it answers again.
    pub fn reboot(&self) -> anyhow::Result<()> {
        let before = self.boot_id()?;
        // The connection may be cut before the command's status arrives.
        self.ssh(&["systemctl", "reboot"])?;
        self.door.close()?;
        let begun = Instant::now();
        loop {
            thread::sleep(Duration::from_millis(500));
            self.wait_ready()?;
            if self.boot_id().is_ok_and(|now| now != before) {
                return Ok(());
            }
            ensure!(begun.elapsed() < BOOT_LIMIT, "`{}` did not restart within {BOOT_LIMIT:?}", self.name());
        }
    }

    /// Waits until the guest's sshd greets.
    pub fn wait_ready(&self) -> anyhow::Result<()> {
        self.door
            .wait(BOOT_LIMIT, || self.is_running())
            .with_context(|| format!("`{}` is not ready", self.name()))
    }

    /// Over a connection of its own: the one that stays may be to a guest that is going down.
    fn boot_id(&self) -> anyhow::Result<String> {
        self.door.must(&["cat /proc/sys/kernel/random/boot_id"])
    }

    /// Cuts the power. What the guest had flushed is on its disks, the rest is lost.
    pub fn power_off_hard(&self) -> anyhow::Result<()> {
        Daemon::of(&self.dir).end()
    }

    /// Boots a machine that is off, from its own disks, and waits until it answers.
    pub fn power_on(&self) -> anyhow::Result<()> {
        ensure!(!self.is_running(), "`{}` is running", self.name());
        snapshot::start(&self.dir, &self.record.qemu, false)?;
        self.wait_ready()
    }

    /// Pulls a disk out of the running machine. Its content stays in the lab's folder.
    pub fn pull_disk(&self, serial: &str) -> anyhow::Result<()> {
        let mut qmp = Qmp::connect(&self.dir)?;
        qmp.call("device_del", &json!({ "id": format!("disk-{serial}") }))?;
        let path = qdev(serial);
        qmp.until("query-blockstats", Duration::from_mins(1), |answer| {
            let there = answer.as_array().is_some_and(|all| all.iter().any(|one| one["qdev"] == path));
            Ok((!there).then_some(()))
        })
        .with_context(|| format!("`{}` did not let go of disk `{serial}`", self.name()))
    }

    /// Makes a disk of the running machine larger, as a SAN or a hypervisor does. What is on it stays.
    pub fn grow_disk(&self, serial: &str, size: Size) -> anyhow::Result<()> {
        let mut qmp = Qmp::connect(&self.dir)?;
        let answer = qmp.call("query-block", &json!({}))?;
        let path = qdev(serial);
        let disk = answer.as_array().and_then(|all| all.iter().find(|one| one["qdev"] == path));
        let disk = disk.with_context(|| format!("`{}` has no disk `{serial}`", self.name()))?;
        let node = disk["inserted"]["node-name"].as_str().context("QEMU does not name the disk's node")?;
        let before =
            disk["inserted"]["image"]["virtual-size"].as_u64().context("QEMU does not tell its size")?;
        ensure!(before < size.bytes(), "disk `{serial}` has {} already", Size(before));
        qmp.call("block_resize", &json!({ "node-name": node, "size": size.bytes() })).map(drop)
    }

    /// What reached the disk since QEMU was started; zeros prove that nothing was written.
    pub fn disk_stats(&self, serial: &str) -> anyhow::Result<DiskStats> {
        let answer = Qmp::connect(&self.dir)?.call("query-blockstats", &json!({}))?;
        let path = qdev(serial);
        let disk = answer.as_array().and_then(|all| all.iter().find(|one| one["qdev"] == path));
        let stats = &disk.with_context(|| format!("`{}` has no disk `{serial}`", self.name()))?["stats"];
        let number =
            |name: &str| stats[name].as_u64().with_context(|| format!("QEMU does not tell `{name}`"));
        Ok(DiskStats {
            bytes_read: number("rd_bytes")?,
            bytes_written: number("wr_bytes")?,
            writes: number("wr_operations")?,
            discards: number("unmap_operations")?,
        })
    }

    /// Digest of all that the guest would read from the disk. Blocks of zeros count by leaving their place out, so it
    /// equals no `sha256sum`, but two disks of one size have equal digests exactly when their contents are equal.
    pub fn disk_sha256(&self, serial: &str) -> anyhow::Result<String> {
        let path = self.dir.join(Hardware::disk_file(serial));
        digest(&path).with_context(|| format!("cannot read {}", path.display()))
    }
}

fn digest(path: &Path) -> anyhow::Result<String> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut hash = Sha256::new();
    hash.update(size.to_le_bytes());
    let mut block = vec![0u8; 1 << 16];
    let mut at = 0;
    while at < size {
        // Holes are skipped without being read.
        let data = match rustix::fs::seek(&file, rustix::fs::SeekFrom::Data(at)) {
            Ok(data) => data,
            Err(rustix::io::Errno::NXIO) => break,
            Err(error) => return Err(error.into()),
        };
        at = data >> 16 << 16;
        rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(at))?;
        let length = usize::try_from((size - at).min(1 << 16))?;
        file.read_exact(&mut block[..length])?;
        if block[..length].iter().any(|byte| *byte != 0) {
            hash.update(at.to_le_bytes());
            hash.update(&block[..length]);
        }
        at += 1 << 16;
    }
    Ok(hex(&hash.finalize()))
}

/// The shell script that turns the snapshot's nameless guest into this one.
///
/// Machines from one snapshot would draw the same random numbers, and so make volumes with the same UUIDs. Writing to
/// the pool alone changes nothing for a minute; `0x5207` is `RNDRESEEDCRNG`. Debian's kernel knows no `vmgenid`.
fn identity(place: Place<'_>, seed: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let name = place.name;
    let own = format!("date -s @{now:.3} >/dev/null; echo {name} >/etc/hostname; hostname {name}\n");
    let (network, names) = if place.lan.is_none() {
        (String::new(), format!("127.0.1.1 {name}"))
    } else {
        let (mac, address) = (lan_mac(place.index), lan_address(place.index));
        let network = format!(
            "printf '[Match]\\nName=eth1\\n[Network]\\nAddress={address}/24\\nLinkLocalAddressing=no\\n' \\
             >/etc/systemd/network/20-lan.network\n\
             ip link set eth1 address {mac}; ip addr replace {address}/24 dev eth1; ip link set eth1 up\n"
        );
        let peers: Vec<String> =
            place.peers.iter().map(|(peer, address)| format!("{address} {peer}")).collect();
        (network, peers.join("\n"))
    };
    let reseed = format!(
        "perl -e 'open R, \">\", \"/dev/urandom\" or die; syswrite R, \"{seed}\"; ioctl(R, 0x5207, 0) or die $!'\n"
    );
    format!("{own}{reseed}{network}cat >/etc/hosts <<END\n127.0.0.1 localhost\n{names}\nEND\nsync\n")
}

/// The shell script that waits until the guest has its own disks, and looks up their serials.
fn disks(hardware: &Hardware) -> String {
    let disk = |(letter, disk): (char, &DiskSpec)| format!("vd{letter}:{}", disk.size.bytes() / 512);
    let sectors: Vec<String> = ('b'..).zip(&hardware.disks).map(disk).collect();
    format!(
        "for disk in {}; do tries=600\n\
         until read sectors </sys/block/${{disk%:*}}/size && [ $sectors = ${{disk#*:}} ]; do\n\
         tries=$((tries - 1)); [ $tries != 0 ] || {{ echo \"${{disk%:*}} does not get its size\" >&2; exit 1; }}\n\
         sleep 0.1; done; done\n\
         udevadm trigger --settle --subsystem-match=block --sysname-match='vd*'\n",
        sectors.join(" ")
    )
}

/// How QEMU names a virtio disk in its statistics.
fn qdev(serial: &str) -> String {
    format!("/machine/peripheral/disk-{serial}/virtio-backend")
}

/// Address of a lab's nth machine on the lab's network.
pub fn lan_address(index: usize) -> String {
    format!("10.77.0.{}", index + 11)
}

fn lan_mac(index: usize) -> String {
    format!("52:54:00:77:00:{:02x}", index + 11)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_contents_have_equal_digests_however_they_are_stored() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &[(u64, &[u8])]| {
            use std::os::unix::fs::FileExt as _;
            let file = File::create(dir.path().join(name)).unwrap();
            file.set_len(1 << 20).unwrap();
            for (at, bytes) in content {
                file.write_all_at(bytes, *at).unwrap();
            }
            digest(&dir.path().join(name)).unwrap()
        };
        let blank = write("a", &[]);
        assert_eq!(blank, write("b", &[(5000, &[0; 9000])]));
        let label = write("c", &[(300_000, b"label")]);
        assert_eq!(label, write("d", &[(0, &vec![0; 1 << 20]), (300_000, b"label")]));
        assert_ne!(label, blank);
        assert_ne!(label, write("e", &[(300_001, b"label")]));
    }
}
