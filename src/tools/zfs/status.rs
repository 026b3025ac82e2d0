//! `zpool status`: the tree of virtual devices. It shows names or GUIDs, never both, so it is asked twice.

use super::bad;
use crate::exec::Command;

/// Every pool with the whole paths of its devices.
pub fn status() -> Command {
    Command::probe("zpool").args(["status", "-P"])
}

/// The same lines with the GUIDs of virtual devices in place of their names.
pub fn status_guids() -> Command {
    Command::probe("zpool").args(["status", "-g"])
}

/// A line of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub pool: String,
    /// 0 for the pool and for the headings of classes, 1 for virtual devices, 2 and more for their members.
    pub depth: usize,
    /// A name, a path, or a GUID.
    pub name: String,
    /// `ONLINE`, `DEGRADED`, `AVAIL`; `None` for the heading of a class.
    pub state: Option<String>,
}

/// The trees of all pools, line by line.
pub fn parse_status(text: &str) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    let mut pool: Option<String> = None;
    let mut tree = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("  pool: ") {
            pool = Some(name.trim().to_owned());
            tree = false;
            continue;
        }
        if line.trim_end() == "config:" {
            tree = true;
            continue;
        }
        // Whatever else is said begins at the margin, or is indented by blanks.
        let Some(inside) = line.strip_prefix('\t').filter(|_| tree) else {
            tree &= line.trim().is_empty();
            continue;
        };
        let name = inside.trim_start_matches(' ');
        let depth = (inside.len() - name.len()) / 2;
        let mut words = name.split_whitespace();
        let name = match words.next() {
            None | Some("NAME") => continue,
            Some(name) => name.to_owned(),
        };
        let pool = pool.clone().ok_or_else(|| bad("zpool status", "pool", line))?;
        rows.push(Row { pool, depth, name, state: words.next().map(str::to_owned) });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured: ZFS 2.1.11.
    const STATUS: &str = "  pool: tank\n state: ONLINE\nconfig:\n\n\tNAME                                   STATE     READ WRITE CKSUM\n\ttank                                   ONLINE       0     0     0\n\t  mirror-0                             ONLINE       0     0     0\n\t    /dev/disk/by-id/virtio-HF-1-part1  ONLINE       0     0     0\n\t    /dev/disk/by-id/virtio-HF-2-part1  ONLINE       0     0     0\n\tspecial\t\n\t  mirror-1                             ONLINE       0     0     0\n\t    /dev/disk/by-id/virtio-HF-3-part1  ONLINE       0     0     0\n\t    /dev/disk/by-id/virtio-HF-4-part1  ONLINE       0     0     0\n\tlogs\t\n\t  /dev/disk/by-id/virtio-HF-5-part1    ONLINE       0     0     0\n\tspares\n\t  /dev/disk/by-id/virtio-HF-6-part1    AVAIL   \n\nerrors: No known data errors\n";

    #[test]
    fn reads_the_tree() {
        let rows = parse_status(STATUS).unwrap();
        let shown: Vec<String> = rows
            .iter()
            .map(|row| format!("{} {} {}", row.depth, row.name, row.state.as_deref().unwrap_or("-")))
            .collect();
        assert_eq!(
            shown,
            [
                "0 tank ONLINE",
                "1 mirror-0 ONLINE",
                "2 /dev/disk/by-id/virtio-HF-1-part1 ONLINE",
                "2 /dev/disk/by-id/virtio-HF-2-part1 ONLINE",
                "0 special -",
                "1 mirror-1 ONLINE",
                "2 /dev/disk/by-id/virtio-HF-3-part1 ONLINE",
                "2 /dev/disk/by-id/virtio-HF-4-part1 ONLINE",
                "0 logs -",
                "1 /dev/disk/by-id/virtio-HF-5-part1 ONLINE",
                "0 spares -",
                "1 /dev/disk/by-id/virtio-HF-6-part1 AVAIL",
            ]
        );
        assert!(rows.iter().all(|row| row.pool == "tank"));
        assert_eq!(parse_status("no pools available\n"), Ok(vec![]));
    }
}
