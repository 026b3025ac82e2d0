//! A pool of ZFS through its life: made on two disks, with file systems, a volume, snapshots and clones; its properties
//! changed behind our back, its disks mirrored, replaced and taken out, restarted, exported, and ended. The files stay
//! what they are throughout.

use holdfast::lab::Flavour;

use crate::host::Host;

const POOL: &str = "
- zpool:
    name: tank
    ashift: 12
    vdevs: [{type: mirror, disks: [HF-1, HF-2]}]
    pool_properties: {autotrim: true, comment: first}
    filesystem_properties: {compression: zstd, atime: false}
";

const INSIDE: &str = "
- zfs: {name: tank/vm/images, properties: {recordsize: 64K, quota: 200M, mountpoint: /srv/images}}
- zfs: {name: tank/vol, properties: {volsize: 32M, compression: lz4}}
- filesystem: {dev: /dev/zvol/tank/vol, fstype: ext4}
- zfs: {name: 'tank/vm/images@first', holds: [keep]}
- zfs: {name: tank/copy, origin: 'tank/vm/images@first'}
";

const FILES: &str = "cd /srv/images && find . -type f -exec sha256sum {} + | sort -k2 | sha256sum";

fn host() -> Host {
    let disks = ["HF-1", "HF-2", "HF-3", "HF-4", "HF-5"].map(|serial| (serial, "320MiB"));
    Host::of(Flavour::Zfs, &disks)
}

fn guid(host: &Host, of: &str) -> String {
    host.sh(&format!("zfs get -Hp -o value guid {of}")).trim().to_owned()
}

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn properties_are_planned_back_and_what_cannot_be_is_refused() {
    let host = host();
    let made = format!("{POOL}{INSIDE}");
    host.becomes(&made, &[]);
    host.sh("cp -a /usr/bin/[a-d]* /srv/images/ && sync");
    let written = host.sh(FILES);
    assert_eq!(host.sh("zdb -l /dev/vdb1 | grep ashift").trim(), "ashift: 12");

    // A device of a pool is never anybody else's, and neither is a volume in use.
    for (task, token) in [
        ("- disk: {device: HF-1, state: blank}", "format:HF-1"),
        ("- filesystem: {dev: HF-2, fstype: ext4, force: true}", "format:HF-2"),
        ("- md_array: {name: a, level: 1, members: [HF-2, HF-3]}", "format:HF-2"),
    ] {
        let why = host.refuses(task, &["--consent", token]);
        assert!(why.contains("it belongs to the ZFS pool tank"), "{why}");
    }

    // What somebody changed by hand is planned back, wherever the value comes from.
    host.sh(
        "zfs set recordsize=16K tank/vm/images; zfs inherit compression tank; zpool set comment=other tank",
    );
    let back = host.becomes(&made, &[]);
    assert_eq!(back.len(), 3, "{back:#?}");

    let changed = made
        .replace("recordsize: 64K", "recordsize: 1M, compression: inherit")
        .replace("quota: 200M", "quota: none")
        .replace("volsize: 32M", "volsize: 64M")
        .replace("holds: [keep]", "holds: [keep, backup]");
    host.becomes(&changed, &[]);
    for (task, said) in [
        (changed.replace("volsize: 64M", "volsize: 16M"), "cannot shrink to 16 MiB"),
        (POOL.replace("ashift: 12", "ashift: 13"), "has ashift 12 and cannot get 13"),
        (POOL.replace("mirror", "raidz1"), "is mirror, and cannot become raidz1"),
        (POOL.replace("HF-2]}", "HF-2]}, {disks: [HF-3]}"), "survive no more losses"),
        ("- zfs: {name: tank/vm/images, properties: {normalization: formD}}".into(), "cannot become formD"),
        ("- zfs: {name: tank/vm, state: absent}".into(), "is held"),
    ] {
        let why = host.refuses(&task, &[]);
        assert!(why.contains(said), "{said}: {why}");
    }
    host.survives(&changed);
    assert_eq!(host.sh(FILES), written);
    end(&host);
}

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn a_pool_changes_under_its_files_and_keeps_them() {
    let host = host();
    let images = "- zfs: {name: tank/images, properties: {mountpoint: /srv/images}}";
    host.becomes(&format!("{POOL}{images}"), &[]);
    host.sh("cp -a /usr/bin/[a-d]* /srv/images/ && sync");
    let written = host.sh(FILES);
    let pool = |disks: &str, more: &str| POOL.replace("[HF-1, HF-2]", disks) + more;
    host.becomes(&pool("[HF-1, HF-2, HF-3]", ""), &[]);
    let replaced = pool("[HF-1, HF-4]", "    remove_extra_devices: true\n");
    host.becomes(&replaced, &[]);
    assert_eq!(host.sh(FILES), written);
    // Both disks that went are free.
    host.run("- md_array: {name: a, level: 1, members: [HF-2, HF-3]}", &["--check"]).must(0);
    let classes = pool(
        "[HF-1, HF-4]}, {role: log, disks: [HF-2]}, {role: cache, disks: [HF-3]}, {role: spare, disks: [HF-5]",
        "",
    );
    host.becomes(&classes, &[]);
    host.becomes(&replaced, &[]);
    assert_eq!(host.sh("zpool list -v tank | grep -c virtio").trim(), "2");

    // Two more sides are there for good, but for the way back that was kept.
    let two = pool("[HF-1, HF-4]}, {type: mirror, disks: [HF-2, HF-3]", "");
    host.becomes(&two, &[]);
    let why = host.refuses(&replaced, &[]);
    assert!(why.contains("has a checkpoint"), "{why}");
    host.becomes(&format!("{replaced}    discard_checkpoint: true\n"), &[]);
    assert_eq!(host.sh(FILES), written);

    host.becomes("- zpool: {name: tank, state: exported}", &[]);
    let why = host.refuses("- zpool: {name: tank, state: absent}", &[]);
    assert!(why.contains("is there, but not imported"), "{why}");
    let done = host.becomes(&pool("[HF-1, HF-4]", ""), &[]);
    assert!(done[0].to_string().contains("import"), "{done:#?}");
    assert_eq!(host.sh(FILES), written);
    ends(&host);
    other_kinds(&host);
}

