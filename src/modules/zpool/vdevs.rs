//! The virtual devices that a task asks for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::devices::{DeviceRef, checked_text, shown};
use crate::machine::Machine;
use crate::machine::block::Device;
use crate::machine::zfs::{Class, Layout};
use crate::plan::Refusal;
use crate::tools::zfs as tool;
use crate::units::Size;

checked_text!(
    /// A kind of virtual device.
    LayoutName,
    |text| text.parse::<Layout>().map(drop)
);

/// A virtual device.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::modules) struct Vdev {
    /// What it is for; data when nothing is said.
    role: Option<Role>,
    /// How it keeps what is written: `stripe` (each disk alone), `mirror`, `raidz1`, `raidz2`, `raidz3`, or draid as in
    /// `draid2:8d:12c:1s`.
    #[serde(rename = "type", default = "stripe")]
    layout: LayoutName,
    /// Its devices: paths, links below `/dev/disk`, serials, WWNs, or mappings of what a disk has to be.
    disks: Vec<DeviceRef>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Role {
    Data,
    Log,
    Cache,
    Spare,
    Dedup,
    Special,
}

fn stripe() -> LayoutName {
    LayoutName("stripe".to_owned())
}

/// A virtual device with its devices found.
#[derive(Debug, Clone)]
pub(super) struct Wanted<'a> {
    pub(super) class: Class,
    pub(super) layout: Layout,
    pub(super) devices: Vec<&'a Device>,
}

/// ZFS takes devices of a mirror or of raidz for equal that differ by no more (`ZPOOL_FUZZ`).
const FUZZ: u64 = 16 << 20;

impl Vdev {
    fn class(&self) -> Class {
        match self.role {
            None | Some(Role::Data) => Class::Data,
            Some(Role::Log) => Class::Log,
            Some(Role::Cache) => Class::Cache,
            Some(Role::Spare) => Class::Spare,
            Some(Role::Dedup) => Class::Dedup,
            Some(Role::Special) => Class::Special,
        }
    }

    fn layout(&self) -> Result<Layout, Refusal> {
        self.layout.parse().map_err(Refusal::new)
    }

    pub(super) fn check(&self) -> Result<(), Refusal> {
        let (class, layout, count) = (self.class(), self.layout()?, self.disks.len());
        if count == 0 {
            return Err(Refusal::new("a virtual device of no disks is asked for"));
        }
        if layout != Layout::Single && count < layout.least() {
            return Err(Refusal::new(format!(
                "{layout} of {count} is not possible: it needs at least {} devices",
                layout.least()
            )));
        }
        if let Layout::Draid { children: Some(children), .. } = layout
            && usize::from(children) != count
        {
            return Err(Refusal::new(format!(
                "{layout} is made of {children} devices, and {count} are given"
            )));
        }
        let word = class.word().unwrap_or("data");
        let possible = match class {
            Class::Data => true,
            Class::Log | Class::Special | Class::Dedup => matches!(layout, Layout::Single | Layout::Mirror),
            Class::Cache | Class::Spare => layout == Layout::Single,
        };
        if possible {
            return Ok(());
        }
        let help = match class {
            Class::Cache | Class::Spare => "leave `type` out: they stand alone",
            _ => "use a mirror",
        };
        Err(Refusal::new(format!("`role: {word}` cannot be {layout}")).help(help))
    }

    /// The virtual devices it means: a stripe is one for each disk.
    pub(super) fn find<'a>(&self, machine: &'a Machine, pool: &str) -> Result<Vec<Wanted<'a>>, Refusal> {
        let (class, layout) = (self.class(), self.layout()?);
        let devices: Vec<&Device> = self
            .disks
            .iter()
            .map(|disk| disk.find(machine, &format!("the pool {pool}")))
            .collect::<Result<_, _>>()?;
        Ok(match layout {
            Layout::Single => {
                devices.into_iter().map(|device| Wanted { class, layout, devices: vec![device] }).collect()
            }
            layout => vec![Wanted { class, layout, devices }],
        })
    }
}

/// All that a task asks for, data first, each device once.
pub(super) fn wanted<'a>(
    vdevs: &[Vdev],
    machine: &'a Machine,
    pool: &str,
) -> Result<Vec<Wanted<'a>>, Refusal> {
    let mut all: Vec<Wanted<'_>> = Vec::new();
    for vdev in vdevs {
        for one in vdev.find(machine, pool)? {
            for device in &one.devices {
                let twice = one.devices.iter().filter(|other| other.path == device.path).count() > 1;
                if twice || all.iter().flat_map(|all| &all.devices).any(|other| other.path == device.path) {
                    return Err(Refusal::new(format!(
                        "{} is given twice for the pool {pool}",
                        shown(device)
                    )));
                }
            }
            all.push(one);
        }
    }
    all.sort_by_key(|one| one.class);
    Ok(all)
}

impl Wanted<'_> {
    /// Refuses devices that are too small, or too unlike each other.
    pub(super) fn fits(&self) -> Result<(), Refusal> {
        if let Some(small) = self.devices.iter().find(|device| device.size < tool::LEAST) {
            return Err(Refusal::new(format!("{} is too small for ZFS", shown(small)))
                .fact(format!("it needs at least {}", Size(tool::LEAST))));
        }
        let sizes = || self.devices.iter().map(|device| device.size);
        let (least, most) = (sizes().min().unwrap_or(0), sizes().max().unwrap_or(0));
        if most - least <= FUZZ {
            return Ok(());
        }
        let refusal = Refusal::new(format!(
            "the devices of one {} differ in size, and {} of the larger would never be used",
            self.layout,
            Size(most - least)
        ));
        let refusal = self.devices.iter().fold(refusal, |all, device| all.fact(shown(device)));
        Err(refusal.help("give it devices of one size, or partitions of the larger ones"))
    }

    pub(super) fn describe(&self) -> String {
        let devices: Vec<String> = self.devices.iter().map(|device| shown(device)).collect();
        let word = self.class.word().map(|word| format!("{word} ")).unwrap_or_default();
        match self.layout {
            Layout::Single => format!("{word}{}", devices.join(", ")),
            layout => format!("{word}{layout} of {}", devices.join(", ")),
        }
    }
}
