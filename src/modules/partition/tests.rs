//! Plans on disks of 4 GiB, `/dev/vdb` and so on: what is made, what is kept, what is refused.

use serde_json::{Value, json};

use crate::machine::Machine;
use crate::machine::block::{Content, Device, FileSystem, Uuid};
use crate::machine::mounts::Live;
use crate::machine::table::{Found, Stretch, Table};
use crate::modules::find;
use crate::modules::fixture::{becomes, foresee, host, plan, refused, shown};
use crate::plan::{Consent, Plan};
use crate::units::{GIB, MIB};

fn args(more: Value) -> Value {
    let mut args = json!({"device": "HF-DISK-1", "number": 1});
    let Value::Object(more) = more else { panic!() };
    args.as_object_mut().unwrap().extend(more);
    args
}

fn device<'a>(machine: &'a mut Machine, path: &str) -> &'a mut Device {
    machine.block.as_mut().unwrap().devices.get_mut(path).unwrap()
}

fn table(machine: &mut Machine) -> &mut Table {
    machine.tables.seen.get_mut("/dev/vdb").unwrap().as_mut().unwrap()
}

/// Two partitions: 1 GiB, and the rest with a file system.
fn two() -> Machine {
    let mut machine = host(1);
    becomes(&mut machine, "partition", &args(json!({"size": "1GiB", "name": "one"})));
    becomes(&mut machine, "partition", &args(json!({"number": 2, "flags": "lvm"})));
    let found = FileSystem { uuid: Uuid::Known("ab-cd".into()), used: Some(MIB), ..FileSystem::new("xfs") };
    device(&mut machine, "/dev/vdb2").content = Content::FileSystem(found);
    machine
}

fn mount(machine: &mut Machine, source: &str) {
    let live = Live {
        target: "/data".into(),
        source: source.into(),
        fstype: "xfs".into(),
        options: vec![],
        root: "/".into(),
    };
    machine.mounts.as_mut().unwrap().live.push(live);
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap()
}

#[test]
fn a_blank_disk_gets_a_gpt_and_the_rest_of_the_stack_is_planned_on_it() {
    let mut machine = host(2);
    let mut text = becomes(&mut machine, "partition", &args(json!({"size": "1GiB", "name": "data"})));
    text += &becomes(&mut machine, "partition", &args(json!({"number": 2, "flags": ["lvm"]})));
    let by_name = json!({"dev": "/dev/disk/by-partlabel/data", "fstype": "xfs"});
    text += &becomes(&mut machine, "filesystem", &by_name);
    text += &becomes(&mut machine, "lvg", &json!({"vg": "vg", "pvs": "/dev/vdb2"}));
    insta::assert_snapshot!(text);
    // 4 GiB, aligned: 1 MiB before the partitions, and at least one behind them.
    assert_eq!(device(&mut machine, "/dev/vdb2").size, 3 * GIB - 2 * MIB);
    machine.block.as_mut().unwrap().names.insert("/dev/disk/by-id/virtio-A".into(), "/dev/vdb".into());
    let block = machine.block.as_ref().unwrap();
    assert_eq!(block.find("/dev/disk/by-id/virtio-A-part2").unwrap().path, "/dev/vdb2");
}

#[test]
fn a_dos_table_on_request_only() {
    let mut machine = host(1);
    let made = args(json!({"label": "msdos", "flags": "boot", "part_end": "50%"}));
    insta::assert_snapshot!(becomes(&mut machine, "partition", &made));
    let said = refused(&machine, "partition", &args(json!({"number": 5})));
    assert!(said.contains("would be logical"), "{said}");
    let said = refused(&machine, "partition", &args(json!({"number": 2, "name": "x"})));
    assert_eq!(first_line(&said), "partitions of a dos table have no names");
}

