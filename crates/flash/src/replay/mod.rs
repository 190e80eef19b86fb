//! How well the model does on a repository's own history: the "next commit" protocol.
//!
//! For each of the last first-parent, non-merge commits the parent's tree is indexed and every added line is predicted
//! from the new text above it and the old text below its hunk. Files changed earlier in the same commit count as
//! saved edits. The cursor stands before the first token of the line (start), right behind a token inside it (mid),
//! inside an identifier (inside), or behind the last token (end: the right answer is to add nothing).

mod history;
mod report;

use std::path::Path;
use std::time::Instant;

use rustc_hash::FxHashSet;

use crate::complete::{self, Best};
use crate::corpus::Reader;
use crate::error::Error;
use crate::git::Git;
use crate::join;
use crate::language;
use crate::lexer::{Lexer, Span, is_word};
use crate::overlay::{Origin, Overlay};
use crate::request::CompletionRequest;
use crate::selection;
use crate::state::{Save, State};
use crate::syntax;
use history::FileChange;

pub use report::{Candidates, Cursor, ExactMatch, LineKind, Operating, Report, Row, SyntaxGate};

/// A commit that adds more lines than this is an import, not an edit.
const LARGEST_COMMIT: usize = 1_200;

/// What to replay.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many commits that add code, counted back from HEAD.
    pub commits: usize,
    /// At most so many lines per commit, drawn evenly; all when absent.
    pub lines_per_commit: Option<usize>,
    /// Keep every scored candidate's features, for fitting.
    pub candidates: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { commits: 100, lines_per_commit: None, candidates: false }
    }
}

/// Replays the history of the repository that holds `repo`. `progress` hears commits done and to do.
pub fn run(repo: &Path, options: &Options, progress: &dyn Fn(usize, usize)) -> Result<Report, Error> {
    let git = Git::discover(repo)?;
    let head = git.commit("HEAD")?.unwrap_or_default();
    let mut report = Report { oldest: head.clone(), head, commits: 0, lines: 0, tokens: 0, rows: Vec::new() };
    if report.head.is_empty() {
        return Ok(report);
    }
    let mut reader = Reader::new(&git);
    for (commit, parent) in git.history(options.commits.saturating_mul(6))? {
        if report.commits == options.commits {
            break;
        }
        let Ok(patch) = git.patch(&parent, &commit) else { continue };
        let mut changes = history::parse(&patch);
        // Deleted files' lines count too: in a renamed file every line was moved.
        let lines = changes.iter().flat_map(|change| &change.hunks).flat_map(|hunk| &hunk.removed);
        let removed: FxHashSet<String> = lines.map(|line| line.trim().to_owned()).collect();
        changes.retain(|change| {
            !change.path.is_empty()
                && language::is_code(&change.path)
                && selection::reject_path("100644", None, &change.path).is_none()
        });
        let added: usize = changes.iter().flat_map(|change| &change.hunks).map(|hunk| hunk.added).sum();
        if added == 0 || added > LARGEST_COMMIT {
            continue;
        }
        replay_commit(&git, &mut reader, &mut report, (&commit, &parent), (&changes, &removed), options)?;
        report.commits += 1;
        report.oldest = commit;
        progress(report.commits, options.commits);
    }
    Ok(report)
}

