//! The few lines of shell that find the agent on a host, or take it in, and become it.
//!
//! They run in any POSIX shell with `gzip`, `head` and `uname`. Every line they say begins with `HOLDFAST`, so that a
//! login banner or a noisy profile cannot be mistaken for an answer. After `HOLDFAST agent` only frames follow.

use super::Become;

/// What the shell on the host says before the agent speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// No agent of this build is here: send it, compressed.
    Need,
    /// sudo asks for a password: send it, with a line feed.
    Password,
    /// The agent follows.
    Agent,
    /// It cannot be done here.
    Fail(String),
    /// Somebody else's words.
    Noise,
}

pub(super) fn read_line(line: &str) -> Line {
    let Some(words) = line.trim_end().strip_prefix("HOLDFAST ") else { return Line::Noise };
    match words.split_once(' ').unwrap_or((words, "")) {
        ("need", _) => Line::Need,
        ("password", _) => Line::Password,
        ("agent", _) => Line::Agent,
        ("fail", why) => Line::Fail(why.to_owned()),
        _ => Line::Noise,
    }
}

/// The script. When it says `need` it reads the number of compressed bytes on a line of its own, then the bytes.
///
/// A cached agent that no longer starts (a remounted `noexec`) counts as absent. The upload is atomic: unpacked beside
/// its place, tried, then renamed; gzip's own checksum refuses a damaged one.
pub(super) fn script(build: &str, remote_tmp: Option<&str>, elevate: Option<&Become>) -> String {
    let first = remote_tmp.map(|path| format!("{} ", tilde(path))).unwrap_or_default();
    // Another user than root must be able to reach the file; nobody else may write it.
    let mode = if elevate.is_some_and(|to| to.user != "root") { "755" } else { "700" };
    let near = format!("{first}\"${{XDG_CACHE_HOME:-$HOME/.cache}}/holdfast\"");
    // A process each, on every host: only when the agent is not where it is most often.
    let far = "/var/tmp/holdfast-$(id -u) /dev/shm/holdfast-$(id -u)";
    let take_in = format!(
        "case $(uname -s)-$(uname -m) in Linux-x86_64) ;; \
         *) echo HOLDFAST fail this build runs on Linux x86_64, the host is $(uname -s) $(uname -m); exit 1;; esac; \
         echo HOLDFAST need; read -r size; g=; \
         for d in {near} {far}; do \
         mkdir -p -m {mode} \"$d\" 2>/dev/null && [ -O \"$d\" ] || continue; \
         t=$d/.$n.$$; \
         if [ -z \"$g\" ]; then g=$t.gz; head -c \"$size\" > \"$g\" || break; fi; \
         if gzip -dc < \"$g\" > \"$t\" 2>/dev/null && chmod {mode} \"$t\" && \"$t\" --version >/dev/null 2>&1 \
         && mv -f \"$t\" \"$d/$n\"; then p=$d/$n; break; fi; \
         rm -f \"$t\"; done; \
         [ -z \"$g\" ] || rm -f \"$g\"; \
         [ -n \"$p\" ] || {{ echo HOLDFAST fail no folder there keeps and runs a program: \
         tried the cache folder, /var/tmp and /dev/shm; exit 1; }}"
    );
    format!(
        "umask 022; n=holdfast-{build}; p=; \
         find() {{ for d; do \
         if [ -O \"$d/$n\" ] && \"$d/$n\" --version >/dev/null 2>&1; then p=$d/$n; return; fi; done; false; }}; \
         find {near} || find {far}; \
         if [ -z \"$p\" ]; then {take_in}; fi; {}",
        start("\"$p\"", elevate)
    )
}

/// The last words of the script: become the agent, as another user where that is asked for.
///
/// sudo is asked for a password only where it wants one, so that a password is never sent to a program that would take
/// it for an order.
pub(super) fn start(program: &str, elevate: Option<&Become>) -> String {
    let Some(to) = elevate else { return format!("echo HOLDFAST agent; exec {program} agent") };
    let user = shlex::try_quote(&to.user).unwrap_or_default().into_owned();
    format!(
        "if [ \"$(id -un)\" = {user} ]; then echo HOLDFAST agent; exec {program} agent; fi; \
         command -v sudo >/dev/null 2>&1 || {{ echo HOLDFAST fail sudo is not installed there; exit 1; }}; \
         if sudo -n -u {user} true 2>/dev/null; then \
         echo HOLDFAST agent; exec sudo -n -H -u {user} -- {program} agent; fi; \
         echo HOLDFAST password; LC_ALL=C exec sudo -S -p '' -H -u {user} -- {program} agent"
    )
}

/// A path with its `~` left to the shell and the rest quoted.
fn tilde(path: &str) -> String {
    match path.strip_prefix("~/") {
        Some(rest) => format!("\"$HOME\"/{}", shlex::try_quote(rest).unwrap_or_default()),
        None => shlex::try_quote(path).unwrap_or_default().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banner_is_no_answer() {
        assert_eq!(read_line("Welcome to HOLDFAST need\n"), Line::Noise);
        assert_eq!(read_line("HOLDFAST need\r\n"), Line::Need);
        assert_eq!(read_line("HOLDFAST fail no room\n"), Line::Fail("no room".into()));
    }

    #[test]
    fn the_script_is_one_a_shell_can_read() {
        let to = Become { user: "o'brien".into(), password: None };
        for elevate in [None, Some(&to)] {
            let script = script("abc", Some("~/my tmp"), elevate);
            let read = std::process::Command::new("sh").args(["-n", "-c", &script]).output().unwrap();
            assert!(read.status.success(), "{}\n{script}", String::from_utf8_lossy(&read.stderr));
        }
    }
}
