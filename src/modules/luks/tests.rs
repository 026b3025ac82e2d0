//! Plans on a machine with blank disks, and on what they leave.

use serde_json::{Value, json};

use super::super::fixture::{becomes, foresee, host, plan, refused, shown};
use crate::exec::Kind;
use crate::machine::Machine;
use crate::machine::block::{Content, DeviceKind, FileSystem, Uuid};
use crate::machine::files::FileState;
use crate::machine::luks::{Key, LuksEffect, Mapping};
use crate::machine::mounts::Live;
use crate::plan::{Consent, Risk};
use crate::secret::Secret;
use crate::units::{GIB, MIB};

const FILE: &str = "/etc/keys/box";
const NEW: &str = "/etc/keys/new";

fn machine() -> Machine {
    let mut machine = host(2);
    for path in [FILE, NEW] {
        let file = FileState::expected(Kind::File, 0o400, 0, 0, None);
        machine.files.seen.insert(path.to_owned(), Some(file));
    }
    machine
}

fn boxed(more: &Value) -> Value {
    let mut args = json!({"device": "HF-DISK-1", "name": "box", "state": "opened", "keyfile": FILE});
    for (name, value) in more.as_object().unwrap() {
        args[name] = value.clone();
    }
    args
}

/// A machine with an open container on its first disk.
fn opened() -> Machine {
    let mut machine = machine();
    becomes(&mut machine, "luks", &boxed(&json!({})));
    machine
}

#[test]
fn a_blank_disk_becomes_an_open_container_with_a_file_system() {
    let mut machine = machine();
    insta::assert_snapshot!(becomes(
        &mut machine,
        "luks",
        &boxed(&json!({"label": "box", "allow_discards": true}))
    ));
    let plain = &machine.block.as_ref().unwrap().devices["/dev/mapper/box"];
    assert_eq!((plain.kind, plain.size), (DeviceKind::Other, 4 * GIB - 16 * MIB));
    becomes(&mut machine, "filesystem", &json!({"dev": "/dev/mapper/box", "fstype": "xfs"}));
    let mount = json!({"path": "/srv/x", "src": "/dev/mapper/box", "fstype": "xfs", "state": "mounted"});
    becomes(&mut machine, "mount", &mount);
    let taken = refused(&machine, "filesystem", &json!({"dev": "HF-DISK-1", "fstype": "xfs", "force": true}));
    assert!(taken.starts_with("/dev/vdb is in use: /dev/mapper/box sits on it"), "{taken}");
    let closed = refused(&machine, "luks", &boxed(&json!({"state": "closed"})));
    assert!(closed.starts_with("/dev/mapper/box is in use: it is mounted at /srv/x"), "{closed}");
}

#[test]
fn a_key_file_may_be_one_that_an_earlier_task_puts_there() {
    let mut machine = machine();
    machine.files.seen.insert("/etc/keys/late".to_owned(), None);
    machine
        .files
        .seen
        .insert("/etc/keys".to_owned(), Some(FileState::expected(Kind::Directory, 0o700, 0, 0, None)));
    let file = json!({"dest": "/etc/keys/late", "content": "0123456789", "mode": "0400"});
    let copied = plan(&machine, "copy", &file).unwrap();
    foresee(&mut machine, &copied);
    becomes(&mut machine, "luks", &boxed(&json!({"keyfile": "/etc/keys/late"})));
}

#[test]
fn volumes_lie_on_a_container_and_containers_on_volumes() {
    let mut machine = opened();
    becomes(&mut machine, "lvg", &json!({"vg": "vg", "pvs": "/dev/mapper/box"}));
    becomes(&mut machine, "lvol", &json!({"vg": "vg", "lv": "data", "size": "1g"}));
    let inner = json!({"device": "/dev/vg/data", "name": "inner", "state": "opened", "keyfile": FILE});
    becomes(&mut machine, "luks", &inner);
    assert_eq!(machine.block.as_ref().unwrap().devices["/dev/mapper/inner"].size, GIB - 16 * MIB);
    becomes(&mut machine, "lvol", &json!({"vg": "vg", "lv": "data", "size": "2g"}));
    let grown = becomes(&mut machine, "luks", &inner);
    assert!(grown.contains("cryptsetup resize --batch-mode --key-file /etc/keys/box inner"), "{grown}");
}

