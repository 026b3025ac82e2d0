//! Plans for arrays in every state they can be in.

use serde_json::{Value, json};

use crate::exec::Kind;
use crate::machine::Machine;
use crate::machine::array::{Array, Layout, Member, Progress};
use crate::machine::block::{BlockEffect, Content, Device, DeviceKind, Registered, Uuid};
use crate::machine::files::FileState;
use crate::machine::membership::{Part, Role};
use crate::modules::fixture::{becomes, disk, host, plan, refused};
use crate::plan::Consent;
use crate::units::{GIB, MIB};

const UUID: &str = "75acd7fd:5e17748f:b8ef7eaf:851a769b";

/// A host with six disks of 4 GiB, of which the first make an array that was made and registered long ago.
fn with(level: &str, slots: u64, change: impl FnOnce(&mut Array)) -> Machine {
    let mut machine = host(6);
    let made = json!({"name": "a", "level": level, "members": names(1..=slots)});
    becomes(&mut machine, "md_array", &made);
    let block = machine.block.as_mut().unwrap();
    let device = block.devices.get_mut("/dev/md/a").unwrap();
    device.content = Content::Blank { table: false };
    let array = device.array.as_mut().unwrap();
    array.uuid = Uuid::Known(UUID.into());
    array.doing = "idle".into();
    change(array);
    let line = format!("ARRAY /dev/md/a metadata=1.2 UUID={UUID}");
    block.registered = vec![Registered { path: "/dev/md/a".into(), uuid: Uuid::Known(UUID.into()), line }];
    machine
}

fn names(disks: std::ops::RangeInclusive<u64>) -> Vec<String> {
    disks.map(|disk| format!("HF-DISK-{disk}")).collect()
}

fn asked(level: &str, disks: std::ops::RangeInclusive<u64>) -> Value {
    json!({"name": "a", "level": level, "members": names(disks)})
}

fn and(mut args: Value, more: &Value) -> Value {
    args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    args
}

/// The same members, each with its superblock and no array.
fn scattered(level: &str, slots: u64) -> Machine {
    let mut machine = with(level, slots, |_| {});
    let block = machine.block.as_mut().unwrap();
    let array = block.devices.remove("/dev/md/a").unwrap().array.unwrap();
    for (slot, member) in array.members.iter().enumerate() {
        let part = Part {
            uuid: UUID.into(),
            name: "a".into(),
            level: level.into(),
            layout: array.layout,
            chunk: array.chunk,
            slots,
            used: array.used,
            room: 4 * GIB - 4 * MIB,
            offset: member.offset,
            role: Role::Active(slot as u64),
            bitmap: array.bitmap,
            events: 40,
            reshaping: false,
            held_by: None,
        };
        block.parts.insert(member.device.clone(), part);
    }
    machine
}

fn part<'a>(machine: &'a mut Machine, device: &str) -> &'a mut Part {
    machine.block.as_mut().unwrap().parts.get_mut(device).unwrap()
}

#[test]
fn an_array_that_is_as_described_is_left_alone() {
    for (level, slots) in [("raid0", 2), ("raid1", 2), ("raid5", 3), ("raid6", 4), ("raid10", 4)] {
        let machine = with(level, slots, |_| {});
        assert!(plan(&machine, "md_array", &asked(level, 1..=slots)).unwrap().is_empty());
    }
}

#[test]
fn an_initramfs_that_a_killed_run_left_old_is_made_anew() {
    let mut machine = with("raid1", 2, |_| {});
    let mark = FileState::expected(Kind::File, 0o644, 0, 0, None);
    machine.files.seen.insert("/var/lib/holdfast/initramfs-is-old".into(), Some(mark.clone()));
    let shown = becomes(&mut machine, "md_array", &asked("raid1", 1..=2));
    assert!(shown.contains("update-initramfs -u -k all"), "{shown}");
    assert!(plan(&machine, "md_array", &asked("raid1", 1..=2)).unwrap().is_empty());

    // Once is enough, also where there is more to do.
    let mut machine = with("raid1", 2, |_| {});
    machine.files.seen.insert("/var/lib/holdfast/initramfs-is-old".into(), Some(mark));
    machine.block.as_mut().unwrap().registered.clear();
    let shown = becomes(&mut machine, "md_array", &asked("raid1", 1..=2));
    assert_eq!(shown.matches("update-initramfs").count(), 1, "{shown}");
    assert!(plan(&machine, "md_array", &asked("raid1", 1..=2)).unwrap().is_empty());
}

