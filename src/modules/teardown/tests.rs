//! Stacks that were planned and foreseen, taken away again: from below, by an object in them, and not at all.

use serde_json::{Value, json};

use crate::exec::Kind;
use crate::machine::Machine;
use crate::machine::block::Content;
use crate::machine::files::FileState;
use crate::machine::mounts::Live;
use crate::machine::swap::Memory;
use crate::modules::fixture::{becomes, host, plan, refused, shown};
use crate::plan::Consent;
use crate::units::GIB;

fn machine() -> Machine {
    let mut machine = host(4);
    machine.memory = Some(Memory { available: GIB });
    let key = FileState::expected(Kind::File, 0o400, 0, 0, None);
    machine.files.seen.insert("/etc/keys/box".to_owned(), Some(key));
    machine
}

/// `/dev/vdb` and `/dev/vdc` carry an array, a container, a group and two volumes; `/dev/vdd1` is swapped to.
fn stack() -> Machine {
    let mut machine = machine();
    for (module, args) in [
        ("md_array", json!({"name": "pair", "level": 1, "members": ["HF-DISK-1", "HF-DISK-2"]})),
        (
            "luks",
            json!({"device": "/dev/md/pair", "name": "box", "state": "opened", "keyfile": "/etc/keys/box",
                "opts": "initramfs"}),
        ),
        ("lvg", json!({"vg": "vg", "pvs": "/dev/mapper/box"})),
        ("lvol", json!({"vg": "vg", "lv": "data", "size": "1g"})),
        ("lvol", json!({"vg": "vg", "lv": "more", "size": "1g"})),
        ("filesystem", json!({"dev": "/dev/vg/data", "fstype": "xfs"})),
        ("filesystem", json!({"dev": "/dev/vg/more", "fstype": "ext4"})),
        ("mount", json!({"path": "/srv/data", "src": "/dev/vg/data", "fstype": "xfs", "state": "mounted"})),
        (
            "mount",
            json!({"path": "/srv/data/more", "src": "/dev/vg/more", "fstype": "ext4", "state": "mounted"}),
        ),
        ("nfs_export", json!({"path": "/srv/data", "clients": {"10.0.0.0/24": "rw"}})),
        ("partition", json!({"device": "HF-DISK-3", "number": 1, "size": "1GiB", "type": "swap"})),
        ("partition", json!({"device": "HF-DISK-3", "number": 2})),
        ("swap", json!({"path": "/dev/vdd1"})),
    ] {
        becomes(&mut machine, module, &args);
    }
    machine
}

fn all() -> Value {
    json!({"devices": ["HF-DISK-1", "HF-DISK-2", "HF-DISK-3"]})
}

fn blank(machine: &Machine) -> bool {
    let devices = &machine.block.as_ref().unwrap().devices;
    devices.len() == 4
        && devices.values().all(|device| matches!(device.content, Content::Blank { table: false }))
}

#[test]
fn a_stack_goes_from_the_top_and_leaves_blank_disks_and_clean_files() {
    let mut machine = stack();
    insta::assert_snapshot!(becomes(&mut machine, "teardown", &all()));
    assert!(blank(&machine));
    let mounts = machine.mounts.as_ref().unwrap();
    assert!(mounts.fstab.is_empty() && mounts.swaps.is_empty() && mounts.live.len() == 1);
    assert!(machine.luks.as_ref().unwrap().crypttab.is_empty());
    assert!(machine.exports.as_ref().unwrap().live.is_empty());
    assert!(machine.block.as_ref().unwrap().registered.is_empty());
    assert!(machine.lvm.as_ref().unwrap().groups.is_empty());
}

