//! What a person sees of a run, and what a program reads of it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use super::script::{
    array, busy, changed, done, end, event, failed, failure, filesystem, fstab, play, recap, start, task,
};
use super::{Json, Mask, Options, Report, Terminal};
use crate::event::{Event, HostRecap, Outcome, TaskId, What};
use crate::exec::Command;
use crate::machine::Prediction;
use crate::plan::{Change, Failure, Plan, Refusal, Step};
use crate::secret::Secrets;

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Both streams on one paper, as a terminal shows them.
fn screen(options: Options, events: &[Event]) -> String {
    let paper = Paper::default();
    let mut terminal = Terminal::plain(options, paper.clone(), paper.clone());
    for event in events {
        terminal.hear(event);
    }
    terminal.finish();
    paper.text()
}

fn terse(events: &[Event]) -> String {
    screen(Options::default(), events)
}

#[test]
fn a_dry_run_on_a_blank_host_shows_the_whole_stack() {
    let events = [
        start(true),
        play("images for virtual machines", &["kvm1"], 4),
        task(1, "the array"),
        done(1, "kvm1", Outcome::Withheld(array())),
        task(2, "nothing to say here"),
        done(2, "kvm1", Outcome::Unchanged),
        task(3, "the file system"),
        done(3, "kvm1", Outcome::Withheld(filesystem())),
        task(4, "the mount"),
        done(4, "kvm1", Outcome::Withheld(fstab())),
        end(vec![recap("kvm1", 4, 3)], false),
    ];
    insta::assert_snapshot!(screen(Options { diff: true, ..Options::default() }, &events));
}

#[test]
fn hosts_with_the_same_result_are_one_entry_in_the_order_of_the_play() {
    let hosts = ["nas1", "nas2", "nas3", "nas4", "nas5"];
    let mut events = vec![start(false), play("storage", &hosts, 2), task(1, "the array")];
    // They come in as they please.
    for host in ["nas4", "nas1", "nas5", "nas2"] {
        events.push(changed(1, host, None));
    }
    events.push(done(1, "nas3", Outcome::Withheld(filesystem())));
    events.push(task(2, "two volumes"));
    for (host, item) in [("nas2", "a"), ("nas1", "a"), ("nas2", "b"), ("nas1", "b")] {
        events.push(changed(2, host, Some(item)));
    }
    events.push(end(hosts.iter().map(|host| recap(host, 2, 1)).collect(), false));
    insta::assert_snapshot!(terse(&events));
}

#[test]
fn a_failure_says_what_was_run_what_it_said_and_what_is_left_undone() {
    let mut rescued = failed(2, "nas1");
    if let What::HostDone(done) = &mut rescued.what {
        done.ignored = true;
    }
    let nas2 = HostRecap { failed: 1, stopped_at: Some("the array".into()), ..recap("nas2", 1, 0) };
    let nas3 = HostRecap { unreachable: 1, ..recap("nas3", 0, 0) };
    let lost = Failure::new("no answer on port 22 for 10 s").help("`ssh nas3` shows why");
    let events = [
        start(false),
        play("storage", &["nas1", "nas2", "nas3"], 2),
        event(What::Unreachable { host: "nas3".into(), task: None, failure: lost }),
        task(1, "the array"),
        changed(1, "nas1", None),
        failed(1, "nas2"),
        task(2, "something that may fail"),
        rescued,
        end(vec![HostRecap { ignored: 1, ..recap("nas1", 2, 1) }, nas2, nas3], false),
    ];
    insta::assert_snapshot!(terse(&events));
}

#[test]
fn a_refusal_names_the_object_and_the_consent() {
    let change = Change::destroy(
        "file system",
        "ext4 on /dev/sdc",
        "format:WD-WX11D2",
        "ext4 `backup`, 3.2 TiB used, on disk WD-WX11D2",
    );
    let refusal = Refusal::consent(&change);
    let mut plan = Plan::of(change, [], []);
    plan.then(filesystem());
    let events = [
        start(true),
        play("storage", &["nas2"], 1),
        event(What::Warning { text: "the inventory has no group `nas`".into() }),
        event(What::Warning { text: "the inventory has no group `nas`".into() }),
        task(1, "the file system"),
        done(1, "nas2", Outcome::Refused { refusal, plan: Some(plan) }),
        end(vec![HostRecap { refused: 1, ..recap("nas2", 0, 0) }], false),
    ];
    insta::assert_snapshot!(terse(&events));
}

#[test]
fn an_interruption_says_what_was_not_done_and_what_nobody_knows() {
    let stopped = |host: &str| HostRecap { stopped_at: Some("the mount".into()), ..recap(host, 1, 1) };
    let events = [
        start(false),
        play("storage", &["nas1", "nas2"], 3),
        task(1, "the array"),
        changed(1, "nas1", None),
        busy(1, "nas2", "mdadm --create /dev/md/kvm"),
        event(What::Stopping { running: vec!["nas2".into()] }),
        changed(1, "nas2", None),
        task(2, "the file system"),
        busy(2, "nas2", "mkfs.xfs /dev/md/kvm"),
        end(vec![stopped("nas1"), stopped("nas2")], true),
    ];
    insta::assert_snapshot!(terse(&events));
}

