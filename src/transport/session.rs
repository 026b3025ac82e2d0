//! A conversation with one agent, from its greeting to its end.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::channel::{Channel, Complaints, From, Keeper, To};
use super::{Address, Become, Link, Parcel, bootstrap, local, master};
use crate::plan::Failure;
use crate::protocol::frame;
use crate::protocol::{Answer, Ask, Order, Report};

/// How long an agent may take to greet once it was started.
const GREETING: Duration = Duration::from_mins(1);

/// A host that could not be reached, or was lost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lost {
    /// First line: lower case where it is ours, standing alone.
    pub title: String,
    /// What was heard before.
    pub said: Vec<String>,
    pub help: Option<String>,
    /// The host was reached, but the agent could not be given the rights it was asked to have.
    pub denied: bool,
}

impl Lost {
    pub(super) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn denied(mut self) -> Self {
        self.denied = true;
        self
    }
}

impl std::convert::From<Lost> for Failure {
    fn from(lost: Lost) -> Self {
        let mut failure = Self::new(lost.title);
        failure.stderr = lost.said.join("\n");
        failure.help.extend(lost.help);
        failure
    }
}

/// A conversation with one agent.
pub struct Session {
    channel: Channel,
    /// Identifies the boot of the host: another one means it was restarted.
    pub boot_id: String,
}

/// What came of asking for the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockAnswer {
    Locked,
    Held(String),
    Impossible(String),
}

impl Session {
    /// Connects, brings the agent there if it is not, and hears its greeting.
    pub async fn open(address: &Address, parcel: &Parcel) -> Result<Self, Lost> {
        let mut channel = match &address.link {
            Link::Local => local::start(parcel, address.elevate.as_ref())?,
            Link::Ssh { .. } => remote(address, parcel).await?,
        };
        let greeted =
            tokio::time::timeout(GREETING, greet(&mut channel, address.elevate.as_ref(), parcel)).await;
        let boot_id = greeted.unwrap_or_else(|_| {
            Err(Lost::new(format!("the agent did not answer within {} seconds", GREETING.as_secs())))
        })?;
        Ok(Self { channel, boot_id })
    }

    /// Asks for the host's lock, for as long as this session lasts.
    pub async fn lock(&mut self, path: &str, holder: &str) -> Result<LockAnswer, Lost> {
        self.say(&Ask::Lock { path: path.to_owned(), holder: holder.to_owned() }).await?;
        match self.hear().await? {
            Answer::Locked => Ok(LockAnswer::Locked),
            Answer::Held { holder } => Ok(LockAnswer::Held(holder)),
            Answer::NoLock { reason } => Ok(LockAnswer::Impossible(reason)),
            other => Err(out_of_turn(&other)),
        }
    }

    /// Gives an order and waits for its end; `busy` hears each step as it begins. When `stop` resolves, the agent is
    /// asked to stop after the step that is running, and its report is still waited for.
    pub async fn order(
        &mut self,
        order: Order,
        mut busy: impl FnMut(String),
        stop: impl Future<Output = ()>,
    ) -> Result<Report, Lost> {
        self.say(&Ask::Order(Box::new(order))).await?;
        let mut stop = std::pin::pin!(stop);
        let mut asked = false;
        loop {
            let Channel { from, to, complaints, .. } = &mut self.channel;
            let mut heard = std::pin::pin!(hear(from, complaints));
            let answer = loop {
                tokio::select! {
                    answer = &mut heard => break answer?,
                    () = &mut stop, if !asked => {
                        asked = true;
                        say(to, complaints, &Ask::Stop).await?;
                    }
                }
            };
            match answer {
                Answer::Busy { detail } => busy(detail),
                Answer::Done(report) => return Ok(*report),
                other => return Err(out_of_turn(&other)),
            }
        }
    }

    async fn say(&mut self, ask: &Ask) -> Result<(), Lost> {
        say(&mut self.channel.to, &self.channel.complaints, ask).await
    }

    async fn hear(&mut self) -> Result<Answer, Lost> {
        hear(&mut self.channel.from, &self.channel.complaints).await
    }
}

async fn say(to: &mut To, complaints: &Complaints, message: &impl Serialize) -> Result<(), Lost> {
    let bytes = frame::encode(message).map_err(|error| Lost::new(error.to_string()))?;
    let sent = async {
        to.write_all(&bytes).await?;
        to.flush().await
    };
    sent.await.map_err(|_| severed(complaints))
}

async fn hear(from: &mut From, complaints: &Complaints) -> Result<Answer, Lost> {
    let mut head = [0; 4];
    from.read_exact(&mut head).await.map_err(|_| severed(complaints))?;
    let length = frame::length(head).map_err(|error| Lost::new(error.to_string()))?;
    let mut body = vec![0; length];
    from.read_exact(&mut body).await.map_err(|_| severed(complaints))?;
    frame::decode(&body).map_err(|error| Lost::new(error.to_string()))
}

