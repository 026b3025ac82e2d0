//! Where the lab keeps things. Knows paths and locks only.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context;

/// What can be rebuilt: `$HOLDFAST_CACHE`, else `$XDG_CACHE_HOME/holdfast`, else `~/.cache/holdfast`; in it, `lab`.
pub fn cache() -> anyhow::Result<PathBuf> {
    let base = match env::var_os("HOLDFAST_CACHE") {
        Some(dir) if !dir.is_empty() => PathBuf::from(dir),
        _ => user_dir("XDG_CACHE_HOME", ".cache")?.join("holdfast"),
    };
    existing(&base.join("lab"))
}

/// The folder of the lab called `name`: `$XDG_STATE_HOME/holdfast/lab/NAME`, else `~/.local/state/holdfast/lab/NAME`.
pub fn lab(name: &str) -> anyhow::Result<PathBuf> {
    Ok(user_dir("XDG_STATE_HOME", ".local/state")?.join("holdfast/lab").join(name))
}

/// Waits until no other process works in the cache under `name`; the lock ends with the returned file.
pub fn lock(name: &str) -> anyhow::Result<File> {
    let path = cache()?.join(format!("{name}.lock"));
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

/// A folder that appears at `target` only when it is complete: `fill` it, then it is renamed.
pub fn complete_dir(target: &Path, fill: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut building = target.as_os_str().to_owned();
    building.push(".building");
    let building = PathBuf::from(building);
    if building.exists() {
        fs::remove_dir_all(&building).with_context(|| format!("cannot remove {}", building.display()))?;
    }
    existing(&building)?;
    fill(&building)?;
    fs::rename(&building, target).with_context(|| format!("cannot create {}", target.display()))
}

fn user_dir(variable: &str, below_home: &str) -> anyhow::Result<PathBuf> {
    match env::var_os(variable) {
        Some(dir) if Path::new(&dir).is_absolute() => Ok(PathBuf::from(dir)),
        _ => {
            let home = env::var_os("HOME").with_context(|| format!("neither {variable} nor HOME is set"))?;
            Ok(PathBuf::from(home).join(below_home))
        }
    }
}

fn existing(dir: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    fs::canonicalize(dir).with_context(|| format!("cannot resolve {}", dir.display()))
}
