//! What is on a device that nobody uses. Blank has to be proven: everything else counts as occupied.

use std::path::Path;

use super::{superblock, unread};
use crate::exec::{System, all_zero};
use crate::machine::block::{Content, FileSystem, Uuid};
use crate::plan::Failure;
use crate::tools::blkid::{self, Found, Signature};
use crate::tools::{mdadm, wipefs};
use crate::units::MIB;

/// Looks at a device of `size` bytes.
pub(super) fn probe(path: &str, size: u64, system: &dyn System) -> Content {
    look(path, size, system).unwrap_or_else(|| bare(path, system))
}

/// The same, but for the last question: nothing where everything else says that the device is blank.
pub(super) fn look(path: &str, size: u64, system: &dyn System) -> Option<Content> {
    let unknown = |why: &str| Some(Content::Unknown { why: why.to_owned() });
    if size == 0 {
        return unknown("no medium");
    }
    let command = blkid::probe(path);
    let output = system.run(&command);
    // A device that cannot be looked at, or not in time, is occupied; it stops nobody who does not want it.
    let found = match blkid::parse(&output) {
        Ok(found) => found,
        Err(complaint) => return unknown(&complaint),
    };
    match found {
        Found::Ambiguous => return unknown("several signatures that contradict each other"),
        Found::Signature(signature) => return Some(signed(path, size, signature, system)),
        Found::Nothing => {}
    }
    match zero_ends(path, size, system) {
        Err(error) => return unknown(&format!("cannot be read: {error}")),
        Ok(false) => return unknown("no known signature, but the first or last MiB is not zero"),
        Ok(true) => {}
    }
    match system.open_exclusive(Path::new(path)) {
        Ok(true) => None,
        Ok(false) => unknown("somebody has it open"),
        Err(error) => unknown(&format!("cannot be opened: {error}")),
    }
}

/// What is on devices that seem to be blank, all of them asked about at once: `blkid` cannot be, it stops at the first
/// device on which it finds nothing.
pub(super) fn all_bare(paths: &[&str], system: &dyn System) -> Vec<Content> {
    if paths.len() > 1 && wipefs::found_none(&system.run(&wipefs::list(paths))) {
        return vec![Content::Blank { table: false }; paths.len()];
    }
    paths.iter().map(|path| bare(path, system)).collect()
}

fn bare(path: &str, system: &dyn System) -> Content {
    match signatures(path, system) {
        Err(failure) => Content::Unknown { why: failure.title },
        Ok(signatures) => match signatures.first() {
            Some(kind) => Content::Unknown { why: format!("a signature of {kind}") },
            None => Content::Blank { table: false },
        },
    }
}

fn signatures(path: &str, system: &dyn System) -> Result<Vec<String>, Failure> {
    let command = wipefs::list(&[path]);
    let output = system.run(&command);
    if !output.success() {
        return Err(Failure::of(&command, &output));
    }
    wipefs::parse(&output.text()).map_err(unread)
}

/// Whether the first and the last MiB of a device are zero.
pub fn zero_ends(path: &str, size: u64, system: &dyn System) -> std::io::Result<bool> {
    let (first, last) = ends(path, size, system)?;
    Ok(all_zero(&first) && all_zero(&last))
}

