//! QEMU's control socket: one command, one answer. Events are skipped: whoever waits for something asks until it is so.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

/// The socket's name in a machine's folder.
pub const SOCKET: &str = "qmp.sock";

#[derive(Debug)]
pub struct Qmp {
    stream: BufReader<UnixStream>,
}

impl Qmp {
    /// Connects to the QEMU of a machine's folder.
    pub fn connect(dir: &Path) -> anyhow::Result<Self> {
        // A socket's path has at most 107 bytes; through the open folder it is always short.
        let folder = File::open(dir).with_context(|| format!("cannot open {}", dir.display()))?;
        let short = format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd());
        let stream = UnixStream::connect(short)
            .with_context(|| format!("cannot reach the QEMU of {}", dir.display()))?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        let mut qmp = Self { stream: BufReader::new(stream) };
        qmp.read().context("QEMU sent no greeting")?;
        qmp.call("qmp_capabilities", &json!({}))?;
        Ok(qmp)
    }

    /// Runs one command and gives back what it returned.
    pub fn call(&mut self, command: &str, arguments: &Value) -> anyhow::Result<Value> {
        let mut line = json!({ "execute": command, "arguments": arguments }).to_string();
        line.push('\n');
        self.stream.get_mut().write_all(line.as_bytes()).context("cannot write to QEMU's control socket")?;
        loop {
            let mut answer = self.read().with_context(|| format!("QEMU did not answer `{command}`"))?;
            if let Some(value) = answer.get_mut("return") {
                return Ok(value.take());
            }
            if let Some(error) = answer.get("error") {
                bail!("QEMU refused `{command}`: {}", error["desc"].as_str().unwrap_or("without a reason"));
            }
        }
    }

    /// Asks `command` until `done` finds what it looks for in the answer.
    pub fn until<T>(
        &mut self,
        command: &str,
        limit: Duration,
        mut done: impl FnMut(&Value) -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        let begun = Instant::now();
        loop {
            if let Some(found) = done(&self.call(command, &json!({}))?)? {
                return Ok(found);
            }
            ensure!(begun.elapsed() < limit, "QEMU's `{command}` did not come to an end in {limit:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn read(&mut self) -> anyhow::Result<Value> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line)?;
        ensure!(read > 0, "QEMU has ended");
        Ok(serde_json::from_str(&line)?)
    }
}
