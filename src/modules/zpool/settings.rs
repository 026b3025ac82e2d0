//! Properties that somebody wishes, against those that there are.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::make::mounted_at;
use crate::machine::mounts::MountsEffect;
use crate::machine::zfs::{Dataset, DatasetKind, Pool, Source, Zfs, ZfsEffect, same};
use crate::machine::{Domain, Prediction};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::zfs as tool;
use crate::value::{Value, closest};

/// The value of a property, as YAML writes it: `on`, `true`, `1M`, 4096.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub(in crate::modules) struct Scalar(String);

impl Scalar {
    /// As ZFS writes it.
    pub(in crate::modules) fn text(&self) -> String {
        self.0.clone()
    }
}

impl TryFrom<Value> for Scalar {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::Bool(on) => Ok(Self(if on { "on" } else { "off" }.to_owned())),
            Value::Number(number) => Ok(Self(number.to_string())),
            // Ansible's true and false, where a template made text of them.
            Value::String(text) => Ok(Self(match text.as_str() {
                "True" | "true" | "yes" => "on".to_owned(),
                "False" | "false" | "no" => "off".to_owned(),
                _ => text,
            })),
            other => Err(format!("`{other}` is no value of a property: text, a number, true or false are")),
        }
    }
}

impl From<Scalar> for Value {
    fn from(scalar: Scalar) -> Self {
        Self::String(scalar.0)
    }
}

impl JsonSchema for Scalar {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PropertyValue".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": ["string", "integer", "boolean"]})
    }
}

/// Properties of pools that can be set. Source: zpoolprops(7) of 2.1; `altroot` lasts until the pool is exported.
const POOL: [&str; 13] = [
    "ashift",
    "autoexpand",
    "autoreplace",
    "autotrim",
    "bootfs",
    "cachefile",
    "comment",
    "compatibility",
    "delegation",
    "failmode",
    "listsnapshots",
    "multihost",
    "version",
];

/// Properties of datasets that can be set. Source: zfsprops(7) of 2.1, and what 2.2 and 2.3 added.
const DATASET: [&str; 56] = [
    "aclinherit",
    "aclmode",
    "acltype",
    "atime",
    "canmount",
    "casesensitivity",
    "checksum",
    "compression",
    "context",
    "copies",
    "dedup",
    "defcontext",
    "devices",
    "direct",
    "dnodesize",
    "encryption",
    "exec",
    "filesystem_limit",
    "fscontext",
    "keyformat",
    "keylocation",
    "logbias",
    "longname",
    "mlslabel",
    "mountpoint",
    "nbmand",
    "normalization",
    "overlay",
    "pbkdf2iters",
    "prefetch",
    "primarycache",
    "quota",
    "readonly",
    "recordsize",
    "redundant_metadata",
    "refquota",
    "refreservation",
    "relatime",
    "reservation",
    "rootcontext",
    "secondarycache",
    "setuid",
    "sharenfs",
    "sharesmb",
    "snapdev",
    "snapdir",
    "snapshot_limit",
    "special_small_blocks",
    "sync",
    "utf8only",
    "version",
    "volblocksize",
    "volmode",
    "volsize",
    "vscan",
    "xattr",
];

/// What is decided when a dataset is made. Source: zfsprops(7).
const FIXED: [&str; 6] =
    ["casesensitivity", "encryption", "normalization", "utf8only", "volblocksize", "pbkdf2iters"];

fn unknown(name: &str, of: &str, known: &[&str]) -> Refusal {
    let refusal = Refusal::new(format!("`{name}` is no property of a {of} that can be set"));
    match closest(name, known.iter().copied()) {
        Some(meant) => refusal.help(format!("did you mean `{meant}`?")),
        None => refusal,
    }
}

pub(super) fn check_pool(properties: &BTreeMap<String, Scalar>) -> Result<(), Refusal> {
    let bad = |name: &&String| !POOL.contains(&name.as_str()) && !name.starts_with("feature@");
    match properties.keys().find(bad) {
        Some(name) if DATASET.contains(&name.as_str()) => {
            Err(Refusal::new(format!("`{name}` is a property of file systems and not of pools"))
                .help("write it into `filesystem_properties`"))
        }
        Some(name) => Err(unknown(name, "pool", &POOL)),
        None => Ok(()),
    }
}

/// Users' own properties have a colon in their names.
pub(in crate::modules) fn check_dataset(properties: &BTreeMap<String, Scalar>) -> Result<(), Refusal> {
    for (name, value) in properties {
        let quota = name.contains("quota@") || name.contains("objquota@");
        if !DATASET.contains(&name.as_str()) && !name.contains(':') && !quota {
            return Err(unknown(name, "dataset", &DATASET));
        }
        if name == "keylocation" && value.text() == "prompt" {
            return Err(Refusal::new("`keylocation: prompt` waits for somebody who types a key")
                .help("give the key in a file: `keylocation: file:///etc/zfs/keys/tank`"));
        }
    }
    Ok(())
}

