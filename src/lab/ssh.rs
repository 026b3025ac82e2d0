//! The way into a guest: the system's `ssh` with the lab's own key and known hosts, untouched by the user's settings.

use std::ffi::OsString;
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, bail, ensure};

use super::process;

/// One guest's door.
#[derive(Debug, Clone)]
pub struct Door {
    pub port: u16,
    pub key: PathBuf,
    pub known_hosts: PathBuf,
}

impl Door {
    /// The files of `dir`, which [`Door::prepare`] wrote.
    pub fn of(dir: &Path, port: u16) -> Self {
        Self { port, key: dir.join("key"), known_hosts: dir.join("known_hosts") }
    }

    /// Puts a copy of the key and the host keys of guests behind `ports` into `dir`.
    pub fn prepare(dir: &Path, key: &Path, host_key: &str, ports: &[u16]) -> anyhow::Result<()> {
        let copy = dir.join("key");
        fs::copy(key, &copy).with_context(|| format!("cannot copy {}", key.display()))?;
        let lines: Vec<String> =
            ports.iter().map(|port| format!("[127.0.0.1]:{port} {host_key}\n")).collect();
        fs::write(dir.join("known_hosts"), lines.concat()).context("cannot write the lab's known hosts")
    }

    pub fn args(&self, user: &str, command: &[&str]) -> Vec<OsString> {
        let mut args: Vec<OsString> = vec!["-F".into(), "none".into(), "-o".into()];
        args.push(option("UserKnownHostsFile", &self.known_hosts));
        for option in
            ["BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=60"]
        {
            args.extend(["-o".into(), option.into()]);
        }
        args.extend(["-i".into(), self.key.clone().into_os_string()]);
        args.extend(["-p".into(), self.port.to_string().into()]);
        args.extend(["-l".into(), user.into(), "127.0.0.1".into()]);
        args.extend(command.iter().map(OsString::from));
        args
    }

    /// Runs a command in the guest over a connection of its own; as with `ssh`, its words are joined and read by the
    /// login shell.
    pub fn run(&self, user: &str, command: &[&str], stdin: &[u8]) -> anyhow::Result<Output> {
        process::output("ssh", &self.args(user, command), None, stdin)
    }

    /// The same as root, where anything but success is an error; gives back what it wrote.
    pub fn must(&self, command: &[&str]) -> anyhow::Result<String> {
        succeeded(command, &self.run("root", command, b"")?)
    }

    /// Waits until sshd greets. `alive` ends the waiting early when the guest is gone.
    pub fn wait(&self, limit: Duration, alive: impl Fn() -> bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !self.greets() {
            ensure!(alive(), "its QEMU has ended");
            ensure!(begun.elapsed() < limit, "it did not answer on port {} within {limit:?}", self.port);
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// QEMU itself accepts connections at any time, so only sshd's first words prove a guest.
    fn greets(&self) -> bool {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let first_words = || -> std::io::Result<[u8; 4]> {
            let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            let mut words = [0; 4];
            stream.read_exact(&mut words)?;
            Ok(words)
        };
        first_words().is_ok_and(|words| words == *b"SSH-")
    }
}

/// What a command in the guest wrote, where anything but success is an error.
pub fn succeeded(command: &[&str], output: &Output) -> anyhow::Result<String> {
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed in the guest ({}): {}", command.join(" "), output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `NAME=value` where ssh's own quoting keeps blanks in a path together.
fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(format!("{name}=\""));
    option.push(path);
    option.push("\"");
    option
}

/// Ports of 127.0.0.1 that nobody listens on now, all different.
pub fn free_ports(count: usize) -> anyhow::Result<Vec<u16>> {
    let listeners: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<Result<_, _>>()
        .context("cannot find a free port on 127.0.0.1")?;
    listeners.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

pub fn free_udp_port() -> anyhow::Result<u16> {
    let socket =
        UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot find a free UDP port on 127.0.0.1")?;
    Ok(socket.local_addr()?.port())
}
