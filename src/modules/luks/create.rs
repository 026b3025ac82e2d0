//! A new container: made on a blank device only, and emptied through its mapping.
//!
//! The plain view of a new container is noise, which would count as somebody's content; so both its ends are zeroed
//! while nobody else can have written to it.

use super::super::devices::{blank_now, block, clear, confirm, empty_ends, holds_now};
use super::draft::{Draft, private};
use super::{KIND, Kind, Luks, State};
use crate::machine::block::{BlockEffect, Content, Device, DeviceKind, Uuid};
use crate::machine::luks::{Container, LuksEffect, Mapping};
use crate::machine::{Machine, Prediction};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::{cryptsetup, udevadm};
use crate::units::{MIB, Size};

impl Luks {
    pub(super) fn create<'a>(
        &'a self,
        machine: &'a Machine,
        device: &'a Device,
    ) -> Result<Draft<'a>, Refusal> {
        let claim = machine.claim(device)?;
        let path = &device.path;
        if self.kind == Some(Kind::Luks1) {
            return Err(Refusal::new(format!("making a container of LUKS1 on {path} is not supported"))
                .help("leave `type` out: LUKS2 is made"));
        }
        let Some(key) = self.key() else {
            return Err(Refusal::new(format!("the container on {path} cannot be made without a key"))
                .help("give `keyfile` or `passphrase`"));
        };
        private(machine, &key)?;
        let sector = self.sector_size.unwrap_or(512);
        if !matches!(sector, 512 | 1024 | 2048 | 4096) {
            return Err(Refusal::new(format!("a sector of {sector} bytes is not possible"))
                .help("`sector_size` is 512, 1024, 2048 or 4096"));
        }
        // The data begins with a whole stripe of the array below.
        let stripe = machine.stripe(device).map_or(MIB, |stripe| stripe.full().max(1));
        let offset = cryptsetup::DATA.next_multiple_of(stripe).next_multiple_of(4096);
        if device.size < offset + MIB {
            return Err(Refusal::new(format!("{path} is too small for a LUKS container")).fact(format!(
                "it has {}, and {} are taken by the header",
                Size(device.size),
                Size(offset)
            )));
        }
        if !device.size.is_multiple_of(sector) {
            return Err(Refusal::new(format!("{path} does not consist of sectors of {sector} bytes"))
                .fact(format!("it has {} bytes", device.size)));
        }
        let short = path.rsplit('/').next().unwrap_or("device");
        let name = self.name.as_ref().map_or_else(|| format!("holdfast-{short}"), |name| name.to_string());
        let mapper = format!("/dev/mapper/{name}");
        if let Some(taken) = block(machine)?.find(&mapper) {
            return Err(Refusal::new(format!("{mapper} is there already, and is not on {path}"))
                .fact(crate::machine::claim::loss(taken)));
        }
        let cipher = self.cipher.as_deref().unwrap_or("aes-xts-plain64");
        let hash = self.hash.as_deref().unwrap_or("sha256");
        let key_bits = self.keysize.unwrap_or(if cipher.contains("-xts-") { 512 } else { 256 });
        let slot = self.keyslot.unwrap_or(0);
        let uuid = self.uuid.as_ref().map(|uuid| uuid.to_lowercase());
        let hardening = self.pbkdf.as_ref().map(super::Pbkdf::hardening).unwrap_or_default();
        let how = cryptsetup::Format {
            key: &key,
            slot: self.keyslot,
            cipher,
            key_bits,
            hash,
            sector,
            offset,
            label: self.label.as_deref(),
            uuid: uuid.as_deref(),
            hardening: &hardening,
        };
        let mut now = Container {
            version: 2,
            uuid: uuid.clone().map_or(Uuid::Late, Uuid::Known),
            label: self.label.as_deref().map(str::to_owned),
            cipher: cipher.to_owned(),
            key_bits,
            hash: hash.to_owned(),
            sector,
            offset,
            slots: [slot].into_iter().collect(),
            lasting: std::collections::BTreeSet::new(),
            strange: None,
            mapping: None,
        };
        let flags = self.flags(&now, None)?;
        let size = now.plain_size(device.size);
        let mut plan = Plan::empty();
        let blank = clear(&mut plan, claim);
        let mut steps = vec![confirm(device, true), Step::run(cryptsetup::format(blank, &how))];
        steps.extend([Step::run(udevadm::settle()), Step::run(cryptsetup::open(path, &name, &key, &flags))]);
        steps.push(empty_ends(&mapper, size));
        let mut change = Change::create(
            "encrypted container",
            path,
            format!("luks2, {cipher} with {key_bits} bits, {}", Size(size)),
        );
        let content = Content::Other { kind: KIND.to_owned(), uuid, label: now.label.clone() };
        let mut predicts = vec![holds_now(path, content)];
        if self.state == State::Opened {
            let plain =
                Device { sits_on: vec![path.clone()], ..Device::new(&mapper, DeviceKind::Other, size) };
            predicts.extend([Prediction::Block(BlockEffect::Put(plain.into())), blank_now(&mapper)]);
            change = change.attribute("opened as", None, Some(mapper));
            now.mapping = Some(Mapping { name, flags });
        } else {
            steps.push(Step::run(cryptsetup::close_new(&name)));
        }
        // udev writes down what is where; the next look relies on it.
        steps.push(Step::run(udevadm::settle()));
        let container = Box::new(now.clone());
        predicts.push(Prediction::Luks(LuksEffect::Container { device: path.clone(), container }));
        let effect = LuksEffect::Key { device: path.clone(), key: key.clone(), slot: Some(slot) };
        predicts.push(Prediction::Luks(effect));
        plan.push(change, steps, predicts);
        Ok(Draft::made(self, machine, device, now, plan, (key, slot)))
    }
}
