//! Who wrote each line of a file, known by construction: a ledger of truth that moves along with every change.
//!
//! What a model put out and nobody kept stays in the file as a ghost, so that a line which a person types in its place
//! can be told from one that has nothing to do with it.

use std::ops::Range;

/// A changed line is the model's up to this share of its text, and a person's from there on.
pub(crate) const THIRD: f64 = 1.0 / 3.0;
/// How far from a ghost a line still stands in its place, in lines.
const NEAR: usize = 12;
/// A line with fewer letters and digits says nothing.
const WORDLESS: usize = 3;

/// Who wrote a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Truth {
    /// A person typed it.
    Human,
    /// It stands as a model put it out.
    Emitted(Origin),
    /// A model put it out, and it was changed since.
    Changed(Origin, How),
    /// Nobody could tell.
    Unclear(Why),
}

/// What a line comes of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The number of the emission.
    pub(crate) emission: usize,
    /// The line as it was put out, or as a formatter left it.
    pub(crate) text: String,
}

/// What happened to a model's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    /// A formatter went over it.
    Formatted,
    /// A person changed up to a third of it.
    Edited,
}

/// Why nobody could tell whose a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// A person typed what a model had put out at the same place, or nearly.
    Retyped,
    /// A person typed in the same commit what a model put out next to it.
    Twin,
    /// It was taken away elsewhere in the same commit: moved, most likely, or indented anew.
    Moved,
    /// More than a third of it was changed, and not all.
    Between,
    /// git's own blame takes it for another line of the same text.
    Misplaced,
}

/// A line of a file, or what could have been one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    Live(Line),
    /// The text of a model's line that is not there, or not any more.
    Ghost(String),
}

/// A line that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) truth: Truth,
    /// The commit of the replay that brought it as it stands.
    pub(crate) born: usize,
    /// Which lines of the replayed history's file it stands for; none for what the replay has added.
    pub(crate) place: Place,
}

/// Lines of the file in the history that is replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Before the commit under way.
    Old(Range<usize>),
    /// After it.
    New(Range<usize>),
}

/// One change of the replayed history: which lines made way for which, counted from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hunk {
    pub(crate) old: Range<usize>,
    pub(crate) new: Range<usize>,
}

/// A file of the replay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) entries: Vec<Entry>,
}

/// A file's lines and who wrote them: what is asked about.
pub(crate) type Page = Vec<(String, Truth)>;

impl Truth {
    /// The emission that it comes of.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Emitted(origin) | Self::Changed(origin, _) => Some(origin),
            Self::Human | Self::Unclear(_) => None,
        }
    }

    /// The same after a formatter has gone over the line; `is_piece` where it stands for part of one or for several.
    pub(crate) fn formatted(&self, text: &str, is_piece: bool) -> Self {
        match self {
            Self::Emitted(origin) | Self::Changed(origin, How::Formatted) => {
                let text = text.to_owned();
                Self::Changed(Origin { emission: origin.emission, text }, How::Formatted)
            }
            Self::Changed(_, How::Edited) if is_piece => Self::Unclear(Why::Between),
            other => other.clone(),
        }
    }

    /// The same after a person has made the line read `text`.
    pub(crate) fn edited(&self, text: &str) -> Self {
        match self {
            Self::Emitted(origin) | Self::Changed(origin, _) if most_changed(&origin.text, text) <= THIRD => {
                Self::Changed(origin.clone(), How::Edited)
            }
            Self::Emitted(_) | Self::Changed(..) => Self::Unclear(Why::Between),
            other => other.clone(),
        }
    }
}

impl Line {
    /// A line that a person types.
    pub(crate) fn typed(text: &str, born: usize, place: Place) -> Self {
        Self { text: text.to_owned(), truth: Truth::Human, born, place }
    }

