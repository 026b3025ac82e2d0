//! `xfs_quota`: limits of users, groups and projects on a mounted XFS, and the files that name projects.

use std::collections::BTreeMap;

use crate::exec::Command;
use crate::machine::quota::{Limits, Of};

/// What a number in a dump counts.
const SECTOR: u64 = 512;

fn flag(of: Of) -> &'static str {
    match of {
        Of::User => "-u",
        Of::Group => "-g",
        Of::Project => "-p",
    }
}

/// All limits of one sort, by number.
pub fn dump(of: Of, mountpoint: &str) -> Command {
    Command::probe("xfs_quota").args(["-x", "-c", &format!("dump {}", flag(of)), mountpoint])
}

/// Sets all four limits of one number; 0 is none.
pub fn limit(of: Of, id: u32, limits: Limits, mountpoint: &str) -> Command {
    let Limits { bsoft, bhard, isoft, ihard } = limits;
    let order = format!("limit {} bsoft={bsoft} bhard={bhard} isoft={isoft} ihard={ihard} {id}", flag(of));
    Command::new("xfs_quota").args(["-x", "-c", &order, mountpoint])
}

/// Makes everything below the folder of a project belong to it. `name` is one of `/etc/projid`.
pub fn set_up(name: &str, mountpoint: &str) -> Command {
    Command::new("xfs_quota").args(["-x", "-c", &format!("project -s {name}"), mountpoint])
}

/// Makes everything below the folder of a project belong to none.
pub fn clear(name: &str, mountpoint: &str) -> Command {
    Command::new("xfs_quota").args(["-x", "-c", &format!("project -C {name}"), mountpoint])
}

/// Number, then soft and hard limits of bytes (in sectors), then of inodes.
pub fn parse_dump(text: &str) -> Result<BTreeMap<u32, Limits>, String> {
    let mut all = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("fs = ")) {
        let bad = |what: &str| format!("xfs_quota: {what} in the line `{line}`");
        let words: Vec<&str> = line.split_whitespace().collect();
        let [id, bsoft, bhard, isoft, ihard] = words.as_slice() else { return Err(bad("not five numbers")) };
        let number = |word: &str| word.parse::<u64>().map_err(|_| bad("a word that is no number"));
        let bytes = |word: &str| number(word)?.checked_mul(SECTOR).ok_or_else(|| bad("a number too large"));
        let id = id.parse().map_err(|_| bad("no number first"))?;
        let limits = Limits {
            bsoft: bytes(bsoft)?,
            bhard: bytes(bhard)?,
            isoft: number(isoft)?,
            ihard: number(ihard)?,
        };
        all.insert(id, limits);
    }
    Ok(all)
}

/// The lines of `/etc/projid` (`name:42`) as pairs.
pub fn parse_projid(text: &str) -> Vec<(&str, u32)> {
    entries(text)
        .filter_map(|line| line.rsplit_once(':'))
        .filter_map(|(name, id)| Some((name, id.trim().parse().ok()?)))
        .collect()
}

/// The lines of `/etc/projects` (`42:/folder`) as pairs.
pub fn parse_projects(text: &str) -> Vec<(u32, &str)> {
    entries(text)
        .filter_map(|line| line.split_once(':'))
        .filter_map(|(id, path)| Some((id.trim().parse().ok()?, path)))
        .collect()
}

/// Lines that are no comment; others than ours are left to whoever wrote them.
fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::MIB;

    /// Captured: xfsprogs 6.1.
    #[test]
    fn reads_limits() {
        let found = parse_dump("fs = /dev/vdb\n42           81920  102400       0     100\n").unwrap();
        let limits = Limits { bsoft: 40 * MIB, bhard: 50 * MIB, isoft: 0, ihard: 100 };
        assert_eq!(found, BTreeMap::from([(42, limits)]));
        assert_eq!(parse_dump(""), Ok(BTreeMap::new()));
        assert!(parse_dump("42 1 2 3").unwrap_err().contains("not five numbers in the line `42 1 2 3`"));
    }

    #[test]
    fn reads_projects() {
        assert_eq!(parse_projid("# x\na:b:42\nbad\n"), [("a:b", 42)]);
        assert_eq!(parse_projects("42:/srv/a:b\n#1:/x\n"), [(42, "/srv/a:b")]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(.|\n)*") {
            let _ = (parse_dump(&text), parse_projid(&text), parse_projects(&text));
        }
    }
}
