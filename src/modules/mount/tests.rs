//! Mounts on a host with file systems on two disks and swap on a third; odd fstabs, which keep every byte.

use serde_json::{Value, json};

use crate::exec::Kind;
use crate::machine::Machine;
use crate::machine::block::{Content, FileSystem, Uuid};
use crate::machine::files::FileState;
use crate::machine::mounts::Live;
use crate::machine::swap::Area;
use crate::modules::fixture::{becomes, foresee, host, plan, refused};
use crate::plan::{LineEdit, Plan, Step};
use crate::tools::fstab;

/// `/dev/vdb` and `/dev/vdc` hold xfs, `/dev/vdd` swap.
fn machine(table: &str) -> Machine {
    let mut machine = host(3);
    let devices = &mut machine.block.as_mut().unwrap().devices;
    for (path, uuid) in [("/dev/vdb", "bb"), ("/dev/vdc", "cc")] {
        let label = (uuid == "bb").then(|| "data".to_owned());
        let found = FileSystem { uuid: Uuid::Known(uuid.into()), label, ..FileSystem::new("xfs") };
        devices.get_mut(path).unwrap().content = Content::FileSystem(found);
    }
    devices.get_mut("/dev/vdd").unwrap().content =
        Content::Other { kind: "swap".into(), uuid: Some("dd".into()), label: None };
    machine.files.seen.insert("/srv/x".into(), Some(FileState::expected(Kind::Directory, 0o755, 0, 0, None)));
    read(&mut machine, table);
    machine
}

fn read(machine: &mut Machine, table: &str) {
    let read = fstab::parse(table);
    let mounts = machine.mounts.as_mut().unwrap();
    (mounts.fstab, mounts.unread) = (read.entries, read.unread);
}

fn live(target: &str, source: &str, root: &str) -> Live {
    Live {
        target: target.into(),
        source: source.into(),
        fstype: "xfs".into(),
        options: vec!["rw".into(), "relatime".into()],
        root: root.into(),
    }
}

/// fstab after a plan, as it is written.
fn written(table: &[u8], plan: &Plan) -> Vec<u8> {
    let known = |text: &String| {
        ["/dev/vdb", "/dev/vdc", "/dev/vdd"].iter().fold(text.clone(), |text, device| {
            text.replace(&format!("@{{uuid:{device}}}"), &device[7..].repeat(2))
        })
    };
    let mut table = table.to_vec();
    for step in plan.actions.iter().flat_map(|action| &action.steps) {
        let Step::Fstab { edits } = step else { continue };
        let edits: Vec<LineEdit> = edits
            .iter()
            .map(|edit| match edit {
                LineEdit::Append { line } => LineEdit::Append { line: known(line) },
                LineEdit::Replace { old, new } => LineEdit::Replace { old: known(old), new: known(new) },
                LineEdit::Remove { old } => LineEdit::Remove { old: known(old) },
            })
            .collect();
        table = fstab::edited(&table, &edits).unwrap();
    }
    table
}

fn present() -> Value {
    json!({"path": "/srv/x", "src": "/dev/vdb", "fstype": "xfs", "opts": "noatime", "state": "present"})
}

fn absent() -> Value {
    json!({"path": "/srv/x", "state": "absent_from_fstab"})
}

/// fstabs as they are found: none of them has an entry of `/srv/x`.
const ODD: [&str; 12] = [
    "",
    "\n",
    "# only a comment",
    "# UNCONFIGURED FSTAB FOR BASE SYSTEM\n",
    "UUID=aa / ext4 errors=remount-ro 0 1\n",
    "UUID=aa\t/\text4\terrors=remount-ro\t0\t1",
    "# /etc/fstab\n#\n\nUUID=aa /               ext4    errors=remount-ro 0       1\n\n\n",
    "UUID=aa / ext4 defaults 0 1\r\n# windows\r\n/dev/sdz1 none swap sw 0 0\r\n",
    "/swap1 none swap sw 0 0\n/swap2 none swap sw 0 0\nUUID=dd swap swap defaults 0 0\n",
    "UUID=aa / ext4 defaults 0 1 # the root\n  /dev/sdz1 /srv/x\\040y xfs defaults # two words\n",
    "only\nnot a number xfs defaults x y\nproc /proc proc\n",
    "LABEL=cloudimg-rootfs / ext4 discard,commit=30,errors=remount-ro 0 1\nUUID=\"cc\" /srv/quoted xfs defaults 0 0",
];

