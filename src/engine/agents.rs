//! The conversations with one host: one per user acted as, opened when first needed, kept for the whole run.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use tokio::sync::{Mutex, Semaphore};

use super::connection::{Reach, Wanted};
use super::interrupt::Interrupt;
use crate::event::Outcome;
use crate::machine::Prediction;
use crate::plan::{Failure, Refusal};
use crate::protocol::{Order, Report};
use crate::transport::{self, Address, LockAnswer, Lost, Parcel, Session};

/// The agents of one host.
#[derive(Default)]
pub(super) struct Agents {
    inner: Mutex<Inner>,
    /// Addresses that were worked out already; variables they depend on do not change within a play.
    reaches: std::sync::Mutex<BTreeMap<Wanted, Reach>>,
}

#[derive(Default)]
struct Inner {
    sessions: BTreeMap<Address, Session>,
    /// Whom the last order went to: another one has to look at everything again.
    last: Option<Address>,
    /// The agent that holds the host's lock.
    keeper: Option<Address>,
    /// What a dry run would have done on this host so far, whoever acts.
    foreseen: Vec<Prediction>,
    /// How much of that each agent knows: its own, and what it was told.
    told: BTreeMap<Address, usize>,
}

/// Why there is no report.
#[derive(Debug)]
pub(super) enum NoReport {
    Lost(Lost),
    Refused(Refusal),
    Failed(Failure),
}

/// What a run shares for talking to hosts.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) parcel: Parcel,
    /// How many hosts may be connected to at the same moment.
    pub(super) connecting: Semaphore,
    pub(super) holder: String,
    pub(super) interrupt: Interrupt,
}

impl Agents {
    /// Gives an order to the agent at `address`. A real order is preceded, once, by taking the host's lock.
    pub(super) async fn order(
        &self,
        line: &Line,
        address: &Address,
        lock_path: &str,
        mut order: Order,
        busy: impl FnMut(String),
    ) -> Result<Report, NoReport> {
        let mut inner = self.inner.lock().await;
        let acts = order.consent.act;
        let mut session = match inner.sessions.remove(address) {
            Some(session) => session,
            None => open(line, address).await?,
        };
        if acts && inner.keeper.is_none() {
            take_lock(&mut session, lock_path, &line.holder).await?;
            inner.keeper = Some(address.clone());
        }
        order.fresh |= inner.last.as_ref().is_some_and(|last| last != address);
        let told = inner.told.get(address).copied().unwrap_or(0);
        order.foreseen = inner.foreseen.get(told..).unwrap_or_default().to_vec();
        match session.order(order, busy, line.interrupt.wait()).await {
            Ok(report) => {
                if let Outcome::Withheld(plan) = &report.outcome {
                    let predicts = plan.actions.iter().flat_map(|action| action.predicts.iter().cloned());
                    inner.foreseen.extend(predicts);
                }
                let known = inner.foreseen.len();
                inner.told.insert(address.clone(), known);
                inner.last = Some(address.clone());
                inner.sessions.insert(address.clone(), session);
                Ok(report)
            }
            // The lost session is opened again by whoever comes next, and the lock it may have held is taken again.
            Err(lost) => {
                inner.keeper.take_if(|keeper| keeper == address);
                inner.told.remove(address);
                Err(NoReport::Lost(lost))
            }
        }
    }

    /// The boot the host is in, as the agent at `address` knew it when it started.
    pub(super) async fn boot_id(&self, line: &Line, address: &Address) -> Result<String, NoReport> {
        let mut inner = self.inner.lock().await;
        if !inner.sessions.contains_key(address) {
            let session = open(line, address).await?;
            inner.sessions.insert(address.clone(), session);
        }
        Ok(inner.sessions.get(address).map(|session| session.boot_id.clone()).unwrap_or_default())
    }

    /// Ends all conversations and the connection below them: the host restarts.
    pub(super) async fn hang_up(&self) {
        let old = std::mem::take(&mut *self.inner.lock().await);
        for (address, session) in old.sessions {
            drop(session);
            transport::disconnect(&address).await;
        }
    }

    pub(super) fn known(&self, wanted: &Wanted) -> Option<Reach> {
        self.reaches.lock().unwrap_or_else(PoisonError::into_inner).get(wanted).cloned()
    }

    pub(super) fn remember(&self, wanted: Wanted, reach: Reach) {
        self.reaches.lock().unwrap_or_else(PoisonError::into_inner).insert(wanted, reach);
    }

    /// Connection variables may differ in the next play.
    pub(super) fn forget_addresses(&self) {
        self.reaches.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

async fn open(line: &Line, address: &Address) -> Result<Session, NoReport> {
    let _place = line.connecting.acquire().await;
    Session::open(address, &line.parcel)
        .await
        .map_err(|lost| if lost.denied { NoReport::Failed(lost.into()) } else { NoReport::Lost(lost) })
}

async fn take_lock(session: &mut Session, path: &str, holder: &str) -> Result<(), NoReport> {
    match session.lock(path, holder).await.map_err(NoReport::Lost)? {
        LockAnswer::Locked => Ok(()),
        LockAnswer::Held(holder) => Err(NoReport::Refused(
            Refusal::new("another run is working on this host")
                .fact(format!("it is held by {holder}"))
                .help("wait for it to end, or end it; the lock goes when its agent goes"),
        )),
        LockAnswer::Impossible(reason) => Err(NoReport::Failed(
            Failure::new(format!("the host's lock could not be taken: {reason}"))
                .help("set `holdfast_lock_path` to a file that can be written there"),
        )),
    }
}
