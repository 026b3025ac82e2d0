//! mdadm.conf: which arrays get which names at boot.

use super::uuid;
use crate::machine::block::{Registered, Uuid};

/// The line that gives an array its name at boot. The UUID is a late name: the array need not exist yet.
pub fn registration(name: &str) -> Registered {
    let path = format!("/dev/md/{name}");
    let line = format!("ARRAY {path} metadata=1.2 UUID=@{{md-uuid:{path}}}");
    Registered { path, uuid: Uuid::Late, line }
}

/// The file on Debian, and elsewhere.
pub const CONFIGS: [&str; 2] = ["/etc/mdadm/mdadm.conf", "/etc/mdadm.conf"];

/// What the monitor is told by a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// To whom it writes.
    Address,
    /// As whom.
    From,
    /// What it starts.
    Program,
}

impl Told {
    /// Its keyword.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Address => "MAILADDR",
            Self::From => "MAILFROM",
            Self::Program => "PROGRAM",
        }
    }

    /// Keywords may be written in any case, and cut to three letters (mdadm.conf(5)).
    fn of(word: &str) -> Option<Self> {
        let word = word.to_ascii_uppercase();
        let all = [Self::Address, Self::From, Self::Program];
        all.into_iter().find(|one| word.len() >= 3 && one.keyword().starts_with(&word))
    }
}

/// The lines that tell the monitor so, with what they say.
pub fn parse_told(text: &str, what: Told) -> Vec<(&str, &str)> {
    let read = |line| {
        let (word, value) = str::split_once(line, char::is_whitespace)?;
        (Told::of(word) == Some(what)).then(|| (line, value.trim()))
    };
    text.lines().filter_map(read).collect()
}

/// The `ARRAY` lines of a configuration file. Its other lines are not ours to judge.
pub fn parse_config(text: &str) -> Vec<Registered> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if !words.next().is_some_and(|word| word.eq_ignore_ascii_case("ARRAY")) {
            continue;
        }
        let mut array = Registered { path: String::new(), uuid: Uuid::Late, line: line.to_owned() };
        for word in words {
            match word.split_once('=') {
                Some((field, value)) if field.eq_ignore_ascii_case("uuid") => {
                    array.uuid = Uuid::Known(uuid(value));
                }
                None if array.path.is_empty() && !word.starts_with('#') => word.clone_into(&mut array.path),
                _ => {}
            }
        }
        if !array.path.is_empty() && !array.path.starts_with('/') && !array.path.starts_with('<') {
            array.path = format!("/dev/md/{}", array.path);
        }
        if array.uuid != Uuid::Late {
            found.push(array);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_array_lines_only() {
        let text = "# ARRAY /dev/md/x UUID=1\nHOMEHOST <system>\narray /dev/md/kvm metadata=1.2 name=any:kvm uuid=AABBCCDD:0:0:0\nARRAY <ignore> UUID=11111111:22222222:33333333:44444444\nARRAY /dev/md/y devices=/dev/a\n";
        let found = parse_config(text);
        assert_eq!(
            found.iter().map(|one| one.path.as_str()).collect::<Vec<_>>(),
            ["/dev/md/kvm", "<ignore>"]
        );
    }

    #[test]
    fn keywords_may_be_cut_and_only_the_first_line_counts() {
        let text = "# MAILADDR no\nmailaddr  root\nMAI other@host\nPROG /bin/x\nMAILFROM me\n";
        let root = ("mailaddr  root", "root");
        assert_eq!(parse_told(text, Told::Address), [root, ("MAI other@host", "other@host")]);
        assert_eq!(parse_told(text, Told::From), [("MAILFROM me", "me")]);
        assert_eq!(parse_told(text, Told::Program), [("PROG /bin/x", "/bin/x")]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = (parse_config(&text), parse_told(&text, Told::From));
        }
    }
}
