//! The agent on this machine: the same binary over a pipe.

use std::process::Stdio;

use super::channel::{Channel, Complaints, Keeper};
use super::session::Lost;
use super::{Become, Parcel};
use tokio::io::BufReader;

/// Starts the agent here. Through sudo it goes by the same few lines of shell as on other hosts.
pub(super) fn start(parcel: &Parcel, elevate: Option<&Become>) -> Result<Channel, Lost> {
    let program = parcel.program.display().to_string();
    let quoted = shlex::try_quote(&program).unwrap_or_default().into_owned();
    let mut command = match elevate {
        None => {
            let mut agent = tokio::process::Command::new("sh");
            agent.args(["-c", &format!("echo HOLDFAST agent; exec {quoted} agent")]);
            agent
        }
        Some(to) => {
            let mut sudo = tokio::process::Command::new("sh");
            sudo.args(["-c", &super::bootstrap::start(&quoted, Some(to))]);
            sudo
        }
    };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| Lost::new(format!("the agent could not be started here: {error}")))?;
    let (Some(to), Some(from), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        unreachable!("all three were asked to be pipes")
    };
    let complaints = Complaints::default();
    complaints.listen(errors);
    Ok(Channel {
        to: Box::pin(to),
        from: BufReader::new(Box::pin(from)),
        complaints,
        _keeper: Keeper::Local(child),
    })
}
