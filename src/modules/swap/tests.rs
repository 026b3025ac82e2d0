//! Swap on a host with a blank disk, and files on its root.

use serde_json::json;

use crate::exec::Kind;
use crate::machine::Machine;
use crate::machine::block::Content;
use crate::machine::files::FileState;
use crate::machine::swap::{Area, Memory};
use crate::modules::fixture::{becomes, host, plan, refused};
use crate::plan::Consent;
use crate::tools::fstab;
use crate::units::{GIB, MIB};

fn machine() -> Machine {
    let mut machine = host(2);
    machine.memory = Some(Memory { available: GIB });
    machine.files.seen.insert("/var".into(), Some(FileState::expected(Kind::Directory, 0o755, 0, 0, None)));
    machine
}

#[test]
fn a_blank_device_becomes_swap_and_goes_again() {
    let mut machine = machine();
    let planned =
        becomes(&mut machine, "swap", &json!({"path": "HF-DISK-1", "priority": 5, "discard": "once"}));
    assert_eq!(
        planned,
        "+ swap area /dev/vdb 4 GiB\n    confirm /dev/vdb is the same and blank\n    mkswap /dev/vdb\n    udevadm settle --timeout=60\n\
         + fstab entry /dev/vdb UUID=@{uuid:/dev/vdb} none swap sw,pri=5,discard=once 0 0\n    \
         edit /etc/fstab (1 lines) if findmnt --verify finds it no worse\n    systemctl daemon-reload\n\
         + swap /dev/vdb 4 GiB\n    swapon -o pri=5,discard=once /dev/vdb\n"
    );
    let taken = refused(&machine, "filesystem", &json!({"dev": "/dev/vdb", "fstype": "xfs", "force": true}));
    assert!(taken.starts_with("/dev/vdb is in use: it is swapped to"), "{taken}");
    let raised = becomes(&mut machine, "swap", &json!({"path": "/dev/vdb", "priority": 9}));
    assert!(raised.contains("swapoff /dev/vdb\n    swapon -o discard=once,pri=9 /dev/vdb"), "{raised}");
    let gone = becomes(&mut machine, "swap", &json!({"path": "/dev/vdb", "state": "absent"}));
    assert!(gone.contains("swapoff /dev/vdb") && gone.contains("- fstab entry /dev/vdb"), "{gone}");
    assert!(machine.mounts.as_ref().unwrap().swaps.is_empty());
}

#[test]
fn a_device_with_something_on_it_takes_consent() {
    let mut machine = machine();
    machine.block.as_mut().unwrap().devices.get_mut("/dev/vdb").unwrap().content = Content::Physical;
    let plan = plan(&machine, "swap", &json!({"path": "/dev/vdb"})).unwrap();
    assert_eq!(Consent::default().covers(&plan).unwrap_err().token.as_deref(), Some("format:HF-DISK-1"));
}

#[test]
fn a_file_is_made_grows_and_goes_again() {
    let mut machine = machine();
    let args = json!({"path": "/var/swapfile", "size": "512M"});
    let made = becomes(&mut machine, "swap", &args);
    assert!(
        made.starts_with(
            "+ swap file /var/swapfile 512 MiB\n    write /var/swapfile (0 bytes)\n    \
             fallocate --length 536870912 /var/swapfile\n    mkswap /var/swapfile\n\
             + fstab entry /var/swapfile /var/swapfile none swap sw 0 0\n"
        ),
        "{made}"
    );
    assert!(made.ends_with("+ swap /var/swapfile 512 MiB\n    swapon /var/swapfile\n"), "{made}");
    let grown =
        becomes(&mut machine, "swap", &json!({"path": "/var/swapfile", "size": "1G", "written": true}));
    let steps: Vec<&str> = grown.lines().filter_map(|line| line.trim().split(' ').next()).collect();
    assert_eq!(
        steps,
        ["-", "swapoff", "-", "remove", "+", "write", "dd", "mkswap", "+", "swapon"],
        "{grown}"
    );
    let stat = machine.files.seen.get_mut("/var/swapfile").unwrap().as_mut().unwrap();
    stat.stat.mode = 0o644;
    let closed = becomes(&mut machine, "swap", &json!({"path": "/var/swapfile"}));
    assert_eq!(closed, "~ swap file /var/swapfile \n    set mode 0600 owner 0 group 0 of /var/swapfile\n");
    let gone = becomes(&mut machine, "swap", &json!({"path": "/var/swapfile", "state": "absent"}));
    assert!(gone.ends_with("- swap file /var/swapfile 1 GiB\n    remove /var/swapfile\n"), "{gone}");
    assert_eq!(machine.files.seen["/var/swapfile"], None);
}

