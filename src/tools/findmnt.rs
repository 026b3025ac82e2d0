//! `findmnt --verify`: what it holds against an fstab. It speaks only to people: mount points at the margin, what it
//! found below them, and lines it cannot read on standard error.

use crate::exec::{Command, Output, Status};

/// Looks at a file of the form of fstab.
pub fn verify(tab: &str) -> Command {
    Command::probe("findmnt").args(["--verify", "--tab-file", tab])
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The mount point; empty where a line cannot be read.
    pub target: String,
    pub message: String,
    /// Whether a machine may not start with it.
    pub grave: bool,
}

/// What is wrong; `None` when this `findmnt` cannot verify.
pub fn parse(output: &Output) -> Result<Option<Vec<Fault>>, String> {
    let errors = output.error_text();
    match output.status {
        Status::Code(0 | 1) if !errors.contains("unrecognized option") => {}
        Status::Code(1) | Status::Missing => return Ok(None),
        status => return Err(format!("findmnt: {status}: {}", errors.trim())),
    }
    let mut faults = Vec::new();
    for line in errors.lines() {
        // The number of the line is no part of the fault: lines move.
        if let Some((_, rest)) = line.split_once("parse error at line ") {
            let message = format!("parse error{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()));
            faults.push(Fault { target: String::new(), message, grave: true });
        }
    }
    let mut target = String::new();
    for line in output.text().lines().filter(|line| !line.trim().is_empty()) {
        let Some(said) = line.strip_prefix("   [") else {
            target = line.to_owned();
            continue;
        };
        let (level, message) =
            said.split_once("] ").ok_or_else(|| format!("findmnt: no finding in the line `{line}`"))?;
        let grave = match level {
            "E" => !message.contains("required target:"),
            // Each swap has the mount point `none`.
            "W" if message.contains("specified more than once") => target.starts_with('/'),
            "W" => message.starts_with("unreachable source"),
            _ => continue,
        };
        faults.push(Fault { target: target.clone(), message: message.to_owned(), grave });
    }
    Ok(Some(faults))
}

/// The grave faults that were not there before.
///
/// A mount point that is missing is none: systemd makes it. Nor is a warning about the spelling of a path, or about
/// a kind that the kernel has not loaded yet.
pub fn worse<'a>(before: &[Fault], after: &'a [Fault]) -> Vec<&'a Fault> {
    let mut known: Vec<&Fault> = before.iter().collect();
    let mut new = Vec::new();
    for fault in after.iter().filter(|fault| fault.grave) {
        match known.iter().position(|old| *old == fault) {
            Some(at) => drop(known.remove(at)),
            None => new.push(fault),
        }
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: i32, stdout: &str, stderr: &str) -> Output {
        Output { status: Status::Code(status), stdout: stdout.into(), stderr: stderr.into() }
    }

    /// Captured: util-linux 2.38.
    const OUT: &str = "/srv/x\n   [W] target specified more than once\n   [E] unreachable on boot required source: UUID=dead-beef\n/srv/notthere\n   [E] unreachable on boot required target: No such file or directory\n   [E] ext4 does not match with on-disk xfs\nnone\n   [W] unreachable source: /swapfile: No such file or directory\n   [W] target specified more than once\n   [W] cannot detect on-disk filesystem type (No such file or directory)\n/a b\n   [ ] target exists\n";
    const ERR: &str =
        "findmnt: /tmp/t/bad: parse error at line 8 -- ignored\n\n1 parse error, 3 errors, 3 warnings\n";

    #[test]
    fn reads_what_is_wrong() {
        let faults = parse(&said(1, OUT, ERR)).unwrap().unwrap();
        assert_eq!((faults.len(), faults[0].message.as_str()), (8, "parse error -- ignored"));
        assert_eq!((faults[2].target.as_str(), faults[2].grave), ("/srv/x", true));
        let grave: Vec<bool> = faults.iter().map(|fault| fault.grave).collect();
        assert_eq!(grave, [true, true, true, false, true, true, false, false]);
        assert_eq!(worse(&faults, &faults), Vec::<&Fault>::new());
        assert_eq!(worse(&faults[..2], &faults).len(), 3);
    }

    #[test]
    fn nothing_wrong_and_nothing_known_are_told_apart() {
        let clean = parse(&said(0, "Success, no errors or warnings detected\n", ""));
        assert_eq!(clean, Ok(Some(Vec::new())));
        // util-linux before 2.29.
        assert_eq!(parse(&said(1, "", "findmnt: unrecognized option '--verify'\n")), Ok(None));
        assert!(parse(&said(2, "", "what")).unwrap_err().contains("exit status 2: what"));
        assert!(parse(&said(1, "/x\n   [E what\n", "")).is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(out in "(.|\n)*", err in "(.|\n)*") {
            let _ = parse(&said(1, &out, &err));
        }
    }
}
