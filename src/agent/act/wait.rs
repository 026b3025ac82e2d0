//! Waiting for a condition, by looking again and again.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::exec::{Command, System};
use crate::plan::{Condition, Failure};
use crate::tools::getent;

/// How long to wait, and how often to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    timeout: Duration,
    delay: Duration,
    poll: Duration,
}

impl Pace {
    pub(super) fn of_millis(timeout: u64, delay: u64, poll: u64) -> Self {
        let millis = Duration::from_millis;
        Self { timeout: millis(timeout), delay: millis(delay), poll: millis(poll.max(10)) }
    }
}

/// How it ended, and after how long.
#[derive(Debug)]
pub(super) enum Waited {
    Came(Duration),
    /// With what the last try said, where it said something.
    NotYet(Duration, Option<String>),
}

pub(super) fn until(condition: &Condition, pace: Pace, system: &dyn System) -> Result<Waited, Failure> {
    let start = Instant::now();
    thread::sleep(pace.delay);
    if *condition == Condition::Time {
        thread::sleep(pace.timeout.saturating_sub(start.elapsed()));
        return Ok(Waited::Came(start.elapsed()));
    }
    loop {
        let why = match look(condition, system)? {
            Ok(()) => return Ok(Waited::Came(start.elapsed())),
            Err(why) => why,
        };
        let left = pace.timeout.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Ok(Waited::NotYet(start.elapsed(), why));
        }
        thread::sleep(pace.poll.min(left));
    }
}

/// `Ok(Err(why))`: not yet.
fn look(condition: &Condition, system: &dyn System) -> Result<Result<(), Option<String>>, Failure> {
    let cannot = |path: &str, error: std::io::Error| Failure::new(format!("cannot look at {path}: {error}"));
    let plainly = |yes: bool| if yes { Ok(()) } else { Err(None) };
    Ok(match condition {
        Condition::Path { path, present } => {
            let found = system.stat(Path::new(path)).map_err(|error| cannot(path, error))?;
            plainly(found.is_some() == *present)
        }
        Condition::Port { host, port, open } => match (connect(host, *port, system), open) {
            (Ok(()), true) | (Err(_), false) => Ok(()),
            (Ok(()), false) => Err(None),
            (Err(why), true) => Err(Some(why)),
        },
        Condition::Content { path, pattern } => {
            let wanted = regex::bytes::RegexBuilder::new(pattern)
                .multi_line(true)
                .build()
                .map_err(|error| Failure::new(format!("`{pattern}` is no regular expression: {error}")))?;
            match system.read(Path::new(path)) {
                Ok(content) => plainly(wanted.is_match(&content)),
                Err(error) => Err(Some(error.to_string())),
            }
        }
        Condition::Array { path, level, devices } => match array(path, system) {
            Ok(found) if found == [level.clone(), devices.to_string(), "idle".to_owned()] => Ok(()),
            Ok(found) => Err(Some(format!("it is {}", found.join(", ")))),
            Err(error) => Err(Some(format!("cannot look at {path}: {error}"))),
        },
        Condition::Released { device } => match system.open_exclusive(Path::new(device)) {
            Ok(released) => plainly(released),
            Err(error) => Err(Some(format!("cannot open {device}: {error}"))),
        },
        Condition::Time => Ok(()),
    })
}

/// Level, number of members and activity, as the kernel says them.
fn array(path: &str, system: &dyn System) -> std::io::Result<[String; 3]> {
    let node = system.resolve(Path::new(path))?;
    let kname = node.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let attribute = |name: &str| {
        let text = match system.read(Path::new(&format!("/sys/block/{kname}/md/{name}"))) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).trim().to_owned(),
            // A level without redundancy has nothing to do.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && name == "sync_action" => {
                "idle".to_owned()
            }
            Err(error) => return Err(error),
        };
        Ok(text)
    };
    Ok([attribute("level")?, attribute("raid_disks")?, attribute("sync_action")?])
}

