//! Pictures of machines that are well, unwell, large, and about to change.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::machine::array::{Array, Level, Member};
use crate::machine::block::{Block, BlockEffect, Content, Device, DeviceKind, FileSystem, Uuid};
use crate::machine::exports::Exports;
use crate::machine::fstab::FstabEntry;
use crate::machine::lvm::{Group, Kind, Logical, Lvm, Physical, Shape};
use crate::machine::mounts::{Live, Mounts};
use crate::machine::swap::Area;
use crate::units::{GIB, KIB, MIB};

pub(crate) fn disk(number: usize, size: u64) -> Device {
    let letters = match number {
        0..26 => String::new(),
        _ => char::from(b'a' + u8::try_from(number / 26 - 1).unwrap()).to_string(),
    };
    let letter = char::from(b'a' + u8::try_from(number % 26).unwrap());
    let path = format!("/dev/vd{letters}{letter}");
    Device { serial: Some(format!("HF-{number}")), ..Device::new(path, DeviceKind::Disk, size) }
}

fn on(path: &str, kind: DeviceKind, size: u64, below: &[&str], content: Content) -> Device {
    let sits_on = below.iter().map(|path| (*path).to_owned()).collect();
    Device { sits_on, content, ..Device::new(path, kind, size) }
}

fn fs(kind: &str, label: Option<&str>, size: u64, used: u64) -> Content {
    let found = FileSystem::new(kind);
    Content::FileSystem(FileSystem {
        uuid: Uuid::Known("abcd".into()),
        label: label.map(str::to_owned),
        size: Some(size),
        used: Some(used),
        ..found
    })
}

fn array(path: &str, level: Level, size: u64, members: &[&str], spares: &[&str]) -> Device {
    let member = |spare: bool| move |path: &&str| Member::of(*path, spare);
    let all: Vec<Member> = members.iter().map(member(false)).chain(spares.iter().map(member(true))).collect();
    let below: Vec<&str> = members.iter().chain(spares).copied().collect();
    let array = Array {
        name: path.trim_start_matches("/dev/md/").to_owned(),
        level: level.name().to_owned(),
        layout: (level == Level::Raid10).then(|| "n2".parse().unwrap()),
        chunk: if level.striped() { 512 * KIB } else { 0 },
        uuid: Uuid::Known("1:2:3:4".into()),
        metadata: "1.2".into(),
        slots: members.len() as u64,
        members: all,
        bitmap: true,
        used: size,
        degraded: 0,
        doing: "idle".into(),
        progress: None,
        policy: "bitmap".into(),
    };
    Device {
        array: Some(array),
        ..on(path, DeviceKind::Array, size, &below, Content::Blank { table: false })
    }
}

fn group(name: &str, devices: &[(&str, u64)], volumes: &[(&str, u64)]) -> Group {
    let mut group = Group::new(name, 4 * MIB);
    for (path, extents) in devices {
        let physical = Physical { start: MIB, extents: *extents, size: None };
        group.physical.insert((*path).to_owned(), physical);
    }
    for (name, extents) in volumes {
        let volume = linear(&group, name, *extents);
        group.logical.insert(volume.name.clone(), volume);
    }
    group
}

fn linear(group: &Group, name: &str, extents: u64) -> Logical {
    let places = group.place(&Shape::linear(extents)).unwrap();
    Logical { places, ..Logical::new(name, extents, Kind::Linear) }
}

fn live(source: &str, target: &str, fstype: &str) -> Live {
    Live {
        target: target.into(),
        source: source.into(),
        fstype: fstype.into(),
        options: vec!["rw".into()],
        root: "/".into(),
    }
}

fn entry(spec: &str, path: &str, options: &str) -> FstabEntry {
    FstabEntry {
        spec: spec.into(),
        path: path.into(),
        fstype: "xfs".into(),
        options: options.into(),
        dump: 0,
        pass: 0,
        line: String::new(),
    }
}

fn machine(devices: Vec<Device>, groups: Vec<Group>, mounts: Mounts, exports: &[(&str, &str)]) -> Machine {
    let mut block = Block::default();
    for device in devices {
        BlockEffect::Put(device.into()).apply(&mut block);
    }
    let options: BTreeSet<String> = ["rw", "sync", "root_squash"].map(str::to_owned).into();
    let live = exports.iter().map(|(path, client)| {
        ((*path).to_owned(), BTreeMap::from([((*client).to_owned(), options.clone())]))
    });
    Machine {
        block: Some(block),
        lvm: Some(Lvm {
            groups: groups.into_iter().map(|group| (group.name.clone(), group)).collect(),
            ..Lvm::default()
        }),
        mounts: Some(mounts),
        exports: Some(Exports { live: live.collect() }),
        ..Machine::default()
    }
}

