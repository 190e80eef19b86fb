//! Who writes what: every change of the replayed history is typed by a person or put out by an assistant, by a seed.
//!
//! All of it is decided before anybody is asked: what a model will answer, whether it is kept, what the person makes of
//! it, and what each line of the outcome then is.

use std::collections::{BTreeMap, BTreeSet};

use waymark_testkit::Random;

use crate::assistants::{Answer, Asked, Assistant, Piece, Turn};
use crate::history::{History, Step};
use crate::human::{self, Hand, Pool};
use crate::moments::{By, Moment};
use crate::truth::{Entry, File, How, Hunk, Line, Place, Truth, Why, hunks, is_trivial, is_within_a_third};
use crate::words::Word;

/// Longer insertions may be written by two.
const LONG: usize = 24;
/// So many emissions are remembered for people to retype.
const REMEMBERED: usize = 40;

/// What a model will put out, and what becomes of it.
#[derive(Debug, Clone)]
pub(crate) struct Emission {
    pub(crate) number: usize,
    pub(crate) assistant: Assistant,
    pub(crate) path: String,
    /// The model that is asked: `claude`, `gpt` or `coder`.
    pub(crate) model: &'static str,
    pub(crate) asked: Asked,
    pub(crate) answer: Answer,
    pub(crate) fate: Fate,
}

impl Emission {
    /// The model that answers, by the provider's word: an exact one, where the client asks for a name.
    pub(crate) fn served(&self) -> String {
        format!("{}-2026-01-01", self.model)
    }
}

/// What becomes of what a model put out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// It goes into the file.
    Landed,
    /// Nothing of it does, and the person types something else.
    Rejected,
    /// It only shows what the model has read.
    Quoted,
}

/// A commit as it will be.
#[derive(Debug, Default)]
pub(crate) struct Planned {
    pub(crate) emissions: Vec<Emission>,
    /// What editors say, in order, each before the emission of that number.
    pub(crate) words: Vec<(usize, Word)>,
    /// The files as they stand after each hand that went over them, in order.
    pub(crate) moments: Vec<Moment>,
    /// The files that it changes, makes or takes away.
    pub(crate) touched: BTreeSet<String>,
}

/// Decides, and keeps the ledger of truth.
#[derive(Debug)]
pub(crate) struct Planner {
    random: Random,
    pool: Pool,
    name: String,
    /// The files as they stand.
    pub(crate) files: BTreeMap<String, File>,
    /// The number of the commit under way; 0 is the base.
    pub(crate) commit: usize,
    emissions: usize,
    /// What models put out of late, for which file.
    recent: Vec<(String, Vec<String>)>,
    /// What models put out for files that are gone: whole files come back.
    buried: BTreeMap<String, Vec<String>>,
    /// What the commit under way takes away, and where.
    went: Vec<(String, Line)>,
    /// What was put out for a file in it and thrown away, and the lines that a person typed for it.
    rejected: Vec<(String, Change)>,
    planned: Planned,
}

/// A hunk with the lines it brings.
#[derive(Debug, Clone)]
struct Change {
    hunk: Hunk,
    added: Vec<String>,
}

impl Change {
    /// Whether a person's line stands in the place of these, which were thrown away, and reads as one of them, or nearly.
    fn is_retyped(&self, line: &Line) -> bool {
        let is_there = matches!(&line.place, Place::New(range) if self.hunk.new.contains(&range.start));
        is_there
            && line.truth == Truth::Human
            && self.added.iter().any(|rejected| is_within_a_third(rejected, &line.text))
    }
}

impl Planner {
    pub(crate) fn new(history: &History, first_emission: usize, random: Random) -> Self {
        let mut pool = Pool::default();
        history.base.iter().for_each(|(path, text)| pool.take_in(path, text));
        let files = history.base.iter().map(|(path, text)| (path.clone(), File::typed(text, 0)));
        Self {
            random,
            pool,
            name: history.name.clone(),
            files: files.collect(),
            commit: 0,
            emissions: first_emission,
            recent: Vec::new(),
            buried: BTreeMap::new(),
            went: Vec::new(),
            rejected: Vec::new(),
            planned: Planned::default(),
        }
    }

