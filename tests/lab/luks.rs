//! Encrypted containers: made, opened at boot, their keys exchanged with the data intact, and removed; and no passphrase
//! anywhere on the way.

use std::fmt::Write as _;

use crate::host::Host;

const FAST: &str = "pbkdf: {algorithm: pbkdf2, iteration_count: 1000}";

fn boxed(more: &str) -> String {
    format!("- luks: {{device: HF-1, name: box, state: opened, {FAST}, {more}}}\n")
}

const ON_IT: &str = "
- filesystem: {dev: /dev/mapper/box, fstype: ext4, label: secret}
- mount: {src: /dev/mapper/box, path: /srv/box, fstype: ext4, opts: nofail, state: mounted}
";

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn a_container_opens_at_boot_changes_its_keys_and_goes_with_consent() {
    let host = Host::with(&[("HF-1", "128MiB")]);
    host.sh("mkdir -m 0700 /etc/keys; umask 077; cd /etc/keys; \
             head -c 64 /dev/urandom > one; head -c 64 /dev/urandom > two; \
             printf '# kept\\n\\nforeign /dev/nowhere none noauto,nofail\\n' > /etc/crypttab");
    let file = boxed("label: box, allow_discards: true, keyfile: /etc/keys/one, opts: nofail");
    host.becomes(&format!("{file}{ON_IT}"), &[]);
    host.sh("head -c 8M /dev/urandom > /srv/box/data; sha256sum /srv/box/data > /root/sum; sync");
    let intact = || host.sh("sha256sum -c /root/sum");
    host.survives(&format!("{file}{ON_IT}"));
    intact();
    let table = host.sh("cat /etc/crypttab; cryptsetup status box | grep flags");
    assert!(table.starts_with("# kept\n\nforeign /dev/nowhere none noauto,nofail\nbox UUID="), "{table}");
    assert!(table.contains(" /etc/keys/one luks,discard,nofail\n") && table.contains("discards"), "{table}");

    // Another key instead of the first, with everything mounted; then a passphrase beside it.
    let rotate = boxed(
        "keyfile: /etc/keys/one, new_keyfile: /etc/keys/two, remove_keyfile: /etc/keys/one, opts: nofail",
    );
    host.becomes(&rotate, &[]);
    let secret = "correct horse battery";
    let added = boxed(&format!("keyfile: /etc/keys/two, new_passphrase: {secret}, opts: nofail"));
    host.becomes(&added, &[]);
    intact();
    let kept = host.sh("ls /var/lib/holdfast/evidence | wc -l; stat -c %a /var/lib/holdfast/evidence/*");
    assert_eq!(kept, "3\n400\n400\n400\n", "the header is kept before each change");

    // A wrong key is an error, and nothing is written.
    host.sh("umount /srv/box; cryptsetup close box");
    for wrong in ["keyfile: /etc/keys/one", "passphrase: hunter2 hunter2"] {
        let disk = host.vm().disk_sha256("HF-1").unwrap();
        let said = host.refuses(&boxed(wrong), &["--consent", "format:HF-1"]);
        assert!(said.contains("does not open the LUKS container on /dev/vdb"), "{said}");
        assert!(said.contains("key slots tried: 0, 1") && !said.contains("hunter2"), "{said}");
        assert_eq!(host.vm().disk_sha256("HF-1").unwrap(), disk);
    }

    let absent = "- luks: {device: HF-1, name: box, state: absent}\n";
    let said = host.refuses(absent, &[]);
    assert!(said.contains("remove:HF-1"), "{said}");
    host.becomes(
        &format!("- mount: {{path: /srv/box, state: absent}}\n{absent}"),
        &["--consent", "remove:HF-1"],
    );
    let table = host.sh("cat /etc/crypttab");
    assert_eq!(table, "# kept\n\nforeign /dev/nowhere none noauto,nofail\n");
}

