//! Killed and run again: the agent, the controller and the machine's power, at steps spread over a whole stack. Each
//! time a plain run of the same playbook has to finish the work, and files written before keep their checksums.
//!
//! `HOLDFAST_KILLS` says how many points are tried; 60 take an hour on an emulated processor.

use std::io::{BufRead as _, BufReader};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::host::Host;

/// What holds the files, made once.
const KEPT: &str = "
- lvg: {vg: kept, pvs: HF-KEPT}
- lvol: {vg: kept, lv: files, size: 400m}
- filesystem: {dev: /dev/kept/files, fstype: xfs}
- mount: {src: /dev/kept/files, path: /srv/kept, fstype: xfs, state: mounted}
";

/// What is built again and again, and the volume of the files, which grows each time.
const STACK: &str = "
- md_array: {name: pair, level: 1, members: [HF-1, HF-2]}
- lvg: {vg: stack, pvs: /dev/md/pair}
- lvol: {vg: stack, lv: images, size: 320m}
- lvol: {vg: stack, lv: export, size: 100m}
- filesystem: {dev: /dev/stack/images, fstype: xfs, label: images}
- filesystem: {dev: /dev/stack/export, fstype: ext4, label: export}
- mount: {src: /dev/stack/images, path: /srv/images, fstype: xfs, opts: noatime, state: mounted}
- mount: {src: /dev/stack/export, path: /srv/export, fstype: ext4, state: mounted}
- nfs_export: {path: /srv/export, clients: {127.0.0.0/8: rw}}
- sysctl: {name: vm.swappiness, value: 10}
- lvol: {vg: kept, lv: files, size: SIZEe, resizefs: true}
";

/// Takes the stack away with bare commands, whatever of it there is.
const CLEAR: &str = "
exportfs -ua; rm -f /etc/exports.d/*; umount /srv/images /srv/export 2>/dev/null
sed -i '/\\/srv\\/images\\|\\/srv\\/export/d' /etc/fstab; rm -f /etc/sysctl.d/90-holdfast.conf; sysctl -q vm.swappiness=60
vgremove -ff -y stack; pvremove -ff -y /dev/md/pair; mdadm --stop /dev/md/pair; sed -i '/^ARRAY/d' /etc/mdadm/mdadm.conf
for d in HF-1 HF-2; do d=/dev/disk/by-id/virtio-$d; mdadm --zero-superblock $d; wipefs -aq $d
blkdiscard -z -l 4194304 $d; blkdiscard -z -o $(($(blockdev --getsize64 $d) - 4194304)) $d; done
udevadm settle; sync; true";

const FILES: &str = "/srv/kept/files";

/// How it ends.
#[derive(Debug, Clone, Copy)]
enum Kill {
    Agent,
    Controller,
    Power,
}

#[test]
#[ignore = "boots a virtual machine; ./dev test runs it"]
fn whatever_is_killed_a_plain_run_goes_on() {
    let points: usize = std::env::var("HOLDFAST_KILLS").map_or(3, |text| text.parse().unwrap());
    let host = Host::with(&[("HF-1", "600MiB"), ("HF-2", "600MiB"), ("HF-KEPT", "1200MiB")]);
    host.run(KEPT, &[]).must(0);
    let files = host.fill(FILES, 2000);
    let extents = |point: usize| STACK.replace("SIZE", &(101 + point).to_string());
    let steps: usize = host
        .run(&extents(0), &["--check"])
        .must(0)
        .plans()
        .iter()
        .map(|action| action[1].as_array().unwrap().len())
        .sum();

    let (mut converged, mut lost) = (0, 0);
    for point in 0..points {
        let tasks = extents(point);
        let kill = [Kill::Agent, Kill::Controller, Kill::Power][point % 3];
        let at = point * steps / points;
        let step = cut(&host, &tasks, at, kill);
        eprintln!("point {point}: {kill:?} at step {at} of {steps}: {step}");
        go_on(&host, &tasks);
        converged += 1;
        if host.read(FILES) != files {
            lost += 1;
        }
        host.sh(CLEAR);
    }
    eprintln!("points tried: {points}, converged: {converged}, lost: {lost}");
    assert_eq!((converged, lost), (points, 0));
}

/// Runs the tasks and kills at the begin of the nth step; says which that was.
fn cut(host: &Host, tasks: &str, at: usize, kill: Kill) -> String {
    let mut run = host.start(tasks);
    let lines = BufReader::new(run.stdout.take().unwrap()).lines();
    let mut begun = 0;
    let mut step = "the end".to_owned();
    for line in lines {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if event["event"] != "host_busy" {
            continue;
        }
        if begun == at {
            event["detail"].as_str().unwrap().clone_into(&mut step);
            break;
        }
        begun += 1;
    }
    match kill {
        Kill::Agent => host.sh("kill -9 $(pgrep -f '[h]oldfast.* agent$') 2>/dev/null || true").clear(),
        Kill::Controller => run.kill().unwrap(),
        Kill::Power => {
            host.vm().power_off_hard().unwrap();
            host.vm().power_on().unwrap();
        }
    }
    let _ = run.kill();
    run.wait().unwrap();
    step
}

/// A plain run ends well, and another finds nothing to do. A run that is told to wait until a program that was left
/// behind has ended does wait.
fn go_on(host: &Host, tasks: &str) {
    let begun = Instant::now();
    loop {
        let told = host.run(tasks, &[]);
        let held =
            told.code == 5 && told.events.iter().any(|event| event.to_string().contains("it is held by"));
        if !held || begun.elapsed() > Duration::from_mins(10) {
            told.must(0);
            return host.stays(tasks);
        }
        thread::sleep(Duration::from_secs(2));
    }
}
