//! Our own bytes, packed once for all hosts that do not have them yet.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::OnceCell;

/// This binary: its identity, where it is, and (when the first host wants it) its compressed bytes.
#[derive(Debug)]
pub struct Parcel {
    pub build: String,
    /// A path to the running binary that stays valid even when the file is replaced.
    pub program: PathBuf,
    packed: OnceCell<Arc<[u8]>>,
}

impl Parcel {
    pub fn new() -> io::Result<Self> {
        let program = std::env::current_exe()?;
        Ok(Self { build: crate::build::id()?, program, packed: OnceCell::new() })
    }

    /// The binary as gzip; its checksum is what guards the upload.
    pub(super) async fn packed(&self) -> io::Result<Arc<[u8]>> {
        let pack = || async {
            tokio::task::spawn_blocking(|| {
                let bytes = std::fs::read("/proc/self/exe")?;
                let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::new(6));
                encoder.write_all(&bytes)?;
                Ok(Arc::from(encoder.finish()?))
            })
            .await
            .unwrap_or_else(|panicked| Err(io::Error::other(panicked)))
        };
        self.packed.get_or_try_init(pack).await.cloned()
    }
}
