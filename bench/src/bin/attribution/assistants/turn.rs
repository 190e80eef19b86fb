//! One turn of an assistant: the file as the model read it, and what it makes of it.

use std::ops::Range;

/// How many lines of the file around a change are quoted at most, on each side.
const MOST_CONTEXT: usize = 10;

/// What a model is asked for, and what it will answer.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    /// From the repository's root.
    pub(crate) path: String,
    /// The repository's name.
    pub(crate) repository: String,
    pub(crate) session: String,
    /// What the person asks for.
    pub(crate) task: String,
    /// Draws among the ways in which an assistant may say the same.
    pub(crate) style: usize,
    /// Whether the file is there.
    pub(crate) exists: bool,
    /// Its lines as the model read them.
    pub(crate) before: Vec<String>,
    /// What changes, in order.
    pub(crate) pieces: Vec<Piece>,
}

/// One change: these lines make way for those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) at: Range<usize>,
    pub(crate) added: Vec<String>,
}

/// Lines to find, and what to put there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quote {
    pub(crate) old: Vec<String>,
    pub(crate) new: Vec<String>,
}

/// A hunk of a diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Where it starts before and after, counted from 0.
    pub(crate) old: Range<usize>,
    pub(crate) new: Range<usize>,
    pub(crate) lines: Vec<(char, String)>,
}

impl Piece {
    /// Lines with something in them.
    pub(crate) fn words(&self) -> usize {
        self.added.iter().filter(|line| !crate::truth::is_trivial(line)).count()
    }
}

impl Turn {
    pub(crate) fn is_new(&self) -> bool {
        !self.exists
    }

    /// The folder that the assistant works in.
    pub(crate) fn folder(&self) -> String {
        format!("/projects/{}", self.repository)
    }

    /// The file's path from the root of the machine.
    pub(crate) fn absolute(&self) -> String {
        format!("{}/{}", self.folder(), self.path)
    }

    /// The file as the model read it.
    pub(crate) fn text(&self) -> String {
        joined(&self.before)
    }

    /// The file as the model leaves it.
    pub(crate) fn after(&self) -> Vec<String> {
        let (mut after, mut at) = (Vec::new(), 0);
        for piece in &self.pieces {
            after.extend_from_slice(&self.before[at..piece.at.start]);
            after.extend_from_slice(&piece.added);
            at = piece.at.end;
        }
        after.extend_from_slice(&self.before[at..]);
        after
    }

    /// The same as text.
    pub(crate) fn written(&self) -> String {
        joined(&self.after())
    }

    /// Every change with lines around it that say where it goes; nothing where they do not.
    pub(crate) fn quotes(&self) -> Option<Vec<Quote>> {
        (0..self.pieces.len()).map(|number| self.quote(number)).collect()
    }

    /// The same as texts to find and to put there; in one of four turns no longer than it takes, from word to word.
    pub(crate) fn swaps(&self) -> Vec<(String, String)> {
        let quotes = self.quotes().unwrap_or_default().into_iter().enumerate();
        let is_short = self.style / 16 % 4 == 3;
        let swap = |(number, quote): (usize, Quote)| {
            let short = is_short.then(|| self.short_swap(number)).flatten();
            short.unwrap_or_else(|| (quote.old.join("\n"), quote.new.join("\n")))
        };
        quotes.map(swap).collect()
    }

    /// The words that change in one line, and of those around it so many that the file has them once.
    fn short_swap(&self, number: usize) -> Option<(String, String)> {
        let piece = self.pieces.get(number).filter(|piece| piece.at.len() == 1)?;
        let (text, old) = (self.text(), self.before[piece.at.clone()].join("\n"));
        let new = piece.added.join("\n");
        let ends = |text: &str| -> Vec<usize> {
            let word = |letter: char| letter.is_alphanumeric() || letter == '_';
            let letters: Vec<(usize, char)> = text.char_indices().collect();
            let inner = letters.windows(2).filter(|pair| !word(pair[0].1) || !word(pair[1].1));
            [0].into_iter().chain(inner.map(|pair| pair[1].0)).chain([text.len()]).collect()
        };
        let stops = ends(&old);
        let same = |at: &usize| old.get(..*at).is_some_and(|head| new.get(..*at) == Some(head));
        let mut start = *stops.iter().rfind(|at| same(at) && ends(&new).contains(at))?;
        let (old_rest, new_rest) = (&old[start..], &new[start..]);
        let tail = |at: &usize| {
            let tail = &old_rest[*at..];
            new_rest.strip_suffix(tail).is_some_and(|head| ends(new_rest).contains(&head.len()))
        };
        let mut behind = old_rest.len() - *ends(old_rest).iter().find(|at| tail(at))?;
        loop {
            let (found, put) = (&old[start..old.len() - behind], &new[start..new.len() - behind]);
            if !found.trim().is_empty() && !put.trim().is_empty() && text.matches(found).count() == 1 {
                return Some((found.to_owned(), put.to_owned()));
            }
            if start == 0 && behind == 0 {
                return None;
            }
            let end = old.len() - behind;
            start = stops.iter().copied().rfind(|at| *at < start).unwrap_or_default();
            behind = old.len() - stops.iter().copied().find(|at| *at > end).unwrap_or(old.len());
        }
    }

    /// Whether all of its changes can be said so.
    pub(crate) fn can_be_quoted(&self) -> bool {
        self.quotes().is_some()
    }

    fn quote(&self, number: usize) -> Option<Quote> {
        let text = self.text();
        (self.style % 4..=MOST_CONTEXT).find_map(|context| {
            let old = self.before[self.reach(number, context)].to_vec();
            let is_one = old.iter().any(|line| !line.trim().is_empty())
                && text.matches(old.join("\n").as_str()).count() == 1;
            is_one.then(|| Quote { new: self.around(number, context), old })
        })
    }

