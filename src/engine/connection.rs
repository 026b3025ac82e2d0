//! Ansible's connection variables, read for one host: they may be templates like any other variable.

use std::path::PathBuf;
use std::time::Duration;

use super::attempt::plain_text;
use super::settings::Settings;
use super::world::Host;
use crate::plan::Failure;
use crate::template::{Scope, Templar};
use crate::transport::{Address, Become, Link};
use crate::value::{self, Value};

/// What a task says about acting as somebody else.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wanted {
    pub(super) elevate: Option<bool>,
    pub(super) user: Option<String>,
    /// `connection:` of a play or task.
    pub(super) connection: Option<String>,
    /// `remote_user:` of a play or task.
    pub(super) remote_user: Option<String>,
    pub(super) port: Option<u16>,
}

/// Where the lock of a host is, unless `holdfast_lock_path` says otherwise.
const LOCK: &str = "/run/lock/holdfast.lock";

/// A host's address and where its lock is.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    pub(super) address: Address,
    pub(super) lock: String,
}

/// How `host` is reached for a task that wants `wanted`.
pub(super) fn reach(
    host: &Host,
    wanted: &Wanted,
    settings: &Settings,
    templar: &Templar,
    scope: &Scope,
) -> Result<Reach, Failure> {
    let read = Reader { templar, scope };
    let kind = read
        .text("ansible_connection")?
        .or_else(|| wanted.connection.clone())
        .or_else(|| settings.connection.clone())
        .unwrap_or_else(|| if host.here { "local".into() } else { "ssh".into() });
    let link = match kind.as_str() {
        "local" | "ansible.builtin.local" => Link::Local,
        "ssh" | "smart" | "paramiko" | "ansible.builtin.ssh" => ssh(&host.name, wanted, settings, &read)?,
        other => {
            let title = format!("the connection `{other}` is not supported yet");
            return Err(Failure::new(title).help("use `ssh` or `local`"));
        }
    };
    let address = Address {
        link,
        elevate: elevation(wanted, settings, &read)?,
        remote_tmp: read.text("ansible_remote_tmp")?,
    };
    let lock = read.text("holdfast_lock_path")?.unwrap_or_else(|| LOCK.to_owned());
    Ok(Reach { address, lock })
}

fn ssh(host: &str, wanted: &Wanted, settings: &Settings, read: &Reader<'_>) -> Result<Link, Failure> {
    let first = |names: &[&str]| -> Result<Option<String>, Failure> {
        names.iter().find_map(|name| read.text(name).transpose()).transpose()
    };
    let mut options = settings.ssh_common_args.clone();
    for name in ["ansible_ssh_common_args", "ansible_ssh_extra_args"] {
        let text = read.text(name)?.unwrap_or_default();
        let words = shlex::split(&text)
            .ok_or_else(|| Failure::new(format!("`{name}` has a quote that is never closed: {text}")))?;
        options.extend(words);
    }
    let port = match first(&["ansible_port", "ansible_ssh_port"])? {
        Some(text) => {
            Some(text.parse().map_err(|_| Failure::new(format!("`ansible_port` is no port: {text}")))?)
        }
        None => wanted.port,
    };
    let timeout = match first(&["ansible_ssh_timeout", "ansible_timeout"])? {
        Some(text) => {
            text.parse().map_err(|_| Failure::new(format!("`ansible_timeout` is no number: {text}")))?
        }
        None => settings.connect_timeout.unwrap_or(10),
    };
    let persist = match read.text("holdfast_control_persist")? {
        Some(text) => text
            .parse()
            .map_err(|_| Failure::new(format!("`holdfast_control_persist` is no number: {text}")))?,
        None => 60,
    };
    let key = first(&["ansible_ssh_private_key_file", "ansible_private_key_file"])?.map(|path| home(&path));
    let checked = first(&["ansible_ssh_host_key_checking", "ansible_host_key_checking"])?;
    Ok(Link::Ssh {
        host: first(&["ansible_host", "ansible_ssh_host"])?.unwrap_or_else(|| host.to_owned()),
        port,
        user: first(&["ansible_user", "ansible_ssh_user"])?
            .or_else(|| wanted.remote_user.clone())
            .or_else(|| settings.user.clone()),
        key: key.or_else(|| settings.private_key.clone()),
        options,
        check_host_key: checked.and_then(|text| value::truth(&text)).unwrap_or(true),
        connect_timeout: Duration::from_secs(timeout),
        persist: Duration::from_secs(persist),
    })
}

fn elevation(wanted: &Wanted, settings: &Settings, read: &Reader<'_>) -> Result<Option<Become>, Failure> {
    let said = read.text("ansible_become")?.and_then(|text| value::truth(&text));
    if !said.or(wanted.elevate).unwrap_or(settings.elevate) {
        return Ok(None);
    }
    if let Some(method) = read.text("ansible_become_method")?
        && !method.ends_with("sudo")
    {
        let title = format!("`become_method: {method}` is not supported yet");
        return Err(Failure::new(title).help("use sudo"));
    }
    let user = read.text("ansible_become_user")?.or_else(|| wanted.user.clone());
    let password = match read.text("ansible_become_password")? {
        Some(password) => Some(password),
        None => read.text("ansible_become_pass")?,
    };
    Ok(Some(Become {
        user: user.or_else(|| settings.become_user.clone()).unwrap_or_else(|| "root".to_owned()),
        password: password.or_else(|| settings.become_password.clone()),
    }))
}

fn home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

struct Reader<'a> {
    templar: &'a Templar,
    scope: &'a Scope,
}

impl Reader<'_> {
    /// A variable as text; `None` where it is not defined, null or empty.
    fn text(&self, name: &str) -> Result<Option<String>, Failure> {
        let read = self.templar.variable(name, self.scope);
        let value = read.map_err(|error| Failure::new(format!("`{name}` cannot be worked out: {error}")))?;
        Ok(match value {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.is_empty() => None,
            Some(other) => Some(plain_text(&other)),
        })
    }
}