fn on_a_volume(size: &str) -> String {
    format!(
        "
- lvg: {{vg: vg, pvs: HF-1}}
- lvol: {{vg: vg, lv: data, size: {size}}}
- luks: {{device: /dev/vg/data, name: inner, state: opened, keyfile: /etc/keys/one, sector_size: 4096, {FAST},
         allow_discards: true, persistent: true, opts: nofail}}
- filesystem: {{dev: /dev/mapper/inner, fstype: ext4, resizefs: true}}
- mount: {{src: /dev/mapper/inner, path: /srv/inner, fstype: ext4, opts: nofail, state: mounted}}
"
    )
}

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn a_container_on_a_volume_grows_and_an_old_one_is_opened_and_left_alone() {
    let host = Host::with(&[("HF-1", "192MiB"), ("HF-2", "64MiB")]);
    host.sh("mkdir -m 0700 /etc/keys; umask 077; head -c 64 /dev/urandom > /etc/keys/one; \
             cryptsetup luksFormat --batch-mode --type luks1 --key-file /etc/keys/one \
             --pbkdf-force-iterations 1000 /dev/vdc");
    host.becomes(&on_a_volume("80m"), &[]);
    host.sh("head -c 8M /dev/urandom > /srv/inner/data; sha256sum /srv/inner/data > /root/sum; sync");
    host.becomes(&on_a_volume("120m"), &[]);
    host.survives(&on_a_volume("120m"));
    let size = host.sh("sha256sum -c /root/sum >&2; blockdev --getsize64 /dev/mapper/inner");
    assert_eq!(size.trim(), (104 << 20).to_string());

    let old = "- luks: {device: HF-2, name: old, state: opened, boot: false, keyfile: /etc/keys/one}\n";
    host.becomes(old, &[]);
    let said = host.refuses(&old.replace("boot: false", "new_passphrase: another one"), &[]);
    assert!(said.contains("the container on /dev/vdc is LUKS1"), "{said}");
    host.becomes("- luks: {name: old, state: closed}\n", &[]);

    let last = "- luks: {device: /dev/vg/data, keyfile: /etc/keys/one, remove_keyfile: /etc/keys/one}\n";
    let said = host.refuses(last, &[]);
    assert!(said.contains("holds the last key"), "{said}");
    let forced = last.replace('}', ", force_remove_last_key: true}");
    let uuid = host.sh("blkid -p -s UUID -o value /dev/vg/data");
    let token = format!("remove-last-key:{}", uuid.trim());
    let said = host.refuses(&forced, &["--consent", &token]);
    assert!(said.contains("/dev/mapper/inner is in use: it is mounted at /srv/inner"), "{said}");
    host.sh("umount /srv/inner; cryptsetup close inner");
    assert!(host.refuses(&forced, &[]).contains(&token));
    host.becomes(&forced, &["--consent", &token]);
    host.sh("! cryptsetup open --test-passphrase --key-file /etc/keys/one /dev/vg/data");
}

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn a_passphrase_is_seen_nowhere() {
    let host = Host::with(&[("HF-1", "128MiB")]);
    let secret = "correct horse battery";
    let other = "staple wet stone";
    // Every program that is started writes down how.
    host.sh("mkdir -p /usr/local/sbin; printf '#!/bin/sh\\nprintf \"%%s\\\\n\" \"$0 $*\" >> /root/argv\\n\
             tr \"\\\\0\" \"\\\\n\" < /proc/$PPID/cmdline >> /root/argv\\nenv >> /root/argv\\n\
             exec /usr/sbin/cryptsetup \"$@\"\\n' > /usr/local/sbin/cryptsetup; \
             chmod +x /usr/local/sbin/cryptsetup");
    let first = boxed(&format!("passphrase: {secret}"));
    let both = boxed(&format!("passphrase: {secret}, new_passphrase: {other}, remove_passphrase: {secret}"));
    let closed = format!("- luks: {{device: HF-1, name: box, state: closed, passphrase: {other}}}\n");
    let wrong = boxed(&format!("passphrase: {secret}"));
    let mut told = String::new();
    for (tasks, code) in [(&first, 0), (&both, 0), (&closed, 0), (&wrong, 5)] {
        for more in [&["--check", "-vvv", "--diff"][..], &["-vvv", "--diff"]] {
            let run = host.run(tasks, more).must(code);
            writeln!(told, "{:?}{}", run.events, run.err).unwrap();
        }
    }
    assert!(told.contains("luksAddKey") && told.contains("\"stdin\""), "{told}");
    let argv = host
        .sh("cat /root/argv; ls -R /root /var/lib/holdfast; grep -rl 'correct horse\\|staple wet' \
                        /root /etc /var/lib/holdfast /var/log /tmp /run/holdfast* 2>/dev/null; true");
    assert!(argv.contains("luksAddKey"), "{argv}");
    for text in [&told, &argv] {
        for word in ["correct horse", "staple wet"] {
            assert!(!text.contains(word), "{word} is in {text}");
        }
    }
    host.becomes("- luks: {device: HF-1, state: absent}\n", &["--consent", "remove:HF-1"]);
}