#[test]
fn what_came_and_went_left_every_byte_of_an_odd_fstab() {
    for table in ODD {
        let mut machine = machine(table);
        let there = written(table.as_bytes(), &plan(&machine, "mount", &present()).unwrap());
        let text = String::from_utf8(there.clone()).unwrap();
        assert!(text.starts_with(table) && text.contains("UUID=bb /srv/x xfs noatime 0 0"), "{text}");
        read(&mut machine, &text);
        assert!(plan(&machine, "mount", &present()).unwrap().is_empty(), "{text}");
        // Changed and changed back, it is the same too.
        let mut other = present();
        other["opts"] = json!("noatime,nofail");
        let changed = written(&there, &plan(&machine, "mount", &other).unwrap());
        read(&mut machine, &String::from_utf8(changed.clone()).unwrap());
        assert_eq!(written(&changed, &plan(&machine, "mount", &present()).unwrap()), there);
        read(&mut machine, &text);
        let gone = written(&there, &plan(&machine, "mount", &absent()).unwrap());
        assert_eq!(String::from_utf8(gone).unwrap(), table);
    }
}

#[test]
fn an_entry_keeps_its_line_and_its_name_of_the_device() {
    for spec in ["UUID=bb", "UUID=\"bb\"", "LABEL=data", "/dev/vdb", "/dev/disk/by-id/virtio-x"] {
        let line = format!("{spec}\t/srv/x/\txfs\tnoatime\t0 0   # data");
        let mut machine = machine(&line);
        machine.block.as_mut().unwrap().names.insert("/dev/disk/by-id/virtio-x".into(), "/dev/vdb".into());
        assert!(plan(&machine, "mount", &present()).unwrap().is_empty(), "{line}");
        let mut args = present();
        args["opts"] = json!("ro");
        let plan = plan(&machine, "mount", &args).unwrap();
        let text = String::from_utf8(written(line.as_bytes(), &plan)).unwrap();
        assert_eq!(text, format!("{spec}\t/srv/x/\txfs\tro\t0 0   # data"));
    }
    // Another device takes over the line.
    let machine = machine("UUID=cc\t/srv/x\txfs\tnoatime\t0 0 # data\n");
    let plan = plan(&machine, "mount", &present()).unwrap();
    let text = written(b"UUID=cc\t/srv/x\txfs\tnoatime\t0 0 # data\n", &plan);
    assert_eq!(text, b"UUID=bb\t/srv/x\txfs\tnoatime\t0 0 # data\n");
}

#[test]
fn a_place_has_one_entry_and_swap_one_for_each_source() {
    let table =
        "UUID=bb /srv/x xfs noatime 0 0\n# x\nUUID=bb /srv/x xfs noatime 0 0\nUUID=cc /srv/x xfs ro 0 0\n";
    let mut one = machine(table);
    let plan_of = |machine: &Machine, args: Value| plan(machine, "mount", &args).unwrap();
    assert_eq!(
        written(table.as_bytes(), &plan_of(&one, present())),
        b"UUID=bb /srv/x xfs noatime 0 0\n# x\n"
    );
    becomes(&mut one, "mount", &present());

    let swap = |src: &str, state: &str| json!({"path": "none", "src": src, "fstype": "swap", "opts": "sw", "state": state});
    let table = "/swapfile none swap sw 0 0\n";
    let mut machine = machine(table);
    assert!(plan_of(&machine, swap("/swapfile", "present")).is_empty());
    let both = written(table.as_bytes(), &plan_of(&machine, swap("UUID=dd", "present")));
    let both = String::from_utf8(both).unwrap();
    assert_eq!(both, "/swapfile none swap sw 0 0\nUUID=dd none swap sw 0 0\n");
    becomes(&mut machine, "mount", &swap("UUID=dd", "present"));
    read(&mut machine, &both);
    let left = written(both.as_bytes(), &plan_of(&machine, swap("/swapfile", "absent")));
    assert_eq!(left, b"UUID=dd none swap sw 0 0\n");
    let mounted = refused(&machine, "mount", &swap("UUID=dd", "mounted"));
    assert!(mounted.starts_with("swap on UUID=dd is not mounted"), "{mounted}");
    let odd = json!({"path": "none", "src": "UUID=bb", "fstype": "xfs", "state": "present"});
    assert!(refused(&machine, "mount", &odd).starts_with("none is no mount point of xfs"));
}

