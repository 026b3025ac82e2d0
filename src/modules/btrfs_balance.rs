//! `btrfs_balance`: chunks that are little used are packed together from time to time, so that data and metadata do not
//! run out of room while most of the device is allocated and empty. Only the schedule is kept here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scrub::btrfs_at;
use super::timer::{Calendar, Target, Timer};
use super::{Describe, Module};
use crate::machine::{Domain, Machine, Needs};
use crate::modules::presence::State;
use crate::plan::{Plan, Refusal};

/// Has chunks of a btrfs that are used less than so much packed together by a systemd timer.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BtrfsBalance {
    /// Where the btrfs is mounted.
    path: Target,
    /// When, as systemd writes it: `monthly`, `Sun *-*-1..7 02:30`. A time that was missed is made up for.
    #[serde(default)]
    schedule: Calendar,
    /// Data chunks used less than so many percent are moved together.
    #[serde(default = "half")]
    data_usage: u8,
    /// And metadata chunks. Left out, they stay where they are: they are few, and moving them is slow.
    metadata_usage: Option<u8>,
    /// Whether there is such a schedule.
    #[serde(default)]
    state: State,
}

fn half() -> u8 {
    50
}

impl Describe for BtrfsBalance {
    const NAME: &'static str = "btrfs_balance";
    const EXAMPLE: &'static str = "\
btrfs_balance:
  path: /srv/pool
  data_usage: 50
";
}

impl Module for BtrfsBalance {
    fn needs(&self) -> Needs {
        Needs::of([Domain::Mounts]).and(self.timer().needs())
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        if self.state == State::Absent {
            return Ok(self.timer().gone(machine));
        }
        for usage in [Some(self.data_usage), self.metadata_usage].into_iter().flatten() {
            if usage > 100 {
                return Err(Refusal::new(format!("no chunk is used {usage} percent"))
                    .help("`data_usage` and `metadata_usage` are percents: 0 to 100"));
            }
        }
        btrfs_at(machine, &self.path)?;
        self.timer().scheduled(machine, &self.schedule)
    }
}

impl BtrfsBalance {
    fn timer(&self) -> Timer<'_> {
        let metadata = self.metadata_usage.map(|usage| format!(" -musage={usage}")).unwrap_or_default();
        let path = &*self.path;
        Timer {
            kind: "balance",
            target: &self.path,
            condition: format!("ConditionPathIsMountPoint={path}"),
            commands: vec![format!("btrfs balance start -dusage={}{metadata} {path}", self.data_usage)],
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{becomes, host, refused};
    use crate::machine::mounts::Live;

    #[test]
    fn a_balance_is_scheduled_where_a_btrfs_is() {
        let mut machine = host(1);
        machine.mounts.as_mut().unwrap().live.push(Live {
            target: "/srv/pool".into(),
            source: "/dev/vdb".into(),
            fstype: "btrfs".into(),
            options: vec!["rw".into()],
            root: "/".into(),
        });
        let args = json!({"path": "/srv/pool", "metadata_usage": 30, "schedule": "weekly"});
        let text = becomes(&mut machine, "btrfs_balance", &args);
        assert!(text.contains("+ timer holdfast-balance-srv-pool.timer weekly"), "{text}");
        let path = "/etc/systemd/system/holdfast-balance-srv-pool.service";
        let content = machine.files.at(path).and_then(|file| file.content.clone()).unwrap();
        let content = String::from_utf8(content).unwrap();
        assert!(
            content.contains("ExecStart=btrfs balance start -dusage=50 -musage=30 /srv/pool\n"),
            "{content}"
        );
        let text = refused(&machine, "btrfs_balance", &json!({"path": "/srv/pool", "data_usage": 101}));
        assert!(text.starts_with("no chunk is used 101 percent"), "{text}");
        let text = refused(&machine, "btrfs_balance", &json!({"path": "/"}));
        assert!(text.contains("is ext4, and not btrfs"), "{text}");
    }
}
