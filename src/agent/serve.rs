//! The order loop. Asks are read by a thread of their own, so that a lost controller is noticed at once.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use super::fulfil::Host;
use super::lock::{self, NoLock};
use super::streams;
use crate::exec::Native;
use crate::protocol::frame::{self, BadFrame};
use crate::protocol::{Answer, Ask};

/// Serves one controller over standard input and output until it goes away.
pub fn serve() -> ExitCode {
    match converse() {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody is left to hear a reason: a broken stream is how controllers go away.
        Err(_) => ExitCode::FAILURE,
    }
}

fn converse() -> Result<(), BadFrame> {
    let streams = streams::take()?;
    let mut answers = streams.answers;
    let system = Native::new();
    let stop = Arc::new(AtomicBool::new(false));
    let asks = listen(streams.asks, &stop, &system.cut_flag());
    let mut host = Host::new(system, stop);
    let mut held = None;
    frame::write(&mut answers, &greeting()?)?;
    for ask in asks {
        match ask {
            Ask::Lock { path, holder } => {
                let answer = match lock::take(Path::new(&path), &holder) {
                    Ok(lock) => {
                        host.keep_ledger(Box::new(lock.ledger()?));
                        held = Some(lock);
                        Answer::Locked
                    }
                    Err(NoLock::Held(holder)) => Answer::Held { holder },
                    Err(NoLock::Io(error)) => Answer::NoLock { reason: format!("{path}: {error}") },
                };
                frame::write(&mut answers, &answer)?;
            }
            Ask::Order(order) => {
                let mut lost = None;
                let report = host.fulfil(&order, &mut |detail| {
                    // A step that has begun is not left half done because nobody listens.
                    lost = lost.take().or(frame::write(&mut answers, &Answer::Busy { detail }).err());
                });
                frame::write(&mut answers, &Answer::Done(Box::new(report)))?;
            }
            Ask::Stop => {}
        }
    }
    drop(held);
    Ok(())
}

fn greeting() -> io::Result<Answer> {
    Ok(Answer::Ready {
        build: crate::build::id()?,
        pid: std::process::id(),
        boot_id: std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned(),
    })
}

/// Reads asks until the stream ends, then says so to whatever is running.
fn listen(mut stream: File, stop: &Arc<AtomicBool>, cut: &Arc<AtomicBool>) -> mpsc::Receiver<Ask> {
    let (send, asks) = mpsc::channel();
    let (stop, cut) = (Arc::clone(stop), Arc::clone(cut));
    thread::spawn(move || {
        while let Ok(Some(ask)) = frame::read::<Ask>(&mut stream) {
            if ask == Ask::Stop {
                stop.store(true, Ordering::Relaxed);
            }
            if send.send(ask).is_err() {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
        cut.store(true, Ordering::Relaxed);
    });
    asks
}
