//! systemd units. A host without systemd has none; that is said and is no failure.

use crate::exec::{Status, System};
use crate::machine::Needs;
use crate::machine::services::{ServiceState, Services};
use crate::plan::Failure;
use crate::tools::systemctl;

pub(super) fn fill(services: &mut Services, needs: &Needs, system: &dyn System) -> Result<(), Failure> {
    let missing = |name: &&String| services.seen.get(*name).is_none_or(|known| !known.exists);
    let units: Vec<&String> = needs.services.iter().filter(missing).collect();
    if units.is_empty() {
        return Ok(());
    }
    let command = systemctl::show(&units);
    let output = system.run(&command);
    let without = output.status == Status::Missing || {
        let said = output.error_text();
        said.contains("not been booted with systemd") || said.contains("Failed to connect to bus")
    };
    services.no_systemd = without;
    if without {
        services.seen.extend(units.into_iter().map(|unit| (unit.clone(), ServiceState::default())));
        return Ok(());
    }
    if !output.success() {
        return Err(Failure::of(&command, &output));
    }
    let found = systemctl::parse_show(&output.text()).map_err(Failure::new)?;
    if found.len() != units.len() {
        let title = format!("`systemctl show` speaks of {} units, not of {}", found.len(), units.len());
        return Err(Failure::new(title));
    }
    services.seen.extend(units.into_iter().cloned().zip(found));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Transcript;

    const SHOW: &str = "systemctl show -p \
        LoadState,ActiveState,SubState,UnitFileState,Type,RemainAfterExit,NeedDaemonReload -- ssh";

    #[test]
    fn asks_systemd_or_says_that_there_is_none() {
        let needs = Needs { services: vec!["ssh".into()], ..Needs::nothing() };
        let mut services = Services::default();
        let said = "LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\n";
        fill(&mut services, &needs, &Transcript::new().says(SHOW, said)).unwrap();
        assert!(services.seen["ssh"].active && !services.no_systemd);

        let mut services = Services::default();
        fill(&mut services, &needs, &Transcript::new().ends(SHOW, Status::Missing, "", "")).unwrap();
        assert!(services.no_systemd && !services.seen["ssh"].exists);
    }
}
