//! The files of a manifest.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The largest file that is read as a manifest.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;

/// One file of a manifest, as discovery saw it.
#[derive(Deserialize)]
pub(crate) struct ManifestFile {
    /// Relative to the scanned root, with `/` between its parts.
    path: String,
    /// Lower-case hexadecimal.
    sha256: String,
}

/// What is wrong with a manifest; no further attempt could get past it.
#[derive(Debug)]
pub(crate) enum ManifestFault {
    /// It cannot be understood.
    Malformed { file: String, line: Option<usize>, reason: String },
    /// It changed or vanished since it was discovered.
    Changed { file: String, reason: String },
}

impl ManifestFault {
    /// It cannot be understood, and no line is known.
    pub(crate) fn malformed(file: &str, reason: impl Into<String>) -> Self {
        Self::Malformed { file: file.to_owned(), line: None, reason: reason.into() }
    }

    fn changed(file: &str, reason: impl ToString) -> Self {
        Self::Changed { file: file.to_owned(), reason: reason.to_string() }
    }
}

/// Opens with `file:line:`, so that it can be clicked in a terminal.
impl std::fmt::Display for ManifestFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed { file, line: Some(line), reason } => {
                write!(f, "{file}:{line}: {reason}")
            }
            Self::Malformed { file, line: None, reason } | Self::Changed { file, reason } => {
                write!(f, "{file}: {reason}")
            }
        }
    }
}

/// Reads the files of a manifest and checks that they are what discovery saw; their texts by path.
pub(crate) fn read_verified(
    root: &Path,
    files: &[ManifestFile],
) -> Result<HashMap<String, String>, ManifestFault> {
    let mut texts = HashMap::new();
    for ManifestFile { path, sha256 } in files {
        let bytes = read(root, path)?;
        let digest: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        if digest != *sha256 {
            return Err(ManifestFault::changed(path, "changed since it was discovered"));
        }
        texts.insert(path.clone(), decode(path, bytes)?);
    }
    Ok(texts)
}

/// Reads a plain file under the root, never through a symlink out of it.
fn read(root: &Path, path: &str) -> Result<Vec<u8>, ManifestFault> {
    let changed = |cause: io::Error| ManifestFault::changed(path, cause);
    let absolute = root.join(path);
    let folder = absolute.parent().unwrap_or(root).canonicalize().map_err(changed)?;
    if !folder.starts_with(root.canonicalize().map_err(changed)?) {
        return Err(ManifestFault::malformed(path, "lies outside of the scanned folder"));
    }
    let metadata = fs::symlink_metadata(&absolute).map_err(changed)?;
    // Opening a pipe that nobody writes to would hang.
    if !metadata.is_file() {
        return Err(ManifestFault::malformed(path, "is not a plain file"));
    }
    if metadata.len() > MAX_MANIFEST_BYTES {
        let reason = format!("has more than {MAX_MANIFEST_BYTES} bytes");
        return Err(ManifestFault::malformed(path, reason));
    }
    fs::read(&absolute).map_err(changed)
}

/// Decodes UTF-8, or UTF-16 with a byte order mark, as old Windows tools write.
fn decode(path: &str, bytes: Vec<u8>) -> Result<String, ManifestFault> {
    let text = if bytes.starts_with(&[0xff, 0xfe]) && bytes.len().is_multiple_of(2) {
        let unit = |pair: &[u8]| u16::from_le_bytes([pair[0], pair[1]]);
        let units: Vec<u16> = bytes.chunks_exact(2).map(unit).collect();
        String::from_utf16(&units).ok()
    } else {
        String::from_utf8(bytes).ok()
    };
    let text = text.ok_or_else(|| ManifestFault::malformed(path, "is not UTF-8 text"))?;
    Ok(text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned))
}
