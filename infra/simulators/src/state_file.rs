//! The files in which simulators keep their state and keys.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The reason why a simulator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file exists and cannot be read.
    #[error("cannot read {}: {source}; make it readable, or move it away to start afresh", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file is not one that this simulator wrote.
    #[error("{} is damaged ({reason}); restore it from a copy, or delete it to start afresh", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with the file.
        reason: String,
    },
    /// The file cannot be written.
    #[error("cannot write {}: {source}; check the folder's permissions and free space", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The configuration is wrong.
    #[error("the simulator's configuration is wrong: {0}")]
    Configuration(String),
    /// The client that delivers webhooks cannot be created.
    #[error("cannot create an HTTP client: {0}")]
    HttpClient(String),
    /// The cryptographic library returned an error.
    #[error("cannot prepare cryptography: {0}")]
    Cryptography(String),
}

/// The layout of a state file, its first member. A file of another layout is refused.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Layout<const NUMBER: u32>;

impl<const NUMBER: u32> Serialize for Layout<NUMBER> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        NUMBER.serialize(serializer)
    }
}

impl<'de, const NUMBER: u32> Deserialize<'de> for Layout<NUMBER> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = u32::deserialize(deserializer)?;
        if found == NUMBER {
            return Ok(Self);
        }
        let wrong = format_args!("it has layout {found}, and this program reads layout {NUMBER}");
        Err(serde::de::Error::custom(wrong))
    }
}

/// Reads the state of the last run; the default when there is no file.
pub(crate) fn load<S: Default + DeserializeOwned>(file: Option<&Path>) -> Result<S, OpenError> {
    let Some(path) = file else { return Ok(S::default()) };
    let Some(bytes) = read(path)? else { return Ok(S::default()) };
    serde_json::from_slice(&bytes)
        .map_err(|error| OpenError::Damaged { path: path.to_owned(), reason: error.to_string() })
}

/// Writes the state, when there is a file for it.
pub(crate) fn save<S: Serialize>(file: Option<&Path>, state: &S) -> Result<(), OpenError> {
    let Some(path) = file else { return Ok(()) };
    let bytes = serde_json::to_vec(state)
        .map_err(|error| OpenError::Unwritable { path: path.to_owned(), source: error.into() })?;
    replace(path, &bytes)
}

/// Reads a file; `None` when there is none yet.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, OpenError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(OpenError::Unreadable { path: path.to_owned(), source }),
    }
}

/// Replaces a file so that a crash leaves the old one or the new one, never half of either. Only the owner
/// may read it: it holds client secrets or a private key.
pub(crate) fn replace(path: &Path, contents: &[u8]) -> Result<(), OpenError> {
    let unwritable = |source| OpenError::Unwritable { path: path.to_owned(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(unwritable)?;
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    let written = private_file(&draft).and_then(|mut file| {
        file.write_all(contents)?;
        file.sync_data()
    });
    written.and_then(|()| fs::rename(&draft, path)).map_err(unwritable)
}

#[cfg(unix)]
fn private_file(path: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    // A draft left by a crash may have other permissions, which opening it would keep.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private_file(path: &Path) -> io::Result<fs::File> {
    fs::File::create(path)
}