    /// The lines of a change and so many around it.
    pub(crate) fn around(&self, number: usize, context: usize) -> Vec<String> {
        let (piece, reach) = (&self.pieces[number], self.reach(number, context));
        let before = &self.before[reach.start..piece.at.start];
        [before, &piece.added, &self.before[piece.at.end..reach.end]].concat()
    }

    /// The lines that a change takes the place of and so many around them, up to the next changes.
    fn reach(&self, number: usize, context: usize) -> Range<usize> {
        let at = &self.pieces[number].at;
        let first = number.checked_sub(1).map_or(0, |before| self.pieces[before].at.end);
        let last = self.pieces.get(number + 1).map_or(self.before.len(), |next| next.at.start);
        at.start.saturating_sub(context).max(first)..(at.end + context).min(last)
    }

    /// Whether all it does is to add lines at the end of the file.
    pub(crate) fn is_at_the_end(&self) -> bool {
        matches!(&self.pieces[..], [piece] if piece.at.start == self.before.len())
    }

    /// The changes as hunks of a diff with so many lines around each.
    pub(crate) fn stretches(&self, context: usize) -> Vec<Stretch> {
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut shift = 0_isize;
        let same = |range: Range<usize>| self.before[range].iter().map(|line| (' ', line.clone()));
        for piece in &self.pieces {
            let start = piece.at.start.saturating_sub(context);
            let is_near = stretches.last().is_some_and(|last| start <= last.old.end);
            if !is_near {
                let new = (start as isize + shift) as usize;
                stretches.push(Stretch { old: start..start, new: new..new, lines: Vec::new() });
            }
            if let Some(stretch) = stretches.last_mut() {
                // What the one before has quoted past its own end is taken back where the two overlap.
                let have = stretch.old.end;
                let keep = have.min(piece.at.start);
                stretch.lines.truncate(stretch.lines.len() - (have - keep));
                stretch.lines.extend(same(keep..piece.at.start));
                stretch.lines.extend(self.before[piece.at.clone()].iter().map(|line| ('-', line.clone())));
                stretch.lines.extend(piece.added.iter().map(|line| ('+', line.clone())));
                let end = (piece.at.end + context).min(self.before.len());
                stretch.lines.extend(same(piece.at.end..end));
                stretch.old.end = end;
                let count = stretch.lines.iter().filter(|(sign, _)| *sign != '-').count();
                stretch.new.end = stretch.new.start + count;
            }
            shift += piece.added.len() as isize - piece.at.len() as isize;
        }
        stretches
    }
}

/// Lines as text, the last with its end.
pub(crate) fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn edited() -> Turn {
        let before =
            ["use std::fmt;", "", "fn first() {", "    one();", "}", "", "fn last() {", "    nine();", "}"];
        let lines = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Turn {
            path: "src/shelf.rs".to_owned(),
            repository: "library".to_owned(),
            session: "session-1".to_owned(),
            task: "Count the books.".to_owned(),
            style: 0,
            exists: true,
            before: lines(&before),
            pieces: vec![Piece {
                at: 5..5,
                added: lines(&[
                    "",
                    "fn middle() -> usize {",
                    "    let count = books();",
                    "    count + 1",
                    "}",
                ]),
            }],
        }
    }

    pub(crate) fn created() -> Turn {
        let turn = edited();
        Turn {
            exists: false,
            before: Vec::new(),
            pieces: vec![Piece { at: 0..0, added: turn.after() }],
            ..turn
        }
    }

    #[test]
    fn quotes_say_where_a_change_goes() {
        let turn = edited();
        let quotes = turn.quotes().unwrap();
        let text = turn.text();
        assert_eq!(text.replacen(&quotes[0].old.join("\n"), &quotes[0].new.join("\n"), 1), turn.written());
        assert!(quotes[0].old.len() >= 2, "a bracket alone is there twice: {quotes:?}");
        assert!(!created().can_be_quoted());
    }

    #[test]
    fn short_swaps_make_the_same_of_a_file() {
        let lines = ["    let one = first(a, b);", "    let two = first(a);", "}"];
        let before: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        for (at, added, wanted) in [
            (0, "    let one = first(a, c, b);", (" b", " c, b")),
            (1, "    let two = second(a);", (" = first(a)", " = second(a)")),
            (1, "    let two = first(a);\n    three();", ("a);", "a);\n    three();")),
        ] {
            let pieces = vec![Piece { at: at..at + 1, added: added.lines().map(str::to_owned).collect() }];
            let turn = Turn { before: before.clone(), pieces, style: 3 * 16, ..edited() };
            let (old, new) = turn.swaps().remove(0);
            assert_eq!((old.as_str(), new.as_str()), wanted);
            assert_eq!(turn.text().matches(&old).count(), 1, "{old}");
            assert_eq!(turn.text().replacen(&old, &new, 1), turn.written());
        }
    }

    #[test]
    fn a_diff_holds_the_whole_change() {
        let mut turn = edited();
        turn.pieces.push(Piece { at: 7..8, added: vec!["    ten();".to_owned()] });
        for context in 0..6 {
            let stretches = turn.stretches(context);
            let side = |sign: char, stretch: &Stretch| -> Vec<String> {
                stretch.lines.iter().filter(|(is, _)| *is != sign).map(|(_, line)| line.clone()).collect()
            };
            for stretch in &stretches {
                assert_eq!(side('+', stretch), turn.before[stretch.old.clone()], "{context}: {stretch:?}");
                assert_eq!(side('-', stretch), turn.after()[stretch.new.clone()], "{context}: {stretch:?}");
            }
        }
        assert_eq!(turn.stretches(0).len(), 2);
        assert_eq!(turn.stretches(5).len(), 1);
    }
}
