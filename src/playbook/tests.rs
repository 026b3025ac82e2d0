//! Playbooks that are wrong, and what is said about them; playbooks that are right, and what becomes of them.

use std::sync::Arc;

use super::{Action, Directives, Entry, Library, NoLint, Over, Playbook, Setting, Task, load};
use crate::diagnostic::Diagnostics;
use crate::value::Value;
use crate::yaml::Node;

fn read(files: &[(&str, &str)]) -> Result<Playbook, Diagnostics> {
    load("site", &Library::holding(files.iter().copied()), &NoLint)
}

fn complaints(site: &str) -> String {
    let found = read(&[("playbooks/site.yml", site)]).expect_err("something is wrong with it");
    found.render(false)
}

/// A play around these tasks, indented by four.
fn tasks(text: &str) -> String {
    complaints(&format!("- hosts: all\n  tasks:\n{text}"))
}

fn good(files: &[(&str, &str)]) -> Playbook {
    read(files).unwrap_or_else(|found| panic!("{}", found.render(false)))
}

fn titles(tasks: Vec<&Arc<Task>>) -> Vec<String> {
    tasks.into_iter().map(|task| task.title()).collect()
}

#[test]
fn keywords_that_are_wrong() {
    let text = complaints(
        "- hosts: all\n  vars_prompt: []\n  taks: []\n  when: x\n  tasks:\n    debug:\n      msg: a\n- debug:\n    msg: a\n- 7\n",
    );
    insta::assert_snapshot!(text, @r"
    error: `vars_prompt` is not supported yet in a play
     --> <embedded>/playbooks/site.yml:2:3
      |
    2 |   vars_prompt: []
      |   ^^^^^^^^^^^ Ansible has it, holdfast does not

    error: unknown keyword `taks` in a play
     --> <embedded>/playbooks/site.yml:3:3
      |
    3 |   taks: []
      |   ^^^^ no such keyword
      |
      = help: did you mean `tasks`?

    error: unknown keyword `when` in a play
     --> <embedded>/playbooks/site.yml:4:3
      |
    4 |   when: x
      |   ^^^^ no such keyword
      |
      = help: it belongs on a block or a task

    error: `tasks` takes a list of tasks, not a mapping
     --> <embedded>/playbooks/site.yml:5:3
      |
    5 |   tasks:
      |   ^^^^^ this is a mapping
      |
      = help: begin each entry with `- `

    error: `debug` is a task, and this is a list of plays
     --> <embedded>/playbooks/site.yml:8:3
      |
    8 | - debug:
      |   ^^^^^ a task
      |
      = help: put tasks under `tasks:` of a play with `hosts:`, or import this file with `import_tasks`

    error: a play is a mapping, not a number
      --> <embedded>/playbooks/site.yml:10:3
       |
    10 | - 7
       |   ^ this is a number

    6 problems found; nothing was done
    ");
}

#[test]
fn modules_that_are_wrong() {
    let text = tasks(
        "    - name: none\n    - debug: msg=a\n      fail: msg=b\n    - unarchive: src=a\n    - dbug:\n        msg: a\n    - debug:\n        msg: a\n      ntify: b\n    - debug:\n      sudo: true\n",
    );
    insta::assert_snapshot!(text, @r"
    error: this task calls no module
     --> <embedded>/playbooks/site.yml:3:7
      |
    3 |     - name: none
      |       ^^^^ nothing to do

    error: this task calls two modules, `debug` and `fail`
     --> <embedded>/playbooks/site.yml:5:7
      |
    4 |     - debug: msg=a
      |       ----- the first
    5 |       fail: msg=b
      |       ^^^^ the second
      |
      = help: write a task for each

    error: module `unarchive` is not supported yet
     --> <embedded>/playbooks/site.yml:6:7
      |
    6 |     - unarchive: src=a
      |       ^^^^^^^^^ Ansible has it, holdfast does not
      |
      = help: `holdfast doc` lists the modules

    error: unknown keyword or module `dbug`
     --> <embedded>/playbooks/site.yml:7:7
      |
    7 |     - dbug:
      |       ^^^^ neither a keyword of a task nor a module
      |
      = help: did you mean `debug`?

    error: unknown keyword or module `ntify`
      --> <embedded>/playbooks/site.yml:11:7
       |
    11 |       ntify: b
       |       ^^^^^ neither a keyword of a task nor a module
       |
       = help: did you mean `notify`?

    error: unknown keyword `sudo` in a task
      --> <embedded>/playbooks/site.yml:13:7
       |
    13 |       sudo: true
       |       ^^^^ no such keyword
       |
       = help: write `become: true`

    6 problems found; nothing was done
    ");
}

#[test]
fn arguments_that_are_wrong() {
    let text = tasks(
        "    - assert:\n        tat: x\n    - debug:\n        msg: a\n        verbosity: much\n    - meta: flush_handler\n    - meta: end_role\n    - debug: hello\n    - pause:\n    - set_fact:\n        my-fact: 1\n    - debug: \"{{ all }}\"\n    - include_vars: lost.yml\n",
    );
    insta::assert_snapshot!(text, @r#"
    error: `assert` needs the argument `that`
     --> <embedded>/playbooks/site.yml:3:7
      |
    3 |     - assert:
      |       ^^^^^^ in this call
      |
      = help: `that`: A condition, or a list of them.

    error: `assert` has no argument `tat`
     --> <embedded>/playbooks/site.yml:4:9
      |
    4 |         tat: x
      |         ^^^ no such argument
      |
      = help: did you mean `that`?

    error: `verbosity` takes a number that is not negative, not a string
     --> <embedded>/playbooks/site.yml:7:20
      |
    7 |         verbosity: much
      |                    ^^^^

    error: `meta` cannot do `flush_handler`
     --> <embedded>/playbooks/site.yml:8:13
      |
    8 |     - meta: flush_handler
      |             ^^^^^^^^^^^^^
      |
      = help: did you mean `flush_handlers`?

    error: `meta: end_role` is not supported yet
     --> <embedded>/playbooks/site.yml:9:13
      |
    9 |     - meta: end_role
      |             ^^^^^^^^

    error: `debug` takes no free text
      --> <embedded>/playbooks/site.yml:10:14
       |
    10 |     - debug: hello
       |              ^^^^^ not `name=value`
       |
       = help: write the arguments as a mapping

    error: `pause` without a time waits for a key, which is not supported yet
      --> <embedded>/playbooks/site.yml:11:7
       |
    11 |     - pause:
       |       ^^^^^ in this call
       |
       = help: give `seconds` or `minutes`

    error: a variable cannot be called `my-fact`
      --> <embedded>/playbooks/site.yml:13:9
       |
    13 |         my-fact: 1
       |         ^^^^^^^ not a variable's name
       |
       = help: letters, digits and `_`, not starting with a digit

    error: arguments that are one template are not supported yet
      --> <embedded>/playbooks/site.yml:14:14
       |
    14 |     - debug: "{{ all }}"
       |              ^^^^^^^^^^^ has to be a mapping
       |
       = help: write the arguments out; their values may be templates

    error: there is no file `lost.yml` for `include_vars`
      --> <embedded>/playbooks/site.yml:15:21
       |
    15 |     - include_vars: lost.yml
       |                     ^^^^^^^^ not found
       |
       = help: looked for <embedded>/playbooks/vars/lost.yml
       = help: looked for <embedded>/playbooks/lost.yml

    10 problems found; nothing was done
    "#);
}

#[test]
fn values_that_are_wrong() {
    let text = complaints(
        "- hosts: []\n  become: maybe\n  become_method: su\n  serial: [1, 30%, none]\n  order: sortd\n  strategy: free\n  vars: [a]\n  vars_files: lost.yml\n  tags: \"{{ x }}\"\n  tasks:\n    - debug:\n      when: {a: b}\n      loop: text\n      register: my result\n      retries: -1\n      loop_control:\n        extended: true\n      with_nested: []\n",
    );
    insta::assert_snapshot!(text, @r#"
    error: `hosts` is empty
     --> <embedded>/playbooks/site.yml:1:3
      |
    1 | - hosts: []
      |   ^^^^^ names no hosts

    error: `become` takes a boolean, not `maybe`
     --> <embedded>/playbooks/site.yml:2:11
      |
    2 |   become: maybe
      |           ^^^^^ not a boolean

    error: `become_method: su` is not supported yet
     --> <embedded>/playbooks/site.yml:3:18
      |
    3 |   become_method: su
      |                  ^^ only sudo works

    error: `serial` takes a number of hosts or a percentage such as `30%`
     --> <embedded>/playbooks/site.yml:4:20
      |
    4 |   serial: [1, 30%, none]
      |                    ^^^^ neither

    error: `order` is one of inventory, reverse_inventory, sorted, reverse_sorted
     --> <embedded>/playbooks/site.yml:5:10
      |
    5 |   order: sortd
      |          ^^^^^ none of them
      |
      = help: did you mean `sorted`?

    error: `strategy: free` is not supported yet
     --> <embedded>/playbooks/site.yml:6:13
      |
    6 |   strategy: free
      |             ^^^^ only linear works

    error: `vars` takes a mapping of variables, not a list
     --> <embedded>/playbooks/site.yml:7:3
      |
    7 |   vars: [a]
      |   ^^^^ this is a list

    error: there is no file of variables `lost.yml`
     --> <embedded>/playbooks/site.yml:8:15
      |
    8 |   vars_files: lost.yml
      |               ^^^^^^^^ not found
      |
      = help: looked for <embedded>/playbooks/vars/lost.yml
      = help: looked for <embedded>/playbooks/lost.yml

    error: a template in `tags` is not supported yet
     --> <embedded>/playbooks/site.yml:9:9
      |
    9 |   tags: "{{ x }}"
      |         ^^^^^^^^^ has to be known before the run

    error: `when` takes a condition or a list of conditions, not a mapping
      --> <embedded>/playbooks/site.yml:12:7
       |
    12 |       when: {a: b}
       |       ^^^^ this is a mapping

    error: `loop` takes a list, not a string
      --> <embedded>/playbooks/site.yml:13:13
       |
    13 |       loop: text
       |             ^^^^ this is a string

    error: a variable cannot be called `my result`
      --> <embedded>/playbooks/site.yml:14:17
       |
    14 |       register: my result
       |                 ^^^^^^^^^ not a variable's name
       |
       = help: letters, digits and `_`, not starting with a digit

    error: `retries` takes a whole number that is not negative, not `-1`
      --> <embedded>/playbooks/site.yml:15:16
       |
    15 |       retries: -1
       |                ^^ not a whole number that is not negative

    error: `extended` is not supported yet in `loop_control`
      --> <embedded>/playbooks/site.yml:17:9
       |
    17 |         extended: true
       |         ^^^^^^^^ Ansible has it, holdfast does not

    error: `with_nested` is not supported yet in a task
      --> <embedded>/playbooks/site.yml:18:7
       |
    18 |       with_nested: []
       |       ^^^^^^^^^^^ Ansible has it, holdfast does not
       |
       = help: write `loop:` with a filter such as `zip`, `product`, `subelements` or `flatten`

    15 problems found; nothing was done
    "#);
}

#[test]
fn blocks_that_are_wrong() {
    let text = tasks(
        "    - block: {}\n      loop: [1]\n    - rescue:\n        - debug:\n      async: 5\n    - text\n",
    );
    insta::assert_snapshot!(text, @r"
    error: `block` takes a list of tasks, not a mapping
     --> <embedded>/playbooks/site.yml:3:7
      |
    3 |     - block: {}
      |       ^^^^^ this is a mapping
      |
      = help: begin each entry with `- `

    error: unknown keyword `loop` in a block
     --> <embedded>/playbooks/site.yml:4:7
      |
    4 |       loop: [1]
      |       ^^^^ no such keyword
      |
      = help: it belongs on a task

    error: `rescue` without a `block`
     --> <embedded>/playbooks/site.yml:5:7
      |
    5 |     - rescue:
      |       ^^^^^^ belongs to a `block:` beside it

    error: unknown keyword `async` in a block
     --> <embedded>/playbooks/site.yml:7:7
      |
    7 |       async: 5
      |       ^^^^^ no such keyword

    error: a task is a mapping, not a string
     --> <embedded>/playbooks/site.yml:8:7
      |
    8 |     - text
      |       ^^^^ this is a string

    5 problems found; nothing was done
    ");
}

#[test]
fn notifications_nobody_hears() {
    let text = complaints(
        "- hosts: all\n  tasks:\n    - debug:\n      notify: [restart nfs, reload]\n    - debug:\n      notify: \"{{ any }}\"\n  handlers:\n    - name: Restart nfsd\n      debug:\n      listen: restart nfsd\n",
    );
    insta::assert_snapshot!(text, @r"
    error: there is no handler `restart nfs` in this play
     --> <embedded>/playbooks/site.yml:4:16
      |
    4 |       notify: [restart nfs, reload]
      |                ^^^^^^^^^^^ nothing answers
      |
      = help: did you mean `restart nfsd`?

    error: there is no handler `reload` in this play
     --> <embedded>/playbooks/site.yml:4:29
      |
    4 |       notify: [restart nfs, reload]
      |                             ^^^^^^ nothing answers
      |
      = help: there are: restart nfsd, Restart nfsd

    2 problems found; nothing was done
    ");
}

#[test]
fn roles_that_are_not_there() {
    let found = read(&[
        (
            "playbooks/site.yml",
            "- hosts: all\n  roles:\n    - nsf\n    - role: ring\n    - {tags: a}\n    - role: nfs\n      throttle: 1\n",
        ),
        ("roles/nfs/tasks/main.yml", "- debug:\n"),
        ("roles/nfs/meta/main.yml", "dependecies: []\n"),
        ("roles/ring/meta/main.yml", "dependencies: [round]\n"),
        ("roles/round/meta/main.yml", "dependencies:\n  - role: ring\n"),
    ]);
    insta::assert_snapshot!(found.unwrap_err().render(false), @r"
    error: there is no role `nsf`
     --> <embedded>/playbooks/site.yml:3:7
      |
    3 |     - nsf
      |       ^^^ not found
      |
      = help: did you mean `nfs`?
      = help: looked for <embedded>/playbooks/roles/nsf
      = help: looked for <embedded>/roles/nsf

    error: this entry names no role
     --> <embedded>/playbooks/site.yml:5:7
      |
    5 |     - {tags: a}
      |       ^^^^^^^^^ this is a mapping
      |
      = help: write the role's name, or a mapping with `role:`

    error: `throttle` is not supported yet in a role
     --> <embedded>/playbooks/site.yml:7:7
      |
    7 |       throttle: 1
      |       ^^^^^^^^ Ansible has it, holdfast does not

    error: role `ring` needs itself
     --> <embedded>/roles/round/meta/main.yml:2:11
      |
    2 |   - role: ring
      |           ^^^^ ring needs round needs ring

    error: unknown keyword `dependecies` in a role's meta file
     --> <embedded>/roles/nfs/meta/main.yml:1:1
      |
    1 | dependecies: []
      | ^^^^^^^^^^^ no such keyword
      |
      = help: did you mean `dependencies`?

    5 problems found; nothing was done
    ");
}

#[test]
fn imports_that_cannot_be() {
    let found = read(&[
        (
            "playbooks/site.yml",
            "- hosts: all\n  tasks:\n    - include_tasks: \"{{ x }}.yml\"\n    - include_tasks: a.yml\n      loop: [1]\n    - import_tasks: lost.yml\n    - import_tasks: a.yml\n    - import_role:\n        nam: x\n    - import_tasks: a.yml\n      register: x\n",
        ),
        ("playbooks/a.yml", "- import_tasks: a.yml\n"),
    ]);
    insta::assert_snapshot!(found.unwrap_err().render(false), @r#"
    error: not supported yet: dynamic include
     --> <embedded>/playbooks/site.yml:3:22
      |
    3 |     - include_tasks: "{{ x }}.yml"
      |                      ^^^^^^^^^^^^^ only known while running
      |
      = help: write an import for each name, with a `when`

    error: not supported yet: dynamic include
     --> <embedded>/playbooks/site.yml:5:7
      |
    5 |       loop: [1]
      |       ^^^^ an include with a loop is only known while running
      |
      = help: put the loop on the tasks of the included file

    error: there is no file of tasks `lost.yml`
     --> <embedded>/playbooks/site.yml:6:21
      |
    6 |     - import_tasks: lost.yml
      |                     ^^^^^^^^ not found
      |
      = help: looked for <embedded>/playbooks/lost.yml

    error: `import_role` names no role
     --> <embedded>/playbooks/site.yml:8:7
      |
    8 |     - import_role:
      |       ^^^^^^^^^^^ needs the argument `name`

    error: `import_role` has no argument `nam`
     --> <embedded>/playbooks/site.yml:9:9
      |
    9 |         nam: x
      |         ^^^ no such argument
      |
      = help: did you mean `name`?

    error: `register` is not supported yet in an import
      --> <embedded>/playbooks/site.yml:11:7
       |
    11 |       register: x
       |       ^^^^^^^^ Ansible has it, holdfast does not

    error: <embedded>/playbooks/a.yml imports itself
     --> <embedded>/playbooks/a.yml:1:17
      |
    1 | - import_tasks: a.yml
      |                 ^^^^^ this goes in a circle for ever

    7 problems found; nothing was done
    "#);
}

#[test]
fn a_role_is_complained_about_once() {
    let found = read(&[
        ("playbooks/site.yml", "- hosts: all\n  roles: [{role: a, x: 1}, {role: a, x: 2}]\n"),
        ("roles/a/tasks/main.yml", "- nothing: at all\n"),
    ]);
    assert_eq!(found.unwrap_err().0.len(), 1);
}

#[test]
fn directives_are_handed_down() {
    let playbook = good(&[
        (
            "playbooks/site.yml",
            "- hosts: all\n  become: true\n  tags: play\n  environment: {A: 1}\n  vars: {p: 1}\n  roles:\n    - role: nfs\n      when: role_when\n      tags: [role, play]\n      share: /srv\n",
        ),
        (
            "roles/nfs/tasks/main.yml",
            "- when: [block_when]\n  vars: {b: 1}\n  become: false\n  block:\n    - name: inner\n      debug:\n      when: own_when\n      vars: {t: 1}\n      environment: {B: 2}\n      tags: own\n      become_user: \"{{ user }}\"\n",
        ),
        ("roles/nfs/defaults/main.yml", "share: /none\n"),
    ]);
    let play = &playbook.plays[0];
    let task = play.tasks_in_order()[0];
    let Directives { r#become, become_user, when, environment, vars, tags, .. } = &task.directives;
    assert_eq!(r#become, &Some(Setting::Known(false)));
    assert!(matches!(become_user, Some(Setting::Template(_))));
    let conditions: Vec<&str> = when.iter().filter_map(Node::as_str).collect();
    assert_eq!(conditions, ["role_when", "block_when", "own_when"]);
    assert_eq!((environment.len(), vars.len()), (2, 2));
    assert_eq!(tags, &["play", "role", "own"]);
    assert!(play.vars.get("p").is_some());
    let role = task.role.as_ref().unwrap();
    assert_eq!(role.params.to_map()["share"], Value::from("/srv"));
    assert_eq!(role.defaults.to_map()["share"], Value::from("/none"));
    assert_eq!(task.title(), "nfs : inner");
}

#[test]
fn dependencies_come_first_and_once() {
    let playbook = good(&[
        (
            "playbooks/site.yml",
            "- hosts: all\n  pre_tasks: [{name: before, debug: }]\n  roles: [a, b, {role: base, x: 1}]\n  tasks: [{name: after, debug: }]\n",
        ),
        ("roles/a/meta/main.yml", "dependencies: [base]\n"),
        ("roles/a/tasks/main.yml", "- debug:\n"),
        ("roles/b/meta/main.yml", "dependencies: [{role: base}]\n"),
        ("roles/b/tasks/main.yml", "- import_tasks: more.yml\n  tags: more\n"),
        ("roles/b/tasks/more.yml", "- name: more\n  debug:\n"),
        ("roles/base/tasks/main.yml", "- debug:\n"),
    ]);
    let play = &playbook.plays[0];
    let order = titles(play.tasks_in_order());
    assert_eq!(order, ["before", "base : debug", "a : debug", "b : more", "base : debug", "after"]);
    assert!(play.tasks_in_order().is_sorted_by_key(|task| task.id));
    assert_eq!(play.tasks_in_order()[3].directives.tags, ["more"]);
    assert_eq!(play.tasks_in_order()[1].role.as_ref().unwrap().parents[0].name, "a");
    assert_eq!(play.role_infos.iter().find(|role| role.name == "b").unwrap().dependencies[0].name, "base");
    let count = playbook.count();
    assert_eq!((count.plays, count.roles, count.tasks), (1, 3, 6));
    assert_eq!(playbook.start_at("m*re").unwrap(), play.tasks_in_order()[3].id);
    assert_eq!(playbook.start_at("befor").unwrap_err().help, ["did you mean `before`?"]);
}

#[test]
fn handlers_answer_to_names_and_topics() {
    let playbook = good(&[
        (
            "playbooks/site.yml",
            "- hosts: all\n  roles: [nfs]\n  tasks: [{debug: , notify: [reload, \"nfs : reload\", storage changed]}]\n  handlers:\n    - name: reload\n      debug:\n    - name: tell\n      debug:\n      listen: storage changed\n    - name: tell\n      debug:\n",
        ),
        ("roles/nfs/handlers/main.yml", "- name: reload\n  listen: storage changed\n  debug:\n"),
    ]);
    let play = &playbook.plays[0];
    assert_eq!(titles(play.handlers_for("reload")), ["reload"]);
    assert_eq!(titles(play.handlers_for("nfs : reload")), ["nfs : reload"]);
    assert_eq!(titles(play.handlers_for("storage changed")), ["nfs : reload", "tell"]);
    assert_eq!(playbook.warnings.len(), 1);
    insta::assert_snapshot!(playbook.warnings[0].render_warning(false), @r"
    warning: two handlers are called `tell`; only the second can be notified
      --> <embedded>/playbooks/site.yml:10:13
       |
     7 |     - name: tell
       |             ---- this one never is
    ...
    10 |     - name: tell
       |             ^^^^ this one is notified
    ");
}

#[test]
fn arguments_in_every_notation() {
    let playbook = good(&[
        (
            "playbooks/site.yml",
            "- hosts: all\n  tasks:\n    - debug: msg=\"hello {{ you }}\"\n    - ansible.builtin.debug:\n      args: {msg: b}\n    - action: debug msg=c\n    - local_action: {module: fail, msg: d}\n    - include_vars: site.yml\n      with_items: [1, [2]]\n",
        ),
        ("playbooks/vars/site.yml", "a: 1\n"),
    ]);
    let tasks = playbook.plays[0].tasks_in_order();
    let messages: Vec<Value> =
        tasks.iter().filter_map(|task| task.call.args.get("msg")).map(Node::to_value).collect();
    assert_eq!(messages, ["hello {{ you }}", "b", "c", "d"]);
    assert_eq!(tasks[3].directives.delegate_to, Some(Setting::Known("localhost".to_owned())));
    assert_eq!(tasks[4].looping.as_ref().unwrap().over, Over::Items);
    let super::Does::Controller(entry) = tasks[4].call.does else { panic!("the controller does it") };
    let action = entry.decode(&tasks[4].call.args.to_map()).unwrap();
    assert_eq!(action, Action::IncludeVars { file: "site.yml".to_owned(), name: None });
}

#[test]
fn a_command_keeps_its_text() {
    let playbook = good(&[(
        "playbooks/site.yml",
        "- hosts: all\n  tasks:\n    - command: dd if=/dev/zero of={{ f | default('a b') }} creates=/x\n    - shell: \"it's | wc chdir=/tmp\"\n      args: {creates: /y}\n    - file: path=/x state=touch mode='u=rw,g=r'\n",
    )]);
    let args: Vec<Value> = playbook.plays[0]
        .tasks_in_order()
        .iter()
        .map(|task| Value::Object(task.call.args.to_map()))
        .collect();
    assert_eq!(
        Value::from(args),
        serde_json::json!([
            {"creates": "/x", "cmd": "dd if=/dev/zero of={{ f | default('a b') }}"},
            {"cmd": "it's | wc chdir=/tmp", "creates": "/y"},
            {"path": "/x", "state": "touch", "mode": "u=rw,g=r"},
        ])
    );
}

#[test]
fn files_and_arguments_of_modules() {
    let found = read(&[
        (
            "playbooks/site.yml",
            "- hosts: all\n  roles: [r]\n  tasks:\n    - template: {src: r.j2, dest: /x}\n    - copy:\n        src: lost.txt\n        dst: /x\n    - copy: {src: /on/host, dest: /x, remote_src: true}\n    - copy: {src: lost.txt, dest: /x}\n    - file:\n        path: \"{{ p }}\"\n        state: tuch\n",
        ),
        ("roles/r/tasks/main.yml", "- template: src=r.j2 dest=/x\n- copy: src=tree dest=/x\n"),
        ("roles/r/templates/r.j2", ""),
        ("roles/r/files/tree/a", ""),
    ]);
    insta::assert_snapshot!(found.unwrap_err().render(false), @r"
    error: there is no file `r.j2` for `template`
     --> <embedded>/playbooks/site.yml:4:23
      |
    4 |     - template: {src: r.j2, dest: /x}
      |                       ^^^^ not found
      |
      = help: looked for <embedded>/playbooks/templates/r.j2
      = help: looked for <embedded>/playbooks/r.j2

    error: `copy` needs the argument `dest`
     --> <embedded>/playbooks/site.yml:5:7
      |
    5 |     - copy:
      |       ^^^^ in this call
      |
      = help: `holdfast doc copy` shows an example

    error: there is no file `lost.txt` for `copy`
     --> <embedded>/playbooks/site.yml:6:14
      |
    6 |         src: lost.txt
      |              ^^^^^^^^ not found
      |
      = help: looked for <embedded>/playbooks/files/lost.txt
      = help: looked for <embedded>/playbooks/lost.txt

    error: `copy` has no argument `dst`
     --> <embedded>/playbooks/site.yml:7:9
      |
    7 |         dst: /x
      |         ^^^ no such argument
      |
      = help: did you mean `dest`?

    error: there is no file `lost.txt` for `copy`
     --> <embedded>/playbooks/site.yml:9:19
      |
    9 |     - copy: {src: lost.txt, dest: /x}
      |                   ^^^^^^^^ not found
      |
      = help: looked for <embedded>/playbooks/files/lost.txt
      = help: looked for <embedded>/playbooks/lost.txt

    error: `state` cannot be `tuch`; it is one of file, directory, absent, touch, link, hard
      --> <embedded>/playbooks/site.yml:12:16
       |
    12 |         state: tuch
       |                ^^^^
       |
       = help: did you mean `touch`?

    6 problems found; nothing was done
    ");
}

#[test]
fn playbooks_import_playbooks() {
    let playbook = good(&[
        (
            "playbooks/site.yml",
            "- import_playbook: sub/b.yml\n  tags: outer\n  vars: {x: 2}\n  when: y\n- hosts: all\n",
        ),
        (
            "playbooks/sub/b.yml",
            "- hosts: web\n  vars: {x: 1}\n  tasks:\n    - block:\n        - import_tasks: t.yml\n",
        ),
        ("playbooks/sub/t.yml", "- debug:\n"),
    ]);
    let play = &playbook.plays[0];
    assert_eq!(play.vars.to_map()["x"], Value::from(2));
    let Entry::Block(block) = &play.tasks[0] else { panic!("a block") };
    let Entry::Task(task) = &block.tasks[0] else { panic!("a task") };
    assert_eq!((task.directives.tags.len(), task.directives.when.len()), (1, 1));
    assert_eq!(task.playbook.to_string(), "<embedded>/playbooks/sub");
    assert_eq!(task.folder.to_string(), "<embedded>/playbooks/sub");
    assert_eq!(playbook.plays.len(), 2);
}

#[test]
fn everything_embedded_loads() {
    let library = Library::new();
    for name in library.names("playbooks") {
        if let Err(found) = load(&name, &library, &NoLint) {
            panic!("{}", found.render(false));
        }
    }
    let source = |role: &str| format!("- hosts: all\n  roles: [{role}]\n");
    for role in library.names("roles") {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.yml");
        std::fs::write(&path, source(&role)).unwrap();
        if let Err(found) = load(path.to_str().unwrap(), &library, &NoLint) {
            panic!("{}", found.render(false));
        }
    }
}

#[test]
fn a_secret_written_down_is_not_shown_beside_what_is_wrong() {
    let text = tasks("    - luks: {passphrase: hunter2 hunter2, new_passphrase: [], naem: box}\n");
    assert!(text.contains("`luks` has no argument `naem`"), "{text}");
    assert!(
        text.contains("passphrase: ***************, new_passphrase") && !text.contains("hunter"),
        "{text}"
    );
}
