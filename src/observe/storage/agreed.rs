//! What udev says is on a device, where the device's own bytes say the same, UUID and all. udev alone may be late, and a
//! superblock alone may be one of several; together they are what `blkid` would say, without a process for each device.
//!
//! Nothing is called blank here: of that, udev's silence is no proof.

use std::path::Path;

use super::row::{self, Row};
use super::{blank, superblock};
use crate::exec::System;
use crate::machine::block::{Content, Uuid};

/// A file system, a swap area or a physical volume. `None` where the two do not agree, and for everything else.
pub(super) fn content(row: &Row, system: &dyn System) -> Option<Content> {
    let (kind, uuid) = (row.fstype.as_deref()?, row.uuid.as_deref()?);
    if kind == "LVM2_member" {
        return (physical(&row.path, system)? == uuid.replace('-', "")).then_some(Content::Physical);
    }
    let found = superblock::read(kind, &row.path, system)?.found;
    let agreed = found.uuid == Uuid::Known(uuid.to_owned());
    agreed.then(|| blank::named(kind, row.uuid.clone(), row.label.clone(), || Some(found), None))
}

/// The UUID of what is on the device at a path.
pub fn uuid(path: &str, system: &dyn System) -> Option<String> {
    let row = row::at(path, system)?;
    content(&row, system).and(row.uuid)
}

/// The UUID of a physical volume: its label lies in one of the first four sectors (`format_text/layout.h` of LVM2).
fn physical(path: &str, system: &dyn System) -> Option<String> {
    const SECTOR: usize = 512;
    let bytes = system.read_at(Path::new(path), 0, 4 * SECTOR).ok()?;
    let label = bytes.chunks_exact(SECTOR).find(|sector| sector.starts_with(b"LABELONE"))?;
    let header = usize::try_from(u32::from_le_bytes(label.get(20..24)?.try_into().ok()?)).ok()?;
    let uuid = label.get(header..header.checked_add(32)?).filter(|_| label[24..32] == *b"LVM2 001")?;
    String::from_utf8(uuid.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Transcript;

    fn row(kind: &str, uuid: &str) -> Row {
        Row { path: "/dev/vdb".into(), fstype: Some(kind.into()), uuid: Some(uuid.into()), ..Row::default() }
    }

    /// A label as LVM 2.03.16 writes it into the second sector.
    #[test]
    fn a_physical_volume_has_the_uuid_that_udev_knows() {
        let system = |kind: &[u8]| {
            let written: [(u64, &[u8]); 4] = [
                (512, b"LABELONE\x01\0\0\0\0\0\0\0\x55\x55\x55\x55\x20\0\0\0"),
                (536, kind),
                (544, b"SvHIMYhQ0fGcXLJHk2xRcDm5eV7n3bTa"),
                (4096, b"anything"),
            ];
            Transcript::new().device("/dev/vdb", 1 << 20, &written)
        };
        let row = row("LVM2_member", "SvHIMY-hQ0f-GcXL-JHk2-xRcD-m5eV-7n3bTa");
        assert_eq!(content(&row, &system(b"LVM2 001")), Some(Content::Physical));
        assert_eq!(content(&row, &system(b"LVM3 001")), None);
        assert_eq!(content(&self::row("LVM2_member", "another"), &system(b"LVM2 001")), None);
        assert_eq!(content(&row, &Transcript::new().device("/dev/vdb", 1 << 20, &[])), None);
    }

    #[test]
    fn a_file_system_of_another_uuid_is_for_blkid() {
        let page: [(u64, &[u8]); 3] = [(1024, &[1, 0, 0, 0, 15]), (1036, &[0xab; 16]), (4086, b"SWAPSPACE2")];
        let system = Transcript::new().device("/dev/vdb", 1 << 20, &page);
        let uuid = "abababab-abab-abab-abab-abababababab";
        let Some(Content::FileSystem(found)) = content(&row("swap", uuid), &system) else { panic!() };
        assert_eq!((found.kind.as_str(), found.uuid.known()), ("swap", Some(uuid)));
        for (kind, uuid) in [("swap", "ac"), ("xfs", uuid), ("crypto_LUKS", uuid)] {
            assert_eq!(content(&row(kind, uuid), &system), None);
        }
    }
}
