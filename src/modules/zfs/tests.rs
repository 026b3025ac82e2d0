use serde_json::{Value, json};

use super::super::fixture::{becomes, host, plan, refused};
use crate::machine::Machine;
use crate::machine::zfs::{Property, Source};
use crate::units::GIB;

fn tank() -> Machine {
    let mut machine = host(2);
    let args = json!({"name": "tank", "vdevs": [{"disks": ["HF-DISK-1"]}]});
    becomes(&mut machine, "zpool", &args);
    machine
}

fn fs(name: &str, properties: &Value) -> Value {
    json!({"name": name, "extra_zfs_properties": properties})
}

#[test]
fn a_file_system_is_made_with_what_is_above_it() {
    let mut machine = tank();
    let args = fs("tank/vm/images", &json!({"compression": "zstd", "recordsize": "64K", "atime": false}));
    let done = becomes(&mut machine, "zfs", &args);
    assert!(
        done.contains("zfs create -p -o atime=off -o compression=zstd -o recordsize=64K tank/vm/images"),
        "{done}"
    );
    let mounts = machine.mounts.as_ref().unwrap();
    assert_eq!(mounts.at("/tank/vm/images").unwrap().source, "tank/vm/images");
    assert!(plan(&machine, "community.general.zfs", &fs("tank/vm", &json!({}))).unwrap().is_empty());
    assert!(plan(&machine, "zfs", &fs("tank/vm/images", &json!({"recordsize": 65536}))).unwrap().is_empty());
}

#[test]
fn a_value_counts_only_where_it_is_set() {
    let mut machine = tank();
    becomes(&mut machine, "zfs", &fs("tank/a", &json!({})));
    let properties = machine.zfs.as_mut().unwrap().datasets.get_mut("tank/a").unwrap();
    let properties = properties.properties.as_mut().unwrap();
    let found = |source| Property { value: "off".into(), source, received: None };
    properties.insert("atime".into(), found(Source::Inherited("tank".into())));
    properties.insert("exec".into(), found(Source::Received));
    properties.insert("sync".into(), Property::local("always"));
    let done = becomes(
        &mut machine,
        "zfs",
        &fs("tank/a", &json!({"atime": "off", "exec": "off", "sync": "inherit"})),
    );
    for said in ["zfs set atime=off tank/a", "zfs set exec=off tank/a", "zfs inherit sync tank/a"] {
        assert!(done.contains(said), "{done}");
    }
}

#[test]
fn a_volume_grows_and_never_shrinks() {
    let mut machine = tank();
    let volume = |size: &str| fs("tank/vol", &json!({"volsize": size}));
    let done = becomes(&mut machine, "zfs", &volume("1G"));
    assert!(done.contains("zfs create -p -V 1073741824 tank/vol"), "{done}");
    becomes(&mut machine, "filesystem", &json!({"dev": "/dev/zvol/tank/vol", "fstype": "xfs"}));
    becomes(&mut machine, "zfs", &volume("2G"));
    assert_eq!(machine.block.as_ref().unwrap().devices["/dev/zvol/tank/vol"].size, 2 * GIB);
    assert!(refused(&machine, "zfs", &volume("1G")).contains("cannot shrink to 1 GiB"));
    assert!(refused(&machine, "zfs", &volume("2147483649")).contains("`volsize: 2147484160` is the next"));
    let why = refused(&machine, "zfs", &fs("tank/odd", &json!({"volsize": 10000})));
    assert!(why.contains("`volsize: 16384` is the next"), "{why}");
}

#[test]
fn snapshots_are_held_and_cloned() {
    let mut machine = tank();
    becomes(&mut machine, "zfs", &fs("tank/a", &json!({})));
    let done = becomes(&mut machine, "zfs", &json!({"name": "tank/a@one", "holds": ["keep", "backup"]}));
    assert!(
        done.contains("zfs snapshot tank/a@one") && done.contains("zfs hold backup tank/a@one"),
        "{done}"
    );
    becomes(&mut machine, "zfs", &json!({"name": "tank/b", "origin": "tank/a@one"}));
    let gone = |name: &str| json!({"name": name, "state": "absent"});
    assert!(refused(&machine, "zfs", &gone("tank/a")).contains("the snapshot tank/a@one is held"));
    let done = becomes(&mut machine, "zfs", &json!({"name": "tank/a@one", "holds": []}));
    assert!(done.contains("zfs release keep tank/a@one"), "{done}");
    let why = refused(&machine, "zfs", &gone("tank/a"));
    assert!(why.contains("tank/b is a clone of tank/a@one") && why.contains("zfs promote tank/b"), "{why}");
    becomes(&mut machine, "zfs", &gone("tank/b"));
    let planned = plan(&machine, "zfs", &gone("tank/a")).unwrap();
    let loss = planned.actions[0].change.loss.clone().unwrap();
    assert!(loss.contains("and in it tank/a@one (snapshot, 0 B used)"), "{loss}");
    let done = becomes(&mut machine, "zfs", &gone("tank/a"));
    assert!(done.contains("zfs destroy -r tank/a"), "{done}");
}

#[test]
fn what_cannot_be_is_refused() {
    let mut machine = tank();
    becomes(&mut machine, "zfs", &fs("tank/a", &json!({"normalization": "none"})));
    for (args, said) in [
        (
            fs("tank/a", &json!({"normalization": "formD"})),
            "normalization of tank/a is none and cannot become formD",
        ),
        (fs("dozer/a", &json!({})), "there is no pool dozer"),
        (fs("tank/a", &json!({"compresion": "lz4"})), "did you mean `compression`"),
        (fs("tank/a", &json!({"volsize": "1G"})), "is a file system and has no `volsize`"),
        (fs("tank/e", &json!({"keylocation": "prompt"})), "waits for somebody"),
        (fs("tank/a@x", &json!({"quota": "1G"})), "can have no quota of its own"),
        (json!({"name": "tank/c", "origin": "tank/a@none"}), "there is no such snapshot"),
        (json!({"name": "tank", "state": "absent"}), "ends with it"),
        (json!({"name": "tank/a", "holds": ["x"]}), "`holds` is for snapshots"),
    ] {
        let why = refused(&machine, "zfs", &args);
        assert!(why.contains(said), "{said}: {why}");
    }
    machine.mounts.as_mut().unwrap().occupied.insert("/tank/full".into(), true);
    assert!(refused(&machine, "zfs", &fs("tank/full", &json!({}))).contains("would be hidden"));
}