#[test]
fn under_another_node_it_gets_its_name_while_it_is_used() {
    let mut machine = with("raid1", 2, |_| {});
    let renamed = BlockEffect::Renamed { from: "/dev/md/a".into(), to: "/dev/md/other:a".into() };
    let block = machine.block.as_mut().unwrap();
    block.registered.clear();
    renamed.apply(block);
    insta::assert_snapshot!(becomes(&mut machine, "md_array", &asked("raid1", 1..=2)));
}

#[test]
fn parts_are_put_together_and_never_made_anew() {
    let mut machine = scattered("raid5", 3);
    part(&mut machine, "/dev/vdc").held_by = Some("/dev/md127".into());
    insta::assert_snapshot!(becomes(&mut machine, "md_array", &asked("raid5", 1..=3)));
    let array = &machine.block.unwrap().devices["/dev/md/a"];
    assert_eq!(array.size, 2 * (4 * GIB - 4 * MIB));
    assert!(matches!(array.content, Content::Unknown { .. }), "nobody has looked into it");
}

#[test]
fn parts_that_are_not_all_there_need_to_be_asked_for_or_are_too_few() {
    let mut machine = scattered("raid5", 3);
    part(&mut machine, "/dev/vdc").events = 30;
    let refusal = refused(&machine, "md_array", &asked("raid5", 1..=3));
    assert!(
        refusal.starts_with("the array a is not assembled, and 1 of its 3 members are missing"),
        "{refusal}"
    );
    assert!(refusal.contains("/dev/vdc (HF-DISK-2, 4 GiB) slot 1, out of date"), "{refusal}");
    // The outdated member is taken in again, which clears it, and that takes consent.
    let args = and(asked("raid5", 1..=3), &json!({"degraded": true}));
    let planned = plan(&machine, "md_array", &args).unwrap();
    assert_eq!(Consent::default().covers(&planned).unwrap_err().token.unwrap(), "format:HF-DISK-2");
    part(&mut machine, "/dev/vdd").events = 30;
    let refusal = refused(&machine, "md_array", &args);
    assert!(refusal.contains("2 of its 3 members are missing") && refusal.contains("not whole"), "{refusal}");
    let refusal = refused(&scattered("raid5", 3), "md_array", &asked("raid1", 5..=6));
    assert!(refusal.contains("none of its members is in `members`"), "{refusal}");
}

#[test]
fn more_members_are_taken_in_and_the_size_is_foreseen() {
    let mut machine = with("raid5", 3, |_| {});
    insta::assert_snapshot!(becomes(&mut machine, "md_array", &asked("raid5", 1..=5)));
    assert_eq!(machine.block.unwrap().devices["/dev/md/a"].size, 4 * (4 * GIB - 4 * MIB));
    let mut machine = with("raid10", 4, |_| {});
    becomes(&mut machine, "md_array", &asked("raid10", 1..=5));
    let mut far = with("raid10", 4, |array| array.layout = Some("f2".parse::<Layout>().unwrap()));
    let refusal = refused(&far, "md_array", &asked("raid10", 1..=5));
    assert!(refusal.contains("only near layouts do"), "{refusal}");
    far.block = None;
}

#[test]
fn nothing_begins_while_something_runs() {
    let machine = with("raid5", 3, |array| {
        array.doing = "reshape".into();
        array.progress = Some(Progress { done: 30_720, total: 407_552 });
    });
    let refusal = refused(&machine, "md_array", &asked("raid5", 1..=4));
    assert!(
        refusal.starts_with(
            "a reshape is at 7 % (30720 of 407552 sectors) in the array a, and no reshape is begun"
        ),
        "{refusal}"
    );
    assert!(plan(&machine, "md_array", &asked("raid5", 1..=3)).unwrap().is_empty());
}

#[test]
fn a_working_member_is_replaced_when_asked_for() {
    let mut machine = with("raid5", 3, |_| {});
    let refusal = refused(&machine, "md_array", &asked("raid5", 2..=4));
    assert!(refusal.contains("`replace: true`") && refusal.contains("HF-DISK-4"), "{refusal}");
    let args = and(asked("raid5", 2..=4), &json!({"replace": true}));
    insta::assert_snapshot!(becomes(&mut machine, "md_array", &args));
    assert_eq!(machine.block.unwrap().devices["/dev/vdb"].content, Content::Blank { table: false });
}

