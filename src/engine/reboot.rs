//! Restarting a host and waiting until it is back in another boot.

use std::time::{Duration, Instant};

use super::agents::NoReport;
use super::attempt::{Round, plain_text};
use super::connection::Reach;
use super::result::Ended;
use super::world::Host;
use crate::event::Outcome;
use crate::plan::Failure;
use crate::protocol::Order;
use crate::value::{Map, Value};

/// Gives the order, loses the host, and finds it again. Err: the host was lost before it was told.
pub(super) async fn perform(
    round: &Round,
    host: &Host,
    target: &Host,
    reach: &Reach,
    order: Order,
    args: &Map<String, Value>,
) -> Result<Ended, Failure> {
    let seconds = |name: &str, default: u64| {
        args.get(name)
            .and_then(|value| plain_text(value).parse().ok())
            .map_or(default, |seconds: u64| seconds)
    };
    let began = Instant::now();
    let failed = |no| match no {
        NoReport::Lost(lost) => Err(Failure::from(lost)),
        NoReport::Failed(failure) => Ok(Ended::failed(failure)),
        NoReport::Refused(refusal) => Ok(Ended::of(Outcome::Refused { refusal, plan: None })),
    };
    let before = match target.agents.boot_id(&round.world.line, &reach.address).await {
        Ok(id) => id,
        Err(no) => return failed(no),
    };
    let mut ended = match round.send(host, target, reach, order).await {
        Ok(ended) => ended,
        Err(no) => return failed(no),
    };
    if ended.is_failed() {
        return Ok(ended);
    }
    let patience = Duration::from_secs(seconds("reboot_timeout", 600));
    let settle = Duration::from_secs(seconds("post_reboot_delay", 0));
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        target.agents.hang_up().await;
        let waited = began.elapsed().as_secs();
        round.tell.busy(round.id, &host.name, format!("waits for it to come back ({waited} s)"));
        let now = target.agents.boot_id(&round.world.line, &reach.address).await;
        if now.is_ok_and(|now| now != before) {
            break;
        }
        if began.elapsed() > patience {
            let title =
                format!("the host did not come back within {} seconds of its restart", patience.as_secs());
            return Ok(Ended::failed(Failure::new(title).help("give it longer with `reboot_timeout`")));
        }
    }
    tokio::time::sleep(settle).await;
    ended.result.insert("rebooted".into(), true.into());
    ended.result.insert("elapsed".into(), began.elapsed().as_secs().into());
    Ok(ended)
}
