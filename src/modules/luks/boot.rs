//! crypttab: what opens a container at boot. It names the container by its UUID, has one line for a name, and is changed
//! only in the lines that are spoken of.

use super::super::devices::block;
use super::draft::Draft;
use super::{Luks, State};
use crate::machine::block::{Block, Device};
use crate::machine::files::FilesEffect;
use crate::machine::luks::{CrypttabEntry, Key, LuksEffect};
use crate::machine::{Machine, Prediction};
use crate::plan::{Change, LineEdit, Metadata, Plan, Refusal, Step};
use crate::tools::{crypttab, initramfs, systemctl};

/// Options by which a host opens it before its root is there.
const EARLY: [&str; 2] = ["initramfs", "x-initrd.attach"];

impl Draft<'_> {
    pub(super) fn boot(&mut self) -> Result<(), Refusal> {
        let Some(name) = self.args.name.as_deref() else { return Ok(()) };
        if self.args.boot == Some(false) {
            return self.args.unregister(self.machine, None, &mut self.plan);
        }
        let key = self.working();
        let wanted = self.args.boot.unwrap_or(matches!(key, Some(Key::File(_))));
        if self.args.state != State::Opened || !wanted {
            return Ok(());
        }
        let file = match &key {
            Some(Key::File(path)) => Some(path.as_str()),
            _ => None,
        };
        let mut options = vec!["luks".to_owned()];
        let flags = self.now.mapping.iter().flat_map(|mapping| &mapping.flags);
        options.extend(flags.map(|flag| flag.crypttab()));
        let more = self.args.opts.iter().flat_map(|opts| opts.split(',')).filter(|word| !word.is_empty());
        for word in more {
            if !options.iter().any(|known| known == word) {
                options.push(word.to_owned());
            }
        }
        let spec = format!("UUID=@{{uuid:{}}}", self.device.path);
        let line = crypttab::line(name, &spec, file, &options);
        let entry =
            CrypttabEntry { name: name.to_owned(), spec, key: file.map(str::to_owned), options, line };
        self.register(entry)
    }

    fn register(&mut self, entry: CrypttabEntry) -> Result<(), Refusal> {
        let block = block(self.machine)?;
        let lines = self.machine.luks.iter().flat_map(|luks| &luks.crypttab);
        let (there, others): (Vec<_>, Vec<_>) = lines.partition(|found| found.name == entry.name);
        let is_this =
            |found: &CrypttabEntry| found.device(block).is_some_and(|other| other.path == self.device.path);
        if let Some(other) = others.into_iter().find(|other| is_this(other)) {
            return Err(Refusal::new(format!(
                "crypttab opens {} as {} already, not as {}",
                self.device.path, other.name, entry.name
            ))
            .fact(format!("`{}`", other.line))
            .help("one container cannot be opened twice; remove that line, or use its name"));
        }
        let keep = there
            .iter()
            .position(|found| is_this(found) && found.key == entry.key && found.options == entry.options);
        let mut edits = Vec::new();
        for (at, found) in there.iter().enumerate() {
            let old = late_line(found, block);
            match keep {
                Some(keep) if keep == at => {}
                None if at == 0 => edits.push(LineEdit::Replace { old, new: entry.line.clone() }),
                _ => edits.push(LineEdit::Remove { old }),
            }
        }
        if there.is_empty() {
            edits.push(LineEdit::Append { line: entry.line.clone() });
        }
        if edits.is_empty() {
            return Ok(());
        }
        let change = match there.first() {
            None => Change::create("crypttab entry", &entry.name, &entry.line),
            Some(first) => Change::modify("crypttab entry", &entry.name, "").attribute(
                "line",
                Some(late_line(first, block)),
                Some(entry.line.clone()),
            ),
        };
        let early = early(self.machine, &entry.options, self.device);
        let entry = keep.map_or(entry, |keep| there[keep].clone());
        let effect = LuksEffect::Crypttab { name: entry.name.clone(), entry: Some(entry) };
        edit(self.machine, change, edits, [effect], early, &mut self.plan);
        Ok(())
    }
}

impl Luks {
    /// Takes the name out of crypttab, and the device where one is given.
    pub(super) fn unregister(
        &self,
        machine: &Machine,
        device: Option<&Device>,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let block = block(machine)?;
        let lines: Vec<&CrypttabEntry> = machine
            .luks
            .iter()
            .flat_map(|luks| &luks.crypttab)
            .filter(|found| {
                let same =
                    |device: &Device| found.device(block).is_some_and(|other| other.path == device.path);
                self.name.as_deref() == Some(found.name.as_str()) || device.is_some_and(same)
            })
            .collect();
        let Some(first) = lines.first() else { return Ok(()) };
        let edits: Vec<LineEdit> =
            lines.iter().map(|found| LineEdit::Remove { old: late_line(found, block) }).collect();
        let early = lines
            .iter()
            .any(|found| found.device(block).is_some_and(|device| early(machine, &found.options, device)));
        let effects: Vec<LuksEffect> = lines
            .iter()
            .map(|found| LuksEffect::Crypttab { name: found.name.clone(), entry: None })
            .collect();
        let change = Change::remove("crypttab entry", &first.name, late_line(first, block));
        edit(machine, change, edits, effects, early, plan);
        Ok(())
    }
}

fn edit(
    machine: &Machine,
    change: Change,
    edits: Vec<LineEdit>,
    effects: impl IntoIterator<Item = LuksEffect>,
    early: bool,
    plan: &mut Plan,
) {
    let mut steps =
        vec![Step::Edit { path: crypttab::PATH.to_owned(), edits, metadata: Metadata::default() }];
    if machine.mounts.as_ref().is_some_and(|mounts| mounts.systemd) {
        steps.push(Step::run(systemctl::daemon_reload()));
    }
    if early {
        steps.extend(initramfs::rebuild(machine).map(Step::run));
    }
    let mut predicts: Vec<Prediction> = effects.into_iter().map(Prediction::Luks).collect();
    predicts.push(Prediction::Files(FilesEffect::Touched { path: crypttab::PATH.to_owned() }));
    plan.push(change, steps, predicts);
}

/// Whether it is opened before the root is there: the host's initramfs has a copy of its line then.
fn early(machine: &Machine, options: &[String], device: &Device) -> bool {
    options.iter().any(|option| EARLY.contains(&option.as_str())) || carries_system(machine, device)
}

fn carries_system(machine: &Machine, device: &Device) -> bool {
    let (Some(block), Some(mounts)) = (&machine.block, &machine.mounts) else { return false };
    mounts.of(&device.path).any(|live| matches!(live.target.as_str(), "/" | "/usr"))
        || block.holders(&device.path).any(|holder| carries_system(machine, holder))
}

/// The line with its UUID as a late name, so that a plan reads the same whether the line was written by an earlier task
/// of a dry run or is really there.
fn late_line(entry: &CrypttabEntry, block: &Block) -> String {
    match entry.device(block) {
        Some(device) if entry.spec.starts_with("UUID=") && !entry.spec.contains("@{") => {
            let uuid = entry.spec.trim_start_matches("UUID=");
            entry.line.replacen(uuid, &format!("@{{uuid:{}}}", device.path), 1)
        }
        _ => entry.line.clone(),
    }
}
