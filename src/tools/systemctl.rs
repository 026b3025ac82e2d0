//! `systemctl`: units, what they are and what becomes of them.

use crate::exec::Command;
use crate::machine::services::ServiceState;

const PROPERTIES: &str = "LoadState,ActiveState,SubState,UnitFileState,Type,RemainAfterExit,NeedDaemonReload";

/// What systemd knows of units, a block each, in this order.
pub fn show<S: AsRef<str>>(units: &[S]) -> Command {
    Command::probe("systemctl").args(["show", "-p", PROPERTIES, "--"]).args(units.iter().map(AsRef::as_ref))
}

/// A verb for one unit: `start`, `enable`, `mask` ...
pub fn unit(verb: &str, unit: &str) -> Command {
    Command::new("systemctl").args([verb, "--", unit])
}

/// Makes systemd read its files again.
pub fn daemon_reload() -> Command {
    Command::new("systemctl").arg("daemon-reload")
}

/// Makes systemd start itself anew, keeping all units.
pub fn daemon_reexec() -> Command {
    Command::new("systemctl").arg("daemon-reexec")
}

/// A path as part of a unit's name, as `systemd-escape --path` makes it (systemd.unit(5), "String escaping").
pub fn escape_path(path: &str) -> String {
    let plain = path.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
    if plain.is_empty() {
        return "-".to_owned();
    }
    let escape = |(at, byte): (usize, u8)| match byte {
        b'/' => "-".to_owned(),
        b'.' if at == 0 => "\\x2e".to_owned(),
        byte if byte.is_ascii_alphanumeric() || b":_.".contains(&byte) => char::from(byte).to_string(),
        byte => format!("\\x{byte:02x}"),
    };
    plain.bytes().enumerate().map(escape).collect()
}

/// The blocks of [`show`].
pub fn parse_show(text: &str) -> Result<Vec<ServiceState>, String> {
    text.split("\n\n").filter(|block| !block.trim().is_empty()).map(parse_block).collect()
}

fn parse_block(block: &str) -> Result<ServiceState, String> {
    let get =
        |key: &str| block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::trim);
    let must = |key: &str| get(key).ok_or_else(|| format!("systemctl show: no {key} in `{}`", block.trim()));
    let load = must("LoadState")?;
    let file = get("UnitFileState").unwrap_or("");
    Ok(ServiceState {
        exists: load != "not-found",
        active: matches!(must("ActiveState")?, "active" | "activating" | "reloading" | "refreshing"),
        enabled: matches!(file, "enabled" | "enabled-runtime"),
        masked: load == "masked" || file.starts_with("masked"),
        fixed: matches!(file, "static" | "indirect" | "alias" | "generated" | "transient"),
        passing: get("Type") == Some("oneshot") && get("RemainAfterExit") != Some("yes"),
        stale: get("NeedDaemonReload") == Some("yes"),
        sub: get("SubState").unwrap_or("").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Said by `systemd-escape --path`.
    #[test]
    fn paths_become_names() {
        for (path, name) in [
            ("/dev/md/kvm", "dev-md-kvm"),
            ("/srv/a-b c/", "srv-a\\x2db\\x20c"),
            ("/", "-"),
            ("//.hidden/ü", "\\x2ehidden-\\xc3\\xbc"),
        ] {
            assert_eq!(escape_path(path), name);
        }
    }

    #[test]
    fn reads_blocks_in_order() {
        let text = "Type=notify\nRemainAfterExit=no\nLoadState=loaded\nActiveState=active\nSubState=running\n\
                    UnitFileState=enabled\nNeedDaemonReload=no\n\nLoadState=not-found\nActiveState=inactive\n\
                    SubState=dead\nUnitFileState=\nNeedDaemonReload=no\n\nType=oneshot\nRemainAfterExit=no\n\
                    LoadState=loaded\nActiveState=inactive\nSubState=dead\nUnitFileState=static\n\
                    NeedDaemonReload=yes\n";
        let units = parse_show(text).unwrap();
        assert!(units[0].exists && units[0].active && units[0].enabled && !units[0].passing);
        assert!(!units[1].exists && !units[1].active);
        assert!(units[2].passing && units[2].fixed && units[2].stale && !units[2].enabled);
        assert!(parse_show("ActiveState=active\n").unwrap_err().contains("no LoadState"));
    }
}
