use serde_json::{Value, json};

use crate::exec::Kind;
use crate::machine::Machine;
use crate::machine::block::{Content, FileSystem, Uuid};
use crate::machine::files::FileState;
use crate::machine::mounts::Live;
use crate::modules::fixture::{becomes, foresee, host, plan, refused, shown};
use crate::plan::{Consent, Plan};
use crate::units::MIB;

/// Four devices of 1023 extents.
fn machine() -> Machine {
    let mut machine = host(4);
    let pvs = ["HF-DISK-1", "HF-DISK-2", "HF-DISK-3", "HF-DISK-4"];
    becomes(&mut machine, "lvg", &json!({"vg": "vg", "pvs": pvs}));
    machine
}

fn free(machine: &Machine) -> u64 {
    machine.lvm.as_ref().unwrap().groups["vg"].free()
}

fn holding(machine: &mut Machine, name: &str, content: Content) {
    let path = format!("/dev/vg/{name}");
    machine.block.as_mut().unwrap().devices.get_mut(&path).unwrap().content = content;
    let group = machine.lvm.as_mut().unwrap().groups.get_mut("vg").unwrap();
    group.logical.get_mut(name).unwrap().uuid = Uuid::Known("lv-id".into());
}

fn steps(plan: &Plan) -> Vec<String> {
    shown(plan).lines().filter_map(|line| line.strip_prefix("    ")).map(str::to_owned).collect()
}

fn file_system(kind: &str, size: u64, used: u64) -> Content {
    Content::FileSystem(FileSystem {
        uuid: Uuid::Known("fs-id".into()),
        size: Some(size),
        used: Some(used),
        ..FileSystem::new(kind)
    })
}

fn mounted(machine: &mut Machine, source: &str, target: &str) {
    machine.mounts.as_mut().unwrap().live.push(Live {
        target: target.into(),
        source: source.into(),
        fstype: "ext4".into(),
        options: vec!["rw".into(), "noatime".into()],
        root: "/".into(),
    });
}

/// Free extents as `vgs` says them after the same commands, measured with LVM 2.03.16.
#[test]
fn extents_are_those_lvm_takes() {
    for (args, takes, words) in [
        (json!({"type": "linear", "size": "100e"}), 100, "--extents 100 vg"),
        (
            json!({"type": "striped", "size": "101e"}),
            102,
            "--extents 102 --type striped --stripes 2 --stripesize 64k",
        ),
        (json!({"type": "raid1", "size": "100e"}), 202, "--type raid1 --mirrors 1"),
        (json!({"type": "raid5", "size": "101e"}), 156, "--extents 102 --type raid5 --stripes 2"),
        (
            json!({"type": "raid10", "size": "100e"}),
            204,
            "--type raid10 --stripes 2 --stripesize 64k --mirrors 1",
        ),
    ] {
        let mut machine = machine();
        let mut all = json!({"vg": "vg", "lv": "a"});
        for (key, value) in args.as_object().unwrap() {
            all[key] = value.clone();
        }
        let shown = becomes(&mut machine, "lvol", &all);
        assert!(shown.contains(words), "{shown}");
        assert_eq!(4092 - free(&machine), takes, "{args}");
    }
}

#[test]
fn what_does_not_fit_is_refused_with_numbers() {
    let machine = machine();
    let of = |args: Value| refused(&machine, "lvol", &args);
    let six = of(json!({"vg": "vg", "lv": "a", "type": "raid6", "size": "51e"}));
    assert!(six.contains("needed are 18 extents on each of 5 devices"), "{six}");
    let large = of(json!({"vg": "vg", "lv": "a", "size": "5000e"}));
    assert!(
        large.starts_with(
            "the volume vg/a needs 19.5 GiB (5000 extents), and vg has 15.9 GiB (4092 extents) free"
        ),
        "{large}"
    );
    let small = of(json!({"vg": "vg", "lv": "a", "size": "1100e", "pvs": "HF-DISK-1"}));
    assert!(small.contains("free are 1023 on /dev/vdb"), "{small}");
    let none = of(json!({"vg": "vg", "lv": "a", "size": "1g", "stripes": 2}));
    assert!(none.starts_with("`stripes` has no meaning for the volume vg/a"), "{none}");
    let over = json!({"vg": "vg", "lv": "a", "size": "150%VG"});
    assert!(crate::modules::find("lvol").unwrap().decode(over.as_object().unwrap()).is_err());
}

