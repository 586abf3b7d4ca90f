//! A `.tar.gz` of one folder. The same content gives the same bytes: times and owners are left out.

use std::fs::File;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

/// An archive that is being written.
pub(crate) struct Archive {
    builder: Builder<GzEncoder<File>>,
    folder: String,
}

impl Archive {
    /// Begins the archive of a folder of this name.
    pub(crate) fn create(path: &Path, folder: &str) -> Result<Self, String> {
        let file = File::create(path).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Self {
            builder: Builder::new(GzEncoder::new(file, Compression::default())),
            folder: folder.to_owned(),
        })
    }

    /// Adds a file that everybody may read.
    pub(crate) fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), String> {
        self.add(name, bytes, 0o644)
    }

    /// Adds a file that everybody may run.
    pub(crate) fn program(&mut self, name: &str, bytes: &[u8]) -> Result<(), String> {
        self.add(name, bytes, 0o755)
    }

    fn add(&mut self, name: &str, bytes: &[u8], mode: u32) -> Result<(), String> {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(mode);
        header.set_size(bytes.len() as u64);
        let path = format!("{}/{name}", self.folder);
        self.builder
            .append_data(&mut header, &path, bytes)
            .map_err(|e| format!("{path}: {e}"))
    }

    /// Adds a symbolic link.
    pub(crate) fn link(&mut self, name: &str, to: &str) -> Result<(), String> {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Symlink);
        header.set_mode(0o777);
        header.set_size(0);
        let path = format!("{}/{name}", self.folder);
        self.builder
            .append_link(&mut header, &path, to)
            .map_err(|e| format!("{path}: {e}"))
    }

    /// Ends it.
    pub(crate) fn finish(self) -> Result<(), String> {
        let ended = self.builder.into_inner().and_then(GzEncoder::finish);
        ended
            .map(drop)
            .map_err(|e| format!("the archive cannot be ended: {e}"))
    }
}
