//! Emissions: the code an answer put out, as keyed fingerprints. They are kept beside the tree, and the entry they belong
//! to seals them by their digest. No text is among them: without the key they were made under, a fingerprint says nothing.
//!
//! The form, version 1: a version byte; when the answer ended, in microseconds, and the repository's name; an editor's
//! word (its number, the record it is about, and the line where it says one); then each emission with its form, the marks of its
//! path and its lines, each with its role and flags in one byte, how often it was shown where a flag says so, and its
//! fingerprint. Numbers are LEB128, marks and fingerprints big-endian.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;
use waymark_types::{RecordId, Timestamp};

use crate::commitment::hex;

const VERSION: u8 = 1;
/// What the number of an editor's word has in it where the word says a line.
const AT_LINE: u8 = 0x80;
/// What the emissions of one answer take at most, in bytes: what goes beyond is left out.
const LARGEST: usize = 8 << 20;
/// Words of a line that are kept.
const MOST_WORDS: usize = 64;
/// A line of fewer letters and digits than this says nothing of where it is from.
const TELLING: u32 = 8;

/// What an entry says of the emissions beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Emitted {
    /// Lines of code that were added.
    pub lines: u64,
    /// SHA-256 of the emissions as they are kept, in hexadecimal.
    pub sha256: String,
}

/// The code of one answer, or of one word of an editor's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Emissions {
    /// When it was put out: the end of the answer.
    pub ended: Timestamp,
    /// The repository it was for, by name, where that is known.
    pub repository: Option<String>,
    /// What an editor says of a suggestion, where it is an editor that says so.
    pub word: Option<EditorWord>,
    /// One stretch of code each, in order.
    pub emissions: Vec<Emission>,
}

/// What an editor says became of a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EditorWord {
    /// What became of it.
    pub event: EditorEvent,
    /// The record of the suggestion; none where something was typed without one.
    pub about: Option<RecordId>,
    /// The line of the file that the first of the lines is, from 1, where that was told.
    pub line: Option<u32>,
}

/// What becomes of code in an editor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EditorEvent {
    /// The suggestion was taken as it is.
    Accepted,
    /// A part of it was taken: the lines that are told.
    PartlyAccepted,
    /// It was turned down, or passed over.
    Rejected,
    /// It was taken and then changed by hand: the lines that are told are those that stand there now.
    Edited,
    /// The lines were typed by hand.
    Typed,
}

/// A stretch of code for one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emission {
    /// How it was put out.
    pub form: Form,
    /// Whether it goes to every place that fits.
    pub everywhere: bool,
    /// Whether it is a block of a chat whose file the model was shown, or a part of it, which had the lines that it adds nowhere
    /// near.
    pub seen: bool,
    /// Whether its path began at a root.
    pub absolute: bool,
    /// Marks of its path's endings: that of the file's name first, then with one folder more each. Empty where no path
    /// is known.
    pub path: Vec<u64>,
    /// Its lines, without those that are blank.
    pub lines: Vec<EmittedLine>,
}

/// One line of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmittedLine {
    /// What it is to the file.
    pub role: Role,
    /// Whether a blank line stands before it.
    pub after_blank: bool,
    /// Whether lines of the file may be left out before it.
    pub apart: bool,
    /// How often the file that the model was shown had it, where that made it context; otherwise 0.
    pub shown: u32,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
}

/// A line's keyed fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Fingerprint {
    /// Of the line without space, and without what formatters change.
    pub line: u64,
    /// Of the line as it stands, but for the space around it.
    pub exact: u16,
    /// Of its words, in order.
    pub words: Vec<Word>,
}

/// A word of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Word {
    /// Its fingerprint.
    pub mark: u16,
    /// Its letters and digits.
    pub length: u8,
}

/// What a line is to the file it is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// It is added.
    Added,
    /// It was there before, or was only read: it says where the others belong.
    Context,
    /// It is taken away.
    Removed,
}