fn ends(path: &str, size: u64, system: &dyn System) -> std::io::Result<(Vec<u8>, Vec<u8>)> {
    let length = usize::try_from(size.min(MIB)).unwrap_or(0);
    let read = |offset| -> std::io::Result<Vec<u8>> {
        let bytes = system.read_at(Path::new(path), offset, length)?;
        if bytes.len() == length { Ok(bytes) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
    };
    Ok((read(0)?, read(size - length as u64)?))
}

fn signed(path: &str, size: u64, found: Signature, system: &dyn System) -> Content {
    let Some(kind) = found.kind else {
        let table = found.table.unwrap_or_else(|| "unknown".to_owned());
        let only = |signs: &[&str]| {
            signatures(path, system).is_ok_and(|all| all.iter().all(|kind| signs.contains(&kind.as_str())))
        };
        let empty = match (table.as_str(), ends(path, size, system)) {
            ("gpt", Ok((first, last))) => empty_table(&first, &last) && only(&["gpt", "PMBR"]),
            ("dos", Ok((first, last))) => empty_dos_table(&first, &last) && only(&["dos"]),
            _ => false,
        };
        let empty = empty && system.open_exclusive(Path::new(path)).unwrap_or(false);
        return if empty { Content::Blank { table: true } } else { Content::Partitions { table } };
    };
    named(
        &kind,
        found.uuid,
        found.label,
        || superblock::read(&kind, path, system).map(|block| block.found),
        found.usage.as_deref(),
    )
}

/// The content of a kind that somebody has named; `read` reads its superblock.
pub(super) fn named(
    kind: &str,
    uuid: Option<String>,
    label: Option<String>,
    read: impl FnOnce() -> Option<FileSystem>,
    usage: Option<&str>,
) -> Content {
    match kind {
        "linux_raid_member" => Content::Member {
            array: uuid.map_or(Uuid::Late, |uuid| Uuid::Known(mdadm::uuid(&uuid))),
            name: label.map_or_else(String::new, |label| {
                label.rsplit_once(':').map_or(label.clone(), |(_, name)| name.to_owned())
            }),
        },
        "LVM2_member" => Content::Physical,
        // The label of FAT is a file, and no part of its superblock.
        kind if superblock::known(kind) => match read() {
            Some(found) if kind == "vfat" => Content::FileSystem(FileSystem { label, ..found }),
            Some(found) => Content::FileSystem(found),
            None => Content::Unknown { why: format!("{kind}, but its superblock cannot be read") },
        },
        "ntfs" | "exfat" | "iso9660" | "squashfs" | "jfs" | "udf"
            if usage.is_none_or(|usage| usage == "filesystem") =>
        {
            let uuid = uuid.map_or(Uuid::Late, Uuid::Known);
            Content::FileSystem(FileSystem { uuid, label, ..FileSystem::new(kind) })
        }
        other => Content::Other { kind: other.to_owned(), uuid, label },
    }
}

/// Whether there is a GPT without partitions and nothing else, by the bytes of both ends.
fn empty_table(first: &[u8], last: &[u8]) -> bool {
    // Sectors of 512 bytes, or of 4096; other headers than these two are something else.
    [512, 4096].into_iter().any(|sector: usize| {
        first.get(sector..sector + 8) == Some(b"EFI PART")
            && first.len() >= 2 * sector
            && last.len() >= sector
            && all_zero(&first[..446])
            && all_zero(&first[512..sector])
            && all_zero(&first[2 * sector..])
            && all_zero(&last[..last.len() - sector])
    })
}

/// Whether there is a dos table without partitions and without boot code, and nothing else.
fn empty_dos_table(first: &[u8], last: &[u8]) -> bool {
    // Between the code and the partitions is the disk's identifier.
    first.len() > 512
        && all_zero(&first[..440])
        && all_zero(&first[446..510])
        && first[510..512] == [0x55, 0xaa]
        && all_zero(&first[512..])
        && all_zero(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::{Status, Transcript};

    const SIZE: u64 = 8 * MIB;
    const BLKID: &str = "blkid --probe --output export /dev/vdb";
    const WIPEFS: &str = "wipefs --no-act --json /dev/vdb";

    fn look(content: &[(u64, &[u8])], blkid: Status, said: &str, wipefs: &str) -> Content {
        let system = Transcript::new()
            .device("/dev/vdb", SIZE, content)
            .ends(BLKID, blkid, said, "")
            .says(WIPEFS, wipefs);
        probe("/dev/vdb", SIZE, &system)
    }

    fn occupied(content: &Content) -> bool {
        !matches!(content, Content::Blank { .. })
    }

    #[test]
    fn nothing_at_all_is_blank() {
        assert_eq!(look(&[], Status::Code(2), "", "\n"), Content::Blank { table: false });
    }

    #[test]
    fn doubt_is_occupied() {
        assert!(occupied(&look(&[(700, b"x")], Status::Code(2), "", "\n")));
        assert!(occupied(&look(&[(SIZE - 1, b"x")], Status::Code(2), "", "\n")));
        assert!(occupied(&look(&[], Status::Code(8), "", "\n")));
        let signature = r#"{"signatures":[{"type":"zfs_member"}]}"#;
        assert!(occupied(&look(&[], Status::Code(2), "", signature)));
        let unreadable = Transcript::new().ends(BLKID, Status::Code(2), "", "").says(WIPEFS, "");
        assert!(occupied(&probe("/dev/vdb", SIZE, &unreadable)));
        // As seen on a host whose disks were busy with a resync.
        let late = Transcript::new().device("/dev/vdb", SIZE, &[]).ends(BLKID, Status::Code(2), "", "").ends(
            WIPEFS,
            Status::TimedOut,
            "",
            "",
        );
        assert!(occupied(&probe("/dev/vdb", SIZE, &late)));
    }

    #[test]
    fn many_are_asked_about_at_once_and_one_by_one_where_that_finds_something() {
        let both = "wipefs --no-act --json /dev/vdb /dev/vdc";
        let system = || Transcript::new();
        let blank = Content::Blank { table: false };
        let paths = ["/dev/vdb", "/dev/vdc"];
        assert_eq!(all_bare(&paths, &system().says(both, "")), [blank.clone(), blank.clone()]);
        let one = system()
            .says(WIPEFS, "")
            .says("wipefs --no-act --json /dev/vdc", r#"{"signatures":[{"type":"zfs"}]}"#);
        for status in [Status::Code(0), Status::Code(1), Status::TimedOut] {
            let said = if status == Status::Code(0) { r#"{"signatures":[{"type":"zfs"}]}"# } else { "" };
            let found = all_bare(&paths, &one.clone().ends(both, status, said, ""));
            assert_eq!(found, [blank.clone(), Content::Unknown { why: "a signature of zfs".to_owned() }]);
        }
        assert_eq!(all_bare(&[], &system()), []);
    }

    #[test]
    fn an_empty_table_is_blank_and_a_full_one_is_not() {
        let table: [(u64, &[u8]); 3] = [(446, &[0, 0, 2]), (512, b"EFI PART"), (SIZE - 512, b"EFI PART")];
        let both = r#"{"signatures":[{"type":"gpt"},{"type":"PMBR"}]}"#;
        assert_eq!(look(&table, Status::Code(0), "PTTYPE=gpt\n", both), Content::Blank { table: true });
        let mut full = table.to_vec();
        full.push((1024, b"entry"));
        assert!(occupied(&look(&full, Status::Code(0), "PTTYPE=gpt\n", both)));
        assert!(occupied(&look(&table, Status::Code(0), "PTTYPE=dos\n", both)));
    }

    #[test]
    fn so_is_an_empty_dos_table() {
        let table: [(u64, &[u8]); 2] = [(440, &[1, 2, 3, 4]), (510, &[0x55, 0xaa])];
        let sign = r#"{"signatures":[{"type":"dos"}]}"#;
        let seen = |content: &[(u64, &[u8])]| look(content, Status::Code(0), "PTTYPE=dos\n", sign);
        assert_eq!(seen(&table), Content::Blank { table: true });
        for more in [(0, &[0xeb_u8]), (446, &[0x80]), (512, &[1])] {
            let more: (u64, &[u8]) = (more.0, more.1);
            assert!(occupied(&seen(&[table[0], table[1], more])));
        }
    }
}
