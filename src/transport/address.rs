//! How a host is reached, as Ansible's connection variables say it.

use std::path::PathBuf;
use std::time::Duration;

/// Everything that decides where an agent runs: two equal addresses are one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    pub link: Link,
    pub elevate: Option<Become>,
    /// Where the agent is kept on the host, tried before the usual places (`ansible_remote_tmp`).
    pub remote_tmp: Option<String>,
}

/// The way to a host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Link {
    Local,
    Ssh {
        /// `ansible_host`, or the inventory's name for it.
        host: String,
        port: Option<u16>,
        user: Option<String>,
        key: Option<PathBuf>,
        /// `ansible_ssh_common_args` and `ansible_ssh_extra_args`, split as a shell splits them.
        options: Vec<String>,
        /// `false` accepts any host key (`ansible_host_key_checking`).
        check_host_key: bool,
        connect_timeout: Duration,
        /// How long an idle control master stays for the next run.
        persist: Duration,
    },
}

/// Acting as another user, through sudo.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Become {
    pub user: String,
    pub password: Option<String>,
}

impl std::fmt::Debug for Become {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let password = self.password.as_ref().map(|_| "***");
        f.debug_struct("Become").field("user", &self.user).field("password", &password).finish()
    }
}
