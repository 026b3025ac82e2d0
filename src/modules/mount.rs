//! `mount`: what is mounted now, and what fstab mounts at boot.

mod boot;
pub(super) mod fstab;
mod live;
mod options;
mod point;
mod source;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) use self::boot::ESSENTIAL;

use self::boot::BootPolicy;
use self::fstab::Wanted;
use self::live::Seen;
use self::source::Source;
use super::devices::{block, checked_text};
use super::{Describe, Module};
use crate::machine::fstab::Place;
use crate::machine::{Domain, Machine, Needs};
use crate::plan::{Change, Plan, Refusal, Risk, Step};
use crate::tools::mount as tool;

checked_text!(
    /// A mount point.
    MountPath,
    |text| {
        let clean = text.starts_with('/') && !text.split('/').any(|part| part == ".." || part == ".");
        if clean || matches!(text, "none" | "swap") {
            return Ok(());
        }
        Err(format!("`{text}` is no mount point: an absolute path without `..`, or `none` for swap"))
    }
);
checked_text!(
    /// A unit of systemd.
    UnitName,
    |text| {
        let known = |letter: char| letter.is_ascii_alphanumeric() || ":-_.@\\/".contains(letter);
        if !text.is_empty() && text.chars().all(known) { Ok(()) } else { Err(format!("`{text}` is no unit and no path")) }
    }
);
checked_text!(
    /// How long systemd waits, as it writes it: `30s`, `5min`, `infinity`.
    Span,
    |text| {
        let known = text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '.');
        let begins = text.starts_with(|letter: char| letter.is_ascii_digit()) || text == "infinity";
        if known && begins { Ok(()) } else { Err(format!("`{text}` is no span of time, such as `30s` or `5min`")) }
    }
);

/// Mounts file systems, now and at boot. fstab names a file system by its UUID, has one entry for a path, and is
/// changed only in the fields that differ; a new fstab that `findmnt --verify` finds worse than the old is not put in
/// place. An entry that names the same device another way (`LABEL=`, `PARTUUID=`, `/dev/disk/...`) keeps that name.
///
/// A mount point is made where it is missing; one with something in it is refused, as that would be hidden. What is
/// mounted is unmounted first where its source changes; never while something is mounted or swapped to below it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Mount {
    /// The mount point; `none` for swap, of which only the entry in fstab is kept here (`swap` does more).
    path: MountPath,
    /// What is mounted: a device by any of its names, `UUID=...`, `LABEL=...`, `host:/path`, or a folder with the
    /// option `bind`.
    src: Option<String>,
    /// The kind of file system.
    fstype: Option<String>,
    /// Mount options. Options that change are set by a remount; for servers, folders and subvolumes by mounting anew.
    #[serde(default = "defaults")]
    opts: String,
    /// For dump(8).
    #[serde(default)]
    dump: u32,
    /// When it is checked at boot.
    #[serde(default)]
    passno: u32,
    /// `mounted`: now and at boot. `present`: at boot. `ephemeral`: now. `unmounted`: not now. `absent`: neither, and
    /// its mount point, which has to be empty, is removed. `absent_from_fstab`: not at boot. `remounted`: mounted anew
    /// every time.
    state: State,
    /// Whether it is mounted at boot; `false` adds `noauto`.
    #[serde(default = "yes")]
    boot: bool,
    /// What a boot does without it. `required`: it stops. `optional`: it goes on (`nofail`). `network`: it is mounted
    /// when the network is there, and the boot goes on without it (`_netdev,nofail`). What comes from a server gets
    /// `_netdev` with any of them. Left out, the options stay as `opts` says.
    boot_policy: Option<BootPolicy>,
    /// Units or paths that have to be there before it is mounted at boot (`x-systemd.requires=`).
    #[serde(default)]
    requires: Vec<UnitName>,
    /// How long a boot waits for the device (`x-systemd.device-timeout=`).
    device_timeout: Option<Span>,
    /// Whether systemd reads fstab again for a new entry. With many mounts `false` is faster, and
    /// `systemd: {read_tables: true}` after them reads all at once. Where an entry changes or goes, it is read again
    /// in any case.
    #[serde(default = "yes")]
    daemon_reload: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    Mounted,
    Present,
    Ephemeral,
    Unmounted,
    Absent,
    AbsentFromFstab,
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