    /// Decides who writes what of the next commit.
    pub(crate) fn step(&mut self, step: &Step) -> Planned {
        self.commit += 1;
        self.went.clear();
        self.rejected.clear();
        let mut settled = BTreeMap::new();
        if self.chance(20) {
            self.retypes();
        }
        for change in &step.changes {
            let path = &change.path;
            self.planned.touched.insert(path.clone());
            let Some(after) = &change.after else {
                if let Some(file) = self.files.remove(path) {
                    let models = file.entries.iter().filter_map(Entry::of_a_model);
                    self.buried.entry(path.clone()).or_default().extend(models.map(str::to_owned));
                    self.went.extend(file.lines().map(|line| (path.clone(), line.clone())));
                }
                continue;
            };
            if change.before.is_none() {
                self.files.remove(path);
            }
            let is_known = self.files.contains_key(path);
            let before = change.before.as_deref().filter(|_| is_known).unwrap_or_default();
            let hunks = hunks(before, after);
            self.writes(path, &hunks, after);
            settled.insert(path.clone(), hunks);
        }
        if self.chance(25) {
            self.retypes();
        }
        self.formats_a_file();
        self.judges();
        for path in &self.planned.touched {
            if let Some(file) = self.files.get_mut(path) {
                file.settle(settled.get(path).map_or(&[], Vec::as_slice));
            }
        }
        std::mem::take(&mut self.planned)
    }

    fn chance(&mut self, of_a_hundred: usize) -> bool {
        self.random.below(100) < of_a_hundred
    }

    /// One file's changes, in turns.
    fn writes(&mut self, path: &str, hunks: &[Hunk], after: &str) {
        let lines: Vec<&str> = after.lines().collect();
        let mut left: Vec<Change> = Vec::new();
        for hunk in hunks {
            let parts = self.parts(hunk);
            left.extend(parts.into_iter().map(|hunk| {
                let added = lines[hunk.new.clone()].iter().map(|line| (*line).to_owned()).collect();
                Change { hunk, added }
            }));
        }
        if self.chance(30) {
            let at = self.random.below(left.len().max(1));
            left.rotate_left(at);
        }
        while !left.is_empty() {
            let count = (1 + self.random.below(3)).min(left.len());
            let mut taken: Vec<Change> = left.drain(..count).collect();
            taken.sort_by_key(|change| change.hunk.new.start);
            let brings = taken.iter().any(|change| change.added.iter().any(|line| !is_trivial(line)));
            if brings && self.chance(62) {
                left.splice(0..0, self.assisted(path, taken));
            } else {
                taken.iter().for_each(|change| self.types(path, change));
            }
            if self.chance(8) {
                self.is_asked_about(path);
            }
        }
    }

    /// A long insertion as two, now and then.
    fn parts(&mut self, hunk: &Hunk) -> Vec<Hunk> {
        if !hunk.old.is_empty() || hunk.new.len() < LONG || !self.chance(50) {
            return vec![hunk.clone()];
        }
        let middle = hunk.new.start + hunk.new.len() / 4 + self.random.below(hunk.new.len() / 2);
        [hunk.new.start..middle, middle..hunk.new.end].map(|new| Hunk { old: hunk.old.clone(), new }).into()
    }

    /// The person types a change.
    fn types(&mut self, path: &str, change: &Change) {
        let file = self.files.entry(path.to_owned()).or_default();
        let lines = change.added.iter().zip(change.hunk.new.clone());
        let lines = lines.map(|(text, at)| Line::typed(text, self.commit, Place::New(at..at + 1))).collect();
        let spot = file.spot(&change.hunk);
        let at = live(file, &spot).start;
        let went = file.replace(spot, lines);
        self.notes(path, went);
        self.stands(path, By::Person);
        if self.chance(10) && change.added.iter().any(|line| !is_trivial(line)) {
            self.says(Word::typed(path, at, &change.added));
        }
    }

    /// So the file stands now, by this hand.
    fn stands(&mut self, path: &str, by: By) {
        let text = self.files.get(path).map(File::text).unwrap_or_default();
        self.planned.moments.push(Moment { path: path.to_owned(), by, text });
    }

    fn notes(&mut self, path: &str, went: Vec<Line>) {
        self.went.extend(went.into_iter().map(|line| (path.to_owned(), line)));
    }