#[test]
fn a_line_that_nobody_reads_is_in_the_way_of_its_path_only() {
    let mut machine = machine("UUID=bb /srv/x xfs noatime zero 0\n");
    let unread = refused(&machine, "mount", &present());
    assert!(unread.starts_with("fstab speaks of /srv/x in a line"), "{unread}");
    let mut args = present();
    args["path"] = json!("/srv/y");
    becomes(&mut machine, "mount", &args);
}

#[test]
fn another_source_is_mounted_instead() {
    let mut machine = machine("UUID=bb /srv/x xfs defaults 0 0\n");
    machine.mounts.as_mut().unwrap().live.push(live("/srv/x", "/dev/vdb", "/"));
    let args = json!({"path": "/srv/x", "src": "/dev/vdc", "state": "mounted"});
    let busy = |machine: &Machine| refused(machine, "mount", &args);
    machine.mounts.as_mut().unwrap().live.push(live("/srv/x/below", "/dev/vdy", "/"));
    let nested = busy(&machine);
    assert!(nested.starts_with("/srv/x cannot be unmounted: other mounts are below it"), "{nested}");
    assert!(nested.contains("/dev/vdy is mounted at /srv/x/below"), "{nested}");
    machine.mounts.as_mut().unwrap().live.pop();
    let area = Area { path: "/srv/x/swapfile".into(), size: 1, used: 0, priority: None };
    machine.mounts.as_mut().unwrap().swaps.push(area);
    assert!(busy(&machine).starts_with("/srv/x cannot be unmounted: /srv/x/swapfile is swapped to"));
    machine.mounts.as_mut().unwrap().swaps.clear();
    let folder = FileState::expected(Kind::Directory, 0o755, 0, 0, None);
    machine.files.seen.insert("/srv/x/photos".into(), Some(folder));
    let planned = becomes(&mut machine, "mount", &args);
    assert_eq!(machine.files.at("/srv/x/photos"), None, "what is on another source is not known");
    assert!(
        planned.ends_with(
            "~ mount /srv/x \n    umount /srv/x\n    \
             mount --types xfs --options defaults --source /dev/vdc --target /srv/x\n"
        ),
        "{planned}"
    );
}

#[test]
fn a_policy_is_asked_for_and_never_assumed() {
    let options = |more: Value| {
        let mut args = json!({"path": "/srv/x", "src": "/dev/vdb", "opts": "noatime", "state": "present"});
        args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut machine = machine("");
        becomes(&mut machine, "mount", &args);
        machine.mounts.unwrap().fstab[0].options.clone()
    };
    let server = json!({"src": "nas:/x", "fstype": "nfs", "boot_policy": "required"});
    assert_eq!(options(json!({})), "noatime");
    assert_eq!(options(json!({"boot_policy": "required"})), "noatime");
    assert_eq!(options(json!({"boot_policy": "optional"})), "noatime,nofail");
    assert_eq!(options(json!({"boot_policy": "network"})), "noatime,_netdev,nofail");
    assert_eq!(options(server), "noatime,_netdev");
    assert_eq!(
        options(json!({"requires": ["zfs.target"], "device_timeout": "5min", "boot": false})),
        "noatime,noauto,x-systemd.requires=zfs.target,x-systemd.device-timeout=5min"
    );
    let refused = |more: Value| {
        let mut args = json!({"path": "/srv/x", "src": "/dev/vdb", "opts": "nofail", "state": "present"});
        args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        refused(&machine(""), "mount", &args)
    };
    let both = refused(json!({"boot_policy": "required"}));
    assert!(both.starts_with("the mount at /srv/x is both `required` and `nofail`"), "{both}");
    let var = refused(json!({"boot_policy": "optional", "path": "/var"}));
    assert!(var.starts_with("the mount at /var cannot be `optional`"), "{var}");
}

