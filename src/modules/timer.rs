//! Work that systemd does on a calendar: a service and a timer of our own. What `scrub` and `btrfs_balance` have in
//! common. No module itself, and it decides nothing about what the work is.

use std::sync::LazyLock;

use regex::Regex;

use super::devices::checked_text;
use super::text_file;
use crate::exec::Command;
use crate::machine::files::FilesEffect;
use crate::machine::services::{ServiceState, ServicesEffect};
use crate::machine::{Machine, Needs, Prediction};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::systemctl;

checked_text!(
    /// When, as `systemd.time(7)` writes it: `monthly`, `Sun 02:30`, `Sun *-*-1..7 02:30:00`.
    Calendar,
    |text| {
        if is_calendar(text) {
            return Ok(());
        }
        Err(format!("`{text}` is no calendar of systemd: `monthly`, or `Sun *-*-1..7 02:30`"))
    }
);

impl Default for Calendar {
    fn default() -> Self {
        Self("monthly".to_owned())
    }
}

checked_text!(
    /// A path as it can stand in a unit's file.
    Target,
    |text| {
        let plain = |letter: char| letter.is_alphanumeric() || "/_.-:@+,".contains(letter);
        match text.chars().find(|letter| !plain(*letter)) {
            None if text.starts_with('/') => Ok(()),
            None => Err(format!("`{text}` is no absolute path")),
            Some(letter) => Err(format!("`{text}` cannot be scheduled: `{letter}` means something else to systemd")),
        }
    }
);

/// The shape of a calendar expression; systemd itself is asked for the rest before anything is written.
fn is_calendar(text: &str) -> bool {
    static SHAPE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let day = "(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*";
        let number = "[0-9*][0-9*,./]*";
        let shape = format!(
            "^(?i:minutely|hourly|daily|weekly|monthly|quarterly|semiannually|yearly|annually\
             |(?:{day}(?:(?:,|\\.\\.){day})*)?\
             (?:(?:^| )(?:{number}-)?{number}[-~]{number})?\
             (?:(?:^| ){number}:{number}(?::{number})?)?(?: utc)?)$"
        );
        Regex::new(&shape).ok()
    });
    !text.is_empty() && SHAPE.as_ref().is_some_and(|shape| shape.is_match(text))
}

const FOLDER: &str = "/etc/systemd/system";

/// What is done, to what, and when.
pub(super) struct Timer<'a> {
    /// Of what kind the work is: `scrub`.
    pub(super) kind: &'static str,
    /// To what it is done: a path.
    pub(super) target: &'a Target,
    /// `[Unit]` lines by which the service does not begin while its target is not there.
    pub(super) condition: String,
    /// One after the other; a `-` before a program lets it fail.
    pub(super) commands: Vec<String>,
}

impl Timer<'_> {
    fn name(&self) -> String {
        format!("holdfast-{}-{}", self.kind, systemctl::escape_path(self.target))
    }

    fn unit(&self) -> String {
        format!("{}.timer", self.name())
    }

    fn path(&self, suffix: &str) -> String {
        format!("{FOLDER}/{}.{suffix}", self.name())
    }

    pub(super) fn needs(&self) -> Needs {
        Needs { services: vec![self.unit()], ..Needs::nothing() }
            .content(self.path("service"))
            .content(self.path("timer"))
    }

    fn service(&self) -> String {
        let commands = self.commands.join("\nExecStart=");
        format!(
            "# Written by Holdfast.\n[Unit]\nDescription={} of {}\n{}\n\n\
             [Service]\nType=oneshot\nNice=19\nIOSchedulingClass=idle\nExecStart={commands}\n",
            self.kind, &**self.target, self.condition
        )
    }

    fn timer(&self, calendar: &str) -> String {
        format!(
            "# Written by Holdfast.\n[Unit]\nDescription={} of {}, {calendar}\n\n\
             [Timer]\nOnCalendar={calendar}\nPersistent=true\nRandomizedDelaySec=15min\n\n\
             [Install]\nWantedBy=timers.target\n",
            self.kind, &**self.target
        )
    }

    /// The service and its timer are there, and the timer waits for its next time.
    pub(super) fn scheduled(&self, machine: &Machine, calendar: &Calendar) -> Result<Plan, Refusal> {
        if machine.services.no_systemd {
            return Err(Refusal::new(format!(
                "{} of {} cannot be scheduled here",
                self.kind, &**self.target
            ))
            .fact("systemd does not run this host, and other schedulers are not supported yet"));
        }
        let mut plan = text_file::whole(machine, &self.path("service"), self.service());
        plan.then(text_file::whole(machine, &self.path("timer"), self.timer(calendar)));
        if let Some(first) = plan.actions.first_mut() {
            first
                .steps
                .insert(0, Step::run(Command::probe("systemd-analyze").args(["calendar", "--", calendar])));
        }
        let now = machine.services.seen.get(&self.unit()).cloned().unwrap_or_default();
        if plan.actions.is_empty() && now.active && now.enabled && !now.stale {
            return Ok(plan);
        }
        let change = if now.active {
            Change::modify("timer", self.unit(), &**calendar)
        } else {
            Change::create("timer", self.unit(), &**calendar)
        };
        let steps = [
            Step::run(systemctl::daemon_reload()),
            Step::run(systemctl::unit("enable", &self.unit())),
            // Started anew, a timer counts by its new calendar.
            Step::run(systemctl::unit("restart", &self.unit())),
        ];
        let state = ServiceState { exists: true, active: true, enabled: true, ..ServiceState::default() };
        plan.push(change, steps, [self.becomes(state)]);
        Ok(plan)
    }

    /// Nothing of it is there.
    pub(super) fn gone(&self, machine: &Machine) -> Plan {
        let paths = ["timer", "service"].map(|suffix| self.path(suffix));
        let there: Vec<String> = paths.into_iter().filter(|path| machine.files.at(path).is_some()).collect();
        if there.is_empty() {
            return Plan::empty();
        }
        let now = machine.services.seen.get(&self.unit()).cloned().unwrap_or_default();
        let verbs = [(now.active, "stop"), (now.enabled, "disable")];
        let mut steps: Vec<Step> = verbs
            .into_iter()
            .filter(|(is, _)| *is)
            .map(|(_, verb)| Step::run(systemctl::unit(verb, &self.unit())))
            .collect();
        steps.extend(there.iter().map(|path| Step::Remove { path: path.clone(), recursive: false }));
        steps.push(Step::run(systemctl::daemon_reload()));
        let gone = there.into_iter().map(|path| Prediction::Files(FilesEffect::Gone { path }));
        let predicts: Vec<Prediction> = gone.chain([self.becomes(ServiceState::default())]).collect();
        Plan::of(Change::remove("timer", self.unit(), ""), steps, predicts)
    }

    fn becomes(&self, state: ServiceState) -> Prediction {
        Prediction::Services(ServicesEffect::Put { name: self.unit(), state })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendars_are_told_from_other_words() {
        for good in [
            "monthly",
            "Sun",
            "Mon..Fri 02:30",
            "Sat,Sun *-*-* 02:30:00",
            "Sun *-*-1..7 02:30",
            "*-*-01",
            "01-15 4:00",
            "*:0/15",
            "2026-01-01 00:00:00 UTC",
            "*-02~01",
        ] {
            assert!(is_calendar(good), "{good}");
        }
        for bad in
            ["", " ", "every month", "sometimes", "2:30 Sun", "1", "monthly\nOnCalendar=daily", "02:30 "]
        {
            assert!(!is_calendar(bad), "{bad}");
        }
    }
}
