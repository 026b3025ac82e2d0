//! Volumes of every kind that can get smaller, with what is on them: the file system first, under writes where it can.

use crate::host::Host;
use crate::lvm::extents;

const STACK: &str = "
- lvg: {vg: vg, pvs: [HF-1, HF-2, HF-3]}
- lvol: {vg: vg, lv: btrfs, size: 600m, pvs: HF-1}
- lvol: {vg: vg, lv: swap, size: 64m, pvs: HF-1}
- lvol: {vg: vg, lv: mirror, type: raid1, size: 240m}
- lvol: {vg: vg, lv: parity, type: raid5, size: 240m}
- lvol: {vg: vg, lv: striped, type: striped, stripes: 3, size: 240m}
- filesystem: {dev: /dev/vg/btrfs, fstype: btrfs}
- filesystem: {dev: /dev/vg/swap, fstype: swap}
- filesystem: {dev: '/dev/vg/{{ item }}', fstype: ext4}
  loop: [mirror, parity, striped]
- mount: {src: '/dev/vg/{{ item }}', path: '/srv/{{ item }}', fstype: \"{{ 'btrfs' if item == 'btrfs' else 'ext4' }}\", state: mounted}
  loop: [btrfs, mirror, parity, striped]
";

const VOLUMES: [&str; 4] = ["btrfs", "mirror", "parity", "striped"];

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn volumes_get_smaller_with_what_is_on_them() {
    let host = Host::with(&[("HF-1", "1536MiB"), ("HF-2", "512MiB"), ("HF-3", "512MiB")]);
    host.becomes(STACK, &[]);
    let folder = |volume: &str| format!("/srv/{volume}/files");
    let written = VOLUMES.map(|volume| host.fill(&folder(volume), 2500));
    host.sh("lvchange --syncaction check vg/mirror vg/parity; udevadm settle");
    host.write_to("/srv/btrfs");

    let smaller = |btrfs: &str, others: &str| {
        STACK
            .replace("size: 600m", &format!("size: {btrfs}, resizefs: true, force: true"))
            .replace("size: 64m", "size: 48m, resizefs: true, force: true")
            .replace("size: 240m", &format!("size: {others}, resizefs: true, force: true"))
    };
    let refused = host.refuses(&smaller("32m", "120m"), &[]);
    assert!(refused.contains("the btrfs on /dev/vg/btrfs cannot be made as small as 32 MiB"), "{refused}");
    let refused = host.refuses(&smaller("400m", "120m"), &[]);
    assert!(refused.contains("`allow_offline: true`"), "{refused}");
    let smaller = smaller("400m", "120m, allow_offline: true");
    host.becomes(&smaller, &[]);
    host.was_written_to("/srv/btrfs");
    // 100 and 12 extents; two images of 30, three of 15 and three stripes of 10, each image with 1 of its own.
    assert_eq!(extents(&host), "637 385");
    let read = || VOLUMES.map(|volume| host.read(&folder(volume)));
    assert_eq!(read(), written);
    host.survives(&smaller);
    assert_eq!(read(), written);
    host.sh("for v in mirror parity striped; do umount /srv/$v && e2fsck -fn /dev/vg/$v; done; btrfs scrub start -B /srv/btrfs && swapon /dev/vg/swap && swapoff /dev/vg/swap");
}
