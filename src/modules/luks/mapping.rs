//! The mapping: opened, closed, its switches and its size; and the label of the container.

use std::collections::BTreeSet;

use super::super::devices::{block, holds_now};
use super::draft::Draft;
use super::{KIND, Luks, State};
use crate::machine::Prediction;
use crate::machine::block::{BlockEffect, Content, Device, DeviceKind};
use crate::machine::claim::loss;
use crate::machine::luks::{Container, Flag, Mapping};
use crate::plan::{Change, Refusal, Risk, Step};
use crate::tools::{cryptsetup, udevadm};
use crate::units::Size;

impl Luks {
    /// What is to be switched on: what is asked for, and what nobody spoke of as it is.
    pub(super) fn flags(
        &self,
        container: &Container,
        mapping: Option<&Mapping>,
    ) -> Result<BTreeSet<Flag>, Refusal> {
        let mut flags = mapping.map_or_else(|| container.lasting.clone(), |mapping| mapping.flags.clone());
        let asked = [
            (Flag::Discards, self.allow_discards),
            (Flag::SameCpu, self.perf_same_cpu_crypt),
            (Flag::SubmitFromCpus, self.perf_submit_from_crypt_cpus),
            (Flag::NoReadQueue, self.perf_no_read_workqueue),
            (Flag::NoWriteQueue, self.perf_no_write_workqueue),
        ];
        for (flag, wanted) in asked {
            match wanted {
                Some(true) => {
                    flags.insert(flag);
                }
                Some(false) if container.lasting.contains(&flag) && !self.persistent => {
                    return Err(Refusal::new(format!(
                        "{} is kept in the container's header, and comes back every time it is opened",
                        flag.kept()
                    ))
                    .help("`persistent: true` takes it out of there"));
                }
                Some(false) => {
                    flags.remove(&flag);
                }
                None => {}
            }
        }
        Ok(flags)
    }
}

fn words(flags: &BTreeSet<Flag>) -> String {
    let words: Vec<String> = flags.iter().map(|flag| flag.crypttab()).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(",") }
}

impl Draft<'_> {
    pub(super) fn rename(&mut self) -> Result<(), Refusal> {
        // Without a device the label is how the container was found.
        let wanted = self.args.label.as_deref().filter(|_| self.args.device.is_some());
        let Some(label) = wanted.filter(|label| self.now.label.as_deref() != Some(*label)) else {
            return Ok(());
        };
        self.may_change()?;
        let path = &self.device.path;
        let change = Change::modify("encrypted container", path, "").attribute(
            "label",
            self.now.label.clone(),
            Some(label.to_owned()),
        );
        let mut steps = self.backup();
        steps.extend([Step::run(cryptsetup::label(path, label)), Step::run(udevadm::settle())]);
        let label = Some(label.to_owned());
        let uuid = self.now.uuid.known().map(str::to_owned);
        let content = Content::Other { kind: KIND.to_owned(), uuid, label: label.clone() };
        let predicts = [holds_now(path, content)];
        self.now.label = label;
        self.push(change, steps, predicts);
        Ok(())
    }

    pub(super) fn mapping(&mut self) -> Result<(), Refusal> {
        match self.args.state {
            State::Opened => {
                self.open()?;
                self.switch()?;
                self.resize()
            }
            State::Closed => self.close(),
            State::Present | State::Absent => Ok(()),
        }
    }

    fn open(&mut self) -> Result<(), Refusal> {
        let path = self.device.path.clone();
        let name = self.args.name.as_ref().map_or_else(String::new, |name| name.to_string());
        let mapper = format!("/dev/mapper/{name}");
        if let Some(mapping) = &self.now.mapping {
            if mapping.name == name {
                return Ok(());
            }
            return Err(Refusal::new(format!(
                "{path} is open as /dev/mapper/{}, not as {mapper}",
                mapping.name
            ))
            .help("close it first, with `state: closed`"));
        }
        if let Some(user) = self.machine.user_of(self.device) {
            return Err(Refusal::new(format!("{path} cannot be opened: {user}")).fact(loss(self.device)));
        }
        if let Some(taken) = block(self.machine)?.find(&mapper) {
            return Err(
                Refusal::new(format!("{mapper} is there already, and is not on {path}")).fact(loss(taken))
            );
        }
        let key = self.working_or_refused("opening")?;
        let flags = self.args.flags(&self.now, None)?;
        let size = self.now.plain_size(self.device.size);
        let steps = [Step::run(cryptsetup::open(&path, &name, &key, &flags)), Step::run(udevadm::settle())];
        let plain = Device {
            sits_on: vec![path.clone()],
            content: Content::Unknown { why: "the container is closed so far".to_owned() },
            ..Device::new(&mapper, DeviceKind::Other, size)
        };
        self.now.mapping = Some(Mapping { name, flags });
        let change = Change::create("mapping", mapper, format!("{} on {path}", Size(size)));
        self.push(change, steps, [Prediction::Block(BlockEffect::Put(plain.into()))]);
        Ok(())
    }

    fn switch(&mut self) -> Result<(), Refusal> {
        let Some(mapping) = self.now.mapping.clone() else { return Ok(()) };
        let flags = self.args.flags(&self.now, Some(&mapping))?;
        let lasting = self.args.persistent && flags != self.now.lasting;
        if flags == mapping.flags && !lasting {
            return Ok(());
        }
        let key = self.working_or_refused("switching")?;
        let mut steps = Vec::new();
        let mut change = Change::modify("mapping", format!("/dev/mapper/{}", mapping.name), "").attribute(
            "switched on",
            Some(words(&mapping.flags)),
            Some(words(&flags)),
        );
        if lasting {
            self.may_change()?;
            steps = self.backup();
            change =
                change.attribute("kept in the header", Some(words(&self.now.lasting)), Some(words(&flags)));
            self.now.lasting.clone_from(&flags);
        }
        steps.push(Step::run(cryptsetup::refresh(&mapping.name, &key, &flags, self.args.persistent)));
        self.now.mapping = Some(Mapping { flags, ..mapping });
        self.push(change, steps, []);
        Ok(())
    }

    /// A mapping made on a smaller device has the size of that until it is told.
    fn resize(&mut self) -> Result<(), Refusal> {
        let size = self.now.plain_size(self.device.size);
        let Some(mapper) = self.mapper()?.filter(|mapper| mapper.size < size) else { return Ok(()) };
        self.may_change()?;
        let key = self.working_or_refused("growing")?;
        let name = mapper.path.trim_start_matches("/dev/mapper/");
        let change = Change::modify("mapping", &mapper.path, "").attribute(
            "size",
            Some(Size(mapper.size).to_string()),
            Some(Size(size).to_string()),
        );
        let larger = Device { size, ..mapper.clone() };
        let steps = [Step::run(cryptsetup::resize(name, &key))];
        self.push(change, steps, [Prediction::Block(BlockEffect::Put(larger.into()))]);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Refusal> {
        let Some(mapper) = self.mapper()? else { return Ok(()) };
        let unused = self.machine.unused(mapper)?;
        let steps = [Step::run(cryptsetup::close(unused)), Step::run(udevadm::settle())];
        let gone = BlockEffect::Gone { path: mapper.path.clone() };
        self.now.mapping = None;
        let change = Change::remove("mapping", &mapper.path, format!("of {}", self.device.path));
        self.push(change.risk(Risk::Disruptive), steps, [Prediction::Block(gone)]);
        Ok(())
    }
}
