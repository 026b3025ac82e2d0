use serde_json::{Value, json};

use super::super::fixture::{becomes, foresee, host, plan, refused};
use crate::machine::services::ServiceState;

fn mirror() -> Value {
    json!({"name": "tank", "vdevs": [{"type": "mirror", "disks": ["HF-DISK-1", "HF-DISK-2"]}]})
}

fn with(mut args: Value, more: &Value) -> Value {
    args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    args
}

#[test]
fn a_pool_is_made_of_blank_disks_and_stays() {
    let mut machine = host(4);
    let args = json!({
        "name": "tank",
        "vdevs": [
            {"type": "mirror", "disks": ["HF-DISK-1", "HF-DISK-2"]},
            {"role": "log", "disks": ["HF-DISK-3"]},
            {"role": "spare", "disks": ["HF-DISK-4"]}
        ],
        "ashift": 13,
        "pool_properties": {"autotrim": true},
        "filesystem_properties": {"compression": "zstd", "recordsize": "1M"},
        "mountpoint": "/srv/tank"
    });
    let done = becomes(&mut machine, "zpool", &args);
    assert!(
        done.contains(
            "zpool create -o ashift=13 -o autotrim=on -O compression=zstd -O mountpoint=/srv/tank -O recordsize=1M \
             tank mirror /dev/vdb1 /dev/vdc1 log /dev/vdd1 spare /dev/vde1"
        ),
        "{done}"
    );
    // The disks are the pool's now, and so are the partitions it made.
    for disk in ["HF-DISK-1", "/dev/vdb1", "/dev/vde1"] {
        let why = refused(&machine, "filesystem", &json!({"dev": disk, "fstype": "xfs"}));
        assert!(why.contains("it belongs to the ZFS pool tank"), "{why}");
    }
}

#[test]
fn a_pool_ends_with_blank_disks() {
    let mut machine = host(2);
    becomes(&mut machine, "zpool", &mirror());
    let before = host(2);
    let absent = json!({"name": "tank", "state": "absent"});
    // How much the pool has allocated changes by itself, so the plan does not tell it.
    let zfs = machine.zfs.as_mut().unwrap();
    zfs.pools.get_mut("tank").unwrap().allocated = 5 << 20;
    zfs.datasets.get_mut("tank").unwrap().referenced = 3 << 20;
    let loss = plan(&machine, "zpool", &absent).unwrap().actions[0].change.loss.clone().unwrap();
    assert!(loss.starts_with("the pool tank with 3 MiB in 1 file systems"), "{loss}");
    let done = becomes(&mut machine, "zpool", &absent);
    assert!(done.contains("zpool destroy tank") && done.contains("wipefs --all /dev/vdb1"), "{done}");
    assert_eq!(machine.block.unwrap().devices, before.block.unwrap().devices);
}

#[test]
fn what_would_weaken_a_pool_is_refused() {
    let mut machine = host(4);
    becomes(&mut machine, "zpool", &mirror());
    let alone = with(
        mirror(),
        &json!({"vdevs": [
            {"type": "mirror", "disks": ["HF-DISK-1", "HF-DISK-2"]}, {"disks": ["HF-DISK-3"]}
        ]}),
    );
    let why = refused(&machine, "zpool", &alone);
    assert!(why.contains("survive no more losses than the weakest"), "{why}");
    let raid = json!({"name": "tank", "vdevs": [{"type": "raidz1", "disks": ["HF-DISK-1", "HF-DISK-2", "HF-DISK-3"]}]});
    let why = refused(&machine, "zpool", &raid);
    assert!(why.contains("is mirror, and cannot become raidz1"), "{why}");
    let why = refused(&machine, "zpool", &with(mirror(), &json!({"ashift": 9})));
    assert!(why.contains("has ashift 12 and cannot get 9"), "{why}");
}

#[test]
fn a_mirror_gains_and_loses_sides_and_disks() {
    let mut machine = host(4);
    becomes(&mut machine, "zpool", &mirror());
    let of = |disks: &[&str], more: Value| {
        with(json!({"name": "tank", "vdevs": [{"type": "mirror", "disks": disks}]}), &more)
    };
    let done = becomes(&mut machine, "zpool", &of(&["HF-DISK-1", "HF-DISK-2", "HF-DISK-3"], json!({})));
    assert!(done.contains("zpool attach -w -o ashift=12 tank /dev/vdb1 /dev/vdd1"), "{done}");
    // What is not named stays, unless that is asked for.
    assert!(plan(&machine, "zpool", &mirror()).unwrap().is_empty());
    let exact = json!({"remove_extra_devices": true});
    let done = becomes(&mut machine, "zpool", &of(&["HF-DISK-1", "HF-DISK-4"], exact.clone()));
    assert!(done.contains("zpool replace -w -o ashift=12 tank /dev/vdc1 /dev/vde1"), "{done}");
    assert!(done.contains("zpool detach tank /dev/vdd1"), "{done}");
    // The disk that was replaced is blank.
    assert!(!plan(&machine, "filesystem", &json!({"dev": "HF-DISK-2", "fstype": "xfs"})).unwrap().is_empty());
    let alone = json!({"name": "tank", "vdevs": [{"disks": ["HF-DISK-1"]}], "remove_extra_devices": true});
    let done = becomes(&mut machine, "zpool", &alone);
    assert!(done.contains("zpool detach tank /dev/vde1"), "{done}");
}

