//! What there is: file systems, subvolumes, quota groups.

use super::Reach;
use crate::exec::Command;

/// Every btrfs of the host, mounted or not.
pub fn show() -> Command {
    Command::probe("btrfs").args(["filesystem", "show", "--raw"])
}

/// Every subvolume; the paths are from the top level only where that is what is mounted.
pub fn subvolumes(top: &Reach) -> Command {
    top.ask(&["subvolume", "list", "-puqR"])
}

/// Those that are read-only.
pub fn read_only(top: &Reach) -> Command {
    top.ask(&["subvolume", "list", "-r"])
}

pub fn default(top: &Reach) -> Command {
    top.ask(&["subvolume", "get-default"])
}

/// Sizes and limits; fails where nothing is counted.
pub fn quota_groups(top: &Reach) -> Command {
    top.ask(&["qgroup", "show", "--raw", "-re"])
}

/// A file system as `show` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    pub label: Option<String>,
    pub uuid: String,
    pub used: u64,
    /// How many devices it should have.
    pub total: u64,
    pub devices: Vec<ShownDevice>,
}

/// A device of it; `path` is empty where it is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownDevice {
    pub id: u64,
    pub size: u64,
    pub used: u64,
    pub path: String,
}

fn bad(what: &str, line: &str) -> String {
    format!("btrfs: no {what} in the line `{line}`")
}

fn number(text: Option<&str>, what: &str, line: &str) -> Result<u64, String> {
    text.and_then(|text| text.trim().parse().ok()).ok_or_else(|| bad(what, line))
}

pub fn parse_show(text: &str) -> Result<Vec<Shown>, String> {
    let mut found: Vec<Shown> = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim();
        // It also warns of missing devices, in words that the numbers below say better.
        if trimmed.is_empty() || trimmed.starts_with("***") || trimmed.starts_with("warning") {
            continue;
        }
        if let Some(rest) = trimmed.strip_prefix("Label:") {
            let (label, uuid) = rest.rsplit_once("uuid:").ok_or_else(|| bad("uuid", line))?;
            let label = label.trim();
            let label = match label {
                "none" => None,
                quoted => Some(
                    quoted
                        .strip_prefix('\'')
                        .and_then(|quoted| quoted.strip_suffix('\''))
                        .ok_or_else(|| bad("label", line))?
                        .to_owned(),
                ),
            };
            found.push(Shown { label, uuid: uuid.trim().to_owned(), ..Shown::default() });
            continue;
        }
        let current = found.last_mut().ok_or_else(|| bad("label", line))?;
        if let Some(rest) = trimmed.strip_prefix("Total devices") {
            let (total, used) = rest.split_once("FS bytes used").ok_or_else(|| bad("used size", line))?;
            current.total = number(Some(total), "number of devices", line)?;
            current.used = number(Some(used), "used size", line)?;
        } else if trimmed.starts_with("devid") {
            let (numbers, path) = trimmed.split_once(" path ").ok_or_else(|| bad("path", line))?;
            let words: Vec<&str> = numbers.split_whitespace().collect();
            let ["devid", id, "size", size, "used", used] = words.as_slice() else {
                return Err(bad("device", line));
            };
            let path = path.trim();
            current.devices.push(ShownDevice {
                id: number(Some(id), "devid", line)?,
                size: number(Some(size), "size", line)?,
                used: number(Some(used), "used size", line)?,
                path: if path.starts_with('/') {
                    path.trim_end_matches(" MISSING").to_owned()
                } else {
                    String::new()
                },
            });
        } else {
            return Err(bad("known word", line));
        }
    }
    Ok(found)
}

/// A subvolume as `list` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub id: u64,
    pub uuid: String,
    pub parent_uuid: Option<String>,
    pub received_uuid: Option<String>,
    pub path: String,
}

pub fn parse_subvolumes(text: &str) -> Result<Vec<Listed>, String> {
    text.lines().filter(|line| !line.is_empty()).map(listed).collect()
}

fn listed(line: &str) -> Result<Listed, String> {
    let (fields, path) = line.split_once(" path ").ok_or_else(|| bad("path", line))?;
    let words: Vec<&str> = fields.split_whitespace().collect();
    let after = |name: &str| {
        let at = words.iter().position(|word| *word == name)?;
        words.get(at + 1).copied()
    };
    let uuid = |name: &str| match after(name) {
        Some("-") => Ok(None),
        Some(uuid) => Ok(Some(uuid.to_owned())),
        None => Err(bad(name, line)),
    };
    Ok(Listed {
        id: number(after("ID"), "ID", line)?,
        uuid: uuid("uuid")?.unwrap_or_default(),
        parent_uuid: uuid("parent_uuid")?,
        received_uuid: uuid("received_uuid")?,
        path: path.to_owned(),
    })
}

/// The numbers of the subvolumes that are listed.
pub fn parse_numbers(text: &str) -> Result<Vec<u64>, String> {
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| number(line.strip_prefix("ID ").and_then(|rest| rest.split(' ').next()), "ID", line))
        .collect()
}

/// The number of the subvolume that is mounted when none is asked for.
pub fn parse_default(text: &str) -> Result<u64, String> {
    let line = text.lines().next().unwrap_or_default();
    number(line.strip_prefix("ID ").and_then(|rest| rest.split(' ').next()), "ID", line)
}

/// What is counted of a subvolume, by its number, and its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    pub id: u64,
    pub referenced: u64,
    pub exclusive: u64,
    pub limit: Option<u64>,
    pub limit_exclusive: Option<u64>,
}

