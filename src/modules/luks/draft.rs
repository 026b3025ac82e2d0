//! A plan in the making: what the container is after the actions so far, and which keys open it then.

use super::super::devices::{block, confirm};
use super::{Kind, Luks};
use crate::exec::Kind as FileKind;
use crate::machine::block::Device;
use crate::machine::claim::loss;
use crate::machine::luks::{Container, Key, LuksEffect};
use crate::machine::{Machine, Prediction};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::cryptsetup::{self, Hardening};

/// Where the headers are kept.
const EVIDENCE: &str = "/var/lib/holdfast/evidence";

pub(super) struct Draft<'a> {
    pub(super) args: &'a Luks,
    pub(super) machine: &'a Machine,
    pub(super) device: &'a Device,
    pub(super) now: Container,
    pub(super) plan: Plan,
    /// What is known of keys by now, later answers first.
    known: Vec<(Key, Opens)>,
    /// Nobody but this plan has seen the container: what is not known of a key is that it does not open it.
    fresh: bool,
}

/// Whether a key opens the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opens {
    Slot(u32),
    No,
    /// Its file will be there, or there is no cryptsetup yet.
    Untried,
    /// There is no such file, and none is foreseen.
    Missing,
}

impl Opens {
    /// Whether one may count on it; what was not tried is tried when it is used.
    pub(super) fn hopefully(self) -> bool {
        matches!(self, Self::Slot(_) | Self::Untried)
    }
}

impl<'a> Draft<'a> {
    /// On a container that was made a moment ago.
    pub(super) fn made(
        args: &'a Luks,
        machine: &'a Machine,
        device: &'a Device,
        now: Container,
        plan: Plan,
        key: (Key, u32),
    ) -> Self {
        Self { args, machine, device, now, plan, known: vec![(key.0, Opens::Slot(key.1))], fresh: true }
    }

    /// On a container that is there: it has to be the one that is described, and its key has to open it.
    pub(super) fn of(args: &'a Luks, machine: &'a Machine, device: &'a Device) -> Result<Self, Refusal> {
        let draft = Self::known(args, machine, device)?;
        draft.is_as_described()?;
        draft.is_opened_by_its_key()?;
        Ok(draft)
    }

    /// On a container that is there, whatever opens it.
    pub(super) fn known(args: &'a Luks, machine: &'a Machine, device: &'a Device) -> Result<Self, Refusal> {
        let luks = machine.luks.as_ref();
        let Some(now) = luks.and_then(|luks| luks.containers.get(&device.path)).cloned() else {
            let why = luks.and_then(|luks| luks.unreadable.get(&device.path));
            return Err(Refusal::new(format!("the LUKS header of {} cannot be read", device.path))
                .fact(loss(device))
                .fact(why.map_or("nobody looked at it", String::as_str))
                .help(
                    "`cryptsetup repair` may mend it; nothing is done to a container that is not understood",
                ));
        };
        Ok(Self { args, machine, device, now, plan: Plan::empty(), known: Vec::new(), fresh: false })
    }

    /// Refuses what is plainly another container than the one that is meant.
    pub(super) fn is_as_described(&self) -> Result<(), Refusal> {
        let Self { args, now, .. } = self;
        let version = args.kind.map(|kind| if kind == Kind::Luks1 { "1" } else { "2" }.to_owned());
        let number = |number: u64| number.to_string();
        let pairs = [
            ("type", version, now.version.to_string()),
            ("cipher", args.cipher.as_ref().map(|cipher| cipher.to_string()), now.cipher.clone()),
            ("hash", args.hash.as_ref().map(|hash| hash.to_string()), now.hash.clone()),
            // Without a key in it nobody can tell how long the volume's key is.
            ("keysize", args.keysize.filter(|_| now.key_bits > 0).map(number), number(now.key_bits)),
            ("sector_size", args.sector_size.map(number), number(now.sector)),
            (
                "uuid",
                args.uuid.as_ref().map(|uuid| uuid.to_lowercase()),
                now.uuid.known().map_or_else(String::new, str::to_lowercase),
            ),
        ];
        let differs = |(_, wanted, found): &&(&str, Option<String>, String)| {
            !found.is_empty() && wanted.as_ref().is_some_and(|wanted| wanted != found)
        };
        match pairs.iter().find(differs) {
            None => Ok(()),
            Some((argument, wanted, found)) => Err(Refusal::new(format!(
                "the container on {} has the {argument} {found}, not {}",
                self.device.path,
                wanted.as_deref().unwrap_or("")
            ))
            .fact(loss(self.device))
            .help("changing that takes encrypting it anew, which is not supported yet")
            .help("it is never formatted because of this; `state: absent` removes it, with consent")),
        }
    }

    fn is_opened_by_its_key(&self) -> Result<(), Refusal> {
        let Some(key) = self.args.key() else { return Ok(()) };
        let opens = self.opens(&key);
        if opens.hopefully() {
            return self.is_private(&key);
        }
        // It was exchanged already, or is on its way out.
        let other = self.args.new_key().is_some_and(|new| matches!(self.opens(&new), Opens::Slot(_)));
        if other || self.args.removed_key().as_ref() == Some(&key) {
            return Ok(());
        }
        Err(self.wrong(&key, opens))
    }

    pub(super) fn wrong(&self, key: &Key, opens: Opens) -> Refusal {
        let path = &self.device.path;
        if opens == Opens::Missing {
            return Refusal::new(format!("{key} for {path} is not on this host"))
                .help("put it there first, with `copy` and `mode: \"0400\"`");
        }
        let slots: Vec<String> = self.now.slots.iter().map(ToString::to_string).collect();
        let tried = if slots.is_empty() { "none is in use".to_owned() } else { slots.join(", ") };
        let uuid = self.now.uuid.known().unwrap_or("not known yet");
        Refusal::new(format!("{key} does not open the LUKS container on {path}"))
            .fact(loss(self.device))
            .fact(format!("UUID {uuid}, key slots tried: {tried}"))
            .help("give a key that opens it; a wrong key is never a reason to format")
    }

