//! One machine with the storage packages on it and small blank disks, and what every suite does to it: describe, apply,
//! apply again, restart, apply again; and what it has to refuse.

use std::process::{Child, Stdio};

use holdfast::lab::{Flavour, Lab, LabFile, Vm};
use serde_json::Value;

use crate::told::{Told, command, holdfast};

pub(crate) struct Host {
    lab: Lab,
    home: tempfile::TempDir,
    serials: Vec<String>,
}

impl Host {
    /// Disks by serial and size, in the order of `/dev/vdb`, `/dev/vdc`, ...
    pub(crate) fn with(disks: &[(&str, &str)]) -> Self {
        Self::of(Flavour::Storage, disks)
    }

    /// The same, of another image.
    pub(crate) fn of(image: Flavour, disks: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let list: Vec<String> =
            disks.iter().map(|(serial, size)| format!("{{serial: {serial}, size: {size}}}")).collect();
        let text = format!("hosts: {{nas1: {{memory: 1GiB, disks: [{}]}}}}", list.join(", "));
        let file = LabFile { image, ..LabFile::parse(&text).unwrap() };
        let lab = Lab::up(&file, &home.path().join("lab"), &|said| eprintln!("{said}")).unwrap();
        let serials = disks.iter().map(|(serial, _)| (*serial).to_owned()).collect();
        Self { lab, home, serials }
    }

    pub(crate) fn vm(&self) -> &Vm {
        self.lab.host("nas1").unwrap()
    }

    /// What a shell command on the machine wrote; it has to succeed.
    pub(crate) fn sh(&self, command: &str) -> String {
        self.vm().must(&[command]).unwrap()
    }

    /// So many files of 4000 random bytes in a new folder, and what [`Host::read`] says of them.
    pub(crate) fn fill(&self, folder: &str, files: usize) -> String {
        let bytes = files * 4000;
        self.sh(&format!(
            "mkdir {folder} && cd {folder} && head -c {bytes} /dev/urandom | split -b 4000 -a 3 - file && sync"
        ));
        self.read(folder)
    }

    /// How many files are in a folder, and the sum of what is in them: on the disks, not in memory.
    pub(crate) fn read(&self, folder: &str) -> String {
        self.sh(&format!(
            "sync; echo 3 > /proc/sys/vm/drop_caches; cd {folder} && ls | wc -l && cat $(ls) | sha256sum"
        ))
    }

    /// Somebody writes to a log in that folder, each line on the disk before the next.
    pub(crate) fn write_to(&self, folder: &str) {
        self.sh(&format!(
            "systemd-run --unit=writer sh -c \
             'while sleep 0.1; do date +%N >> {folder}/log; sync -d {folder}/log; done'"
        ));
    }

    /// Ends that; fails unless there was time for some lines.
    pub(crate) fn was_written_to(&self, folder: &str) {
        let log = self.sh(&format!("systemctl stop writer; sort {folder}/log | wc -l"));
        assert!(log.trim().parse::<u64>().unwrap() > 10, "nobody wrote meanwhile: {log}");
    }

    /// A playbook of a list of tasks, written as YAML: its path.
    pub(crate) fn play(&self, tasks: &str) -> String {
        let indented: Vec<String> = tasks.lines().map(|line| format!("    {line}")).collect();
        let play = format!("- hosts: all\n  gather_facts: false\n  tasks:\n{}\n", indented.join("\n"));
        let path = self.home.path().join("play.yml");
        std::fs::write(&path, play).unwrap();
        path.to_string_lossy().into_owned()
    }

    /// Runs a list of tasks, written as YAML.
    pub(crate) fn run(&self, tasks: &str, more: &[&str]) -> Told {
        let path = self.play(tasks);
        holdfast(&self.lab, self.home.path(), &[&["run", path.as_str()], more].concat())
    }

    /// Runs the shipped playbook `kvm-storage`.
    pub(crate) fn kvm_storage(&self, more: &[&str]) -> Told {
        holdfast(&self.lab, self.home.path(), &[&["run", "kvm-storage"], more].concat())
    }

