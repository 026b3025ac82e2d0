//! `reboot`: starts the restart of a host. That it comes back is waited for by the controller.

use serde::{Deserialize, Serialize};

use super::{Describe, Module};
use crate::exec::Command;
use crate::machine::{Machine, Needs};
use crate::plan::{Change, Plan, Refusal, Risk, Step};

/// A unit that every systemd has: asking for it says whether systemd runs the host.
const ANY_UNIT: &str = "reboot.target";

/// Restarts a host and waits until it is back, which is when it runs another boot.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reboot {
    /// For so many seconds the host may be away. Default: 600.
    pub reboot_timeout: Option<u64>,
    /// Seconds before the restart begins; at least 2, so that the agent can answer first.
    #[serde(default)]
    pub pre_reboot_delay: u64,
    /// Seconds that are waited once it is back. Default: 0.
    #[serde(default)]
    pub post_reboot_delay: u64,
    /// What is told to those who are logged in.
    pub msg: Option<String>,
}

impl Describe for Reboot {
    const NAME: &'static str = "reboot";
    const EXAMPLE: &'static str = "\
- name: everything is there again after a restart
  reboot:
    reboot_timeout: 900
";
}

impl Module for Reboot {
    fn needs(&self) -> Needs {
        Needs { services: vec![ANY_UNIT.to_owned()], ..Needs::nothing() }
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        if machine.services.no_systemd {
            return Err(Refusal::new("not supported yet: restarting a host that systemd does not run"));
        }
        let delay = self.pre_reboot_delay.max(2);
        let message = self.msg.as_deref().unwrap_or("restart asked for by holdfast");
        let command = Command::new("systemd-run").args([
            "--quiet".to_owned(),
            format!("--on-active={delay}"),
            "--timer-property=AccuracySec=100ms".to_owned(),
            "shutdown".to_owned(),
            "-r".to_owned(),
            "now".to_owned(),
            message.to_owned(),
        ]);
        let change = Change::run("host", "restart").risk(Risk::Disruptive);
        Ok(Plan::of(change, [Step::run(command)], []))
    }

    fn repeats(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_the_agent_time_to_answer() {
        let reboot = Reboot { msg: Some("kernel update".into()), ..Reboot::default() };
        let mut machine = Machine::default();
        assert_eq!(
            reboot.plan(&machine).unwrap().actions[0].steps[0].shown(),
            "systemd-run --quiet --on-active=2 --timer-property=AccuracySec=100ms shutdown -r now 'kernel update'"
        );
        machine.services.no_systemd = true;
        assert!(reboot.plan(&machine).is_err());
    }
}
