//! The layers of the block stack, each made, kept over a restart, grown, and refused what would lose bytes.

use crate::host::Host;

const STACK: &str = "
- md_array: {name: pair, level: 1, members: [HF-1, HF-2]}
- lvg: {vg: vg, pvs: /dev/md/pair}
- lvol: {vg: vg, lv: data, size: 400m}
- filesystem: {dev: /dev/vg/data, fstype: xfs, label: data}
- mount: {src: /dev/vg/data, path: /srv/data, fstype: xfs, opts: noatime, state: mounted}
";

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn a_stack_is_built_survives_a_restart_and_grows_with_its_files() {
    let host = Host::with(&[("HF-1", "1GiB"), ("HF-2", "1GiB")]);
    host.becomes(STACK, &[]);
    host.sh("cp -a /usr/bin /srv/data/ && sync");
    let files = "cd /srv/data && find . -type f -exec sha256sum {} + | sort -k2 | sha256sum";
    let written = host.sh(files);
    host.survives(STACK);
    let grown = STACK.replace("size: 400m", "size: 800m, resizefs: true");
    host.becomes(&grown, &[]);
    assert_eq!(host.sh(files), written);
    let blocks: u64 =
        host.sh("stat -f -c '%b %S' /srv/data | { read b s; echo $((b * s)); }").trim().parse().unwrap();
    assert!(blocks > 700 << 20, "the file system has {blocks} bytes");

    let smaller = host.refuses(STACK, &[]);
    assert!(smaller.contains("is not made smaller"), "{smaller}");
    let taken =
        host.refuses("- filesystem: {dev: HF-1, fstype: ext4, force: true}", &["--consent", "format:HF-1"]);
    assert!(taken.contains("/dev/vdb is in use"), "{taken}");
}
