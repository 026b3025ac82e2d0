//! `xfs_quota`: what users, groups and projects may use of a mounted XFS. Whether quotas are counted at all is an option
//! of the mount, and the business of `mount`.

mod project;
#[cfg(test)]
mod tests;

pub(super) use project::{forget, needs as project_needs};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::devices::checked_text;
use super::{Describe, Module};
use crate::machine::mounts::Live;
use crate::machine::quota::{Limits, Of, QuotaEffect};
use crate::machine::{Domain, Machine, Needs, Prediction};
use crate::modules::presence::State;
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::xfs_quota as tool;
use crate::units::Size;

checked_text!(
    /// A name that stands in one word of a file.
    Name,
    |text| {
        let bad = |letter: char| letter.is_whitespace() || letter.is_control() || ":#'\"\\".contains(letter);
        if text.is_empty() || text.starts_with('-') || text.chars().any(bad) {
            return Err(format!("`{text}` is no name of a user, group or project"));
        }
        Ok(())
    }
);
checked_text!(
    /// A limit of bytes.
    Bytes,
    |text| bytes(text).map(drop)
);
checked_text!(
    /// A folder.
    Folder,
    |text| {
        let clean = text.starts_with('/')
            && !text.split('/').any(|part| part == ".." || part == ".")
            && !text.chars().any(|letter| letter.is_whitespace() || letter.is_control());
        if clean { Ok(()) } else { Err(format!("`{text}` is no folder: an absolute path without `..` and blanks")) }
    }
);

/// Limits count in whole blocks of a file system.
const BLOCK: u64 = 4096;

fn bytes(text: &str) -> Result<u64, String> {
    let size: Size = text.parse().map_err(|error: crate::units::BadSize| error.to_string())?;
    Ok(size.round_up(Size(BLOCK)).bytes())
}

/// Limits what a user, a group, or everything below a folder (a project) may use of an XFS that is mounted with quotas
/// (`usrquota`, `grpquota`, `prjquota`). What is left out stays as it is; 0 is no limit.
///
/// A project needs a number and a folder once: they are written to `/etc/projid` and `/etc/projects`, and everything
/// below the folder is made to belong to it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct XfsQuota {
    /// Whom it is for.
    #[serde(rename = "type")]
    of: Of,
    /// The user, group or project. The limits of everybody else are not supported yet.
    name: Name,
    /// Where the file system is mounted.
    mountpoint: Folder,
    /// The folder of a project.
    path: Option<Folder>,
    /// The number of a project.
    id: Option<u32>,
    /// More than this is borrowed for some days: `40g`, rounded up to 4 KiB.
    bsoft: Option<Bytes>,
    /// More than this is not possible: `50g`.
    bhard: Option<Bytes>,
    /// Files and folders, of which more are borrowed for some days.
    isoft: Option<u64>,
    /// Files and folders, of which more are not possible.
    ihard: Option<u64>,
    /// Whether there are limits; `absent` also takes the folder out of its project.
    #[serde(default)]
    state: State,
}

impl Describe for XfsQuota {
    const NAME: &'static str = "xfs_quota";
    const ALIASES: &'static [&'static str] = &["community.general.xfs_quota"];
    const EXAMPLE: &'static str = "\
xfs_quota:
  type: project
  name: photos
  id: 42
  path: /srv/data/photos
  mountpoint: /srv/data
  bhard: 50g
";
}

impl Module for XfsQuota {
    fn needs(&self) -> Needs {
        let mut needs = Needs::of([Domain::Block, Domain::Mounts]);
        needs.quotas.push((self.mountpoint().to_owned(), self.of));
        match self.of {
            Of::User => needs.users.push(self.name.to_string()),
            Of::Group => needs.groups.push(self.name.to_string()),
            Of::Project => {
                needs = needs.and(project::needs());
                needs.projects.extend(self.folder().map(str::to_owned));
            }
        }
        needs
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        if self.of != Of::Project && (self.path.is_some() || self.id.is_some()) {
            return Err(Refusal::new(format!(
                "`path` and `id` are for a project, and this is a {}",
                self.of.name()
            )));
        }
        let mut plan = Plan::empty();
        if self.of == Of::Project && self.state == State::Present {
            self.counted(machine)?;
            self.register(machine, &mut plan)?;
        }
        let Some(id) = self.number(machine)? else {
            // Nobody of that name: nothing limits them.
            return if self.state == State::Absent { Ok(plan) } else { Err(self.nobody()) };
        };
        let known = machine.quotas.limits.get(&(self.mountpoint().to_owned(), self.of));
        let found = known.and_then(|all| all.get(&id)).copied().unwrap_or_default();
        let wanted = self.wanted(found).map_err(Refusal::new)?;
        if wanted != found {
            self.counted(machine)?;
            self.limit(id, found, wanted, &mut plan);
        }
        if self.of == Of::Project && self.state == State::Absent {
            self.unregister(machine, id, &mut plan);
        }
        Ok(plan)
    }
}