#[test]
fn all_that_is_free_is_what_can_be_spread() {
    let mut machine = machine();
    becomes(&mut machine, "lvol", &json!({"vg": "vg", "lv": "a", "type": "raid1", "size": "100%FREE"}));
    assert_eq!(free(&machine), 0);
    let group = &machine.lvm.as_ref().unwrap().groups["vg"];
    assert_eq!(group.logical["a"].extents, 2045);
}

#[test]
fn a_pool_takes_metadata_and_its_spare() {
    let mut machine = machine();
    let pool =
        json!({"vg": "vg", "thinpool": "pool", "size": "200e", "metadata_size": "8m", "chunk_size": "128K"});
    let shown = becomes(&mut machine, "lvol", &pool);
    assert!(
        shown.contains("--extents 200 --chunksize 128k --poolmetadatasize 8192k --poolmetadataspare y vg"),
        "{shown}"
    );
    // Measured: 1020 - 816.
    assert_eq!(4092 - free(&machine), 204);
    let thin = json!({"vg": "vg", "lv": "thin", "thinpool": "pool", "size": "1g", "overcommit": 200});
    let shown = becomes(&mut machine, "lvol", &thin);
    assert!(shown.contains("--virtualsize 1048576k --thinpool pool vg"), "{shown}");
    assert_eq!(4092 - free(&machine), 204);
    let more = json!({"vg": "vg", "lv": "more", "thinpool": "pool", "size": "1g", "overcommit": 200});
    let refusal = refused(&machine, "lvol", &more);
    assert!(refusal.starts_with("the thin volume vg/more would have the pool pool promise 256 % of its size, and 200 % is the limit"), "{refusal}");
    becomes(&mut machine, "lvol", &json!({"vg": "vg", "lv": "thin", "snapshot": "before"}));
    let live = refused(&machine, "lvol", &json!({"vg": "vg", "thinpool": "pool", "state": "absent"}));
    assert!(
        live.contains("other volumes live off vg/pool") && live.contains("vg/before, thin snapshot of thin"),
        "{live}"
    );
    let smaller = json!({"vg": "vg", "thinpool": "pool", "size": "100e", "force": true});
    assert!(refused(&machine, "lvol", &smaller).contains("a thin pool is never made smaller"));
    // The pool has no device that anybody could use.
    becomes(&mut machine, "lvol", &json!({"vg": "vg", "thinpool": "pool", "size": "300e"}));
    for name in ["before", "thin"] {
        becomes(&mut machine, "lvol", &json!({"vg": "vg", "lv": name, "state": "absent"}));
    }
    becomes(&mut machine, "lvol", &json!({"vg": "vg", "thinpool": "pool", "state": "absent"}));
    assert_eq!(free(&machine), 4092);
}

#[test]
fn a_pool_grows_by_itself_with_a_profile_of_its_own() {
    let mut machine = machine();
    let pool = json!({"vg": "vg", "lv": "pool", "type": "thin_pool", "size": "1g",
        "autoextend": {"threshold": 70, "percent": 20}});
    let shown = becomes(&mut machine, "lvol", &pool);
    assert!(shown.contains("write /etc/lvm/profile/holdfast-70-20.profile"), "{shown}");
    assert!(shown.contains("lvchange --metadataprofile holdfast-70-20 vg/pool"), "{shown}");
}

#[test]
fn a_snapshot_keeps_no_more_than_it_can_need() {
    let mut machine = machine();
    becomes(&mut machine, "lvol", &json!({"vg": "vg", "lv": "lin", "size": "100e"}));
    let snapshot = json!({"vg": "vg", "lv": "lin", "snapshot": "s", "size": "200e"});
    becomes(&mut machine, "lvol", &snapshot);
    // Measured: LVM cuts 200 extents to 101.
    assert_eq!(4092 - free(&machine), 201);
    let origin = json!({"vg": "vg", "lv": "lin", "size": "300e"});
    assert!(refused(&machine, "lvol", &origin).contains("s is a snapshot of it"));
    let merged = json!({"vg": "vg", "lv": "lin", "snapshot": "s", "state": "merged"});
    let planned = plan(&machine, "lvol", &merged).unwrap();
    assert!(Consent::default().covers(&planned).unwrap_err().token.unwrap().starts_with("merge:"));
    foresee(&mut machine, &planned);
    assert!(plan(&machine, "lvol", &merged).unwrap().is_empty());
    assert_eq!(4092 - free(&machine), 100);
}

