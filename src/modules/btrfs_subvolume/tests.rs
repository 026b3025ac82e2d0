//! Subvolumes through their life, as plans.

use serde_json::{Value, json};

use super::super::fixture::{becomes, host, plan, refused, shown};
use crate::exec::{Kind, Seen};
use crate::machine::Machine;
use crate::machine::block::Uuid;
use crate::machine::btrfs::{Btrfs as Known, Inside};
use crate::machine::mounts::Live;

/// With an empty btrfs of two disks that is mounted nowhere.
fn pool(quota: bool) -> Machine {
    let mut machine = Machine { btrfs: Some(Known::default()), ..host(2) };
    let args =
        json!({"label": "pool", "devices": ["HF-DISK-1", "HF-DISK-2"], "data": "raid1", "quota": quota});
    becomes(&mut machine, "btrfs", &args);
    machine.btrfs.as_mut().unwrap().pools[0].uuid = Uuid::Known("u-1".into());
    machine
}

fn inside(machine: &mut Machine) -> &mut Inside {
    machine.btrfs.as_mut().unwrap().pools[0].inside.as_mut().unwrap()
}

fn mount(machine: &mut Machine, target: &str, root: &str) {
    let live = Live {
        target: target.into(),
        source: "/dev/vdb".into(),
        fstype: "btrfs".into(),
        options: vec!["rw".into()],
        root: root.into(),
    };
    machine.mounts.as_mut().unwrap().live.push(live);
}

fn named(name: &str) -> Value {
    json!({"filesystem_label": "pool", "name": name, "automount": true})
}

fn with(name: &str, more: &Value) -> Value {
    let mut args = named(name);
    args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    args
}

#[test]
fn is_made_where_it_is_mounted_nowhere() {
    let mut machine = pool(true);
    let args = with("/@data", &json!({"limit": "100MiB", "compression": "zstd", "default": true}));
    let text = becomes(&mut machine, "btrfs_subvolume", &args);
    assert!(text.contains("mount -t btrfs -o subvolid=5 /dev/vdb /run/holdfast/private"), "{text}");
    assert!(text.contains("btrfs subvolume create /run/holdfast/private/@data"), "{text}");
    assert!(text.contains("btrfs qgroup limit 104857600 /run/holdfast/private/@data"), "{text}");
    assert!(text.contains("btrfs subvolume set-default /run/holdfast/private/@data"), "{text}");
    let text = becomes(
        &mut machine,
        "btrfs_subvolume",
        &with("@data", &json!({"limit": "none", "nodatacow": true})),
    );
    assert!(text.contains("qgroup limit none") && text.contains("chattr +C"), "{text}");
    let mut shy = named("/other");
    shy["automount"] = json!(false);
    assert!(refused(&machine, "btrfs_subvolume", &shy).starts_with("the btrfs pool is not mounted"));
    let why = refused(&pool(false), "btrfs_subvolume", &args);
    assert!(why.contains("cannot be limited: the btrfs pool counts nothing"), "{why}");
}

#[test]
fn folders_above_are_made_only_when_asked_for() {
    let mut machine = pool(false);
    let why = refused(&machine, "btrfs_subvolume", &named("/a/b/c"));
    assert!(why.starts_with("there is no pool:/a\n"), "{why}");
    let text = becomes(&mut machine, "btrfs_subvolume", &with("/a/b/c", &json!({"recursive": true})));
    assert_eq!(text.matches("btrfs subvolume create").count(), 3, "{text}");
    let folder = Seen { inode: 300, ..Seen::new_subvolume() };
    inside(&mut machine).seen.insert("dir".into(), Some(folder.clone()));
    becomes(&mut machine, "btrfs_subvolume", &named("/dir/x"));
    let why = refused(&machine, "btrfs_subvolume", &with("/dir", &json!({"snapshot_source": "/a"})));
    assert!(why.starts_with("pool:/dir is a directory and no subvolume"), "{why}");
    inside(&mut machine).seen.insert("link".into(), Some(Seen { kind: Kind::Link, ..folder }));
    assert!(
        refused(&machine, "btrfs_subvolume", &named("/link/x")).contains("is a symbolic link and no folder")
    );
}

