use serde_json::json;

use crate::machine::Machine;
use crate::machine::block::{Content, Device, DeviceKind, Uuid};
use crate::machine::lvm::{Kind, Logical, RaidLevel};
use crate::modules::fixture::{becomes, foresee, host, plan, refused};
use crate::plan::Consent;

fn with_group(disks: u8) -> Machine {
    let mut machine = host(disks);
    let pvs: Vec<String> = (1..=disks).map(|number| format!("HF-DISK-{number}")).collect();
    becomes(&mut machine, "lvg", &json!({"vg": "vg", "pvs": pvs}));
    machine
}

fn place(machine: &mut Machine, volume: Logical, places: &[(&str, u64)]) {
    let group = machine.lvm.as_mut().unwrap().groups.get_mut("vg").unwrap();
    let places = places.iter().map(|(device, count)| ((*device).to_owned(), *count)).collect();
    group.logical.insert(volume.name.clone(), Logical { places, uuid: Uuid::Known("id".into()), ..volume });
}

#[test]
fn a_device_is_emptied_before_it_leaves() {
    let mut machine = with_group(2);
    place(&mut machine, Logical::new("data", 300, Kind::Linear), &[("/dev/vdb", 300)]);
    let args = json!({"vg": "vg", "pvs": "HF-DISK-2", "remove_extra_pvs": true});
    let shown = becomes(&mut machine, "lvg", &args);
    for step in ["pvmove --interval 1 /dev/vdb /dev/vdc", "vgreduce vg /dev/vdb", "pvremove /dev/vdb"] {
        assert!(shown.contains(step), "{shown}");
    }
    let group = &machine.lvm.as_ref().unwrap().groups["vg"];
    assert_eq!((group.free(), group.used_on("/dev/vdc")), (723, 300));
    assert_eq!(machine.block.as_ref().unwrap().devices["/dev/vdb"].content, Content::Blank { table: false });
}

#[test]
fn others_are_left_alone_unless_that_is_said() {
    let machine = with_group(2);
    assert!(plan(&machine, "lvg", &json!({"vg": "vg", "pvs": "HF-DISK-2"})).unwrap().is_empty());
    let none = refused(&machine, "lvg", &json!({"vg": "vg", "pvs": [], "remove_extra_pvs": true}));
    assert!(none.starts_with("every device of the volume group vg would leave it"), "{none}");
}

#[test]
fn without_room_nothing_moves() {
    let mut machine = with_group(2);
    place(&mut machine, Logical::new("data", 1500, Kind::Linear), &[("/dev/vdb", 600), ("/dev/vdc", 900)]);
    let args = json!({"vg": "vg", "pvs": "HF-DISK-2", "remove_extra_pvs": true});
    let refusal = refused(&machine, "lvg", &args);
    assert!(
        refusal.starts_with("/dev/vdb (HF-DISK-1, 4 GiB) of the volume group vg cannot be emptied"),
        "{refusal}"
    );
    assert!(refusal.contains("2.3 GiB (600 extents) are in use on /dev/vdb"), "{refusal}");
    assert!(refusal.contains("492 MiB (123 extents) are free on /dev/vdc"), "{refusal}");
}

#[test]
fn copies_of_raid_stay_on_different_devices() {
    let mut machine = with_group(2);
    let kind = Kind::Raid { level: RaidLevel::Raid1, images: 2, unit: 0 };
    place(&mut machine, Logical::new("mirror", 100, kind), &[("/dev/vdb", 101), ("/dev/vdc", 101)]);
    let args = json!({"vg": "vg", "pvs": "HF-DISK-2", "remove_extra_pvs": true});
    let refusal = refused(&machine, "lvg", &args);
    assert!(
        refusal.contains("vg/mirror is raid1 of 2, and its parts stay on different devices"),
        "{refusal}"
    );
}

#[test]
fn a_move_that_was_cut_short_goes_on() {
    let mut machine = with_group(2);
    place(&mut machine, Logical::new("data", 900, Kind::Linear), &[]);
    let group = machine.lvm.as_mut().unwrap().groups.get_mut("vg").unwrap();
    group.moving.insert("/dev/vdb".into());
    group.other = [("/dev/vdb".to_owned(), 900), ("/dev/vdc".to_owned(), 900)].into();
    let args = json!({"vg": "vg", "pvs": "HF-DISK-2", "remove_extra_pvs": true});
    let shown = becomes(&mut machine, "lvg", &args);
    assert!(shown.contains("its move goes on within vg") && shown.contains("pvmove"), "{shown}");
}