#[test]
fn a_cache_is_safe_or_accepted() {
    let mut machine = machine();
    let cached =
        |cache: Value| json!({"vg": "vg", "lv": "data", "size": "100e", "pvs": "HF-DISK-1", "cache": cache});
    let through = cached(json!({"pvs": ["HF-DISK-4"], "size": "30e"}));
    let back = cached(json!({"pvs": ["HF-DISK-4"], "size": "30e", "mode": "writeback"}));
    let refusal = refused(&machine, "lvol", &back);
    assert!(refusal.contains("a writeback cache of vg/data on /dev/vde loses the volume"), "{refusal}");
    let shown = becomes(&mut machine, "lvol", &through);
    assert!(
        shown.contains(
            "lvconvert --yes --type cache --cachevol vg/data_cache --cachemode writethrough vg/data"
        ),
        "{shown}"
    );
    assert_eq!(4092 - free(&machine), 130);
    let mut accepted = back.clone();
    accepted["accept_risk"] = true.into();
    let shown = becomes(&mut machine, "lvol", &accepted);
    assert!(shown.contains("lvchange --cachemode writeback vg/data"), "{shown}");
    let bigger = json!({"vg": "vg", "lv": "data", "size": "200e"});
    assert!(refused(&machine, "lvol", &bigger).contains("is not made larger under its cache"));
    let shown = becomes(&mut machine, "lvol", &cached(json!({"state": "absent"})));
    assert!(shown.contains("lvconvert --yes --uncache vg/data"), "{shown}");
    assert_eq!(4092 - free(&machine), 100);
    let elsewhere = cached(json!({"pvs": ["/dev/vda1"], "size": "30e"}));
    assert!(refused(&machine, "lvol", &elsewhere).contains("/dev/vda1, and there is no such device"));
}

#[test]
fn a_writecache_has_its_module_where_the_host_boots_from() {
    let mut machine = machine();
    let args = json!({"vg": "vg", "lv": "data", "size": "100e", "pvs": "HF-DISK-1", "accept_risk": true,
        "cache": {"type": "writecache", "pvs": ["HF-DISK-4"], "size": "30e"}});
    becomes(&mut machine, "lvol", &json!({"vg": "vg", "lv": "data", "size": "100e", "pvs": "HF-DISK-1"}));
    let lvconvert = |settings: &str| {
        format!("lvconvert --yes --type writecache --cachevol vg/data_cache{settings} vg/data")
    };
    let planned = steps(&plan(&machine, "lvol", &args).unwrap());
    assert_eq!(planned[0], "write /etc/initramfs-tools/modules (14 bytes)");
    assert_eq!(planned[1], "update-initramfs -u -k all");
    assert_eq!(planned.last(), Some(&lvconvert("")));
    // What is in sectors of 512 bytes stays so.
    holding(&mut machine, "data", Content::Unknown { why: "a guest's".into() });
    let planned = steps(&plan(&machine, "lvol", &args).unwrap());
    assert_eq!(planned.last(), Some(&lvconvert(" --cachesettings block_size=512")));
    machine.block.as_mut().unwrap().devices.get_mut("/dev/vg/data").unwrap().sector = 4096;
    let planned = steps(&plan(&machine, "lvol", &args).unwrap());
    assert_eq!(planned.last(), Some(&lvconvert(" --cachesettings block_size=4096")));
    machine.block.as_mut().unwrap().devices.remove("/dev/vg/data");
    let planned = steps(&plan(&machine, "lvol", &args).unwrap());
    assert_eq!(planned.last(), Some(&lvconvert(" --cachesettings block_size=512")));
    let mut dracut = machine.clone();
    let program = dracut.files.seen.remove("/usr/sbin/update-initramfs").unwrap();
    dracut.files.seen.insert("/usr/bin/dracut".into(), program);
    assert!(refused(&dracut, "lvol", &args).contains("`dracut` makes its initramfs"));
    becomes(&mut machine, "lvol", &args);
    // One that had it before, written otherwise.
    let path = "/etc/initramfs-tools/modules";
    let text = FileState::expected(Kind::File, 0o644, 0, 0, Some(b"# mine\ndm-writecache\n".to_vec()));
    machine.files.seen.insert(path.into(), Some(text));
    assert!(plan(&machine, "lvol", &args).unwrap().is_empty());
}

