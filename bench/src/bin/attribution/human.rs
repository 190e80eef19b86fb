//! A person at work: what they change in lines that a model put out, and what they type themselves.

use waymark_testkit::Random;

use crate::format::{self, Style};
use crate::truth::{
    Entry, File, Line, THIRD, Truth, bare, is_trivial, is_within_a_third, most_changed, share, words,
};

/// A small change stays clearly below a third, a rewritten line clearly above.
const SMALL: f64 = THIRD - 0.03;
const WHOLE: f64 = 0.6;

const NAMES: [&str; 12] = [
    "value", "inner", "entry", "count", "result", "source", "target", "buffer", "offset", "config", "handle",
    "node",
];
/// Words of remarks.
const REMARKS: [&str; 60] = [
    "why",
    "this",
    "order",
    "matters",
    "older",
    "readers",
    "expect",
    "spaces",
    "until",
    "tomorrow",
    "keep",
    "beside",
    "whoever",
    "measured",
    "twice",
    "slower",
    "than",
    "before",
    "never",
    "both",
    "halves",
    "borrowed",
    "from",
    "paper",
    "checked",
    "against",
    "ledger",
    "winter",
    "branch",
    "careful",
    "with",
    "negative",
    "sums",
    "rounding",
    "happens",
    "later",
    "asked",
    "librarian",
    "nobody",
    "remembers",
    "table",
    "below",
    "agrees",
    "unless",
    "empty",
    "faster",
    "without",
    "locks",
    "Monday",
    "batch",
    "only",
    "small",
    "shelves",
    "need",
    "it",
    "see",
    "chapter",
    "nine",
    "and",
    "elsewhere",
];
/// Words that are nobody's to rename.
const KEYWORDS: [&str; 40] = [
    "let", "mut", "fn", "pub", "use", "impl", "struct", "enum", "match", "return", "self", "this", "for",
    "while", "else", "elif", "def", "class", "import", "from", "func", "var", "const", "static", "void",
    "int", "char", "public", "private", "final", "new", "null", "None", "nil", "true", "false", "True",
    "False", "function", "package",
];

/// Lines that people wrote, by the ending of their files.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    lines: std::collections::BTreeMap<String, Vec<String>>,
}

impl Pool {
    /// Takes in a file of the replayed history.
    pub(crate) fn take_in(&mut self, path: &str, text: &str) {
        let lines = self.lines.entry(ending(path).to_owned()).or_default();
        let is_telling = |line: &&str| !is_trivial(line) && (12..90).contains(&line.trim().len());
        lines.extend(text.lines().filter(is_telling).map(str::to_owned));
        lines.sort_unstable();
        lines.dedup();
    }

    /// A line for a file like this.
    pub(crate) fn line(&self, path: &str, random: &mut Random) -> String {
        match self.lines.get(ending(path)) {
            Some(lines) if lines.len() > 50 => lines[random.below(lines.len())].clone(),
            _ => remark(path, random),
        }
    }

    /// A line that has little to do with any of these.
    pub(crate) fn apart_from(&self, lines: &[&str], path: &str, random: &mut Random) -> String {
        let is_apart = |drawn: &String| {
            lines.iter().all(|line| share(drawn, line) > WHOLE && !is_within_a_third(drawn, line))
        };
        let drawn = (0..20).map(|_| self.line(path, random)).find(is_apart);
        drawn.unwrap_or_else(|| remark(path, random))
    }
}

/// A line with something to say, and hardly ever the same.
fn remark(path: &str, random: &mut Random) -> String {
    let words = (0..3 + random.below(5)).map(|_| REMARKS[random.below(REMARKS.len())]);
    format!("{} {}", comment(path), words.collect::<Vec<_>>().join(" "))
}

/// What a path ends in.
pub(crate) fn ending(path: &str) -> &str {
    path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map_or("", |(_, ending)| ending)
}

/// How a comment starts in such a file.
pub(crate) fn comment(path: &str) -> &'static str {
    match ending(path) {
        "py" | "sh" | "toml" | "yml" | "yaml" | "rb" | "cfg" | "txt" | "" => "#",
        "md" | "rst" | "html" => "-",
        _ => "//",
    }
}

/// The person at work on a file after a model's emission landed in it, in the commit under way.
pub(crate) struct Hand<'a> {
    pub(crate) random: &'a mut Random,
    pub(crate) pool: &'a Pool,
    pub(crate) path: &'a str,
    pub(crate) commit: usize,
    /// What the person took away.
    pub(crate) went: Vec<Line>,
}