#[test]
fn what_cannot_be_is_refused_with_numbers() {
    let mut machine = machine();
    let refused = |machine: &Machine, args| refused(machine, "swap", &args);
    let none = refused(&machine, json!({"path": "/var/swapfile"}));
    assert!(none.starts_with("there is no /var/swapfile to swap to, and no `size`"), "{none}");
    let folder = refused(&machine, json!({"path": "/none/swapfile", "size": "1G"}));
    assert!(folder.starts_with("there is no folder /none"), "{folder}");
    let size = refused(&machine, json!({"path": "/dev/vdb", "size": "1G"}));
    assert!(size.starts_with("/dev/vdb is a device"), "{size}");
    assert!(refused(&machine, json!({"path": "/dev/vdx"})).starts_with("swap needs /dev/vdx"));

    let file = FileState::expected(Kind::File, 0o600, 0, 0, None);
    let file = FileState { stat: crate::exec::Stat { size: MIB, ..file.stat }, ..file };
    machine.files.seen.insert("/var/photos".into(), Some(file));
    for args in
        [json!({"path": "/var/photos", "size": "1G"}), json!({"path": "/var/photos", "state": "absent"})]
    {
        assert!(refused(&machine, args).starts_with("/var/photos is there, and is no swap file"));
    }

    let mounts = machine.mounts.as_mut().unwrap();
    mounts.swaps.push(Area { path: "/dev/vdb".into(), size: 4 * GIB, used: 3 * GIB, priority: None });
    mounts.swaps.push(Area { path: "/dev/vdc".into(), size: GIB, used: 0, priority: None });
    let full = refused(&machine, json!({"path": "/dev/vdb", "state": "absent"}));
    assert!(full.starts_with("swap on /dev/vdb cannot be turned off: 3 GiB are swapped out to it"), "{full}");
    assert!(full.contains("1 GiB of memory are available") && full.contains("1 GiB of other swap"), "{full}");

    machine.mounts.as_mut().unwrap().live[0].fstype = "btrfs".into();
    let kind = refused(&machine, json!({"path": "/var/swapfile", "size": "1G"}));
    assert!(kind.starts_with("/var/swapfile would be on btrfs"), "{kind}");
}

#[test]
fn words_of_others_in_the_entry_stay() {
    let mut machine = machine();
    let content = Content::Other { kind: "swap".into(), uuid: Some("ab-12".into()), label: None };
    machine.block.as_mut().unwrap().devices.get_mut("/dev/vdb").unwrap().content = content;
    let mounts = machine.mounts.as_mut().unwrap();
    mounts.fstab = fstab::parse("UUID=ab-12\tswap\tswap\tdefaults,nofail\t0 0 # keep\n").entries;
    mounts.swaps.push(Area { path: "/dev/vdb".into(), size: 4 * GIB, used: 0, priority: Some(3) });
    let same = plan(&machine, "swap", &json!({"path": "UUID=ab-12"})).unwrap();
    assert!(same.is_empty(), "{same:?}");
    becomes(&mut machine, "swap", &json!({"path": "UUID=ab-12", "priority": 3}));
    assert_eq!(
        machine.mounts.as_ref().unwrap().fstab[0].line,
        "UUID=@{uuid:/dev/vdb}\tswap\tswap\tdefaults,nofail,pri=3\t0 0 # keep"
    );
}
