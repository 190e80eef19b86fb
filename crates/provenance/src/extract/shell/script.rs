//! A shell script's commands: their words, where their output goes, and the documents they are given.

use super::super::paths;

/// A command.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Command {
    /// Its words without quotes. A `$` stands in them for what the shell would put there.
    pub(super) words: Vec<String>,
    /// The file that its output goes into.
    pub(super) into: Option<String>,
    /// Whether it goes behind what is there (`>>`).
    pub(super) appends: bool,
    /// The here-document that it is given.
    pub(super) document: Option<String>,
    /// The folder it runs in, as far as the script says.
    pub(super) folder: Option<String>,
}

/// The longest arithmetic that is passed over.
const LONGEST_SUM: usize = 512;

/// The longest folder that is kept in mind, in bytes.
const LONGEST_FOLDER: usize = 1_024;

/// Commands, each of which hands its output on to the next.
type Pipeline = Vec<Command>;

/// The pipelines of a script that starts in a folder. Those within others come first.
pub(super) fn read(script: &str, folder: Option<&str>) -> Vec<Pipeline> {
    let mut reader = Reader {
        script,
        at: 0,
        frames: vec![Frame::new(folder.map(str::to_owned))],
        documents: Vec::new(),
        read: 0,
        done: Vec::new(),
    };
    reader.run();
    reader.finish()
}

/// What the next word is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Expected {
    Word,
    /// The file that the output goes into.
    File,
    /// Something that does not matter here.
    Nothing,
}

/// A script, or one within it: `(…)`, `$(…)`.
struct Frame {
    pipeline: Vec<Half>,
    command: Half,
    /// The word so far; nothing between words.
    word: Option<Vec<u8>>,
    expected: Expected,
    /// Within double quotes.
    is_quoted: bool,
    folder: Option<String>,
}

/// A command, and which document it is given.
#[derive(Default)]
struct Half {
    command: Command,
    document: Option<usize>,
}

/// A here-document: first only what ends it.
struct Document {
    end: String,
    /// Tabs before its lines are taken off (`<<-`).
    is_indented: bool,
    /// The shell replaces variables in it.
    is_open: bool,
    text: Option<String>,
}

struct Reader<'s> {
    script: &'s str,
    at: usize,
    /// The innermost last; there is always one.
    frames: Vec<Frame>,
    documents: Vec<Document>,
    /// How many of them are read.
    read: usize,
    done: Vec<Vec<Half>>,
}

impl Frame {
    fn new(folder: Option<String>) -> Self {
        Self {
            pipeline: Vec::new(),
            command: Half::default(),
            word: None,
            expected: Expected::Word,
            is_quoted: false,
            folder,
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.word.get_or_insert_default().extend_from_slice(bytes);
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        let word = String::from_utf8_lossy(&word).into_owned();
        match std::mem::replace(&mut self.expected, Expected::Word) {
            Expected::Word => self.command.command.words.push(word),
            Expected::File => self.command.command.into = Some(word),
            Expected::Nothing => {}
        }
    }

    /// Ends a command that hands its output on.
    fn end_command(&mut self) {
        self.end_word();
        self.expected = Expected::Word;
        let mut half = std::mem::take(&mut self.command);
        if half.command.words.is_empty() && half.document.is_none() {
            return;
        }
        half.command.folder.clone_from(&self.folder);
        if let [name, to] = half.command.words.as_slice()
            && ["cd", "pushd"].contains(&name.as_str())
        {
            let is_known = !to.contains(['$', '`']) && to != "-";
            let folder = is_known.then(|| paths::join(self.folder.as_deref(), to));
            self.folder = folder.filter(|folder| folder.len() <= LONGEST_FOLDER);
        }
        self.pipeline.push(half);
    }
}

impl Reader<'_> {
    fn peek(&self, more: usize) -> Option<u8> {
        self.script.as_bytes().get(self.at + more).copied()
    }

    fn starts_with(&self, text: &str) -> bool {
        self.script.as_bytes()[self.at..].starts_with(text.as_bytes())
    }

