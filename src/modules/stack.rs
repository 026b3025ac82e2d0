//! The whole stack on a blank host, planned task after task on what the earlier tasks would leave, and once more on
//! what they left: the second time nothing is missing.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fixture::{becomes, foresee, host, plan, refused, shown};
use crate::exec::Kind;
use crate::machine::Prediction;
use crate::machine::block::{Content, FileSystem, Uuid};
use crate::machine::files::FileState;
use crate::machine::mounts::Live;
use crate::plan::{Consent, Step};
use crate::units::GIB;

fn array() -> Value {
    json!({"name": "kvm", "level": 10, "devices": 4, "members": ["HF-DISK-1", "HF-DISK-2", "/dev/vdd", "/dev/vde"]})
}

fn stack() -> Vec<(&'static str, Value)> {
    vec![
        ("md_array", array()),
        ("lvg", json!({"vg": "vg_kvm", "pvs": "/dev/md/kvm"})),
        ("lvol", json!({"vg": "vg_kvm", "lv": "images", "size": "60%VG"})),
        ("lvol", json!({"vg": "vg_kvm", "lv": "iso", "size": "100%FREE"})),
        ("filesystem", json!({"dev": "/dev/vg_kvm/images", "fstype": "xfs", "label": "images"})),
        ("filesystem", json!({"dev": "/dev/vg_kvm/iso", "type": "ext4", "resizefs": true})),
        (
            "mount",
            json!({"path": "/srv/kvm/", "src": "/dev/vg_kvm/images", "fstype": "xfs", "opts": "noatime", "state": "mounted"}),
        ),
        (
            "mount",
            json!({"path": "/srv/iso", "src": "/dev/mapper/vg_kvm-iso", "fstype": "ext4", "state": "mounted"}),
        ),
        ("nfs_export", json!({"path": "/srv/kvm", "clients": {"10.0.0.0/24": "rw,no_root_squash"}})),
        ("sysctl", json!({"name": "vm.dirty_background_bytes", "value": 268_435_456})),
    ]
}

#[test]
fn a_blank_host_is_planned_to_the_top_and_then_nothing_is_missing() {
    let mut machine = host(4);
    let mut text = String::new();
    let mut all: Vec<Prediction> = Vec::new();
    for (module, args) in stack() {
        let plan = plan(&machine, module, &args).unwrap_or_else(|refusal| panic!("{module}: {refusal}"));
        assert!(Consent::default().covers(&plan).is_ok());
        text.push_str(&shown(&plan));
        all.extend(plan.actions.into_iter().flat_map(|action| action.predicts));
        for prediction in &all {
            prediction.apply(&mut machine);
        }
    }
    insta::assert_snapshot!(text);
    for (module, args) in stack() {
        let again = plan(&machine, module, &args).unwrap_or_else(|refusal| panic!("{module}: {refusal}"));
        assert!(again.is_empty(), "{module} again:\n{}", shown(&again));
    }
    for prediction in &all {
        let held = all
            .iter()
            .rev()
            .take_while(|later| !std::ptr::eq(*later, prediction))
            .any(|later| later.replaces(prediction));
        assert!(held || prediction.holds(&machine).is_ok(), "{prediction:?}");
    }
}

#[test]
fn three_disks_are_no_four() {
    let mut args = array();
    args["members"] = json!(["/dev/vdb", "/dev/vdc", "/dev/vdd"]);
    assert!(
        refused(&host(4), "md_array", &args).starts_with("the array kvm needs 4 members, and 3 are given")
    );
    let missing = refused(&host(3), "md_array", &array());
    assert!(missing.starts_with("the array kvm needs /dev/vde, and there is no such device"), "{missing}");
    assert!(missing.contains("HF-DISK-3 (/dev/vdd), disk of 4 GiB, holds nothing"), "{missing}");
    args["members"] = json!(["/dev/vdb", "/dev/vdc", "/dev/vdd", "HF-DISK-1"]);
    assert!(refused(&host(4), "md_array", &args).contains("is given twice"));
}