fn severed(complaints: &Complaints) -> Lost {
    Lost { said: complaints.lines(), ..Lost::new("the connection was lost") }
}

fn out_of_turn(answer: &Answer) -> Lost {
    Lost::new(format!("the agent answered something that was not asked: {answer:?}"))
}

async fn remote(address: &Address, parcel: &Parcel) -> Result<Channel, Lost> {
    let session = Arc::new(master::connect(&address.link).await?);
    let script = bootstrap::script(&parcel.build, address.remote_tmp.as_deref(), address.elevate.as_ref());
    let quoted = shlex::try_quote(&script).map_err(|_| Lost::new("a path or user name holds a NUL byte"))?;
    let mut child = session
        .arc_raw_command("/bin/sh")
        .raw_arg("-c")
        .raw_arg(quoted.as_ref())
        .stdin(openssh::Stdio::piped())
        .stdout(openssh::Stdio::piped())
        .stderr(openssh::Stdio::piped())
        .spawn()
        .await
        .map_err(|error| {
            Lost::new(format!("the host was reached, but no program can be started there: {error}"))
        })?;
    let (Some(to), Some(from), Some(errors)) =
        (child.stdin().take(), child.stdout().take(), child.stderr().take())
    else {
        unreachable!("all three were asked to be pipes")
    };
    let complaints = Complaints::default();
    complaints.listen(errors);
    Ok(Channel {
        to: Box::pin(to),
        from: BufReader::new(Box::pin(from)),
        complaints,
        _keeper: Keeper::Ssh(child),
    })
}

fn unpacked(error: &std::io::Error) -> Lost {
    Lost::new(format!("this program could not read itself: {error}"))
}

/// From the shell's first line to the agent's greeting.
async fn greet(channel: &mut Channel, elevate: Option<&Become>, parcel: &Parcel) -> Result<String, Lost> {
    loop {
        let mut line = Vec::new();
        let count =
            channel.from.read_until(b'\n', &mut line).await.map_err(|_| severed(&channel.complaints))?;
        if count == 0 {
            // What sudo or the shell complained about arrives on another stream, a moment later.
            tokio::time::sleep(Duration::from_millis(50)).await;
            return Err(Lost {
                said: channel.complaints.lines(),
                ..Lost::new("the agent did not start there")
            });
        }
        match bootstrap::read_line(&String::from_utf8_lossy(&line)) {
            bootstrap::Line::Noise => {}
            bootstrap::Line::Fail(why) => return Err(Lost::new(why)),
            bootstrap::Line::Need => {
                let packed = parcel.packed().await.map_err(|error| unpacked(&error))?;
                let sent = async {
                    channel.to.write_all(format!("{}\n", packed.len()).as_bytes()).await?;
                    channel.to.write_all(&packed).await?;
                    channel.to.flush().await
                };
                sent.await.map_err(|_| severed(&channel.complaints))?;
            }
            bootstrap::Line::Password => {
                give_password(channel, elevate).await?;
                return await_password(channel, parcel).await;
            }
            bootstrap::Line::Agent => return greeting(channel, parcel).await,
        }
    }
}

async fn give_password(channel: &mut Channel, elevate: Option<&Become>) -> Result<(), Lost> {
    let password = elevate.and_then(|to| to.password.as_deref()).ok_or_else(|| {
        Lost::new("sudo wants a password there, and none was given")
            .help("give one with `-K`, or set `ansible_become_password`")
            .denied()
    })?;
    let sent = async {
        channel.to.write_all(format!("{password}\n").as_bytes()).await?;
        channel.to.flush().await
    };
    sent.await.map_err(|_| severed(&channel.complaints))
}

/// Waits for the greeting, or for sudo to say that the password was wrong (it would ask again, for ever).
async fn await_password(channel: &mut Channel, parcel: &Parcel) -> Result<String, Lost> {
    let complaints = channel.complaints.clone();
    let wrong = async {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if complaints.mention("try again") || complaints.mention("incorrect password") {
                return;
            }
        }
    };
    tokio::select! {
        greeted = greeting(channel, parcel) => greeted.map_err(|mut lost| {
            if complaints.mention("not in the sudoers") || complaints.mention("not allowed") {
                lost.title = "sudo does not allow this user to act as the other".to_owned();
                lost.denied = true;
            }
            lost
        }),
        () = wrong => Err(Lost::new("sudo did not accept the password").help("check `-K` or `ansible_become_password`").denied()),
    }
}

async fn greeting(channel: &mut Channel, parcel: &Parcel) -> Result<String, Lost> {
    match hear(&mut channel.from, &channel.complaints).await? {
        Answer::Ready { build, .. } if build != parcel.build => Err(Lost::new(format!(
            "the agent there is another build ({}) than this program ({})",
            &build[..build.len().min(12)],
            &parcel.build[..parcel.build.len().min(12)]
        ))),
        Answer::Ready { boot_id, .. } => Ok(boot_id),
        other => Err(out_of_turn(&other)),
    }
}