/// The way code is put out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// A whole file.
    Write,
    /// A piece of a file in the place of another.
    Edit,
    /// Codex's `apply_patch`.
    Patch,
    /// A unified diff.
    Diff,
    /// A block that says what to search and what to put there, in the text of an answer.
    EditBlock,
    /// A shell's here-document that goes into a file.
    Shell,
    /// A fenced block in a chat.
    Fence,
    /// A completion at a cursor.
    Completion,
    /// What an editor says stands there.
    Editor,
}

/// Emissions that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EmissionError {
    /// They are of a version that this program does not know.
    #[error("the emissions are of version {0}, which this program does not know")]
    Version(u8),
    /// They are no emissions.
    #[error("the emissions cannot be read at byte {0}")]
    Malformed(usize),
}

impl EditorEvent {
    /// Every event, at the place its number says.
    pub const ALL: [Self; 5] =
        [Self::Accepted, Self::PartlyAccepted, Self::Rejected, Self::Edited, Self::Typed];

    /// Its stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::PartlyAccepted => "partly_accepted",
            Self::Rejected => "rejected",
            Self::Edited => "edited",
            Self::Typed => "typed",
        }
    }
}

impl Role {
    const ALL: [Self; 3] = [Self::Added, Self::Context, Self::Removed];
}

impl Form {
    /// Every form, at the place its number says.
    pub const ALL: [Self; 9] = [
        Self::Write,
        Self::Edit,
        Self::Patch,
        Self::Diff,
        Self::EditBlock,
        Self::Shell,
        Self::Fence,
        Self::Completion,
        Self::Editor,
    ];

    /// Its stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Edit => "edit",
            Self::Patch => "patch",
            Self::Diff => "diff",
            Self::EditBlock => "edit_block",
            Self::Shell => "shell",
            Self::Fence => "fence",
            Self::Completion => "completion",
            Self::Editor => "editor",
        }
    }
}

impl Fingerprint {
    /// Letters and digits of its words.
    pub fn weight(&self) -> u32 {
        self.words.iter().map(|word| u32::from(word.length)).sum()
    }

    /// Whether the line alone says something of where it is from: most braces, `return` and `else` do not.
    pub fn is_telling(&self) -> bool {
        self.weight() >= TELLING && self.words.len() >= 2
    }
}

/// The mark that a path is looked up by, of those of its endings: its last two parts', or its only one's.
pub fn place(path: &[u64]) -> Option<u64> {
    path.get(1).or(path.first()).copied()
}

impl Emission {
    /// The mark that emissions are looked up by for their path: its last two parts, or its only one.
    pub fn place(&self) -> Option<u64> {
        place(&self.path)
    }

    /// How many lines it adds.
    pub fn added(&self) -> u64 {
        self.lines.iter().filter(|line| line.role == Role::Added).count() as u64
    }
}

impl Emissions {
    /// What they are looked up by: the telling lines that were added, and the paths; each once, in order.
    pub fn marks(&self) -> Vec<u64> {
        self.marks_of(&self.emissions.iter().collect::<Vec<_>>())
    }

    fn marks_of(&self, emissions: &[&Emission]) -> Vec<u64> {
        let lines = emissions.iter().flat_map(|emission| &emission.lines);
        let telling = lines.filter(|line| line.role == Role::Added && line.fingerprint.is_telling());
        let lines = telling.map(|line| line.fingerprint.line);
        let places = emissions.iter().filter_map(|emission| emission.place());
        let about = self.word.and_then(|word| word.about).map(|record| Self::about(&record));
        let mut marks: Vec<u64> = lines.chain(places).chain(about).collect();
        marks.sort_unstable();
        marks.dedup();
        marks
    }

    /// The mark that what an editor says of a record is looked up by: the random half of the record's id.
    pub fn about(record: &RecordId) -> u64 {
        record.as_bytes()[8..].iter().fold(0, |mark, byte| mark << 8 | u64::from(*byte))
    }