#[test]
fn places_are_read_like_those_of_parted() {
    let sectors = |more: Value| -> (u64, u64) {
        let mut machine = host(1);
        becomes(&mut machine, "partition", &args(more));
        let part = &table(&mut machine).parts[&1];
        (part.start, part.size)
    };
    assert_eq!(sectors(json!({"part_start": "0%", "part_end": "1GiB"})), (2048, 2_095_104));
    assert_eq!(sectors(json!({"part_start": "1GiB", "size": "512MiB"})), (2_097_152, 1_048_576));
    assert_eq!(sectors(json!({"part_start": "4096s", "part_end": 8192, "unit": "s"})), (4096, 4096));
    assert_eq!(sectors(json!({"part_start": 2048, "part_end": 4096})), (4096, 4096));
    assert_eq!(sectors(json!({"part_start": "-1GiB"})), (6_291_456, 2_095_104));
    assert_eq!(sectors(json!({"start": "25%", "end": "50%"})), (2_097_152, 2_097_152));
    assert_eq!(sectors(json!({"size": 1_073_741_824_u64, "unit": "B"})), (2048, 2_097_152));
}

#[test]
fn nothing_overlaps_and_everything_has_room() {
    let machine = two();
    let said = refused(
        &machine,
        "partition",
        &args(json!({"number": 3, "part_start": "512MiB", "part_end": "2GiB"})),
    );
    assert_eq!(
        said,
        "a partition of /dev/vdb (HF-DISK-1, 4 GiB) from sector 1048576 would overlap partition 1\n  partition 1 has the sectors 2048 to 2099199 (1 GiB)\n  nothing is free"
    );
    let said = refused(&machine, "partition", &args(json!({"number": 3})));
    assert_eq!(first_line(&said), "/dev/vdb (HF-DISK-1, 4 GiB) has no room for a partition");
    let said = refused(&host(1), "partition", &args(json!({"size": "5GiB"})));
    assert!(said.contains("no room for a partition with `size: 5GiB`"), "{said}");
    assert!(said.contains("free are the sectors 2048 to 8386559 (3.9 GiB)"), "{said}");
    let said = refused(&host(1), "partition", &args(json!({"part_start": "1GiB", "part_end": "1GiB"})));
    assert!(said.contains("would have no size"), "{said}");
    let said = refused(&host(1), "partition", &args(json!({"part_start": "1GiB", "part_end": "5GiB"})));
    assert!(said.contains("the last one for partitions is 8386559"), "{said}");
}

#[test]
fn a_gap_is_found_by_size() {
    let mut machine = two();
    table(&mut machine).parts.get_mut(&1).unwrap().start += 20_480;
    table(&mut machine).parts.get_mut(&1).unwrap().size -= 20_480;
    let said = becomes(&mut machine, "partition", &args(json!({"number": 3, "size": "10MiB"})));
    assert!(said.contains("+ partition /dev/vdb3 linux, 10 MiB"), "{said}");
    assert_eq!(table(&mut machine).parts[&3].start, 2048);
}

#[test]
fn a_table_with_partitions_is_never_replaced() {
    let said = refused(&two(), "partition", &args(json!({"label": "msdos"})));
    assert_eq!(
        first_line(&said),
        "/dev/vdb (HF-DISK-1, 4 GiB) has a gpt table with 2 partitions, not a dos one"
    );
    assert!(said.contains("module `disk`"), "{said}");
    // One without partitions holds nothing.
    let mut machine = host(1);
    becomes(&mut machine, "partition", &args(json!({})));
    becomes(&mut machine, "partition", &args(json!({"state": "absent"})));
    let said = becomes(&mut machine, "partition", &args(json!({"label": "dos"})));
    assert!(said.starts_with("- empty partition table of /dev/vdb"), "{said}");
}

