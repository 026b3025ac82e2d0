//! LVM for its whole life: devices come and go under files that are in use, volumes grow and shrink, every kind is made,
//! found again, and removed.

use crate::host::Host;

const FILES: &str = "/srv/data/files";

/// The tokens that consent to remove these volumes, and to remove the group where `group` is set.
fn tokens(host: &Host, volumes: &[&str], group: bool) -> Vec<String> {
    let mut tokens: Vec<String> = volumes
        .iter()
        .map(|name| format!("remove:{}", host.sh(&format!("lvs --noheadings -o lv_uuid vg/{name}")).trim()))
        .collect();
    if group {
        tokens.push(format!("remove:{}", host.sh("vgs --noheadings -o vg_uuid vg").trim()));
    }
    tokens
}

fn consents(tokens: &[String]) -> Vec<&str> {
    tokens.iter().flat_map(|token| ["--consent", token.as_str()]).collect()
}

/// Extents of `vg` in all and free, as LVM counts them.
pub(crate) fn extents(host: &Host) -> String {
    let said = host.sh("vgs --noheadings -o vg_extent_count,vg_free_count vg");
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn devices_come_and_go_and_volumes_grow_and_shrink_under_their_files() {
    let host = Host::with(&[("HF-1", "1GiB"), ("HF-2", "1GiB"), ("HF-3", "512MiB")]);
    let volumes = "
- lvol: {vg: vg, lv: data, size: 600m}
- lvol: {vg: vg, lv: fixed, size: 320m}
- filesystem: {dev: /dev/vg/data, fstype: ext4}
- filesystem: {dev: /dev/vg/fixed, fstype: xfs}
- mount: {src: /dev/vg/data, path: /srv/data, fstype: ext4, state: mounted}
";
    let on = |devices: &str| {
        format!("- lvg: {{vg: vg, pvs: [{devices}], remove_extra_pvs: true, tags: [lab]}}{volumes}")
    };
    host.becomes(&on("HF-1"), &[]);
    let written = host.fill(FILES, 5000);
    host.write_to("/srv/data");

    let refused = host.refuses(&on("HF-3"), &[]);
    assert!(refused.contains("920 MiB (230 extents) are in use on /dev/vdb"), "{refused}");
    assert!(refused.contains("508 MiB (127 extents) are free on /dev/vdd"), "{refused}");
    host.becomes(&on("HF-2"), &[]);
    assert_eq!((extents(&host).as_str(), host.read(FILES)), ("255 25", written.clone()));

    // A move that is killed in the middle.
    host.sh(
        "pvcreate -q --dataalignment 1024k /dev/vdb && vgextend -q vg /dev/vdb && pvmove --background /dev/vdc && \
         systemctl kill -s KILL lvm2-lvmpolld.service",
    );
    assert!(host.sh("lvs -a --noheadings -o lv_name vg").contains("pvmove0"));
    host.becomes(&on("HF-1"), &[]);
    assert_eq!((extents(&host).as_str(), host.read(FILES)), ("255 25", written.clone()));
    host.was_written_to("/srv/data");

    let grown = on("HF-1").replace("size: 600m", "size: 700m, resizefs: true");
    host.becomes(&grown, &[]);
    let asked = on("HF-1").replace("size: 600m", "size: 300m, resizefs: true, force: true");
    let refused = host.refuses(&asked, &[]);
    assert!(refused.contains("is mounted at /srv/data, and has to be unmounted"), "{refused}");
    let shrunk = asked.replace("force: true", "force: true, allow_offline: true");
    let tiny = host.refuses(&shrunk.replace("300m", "32m"), &[]);
    assert!(tiny.contains("cannot be made as small as 32 MiB"), "{tiny}");
    let xfs = shrunk.replace("320m", "310m, force: true, resizefs: true, allow_offline: true");
    let refused = host.refuses(&xfs[xfs.find("- lvol: {vg: vg, lv: fixed").unwrap()..], &[]);
    assert!(refused.contains("no xfs can"), "{refused}");
    host.becomes(&shrunk, &[]);
    assert_eq!((extents(&host).as_str(), host.read(FILES)), ("255 100", written.clone()));
    host.sh("umount /srv/data && e2fsck -fn /dev/vg/data && mount /srv/data");
    // What a guest has made on its disk is not this host's to find, neither now nor at boot.
    host.sh("vgcreate -q guest /dev/vdd && lvcreate -q -n root -l 10 guest && mkfs.ext4 -q /dev/guest/root");
    let guest = host.vm().disk_sha256("HF-3").unwrap();
    let filter = "- lvm_filter: {groups: [vg]}\n";
    host.becomes(filter, &[]);
    host.survives(&format!("{filter}{shrunk}"));
    assert_eq!(host.sh("vgs --noheadings -o vg_name; ls -d /dev/guest 2>/dev/null || true").trim(), "vg");
    assert_eq!(host.vm().disk_sha256("HF-3").unwrap(), guest, "a disk that LVM must not see was written to");
    assert_eq!(host.read(FILES), written);
    host.becomes("- lvm_filter: {state: absent}", &[]);
    host.sh("vgs guest && vgremove -q -ff -y guest && pvremove -q /dev/vdd");

    let gone = "
- mount: {path: /srv/data, state: absent}
- lvg: {vg: vg, state: absent, force: true}
";
    let mut tokens = tokens(&host, &["data", "fixed"], true);
    let held = tokens.remove(0);
    let refused = host.run(gone, &[&consents(&tokens)[..], &["--check"]].concat()).must(5).refusals();
    assert!(refused.contains(&held), "{refused}");
    tokens.push(held);
    host.becomes(gone, &consents(&tokens));
    assert_eq!(host.sh("lsblk -no FSTYPE /dev/vdb /dev/vdc").trim(), "");
}

const KINDS: &str = "
- lvg: {vg: vg, pvs: [HF-1, HF-2, HF-3, HF-4]}
- lvol: {vg: vg, lv: striped, type: striped, stripes: 3, size: 10e, tags: [fast]}
- lvol: {vg: vg, lv: mirror, type: raid1, size: 10e}
- lvol: {vg: vg, lv: parity, type: raid5, size: 10e}
- lvol: {vg: vg, thinpool: pool, size: 40e, autoextend: {threshold: 70, percent: 20}}
- lvol: {vg: vg, lv: thin, thinpool: pool, size: 200m, overcommit: 200}
- lvol: {vg: vg, lv: thin, snapshot: thin-before}
- lvol: {vg: vg, lv: plain, size: 10e}
- lvol: {vg: vg, lv: plain, snapshot: plain-before, size: 50%ORIGIN}
- lvol: {vg: vg, lv: cached, size: 20e, pvs: HF-1, cache: {pvs: [HF-4], size: 5e}}
";

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn every_kind_of_volume_takes_what_was_foreseen_and_is_there_after_a_restart() {
    let host = Host::with(&[("HF-1", "512MiB"), ("HF-2", "512MiB"), ("HF-3", "512MiB"), ("HF-4", "512MiB")]);
    host.becomes(KINDS, &[]);
    // 12 striped, 22 of raid1, 18 of raid5, 42 of the pool with its spare, 15 with a snapshot, 25 with a cache.
    assert_eq!(extents(&host), "508 374");
    host.sh("for v in striped mirror parity thin plain cached; do \
             head -c 1000000 /dev/urandom | dd of=/dev/vg/$v conv=notrunc,fsync 2> /dev/null; done");
    let sums = "cd /dev/vg && sha256sum striped mirror parity thin thin-before plain plain-before cached";
    let written = host.sh(sums);
    host.survives(KINDS);
    assert_eq!(host.sh(sums), written);

    let over = host.refuses("- lvol: {vg: vg, lv: more, thinpool: pool, size: 200m, overcommit: 200}", &[]);
    assert!(over.contains("promise 375 % of its size, and 200 % is the limit"), "{over}");
    let wide = host.refuses("- lvol: {vg: vg, lv: wide, type: raid6, size: 3e}", &[]);
    assert!(wide.contains("on each of 5 devices"), "{wide}");
    // LVM's own report leaves such a copy out.
    host.sh("truncate -s 64M /root/copy && loop=$(losetup -f --show /root/copy) && \
             dd if=/dev/vdb of=$loop bs=1M count=2 2> /dev/null && udevadm trigger --settle $loop");
    let copied = host.refuses("- lvol: {vg: vg, lv: more, size: 1e}", &[]);
    assert!(copied.contains("carry the same UUID"), "{copied}");
    host.sh("loop=$(losetup -j /root/copy | cut -d: -f1) && wipefs -qa $loop && losetup -d $loop && udevadm settle");

    let gone = "
- lvol: {vg: vg, lv: cached, cache: {state: absent}}
- lvol: {vg: vg, lv: plain, snapshot: plain-before, state: merged}
- lvol: {vg: vg, thinpool: pool, size: 60e}
- lvol: {vg: vg, lv: mirror, size: 12e}
";
    let snapshot = host.sh("lvs --noheadings -o lv_uuid vg/plain-before");
    let before = host.sh("sha256sum < /dev/vg/plain-before");
    host.becomes(gone, &["--consent", &format!("merge:{}", snapshot.trim())]);
    assert_eq!(host.sh("sha256sum < /dev/vg/plain"), before);
    assert_eq!(extents(&host), "508 360");
    let kept = host.sh("cd /dev/vg && sha256sum cached");
    assert!(written.contains(&kept), "{kept} is none of {written}");

    let volumes = ["striped", "mirror", "parity", "thin", "thin-before", "plain", "cached", "pool"];
    let tokens = tokens(&host, &volumes, true);
    host.becomes("- lvg: {vg: vg, state: absent, force: true}", &consents(&tokens));
}

const WRITTEN: &str = "
- lvg: {vg: vg, pvs: [HF-1, HF-2]}
- lvol: {vg: vg, lv: written, size: 300m, pvs: HF-1, accept_risk: true, cache: {type: writecache, pvs: [HF-2], size: 40m}}
- filesystem: {dev: /dev/vg/written, fstype: ext4}
- mount: {src: /dev/vg/written, path: /srv/data, fstype: ext4, state: mounted}
";

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn a_writecache_is_active_after_a_restart() {
    let host = Host::with(&[("HF-1", "512MiB"), ("HF-2", "512MiB")]);
    // The generator as Debian has it: whether the initramfs gets the kernel module is what is proven.
    host.sh(
        "rm /usr/sbin/update-initramfs && dpkg-divert --local --rename --remove /usr/sbin/update-initramfs",
    );
    host.becomes(WRITTEN, &[]);
    let written = host.fill(FILES, 5000);
    // Only the cache has what is not written back yet.
    assert!(host.sh("dmsetup table vg-written").contains(" writecache s "));
    host.survives(WRITTEN);
    assert_eq!(host.read(FILES), written);
    host.becomes("- lvol: {vg: vg, lv: written, cache: {state: absent}}", &[]);
    assert_eq!((host.read(FILES), extents(&host).as_str()), (written, "254 179"));
}