    /// A key file has to be there, and nobody else may read it.
    pub(super) fn is_private(&self, key: &Key) -> Result<(), Refusal> {
        private(self.machine, key)
    }

    pub(super) fn opens(&self, key: &Key) -> Opens {
        if let Some((_, opens)) = self.known.iter().find(|(known, _)| known == key) {
            return *opens;
        }
        if let Key::File(path) = key
            && self.machine.files.at(path).is_none()
        {
            return Opens::Missing;
        }
        if self.fresh {
            return Opens::No;
        }
        let luks = self.machine.luks.as_ref();
        match luks.and_then(|luks| luks.trial(&self.device.path, key)) {
            Some(trial) => trial.slot.map_or(Opens::No, Opens::Slot),
            None => Opens::Untried,
        }
    }

    /// A key that opens it, best one that stays.
    pub(super) fn working(&self) -> Option<Key> {
        let leaving = self.leaving();
        let keys = [self.args.key(), self.args.new_key()].into_iter().flatten();
        let mut keys: Vec<Key> = keys.filter(|key| self.opens(key).hopefully()).collect();
        let stays = |key: &Key| !matches!(self.opens(key), Opens::Slot(slot) if leaving.contains(&slot));
        let best = keys.iter().position(stays).unwrap_or(0);
        (best < keys.len()).then(|| keys.swap_remove(best))
    }

    pub(super) fn working_or_refused(&self, purpose: &str) -> Result<Key, Refusal> {
        self.working().ok_or_else(|| {
            Refusal::new(format!("{purpose} the container on {} takes a key that opens it", self.device.path))
                .fact(loss(self.device))
                .help("give it as `keyfile` or `passphrase`")
        })
    }

    /// Remembers what a key does from now on, and predicts it.
    pub(super) fn key_now(&mut self, key: Key, slot: Option<u32>) -> Prediction {
        let effect = LuksEffect::Key { device: self.device.path.clone(), key: key.clone(), slot };
        self.known.insert(0, (key, slot.map_or(Opens::No, Opens::Slot)));
        Prediction::Luks(effect)
    }

    pub(super) fn push(
        &mut self,
        change: Change,
        steps: impl IntoIterator<Item = Step>,
        predicts: impl IntoIterator<Item = Prediction>,
    ) {
        let mut all = vec![confirm(self.device, false)];
        all.extend(steps);
        let effect =
            LuksEffect::Container { device: self.device.path.clone(), container: Box::new(self.now.clone()) };
        let predicts: Vec<Prediction> = predicts.into_iter().chain([Prediction::Luks(effect)]).collect();
        self.plan.push(change, all, predicts);
    }

    /// Refuses to change the header of a container that is not understood well enough.
    pub(super) fn may_change(&self) -> Result<(), Refusal> {
        let path = &self.device.path;
        if let Some(why) = &self.now.strange {
            return Err(Refusal::new(format!("the container on {path} is left alone: {why}")));
        }
        if self.now.version != 2 {
            return Err(Refusal::new(format!("the container on {path} is LUKS1")).help(
                "changing a container of LUKS1 is not supported yet; `cryptsetup convert` makes it LUKS2",
            ));
        }
        Ok(())
    }

    /// Steps that keep the header as it is before a change.
    pub(super) fn backup(&self) -> Vec<Step> {
        backup(&self.device.path, self.now.version)
    }

    pub(super) fn hardening(&self) -> Hardening {
        self.args.pbkdf.as_ref().map(super::Pbkdf::hardening).unwrap_or_default()
    }

    /// The device of the mapping, where there is one already.
    pub(super) fn mapper(&self) -> Result<Option<&'a Device>, Refusal> {
        let Some(mapping) = &self.now.mapping else { return Ok(None) };
        Ok(block(self.machine)?.devices.get(&format!("/dev/mapper/{}", mapping.name)))
    }
}

/// The names tell the container and the state it was in; a copy of the same state may be there from an attempt that
/// came no further.
pub(super) fn backup(device: &str, version: u16) -> Vec<Step> {
    let state = if version == 2 { format!("@{{luks-epoch:{device}}}") } else { "luks1".to_owned() };
    let file = format!("{EVIDENCE}/luks-@{{uuid:{device}}}-{state}.header");
    let run = crate::exec::Command::new;
    vec![
        Step::run(run("install").args(["-d", "-m", "0700", EVIDENCE])),
        Step::run(run("rm").args(["-f", &file])),
        Step::run(cryptsetup::backup(device, &file)),
    ]
}

pub(super) fn private(machine: &Machine, key: &Key) -> Result<(), Refusal> {
    let Key::File(path) = key else { return Ok(()) };
    match machine.files.at(path) {
        None => Err(Refusal::new(format!("{key} is not on this host"))
            .help("put it there first, with `copy` and `mode: \"0400\"`")),
        Some(found) if found.stat.kind == FileKind::File && found.stat.mode & 0o077 != 0 => {
            Err(Refusal::new(format!("{key} can be read by others than its owner"))
                .fact(format!("its mode is {:04o}", found.stat.mode))
                .help("give it `mode: \"0400\"`"))
        }
        Some(found) if !matches!(found.stat.kind, FileKind::File | FileKind::Link) => {
            Err(Refusal::new(format!("{key} is {} and no file", found.stat.kind.name())))
        }
        Some(_) => Ok(()),
    }
}
