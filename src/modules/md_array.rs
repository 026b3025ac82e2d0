//! `md_array`: software RAID.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::devices::{
    DeviceList, blank_now, block, checked_text, clear, confirm, device, empty_ends, holds_now, shown,
};
use super::{Describe, Module};
use crate::machine::array::{Array, Layout, Level, Member, Shape};
use crate::machine::block::{BlockEffect, Content, Device, DeviceKind, Registered, Uuid};
use crate::machine::claim::{BlankDevice, token};
use crate::machine::files::FilesEffect;
use crate::machine::{Domain, Machine, Needs, Prediction};
use crate::plan::{Change, LineEdit, Metadata, Plan, Refusal, Step};
use crate::tools::{initramfs, mdadm, udevadm, wipefs};
use crate::units::{KIB, Size};

checked_text!(
    /// The name of an array, without `/dev/md/`.
    ArrayName,
    |text| {
        let plain = text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_.-".contains(letter));
        // The superblock has 32 bytes for it, of which `any:` takes four.
        if text.is_empty() || text.len() > 28 || !plain || text.starts_with(['-', '.']) {
            return Err(format!("`{text}` is no name of an array: 1 to 28 letters, digits, `_`, `.` and `-`"));
        }
        if text.chars().all(|letter| letter.is_ascii_digit()) {
            return Err(format!("`{text}` is no name of an array: a number alone is a name the kernel gives out"));
        }
        Ok(())
    }
);
checked_text!(
    /// A RAID level.
    LevelName,
    |text| text.parse::<Level>().map(drop)
);
checked_text!(
    /// A raid10 layout.
    LayoutName,
    |text| text.parse::<Layout>().map(drop)
);
checked_text!(
    /// A chunk size.
    ChunkSize,
    |text| {
        let Size(chunk) = text.parse().map_err(|error: crate::units::BadSize| error.to_string())?;
        if chunk >= 4 * KIB && chunk.is_power_of_two() {
            return Ok(());
        }
        Err(format!("`{text}` is no chunk size: a power of two of at least 4 KiB"))
    }
);

/// Makes, extends or removes a software RAID array. The array gets the lasting name `/dev/md/NAME`, an entry in
/// mdadm.conf, and a place in the initramfs, so that it is there again after a reboot.
///
/// Only devices that are proven blank are used without asking; what another device holds is named, with the token that
/// would allow to destroy it. Level, layout and chunk size of an array that is there are never changed.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MdArray {
    /// The name of the array: `kvm` becomes `/dev/md/kvm`.
    name: ArrayName,
    /// `raid0`, `raid1`, `raid5`, `raid6` or `raid10`; the number alone will do. Needed while it is `present`.
    level: Option<LevelName>,
    /// The disks or partitions it is made of: paths, links below `/dev/disk`, serials, or mappings of what a disk has
    /// to be; or `unused: {count: 4, min_size: 1TiB}` for disks that nobody uses. Needed while it is `present`.
    #[serde(default)]
    members: DeviceList,
    /// How many members there have to be. Given, another number of `members` is refused.
    devices: Option<u64>,
    /// Devices that stand by, named like `members`.
    #[serde(default)]
    spares: DeviceList,
    /// Bytes on one disk before the next is used. Not for raid1.
    #[serde(default = "default_chunk")]
    chunk: ChunkSize,
    /// How raid10 spreads its copies: `n2`, `f2`, `o2`.
    #[serde(default = "default_layout")]
    layout: LayoutName,
    /// Whether a write-intent bitmap shortens the resync after a crash. Not for raid0.
    #[serde(default = "yes")]
    bitmap: bool,
    /// The version of the superblock.
    #[serde(default)]
    metadata: Metadata12,
    /// Whether there is such an array.
    #[serde(default)]
    state: State,
}