    /// What the entry they belong to says of them, their bytes, and the marks of what is in those. Emissions that would
    /// make them too large are left out.
    pub fn seal(&self) -> (Emitted, Vec<u8>, Vec<u64>) {
        let mut bytes = vec![VERSION];
        bytes.extend(self.ended.as_micros().to_be_bytes());
        let repository = self.repository.as_deref().unwrap_or_default();
        number(&mut bytes, repository.len() as u64);
        bytes.extend(repository.as_bytes());
        match self.word {
            None => bytes.push(0),
            Some(EditorWord { event, about, line }) => {
                bytes.push(1 + event as u8 + if line.is_some() { AT_LINE } else { 0 });
                bytes.extend(about.map_or([0; 16], |record| *record.as_bytes()));
                line.into_iter().for_each(|line| number(&mut bytes, line.into()));
            }
        }
        let mut kept = Vec::new();
        for emission in &self.emissions {
            let whole = emission.to_bytes();
            if bytes.len() + whole.len() <= LARGEST {
                bytes.extend(whole);
                kept.push(emission);
            }
        }
        let lines = kept.iter().map(|emission| emission.added()).sum();
        (Emitted { lines, sha256: digest(&bytes) }, bytes, self.marks_of(&kept))
    }

    /// Reads them back.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EmissionError> {
        let mut reader = Reader { bytes, at: 0 };
        match reader.byte()? {
            VERSION => {}
            other => return Err(EmissionError::Version(other)),
        }
        let ended = Timestamp::from_micros(i64::from_be_bytes(reader.array()?));
        let length = reader.number()?;
        let repository = std::str::from_utf8(reader.take(length)?).map_err(|_| reader.malformed())?;
        let repository = (!repository.is_empty()).then(|| repository.to_owned());
        let word = reader.word()?;
        let mut emissions = Vec::new();
        while reader.at < bytes.len() {
            emissions.push(reader.emission()?);
        }
        Ok(Self { ended, repository, word, emissions })
    }
}

/// A sum over what emissions are looked up by: the same for the same marks of the same records, in any order. Each pair
/// counts by its SHA-256, so that none can be exchanged for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MarkSum {
    count: u64,
    sum: [u64; 4],
}

impl MarkSum {
    /// Adds a record's mark.
    pub fn add(&mut self, mark: u64, record: &[u8]) {
        self.count += 1;
        let digest = Sha256::new().chain_update(mark.to_be_bytes()).chain_update(record).finalize();
        for (sum, part) in self.sum.iter_mut().zip(digest.as_chunks::<8>().0) {
            *sum = sum.wrapping_add(u64::from_be_bytes(*part));
        }
    }
}

/// The digest that an entry seals emissions by.
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

impl Emission {
    fn to_bytes(&self) -> Vec<u8> {
        let flags = [self.everywhere, self.absolute, self.seen].into_iter().enumerate();
        let flags = flags.fold(0, |flags, (at, is_set)| flags | u8::from(is_set) << at);
        let mut bytes = vec![self.form as u8, flags];
        number(&mut bytes, self.path.len() as u64);
        self.path.iter().for_each(|mark| bytes.extend(mark.to_be_bytes()));
        number(&mut bytes, self.lines.len() as u64);
        for EmittedLine { role, after_blank, apart, shown, fingerprint } in &self.lines {
            let is_shown = u8::from(*shown > 0);
            bytes.push(*role as u8 | u8::from(*after_blank) << 2 | u8::from(*apart) << 3 | is_shown << 4);
            if *shown > 0 {
                number(&mut bytes, (*shown).into());
            }
            bytes.extend(fingerprint.line.to_be_bytes());
            bytes.extend(fingerprint.exact.to_be_bytes());
            let words = &fingerprint.words[..fingerprint.words.len().min(MOST_WORDS)];
            bytes.push(words.len() as u8);
            for word in words {
                bytes.extend(word.mark.to_be_bytes());
                bytes.push(word.length);
            }
        }
        bytes
    }
}

