//! `cryptsetup`: LUKS containers. Passphrases go to its standard input and nowhere else: arguments can be read by
//! everybody on a host, and even the length of a passphrase is not theirs to know.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::exec::Command;
use crate::machine::claim::{BlankDevice, Unused};
use crate::machine::luks::{Flag, Key};
use crate::secret::Secret;

/// The status that says no key opened it.
pub const NO_PERMISSION: i32 = 2;
/// The longest passphrase it reads as a line.
pub const LONGEST: usize = 512;
/// Where LUKS2 puts the data when nothing else is said, in bytes.
pub const DATA: u64 = 16 << 20;

/// How a key is made hard to guess.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hardening {
    pub algorithm: Option<String>,
    pub iterations: Option<u64>,
    pub milliseconds: Option<u64>,
    /// KiB.
    pub memory: Option<u64>,
    pub threads: Option<u64>,
}

/// A container to be made.
#[derive(Debug)]
pub struct Format<'a> {
    pub key: &'a Key,
    pub slot: Option<u32>,
    pub cipher: &'a str,
    pub key_bits: u64,
    pub hash: &'a str,
    pub sector: u64,
    /// Bytes.
    pub offset: u64,
    pub label: Option<&'a str>,
    pub uuid: Option<&'a str>,
    pub hardening: &'a Hardening,
}

impl Hardening {
    fn args(&self) -> Vec<String> {
        let mut args = Vec::new();
        let mut arg = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                args.extend([name.to_owned(), value]);
            }
        };
        arg("--pbkdf", self.algorithm.clone());
        arg("--pbkdf-force-iterations", self.iterations.map(|count| count.to_string()));
        arg("--iter-time", self.milliseconds.map(|time| time.to_string()));
        arg("--pbkdf-memory", self.memory.map(|memory| memory.to_string()));
        arg("--pbkdf-parallel", self.threads.map(|threads| threads.to_string()));
        args
    }
}

fn verb(verb: &str) -> Command {
    Command::new("cryptsetup").args([verb, "--batch-mode"])
}

/// With the key that opens it.
fn with(command: Command, key: &Key) -> Command {
    match key {
        Key::File(path) => command.args(["--key-file", path]),
        Key::Passphrase(secret) => command.args(["--key-file", "-"]).secret(secret.clone()),
    }
}

/// Makes a container on a device where nothing is.
pub fn format(device: BlankDevice<'_>, how: &Format<'_>) -> Command {
    let mut command = with(verb("luksFormat").args(["--type", "luks2"]), how.key)
        .args(["--cipher", how.cipher, "--hash", how.hash])
        .args(["--key-size".to_owned(), how.key_bits.to_string()])
        .args(["--sector-size".to_owned(), how.sector.to_string()])
        .args(["--offset".to_owned(), (how.offset / 512).to_string()])
        .args(how.hardening.args());
    if let Some(slot) = how.slot {
        command = command.args(["--key-slot".to_owned(), slot.to_string()]);
    }
    for (name, value) in [("--label", how.label), ("--uuid", how.uuid)] {
        command = command.args(value.into_iter().flat_map(|value| [name, value]));
    }
    command.arg(device.path())
}

/// Opens it below `/dev/mapper`.
pub fn open(device: &str, name: &str, key: &Key, flags: &BTreeSet<Flag>) -> Command {
    with(verb("open").args(["--type", "luks"]), key).args(options(flags)).args([device, name])
}

/// Sets what is switched on in a mapping; with `lasting`, for later openings too.
pub fn refresh(name: &str, key: &Key, flags: &BTreeSet<Flag>, lasting: bool) -> Command {
    let lasting = lasting.then_some("--persistent");
    with(verb("refresh"), key).args(options(flags)).args(lasting).arg(name)
}

fn options(flags: &BTreeSet<Flag>) -> impl Iterator<Item = String> {
    flags.iter().map(|flag| match flag {
        Flag::Discards => "--allow-discards".to_owned(),
        other => format!("--perf-{}", other.word()),
    })
}

/// Closes a mapping that nobody uses.
pub fn close(mapping: Unused<'_>) -> Command {
    closing(&mapping.device().path)
}

/// Closes a mapping that was opened a moment ago.
pub fn close_new(name: &str) -> Command {
    closing(&format!("/dev/mapper/{name}"))
}

fn closing(path: &str) -> Command {
    verb("close").arg(path.strip_prefix("/dev/mapper/").unwrap_or(path))
}

/// Makes a mapping as large as its device.
pub fn resize(name: &str, key: &Key) -> Command {
    with(verb("resize"), key).arg(name)
}

/// Tries a key without opening anything. Each slot is tried, and each may take seconds.
pub fn test(device: &str, key: &Key) -> Command {
    let probe = Command::probe("cryptsetup").deadline(Duration::from_mins(5));
    with(probe.args(["open", "--batch-mode", "--type", "luks", "--test-passphrase", "--verbose"]), key)
        .arg(device)
}

/// The slot that a key opened.
pub fn opened_slot(said: &str) -> Result<u32, String> {
    let slot =
        said.lines().find_map(|line| line.trim().strip_prefix("Key slot ")?.strip_suffix(" unlocked."));
    let slot = slot.ok_or("cryptsetup: no line says which key slot was unlocked")?;
    slot.parse().map_err(|_| format!("cryptsetup: the key slot `{slot}` is no number"))
}