/// The one version that is written.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize, JsonSchema)]
enum Metadata12 {
    #[default]
    #[serde(rename = "1.2")]
    V12,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    #[default]
    Present,
    Absent,
}

fn default_chunk() -> ChunkSize {
    ChunkSize("512K".to_owned())
}

fn default_layout() -> LayoutName {
    LayoutName("n2".to_owned())
}

fn yes() -> bool {
    true
}

impl Describe for MdArray {
    const NAME: &'static str = "md_array";
    const ALIASES: &'static [&'static str] = &["mdadm"];
    const EXAMPLE: &'static str = "\
md_array:
  name: kvm
  level: raid10
  devices: 4
  members:
    - /dev/disk/by-id/virtio-HF-DISK-1
    - /dev/disk/by-id/virtio-HF-DISK-2
    - /dev/disk/by-id/virtio-HF-DISK-3
    - /dev/disk/by-id/virtio-HF-DISK-4
";
}

const DEBIAN: &str = "/etc/debian_version";

impl Module for MdArray {
    fn needs(&self) -> Needs {
        Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts])
            .path(DEBIAN)
            .path(initramfs::UPDATE_INITRAMFS)
            .path(initramfs::DRACUT)
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let found = block(machine)?.array(&self.name);
        match (self.state, found) {
            (State::Absent, found) => self.remove(machine, found),
            (State::Present, None) => self.create(machine),
            (State::Present, Some((device, array))) => self.keep(machine, device, array),
        }
    }
}

impl MdArray {
    fn path(&self) -> String {
        format!("/dev/md/{}", &*self.name)
    }

    fn shape(&self) -> Result<Shape, Refusal> {
        let title = format!("the array {} cannot be made", &*self.name);
        let level: Level = match &self.level {
            Some(level) => level.parse().map_err(Refusal::new)?,
            None => return Err(Refusal::new(title).fact("`level` is not given")),
        };
        let layout: Layout = self.layout.parse().map_err(Refusal::new)?;
        let chunk = self.chunk.parse::<Size>().map_or(0, Size::bytes);
        let slots = self.members.len();
        let wanted = self.devices.unwrap_or(slots);
        if wanted != slots {
            return Err(Refusal::new(format!(
                "the array {} needs {wanted} members, and {slots} are given",
                &*self.name
            ))
            .fact(format!("devices: {wanted}, members: {}", self.members))
            .help("name as many members as `devices` says, or change `devices`"));
        }
        if slots < level.least() {
            let least = level.least();
            return Err(Refusal::new(title)
                .fact(format!("{} needs at least {least} members, and {slots} are given", level.name())));
        }
        if level == Level::Raid10 && layout.copies > slots {
            return Err(Refusal::new(title).fact(format!("{layout} needs {} members", layout.copies)));
        }
        if level == Level::Raid0 && !self.spares.is_empty() {
            return Err(Refusal::new(title).fact("raid0 has no redundancy, so a spare can never step in"));
        }
        Ok(Shape { level, layout, chunk: if level.striped() { chunk } else { 0 }, slots })
    }

