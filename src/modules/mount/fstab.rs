//! Entries of fstab: one for each place, changed field by field, in the line they stand in.

use crate::machine::Prediction;
use crate::machine::block::{Block, Device};
use crate::machine::files::FilesEffect;
use crate::machine::fstab::{FstabEntry, Place};
use crate::machine::mounts::{Mounts, MountsEffect};
use crate::plan::{Change, LineEdit, Plan, Refusal, Step};
use crate::tools::{fstab, systemctl};

/// The entry that is to be there.
pub(in crate::modules) struct Wanted<'a> {
    pub(in crate::modules) place: Place,
    pub(in crate::modules) path: &'a str,
    /// The name of the source in a new entry.
    pub(in crate::modules) spec: String,
    pub(in crate::modules) device: Option<&'a Device>,
    pub(in crate::modules) fstype: &'a str,
    pub(in crate::modules) options: &'a str,
    /// For dump(8), and when it is checked.
    pub(in crate::modules) numbers: (u32, u32),
    /// Whether systemd may read a new entry later than now.
    pub(in crate::modules) read_later: bool,
}

impl Wanted<'_> {
    pub(in crate::modules) fn write(
        &self,
        block: &Block,
        mounts: &Mounts,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let there = entries(block, mounts, &self.place)?;
        let keep = there.iter().position(|found| self.is(found, block));
        // A line that speaks of the same device keeps its name for it.
        let base = there.iter().position(|found| self.is_source_of(found, block)).unwrap_or(0);
        let entry = self.entry(there.get(base).copied(), block);
        let line = entry.line.clone();
        let mut edits = Vec::new();
        for (at, found) in there.iter().enumerate() {
            let old = late_line(found, block);
            match keep {
                Some(keep) if keep == at => {}
                None if at == base => edits.push(LineEdit::Replace { old, new: line.clone() }),
                _ => edits.push(LineEdit::Remove { old }),
            }
        }
        if there.is_empty() {
            edits.push(LineEdit::Append { line: line.clone() });
        }
        if edits.is_empty() {
            return Ok(());
        }
        let name = self.place.name();
        let before: Vec<String> = there.iter().map(|found| late_line(found, block)).collect();
        let after = keep.map_or_else(|| line.clone(), |keep| before[keep].clone());
        let change = if there.is_empty() {
            Change::create("fstab entry", name, line)
        } else {
            Change::modify("fstab entry", name, "").attribute("line", Some(before.join("\n")), Some(after))
        };
        let entry = keep.map_or(entry, |keep| there[keep].clone());
        // Of what was there before systemd has a unit, and may act on what that says.
        let read_later = self.read_later && there.is_empty();
        edit(mounts, change, edits, &self.place, Some(entry), read_later, plan);
        Ok(())
    }

    /// Whether an entry says all of it already.
    fn is(&self, found: &FstabEntry, block: &Block) -> bool {
        self.is_source_of(found, block)
            && found.fstype == self.fstype
            && self.words(&found.options) == self.words(self.options)
            && (found.dump, found.pass) == self.numbers
    }

    fn is_source_of(&self, found: &FstabEntry, block: &Block) -> bool {
        match self.device {
            Some(device) => found.device(block).is_some_and(|other| other.path == device.path),
            None => found.spec == self.spec,
        }
    }

    /// Options in an order of their own; for swap, without the words that mean nothing.
    fn words<'w>(&self, options: &'w str) -> Vec<&'w str> {
        let idle = |word: &&str| self.fstype == "swap" && matches!(*word, "sw" | "defaults");
        let mut words: Vec<&str> = options.split(',').filter(|word| !idle(word)).collect();
        words.sort_unstable();
        words
    }

    /// The entry, in the line of an old one where there is one.
    fn entry(&self, old: Option<&FstabEntry>, block: &Block) -> FstabEntry {
        let (dump, pass) = self.numbers;
        let spec = match old {
            Some(old) if self.is_source_of(old, block) => late_spec(old, block),
            _ => self.spec.clone(),
        };
        let line = match old {
            Some(old) => {
                let (dump, pass) = (dump.to_string(), pass.to_string());
                // The path is the same, however it is written.
                let fields = [&spec, self.fstype, self.options, &dump, &pass];
                let [spec, rest @ ..] = fields.map(Some);
                fstab::rewritten(&late_line(old, block), &[spec, None, rest[0], rest[1], rest[2], rest[3]])
            }
            None => fstab::line(&spec, self.path, self.fstype, self.options, dump, pass),
        };
        FstabEntry {
            spec,
            path: self.path.to_owned(),
            fstype: self.fstype.to_owned(),
            options: self.options.to_owned(),
            dump,
            pass,
            line,
        }
    }
}

