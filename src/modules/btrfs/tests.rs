//! A btrfs through its life, as plans.

use serde_json::json;

use super::super::fixture::{becomes, host, plan, refused, shown};
use crate::machine::Machine;
use crate::machine::block::Uuid;
use crate::machine::btrfs::{Btrfs as Known, GroupKind};
use crate::machine::mounts::Live;
use crate::units::GIB;

fn blank(disks: u8) -> Machine {
    Machine { btrfs: Some(Known::default()), ..host(disks) }
}

fn pair() -> serde_json::Value {
    json!({"label": "pool", "devices": ["HF-DISK-1", "HF-DISK-2"], "data": "raid1", "metadata": "raid1"})
}

/// With a raid1 of two disks, mounted, and known by its UUID.
fn mounted(disks: u8) -> Machine {
    let mut machine = blank(disks);
    becomes(&mut machine, "btrfs", &pair());
    for pool in &mut machine.btrfs.as_mut().unwrap().pools {
        pool.uuid = Uuid::Known("u-1".into());
        pool.inside.as_mut().unwrap().groups.iter_mut().for_each(|groups| groups.used = GIB / 4);
    }
    let live = Live {
        target: "/srv/pool".into(),
        source: "/dev/vdb".into(),
        fstype: "btrfs".into(),
        options: vec!["rw".into()],
        root: "/".into(),
    };
    machine.mounts.as_mut().unwrap().live.push(live);
    machine
}

#[test]
fn is_made_of_blank_devices() {
    let text = becomes(&mut blank(2), "btrfs", &pair());
    assert!(
        text.contains("mkfs.btrfs --quiet --label pool --data raid1 --metadata raid1 /dev/vdb /dev/vdc"),
        "{text}"
    );
    assert!(text.contains("confirm /dev/vdc is the same and blank"), "{text}");
    let single = json!({"label": "pool", "devices": "HF-DISK-1", "quota": true});
    let text = becomes(&mut blank(1), "btrfs", &single);
    assert!(text.contains("--data single --metadata dup /dev/vdb"), "{text}");
    assert!(text.contains("btrfs quota enable /run/holdfast/private"), "{text}");
}

#[test]
fn too_few_devices_and_the_write_hole_are_refused() {
    let mut args = pair();
    args["data"] = json!("raid1c3");
    let why = refused(&blank(2), "btrfs", &args);
    assert!(why.starts_with("data cannot be raid1c3: it needs at least 3 devices, and there are 2"), "{why}");
    args["data"] = json!("raid5");
    assert!(refused(&blank(2), "btrfs", &args).contains("accept_risk: true"));
    args["accept_risk"] = json!(true);
    becomes(&mut blank(2), "btrfs", &args);
    assert!(
        super::super::find("btrfs").unwrap().decode(json!({"label": "a b"}).as_object().unwrap()).is_err()
    );
}

#[test]
fn every_device_of_a_mounted_one_is_in_use() {
    let machine = mounted(3);
    for (module, args) in [
        ("filesystem", json!({"dev": "HF-DISK-2", "fstype": "ext4", "force": true})),
        ("filesystem", json!({"dev": "HF-DISK-2", "state": "absent"})),
        ("lvg", json!({"vg": "vg", "pvs": "HF-DISK-2"})),
        ("md_array", json!({"name": "a", "level": 1, "members": ["HF-DISK-2", "HF-DISK-3"]})),
        ("btrfs", json!({"label": "other", "devices": ["HF-DISK-2"]})),
        ("btrfs", json!({"label": "pool", "state": "absent"})),
    ] {
        let why = refused(&machine, module, &args);
        assert!(why.contains("is in use: it "), "{module}: {why}");
        assert!(why.contains("mounted at /srv/pool"), "{module}: {why}");
    }
}