    /// An assistant makes the changes. Returns those that it does not get round to.
    fn assisted(&mut self, path: &str, changes: Vec<Change>) -> Vec<Change> {
        let (taken, left) = self.apart(path, changes);
        match self.random.below(100) {
            0..12 => self.is_rejected(path, &taken),
            12..24 => self.is_drafted(path, &taken),
            _ => drop(self.is_landed(path, &taken)),
        }
        left
    }

    /// Those of the changes that do not meet in the file as it stands, and the others.
    fn apart(&self, path: &str, changes: Vec<Change>) -> (Vec<Change>, Vec<Change>) {
        let Some(file) = self.files.get(path) else { return (changes, Vec::new()) };
        let mut end = 0;
        changes.into_iter().partition(|change| {
            let at = live(file, &file.spot(&change.hunk));
            let is_apart = at.start >= end;
            end = end.max(at.end);
            is_apart
        })
    }

    /// The changes as a turn: the file as it stands, and what becomes of it.
    fn turn(&mut self, path: &str, changes: &[Change]) -> Turn {
        let exists = self.files.contains_key(path);
        let empty = File::default();
        let file = self.files.get(path).unwrap_or(&empty);
        let before: Vec<String> = file.lines().map(|line| line.text.clone()).collect();
        let pieces = changes.iter().flat_map(|change| {
            let spot = landed(file, &change.hunk).unwrap_or_else(|| file.spot(&change.hunk));
            pieces(&before, live(file, &spot), &change.added)
        });
        let mut merged: Vec<Piece> = Vec::new();
        for piece in pieces {
            match merged.last_mut() {
                Some(last) if piece.at.start <= last.at.end => {
                    last.at.end = last.at.end.max(piece.at.end);
                    last.added.extend(piece.added);
                }
                _ => merged.push(piece),
            }
        }
        Turn {
            path: path.to_owned(),
            repository: self.name.clone(),
            session: format!("{:08x}-e45b-47f9-9e1c-{:012x}", self.commit, self.emissions),
            task: format!("Please see to step {} of the plan, in {path}.", self.emissions),
            style: self.random.below(1 << 16),
            exists,
            before,
            pieces: merged,
        }
    }

    /// Has the assistant put it out; the emission's number.
    fn emits(&mut self, assistant: Assistant, turn: &Turn, fate: Fate) -> usize {
        let model = assistant.model(turn);
        let added = turn.pieces.iter().flat_map(|piece| piece.added.clone()).collect();
        if assistant.names_path(turn) {
            self.recent.push((turn.path.clone(), added));
            let much = self.recent.len().saturating_sub(REMEMBERED);
            self.recent.drain(..much);
        }
        self.enters(assistant, &turn.path, model, assistant.asks(turn, model), assistant.answer(turn), fate)
    }

    fn enters(
        &mut self,
        assistant: Assistant,
        path: &str,
        model: &'static str,
        asked: Asked,
        answer: Answer,
        fate: Fate,
    ) -> usize {
        let number = self.emissions;
        self.emissions += 1;
        let path = path.to_owned();
        self.planned.emissions.push(Emission { number, assistant, path, model, asked, answer, fate });
        number
    }

    /// The model puts it out, and it goes into the file. Whether an assistant was found that can.
    fn is_landed(&mut self, path: &str, changes: &[Change]) -> bool {
        let turn = self.turn(path, changes);
        let says_something = turn.pieces.iter().any(|piece| piece.words() > 0);
        let drawn = if says_something { Assistant::drawn(&turn, &mut self.random) } else { None };
        let Some(assistant) = drawn else {
            changes.iter().for_each(|change| self.types(path, change));
            return false;
        };
        let emission = self.emits(assistant, &turn, Fate::Landed);
        for change in changes {
            let file = self.files.entry(path.to_owned()).or_default();
            let lines = change.added.iter().zip(change.hunk.new.clone());
            let mut lines: Vec<Line> = lines
                .map(|(text, at)| Line::emitted(text, emission, self.commit, Place::New(at..at + 1)))
                .collect();
            let begins = turn.pieces.first().and_then(|piece| piece.added.first());
            if assistant.trims_first(&turn)
                && let Some(first) = lines.iter_mut().find(|line| Some(&line.text) == begins)
                && let Truth::Emitted(origin) = &first.truth
            {
                first.truth = Truth::Changed(origin.clone(), How::Formatted);
            }
            let spot = landed(file, &change.hunk).unwrap_or_else(|| file.spot(&change.hunk));
            let went = file.replace(spot, lines);
            self.notes(path, went);
        }
        self.stands(path, By::Assistant(emission));
        let is_told = assistant.is_of_an_editor() && self.chance(50);
        let is_edited = self.chance(50);
        if is_told && !is_edited {
            self.says_taken(path, emission, is_edited);
        }
        self.goes_over(path, emission);
        if is_told && is_edited {
            self.says_taken(path, emission, is_edited);
        }
        true
    }