/// Removes all entries of a place.
pub(in crate::modules) fn clear(
    block: &Block,
    mounts: &Mounts,
    place: &Place,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let there = entries(block, mounts, place)?;
    let edits: Vec<LineEdit> =
        there.iter().map(|found| LineEdit::Remove { old: late_line(found, block) }).collect();
    if !edits.is_empty() {
        edit(mounts, Change::remove("fstab entry", place.name(), ""), edits, place, None, false, plan);
    }
    Ok(())
}

/// The entries of a place; refused where a line that may be one of them cannot be read.
fn entries<'m>(block: &Block, mounts: &'m Mounts, place: &Place) -> Result<Vec<&'m FstabEntry>, Refusal> {
    let speaks = |line: &&String| line.split_whitespace().any(|word| fstab::unescape(word) == place.name());
    if let Some(line) = mounts.unread.iter().find(speaks) {
        return Err(Refusal::new(format!(
            "fstab speaks of {} in a line that `mount` does not understand",
            place.name()
        ))
        .fact(format!("the line is `{line}`"))
        .help("correct the line, or remove it"));
    }
    let there: Vec<&FstabEntry> = mounts.fstab.iter().filter(|found| place.has(found, Some(block))).collect();
    match there.iter().find(|found| found.line.contains(char::REPLACEMENT_CHARACTER)) {
        Some(found) => Err(Refusal::new(format!("the entry of {} in fstab is no text", place.name()))
            .fact(format!("the line is `{}`", found.line))
            .help("write the line in UTF-8")),
        None => Ok(there),
    }
}

fn edit(
    mounts: &Mounts,
    change: Change,
    edits: Vec<LineEdit>,
    place: &Place,
    entry: Option<FstabEntry>,
    read_later: bool,
    plan: &mut Plan,
) {
    let mut steps = vec![Step::Fstab { edits }];
    let mut predicts = vec![
        Prediction::Mounts(MountsEffect::Fstab { place: place.clone(), entry }),
        Prediction::Files(FilesEffect::Touched { path: fstab::PATH.to_owned() }),
    ];
    if mounts.systemd {
        predicts.push(Prediction::Mounts(MountsEffect::Systemd { unread: read_later }));
        if !read_later {
            steps.push(Step::run(systemctl::daemon_reload()));
        }
    }
    plan.push(change, steps, predicts);
}

/// The source with its UUID as a late name, so that a plan reads the same whether the line was written by an earlier
/// task of a dry run or is really there.
fn late_spec(entry: &FstabEntry, block: &Block) -> String {
    match entry.device(block) {
        Some(device)
            if entry.spec.strip_prefix("UUID=").is_some_and(|uuid| !uuid.starts_with(['@', '"'])) =>
        {
            format!("UUID=@{{uuid:{}}}", device.path)
        }
        _ => entry.spec.clone(),
    }
}

/// The line, in the same way.
fn late_line(entry: &FstabEntry, block: &Block) -> String {
    let late = late_spec(entry, block);
    if late == entry.spec { entry.line.clone() } else { entry.line.replacen(&entry.spec, &late, 1) }
}
