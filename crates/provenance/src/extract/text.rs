//! The code in an answer's text: fenced blocks, blocks of search and replace, patches, diffs and tool calls as tags.

use super::piece::Piece;
use super::{blocks, diff, fences, lines, markup, patch};

/// A text being read line by line.
struct Page<'t> {
    text: &'t str,
    lines: Vec<&'t str>,
    /// Where each line begins.
    starts: Vec<usize>,
    at: usize,
    pieces: Vec<Piece>,
    /// An edit's tag has opened and not closed: none further on will.
    has_open_swap: bool,
}

/// The code that a text shows, in order.
pub(super) fn read(text: &str) -> Vec<Piece> {
    let mut start = 0;
    let starts = text.split_inclusive('\n').map(|line| {
        start += line.len();
        start - line.len()
    });
    let starts: Vec<usize> = starts.collect();
    let lines = lines::split(text).collect();
    let mut page = Page { text, lines, starts, at: 0, pieces: Vec::new(), has_open_swap: false };
    while page.at < page.lines.len() {
        page.step();
    }
    page.pieces
}

impl Page<'_> {
    /// Reads what begins at this line.
    fn step(&mut self) {
        let (at, line) = (self.at, self.lines[self.at]);
        if let Some((fence, taken)) = fences::read(&self.lines[at..]) {
            let before = self.pieces.last().and_then(Piece::path);
            self.pieces.extend(fence.pieces(fences::above(&self.lines[..at]), before));
            self.at += taken;
        } else if let Some(taken) = self.tag(line) {
            self.at += taken;
        } else if blocks::begins(line) {
            let above = blocks::path_above(&self.lines[..at]).map(str::to_owned);
            let path = above.or_else(|| self.pieces.last().and_then(Piece::path).map(str::to_owned));
            let (piece, taken) = blocks::one(&self.lines[at..], path);
            self.pieces.extend(piece);
            self.at += taken;
        } else if patch::begins(line) {
            let end = self.lines[at..].iter().position(|line| patch::ends(line));
            let end = end.map_or(self.lines.len(), |more| at + more + 1);
            let text = self.lines[at..end].join("\n");
            self.pieces.extend(patch::read(&text, None).into_iter().map(Piece::Laid));
            self.at = end;
        } else if diff::begins(&self.lines, at) {
            let (files, taken) = diff::read_amid(&self.lines[at..]);
            self.pieces.extend(files.into_iter().map(Piece::Laid));
            self.at += taken.max(1);
        } else {
            self.at += 1;
        }
    }

    /// Reads a call or an edit whose tag opens on the line; how many lines it takes.
    fn tag(&mut self, line: &str) -> Option<usize> {
        let indent = line.len() - line.trim_start().len();
        if !line[indent..].starts_with('<') {
            return None;
        }
        let start = self.starts.get(self.at)? + indent;
        let text = self.text.get(start..)?;
        let is_swap = markup::begins_swap(text);
        if is_swap && self.has_open_swap {
            return None;
        }
        let found = markup::read(text);
        self.has_open_swap |= is_swap && found.is_none();
        let (pieces, length) = found?;
        self.pieces.extend(pieces);
        let next = self.starts.partition_point(|line| *line < start + length);
        Some((next - self.at).max(1))
    }
}