    fn frame(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame::new(None));
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn push(&mut self, bytes: &[u8]) {
        self.frame().push(bytes);
    }

    fn run(&mut self) {
        while let Some(byte) = self.peek(0) {
            if self.frame().is_quoted {
                self.quoted(byte);
            } else {
                self.plain(byte);
            }
        }
    }

    fn finish(mut self) -> Vec<Pipeline> {
        while !self.frames.is_empty() {
            self.close();
        }
        let mut documents = self.documents;
        // No two commands are given the same.
        let mut whole = |half: Half| {
            let document = half.document.and_then(|at| documents.get_mut(at)?.text.take());
            Command { document, ..half.command }
        };
        self.done.into_iter().map(|pipeline| pipeline.into_iter().map(&mut whole).collect()).collect()
    }

    /// Ends the command and the pipeline.
    fn end(&mut self) {
        self.frame().end_command();
        let pipeline = std::mem::take(&mut self.frame().pipeline);
        if !pipeline.is_empty() {
            self.done.push(pipeline);
        }
    }

    fn close(&mut self) {
        self.end();
        self.frames.pop();
    }

    fn open(&mut self) {
        let folder = self.frame().folder.clone();
        self.frames.push(Frame::new(folder));
    }

    fn quoted(&mut self, byte: u8) {
        self.at += 1;
        match byte {
            b'"' => self.frame().is_quoted = false,
            b'\\' => match self.peek(0) {
                Some(b'\n') => self.at += 1,
                Some(escaped) if b"$`\"\\".contains(&escaped) => {
                    self.push(&[escaped]);
                    self.at += 1;
                }
                _ => self.push(b"\\"),
            },
            b'$' => self.dollar(),
            other => self.push(&[other]),
        }
    }

    fn plain(&mut self, byte: u8) {
        self.at += 1;
        match byte {
            b'\n' => self.line_end(),
            b' ' | b'\t' | b'\r' => self.frame().end_word(),
            b'\\' => {
                match self.peek(0) {
                    Some(b'\n') | None => {}
                    Some(escaped) => self.push(&[escaped]),
                }
                self.at = (self.at + 1).min(self.script.len());
            }
            b'\'' => {
                let end = self.find(b'\'');
                let text = self.script.as_bytes()[self.at..end].to_vec();
                self.push(&text);
                self.at = (end + 1).min(self.script.len());
            }
            b'"' => {
                self.push(b"");
                self.frame().is_quoted = true;
            }
            b'#' if self.frame().word.is_none() => self.at = self.find(b'\n'),
            b'$' => self.dollar(),
            b'`' => {
                self.push(b"$");
                self.at = (self.find(b'`') + 1).min(self.script.len());
            }
            b'(' if self.peek(0) == Some(b'(') => self.skip_sum(),
            b'(' => {
                self.frame().end_word();
                self.open();
            }
            b')' if self.frames.len() > 1 => self.close(),
            b'<' => self.input(),
            b'>' => self.output(),
            b';' => self.end(),
            b'&' | b'|' => self.joint(byte),
            other => self.push(&[other]),
        }
    }

    /// `$(…)`, `$((…))`, `$'…'`, or a variable.
    fn dollar(&mut self) {
        match self.peek(0) {
            Some(b'(') if self.peek(1) == Some(b'(') => {
                self.push(b"$");
                self.skip_sum();
            }
            Some(b'(') => {
                self.push(b"$");
                self.at += 1;
                self.open();
            }
            // In `$'…'` the quotes follow as any others do.
            Some(b'\'') if !self.frame().is_quoted => {}
            _ => self.push(b"$"),
        }
    }

    /// Passes over arithmetic, in which `<<` is no here-document.
    fn skip_sum(&mut self) {
        let rest = &self.script.as_bytes()[self.at..];
        let end = rest.windows(2).take(LONGEST_SUM).position(|window| window == b"))");
        self.at += end.map_or(1, |end| end + 2);
    }

    /// The place of the next such sign, or the end.
    fn find(&self, sign: u8) -> usize {
        let rest = &self.script.as_bytes()[self.at..];
        let found = rest.iter().position(|byte| *byte == sign);
        found.map_or(self.script.len(), |more| self.at + more)
    }

