//! The files in which simulators keep their state and keys.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::journal::Journaled;

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

/// A journal that is longer than this and than the whole state is replaced by the whole state.
const LONGEST_JOURNAL: u64 = 1024 * 1024;

/// The whole state as it was at one time, and the number of the journal with what has changed since.
#[derive(Serialize, Deserialize)]
struct Saved<S> {
    #[serde(default)]
    journal: u64,
    #[serde(flatten)]
    state: S,
}

/// The file with the state of a simulator, and its journal beside it.
///
/// The file has the whole state. A change is a line that is added to the journal, so it costs the same however much there is. At
/// each start, and when the journal has become long, the whole state is written anew, and a new journal begins. A crash leaves
/// a journal without its last line at worst, and that change was not acknowledged. A journal of another number is older than
/// the file, and is ignored.
#[derive(Debug, Default)]
pub(crate) struct StateFile {
    /// Without a path, nothing is written.
    path: Option<PathBuf>,
    /// The number of the journal.
    number: u64,
    /// The journal; `None` when the whole state must be written.
    journal: Option<fs::File>,
    /// The size of the journal, in bytes.
    written: u64,
    /// The size of the whole state, in bytes.
    whole: u64,
}

impl StateFile {
    /// Reads the state of the last run; the default when there is none.
    ///
    /// # Errors
    /// When a file cannot be read, or is not one that this simulator wrote.
    pub(crate) fn open<S: Default + DeserializeOwned + Journaled>(
        path: Option<&Path>,
    ) -> Result<(Self, S), OpenError> {
        let Some(path) = path else { return Ok((Self::default(), S::default())) };
        let damaged = |path: &Path, reason: String| OpenError::Damaged { path: path.to_owned(), reason };
        let mut file = Self { path: Some(path.to_owned()), ..Self::default() };
        let Some(bytes) = read(path)? else { return Ok((file, S::default())) };
        let saved: Saved<S> =
            serde_json::from_slice(&bytes).map_err(|error| damaged(path, error.to_string()))?;
        let Saved { journal: number, mut state } = saved;
        file.number = number;
        let journal = journal_of(path);
        let lines = read(&journal)?.unwrap_or_default();
        // What follows the last line break is a change that was not acknowledged.
        let end = lines.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let mut lines = lines.get(..end).unwrap_or_default().split(|byte| *byte == b'\n');
        let is_current = lines.next().is_some_and(|first| first == number.to_string().as_bytes());
        for line in lines.filter(|line| is_current && !line.is_empty()) {
            let changes = serde_json::from_slice(line).and_then(|changes| state.apply(changes));
            changes.map_err(|error| damaged(&journal, error.to_string()))?;
        }
        Ok((file, state))
    }

    /// Writes what has changed since the last call.
    ///
    /// # Errors
    /// When a file cannot be written. The next call then writes the whole state.
    pub(crate) fn save<S: Serialize + Journaled>(&mut self, state: &mut S) -> Result<(), OpenError> {
        let Some(path) = self.path.as_deref().map(journal_of) else { return Ok(()) };
        let is_long = self.written > self.whole.max(LONGEST_JOURNAL);
        let Some(journal) = self.journal.as_mut().filter(|_| !is_long) else {
            return self.write_whole(state);
        };
        let mut append = || -> io::Result<u64> {
            let Some(changes) = state.take_changes()? else { return Ok(0) };
            let line = format!("{changes}\n");
            journal.write_all(line.as_bytes())?;
            journal.sync_data()?;
            Ok(line.len() as u64)
        };
        match append() {
            Ok(written) => {
                self.written += written;
                Ok(())
            }
            Err(source) => {
                self.journal = None;
                Err(OpenError::Unwritable { path, source })
            }
        }
    }

    /// Writes the whole state, and begins a new journal.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(crate) fn write_whole<S: Serialize + Journaled>(&mut self, state: &mut S) -> Result<(), OpenError> {
        let Some(path) = &self.path else { return Ok(()) };
        self.journal = None;
        let number = self.number + 1;
        let unwritable = |path: &Path, source| OpenError::Unwritable { path: path.to_owned(), source };
        let bytes = serde_json::to_vec(&Saved { journal: number, state: &*state });
        let bytes = bytes.map_err(|error| unwritable(path, error.into()))?;
        replace(path, &bytes)?;
        let journal = journal_of(path);
        let begin = |mut file: fs::File| -> io::Result<fs::File> {
            writeln!(file, "{number}")?;
            file.sync_data()?;
            Ok(file)
        };
        let file = private_file(&journal).and_then(begin).map_err(|error| unwritable(&journal, error))?;
        // They are in the whole state.
        state.take_changes().map_err(|error| unwritable(path, error.into()))?;
        (self.number, self.journal, self.written, self.whole) = (number, Some(file), 0, bytes.len() as u64);
        Ok(())
    }
}