fn root() -> Vec<Device> {
    let disk = Device {
        serial: None,
        model: Some("QEMU HARDDISK".into()),
        content: Content::Partitions { table: "gpt".into() },
        ..disk(0, 20 * GIB)
    };
    let swap = Content::Other { kind: "swap".into(), uuid: None, label: None };
    vec![
        on("/dev/vda1", DeviceKind::Partition, 19 * GIB, &["/dev/vda"], fs("ext4", None, 18 * GIB, 17 * GIB)),
        on("/dev/vda2", DeviceKind::Partition, GIB, &["/dev/vda"], swap),
        disk,
    ]
}

fn root_mounts() -> Mounts {
    Mounts {
        live: vec![live("proc", "/proc", "proc"), live("/dev/vda1", "/", "ext4")],
        fstab: vec![entry("/dev/vda1", "/", "defaults")],
        swaps: vec![Area { path: "/dev/vda2".into(), size: 1 << 30, used: 0, priority: None }],
        ..Mounts::default()
    }
}

/// A host under virtual machines with nearly everything that can be wrong.
pub(crate) fn unwell() -> Machine {
    let mut devices = root();
    devices.extend((1..8).map(|number| disk(number, 4 * GIB)));
    devices[9].content = Content::Member { array: Uuid::Known("9:9:9:9".into()), name: "old".into() };
    devices[8].content = Content::Unknown { why: "several signatures that contradict each other".into() };
    let members = ["/dev/vdb", "/dev/vdc", "/dev/vdd", "/dev/vde"];
    let mut md = array("/dev/md/kvm", Level::Raid10, 8 * GIB, &members[..3], &["/dev/vdf"]);
    md.content = Content::Physical;
    if let Some(array) = &mut md.array {
        (array.slots, array.degraded, array.doing) = (4, 1, "recover".into());
    }
    devices.push(md);
    let images = fs("xfs", Some("images"), 4 * GIB, 2 * GIB);
    let export = fs("ext4", None, 2 * GIB, 2 * GIB - 20 * MIB);
    let below = ["/dev/md/kvm"];
    devices.push(on("/dev/vg_kvm/images", DeviceKind::Logical, 4 * GIB, &below, images));
    devices.push(on("/dev/vg_kvm/export", DeviceKind::Logical, 2 * GIB, &below, export));
    let mut vg =
        group("vg_kvm", &[("/dev/md/kvm", 2045), ("[unknown]", 1023)], &[("images", 1024), ("export", 512)]);
    vg.missing = 1;
    let spare = linear(&vg, "spare", 100);
    vg.logical.insert("spare".into(), Logical { active: false, ..spare });
    let mut mounts = root_mounts();
    let mut export = live("/dev/vg_kvm/export", "/srv/export", "ext4");
    export.options = vec!["ro".into()];
    mounts.live.extend([
        live("/dev/vg_kvm/images", "/var/lib/libvirt/images", "xfs"),
        export,
        live("backup:/vault", "/mnt/vault", "nfs4"),
    ]);
    mounts.fstab.extend([
        entry("/dev/vg_kvm/export", "/srv/export", "defaults"),
        entry("UUID=gone", "/srv/gone", "nofail"),
    ]);
    machine(devices, vec![vg], mounts, &[("/srv/export", "10.0.0.0/24")])
}

/// Four arrays of ten disks under one group.
pub(crate) fn large() -> Machine {
    let mut devices = root();
    devices.extend((1..41).map(|number| disk(number, 1 << 43)));
    let mut physical = Vec::new();
    let paths: Vec<String> = devices.iter().skip(3).map(|device| device.path.clone()).collect();
    let names = ["/dev/md/a", "/dev/md/b", "/dev/md/c", "/dev/md/d"];
    for (at, name) in names.iter().enumerate() {
        let members: Vec<&str> = paths[at * 10..at * 10 + 10].iter().map(String::as_str).collect();
        let (members, spares) = members.split_at(9);
        let mut md = array(name, Level::Raid6, 7 << 43, members, spares);
        md.content = Content::Physical;
        devices.push(md);
        physical.push((*name, 14 << 20));
    }
    let size = 50 << 40;
    let below: Vec<&str> = names.to_vec();
    let mut mounts = root_mounts();
    let mut volumes = Vec::new();
    for name in ["archive", "home", "media", "scratch"] {
        let path = format!("/dev/tank/{name}");
        devices.push(on(&path, DeviceKind::Logical, size, &below, fs("xfs", Some(name), size, size / 3)));
        mounts.live.push(live(&path, &format!("/srv/{name}"), "xfs"));
        mounts.fstab.push(entry(&path, &format!("/srv/{name}"), "noatime"));
        volumes.push((name, size / (4 * MIB)));
    }
    let vg = group("tank", &physical, &volumes);
    machine(devices, vec![vg], mounts, &[("/srv/home", "10.0.0.0/8"), ("/srv/media", "*")])
}

