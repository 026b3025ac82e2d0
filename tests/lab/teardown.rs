//! A stack of everything, taken away: refused as a whole without consent, gone with it, with nothing left in any file.

use crate::host::Host;

const STACK: &str = "
- md_array: {name: pair, level: 1, members: [HF-1, HF-2]}
- luks: {device: /dev/md/pair, name: box, state: opened, keyfile: /etc/keys/one, opts: nofail,
         pbkdf: {algorithm: pbkdf2, iteration_count: 1000}}
- lvg: {vg: vg, pvs: /dev/mapper/box}
- lvol: {vg: vg, lv: data, size: 320m}
- lvol: {vg: vg, lv: more, size: 64m}
- filesystem: {dev: /dev/vg/data, fstype: xfs}
- filesystem: {dev: /dev/vg/more, fstype: ext4}
- mount: {src: /dev/vg/data, path: /srv/data, fstype: xfs, opts: nofail, state: mounted}
- mount: {src: /dev/vg/more, path: /srv/data/more, fstype: ext4, opts: nofail, state: mounted}
- nfs_export: {path: /srv/data, clients: {10.0.0.0/24: rw}}
- partition: {device: HF-3, number: 1, size: 64MiB, type: swap}
- partition: {device: HF-3, number: 2}
- swap: {path: /dev/disk/by-id/virtio-HF-3-part1}
";

const GONE: &str = "
- teardown: {devices: [HF-1, HF-2, HF-3]}
";

const FILES: &str = "cat /etc/fstab /etc/crypttab; grep ^ARRAY /etc/mdadm/mdadm.conf; ls /etc/exports.d /srv; \
                     lsinitramfs /boot/initrd.img-$(uname -r) > /dev/null; true";

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn a_whole_stack_is_refused_as_one_and_goes_as_one() {
    let host = Host::with(&[("HF-1", "512MiB"), ("HF-2", "512MiB"), ("HF-3", "200MiB")]);
    host.sh("mkdir -m 0700 /etc/keys; umask 077; head -c 64 /dev/urandom > /etc/keys/one; mkdir -p /etc/exports.d");
    let before = host.sh(FILES);
    host.becomes(STACK, &[]);
    host.sh("cp -a /usr/share/doc /srv/data/ && sync");

    let said = host.refuses(GONE, &[]);
    let tokens: Vec<&str> =
        said.split("--consent ").skip(1).map(|rest| rest.split([' ', '`']).next().unwrap()).collect();
    assert_eq!(tokens.len(), 6, "{said}");
    for part in
        ["6 objects would be destroyed", "file system xfs, ", "KiB used", "HF-3 (/dev/vdd), disk of 200 MiB"]
    {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let mut flags: Vec<&str> = tokens.iter().flat_map(|token| ["--consent", token]).collect();
    // All but one is not enough.
    let last = flags.split_off(flags.len() - 2);
    host.refuses(GONE, &flags);
    flags.extend(last);

    // Somebody works there: nothing is destroyed before that is known.
    host.sh("systemd-run --quiet --unit=busy --working-directory=/srv/data sleep 600");
    let failed = host.run(GONE, &flags).must(3).failures();
    assert!(failed.contains("sleep"), "{failed}");
    host.sh("systemctl stop busy; vgs vg && mdadm --detail /dev/md/pair > /dev/null");

    host.becomes(GONE, &flags);
    assert_eq!(host.sh(FILES), before);
    let blank = host
        .sh("for disk in /dev/vdb /dev/vdc /dev/vdd; do wipefs --no-act $disk; blkid -p $disk; done; true");
    assert_eq!(blank, "");
    host.survives(GONE);
    assert_eq!(
        host.sh("lsblk --noheadings --list --output NAME /dev/vdb /dev/vdc /dev/vdd"),
        "vdb\nvdc\nvdd\n"
    );
    let unused = "- md_array: {name: new, level: 5, members: {unused: {count: 3}}}";
    host.run(unused, &["--check"]).must(0);
}
