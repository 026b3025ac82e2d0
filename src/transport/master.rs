//! OpenSSH control masters: one authenticated connection per host, found again by the next run.
//!
//! The master is started here and not by the `openssh` crate, because the crate cannot pass options of the user's
//! choice and gives each master a new path; it is spoken to through the crate. A path depends on everything that
//! decides where the connection leads, so another user or key never rides on it.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::Link;
use super::session::Lost;

/// A control master that answers.
pub(super) async fn connect(link: &Link) -> Result<openssh::Session, Lost> {
    let socket =
        socket_path(link).map_err(|error| Lost::new(format!("no folder for control sockets: {error}")))?;
    let warm = openssh::Session::resume_mux(socket.clone().into_boxed_path(), None);
    if socket.exists() && warm.check().await.is_ok() {
        return Ok(warm);
    }
    // What a killed master left behind only stands in the way.
    let _ = std::fs::remove_file(&socket);
    start(link, &socket).await?;
    Ok(openssh::Session::resume_mux(socket.into_boxed_path(), None))
}

/// Ends the control master: its connection leads nowhere any more, though it would still answer for itself.
pub(super) async fn disconnect(link: &Link) {
    let (Link::Ssh { host, .. }, Ok(socket)) = (link, socket_path(link)) else { return };
    let mut ssh = tokio::process::Command::new("ssh");
    ssh.arg("-S").arg(&socket).args(["-O", "exit", "--"]).arg(host);
    ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // One that is gone already needs no ending.
    let _ = ssh.status().await;
    let _ = std::fs::remove_file(&socket);
}

async fn start(link: &Link, socket: &Path) -> Result<(), Lost> {
    let log = socket.with_extension("log");
    let _ = std::fs::remove_file(&log);
    let mut ssh = tokio::process::Command::new("ssh");
    ssh.args(arguments(link, socket)).arg("-E").arg(&log);
    ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Link::Ssh { host, .. } = link {
        ssh.arg("--").arg(host);
    }
    let ended = ssh.status().await;
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    let _ = std::fs::remove_file(&log);
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(explain(&said)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Lost::new("there is no `ssh` on this machine; install the OpenSSH client"))
        }
        Err(error) => Err(Lost::new(format!("ssh could not be started: {error}"))),
    }
}

fn arguments(link: &Link, socket: &Path) -> Vec<String> {
    let Link::Ssh { port, user, key, options, check_host_key, connect_timeout, persist, .. } = link else {
        return Vec::new();
    };
    let mut args: Vec<String> = ["-M", "-N", "-f", "-T", "-S"].map(String::from).into();
    args.push(socket.display().to_string());
    // What the user wrote comes first: of two settings OpenSSH takes the first.
    args.extend(options.iter().cloned());
    let mut option = |text: String| args.extend(["-o".to_owned(), text]);
    option("BatchMode=yes".into());
    option(format!("ControlPersist={}", persist.as_secs()));
    option(format!("ConnectTimeout={}", connect_timeout.as_secs().max(1)));
    option("ServerAliveInterval=15".into());
    option("ServerAliveCountMax=4".into());
    if !check_host_key {
        option("StrictHostKeyChecking=no".into());
    }
    if let Some(port) = port {
        option(format!("Port={port}"));
    }
    if let Some(user) = user {
        option(format!("User={user}"));
    }
    if let Some(key) = key {
        option(format!("IdentityFile=\"{}\"", key.display()));
    }
    args
}

/// OpenSSH's own words with what to do about them.
fn explain(said: &str) -> Lost {
    let words = said.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("Warning:"));
    let last = words.clone().next_back().unwrap_or("ssh ended without a word").trim_start_matches("ssh: ");
    let mut lost = Lost::new(last.trim_end_matches('.').to_owned());
    lost.said = words.map(String::from).collect();
    if said.contains("Host key verification failed") {
        lost.help = Some("check the key, then add it: `ssh-keyscan HOST >> ~/.ssh/known_hosts`".into());
    } else if said.contains("Permission denied") {
        lost.help =
            Some("set `ansible_user` and `ansible_ssh_private_key_file`, or `-u` and `--private-key`".into());
    }
    lost
}

/// A short path of our own: a socket's path may have about 100 bytes.
fn socket_path(link: &Link) -> io::Result<PathBuf> {
    let folder = folder()?;
    let hash = blake3::hash(format!("{link:?}").as_bytes());
    Ok(folder.join(&hash.to_hex()[..16]))
}

fn folder() -> io::Result<PathBuf> {
    let uid = rustix::process::getuid().as_raw();
    let folder = match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from) {
        Some(runtime) if runtime.is_dir() => runtime.join("holdfast"),
        _ => PathBuf::from(format!("/tmp/holdfast-{uid}")),
    };
    let mut builder = std::fs::DirBuilder::new();
    match builder.mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let stat = rustix::fs::lstat(&folder)?;
    #[expect(clippy::verbose_bit_mask, reason = "these are permissions and no number")]
    let ours = stat.st_uid == uid && stat.st_mode & 0o077 == 0 && folder.is_dir();
    if ours {
        Ok(folder)
    } else {
        Err(io::Error::other(format!("{} belongs to somebody else", folder.display())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_ssh_said() {
        let lost =
            explain("Warning: Permanently added 'x'\nssh: connect to host x port 22: Connection refused\r\n");
        assert_eq!(lost.title, "connect to host x port 22: Connection refused");
        assert!(explain("Host key verification failed.").help.is_some());
    }
}
