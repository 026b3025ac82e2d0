//! `luks`: encrypted containers, their keys, their mappings, and what opens them at boot.
//!
//! A key that does not open a container is an error and never a reason to format. Passphrases are [`Secret`]s from the
//! arguments to the standard input of `cryptsetup`; in between nobody sees one.

mod absent;
mod arguments;
mod boot;
mod create;
mod draft;
mod keys;
mod mapping;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::arguments::{Cipher, Hash, KeyFile, Label, MapName, Options, Pbkdf, Uuid, passphrase};
use self::draft::Draft;
use super::devices::{block, device};
use super::{Describe, Done, Module, boot_image};
use crate::machine::block::{Content, Device};
use crate::machine::luks::{KIND, Key, LuksNeed};
use crate::machine::{Domain, Machine, Needs};
use crate::plan::{Failure, Plan, Refusal};
use crate::secret::Secret;
use crate::tools::initramfs;
use crate::value::{Map, Value};

/// Encrypts a device with LUKS, opens and closes it, and adds and removes its keys.
///
/// A key that does not open the container is an error, and never a reason to format. The header is kept below
/// `/var/lib/holdfast/evidence` on the host before every change of it: such a copy is opened by the keys of its time, so
/// delete the copies once a key that leaked is gone. A container of LUKS1 is opened and closed, but not changed.
///
/// What is in a closed container cannot be known: a dry run that would open one says so to the tasks after it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Luks {
    /// The device: a path, a link below `/dev/disk`, or a serial. A container that is there can also be named by `uuid`,
    /// `label`, or by the `name` it is open as.
    device: Option<String>,
    /// What it is opened as, below `/dev/mapper`.
    name: Option<MapName>,
    /// `present`: there is a container. `opened` and `closed`: and it is. `absent`: there is none, with consent.
    #[serde(default)]
    state: State,
    /// A file on the host that opens it; nobody but its owner may read it.
    keyfile: Option<KeyFile>,
    /// A passphrase that opens it.
    #[serde(default, deserialize_with = "passphrase")]
    passphrase: Option<Secret>,
    /// A key file that opens it too; the old one is only removed where that is asked for.
    new_keyfile: Option<KeyFile>,
    /// A passphrase that opens it too.
    #[serde(default, deserialize_with = "passphrase")]
    new_passphrase: Option<Secret>,
    /// A key file that opens it no longer.
    remove_keyfile: Option<KeyFile>,
    /// A passphrase that opens it no longer.
    #[serde(default, deserialize_with = "passphrase")]
    remove_passphrase: Option<Secret>,
    /// A key slot that is empty.
    remove_keyslot: Option<u32>,
    /// The key slot of a new container.
    keyslot: Option<u32>,
    /// The key slot of an added key. Default: the first free one.
    new_keyslot: Option<u32>,
    /// Asks to remove the last key, after which nothing opens the container. It does not consent: the refusal names the
    /// token that does.
    #[serde(default)]
    force_remove_last_key: bool,
    /// The kind of container: `luks2`, or `luks1` where one is there already.
    #[serde(rename = "type")]
    kind: Option<Kind>,
    /// How it is encrypted. Default: `aes-xts-plain64`.
    cipher: Option<Cipher>,
    /// What its keys are hashed with. Default: `sha256`.
    hash: Option<Hash>,
    /// Bits of the volume's key. Default: 512 with xts, 256 without.
    keysize: Option<u64>,
    /// How new keys are made hard to guess. Default: what `cryptsetup` takes.
    pbkdf: Option<Pbkdf>,
    /// Bytes of a sector of encryption: 512, 1024, 2048 or 4096. Default: 512; 4096 is faster on disks that have such
    /// sectors.
    sector_size: Option<u64>,
    /// Its label, 47 bytes at most. Left out, it stays as it is.
    label: Option<Label>,
    /// Its UUID. Another one that is there is refused.
    uuid: Option<Uuid>,
    /// Whether TRIM goes through to the device, which shows which sectors are unused. Left out, it stays as it is.
    allow_discards: Option<bool>,
    /// Whether encryption stays on the processor that asked.
    perf_same_cpu_crypt: Option<bool>,
    /// Whether requests are submitted by the processors that encrypted.
    perf_submit_from_crypt_cpus: Option<bool>,
    /// Whether reading goes without a queue.
    perf_no_read_workqueue: Option<bool>,
    /// Whether writing goes without a queue.
    perf_no_write_workqueue: Option<bool>,
    /// Whether `allow_discards` and `perf_*` are kept in the container's header.
    #[serde(default)]
    persistent: bool,
    /// Whether crypttab opens it at boot. Default: where it is `opened` with a key file. With a passphrase `true` makes
    /// the host ask for it.
    boot: Option<bool>,
    /// More options of crypttab: `nofail,_netdev`.
    opts: Option<Options>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    #[default]
    Present,
    Absent,
    Opened,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Luks1,
    Luks2,
}

impl Describe for Luks {
    const NAME: &'static str = "luks";
    const ALIASES: &'static [&'static str] = &["luks_device", "community.crypto.luks_device"];
    const EXAMPLE: &'static str = "\
luks:
  device: HF-DISK-1
  name: secrets
  state: opened
  keyfile: /etc/keys/secrets
";
}

