//! Mounts and swap: made, kept over a restart, changed in source and options, and removed again, in an fstab of which
//! every other byte stays.

use crate::host::Host;

/// Comments, tabs, an escaped blank, a comment behind the fields, and no line feed at the end.
const ODD: &str = "\n# keep this\t\ntmpfs\\t/srv/two\\\\040words\\ttmpfs\\tnoauto,size=1m\\t0 0  # two words\\n\n#no line feed";

const FILE_SYSTEMS: &str = "
- filesystem: {dev: HF-1, fstype: xfs}
- filesystem: {dev: HF-2, fstype: ext4}
";

const MOUNTS: &str = "
- mount: {src: HF-1, path: /srv/a, state: mounted}
- file: {path: /srv/a/photos, state: directory}
- mount: {src: /srv/a/photos, path: /mnt/photos, fstype: none, opts: bind, state: mounted}
- swap: {path: HF-3, priority: 5}
- swap: {path: /var/swapfile, size: 64MiB}
";

const CHANGED: &str = "
- mount: {src: HF-2, path: /srv/a, opts: noatime, boot_policy: optional, state: mounted}
- file: {path: /srv/a/photos, state: directory}
- mount: {src: /srv/a/photos, path: /mnt/photos, fstype: none, opts: bind, state: mounted}
- swap: {path: HF-3, priority: 9, discard: once}
- swap: {path: /var/swapfile, size: 96MiB}
";

const GONE: &str = "
- swap: {path: /var/swapfile, state: absent}
- swap: {path: HF-3, state: absent}
- mount: {path: /mnt/photos, state: absent}
- mount: {path: /srv/a, state: absent}
";

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn mounts_and_swap_come_change_and_go_in_an_odd_fstab() {
    let host = Host::with(&[("HF-1", "1GiB"), ("HF-2", "1GiB"), ("HF-3", "512MiB")]);
    host.sh(&format!("mkdir -p '/srv/two words'; printf '{ODD}' >> /etc/fstab"));
    let odd = host.sh("cat /etc/fstab");
    host.becomes(&[FILE_SYSTEMS, MOUNTS].concat(), &[]);
    let table = host.sh("cat /etc/fstab");
    assert!(table.starts_with(&odd) && !table.ends_with('\n'), "{table}");
    for line in ["UUID=", " /srv/a xfs defaults 0 0", "/var/swapfile none swap sw 0 0", "sw,pri=5 0 0"] {
        assert!(table.contains(line), "{table}");
    }
    let verified = host.sh("findmnt --verify 2>&1 || true");
    assert!(verified.contains("0 errors"), "{verified}");
    let swaps = "cut -d' ' -f1 /proc/swaps | sort; stat -c %a /var/swapfile";
    assert_eq!(
        host.sh(swaps),
        "/dev/vdd\n/var/swapfile\nFilename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n600\n"
    );
    host.sh("head -c 9000000 /dev/urandom > /mnt/photos/one && sync");
    let photo = host.sh("sha256sum < /srv/a/photos/one");
    host.survives(&[FILE_SYSTEMS, MOUNTS].concat());
    assert_eq!(host.sh("sha256sum < /mnt/photos/one"), photo);

    host.becomes(CHANGED, &[]);
    assert_eq!(host.sh("findmnt -n -o SOURCE,FSTYPE /srv/a; ls /mnt/photos"), "/dev/vdc ext4\n");
    assert!(host.sh("findmnt -n -o OPTIONS /srv/a").contains("noatime"));
    assert!(host.sh("grep vdd /proc/swaps").trim_end().ends_with('9'));
    assert_eq!(host.sh("mount /dev/vdb /mnt; sha256sum < /mnt/photos/one; umount /mnt"), photo);

    // What would stop the next start is not put in place, and who is in the way is named.
    let table = host.sh("cat /etc/fstab");
    let worse =
        host.run("- mount: {src: /none, path: none, fstype: swap, opts: sw, state: present}", &[]).must(3);
    assert!(worse.failures().contains("unreachable source: /none"), "{}", worse.failures());
    assert_eq!(host.sh("cat /etc/fstab"), table);
    host.sh(
        "cd /srv/a; sleep 600 > /dev/null 2>&1 & mkdir -p /srv/a/below; mount -t tmpfs below /srv/a/below",
    );
    let nested = host.refuses("- mount: {path: /srv/a, state: unmounted}", &[]);
    assert!(nested.contains("below is mounted at /srv/a/below"), "{nested}");
    host.sh("umount /srv/a/below");
    let busy = host.run("- mount: {path: /srv/a, state: unmounted}", &[]).must(3).failures();
    assert!(busy.contains("(sleep) uses /srv/a"), "{busy}");
    host.sh("fuser -k /srv/a || kill $(pidof sleep)");

    host.becomes(GONE, &[]);
    assert_eq!(host.sh("cat /etc/fstab"), odd);
    assert_eq!(host.sh("ls -d /srv/a /mnt/photos /var/swapfile 2>/dev/null; tail -n +2 /proc/swaps"), "");
}