impl XfsQuota {
    fn mountpoint(&self) -> &str {
        trimmed(&self.mountpoint)
    }

    fn folder(&self) -> Option<&str> {
        self.path.as_deref().map(trimmed)
    }

    /// The mount, which has to count what this limits.
    fn counted<'a>(&self, machine: &'a Machine) -> Result<&'a Live, Refusal> {
        let target = self.mountpoint();
        let Some(live) = machine.mounts.as_ref().and_then(|mounts| mounts.at(target)) else {
            return Err(Refusal::new(format!("nothing is mounted at {target}"))
                .fact(format!("limits of the {} {} were to be set there", self.of.name(), &*self.name))
                .help("mount an xfs there first, with `mount`"));
        };
        if live.fstype != "xfs" {
            return Err(Refusal::new(format!("the file system at {target} is {}, and not xfs", live.fstype)));
        }
        let options: &[&str] = match self.of {
            Of::User => &["usrquota", "uquota", "quota"],
            Of::Group => &["grpquota", "gquota"],
            Of::Project => &["prjquota", "pquota"],
        };
        if live.options.iter().any(|option| options.contains(&option.as_str())) {
            return Ok(live);
        }
        Err(Refusal::new(format!("the xfs at {target} is mounted without limits of {}s", self.of.name()))
            .fact(format!("its options are {}", live.options.join(",")))
            .help(format!("mount it with `{}`; a remount does not begin to count", options[0])))
    }

    fn number(&self, machine: &Machine) -> Result<Option<u32>, Refusal> {
        let name = &*self.name;
        Ok(match self.of {
            Of::User => machine.accounts.users.get(name).and_then(Option::as_ref).map(|user| user.uid),
            Of::Group => machine.accounts.groups.get(name).copied().flatten(),
            Of::Project => self.project(machine)?,
        })
    }

    fn nobody(&self) -> Refusal {
        let refusal = Refusal::new(format!("there is no {} {}", self.of.name(), &*self.name));
        match self.of {
            Of::Project => refusal.help("give its `id` and `path`, and it is made"),
            _ => refusal,
        }
    }

    fn wanted(&self, found: Limits) -> Result<Limits, String> {
        if self.state == State::Absent {
            return Ok(Limits::default());
        }
        let size = |asked: &Option<Bytes>, found| asked.as_ref().map_or(Ok(found), |text| bytes(text));
        Ok(Limits {
            bsoft: size(&self.bsoft, found.bsoft)?,
            bhard: size(&self.bhard, found.bhard)?,
            isoft: self.isoft.unwrap_or(found.isoft),
            ihard: self.ihard.unwrap_or(found.ihard),
        })
    }

    fn limit(&self, id: u32, found: Limits, wanted: Limits, plan: &mut Plan) {
        let name = format!("{} {} at {}", self.of.name(), &*self.name, self.mountpoint());
        let mut change = Change::modify("quota", name, "");
        let size = |bytes| Size(bytes).to_string();
        for (name, before, after) in [
            ("bsoft", size(found.bsoft), size(wanted.bsoft)),
            ("bhard", size(found.bhard), size(wanted.bhard)),
            ("isoft", found.isoft.to_string(), wanted.isoft.to_string()),
            ("ihard", found.ihard.to_string(), wanted.ihard.to_string()),
        ] {
            if before != after {
                change = change.attribute(name, Some(before), Some(after));
            }
        }
        let mountpoint = self.mountpoint().to_owned();
        let step = Step::run(tool::limit(self.of, id, wanted, &mountpoint));
        let effect = QuotaEffect::Limits { mountpoint, of: self.of, id, limits: wanted };
        plan.push(change, [step], [Prediction::Quota(effect)]);
    }
}

fn trimmed(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => "/",
        path => path,
    }
}
