//! What `lvm fullreport` says of groups, devices, volumes, and what lies where.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::exec::Command;
use crate::machine::block::Uuid;
use crate::machine::lvm::{Cache, CacheKind, CacheMode, Group, Kind, Logical, Lvm, Physical};

/// Everything LVM knows, in one call and only the columns that are read.
pub fn report() -> Command {
    let columns = [
        ("vg", "vg_name,vg_uuid,vg_extent_size,vg_missing_pv_count,vg_tags"),
        ("pv", "pv_name,pv_uuid,pe_start,pv_pe_count,dev_size"),
        (
            "lv",
            "lv_name,lv_uuid,lv_size,lv_layout,lv_role,lv_active,lv_tags,origin,pool_lv,data_lv,metadata_lv,lv_parent,\
             data_percent,lv_profile,move_pv,lv_merging",
        ),
        ("pvseg", "pv_name,pvseg_size,lv_name"),
        ("seg", "lv_name,stripes,stripe_size,chunk_size,cache_mode"),
    ];
    let command = Command::probe("lvm").args([
        "fullreport",
        "--all",
        "--reportformat",
        "json",
        "--units",
        "b",
        "--nosuffix",
    ]);
    columns.into_iter().fold(command, |command, (report, names)| {
        command.args(["--configreport", report, "--options", names])
    })
}

type Row = BTreeMap<String, String>;

#[derive(Deserialize)]
struct Report {
    report: Vec<Part>,
}

/// One group, or the devices of none.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Part {
    vg: Vec<Row>,
    pv: Vec<Row>,
    lv: Vec<Row>,
    pvseg: Vec<Row>,
    seg: Vec<Row>,
}

/// Reads the report; devices have the names LVM gives them.
pub fn parse(text: &str) -> Result<Lvm, String> {
    // LVM may put remarks before its JSON.
    let from = text.find('{').ok_or("lvm: the report is no JSON")?;
    let report: Report =
        serde_json::from_str(&text[from..]).map_err(|error| format!("lvm: no report: {error}"))?;
    let mut lvm = Lvm::default();
    let mut uuids: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for part in &report.report {
        let Some(vg) = part.vg.first().filter(|vg| vg.get("vg_name").is_some_and(|name| !name.is_empty()))
        else {
            // All block devices are listed there, those that are nothing to LVM without a UUID.
            let orphans = part.pv.iter().filter(|pv| pv.get("pv_uuid").is_some_and(|uuid| !uuid.is_empty()));
            lvm.orphans.extend(orphans.filter_map(|pv| pv.get("pv_name").cloned()));
            continue;
        };
        let group = group(vg, part)?;
        let uuid = field(vg, "vg_uuid")?.to_owned();
        let same_name = uuids.entry(group.name.clone()).or_default();
        same_name.push(uuid.clone());
        // Their devices are known to be in use, whatever they are called.
        lvm.groups.insert(if same_name.len() > 1 { uuid } else { group.name.clone() }, group);
    }
    lvm.ambiguous = uuids.into_iter().filter(|(_, uuids)| uuids.len() > 1).collect();
    Ok(lvm)
}

fn group(vg: &Row, part: &Part) -> Result<Group, String> {
    let name = field(vg, "vg_name")?;
    let extent = number(vg, "vg_extent_size")?;
    if extent == 0 {
        return Err(format!("lvm: vg_extent_size of {name} is 0"));
    }
    let mut group = Group {
        uuid: Uuid::Known(field(vg, "vg_uuid")?.to_owned()),
        missing: number(vg, "vg_missing_pv_count")?,
        tags: words(field(vg, "vg_tags")?),
        ..Group::new(name, extent)
    };
    for pv in &part.pv {
        let physical = Physical {
            start: number(pv, "pe_start")?,
            extents: number(pv, "pv_pe_count")?,
            size: Some(number(pv, "dev_size")?),
        };
        group.physical.insert(field(pv, "pv_name")?.to_owned(), physical);
    }
    let volumes = Volumes::of(part, extent)?;
    for row in volumes.rows.values().filter(|row| !hidden(row)) {
        let volume = volumes.logical(row)?;
        group.logical.insert(volume.name.clone(), volume);
    }
    for row in volumes.rows.values() {
        let role = field(row, "lv_role")?;
        if has(role, "spare") {
            group.spare = number(row, "lv_size")? / extent;
        }
        if has(role, "pvmove") {
            group.moving.insert(field(row, "move_pv")?.to_owned());
        }
    }
    for piece in &part.pvseg {
        let owner = plain(field(piece, "lv_name")?);
        if owner.is_empty() {
            continue;
        }
        let (device, count) = (field(piece, "pv_name")?.to_owned(), number(piece, "pvseg_size")?);
        let owner = volumes.owner(owner);
        let places = match group.logical.get_mut(owner) {
            Some(volume) => &mut volume.places,
            None => &mut group.other,
        };
        let here = places.entry(device).or_default();
        *here = u64::saturating_add(*here, count);
    }
    Ok(group)
}