fn number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn malformed(&self) -> EmissionError {
        EmissionError::Malformed(self.at)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], EmissionError> {
        let end = self.at.checked_add(length).ok_or_else(|| self.malformed())?;
        let taken = self.bytes.get(self.at..end).ok_or_else(|| self.malformed())?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], EmissionError> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| self.malformed())
    }

    fn byte(&mut self) -> Result<u8, EmissionError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn number(&mut self) -> Result<usize, EmissionError> {
        let mut number = 0_u64;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return usize::try_from(number).map_err(|_| self.malformed());
            }
        }
        Err(self.malformed())
    }

    /// The one whose number was just read.
    fn one_of<T: Copy>(&self, all: &[T], number: u8) -> Result<T, EmissionError> {
        all.get(usize::from(number)).copied().ok_or_else(|| self.malformed())
    }

    fn word(&mut self) -> Result<Option<EditorWord>, EmissionError> {
        let first = self.byte()?;
        if first == 0 {
            return Ok(None);
        }
        let number = (first & !AT_LINE).checked_sub(1).ok_or_else(|| self.malformed())?;
        let event = self.one_of(&EditorEvent::ALL, number)?;
        let about = self.array::<16>()?;
        let about = match about == [0; 16] {
            true => None,
            false => Some(RecordId::from_bytes(about).ok_or_else(|| self.malformed())?),
        };
        let line = match first & AT_LINE {
            0 => None,
            _ => Some(u32::try_from(self.number()?).map_err(|_| self.malformed())?),
        };
        Ok(Some(EditorWord { event, about, line }))
    }

    fn emission(&mut self) -> Result<Emission, EmissionError> {
        let number = self.byte()?;
        let form = self.one_of(&Form::ALL, number)?;
        let flags = self.byte()?;
        let marks = self.number()?;
        let mut path = Vec::new();
        for _ in 0..marks {
            path.push(u64::from_be_bytes(self.array()?));
        }
        let count = self.number()?;
        let mut lines = Vec::new();
        for _ in 0..count {
            lines.push(self.line()?);
        }
        let [everywhere, absolute, seen] = [1, 2, 4].map(|flag| flags & flag != 0);
        Ok(Emission { form, everywhere, absolute, seen, path, lines })
    }

    fn line(&mut self) -> Result<EmittedLine, EmissionError> {
        let flags = self.byte()?;
        let role = self.one_of(&Role::ALL, flags & 3)?;
        let shown = if flags & 16 == 0 { 0 } else { self.number()? };
        let shown = u32::try_from(shown).map_err(|_| self.malformed())?;
        let (line, exact) = (u64::from_be_bytes(self.array()?), u16::from_be_bytes(self.array()?));
        let count = self.byte()?;
        let mut words = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let mark = u16::from_be_bytes(self.array()?);
            words.push(Word { mark, length: self.byte()? });
        }
        let fingerprint = Fingerprint { line, exact, words };
        let (after_blank, apart) = (flags & 4 != 0, flags & 8 != 0);
        Ok(EmittedLine { role, after_blank, apart, shown, fingerprint })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn lines() -> impl Strategy<Value = Vec<EmittedLine>> {
        let word = (any::<u16>(), any::<u8>()).prop_map(|(mark, length)| Word { mark, length });
        let line = (0_usize..3, any::<[bool; 2]>(), 0_u32..300, any::<(u64, u16)>(), vec(word, 0..12));
        vec(
            line.prop_map(|(role, [after_blank, apart], shown, (line, exact), words)| EmittedLine {
                role: Role::ALL[role],
                after_blank,
                apart,
                shown,
                fingerprint: Fingerprint { line, exact, words },
            }),
            0..20,
        )
    }

    fn emissions() -> impl Strategy<Value = Emissions> {
        let emission = (0_usize..9, any::<[bool; 3]>(), vec(any::<u64>(), 0..9), lines()).prop_map(
            |(form, [everywhere, absolute, seen], path, lines)| Emission {
                form: Form::ALL[form],
                everywhere,
                absolute,
                seen,
                path,
                lines,
            },
        );
        let about = any::<Option<[u8; 10]>>()
            .prop_map(|random| random.map(|random| RecordId::new(Timestamp::from_micros(1_000_000), random)));
        let word = (0_usize..6, about, any::<Option<u32>>()).prop_map(|(event, about, line)| {
            EditorEvent::ALL.get(event).map(|event| EditorWord { event: *event, about, line })
        });
        (any::<i64>(), "[a-zü-]{0,9}", word, vec(emission, 0..6)).prop_map(
            |(ended, repository, word, emissions)| {
                let repository = (!repository.is_empty()).then_some(repository);
                Emissions { ended: Timestamp::from_micros(ended), repository, word, emissions }
            },
        )
    }

    proptest! {
        #[test]
        fn they_read_back_as_they_were(emissions in emissions()) {
            let (emitted, bytes, marks) = emissions.seal();
            prop_assert_eq!(emitted.sha256, digest(&bytes));
            let back = Emissions::from_bytes(&bytes).unwrap();
            prop_assert_eq!(back.marks(), marks);
            prop_assert_eq!(back.emissions.iter().map(Emission::added).sum::<u64>(), emitted.lines);
            prop_assert_eq!(back, emissions);
        }

        #[test]
        fn anything_is_read_or_refused(bytes: Vec<u8>) {
            let mut versioned = vec![VERSION];
            versioned.extend(&bytes);
            for bytes in [bytes, versioned] {
                if let Ok(emissions) = Emissions::from_bytes(&bytes) {
                    prop_assert_eq!(Emissions::from_bytes(&emissions.seal().1).unwrap(), emissions);
                }
            }
        }
    }

    #[test]
    fn what_is_too_large_is_left_out_with_its_marks() {
        let line = |line| EmittedLine {
            role: Role::Added,
            after_blank: false,
            apart: false,
            shown: 0,
            fingerprint: Fingerprint { line, exact: 0, words: vec![Word { mark: 0, length: 4 }; MOST_WORDS] },
        };
        let emission = |path, lines| Emission {
            form: Form::ALL[0],
            everywhere: false,
            absolute: false,
            seen: false,
            path: vec![path],
            lines,
        };
        let large = (0..60_000).map(|number| line(1_000 + number)).collect();
        let ended = Timestamp::from_micros(0);
        let emissions = vec![emission(1, vec![line(7)]), emission(2, large), emission(3, vec![line(8)])];
        let emissions = Emissions { ended, repository: None, word: None, emissions };
        let (emitted, bytes, marks) = emissions.seal();
        assert!(bytes.len() <= LARGEST);
        assert_eq!((emitted.lines, &marks[..]), (2, &[1, 3, 7, 8][..]));
        assert_eq!(Emissions::from_bytes(&bytes).unwrap().marks(), marks, "what verification finds");
    }

    #[test]
    fn they_are_looked_up_by_telling_lines_and_by_their_path() {
        let line = |role, line, lengths: &[u8]| EmittedLine {
            role,
            after_blank: false,
            apart: false,
            shown: 0,
            fingerprint: Fingerprint {
                line,
                exact: 0,
                words: lengths.iter().map(|&length| Word { mark: 0, length }).collect(),
            },
        };
        let lines = vec![
            line(Role::Added, 7, &[4, 4]),
            line(Role::Added, 7, &[4, 4]),
            line(Role::Added, 8, &[6]),
            line(Role::Added, 9, &[12]),
            line(Role::Context, 10, &[9, 9]),
        ];
        let (form, path) = (Form::Edit, vec![1, 2, 3]);
        let emission = Emission { form, everywhere: false, absolute: true, seen: false, path, lines };
        assert_eq!(Emissions { emissions: vec![emission], ..Emissions::default() }.marks(), [2, 7]);
    }
}