    /// The same with the text and at the place of another, which reads the same but for its white space: whose words they
    /// are and when they came stays as it was, as `git blame -w` has it.
    fn respaced(&self, other: Self) -> Self {
        if other.text == self.text {
            return Self { place: other.place, ..self.clone() };
        }
        Self { truth: self.truth.formatted(&other.text, false), born: self.born, ..other }
    }

    /// What stays in its place when it goes: nothing where no model had a hand in it.
    fn ghost(&self) -> Option<String> {
        match &self.truth {
            Truth::Human => None,
            Truth::Unclear(_) => Some(self.text.clone()),
            Truth::Emitted(origin) | Truth::Changed(origin, _) => Some(origin.text.clone()),
        }
    }

    /// A line that a model puts out and that stays.
    pub(crate) fn emitted(text: &str, emission: usize, born: usize, place: Place) -> Self {
        let origin = Origin { emission, text: text.to_owned() };
        Self { text: text.to_owned(), truth: Truth::Emitted(origin), born, place }
    }
}

impl Place {
    /// The place of a line that comes after this one and stands for none.
    pub(crate) fn after(&self) -> Self {
        match self {
            Self::Old(range) => Self::Old(range.end..range.end),
            Self::New(range) => Self::New(range.end..range.end),
        }
    }

    /// The place of the lines from this one to `last`.
    pub(crate) fn through(&self, last: &Self) -> Self {
        match (self, last) {
            (Self::Old(first), Self::Old(last)) => Self::Old(first.start..last.end.max(first.end)),
            (Self::New(first), Self::New(last)) => Self::New(first.start..last.end.max(first.end)),
            _ => self.clone(),
        }
    }
}

impl Entry {
    pub(crate) fn live(&self) -> Option<&Line> {
        match self {
            Self::Live(line) => Some(line),
            Self::Ghost(_) => None,
        }
    }

    /// The text, if a model had a hand in it.
    pub(crate) fn of_a_model(&self) -> Option<&str> {
        match self {
            Self::Live(line) => (line.truth != Truth::Human).then_some(&line.text),
            Self::Ghost(text) => Some(text),
        }
    }

    pub(crate) fn live_mut(&mut self) -> Option<&mut Line> {
        match self {
            Self::Live(line) => Some(line),
            Self::Ghost(_) => None,
        }
    }
}

impl File {
    /// A file that people wrote.
    pub(crate) fn typed(text: &str, born: usize) -> Self {
        let lines = text.lines().enumerate();
        let entries = lines
            .map(|(number, line)| Entry::Live(Line::typed(line, born, Place::Old(number..number + 1))))
            .collect();
        Self { entries }
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.entries.iter().filter_map(Entry::live)
    }

    /// The file as it stands.
    pub(crate) fn text(&self) -> String {
        self.lines().map(|line| format!("{}\n", line.text)).collect()
    }

    /// Its lines and who wrote them.
    pub(crate) fn page(&self) -> Page {
        self.lines().map(|line| (line.text.clone(), line.truth.clone())).collect()
    }

    /// The entries that a hunk of the replayed history takes away; an empty range where its lines go.
    pub(crate) fn spot(&self, hunk: &Hunk) -> Range<usize> {
        let old = |entry: &Entry| match entry.live()?.place {
            Place::Old(ref range) => Some(range.clone()),
            Place::New(_) => None,
        };
        let is_hit = |entry: &Entry| {
            old(entry).is_some_and(|range| {
                !range.is_empty() && range.start < hunk.old.end && hunk.old.start < range.end
            })
        };
        if let Some(first) = self.entries.iter().position(is_hit) {
            let last = self.entries.iter().rposition(is_hit).unwrap_or(first);
            return first..last + 1;
        }
        let is_before = |entry: &Entry| old(entry).is_some_and(|range| range.end <= hunk.old.start);
        let mut at = self.entries.iter().rposition(is_before).map_or(0, |last| last + 1);
        let is_earlier = |entry: &Entry| match entry {
            Entry::Live(Line { place: Place::New(range), .. }) => range.start < hunk.new.start,
            Entry::Live(_) => false,
            Entry::Ghost(_) => true,
        };
        while self.entries.get(at).is_some_and(is_earlier) {
            at += 1;
        }
        at..at
    }