/// All volumes of a group, the hidden ones too, by name.
struct Volumes<'a> {
    rows: BTreeMap<&'a str, &'a Row>,
    segments: BTreeMap<&'a str, Vec<&'a Row>>,
    /// What a hidden volume is a part of.
    parents: BTreeMap<&'a str, &'a str>,
    extent: u64,
}

impl<'a> Volumes<'a> {
    fn of(part: &'a Part, extent: u64) -> Result<Self, String> {
        let mut rows = BTreeMap::new();
        let mut parents = BTreeMap::new();
        for row in &part.lv {
            let name = plain(field(row, "lv_name")?);
            rows.insert(name, row);
            let parent = plain(field(row, "lv_parent")?);
            if !parent.is_empty() {
                parents.insert(name, parent);
            }
            let layout = field(row, "lv_layout")?;
            let cached = has(layout, "cache") || has(layout, "writecache");
            for column in ["data_lv", "metadata_lv", "origin", "pool_lv"] {
                // Of the others the origin and the pool are volumes in their own right.
                if cached || column.ends_with("data_lv") {
                    parents.insert(plain(field(row, column)?), name);
                }
            }
        }
        let mut segments: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in &part.seg {
            segments.entry(plain(field(row, "lv_name")?)).or_default().push(row);
        }
        Ok(Self { rows, segments, parents, extent })
    }

