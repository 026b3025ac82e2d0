//! Owner, group and mode as arguments, and what they come to on a host. No module itself.

use serde::{Deserialize, Serialize};

use crate::exec::{Kind, Stat};
use crate::machine::files::FileState;
use crate::machine::{Machine, Needs};
use crate::plan::{Attribute, Metadata, Refusal};

/// Permissions: octal as text (`"0644"`), the number YAML makes of `0644`, or symbolic (`u=rw,g=r,o=`, `a+X`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Mode {
    /// As a number, where YAML has read the octal digits already.
    Number(u32),
    /// Octal digits or symbols.
    Text(String),
}

/// Numbers that are octal digits without their leading zero: `mode: 644` would be 01204.
const WITHOUT_ZERO: [u32; 20] =
    [400, 440, 444, 500, 550, 555, 600, 640, 644, 660, 664, 666, 700, 710, 711, 750, 755, 770, 775, 777];

/// Owner, group and mode as they were asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ownership<'a> {
    pub(super) owner: Option<&'a str>,
    pub(super) group: Option<&'a str>,
    pub(super) mode: Option<&'a Mode>,
}

impl Ownership<'_> {
    pub(super) fn needs(self) -> Needs {
        Needs {
            users: self.owner.map(str::to_owned).into_iter().collect(),
            groups: self.group.map(str::to_owned).into_iter().collect(),
            ..Needs::nothing()
        }
    }

    pub(super) fn is_nothing(self) -> bool {
        self.owner.is_none() && self.group.is_none() && self.mode.is_none()
    }

    /// Whether the mode is the same whatever was there before.
    pub(super) fn is_plain(self) -> bool {
        match self.mode {
            Some(Mode::Text(text)) => u32::from_str_radix(text, 8).is_ok(),
            _ => true,
        }
    }

    /// What was asked for, in numbers; `now` is what symbols start from.
    pub(super) fn wanted(self, machine: &Machine, now: u32, kind: Kind) -> Result<Metadata, Refusal> {
        let accounts = &machine.accounts;
        // In a dry run a package may bring the account along; its number cannot be known before.
        let unknown = |what: &str, name: &str| {
            if machine.packages.expected {
                return Ok(None);
            }
            Err(Refusal::new(format!("there is no {what} `{name}` on this host")))
        };
        let uid = match self.owner {
            None => None,
            Some(owner) => match accounts.users.get(owner) {
                Some(Some(user)) => Some(user.uid),
                _ => unknown("user", owner)?,
            },
        };
        let gid = match self.group {
            None => None,
            Some(group) => match accounts.groups.get(group) {
                Some(Some(gid)) => Some(*gid),
                _ => unknown("group", group)?,
            },
        };
        let mode = self.mode.map(|mode| mode.bits(now, kind)).transpose()?;
        Ok(Metadata { uid, gid, mode })
    }

    /// Something new at `path`: all of it is decided here, the host's umask has no say.
    pub(super) fn of_new(self, machine: &Machine, path: &str, kind: Kind) -> Result<Placed, Refusal> {
        let default = if kind == Kind::Directory { 0o755 } else { 0o644 };
        let mut metadata = self.wanted(machine, default, kind)?;
        let mode = *metadata.mode.get_or_insert(default);
        let own = machine.accounts.own;
        let folder = machine.files.follow(super::paths::parent(path)).1;
        // A folder with the set-group-id bit gives its group on.
        let inherited = folder.filter(|folder| folder.stat.mode & 0o2000 != 0).map(|folder| folder.stat.gid);
        let uid = metadata.uid.unwrap_or(own.0);
        let gid = metadata.gid.or(inherited).unwrap_or(own.1);
        Ok(Placed { metadata, mode, uid, gid })
    }

    /// Something that is there and stays: what is not asked for is kept.
    pub(super) fn of_old(self, machine: &Machine, now: &Stat) -> Result<Placed, Refusal> {
        let metadata = self.wanted(machine, now.mode, now.kind)?;
        let (mode, uid, gid) = (metadata.mode, metadata.uid, metadata.gid);
        Ok(Placed {
            metadata,
            mode: mode.unwrap_or(now.mode),
            uid: uid.unwrap_or(now.uid),
            gid: gid.unwrap_or(now.gid),
        })
    }
}

/// Owner, group and mode as they are to be set, and as they will be.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) metadata: Metadata,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Placed {
    pub(super) fn state(&self, kind: Kind, content: Option<Vec<u8>>) -> FileState {
        FileState::expected(kind, self.mode, self.uid, self.gid, content)
    }

    /// What becomes different.
    pub(super) fn differences(&self, now: &Stat) -> Vec<Attribute> {
        let mut all = Vec::new();
        let mut note = |name: &str, before: String, after: String| {
            if before != after {
                all.push(Attribute { name: name.to_owned(), before: Some(before), after: Some(after) });
            }
        };
        note("mode", format!("{:04o}", now.mode), format!("{:04o}", self.mode));
        note("owner", now.uid.to_string(), self.uid.to_string());
        note("group", now.gid.to_string(), self.gid.to_string());
        all
    }
}