/// A host before and after something was built, grown and removed on it.
pub(crate) fn change() -> (Machine, Machine) {
    let mut before = root();
    before.extend((1..6).map(|number| disk(number, 4 * GIB)));
    before[7].content = fs("ext4", Some("old <photos> & \"films\""), 4 * GIB, GIB);
    before[6].content = Content::Physical;
    let data = |size| fs("xfs", Some("data"), size, GIB / 3);
    before.push(on("/dev/vg/data", DeviceKind::Logical, GIB, &["/dev/vde"], data(GIB)));
    let vg = group("vg", &[("/dev/vde", 1023)], &[("data", 256)]);
    let mut mounts = root_mounts();
    mounts.live.push(live("/dev/vg/data", "/srv/data", "xfs"));
    mounts.live.push(live("/dev/vdf", "/srv/old", "ext4"));
    let was = machine(before.clone(), vec![vg], mounts.clone(), &[]);

    let mut after = before;
    after[7].content = Content::Blank { table: false };
    let mut md =
        array("/dev/md/fast", Level::Raid5, 8 * GIB, &["/dev/vdb", "/dev/vdc", "/dev/vdd"], &["/dev/vdf"]);
    md.content = Content::Physical;
    after.pop();
    after.push(md);
    after.push(on("/dev/vg/data", DeviceKind::Logical, 3 * GIB, &["/dev/vde"], data(3 * GIB)));
    after.push(on(
        "/dev/fast/web",
        DeviceKind::Logical,
        6 * GIB,
        &["/dev/md/fast"],
        Content::FileSystem(FileSystem::new("xfs")),
    ));
    let vg = group("vg", &[("/dev/vde", 1023)], &[("data", 768)]);
    let fast = group("fast", &[("/dev/md/fast", 2047)], &[("web", 1536)]);
    mounts.live.pop();
    mounts.live.push(live("/dev/fast/web", "/srv/web", "xfs"));
    mounts.fstab.push(entry("/dev/fast/web", "/srv/web", "noatime"));
    (was, machine(after, vec![vg, fast], mounts, &[("/srv/web", "web*.example.com")]))
}

fn troubles(graph: &Graph) -> Vec<String> {
    let bad = graph.nodes.iter().filter(|node| node.health() > Health::Good);
    bad.flat_map(|node| {
        node.notes
            .iter()
            .filter(|note| note.health > Health::Good)
            .map(|note| format!("{} {:?}: {}", node.id, note.health, note.text))
    })
    .collect()
}

#[test]
fn what_is_wrong_is_said_where_it_is() {
    insta::assert_snapshot!(troubles(&Graph::of(&unwell())).join("\n"));
    assert!(troubles(&Graph::of(&large())).iter().all(|trouble| trouble.contains("vda1")));
}

#[test]
fn a_stack_is_tied_together_from_disk_to_export() {
    let graph = Graph::of(&unwell());
    let ways: Vec<String> = graph
        .edges
        .iter()
        .map(|edge| format!("{} > {}{}", edge.from, edge.to, if edge.spare { " (spare)" } else { "" }))
        .collect();
    insta::assert_snapshot!(ways.join("\n"));
    // Every line has both its ends, and what the kernel shows of itself is no storage.
    assert!(
        graph.edges.iter().all(|edge| graph.node(&edge.from).is_some() && graph.node(&edge.to).is_some())
    );
    assert!(graph.node("mount:/proc").is_none());
}

#[test]
fn sizes_and_use_are_in_bytes() {
    let graph = Graph::of(&unwell());
    let node = |id: &str| graph.node(id).unwrap();
    let vg = node("group:vg_kvm");
    assert_eq!((vg.size, vg.used), (Some(3068 * 4 * MIB), Some((1024 + 512 + 100) * 4 * MIB)));
    assert_eq!(node("content:/dev/vg_kvm/images").permille(), Some(500));
    assert_eq!(node("device:/dev/vg_kvm/spare").size, Some(100 * 4 * MIB));
    assert_eq!(node("mount:/srv/export").permille(), None);
}

