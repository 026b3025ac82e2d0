//! What every VM suite relies on: a machine that is blank, cut off, really restarts, and tells what reached its disks.
//! The tests boot virtual machines, so plain `cargo test` leaves them out; `./dev test` runs them.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on fails, and a lab says what it is doing"
)]

mod btrfs;
mod cost;
mod data;
mod filesystem;
mod graph;
mod host;
mod kill;
mod kvm_storage;
mod layers;
mod luks;
mod lvm;
mod md;
mod mounts;
mod partition;
mod shrink;
mod signatures;
mod storage_role;
mod teardown;
mod told;
mod zfs;

use std::path::Path;

use holdfast::lab::{Lab, LabFile};

fn up(labfile: &str) -> (tempfile::TempDir, Lab) {
    let dir = tempfile::tempdir().unwrap();
    let lab =
        Lab::up(&LabFile::parse(labfile).unwrap(), &dir.path().join("lab"), &|said| eprintln!("{said}"));
    (dir, lab.unwrap())
}

fn running(lab: &Path) -> bool {
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(&format!("guest=holdfast-lab:{}", lab.display()))
    })
}

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn a_machine_starts_blank_keeps_its_disks_over_restarts_and_ends_with_its_lab() {
    let (_dir, lab) = up("hosts: {nas1: {disks: [{serial: HF-A, size: 1GiB}, {serial: HF-B, size: 1GiB}]}}");
    let vm = lab.host("nas1").unwrap();

    let tools = vm.must(&["hostname; command -v mdadm lvm mkfs.xfs exportfs; true"]).unwrap();
    assert_eq!(tools, "nas1\n", "a blank host has no storage packages");
    let clock: u64 = vm.must(&["date +%s"]).unwrap().trim().parse().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff(clock) < 10, "the guest's clock is {clock}, here it is {now}");
    assert!(!vm.ssh(&["ping -c1 -W1 10.0.2.2 || </dev/tcp/10.0.2.2/22"]).unwrap().status.success());

    // Both users of the privilege tests.
    let whoami = |user: &str, command: &str| vm.door().run(user, &[command], b"").unwrap();
    assert_eq!(whoami("holdfast", "sudo -n id -u").stdout, b"0\n");
    assert!(!whoami("operator", "sudo -n id -u").status.success());
    assert_eq!(whoami("operator", "echo operator | sudo -S id -u").stdout, b"0\n");

    // What reaches a disk is seen, and only there.
    let blank = vm.disk_sha256("HF-B").unwrap();
    assert_eq!(vm.disk_stats("HF-A").unwrap().bytes_written, 0);
    vm.must(&["echo label | dd of=/dev/disk/by-id/virtio-HF-A bs=512 count=1 conv=sync oflag=direct"])
        .unwrap();
    assert_eq!(vm.disk_stats("HF-A").unwrap().bytes_written, 512);
    assert_eq!(vm.disk_stats("HF-B").unwrap().bytes_written, 0);
    let labelled = vm.disk_sha256("HF-A").unwrap();
    assert_ne!(labelled, blank);

    // Packages install with no network.
    vm.must(&["apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q xfsprogs"]).unwrap();

    vm.must(&["echo kept > /root/kept"]).unwrap();
    vm.reboot().unwrap();
    assert_eq!(
        vm.must(&["hostname; cat /root/kept; head -c5 /dev/disk/by-id/virtio-HF-A"]).unwrap(),
        "nas1\nkept\nlabel"
    );
    assert_eq!(vm.disk_sha256("HF-A").unwrap(), labelled);

    vm.pull_disk("HF-B").unwrap();
    assert_eq!(vm.must(&["ls /dev/disk/by-id"]).unwrap(), "virtio-HF-A\nvirtio-root\nvirtio-root-part1\n");

    vm.must(&["sync"]).unwrap();
    vm.power_off_hard().unwrap();
    assert!(!vm.is_running());
    vm.power_on().unwrap();
    assert_eq!(
        vm.must(&["cat /root/kept; ls /dev/disk/by-id/virtio-HF-B"]).unwrap(),
        "kept\n/dev/disk/by-id/virtio-HF-B\n"
    );

    let dir = lab.dir().to_owned();
    assert!(running(&dir));
    drop(lab);
    assert!(!running(&dir) && !dir.exists());
}

#[test]
#[ignore = "boots virtual machines; ./dev test runs it"]
fn machines_of_one_lab_reach_each_other_by_name_and_differ() {
    let (_dir, lab) = up("hosts: {nas1: {}, client: {groups: [clients], vars: {share: /srv}}}");
    let (nas, client) = (lab.host("nas1").unwrap(), lab.host("client").unwrap());
    client.must(&["timeout 20 bash -c 'read line </dev/tcp/nas1/22; [[ $line = SSH-* ]]'"]).unwrap();
    nas.must(&["timeout 20 bash -c 'read line </dev/tcp/client/22; [[ $line = SSH-* ]]'"]).unwrap();
    let uuid = ["cat /proc/sys/kernel/random/uuid"];
    assert_ne!(nas.must(&uuid).unwrap(), client.must(&uuid).unwrap(), "twins draw the same random numbers");
    let inventory = std::fs::read_to_string(lab.inventory()).unwrap();
    assert!(inventory.contains("share: /srv") && inventory.contains("clients:"), "{inventory}");
}
