//! `mount`: what is mounted now, and what fstab mounts at boot.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::devices::{block, checked_text, device};
use super::{Describe, Module};
use crate::exec::{Command, Kind};
use crate::machine::block::{Block, Content, Device};
use crate::machine::files::FilesEffect;
use crate::machine::mounts::{FstabEntry, Live, Mounts, MountsEffect};
use crate::machine::{Domain, Machine, Needs, Prediction};
use crate::plan::{Change, LineEdit, Metadata, Plan, Refusal, Risk, Step};
use crate::tools::{fstab, mount as tool};

checked_text!(
    /// A mount point.
    MountPath,
    |text| {
        let clean = text.starts_with('/') && !text.split('/').any(|part| part == ".." || part == ".");
        if clean { Ok(()) } else { Err(format!("`{text}` is no mount point: an absolute path without `..`")) }
    }
);

/// Mounts file systems, now and at boot. fstab names a file system by its UUID, has one entry for a path, and is
/// changed only in the lines that are spoken of.
///
/// A mount point is made where it is missing; one with something in it is refused, as that would be hidden.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Mount {
    /// The mount point.
    path: MountPath,
    /// What is mounted: a device by any of its names, `UUID=...`, `LABEL=...`, or `host:/path`.
    src: Option<String>,
    /// The kind of file system.
    fstype: Option<String>,
    /// Mount options.
    #[serde(default = "defaults")]
    opts: String,
    /// For dump(8).
    #[serde(default)]
    dump: u32,
    /// When it is checked at boot.
    #[serde(default)]
    passno: u32,
    /// `mounted`: now and at boot. `present`: at boot. `ephemeral`: now. `unmounted`: not now. `absent`: neither.
    /// `remounted`: mounted anew every time.
    state: State,
    /// Whether it is mounted at boot; `false` adds `noauto`.
    #[serde(default = "yes")]
    boot: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    Mounted,
    Present,
    Ephemeral,
    Unmounted,
    Absent,
    Remounted,
}

fn defaults() -> String {
    "defaults".to_owned()
}

fn yes() -> bool {
    true
}

impl Describe for Mount {
    const NAME: &'static str = "mount";
    const ALIASES: &'static [&'static str] = &["ansible.posix.mount"];
    const ARGUMENT_ALIASES: &'static [(&'static str, &'static str)] = &[("name", "path"), ("source", "src")];
    const EXAMPLE: &'static str = "\
mount:
  path: /srv/kvm
  src: /dev/vg_kvm/images
  fstype: xfs
  opts: noatime
  state: mounted
";
}

const FSTAB: &str = "/etc/fstab";

/// What is to be mounted.
struct Source<'a> {
    /// As the kernel will show it.
    live: String,
    /// As fstab names it.
    spec: String,
    device: Option<&'a Device>,
}

impl Module for Mount {
    fn needs(&self) -> Needs {
        let mut needs = Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts]);
        if matches!(self.state, State::Mounted | State::Present | State::Ephemeral) {
            for path in self.with_ancestors() {
                needs = needs.path(path);
            }
            needs.mount_points.push(self.target().to_owned());
        }
        needs
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let mounts =
            machine.mounts.as_ref().ok_or_else(|| Refusal::new("the mounts of this host are not known"))?;
        let mut plan = Plan::empty();
        match self.state {
            State::Mounted | State::Present | State::Ephemeral => {
                let source = self.source(machine)?;
                let fstype = self.fstype(source.device)?;
                if self.state != State::Present {
                    self.make_mount_point(machine, mounts, &mut plan)?;
                }
                if self.state != State::Ephemeral {
                    self.write_fstab(block(machine)?, mounts, &source, &fstype, &mut plan);
                }
                if self.state != State::Present {
                    self.mount(mounts, &source, &fstype, &mut plan)?;
                }
            }
            State::Unmounted => self.unmount(mounts, &mut plan),
            State::Absent => {
                self.unmount(mounts, &mut plan);
                self.clear_fstab(block(machine)?, mounts, &mut plan);
            }
            State::Remounted => {
                if mounts.at(self.target()).is_none() {
                    return Err(Refusal::new(format!("nothing is mounted at {}", self.target())));
                }
                let change = Change::run("mount", self.target()).risk(Risk::Disruptive);
                plan.push(change, [Step::run(tool::remount(self.target(), &self.opts))], []);
            }
        }
        Ok(plan)
    }

    fn repeats(&self) -> bool {
        self.state == State::Remounted
    }
}

impl Mount {
    fn target(&self) -> &str {
        match self.path.trim_end_matches('/') {
            "" => "/",
            path => path,
        }
    }

