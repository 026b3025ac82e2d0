//! A connection to a guest that stays for the next command: an emulated processor spends most of a second on the keys
//! of each new one. It ends with its guest, after a minute of rest, or when it is closed.

use std::ffi::OsString;
use std::process::Output;

use super::process;
use super::ssh::Door;

/// Given up on after two minutes without a word from the guest.
const STAYS: [&str; 4] =
    ["ControlMaster=auto", "ControlPersist=60", "ServerAliveInterval=15", "ServerAliveCountMax=8"];

impl Door {
    /// Runs a command in the guest as root, over the connection that stays.
    pub fn kept(&self, command: &[&str], stdin: &[u8]) -> anyhow::Result<Output> {
        self.over_socket(&STAYS.map(|option| format!("-o{option}")), command, stdin)
    }

    /// Ends the connection that stays, if there is one. A guest that goes down in order does not always end it.
    pub fn close(&self) -> anyhow::Result<()> {
        self.over_socket(&["-Oexit".to_owned()], &[], b"").map(drop)
    }

    /// The socket is named without its folder, in which ssh is started: a socket's path has at most 107 bytes.
    fn over_socket(&self, options: &[String], command: &[&str], stdin: &[u8]) -> anyhow::Result<Output> {
        let mut args: Vec<OsString> = vec![format!("-oControlPath=connection-{}", self.port).into()];
        args.extend(options.iter().map(OsString::from));
        args.extend(self.args("root", command));
        process::output("ssh", &args, self.key.parent(), stdin)
    }
}