    /// Starts a run whose JSON lines are read while it goes on.
    pub(crate) fn start(&self, tasks: &str) -> Child {
        let path = self.play(tasks);
        let mut command = command(&self.lab, self.home.path(), &["run", &path, "--output", "json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// What `holdfast graph` prints of the machine.
    pub(crate) fn picture(&self, more: &[&str]) -> String {
        let output =
            command(&self.lab, self.home.path(), &[&["graph", "nas1"], more].concat()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The machine's storage as data.
    pub(crate) fn graph(&self, more: &[&str]) -> Value {
        serde_json::from_str(&self.picture(&[more, &["--format", "json"]].concat())).unwrap()
    }

    /// The tasks change the machine, exactly as a dry run says before, and leave nothing to change.
    pub(crate) fn becomes(&self, tasks: &str, more: &[&str]) -> Vec<Value> {
        let done = self.changes(tasks, more);
        self.stays(tasks);
        done
    }

    /// The tasks change the machine, exactly as a dry run says before. Done again, they may take consent again.
    pub(crate) fn changes(&self, tasks: &str, more: &[&str]) -> Vec<Value> {
        let before = self.written();
        let dry = self.run(tasks, &[more, &["--check"]].concat()).must(0);
        self.wrote_nothing(&before, "the dry run");
        let real = self.run(tasks, more).must(0);
        let (shown, done) = (dry.plans(), real.plans());
        for (shown, done) in shown.iter().zip(&done) {
            assert_eq!(shown, done, "the dry run showed something else");
        }
        assert_eq!(shown.len(), done.len(), "the dry run showed {shown:#?}, done was {done:#?}");
        assert!(real.changed() > 0, "nothing was changed");
        done
    }

    /// The tasks find nothing to change.
    pub(crate) fn stays(&self, tasks: &str) {
        let again = self.run(tasks, &[]).must(0);
        assert_eq!(again.changed(), 0, "{:#?}", again.plans());
    }

    /// The tasks find nothing to change, also after a restart.
    pub(crate) fn survives(&self, tasks: &str) {
        self.vm().reboot().unwrap();
        self.stays(tasks);
    }

    /// The tasks are refused, dry and real, and no disk is written to. Gives back what was said.
    pub(crate) fn refuses(&self, tasks: &str, more: &[&str]) -> String {
        let before = self.written();
        let dry = self.run(tasks, &[more, &["--check"]].concat()).must(5).refusals();
        let real = self.run(tasks, more).must(5).refusals();
        assert_eq!(dry, real, "the dry run gave another reason");
        self.wrote_nothing(&before, "a refused task");
        real
    }

    /// Bytes written so far to each disk, as QEMU counts them.
    fn written(&self) -> Vec<u64> {
        self.serials.iter().map(|serial| self.vm().disk_stats(serial).unwrap().bytes_written).collect()
    }

    /// Nothing was written since, but for disks in use: those write whenever they like.
    fn wrote_nothing(&self, before: &[u64], who: &str) {
        let after = self.written();
        if before != after {
            let idle = self.idle();
            for ((serial, before), after) in self.serials.iter().zip(before).zip(after) {
                assert!(*before == after || !idle.contains(serial), "{who} wrote to {serial}");
            }
        }
    }

    /// The disks that nothing is mounted from and nothing is made of.
    fn idle(&self) -> Vec<String> {
        let idle = self.sh("used=$(cat /proc/mounts /proc/swaps; ls -d /sys/fs/btrfs/*/devices/* 2> /dev/null; \
             [ ! -d /sys/module/zfs ] || zpool status -LP); cd /sys/class/block; \
             for link in /dev/disk/by-id/virtio-*; do disk=$(readlink $link); disk=${disk##*/}; \
             case $used in */$disk*) continue ;; esac; \
             for holder in $disk*/holders/*; do [ ! -e $holder ] || continue 2; done; echo ${link#*virtio-}; done");
        idle.lines().map(str::to_owned).collect()
    }
}