/// Groups of groups are left out.
pub fn parse_quota_groups(text: &str) -> Result<Vec<Counted>, String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [group, referenced, exclusive, most, most_exclusive, ..] = words.as_slice() else {
            // Warnings come on standard error, but old versions mix them in.
            if line.is_empty() || line.starts_with("WARNING") {
                continue;
            }
            return Err(bad("quota group", line));
        };
        if matches!(*group, "Qgroupid" | "qgroupid") || group.starts_with("--") || *group == "WARNING:" {
            continue;
        }
        let (level, id) = group.split_once('/').ok_or_else(|| bad("quota group", line))?;
        if level != "0" {
            continue;
        }
        let limit = |text: &str| match text {
            "none" => Ok(None),
            text => number(Some(text), "limit", line).map(Some),
        };
        found.push(Counted {
            id: number(Some(id), "quota group", line)?,
            referenced: number(Some(referenced), "referenced", line)?,
            exclusive: number(Some(exclusive), "exclusive", line)?,
            limit: limit(most)?,
            limit_exclusive: limit(most_exclusive)?,
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured: btrfs-progs 6.2.
    const SHOW: &str = "Label: 'pool'  uuid: 4e3e2e41-cc18-4aa6-9696-48aab538995c\n\tTotal devices 2 FS bytes used 147456\n\tdevid    1 size 1073741824 used 223084544 path /dev/vdb\n\tdevid    2 size 1073741824 used 223084544 path /dev/vdc\n\n";
    /// Captured: a device is gone; and the same while it is mounted degraded.
    const MISSING: &str = "warning, device 1 is missing\nLabel: 'again'  uuid: 8a2601cf-3abd-453d-879d-715c2d03fbb7\n\tTotal devices 2 FS bytes used 26763264\n\tdevid    2 size 3221225472 used 956301312 path /dev/vdc\n\t*** Some devices missing\n\n";
    const DEGRADED: &str = "Label: none  uuid: 8a2601cf-3abd-453d-879d-715c2d03fbb7\n\tTotal devices 2 FS bytes used 26763264\n\tdevid    1 size 0 used 0 path  MISSING\n\tdevid    2 size 3221225472 used 956301312 path /dev/vdc\n";
    const LIST: &str = "ID 256 gen 10 parent 5 top level 5 parent_uuid -                                    received_uuid -                                    uuid 5abd71db-41cf-b746-a6bc-d6ec544363ff path a\nID 258 gen 9 parent 5 top level 5 parent_uuid -                                    received_uuid -                                    uuid ba810555-fdbf-2d41-82a1-1716365a8628 path dir/with blank\nID 259 gen 10 parent 5 top level 5 parent_uuid 5abd71db-41cf-b746-a6bc-d6ec544363ff received_uuid -                                    uuid 4bdec4aa-831c-aa4c-b180-af924c6ab572 path snap\n";
    const GROUPS: &str = "Qgroupid    Referenced    Exclusive  Max referenced  Max exclusive   Path \n--------    ----------    ---------  --------------  -------------   ---- \n0/5              16384        16384            none           none   <toplevel>\n0/256         26468352     26468352       104857600           none   a\n0/258            16384        16384            none           none   dir/with blank\n1/1                  0            0            none           none   <0 member qgroups>\n";

    #[test]
    fn reads_file_systems() {
        let found = parse_show(SHOW).unwrap();
        assert_eq!((found.len(), found[0].label.as_deref(), found[0].total), (1, Some("pool"), 2));
        assert_eq!(found[0].devices[1].path, "/dev/vdc");
        let missing = &parse_show(MISSING).unwrap()[0];
        assert_eq!((missing.total, missing.devices.len()), (2, 1));
        let degraded = &parse_show(DEGRADED).unwrap()[0];
        assert_eq!((degraded.label.as_deref(), degraded.devices[0].path.as_str()), (None, ""));
        assert_eq!(parse_show("").unwrap(), Vec::new());
        assert!(
            parse_show(&SHOW.replace("size 1073741824", "size x"))
                .unwrap_err()
                .contains("no size in the line")
        );
    }

    #[test]
    fn reads_subvolumes() {
        let found = parse_subvolumes(LIST).unwrap();
        assert_eq!(found[1].path, "dir/with blank");
        assert_eq!(found[2].parent_uuid.as_deref(), Some("5abd71db-41cf-b746-a6bc-d6ec544363ff"));
        assert_eq!((found[0].id, &found[0].received_uuid), (256, &None));
        assert!(parse_subvolumes("ID x path a").is_err());
        assert_eq!(parse_numbers("ID 259 gen 10 top level 5 path snap\n"), Ok(vec![259]));
        assert_eq!(parse_default("ID 5 (FS_TREE)\n"), Ok(5));
        assert_eq!(parse_default("ID 258 gen 44 top level 5 path dir/with blank\n"), Ok(258));
        assert!(parse_default("").is_err());
    }

    #[test]
    fn reads_quota_groups() {
        let found = parse_quota_groups(GROUPS).unwrap();
        assert_eq!(found.iter().map(|one| one.id).collect::<Vec<_>>(), [5, 256, 258]);
        assert_eq!((found[1].limit, found[1].limit_exclusive), (Some(104_857_600), None));
        assert!(parse_quota_groups("0/x 1 1 none none a").is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(.|\n)*") {
            let _ = (parse_show(&text), parse_subvolumes(&text), parse_quota_groups(&text));
            let _ = (parse_default(&text), parse_numbers(&text));
        }
    }
}