#[test]
fn more_of_the_same_is_added_after_a_checkpoint() {
    let mut machine = host(4);
    becomes(&mut machine, "zpool", &mirror());
    let two = json!({"name": "tank", "vdevs": [
        {"type": "mirror", "disks": ["HF-DISK-1", "HF-DISK-2"]},
        {"type": "mirror", "disks": ["HF-DISK-3", "HF-DISK-4"]}
    ]});
    let done = becomes(&mut machine, "zpool", &two);
    assert!(done.contains("zpool checkpoint tank"), "{done}");
    assert!(done.contains("zpool add -o ashift=12 tank mirror /dev/vdd1 /dev/vde1"), "{done}");
    let less = with(mirror(), &json!({"remove_extra_devices": true}));
    assert!(refused(&machine, "zpool", &less).contains("has a checkpoint"));
    let less = with(less, &json!({"discard_checkpoint": true}));
    let done = becomes(&mut machine, "zpool", &less);
    assert!(done.contains("zpool checkpoint -d -w tank"), "{done}");
    assert!(done.contains("zpool remove -w tank mirror"), "{done}");
}

#[test]
fn a_raidz_is_never_taken_apart() {
    let mut machine = host(6);
    let raid = |sets: &[&[&str]]| {
        let vdevs: Vec<Value> = sets.iter().map(|disks| json!({"type": "raidz1", "disks": disks})).collect();
        json!({"name": "tank", "vdevs": vdevs, "checkpoint": false})
    };
    let first: &[&str] = &["HF-DISK-1", "HF-DISK-2", "HF-DISK-3"];
    becomes(&mut machine, "zpool", &raid(&[first, &["HF-DISK-4", "HF-DISK-5", "HF-DISK-6"]]));
    let less = with(raid(&[first]), &json!({"remove_extra_devices": true}));
    let why = refused(&machine, "zpool", &less);
    assert!(why.contains("cannot be taken out of the pool tank") && why.contains("raidz1"), "{why}");
    let why = refused(&machine, "zpool", &with(raid(&[&first[..2]]), &json!({"remove_extra_devices": true})));
    assert!(why.contains("has 3 devices, and 2 are named"), "{why}");
}

#[test]
fn an_exported_pool_is_imported_and_never_made_anew() {
    let mut machine = host(2);
    becomes(&mut machine, "zpool", &mirror());
    let done = becomes(&mut machine, "zpool", &json!({"name": "tank", "state": "exported"}));
    assert!(done.contains("zpool export tank"), "{done}");
    let planned = plan(&machine, "zpool", &mirror()).unwrap();
    let shown = super::super::fixture::shown(&planned);
    assert!(shown.contains("zpool import") && !shown.contains("zpool create"), "{shown}");
    let why = refused(&machine, "zpool", &json!({"name": "tank", "state": "absent"}));
    assert!(why.contains("is there, but not imported"), "{why}");
    foresee(&mut machine, &planned);
    let mut other = host(2);
    becomes(&mut other, "zpool", &mirror());
    becomes(&mut other, "zpool", &json!({"name": "tank", "state": "exported"}));
    other.zfs.as_mut().unwrap().others[0].exported = false;
    let why = refused(&other, "zpool", &mirror());
    assert!(why.contains("was not exported") && why.contains("zpool import -f"), "{why}");
}

#[test]
fn bad_arguments_are_refused_with_what_to_do() {
    let machine = host(4);
    for (more, said) in [
        (json!({"ashift": 20}), "`ashift: 20` is none"),
        (json!({"pool_properties": {"compression": "lz4"}}), "is a property of file systems"),
        (json!({"pool_properties": {"autotrimm": true}}), "did you mean `autotrim`"),
        (json!({"filesystem_properties": {"compresion": "lz4"}}), "did you mean `compression`"),
        (
            json!({"vdevs": [{"type": "raidz2", "disks": ["HF-DISK-1", "HF-DISK-2"]}]}),
            "raidz2 of 2 is not possible",
        ),
        (
            json!({"vdevs": [{"role": "log", "type": "raidz1", "disks": ["HF-DISK-1", "HF-DISK-2"]}]}),
            "cannot be raidz1",
        ),
        (json!({"vdevs": [{"disks": ["HF-DISK-1", "HF-DISK-1"]}]}), "is given twice"),
        (json!({"vdevs": [{"role": "log", "disks": ["HF-DISK-1"]}]}), "names no disks for data"),
        (json!({"vdevs": [{"disks": ["HF-DISK-9"]}]}), "there is no such device"),
    ] {
        let why = refused(&machine, "zpool", &with(mirror(), &more));
        assert!(why.contains(said), "{said}: {why}");
    }
}

#[test]
fn a_pool_is_scrubbed_by_one_timer_that_ends_with_it() {
    let mut machine = host(2);
    for often in ["weekly", "monthly"] {
        let there = ServiceState { exists: true, ..ServiceState::default() };
        machine.services.seen.insert(format!("zfs-scrub-{often}@tank.timer"), there);
    }
    let weekly = with(mirror(), &json!({"scrub": "weekly", "trim": "never"}));
    let done = becomes(&mut machine, "zpool", &weekly);
    assert!(
        done.contains("-O org.debian:periodic-scrub=disable -O org.debian:periodic-trim=disable"),
        "{done}"
    );
    assert!(done.contains("systemctl enable -- zfs-scrub-weekly@tank.timer"), "{done}");
    let done = becomes(&mut machine, "zpool", &with(mirror(), &json!({"scrub": "monthly"})));
    assert!(done.contains("systemctl disable -- zfs-scrub-weekly@tank.timer"), "{done}");
    let done = becomes(&mut machine, "zpool", &json!({"name": "tank", "state": "absent"}));
    assert!(done.contains("systemctl stop -- zfs-scrub-monthly@tank.timer"), "{done}");
}
