//! Ten thousand files, and what a storage host goes through below them in its life: the key is exchanged, a disk is
//! exchanged, the level changes, everything grows, a disk fails, the group moves, a volume is made smaller. While it can
//! be done with the files in use, somebody writes to both file systems.

use crate::host::Host;

const DISKS: [(&str, &str); 5] =
    [("HF-1", "560MiB"), ("HF-2", "560MiB"), ("HF-3", "560MiB"), ("HF-4", "560MiB"), ("HF-5", "1200MiB")];

/// The stack as it is described at one time of its life.
#[derive(Clone, Copy)]
struct Life {
    array: &'static str,
    keys: &'static str,
    devices: &'static str,
    /// Of the ext4 and of the xfs.
    sizes: [&'static str; 2],
}

impl Life {
    fn tasks(self) -> String {
        let Self { array, keys, devices, sizes: [files, images] } = self;
        format!(
            "
- md_array: {{name: data, {array}}}
- luks: {{device: /dev/md/data, name: box, state: opened, pbkdf: {{algorithm: pbkdf2, iteration_count: 1000}}, {keys}}}
- lvg: {{vg: vg, pvs: {devices}, pvresize: true, remove_extra_pvs: true}}
- lvol: {{vg: vg, lv: files, size: {files}, resizefs: true}}
- lvol: {{vg: vg, lv: images, size: {images}, resizefs: true}}
- filesystem: {{dev: /dev/vg/files, fstype: ext4}}
- filesystem: {{dev: /dev/vg/images, fstype: xfs}}
- mount: {{src: /dev/vg/files, path: /srv/files, fstype: ext4, state: mounted}}
- mount: {{src: /dev/vg/images, path: /srv/images, fstype: xfs, state: mounted}}
"
        )
    }
}

const BEGIN: Life = Life {
    array: "level: raid1, members: [HF-1, HF-2]",
    keys: "keyfile: /etc/keys/one",
    devices: "/dev/mapper/box",
    sizes: ["200m", "300m"],
};

/// Lines that say by themselves whether they are whole, written and synced as fast as the disk takes them.
const WRITE: &str = "systemd-run --quiet --unit=writer bash -c \
    'while :; do for fs in files images; do n=$RANDOM; echo $n $n >> /srv/$fs/log; done; sync -d /srv/*/log; done'";

/// What is in the files, and the lines of the logs that are not whole; the last one may be on its way.
fn read(host: &Host) -> [String; 3] {
    let broken = host.sh("for fs in files images; do awk '$1 != $2' /srv/$fs/log | head -n -1; done");
    [host.read("/srv/files/kept"), host.read("/srv/images/kept"), broken]
}

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn ten_thousand_files_keep_every_byte_whatever_is_done_below_them() {
    let host = Host::with(&DISKS);
    host.sh("mkdir -m 0700 /etc/keys; umask 077; for k in one two; do head -c 64 /dev/urandom > /etc/keys/$k; done; \
             cd /proc/sys/dev/raid; echo 200000 > speed_limit_min; echo 2000000 > speed_limit_max");
    host.becomes(&BEGIN.tasks(), &[]);
    let written = [host.fill("/srv/files/kept", 5000), host.fill("/srv/images/kept", 5000), String::new()];
    host.sh(WRITE);
    let becomes = |what: &str, life: Life| {
        host.sh("mdadm --wait /dev/md/data || true");
        host.becomes(&life.tasks(), &[]);
        assert_eq!(read(&host), written, "{what}");
    };

    let rotated = "keyfile: /etc/keys/two, remove_keyfile: /etc/keys/one";
    let life = Life { keys: "keyfile: /etc/keys/one, new_keyfile: /etc/keys/two", ..BEGIN };
    becomes("a key more", life);
    let life = Life { keys: rotated, ..life };
    becomes("the old key gone", life);
    let life = Life { array: "level: raid1, members: [HF-3, HF-2], replace: true", ..life };
    becomes("a member exchanged", life);
    let life = Life { array: "level: raid5, members: [HF-3, HF-2, HF-1]", ..life };
    becomes("raid1 to raid5", life);
    let life = Life { sizes: ["400m", "600m"], ..life };
    becomes("grown to the top", life);
    host.sh("mdadm /dev/md/data --fail $(readlink -f /dev/disk/by-id/virtio-HF-2)");
    let life = Life { array: "level: raid5, members: [HF-3, HF-4, HF-1]", ..life };
    becomes("a disk that failed replaced", life);
    let life = Life { devices: "HF-5", ..life };
    becomes("moved to another disk", life);

    let log = host.sh("systemctl stop writer; cat /srv/*/log | wc -l");
    assert!(log.trim().parse::<u64>().unwrap() > 100, "nobody wrote meanwhile: {log}");
    let life = Life { sizes: ["160m, force: true, allow_offline: true", "600m"], ..life };
    becomes("the ext4 made smaller", life);
    host.survives(&life.tasks());
    assert_eq!(read(&host), written, "restarted");
}
