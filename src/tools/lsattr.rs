//! `lsattr`: the project a folder belongs to.

use crate::exec::Command;
use crate::machine::quota::Project;

/// The project of one folder, not of what is in it.
pub fn project(folder: &str) -> Command {
    Command::probe("lsattr").args(["-p", "-d", "--", folder])
}

/// Number, letters of flags, path.
pub fn parse(text: &str) -> Result<Project, String> {
    let line = text.lines().next().unwrap_or_default();
    let mut words = line.split_whitespace();
    let id = words.next().and_then(|word| word.parse().ok());
    let id = id.ok_or_else(|| format!("lsattr: no project number in the line `{line}`"))?;
    let flags = words.next().ok_or_else(|| format!("lsattr: no flags in the line `{line}`"))?;
    Ok(Project { id, inherits: flags.contains('P') })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured: e2fsprogs 1.47 on XFS.
    #[test]
    fn reads_the_project() {
        assert_eq!(parse("   42 -------------------P-- /m/p1\n"), Ok(Project { id: 42, inherits: true }));
        assert_eq!(parse("    0 ---------------------- /m/p1\n"), Ok(Project { id: 0, inherits: false }));
        assert_eq!(parse("x").unwrap_err(), "lsattr: no project number in the line `x`");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = parse(&text);
        }
    }
}
