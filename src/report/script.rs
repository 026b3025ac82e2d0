//! Events for tests, short to write.

use crate::event::{Cost, Event, HostDone, HostRecap, Outcome, SCHEMA, TaskId, What};
use crate::exec::Command;
use crate::plan::{Change, Failure, Plan, Risk, Step};
use crate::value::Value;

pub(super) fn event(what: What) -> Event {
    Event { at_ms: 0, what }
}

pub(super) fn start(dry: bool) -> Event {
    event(What::RunStarted { schema: SCHEMA, playbooks: vec!["kvm.yml".into()], dry, hosts: 1 })
}

pub(super) fn play(name: &str, hosts: &[&str], tasks: usize) -> Event {
    let hosts = hosts.iter().map(ToString::to_string).collect();
    event(What::PlayStarted { name: name.into(), hosts, tasks })
}

pub(super) fn task(number: u32, name: &str) -> Event {
    event(What::TaskStarted {
        task: TaskId(number),
        name: name.into(),
        module: "mdarray".into(),
        at: format!("kvm.yml:{}", 10 + number),
        role: None,
        handler: false,
    })
}

pub(super) fn busy(number: u32, host: &str, detail: &str) -> Event {
    event(What::HostBusy { task: TaskId(number), host: host.into(), detail: detail.into() })
}

pub(super) fn done(number: u32, host: &str, outcome: Outcome) -> Event {
    event(What::HostDone(Box::new(HostDone {
        task: TaskId(number),
        host: host.into(),
        item: None,
        outcome,
        ignored: false,
        result: Value::Null,
        elapsed_ms: 1200,
    })))
}

pub(super) fn changed(number: u32, host: &str, item: Option<&str>) -> Event {
    let mut event = done(number, host, Outcome::Changed(array()));
    if let What::HostDone(done) = &mut event.what {
        done.item = item.map(str::to_owned);
    }
    event
}

pub(super) fn failure() -> Failure {
    Failure {
        title: "`mdadm` failed: exit status 1".into(),
        command: Some("mdadm --create /dev/md/kvm --level=10 --raid-devices=2 /dev/vda /dev/vdb".into()),
        status: Some("exit status 1".into()),
        stdout: String::new(),
        stderr: (1..=25).map(|n| format!("mdadm: line {n}\n")).collect::<Vec<_>>().concat(),
        help: vec!["`mdadm --examine /dev/vda` shows what is on the disk".into()],
    }
}

pub(super) fn failed(number: u32, host: &str) -> Event {
    let mut plan = array();
    plan.then(filesystem());
    done(number, host, Outcome::Failed { failure: failure(), plan, done: 1 })
}

pub(super) fn end(recap: Vec<HostRecap>, interrupted: bool) -> Event {
    event(What::RunEnded { recap, elapsed_ms: 12_300, interrupted, cost: Cost::default() })
}

pub(super) fn recap(host: &str, ok: u32, changed: u32) -> HostRecap {
    HostRecap { host: host.into(), ok, changed, ..HostRecap::default() }
}

pub(super) fn array() -> Plan {
    let create = Command::new("mdadm").args([
        "--create",
        "/dev/md/kvm",
        "--level=10",
        "--raid-devices=2",
        "/dev/vda",
        "/dev/vdb",
    ]);
    Plan::of(
        Change::create("array", "/dev/md/kvm", "raid10 of 2, 4 GiB"),
        [
            Step::Confirm { device: "/dev/vda".into(), serial: None, size: 1 << 32, blank: true },
            Step::run(create),
        ],
        [],
    )
}

pub(super) fn filesystem() -> Plan {
    Plan::of(
        Change::create("file system", "/dev/md/kvm", "xfs, label images"),
        [Step::run(Command::new("mkfs.xfs").args(["-L", "images", "/dev/md/kvm"]))],
        [],
    )
}

pub(super) fn fstab() -> Plan {
    let line = "UUID=@{uuid:/dev/md/kvm} /srv/images xfs noatime 0 0\n";
    Plan::of(
        Change::modify("file", "/etc/fstab", "")
            .attribute("mode", Some("0600".into()), Some("0644".into()))
            .text("# static\n", format!("# static\n{line}"))
            .risk(Risk::Disruptive),
        [Step::run(Command::new("systemctl").arg("daemon-reload"))],
        [],
    )
}