#[test]
fn a_failed_member_is_taken_out_and_replaced() {
    let fail = |array: &mut Array| {
        array.members[0].faulty = true;
        array.degraded = 1;
    };
    let mut machine = with("raid5", 3, fail);
    insta::assert_snapshot!(becomes(&mut machine, "md_array", &asked("raid5", 2..=4)));
    let refusal = refused(&with("raid5", 3, fail), "md_array", &asked("raid5", 1..=3));
    assert!(refusal.starts_with("/dev/vdb (HF-DISK-1, 4 GiB) has failed in the array a"), "{refusal}");
}

#[test]
fn levels_change_one_reshape_after_the_other() {
    let mut machine = with("raid1", 2, |_| {});
    insta::assert_snapshot!(becomes(&mut machine, "md_array", &asked("raid6", 1..=4)));
    let mut machine = with("raid6", 4, |_| {});
    insta::assert_snapshot!("raid6_to_raid5", becomes(&mut machine, "md_array", &asked("raid5", 1..=3)));
    let mut machine = with("raid0", 2, |_| {});
    insta::assert_snapshot!("raid0_to_raid10", becomes(&mut machine, "md_array", &asked("raid10", 1..=4)));
    let refusal = refused(
        &with("raid0", 2, |_| {}),
        "md_array",
        &and(asked("raid10", 1..=4), &json!({"bitmap": true})),
    );
    assert!(refusal.contains("have no room for one"), "{refusal}");
    let refusal = refused(&with("raid10", 4, |_| {}), "md_array", &asked("raid5", 1..=4));
    assert!(refusal.contains("raid10 becomes raid0 of half its members first"), "{refusal}");
    let refusal = refused(&host(3), "md_array", &asked("raid6", 1..=3));
    assert!(refusal.contains("raid6 needs at least 4 members, and 3 are given"), "{refusal}");
    // The member that is left over is the last one.
    let args = json!({"name": "a", "level": 5, "members": ["HF-DISK-1", "HF-DISK-2", "HF-DISK-4"]});
    let refusal = refused(&with("raid6", 4, |_| {}), "md_array", &args);
    assert!(refusal.contains("HF-DISK-4") && refusal.contains("`replace: true`"), "{refusal}");
    let args = and(args, &json!({"replace": true}));
    insta::assert_snapshot!(
        "raid6_to_raid5_without_another",
        becomes(&mut with("raid6", 4, |_| {}), "md_array", &args)
    );
}

#[test]
fn a_chunk_that_would_not_come_out_is_refused_before_anything_is_done() {
    let args = and(asked("raid5", 1..=3), &json!({"chunk": "512K"}));
    let refusal = refused(&with("raid1", 2, |_| {}), "md_array", &args);
    assert!(refusal.contains("chunks of 64 KiB, not raid5 of 3, chunks of 512 KiB"), "{refusal}");
}

#[test]
fn members_that_grew_are_used_when_asked_for() {
    let mut machine = with("raid1", 2, |_| {});
    for path in ["/dev/vdb", "/dev/vdc"] {
        machine.block.as_mut().unwrap().devices.get_mut(path).unwrap().size = 6 * GIB;
    }
    assert!(plan(&machine, "md_array", &asked("raid1", 1..=2)).unwrap().is_empty());
    let args = and(asked("raid1", 1..=2), &json!({"size": "max"}));
    insta::assert_snapshot!(becomes(&mut machine, "md_array", &args));
}