#[test]
fn the_refusal_names_everything_at_once_and_consent_covers_exactly_that() {
    let machine = stack();
    let planned = plan(&machine, "teardown", &all()).unwrap();
    let refusal = Consent::default().covers(&planned).unwrap_err();
    assert_eq!(refusal.title, "6 objects would be destroyed, and nothing allows it");
    let tokens: Vec<String> =
        planned.actions.iter().filter_map(|action| action.change.token.clone()).collect();
    assert_eq!(tokens.len(), 6);
    for token in &tokens {
        assert!(refusal.facts.iter().any(|fact| fact.contains(&format!("({token})"))), "{refusal}");
        assert!(refusal.help[0].contains(&format!("--consent {token}")), "{refusal}");
    }
    let said = refusal.to_string();
    for part in [
        "logical volume vg/data: /dev/vg/data, logical volume of 1 GiB, holds file system xfs",
        "HF-DISK-3 (/dev/vdd), disk of 4 GiB, holds a gpt partition table with partitions: /dev/vdd1 (1 GiB, a swap area)",
        "with them go: NFS export /srv/data, swap /dev/vdd1, fstab entry /dev/vdd1, mount /srv/data/more",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let mut consent = Consent { act: true, tokens };
    assert!(consent.covers(&planned).is_ok());
    let last = consent.tokens.pop().unwrap();
    assert_eq!(
        consent.covers(&planned).unwrap_err().token,
        Some(last),
        "one that is left is asked for alone"
    );
}

#[test]
fn an_object_in_the_middle_goes_with_what_is_above_and_with_below_to_the_disks() {
    let mut machine = stack();
    let planned = becomes(&mut machine, "teardown", &json!({"groups": ["vg"]}));
    assert!(!planned.contains("array") && !planned.contains("swap"), "{planned}");
    assert!(matches!(
        machine.block.as_ref().unwrap().devices["/dev/mapper/box"].content,
        Content::Blank { table: false }
    ));

    let mut machine = stack();
    let planned = becomes(&mut machine, "teardown", &json!({"mounts": ["/srv/data/more"]}));
    assert!(planned.contains("- logical volume vg/more") && !planned.contains("vg/data"), "{planned}");

    let mut machine = stack();
    becomes(&mut machine, "teardown", &json!({"arrays": ["pair"]}));
    assert!(!machine.block.as_ref().unwrap().devices.contains_key("/dev/md/pair"));

    let mut machine = stack();
    let args = json!({"mounts": ["/srv/data"], "devices": ["/dev/vdd1"], "below": true});
    becomes(&mut machine, "teardown", &args);
    assert!(blank(&machine));
}

#[test]
fn one_partition_goes_and_its_neighbour_stays() {
    let mut machine = stack();
    let planned = becomes(&mut machine, "teardown", &json!({"devices": ["/dev/vdd1"]}));
    assert!(planned.contains("swapoff /dev/vdd1") && planned.contains("- partition /dev/vdd1"), "{planned}");
    assert!(machine.block.as_ref().unwrap().devices.contains_key("/dev/vdd2"));
    // Its name says of which disk it was; a disk that is not there is something else.
    assert!(plan(&machine, "teardown", &json!({"devices": ["/dev/vdd1"]})).unwrap().is_empty());
    let lost = refused(&machine, "teardown", &json!({"devices": ["/dev/vdz"]}));
    assert!(lost.starts_with("the teardown needs /dev/vdz, and there is no such device"), "{lost}");
}

#[test]
fn what_the_host_lives_on_and_what_nobody_manages_stays() {
    let mut machine = stack();
    let live = |target: &str, source: &str| Live {
        target: target.into(),
        source: source.into(),
        fstype: "xfs".into(),
        options: vec![],
        root: "/".into(),
    };
    machine.mounts.as_mut().unwrap().live.push(live("/var", "/dev/vdd2"));
    let said = refused(&machine, "teardown", &all());
    assert!(said.starts_with("/dev/vdd2 is mounted at /var, and this host lives on it"), "{said}");
    machine.mounts.as_mut().unwrap().live.pop();
    // Somebody else's mount below one that goes.
    machine.mounts.as_mut().unwrap().live.push(live("/srv/data/nas", "nas:/x"));
    let said = refused(&machine, "teardown", &all());
    assert!(said.starts_with("/srv/data cannot be unmounted: other mounts are below it"), "{said}");
    machine.mounts.as_mut().unwrap().live.pop();
    let mut held =
        crate::machine::block::Device::new("/dev/bcache0", crate::machine::block::DeviceKind::Other, GIB);
    held.sits_on = vec!["/dev/vde".into()];
    machine.block.as_mut().unwrap().devices.insert(held.path.clone(), held);
    let device = machine.block.as_mut().unwrap().devices.get_mut("/dev/vde").unwrap();
    device.content = Content::Other { kind: "bcache".into(), uuid: None, label: None };
    let said = refused(&machine, "teardown", &json!({"devices": ["HF-DISK-4"]}));
    assert!(said.starts_with("/dev/vde is in use: /dev/bcache0 sits on it"), "{said}");
}

#[test]
fn a_foreign_line_of_exports_is_edited_and_its_neighbours_stay() {
    let mut machine = stack();
    let text = b"# mine\n/srv/data/ 10.1.0.0/16(ro)\n/home 10.1.0.0/16(ro) \\\n  10.2.0.0/16(ro)\n";
    let file = FileState::expected(Kind::File, 0o644, 0, 0, Some(text.to_vec()));
    machine.files.seen.insert("/etc/exports".into(), Some(file));
    let planned = plan(&machine, "teardown", &json!({"groups": ["vg"]})).unwrap();
    let text = shown(&planned);
    assert!(text.contains("edit /etc/exports (1 lines)"), "{text}");
    assert!(text.contains("remove /etc/exports.d/holdfast-srv-data.exports"), "{text}");
}

#[test]
fn thin_volumes_snapshots_and_half_of_a_btrfs() {
    let mut machine = machine();
    machine.btrfs = Some(crate::machine::btrfs::Btrfs::default());
    for (module, args) in [
        ("lvg", json!({"vg": "vg", "pvs": ["HF-DISK-1"]})),
        ("lvol", json!({"vg": "vg", "thinpool": "pool", "size": "1g"})),
        ("lvol", json!({"vg": "vg", "lv": "thin", "thinpool": "pool", "size": "2g"})),
        ("lvol", json!({"vg": "vg", "lv": "thin", "snapshot": "then"})),
        ("lvol", json!({"vg": "vg", "lv": "old", "size": "500m"})),
        ("lvol", json!({"vg": "vg", "lv": "old", "snapshot": "older", "size": "100m"})),
        ("btrfs", json!({"label": "pool", "devices": ["HF-DISK-2", "HF-DISK-3"]})),
    ] {
        becomes(&mut machine, module, &args);
    }
    let mut one = machine.clone();
    becomes(&mut one, "teardown", &json!({"devices": ["/dev/vg/old"]}));
    let left: Vec<String> = one.lvm.unwrap().groups["vg"].logical.keys().cloned().collect();
    assert_eq!(left, ["pool", "then", "thin"]);

    becomes(&mut machine, "teardown", &json!({"devices": ["HF-DISK-1", "HF-DISK-2"]}));
    assert!(blank(&machine) && machine.block.as_ref().unwrap().spans.is_empty());
}

#[test]
fn what_a_killed_run_left_of_an_array_goes_with_its_place_at_boot() {
    let mut machine = stack();
    let block = machine.block.as_mut().unwrap();
    let line = block.registered[0].clone();
    for path in ["/dev/vdb", "/dev/vdc"] {
        block.devices.get_mut(path).unwrap().content =
            Content::Member { array: crate::machine::block::Uuid::Late, name: "pair".into() };
    }
    block.devices.retain(|path, _| ["/dev/vdb", "/dev/vdc"].contains(&path.as_str()));
    machine.lvm.as_mut().unwrap().groups.clear();
    assert_eq!(line.path, "/dev/md/pair");
    let planned = becomes(&mut machine, "teardown", &json!({"devices": ["HF-DISK-1", "HF-DISK-2"]}));
    assert!(planned.contains("edit /etc/mdadm/mdadm.conf (1 lines)"), "{planned}");
}

#[test]
fn projects_of_what_goes_are_forgotten() {
    let mut machine = stack();
    for (path, text) in [
        ("/etc/projects", "42:/srv/data/photos\n# mine\n43:/srv/data/a\n43:/home/a\n"),
        ("/etc/projid", "photos:42\nmany:43\n"),
    ] {
        let file = FileState::expected(Kind::File, 0o644, 0, 0, Some(text.into()));
        machine.files.seen.insert(path.into(), Some(file));
    }
    becomes(&mut machine, "teardown", &json!({"groups": ["vg"]}));
    let content = |path: &str| machine.files.at(path).and_then(|found| found.content.clone()).unwrap();
    assert_eq!(content("/etc/projects"), b"# mine\n43:/home/a\n");
    assert_eq!(content("/etc/projid"), b"many:43\n");
}
