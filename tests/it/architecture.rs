//! The arrows of the design: who may use whom. Read off the source text, so that a shortcut fails a test.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            sources(&entry, into);
        } else if entry.extension().is_some_and(|ending| ending == "rs") {
            into.push(entry);
        }
    }
}

/// The code of each file below `src`, without comments and tests.
fn code() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    files
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            (name, lines.collect::<Vec<_>>().join("\n"))
        })
        .filter(|(name, _)| {
            !name.contains("/tests") && !name.ends_with("tests.rs") && !name.ends_with("suite.rs")
        })
        .collect()
}

fn never(folder: &str, forbidden: &[&str]) {
    let found: Vec<String> = code()
        .into_iter()
        .filter(|(name, _)| name.starts_with(folder))
        .flat_map(|(name, text)| {
            forbidden
                .iter()
                .filter(|word| text.contains(&format!("crate::{word}")))
                .map(|word| format!("{name} uses {word}"))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_controller_cannot_touch_a_disk() {
    never("engine/", &["tools", "observe", "agent"]);
}

#[test]
fn a_module_cannot_do_anything() {
    never("modules/", &["observe", "agent", "engine", "transport", "report", "cli"]);
}

#[test]
fn the_ground_imports_nothing_above() {
    let above = [
        "engine",
        "agent",
        "modules",
        "observe",
        "report",
        "cli",
        "playbook",
        "inventory",
        "transport",
        "template",
    ];
    for ground in ["exec/", "diagnostic/", "secret/", "units.rs", "value.rs", "yaml/"] {
        never(ground, &above);
    }
}

#[test]
fn reports_know_no_engine_and_nobody_knows_the_command_line() {
    never("report/", &["engine", "agent", "transport", "cli"]);
    for folder in [
        "engine/",
        "agent/",
        "modules/",
        "playbook/",
        "inventory/",
        "template/",
        "transport/",
        "machine/",
        "tools/",
    ] {
        never(folder, &["cli"]);
    }
}

#[test]
fn only_the_doors_spawn_and_print() {
    let mut found = Vec::new();
    for (name, text) in code() {
        let doors = ["exec/", "transport/", "lab/"];
        if text.contains("process::Command::new") && !doors.iter().any(|door| name.starts_with(door)) {
            found.push(format!("{name} spawns a process"));
        }
        let prints =
            ["println!", "io::stdout", "io::stderr", "anstream::"].iter().any(|word| text.contains(word));
        let speakers = ["report/", "cli/", "agent/streams.rs"];
        if prints && !speakers.iter().any(|speaker| name.starts_with(speaker)) {
            found.push(format!("{name} prints"));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_file_is_one_idea() {
    let long: Vec<String> = code()
        .into_iter()
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(_, lines)| *lines > 500)
        .map(|(name, lines)| format!("{name} has {lines} lines"))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}