    /// Puts lines in the place of the entries in `spot`. Lines that read the same, white space aside, stay whose they were,
    /// and a model's that go leave ghosts. Says what went.
    pub(crate) fn replace(&mut self, spot: Range<usize>, lines: Vec<Line>) -> Vec<Line> {
        let start = spot.start;
        let old: Vec<Entry> = self.entries.drain(spot).collect();
        let texts: Vec<String> = old.iter().filter_map(|entry| Some(bare(&entry.live()?.text))).collect();
        let new: Vec<String> = lines.iter().map(|line| bare(&line.text)).collect();
        let ops = similar::capture_diff_slices(similar::Algorithm::Myers, &texts, &new);
        let mut kept = vec![None; texts.len()];
        for op in ops.iter().filter(|op| op.tag() == similar::DiffTag::Equal) {
            op.old_range().zip(op.new_range()).for_each(|(old, new)| kept[old] = Some(new));
        }
        let (mut entries, mut went) = (Vec::new(), Vec::new());
        let mut new = lines.into_iter().enumerate().peekable();
        let mut kept = kept.into_iter();
        for entry in old {
            let line = match entry {
                Entry::Live(line) => line,
                ghost @ Entry::Ghost(_) => {
                    entries.push(ghost);
                    continue;
                }
            };
            match kept.next().flatten() {
                Some(number) => {
                    while let Some((_, line)) = new.next_if(|(at, _)| *at < number) {
                        entries.push(Entry::Live(line));
                    }
                    let line = new.next().map_or(line.clone(), |(_, new)| line.respaced(new));
                    entries.push(Entry::Live(line));
                }
                None => {
                    entries.extend(line.ghost().map(Entry::Ghost));
                    went.push(line);
                }
            }
        }
        entries.extend(new.map(|(_, line)| Entry::Live(line)));
        self.entries.splice(start..start, entries);
        went
    }

    /// The commit under way is over: places count in the file after it from now on.
    pub(crate) fn settle(&mut self, hunks: &[Hunk]) {
        let moved = |at: usize| {
            let before = hunks.iter().filter(|hunk| hunk.old.end <= at);
            before.fold(at as isize, |at, hunk| at + hunk.new.len() as isize - hunk.old.len() as isize)
        };
        for line in self.entries.iter_mut().filter_map(Entry::live_mut) {
            line.place = Place::Old(match &line.place {
                Place::Old(range) => {
                    let start = moved(range.start).max(0) as usize;
                    start..start + range.len()
                }
                Place::New(range) => range.clone(),
            });
        }
    }

    /// Whether a model's line of the same text came near this entry in the same commit.
    pub(crate) fn has_twin(&self, at: usize) -> bool {
        let Some(own) = self.entries.get(at).and_then(Entry::live) else { return false };
        let near = at.saturating_sub(NEAR)..(at + NEAR).min(self.entries.len());
        self.entries[near].iter().filter_map(Entry::live).any(|line| {
            line.born == own.born && line.text.trim() == own.text.trim() && line.truth.origin().is_some()
        })
    }

    /// Whether a person's line at this entry is in the place of a model's that reads the same, or nearly.
    pub(crate) fn is_retyped(&self, at: usize, text: &str) -> bool {
        self.has_ghost(at, |ghost| is_within_a_third(ghost, text))
    }

    /// Whether a line at this entry reads as one that a model has put out there and that is not there any more.
    pub(crate) fn is_ghost(&self, at: usize, text: &str) -> bool {
        self.has_ghost(at, |ghost| ghost.trim() == text.trim())
    }