    /// The editor says what became of it.
    fn says_taken(&mut self, path: &str, emission: usize, is_edited: bool) {
        let word = self.files.get(path).and_then(|file| Word::taken(file, path, emission, is_edited));
        word.into_iter().for_each(|word| self.says(word));
    }

    /// An editor says so, after what was put out by then.
    fn says(&mut self, word: Word) {
        self.planned.words.push((self.emissions, word));
    }

    /// The person looks at what landed.
    fn goes_over(&mut self, path: &str, emission: usize) {
        let Some(file) = self.files.get_mut(path) else { return };
        let (random, pool, commit) = (&mut self.random, &self.pool, self.commit);
        let mut hand = Hand { random, pool, path, commit, went: Vec::new() };
        hand.goes_over(file, emission);
        let went = hand.went;
        self.notes(path, went);
        self.stands(path, By::Person);
    }

    /// The model puts out something else than what will stand there, and the person throws it away and types.
    fn is_rejected(&mut self, path: &str, changes: &[Change]) {
        let mut others = changes.to_vec();
        let is_close = self.chance(40);
        for line in others.iter_mut().flat_map(|change| &mut change.added) {
            let near =
                if is_close && self.chance(33) { human::nudged(line, path, &mut self.random) } else { None };
            *line = near.unwrap_or_else(|| self.pool.apart_from(&[line.as_str()], path, &mut self.random));
        }
        let turn = self.turn(path, &others);
        if let Some(assistant) = Assistant::drawn(&turn, &mut self.random) {
            let emission = self.emits(assistant, &turn, Fate::Rejected);
            if assistant.is_of_an_editor() && self.chance(50) {
                self.says(Word::rejected(path, emission));
            }
            let file = self.files.entry(path.to_owned()).or_default();
            for change in others {
                let at = file.spot(&change.hunk).start;
                file.entries.splice(at..at, change.added.iter().cloned().map(Entry::Ghost));
                self.rejected.push((path.to_owned(), change));
            }
        }
        changes.iter().for_each(|change| self.types(path, change));
    }

    /// The model puts it out, and is asked again to put some of it right.
    fn is_drafted(&mut self, path: &str, changes: &[Change]) {
        let mut drafted = changes.to_vec();
        for line in drafted.iter_mut().flat_map(|change| &mut change.added) {
            if self.chance(25)
                && let Some(nudged) = human::nudged(line, path, &mut self.random)
            {
                *line = nudged;
            }
        }
        if self.is_landed(path, &drafted)
            && drafted.iter().zip(changes).any(|(draft, change)| draft.added != change.added)
        {
            self.is_landed(path, changes);
        }
    }

    /// Somebody has a stretch of the file explained; the answer repeats it.
    fn is_asked_about(&mut self, path: &str) {
        let Some(file) = self.files.get(path) else { return };
        let before: Vec<String> = file.lines().map(|line| line.text.clone()).collect();
        if before.len() < 4 {
            return;
        }
        let first = self.random.below(before.len() - 3);
        let last = (first + 3 + self.random.below(12)).min(before.len());
        let fence = before[first..last].join("\n");
        let text =
            format!("What matters in `{path}` is this:\n\n```\n{fence}\n```\n\nThe rest follows from it.");
        let turn = self.turn(path, &[]);
        let assistant = Assistant::ChatFence;
        let turn = Turn { task: format!("Explain to me what {path} does ({}).", self.emissions), ..turn };
        self.enters(assistant, path, "gpt", assistant.asks(&turn, "gpt"), Answer::Text(text), Fate::Quoted);
    }

