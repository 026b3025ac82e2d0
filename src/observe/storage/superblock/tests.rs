//! Superblocks as they were captured, and bytes that are none.

use base64::Engine;

use super::*;
use crate::machine::array::Stripe;
use crate::machine::block::Uuid;

/// The bytes of a capture: an offset and sixteen bytes a line, all else zero.
fn captured(text: &str, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ').map(|word| usize::from_str_radix(word, 16).unwrap());
        let at = words.next().unwrap();
        words.enumerate().for_each(|(place, byte)| bytes[at + place] = u8::try_from(byte).unwrap());
    }
    bytes
}

fn found(kind: &str, text: &str) -> FileSystem {
    parse(kind, &captured(text, 4096)).unwrap().found
}

/// Captured: xfsprogs 6.1, `-L images -d su=524288,sw=2` on 4.7 GiB.
#[test]
fn reads_xfs() {
    let text = "WEZTQgAAEAAAAAAAABK8AAAAAAAAAAAAAAAAAAAAAACdhECCyiFJram8KaswYOk9AAAAAAAQAAgAAAAAAAAEAAAAAAAAAAQBAAAAAAAABAIAAAABAAJXgAAAAAgAAAAAAABAALWlAgACAAAIaW1hZ2VzAAAAAAAADAkJAxIAABkAAAAAAAAAQAAAAAAAAAA9AAAAAAASe8gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACAAAAIAAAAEAAAAAAAAAgAAAAAGKAAABigAAAAAAAAANAAAACw==";
    let bytes = base64::engine::general_purpose::STANDARD_NO_PAD.decode(text.trim_end_matches('=')).unwrap();
    let block = parse("xfs", &bytes).unwrap();
    assert_eq!(block.found.uuid, Uuid::Known("9d844082-ca21-49ad-a9bc-29ab3060e93d".into()));
    assert_eq!(block.found.label.as_deref(), Some("images"));
    assert_eq!((block.found.size, block.log), (Some(1_227_776 * 4096), 16384 * 4096));
    assert_eq!(block.found.stripe, Some(Stripe { unit: 524_288, width: 2 }));
    assert_eq!(block.found.property("reflink"), Some("true"));
    assert_eq!(block.found.property("inode_size"), Some("512"));
    // mkfs was cut short: no file system yet.
    let mut cut = bytes;
    cut[126] = 1;
    assert_eq!(parse("xfs", &cut), None);
}

#[test]
fn reads_ext4() {
    let ext = found("ext4", include_str!("captured/ext4.hex"));
    assert_eq!(ext.uuid.known(), Some("11111111-2222-3333-4444-555555555555"));
    assert_eq!((ext.label.as_deref(), ext.size), (Some("elabel"), Some(200 << 20)));
    assert_eq!(ext.used, Some((51200 - 43842) * 4096));
    let properties: Vec<Option<&str>> = ["block_size", "reserved", "errors", "max_mounts", "check_interval"]
        .map(|name| ext.property(name))
        .into();
    assert_eq!(properties, [Some("4096"), Some("1"), Some("continue"), Some("-1"), Some("0")]);
}

#[test]
fn reads_btrfs() {
    let btrfs = found("btrfs", include_str!("captured/btrfs.hex"));
    assert_eq!(btrfs.uuid.known(), Some("21111111-2222-3333-4444-555555555555"));
    assert_eq!((btrfs.label.as_deref(), btrfs.size), (Some("bl3"), Some(800 << 20)));
    assert_eq!((btrfs.property("device"), btrfs.property("devices")), (Some("1"), Some("1")));
}

#[test]
fn reads_both_widths_of_fat() {
    let narrow = found("vfat", include_str!("captured/vfat.hex"));
    assert_eq!((narrow.uuid.known(), narrow.size, narrow.used), (Some("1234-ABCD"), Some(200 << 20), None));
    let wide = found("vfat", include_str!("captured/vfat32.hex"));
    // One cluster, its root folder.
    assert_eq!((wide.uuid.known(), wide.size, wide.used), (Some("7A32-48B7"), Some(200 << 20), Some(512)));
}

#[test]
fn reads_f2fs_and_swap() {
    let f2fs = found("f2fs", include_str!("captured/f2fs.hex"));
    assert_eq!(f2fs.uuid.known(), Some("11111111-2222-3333-4444-555555555555"));
    assert_eq!((f2fs.label.as_deref(), f2fs.size), (Some("f2label"), Some(200 << 20)));
    let swap = found("swap", include_str!("captured/swap.hex"));
    assert_eq!(swap.uuid.known(), Some("11111111-2222-3333-4444-555555555555"));
    assert_eq!((swap.label.as_deref(), swap.size), (Some("swaplabel123456"), Some(200 << 20)));
}

const KINDS: [&str; 6] = ["xfs", "ext4", "btrfs", "vfat", "f2fs", "swap"];

#[test]
fn short_or_strange_bytes_are_nothing() {
    for kind in KINDS {
        assert_eq!(parse(kind, b"XFSB"), None, "{kind}");
        assert_eq!(parse(kind, &[0; 4096]), None, "{kind}");
    }
}

proptest::proptest! {
    #[test]
    fn never_panics(
        mut bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..4096),
        kind in 0..KINDS.len(),
    ) {
        let marks: [(usize, &[u8]); 6] = [
            (0, b"XFSB"), (1080, &[0x53, 0xef]), (64, b"_BHRfS_M"), (510, &[0x55, 0xaa]), (1024, &[0x10, 0x20, 0xf5, 0xf2]), (4086, b"SWAPSPACE2"),
        ];
        for (at, mark) in marks {
            if let Some(place) = bytes.get_mut(at..at + mark.len()) {
                place.copy_from_slice(mark);
            }
        }
        let _ = parse(KINDS[kind], &bytes);
    }
}