    /// Whether a line's words stand on end in what a model has put out there and is not there any more: it was laid out
    /// anew.
    pub(crate) fn is_laid_out_anew(&self, at: usize, text: &str) -> bool {
        let near = at.saturating_sub(NEAR)..(at + NEAR).min(self.entries.len());
        let ghosts = self.entries[near].iter().filter_map(|entry| match entry {
            Entry::Ghost(ghost) => Some(ghost.as_str()),
            Entry::Live(_) => None,
        });
        let (there, wanted): (Vec<&str>, Vec<&str>) =
            (ghosts.flat_map(words).collect(), words(text).collect());
        !wanted.is_empty() && there.windows(wanted.len()).any(|stretch| stretch == wanted)
    }

    fn has_ghost(&self, at: usize, is_it: impl Fn(&str) -> bool) -> bool {
        let is_ghost = |entry: &Entry| matches!(entry, Entry::Ghost(ghost) if is_it(ghost));
        let near = |entries: &mut dyn Iterator<Item = &Entry>| {
            let mut lines = 0;
            entries
                .take_while(|entry| {
                    lines += usize::from(entry.live().is_some());
                    lines <= NEAR
                })
                .any(is_ghost)
        };
        near(&mut self.entries[..at].iter().rev()) || near(&mut self.entries[at + 1..].iter())
    }
}

/// The hunks between two texts.
pub(crate) fn hunks(before: &str, after: &str) -> Vec<Hunk> {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let ops = similar::capture_diff_slices(similar::Algorithm::Myers, &before, &after);
    let changed = ops.iter().filter(|op| op.tag() != similar::DiffTag::Equal);
    let mut hunks: Vec<Hunk> = Vec::new();
    for op in changed {
        let (old, new) = (op.old_range(), op.new_range());
        match hunks.last_mut() {
            // A deletion and an insertion at the same place are one.
            Some(last) if last.old.end == old.start && last.new.end == new.start => {
                (last.old.end, last.new.end) = (old.end, new.end);
            }
            _ => hunks.push(Hunk { old, new }),
        }
    }
    hunks
}

/// Whether the line is nothing but space, brackets and signs.
pub(crate) fn is_trivial(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphanumeric() || *c == '_').count() < WORDLESS
}

/// The line without its white space, as git counts it.
pub(crate) fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_whitespace()).collect()
}

/// How much of the longer line is not in the other, from 0 to 1, counted in letters and signs; white space is nothing.
pub(crate) fn share(a: &str, b: &str) -> f64 {
    1.0 - strsim::normalized_levenshtein(&bare(a), &bare(b))
}

/// The same counted in words.
fn share_of_words(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<&str>, Vec<&str>) = (words(a).collect(), words(b).collect());
    let longest = a.len().max(b.len());
    if longest == 0 { 0.0 } else { strsim::generic_levenshtein(&a, &b) as f64 / longest as f64 }
}

/// The same counted in words, of those of both lines: what was put in weighs half.
fn share_of_both(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<&str>, Vec<&str>) = (words(a).collect(), words(b).collect());
    let ops = similar::capture_diff_slices(similar::Algorithm::Lcs, &a, &b);
    1.0 - f64::from(similar::get_diff_ratio(&ops, a.len(), b.len()))
}

/// The line's words: names, numbers.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// How much was changed by whichever count says more: nobody can say that it was not a third.
pub(crate) fn most_changed(a: &str, b: &str) -> f64 {
    share(a, b).max(share_of_words(a, b))
}

