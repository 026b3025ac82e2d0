//! Plans on machines: each kind made, named, grown and made smaller, and what is refused.

use serde_json::{Value, json};

use super::super::find;
use super::super::fixture::{becomes, disk, host, plan, refused};
use crate::machine::Machine;
use crate::machine::block::{Content, Device, FileSystem, Uuid};
use crate::machine::mounts::{FstabEntry, Live};
use crate::machine::swap::Area;
use crate::plan::{Consent, Risk};
use crate::units::{GIB, MIB};

const UUID: &str = "11111111-2222-3333-4444-555555555555";
const OTHER: &str = "21111111-2222-3333-4444-555555555555";

/// A disk of 4 GiB that holds a file system of 1 GiB.
fn holding(kind: &str) -> Machine {
    let mut machine = host(2);
    let mut found = FileSystem {
        uuid: Uuid::Known(UUID.into()),
        size: Some(GIB),
        used: Some(300 * MIB),
        ..FileSystem::new(kind)
    };
    found.put("device", &1);
    device(&mut machine).content = Content::FileSystem(found);
    machine
}

fn device(machine: &mut Machine) -> &mut Device {
    machine.block.as_mut().unwrap().devices.get_mut("/dev/vdb").unwrap()
}

fn mounted(mut machine: Machine, kind: &str) -> Machine {
    let live = Live {
        target: "/srv/x".into(),
        source: "/dev/vdb".into(),
        fstype: kind.into(),
        options: vec!["rw".into(), "noatime".into(), "seclabel".into()],
        root: "/".into(),
    };
    machine.mounts.as_mut().unwrap().live.push(live);
    machine
}

fn asks(kind: &str, more: &Value) -> Value {
    let mut args = json!({"dev": "HF-DISK-1", "fstype": kind});
    args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    args
}

fn bad(kind: &str, more: &Value) -> String {
    let args = asks(kind, more);
    match find("filesystem").unwrap().decode(args.as_object().unwrap()) {
        Ok(_) => panic!("{args} was taken"),
        Err(bad) => bad[0].message.clone(),
    }
}

