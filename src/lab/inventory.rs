//! The inventory of a lab, as YAML for `-i`. Host keys stay checked: they come from the image, not from the first
//! connection.

use std::fs;

use anyhow::Context;
use serde_json::{Map, Value, json};

use super::{Lab, LabFile};

/// Writes `inventory.yaml` into the lab's folder.
pub fn write(lab: &Lab, file: &LabFile) -> anyhow::Result<()> {
    let mut hosts = Map::new();
    let mut groups = Map::new();
    let known_hosts = lab.known_hosts().display().to_string();
    let known_hosts = shlex::try_quote(&known_hosts).context("the lab's path cannot be quoted")?;
    for (name, spec) in &file.hosts {
        let vm = lab.host(name)?;
        let mut vars = Map::new();
        vars.insert("ansible_host".into(), "127.0.0.1".into());
        vars.insert("ansible_port".into(), vm.port().into());
        vars.insert("ansible_user".into(), "root".into());
        vars.insert("ansible_ssh_private_key_file".into(), lab.key().display().to_string().into());
        let common = format!("-o UserKnownHostsFile={known_hosts} -o IdentitiesOnly=yes");
        vars.insert("ansible_ssh_common_args".into(), common.into());
        if let Some(address) = vm.lan_address() {
            vars.insert("lab_address".into(), address.into());
        }
        vars.extend(spec.vars.iter().map(|(key, value)| (key.clone(), value.clone())));
        hosts.insert(name.clone(), Value::Object(vars));
        for group in &spec.groups {
            groups.entry(group.clone()).or_insert_with(|| json!({ "hosts": {} }))["hosts"][name] = json!({});
        }
    }
    let mut all = json!({ "all": { "hosts": hosts } });
    if !groups.is_empty() {
        all["all"]["children"] = Value::Object(groups);
    }
    let text = serde_yaml::to_string(&all).context("cannot write the inventory as YAML")?;
    fs::write(lab.inventory(), text).with_context(|| format!("cannot write {}", lab.inventory().display()))
}
