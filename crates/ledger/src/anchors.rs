//! Files of checkpoints saved outside a ledger: signed notes one after another, each followed by an empty line.
//!
//! A checkpoint's text has no empty line in it, so the file is a row of blocks: a text, its signature lines, the next
//! text. One checkpoint alone is such a file too. A write that was cut off leaves a block that is neither; it is passed
//! over, and what is appended after it reads back.

use crate::note::SIGNATURE_PREFIX;

/// What ends a piece that a torn write left without its newline, so that it can never be taken for whole.
const CUT_OFF: &str = "\n(cut off)\n\n";

/// What a file of checkpoints holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notes {
    /// The notes that are whole, in the file's order, not yet believed.
    pub whole: Vec<String>,
    /// How many pieces are no note: writes that were cut off, or something else.
    pub cut: usize,
}

/// Reads the notes of a file.
pub fn notes(text: &str) -> Notes {
    let mut notes = Notes::default();
    let mut statement: Option<&str> = None;
    for block in blocks(text) {
        match Block::of(block) {
            Block::Statement => notes.cut += usize::from(statement.replace(block).is_some()),
            Block::Signatures => match statement.take() {
                Some(statement) => notes.whole.push(format!("{statement}\n{block}")),
                None => notes.cut += 1,
            },
            Block::Torn => {
                statement = None;
                notes.cut += 1;
            }
        }
    }
    notes.cut += usize::from(statement.is_some());
    notes
}

/// What to append for `note` to a file that ends in `tail`, its last two bytes at least where it has them.
pub fn appended(tail: &[u8], note: &str) -> String {
    let before = match tail {
        [] | [.., b'\n', b'\n'] => "",
        [.., b'\n'] => "\n",
        _ => CUT_OFF,
    };
    format!("{before}{note}\n")
}

enum Block {
    Statement,
    Signatures,
    Torn,
}

impl Block {
    fn of(block: &str) -> Self {
        let signatures = block.lines().filter(|line| line.starts_with(SIGNATURE_PREFIX)).count();
        match signatures {
            _ if !block.ends_with('\n') => Self::Torn,
            0 => Self::Statement,
            all if all == block.lines().count() => Self::Signatures,
            _ => Self::Torn,
        }
    }
}

/// The runs of lines that are not empty.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches('\n');
        let end = rest.find("\n\n").map_or(rest.len(), |at| at + 1);
        let (block, after) = rest.split_at(end);
        rest = after;
        (!block.is_empty()).then_some(block)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::note::Signer;

    fn note(size: u64) -> String {
        Checkpoint::sign(size, &[size as u8; 32], &Signer::new("waymark/test", &[3; 32]).unwrap())
    }

    #[test]
    fn a_file_of_many_and_one_note_alone_read_back() {
        assert_eq!(notes(""), Notes::default());
        assert_eq!(notes(&note(1)), Notes { whole: vec![note(1)], cut: 0 });
        let mut file = String::new();
        for size in 1..4 {
            file.push_str(&appended(file.as_bytes(), &note(size)));
        }
        assert_eq!(notes(&file), Notes { whole: vec![note(1), note(2), note(3)], cut: 0 });
        // Put together by `cat`.
        let joined = format!("{}{}", appended(b"", &note(1)), note(2));
        assert_eq!(notes(&joined).whole, [note(1), note(2)]);
    }

    #[test]
    fn wherever_a_write_was_cut_off_the_notes_around_it_are_read() {
        let second = appended(b"\n\n", &note(2));
        for at in 0..=second.len() {
            let mut file = appended(b"", &note(1)).into_bytes();
            file.extend_from_slice(&second.as_bytes()[..at]);
            let torn = notes(&String::from_utf8_lossy(&file));
            file.extend_from_slice(appended(&file, &note(3)).as_bytes());
            let Notes { whole, cut } = notes(&String::from_utf8_lossy(&file));
            let is_whole = at + 1 >= second.len();
            let expected = if is_whole { vec![note(1), note(2), note(3)] } else { vec![note(1), note(3)] };
            assert_eq!(whole, expected, "cut at {at}");
            assert_eq!(torn.whole, expected[..expected.len() - 1], "cut at {at}");
            assert_eq!(cut > 0, at > 0 && !is_whole, "cut at {at}");
        }
    }

    #[test]
    fn what_is_no_checkpoint_is_counted() {
        assert_eq!(notes("hello\n\nthere\n"), Notes { whole: vec![], cut: 2 });
        assert_eq!(notes("\u{2014} alone AAAA\n"), Notes { whole: vec![], cut: 1 });
    }
}