/// Whether two lines read the same but for a third, by whichever count says least: nobody can say that it was more.
pub(crate) fn is_within_a_third(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let length = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
    let (a_length, b_length) = (length(a), length(b));
    let (longest, shortest) = (a_length.max(b_length), a_length.min(b_length));
    let may_be = (longest - shortest) as f64 <= THIRD * longest as f64;
    (may_be && share(a, b) <= THIRD) || share_of_both(a, b) <= THIRD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(file: &File) -> Vec<&str> {
        file.lines().map(|line| line.text.as_str()).collect()
    }

    fn place(new: usize) -> Place {
        Place::New(new..new + 1)
    }

    #[test]
    fn hunks_land_in_any_order() {
        let (before, after) = ("a\nb\nc\nd\n", "a\nx\ny\nc\nd\ne\n");
        let hunks = hunks(before, after);
        assert_eq!(hunks, [Hunk { old: 1..2, new: 1..3 }, Hunk { old: 4..4, new: 5..6 }]);
        for order in [[0, 1], [1, 0]] {
            let mut file = File::typed(before, 0);
            for hunk in order.map(|number: usize| &hunks[number]) {
                let new =
                    hunk.new.clone().map(|at| Line::emitted(after.lines().nth(at).unwrap(), 7, 1, place(at)));
                file.replace(file.spot(hunk), new.collect());
            }
            assert_eq!(file.text(), after);
            file.settle(&hunks);
            let places = file.lines().map(|line| line.place.clone());
            assert!(places.eq((0..6).map(|at| Place::Old(at..at + 1))), "{file:?}");
            assert!(matches!(file.page()[1].1, Truth::Emitted(Origin { emission: 7, .. })));
            assert_eq!(file.page()[3].1, Truth::Human);
        }
    }

    #[test]
    fn two_halves_of_one_insertion_keep_their_order() {
        let mut file = File::typed("a\nb\n", 0);
        let (first, second) = (Hunk { old: 1..1, new: 1..2 }, Hunk { old: 1..1, new: 2..3 });
        file.replace(file.spot(&second), vec![Line::typed("2", 1, place(2))]);
        file.replace(file.spot(&first), vec![Line::typed("1", 1, place(1))]);
        assert_eq!(texts(&file), ["a", "1", "2", "b"]);
    }

    #[test]
    fn a_model_s_line_leaves_a_ghost_at_its_place() {
        let mut file = File::typed("a\nb\n", 0);
        file.replace(1..1, vec![Line::emitted("let total = sum(items);", 1, 1, place(1))]);
        let went = file.replace(1..2, vec![Line::typed("let total = sum(item);", 2, place(1))]);
        assert_eq!(went.len(), 1);
        assert!(file.is_retyped(2, "let total = sum(item);"));
        assert!(!file.is_retyped(2, "return nothing;"));
        assert_eq!(texts(&file), ["a", "let total = sum(item);", "b"]);
    }

    #[test]
    fn a_model_s_line_may_be_laid_out_anew_by_hand() {
        let mut file = File::typed("a\nb\n", 0);
        file.replace(1..1, vec![Line::emitted("let total = sum(first, second);", 1, 1, place(1))]);
        let typed = ["let total = sum(", "first,", "second);"].map(|text| Line::typed(text, 2, place(1)));
        file.replace(1..2, typed.into());
        assert!(file.is_laid_out_anew(2, "let total = sum("));
        assert!(!file.is_laid_out_anew(2, "let total = product("));
    }

    #[test]
    fn what_reads_the_same_stays_what_it_was() {
        let mut file = File::typed("a\nb\nc\n", 0);
        let lines = ["a", "new", "c"].map(|text| Line::emitted(text, 1, 1, place(0)));
        let went = file.replace(0..3, lines.into());
        assert_eq!(went.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["b"]);
        let page = file.page();
        assert_eq!((&page[0].1, &page[2].1), (&Truth::Human, &Truth::Human));
        assert!(matches!(page[1].1, Truth::Emitted(_)));
    }

    #[test]
    fn a_line_is_the_model_s_up_to_a_third() {
        let line = Line::emitted("let total = sum(items);", 1, 1, place(1));
        assert!(matches!(line.truth.edited("let total = sum(things);"), Truth::Changed(_, How::Edited)));
        assert_eq!(line.truth.edited("let n = 0;"), Truth::Unclear(Why::Between));
        assert!(matches!(line.truth.formatted("sum(", true), Truth::Changed(_, How::Formatted)));
        assert_eq!(Truth::Human.edited("x"), Truth::Human);
        assert!(is_trivial("    });") && is_trivial("") && !is_trivial("end"));
        assert_eq!(share("a b", "ab"), 0.0);
    }
}
