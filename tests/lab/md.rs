//! The life of md arrays on a real kernel: reshaped, replaced in, found again and ended, with a file system that is
//! written to meanwhile and loses nothing.

use crate::host::Host;

const DISKS: [(&str, &str); 6] = [
    ("HF-1", "200MiB"),
    ("HF-2", "200MiB"),
    ("HF-3", "200MiB"),
    ("HF-4", "200MiB"),
    ("HF-5", "200MiB"),
    ("HF-6", "300MiB"),
];

const FILES: &str = "/mnt/kept";

/// A file system on the array with a thousand files, and somebody who keeps writing.
fn fill(host: &Host) -> String {
    host.sh("mkfs.ext4 -q /dev/md/data && mount /dev/md/data /mnt");
    host.sh("systemd-run --quiet --unit=writer bash -c 'while date >> /mnt/log; do sleep 0.3; done'");
    host.fill(FILES, 1000)
}

/// Disks without a resync that waits for everybody else.
fn quick(host: &Host) {
    host.sh(
        "echo 200000 > /proc/sys/dev/raid/speed_limit_min; echo 2000000 > /proc/sys/dev/raid/speed_limit_max",
    );
}

fn task(level: &str, members: &str, more: &str) -> String {
    format!("- md_array: {{name: data, level: {level}, members: [{members}]{more}}}")
}

fn whole(host: &Host) {
    host.sh("mdadm --wait /dev/md/data || true");
}