    /// The mount point and every folder it lies in, from the top.
    fn with_ancestors(&self) -> Vec<String> {
        let target = self.target();
        let mut paths: Vec<String> =
            target.match_indices('/').skip(1).map(|(at, _)| target[..at].to_owned()).collect();
        paths.push(target.to_owned());
        paths
    }

    fn source<'a>(&self, machine: &'a Machine) -> Result<Source<'a>, Refusal> {
        let target = self.target();
        let src = self
            .src
            .as_deref()
            .ok_or_else(|| Refusal::new(format!("what is to be mounted at {target} is not given: `src`")))?;
        let bind = self.opts.split(',').any(|option| matches!(option, "bind" | "rbind"));
        let remote = src.contains(":/") || src.starts_with("//");
        let plain = !src.starts_with('/') && !src.contains('=') && block(machine)?.find(src).is_none();
        if bind || remote || plain {
            return Ok(Source { live: src.to_owned(), spec: src.to_owned(), device: None });
        }
        let device = device(machine, src, &format!("the mount at {target}"))?;
        let device = block(machine)?.lead_device(device);
        let spec = format!("UUID=@{{uuid:{}}}", device.path);
        Ok(Source { live: device.path.clone(), spec, device: Some(device) })
    }

    fn fstype(&self, device: Option<&Device>) -> Result<String, Refusal> {
        let target = self.target();
        let Some(device) = device else {
            let missing =
                || Refusal::new(format!("the kind of file system for {target} is not given: `fstype`"));
            return self.fstype.clone().ok_or_else(missing);
        };
        match (&device.content, &self.fstype) {
            (Content::FileSystem(found), None) => Ok(found.kind.clone()),
            (Content::FileSystem(found), Some(wanted)) if *wanted == found.kind || wanted == "auto" => {
                Ok(found.kind.clone())
            }
            (content, wanted) => Err(Refusal::new(format!(
                "{} cannot be mounted at {target}: it holds {}",
                device.path,
                content.describe()
            ))
            .fact(format!("wanted is {}", wanted.as_deref().unwrap_or("a file system")))
            .help("make the file system first, with `filesystem`")),
        }
    }

    fn make_mount_point(&self, machine: &Machine, mounts: &Mounts, plan: &mut Plan) -> Result<(), Refusal> {
        let target = self.target();
        if mounts.at(target).is_some() {
            return Ok(());
        }
        for path in self.with_ancestors() {
            match machine.files.seen.get(&path).and_then(Option::as_ref) {
                Some(found) if matches!(found.stat.kind, Kind::Directory | Kind::Link) => {}
                Some(found) => {
                    return Err(Refusal::new(format!("{path} is {} and no folder", found.stat.kind.name()))
                        .fact(format!("{target} was to be a mount point")));
                }
                None => {
                    let metadata = Metadata { mode: Some(0o755), ..Metadata::default() };
                    plan.push(
                        Change::create("directory", &path, ""),
                        [Step::Directory { path: path.clone(), metadata }],
                        [Prediction::Files(FilesEffect::MountPoint { path: path.clone() })],
                    );
                }
            }
        }
        if mounts.occupied.get(target) == Some(&true) {
            return Err(Refusal::new(format!("{target} is not empty, and a mount would hide what is in it"))
                .help("move its content away, or mount somewhere else"));
        }
        Ok(())
    }

    fn options(&self) -> String {
        let mut options: Vec<&str> =
            self.opts.split(',').map(str::trim).filter(|option| !option.is_empty()).collect();
        if !self.boot && !options.contains(&"noauto") {
            options.push("noauto");
        }
        if options.is_empty() { defaults() } else { options.join(",") }
    }

    fn write_fstab(
        &self,
        block: &Block,
        mounts: &Mounts,
        source: &Source<'_>,
        fstype: &str,
        plan: &mut Plan,
    ) {
        let target = self.target();
        let options = self.options();
        let line = fstab::line(&source.spec, target, fstype, &options, self.dump, self.passno);
        let entry = FstabEntry {
            spec: source.spec.clone(),
            path: target.to_owned(),
            fstype: fstype.to_owned(),
            options,
            dump: self.dump,
            pass: self.passno,
            line: line.clone(),
        };
        let there: Vec<&FstabEntry> = mounts.fstab.iter().filter(|found| found.path == target).collect();
        let same = |found: &FstabEntry| {
            let source_same = match source.device {
                Some(device) => found.device(block).is_some_and(|other| other.path == device.path),
                None => found.spec == source.spec,
            };
            let words = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
            source_same
                && found.fstype == fstype
                && words(&found.options) == words(&entry.options)
                && (found.dump, found.pass) == (self.dump, self.passno)
        };
        let keep = there.iter().position(|found| same(found));
        let mut edits = Vec::new();
        for (at, found) in there.iter().enumerate() {
            let old = late_line(found, block);
            match keep {
                Some(keep) if keep == at => {}
                None if at == 0 => edits.push(LineEdit::Replace { old, new: line.clone() }),
                _ => edits.push(LineEdit::Remove { old }),
            }
        }
        if there.is_empty() {
            edits.push(LineEdit::Append { line: line.clone() });
        }
        if edits.is_empty() {
            return;
        }
        let entry = keep.map_or(entry, |keep| there[keep].clone());
        let before = there.first().map(|found| late_line(found, block));
        let change = if before.is_some() {
            Change::modify("fstab entry", target, "").attribute("line", before, Some(line))
        } else {
            Change::create("fstab entry", target, line)
        };
        edit_fstab(mounts, change, edits, target, Some(entry), plan);
    }

    fn clear_fstab(&self, block: &Block, mounts: &Mounts, plan: &mut Plan) {
        let target = self.target();
        let there = mounts.fstab.iter().filter(|found| found.path == target);
        let edits: Vec<LineEdit> =
            there.map(|found| LineEdit::Remove { old: late_line(found, block) }).collect();
        if !edits.is_empty() {
            edit_fstab(mounts, Change::remove("fstab entry", target, ""), edits, target, None, plan);
        }
    }

    fn mount(
        &self,
        mounts: &Mounts,
        source: &Source<'_>,
        fstype: &str,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let target = self.target();
        let options = self.options();
        let live = Live {
            target: target.to_owned(),
            source: source.live.clone(),
            fstype: fstype.to_owned(),
            options: foreseen(&options),
            root: subvolume(&options).unwrap_or_else(|| "/".to_owned()),
        };
        let predicts = [
            Prediction::Mounts(MountsEffect::Live { target: target.to_owned(), mount: Some(live) }),
            Prediction::Files(FilesEffect::MountPoint { path: target.to_owned() }),
        ];
        let Some(found) = mounts.at(target) else {
            let step = Step::run(tool::mount(&source.live, target, fstype, &options));
            plan.push(
                Change::create("mount", target, format!("{} ({fstype}, {options})", source.live)),
                [step],
                predicts,
            );
            return Ok(());
        };
        // A bind mount shows the device it comes from, not the folder.
        if source.device.is_some() && found.source != source.live {
            return Err(Refusal::new(format!(
                "{} is mounted at {target}, not {}",
                found.source, source.live
            ))
            .help("unmount it first, with `state: unmounted`"));
        }
        let differing = differing(&options, &found.options);
        if differing.is_empty()
            && (source.device.is_some() || found.source == source.live || found.root != "/")
        {
            return Ok(());
        }
        let change = Change::modify("mount", target, "").risk(Risk::Disruptive).attribute(
            "options",
            Some(found.options.join(",")),
            Some(options.clone()),
        );
        // NFS keeps source and options through a remount without a word.
        let steps: Vec<Step> = if source.device.is_none() {
            vec![
                Step::run(tool::unmount(target)),
                Step::run(tool::mount(&source.live, target, fstype, &options)),
            ]
        } else {
            let words: Vec<&str> = std::iter::once(options.as_str())
                .chain(differing.into_iter().filter(|word| !options.split(',').any(|own| own == *word)))
                .collect();
            vec![Step::run(tool::remount(target, &words.join(",")))]
        };
        plan.push(change, steps, predicts);
        Ok(())
    }

    fn unmount(&self, mounts: &Mounts, plan: &mut Plan) {
        let target = self.target();
        if let Some(found) = mounts.at(target) {
            let change = Change::remove("mount", target, found.source.clone()).risk(Risk::Disruptive);
            let predicts = [
                Prediction::Mounts(MountsEffect::Live { target: target.to_owned(), mount: None }),
                Prediction::Files(FilesEffect::MountPoint { path: target.to_owned() }),
            ];
            plan.push(change, [Step::run(tool::unmount(target))], predicts);
        }
    }
}

