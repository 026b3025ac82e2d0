//! `scrub`: everything that is stored with redundancy is read from time to time, and compared. Only the schedule is kept
//! here; a check that runs is nobody's change.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::devices::block;
use super::timer::{Calendar, Target, Timer};
use super::{Describe, Module};
use crate::machine::{Domain, Machine, Needs};
use crate::modules::presence::State;
use crate::plan::{Plan, Refusal};

/// Has a md array or a btrfs checked by a systemd timer: all of it is read, and what cannot be read is written anew from
/// its redundancy.
///
/// Errors are what md tells whom `md_monitor` names; a btrfs with errors that cannot be mended fails its unit.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Scrub {
    /// What is checked: an array (`/dev/md/kvm`), or where a btrfs is mounted (`/srv/pool`).
    target: Target,
    /// When, as systemd writes it: `monthly`, `Sun *-*-1..7 02:30`. A time that was missed is made up for.
    #[serde(default)]
    schedule: Calendar,
    /// Whether there is such a schedule.
    #[serde(default)]
    state: State,
}

impl Describe for Scrub {
    const NAME: &'static str = "scrub";
    const EXAMPLE: &'static str = "\
scrub:
  target: /dev/md/kvm
  schedule: Sun *-*-1..7 02:30
";
}

impl Module for Scrub {
    fn needs(&self) -> Needs {
        Needs::of([Domain::Block, Domain::Mounts]).and(self.timer().needs())
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        if self.state == State::Absent {
            return Ok(self.timer().gone(machine));
        }
        if self.is_array() {
            self.redundant(machine)?;
        } else {
            btrfs_at(machine, &self.target)?;
        }
        self.timer().scheduled(machine, &self.schedule)
    }
}

impl Scrub {
    fn is_array(&self) -> bool {
        self.target.starts_with("/dev/")
    }

    fn timer(&self) -> Timer<'_> {
        let target = &*self.target;
        let (condition, commands) = if self.is_array() {
            // The kernel checks by itself; waiting keeps the unit active for as long as that takes.
            let check = format!("mdadm --action=check {target}");
            (format!("ConditionPathExists={target}"), vec![check, format!("-mdadm --wait {target}")])
        } else {
            (format!("ConditionPathIsMountPoint={target}"), vec![format!("btrfs scrub start -B {target}")])
        };
        Timer { kind: "scrub", target: &self.target, condition, commands }
    }

    fn redundant(&self, machine: &Machine) -> Result<(), Refusal> {
        let target = &*self.target;
        let device = block(machine)?.find(target);
        let Some(array) = device.and_then(|device| device.array.as_ref()) else {
            return Err(Refusal::new(format!("{target} cannot be scrubbed: there is no such array"))
                .help("`target` is an array, or where a btrfs is mounted"));
        };
        if matches!(array.level.as_str(), "raid0" | "linear") {
            return Err(Refusal::new(format!("{target} cannot be scrubbed: it is {}", array.level))
                .fact("without redundancy there is nothing to compare"));
        }
        Ok(())
    }
}

/// Refused where no btrfs is mounted.
pub(super) fn btrfs_at(machine: &Machine, path: &str) -> Result<(), Refusal> {
    match machine.mounts.as_ref().and_then(|mounts| mounts.at(path)) {
        Some(live) if live.fstype == "btrfs" => Ok(()),
        Some(live) => {
            Err(Refusal::new(format!("the file system at {path} is {}, and not btrfs", live.fstype))
                .help("only md arrays and btrfs have something to compare with"))
        }
        None => Err(Refusal::new(format!("nothing is mounted at {path}")).help("mount a btrfs there first")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{becomes, foresee, host, plan, refused};
    use crate::machine::Machine;
    use crate::machine::mounts::Live;

    fn machine(level: &str) -> Machine {
        let mut machine = host(4);
        let array = json!({"name": "kvm", "level": level, "members": ["/dev/vdb", "/dev/vdc", "/dev/vdd", "/dev/vde"]});
        let made = plan(&machine, "md_array", &array).unwrap();
        foresee(&mut machine, &made);
        machine.mounts.as_mut().unwrap().live.push(Live {
            target: "/srv/pool".into(),
            source: "/dev/vdf".into(),
            fstype: "btrfs".into(),
            options: vec!["rw".into()],
            root: "/".into(),
        });
        machine
    }

    #[test]
    fn a_schedule_comes_changes_and_goes() {
        let mut machine = machine("raid10");
        let text = becomes(&mut machine, "scrub", &json!({"target": "/dev/md/kvm"}));
        assert_eq!(
            text,
            "+ file /etc/systemd/system/holdfast-scrub-dev-md-kvm.service \n    systemd-analyze calendar -- monthly\n    \
             write /etc/systemd/system/holdfast-scrub-dev-md-kvm.service (229 bytes)\n\
             + file /etc/systemd/system/holdfast-scrub-dev-md-kvm.timer \n    \
             write /etc/systemd/system/holdfast-scrub-dev-md-kvm.timer (175 bytes)\n\
             + timer holdfast-scrub-dev-md-kvm.timer monthly\n    systemctl daemon-reload\n    \
             systemctl enable -- holdfast-scrub-dev-md-kvm.timer\n    systemctl restart -- holdfast-scrub-dev-md-kvm.timer\n"
        );
        let text = becomes(&mut machine, "scrub", &json!({"target": "/dev/md/kvm", "schedule": "Sun 02:30"}));
        assert!(text.starts_with("~ file /etc/systemd/system/holdfast-scrub-dev-md-kvm.timer"), "{text}");
        let text = becomes(&mut machine, "scrub", &json!({"target": "/dev/md/kvm", "state": "absent"}));
        assert!(text.starts_with("- timer holdfast-scrub-dev-md-kvm.timer"), "{text}");
        let text = becomes(&mut machine, "scrub", &json!({"target": "/srv/pool"}));
        assert!(text.contains("+ timer holdfast-scrub-srv-pool.timer monthly"), "{text}");
    }

    #[test]
    fn what_has_no_redundancy_is_refused() {
        let text = refused(&machine("raid0"), "scrub", &json!({"target": "/dev/md/kvm"}));
        assert!(text.starts_with("/dev/md/kvm cannot be scrubbed: it is raid0"), "{text}");
        let text = refused(&machine("raid10"), "scrub", &json!({"target": "/dev/md/other"}));
        assert!(text.contains("there is no such array"), "{text}");
        let text = refused(&machine("raid10"), "scrub", &json!({"target": "/"}));
        assert!(text.starts_with("the file system at / is ext4, and not btrfs"), "{text}");
        let text = refused(&machine("raid10"), "scrub", &json!({"target": "/srv/none"}));
        assert!(text.starts_with("nothing is mounted at /srv/none"), "{text}");
    }
}
