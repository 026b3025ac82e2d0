//! What actions do to pools and datasets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Class, Dataset, DatasetKind, Layout, Other, Pool, Property, Source, Zfs, inside};

/// What an action does to a pool or a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ZfsEffect {
    /// The pool consists of these virtual devices from now on. Its properties stay, and are said separately.
    Pool(Box<Pool>),
    PoolGone {
        name: String,
    },
    /// It is exported in order.
    Exported(Other),
    /// It is imported; what is in it only a look says.
    Imported {
        name: String,
        guid: String,
    },
    PoolProperty {
        pool: String,
        name: String,
        value: String,
    },
    Checkpoint {
        pool: String,
        there: bool,
    },
    /// There is such a dataset. What `properties` says is held to.
    Dataset(Box<Dataset>),
    /// It is gone, with all that is in it.
    DatasetGone {
        name: String,
    },
    /// `None`: it has no value of its own.
    Property {
        dataset: String,
        name: String,
        value: Option<String>,
    },
    Holds {
        snapshot: String,
        tags: Vec<String>,
    },
}

impl ZfsEffect {
    pub fn apply(&self, zfs: &mut Zfs) {
        match self {
            Self::Pool(pool) => {
                let mut new = (**pool).clone();
                if let Some(old) = zfs.pools.get(&pool.name) {
                    new.properties = old.properties.clone();
                    new.checkpoint = old.checkpoint;
                }
                let guid = pool.guid.known();
                zfs.others.retain(|other| guid != Some(other.guid.as_str()));
                zfs.pools.insert(pool.name.clone(), new);
            }
            Self::PoolGone { name } => {
                zfs.pools.remove(name);
                zfs.datasets.retain(|other, _| other != name && !inside(other, name));
            }
            Self::Exported(other) => {
                Self::PoolGone { name: other.name.clone() }.apply(zfs);
                zfs.others.retain(|old| old.guid != other.guid);
                zfs.others.push(other.clone());
            }
            Self::Imported { guid, .. } => zfs.others.retain(|other| other.guid != *guid),
            Self::PoolProperty { pool, name, value } => {
                if let Some(pool) = zfs.pools.get_mut(pool) {
                    pool.properties.insert(name.clone(), Property::local(value));
                }
            }
            Self::Checkpoint { pool, there } => {
                zfs.pools.get_mut(pool).into_iter().for_each(|pool| pool.checkpoint = *there);
            }
            Self::Dataset(dataset) => {
                let mut new = (**dataset).clone();
                if let Some(old) = zfs.datasets.get(&dataset.name) {
                    let mut properties = old.properties.clone().unwrap_or_default();
                    properties.extend(new.properties.unwrap_or_default());
                    new.properties = Some(properties);
                }
                if let Some(origin) = new.origin.as_ref().and_then(|origin| zfs.datasets.get_mut(origin))
                    && !origin.clones.contains(&new.name)
                {
                    origin.clones.push(new.name.clone());
                }
                zfs.datasets.insert(dataset.name.clone(), new);
            }
            Self::DatasetGone { name } => {
                zfs.datasets.retain(|other, _| other != name && !inside(other, name));
                let gone = |clone: &String| clone != name && !inside(clone, name);
                zfs.datasets.values_mut().for_each(|one| one.clones.retain(gone));
            }
            Self::Property { dataset, name, value } => {
                let Some(dataset) = zfs.datasets.get_mut(dataset) else { return };
                if let (Some(size), "volsize") = (value, name.as_str()) {
                    dataset.volsize = size.parse().ok();
                }
                if let (Some(value), "mountpoint") = (value, name.as_str()) {
                    dataset.mountpoint = Some(value.clone());
                }
                let properties = dataset.properties.get_or_insert_with(BTreeMap::new);
                match value {
                    Some(value) => drop(properties.insert(name.clone(), Property::local(value))),
                    // What it inherits nobody knows before it is asked again.
                    None => {
                        let old = properties.get(name).map_or_else(String::new, |old| old.value.clone());
                        let new = Property { value: old, source: Source::Default, received: None };
                        properties.insert(name.clone(), new);
                    }
                }
            }
            Self::Holds { snapshot, tags } => {
                if let Some(found) = zfs.datasets.get_mut(snapshot) {
                    found.userrefs = tags.len() as u64;
                    found.holds = Some(tags.clone());
                }
            }
        }
    }