/// Ends an array, with the consent that the refusal asks for.
fn end(host: &Host, name: &str) {
    let gone = format!("- md_array: {{name: {name}, state: absent}}");
    let said = host.refuses(&gone, &[]);
    let token = said.split("--consent ").nth(1).unwrap().split('`').next().unwrap();
    host.becomes(&gone, &["--consent", token]);
}

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn an_array_goes_from_raid1_to_raid6_and_back_with_its_files() {
    let host = Host::with(&DISKS);
    quick(&host);
    host.becomes(&task("raid1", "HF-1, HF-2", ""), &[]);
    whole(&host);
    let written = fill(&host);
    host.becomes(&task("raid5", "HF-1, HF-2, HF-3", ""), &[]);
    assert_eq!(host.read(FILES), written, "raid1 to raid5");
    let two = host.refuses(&task("raid5", "HF-4, HF-2, HF-3", ""), &[]);
    assert!(two.contains("replace: true"), "{two}");
    host.becomes(&task("raid5", "HF-4, HF-2, HF-3", ", replace: true"), &[]);
    assert_eq!(host.read(FILES), written, "replaced");
    assert_eq!(host.sh("wipefs -n /dev/disk/by-id/virtio-HF-1"), "");
    host.becomes(&task("raid6", "HF-4, HF-2, HF-3, HF-5", ""), &[]);
    assert_eq!(host.read(FILES), written, "raid5 to raid6");
    host.sh("systemctl stop writer; umount /mnt");
    let six = task("raid6", "HF-4, HF-2, HF-3, HF-5", "");
    host.survives(&six);
    quick(&host);
    host.sh("mount /dev/md/data /mnt");
    assert_eq!(host.read(FILES), written, "restarted");
    host.becomes(&task("raid5", "HF-4, HF-2, HF-3", ""), &[]);
    assert_eq!(host.read(FILES), written, "raid6 to raid5");
    assert_eq!(host.sh("wipefs -n /dev/disk/by-id/virtio-HF-5"), "");
    let used = host.refuses("- md_array: {name: data, state: absent}", &[]);
    assert!(used.contains("is in use: it is mounted at /mnt"), "{used}");
}

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn an_array_is_found_whatever_it_is_called_and_repaired_and_ended() {
    let host = Host::with(&DISKS);
    quick(&host);
    // As another host has left it: with another name, and nobody has registered it.
    host.sh("mdadm --create /dev/md/data --name=data --homehost=other --level=5 --raid-devices=3 --run --quiet \
             /dev/vdb /dev/vdc /dev/vdd 2>&1; mdadm --wait /dev/md/data; mdadm --stop /dev/md/data 2>&1; \
             mdadm --assemble --scan 2>&1; udevadm settle; ls /dev/md/other:data && mkfs.ext4 -q /dev/md/other:data");
    host.sh("mount /dev/md/other:data /mnt");
    let written = host.fill(FILES, 1000);
    let three = task("raid5", "HF-1, HF-2, HF-3", "");
    host.becomes(&three, &[]);
    assert_eq!(host.read(FILES), written);
    assert_eq!(host.sh("ls /dev/md"), "data\n");

    // Not assembled, and not registered: put together, not made anew.
    let lose = "umount /mnt; mdadm --stop /dev/md/data 2>&1; sed -i /^ARRAY/d /etc/mdadm/mdadm.conf";
    host.sh(lose);
    host.becomes(&three, &[]);
    host.sh("mount /dev/md/data /mnt");
    assert_eq!(host.read(FILES), written);

    // Without a member only when that is asked for; another one takes its place.
    host.sh("mdadm /dev/md/data --fail /dev/vdc 2>&1");
    let failed = host.refuses(&three, &[]);
    assert!(failed.contains("HF-2") && failed.contains("has failed in the array data"), "{failed}");
    host.sh(
        "umount /mnt; mdadm --stop /dev/md/data 2>&1; mdadm --zero-superblock /dev/vdc; wipefs -qa /dev/vdc",
    );
    let four = task("raid5", "HF-1, HF-4, HF-3", "");
    let missing = host.refuses(&four, &[]);
    assert!(missing.contains("1 of its 3 members are missing"), "{missing}");
    let degraded = task("raid5", "HF-1, HF-4, HF-3", ", degraded: true");
    host.becomes(&degraded, &[]);
    whole(&host);
    host.survives(&degraded);
    host.sh("mount /dev/md/data /mnt");
    assert_eq!(host.read(FILES), written);

    // The end: with consent to exactly this array, and nothing is left on any disk.
    host.sh("umount /mnt");
    end(&host, "data");
    assert_eq!(host.sh("cat /proc/mdstat | grep -c ^md || true"), "0\n");
    assert_eq!(host.sh("grep -c ^ARRAY /etc/mdadm/mdadm.conf || true"), "0\n");
    for disk in ["HF-1", "HF-3", "HF-4"] {
        assert_eq!(host.sh(&format!("wipefs -n /dev/disk/by-id/virtio-{disk}")), "", "{disk}");
    }
}

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn arrays_grow_wide_and_large_and_a_raid0_becomes_redundant() {
    let host = Host::with(&DISKS);
    quick(&host);
    host.becomes(&task("raid0", "HF-1, HF-2", ""), &[]);
    let written = fill(&host);
    host.becomes(&task("raid10", "HF-1, HF-2, HF-3, HF-4", ""), &[]);
    assert_eq!(host.read(FILES), written, "raid0 to raid10");
    host.becomes(&task("raid10", "HF-1, HF-2, HF-3, HF-4, HF-5", ", spares: [HF-6]"), &[]);
    assert_eq!(host.read(FILES), written, "raid10 of five");
    let five = host.refuses(&task("raid5", "HF-1, HF-2, HF-3, HF-4, HF-5", ""), &[]);
    assert!(five.contains("raid10 becomes raid0 of half its members first"), "{five}");
    let watched =
        "- scrub: {target: /dev/md/data, schedule: weekly}\n- md_monitor: {mail: ops@example.org}\n";
    host.becomes(watched, &[]);
    host.sh("systemctl start holdfast-scrub-dev-md-data.service && systemctl is-active holdfast-scrub-dev-md-data.timer");
    host.sh("grep -q ^MAILADDR.ops@example.org /etc/mdadm/mdadm.conf && systemctl is-active mdmonitor");
    host.becomes("- scrub: {target: /dev/md/data, state: absent}", &[]);
    let spared = task("raid10", "HF-1, HF-2, HF-3, HF-4, HF-5", ", spares: [HF-6]");
    host.sh("systemctl stop writer; umount /mnt");
    host.stays(&spared);
    end(&host, "data");

    // Flags and policies of new arrays, and the growth of an array that uses only a part of its members.
    host.becomes(&task("raid5", "HF-1, HF-2, HF-3", ", consistency_policy: ppl"), &[]);
    whole(&host);
    host.becomes(&task("raid5", "HF-1, HF-2, HF-3", ", consistency_policy: bitmap"), &[]);
    host.sh(
        "mdadm --create /dev/md/part --name=part --homehost=any --level=1 --raid-devices=2 --size=102400K \
             --run --quiet --bitmap=internal /dev/vde /dev/vdf 2>&1; mdadm --wait /dev/md/part || true",
    );
    host.becomes("- md_array: {name: part, level: 1, members: [HF-4, HF-5], size: max}", &[]);
    end(&host, "part");
    let flags = "- md_array: {name: slow, level: 1, members: [HF-4, HF-5], write_mostly: [HF-4], failfast: [HF-4, HF-5], \
                 spares: [HF-6]}";
    host.becomes(flags, &[]);
}