#[test]
fn forty_hosts_fit_on_a_screen() {
    let hosts: Vec<String> = (1..=40).map(|n| format!("nas{n}")).collect();
    let names: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let mut events = vec![start(false), play("storage", &names, 1), task(1, "the array")];
    for host in &names {
        events.push(match *host {
            "nas7" => done(1, host, Outcome::Failed { failure: failure(), plan: Plan::empty(), done: 0 }),
            "nas9" => done(1, host, Outcome::Unchanged),
            host => changed(1, host, None),
        });
    }
    let each = names.iter().map(|host| match *host {
        "nas7" => HostRecap { failed: 1, ..recap("nas7", 11, 0) },
        "nas9" => recap("nas9", 12, 0),
        host => recap(host, 12, 1),
    });
    events.push(end(each.collect(), false));
    insta::assert_snapshot!(terse(&events));
}

#[test]
fn a_run_without_changes_is_short_and_says_so_to_grep() {
    let events = [
        start(false),
        play("storage", &["nas1"], 2),
        task(1, "the array"),
        done(1, "nas1", Outcome::Unchanged),
        task(2, "only on Fridays"),
        done(2, "nas1", Outcome::Skipped { reason: "`when` is false: today is Monday".into() }),
        end(vec![HostRecap { skipped: 1, ..recap("nas1", 1, 0) }], false),
    ];
    insta::assert_snapshot!(terse(&events), @r"

    play: storage, on nas1

    recap:
    nas1  : ok=1 changed=0 unreachable=0 failed=0 refused=0 skipped=1
    total : ok=1 changed=0 unreachable=0 failed=0 refused=0 skipped=1
    done in 12 s, changed=0: nothing was changed
    ");
    let more = screen(Options { verbosity: 1, ..Options::default() }, &events);
    assert!(more.contains("task: only on Fridays, at kvm.yml:12\n  nas1 skipped: `when` is false"), "{more}");
}

#[test]
fn results_are_shown_when_asked_for_and_cannot_drive_the_terminal() {
    let mut said = done(1, "nas1", Outcome::Said { text: "\u{1b}[2Jhello\nworld".into() });
    if let What::HostDone(done) = &mut said.what {
        done.result = serde_json::json!({"msg": "hello\u{1b}[0m", "rc": 0});
    }
    let events = [start(false), play("talk", &["nas1"], 1), task(1, "say"), said];
    let text = screen(Options { verbosity: 2, ..Options::default() }, &events);
    insta::assert_snapshot!(text, @r#"

    play: talk, on nas1

    task: say, at kvm.yml:11
      nas1 said (1.2 s): \u{1b}[2Jhello
        world
        result:
          msg: "hello\e[0m"
          rc: 0
    "#);
}

#[test]
fn every_line_of_json_is_an_event_again() {
    let mut plan = fstab();
    plan.actions[0].steps.push(Step::Write {
        path: "/etc/x".into(),
        content: vec![0, 255],
        metadata: crate::plan::Metadata { mode: Some(0o600), ..Default::default() },
        backup: true,
    });
    plan.actions[0].predicts.push(Prediction::Touches(crate::machine::Domain::Block));
    let events = [
        start(true),
        play("p", &["a"], 1),
        task(1, "t"),
        busy(1, "a", "true"),
        done(1, "a", Outcome::Unchanged),
        done(1, "a", Outcome::Withheld(plan)),
        done(1, "a", Outcome::Refused { refusal: Refusal::new("no").fact("f").help("h"), plan: None }),
        failed(1, "a"),
        event(What::Unreachable { host: "a".into(), task: Some(TaskId(1)), failure: failure() }),
        event(What::Stopping { running: vec![] }),
        end(vec![recap("a", 1, 0)], false),
    ];
    let paper = Paper::default();
    let mut json = Json::new(paper.clone());
    for event in &events {
        json.hear(event);
    }
    let text = paper.text();
    let read: Vec<Event> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read, events);
    assert!(text.lines().all(|line| line.matches(r#""schema":1"#).count() == 1), "{text}");
}

#[test]
fn no_secret_reaches_any_reader() {
    let secret = "correct horse";
    let failure = Failure {
        title: format!("bad: {secret}"),
        command: Some(format!("login '{secret}'")),
        stdout: secret.into(),
        stderr: format!("no such user: {secret}"),
        help: vec![secret.into()],
        status: None,
    };
    let mut plan = Plan::of(
        Change::modify("file", "/etc/passwords", secret)
            .attribute("password", None, Some(secret.into()))
            .text("", format!("password = {secret}\n")),
        [
            Step::run(Command::new("login").arg(secret).env("PASSWORD", secret).stdin(secret)),
            Step::Write {
                path: "/etc/passwords".into(),
                content: format!("password = {secret}\n").into_bytes(),
                metadata: crate::plan::Metadata::default(),
                backup: false,
            },
        ],
        [],
    );
    plan.actions[0].predicts.push(Prediction::Touches(crate::machine::Domain::Block));
    let mut result = done(1, "nas1", Outcome::Changed(plan.clone()));
    if let What::HostDone(done) = &mut result.what {
        done.result = serde_json::json!({secret: [secret, 7], "raw": secret.as_bytes()});
    }
    let events = [
        result,
        done(1, "nas1", Outcome::Failed { failure, plan, done: 1 }),
        event(What::Warning { text: secret.into() }),
    ];
    let paper = Paper::default();
    let secrets = Secrets::default();
    let mut masked = Mask::new(Json::new(paper.clone()), secrets.clone());
    secrets.add(secret);
    for event in &events {
        masked.hear(event);
    }
    let text = paper.text();
    let as_bytes = serde_json::to_string(secret.as_bytes()).unwrap();
    let as_bytes = as_bytes.trim_matches(['[', ']']);
    assert!(!text.contains(secret) && !text.contains(as_bytes), "{text}");
    assert!(text.contains("password = ***") && text.contains("\"title\":\"bad: ***\""), "{text}");
    assert!(text.contains("Touches"), "predictions without a secret are kept: {text}");
}
