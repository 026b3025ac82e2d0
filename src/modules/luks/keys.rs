//! Keys: a new one is added and tried before an old one goes, and the last one goes with consent only.

use std::collections::BTreeSet;

use super::draft::{Draft, Opens};
use crate::machine::claim::{loss, token};
use crate::machine::luks::Key;
use crate::plan::{Change, Refusal, Step};
use crate::tools::cryptsetup;

/// LUKS2 has this many key slots.
const SLOTS: u32 = 32;

impl Draft<'_> {
    /// The slots that are to be empty.
    pub(super) fn leaving(&self) -> BTreeSet<u32> {
        let mut slots = BTreeSet::new();
        let key = self.args.removed_key();
        if let Some(Opens::Slot(slot)) = key.as_ref().map(|key| self.opens(key)) {
            slots.insert(slot);
        }
        slots.extend(self.args.remove_keyslot.filter(|slot| self.now.slots.contains(slot)));
        slots
    }

    pub(super) fn remove_keys(&mut self) -> Result<(), Refusal> {
        self.leaving().into_iter().try_for_each(|slot| self.remove_slot(slot))
    }

    pub(super) fn add_key(&mut self) -> Result<(), Refusal> {
        let Some(new) = self.args.new_key() else { return Ok(()) };
        let path = self.device.path.clone();
        match self.opens(&new) {
            Opens::Slot(slot) => {
                let wanted = self.args.new_keyslot.unwrap_or(slot);
                if wanted == slot {
                    return Ok(());
                }
                return Err(Refusal::new(format!(
                    "{new} opens slot {slot} of the container on {path} already, not slot {wanted}"
                )));
            }
            Opens::Missing => return Err(self.wrong(&new, Opens::Missing)),
            Opens::No | Opens::Untried => {}
        }
        self.is_private(&new)?;
        self.may_change()?;
        let old = self.args.key().filter(|key| self.opens(key).hopefully()).ok_or_else(|| {
            Refusal::new(format!("adding a key to the container on {path} takes one that opens it"))
                .help("give it as `keyfile` or `passphrase`")
        })?;
        let free = || (0..SLOTS).find(|slot| !self.now.slots.contains(slot));
        let slot = match self.args.new_keyslot {
            Some(slot) if slot >= SLOTS => {
                return Err(Refusal::new(format!("LUKS2 has no key slot {slot}"))
                    .fact(format!("its slots are 0 to {}", SLOTS - 1)));
            }
            Some(slot) if self.now.slots.contains(&slot) => {
                return Err(Refusal::new(format!(
                    "slot {slot} of the container on {path} holds another key"
                ))
                .help("leave `new_keyslot` out, or empty the slot with `remove_keyslot`"));
            }
            Some(slot) => slot,
            None => free().ok_or_else(|| {
                Refusal::new(format!("all {SLOTS} key slots of the container on {path} are in use"))
            })?,
        };
        let mut steps = self.backup();
        steps.push(Step::run(cryptsetup::add_key(&path, &old, &new, slot, &self.hardening())));
        steps.push(Step::run(cryptsetup::test(&path, &new)));
        let before = listed(&self.now.slots);
        self.now.slots.insert(slot);
        let change = self.change("key added", before);
        let predicts = [self.key_now(new, Some(slot))];
        self.push(change, steps, predicts);
        Ok(())
    }

    fn remove_slot(&mut self, slot: u32) -> Result<(), Refusal> {
        self.may_change()?;
        let path = self.device.path.clone();
        let before = listed(&self.now.slots);
        let gone: Vec<Key> = [self.args.key(), self.args.new_key(), self.args.removed_key()]
            .into_iter()
            .flatten()
            .filter(|key| self.opens(key) == Opens::Slot(slot))
            .collect();
        let (change, steps) = if self.now.slots.len() == 1 {
            self.last(slot)?
        } else {
            let other = self.other_than(slot)?;
            let mut steps = vec![Step::run(cryptsetup::test(&path, &other))];
            steps.extend(self.backup());
            steps.push(Step::run(cryptsetup::kill_slot(&path, slot, &other)));
            self.now.slots.remove(&slot);
            (self.change("key removed", before), steps)
        };
        self.now.slots.remove(&slot);
        if self.now.slots.is_empty() {
            // How long the volume's key is stands beside its keys only.
            self.now.key_bits = 0;
        }
        let predicts: Vec<_> = gone.into_iter().map(|key| self.key_now(key, None)).collect();
        self.push(change, steps, predicts);
        Ok(())
    }

    /// A key that is known to open another slot than this one.
    fn other_than(&self, slot: u32) -> Result<Key, Refusal> {
        let removed = self.args.removed_key();
        let mut keys = [self.args.new_key(), self.args.key()].into_iter().flatten();
        let other = keys.find(|key| {
            let opens = self.opens(key);
            removed.as_ref() != Some(key) && opens.hopefully() && opens != Opens::Slot(slot)
        });
        other.ok_or_else(|| {
            Refusal::new(format!("slot {slot} of the container on {} is not emptied", self.device.path))
                .fact("no key is given that opens another slot, so nobody knows whether the rest of them do")
                .fact(format!("key slots in use: {}", listed(&self.now.slots)))
                .help("give a key that stays, as `keyfile` or `passphrase`")
        })
    }

    fn last(&self, slot: u32) -> Result<(Change, Vec<Step>), Refusal> {
        let path = &self.device.path;
        if !self.args.force_remove_last_key {
            return Err(Refusal::new(format!("slot {slot} holds the last key of the container on {path}"))
                .fact(loss(self.device))
                .help("nothing would open it any more; add another key first")
                .help(
                    "`force_remove_last_key: true` asks for it nevertheless, and consent is asked for then",
                ));
        }
        if let Some(mapper) = self.mapper()? {
            self.machine.unused(mapper)?;
        }
        let lost = format!("{}: nothing opens it any more", loss(self.device));
        let change = Change::destroy("last key of", path, token("remove-last-key", self.device), lost);
        let mut steps = self.backup();
        steps.push(Step::run(cryptsetup::kill_last_slot(path, slot)));
        Ok((change, steps))
    }

    fn change(&self, detail: &str, before: String) -> Change {
        Change::modify("encrypted container", &self.device.path, detail).attribute(
            "key slots",
            Some(before),
            Some(listed(&self.now.slots)),
        )
    }
}

fn listed(slots: &BTreeSet<u32>) -> String {
    slots.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