    fn joint(&mut self, byte: u8) {
        match (byte, self.peek(0)) {
            (b'&', Some(b'>')) => {
                self.at += 1;
                self.output();
            }
            (b'|', Some(b'|')) | (b'&', Some(b'&')) => {
                self.at += 1;
                self.end();
            }
            (b'|', next) => {
                if next == Some(b'&') {
                    self.at += 1;
                }
                self.frame().end_command();
            }
            _ => self.end(),
        }
    }

    /// After `>`.
    fn output(&mut self) {
        // `2>`
        let number = self.frame().word.take_if(|word| word.iter().all(u8::is_ascii_digit));
        let is_other = number.is_some_and(|number| number != b"1");
        self.frame().end_word();
        let appends = self.peek(0) == Some(b'>');
        while matches!(self.peek(0), Some(b'>' | b'|')) {
            self.at += 1;
        }
        let is_descriptor = self.peek(0) == Some(b'&');
        if is_descriptor {
            self.at += 1;
        }
        let is_file = !is_other && !is_descriptor;
        self.frame().expected = if is_file { Expected::File } else { Expected::Nothing };
        if is_file {
            self.frame().command.command.appends = appends;
        }
    }

    /// After `<`.
    fn input(&mut self) {
        if self.starts_with("<<") {
            self.at += 2;
        } else if self.peek(0) == Some(b'<') {
            self.at += 1;
            return self.announce();
        }
        self.frame().end_word();
        self.frame().expected = Expected::Nothing;
    }

    /// After `<<`: what will end the document.
    fn announce(&mut self) {
        self.frame().end_word();
        let is_indented = self.peek(0) == Some(b'-');
        if is_indented {
            self.at += 1;
        }
        while matches!(self.peek(0), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        let (mut end, mut is_open) = (Vec::new(), true);
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\'' | b'"' => {
                    is_open = false;
                    self.at += 1;
                    let close = self.find(byte);
                    end.extend_from_slice(&self.script.as_bytes()[self.at..close]);
                    self.at = (close + 1).min(self.script.len());
                }
                b'\\' => {
                    is_open = false;
                    self.at += 1;
                }
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' => break,
                other => {
                    end.push(other);
                    self.at += 1;
                }
            }
        }
        let end = String::from_utf8_lossy(&end).into_owned();
        if end.is_empty() || end.contains('\n') {
            return;
        }
        let number = self.documents.len();
        self.frame().command.document = Some(number);
        self.documents.push(Document { end, is_indented, is_open, text: None });
    }

    fn line_end(&mut self) {
        while self.read < self.documents.len() {
            self.document(self.read);
            self.read += 1;
        }
        // A pipeline goes on after `|` at a line's end.
        let frame = self.frame();
        frame.end_word();
        if !frame.command.command.words.is_empty() || frame.command.document.is_some() {
            self.end();
        }
    }

    /// Reads a document that begins here, to its end or the script's.
    fn document(&mut self, number: usize) {
        let rest = self.script.get(self.at..).unwrap_or_default();
        let Document { end, is_indented, is_open, .. } = &self.documents[number];
        let mut text = String::new();
        let mut taken = 0;
        for line in rest.split_inclusive('\n') {
            taken += line.len();
            let line = if *is_indented { line.trim_start_matches('\t') } else { line };
            if line.trim_end_matches(['\n', '\r']) == end {
                break;
            }
            text.push_str(line);
        }
        if *is_open {
            text = unescaped(&text);
        }
        self.at += taken;
        self.documents[number].text = Some(text);
    }
}

/// A document's text with what the shell takes off: the signs that keep it from replacing things.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.as_bytes().first() {
            Some(b'\n') => rest = &rest[1..],
            Some(b'$' | b'`' | b'\\') => {
                plain.push_str(&rest[..1]);
                rest = &rest[1..];
            }
            _ => plain.push('\\'),
        }
    }
    plain.push_str(rest);
    plain
}