#[test]
fn present_leaves_it_closed_and_its_ends_empty() {
    let mut machine = machine();
    let args = json!({"device": "/dev/vdb", "passphrase": "hunter2"});
    let planned = becomes(&mut machine, "luks", &args);
    assert!(planned.contains("cryptsetup close --batch-mode holdfast-vdb"), "{planned}");
    assert!(!machine.block.as_ref().unwrap().devices.contains_key("/dev/mapper/holdfast-vdb"));
    let args = json!({"device": "/dev/vdb", "passphrase": "hunter2", "name": "box", "state": "opened"});
    let planned = becomes(&mut machine, "luks", &args);
    assert!(planned.starts_with("+ mapping /dev/mapper/box"), "{planned}");
    // Nobody has seen what is in it: no file system is made on that.
    let unknown = plan(&machine, "filesystem", &json!({"dev": "/dev/mapper/box", "fstype": "xfs"})).unwrap();
    assert!(Consent::default().covers(&unknown).is_err());
}

#[test]
fn no_passphrase_is_in_a_plan_or_its_debug_form() {
    let args = json!({"device": "/dev/vdb", "name": "box", "state": "opened", "passphrase": "hunter2 old",
        "new_passphrase": "hunter2 new"});
    let planned = plan(&machine(), "luks", &args).unwrap();
    let told = format!("{}{planned:?}{}", serde_json::to_string(&planned).unwrap(), shown(&planned));
    assert!(!told.contains("hunter2"), "{told}");
    assert!(told.contains("***"), "{told}");
    let bytes = postcard::to_allocvec(&planned).unwrap();
    assert!(!bytes.windows(7).any(|window| window == b"hunter2"));
    let module = super::super::find("community.crypto.luks_device").unwrap();
    let secrets: Vec<String> = module.secrets(args.as_object().unwrap()).collect();
    assert_eq!(secrets, ["hunter2 old", "hunter2 new"]);
}

#[test]
fn a_wrong_key_is_an_error_and_never_a_reason_to_format() {
    let mut machine = opened();
    let wrong = Key::Passphrase(Secret::new("mistaken"));
    let trial = LuksEffect::Key { device: "/dev/vdb".into(), key: wrong, slot: None };
    trial.apply(machine.luks.as_mut().unwrap());
    for state in ["present", "opened", "closed"] {
        let args = json!({"device": "/dev/vdb", "name": "box", "state": state, "passphrase": "mistaken"});
        let said = refused(&machine, "luks", &args);
        assert!(said.starts_with("the passphrase does not open the LUKS container on /dev/vdb"), "{said}");
        assert!(said.contains("key slots tried: 0") && !said.contains("mistaken"), "{said}");
    }
}

#[test]
fn what_somebody_else_has_on_a_disk_is_not_encrypted() {
    let mut machine = machine();
    let disk = machine.block.as_mut().unwrap().devices.get_mut("/dev/vdb").unwrap();
    disk.content = Content::FileSystem(FileSystem::new("ext4"));
    let planned = plan(&machine, "luks", &boxed(&json!({}))).unwrap();
    let refusal = Consent::default().covers(&planned).unwrap_err();
    assert_eq!(refusal.token.as_deref(), Some("format:HF-DISK-1"));
    // A header that cannot be read is no blank disk.
    let disk = machine.block.as_mut().unwrap().devices.get_mut("/dev/vdb").unwrap();
    disk.content = Content::Other { kind: "crypto_LUKS".into(), uuid: None, label: None };
    let said = refused(&machine, "luks", &boxed(&json!({})));
    assert!(said.starts_with("the LUKS header of /dev/vdb cannot be read"), "{said}");
}

