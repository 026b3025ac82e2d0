//! What bad input gets: all complaints at once, exit 2, and no connection.

use std::fs;

use crate::holdfast::run;

fn complain(files: &[(&str, &str)], args: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let told = run(folder.path(), args);
    assert_eq!(told.code, 2, "{}{}", told.out, told.err);
    assert_eq!(told.out, "");
    told.err
}

#[test]
fn every_mistake_is_said_in_one_pass() {
    let text = "
- hosts: all
  taks: []
  tasks:
    - fil: {path: /x}
    - file: {pth: /x}
    - debug: {msg: '{{ 1 + }}'}
    - debug: {msg: hi}
      when: x is defned
    - debug: {msg: hi}
      async: 10
";
    insta::assert_snapshot!(complain(&[("p.yml", text)], &["run", "p.yml", "-i", "nas1,"]));
}

#[test]
fn a_syntax_error_names_its_place() {
    insta::assert_snapshot!(complain(
        &[("p.yml", "- hosts: [all\n  tasks: []\n")],
        &["run", "p.yml", "-i", "nas1,"]
    ));
}

#[test]
fn an_unknown_pattern_is_no_empty_run() {
    let inventory = "all:\n  hosts:\n    nas1:\n    nas2:\n";
    let playbook = "- hosts: nas3\n  tasks: []\n- hosts: all\n  tasks: []\n";
    insta::assert_snapshot!(complain(
        &[("i.yaml", inventory), ("p.yml", playbook)],
        &["run", "p.yml", "-i", "i.yaml"]
    ));
}

#[test]
fn no_hosts_at_all_is_an_error() {
    insta::assert_snapshot!(complain(&[("p.yml", "- hosts: all\n  tasks: []\n")], &["run", "p.yml"]));
}

#[test]
fn a_picture_is_of_one_host_and_of_a_known_form() {
    let inventory = "all:\n  hosts:\n    nas1:\n    nas2:\n";
    let files = [("i.yaml", inventory), ("p.yml", "- hosts: nas2\n  tasks: []\n")];
    let said = |args: &[&str]| complain(&files, &[&["graph", "-i", "i.yaml"], args].concat());
    insta::assert_snapshot!(
        [
            said(&["all"]),
            said(&["nas3"]),
            said(&["nas1", "--limit", "nas2", "-O", "picture.png"]),
            said(&["nas1", "--plan", "p.yml"]),
            said(&["nas1", "--plan", "q.yml"]),
        ]
        .join("\n")
    );
}