#[test]
fn an_ext4_is_made_smaller_before_its_volume() {
    let mut machine = machine();
    becomes(&mut machine, "lvol", &json!({"vg": "vg", "lv": "data", "size": "400m"}));
    holding(&mut machine, "data", file_system("ext4", 400 * MIB, 50 * MIB));
    mounted(&mut machine, "/dev/vg/data", "/srv/data");
    let with = |more: &[&str]| {
        let mut args = json!({"vg": "vg", "lv": "data", "size": "200m"});
        for key in more {
            args[*key] = true.into();
        }
        args
    };
    assert!(refused(&machine, "lvol", &with(&[])).contains("`force: true` asks for it"));
    assert!(
        refused(&machine, "lvol", &with(&["force"]))
            .contains("`resizefs: true` makes the file system smaller")
    );
    machine.least.insert("/dev/vg/data".into(), Ok(60 * MIB));
    let refusal = refused(&machine, "lvol", &with(&["force", "resizefs"]));
    assert!(refusal.contains("is mounted at /srv/data, and has to be unmounted"), "{refusal}");
    assert!(refusal.contains("vg/data has 400 MiB, and is not made smaller to 200 MiB"), "{refusal}");
    let all = with(&["force", "resizefs", "allow_offline"]);
    machine.least.insert("/dev/vg/data".into(), Ok(201 * MIB));
    let refusal = refused(&machine, "lvol", &all);
    assert!(refusal.contains("it needs 201 MiB at least"), "{refusal}");
    machine.least.insert("/dev/vg/data".into(), Ok(60 * MIB));
    let planned = plan(&machine, "lvol", &all).unwrap();
    assert!(Consent { act: true, tokens: vec![] }.covers(&planned).is_ok());
    assert_eq!(
        steps(&planned),
        [
            "confirm /dev/vg/data is the same",
            "umount /srv/data",
            "e2fsck -f -p /dev/vg/data",
            "resize2fs /dev/vg/data 204800K",
            "mount --types ext4 --options rw,noatime --source /dev/vg/data --target /srv/data",
            "confirm the ext4 on /dev/vg/data ends within 200 MiB",
            "lvreduce --yes --force --extents 50 vg/data",
        ]
    );
    becomes(&mut machine, "lvol", &all);
    assert_eq!(4092 - free(&machine), 50);
    let found = machine.block.as_ref().unwrap().devices["/dev/vg/data"].content.clone();
    assert_eq!(found, file_system("ext4", 200 * MIB, 50 * MIB));
}

#[test]
fn a_btrfs_gets_smaller_while_it_is_mounted_and_a_swap_area_is_made_again() {
    let mut machine = machine();
    becomes(&mut machine, "lvol", &json!({"vg": "vg", "lv": "data", "size": "400m"}));
    holding(&mut machine, "data", file_system("btrfs", 400 * MIB, 50 * MIB));
    machine.least.insert("/dev/vg/data".into(), Ok(150 * MIB));
    let args = json!({"vg": "vg", "lv": "data", "size": "200m", "force": true, "resizefs": true});
    assert!(refused(&machine, "lvol", &args).contains("only while it is mounted"));
    mounted(&mut machine, "/dev/vg/data", "/srv/data");
    let lvreduce = "lvreduce --yes --force --extents 50 vg/data";
    let smaller = "btrfs filesystem resize 1:209715200 /srv/data";
    let same = "confirm /dev/vg/data is the same";
    assert_eq!(
        steps(&plan(&machine, "lvol", &args).unwrap()),
        [same, smaller, "confirm the btrfs on /dev/vg/data ends within 200 MiB", lvreduce]
    );
    machine.mounts.as_mut().unwrap().live.pop();
    holding(&mut machine, "data", file_system("swap", 400 * MIB, 0));
    let again = steps(&plan(&machine, "lvol", &args).unwrap());
    assert!(again[1].starts_with("mkswap") && again[3] == lvreduce, "{again:?}");
}

