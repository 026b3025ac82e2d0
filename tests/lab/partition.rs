//! Partitions on real disks: made, kept over a restart, grown with their disk while in use, removed; and what must be
//! refused: another table, an overlap, a partition in use, content that would come back.

use holdfast::units::{GIB, Size};

use crate::host::Host;

const TABLES: &str = "
- partition: {device: {path: /dev/vdb, serial: HF-1}, number: 1, name: data, size: 400MiB}
- partition: {device: HF-1, number: 3, part_end: 100%, type: srv}
- filesystem: {dev: /dev/disk/by-partlabel/data, fstype: ext4, label: data}
- filesystem: {dev: /dev/disk/by-id/virtio-HF-1-part3, fstype: xfs}
- mount: {src: /dev/vdb3, path: /srv/rest, fstype: xfs, state: mounted}
- parted: {device: HF-2, number: 2, label: msdos, part_start: 100MiB, part_end: 200MiB, flags: [boot], state: present}
- lvg: {vg: vg, pvs: {unused: {count: 1, min_size: 1GiB}}}
";

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn partitions_are_made_kept_and_grown_and_lose_nothing() {
    let host = Host::with(&[("HF-1", "1GiB"), ("HF-2", "1GiB"), ("HF-3", "1GiB")]);
    host.becomes(TABLES, &[]);
    host.sh("cp -a /usr/bin/[a-m]* /srv/rest/ && sync");
    let files = "cd /srv/rest && find . -type f -exec sha256sum {} + | sort -k2 | sha256sum";
    let written = host.sh(files);
    host.survives(TABLES);

    // The disk grows, and the partition and its file system with it, while they are in use.
    host.vm().grow_disk("HF-1", Size(2 * GIB)).unwrap();
    let grow = "
- partition: {device: HF-1, number: 3, resize: true}
- filesystem: {dev: /dev/vdb3, fstype: xfs, resizefs: true}
";
    host.becomes(grow, &[]);
    assert_eq!(host.sh(files), written);
    let size: u64 = host.sh("blockdev --getsize64 /dev/vdb3").trim().parse().unwrap();
    assert_eq!(size, 2 * GIB - (402 << 20));
    assert!(host.sh("sfdisk --verify /dev/vdb 2>&1").contains("No errors"));

    let refused = |tasks: &str, words: &[&str]| {
        let said = host.refuses(tasks, &[]);
        for word in words {
            assert!(said.contains(word), "no {word} in {said}");
        }
    };
    refused("- partition: {device: HF-1, number: 2, label: msdos}", &["has a gpt table with 2 partitions"]);
    refused("- partition: {device: HF-1, number: 2, part_start: 200MiB}", &["would overlap partition 1"]);
    refused(
        "- partition: {device: HF-1, number: 3, state: absent}",
        &["is in use: it is mounted at /srv/rest"],
    );
    refused("- disk: {device: HF-1, state: blank}", &["is in use: /dev/vdb3: it is mounted at /srv/rest"]);
    refused(
        "- partition: {device: HF-1, number: 1, state: absent}",
        &["remove:HF-1-part1", "ext4 labelled `data`"],
    );
    refused(
        "- filesystem: {dev: {path: /dev/vdb, serial: HF-2}, fstype: xfs}",
        &["its serial is HF-1, not HF-2"],
    );
    refused(
        "- lvg: {vg: more, pvs: {unused: {count: 1}}}",
        &["there are 0", "HF-3", "belongs to the volume group vg"],
    );
}

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn removed_partitions_do_not_come_back_and_a_disk_becomes_blank() {
    let host = Host::with(&[("HF-1", "1GiB"), ("HF-2", "1GiB")]);
    let made = "
- partition: {device: HF-1, number: 1, size: 400MiB}
- partition: {device: HF-1, number: 2}
- filesystem: {dev: /dev/vdb1, fstype: ext4, label: photos}
- lvg: {vg: vg, pvs: /dev/vdb2}
- partition: {device: HF-2, number: 1, label: dos}
- filesystem: {dev: /dev/vdc1, fstype: xfs, label: old}
";
    host.becomes(made, &[]);
    // Removed by somebody who did not wipe it: the next partition there would come up with it.
    let uuid = host.sh("blkid -s UUID -o value /dev/vdc1; sfdisk -q --delete /dev/vdc 1; udevadm settle");
    let again = "- partition: {device: HF-2, number: 1, size: 500MiB}\n";
    let token = format!("format:{}", uuid.trim());
    let said = host.refuses(again, &[]);
    assert!(said.contains(&token) && said.contains("labelled `old`"), "{said}");
    host.becomes(again, &["--consent", &token]);
    assert_eq!(host.sh("wipefs -n /dev/vdc1").trim(), "");

    // The whole disk goes, with all that is on it, and is built anew; the dry run foresees both.
    let said = host.refuses("- disk: {device: HF-1, state: blank}", &[]);
    assert!(said.contains("/dev/vdb2: it belongs to the volume group vg"), "{said}");
    host.sh("vgchange -qan vg; wipefs -qa --force /dev/vdb2; udevadm settle");
    let anew = "
- disk: {device: HF-1, state: blank}
- partition: {device: HF-1, number: 1, name: anew}
- filesystem: {dev: /dev/disk/by-partlabel/anew, fstype: xfs}
- partition: {device: HF-2, number: 1, state: absent}
";
    let said = host.refuses(anew, &[]);
    assert!(said.contains("format:HF-1") && said.contains("file system ext4 labelled `photos`"), "{said}");
    host.changes(anew, &["--consent", "format:HF-1"]);
    assert!(host.sh("cat /var/lib/holdfast/evidence/partition-table/HF-1*").contains("label: gpt"));
    assert_eq!(host.sh("lsblk -nro NAME /dev/vdc").trim(), "vdc");
    host.survives(
        "- partition: {device: HF-1, number: 1, name: anew}\n- disk: {device: HF-2, state: blank}\n",
    );
}
