//! `stat`: what is at a path. Changes nothing.

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use super::placement::hex;
use super::{Describe, Done, Module, paths};
use crate::exec::Kind;
use crate::machine::files::{FileState, LARGEST_CONTENT};
use crate::machine::{Machine, Needs};
use crate::plan::{Failure, Plan, Refusal};
use crate::value::{Map, Value};

/// Says what is at a path.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stat {
    /// The path that is asked about.
    pub path: String,
    /// Whether a link is followed. Default: false.
    #[serde(default)]
    pub follow: bool,
    /// Whether the checksum of a file is said. Without a word: of files up to 16 MiB, because a disk image would have to
    /// be read through.
    pub get_checksum: Option<bool>,
    /// Which checksum. Default: `sha1`.
    pub checksum_algorithm: Option<Checksum>,
    /// Taken for Ansible's sake: file system attributes (`lsattr`) are never said here.
    pub get_attributes: Option<bool>,
    /// Taken for Ansible's sake: the kind of content is never guessed here.
    pub get_mime: Option<bool>,
}

/// A kind of checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Checksum {
    Sha1,
    Sha256,
}

impl Describe for Stat {
    const NAME: &'static str = "stat";
    const ARGUMENT_ALIASES: &'static [(&'static str, &'static str)] =
        &[("dest", "path"), ("name", "path"), ("checksum", "checksum_algorithm")];
    const EXAMPLE: &'static str = "\
- name: is there a key already
  stat:
    path: /etc/luks/data.key
  register: key
";
}

impl Stat {
    fn describe(&self, machine: &Machine) -> Result<Map<String, Value>, Failure> {
        let path = paths::tidy(&self.path);
        let (end, target) = machine.files.follow(&path);
        let (at, found) =
            if self.follow { (end.clone(), target) } else { (path.clone(), machine.files.at(&path)) };
        let mut all = Map::new();
        let mut say = |key: &str, value: Value| all.insert(key.to_owned(), value);
        say("exists", found.is_some().into());
        let Some(state) = found else { return Ok(all) };
        let stat = &state.stat;
        say("path", path.as_str().into());
        for (key, kind) in [
            ("isreg", Kind::File),
            ("isdir", Kind::Directory),
            ("islnk", Kind::Link),
            ("isblk", Kind::BlockDevice),
        ] {
            say(key, (stat.kind == kind).into());
        }
        if stat.kind != Kind::Other {
            for key in ["ischr", "isfifo", "issock"] {
                say(key, false.into());
            }
        }
        say("mode", format!("{:04o}", stat.mode).into());
        for (key, number) in [
            ("uid", stat.uid.into()),
            ("gid", stat.gid.into()),
            ("size", stat.size),
            ("inode", stat.inode),
            ("dev", stat.device),
            ("nlink", stat.links),
        ] {
            say(key, number.into());
        }
        for (key, time) in [("mtime", stat.modified), ("atime", stat.accessed), ("ctime", stat.changed)] {
            say(key, time.into());
        }
        for (key, bit) in [
            ("isuid", 0o4000),
            ("isgid", 0o2000),
            ("rusr", 0o400),
            ("wusr", 0o200),
            ("xusr", 0o100),
            ("rgrp", 0o040),
            ("wgrp", 0o020),
            ("xgrp", 0o010),
            ("roth", 0o004),
            ("woth", 0o002),
            ("xoth", 0o001),
        ] {
            say(key, (stat.mode & bit != 0).into());
        }
        if let Some(name) = machine.accounts.user_names.get(&stat.uid) {
            say("pw_name", name.as_str().into());
        }
        if let Some(name) = machine.accounts.group_names.get(&stat.gid) {
            say("gr_name", name.as_str().into());
        }
        let (uid, gid) = machine.accounts.own;
        let may = |bit: u32| match () {
            () if uid == 0 => bit != 0o1 || stat.mode & 0o111 != 0 || stat.kind == Kind::Directory,
            () if uid == stat.uid => stat.mode & bit << 6 != 0,
            () if gid == stat.gid => stat.mode & bit << 3 != 0,
            () => stat.mode & bit != 0,
        };
        say("readable", may(4).into());
        say("writeable", may(2).into());
        say("executable", may(1).into());
        if let Some(written) = &stat.target {
            say("lnk_target", written.to_string_lossy().into());
            say("lnk_source", end.into());
        }
        if let Some(sum) = self.checksum(&at, state)? {
            say("checksum", sum.into());
        }
        Ok(all)
    }

    fn checksum(&self, path: &str, state: &FileState) -> Result<Option<String>, Failure> {
        if self.get_checksum == Some(false) || state.stat.kind != Kind::File {
            return Ok(None);
        }
        let Some(content) = &state.content else {
            return match self.get_checksum {
                Some(true) if state.stat.size > LARGEST_CONTENT => Err(Failure::new(format!(
                    "not supported yet: the checksum of {path}, which is larger than 16 MiB"
                ))
                .help("ask with `command: sha1sum`")),
                _ => Ok(None),
            };
        };
        Ok(Some(match self.checksum_algorithm.unwrap_or(Checksum::Sha1) {
            Checksum::Sha1 => hex(&Sha1::digest(content)),
            Checksum::Sha256 => hex(&sha2::Sha256::digest(content)),
        }))
    }
}

impl Module for Stat {
    fn needs(&self) -> Needs {
        let path = paths::tidy(&self.path);
        if self.get_checksum == Some(false) {
            Needs::nothing().path(path)
        } else {
            Needs::nothing().content(path)
        }
    }

    fn plan(&self, _machine: &Machine) -> Result<Plan, Refusal> {
        paths::absolute("path", &self.path)?;
        Ok(Plan::empty())
    }

    fn result(&self, done: &Done<'_>) -> Result<Map<String, Value>, Failure> {
        let mut result = Map::new();
        result.insert("stat".to_owned(), self.describe(done.after)?.into());
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(machine: &Machine, args: &str) -> Map<String, Value> {
        let stat: Stat = serde_json::from_str(args).unwrap();
        assert!(stat.plan(machine).unwrap().actions.is_empty());
        stat.describe(machine).unwrap()
    }

    #[test]
    fn says_what_ansible_says() {
        let mut machine = Machine::default();
        machine.accounts.user_names.insert(0, "root".into());
        let file = FileState::expected(Kind::File, 0o4640, 0, 7, Some(b"abc".to_vec()));
        machine.files.seen.insert("/f".into(), Some(file));
        machine.files.seen.insert("/l".into(), Some(FileState::expected_link("f", 0, 0)));
        machine.files.seen.insert("/none".into(), None);
        let found = stat(&machine, r#"{"path": "/f"}"#);
        assert_eq!((&found["mode"], &found["size"]), (&Value::from("4640"), &Value::from(3)));
        assert_eq!(found["checksum"], "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!((&found["pw_name"], &found["isuid"]), (&Value::from("root"), &Value::from(true)));
        let found = stat(&machine, r#"{"path": "/l"}"#);
        assert_eq!((&found["islnk"], &found["lnk_source"]), (&Value::from(true), &Value::from("/f")));
        assert_eq!(stat(&machine, r#"{"path": "/l", "follow": true}"#)["isreg"], true);
        assert_eq!(stat(&machine, r#"{"path": "/none"}"#), Map::from_iter([("exists".into(), false.into())]));
    }
}