#[test]
fn flags_and_policies_are_given_at_the_start() {
    let more = json!({"write_mostly": ["HF-DISK-2"], "failfast": ["HF-DISK-2", "HF-DISK-1"], "spares": ["HF-DISK-3"]});
    let args = and(asked("raid1", 1..=2), &more);
    insta::assert_snapshot!(becomes(&mut host(3), "md_array", &args));
    let args = and(asked("raid5", 1..=3), &json!({"consistency_policy": "ppl", "assume_clean": true}));
    let mut machine = host(3);
    let planned = plan(&machine, "md_array", &args).unwrap();
    assert_eq!(Consent::default().covers(&planned).unwrap_err().token.unwrap(), "assume-clean:HF-DISK-1");
    insta::assert_snapshot!("ppl", becomes(&mut machine, "md_array", &args));
    let apart =
        and(asked("raid1", 1..=2), &json!({"write_mostly": ["HF-DISK-2"], "failfast": ["HF-DISK-1"]}));
    assert!(refused(&host(3), "md_array", &apart).contains("cannot be made with these flags"));
    let first = and(asked("raid10", 1..=4), &json!({"failfast": ["HF-DISK-1"]}));
    assert!(refused(&host(4), "md_array", &first).contains("has a flag that"));
    let stranger = and(asked("raid1", 1..=2), &json!({"write_mostly": ["HF-DISK-3"]}));
    assert!(refused(&host(3), "md_array", &stranger).contains("is no member of it"));
}

#[test]
fn what_cannot_be_is_said_at_once() {
    let no =
        |level: &str, disks, more: Value| refused(&host(6), "md_array", &and(asked(level, disks), &more));
    assert!(no("raid0", 1..=2, json!({"spares": ["HF-DISK-3"]})).contains("no redundancy"));
    assert!(no("raid5", 1..=3, json!({"layout": "f2"})).contains("for raid10 only"));
    assert!(no("raid6", 1..=4, json!({"consistency_policy": "ppl"})).contains("for raid5 only"));
    assert!(no("raid5", 1..=3, json!({"consistency_policy": "ppl", "bitmap": true})).contains("contradict"));
    assert!(no("raid5", 1..=3, json!({"write_mostly": ["HF-DISK-1"]})).contains("for raid1 only"));
    let mut machine = host(3);
    let small = Device { size: GIB, ..disk(3) };
    machine.block.as_mut().unwrap().devices.insert(small.path.clone(), small);
    let args = and(asked("raid1", 1..=2), &json!({"spares": ["HF-DISK-3"]}));
    assert!(refused(&machine, "md_array", &args).contains("is smaller than the members it stands by for"));
}

#[test]
fn the_end_names_everything_and_leaves_blank_disks() {
    let mut machine = with("raid1", 2, |_| {});
    let args = json!({"name": "a", "state": "absent"});
    let planned = plan(&machine, "md_array", &args).unwrap();
    assert_eq!(Consent::default().covers(&planned).unwrap_err().token.unwrap(), format!("remove:{UUID}"));
    insta::assert_snapshot!(becomes(&mut machine, "md_array", &args));
    let block = machine.block.unwrap();
    assert!(
        ["/dev/vdb", "/dev/vdc"]
            .iter()
            .all(|path| block.devices[*path].content == Content::Blank { table: false })
    );
    let refusal = refused(&scattered("raid1", 2), "md_array", &args);
    assert!(refusal.starts_with("the array a is not assembled, and not gone"), "{refusal}");
    let mut held = with("raid1", 2, |_| {});
    let above =
        Device { sits_on: vec!["/dev/md/a".into()], ..Device::new("/dev/mapper/x", DeviceKind::Other, GIB) };
    BlockEffect::Put(above.into()).apply(held.block.as_mut().unwrap());
    assert!(refused(&held, "md_array", &args).starts_with("/dev/md/a is in use"));
}

#[test]
fn two_arrays_of_one_name_are_told_apart_by_their_members() {
    let mut machine = with("raid1", 2, |_| {});
    let other = Array { members: vec![Member::of("/dev/vde", false)], ..array_of(&machine).clone() };
    let other = Device {
        array: Some(Array { uuid: Uuid::Known("1:2:3:4".into()), ..other }),
        ..Device::new("/dev/md/a_0", DeviceKind::Array, GIB)
    };
    BlockEffect::Put(other.into()).apply(machine.block.as_mut().unwrap());
    assert!(plan(&machine, "md_array", &asked("raid1", 1..=2)).unwrap().is_empty());
    let refusal = refused(&machine, "md_array", &asked("raid1", 5..=6));
    assert!(refusal.starts_with("several arrays go by the name a"), "{refusal}");
}

fn array_of(machine: &Machine) -> &Array {
    machine.block.as_ref().unwrap().devices["/dev/md/a"].array.as_ref().unwrap()
}