#[test]
fn somebodys_file_system_on_the_whole_disk_takes_consent() {
    let mut machine = host(1);
    device(&mut machine, "/dev/vdb").content = Content::FileSystem(FileSystem::new("ext4"));
    machine.tables.seen.insert("/dev/vdb".into(), None);
    let planned = plan(&machine, "partition", &args(json!({}))).unwrap();
    assert_eq!(Consent::default().covers(&planned).unwrap_err().token.as_deref(), Some("format:HF-DISK-1"));
    // What lay behind its beginning goes with it, and is not asked for twice.
    let stretch = Stretch { disk: "/dev/vdb".into(), start: MIB, size: 4 * GIB - 2 * MIB };
    let found = Found { kind: "xfs".into(), uuid: None, label: None };
    machine.tables.found.insert(stretch, Some(found));
    assert_eq!(plan(&machine, "partition", &args(json!({}))).unwrap().actions.len(), planned.actions.len());
}

#[test]
fn removing_takes_consent_to_what_is_on_it() {
    let machine = two();
    let gone = args(json!({"number": 2, "state": "absent"}));
    let planned = plan(&machine, "partition", &gone).unwrap();
    let refusal = Consent::default().covers(&planned).unwrap_err();
    assert_eq!(refusal.token.as_deref(), Some("remove:HF-DISK-1-part2"));
    assert_eq!(refusal.facts, ["/dev/vdb2, partition of 2.9 GiB, holds file system xfs, 1 MiB used"]);
    let mut after = machine.clone();
    insta::assert_snapshot!(becomes(&mut after, "partition", &gone));
    // An empty one takes none, and the last one leaves an empty table.
    let said = becomes(&mut after, "partition", &args(json!({"state": "absent"})));
    assert!(said.starts_with("- partition /dev/vdb1 1 GiB"), "{said}");
    assert_eq!(device(&mut after, "/dev/vdb").content, Content::Blank { table: true });
    let mut used = machine;
    mount(&mut used, "/dev/vdb2");
    let said = refused(&used, "partition", &gone);
    assert_eq!(first_line(&said), "/dev/vdb2 is in use: it is mounted at /data");
}

#[test]
fn what_was_left_behind_takes_consent_to_come_back() {
    let mut machine = two();
    becomes(&mut machine, "partition", &args(json!({"state": "absent"})));
    let stretch = Stretch { disk: "/dev/vdb".into(), start: MIB, size: GIB };
    let found = Found { kind: "ext4".into(), uuid: Some("12-34".into()), label: Some("photos".into()) };
    machine.tables.found.insert(stretch.clone(), Some(found.clone()));
    // Removed here, it was emptied here; another one's leftovers are not.
    assert!(
        Consent::default()
            .covers(&plan(&machine, "partition", &args(json!({"size": "1GiB"}))).unwrap())
            .is_ok()
    );
    machine.tables.emptied.clear();
    let wanted = args(json!({"size": "1GiB"}));
    let planned = plan(&machine, "partition", &wanted).unwrap();
    let refusal = Consent::default().covers(&planned).unwrap_err();
    assert_eq!(refusal.token.as_deref(), Some("format:12-34"));
    insta::assert_snapshot!(shown(&planned));
    machine.tables.found.insert(stretch, Some(Found { uuid: None, ..found }));
    let planned = plan(&machine, "partition", &wanted).unwrap();
    assert_eq!(
        Consent::default().covers(&planned).unwrap_err().token.as_deref(),
        Some("format:HF-DISK-1@2048")
    );
}

#[test]
fn it_grows_with_its_disk_and_only_when_asked() {
    let mut machine = two();
    mount(&mut machine, "/dev/vdb2");
    device(&mut machine, "/dev/vdb").size *= 2;
    table(&mut machine).sectors *= 2;
    table(&mut machine).outgrown = true;
    assert!(plan(&machine, "partition", &args(json!({"number": 2}))).unwrap().is_empty());
    let said = refused(&machine, "partition", &args(json!({"number": 2, "part_end": "100%"})));
    assert!(said.contains("is smaller than it should be") && said.contains("resize: true"), "{said}");
    let grow = args(json!({"number": 2, "resize": true}));
    insta::assert_snapshot!(becomes(&mut machine, "partition", &grow));
    assert_eq!(device(&mut machine, "/dev/vdb2").size, 7 * GIB - 2 * MIB);
    let said = refused(&machine, "partition", &args(json!({"number": 2, "resize": true, "size": "1GiB"})));
    assert!(said.contains("is not made smaller"), "{said}");
    let said = refused(&machine, "partition", &args(json!({"number": 2, "part_start": "2GiB"})));
    assert!(said.contains("is never moved"), "{said}");
    let said = refused(&machine, "partition", &args(json!({"number": 1, "resize": true, "size": "2GiB"})));
    assert!(said.contains("would overlap partition 2"), "{said}");
}