fn ends(host: &Host) {
    let absent = "- zpool: {name: tank, state: absent}";
    let token = format!("remove:{}", host.sh("zpool get -Hp -o value guid tank").trim());
    assert!(host.refuses(absent, &[]).contains(&token));
    host.becomes(absent, &["--consent", &token]);
    assert_eq!(host.sh("zpool list -H; lsblk -no FSTYPE,PTTYPE /dev/vdb /dev/vde").trim(), "");
}

/// Each thing goes with consent to exactly that.
fn end(host: &Host) {
    let gone = "- zfs: {name: tank/copy, state: absent}";
    let why = host.refuses(gone, &["--consent", "remove:tank/copy"]);
    let token = format!("remove:{}", guid(host, "tank/copy"));
    assert!(why.contains(&token), "{why}");
    host.becomes(gone, &["--consent", &token]);
    host.becomes("- zfs: {name: 'tank/vm/images@first', holds: []}", &[]);
    let why = host.refuses("- zfs: {name: tank/vm, state: absent}", &[]);
    assert!(
        why.contains("tank/vm/images@first (snapshot") && why.contains("tank/vm/images (file system"),
        "{why}"
    );
    let token = format!("remove:{}", guid(host, "tank/vm"));
    host.becomes("- zfs: {name: tank/vm, state: absent}", &["--consent", &token]);
    ends(host);
}

/// A pool of other kinds, made of the same disks at once.
fn other_kinds(host: &Host) {
    let other = "
- zpool:
    name: dozer
    vdevs: [{type: raidz1, disks: [HF-1, HF-2, HF-4]}, {role: special, type: mirror, disks: [HF-3, HF-5]}]
    mountpoint: none
";
    let why = host.refuses(&other.replace("type: mirror, ", ""), &[]);
    assert!(why.contains("survive no more losses"), "{why}");
    host.becomes(other, &[]);
    host.survives(other);
    let why = host.refuses(
        &format!(
            "{}    remove_extra_devices: true\n",
            other.replace(", {role: special, type: mirror, disks: [HF-3, HF-5]}", "")
        ),
        &[],
    );
    assert!(why.contains("cannot be taken out of the pool dozer"), "{why}");
}