impl Mode {
    /// The bits it means for something that has `now`.
    pub(super) fn bits(&self, now: u32, kind: Kind) -> Result<u32, Refusal> {
        let bits = match self {
            Self::Number(number) if WITHOUT_ZERO.contains(number) => None,
            Self::Number(number) => Some(*number),
            Self::Text(text) => u32::from_str_radix(text.trim(), 8)
                .ok()
                .or_else(|| text.split(',').try_fold(now, |now, clause| symbolic(clause.trim(), now, kind))),
        };
        let shown = match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        };
        bits.filter(|bits| *bits <= 0o7777).ok_or_else(|| {
            Refusal::new(format!("`{shown}` is no mode"))
                .help("write octal digits as text, such as \"0644\", or symbols, such as \"u=rw,g=r,o=\"")
        })
    }
}

/// One clause, such as `u+rwx` or `a=rX`.
fn symbolic(clause: &str, now: u32, kind: Kind) -> Option<u32> {
    let at = clause.find(['=', '+', '-'])?;
    let (who, what) = (&clause[..at], &clause[at + 1..]);
    let shifts = who.chars().try_fold(Vec::new(), |mut shifts, who| {
        match who {
            'u' => shifts.push(6),
            'g' => shifts.push(3),
            'o' => shifts.push(0),
            'a' => shifts.extend([6, 3, 0]),
            _ => return None,
        }
        Some(shifts)
    })?;
    let shifts = if shifts.is_empty() { vec![6, 3, 0] } else { shifts };
    let (mut bits, mut cleared) = (0, 0);
    for shift in shifts {
        cleared |= 0o7 << shift | special(shift);
        for what in what.chars() {
            bits |= match what {
                'r' => 4 << shift,
                'w' => 2 << shift,
                'x' => 1 << shift,
                'X' if kind == Kind::Directory || now & 0o111 != 0 => 1 << shift,
                'X' => 0,
                's' => special(shift),
                't' => 0o1000,
                'u' => (now >> 6 & 7) << shift,
                'g' => (now >> 3 & 7) << shift,
                'o' => (now & 7) << shift,
                _ => return None,
            };
        }
    }
    Some(match clause.as_bytes()[at] {
        b'+' => now | bits,
        b'-' => now & !bits,
        _ => now & !cleared | bits,
    })
}

fn special(shift: u32) -> u32 {
    match shift {
        6 => 0o4000,
        3 => 0o2000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(mode: &str, now: u32, kind: Kind) -> Option<u32> {
        Mode::Text(mode.into()).bits(now, kind).ok()
    }

    #[test]
    fn reads_every_way_to_write_a_mode() {
        assert_eq!(Mode::Number(420).bits(0, Kind::File), Ok(0o644));
        for (mode, now, kind, bits) in [
            ("0644", 0, Kind::File, 0o644),
            ("1777", 0, Kind::Directory, 0o1777),
            ("u=rw,g=r,o=", 0o777, Kind::File, 0o640),
            ("a+x", 0o644, Kind::File, 0o755),
            ("+x", 0o644, Kind::File, 0o755),
            ("go-rwx", 0o755, Kind::File, 0o700),
            ("u=rwX,g=rX", 0o600, Kind::File, 0o640),
            ("u=rwX,g=rX", 0o600, Kind::Directory, 0o750),
            ("g=u", 0o700, Kind::File, 0o770),
            ("g+s", 0o755, Kind::Directory, 0o2755),
            ("u=rw", 0o4755, Kind::File, 0o655),
        ] {
            assert_eq!(text(mode, now, kind), Some(bits), "{mode}");
        }
        for mode in ["", "rw", "0888", "77777", "z+r", "u=q"] {
            assert_eq!(text(mode, 0, Kind::File), None, "{mode}");
        }
        assert!(Mode::Number(644).bits(0, Kind::File).is_err());
    }

    #[test]
    fn a_missing_user_is_refused_unless_a_package_may_bring_it() {
        let mut machine = Machine::default();
        let ownership = Ownership { owner: Some("postgres"), ..Ownership::default() };
        let refusal = ownership.wanted(&machine, 0, Kind::File).unwrap_err();
        assert_eq!(refusal.title, "there is no user `postgres` on this host");
        machine.packages.expected = true;
        assert_eq!(ownership.wanted(&machine, 0, Kind::File).unwrap().uid, None);
    }
}
