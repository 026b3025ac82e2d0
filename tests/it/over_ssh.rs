//! Plays over a real sshd: the agent brings itself, connections are kept, locks hold, a lost host is lost.

use std::fs;
use std::path::Path;

use crate::holdfast::{Told, holdfast, run};
use crate::sshd::Sshd;

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// How often sshd let somebody in.
fn connections(sshd: &Sshd) -> usize {
    fs::read_to_string(sshd.folder.join("sshd.log")).unwrap().matches("Accepted publickey").count()
}

#[test]
fn builds_changes_and_leaves_alone() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let sshd = Sshd::start(here);
    let inventory = sshd.inventory(&["nas1", "nas2"]).display().to_string();
    write(
        here,
        "motd.j2",
        "this is {{ inventory_hostname }}\n{% for x in [1, 2] %}\nline {{ x }}\n{% endfor %}\n",
    );
    let playbook = write(
        here,
        "site.yml",
        &"
- hosts: all
  gather_facts: false
  vars: {base: \"HERE/work-{{ inventory_hostname }}\"}
  handlers:
    - name: tell
      shell: echo told >> {{ base }}/told
  tasks:
    - file: {path: \"{{ base }}/etc\", state: directory, mode: '0750'}
    - template: {src: motd.j2, dest: \"{{ base }}/etc/motd\"}
      notify: tell
    - lineinfile: {path: \"{{ base }}/etc/motd\", line: the end}
    - command: cat {{ base }}/etc/motd
      register: motd
      changed_when: false
    - assert:
        that: motd.stdout_lines[0] == 'this is ' ~ inventory_hostname
    - set_fact: {first: \"{{ motd.stdout_lines[0] }}\"}
    - copy: {content: \"{{ first }}\", dest: \"{{ base }}/first\"}
"
        .replace("HERE", &here.display().to_string()),
    );
    let args = ["run", &playbook, "-i", &inventory];

    let dry = run(here, &[&args[..], &["--check", "--diff", "--detailed-exitcode"]].concat());
    assert_eq!(dry.code, 6, "{}{}", dry.out, dry.err);
    for host in ["nas1", "nas2"] {
        assert!(!here.join(format!("work-{host}")).exists(), "a dry run wrote something");
    }
    assert!(dry.out.contains("+this is nas1"), "{}", dry.out);
    assert!(dry.out.contains("failed=0 refused=0 skipped=3"), "{}", dry.out);

    let first = run(here, &args);
    assert_eq!(first.code, 0, "{}{}", first.out, first.err);
    for host in ["nas1", "nas2"] {
        // A folder of its own each: both hosts are this machine, and work at the same time.
        let base = here.join(format!("work-{host}"));
        let motd = fs::read_to_string(base.join("etc/motd")).unwrap();
        assert_eq!(motd, format!("this is {host}\nline 1\nline 2\nthe end\n"));
        assert_eq!(fs::read_to_string(base.join("told")).unwrap(), "told\n");
    }

    let before = connections(&sshd);
    let second = run(here, &args);
    // The template puts its text back and the line is added again: that is what the playbook says.
    assert_eq!(second.code, 0, "{}{}", second.out, second.err);
    assert_eq!(connections(&sshd), before, "a warm run made a new connection");
}

#[test]
fn an_unreachable_host_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let sshd = Sshd::start(here);
    let inventory = sshd.inventory(&["nas1"]).display().to_string();
    let other =
        write(here, "other.yaml", "all:\n  hosts:\n    nas9: {ansible_host: 127.0.0.1, ansible_port: 1}\n");
    let playbook =
        write(here, "p.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: echo hello\n");
    let told = run(here, &["run", &playbook, "-i", &inventory, "-i", &other]);
    assert_eq!(told.code, 4, "{}{}", told.out, told.err);
    assert!(told.out.contains("nas1") && told.out.contains("unreachable=1"), "{}", told.out);
    assert!(told.out.contains("Connection refused"), "{}", told.out);
}

#[test]
fn the_second_run_on_a_host_is_refused_and_names_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let sshd = Sshd::start(here);
    let inventory = sshd.inventory(&["nas1"]).display().to_string();
    let slow = write(
        here,
        "slow.yml",
        &format!(
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: touch {}/running\n    - command: sleep 20\n",
            here.display()
        ),
    );
    let mut first = holdfast(here)
        .args(["run", &slow, "-i", &inventory])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while !here.join("running").exists() {
        assert!(first.try_wait().unwrap().is_none(), "the first run ended early");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let told = run(here, &["run", &slow, "-i", &inventory]);
    let _ = first.kill();
    let _ = first.wait();
    assert_eq!(told.code, 5, "{}{}", told.out, told.err);
    assert!(told.out.contains("another run is working on this host"), "{}", told.out);
    assert!(told.out.contains("slow.yml"), "does not say who: {}", told.out);
}

#[test]
fn an_unknown_host_key_is_never_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let sshd = Sshd::start(here);
    let inventory = sshd.inventory(&["nas1"]).display().to_string();
    fs::write(here.join("known_hosts"), "").unwrap();
    let told: Told = run(here, &["exec", "all", "-a", "true", "-i", &inventory]);
    assert_eq!(told.code, 4, "{}{}", told.out, told.err);
    assert!(told.out.contains("Host key verification failed"), "{}", told.out);
}

#[test]
fn a_host_lost_in_the_middle_of_a_task_is_reported_there_and_converges_later() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let sshd = Sshd::start(here);
    let inventory = sshd.inventory(&["nas1"]).display().to_string();
    let playbook = write(
        here,
        "p.yml",
        &"
- hosts: all
  gather_facts: false
  tasks:
    - name: first
      file: {path: HERE/first, state: directory}
    - name: the long one
      shell: touch HERE/running; test -e HERE/again || sleep 30
    - name: last
      file: {path: HERE/last, state: directory}
"
        .replace("HERE", &here.display().to_string()),
    );
    let run_it = ["run", &playbook, "-i", &inventory];
    let process = holdfast(here).args(run_it).stdout(std::process::Stdio::piped()).spawn().unwrap();
    while !here.join("running").exists() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    sshd.drop_connections();
    let told: Told = process.wait_with_output().unwrap().into();
    assert_eq!(told.code, 4, "{}", told.out);
    assert!(
        told.out.contains("the connection was lost") && told.out.contains("the long one"),
        "{}",
        told.out
    );
    assert!(here.join("first").exists() && !here.join("last").exists());

    // The command that was cut off may still be ending: its agent keeps the lock until then.
    fs::write(here.join("again"), "").unwrap();
    let mut again = run(here, &run_it);
    for _ in 0..100 {
        if again.code != 5 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
        again = run(here, &run_it);
    }
    assert_eq!(again.code, 0, "{}{}", again.out, again.err);
    assert!(here.join("last").exists());
}
