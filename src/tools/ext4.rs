//! ext4: making, naming and growing it.

use crate::exec::Command;
use crate::machine::array::Stripe;
use crate::machine::claim::BlankDevice;

/// Longest label.
pub const LABEL: usize = 16;
/// The block size is explicit: the stripe is counted in blocks.
const BLOCK: u64 = 4096;

pub fn make(
    device: BlankDevice<'_>,
    label: Option<&str>,
    stripe: Option<Stripe>,
    options: &[String],
) -> Command {
    let mut command = Command::new("mkfs.ext4").args(["-q".to_owned(), "-b".to_owned(), BLOCK.to_string()]);
    if let Some(label) = label {
        command = command.args(["-L", label]);
    }
    if let Some(stripe) = stripe {
        let (stride, width) = (stripe.unit / BLOCK, stripe.full() / BLOCK);
        command = command.args(["-E".to_owned(), format!("stride={stride},stripe-width={width}")]);
    }
    command.args(options.iter().cloned()).arg(device.path())
}

/// Renames it, mounted or not.
pub fn label(device: &str, label: &str) -> Command {
    Command::new("tune2fs").args(["-L", label, device])
}

/// Grows to the size of its device, mounted or not.
pub fn grow(device: &str) -> Command {
    Command::new("resize2fs").arg(device)
}