#[test]
fn every_kind_is_made_under_its_name_and_renamed() {
    let mut text = String::new();
    for kind in ["xfs", "ext4", "ext3", "ext2", "btrfs", "vfat", "swap", "f2fs"] {
        let mut machine = host(1);
        let (uuid, other) = if kind == "vfat" { ("ab12-cd34", "1234ABCD") } else { (UUID, OTHER) };
        text.push_str(&becomes(
            &mut machine,
            "filesystem",
            &asks(kind, &json!({"label": "ONE", "uuid": uuid})),
        ));
        text.push_str(&becomes(&mut machine, "filesystem", &asks(kind, &json!({"label": "TWO"}))));
        text.push_str(&becomes(&mut machine, "filesystem", &asks(kind, &json!({"label": ""}))));
        if kind != "f2fs" {
            text.push_str(&becomes(&mut machine, "filesystem", &asks(kind, &json!({"uuid": other}))));
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_mounted_one_is_renamed_where_its_tools_can() {
    let label = json!({"label": "TWO"});
    for (kind, command) in [
        ("xfs", "xfs_io -c 'label -s TWO' /srv/x"),
        ("ext3", "tune2fs -L TWO /dev/vdb"),
        ("btrfs", "btrfs filesystem label /srv/x TWO"),
    ] {
        let text = becomes(&mut mounted(holding(kind), kind), "filesystem", &asks(kind, &label));
        assert!(text.contains(command), "{text}");
    }
    for kind in ["vfat", "f2fs"] {
        let text = refused(&mounted(holding(kind), kind), "filesystem", &asks(kind, &label));
        let start =
            format!("the label of the {kind} on /dev/vdb cannot be changed while it is mounted at /srv/x");
        assert!(text.starts_with(&start), "{text}");
    }
    let mut swapping = holding("swap");
    swapping.mounts.as_mut().unwrap().swaps.push(Area {
        path: "/dev/vdb".into(),
        size: GIB,
        used: 0,
        priority: None,
    });
    let text = refused(&swapping, "filesystem", &asks("swap", &label));
    assert!(
        text.starts_with("the label of the swap on /dev/vdb cannot be changed while it is swapped to"),
        "{text}"
    );
    for kind in ["xfs", "ext4", "btrfs"] {
        let text = refused(&mounted(holding(kind), kind), "filesystem", &asks(kind, &json!({"uuid": OTHER})));
        assert!(text.contains("cannot be changed while it is mounted at /srv/x"), "{text}");
    }
}

#[test]
fn a_uuid_that_is_taken_or_fixed_is_refused_and_fstab_is_mentioned() {
    let mut machine = holding("ext4");
    let taken = Device { content: device(&mut machine).content.clone(), ..disk(2) };
    machine.block.as_mut().unwrap().devices.insert("/dev/vdc".into(), taken);
    device(&mut machine).content = Content::Blank { table: false };
    let text = refused(&machine, "filesystem", &asks("ext4", &json!({"uuid": UUID})));
    assert!(
        text.contains("HF-DISK-2") && text.contains("has it already, and holds file system ext4"),
        "{text}"
    );
    let text = refused(&holding("f2fs"), "filesystem", &asks("f2fs", &json!({"uuid": OTHER})));
    assert!(text.starts_with("the UUID of the f2fs on /dev/vdb is fixed"), "{text}");
    let mut machine = holding("xfs");
    machine.mounts.as_mut().unwrap().fstab.push(FstabEntry {
        spec: format!("UUID={UUID}"),
        path: "/srv/x".into(),
        fstype: "xfs".into(),
        options: "defaults".into(),
        dump: 0,
        pass: 0,
        line: String::new(),
    });
    let text = becomes(&mut machine, "filesystem", &asks("xfs", &json!({"uuid": OTHER.to_uppercase()})));
    assert!(text.contains("fstab names it by its old UUID for /srv/x"), "{text}");
}

#[test]
fn what_is_wrong_is_said_before_any_host_is_touched() {
    for (kind, more, says) in [
        ("xfs", json!({"label": "thirteenbytes"}), "it has 13 bytes, and 12 are possible"),
        ("ext2", json!({"label": "a b"}), "has blanks or control characters"),
        ("ext2", json!({"label": "-n"}), "begins with `-`"),
        ("vfat", json!({"label": "small"}), "capitals"),
        ("swap", json!({"label": "sixteen letters!"}), "15 are possible"),
        ("xfs", json!({"uuid": "generate"}), "`generate` is no UUID"),
        ("vfat", json!({"uuid": UUID}), "is no UUID of vfat: `ABCD-1234`"),
        ("btrfs", json!({"opts": "/dev/vdc"}), "`/dev/vdc` is no option of mkfs.btrfs"),
        ("btrfs", json!({"opts": "-f"}), "it is never forced"),
        ("ext4", json!({"opts": "-Fq"}), "it is never forced"),
        ("ext4", json!({"opts": "-E lazy_itable_init=0,offset=5"}), "it begins where the device begins"),
        ("xfs", json!({"opts": "-l logdev=/dev/vdc"}), "devices beside `dev` are not supported yet"),
        ("vfat", json!({"size": "1g"}), "`size` is not supported for vfat"),
        ("xfs", json!({"size": "1g", "resizefs": true}), "contradict each other"),
        ("xfs", json!({"ext": {"reserved": 1}}), "`ext` is given, and the file system is xfs"),
        ("ext4", json!({"xfs": {"reflink": true}}), "`xfs` is given, and the file system is ext4"),
        ("xfs", json!({"xfs": {"log_size": "16m"}}), "a log of 16 MiB is not possible"),
        ("xfs", json!({"xfs": {"inode_size": 100}}), "inodes of 100 bytes are not possible"),
        ("ext4", json!({"ext": {"reserved": 51}}), "51 percent cannot be reserved"),
        ("ext4", json!({"ext": {"check_interval": "30x"}}), "`30x` is no time between checks"),
        ("zfs", json!({}), "unknown variant `zfs`"),
        ("xfs", json!({"size": "much"}), "`much` is no size"),
    ] {
        let text = bad(kind, &more);
        assert!(text.contains(says), "{text}");
    }
    let none = find("filesystem").unwrap().decode(json!({"dev": "x"}).as_object().unwrap());
    assert!(none.err().unwrap()[0].message.contains("which file system x shall hold is not given"));
    assert!(
        find("filesystem")
            .unwrap()
            .decode(json!({"dev": "x", "state": "absent"}).as_object().unwrap())
            .is_ok()
    );
}

#[test]
fn too_small_is_refused_with_numbers() {
    for (kind, size, says) in [
        ("xfs", 299 * MIB, "it has 299 MiB, and xfs needs 300 MiB"),
        ("btrfs", 100 * MIB, "it has 100 MiB, and btrfs needs 109 MiB"),
        ("f2fs", 40 * MIB, "it has 40 MiB, and f2fs needs 52 MiB"),
    ] {
        let mut machine = host(1);
        device(&mut machine).size = size;
        let text = refused(&machine, "filesystem", &asks(kind, &json!({})));
        assert!(
            text.starts_with(&format!("/dev/vdb is too small for {kind}")) && text.contains(says),
            "{text}"
        );
    }
    let text = refused(&host(1), "filesystem", &asks("xfs", &json!({"size": "5g"})));
    assert!(
        text.starts_with("/dev/vdb (HF-DISK-1, 4 GiB) is too small for a file system of 5 GiB"),
        "{text}"
    );
    let text = refused(&host(1), "filesystem", &asks("xfs", &json!({"size": "200m"})));
    assert!(text.contains("it has 200 MiB, and xfs needs 300 MiB"), "{text}");
}

#[test]
fn what_holds_something_else_takes_consent_and_what_is_in_use_takes_none() {
    for kind in ["ext4", "swap"] {
        let machine = holding(kind);
        let plan = plan(&machine, "filesystem", &asks("xfs", &json!({"force": true}))).unwrap();
        assert_eq!(Consent::default().covers(&plan).unwrap_err().token.as_deref(), Some("format:HF-DISK-1"));
    }
    let mut swapping = holding("swap");
    swapping.mounts.as_mut().unwrap().swaps.push(Area {
        path: "/dev/vdb".into(),
        size: GIB,
        used: 0,
        priority: None,
    });
    for args in [asks("xfs", &json!({"force": true})), json!({"dev": "/dev/vdb", "state": "absent"})] {
        let text = refused(&swapping, "filesystem", &args);
        assert!(text.starts_with("/dev/vdb is in use: it is swapped to"), "{text}");
        assert!(text.contains("holds a swap area"), "{text}");
    }
    let text = becomes(&mut holding("swap"), "filesystem", &json!({"dev": "/dev/vdb", "state": "absent"}));
    assert!(text.contains("wipefs --all /dev/vdb"), "{text}");
}

#[test]
fn growing_is_online_offline_or_not_at_all() {
    let resizefs = json!({"resizefs": true});
    for (kind, command) in [
        ("xfs", "xfs_growfs -d /srv/x"),
        ("ext4", "resize2fs /dev/vdb"),
        ("ext2", "resize2fs /dev/vdb"),
        ("btrfs", "btrfs filesystem resize 1:max /srv/x"),
    ] {
        let text = becomes(&mut mounted(holding(kind), kind), "filesystem", &asks(kind, &resizefs));
        assert_eq!(
            text,
            format!("~ file system /dev/vdb \n    confirm /dev/vdb is the same\n    {command}\n")
        );
    }
    let unmounted = |kind: &str| becomes(&mut holding(kind), "filesystem", &asks(kind, &resizefs));
    assert!(unmounted("ext3").contains("    e2fsck -f -p /dev/vdb\n    resize2fs /dev/vdb\n"));
    assert!(unmounted("f2fs").contains("    resize.f2fs /dev/vdb\n"));
    assert!(unmounted("swap").contains("    mkswap --uuid '@{uuid:/dev/vdb}' /dev/vdb\n"));
    for (machine, kind, says) in [
        (holding("xfs"), "xfs", "xfs grows only while it is mounted"),
        (holding("btrfs"), "btrfs", "the size of a btrfs changes only while it is mounted"),
        (holding("vfat"), "vfat", "the size of the vfat on /dev/vdb cannot be changed"),
        (mounted(holding("f2fs"), "f2fs"), "f2fs", "cannot be changed while it is mounted"),
    ] {
        let text = refused(&machine, "filesystem", &asks(kind, &resizefs));
        assert!(text.contains(says), "{text}");
    }
}

#[test]
fn what_cannot_be_grown_is_not_passed_over() {
    let mut machine = holding("ntfs");
    let ntfs = device(&mut machine).clone();
    let refusal = super::grow(&machine, &ntfs).unwrap_err();
    assert_eq!(refusal.title, "growing the ntfs on /dev/vdb is not supported yet");
    let unknown = Device { content: Content::FileSystem(FileSystem::new("btrfs")), ..ntfs };
    assert!(
        super::grow(&machine, &unknown).unwrap_err().title.contains("how large the btrfs on /dev/vdb is")
    );
}

#[test]
fn a_size_is_reached_from_below_and_from_above() {
    let size = json!({"size": "2g"});
    let text = becomes(&mut mounted(holding("xfs"), "xfs"), "filesystem", &asks("xfs", &size));
    assert!(text.contains("xfs_growfs -D 524288 /srv/x"), "{text}");
    let text = becomes(&mut holding("ext4"), "filesystem", &asks("ext4", &size));
    assert!(text.contains("resize2fs /dev/vdb 2097152K"), "{text}");
    let text = becomes(&mut host(1), "filesystem", &asks("ext4", &size));
    assert!(text.contains("mkfs.ext4 -q -b 4096 /dev/vdb 2097152K"), "{text}");
    let text = becomes(&mut host(1), "filesystem", &asks("xfs", &size));
    assert!(text.contains("mkfs.xfs -q -d size=2147483648 /dev/vdb"), "{text}");

    let mut machine = mounted(holding("btrfs"), "btrfs");
    machine.least.insert("/dev/vdb".into(), Ok(400 * MIB));
    let text = becomes(&mut machine, "filesystem", &asks("btrfs", &json!({"size": "500m"})));
    assert!(text.contains("btrfs filesystem resize 1:524288000 /srv/x"), "{text}");
}

#[test]
fn ext_shrinks_only_offline_and_only_as_far_as_it_can() {
    let half = |offline: bool| asks("ext4", &json!({"size": "512m", "allow_offline": offline}));
    let mut machine = holding("ext4");
    machine.least.insert("/dev/vdb".into(), Ok(400 * MIB));
    let text = becomes(&mut machine.clone(), "filesystem", &half(false));
    assert!(text.contains("    e2fsck -f -p /dev/vdb\n    resize2fs /dev/vdb 524288K\n"), "{text}");

    let mut machine = mounted(machine, "ext4");
    let text = refused(&machine, "filesystem", &half(false));
    assert!(
        text.contains("has to be unmounted to be made smaller") && text.contains("`allow_offline: true`"),
        "{text}"
    );
    let whole = plan(&machine, "filesystem", &half(true)).unwrap();
    assert_eq!(whole.actions[0].change.risk, Risk::Disruptive);
    let text = becomes(&mut machine.clone(), "filesystem", &half(true));
    assert!(
        text.contains(
            "    umount /srv/x\n    e2fsck -f -p /dev/vdb\n    resize2fs /dev/vdb 524288K\n    mount --types ext4 --options rw,noatime --source /dev/vdb --target /srv/x\n"
        ),
        "{text}"
    );
    let below = Live {
        target: "/srv/x/y".into(),
        source: "z".into(),
        ..machine.mounts.as_ref().unwrap().live[1].clone()
    };
    machine.mounts.as_mut().unwrap().live.push(below);
    assert!(refused(&machine, "filesystem", &half(true)).contains("/srv/x/y is mounted below it"));

    let mut machine = holding("ext4");
    assert!(refused(&machine, "filesystem", &half(false)).contains("the least it could have is not known"));
    machine.least.insert("/dev/vdb".into(), Err("resize2fs: exit status 1".into()));
    assert!(refused(&machine, "filesystem", &half(false)).contains("resize2fs: exit status 1"));
    machine.least.insert("/dev/vdb".into(), Ok(600 * MIB));
    let text = refused(&machine, "filesystem", &half(false));
    assert!(
        text.contains("it needs 600 MiB at least (629145600 bytes)") && text.contains("300 MiB are in use"),
        "{text}"
    );
}

#[test]
fn xfs_never_shrinks_and_says_what_to_do_instead() {
    let text = refused(&mounted(holding("xfs"), "xfs"), "filesystem", &asks("xfs", &json!({"size": "512m"})));
    assert!(text.starts_with("the xfs on /dev/vdb cannot be made smaller, no xfs can"), "{text}");
    assert!(text.contains("it has 1 GiB, and 512 MiB was asked for") && text.contains("xfsdump"), "{text}");
}

#[test]
fn a_volume_can_ask_for_less() {
    let shrink = |machine: &mut Machine, to| {
        let copy = device(machine).clone();
        super::size::shrink(machine, &copy, to, true)
    };
    assert!(shrink(&mut host(1), MIB).unwrap().is_empty());
    assert!(shrink(&mut holding("xfs"), GIB).unwrap().is_empty());
    assert!(
        shrink(&mut holding("swap"), 100 * MIB).unwrap().actions[0].steps[1]
            .shown()
            .ends_with("/dev/vdb 102400")
    );
    assert!(shrink(&mut holding("ntfs"), MIB).unwrap_err().title.contains("not supported yet"));
    let mut machine = host(1);
    device(&mut machine).content = Content::Physical;
    assert!(shrink(&mut machine, MIB).unwrap_err().facts[0].contains("an LVM physical volume"));
}

#[test]
fn what_an_xfs_was_made_with_is_compared() {
    let asked = json!({"xfs": {"reflink": false, "bigtime": true, "inode_size": 1024, "log_size": "64m"}});
    let text = becomes(&mut host(1), "filesystem", &asks("xfs", &asked));
    assert!(
        text.contains("mkfs.xfs -q -m reflink=0,bigtime=1 -i size=1024 -l size=67108864 /dev/vdb"),
        "{text}"
    );
    let mut machine = holding("xfs");
    let Content::FileSystem(found) = &mut device(&mut machine).content else { panic!() };
    for (name, value) in
        [("reflink", "true"), ("bigtime", "true"), ("inode_size", "512"), ("log_size", "67108864")]
    {
        found.put(name, &value);
    }
    let text = refused(&machine, "filesystem", &asks("xfs", &asked));
    assert!(text.contains("`reflink` is on, not off\n  `inode_size` is 512 B, not 1 KiB\n"), "{text}");
}

#[test]
fn tunables_of_ext_are_set_at_once_and_later() {
    let asked =
        json!({"ext": {"reserved": 1, "errors": "remount-ro", "max_mounts": 30, "check_interval": "30d"}});
    let text = becomes(&mut host(1), "filesystem", &asks("ext4", &asked));
    let tune = "tune2fs -m 1 -e remount-ro -c 30 -i 2592000s /dev/vdb";
    assert!(text.contains(&format!("    mkfs.ext4 -q -b 4096 /dev/vdb\n    {tune}\n")), "{text}");
    let mut machine = mounted(holding("ext4"), "ext4");
    let Content::FileSystem(found) = &mut device(&mut machine).content else { panic!() };
    for (name, value) in
        [("reserved", "5"), ("errors", "remount-ro"), ("max_mounts", "-1"), ("check_interval", "0")]
    {
        found.put(name, &value);
    }
    let text = becomes(&mut machine, "filesystem", &asks("ext4", &asked));
    assert!(text.contains("    tune2fs -m 1 -c 30 -i 2592000s /dev/vdb\n"), "{text}");
}

#[test]
fn options_of_mkfs_are_passed_on() {
    for (kind, opts, command) in [
        (
            "ext4",
            "-E nodiscard -b1024 -j -E lazy_itable_init=0",
            "mkfs.ext4 -q -b 1024 -E nodiscard,lazy_itable_init=0 -j /dev/vdb",
        ),
        ("xfs", "-K -m rmapbt=1 -i maxpct=5", "mkfs.xfs -q -K -m rmapbt=1 -i maxpct=5 /dev/vdb"),
        ("btrfs", "--mixed -O ^no-holes", "mkfs.btrfs --quiet --mixed -O '^no-holes' /dev/vdb"),
        ("vfat", "-F32", "mkfs.vfat -I --mbr=n -F 32 /dev/vdb"),
        ("f2fs", "-t 0", "mkfs.f2fs -q -t 0 /dev/vdb"),
        ("swap", "--pagesize=4096", "mkswap --pagesize 4096 /dev/vdb"),
    ] {
        let text = becomes(&mut host(1), "filesystem", &asks(kind, &json!({"opts": opts})));
        assert!(text.contains(&format!("    {command}\n")), "{text}");
    }
}