impl Hand<'_> {
    fn chance(&mut self, of_a_hundred: usize) -> bool {
        self.random.below(100) < of_a_hundred
    }

    /// Goes over what an emission left in the file: leaves it alone, or changes some of it.
    pub(crate) fn goes_over(&mut self, file: &mut File, emission: usize) {
        if self.chance(35) {
            return;
        }
        if self.chance(30) {
            self.renames(file, emission);
        }
        let mut at = 0;
        while at < file.entries.len() {
            at += match file.entries[at].live() {
                Some(line) if of(line, emission) => self.touches(file, at, emission),
                _ => 1,
            };
        }
        if self.chance(30) {
            let own = |line: &Line| of(line, emission);
            let first = file.entries.iter().position(|entry| entry.live().is_some_and(own));
            let last = file.entries.iter().rposition(|entry| entry.live().is_some_and(own));
            if let Some((first, last)) = first.zip(last) {
                self.formats(file, first..last + 1);
            }
        }
    }

    /// Changes one emitted line, or not; how many entries to go on by.
    fn touches(&mut self, file: &mut File, at: usize, emission: usize) -> usize {
        let Some(line) = file.entries[at].live().cloned() else { return 1 };
        let emitted = || -> Vec<&str> {
            file.lines().filter(|line| of(line, emission)).map(|line| line.text.as_str()).collect()
        };
        match self.random.below(100) {
            0..8 => {
                let text = nudged(&line.text, self.path, self.random).unwrap_or(line.text.clone());
                self.edits(file, at, &text);
                1
            }
            8..12 if !is_trivial(&line.text) => {
                let text = self.pool.apart_from(&emitted(), self.path, self.random);
                let typed = Line::typed(&text, self.commit, line.place);
                self.went.extend(file.replace(at..at + 1, vec![typed]));
                2
            }
            12..16 => {
                self.went.extend(file.replace(at..at + 1, Vec::new()));
                1
            }
            16..21 => {
                let count = 1 + self.random.below(3);
                let emitted = emitted();
                let lines = (0..count).map(|_| {
                    let text = self.pool.apart_from(&emitted, self.path, self.random);
                    Line::typed(&text, self.commit, line.place.after())
                });
                let lines: Vec<Line> = lines.collect();
                file.replace(at + 1..at + 1, lines);
                1 + count
            }
            _ => 1,
        }
    }

    /// Makes the line read `text`.
    fn edits(&self, file: &mut File, at: usize, text: &str) {
        let Some(line) = file.entries[at].live_mut() else { return };
        if line.text != text {
            line.truth = line.truth.edited(text);
            text.clone_into(&mut line.text);
            line.born = self.commit;
        }
    }

    /// Gives something in the emission another name, everywhere in it.
    fn renames(&mut self, file: &mut File, emission: usize) {
        let own = file.lines().filter(|line| of(line, emission));
        let names: Vec<String> =
            own.flat_map(|line| words(&line.text)).filter(|word| is_name(word)).map(str::to_owned).collect();
        if names.is_empty() {
            return;
        }
        let old = &names[self.random.below(names.len())];
        let new = NAMES[self.random.below(NAMES.len())];
        for at in 0..file.entries.len() {
            let renamed = file.entries[at].live().filter(|line| of(line, emission));
            if let Some(text) = renamed.map(|line| renamed_in(&line.text, old, new)) {
                self.edits(file, at, &text);
            }
        }
    }

    /// Runs a formatter over a stretch of the file.
    pub(crate) fn formats(&mut self, file: &mut File, entries: std::ops::Range<usize>) {
        let style = Style::drawn(self.random.below(120));
        formats(file, entries, &style, self.commit);
    }
}

/// Runs a formatter over a stretch of the file, in this commit.
pub(crate) fn formats(file: &mut File, entries: std::ops::Range<usize>, style: &Style, commit: usize) {
    let stretch: Vec<Entry> = file.entries.drain(entries.clone()).collect();
    let (mut ghosts, mut lines) = (Vec::new(), Vec::new());
    for entry in stretch {
        match entry {
            Entry::Live(line) => lines.push(line),
            Entry::Ghost(text) => ghosts.push((lines.len(), text)),
        }
    }
    let may_join = |range: std::ops::Range<usize>| {
        let first = &lines[range.start].truth;
        lines[range].iter().all(|line| alike(first, &line.truth))
    };
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    let formatted = format::format(&texts, style, &may_join);
    let mut outcome = Vec::new();
    let mut ghosts = ghosts.into_iter().peekable();
    for (number, (range, text)) in formatted.iter().enumerate() {
        while let Some((_, ghost)) = ghosts.next_if(|(before, _)| *before <= range.start) {
            outcome.push(Entry::Ghost(ghost));
        }
        let is_first = number == 0 || formatted[number - 1].0 != *range;
        let is_piece =
            !is_first || range.len() > 1 || formatted.get(number + 1).is_some_and(|next| next.0 == *range);
        let line = &lines[range.start];
        if *text == line.text && !is_piece {
            outcome.push(Entry::Live(line.clone()));
            continue;
        }
        let place = line.place.through(&lines[range.end - 1].place);
        let place = if is_first { place } else { place.after() };
        let truth = line.truth.formatted(text, is_piece);
        // Space alone makes no other line.
        let born = if bare(text) == bare(&line.text) { line.born } else { commit };
        outcome.push(Entry::Live(Line { text: text.clone(), truth, born, place }));
    }
    outcome.extend(ghosts.map(|(_, ghost)| Entry::Ghost(ghost)));
    file.entries.splice(entries.start..entries.start, outcome);
}