#[test]
fn stripes_and_images_get_smaller_alike() {
    for (kind, takes, left) in [("striped", 100, 50), ("raid1", 202, 102), ("raid5", 153, 78)] {
        let mut machine = machine();
        let args = |size: &str| json!({"vg": "vg", "lv": "data", "type": kind, "size": size, "force": true});
        becomes(&mut machine, "lvol", &args("100e"));
        assert_eq!(4092 - free(&machine), takes, "{kind}");
        becomes(&mut machine, "lvol", &args("50e"));
        assert_eq!(4092 - free(&machine), left, "{kind}");
        let group = &machine.lvm.as_ref().unwrap().groups["vg"];
        let places: std::collections::BTreeSet<u64> =
            group.logical["data"].places.values().copied().collect();
        assert_eq!(places.len(), 1, "{kind}: {places:?}");
    }
}

#[test]
fn nothing_is_cut_into() {
    let mut machine = machine();
    becomes(&mut machine, "lvol", &json!({"vg": "vg", "lv": "data", "size": "400m"}));
    let args = json!({"vg": "vg", "lv": "data", "size": "200m", "force": true, "resizefs": true, "allow_offline": true});
    // Blank, there is nothing to cut into.
    assert!(plan(&machine, "lvol", &args).unwrap().actions[0].change.token.is_none());
    holding(&mut machine, "data", file_system("xfs", 400 * MIB, MIB));
    let refusal = refused(&machine, "lvol", &args);
    assert!(
        refusal.contains("cannot be made smaller, no xfs can") && refusal.contains("xfsdump"),
        "{refusal}"
    );
    holding(&mut machine, "data", file_system("ntfs", 400 * MIB, MIB));
    assert!(refused(&machine, "lvol", &args).contains("not supported yet"));
    // A file system that was made smaller before leaves an end that nothing is on.
    holding(&mut machine, "data", file_system("xfs", 200 * MIB, MIB));
    assert!(plan(&machine, "lvol", &args).unwrap().actions[0].change.token.is_none());
    holding(&mut machine, "data", Content::Unknown { why: "x".into() });
    let planned = plan(&machine, "lvol", &args).unwrap();
    let refusal = Consent { act: true, tokens: vec![] }.covers(&planned).unwrap_err();
    assert_eq!(refusal.token.as_deref(), Some("shrink:lv-id"));
    let left = json!({"vg": "vg", "lv": "data", "size": "200m", "shrink": false});
    assert!(plan(&machine, "lvol", &left).unwrap().is_empty());
}

#[test]
fn an_unmounted_ext4_is_checked_and_grows() {
    let mut machine = machine();
    becomes(&mut machine, "lvol", &json!({"vg": "vg", "lv": "data", "size": "200m"}));
    holding(&mut machine, "data", file_system("ext4", 200 * MIB, MIB));
    let shown =
        becomes(&mut machine, "lvol", &json!({"vg": "vg", "lv": "data", "size": "400m", "resizefs": true}));
    assert!(
        shown.contains("e2fsck -f -p /dev/vg/data") && shown.contains("resize2fs /dev/vg/data"),
        "{shown}"
    );
}

#[test]
fn another_volume_of_that_name_stays() {
    let mut machine = machine();
    becomes(&mut machine, "lvol", &json!({"vg": "vg", "lv": "data", "size": "100e"}));
    let raid = json!({"vg": "vg", "lv": "data", "size": "100e", "type": "raid1"});
    assert!(refused(&machine, "lvol", &raid).starts_with("the volume vg/data is linear, not raid1 of 2"));
    let thin = json!({"vg": "vg", "lv": "data", "thinpool": "pool", "size": "1g"});
    assert!(refused(&machine, "lvol", &thin).starts_with("the volume vg/data is linear, not a thin volume"));
    let tagged = json!({"vg": "vg", "lv": "data", "tags": ["x"]});
    assert!(becomes(&mut machine, "lvol", &tagged).contains("lvchange --addtag x vg/data"));
    let twice = json!({"vg": "vg", "lv": "data", "snapshot": "data", "size": "1e"});
    assert!(refused(&machine, "lvol", &twice).contains("cannot be a snapshot of itself"));
}
