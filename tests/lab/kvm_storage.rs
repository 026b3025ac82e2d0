//! The main job on a real machine: a dry run that writes nothing and tells the truth, the run, the run again, a restart,
//! the run once more; and what must be refused.

use std::path::Path;

use holdfast::lab::{Lab, LabFile, Vm};
use serde_json::Value;

use crate::told::{Told, holdfast};

const DISKS: [&str; 4] = ["HF-DISK-1", "HF-DISK-2", "HF-DISK-3", "HF-DISK-4"];

fn fingerprints(vm: &Vm) -> Vec<(u64, String)> {
    DISKS
        .iter()
        .map(|serial| (vm.disk_stats(serial).unwrap().bytes_written, vm.disk_sha256(serial).unwrap()))
        .collect()
}

fn blank_host(dir: &Path) -> Lab {
    let disks: String = DISKS.map(|serial| format!("{{serial: {serial}, size: 4GiB}}")).join(", ");
    let file = LabFile::parse(&format!("hosts: {{nas1: {{disks: [{disks}]}}}}")).unwrap();
    Lab::up(&file, &dir.join("lab"), &|_| {}).unwrap()
}

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn a_dry_run_on_a_blank_host_shows_the_whole_stack_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let lab = blank_host(home);
    let vm = lab.host("nas1").unwrap();
    root_is_asked_for(&lab, home);

    let before = fingerprints(vm);
    let dry = holdfast(&lab, home, &["run", "kvm-storage", "--check", "--detailed-exitcode"]).must(6);
    assert_eq!(fingerprints(vm), before, "the dry run wrote to a disk");
    let kinds: Vec<String> =
        dry.plans().iter().map(|plan| plan[0]["kind"].as_str().unwrap().to_owned()).collect();
    let first = |kind: &str| {
        kinds.iter().position(|one| one == kind).unwrap_or_else(|| panic!("no {kind}: {kinds:?}"))
    };
    let order =
        ["array", "volume group", "logical volume", "file system", "mount", "NFS export", "kernel setting"];
    assert!(order.map(first).is_sorted(), "{kinds:?}");
    assert!(first("packages") < first("array"), "{kinds:?}");

    // What must be refused is refused on the blank host too, with the numbers.
    let refused =
        |vars: &str| holdfast(&lab, home, &["run", "kvm-storage", "--check", "-e", vars]).must(5).refusals();
    let three = refused("{md_raid_members: [/dev/vdb, /dev/vdc, /dev/vdd]}");
    assert!(three.contains('4') && three.contains('3'), "{three}");
    let absent = refused("{md_raid_members: [/dev/vdb, /dev/vdc, /dev/vdd, /dev/vdz]}");
    assert!(absent.contains("/dev/vdz"), "{absent}");
    let large = refused("{lvm_volumes: [{name: images, size: 1TiB}]}");
    assert!(large.contains("vg_kvm") && large.contains("extents"), "{large}");
    vm.must(&["mkfs.ext4 -q -F -L keepsake /dev/vdc"]).unwrap();
    let occupied = fingerprints(vm);
    let keepsake = refused("{}");
    for word in ["HF-DISK-2", "keepsake", "ext4"] {
        assert!(keepsake.contains(word), "{keepsake}");
    }
    assert_eq!(fingerprints(vm)[1].1, occupied[1].1, "a refused disk was written to");
}

#[test]
#[ignore = "boots a virtual machine and installs packages on it; ./dev test runs it"]
fn kvm_storage_is_built_kept_and_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let lab = blank_host(home);
    let vm = lab.host("nas1").unwrap();

    // The run does what the dry run showed.
    let dry = holdfast(&lab, home, &["run", "kvm-storage", "--check"]).must(0);
    let run = holdfast(&lab, home, &["run", "kvm-storage"]).must(0);
    let (shown, done) = (dry.plans(), run.plans());
    for (shown, done) in shown.iter().zip(&done) {
        assert_eq!(shown, done, "the dry run showed something else");
    }
    assert_eq!(shown.len(), done.len());
    as_described(vm);

    let again = holdfast(&lab, home, &["run", "kvm-storage"]).must(0);
    assert_eq!(again.changed(), 0, "{:#?}", again.plans());

    // What a client writes is there after a restart, and nothing is left to change.
    vm.must(&["mkdir -p /mnt/c && mount -t nfs -o vers=4.2 127.0.0.1:/srv/export /mnt/c"]).unwrap();
    vm.must(&["chmod 1777 /srv/export; head -c 1000000 /dev/urandom > /mnt/c/data && sync && umount /mnt/c"])
        .unwrap();
    let written = vm.must(&["sha256sum /srv/export/data"]).unwrap();
    vm.reboot().unwrap();
    as_described(vm);
    let after = holdfast(&lab, home, &["run", "kvm-storage", "--check"]).must(0);
    assert_eq!(after.plans(), Vec::<Value>::new());
    let after = holdfast(&lab, home, &["run", "kvm-storage"]).must(0);
    assert_eq!(after.changed(), 0, "{:#?}", after.plans());
    vm.must(&["mount -t nfs -o vers=4.2 127.0.0.1:/srv/export /mnt/c"]).unwrap();
    assert_eq!(vm.must(&["sha256sum /mnt/c/data"]).unwrap().split(' ').next(), written.split(' ').next());
}

/// sudo that wants a password gets the right one, or a clear failure; never a hang.
fn root_is_asked_for(lab: &Lab, home: &Path) {
    let whoami = |more: &[&str]| {
        let args = ["exec", "all", "-m", "command", "-a", "id -un", "-e", "ansible_user=operator", "-b"];
        holdfast(lab, home, &[&args, more].concat())
    };
    let said = |told: &Told| told.events.iter().map(Value::to_string).collect::<String>();
    let without = whoami(&[]).must(3);
    assert!(said(&without).contains("sudo wants a password"), "{}", said(&without));
    let wrong = whoami(&["-e", "ansible_become_password=mistaken"]).must(3);
    assert!(said(&wrong).contains("did not accept the password"), "{}", said(&wrong));
    let right = whoami(&["-e", "ansible_become_password=operator"]).must(0);
    assert!(said(&right).contains("root"), "{}", said(&right));
}

/// The tools of the host say what the playbook says.
fn as_described(vm: &Vm) {
    let says = |command: &str, words: &[&str]| {
        let said = vm.must(&[command]).unwrap();
        for word in words {
            assert!(said.contains(word), "`{command}` does not say {word}:\n{said}");
        }
    };
    says(
        "cat /proc/mdstat; readlink -f /dev/md/kvm; mdadm --detail /dev/md/kvm",
        &["raid10", "[4/4] [UUUU]", "512K"],
    );
    says("vgs --noheadings -o vg_name,pv_count,lv_count", &["vg_kvm", "1", "2"]);
    says("findmnt -n -o SOURCE,FSTYPE,OPTIONS /var/lib/libvirt/images", &["vg_kvm-images", "xfs", "noatime"]);
    says("findmnt -n -o SOURCE,FSTYPE /srv/export", &["vg_kvm-export", "ext4"]);
    says("findmnt --verify 2>&1", &["no errors"]);
    says("exportfs -v", &["/srv/export", "127.0.0.0/8", "root_squash"]);
    says("sysctl vm.dirty_bytes vm.swappiness fs.aio-max-nr", &["1073741824", "= 10", "1048576"]);
}
