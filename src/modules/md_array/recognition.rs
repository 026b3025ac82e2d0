//! Which array of a host is the one that is described: by its superblocks, whatever its node is called.

use super::MdArray;
use crate::machine::Machine;
use crate::machine::array::{Array, Member};
use crate::machine::block::{Content, Device};
use crate::modules::devices::{block, shown};
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
            let described = |array: &Array| {
                let named = self.members.named().iter().filter_map(|one| one.find(machine, "").ok());
                named.into_iter().any(|device| array.member(&device.path).is_some())
            };
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

    /// The members and the spares that are described, each once. Where only their number is said, those that the array
    /// has count.
    pub(super) fn described<'a>(
        &self,
        machine: &'a Machine,
    ) -> Result<(Vec<&'a Device>, Vec<&'a Device>), Refusal> {
        let purpose = format!("the array {}", &*self.name);
        let has = self.holding(machine)?;
        let slots = usize::try_from(self.members.len()).unwrap_or(has.len()).min(has.len());
        let members = self.members.find(machine, &purpose, &has[..slots], &[])?;
        let spares = self.spares.find(machine, &purpose, &has[slots..], &members)?;
        let all: Vec<&Device> = members.iter().chain(&spares).copied().collect();
        for (at, device) in all.iter().enumerate() {
            if all[..at].iter().any(|other| other.path == device.path) {
                return Err(Refusal::new(format!(
                    "{} is given twice for the array {}",
                    shown(device),
                    &*self.name
                )));
            }
        }
        Ok((members, spares))
    }

    /// What the array has, running or not: full members first, then those that stand by or are being filled.
    fn holding<'a>(&self, machine: &'a Machine) -> Result<Vec<&'a Device>, Refusal> {
        let block = block(machine)?;
        let Some((_, array)) = self.running(machine)? else {
            let ours =
                |content: &Content| matches!(content, Content::Member { name, .. } if *name == *self.name);
            return Ok(block.devices.values().filter(|device| ours(&device.content)).collect());
        };
        let (spare, full): (Vec<&Member>, Vec<&Member>) =
            array.members.iter().partition(|member| member.spare);
        let all = full.into_iter().chain(spare);
        Ok(all.filter_map(|member| block.find(&member.device)).collect())
    }
}
