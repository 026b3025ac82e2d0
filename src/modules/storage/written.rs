//! From what is written to pools and volumes: defaults filled in, and every word known.

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Storage;
use super::words::{Pool, Volume, VolumeKind};
use crate::modules::arguments::fit;
use crate::value::{Map, Value, closest};

/// The arguments as they are written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// The pools (`storage_pools`).
    #[serde(default)]
    #[schemars(with = "Vec<Pool>")]
    pools: Option<Vec<Map<String, Value>>>,
    /// Volumes that are in no pool (`storage_volumes`).
    #[serde(default)]
    #[schemars(with = "Vec<Volume>")]
    volumes: Option<Vec<Map<String, Value>>>,
    /// What a new pool is like where it does not say.
    #[serde(default)]
    #[schemars(with = "Pool")]
    pool_defaults: Option<Map<String, Value>>,
    /// What a new volume is like where it does not say.
    #[serde(default)]
    #[schemars(with = "Volume")]
    volume_defaults: Option<Map<String, Value>>,
    /// Whether nothing that holds something is written over.
    #[serde(default = "yes")]
    safe_mode: bool,
    /// Whether disks get one partition that takes all of them.
    #[serde(default)]
    use_partitions: Option<bool>,
    /// The table of such disks: `gpt` or `msdos`.
    #[serde(default)]
    disklabel_type: Option<String>,
    /// Only `blivet`, the only one the role knows; here it means Holdfast.
    #[serde(default)]
    provider: Option<String>,
}

fn yes() -> bool {
    true
}

/// What is said of a thing, alone and with the defaults: those are for a new one, what is there keeps what it has.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Item<T> {
    pub(super) given: T,
    pub(super) whole: T,
}

impl<T> Item<T> {
    pub(super) fn of(&self, exists: bool) -> &T {
        if exists { &self.given } else { &self.whole }
    }
}

impl TryFrom<Asked> for Storage {
    type Error = String;

    fn try_from(asked: Asked) -> Result<Self, String> {
        if let Some(provider) = asked.provider.as_deref().filter(|one| !matches!(*one, "" | "blivet")) {
            return Err(format!("`storage_provider: {provider}` is not supported: leave it out"));
        }
        let label = asked.disklabel_type.filter(|label| !label.is_empty());
        if let Some(label) = label.as_deref().filter(|label| !matches!(*label, "gpt" | "msdos")) {
            return Err(format!("`storage_disklabel_type: {label}` is not supported: gpt or msdos"));
        }
        let mut pool_defaults =
            known("storage_pool_defaults", &POOL, asked.pool_defaults.unwrap_or_default())?;
        let volume_defaults =
            known("storage_volume_defaults", &VOLUME, asked.volume_defaults.unwrap_or_default())?;
        pool_defaults.remove("volumes");
        let mut pools: Vec<Item<Pool>> = Vec::new();
        for written in asked.pools.unwrap_or_default() {
            let what = titled("the pool", &written);
            let mut given = known(&what, &POOL, written)?;
            let volumes = match given.remove("volumes") {
                Some(Value::Array(volumes)) => volumes,
                None => Vec::new(),
                Some(_) => return Err(format!("`volumes` of {what} is no list")),
            };
            let (mut own, mut filled) = (Vec::new(), Vec::new());
            for volume in volumes {
                let Value::Object(volume) = volume else {
                    return Err(format!("a volume of {what} is no mapping"));
                };
                let volume = known(&titled("the volume", &volume), &VOLUME, volume)?;
                // Its kind follows from the pool's.
                let mut defaults = volume_defaults.clone();
                defaults.remove("type");
                filled.push(Value::Object(with(&defaults, &volume)));
                own.push(Value::Object(volume));
            }
            let mut whole = with(&pool_defaults, &given);
            given.insert("volumes".to_owned(), own.into());
            whole.insert("volumes".to_owned(), filled.into());
            let item = Item { given: decoded::<Pool>(&what, given)?, whole: decoded::<Pool>(&what, whole)? };
            item.whole.check()?;
            pools.push(item);
        }
        let mut volumes: Vec<Item<Volume>> = Vec::new();
        for written in asked.volumes.unwrap_or_default() {
            let what = titled("the volume", &written);
            let given = known(&what, &VOLUME, written)?;
            let whole = with(&volume_defaults, &given);
            let item =
                Item { given: decoded::<Volume>(&what, given)?, whole: decoded::<Volume>(&what, whole)? };
            match item.whole.kind()? {
                Some(kind @ (VolumeKind::Disk | VolumeKind::Raid)) => item.whole.check(kind)?,
                _ => {
                    return Err(format!(
                        "`type` of {what}: a volume that is in no pool is a `disk` or a `raid`; logical volumes and \
                         partitions are `volumes` of a pool"
                    ));
                }
            }
            volumes.push(item);
        }
        let names: Vec<&str> = pools.iter().map(|pool| pool.whole.name.as_str()).collect();
        if let Some(twice) = twice(&names) {
            return Err(format!("two pools are called `{twice}`"));
        }
        let names: Vec<&str> = volumes.iter().map(|volume| volume.whole.name.as_str()).collect();
        if let Some(twice) = twice(&names) {
            return Err(format!("two volumes are called `{twice}`"));
        }
        let use_partitions = asked.use_partitions.unwrap_or(false);
        Ok(Self { pools, volumes, safe_mode: asked.safe_mode, use_partitions, label })
    }
}

fn twice<'a>(names: &[&'a str]) -> Option<&'a str> {
    let mut at = names.iter().enumerate();
    at.find(|(at, name)| names[..*at].contains(name)).map(|(_, name)| *name)
}

fn titled(kind: &str, written: &Map<String, Value>) -> String {
    format!("{kind} {}", written.get("name").and_then(Value::as_str).unwrap_or("without a name"))
}

fn with(defaults: &Map<String, Value>, given: &Map<String, Value>) -> Map<String, Value> {
    let mut all = defaults.clone();
    all.extend(given.clone());
    all
}

static POOL: LazyLock<Map<String, Value>> = LazyLock::new(properties::<Pool>);
static VOLUME: LazyLock<Map<String, Value>> = LazyLock::new(properties::<Volume>);

fn properties<T: JsonSchema>() -> Map<String, Value> {
    let settings =
        schemars::generate::SchemaSettings::draft2020_12().with(|with| with.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// The words of a thing, as their schema wants them. What has no value, or an empty one, is not given: that is how the
/// role's own defaults are written.
fn known(
    what: &str,
    words: &Map<String, Value>,
    written: Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    let mut known = Map::new();
    for (word, value) in written {
        let Some(schema) = words.get(&word) else {
            let meant = closest(&word, words.keys().map(String::as_str));
            let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            return Err(format!("{what} has no key `{word}`{meant}"));
        };
        if value.is_null() || value.as_str() == Some("") {
            continue;
        }
        known.insert(word, fit(&value, schema));
    }
    Ok(known)
}

/// What is wrong with a value is said without the value: it may be a passphrase.
fn decoded<T: DeserializeOwned>(what: &str, words: Map<String, Value>) -> Result<T, String> {
    for (word, value) in &words {
        let mut one = Map::new();
        one.insert(word.clone(), value.clone());
        if serde_json::from_value::<T>(one.into()).is_err() {
            let kind = crate::value::kind(value);
            return Err(format!(
                "`{word}` of {what} cannot be {kind} like that; `holdfast doc storage` says what it takes"
            ));
        }
    }
    serde_json::from_value(words.into()).map_err(|_| format!("{what} cannot be read"))
}