fn replay_commit(
    git: &Git,
    reader: &mut Reader<'_>,
    report: &mut Report,
    (commit, parent): (&str, &str),
    (changes, removed): (&[FileChange], &FxHashSet<String>),
    options: &Options,
) -> Result<(), Error> {
    let (base, skipped) = reader.read(Some(parent.to_owned()), &|_| {})?;
    let mut state = State::new(base.into(), Overlay::new(), skipped.into(), 0.0);
    report.tokens = report.tokens.max(state.base.len());
    let names: Vec<String> = changes.iter().map(|change| format!("{commit}:{}", change.path)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut texts = vec![None; names.len()];
    git.blobs(&names, selection::LONGEST_FILE, |place, bytes| {
        texts[place] = bytes.and_then(|bytes| selection::accept_text(bytes).ok());
    })?;
    let total: usize = changes.iter().flat_map(|change| &change.hunks).map(|hunk| hunk.added).sum();
    let step = options.lines_per_commit.map_or(1.0, |most| (total as f64 / most.max(1) as f64).max(1.0));
    let mut draw = Draw { step, seen: 0, random: seed(commit) };
    for (change, text) in changes.iter().zip(texts) {
        let Some(text) = text else { continue };
        replay_file(&state, report, change, &text, removed, &mut draw, options);
        let save = Save { path: change.path.clone(), text: Some(text), origin: Origin::Disk };
        state = state.with_saves([save]);
    }
    Ok(())
}

/// Which lines and cursors are drawn; the same for the same commit.
struct Draw {
    step: f64,
    seen: usize,
    random: u64,
}

impl Draw {
    fn takes_next(&mut self) -> bool {
        let place = self.seen as f64;
        self.seen += 1;
        (place / self.step).floor() != ((place - 1.0) / self.step).floor()
    }

    /// A number below `bound`, by splitmix64.
    fn below(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }
}

fn seed(commit: &str) -> u64 {
    commit.get(..16).and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(1)
}

fn replay_file(
    state: &State,
    report: &mut Report,
    change: &FileChange,
    text: &str,
    removed: &FxHashSet<String>,
    draw: &mut Draw,
    options: &Options,
) {
    let old = state.visible(&change.path).map_or("", |lexed| lexed.text());
    let (new_lines, old_lines) = (line_starts(text), line_starts(old));
    for hunk in &change.hunks {
        let below = old_lines.get(hunk.old_end).map_or("", |&start| &old[start..]);
        for line in hunk.new_start..hunk.new_start + hunk.added {
            let Some(&start) = new_lines.get(line) else { continue };
            let end = new_lines.get(line + 1).map_or(text.len(), |&next| next - 1).max(start);
            let content = text[start..end].trim_end();
            if content.trim().is_empty() || !draw.takes_next() {
                continue;
            }
            report.lines += 1;
            let suffix = if below.is_empty() { String::new() } else { format!("\n{below}") };
            let kind = kind_of(content.trim(), removed);
            for (cursor, at) in cursors(content, draw) {
                let request = CompletionRequest {
                    prefix: &text[..start + at],
                    suffix: &suffix,
                    path: Some(&change.path),
                    ..CompletionRequest::default()
                };
                let mut row = predict(state, &request, &content[at..], cursor, options);
                row.line = kind;
                row.commit = report.commits;
                report.rows.push(row);
            }
        }
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    let breaks = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
    std::iter::once(0).chain(breaks).filter(|&start| start < text.len()).collect()
}

fn kind_of(line: &str, removed: &FxHashSet<String>) -> LineKind {
    if removed.contains(line) {
        LineKind::Moved
    } else if language::is_comment(line) {
        LineKind::Comment
    } else if line.chars().filter(|&character| is_word(character)).count() < 4 {
        LineKind::Trivial
    } else {
        LineKind::New
    }
}

/// The cursors in a line: its start, one random boundary inside, sometimes its end, one random place in a word.
fn cursors(line: &str, draw: &mut Draw) -> Vec<(Cursor, usize)> {
    let spans: Vec<Span> = Lexer::new(line).collect();
    let end = |span: &Span| span.start as usize + usize::from(span.len);
    let Some(first) = spans.first() else { return Vec::new() };
    // The line's own indentation stands before the cursor, as an editor puts it there.
    let mut cursors = vec![(Cursor::Start, first.start as usize)];
    if spans.len() > 1 {
        cursors.push((Cursor::Mid, end(&spans[draw.below(spans.len() - 1)])));
    }
    // As often as one boundary in so many is the last one.
    if draw.below(spans.len()) == 0 {
        cursors.push((Cursor::End, line.len()));
    }
    let words: Vec<&Span> = spans
        .iter()
        .filter(|span| {
            span.len >= 3
                && line[span.start as usize..end(span)]
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'_')
        })
        .collect();
    if !words.is_empty() {
        let word = words[draw.below(words.len())];
        cursors.push((Cursor::Inside, word.start as usize + 1 + draw.below(usize::from(word.len) - 1)));
    }
    cursors
}

fn predict(
    state: &State,
    request: &CompletionRequest<'_>,
    wanted: &str,
    cursor: Cursor,
    options: &Options,
) -> Row {
    let started = Instant::now();
    complete::with_ranking(state, request, request.path, |_, _, pool, ranking| {
        let best = complete::best(pool, ranking);
        let microseconds = started.elapsed().as_secs_f64() * 1e6;
        let spelling = join::spelling(wanted);
        let fits =
            |text: &str| if wanted.is_empty() { text.is_empty() } else { join::spelling(text) == spelling };
        let right = pool.candidates.iter().position(|candidate| fits(candidate.text));
        let exact = best.as_ref().is_some_and(|best| best.text == wanted);
        let language = language::of_path(request.path.unwrap_or(""));
        let candidates = options.candidates.then(|| Candidates {
            right: right.filter(|&right| right < ranking.features.len()),
            exact: right.is_some_and(|right| pool.candidates[right].text == wanted),
            features: ranking.features.clone(),
            none: ranking.none,
        });
        Row {
            commit: 0,
            language,
            line: LineKind::New,
            cursor,
            exact,
            among: right.is_some(),
            fits: best
                .as_ref()
                .is_none_or(|best| syntax::fits(request.prefix, &best.text, request.suffix, language)),
            tokens: Lexer::new(wanted).count(),
            confidence: best.as_ref().map_or(0.0, |Best { probability, .. }| *probability),
            microseconds,
            features: best.map(|best| best.features),
            candidates,
        }
    })
}