impl Module for Luks {
    fn needs(&self) -> Needs {
        let files = [&self.keyfile, &self.new_keyfile, &self.remove_keyfile];
        let mut keys: Vec<Key> = Vec::new();
        for key in [self.key(), self.new_key(), self.removed_key()].into_iter().flatten() {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let named = self.name.as_ref().map(|name| format!("/dev/mapper/{}", &**name));
        let device = self.device.clone().or_else(|| self.spec()).or(named);
        let mut needs =
            Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts, Domain::Luks]).and(initramfs::needs());
        needs = files.into_iter().flatten().fold(needs, |needs, file| needs.path(&**file));
        needs.luks.extend(device.map(|device| LuksNeed { device, keys }));
        needs
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        self.check()?;
        let mut plan = self.becoming(machine)?;
        boot_image::catch_up(machine, &mut plan);
        Ok(plan)
    }

    fn result(&self, done: &Done<'_>) -> Result<Map<String, Value>, Failure> {
        let device = self.device(done.after).ok().flatten();
        let luks = done.after.luks.as_ref();
        let open = device.zip(luks).and_then(|(device, luks)| {
            luks.containers.get(&device.path)?.mapping.as_ref().map(|mapping| mapping.name.as_str())
        });
        Ok([("name".to_owned(), open.map_or(Value::Null, Value::from))].into_iter().collect())
    }
}

impl Luks {
    fn becoming(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let Some(device) = self.device(machine)? else {
            let mut plan = Plan::empty();
            if self.state == State::Absent {
                self.unregister(machine, None, &mut plan)?;
            }
            return Ok(plan);
        };
        if self.state == State::Absent {
            return self.remove(machine, device);
        }
        let mut draft = match &device.content {
            Content::Other { kind, .. } if kind == KIND => Draft::of(self, machine, device)?,
            _ => self.create(machine, device)?,
        };
        draft.add_key()?;
        draft.rename()?;
        draft.mapping()?;
        // What opens it at boot knows the new key before the old one goes.
        draft.boot()?;
        draft.remove_keys()?;
        Ok(draft.plan)
    }

    fn key(&self) -> Option<Key> {
        either(self.keyfile.as_ref(), self.passphrase.as_ref())
    }

    fn new_key(&self) -> Option<Key> {
        either(self.new_keyfile.as_ref(), self.new_passphrase.as_ref())
    }

    fn removed_key(&self) -> Option<Key> {
        either(self.remove_keyfile.as_ref(), self.remove_passphrase.as_ref())
    }

    /// What names a container that is there, without its device.
    fn spec(&self) -> Option<String> {
        let uuid = self.uuid.as_ref().map(|uuid| format!("UUID={}", uuid.to_lowercase()));
        uuid.or_else(|| self.label.as_ref().map(|label| format!("LABEL={}", &**label)))
    }

    fn check(&self) -> Result<(), Refusal> {
        let both = [
            ("keyfile", self.keyfile.is_some() && self.passphrase.is_some()),
            ("new_keyfile", self.new_keyfile.is_some() && self.new_passphrase.is_some()),
            ("remove_keyfile", self.remove_keyfile.is_some() && self.remove_passphrase.is_some()),
        ];
        if let Some((argument, _)) = both.into_iter().find(|(_, both)| *both) {
            let other = argument.replace("keyfile", "passphrase");
            return Err(Refusal::new(format!(
                "`{argument}` and `{other}` are both given, and one key is meant"
            )));
        }
        if self.new_key().is_some() && self.new_key() == self.removed_key() {
            return Err(Refusal::new("the same key is to be added and to be removed"));
        }
        match self.state {
            State::Opened if self.name.is_none() => {
                Err(Refusal::new("what the container is to be opened as is not given: `name`"))
            }
            _ if self.device.is_none() && self.spec().is_none() && self.name.is_none() => Err(Refusal::new(
                "which container is meant is not given: `device`, `uuid`, `label` or `name`",
            )),
            _ => Ok(()),
        }
    }

    /// The device; `None` where nothing has that name and nothing has to.
    fn device<'a>(&self, machine: &'a Machine) -> Result<Option<&'a Device>, Refusal> {
        if let Some(name) = &self.device {
            return device(machine, name, "the LUKS container").map(Some);
        }
        let block = block(machine)?;
        let open = || block.container(&format!("/dev/mapper/{}", &**self.name.as_ref()?));
        let found = match self.spec() {
            Some(spec) => block.find(&spec),
            None => open(),
        };
        let is_container =
            |device: &&Device| matches!(&device.content, Content::Other { kind, .. } if kind == KIND);
        match found.filter(is_container) {
            None if matches!(self.state, State::Present | State::Opened) => {
                let named = self.spec().or_else(|| self.name.as_ref().map(|name| name.to_string()));
                Err(Refusal::new(format!("there is no LUKS container {}", named.unwrap_or_default()))
                    .help("name its device with `device`"))
            }
            found => Ok(found),
        }
    }
}

/// A task whose passphrase stays a [`Secret`] on the way.
pub(super) fn with_passphrase(args: &Value, passphrase: Option<Secret>) -> Result<Luks, Refusal> {
    let mut luks: Luks =
        serde_json::from_value(args.clone()).map_err(|error| Refusal::new(error.to_string()))?;
    luks.passphrase = passphrase;
    Ok(luks)
}

fn either(file: Option<&KeyFile>, passphrase: Option<&Secret>) -> Option<Key> {
    let file = file.map(|file| Key::File(file.to_string()));
    file.or_else(|| passphrase.cloned().map(Key::Passphrase))
}
