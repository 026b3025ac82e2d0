//! What pools, datasets and holds there are.

use super::{bad, number};
use crate::exec::Command;

/// Every pool that is imported.
pub fn pools() -> Command {
    Command::probe("zpool").args(["list", "-Hp", "-o", "name,guid,size,allocated,free,health"])
}

/// Every file system, volume and snapshot.
pub fn datasets() -> Command {
    Command::probe("zfs").args([
        "list",
        "-Hp",
        "-t",
        "filesystem,volume,snapshot",
        "-o",
        "name,type,guid,used,referenced,origin,mounted,mountpoint,volsize,userrefs,clones",
    ])
}

/// What keeps a snapshot from being destroyed.
pub fn holds(snapshot: &str) -> Command {
    Command::probe("zfs").args(["holds", "-H", snapshot])
}

/// A pool as `zpool list` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPool {
    pub name: String,
    pub guid: String,
    pub size: u64,
    pub allocated: u64,
    pub free: u64,
    pub health: String,
}

pub fn parse_pools(text: &str) -> Result<Vec<ListedPool>, String> {
    let tool = "zpool list";
    let one = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, guid, size, allocated, free, health] = fields.as_slice() else {
            return Err(bad(tool, "six fields", line));
        };
        Ok(ListedPool {
            name: (*name).to_owned(),
            guid: (*guid).to_owned(),
            size: number(tool, "size", size, line)?,
            allocated: number(tool, "allocated size", allocated, line)?,
            free: number(tool, "free size", free, line)?,
            health: (*health).to_owned(),
        })
    };
    text.lines().filter(|line| !line.is_empty()).map(one).collect()
}

/// A dataset as `zfs list` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedDataset {
    pub name: String,
    pub kind: String,
    pub guid: String,
    pub used: u64,
    pub referenced: u64,
    pub origin: Option<String>,
    pub mounted: bool,
    pub mountpoint: Option<String>,
    pub volsize: Option<u64>,
    pub userrefs: u64,
    pub clones: Vec<String>,
}

pub fn parse_datasets(text: &str) -> Result<Vec<ListedDataset>, String> {
    let tool = "zfs list";
    let one = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, kind, guid, used, referenced, origin, mounted, mountpoint, volsize, userrefs, clones] =
            fields.as_slice()
        else {
            return Err(bad(tool, "eleven fields", line));
        };
        let some = |text: &str| Some(text.to_owned()).filter(|text| text != "-" && !text.is_empty());
        Ok(ListedDataset {
            name: (*name).to_owned(),
            kind: (*kind).to_owned(),
            guid: (*guid).to_owned(),
            used: number(tool, "used size", used, line)?,
            referenced: number(tool, "referenced size", referenced, line)?,
            origin: some(origin),
            mounted: *mounted == "yes",
            mountpoint: some(mountpoint),
            volsize: match some(volsize) {
                Some(size) => Some(number(tool, "volsize", &size, line)?),
                None => None,
            },
            userrefs: number(tool, "userrefs", userrefs, line)?,
            clones: some(clones).iter().flat_map(|all| all.split(',')).map(str::to_owned).collect(),
        })
    };
    text.lines().filter(|line| !line.is_empty()).map(one).collect()
}

/// The tags of holds.
pub fn parse_holds(text: &str) -> Result<Vec<String>, String> {
    let one = |line: &str| {
        let mut fields = line.split('\t');
        match (fields.next(), fields.next(), fields.next()) {
            (Some(_), Some(tag), Some(_)) => Ok(tag.to_owned()),
            _ => Err(bad("zfs holds", "tag", line)),
        }
    };
    text.lines().filter(|line| !line.is_empty()).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured: ZFS 2.1.11.
    const DATASETS: &str = "tank\tfilesystem\t5657329554245499830\t19988480\t98304\t-\tyes\t/tank\t-\t-\t-\n\
        tank/a@s\tsnapshot\t808829930115475587\t0\t98304\t-\t-\t-\t-\t1\ttank/c\n\
        tank/c\tfilesystem\t16085178598162921714\t0\t98304\ttank/a@s\tyes\t/tank/c\t-\t-\t-\n\
        tank/vol\tvolume\t15219743365880210298\t19398656\t57344\t-\t-\t-\t16777216\t-\t-\n";

    #[test]
    fn reads_datasets() {
        let found = parse_datasets(DATASETS).unwrap();
        assert_eq!((found[0].mounted, found[0].mountpoint.as_deref()), (true, Some("/tank")));
        assert_eq!((found[1].userrefs, found[1].clones.as_slice()), (1, ["tank/c".to_owned()].as_slice()));
        assert_eq!(found[2].origin.as_deref(), Some("tank/a@s"));
        assert_eq!((found[3].volsize, found[3].used), (Some(16 << 20), 19_398_656));
        assert!(parse_datasets("tank\tfilesystem\n").unwrap_err().contains("eleven fields"));
    }

    #[test]
    fn reads_pools_and_holds() {
        let found = parse_pools("tank\t6433667918959421974\t603979776\t540672\t603439104\tONLINE\n").unwrap();
        assert_eq!((found[0].size, found[0].health.as_str()), (603_979_776, "ONLINE"));
        assert!(parse_pools("tank\tx\tmany\t0\t0\tONLINE").unwrap_err().contains("no size"));
        let holds = "tank/a@s\tkeep\tTue Nov 24 22:14 2026\n";
        assert_eq!(parse_holds(holds), Ok(vec!["keep".to_owned()]));
    }
}