#[test]
fn somebodys_file_system_takes_consent_to_exactly_that() {
    let mut machine = host(4);
    let content = Content::FileSystem(FileSystem {
        uuid: Uuid::Known("abcd".into()),
        label: Some("photos".into()),
        size: Some(4 * GIB),
        used: Some(3 * GIB),
        ..FileSystem::new("ext4")
    });
    machine.block.as_mut().unwrap().devices.get_mut("/dev/vdc").unwrap().content = content;
    let plan = plan(&machine, "md_array", &array()).unwrap();
    let refusal = Consent::default().covers(&plan).unwrap_err();
    assert_eq!(
        refusal.facts,
        ["HF-DISK-2 (/dev/vdc), disk of 4 GiB, holds file system ext4 labelled `photos`, 3 GiB used"]
    );
    assert_eq!(refusal.token.as_deref(), Some("format:HF-DISK-2"));
    let consent = Consent { act: true, tokens: vec!["format:HF-DISK-2".into()] };
    assert!(consent.covers(&plan).is_ok());
    let other = Consent { act: true, tokens: vec!["format:HF-DISK-1".into()] };
    assert!(other.covers(&plan).is_err());
    // Mounted, no consent helps: there is no plan to consent to.
    let live = Live {
        target: "/photos".into(),
        source: "/dev/vdc".into(),
        fstype: "ext4".into(),
        options: vec![],
        root: "/".into(),
    };
    machine.mounts.as_mut().unwrap().live.push(live);
    assert!(
        refused(&machine, "md_array", &array()).starts_with("/dev/vdc is in use: it is mounted at /photos")
    );
}

#[test]
fn a_volume_larger_than_its_group_is_refused_with_numbers() {
    let mut machine = host(4);
    for (module, args) in stack().into_iter().take(2) {
        becomes(&mut machine, module, &args);
    }
    let args = json!({"vg": "vg_kvm", "lv": "big", "size": "20g"});
    assert!(
        refused(&machine, "lvol", &args).starts_with(
            "the volume vg_kvm/big needs 20 GiB (5120 extents), and vg_kvm has 7.9 GiB (2045 extents) free"
        ),
        "{}",
        refused(&machine, "lvol", &args)
    );
    // The array belongs to the group now.
    let taken =
        refused(&machine, "filesystem", &json!({"dev": "/dev/md/kvm", "fstype": "xfs", "force": true}));
    assert!(taken.starts_with("/dev/md/kvm is in use: it belongs to the volume group vg_kvm"), "{taken}");
}

#[test]
fn wrong_text_is_found_before_any_host_is_touched() {
    let bad =
        |module: &str, args: Value| super::find(module).unwrap().decode(args.as_object().unwrap()).is_err();
    assert!(bad("md_array", json!({"name": "0", "level": "raid1"})));
    assert!(bad("md_array", json!({"name": "a", "level": "raid7"})));
    assert!(bad("md_array", json!({"name": "a", "level": 1, "chunk": "5K"})));
    assert!(bad("lvol", json!({"vg": "a b", "lv": "x"})));
    assert!(bad("lvol", json!({"vg": "a", "lv": "x", "size": "+5g"})));
    assert!(bad("mount", json!({"path": "srv", "state": "mounted"})));
    assert!(!bad("mount", json!({"name": "/srv", "state": "absent"})));
}

#[test]
fn a_mount_hides_nothing_and_an_export_needs_its_mount() {
    let mut machine = host(1);
    machine.files.seen.insert("/srv/x".into(), Some(FileState::expected(Kind::Directory, 0o755, 0, 0, None)));
    let mounts = machine.mounts.as_mut().unwrap();
    mounts.occupied = BTreeMap::from([("/srv/x".to_owned(), true)]);
    let args = json!({"path": "/srv/x", "src": "server:/data", "fstype": "nfs", "state": "mounted"});
    assert!(refused(&machine, "mount", &args).starts_with("/srv/x is not empty"));
    machine.mounts.as_mut().unwrap().occupied.clear();
    let args = json!({"path": "/srv/x", "src": "server:/data", "fstype": "nfs", "state": "present"});
    let plan = plan(&machine, "mount", &args).unwrap();
    assert!(matches!(&plan.actions[0].steps[0], Step::Fstab { .. }));
    foresee(&mut machine, &plan);
    let args = json!({"path": "/srv/x", "clients": [{"host": "*"}]});
    assert!(
        refused(&machine, "nfs_export", &args).contains("is not exported while nothing is mounted there")
    );
}
