//! The byte streams to and from an agent, whatever carries them.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, BufReader};

pub(super) type To = Pin<Box<dyn AsyncWrite + Send>>;
pub(super) type From = BufReader<Pin<Box<dyn AsyncRead + Send>>>;

/// Two streams, what was said on the third, and what keeps them open.
pub(super) struct Channel {
    pub(super) to: To,
    pub(super) from: From,
    pub(super) complaints: Complaints,
    pub(super) _keeper: Keeper,
}

#[expect(dead_code, reason = "held, never read: dropping it ends the conversation")]
/// What must not be dropped while the streams are used.
pub(super) enum Keeper {
    Local(tokio::process::Child),
    Ssh(openssh::Child<Arc<openssh::Session>>),
}

/// The last lines of standard error: sudo's complaints, a crash.
#[derive(Debug, Clone, Default)]
pub(super) struct Complaints(Arc<Mutex<Vec<String>>>);

impl Complaints {
    /// Collects lines until the stream ends.
    pub(super) fn listen(&self, stream: impl AsyncRead + Send + Unpin + 'static) {
        let kept = Arc::clone(&self.0);
        tokio::spawn(async move {
            let mut lines = BufReader::new(stream).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push(line);
                if kept.len() > 20 {
                    kept.remove(0);
                }
            }
        });
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn mention(&self, words: &str) -> bool {
        self.lines().iter().any(|line| line.contains(words))
    }
}