fn connect(host: &str, port: u16, system: &dyn System) -> Result<(), String> {
    let addresses = match host.parse::<IpAddr>() {
        Ok(address) => vec![address],
        Err(_) => names(host, system)?,
    };
    let mut why = format!("{host} has no address");
    for address in addresses {
        match TcpStream::connect_timeout(&SocketAddr::new(address, port), Duration::from_secs(5)) {
            Ok(_) => return Ok(()),
            Err(error) => why = format!("{address} port {port}: {error}"),
        }
    }
    Err(why)
}

fn names(host: &str, system: &dyn System) -> Result<Vec<IpAddr>, String> {
    let command: Command = getent::addresses(host);
    let output = system.run(&command);
    if output.success() {
        getent::parse_addresses(&output.text())
    } else {
        Err(format!("the name {host} is not known here"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::{Native, Transcript};
    use std::net::TcpListener;

    fn quick(condition: &Condition, system: &dyn System) -> Waited {
        until(condition, Pace::of_millis(60, 0, 10), system).unwrap()
    }

    #[test]
    fn waits_for_a_port_to_open_and_to_close() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let wanted = |open| Condition::Port { host: "here.test".into(), port, open };
        let system = Transcript::new().says("getent ahosts here.test", "127.0.0.1  STREAM here.test\n");
        assert!(matches!(quick(&wanted(true), &system), Waited::Came(_)));
        assert!(matches!(quick(&wanted(false), &system), Waited::NotYet(_, None)));
        drop(listener);
        assert!(matches!(quick(&wanted(false), &system), Waited::Came(_)));
        assert!(matches!(quick(&wanted(true), &system), Waited::NotYet(_, Some(_))));
    }

    #[test]
    fn waits_for_a_file_and_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log").to_string_lossy().into_owned();
        let present = Condition::Path { path: path.clone(), present: true };
        assert!(matches!(quick(&present, &Native::new()), Waited::NotYet(..)));
        std::fs::write(&path, "first\nready now\n").unwrap();
        assert!(matches!(quick(&present, &Native::new()), Waited::Came(_)));
        let content = |pattern: &str| Condition::Content { path: path.clone(), pattern: pattern.into() };
        assert!(matches!(quick(&content("^ready"), &Native::new()), Waited::Came(_)));
        assert!(matches!(quick(&content("^now"), &Native::new()), Waited::NotYet(..)));
    }

    #[test]
    fn waits_for_an_array_to_be_whole() {
        let wanted = |devices| Condition::Array { path: "/dev/md/a".into(), level: "raid5".into(), devices };
        let system = |disks: &str, action: &str| {
            Transcript::new()
                .link("/dev/md/a", "/dev/md127")
                .file("/sys/block/md127/md/level", "raid5\n")
                .file("/sys/block/md127/md/raid_disks", disks)
                .file("/sys/block/md127/md/sync_action", action)
        };
        assert!(matches!(quick(&wanted(4), &system("4\n", "idle\n")), Waited::Came(_)));
        // While it is reshaped, the number before stands beside the one after.
        let Waited::NotYet(_, Some(why)) = quick(&wanted(4), &system("4 (3)\n", "reshape\n")) else {
            panic!("a reshape is no rest")
        };
        assert_eq!(why, "it is raid5, 4 (3), reshape");
        assert!(matches!(quick(&wanted(5), &system("4\n", "idle\n")), Waited::NotYet(..)));
        let raid0 = Transcript::new().link("/dev/md/a", "/dev/md127");
        let raid0 =
            raid0.file("/sys/block/md127/md/level", "raid0\n").file("/sys/block/md127/md/raid_disks", "2");
        let condition = Condition::Array { path: "/dev/md/a".into(), level: "raid0".into(), devices: 2 };
        assert!(matches!(quick(&condition, &raid0), Waited::Came(_)));
    }
}