    /// The person types in one file what a model put out for another.
    fn retypes(&mut self) {
        if self.recent.is_empty() {
            return;
        }
        let (from, lines) = self.recent[self.random.below(self.recent.len())].clone();
        let others: Vec<&String> = self.files.keys().filter(|path| **path != from).collect();
        if lines.is_empty() || others.is_empty() {
            return;
        }
        let path = others[self.random.below(others.len())].clone();
        let first = self.random.below(lines.len());
        let mut lines = lines[first..(first + 1 + self.random.below(4)).min(lines.len())].to_vec();
        for line in &mut lines {
            if self.random.below(2) == 0
                && let Some(nudged) = human::nudged(line, &path, &mut self.random)
            {
                *line = nudged;
            }
        }
        let Some(file) = self.files.get_mut(&path) else { return };
        let at = self.random.below(file.entries.len() + 1);
        let before = file.entries[..at].iter().rev().find_map(Entry::live);
        let place = before.map_or(Place::Old(0..0), |line| line.place.after());
        let lines: Vec<Line> =
            lines.iter().map(|text| Line::typed(text, self.commit, place.clone())).collect();
        file.replace(at..at, lines);
        self.stands(&path, By::Person);
        self.planned.touched.insert(path);
    }

    /// Now and then somebody runs a formatter over a file that was touched.
    fn formats_a_file(&mut self) {
        if !self.chance(8) {
            return;
        }
        let touched: Vec<String> = self.planned.touched.iter().cloned().collect();
        let Some(path) = touched.get(self.random.below(touched.len().max(1))) else { return };
        let Some(file) = self.files.get_mut(path) else { return };
        let all = 0..file.entries.len();
        let (random, pool, commit) = (&mut self.random, &self.pool, self.commit);
        Hand { random, pool, path, commit, went: Vec::new() }.formats(file, all);
        self.stands(path, By::Formatter);
    }

    /// Of the commit's new lines, those of which nobody could tell whose they are.
    fn judges(&mut self) {
        let went = std::mem::take(&mut self.went);
        for path in &self.planned.touched {
            let Some(file) = self.files.get_mut(path) else { continue };
            let unclear: Vec<(usize, Why)> = (0..file.entries.len())
                .filter_map(|at| {
                    let line = file.entries[at].live()?;
                    let is_new = line.born == self.commit && !is_trivial(&line.text);
                    let rejected =
                        || self.rejected.iter().any(|(of, change)| of == path && change.is_retyped(line));
                    let buried = self.buried.get(path).into_iter().flatten();
                    let mut buried = buried.filter(|gone| is_within_a_third(gone, &line.text));
                    let comes_back = line.truth == Truth::Human && is_new && buried.next().is_some();
                    let why = is_new.then(|| judged(file, at, line, path, &went)).flatten();
                    let why = why.or(comes_back.then_some(Why::Retyped));
                    Some((at, why.or_else(|| (is_new && rejected()).then_some(Why::Retyped))?))
                })
                .collect();
            for (at, why) in unclear {
                if let Some(line) = file.entries[at].live_mut() {
                    line.truth = Truth::Unclear(why);
                }
            }
        }
    }
}

/// Why nobody could tell whose this new line is, if so.
fn judged(file: &File, at: usize, line: &Line, path: &str, went: &[(String, Line)]) -> Option<Why> {
    let is_same = |gone: &Line| gone.text.trim() == line.text.trim();
    match &line.truth {
        Truth::Human if file.is_retyped(at, &line.text) => Some(Why::Retyped),
        Truth::Human if file.is_laid_out_anew(at, &line.text) => Some(Why::Retyped),
        Truth::Human if file.has_twin(at) => Some(Why::Twin),
        Truth::Human => {
            let models = |gone: &Line| !matches!(gone.truth, Truth::Human);
            let moved =
                |(_, gone): &(String, Line)| models(gone) && is_within_a_third(&gone.text, &line.text);
            went.iter().any(moved).then_some(Why::Moved)
        }
        Truth::Changed(_, How::Edited) if file.is_ghost(at, &line.text) => Some(Why::Retyped),
        Truth::Emitted(_) | Truth::Changed(..) => {
            went.iter().any(|(from, gone)| from == path && is_same(gone)).then_some(Why::Moved)
        }
        Truth::Unclear(_) => None,
    }
}

/// What really changes where lines make way for others, some of which may read the same.
fn pieces(before: &[String], at: std::ops::Range<usize>, added: &[String]) -> Vec<Piece> {
    let ops = similar::capture_diff_slices(similar::Algorithm::Myers, &before[at.clone()], added);
    let changed = ops.iter().filter(|op| op.tag() != similar::DiffTag::Equal);
    changed
        .map(|op| {
            let old = op.old_range();
            Piece { at: at.start + old.start..at.start + old.end, added: added[op.new_range()].to_vec() }
        })
        .collect()
}