#[test]
fn absent_takes_the_empty_mount_point_along() {
    let mut here = machine("UUID=bb /srv/x xfs defaults 0 0\n");
    here.mounts.as_mut().unwrap().live.push(live("/srv/x", "/dev/vdb", "/"));
    here.mounts.as_mut().unwrap().live.push(live("/srv/x", "/dev/vdc", "/"));
    let args = json!({"path": "/srv/x", "state": "absent"});
    let planned = becomes(&mut here, "mount", &args);
    assert!(
        planned.starts_with("- mount /srv/x /dev/vdc\n    umount /srv/x\n    umount /srv/x\n"),
        "{planned}"
    );
    assert!(planned.ends_with("- directory /srv/x the empty mount point\n    remove /srv/x\n"), "{planned}");
    // It can be mounted again in the same dry run.
    let again = json!({"path": "/srv/x", "src": "/dev/vdb", "state": "mounted"});
    assert!(becomes(&mut here, "mount", &again).starts_with("+ directory /srv/x"));

    let keeps = |target: &str, full: bool| {
        let mut machine = machine(&format!("UUID=bb {target} xfs defaults 0 0\n"));
        machine.mounts.as_mut().unwrap().occupied.insert(target.into(), full);
        let planned = becomes(&mut machine, "mount", &json!({"path": target, "state": "absent"}));
        !planned.contains("remove")
    };
    assert!(keeps("/srv", false) && keeps("/srv/x", true) && !keeps("/srv/x", false));
    assert!(plan(&machine(""), "mount", &args).unwrap().is_empty(), "a folder of somebody else stays");
}

#[test]
fn folders_and_subvolumes_are_told_apart_by_where_they_are() {
    let mut machine = machine("");
    machine.mounts.as_mut().unwrap().live.push(live("/srv/x", "/dev/vdb", "/"));
    let bind = |src: &str| json!({"path": "/mnt/b", "src": src, "opts": "bind", "state": "mounted"});
    let planned = becomes(&mut machine, "mount", &bind("/srv/x/photos"));
    assert!(
        planned.ends_with("mount --types none --options bind --source /srv/x/photos --target /mnt/b\n"),
        "{planned}"
    );
    let found = machine.mounts.as_ref().unwrap().at("/mnt/b").unwrap();
    assert_eq!((found.source.as_str(), found.root.as_str()), ("/dev/vdb", "/photos"));
    let moved = becomes(&mut machine, "mount", &bind("/srv/x/music"));
    assert!(moved.contains("umount /mnt/b"), "{moved}");
    machine.files.seen.insert("/srv/link".into(), Some(FileState::expected_link("x", 0, 0)));
    assert!(refused(&machine, "mount", &bind("/srv/link/a")).contains("leads through the symbolic link"));

    let btrfs = FileSystem { uuid: Uuid::Known("cc".into()), ..FileSystem::new("btrfs") };
    machine.block.as_mut().unwrap().devices.get_mut("/dev/vdc").unwrap().content = Content::FileSystem(btrfs);
    let subvolume = |name: &str| json!({"path": "/home", "src": "/dev/vdc", "opts": format!("subvol={name}"), "state": "mounted"});
    becomes(&mut machine, "mount", &subvolume("@home"));
    let found = machine.mounts.as_mut().unwrap().live.last_mut().unwrap();
    found.options = ["rw", "relatime", "subvolid=256", "subvol=/@home"].map(str::to_owned).to_vec();
    let same = plan(&machine, "mount", &subvolume("@home")).unwrap();
    foresee(&mut machine, &same);
    assert!(same.is_empty());
    assert!(becomes(&mut machine, "mount", &subvolume("@other")).contains("umount /home"));
}
