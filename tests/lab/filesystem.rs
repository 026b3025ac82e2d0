//! Every kind of file system: made, named, filled, grown, kept over a restart, and refused what would lose bytes.

use crate::host::Host;

/// A volume and a file system of each kind that keeps files, and a swap area.
const KINDS: &str = "
- lvg: {vg: vg, pvs: [HF-1, HF-2]}
- lvol: {vg: vg, lv: x, size: 320m}
- lvol: {vg: vg, lv: e4, size: 200m}
- lvol: {vg: vg, lv: e3, size: 32m}
- lvol: {vg: vg, lv: e2, size: 32m}
- lvol: {vg: vg, lv: b, size: 300m}
- lvol: {vg: vg, lv: v, size: 40m}
- lvol: {vg: vg, lv: s, size: 40m}
- lvol: {vg: vg, lv: f, size: 64m}
- filesystem: {dev: /dev/vg/x, fstype: xfs, label: one, xfs: {reflink: false, bigtime: true, inode_size: 1024}}
- filesystem: {dev: /dev/vg/e4, fstype: ext4, label: one, ext: {reserved: 1, errors: remount-ro, check_interval: 30d}}
- filesystem: {dev: /dev/vg/e3, fstype: ext3, label: one, uuid: 33333333-0000-0000-0000-000000000001}
- filesystem: {dev: /dev/vg/e2, fstype: ext2, label: one}
- filesystem: {dev: /dev/vg/b, fstype: btrfs, label: one, uuid: 33333333-0000-0000-0000-000000000002}
- filesystem: {dev: /dev/vg/v, fstype: vfat, label: ONE, uuid: AAAA-0001}
- filesystem: {dev: /dev/vg/s, fstype: swap, label: one}
- filesystem: {dev: /dev/vg/f, fstype: f2fs, label: one, uuid: 33333333-0000-0000-0000-000000000003}
- filesystem: {dev: HF-3, fstype: vfat, label: WHOLE}
";

/// The same, each with another name, and where it can be, another UUID.
const RENAMED: &str = "
- filesystem: {dev: /dev/vg/x, fstype: xfs, label: two, uuid: 33333333-0000-0000-0000-000000000010}
- filesystem: {dev: /dev/vg/e4, fstype: ext4, label: two, uuid: 33333333-0000-0000-0000-000000000011}
- filesystem: {dev: /dev/vg/e3, fstype: ext3, label: '', ext: {reserved: 0, max_mounts: 9}}
- filesystem: {dev: /dev/vg/e2, fstype: ext2, uuid: 33333333-0000-0000-0000-000000000012}
- filesystem: {dev: /dev/vg/b, fstype: btrfs, label: two, uuid: 33333333-0000-0000-0000-000000000013}
- filesystem: {dev: /dev/vg/v, fstype: vfat, label: '', uuid: BBBB-0001}
- filesystem: {dev: /dev/vg/s, fstype: swap, label: two, uuid: 33333333-0000-0000-0000-000000000014}
- filesystem: {dev: /dev/vg/f, fstype: f2fs, label: two}
";

const MOUNTED: &str = "
- mount: {src: /dev/vg/x, path: /srv/x, fstype: xfs, state: mounted}
- mount: {src: /dev/vg/e4, path: /srv/e4, fstype: ext4, opts: noatime, state: mounted}
- mount: {src: /dev/vg/b, path: /srv/b, fstype: btrfs, state: mounted}
";

/// All grown: some while mounted, some while not. Swap keeps its name.
const GROWN: &str = "
- lvol: {vg: vg, lv: x, size: 400m, resizefs: true}
- lvol: {vg: vg, lv: e4, size: 300m, resizefs: true}
- lvol: {vg: vg, lv: e3, size: 64m, resizefs: true}
- lvol: {vg: vg, lv: e2, size: 64m}
- lvol: {vg: vg, lv: b, size: 400m, resizefs: true}
- lvol: {vg: vg, lv: s, size: 80m, resizefs: true}
- lvol: {vg: vg, lv: f, size: 128m, resizefs: true}
- filesystem: {dev: /dev/vg/e2, fstype: ext2, resizefs: true}
";

const SMALLER: &str = "
- filesystem: {dev: /dev/vg/e4, fstype: ext4, size: 160m, allow_offline: true}
- filesystem: {dev: /dev/vg/b, fstype: btrfs, size: 300m}
";