fn edit_fstab(
    mounts: &Mounts,
    change: Change,
    edits: Vec<LineEdit>,
    target: &str,
    entry: Option<FstabEntry>,
    plan: &mut Plan,
) {
    let mut steps = vec![Step::Edit { path: FSTAB.to_owned(), edits, metadata: Metadata::default() }];
    if mounts.systemd {
        steps.push(Step::run(Command::new("systemctl").arg("daemon-reload")));
    }
    let predicts = [
        Prediction::Mounts(MountsEffect::Fstab { path: target.to_owned(), entry }),
        Prediction::Files(FilesEffect::Touched { path: FSTAB.to_owned() }),
    ];
    plan.push(change, steps, predicts);
}

/// The line with its UUID as a late name, so that a plan reads the same whether the line was written by an earlier
/// task of a dry run or is really there.
fn late_line(entry: &FstabEntry, block: &Block) -> String {
    match entry.device(block) {
        Some(device) if entry.spec.starts_with("UUID=") && !entry.spec.contains("@{") => {
            entry.line.replacen(&entry.spec, &format!("UUID=@{{uuid:{}}}", device.path), 1)
        }
        _ => entry.line.clone(),
    }
}

/// The subvolume that options ask for, as a path from the top level.
fn subvolume(options: &str) -> Option<String> {
    let path = options.split(',').find_map(|option| option.strip_prefix("subvol="))?;
    Some(format!("/{}", path.trim_start_matches('/')))
}

