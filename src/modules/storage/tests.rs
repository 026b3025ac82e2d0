//! The role's variables on a machine with blank disks: made, kept, grown, taken away, and refused by name.

use serde_json::{Value, json};

use crate::exec::Kind;
use crate::machine::Machine;
use crate::machine::block::{Content, FileSystem, Uuid};
use crate::machine::files::FileState;
use crate::machine::swap::Memory;
use crate::modules::find;
use crate::modules::fixture::{becomes, foresee, host, plan, refused, shown};
use crate::plan::Consent;
use crate::units::GIB;

fn machine() -> Machine {
    let mut machine = host(6);
    machine.memory = Some(Memory { available: GIB });
    let key = FileState::expected(Kind::File, 0o400, 0, 0, None);
    machine.files.seen.insert("/etc/keys/box".to_owned(), Some(key));
    machine
}

/// Nearly the example of the role's README.
fn example() -> Value {
    json!({
        "pools": [{
            "name": "app", "disks": ["vdb", "vdc"],
            "volumes": [
                {"name": "shared", "size": "2 GiB", "mount_point": "/srv/shared", "state": "present"},
                {"name": "users", "size": "50%", "fs_type": "ext4", "mount_point": "/srv/users", "mount_mode": "0750"},
            ],
        }],
        "volumes": [
            {"name": "images", "type": "disk", "disks": ["vdd"], "mount_point": "/srv/images", "fs_label": "images"},
            {"name": "pair", "type": "raid", "raid_level": "raid1", "disks": ["vde", "/dev/vdf"], "fs_type": "ext4",
             "mount_point": "/srv/pair", "raid_metadata_version": "1.2"},
        ],
        // As the role's own defaults are written.
        "pool_defaults": {"state": "present", "type": "lvm", "encryption": false, "raid_level": null},
        "volume_defaults": {"state": "present", "type": "lvm", "fs_label": "", "size": 0, "mount_options": "defaults"},
    })
}

fn wrong(args: &Value) -> String {
    let bad = find("storage").unwrap().decode(args.as_object().unwrap()).err().expect("it was taken");
    bad.into_iter().map(|one| one.message).collect()
}

fn pool(more: &Value) -> Value {
    let mut pool = json!({"name": "app", "disks": ["vdb", "vdc"]});
    pool.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "pools": [pool] })
}

#[test]
fn the_example_is_made_kept_grown_and_taken_away() {
    let mut machine = machine();
    let mut args = example();
    let mut text = becomes(&mut machine, "storage", &args);
    args["pools"][0]["volumes"][0]["size"] = json!("3g");
    text += &becomes(&mut machine, "storage", &args);
    insta::assert_snapshot!(text);

    // Smaller is refused; nothing of what is not spoken of is touched.
    args["pools"][0]["volumes"][0]["size"] = json!("1g");
    let smaller = refused(&machine, "storage", &args);
    assert!(smaller.contains("is not made smaller"), "{smaller}");
    let only = json!({"pools": [{"name": "app", "volumes": [{"name": "users", "state": "absent"}]}]});
    let planned = plan(&machine, "storage", &only).unwrap();
    assert!(Consent::default().covers(&planned).is_err());
    becomes(&mut machine, "storage", &only);

    let gone = json!({
        "pools": [{"name": "app", "state": "absent", "disks": ["vdb", "vdc"]}],
        "volumes": [
            {"name": "images", "type": "disk", "disks": ["vdd"], "state": "absent"},
            {"name": "pair", "type": "raid", "state": "absent"},
        ],
    });
    becomes(&mut machine, "storage", &gone);
    let devices = &machine.block.as_ref().unwrap().devices;
    assert_eq!(devices.len(), 6);
    assert!(devices.values().all(|device| matches!(device.content, Content::Blank { table: false })));
    assert!(machine.mounts.as_ref().unwrap().fstab.is_empty());
}

