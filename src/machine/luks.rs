//! LUKS containers as far as they were looked at, what is open, and what crypttab opens at boot.
//!
//! Which key opens a container cannot be read off it: a module says beforehand which keys it will speak of
//! ([`LuksNeed`]), they are tried, and the answers are kept here as [`Trial`]s.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Needs;
use super::block::{Block, Device, Uuid};
use super::needs::Domain;
use crate::plan::same_but_for_late_names;
use crate::secret::Secret;

/// What blkid calls it.
pub const KIND: &str = "crypto_LUKS";

/// The encryption of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Luks {
    /// By the lasting name of the device, as asked for in `Needs::luks`.
    pub containers: BTreeMap<String, Container>,
    /// Devices that should hold a container, and why it cannot be read.
    pub unreadable: BTreeMap<String, String>,
    pub trials: Vec<Trial>,
    pub crypttab: Vec<CrypttabEntry>,
}

/// What opens a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Key {
    /// A file on the host, all of it.
    File(String),
    Passphrase(Secret),
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "the key file {path}"),
            Self::Passphrase(_) => f.write_str("the passphrase"),
        }
    }
}

/// A container that has to be looked at, and the keys to try on it.
#[derive(Debug, Clone, PartialEq)]
pub struct LuksNeed {
    /// Any name of its device, or of the mapping it is open as.
    pub device: String,
    pub keys: Vec<Key>,
}

/// Whether a key opened a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    pub device: String,
    pub key: Key,
    /// The slot it opened.
    pub slot: Option<u32>,
}

/// A LUKS container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// 1 or 2.
    pub version: u16,
    pub uuid: Uuid,
    pub label: Option<String>,
    /// As in `aes-xts-plain64`.
    pub cipher: String,
    /// Bits of the key of the volume.
    pub key_bits: u64,
    /// What the digest of that key is made with.
    pub hash: String,
    /// Bytes of a sector of encryption.
    pub sector: u64,
    /// Where the data begins, in bytes; it ends with the device.
    pub offset: u64,
    /// Key slots in use.
    pub slots: BTreeSet<u32>,
    /// What is switched on every time it is opened.
    pub lasting: BTreeSet<Flag>,
    /// Why it is left alone: it is being re-encrypted, or has a shape that nobody here knows.
    pub strange: Option<String>,
    pub mapping: Option<Mapping>,
}

/// The plain view of a container that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// As below `/dev/mapper`.
    pub name: String,
    pub flags: BTreeSet<Flag>,
}

/// What can be switched on in a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Flag {
    /// TRIM goes through, and shows which sectors are unused.
    Discards,
    SameCpu,
    SubmitFromCpus,
    NoReadQueue,
    NoWriteQueue,
}

impl Flag {
    pub const ALL: [Self; 5] =
        [Self::Discards, Self::SameCpu, Self::SubmitFromCpus, Self::NoReadQueue, Self::NoWriteQueue];

    /// As device-mapper and `cryptsetup status` write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Discards => "discards",
            Self::SameCpu => "same_cpu_crypt",
            Self::SubmitFromCpus => "submit_from_crypt_cpus",
            Self::NoReadQueue => "no_read_workqueue",
            Self::NoWriteQueue => "no_write_workqueue",
        }
    }

    /// As the header of the container keeps it.
    pub fn kept(self) -> String {
        if self == Self::Discards { "allow-discards".to_owned() } else { self.word().replace('_', "-") }
    }

    /// As crypttab takes it.
    pub fn crypttab(self) -> String {
        if self == Self::Discards { "discard".to_owned() } else { self.kept() }
    }
}

/// A line of crypttab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrypttabEntry {
    pub name: String,
    /// `UUID=...`, `/dev/...`.
    pub spec: String,
    /// A key file; `None`: somebody is asked.
    pub key: Option<String>,
    pub options: Vec<String>,
    /// The line as it is written there.
    pub line: String,
}

impl CrypttabEntry {
    /// The block device it speaks of, whatever it calls it.
    pub fn device<'a>(&self, block: &'a Block) -> Option<&'a Device> {
        let late = self.spec.strip_prefix("UUID=@{uuid:").and_then(|rest| rest.strip_suffix('}'));
        block.find(late.unwrap_or(&self.spec))
    }
}

impl Container {
    /// The bytes of the plain view on a device of that size.
    pub fn plain_size(&self, device: u64) -> u64 {
        device.saturating_sub(self.offset) / self.sector.max(1) * self.sector.max(1)
    }