#[test]
fn a_key_is_exchanged_by_adding_trying_and_removing() {
    let mut machine = opened();
    let trial = LuksEffect::Key { device: "/dev/vdb".into(), key: Key::File(NEW.into()), slot: None };
    trial.apply(machine.luks.as_mut().unwrap());
    let args = boxed(&json!({"new_keyfile": NEW, "remove_keyfile": FILE}));
    insta::assert_snapshot!(becomes(&mut machine, "luks", &args));
    let luks = machine.luks.as_ref().unwrap();
    assert_eq!(luks.containers["/dev/vdb"].slots.iter().copied().collect::<Vec<_>>(), [1]);
    assert_eq!(luks.crypttab.len(), 1);
    assert_eq!(luks.crypttab[0].key.as_deref(), Some(NEW));
}

#[test]
fn a_key_is_not_removed_on_trust_and_the_last_one_not_at_all() {
    let mut machine = opened();
    let args = boxed(&json!({"remove_keyslot": 0}));
    let said = refused(&machine, "luks", &args);
    assert!(said.starts_with("slot 0 holds the last key of the container on /dev/vdb"), "{said}");
    let planned =
        plan(&machine, "luks", &boxed(&json!({"remove_keyslot": 0, "force_remove_last_key": true})));
    let refusal = Consent::default().covers(&planned.unwrap()).unwrap_err();
    assert_eq!(refusal.token.as_deref(), Some("remove-last-key:HF-DISK-1"));
    let container = machine.luks.as_mut().unwrap().containers.get_mut("/dev/vdb").unwrap();
    container.slots.insert(3);
    let said = refused(&machine, "luks", &args);
    assert!(said.starts_with("slot 0 of the container on /dev/vdb is not emptied"), "{said}");
    let planned = becomes(&mut machine, "luks", &boxed(&json!({"remove_keyslot": 3})));
    assert!(planned.contains("luksKillSlot --batch-mode --key-file /etc/keys/box /dev/vdb 3"), "{planned}");
}

#[test]
fn another_shape_is_refused() {
    let machine = opened();
    for (argument, value) in [
        ("cipher", json!("aes-cbc-essiv:sha256")),
        ("keysize", json!(256)),
        ("sector_size", json!(4096)),
        ("type", json!("luks1")),
    ] {
        let said = refused(&machine, "luks", &boxed(&json!({argument: value})));
        assert!(said.starts_with(&format!("the container on /dev/vdb has the {argument} ")), "{said}");
    }
    let said = refused(&machine, "luks", &boxed(&json!({"name": "other"})));
    assert!(said.starts_with("/dev/vdb is open as /dev/mapper/box, not as /dev/mapper/other"), "{said}");
}

#[test]
fn crypttab_keeps_what_is_not_spoken_of() {
    let mut machine = opened();
    let lines = "swap /dev/sda2 /dev/urandom swap\nbox /dev/sdz none luks\nbox UUID=1 none\n";
    machine.luks.as_mut().unwrap().crypttab = crate::tools::crypttab::parse(lines).unwrap();
    let planned = plan(&machine, "luks", &boxed(&json!({"opts": "nofail,_netdev"}))).unwrap();
    let crate::plan::Step::Edit { path, edits, .. } = &planned.actions[0].steps[0] else { panic!() };
    assert_eq!(path, "/etc/crypttab");
    let after = crate::plan::edited(lines.as_bytes(), edits).unwrap();
    let wanted =
        "swap /dev/sda2 /dev/urandom swap\nbox UUID=@{uuid:/dev/vdb} /etc/keys/box luks,nofail,_netdev\n";
    assert_eq!(String::from_utf8(after).unwrap(), wanted);
    assert!(!shown(&planned).contains("update-initramfs"));
    foresee(&mut machine, &planned);
    let early = plan(&machine, "luks", &boxed(&json!({"opts": "initramfs"}))).unwrap();
    assert!(shown(&early).contains("update-initramfs"));
    let never = becomes(&mut machine, "luks", &boxed(&json!({"boot": false})));
    assert!(never.starts_with("- crypttab entry box"), "{never}");
    let ask = json!({"device": "HF-DISK-1", "name": "box", "state": "opened"});
    assert!(plan(&machine, "luks", &ask).unwrap().is_empty());
}