/// The journal beside a file.
fn journal_of(path: &Path) -> PathBuf {
    let mut journal = path.as_os_str().to_owned();
    journal.push(".journal");
    journal.into()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Keyed, Log, Whole, journaled};

    #[derive(Debug, Default, Serialize, Deserialize)]
    struct State {
        layout: Layout<1>,
        name: Whole<String>,
        values: Keyed<u32>,
        rows: Log<u32>,
    }

    journaled!(State { name, values, rows } except layout);

    /// A folder that is removed at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("simulators-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&folder);
            Self(folder)
        }

        fn file(&self) -> PathBuf {
            self.0.join("state.json")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn open(path: &Path) -> (StateFile, State) {
        let (mut file, mut state) = StateFile::open::<State>(Some(path)).unwrap();
        file.write_whole(&mut state).unwrap();
        (file, state)
    }

    fn shown(path: &Path) -> String {
        serde_json::to_string(&StateFile::open::<State>(Some(path)).unwrap().1).unwrap()
    }

    fn size(path: &Path) -> u64 {
        fs::metadata(path).unwrap().len()
    }

    #[test]
    fn change_is_a_line_however_large_the_state_is() {
        let folder = Folder::new("line");
        let path = folder.file();
        let (mut file, mut state) = open(&path);
        for number in 0..1_000 {
            state.rows.push(number);
            state.values.insert(format!("key {number}"), number);
            file.save(&mut state).unwrap();
        }
        let (whole, before) = (size(&path), size(&journal_of(&path)));
        state.rows.push(1_000);
        file.save(&mut state).unwrap();
        assert_eq!(size(&path), whole, "the whole state is not written");
        assert!(size(&journal_of(&path)) - before < 100);
        file.save(&mut state).unwrap();
        assert_eq!(shown(&path), serde_json::to_string(&state).unwrap());
    }

    #[test]
    fn every_kind_of_change_is_there_after_a_restart() {
        let folder = Folder::new("kinds");
        let path = folder.file();
        let (mut file, mut state) = open(&path);
        for round in 0..3 {
            state.name.push('x');
            state.values.insert("a".to_owned(), round);
            state.values.insert(format!("b{round}"), round);
            state.values.retain(|value| *value == round);
            for number in 0..5 {
                state.rows.push(number + 10 * round);
            }
            state.rows.keep_last(7);
            file.save(&mut state).unwrap();
            let expected = serde_json::to_string(&state).unwrap();
            assert_eq!(shown(&path), expected);
            (file, state) = open(&path);
            assert_eq!(serde_json::to_string(&state).unwrap(), expected);
        }
        assert_eq!(state.rows.to_vec(), [13, 14, 20, 21, 22, 23, 24]);
    }

    #[test]
    fn crash_loses_at_most_the_change_that_was_being_written() {
        let folder = Folder::new("crash");
        let path = folder.file();
        let (mut file, mut state) = open(&path);
        state.rows.push(1);
        file.save(&mut state).unwrap();
        let complete = fs::read(journal_of(&path)).unwrap();
        state.rows.push(2);
        file.save(&mut state).unwrap();
        let both = fs::read(journal_of(&path)).unwrap();
        for end in complete.len()..=both.len() {
            fs::write(journal_of(&path), &both[..end]).unwrap();
            let rows = StateFile::open::<State>(Some(&path)).unwrap().1.rows.to_vec();
            assert_eq!(rows, if end == both.len() { vec![1, 2] } else { vec![1] }, "{end}");
        }
        // The whole state was written, and its journal was not begun.
        let (_, state) = open(&path);
        fs::write(journal_of(&path), &both).unwrap();
        assert_eq!(shown(&path), serde_json::to_string(&state).unwrap());
    }

    #[test]
    fn damaged_journal_is_named() {
        let folder = Folder::new("damage");
        let path = folder.file();
        let (file, _) = open(&path);
        for line in ["[]", "{\"rows\":1}", "{\"other\":1}", "{"] {
            fs::write(journal_of(&path), format!("{}\n{line}\n", file.number)).unwrap();
            let error = StateFile::open::<State>(Some(&path)).unwrap_err().to_string();
            assert!(error.contains(".journal is damaged"), "{error}");
        }
    }

    #[test]
    fn long_journal_is_replaced_by_the_whole_state() {
        let folder = Folder::new("long");
        let path = folder.file();
        let (mut file, mut state) = open(&path);
        for number in 0..40 {
            *state.name = "x".repeat(50_000 + number);
            file.save(&mut state).unwrap();
            assert!(size(&journal_of(&path)) < LONGEST_JOURNAL + 110_000);
        }
        assert!(file.number > 1);
        assert_eq!(shown(&path), serde_json::to_string(&state).unwrap());
    }
}