#[test]
fn snapshots_are_kept_refused_or_replaced() {
    let mut machine = pool(true);
    becomes(&mut machine, "btrfs_subvolume", &with("/a", &json!({"limit": "1GiB"})));
    let snapshot = with("/snap", &json!({"snapshot_source": "/a", "readonly": true}));
    let text = becomes(&mut machine, "btrfs_subvolume", &snapshot);
    assert!(
        text.contains("subvolume snapshot -r /run/holdfast/private/a /run/holdfast/private/snap"),
        "{text}"
    );
    assert_eq!(inside(&mut machine).subvolumes["snap"].limit, Some(1 << 30), "the kernel copies limits");
    let mut again = snapshot.clone();
    again["snapshot_conflict"] = json!("error");
    assert!(
        refused(&machine, "btrfs_subvolume", &again).starts_with("there is a subvolume pool:/snap already")
    );
    again["snapshot_conflict"] = json!("clobber");
    let planned = plan(&machine, "btrfs_subvolume", &again).unwrap();
    assert_eq!(planned.actions[0].change.token.as_deref(), Some("remove:u-1:snap"));
    assert!(shown(&planned).contains("snapshot -r"));
    let none = with("/other", &json!({"snapshot_source": "/none"}));
    assert!(refused(&machine, "btrfs_subvolume", &none).contains("there is /a"));
    let writable = with("/snap", &json!({"readonly": false, "compression": "lzo"}));
    let text = becomes(&mut machine, "btrfs_subvolume", &writable);
    assert!(text.find("ro false").unwrap() < text.find("compression lzo").unwrap(), "{text}");
}

#[test]
fn removing_takes_consent_to_each() {
    let mut machine = pool(false);
    becomes(&mut machine, "btrfs_subvolume", &with("/a/b", &json!({"recursive": true})));
    let absent = |more: &Value| {
        let mut args = with("/a", &json!({"state": "absent"}));
        args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        args
    };
    let why = refused(&machine, "btrfs_subvolume", &absent(&json!({})));
    assert!(why.starts_with("pool:/a has subvolumes in it"), "{why}");
    let all = absent(&json!({"recursive": true}));
    let tokens: Vec<_> = plan(&machine, "btrfs_subvolume", &all)
        .unwrap()
        .actions
        .iter()
        .map(|action| action.change.token.clone().unwrap())
        .collect();
    assert_eq!(tokens, ["remove:u-1:a/b", "remove:u-1:a"]);
    mount(&mut machine, "/srv/b", "/a/b");
    let why = refused(&machine, "btrfs_subvolume", &all);
    assert!(why.starts_with("pool:/a/b is in use: it is mounted at /srv/b"), "{why}");
    machine.mounts.as_mut().unwrap().live.pop();
    inside(&mut machine).default = "a".into();
    assert!(refused(&machine, "btrfs_subvolume", &all).starts_with("pool:/a is the default subvolume"));
    becomes(&mut machine, "btrfs_subvolume", &with("/", &json!({"default": true})));
    becomes(&mut machine, "btrfs_subvolume", &all);
    assert!(
        refused(&machine, "btrfs_subvolume", &with("/", &json!({"state": "absent"})))
            .contains("cannot be removed")
    );
}

#[test]
fn bad_values_are_said_before_a_host_is_touched() {
    let entry = super::super::find("community.general.btrfs_subvolume").unwrap();
    for (key, value) in
        [("name", "/a/../b"), ("compression", "gzip"), ("compression", "zstd:99"), ("limit", "0")]
    {
        let mut args = named("/a");
        args[key] = json!(value);
        assert!(entry.decode(args.as_object().unwrap()).is_err(), "{key}={value}");
    }
    let both = with("/a", &json!({"nodatacow": true, "compression": "zstd"}));
    assert!(refused(&pool(false), "btrfs_subvolume", &both).starts_with("what is written in place"));
}