/// Which lines of the file these entries are.
fn live(file: &File, entries: &std::ops::Range<usize>) -> std::ops::Range<usize> {
    let count = |entries: &[Entry]| entries.iter().filter(|entry| entry.live().is_some()).count();
    let start = count(&file.entries[..entries.start]);
    start..start + count(&file.entries[entries.clone()])
}

/// The entries of what has landed of a hunk.
fn landed(file: &File, hunk: &Hunk) -> Option<std::ops::Range<usize>> {
    let is_of = |entry: &Entry| match entry.live().map(|line| &line.place) {
        Some(Place::New(range)) => hunk.new.contains(&range.start),
        _ => false,
    };
    let first = file.entries.iter().position(is_of)?;
    let last = file.entries.iter().rposition(is_of)?;
    Some(first..last + 1)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::history::bundled;

    fn history() -> History {
        bundled(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data/attribution")).unwrap()
    }

    #[test]
    fn a_seed_repeats() {
        let history = history();
        let plan = |seed| {
            let mut planner = Planner::new(&history, 0, Random::seeded(seed));
            let emissions: Vec<String> = history
                .steps
                .iter()
                .flat_map(|step| planner.step(step).emissions)
                .map(|emission| format!("{:?} {}", emission.assistant, emission.answer.told()))
                .collect();
            (emissions, planner.files)
        };
        assert_eq!(plan(5), plan(5));
        assert_ne!(plan(5).0, plan(6).0);
    }

    #[test]
    fn a_line_of_a_model_s_is_in_what_the_model_put_out() {
        let history = history();
        for seed in 0..20 {
            let mut planner = Planner::new(&history, 0, Random::seeded(seed));
            let mut told = BTreeMap::new();
            for step in &history.steps {
                for emission in planner.step(step).emissions {
                    told.insert(emission.number, (emission.fate, emission.answer));
                }
                for line in planner.files.values().flat_map(File::lines) {
                    let Truth::Emitted(origin) = &line.truth else { continue };
                    let (fate, answer) = &told[&origin.emission];
                    let (told, text) = (answer.told(), serde_json::to_string(line.text.trim()).unwrap());
                    let is_there = told.contains(text.trim_matches('"')) || told.contains(line.text.trim());
                    let has_words = || answer.put().iter().any(|put| line.text.contains(put));
                    assert!(
                        *fate == Fate::Landed && (is_there || has_words()),
                        "seed {seed}: {line:?} in {told}"
                    );
                }
            }
        }
    }

    #[test]
    fn hand_by_hand_it_comes_to_what_is_committed() {
        let history = history();
        for seed in 0..20 {
            let mut planner = Planner::new(&history, 0, Random::seeded(seed));
            let mut texts: BTreeMap<String, String> =
                planner.files.iter().map(|(path, file)| (path.clone(), file.text())).collect();
            for step in &history.steps {
                let planned = planner.step(step);
                texts.extend(planned.moments.into_iter().map(|moment| (moment.path, moment.text)));
                texts.retain(|path, _| planner.files.contains_key(path));
                for (path, file) in &planner.files {
                    assert_eq!(texts[path], file.text(), "seed {seed}: {path}");
                }
            }
        }
    }

    #[test]
    fn everybody_has_a_part_in_it() {
        let history = history();
        let (mut assistants, mut fates, mut kinds) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for seed in 0..30 {
            let mut planner = Planner::new(&history, 0, Random::seeded(seed));
            for step in &history.steps {
                for emission in planner.step(step).emissions {
                    assistants.insert(emission.assistant);
                    fates.insert(emission.fate);
                }
            }
            kinds.extend(planner.files.values().flat_map(File::lines).map(|line| match &line.truth {
                Truth::Changed(_, how) => format!("{how:?}"),
                Truth::Unclear(why) => format!("{why:?}"),
                Truth::Emitted(_) => "emitted".to_owned(),
                Truth::Human => "human".to_owned(),
            }));
        }
        assert_eq!(assistants.len(), Assistant::all().count(), "{assistants:?}");
        assert_eq!(fates.len(), 3);
        assert!(kinds.len() >= 7, "{kinds:?}");
    }
}