#[test]
fn pools_on_arrays_containers_and_partitions() {
    let mut machine = machine();
    let mut args = json!({"use_partitions": true, "pools": [{
        "name": "app", "disks": ["vdb", "vdc", "vdd"], "raid_level": "raid1", "raid_spare_count": 1,
        "encryption": true, "encryption_password": "correct horse",
        "volumes": [
            {"name": "fast", "size": "1g", "cached": true, "cache_size": "200m", "cache_devices": []},
        ],
    }]});
    assert!(wrong(&args).contains("`cached` of the volume fast needs `cache_size` and `cache_devices`"));
    args["pools"][0]["volumes"] = json!([
        {"name": "swap", "size": "100m", "fs_type": "swap"},
        {"name": "raw", "size": "100m", "fs_type": "unformatted"},
        {"name": "thin", "thin": true, "thin_pool_name": "pool", "thin_pool_size": "1g", "size": "4g"},
        {"name": "inner", "size": "400m", "encryption": true, "encryption_key": "/etc/keys/box"},
    ]);
    let text = becomes(&mut machine, "storage", &args);
    assert!(text.contains("spare") && text.contains("swapon") && !text.contains("correct horse"), "{text}");
    let devices = &machine.block.as_ref().unwrap().devices;
    for path in [
        "/dev/vdb1",
        "/dev/md/app-1",
        "/dev/mapper/luks-app-1",
        "/dev/app/thin",
        "/dev/mapper/luks-app-inner",
    ] {
        assert!(devices.contains_key(path), "{path} is missing:\n{text}");
    }
    let entry = find("storage").unwrap();
    let secrets: Vec<String> = entry.secrets(args.as_object().unwrap()).collect();
    assert!(secrets.iter().any(|secret| secret == "correct horse"));
    // Said without its layers, it keeps them.
    let less = json!({"pools": [{"name": "app", "disks": ["vdb", "vdc", "vdd"]}]});
    let again = plan(&machine, "storage", &less).unwrap();
    assert!(again.is_empty(), "{}", shown(&again));
    let mut gone = args.clone();
    gone["pools"][0]["state"] = json!("absent");
    becomes(&mut machine, "storage", &gone);
    let devices = &machine.block.as_ref().unwrap().devices;
    assert!(
        devices.len() == 6 && devices.values().all(|device| matches!(device.content, Content::Blank { .. }))
    );
}

#[test]
fn volumes_over_several_disks_and_partitions_of_one() {
    let mut machine = machine();
    let args = pool(&json!({"volumes": [
        {"name": "mirror", "raid_level": "raid1", "raid_disks": ["vdb", "vdc"], "size": "1g"},
        {"name": "wide", "raid_level": "striped", "raid_disks": ["vdb", "vdc"], "raid_stripe_size": "128 KiB", "size": "1g"},
    ]}));
    let text = becomes(&mut machine, "storage", &args);
    assert!(text.contains("raid1") && text.contains("striped") || text.contains("--stripes 2"), "{text}");
    let args = json!({"pools": [{"name": "parts", "type": "partition", "disks": ["vdd"], "volumes": [
        {"name": "one", "size": "1g", "fs_type": "ext4"}, {"name": "two", "size": "100%", "fs_type": "swap"},
    ]}]});
    becomes(&mut machine, "storage", &args);
    assert!(machine.mounts.as_ref().unwrap().swapping("/dev/vdd2").is_some());
}

#[test]
fn a_share_that_lacks_two_percent_takes_what_is_there() {
    let mut machine = machine();
    let share =
        |size: &str| pool(&json!({"volumes": [{"name": "a", "size": size}, {"name": "b", "size": "4 GiB"}]}));
    becomes(&mut machine, "storage", &share("50%"));
    let mut other = host(6);
    other.memory = machine.memory;
    let much = refused(&other, "storage", &share("60%"));
    assert!(much.starts_with("the volume app/b needs 4 GiB"), "{much}");
}

#[test]
fn old_content_takes_consent_and_without_safe_mode_what_is_named_has_it() {
    let mut machine = machine();
    let old = FileSystem { uuid: Uuid::Known("ab".into()), used: Some(GIB), ..FileSystem::new("ext4") };
    let devices = &mut machine.block.as_mut().unwrap().devices;
    devices.get_mut("/dev/vdc").unwrap().content = Content::FileSystem(old.clone());
    devices.get_mut("/dev/vdd").unwrap().content = Content::FileSystem(old);
    let volume = json!({"name": "d", "type": "disk", "disks": ["vdd"], "fs_type": "xfs"});
    let mut args = pool(&json!({}));
    args["volumes"] = json!([volume]);
    let safe = plan(&machine, "storage", &args).unwrap();
    let said = Consent::default().covers(&safe).unwrap_err().to_string();
    assert!(said.contains("format:HF-DISK-2") && said.contains("format:HF-DISK-3"), "{said}");
    args["safe_mode"] = json!(false);
    let free = plan(&machine, "storage", &args).unwrap();
    assert!(Consent::default().covers(&free).is_ok());
    args["volumes"][0]["fs_overwrite_existing"] = json!(false);
    let kept = plan(&machine, "storage", &args).unwrap();
    let said = Consent::default().covers(&kept).unwrap_err();
    assert_eq!(said.token.as_deref(), Some("format:HF-DISK-3"));

    // A pool that goes takes consent for volumes that are not named.
    let made = pool(
        &json!({"disks": ["vdb"], "volumes": [{"name": "a", "size": "1g"}, {"name": "b", "size": "1g"}]}),
    );
    becomes(&mut machine, "storage", &made);
    let mut gone = pool(&json!({"state": "absent", "volumes": [{"name": "a"}]}));
    gone["safe_mode"] = json!(false);
    let planned = plan(&machine, "storage", &gone).unwrap();
    let said = Consent::default().covers(&planned).unwrap_err();
    assert!(said.title.starts_with("logical volume app/b would be destroyed"), "{said}");
    foresee(&mut machine, &planned);
    assert!(plan(&machine, "storage", &gone).unwrap().is_empty());
}