/// Whether lines of these two may become one.
fn alike(a: &Truth, b: &Truth) -> bool {
    match (a, b) {
        (Truth::Human, Truth::Human) => true,
        _ => matches!((a.origin(), b.origin()), (Some(a), Some(b)) if a.emission == b.emission),
    }
}

fn of(line: &Line, emission: usize) -> bool {
    line.truth.origin().is_some_and(|origin| origin.emission == emission)
}

fn is_name(word: &str) -> bool {
    word.len() >= 3 && !word.starts_with(|c: char| c.is_numeric()) && !KEYWORDS.contains(&word)
}

/// The line with another name in the place of one, as a whole word.
fn renamed_in(text: &str, old: &str, new: &str) -> String {
    let mut outcome = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(old) {
        let (before, after) = (&rest[..at], &rest[at + old.len()..]);
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let last = before.chars().last().or(outcome.chars().last());
        let is_word = !last.is_some_and(is_part) && !after.starts_with(is_part);
        outcome.push_str(before);
        outcome.push_str(if is_word { new } else { old });
        rest = after;
    }
    outcome + rest
}

/// The line with a small change, if one can be thought of.
pub(crate) fn nudged(text: &str, path: &str, random: &mut Random) -> Option<String> {
    if is_trivial(text) {
        return None;
    }
    let mut ways = Vec::new();
    let names: Vec<&str> = words(text).filter(|word| is_name(word)).collect();
    if !names.is_empty() {
        let old = names[random.below(names.len())];
        ways.push(renamed_in(text, old, NAMES[random.below(NAMES.len())]));
        ways.push(renamed_in(text, old, &format!("{old}_{}", random.below(9))));
    }
    if let Some(digit) = text.find(|c: char| c.is_ascii_digit()) {
        ways.push(format!("{}{}{}", &text[..digit], 1 + random.below(9), &text[digit + 1..]));
    }
    for (old, new) in
        [("true", "false"), ("==", "!="), ("<", "<="), ("\"", "\"_"), ("(", "(&"), (" = ", " += ")]
    {
        if text.contains(old) {
            ways.push(text.replacen(old, new, 1));
        }
    }
    ways.push(format!("{text}  {} ok", comment(path)));
    ways.retain(|way| {
        way != text && most_changed(way, text) <= THIRD && share(way, text) > 0.0 && share(way, text) <= SMALL
    });
    if ways.is_empty() { None } else { Some(ways.swap_remove(random.below(ways.len()))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::truth::{How, Place};

    fn emitted(texts: &[&str]) -> File {
        let line =
            |(at, text): (usize, &&str)| Entry::Live(Line::emitted(text, 3, 1, Place::New(at..at + 1)));
        File { entries: texts.iter().enumerate().map(line).collect() }
    }

    #[test]
    fn names_are_changed_as_whole_words() {
        assert_eq!(renamed_in("item = items[item]", "item", "x"), "x = items[x]");
        assert_eq!(renamed_in("itemitem", "item", "x"), "itemitem");
    }

    #[test]
    fn a_small_change_is_small() {
        let mut random = Random::seeded(1);
        for _ in 0..200 {
            let line = "    let total = sum(items, 3);";
            let nudged = nudged(line, "a.rs", &mut random).unwrap();
            assert!(nudged != line && share(&nudged, line) <= THIRD, "{nudged}");
        }
        assert_eq!(nudged("});", "a.rs", &mut random), None);
    }

    #[test]
    fn formatting_keeps_count_of_who_wrote_what() {
        let mut file = emitted(&["        call(", "            one,", "            two,", "        )"]);
        file.entries.insert(1, Entry::Ghost("gone".to_owned()));
        file.entries.push(Entry::Live(Line::typed("        human(),", 0, Place::Old(0..1))));
        let style = Style { join: true, ..Style::drawn(0) };
        formats(&mut file, 0..6, &style, 2);
        assert_eq!(file.text(), "    call(one, two)\n    human(),\n");
        let page = file.page();
        assert!(matches!(page[0].1, Truth::Changed(_, How::Formatted)), "{page:?}");
        assert_eq!(page[1].1, Truth::Human);
        assert_eq!(file.entries.iter().filter(|entry| entry.live().is_none()).count(), 1);
    }

    #[test]
    fn whatever_a_person_does_no_line_of_theirs_becomes_the_model_s() {
        let mut pool = Pool::default();
        let text: String = (0..80).map(|number| format!("let human_{number} = line();\n")).collect();
        pool.take_in("a.rs", &text);
        for seed in 0..200 {
            let mut random = Random::seeded(seed);
            let mut file =
                emitted(&["let total = sum(items);", "    for item in items {", "}", "return total;"]);
            let mut hand =
                Hand { random: &mut random, pool: &pool, path: "a.rs", commit: 1, went: Vec::new() };
            hand.goes_over(&mut file, 3);
            for (text, truth) in file.page() {
                assert!(!text.contains("human") || truth.origin().is_none(), "{text} {truth:?}");
            }
        }
    }
}