const HASHES: &str = "cd /srv && sha256sum $(find x e4 b -type f | sort) | sha256sum";

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn every_kind_is_made_named_grown_and_made_smaller_with_its_files() {
    let host = Host::with(&[("HF-1", "1GiB"), ("HF-2", "1GiB"), ("HF-3", "64MiB")]);
    host.becomes(KINDS, &[]);
    assert_eq!(
        host.sh("blockdev --rereadpt /dev/vdd; lsblk -no TYPE /dev/vdd"),
        "disk\n",
        "a table was made up"
    );
    let tuned = "dumpe2fs -h /dev/vg/e4 2>/dev/null | grep -e ^Errors -e '^Check interval' -e '^Reserved block count'";
    assert_eq!(
        host.sh(&format!(
            "{tuned} | tr -s ' '; xfs_db -rc info /dev/vg/x | grep -o -e isize=1024 -e reflink=0"
        )),
        "Errors behavior: Remount read-only\nReserved block count: 512\nCheck interval: 2592000 (1 month)\nisize=1024\nreflink=0\n"
    );
    host.becomes(RENAMED, &[]);
    host.becomes(MOUNTED, &[]);
    host.sh("cd /srv; for at in x e4 b; do for n in $(seq 350); do head -c $((n * 100)) /dev/urandom > $at/$n; done; \
         done; sync; swapon /dev/vg/s");
    let hashes = host.sh(HASHES);

    let in_use = host.refuses("- filesystem: {dev: /dev/vg/s, fstype: swap, label: three}", &[]);
    assert!(in_use.contains("cannot be changed while it is swapped to"), "{in_use}");
    let in_use = host.refuses(
        "- filesystem: {dev: /dev/vg/s, fstype: xfs, force: true}",
        &["--consent", "format:33333333-0000-0000-0000-000000000014"],
    );
    assert!(in_use.contains("/dev/vg/s is in use: it is swapped to"), "{in_use}");
    host.sh("swapoff /dev/vg/s");

    host.becomes(GROWN, &[]);
    let sizes = "cd /srv; stat -f -c '%b %S' x e4 b | while read b s; do echo $((b * s >> 20)); done; \
                 blkid -po export /dev/vg/s | grep -e ^LABEL -e ^UUID; swapon -s >/dev/null";
    let said = host.sh(sizes);
    let numbers: Vec<u64> = said.lines().take(3).map(|line| line.parse().unwrap()).collect();
    assert!(numbers[0] > 320 && numbers[1] > 250 && numbers[2] > 390, "{said}");
    assert!(said.ends_with("LABEL=two\nUUID=33333333-0000-0000-0000-000000000014\n"), "{said}");

    host.becomes(SMALLER, &[]);
    assert_eq!(host.sh(HASHES), hashes);
    let never = host.refuses("- filesystem: {dev: /dev/vg/x, fstype: xfs, size: 310m}", &[]);
    assert!(never.contains("no xfs can") && never.contains("xfsdump"), "{never}");
    let full =
        host.refuses("- filesystem: {dev: /dev/vg/e4, fstype: ext4, size: 8m, allow_offline: true}", &[]);
    assert!(full.contains("cannot be made as small as 8 MiB"), "{full}");
    let mounted = host.refuses("- filesystem: {dev: /dev/vg/e4, fstype: ext4, size: 100m}", &[]);
    assert!(mounted.contains("allow_offline: true"), "{mounted}");

    let all = [RENAMED, MOUNTED, SMALLER].concat();
    host.survives(&all);
    assert_eq!(host.sh(HASHES), hashes);

    let kept = host.refuses("- filesystem: {dev: /dev/vg/e2, fstype: ext4, force: true}", &[]);
    assert!(kept.contains("format:33333333-0000-0000-0000-000000000012"), "{kept}");
    let gone = "- filesystem: {dev: /dev/vg/f, state: absent}\n- filesystem: {dev: /dev/vg/s, state: absent}";
    host.becomes(
        gone,
        &[
            "--consent",
            "format:33333333-0000-0000-0000-000000000003",
            "--consent",
            "format:33333333-0000-0000-0000-000000000014",
        ],
    );
}

/// An XFS that counts, and two limits on it.
const LIMITED: &str = "
- filesystem: {dev: HF-1, fstype: xfs}
- mount: {src: HF-1, path: /srv/q, fstype: xfs, opts: 'usrquota,prjquota', state: mounted}
- file: {path: /srv/q/photos, state: directory, mode: '0777'}
- xfs_quota: {type: project, name: photos, id: 42, path: /srv/q/photos, mountpoint: /srv/q, bhard: 20m, ihard: 100}
- xfs_quota: {type: user, name: nobody, mountpoint: /srv/q, isoft: 5}
";

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn projects_and_users_are_limited_on_an_xfs() {
    let host = Host::with(&[("HF-1", "400MiB")]);
    host.becomes(LIMITED, &[]);
    let full = host.sh("head -c 30M /dev/zero > /srv/q/photos/big 2>/dev/null; stat -c %s /srv/q/photos/big");
    assert!(full.trim().parse::<u64>().unwrap() <= 20 << 20, "{full}");
    let raised = LIMITED.replace("bhard: 20m", "bhard: 40m, bsoft: 35m");
    host.becomes(&raised, &[]);
    host.sh("head -c 30M /dev/zero > /srv/q/photos/big");
    host.survives(&raised);
    let taken =
        "- xfs_quota: {type: project, name: other, id: 42, path: /srv/q/o, mountpoint: /srv/q, bhard: 1m}";
    let taken = host.refuses(taken, &[]);
    assert!(taken.contains("belongs to the project photos"), "{taken}");
    let group = "- xfs_quota: {type: group, name: root, mountpoint: /srv/q, bhard: 1m}";
    let uncounted = host.refuses(group, &[]);
    assert!(uncounted.contains("without limits of groups"), "{uncounted}");
    host.becomes(
        "- xfs_quota: {type: project, name: photos, path: /srv/q/photos, mountpoint: /srv/q, state: absent}\n\
         - xfs_quota: {type: user, name: nobody, mountpoint: /srv/q, state: absent}",
        &[],
    );
    assert_eq!(host.sh("cat /etc/projid /etc/projects; lsattr -pd /srv/q/photos | awk '{print $1}'"), "0\n");
}