    fn agrees(&self, found: &Self) -> bool {
        self.uuid.agrees(&found.uuid)
            && Self { uuid: Uuid::Late, ..self.clone() } == Self { uuid: Uuid::Late, ..found.clone() }
    }
}

impl Luks {
    /// What is known of a key: `None` when it was not tried.
    pub fn trial(&self, device: &str, key: &Key) -> Option<&Trial> {
        self.trials.iter().find(|trial| trial.device == device && trial.key == *key)
    }
}

/// What an action does to encryption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LuksEffect {
    /// The container is like this.
    Container { device: String, container: Box<Container> },
    /// There is no container.
    Gone { device: String },
    /// The key opens this slot, or none.
    Key { device: String, key: Key, slot: Option<u32> },
    /// What crypttab says of a name: one entry, or none.
    Crypttab { name: String, entry: Option<CrypttabEntry> },
}

impl LuksEffect {
    pub fn apply(&self, luks: &mut Luks) {
        match self {
            Self::Container { device, container } => {
                luks.unreadable.remove(device);
                luks.containers.insert(device.clone(), (**container).clone());
            }
            Self::Gone { device } => {
                luks.unreadable.remove(device);
                luks.containers.remove(device);
                luks.trials.retain(|trial| trial.device != *device);
            }
            Self::Key { device, key, slot } => {
                luks.trials.retain(|trial| trial.device != *device || trial.key != *key);
                luks.trials.push(Trial { device: device.clone(), key: key.clone(), slot: *slot });
            }
            Self::Crypttab { name, entry } => {
                let at = luks.crypttab.iter().position(|old| old.name == *name);
                luks.crypttab.retain(|old| old.name != *name);
                if let Some(entry) = entry {
                    luks.crypttab.insert(at.unwrap_or(luks.crypttab.len()), entry.clone());
                }
            }
        }
    }

    pub fn holds(&self, luks: &Luks) -> Result<(), String> {
        match self {
            Self::Container { device, container } => match luks.containers.get(device) {
                Some(found) if container.agrees(found) => Ok(()),
                Some(found) => Err(format!("the container on {device} is {found:?}, not {container:?}")),
                None => Err(format!("there is no LUKS container on {device}")),
            },
            Self::Gone { device } if luks.containers.contains_key(device) => {
                Err(format!("there is still a LUKS container on {device}"))
            }
            Self::Gone { .. } => Ok(()),
            Self::Key { device, key, slot } => match luks.trial(device, key) {
                Some(trial) if trial.slot == *slot => Ok(()),
                Some(Trial { slot: None, .. }) => Err(format!("{key} does not open {device}")),
                Some(Trial { slot: Some(found), .. }) => Err(format!("{key} opens slot {found} of {device}")),
                // A file that is gone opens nothing.
                None if slot.is_none() => Ok(()),
                None => Err(format!("{key} could not be tried on {device}")),
            },
            Self::Crypttab { name, entry } => {
                let found: Vec<&CrypttabEntry> =
                    luks.crypttab.iter().filter(|found| found.name == *name).collect();
                match (entry, found.as_slice()) {
                    (None, []) => Ok(()),
                    (Some(want), [found])
                        if same_but_for_late_names(want.line.as_bytes(), found.line.as_bytes()) =>
                    {
                        Ok(())
                    }
                    _ => Err(format!("crypttab has {} entries of {name}, not the planned one", found.len())),
                }
            }
        }
    }

    /// Whether this makes an earlier effect moot: both are about the same thing.
    pub fn replaces(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (
                Self::Container { device, .. } | Self::Gone { device },
                Self::Container { device: other, .. } | Self::Gone { device: other },
            )
            | (Self::Gone { device }, Self::Key { device: other, .. }) => device == other,
            (Self::Key { device, key, .. }, Self::Key { device: other, key: earlier, .. }) => {
                device == other && key == earlier
            }
            (Self::Crypttab { name, .. }, Self::Crypttab { name: other, .. }) => name == other,
            _ => false,
        }
    }

    pub fn needs(&self) -> Needs {
        let of = |device: &String, keys: Vec<Key>| Needs {
            luks: vec![LuksNeed { device: device.clone(), keys }],
            ..Needs::of([Domain::Luks])
        };
        match self {
            Self::Container { device, .. } | Self::Gone { device } => of(device, Vec::new()),
            Self::Key { device, key, .. } => of(device, vec![key.clone()]),
            Self::Crypttab { .. } => Needs::of([Domain::Luks]),
        }
    }
}