#[test]
fn a_group_takes_what_its_devices_have_grown_by() {
    let mut machine = with_group(1);
    let args = json!({"vg": "vg", "pvs": "HF-DISK-1", "pvresize": true});
    assert!(plan(&machine, "lvg", &args).unwrap().is_empty());
    machine.block.as_mut().unwrap().devices.get_mut("/dev/vdb").unwrap().size = 5 << 30;
    assert!(plan(&machine, "lvg", &json!({"vg": "vg", "pvs": "HF-DISK-1"})).unwrap().is_empty());
    let shown = becomes(&mut machine, "lvg", &args);
    assert!(shown.contains("pvresize /dev/vdb"), "{shown}");
    assert_eq!(machine.lvm.as_ref().unwrap().groups["vg"].extents(), 1279);
    machine.block.as_mut().unwrap().devices.get_mut("/dev/vdb").unwrap().size = 3 << 30;
    assert!(refused(&machine, "lvg", &args).contains("is smaller than the group takes it for"));
}

#[test]
fn tags_are_all_that_are_given() {
    let mut machine = host(1);
    let args = |tags: &[&str]| json!({"vg": "vg", "pvs": "HF-DISK-1", "tags": tags});
    let shown = becomes(&mut machine, "lvg", &args(&["a", "b"]));
    assert!(
        shown.contains("vgcreate --physicalextentsize 4096k --addtag a --addtag b --dataalignment 1024k --dataalignmentoffset 0k vg /dev/vdb"),
        "{shown}"
    );
    let shown = becomes(&mut machine, "lvg", &args(&["b", "c"]));
    assert!(shown.contains("vgchange --addtag c --deltag a vg"), "{shown}");
    let bad = json!({"vg": "vg", "tags": ["a b"]});
    assert!(crate::modules::find("lvg").unwrap().decode(bad.as_object().unwrap()).is_err());
}

#[test]
fn the_end_of_a_group_names_every_volume() {
    let mut machine = with_group(1);
    becomes(&mut machine, "lvol", &json!({"vg": "vg", "lv": "a", "size": "1g"}));
    let machine_uuid = Uuid::Known("group-id".into());
    machine.lvm.as_mut().unwrap().groups.get_mut("vg").unwrap().uuid = machine_uuid;
    let absent = json!({"vg": "vg", "state": "absent"});
    assert!(refused(&machine, "lvg", &absent).starts_with("the volume group vg still has volumes"));
    let args = json!({"vg": "vg", "state": "absent", "force": true});
    let plan = plan(&machine, "lvg", &args).unwrap();
    let tokens: Vec<_> = plan.actions.iter().filter_map(|action| action.change.token.clone()).collect();
    assert_eq!(tokens, ["remove:/dev/vg/a", "remove:group-id"]);
    let half = Consent { act: true, tokens: vec!["remove:group-id".into()] };
    assert!(half.covers(&plan).is_err());
    foresee(&mut machine, &plan);
    assert!(machine.lvm.as_ref().unwrap().groups.is_empty());
}

#[test]
fn what_a_name_does_not_tell_apart_is_refused() {
    let mut machine = with_group(2);
    let lvm = machine.lvm.as_mut().unwrap();
    lvm.ambiguous.insert("vg".into(), vec!["A".into(), "B".into()]);
    let refusal = refused(&machine, "lvg", &json!({"vg": "vg", "pvs": "HF-DISK-1"}));
    assert!(
        refusal.starts_with("2 volume groups are called vg") && refusal.contains("vgrename A"),
        "{refusal}"
    );
    let lvm = machine.lvm.as_mut().unwrap();
    lvm.ambiguous.clear();
    lvm.duplicates.push(vec!["/dev/vdb".into(), "/dev/vdz".into()]);
    let refusal = refused(&machine, "lvol", &json!({"vg": "vg", "lv": "a", "size": "1g"}));
    assert!(refusal.contains("/dev/vdb and /dev/vdz carry the same UUID"), "{refusal}");
}

#[test]
fn a_physical_volume_of_no_group_is_not_taken_silently() {
    let mut machine = host(1);
    machine.lvm.as_mut().unwrap().orphans.insert("/dev/vdb".into());
    let refusal = refused(&machine, "lvg", &json!({"vg": "vg", "pvs": "HF-DISK-1"}));
    assert!(refusal.contains("is a physical volume of no group"), "{refusal}");
}

#[test]
fn what_its_volumes_were_made_of_goes_with_a_group() {
    let mut machine = with_group(1);
    let inner = Device {
        sits_on: vec!["/dev/vdb".into()],
        ..Device::new("/dev/vg/pool_tdata", DeviceKind::Logical, 1 << 30)
    };
    machine.block.as_mut().unwrap().devices.insert(inner.path.clone(), inner);
    becomes(&mut machine, "lvg", &json!({"vg": "vg", "state": "absent"}));
    becomes(&mut machine, "filesystem", &json!({"dev": "HF-DISK-1", "fstype": "ext4"}));
}
