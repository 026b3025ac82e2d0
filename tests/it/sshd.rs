//! A real sshd on loopback, with keys of its own, ended when the test is.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running sshd that lets this user in with a throw-away key.
pub(crate) struct Sshd {
    process: Child,
    pub(crate) port: u16,
    pub(crate) folder: PathBuf,
}

impl Sshd {
    /// Starts one in `folder`; its keys, configuration and log are there.
    pub(crate) fn start(folder: &Path) -> Self {
        for name in ["host_key", "user_key"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(folder.join(name))
                .status()
                .expect("ssh-keygen is installed");
            assert!(made.success());
        }
        let public = fs::read_to_string(folder.join("user_key.pub")).unwrap();
        let authorised = folder.join("authorized_keys");
        fs::write(&authorised, public).unwrap();
        fs::set_permissions(&authorised, fs::Permissions::from_mode(0o600)).unwrap();
        let port = free_port();
        let at = |name: &str| folder.join(name).display().to_string();
        // SHLVL keeps Debian's bash from reading the rc files of whoever runs the tests.
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile {}\nAuthorizedKeysFile {}\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nMaxStartups 200\nMaxSessions 100\nSetEnv SHLVL=1 HOME={}\n",
            at("host_key"),
            at("pid"),
            at("authorized_keys"),
            folder.display(),
        );
        fs::write(folder.join("sshd_config"), config).unwrap();
        // sshd separates its privileges in this folder and refuses to start without it.
        let _ = fs::create_dir_all("/run/sshd");
        let log = fs::File::create(folder.join("sshd.log")).unwrap();
        let process = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(folder.join("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("sshd is installed (Debian: openssh-server)");
        let sshd = Self { process, port, folder: folder.to_owned() };
        sshd.wait();
        sshd
    }

    fn wait(&self) {
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = fs::read_to_string(self.folder.join("sshd.log")).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_secs(20), "sshd does not answer:\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Cuts every connection, as a pulled cable does; new ones are let in.
    pub(crate) fn drop_connections(&self) {
        let children = format!("/proc/{0}/task/{0}/children", self.process.id());
        for child in fs::read_to_string(children).unwrap_or_default().split_whitespace() {
            // One that ended by itself in the meantime is as good.
            let _ = Command::new("kill").args(["-9", child]).status();
        }
    }

    /// An inventory with these hosts, all of them this sshd.
    pub(crate) fn inventory(&self, hosts: &[&str]) -> PathBuf {
        let public = fs::read_to_string(self.folder.join("host_key.pub")).unwrap();
        fs::write(self.folder.join("known_hosts"), format!("[127.0.0.1]:{} {public}", self.port)).unwrap();
        let mut listed = String::new();
        for host in hosts {
            writeln!(listed, "    {host}:\n      holdfast_lock_path: {}/lock-{host}", self.folder.display())
                .unwrap();
        }
        let text = format!(
            "all:\n  hosts:\n{listed}  vars:\n    ansible_host: 127.0.0.1\n    ansible_port: {}\n    \
             ansible_ssh_private_key_file: {key}\n    ansible_remote_tmp: {folder}/agent\n    \
             holdfast_control_persist: 5\n    \
             ansible_ssh_common_args: -F none -o UserKnownHostsFile={folder}/known_hosts -o IdentitiesOnly=yes\n",
            self.port,
            key = self.folder.join("user_key").display(),
            folder = self.folder.display(),
        );
        let path = self.folder.join("inventory.yaml");
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // A control master whose controller was killed lingers as long as its connection does.
        self.drop_connections();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