/// Options that can be seen on a mount, each with what it is without it.
const VISIBLE: [(&str, &str); 9] = [
    ("ro", "rw"),
    ("nosuid", "suid"),
    ("nodev", "dev"),
    ("noexec", "exec"),
    ("noatime", "relatime"),
    ("nodiratime", "diratime"),
    ("sync", "async"),
    ("dirsync", "async"),
    ("lazytime", "nolazytime"),
];

/// What the kernel will show of options, as far as one can say.
fn foreseen(options: &str) -> Vec<String> {
    let words: Vec<&str> = options.split(',').filter(|word| *word != "defaults").collect();
    let mut shown: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    if !words.contains(&"ro") && !words.contains(&"rw") {
        shown.insert(0, "rw".to_owned());
    }
    shown
}

/// The words a remount has to say beside the options themselves, or the options that are not in force; empty when all
/// is as asked for. Only what the kernel shows can be compared.
fn differing<'a>(wanted: &'a str, live: &[String]) -> Vec<&'a str> {
    let words: Vec<&str> = wanted.split(',').collect();
    let is_live = |word: &str| live.iter().any(|option| option == word);
    let mut differing = Vec::new();
    for (flag, opposite) in VISIBLE {
        let asked = words.iter().rev().find(|word| **word == flag || **word == opposite);
        match asked {
            Some(word) if *word == flag && !is_live(flag) => differing.push(flag),
            Some(word) if *word == opposite && is_live(flag) => differing.push(opposite),
            // Read-only by itself is the kernel's answer to an error, not somebody's wish to be undone.
            None if is_live(flag) && flag != "ro" => differing.push(opposite),
            _ => {}
        }
    }
    for word in &words {
        let Some((name, _)) = word.split_once('=') else { continue };
        // The kernel writes a subvolume as a path, and the level beside the algorithm.
        let spelt = subvolume(word).map(|path| format!("subvol={path}"));
        let level = format!("{word}:");
        if spelt.is_some_and(|spelt| is_live(&spelt))
            || (name.starts_with("compress") && live.iter().any(|option| option.starts_with(&level)))
        {
            continue;
        }
        let prefix = format!("{name}=");
        if !is_live(word) && !name.starts_with("x-") && live.iter().any(|option| option.starts_with(&prefix))
        {
            differing.push(word);
        }
    }
    differing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(options: &str) -> Vec<String> {
        options.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn compares_what_can_be_seen() {
        let xfs = live("rw,noatime,attr2,inode64,logbsize=32k,noquota");
        assert!(differing("noatime,nofail,x-systemd.automount", &xfs).is_empty());
        assert_eq!(differing("defaults", &xfs), ["relatime"]);
        assert_eq!(differing("noatime,nodev,logbsize=64k", &xfs), ["nodev", "logbsize=64k"]);
        assert!(differing("defaults", &live("ro,relatime")).is_empty());
        assert_eq!(differing("rw", &live("ro,relatime")), ["rw"]);
        let btrfs = live("rw,noatime,compress=zstd:3,space_cache=v2,subvolid=256,subvol=/@data");
        assert!(differing("noatime,compress=zstd,subvol=@data", &btrfs).is_empty());
        assert_eq!(differing("noatime,compress=lzo,subvol=/@data", &btrfs), ["compress=lzo"]);
    }

    #[test]
    fn what_is_foreseen_does_not_differ() {
        for options in ["defaults", "noatime", "ro,nodev", "noatime,lazytime,nofail"] {
            assert!(differing(options, &foreseen(options)).is_empty(), "{options}");
        }
    }
}