    /// The volume one can speak of that a part belongs to.
    fn owner(&self, name: &'a str) -> &'a str {
        let mut owner = name;
        // No chain is longer than there are volumes, unless it is a ring.
        for _ in 0..self.rows.len() {
            match self.parents.get(owner) {
                Some(parent) if self.rows.get(owner).is_none_or(|row| hidden(row)) => owner = parent,
                _ => break,
            }
        }
        owner
    }

    fn extents(&self, row: &Row) -> Result<u64, String> {
        Ok(number(row, "lv_size")? / self.extent)
    }

    fn logical(&self, row: &Row) -> Result<Logical, String> {
        let name = plain(field(row, "lv_name")?);
        let layout = field(row, "lv_layout")?;
        let cached = layout == "cache" || layout == "writecache";
        let (kind, cache) =
            if cached { self.cached(name, row, layout)? } else { (self.kind(name, row)?, None) };
        let profile = field(row, "lv_profile")?;
        Ok(Logical {
            uuid: Uuid::Known(field(row, "lv_uuid")?.to_owned()),
            cache,
            active: field(row, "lv_active")? == "active",
            tags: words(field(row, "lv_tags")?),
            full: percent(row, "data_percent")?,
            profile: (!profile.is_empty()).then(|| profile.to_owned()),
            merging: !field(row, "lv_merging")?.is_empty(),
            ..Logical::new(name, self.extents(row)?, kind)
        })
    }

    /// The kind of the volume below a cache, and the cache.
    fn cached(&self, name: &str, row: &Row, layout: &str) -> Result<(Kind, Option<Cache>), String> {
        let other = || Ok((Kind::Other(layout.to_owned()), None));
        let (below, volume) = (plain(field(row, "origin")?), plain(field(row, "pool_lv")?));
        let (Some(origin), Some(kept)) = (self.rows.get(below), self.rows.get(volume)) else {
            return other();
        };
        if !has(field(kept, "lv_layout")?, "cachevol") {
            return other();
        }
        let mode = match self.segments.get(name).and_then(|rows| rows.first()) {
            Some(segment) => field(segment, "cache_mode")?,
            None => "",
        };
        let (kind, mode) = match (layout, mode) {
            ("writecache", _) => (CacheKind::Writecache, CacheMode::Writeback),
            (_, "writethrough") => (CacheKind::Cache, CacheMode::Writethrough),
            (_, "writeback") => (CacheKind::Cache, CacheMode::Writeback),
            (_, "passthrough") => (CacheKind::Cache, CacheMode::Passthrough),
            (_, mode) => return Err(format!("lvm: `cache_mode` of {name} is `{mode}`, which is not known")),
        };
        // LVM calls it `fast_cvol` for as long as it is a cache.
        let volume = volume.strip_suffix("_cvol").unwrap_or(volume).to_owned();
        let cache = Cache { kind, volume, extents: self.extents(kept)?, mode };
        Ok((self.kind(below, origin)?, Some(cache)))
    }

    fn kind(&self, name: &str, row: &Row) -> Result<Kind, String> {
        let layout = field(row, "lv_layout")?;
        let role = field(row, "lv_role")?;
        let other = || Ok(Kind::Other(layout.to_owned()));
        if has(role, "thicksnapshot") {
            return Ok(Kind::Snapshot { origin: plain(field(row, "origin")?).to_owned() });
        }
        let segments = self.segments.get(name).map_or(&[][..], Vec::as_slice);
        let Some(first) = segments.first() else { return other() };
        let same = |column: &str| segments.iter().all(|one| one.get(column) == first.get(column));
        if !(same("stripes") && same("stripe_size")) {
            return other();
        }
        let (stripes, unit) = (number(first, "stripes")?, number(first, "stripe_size")?);
        Ok(match layout {
            "linear" => Kind::Linear,
            "striped" => Kind::Striped { stripes, unit },
            "raid,raid1" | "raid,raid5,raid5_ls" | "raid,raid6,raid6_zr" | "raid,raid10" => {
                let level = layout.split(',').nth(1).unwrap_or_default().parse()?;
                Kind::Raid { level, images: stripes, unit }
            }
            "thin,pool" => {
                let metadata = self.rows.get(plain(field(row, "metadata_lv")?));
                let metadata =
                    metadata.ok_or_else(|| format!("lvm: the metadata of {name} is not in the report"))?;
                Kind::ThinPool { chunk: number(first, "chunk_size")?, metadata: self.extents(metadata)? }
            }
            "thin,sparse" | "thin" => {
                let origin = plain(field(row, "origin")?);
                Kind::Thin {
                    pool: plain(field(row, "pool_lv")?).to_owned(),
                    origin: (!origin.is_empty()).then(|| origin.to_owned()),
                }
            }
            _ => return other(),
        })
    }
}

/// Whether a volume is a part of another one. Pools are called private too, and have names of their own.
fn hidden(row: &Row) -> bool {
    let is = |column: &str, word: &str| row.get(column).is_some_and(|words| has(words, word));
    is("lv_role", "private")
        && !(is("lv_layout", "pool") && !is("lv_role", "data") && !is("lv_role", "metadata"))
}

/// A name without the brackets that hidden volumes have.
fn plain(name: &str) -> &str {
    name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name)
}

fn has(words: &str, word: &str) -> bool {
    words.split(',').any(|one| one == word)
}

fn words(text: &str) -> std::collections::BTreeSet<String> {
    text.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn field<'a>(row: &'a Row, name: &str) -> Result<&'a str, String> {
    row.get(name).map(String::as_str).ok_or_else(|| format!("lvm: the report has no field `{name}`"))
}

fn number(row: &Row, name: &str) -> Result<u64, String> {
    let text = field(row, name)?;
    text.trim().parse().map_err(|_| format!("lvm: `{name}` is `{text}`, no number"))
}

/// `10.94` is 1094.
fn percent(row: &Row, name: &str) -> Result<Option<u64>, String> {
    let text = field(row, name)?.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (whole, part) = text.split_once('.').unwrap_or((text, "00"));
    let digits = part.get(..2).unwrap_or("00");
    match (whole.parse::<u64>(), digits.parse::<u64>()) {
        (Ok(whole), Ok(part)) => Ok(whole.checked_mul(100).and_then(|whole| whole.checked_add(part))),
        _ => Err(format!("lvm: `{name}` is `{text}`, no percentage")),
    }
}