#[test]
fn a_container_goes_with_consent_and_not_while_it_is_used() {
    let mut machine = opened();
    let absent = json!({"device": "HF-DISK-1", "name": "box", "state": "absent"});
    let planned = plan(&machine, "luks", &absent).unwrap();
    let refusal = Consent::default().covers(&planned).unwrap_err();
    assert_eq!(refusal.token.as_deref(), Some("remove:HF-DISK-1"));
    assert!(refusal.facts[0].contains("open as /dev/mapper/box"), "{refusal}");
    assert_eq!(planned.actions[1].change.risk, Risk::Disruptive);
    let live = Live {
        target: "/srv/x".into(),
        source: "/dev/mapper/box".into(),
        fstype: "xfs".into(),
        options: vec![],
        root: "/".into(),
    };
    machine.mounts.as_mut().unwrap().live.push(live);
    assert!(refused(&machine, "luks", &absent).starts_with("/dev/mapper/box is in use"));
    machine.mounts.as_mut().unwrap().live.pop();
    insta::assert_snapshot!(becomes(&mut machine, "luks", &absent));
    becomes(&mut machine, "filesystem", &json!({"dev": "HF-DISK-1", "fstype": "xfs"}));
}

#[test]
fn what_is_switched_on_is_compared() {
    let mut machine = opened();
    let planned = becomes(&mut machine, "luks", &boxed(&json!({"allow_discards": true, "persistent": true})));
    assert!(
        planned.contains("refresh --batch-mode --key-file /etc/keys/box --allow-discards --persistent box")
    );
    assert!(planned.contains("luksHeaderBackup"), "{planned}");
    let off = boxed(&json!({"allow_discards": false}));
    assert!(refused(&machine, "luks", &off).starts_with("allow-discards is kept in the container's header"));
    let container = machine.luks.as_mut().unwrap().containers.get_mut("/dev/vdb").unwrap();
    container.mapping = Some(Mapping { name: "box".into(), flags: [].into_iter().collect() });
    container.uuid = Uuid::Known("0a6e2b7e-8b0e-4a53-a1c5-4a2f0c8d6e11".into());
    let other = boxed(&json!({"uuid": "1a6e2b7e-8b0e-4a53-a1c5-4a2f0c8d6e11"}));
    assert!(refused(&machine, "luks", &other).starts_with("the container on /dev/vdb has the uuid 0a6e"));
    let absent = boxed(&json!({"uuid": "1a6e2b7e-8b0e-4a53-a1c5-4a2f0c8d6e11", "state": "absent"}));
    assert!(refused(&machine, "luks", &absent).starts_with("the container on /dev/vdb has the uuid 0a6e"));
}

#[test]
fn key_files_are_there_and_private() {
    let mut machine = machine();
    let open = FileState::expected(Kind::File, 0o644, 0, 0, None);
    machine.files.seen.insert(FILE.to_owned(), Some(open));
    let said = refused(&machine, "luks", &boxed(&json!({})));
    assert!(said.starts_with("the key file /etc/keys/box can be read by others than its owner"), "{said}");
    machine.files.seen.insert(FILE.to_owned(), None);
    assert!(
        refused(&machine, "luks", &boxed(&json!({}))).starts_with("the key file /etc/keys/box is not on")
    );
}

#[test]
fn wrong_text_is_found_before_any_host_is_touched_and_no_passphrase_repeated() {
    let bad = |args: Value| {
        let all = super::super::find("luks").unwrap().decode(args.as_object().unwrap()).err().unwrap();
        all.into_iter().map(|one| one.message).collect::<String>()
    };
    for (name, value) in [
        ("name", json!("a/b")),
        ("keyfile", json!("relative")),
        ("label", json!("x".repeat(48))),
        ("uuid", json!("12")),
        ("opts", json!("a b")),
        ("opts", json!("discard")),
        ("pbkdf", json!({"algorithm": "scrypt"})),
        ("passphrase_encoding", json!("base64")),
    ] {
        assert!(!bad(json!({"device": "/dev/vdb", name: value})).is_empty());
    }
    for text in ["hunter2\nhunter3".to_owned(), "hunter2".repeat(100)] {
        let said = bad(json!({"device": "/dev/vdb", "passphrase": text}));
        assert!(said.contains("use a key file") && !said.contains("hunter"), "{said}");
    }
}
