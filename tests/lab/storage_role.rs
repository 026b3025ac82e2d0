//! The variables of linux-system-roles.storage: a pool with two volumes, an array and a disk, for their whole life.

use crate::host::Host;

/// Nearly the example of that role's README.
fn role(shared: &str, more: &str) -> String {
    format!(
        "
- include_role: {{name: linux-system-roles.storage}}
  vars:
    storage_pools:
      - name: app
        disks: [vdb, vdc]
        volumes:
          - {{name: shared, size: {shared}, mount_point: /mnt/app/shared, mount_user: nobody, mount_mode: '0750'}}
          - {{name: users, size: 25%, fs_type: ext4, mount_point: /mnt/app/users, state: present}}
    storage_volumes:
      - {{name: images, type: disk, disks: [vdd], fs_type: ext4, mount_point: /opt/images, fs_label: images}}
      - {{name: pair, type: raid, raid_level: raid1, disks: [vde, vdf], fs_type: ext4, mount_point: /opt/pair}}
{more}"
    )
}

const GONE: &str = "
- include_role: {name: fedora.linux_system_roles.storage}
  vars:
    storage_safe_mode: false
    storage_pools:
      - name: app
        state: absent
        disks: [vdb, vdc]
        volumes: [{name: shared}, {name: users}]
    storage_volumes:
      - {name: images, type: disk, disks: [vdd], state: absent}
      - {name: pair, type: raid, disks: [vde, vdf], state: absent}
";

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn the_example_of_the_role_is_made_grows_stays_and_goes() {
    let host = Host::with(&[
        ("HF-1", "512MiB"),
        ("HF-2", "512MiB"),
        ("HF-3", "128MiB"),
        ("HF-4", "128MiB"),
        ("HF-5", "128MiB"),
    ]);
    // Somebody's file system on the disk of a volume, and on one of the pool.
    host.sh("mkfs.ext2 -q -L photos /dev/vdd; mkfs.ext2 -q /dev/vdc; udevadm settle");
    let said = host.refuses(&role("400 MiB", ""), &[]);
    for part in ["format:HF-2", "format:HF-3", "labelled `photos`", "2 objects would be destroyed"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    host.becomes(&role("400 MiB", "    storage_safe_mode: false\n"), &[]);
    host.stays(&role("400 MiB", ""));
    host.sh("cp -a /usr/bin/a* /mnt/app/shared/; sync");
    let files = "cd /mnt/app/shared && sha256sum * | sha256sum; stat -c '%U %a' /mnt/app/shared";
    let written = host.sh(files);
    assert!(written.ends_with("nobody 750\n"), "{written}");
    host.survives(&role("400 MiB", ""));
    host.becomes(&role("600 MiB", ""), &[]);
    host.survives(&role("600 MiB", ""));
    assert_eq!(host.sh(files), written);
    let smaller = host.refuses(&role("400 MiB", ""), &[]);
    assert!(smaller.contains("is not made smaller"), "{smaller}");

    host.becomes(GONE, &[]);
    host.survives(GONE);
    let left = host
        .sh("for disk in b c d e f; do blkid -p /dev/vd$disk; done; grep -e app -e opt /etc/fstab; \
                        grep ^ARRAY /etc/mdadm/mdadm.conf; lsblk -n -l -o NAME /dev/vd[b-f]");
    assert_eq!(left, "vdb\nvdc\nvdd\nvde\nvdf\n");
}

/// Everything below and beside a pool that the role has words for.
fn layers(state: &str) -> String {
    format!(
        "
- include_role: {{name: storage}}
  vars:
    storage_safe_mode: false
    storage_use_partitions: true
    storage_pools:
      - name: deep
        state: {state}
        disks: [/dev/disk/by-id/virtio-HF-1, HF-2, vdd]
        raid_level: raid1
        raid_spare_count: 1
        encryption: true
        encryption_key: /etc/keys/one
        volumes:
          - {{name: swap, size: 64 MiB, fs_type: swap}}
          - {{name: thin, thin: true, thin_pool_name: pool, thin_pool_size: 100 MiB, size: 500 MiB, mount_point: /mnt/thin}}
"
    )
}

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn a_pool_on_an_encrypted_array_of_partitions_comes_and_goes() {
    let host = Host::with(&[("HF-1", "256MiB"), ("HF-2", "256MiB"), ("HF-3", "256MiB")]);
    host.sh("mkdir -m 0700 /etc/keys; umask 077; head -c 64 /dev/urandom > /etc/keys/one");
    host.becomes(&layers("present"), &[]);
    let there = host.sh("swapon --show=NAME --noheadings | xargs readlink -f | xargs lsblk -n -o NAME; \
                         findmnt -n -o SOURCE /mnt/thin; lsblk -n -s -l -o TYPE /dev/deep/thin | sort -u | xargs");
    assert!(there.contains("deep-swap\n/dev/mapper/deep-thin\ncrypt disk lvm part raid1"), "{there}");
    host.survives(&layers("present"));
    let said = host.refuses(&layers("absent").replace("name: thin, ", "name: other, "), &[]);
    assert!(said.contains("logical volume deep/thin"), "{said}");
    host.becomes(&layers("absent"), &[]);
    host.stays(&layers("absent"));
    assert_eq!(
        host.sh("lsblk -n -l -o NAME /dev/vd[bcd]; cat /etc/crypttab | grep deep; true"),
        "vdb\nvdc\nvdd\n"
    );
}
