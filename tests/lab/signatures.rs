//! What counts as blank: one disk for each thing that may be on a disk. Only an empty GPT is as good as nothing;
//! everything else is refused by name, and keeps every byte.

use std::collections::BTreeMap;

use crate::host::Host;

/// Serial, what makes it (with the disk as `$d`), and a word `blkid` or the refusal has to say.
const DISKS: [(&str, &str, &str); 16] = [
    ("HF-EXT4", "mkfs.ext4 -q -L keepsake $d", "file system ext4 labelled `keepsake`"),
    ("HF-XFS", "mkfs.xfs -q $d", "file system xfs"),
    ("HF-BTRFS", "mkfs.btrfs -q $d", "btrfs"),
    // Four uberblocks of the first label are what blkid knows ZFS by.
    (
        "HF-ZFS",
        "perl -e 'open D, q(+<), $ARGV[0]; for (0..31) { seek D, 131072+1024*$_, 0; print D pack(q(Q<), 0x00bab10c) }' $d",
        "zfs_member",
    ),
    ("HF-LVM", "pvcreate -q $d", "is a physical volume of no group"),
    (
        "HF-MD",
        "mdadm --create /dev/md/gone --run --level=1 --raid-devices=2 $d missing 2>&1; mdadm --stop /dev/md/gone",
        "array `gone`",
    ),
    (
        "HF-LUKS1",
        "echo -n key | cryptsetup luksFormat -q --type luks1 --pbkdf-force-iterations 1000 $d -",
        "crypto_LUKS",
    ),
    (
        "HF-LUKS2",
        "echo -n key | cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 $d -",
        "crypto_LUKS",
    ),
    ("HF-SWAP", "mkswap -q $d", "swap"),
    ("HF-GPT-PART", "echo ',,L' | sfdisk -q --label gpt $d", "a gpt partition table with partitions"),
    ("HF-GPT-EMPTY", "echo 'label: gpt' | sfdisk -q $d", ""),
    ("HF-NILFS2", "mkfs.nilfs2 -q $d", "nilfs2"),
    ("HF-MINIX", "mkfs.minix $d", "minix"),
    (
        "HF-ISO",
        "{ printf '\\001CD001\\001'; head -c 2041 /dev/zero; printf '\\377CD001\\001'; } | dd of=$d bs=2048 seek=16 conv=notrunc,sync",
        "iso9660",
    ),
    // XFS at the very start of an ext4: each would be mounted happily.
    (
        "HF-TWO",
        "mkfs.ext4 -q $d; printf 'XFSB' | dd of=$d bs=4 conv=notrunc; dd if=/dev/disk/by-id/virtio-HF-XFS of=$d bs=512 count=1 conv=notrunc",
        "several signatures that contradict each other",
    ),
    (
        "HF-BAD",
        "s=$(blockdev --getsz $d); printf \"0 8 error\\n8 $((s-8)) linear $d 8\\n\" | dmsetup create bad",
        "cannot be read",
    ),
];

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn only_an_empty_table_is_as_good_as_blank() {
    let host = Host::with(&DISKS.map(|(serial, ..)| (serial, "320MiB")));
    let script: Vec<String> = DISKS
        .iter()
        .map(|(serial, make, _)| {
            format!("d=/dev/disk/by-id/virtio-{serial}; ( {make} ) >/dev/null 2>&1 || echo {serial}")
        })
        .collect();
    assert_eq!(host.sh(&script.join("\n")), "", "could not be prepared");
    // The unreadable sector is the mapping's, not the disk's.
    let name =
        |serial: &str| if serial == "HF-BAD" { "/dev/mapper/bad".to_owned() } else { serial.to_owned() };
    let names: Vec<String> = DISKS.iter().map(|(serial, ..)| name(serial)).collect();
    host.sh("sync; udevadm settle");
    let digests = || -> BTreeMap<&str, String> {
        DISKS.iter().map(|(serial, ..)| (*serial, host.vm().disk_sha256(serial).unwrap())).collect()
    };
    let before = digests();

    let groups = format!(
        "- lvg: {{vg: \"vg{{{{ index }}}}\", pvs: \"{{{{ item }}}}\", force: true}}\n  \
           loop: [{}]\n  loop_control: {{index_var: index}}\n  ignore_errors: true",
        names.join(", ")
    );
    let told = host.run(&groups, &[]).must(0);
    let outcomes: BTreeMap<String, String> = told
        .events
        .iter()
        .filter(|event| event["event"] == "host_done")
        .filter_map(|event| Some((event["item"].as_str()?.to_owned(), event["outcome"].to_string())))
        .collect();
    for (serial, _, word) in DISKS {
        let outcome = &outcomes[&name(serial)];
        if word.is_empty() {
            assert!(outcome.starts_with("{\"changed\""), "{serial}: {outcome}");
        } else {
            assert!(outcome.starts_with("{\"refused\""), "{serial} was taken for blank: {outcome}");
            assert!(outcome.contains(word), "{serial} is not said to hold {word}: {outcome}");
            // What of a group is only half there is LVM's to judge: nothing consents to writing over it.
            let way = if serial == "HF-LVM" { "pvremove" } else { "format:" };
            assert!(outcome.contains(way), "{serial}: what would allow it is not said: {outcome}");
        }
    }
    host.sh("sync");
    for (serial, digest) in digests() {
        assert_eq!(digest == before[serial], serial != "HF-GPT-EMPTY", "{serial}");
    }
}
