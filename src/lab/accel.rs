//! Whether guests may use KVM here. `/dev/kvm` can open and still hang every guest, so one tiny guest is tried once:
//! a boot sector that asks QEMU to end. The answer is remembered in the cache.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, thread};

use anyhow::{Context, bail};

use super::{Progress, places};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Accel {
    Kvm,
    Tcg,
}

impl Accel {
    pub fn name(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
        }
    }

    /// QEMU's arguments.
    pub fn args(self) -> [&'static str; 4] {
        match self {
            Self::Kvm => ["-accel", "kvm", "-cpu", "host"],
            Self::Tcg => ["-accel", "tcg,thread=multi,tb-size=512", "-cpu", "Nehalem"],
        }
    }

    fn named(name: &str) -> Option<Self> {
        match name.trim() {
            "kvm" => Some(Self::Kvm),
            "tcg" => Some(Self::Tcg),
            _ => None,
        }
    }
}

/// `$HOLDFAST_LAB_ACCEL`, else what is remembered, else what a try says.
pub fn chosen(progress: Progress<'_>) -> anyhow::Result<Accel> {
    match env::var("HOLDFAST_LAB_ACCEL") {
        Ok(name) => {
            return Accel::named(&name)
                .with_context(|| format!("HOLDFAST_LAB_ACCEL is `{name}`; it can be `kvm` or `tcg`"));
        }
        Err(env::VarError::NotUnicode(_)) => bail!("HOLDFAST_LAB_ACCEL can be `kvm` or `tcg`"),
        Err(env::VarError::NotPresent) => {}
    }
    if File::options().read(true).write(true).open("/dev/kvm").is_err() {
        return Ok(Accel::Tcg);
    }
    let _lock = places::lock("accel")?;
    // A new kernel may work where the old one did not.
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let remembered = places::cache()?.join(format!("accel-{}", kernel.trim()));
    if let Some(known) = fs::read_to_string(&remembered).ok().and_then(|name| Accel::named(&name)) {
        return Ok(known);
    }
    progress("trying whether KVM works here (once)");
    let accel = if kvm_boots(&places::cache()?)? { Accel::Kvm } else { Accel::Tcg };
    fs::write(&remembered, accel.name()).with_context(|| format!("cannot write {}", remembered.display()))?;
    Ok(accel)
}

/// `mov dx, 0xf4; mov al, 42; out dx, al`, then `hlt` for ever: 16-bit code, as the BIOS starts it.
const BOOT_SECTOR_CODE: [u8; 9] = [0xba, 0xf4, 0x00, 0xb0, 0x2a, 0xee, 0xf4, 0xeb, 0xfd];
/// What `isa-debug-exit` makes of 42.
const BOOTED: i32 = (42 << 1) | 1;
/// Where KVM works this takes a fraction of a second. Below some other hypervisors it takes 8 s, and Linux never starts.
const BUDGET: Duration = Duration::from_secs(4);

fn kvm_boots(cache: &Path) -> anyhow::Result<bool> {
    let mut sector = [0u8; 512];
    sector[..BOOT_SECTOR_CODE.len()].copy_from_slice(&BOOT_SECTOR_CODE);
    sector[510..].copy_from_slice(&[0x55, 0xaa]);
    let disk = cache.join("accel-probe.raw");
    fs::write(&disk, sector).with_context(|| format!("cannot write {}", disk.display()))?;
    let mut child = super::process::spawn_quiet(
        "qemu-system-x86_64",
        &[
            "-nodefaults",
            "-display",
            "none",
            "-no-reboot",
            "-m",
            "64",
            "-accel",
            "kvm",
            "-cpu",
            "host",
            "-device",
            "isa-debug-exit,iobase=0xf4",
            "-drive",
            "file=accel-probe.raw,format=raw,if=ide,snapshot=on",
        ],
        cache,
    )?;
    let begun = Instant::now();
    let code = loop {
        if let Some(status) = child.try_wait()? {
            break status.code();
        }
        if begun.elapsed() > BUDGET {
            child.kill()?;
            child.wait()?;
            break None;
        }
        thread::sleep(Duration::from_millis(20));
    };
    // Only a convenience: the probe's disk is written anew each time.
    let _ = fs::remove_file(disk);
    Ok(code == Some(BOOTED))
}
