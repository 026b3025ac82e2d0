//! `btrfs filesystem usage`: block groups by kind and profile.

use super::Reach;
use crate::exec::Command;
use crate::machine::btrfs::{GroupKind, Groups};

pub fn usage(top: &Reach) -> Command {
    top.ask(&["filesystem", "usage", "-b"])
}

/// The block groups. What is said of devices is said better by `show`.
pub fn parse_usage(text: &str) -> Result<Vec<Groups>, String> {
    // `Data,RAID1: Size:107347968, Used:0 (0.00%)`, and below it a line for each device.
    let lines = text.lines().filter(|line| line.contains(": Size:"));
    let groups = lines.map(groups).collect::<Result<Vec<_>, _>>()?;
    if groups.is_empty() {
        return Err("btrfs: the usage has no line with `Size:`".to_owned());
    }
    Ok(groups)
}

fn groups(line: &str) -> Result<Groups, String> {
    let bad = |what: &str| format!("btrfs: no {what} in the line `{line}`");
    let (name, numbers) = line.split_once(": Size:").ok_or_else(|| bad("size"))?;
    let (kind, profile) = name.rsplit_once(',').ok_or_else(|| bad("profile"))?;
    let kind = match kind.trim() {
        "Data" => GroupKind::Data,
        "Metadata" => GroupKind::Metadata,
        "System" => GroupKind::System,
        "Data+Metadata" => GroupKind::Mixed,
        _ => return Err(bad("known kind")),
    };
    let (size, used) = numbers.split_once(", Used:").ok_or_else(|| bad("used size"))?;
    let used = used.split_whitespace().next().unwrap_or_default();
    Ok(Groups {
        kind,
        profile: profile.trim().parse().map_err(|_| bad("known profile"))?,
        size: size.trim().parse().map_err(|_| bad("size"))?,
        used: used.parse().map_err(|_| bad("used size"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::btrfs::Profile;

    /// Captured: btrfs-progs 6.2, a conversion that ran out of room.
    const USAGE: &str = "Overall:\n    Device size:\t\t        3221225472\n    Device allocated:\t\t        2974023680\n    Global reserve:\t\t           5767168\t(used: 16384)\n    Multiple profiles:\t\t               yes\t(metadata)\n\nData,RAID1C3: Size:335544320, Used:24969216 (7.44%)\n   /dev/vdb\t 335544320\n   /dev/vdc\t 335544320\n\nMetadata,RAID1: Size:244056064, Used:0 (0.00%)\n\nMetadata,RAID1C3: Size:459538432, Used:655360 (0.14%)\n   /dev/vdb\t 459538432\n\nSystem,RAID1C3: Size:33554432, Used:16384 (0.05%)\n   /dev/vdb\t  33554432\n\nUnallocated:\n   /dev/vdb\t 245104640\n";

    #[test]
    fn reads_block_groups() {
        let found = parse_usage(USAGE).unwrap();
        assert_eq!(found.len(), 4);
        assert_eq!(
            (found[0].kind, found[0].profile, found[0].used),
            (GroupKind::Data, Profile::Raid1c3, 24_969_216)
        );
        assert_eq!((found[1].kind, found[1].profile), (GroupKind::Metadata, Profile::Raid1));
        assert_eq!(
            parse_usage("Data,raid9: Size:1, Used:0").unwrap_err(),
            "btrfs: no known profile in the line `Data,raid9: Size:1, Used:0`"
        );
        assert!(parse_usage("").is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(.|\n)*") {
            let _ = parse_usage(&text);
        }
    }
}