#[test]
fn what_is_described_at_its_end_is_not_grown() {
    let mut machine = two();
    table(&mut machine).sectors *= 2;
    table(&mut machine).outgrown = true;
    device(&mut machine, "/dev/vdb2").content = Content::Member { array: Uuid::Late, name: "old".into() };
    let said = refused(&machine, "partition", &args(json!({"number": 2, "resize": true})));
    assert!(said.contains("is not grown: it holds a member of the array `old`"), "{said}");
}

#[test]
fn type_name_and_flags_change_in_place() {
    let mut machine = two();
    mount(&mut machine, "/dev/vdb2");
    let said = becomes(
        &mut machine,
        "partition",
        &args(json!({"number": 2, "name": "two", "flags": "raid,legacy_boot"})),
    );
    for step in [
        "--part-type /dev/vdb 2 A19D880F",
        "--part-label /dev/vdb 2 two",
        "--part-attrs /dev/vdb 2 LegacyBIOSBootable",
    ] {
        assert!(said.contains(step), "{said}");
    }
    let again = plan(&machine, "partition", &args(json!({"number": 2, "type": "raid"}))).unwrap();
    assert_eq!(again, Plan::empty());
    let said = refused(&machine, "partition", &args(json!({"flags": "raid,lvm"})));
    assert!(said.contains("contradict each other"), "{said}");
}

#[test]
fn only_disks_and_only_tables_that_are_understood() {
    let mut machine = two();
    let said = refused(&machine, "partition", &json!({"device": "/dev/vdb2", "number": 1}));
    assert!(said.contains("is no disk but a partition"), "{said}");
    assert!(refused(&machine, "partition", &json!({"device": "/dev/vdb"})).contains("`number` is not given"));
    table(&mut machine).label = Err("sun".into());
    assert!(refused(&machine, "partition", &args(json!({}))).contains("has a sun partition table"));
    machine.tables.seen.insert("/dev/vdb".into(), None);
    assert!(refused(&machine, "partition", &args(json!({}))).contains("contradict each other"));
    machine.tables.seen.clear();
    assert!(refused(&machine, "partition", &args(json!({}))).contains("cannot be read"));
}

#[test]
fn wrong_arguments_are_found_before_any_host_is_touched() {
    let bad = |more: Value| find("parted").unwrap().decode(args(more).as_object().unwrap()).is_err();
    assert!(bad(json!({"part_type": "logical"})));
    assert!(bad(json!({"align": "none"})));
    assert!(bad(json!({"unit": "cyl"})));
    assert!(bad(json!({"flags": ["hidden"]})));
    assert!(bad(json!({"part_end": "much"})));
    assert!(bad(json!({"part_end": "101%"})));
    assert!(bad(json!({"name": "a\"b"})));
    assert!(bad(json!({"type": "zfs"})));
    assert!(!bad(json!({"part_end": 5.5, "unit": "MiB", "type": "8e"})));
}

#[test]
fn both_end_and_size_are_one_too_many() {
    let said = refused(&host(1), "partition", &args(json!({"size": "1GiB", "part_end": "2GiB"})));
    assert_eq!(first_line(&said), "`part_end` and `size` are both given");
    let mut machine = host(1);
    let planned = plan(&machine, "partition", &args(json!({"state": "info"}))).unwrap();
    foresee(&mut machine, &planned);
    assert!(planned.is_empty());
}