#[test]
fn what_is_there_keeps_what_is_not_spoken_of() {
    let mut machine = machine();
    let made = |fs: &str| pool(&json!({"volumes": [{"name": "a", "size": "1g", "fs_type": fs}]}));
    becomes(&mut machine, "storage", &made("ext4"));
    let mut silent = pool(&json!({"volumes": [{"name": "a"}]}));
    silent["volume_defaults"] = json!({"fs_type": "btrfs", "size": "3g"});
    assert!(plan(&machine, "storage", &silent).unwrap().is_empty());
    let fewer = refused(&machine, "storage", &json!({"pools": [{"name": "app", "disks": ["vdb"]}]}));
    assert!(fewer.starts_with("the pool app has devices that `disks` does not name"), "{fewer}");
    let mounted = |options: &str| {
        pool(&json!({"volumes": [{"name": "a", "mount_point": "/srv/a", "mount_options": options}]}))
    };
    becomes(&mut machine, "storage", &mounted("noatime"));
    assert!(plan(&machine, "storage", &mounted("")).unwrap().is_empty(), "options nobody spoke of changed");
    let elsewhere = pool(&json!({"volumes": [{"name": "a", "mount_point": "/srv/b"}]}));
    assert!(becomes(&mut machine, "storage", &elsewhere).starts_with("- mount /srv/a"));
    assert!(
        becomes(&mut machine, "storage", &pool(&json!({"volumes": [{"name": "a", "mount_point": "none"}]})))
            .contains("umount /srv/b")
    );
    // Disks that are not there are an error, as everywhere.
    let lost = refused(&machine, "storage", &json!({"pools": [{"name": "new", "disks": ["sdz"]}]}));
    assert!(lost.starts_with("the pool new needs sdz, and there is no such device"), "{lost}");
}

#[test]
fn what_cannot_be_done_is_named_before_any_host_is_touched() {
    for (pools, said) in [
        (json!({"volums": []}), "has no key `volums`; did you mean `volumes`?"),
        (json!({"type": "stratis"}), "`type: stratis` of the pool app is not supported"),
        (json!({"shared": true}), "`shared` of the pool app is not supported"),
        (json!({"raid_level": "raid4"}), "`raid_level: raid4` of the pool app is not supported"),
        (json!({"raid_device_count": 2}), "is for `raid_level`, which is not given"),
        (json!({"raid_level": "raid5", "raid_device_count": 3}), "do not fit its 2 disks"),
        (json!({"encryption": true}), "needs `encryption_password` or `encryption_key`"),
        (
            json!({"encryption_tang_url": "http://x"}),
            "`encryption_tang_url` of the pool app is not supported",
        ),
        (json!({"volumes": [{"name": "a", "mount_pont": "/x"}]}), "did you mean `mount_point`?"),
        (json!({"volumes": [{"name": "a", "compression": true}]}), "`compression` of the volume a: VDO"),
        (json!({"volumes": [{"name": "a", "vdo_pool_size": "1g"}]}), "`vdo_pool_size`"),
        (json!({"volumes": [{"name": "a", "fs_label": "much-too-long-for-xfs"}]}), "is too long for xfs"),
        (json!({"volumes": [{"name": "a", "fs_type": "reiserfs"}]}), "the volume a: "),
        (json!({"volumes": [{"name": "a", "size": "150%"}]}), "`150%` is no share of a pool"),
        (json!({"volumes": [{"name": "a", "size": "much"}]}), "`much` is no size"),
        (json!({"volumes": [{"name": "a", "mount_point": "srv"}]}), "is no absolute path"),
        (
            json!({"volumes": [{"name": "a", "mount_device_identifier": "label"}]}),
            "`mount_device_identifier`",
        ),
        (json!({"volumes": [{"name": "a"}, {"name": "a"}]}), "has two volumes called `a`"),
        (json!({"volumes": [{"name": "a", "type": "disk"}]}), "does not fit the pool app"),
    ] {
        let message = wrong(&pool(&pools));
        assert!(message.contains(said), "{said} is not in {message}");
    }
    for (args, said) in [
        (
            json!({"volumes": [{"name": "a", "disks": ["vdb"]}]}),
            "a volume that is in no pool is a `disk` or a `raid`",
        ),
        (
            json!({"volumes": [{"name": "a", "type": "disk", "disks": ["vdb"], "thin": true}]}),
            "`thin` of the volume a is for logical volumes",
        ),
        (
            json!({"volumes": [{"name": "a", "type": "disk", "disks": ["vdb", "vdc"]}]}),
            "it is on one disk, and 2 are given",
        ),
        (json!({"provider": "other"}), "`storage_provider: other` is not supported"),
        (json!({"pool_defaults": {"tipe": "lvm"}}), "did you mean `type`?"),
    ] {
        let message = wrong(&args);
        assert!(message.contains(said), "{said} is not in {message}");
    }
    let secret = wrong(&json!({"pools": [{"name": "a", "encryption_password": ["hunter2"]}]}));
    assert!(!secret.contains("hunter2"), "{secret}");
}