/// Adds a key with the help of one that opens the container.
pub fn add_key(device: &str, old: &Key, new: &Key, slot: u32, hardening: &Hardening) -> Command {
    let command = verb("luksAddKey").args(["--key-slot".to_owned(), slot.to_string()]).args(hardening.args());
    match (old, new) {
        // Both are read as lines, one after the other.
        (Key::Passphrase(old), Key::Passphrase(new)) => {
            command.secret(Secret::new(format!("{}\n{}\n", old.reveal(), new.reveal()))).arg(device)
        }
        (old, Key::File(new)) => with(command, old).args([device, new]),
        (Key::File(old), Key::Passphrase(new)) => {
            command.args(["--key-file", old, device, "-"]).secret(new.clone())
        }
    }
}

/// Removes the key in a slot; cryptsetup itself makes sure that `other` opens another slot.
pub fn kill_slot(device: &str, slot: u32, other: &Key) -> Command {
    with(verb("luksKillSlot"), other).args([device.to_owned(), slot.to_string()])
}

/// Removes the key in a slot, whether or not another is left. Nothing opens the container after the last.
pub fn kill_last_slot(device: &str, slot: u32) -> Command {
    verb("luksKillSlot").args([device.to_owned(), slot.to_string()])
}

/// Writes the header with all its keys into a file that is not there yet; only root can read it.
pub fn backup(device: &str, file: &str) -> Command {
    verb("luksHeaderBackup").args([device, "--header-backup-file", file])
}

/// Makes all keys useless.
pub fn erase(device: Unused<'_>) -> Command {
    verb("erase").arg(&device.device().path)
}

pub fn label(device: &str, label: &str) -> Command {
    verb("config").args(["--label", label, device])
}

pub fn status(name: &str) -> Command {
    Command::probe("cryptsetup").args(["status", name])
}

/// What is switched on, as the status of a mapping says it. Flags that cannot be asked for are left out.
pub fn flags(said: &str) -> Result<BTreeSet<Flag>, String> {
    let kind = said.lines().find_map(|line| line.trim().strip_prefix("type:"));
    match kind.map(str::trim) {
        Some("LUKS1" | "LUKS2") => {}
        other => return Err(format!("cryptsetup: field `type` of the status is `{}`", other.unwrap_or(""))),
    }
    let words = said.lines().find_map(|line| line.trim().strip_prefix("flags:")).unwrap_or("");
    Ok(Flag::ALL
        .into_iter()
        .filter(|flag| words.split_whitespace().any(|word| word == flag.word()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrase(text: &str) -> Key {
        Key::Passphrase(Secret::new(text))
    }

    #[test]
    fn no_passphrase_is_an_argument() {
        let hardening = Hardening::default();
        let file = Key::File("/etc/key".into());
        let commands = [
            (open("/dev/sda", "box", &phrase("hunter2"), &BTreeSet::new()), "hunter2"),
            (test("/dev/sda", &phrase("hunter2")), "hunter2"),
            (
                add_key("/dev/sda", &phrase("hunter2"), &phrase("hunter3"), 1, &hardening),
                "hunter2\nhunter3\n",
            ),
            (add_key("/dev/sda", &phrase("hunter2"), &file, 1, &hardening), "hunter2"),
            (add_key("/dev/sda", &file, &phrase("hunter3"), 1, &hardening), "hunter3"),
            (kill_slot("/dev/sda", 0, &phrase("hunter3")), "hunter3"),
        ];
        for (command, given) in commands {
            assert!(!format!("{command} {command:?}").contains("hunter"), "{command}");
            assert_eq!(command.stdin.bytes(), Some(given.as_bytes()), "{command}");
        }
        let both = add_key("/dev/sda", &file, &Key::File("/etc/new".into()), 2, &hardening);
        let shown = "cryptsetup luksAddKey --batch-mode --key-slot 2 --key-file /etc/key /dev/sda /etc/new";
        assert_eq!(both.to_string(), shown);
    }

    /// Captured: cryptsetup 2.6.1.
    #[test]
    fn reads_what_it_says() {
        let said = "No usable token is available.\nKey slot 5 unlocked.\nCommand successful.\n";
        assert_eq!(opened_slot(said), Ok(5));
        assert!(opened_slot("Command successful.\n").is_err());
        let status = "/dev/mapper/my-box is active.\n  type:    LUKS2\n  cipher:  aes-xts-plain64\n  \
                      keysize: 512 bits\n  key location: keyring\n  device:  /dev/vdb\n  sector size:  512\n  \
                      offset:  32768 sectors\n  size:    491520 sectors\n  mode:    read/write\n  \
                      flags:   discards no_read_workqueue \n";
        assert_eq!(flags(status), Ok([Flag::Discards, Flag::NoReadQueue].into_iter().collect()));
        assert_eq!(flags("x\n  type:  LUKS1\n"), Ok(BTreeSet::new()));
        assert!(flags("x\n  type:  PLAIN\n").is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(.|\n)*") {
            let _ = (opened_slot(&text), flags(&text));
        }
    }
}
