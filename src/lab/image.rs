//! The disk image every machine starts from. `recipe.sh` builds it once; a changed recipe is another image.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::hardware::hex;
use super::{Progress, places, process};

const RECIPE: &str = include_str!("recipe.sh");

/// What is installed on the machines of a lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// A new server: no storage packages, but a source to install them from.
    #[default]
    Plain,
    /// All storage packages are there already, and Debian's full kernel.
    Storage,
    /// ZFS, with its kernel modules.
    Zfs,
}

impl Flavour {
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Storage => "storage",
            Self::Zfs => "zfs",
        }
    }
}

/// A finished image in the cache.
#[derive(Debug)]
pub struct Image {
    dir: PathBuf,
}

impl Image {
    /// The image of today's recipe, built when it is missing.
    pub fn ensure(flavour: Flavour, progress: Progress<'_>) -> anyhow::Result<Self> {
        let digest = hex(&Sha256::digest(RECIPE));
        let name = flavour.name();
        let dir = places::cache()?.join(format!("debian-12-{name}-{}", &digest[..16]));
        let _lock = places::lock("image")?;
        if !dir.exists() {
            process::require(&["mmdebstrap", "mke2fs", "sfdisk", "grub-mkimage", "ssh-keygen", "qemu-img"])?;
            progress(&format!("building the {name} Debian 12 image (once, a few minutes)"));
            places::complete_dir(&dir, |building| {
                fs::write(building.join("recipe.sh"), RECIPE).context("cannot write the recipe")?;
                let work = building.to_string_lossy().into_owned();
                let log = places::cache()?.join("image.log");
                process::run_logged("bash", &["recipe.sh", &work, name], building, &log)
                    .context("cannot build the lab's image")
            })?;
        }
        Ok(Self { dir })
    }

    pub fn disk(&self) -> PathBuf {
        self.dir.join("disk.qcow2")
    }

    /// Private key that logs in as `root`, `holdfast` and `operator`.
    pub fn key(&self) -> PathBuf {
        self.dir.join("key")
    }

    /// The guest's host key, as in a `known_hosts` line after the name.
    pub fn host_key(&self) -> anyhow::Result<String> {
        let path = self.dir.join("known_host");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(text.trim().to_owned())
    }

    /// Snapshots live with the image they were made from.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}
