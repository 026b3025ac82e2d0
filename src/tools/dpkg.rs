//! `dpkg-query`: which packages are installed.

use crate::exec::Command;

/// One package as dpkg knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    pub name: String,
    pub version: String,
    pub installed: bool,
    /// Names it stands in for.
    pub provides: Vec<String>,
}

const FORMAT: &str = "${db:Status-Status}\\t${Package}\\t${Version}\\t${Provides}\\n";

/// The packages of these names; ends with status 1 when one of them is unknown, and speaks of the others all the same.
pub fn query<S: AsRef<str>>(names: &[S]) -> Command {
    Command::probe("dpkg-query").args(["-W", "-f", FORMAT]).args(names.iter().map(AsRef::as_ref))
}

/// All packages.
pub fn query_all() -> Command {
    query::<&str>(&[])
}

pub fn parse(text: &str) -> Result<Vec<Package>, String> {
    text.lines()
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [status, name, version, provides] = fields.as_slice() else {
                return Err(format!("dpkg-query: not four fields in `{line}`"));
            };
            let names = provides.split(',').filter_map(|one| one.split_whitespace().next());
            Ok(Package {
                name: (*name).to_owned(),
                version: (*version).to_owned(),
                installed: *status == "installed",
                provides: names.map(str::to_owned).collect(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_installed_removed_and_virtual_packages() {
        let text = "installed\tmdadm\t4.2-5\t\nconfig-files\tnfs-common\t1:2.6.2-4\t\n\
                    installed\tpostfix\t3.7.11-0+deb12u1\tdefault-mta, mail-transport-agent (= 3)\n";
        let packages = parse(text).unwrap();
        assert!(packages[0].installed && !packages[1].installed);
        assert_eq!(packages[2].provides, ["default-mta", "mail-transport-agent"]);
        assert!(parse("installed mdadm").unwrap_err().contains("not four fields"));
    }
}