impl Module for Mount {
    fn needs(&self) -> Needs {
        let mut needs = Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts]);
        if self.is_swap() {
            return needs;
        }
        if self.acts() {
            for path in point::with_ancestors(self.target()) {
                needs = needs.path(path);
            }
            needs.mount_points.push(self.target().to_owned());
        }
        if self.state == State::Absent {
            needs = needs.path(self.target());
            needs.mount_points.push(self.target().to_owned());
        }
        for path in self.bound().into_iter().flat_map(point::with_ancestors) {
            needs = needs.path(path);
        }
        needs
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let mounts =
            machine.mounts.as_ref().ok_or_else(|| Refusal::new("the mounts of this host are not known"))?;
        let mut plan = Plan::empty();
        if self.is_swap() {
            self.swap(machine, &mut plan)?;
            return Ok(plan);
        }
        let target = self.target();
        match self.state {
            State::Mounted | State::Present | State::Ephemeral => {
                let source = Source::of(machine, target, self.src.as_deref(), self.bound().is_some())?;
                let fstype = source.fstype(target, self.fstype.as_deref())?;
                let options = self.options(source.is_remote())?;
                if self.state != State::Present && mounts.at(target).is_none() {
                    point::make(machine, mounts, target, &mut plan)?;
                }
                if self.state != State::Ephemeral {
                    let wanted = Wanted {
                        place: Place::At(target.to_owned()),
                        path: target,
                        spec: source.spec(),
                        device: source.device(),
                        fstype: &fstype,
                        options: &options,
                        numbers: (self.dump, self.passno),
                        read_later: !self.daemon_reload,
                    };
                    wanted.write(block(machine)?, mounts, &mut plan)?;
                }
                if self.state != State::Present {
                    let seen = Seen { target, source: &source, fstype: &fstype, options: &options };
                    seen.mount(mounts, &mut plan)?;
                }
            }
            State::Unmounted => live::unmount(mounts, target, &mut plan)?,
            State::Absent => {
                live::unmount(mounts, target, &mut plan)?;
                fstab::clear(block(machine)?, mounts, &Place::At(target.to_owned()), &mut plan)?;
                if !plan.is_empty() {
                    point::remove(machine, mounts, target, &mut plan);
                }
            }
            State::AbsentFromFstab => {
                fstab::clear(block(machine)?, mounts, &Place::At(target.to_owned()), &mut plan)?;
            }
            State::Remounted => {
                if mounts.at(target).is_none() {
                    return Err(Refusal::new(format!("nothing is mounted at {target}")));
                }
                let change = Change::run("mount", target).risk(Risk::Disruptive);
                plan.push(change, [Step::run(tool::remount(target, &self.opts))], []);
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

    /// Whether something is to be there.
    fn acts(&self) -> bool {
        matches!(self.state, State::Mounted | State::Present | State::Ephemeral)
    }

    fn is_swap(&self) -> bool {
        !self.target().starts_with('/') || self.fstype.as_deref() == Some("swap")
    }

    /// The folder that is to be seen there too.
    fn bound(&self) -> Option<&str> {
        let bind = self.opts.split(',').any(|option| matches!(option.trim(), "bind" | "rbind"));
        self.src.as_deref().filter(|src| bind && self.acts() && src.starts_with('/'))
    }

    fn options(&self, remote: bool) -> Result<String, Refusal> {
        let mut words: Vec<String> =
            self.opts.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect();
        let mut add = |word: String| {
            if !words.contains(&word) {
                words.push(word);
            }
        };
        if !self.boot {
            add("noauto".to_owned());
        }
        if let Some(policy) = self.boot_policy {
            policy.allowed(self.target(), &self.opts, self.boot)?;
            policy.options(remote).iter().for_each(|word| add((*word).to_owned()));
        }
        self.requires.iter().for_each(|unit| add(format!("x-systemd.requires={}", &**unit)));
        if let Some(span) = &self.device_timeout {
            add(format!("x-systemd.device-timeout={}", &**span));
        }
        Ok(if words.is_empty() { defaults() } else { words.join(",") })
    }

    /// Swap has no path: only its entry in fstab is kept.
    fn swap(&self, machine: &Machine, plan: &mut Plan) -> Result<(), Refusal> {
        let mounts =
            machine.mounts.as_ref().ok_or_else(|| Refusal::new("the mounts of this host are not known"))?;
        if self.fstype.as_deref().unwrap_or("swap") != "swap" || self.target().starts_with('/') {
            return Err(Refusal::new(format!(
                "{} is no mount point of {}",
                self.target(),
                self.fstype.as_deref().unwrap_or("swap")
            ))
            .help("swap has `path: none` and `fstype: swap`"));
        }
        let src = self
            .src
            .as_deref()
            .ok_or_else(|| Refusal::new("which swap the entry of fstab is about is not given: `src`"))?;
        let block = block(machine)?;
        match self.state {
            State::Present => {
                let (spec, device) = match block.find(src) {
                    Some(device) => (format!("UUID=@{{uuid:{}}}", device.path), Some(device)),
                    None if src.starts_with('/') && !src.starts_with("/dev/") => (src.to_owned(), None),
                    None => {
                        return Err(Refusal::new(format!(
                            "the swap entry needs {src}, and there is no such device"
                        )));
                    }
                };
                let options = self.options(false)?;
                let wanted = Wanted {
                    place: Place::Swap(device.map_or_else(|| src.to_owned(), |device| device.path.clone())),
                    path: "none",
                    spec,
                    device,
                    fstype: "swap",
                    options: &options,
                    numbers: (self.dump, self.passno),
                    read_later: !self.daemon_reload,
                };
                wanted.write(block, mounts, plan)
            }
            State::Absent | State::AbsentFromFstab => {
                let source = block.find(src).map_or(src, |device| &device.path);
                fstab::clear(block, mounts, &Place::Swap(source.to_owned()), plan)
            }
            State::Mounted | State::Ephemeral | State::Unmounted | State::Remounted => Err(Refusal::new(
                format!("swap on {src} is not mounted"),
            )
            .help("`state: present` keeps its entry in fstab; the module `swap` turns it on and off too")),
        }
    }
}