#[test]
fn volumes_of_a_pool_stand_on_the_pool_and_what_lvm_hides_stays_hidden() {
    let mut devices = vec![Device { content: Content::Physical, ..disk(1, 4 * GIB) }];
    let blank = || Content::Blank { table: false };
    let logical = |path: &str, below: &str| on(path, DeviceKind::Logical, GIB, &[below], blank());
    devices.push(logical("/dev/vg/pool_tdata", "/dev/vdb"));
    devices.push(logical("/dev/vg/pool-tpool", "/dev/vg/pool_tdata"));
    devices.push(logical("/dev/vg/pool", "/dev/vg/pool-tpool"));
    devices.push(logical("/dev/vg/thin", "/dev/vg/pool-tpool"));
    let mut vg = group("vg", &[("/dev/vdb", 1023)], &[("pool", 256), ("thin", 512)]);
    vg.logical.get_mut("thin").unwrap().kind = Kind::Thin { pool: "pool".into(), origin: None };
    let graph = Graph::of(&machine(devices, vec![vg], Mounts::default(), &[]));
    let volumes = graph.nodes.iter().filter(|node| node.layer == Layer::Volume).count();
    assert_eq!(volumes, 2);
    let tied = |from: &str, to: &str| graph.edges.iter().any(|edge| edge.from == from && edge.to == to);
    assert!(tied("group:vg", "device:/dev/vg/pool"), "{:?}", graph.edges);
    assert!(tied("device:/dev/vg/pool", "device:/dev/vg/thin"), "{:?}", graph.edges);
    assert!(!tied("group:vg", "device:/dev/vg/thin"));
}

#[test]
fn what_comes_goes_and_grows_is_marked() {
    let (before, after) = change();
    let compared = Compared::of(&Graph::of(&before), &Graph::of(&after));
    let signed: Vec<String> = compared
        .nodes
        .iter()
        .filter(|node| node.mark != Mark::Kept)
        .map(|node| format!("{} {}", node.mark.sign(), node.thing.id))
        .collect();
    insta::assert_snapshot!(signed.join("\n"));
    let same = Compared::alone(&Graph::of(&after));
    assert_eq!(same.count(Mark::Kept), same.nodes.len());
}

#[test]
fn a_graph_comes_back_from_json_as_it_was() {
    let graph = Graph::of(&unwell());
    let text = serde_json::to_string(&graph).unwrap();
    assert_eq!(serde_json::from_str::<Graph>(&text).unwrap(), graph);
}

#[test]
fn a_file_system_on_several_devices_is_one() {
    let mut devices: Vec<Device> = (1..4).map(|number| disk(number, 4 * GIB)).collect();
    devices[0].content = fs("btrfs", Some("pool"), 8 * GIB, GIB);
    devices[1].content = fs("btrfs", Some("pool"), 8 * GIB, GIB);
    // A copy of an ext4 is a second one.
    devices[2].content = fs("ext4", None, 4 * GIB, GIB);
    devices.push(Device { content: fs("ext4", None, 4 * GIB, GIB), ..disk(4, 4 * GIB) });
    let mounts = Mounts { live: vec![live("/dev/vdc", "/srv/pool", "btrfs")], ..Mounts::default() };
    let graph = Graph::of(&machine(devices, vec![], mounts, &[]));
    let systems: Vec<&str> = graph
        .nodes
        .iter()
        .filter(|node| node.layer == Layer::FileSystem)
        .map(|node| node.id.as_str())
        .collect();
    assert_eq!(systems, ["content:/dev/vdb", "content:/dev/vdd", "content:/dev/vde"]);
    let tied = |from: &str, to: &str| graph.edges.iter().any(|edge| edge.from == from && edge.to == to);
    assert!(tied("device:/dev/vdc", "content:/dev/vdb") && tied("content:/dev/vdb", "mount:/srv/pool"));
}

#[test]
fn an_open_container_carries_what_is_inside_and_a_closed_one_is_content() {
    let luks = || Content::Other { kind: "crypto_LUKS".into(), uuid: None, label: None };
    let open = Device { content: luks(), ..disk(1, 4 * GIB) };
    let closed = Device { content: luks(), ..disk(2, 4 * GIB) };
    let plain = on("/dev/mapper/vault", DeviceKind::Other, 4 * GIB, &["/dev/vdb"], fs("xfs", None, GIB, 0));
    let graph = Graph::of(&machine(vec![open, closed, plain], vec![], Mounts::default(), &[]));
    assert_eq!(graph.node("device:/dev/mapper/vault").unwrap().what, "decrypted");
    assert!(graph.node("device:/dev/vdb").unwrap().facts.contains(&"crypto_LUKS".to_owned()));
    assert!(graph.node("content:/dev/vdb").is_none() && graph.node("content:/dev/vdc").is_some());
}