    pub fn holds(&self, zfs: &Zfs) -> Result<(), String> {
        let pool_of = |name: &str| zfs.pools.get(name).ok_or_else(|| format!("the pool {name} is not there"));
        let dataset_of =
            |name: &str| zfs.datasets.get(name).ok_or_else(|| format!("the dataset {name} is not there"));
        match self {
            Self::Pool(want) => holds_pool(want, pool_of(&want.name)?),
            Self::PoolGone { name } if zfs.pools.contains_key(name) => {
                Err(format!("the pool {name} is still there"))
            }
            Self::Exported(want) => match zfs.others.iter().find(|other| other.guid == want.guid) {
                Some(found) if found.exported => Ok(()),
                _ => Err(format!("the pool {} was not exported", want.name)),
            },
            Self::Imported { name, guid } if pool_of(name)?.guid.known() != Some(guid) => {
                Err(format!("another pool is called {name}"))
            }
            Self::PoolProperty { pool, name, value } => match pool_of(pool)?.properties.get(name) {
                Some(found) if super::same(name, value, &found.value) => Ok(()),
                found => Err(format!("the pool {pool} has {name}={}, not {value}", value_of(found))),
            },
            Self::Checkpoint { pool, there } if pool_of(pool)?.checkpoint != *there => {
                Err(format!("the pool {pool} has {} checkpoint", if *there { "no" } else { "still a" }))
            }
            Self::Dataset(want) => {
                let found = dataset_of(&want.name)?;
                if found.kind != want.kind {
                    return Err(format!("{} is a {}", want.name, found.kind.name()));
                }
                if found.origin != want.origin {
                    return Err(format!("{} has the origin {:?}", want.name, found.origin));
                }
                want.properties
                    .iter()
                    .flatten()
                    .try_for_each(|(name, wanted)| holds_property(found, name, Some(&wanted.value)))
            }
            Self::DatasetGone { name } if zfs.datasets.contains_key(name) => {
                Err(format!("the dataset {name} is still there"))
            }
            Self::Property { dataset, name, value } => {
                holds_property(dataset_of(dataset)?, name, value.as_deref())
            }
            Self::Holds { snapshot, tags } => {
                let found = dataset_of(snapshot)?;
                let mut want = tags.clone();
                want.sort();
                match &found.holds {
                    Some(held) if *held == want => Ok(()),
                    held => Err(format!("{snapshot} is held by {held:?}, not by {want:?}")),
                }
            }
            Self::PoolGone { .. }
            | Self::Imported { .. }
            | Self::Checkpoint { .. }
            | Self::DatasetGone { .. } => Ok(()),
        }
    }

    /// The dataset whose inside has to be known to hold it to this.
    pub fn dataset(&self) -> Option<&str> {
        match self {
            Self::Dataset(dataset) if dataset.properties.is_some() => Some(&dataset.name),
            Self::Property { dataset, .. } => Some(dataset),
            Self::Holds { snapshot, .. } => Some(snapshot),
            _ => None,
        }
    }

    /// Whether this makes an earlier effect moot: both are about the same thing.
    pub fn replaces(&self, earlier: &Self) -> bool {
        let pool_in = |name: &str, dataset: &str| name == dataset || inside(dataset, name);
        match (self, earlier) {
            (Self::Pool(later), Self::Pool(earlier)) => later.name == earlier.name,
            (Self::Pool(later), Self::PoolGone { name }) => later.name == *name,
            (Self::PoolGone { name }, Self::Pool(earlier)) => *name == earlier.name,
            (
                Self::PoolProperty { pool, name, .. },
                Self::PoolProperty { pool: other, name: earlier, .. },
            ) => pool == other && name == earlier,
            (Self::PoolGone { name }, Self::PoolProperty { pool, .. } | Self::Checkpoint { pool, .. })
            | (Self::Checkpoint { pool: name, .. }, Self::Checkpoint { pool, .. }) => name == pool,
            (Self::Dataset(later), Self::Dataset(earlier)) => later.name == earlier.name,
            (Self::Dataset(later), Self::DatasetGone { name }) => later.name == *name,
            (Self::DatasetGone { name } | Self::PoolGone { name }, Self::Dataset(earlier)) => {
                pool_in(name, &earlier.name)
            }
            (Self::DatasetGone { name } | Self::PoolGone { name }, Self::Property { dataset, .. }) => {
                pool_in(name, dataset)
            }
            (
                Self::DatasetGone { name } | Self::PoolGone { name } | Self::Holds { snapshot: name, .. },
                Self::Holds { snapshot, .. },
            ) => pool_in(name, snapshot),
            (Self::Property { dataset, name, .. }, Self::Property { dataset: other, name: earlier, .. }) => {
                dataset == other && name == earlier
            }
            _ => false,
        }
    }
}

fn value_of(property: Option<&Property>) -> String {
    property.map_or_else(|| "nothing".to_owned(), Property::describe)
}

fn holds_property(found: &Dataset, name: &str, value: Option<&str>) -> Result<(), String> {
    let property = found.properties.as_ref().and_then(|all| all.get(name));
    let own = property.is_some_and(|one| matches!(one.source, Source::Local | Source::Received));
    match value {
        None if own => Err(format!("{} still has a {name} of its own", found.name)),
        None => Ok(()),
        // The size of a reservation is ZFS's own reckoning.
        Some("auto") if property.is_some() => Ok(()),
        Some(value) if property.is_some_and(|one| one.is(name, value)) => Ok(()),
        Some(value) => Err(format!("{} has {name}={}, not {value}", found.name, value_of(property))),
    }
}

fn holds_pool(want: &Pool, found: &Pool) -> Result<(), String> {
    let tree = |pool: &Pool| {
        let mut tree: Vec<(Class, String, Vec<String>)> = pool
            .tops
            .iter()
            .map(|top| {
                let mut members: Vec<String> =
                    top.members.iter().map(|member| member.named().to_owned()).collect();
                members.sort();
                let layout = match top.layout {
                    Layout::Draid { parity, .. } => format!("draid{parity}"),
                    other => other.to_string(),
                };
                (top.class, layout, members)
            })
            .collect();
        tree.sort();
        tree
    };
    let (wanted, there) = (tree(want), tree(found));
    if wanted == there && want.guid.agrees(&found.guid) {
        return Ok(());
    }
    Err(format!("the pool {} consists of {there:?}, not of {wanted:?}", want.name))
}

impl Dataset {
    /// One that is about to be made.
    pub fn new(name: impl Into<String>, kind: DatasetKind) -> Self {
        Self {
            name: name.into(),
            kind,
            guid: super::Uuid::Late,
            used: 0,
            referenced: 0,
            origin: None,
            clones: Vec::new(),
            mounted: false,
            mountpoint: None,
            volsize: None,
            userrefs: 0,
            holds: None,
            properties: Some(BTreeMap::new()),
        }
    }
}