/// The pool's own properties.
pub(super) fn pool(pool: &Pool, wishes: &BTreeMap<String, Scalar>) -> Result<Plan, Refusal> {
    let mut plan = Plan::empty();
    for (name, wish) in wishes {
        let wish = wish.text();
        let found = pool.properties.get(name);
        // Of virtual devices, and checked with them.
        if name == "ashift" || found.is_some_and(|found| same(name, &wish, &found.value)) {
            continue;
        }
        if let Some(found) = found.filter(|_| name.starts_with("feature@")) {
            // One that is enabled becomes active by itself.
            if found.value == "active" && wish == "enabled" {
                continue;
            }
            if wish != "enabled" {
                return Err(Refusal::new(format!("{name} of the pool {} cannot be taken back", pool.name))
                    .fact(format!("it is {}", found.value)));
            }
        }
        let change = Change::modify("pool", &pool.name, "").attribute(
            name,
            found.map(|found| found.value.clone()),
            Some(wish.clone()),
        );
        let step = Step::run(tool::set_pool(&pool.name, name, &wish));
        plan.push(change, [step], [pool_property(&pool.name, name, &wish)]);
    }
    Ok(plan)
}

pub(super) fn pool_property(pool: &str, name: &str, value: &str) -> Prediction {
    Prediction::Zfs(ZfsEffect::PoolProperty {
        pool: pool.to_owned(),
        name: name.to_owned(),
        value: value.to_owned(),
    })
}

/// The properties of a dataset that is there. `inherit` is a wish too: that it has no value of its own.
pub(in crate::modules) fn dataset(
    zfs: &Zfs,
    name: &str,
    wishes: &BTreeMap<String, String>,
) -> Result<Plan, Refusal> {
    let mut plan = Plan::empty();
    let Some(dataset) = zfs.datasets.get(name) else {
        return Err(Refusal::new(format!("there is no dataset {name}")));
    };
    let known = dataset.properties.as_ref();
    let known = known.ok_or_else(|| Refusal::new(format!("the properties of {name} are not known")))?;
    for (property, wish) in wishes {
        let found = known.get(property);
        let own = found.is_some_and(|found| matches!(found.source, Source::Local | Source::Received));
        let met = match wish.as_str() {
            "inherit" => !own,
            // The size of a reservation is ZFS's own reckoning.
            "auto" if property == "refreservation" => own,
            wish => found.is_some_and(|found| found.is(property, wish)),
        };
        if met {
            continue;
        }
        if FIXED.contains(&property.as_str()) {
            // One inherits what was decided further up, for good.
            if found.is_some_and(|found| same(property, wish, &found.value)) {
                continue;
            }
            let now = found.map_or("nothing", |found| found.value.as_str());
            return Err(Refusal::new(format!("{property} of {name} is {now} and cannot become {wish}"))
                .fact("ZFS decides it when a dataset is made, and never changes it")
                .help("make another dataset, and move what is in this one there with `zfs send` and `zfs receive`"));
        }
        let value = Some(wish.clone()).filter(|wish| wish != "inherit");
        let before = found.map(crate::machine::zfs::Property::describe);
        let change = Change::modify("dataset", name, "").attribute(property, before, Some(wish.clone()));
        let step = Step::run(match &value {
            Some(value) => tool::set(name, property, value),
            None => tool::inherit(name, property),
        });
        let mut predicts = moved(dataset, property, wish);
        let effect = ZfsEffect::Property { dataset: name.to_owned(), name: property.clone(), value };
        predicts.push(Prediction::Zfs(effect));
        plan.push(change, [step], predicts);
    }
    Ok(plan)
}

/// What follows for mounts. ZFS mounts a file system elsewhere as soon as it is told to, and with it what is in it.
fn moved(dataset: &Dataset, property: &str, wish: &str) -> Vec<Prediction> {
    if dataset.kind != DatasetKind::FileSystem || !matches!(property, "mountpoint" | "canmount") {
        return Vec::new();
    }
    let mut predicts = vec![Prediction::Touches(Domain::Mounts)];
    if property == "canmount" || !dataset.mounted {
        return predicts;
    }
    let old = dataset.mountpoint.clone().filter(|old| old != wish);
    predicts.extend(old.map(|target| Prediction::Mounts(MountsEffect::Live { target, mount: None })));
    if wish.starts_with('/') {
        predicts.push(mounted_at(&dataset.name, wish));
    }
    predicts
}
