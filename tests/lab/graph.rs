//! The picture of a machine: that a dry run foresees what the machine then looks like, and that trouble is seen.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::host::Host;

/// Some of it by way of sudo: another agent has to know what the first one foresaw.
const STACK: &str = "
- md_array: {name: pair, level: 1, members: [HF-1, HF-2], spares: [HF-3]}
- lvg: {vg: vg, pvs: /dev/md/pair}
  become: true
- lvol: {vg: vg, lv: data, size: 400m}
- filesystem: {dev: /dev/vg/data, fstype: xfs, label: data}
- mount: {src: /dev/vg/data, path: /srv/data, fstype: xfs, opts: noatime, state: mounted}
- nfs_export: {path: /srv/data, clients: {10.0.0.0/24: rw}}
  become: true
";

fn nodes(picture: &Value, marks: &[&str]) -> BTreeSet<String> {
    let nodes = picture["graph"]["nodes"].as_array().unwrap().iter();
    let marked = nodes.filter(|node| marks.contains(&node["mark"].as_str().unwrap()));
    marked.map(|node| node["id"].as_str().unwrap().to_owned()).collect()
}

fn edges(picture: &Value) -> BTreeSet<String> {
    let edges = picture["graph"]["edges"].as_array().unwrap().iter();
    edges
        .filter(|edge| edge["mark"] != "removed")
        .map(|edge| format!("{} {}", edge["from"], edge["to"]))
        .collect()
}

fn notes(picture: &Value, id: &str) -> String {
    let nodes = picture["graph"]["nodes"].as_array().unwrap();
    let node = nodes.iter().find(|node| node["id"] == id).unwrap_or_else(|| panic!("no {id}: {picture:#}"));
    node["notes"].to_string()
}

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn the_machine_looks_as_the_dry_run_foresaw() {
    let host = Host::with(&[("HF-1", "1GiB"), ("HF-2", "1GiB"), ("HF-3", "1GiB")]);
    let play = host.play(STACK);
    let foreseen = host.graph(&["--plan", &play]);
    let built = [
        "device:/dev/md/pair",
        "group:vg",
        "device:/dev/vg/data",
        "content:/dev/vg/data",
        "mount:/srv/data",
        "export:/srv/data",
    ];
    assert_eq!(nodes(&foreseen, &["added"]), built.map(str::to_owned).into());
    assert_eq!(nodes(&foreseen, &["removed"]), BTreeSet::new());

    host.run(STACK, &[]).must(0);
    let real = host.graph(&[]);
    assert_eq!(nodes(&real, &["kept"]), nodes(&foreseen, &["kept", "added", "changed"]));
    assert_eq!(edges(&real), edges(&foreseen));
    let again = host.graph(&["--plan", &play]);
    assert_eq!(nodes(&again, &["added", "removed", "changed"]), BTreeSet::new(), "{again:#}");

    host.sh("udevadm settle; mdadm --wait /dev/md/pair || true; mdadm /dev/md/pair --remove /dev/disk/by-id/virtio-HF-3; \
        mdadm /dev/md/pair --fail /dev/disk/by-id/virtio-HF-2 --remove /dev/disk/by-id/virtio-HF-2; \
        mount -o remount,ro /srv/data");
    let unwell = host.graph(&[]);
    assert!(notes(&unwell, "device:/dev/md/pair").contains("degraded: 1 of 2 members missing"));
    assert!(notes(&unwell, "mount:/srv/data").contains("read-only, and fstab does not say so"));
    assert!(host.picture(&["--format", "svg"]).starts_with("<svg"));
    assert!(host.picture(&[]).contains("!! read-only"));
}
