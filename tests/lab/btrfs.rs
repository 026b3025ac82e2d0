//! A btrfs through its life: made on two disks, with subvolumes, limits and snapshots; grown, converted, a disk
//! replaced and one taken out, restarted, and ended. The files stay what they are throughout.

use crate::host::Host;

const POOL: &str = "
- btrfs: {label: pool, devices: [HF-1, HF-2], data: raid1, metadata: raid1, quota: true}
";

const INSIDE: &str = "
- btrfs_subvolume: {filesystem_label: pool, name: /@data, automount: true, limit: 1GiB, compression: zstd, default: true}
- btrfs_subvolume: {filesystem_label: pool, name: /vm/images, automount: true, recursive: true, nodatacow: true}
- mount: {path: /srv/data, src: LABEL=pool, fstype: btrfs, opts: 'noatime,subvol=@data', state: mounted}
- btrfs_subvolume: {filesystem_label: pool, name: /snap, snapshot_source: /@data, readonly: true}
";

const FILES: &str = "/srv/data/files";

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn a_btrfs_changes_under_its_files_and_keeps_them() {
    let host = Host::with(&[("HF-1", "3GiB"), ("HF-2", "3GiB"), ("HF-3", "3GiB"), ("HF-4", "3GiB")]);
    let made = format!("{POOL}{INSIDE}");
    host.becomes(&made, &[]);
    let written = host.fill(FILES, 2000);
    let uuid = host.sh("blkid -p -s UUID -o value /dev/vdb").trim().to_owned();

    // The kernel names the first device only; the second is as much in use.
    for (task, token) in [
        ("- filesystem: {dev: HF-2, fstype: ext4, force: true}", "format:HF-2"),
        ("- md_array: {name: a, level: 1, members: [HF-2, HF-3]}", "format:HF-2"),
    ] {
        let why = host.refuses(task, &["--consent", token]);
        assert!(why.contains("/dev/vdc is in use") && why.contains("/srv/data"), "{why}");
    }
    let why = host.refuses("- btrfs_subvolume: {name: /@data, state: absent}", &[]);
    assert!(why.contains("is in use: it is mounted at /srv/data"), "{why}");

    let grown = made.replace("[HF-1, HF-2]", "[HF-1, HF-2, HF-3]").replace("raid1,", "raid1c3,");
    host.becomes(&grown, &[]);
    assert_eq!(host.read(FILES), written);
    let replaced = grown.replace("[HF-1, HF-2, HF-3]", "[HF-4, HF-2, HF-3], remove_extra_devices: true");
    host.becomes(&replaced, &[]);
    assert_eq!(host.read(FILES), written);
    // The disk that was replaced is free, and the one that took its place is not.
    host.run("- filesystem: {dev: HF-1, fstype: ext4}", &["--check"]).must(0);
    let why =
        host.refuses("- filesystem: {dev: HF-4, fstype: ext4, force: true}", &["--consent", "format:HF-4"]);
    assert!(why.contains("/dev/vde is in use"), "{why}");

    let smaller = made.replace("[HF-1, HF-2]", "[HF-4, HF-2], remove_extra_devices: true");
    host.becomes(&smaller, &[]);
    assert_eq!(host.read(FILES), written);
    host.survives(&smaller);
    assert_eq!(host.read(FILES), written);
    assert!(host.sh("btrfs filesystem show --raw").contains("Total devices 2"));
    assert_eq!(host.sh("ls -A /run/holdfast/private").trim(), "");

    let kept = "- scrub: {target: /srv/data, schedule: \"Sun *-*-1..7 02:30\"}\n- btrfs_balance: {path: /srv/data}\n";
    host.becomes(kept, &[]);
    host.sh("systemctl start holdfast-scrub-srv-data.service holdfast-balance-srv-data.service");
    assert!(host.sh("btrfs scrub status /srv/data").contains("no errors found"));
    host.sh("systemctl is-active holdfast-scrub-srv-data.timer holdfast-balance-srv-data.timer");
    host.becomes(&kept.replace('}', ", state: absent}"), &[]);

    // The end: a snapshot, and then everything, each with consent to exactly that.
    let gone = "- btrfs_subvolume: {name: /snap, state: absent}";
    let why = host.refuses(gone, &["--consent", "remove:snap"]);
    assert!(why.contains(&format!("remove:{uuid}:snap")), "{why}");
    host.becomes(gone, &["--consent", &format!("remove:{uuid}:snap")]);
    let absent = "- btrfs: {label: pool, state: absent}";
    assert!(host.refuses(absent, &[]).contains("is in use"));
    let end = format!("- mount: {{path: /srv/data, state: absent}}\n{absent}");
    host.becomes(&end, &["--consent", &format!("remove:{uuid}")]);
    assert_eq!(host.sh("btrfs filesystem show").trim(), "");
}
