//! Which array of a host is the one that is described: by its superblocks, whatever its node is called.

use super::MdArray;
use crate::machine::Machine;
use crate::machine::array::Array;
use crate::machine::block::{Block, Device};
use crate::modules::devices::{block, device, shown};
use crate::plan::Refusal;

impl MdArray {
    /// The array that runs, where there is one: it has the node, or that name in its superblock, or mdadm.conf gives its
    /// UUID that name. Where several would do, it is the one that has a member that is described.
    pub(super) fn running<'a>(
        &self,
        machine: &'a Machine,
    ) -> Result<Option<(&'a Device, &'a Array)>, Refusal> {
        let block = block(machine)?;
        let path = self.path();
        let registered = |array: &Array| {
            let known = array.uuid.known();
            block
                .registered
                .iter()
                .any(|line| line.path == path && known.is_some() && line.uuid.known() == known)
        };
        let mut found: Vec<(&Device, &Array)> = block
            .devices
            .values()
            .filter_map(|device| device.array.as_ref().map(|array| (device, array)))
            .filter(|(device, array)| device.path == path || array.name == *self.name || registered(array))
            .collect();
        if found.len() > 1 {
            let described = |array: &Array| self.members.iter().any(|name| has(block, array, name));
            let with_member: Vec<_> = found
                .iter()
                .copied()
                .filter(|(device, array)| described(array) || self.members.is_empty() && device.path == path)
                .collect();
            if with_member.len() != 1 {
                let mut refusal = Refusal::new(format!("several arrays go by the name {}", &*self.name));
                for (device, array) in found {
                    let uuid = array.uuid.known().unwrap_or("not known yet");
                    refusal = refusal
                        .fact(format!("{}, {} of {}, UUID {uuid}", device.path, array.level, array.slots));
                }
                return Err(
                    refusal.help("give one of them another name in mdadm.conf, by its UUID, or stop it")
                );
            }
            found = with_member;
        }
        Ok(found.pop())
    }

    /// The array, which is there by now.
    pub(super) fn array<'a>(&self, machine: &'a Machine) -> Result<(&'a Device, &'a Array), Refusal> {
        self.running(machine)?.ok_or_else(|| Refusal::new(format!("there is no array {}", &*self.name)))
    }

    /// The devices of these names, each once.
    pub(super) fn devices<'a>(
        &self,
        machine: &'a Machine,
        names: &[String],
    ) -> Result<Vec<&'a Device>, Refusal> {
        let purpose = format!("the array {}", &*self.name);
        let found: Vec<&Device> =
            names.iter().map(|name| device(machine, name, &purpose)).collect::<Result<_, _>>()?;
        for (at, device) in found.iter().enumerate() {
            if found[..at].iter().any(|other| other.path == device.path) {
                return Err(Refusal::new(format!(
                    "{} is given twice for the array {}",
                    shown(device),
                    &*self.name
                )));
            }
        }
        Ok(found)
    }

    /// The members and the spares that are described; none is both.
    pub(super) fn described<'a>(
        &self,
        machine: &'a Machine,
    ) -> Result<(Vec<&'a Device>, Vec<&'a Device>), Refusal> {
        let all: Vec<String> = self.members.iter().chain(&self.spares).cloned().collect();
        let mut members = self.devices(machine, &all)?;
        let spares = members.split_off(self.members.len());
        Ok((members, spares))
    }
}

fn has(block: &Block, array: &Array, name: &str) -> bool {
    block.find(name).is_some_and(|device| array.member(&device.path).is_some())
}
