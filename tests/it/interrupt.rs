//! A run that is asked to stop: it says so at once, ends the step that is running, and says what it did not do.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use crate::holdfast::{Told, holdfast};

#[test]
fn the_running_step_ends_and_the_rest_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let play = "- hosts: all
  gather_facts: false
  connection: local
  tasks:
    - {name: long, shell: 'touch HERE/running; while ! test -e HERE/go; do sleep 0.1; done; touch HERE/ended'}
    - {name: next, command: touch HERE/next}
"
    .replace("HERE", &here.display().to_string());
    fs::write(here.join("play.yml"), play).unwrap();
    let lock = format!("holdfast_lock_path={}", here.join("lock").display());
    let mut process = holdfast(here)
        .args(["run", "play.yml", "-i", "nas1,", "-e", &lock])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !here.join("running").exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = rustix::process::Pid::from_raw(process.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let mut said = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
    let asked = said.find(|line| line.starts_with("stopping")).expect("it says that it stops");
    assert!(asked.ends_with("have ended, on nas1 (Ctrl-C again stops now)"), "{asked}");
    fs::write(here.join("go"), "").unwrap();
    let told: Told = process.wait_with_output().unwrap().into();
    assert_eq!(told.code, 130, "{}", told.out);
    assert!(told.out.contains("stopped before next on nas1"), "{}", told.out);
    assert!(here.join("ended").exists() && !here.join("next").exists());
}