    /// Members and spares. Where they are not named, those that the array has count.
    fn devices<'a>(
        &self,
        machine: &'a Machine,
        array: Option<&Array>,
    ) -> Result<(Vec<&'a Device>, Vec<&'a Device>), Refusal> {
        let purpose = format!("the array {}", &*self.name);
        let has: Vec<&Member> = array.iter().flat_map(|array| &array.members).collect();
        // A replacement that is being filled counts as a spare until then.
        let (spare, full): (Vec<&Member>, Vec<&Member>) = has.iter().partition(|member| member.spare);
        let has: Vec<&Device> = [full, spare]
            .concat()
            .into_iter()
            .map(|member| device(machine, &member.device, &purpose))
            .collect::<Result<_, _>>()?;
        let slots = usize::try_from(self.members.len()).unwrap_or(has.len()).min(has.len());
        let members = self.members.find(machine, &purpose, &has[..slots], &[])?;
        let spares = self.spares.find(machine, &purpose, &has[slots..], &members)?;
        Ok((members, spares))
    }

    fn create(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let shape = self.shape()?;
        let (members, spares) = self.devices(machine, None)?;
        let all: Vec<&Device> = members.iter().chain(&spares).copied().collect();
        for (at, device) in all.iter().enumerate() {
            if all[..at].iter().any(|other| other.path == device.path) {
                return Err(Refusal::new(format!(
                    "{} is given twice for the array {}",
                    shown(device),
                    &*self.name
                )));
            }
            if matches!(&device.content, Content::Member { name, .. } if **name == *self.name) {
                return Err(Refusal::new(format!(
                    "the array {} is there already, but not assembled",
                    &*self.name
                ))
                .fact(format!("{} is a member of it", shown(device)))
                .help(format!("assemble it: `mdadm --assemble --scan`, then look at {}", self.path())));
            }
        }
        let mut plan = Plan::empty();
        let mut blanks: Vec<BlankDevice<'_>> = Vec::new();
        for device in &all {
            blanks.push(clear(&mut plan, machine.claim(device)?));
        }
        let smallest = members.iter().map(|device| device.size).min().unwrap_or(0);
        let data_offset = Shape::data_offset(smallest);
        let used = shape.member_size(smallest, data_offset);
        if used == 0 {
            return Err(Refusal::new(format!("{} is too small for an array", Size(smallest))));
        }
        if let Some(small) = spares.iter().find(|spare| spare.size < used + data_offset) {
            return Err(Refusal::new(format!(
                "{} is smaller than the members it stands by for",
                shown(small)
            ))
            .fact(format!("each member gives {}", Size(used + data_offset))));
        }
        let size = match shape.level {
            Level::Raid0 => members.iter().map(|device| shape.member_size(device.size, data_offset)).sum(),
            _ => shape.size(used),
        };
        let bitmap = self.bitmap && shape.level.redundant();
        let (first, rest) = blanks.split_at(members.len());
        let command = mdadm::create(&mdadm::Create {
            name: &self.name,
            shape,
            members: first,
            spares: rest,
            data_offset,
            used: shape.level.redundant().then_some(used),
            bitmap,
        });
        let path = self.path();
        let mut steps: Vec<Step> = all.iter().map(|device| confirm(device, true)).collect();
        steps.extend([Step::run(command), Step::run(udevadm::settle())]);
        steps.extend(empty_ends(&path, size));
        let array = Array {
            name: self.name.to_string(),
            level: shape.level.name().to_owned(),
            layout: (shape.level == Level::Raid10).then_some(shape.layout),
            chunk: shape.chunk,
            uuid: Uuid::Late,
            metadata: "1.2".to_owned(),
            slots: shape.slots,
            members: all
                .iter()
                .enumerate()
                .map(|(at, device)| Member { device: device.path.clone(), spare: at >= members.len() })
                .collect(),
            bitmap,
            degraded: 0,
            doing: String::new(),
        };
        let made = Device {
            sits_on: all.iter().map(|device| device.path.clone()).collect(),
            array: Some(array),
            ..Device::new(&path, DeviceKind::Array, size)
        };
        let mut predicts = vec![Prediction::Block(BlockEffect::Put(made.into())), blank_now(&path)];
        predicts.extend(all.iter().map(|device| {
            holds_now(&device.path, Content::Member { array: Uuid::Late, name: self.name.to_string() })
        }));
        let detail = format!("{}, {}", describe(&shape), Size(size));
        let list =
            |devices: &[&Device]| devices.iter().map(|device| shown(device)).collect::<Vec<_>>().join(", ");
        let mut change =
            Change::create("array", &path, detail).attribute("members", None, Some(list(&members)));
        if !spares.is_empty() {
            change = change.attribute("spares", None, Some(list(&spares)));
        }
        plan.push(change, steps, predicts);
        self.register(machine, None, &mut plan);
        Ok(plan)
    }

    /// The array is there: it has to be the one that is described, and may have to be completed.
    fn keep(&self, machine: &Machine, found: &Device, array: &Array) -> Result<Plan, Refusal> {
        let shape = self.shape()?;
        let same = array.level == shape.level.name()
            && array.slots == shape.slots
            && (!shape.level.striped() || array.chunk == shape.chunk)
            && (shape.level != Level::Raid10 || array.layout == Some(shape.layout));
        if !same {
            let layout = array.layout.map(|layout| format!(" {layout}")).unwrap_or_default();
            return Err(Refusal::new(format!(
                "the array {} is {}{layout} of {} with chunks of {}, not {}",
                &*self.name,
                array.level,
                array.slots,
                Size(array.chunk),
                describe(&shape)
            ))
            .help("changing an array's level, layout, chunk or number of members is not supported yet"));
        }
        let mut plan = Plan::empty();
        let mut missing = array.degraded_now();
        let (members, spares) = self.devices(machine, Some(array))?;
        let standing_by = members.len();
        for (at, device) in members.into_iter().chain(spares).enumerate() {
            if array.members.iter().any(|member| member.device == device.path) {
                continue;
            }
            let what = if at >= standing_by {
                "spare"
            } else if missing > 0 {
                missing -= 1;
                "replacement"
            } else {
                return Err(Refusal::new(format!(
                    "{} is no member of the array {}",
                    shown(device),
                    &*self.name
                ))
                .fact(format!(
                    "its members are {}",
                    array.members.iter().map(|member| member.device.as_str()).collect::<Vec<_>>().join(", ")
                ))
                .help("replacing a member that works is not supported yet; take it out first"));
            };
            let blank = clear(&mut plan, machine.claim(device)?);
            let steps = [
                confirm(device, true),
                Step::run(mdadm::add(&found.path, blank)),
                Step::run(udevadm::settle()),
            ];
            let mut after = found.clone();
            after.sits_on.push(device.path.clone());
            if let Some(array) = &mut after.array {
                array.members.push(Member { device: device.path.clone(), spare: true });
            }
            let content = Content::Member { array: array.uuid.clone(), name: self.name.to_string() };
            let predicts =
                [Prediction::Block(BlockEffect::Put(after.into())), holds_now(&device.path, content)];
            plan.push(
                Change::modify("array", &found.path, format!("{what} {}", shown(device))),
                steps,
                predicts,
            );
        }
        if shape.level.redundant() && array.bitmap != self.bitmap {
            let mut after = found.clone();
            if let Some(array) = &mut after.array {
                array.bitmap = self.bitmap;
            }
            let word = |on: bool| Some(if on { "internal" } else { "none" }.to_owned());
            plan.push(
                Change::modify("array", &found.path, "").attribute(
                    "bitmap",
                    word(array.bitmap),
                    word(self.bitmap),
                ),
                [Step::run(mdadm::bitmap(&found.path, self.bitmap))],
                [Prediction::Block(BlockEffect::Put(after.into()))],
            );
        }
        self.register(machine, Some(array), &mut plan);
        Ok(plan)
    }

    fn remove(&self, machine: &Machine, found: Option<(&Device, &Array)>) -> Result<Plan, Refusal> {
        let mut plan = Plan::empty();
        if let Some((found, array)) = found {
            let unused = machine.unused(found)?;
            let mut named = found.clone();
            // The array's own identity is the one to consent to, whatever lies on it.
            named.serial = array.uuid.known().map(str::to_owned);
            let change = Change::destroy(
                "array",
                &found.path,
                token("remove", &named),
                crate::machine::claim::loss(found),
            );
            let members: Vec<&str> = array.members.iter().map(|member| member.device.as_str()).collect();
            let mut steps = vec![confirm(found, false), Step::run(wipefs::all(unused))];
            steps.extend([
                Step::run(mdadm::stop(&found.path)),
                Step::run(mdadm::forget(members.iter().copied())),
            ]);
            let mut predicts = vec![Prediction::Block(BlockEffect::Gone { path: found.path.clone() })];
            for member in members {
                let device = device(machine, member, &format!("the end of the array {}", &*self.name))?;
                steps.extend(empty_ends(&device.path, device.size));
                predicts.push(blank_now(&device.path));
            }
            plan.push(change, steps, predicts);
        }
        let path = self.path();
        let uuid = found.map(|(_, array)| &array.uuid);
        let lines: Vec<&Registered> = block(machine)?
            .registered
            .iter()
            .filter(|line| {
                line.path == path || uuid.is_some_and(|uuid| uuid.known().is_some() && *uuid == line.uuid)
            })
            .collect();
        if !lines.is_empty() {
            let edits = lines.iter().map(|line| LineEdit::Remove { old: line.line.clone() }).collect();
            let predicts = lines
                .iter()
                .map(|line| BlockEffect::Unregistered { path: line.path.clone() })
                .map(Prediction::Block);
            self.configure(machine, &mut plan, edits, predicts.collect());
        }
        Ok(plan)
    }

    /// Gives the array its name at boot, where it does not have it yet.
    fn register(&self, machine: &Machine, array: Option<&Array>, plan: &mut Plan) {
        let wanted = mdadm::registration(&self.name);
        let lines = machine.block.iter().flat_map(|block| &block.registered);
        let mut edits = Vec::new();
        let mut there = false;
        for line in lines {
            let this = array.is_some_and(|array| match (&array.uuid, &line.uuid) {
                (Uuid::Known(array), Uuid::Known(line)) => array.eq_ignore_ascii_case(line),
                _ => line.path == wanted.path,
            });
            if this && line.path == wanted.path && !there {
                there = true;
            } else if this || line.path == wanted.path {
                edits.push(LineEdit::Remove { old: line.line.clone() });
            }
        }
        if !there {
            edits.push(LineEdit::Append { line: wanted.line.clone() });
        }
        if !edits.is_empty() {
            self.configure(machine, plan, edits, vec![Prediction::Block(BlockEffect::Registered(wanted))]);
        }
    }

    fn configure(
        &self,
        machine: &Machine,
        plan: &mut Plan,
        edits: Vec<LineEdit>,
        mut predicts: Vec<Prediction>,
    ) {
        let there = |path: &str| machine.files.seen.get(path).is_some_and(Option::is_some);
        let config = if there(DEBIAN) { "/etc/mdadm/mdadm.conf" } else { "/etc/mdadm.conf" };
        let mut steps = vec![Step::Edit { path: config.to_owned(), edits, metadata: Metadata::default() }];
        if there(initramfs::UPDATE_INITRAMFS) {
            steps.push(Step::run(initramfs::update_initramfs()));
        } else if there(initramfs::DRACUT) {
            steps.push(Step::run(initramfs::dracut()));
        }
        predicts.push(Prediction::Files(FilesEffect::Touched { path: config.to_owned() }));
        let change = Change::modify("boot configuration", config, format!("ARRAY {}", self.path()));
        plan.push(change, steps, predicts);
    }
}

impl Array {
    /// Members that are missing and not being replaced already.
    fn degraded_now(&self) -> u64 {
        self.slots.saturating_sub(self.members.len() as u64).min(self.degraded)
    }
}

fn describe(shape: &Shape) -> String {
    match shape.level {
        Level::Raid1 => format!("raid1 of {}", shape.slots),
        Level::Raid10 => {
            format!("raid10 {} of {}, chunks of {}", shape.layout, shape.slots, Size(shape.chunk))
        }
        level => format!("{} of {}, chunks of {}", level.name(), shape.slots, Size(shape.chunk)),
    }
}
