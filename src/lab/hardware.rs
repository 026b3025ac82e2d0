//! What a machine is made of, as QEMU's arguments. Plain data: nothing is started here. File names are relative to the
//! machine's own folder, in which QEMU is started.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::accel::Accel;
use super::labfile::{DiskSpec, HostSpec};
use crate::units::{GIB, Size};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hardware {
    pub memory_mib: u64,
    pub cpus: u8,
    pub disks: Vec<DiskSpec>,
    pub accel: Accel,
    /// A second network card, for the lab's own network.
    pub lan: bool,
}

/// How one machine is wired; may differ between a snapshot and the machine resumed from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wiring {
    /// Port of 127.0.0.1 that leads to the guest's sshd.
    pub ssh_port: u16,
    /// UDP port that all machines of a lab share, and the card's address.
    pub lan: Option<(u16, String)>,
}

impl Hardware {
    pub fn of(spec: &HostSpec, accel: Accel, lan: bool) -> Self {
        Self { memory_mib: spec.memory.bytes() >> 20, cpus: spec.cpus, disks: spec.disks.clone(), accel, lan }
    }

    /// The machine that is booted for all that differ in nothing but their disks' sizes and serials: those a guest learns
    /// anew while it runs, and a booted snapshot serves them all.
    #[must_use]
    pub fn kind(&self) -> Self {
        let disk = |index| DiskSpec { serial: format!("any-{index}"), size: Size(GIB) };
        Self { disks: (0..self.disks.len()).map(disk).collect(), ..self.clone() }
    }

    /// Names the hardware for the cache; `qemu` is the version that will run it, as snapshots depend on it.
    pub fn digest(&self, qemu: &str) -> String {
        let sample = Wiring { ssh_port: 1, lan: self.lan.then(|| (1, String::new())) };
        let text = format!("{qemu}\n{}", self.args(&sample).join("\n"));
        hex(&Sha256::digest(text))[..16].to_owned()
    }

    /// The file of a data disk in the machine's folder.
    pub fn disk_file(serial: &str) -> String {
        format!("disk-{serial}.raw")
    }

    /// QEMU's name for the content of the nth data disk.
    pub fn disk_node(index: usize) -> String {
        format!("data{index}")
    }

    pub fn args(&self, wiring: &Wiring) -> Vec<String> {
        let mut args: Vec<String> = Vec::new();
        let mut add = |text: String| args.extend(text.split(' ').map(str::to_owned));
        // Without `-nodefaults` a floppy drive's errors keep the guest from finding its root.
        add("-nodefaults -no-user-config -display none -machine pc".into());
        add(self.accel.args().join(" "));
        add(format!("-m {} -smp {}", self.memory_mib, self.cpus));
        add(format!("-blockdev {}", node("root", "qcow2", "root.qcow2")));
        add("-device virtio-blk-pci,id=disk-root,drive=root,serial=root,bootindex=0".into());
        for (index, DiskSpec { serial, .. }) in self.disks.iter().enumerate() {
            let data = Self::disk_node(index);
            add(format!("-blockdev {}", node(&data, "raw", &Self::disk_file(serial))));
            add(format!("-device virtio-blk-pci,id=disk-{serial},drive={data},serial={serial}"));
        }
        // `restrict` cuts the guest off from everything but the one forwarded port.
        add(format!("-netdev user,id=control,restrict=on,hostfwd=tcp:127.0.0.1:{}-:22", wiring.ssh_port));
        add("-device virtio-net-pci,netdev=control,romfile=".into());
        if let Some((port, mac)) = &wiring.lan {
            add(format!("-netdev socket,id=lan,mcast=230.0.0.1:{port},localaddr=127.0.0.1"));
            let mac = if mac.is_empty() { String::new() } else { format!(",mac={mac}") };
            add(format!("-device virtio-net-pci,netdev=lan,romfile={mac}"));
        }
        add("-device virtio-rng-pci".into());
        add("-chardev file,id=console,path=console.log,append=on -serial chardev:console".into());
        args
    }
}

/// A disk. Flushes reach the file but not the platters: a lab survives its QEMU's death, not its host's.
fn node(name: &str, driver: &str, file: &str) -> String {
    json!({
        "node-name": name, "driver": driver, "discard": "unmap",
        "file": { "driver": "file", "filename": file, "cache": { "no-flush": true } }
    })
    .to_string()
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::LabFile;

    fn hardware() -> Hardware {
        let lab = LabFile::parse("hosts: {a: {disks: [{serial: HF-1, size: 1GiB}]}}").unwrap();
        Hardware::of(&lab.hosts["a"], Accel::Tcg, false)
    }

    #[test]
    fn disks_carry_their_serial_and_their_own_file() {
        let args = hardware().args(&Wiring { ssh_port: 2222, lan: None });
        assert!(args.contains(&"virtio-blk-pci,id=disk-HF-1,drive=data0,serial=HF-1".to_owned()));
        assert!(args.iter().any(|arg| arg.contains(r#""filename":"disk-HF-1.raw""#)));
    }

    #[test]
    fn a_guest_reaches_no_network() {
        let args = hardware().args(&Wiring { ssh_port: 2222, lan: None }).join(" ");
        assert!(args.contains("restrict=on,hostfwd=tcp:127.0.0.1:2222-:22"));
        assert_eq!(args.matches("-netdev").count(), 1);
    }

    #[test]
    fn other_hardware_or_another_qemu_needs_another_snapshot_and_other_disks_do_not() {
        let digest = |hardware: &Hardware| hardware.kind().digest("7.2");
        assert_ne!(digest(&hardware()), hardware().kind().digest("10.0"));
        let mut other = hardware();
        other.disks[0] = DiskSpec { serial: "HF-2".into(), size: Size(GIB * 2) };
        assert_eq!(digest(&hardware()), digest(&other));
        other.disks.push(DiskSpec { serial: "HF-3".into(), size: Size(GIB) });
        assert_ne!(digest(&hardware()), digest(&other));
        assert_ne!(digest(&hardware()), digest(&Hardware { cpus: 2, ..hardware() }));
    }
}