#[test]
fn devices_come_go_and_are_replaced() {
    let mut machine = mounted(4);
    let mut args = pair();
    args["devices"] = json!(["HF-DISK-1", "HF-DISK-2", "HF-DISK-3"]);
    args["data"] = json!("raid1c3");
    args["metadata"] = json!("raid1c3");
    let text = becomes(&mut machine, "btrfs", &args);
    assert!(text.contains("btrfs device add /dev/vdd /srv/pool"), "{text}");
    assert!(
        text.contains("btrfs balance start -dconvert=raid1c3,soft -mconvert=raid1c3,soft /srv/pool"),
        "{text}"
    );

    // Nobody said that the third goes.
    let two = json!({"label": "pool", "devices": ["HF-DISK-1", "HF-DISK-2"]});
    assert!(plan(&machine, "btrfs", &two).unwrap().is_empty());
    let mut less = two.clone();
    less["remove_extra_devices"] = json!(true);
    let why = refused(&machine, "btrfs", &less);
    assert!(why.contains("is raid1c3, which needs at least 3 devices, and 2 would be left"), "{why}");

    let replaced = json!({"label": "pool", "devices": ["HF-DISK-4", "HF-DISK-2", "HF-DISK-3"], "remove_extra_devices": true});
    let text = becomes(&mut machine, "btrfs", &replaced);
    assert!(text.contains("btrfs replace start -B /dev/vdb /dev/vde /srv/pool"), "{text}");
    assert!(text.contains("zero 1 MiB at 0 and 1 MiB at 4293918720 of /dev/vdb"), "{text}");
    assert_eq!(machine.mounts.as_ref().unwrap().at("/srv/pool").unwrap().source, "/dev/vdc");
    assert!(machine.user_of(machine.block.as_ref().unwrap().find("/dev/vde").unwrap()).is_some());
    assert!(machine.user_of(machine.block.as_ref().unwrap().find("/dev/vdb").unwrap()).is_none());

    let smaller = json!({"label": "pool", "devices": ["HF-DISK-2", "HF-DISK-4"], "remove_extra_devices": true,
        "data": "raid1", "metadata": "raid1"});
    let text = becomes(&mut machine, "btrfs", &smaller);
    let (converts, removes) =
        (text.find("--force -dconvert=raid1,soft").unwrap(), text.find("device remove /dev/vdd").unwrap());
    assert!(converts < removes, "{text}");
}

#[test]
fn no_room_is_said_with_numbers() {
    let mut machine = mounted(3);
    let mut args = pair();
    args["devices"] = json!(["HF-DISK-1", "HF-DISK-2", "HF-DISK-3"]);
    becomes(&mut machine, "btrfs", &args);
    let pool = &mut machine.btrfs.as_mut().unwrap().pools[0];
    for groups in &mut pool.inside.as_mut().unwrap().groups {
        groups.used = if groups.kind == GroupKind::Data { 5 * GIB } else { GIB / 10 };
    }
    let less = json!({"label": "pool", "devices": ["HF-DISK-1", "HF-DISK-2"], "remove_extra_devices": true});
    let why = refused(&machine, "btrfs", &less);
    assert!(why.starts_with("removing devices of the btrfs pool has no room"), "{why}");
    assert!(why.contains("it holds 5 GiB of data"), "{why}");
    machine.btrfs.as_mut().unwrap().pools[0].devices.iter_mut().for_each(|one| one.allocated = 4 * GIB - 1);
    let why = refused(&machine, "btrfs", &json!({"label": "pool", "data": "single"}));
    assert!(why.starts_with("converting the btrfs pool could run out of room"), "{why}");
}

#[test]
fn sizes_grow_and_shrink() {
    let mut machine = mounted(2);
    let text = becomes(&mut machine, "btrfs", &json!({"label": "pool", "sizes": {"HF-DISK-2": "3GiB"}}));
    assert!(text.contains("btrfs filesystem resize 2:3221225472 /srv/pool"), "{text}");
    let text = becomes(&mut machine, "btrfs", &json!({"label": "pool", "resizefs": true}));
    assert!(text.contains("btrfs filesystem resize 2:max /srv/pool"), "{text}");
    let why = refused(&machine, "btrfs", &json!({"label": "pool", "sizes": {"HF-DISK-2": "300MiB"}}));
    assert!(why.starts_with("shrinking of the btrfs pool has no room"), "{why}");
}

#[test]
fn a_read_only_or_degraded_one_is_left_alone() {
    let mut machine = mounted(2);
    let rename = json!({"uuid": "u-1", "label": "other"});
    assert!(
        shown(&plan(&machine, "btrfs", &rename).unwrap()).contains("btrfs filesystem label /srv/pool other")
    );
    machine.mounts.as_mut().unwrap().live.last_mut().unwrap().options = vec!["ro".into()];
    assert!(refused(&machine, "btrfs", &rename).starts_with("the btrfs pool is mounted read-only"));
    machine.btrfs.as_mut().unwrap().pools[0].missing = vec![2];
    assert!(refused(&machine, "btrfs", &pair()).starts_with("the btrfs pool lacks 1 of its devices"));
}

#[test]
fn ends_with_consent_to_its_uuid() {
    let mut machine = mounted(2);
    machine.mounts.as_mut().unwrap().live.pop();
    let half = refused(&machine, "filesystem", &json!({"dev": "HF-DISK-2", "state": "absent"}));
    assert!(half.starts_with("the btrfs on /dev/vdc lies on 2 devices"), "{half}");
    let absent = json!({"label": "pool", "state": "absent"});
    let planned = plan(&machine, "btrfs", &absent).unwrap();
    assert_eq!(planned.actions[0].change.token.as_deref(), Some("remove:u-1"));
    let text = becomes(&mut machine, "btrfs", &absent);
    assert!(text.contains("wipefs --all /dev/vdb") && text.contains("wipefs --all /dev/vdc"), "{text}");
    becomes(&mut machine, "btrfs", &pair());
}
