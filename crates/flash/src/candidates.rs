//! Finds what followed contexts like the cursor's, and groups it into candidate line rests.

use rustc_hash::FxHashMap;

use crate::base::LONGEST_CONTEXT;
use crate::buffer::Buffer;
use crate::document::{Lexed, NEWLINE};
use crate::join;
use crate::state::State;

/// The most contexts taken from each of the index, the buffer and the saved edits.
const KEEP: usize = 200;

/// The most contexts of the index looked at.
const LOOK: usize = 2_000;

/// A line rest longer than this many tokens is nobody's guess.
const LONGEST_REST: usize = 128;

/// How near to the cursor's file a copy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the live buffer.
    Buffer = 0,
    /// On a line saved but not committed.
    Edit = 1,
    /// In the same directory.
    Directory = 2,
    /// Anywhere else in the repository.
    Elsewhere = 3,
}

impl Place {
    fn weight(self) -> u64 {
        match self {
            Self::Buffer | Self::Edit => 5,
            Self::Directory => 2,
            Self::Elsewhere => 1,
        }
    }
}

/// The text a copy stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin<'a> {
    Before,
    After,
    Saved(&'a str),
    Indexed(u32),
}

/// A place whose context resembles the cursor's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site<'a> {
    pub(crate) lexed: &'a Lexed,
    pub(crate) numbers: &'a [u32],
    /// The token that followed the context.
    pub(crate) token: usize,
    /// How many tokens of context agree.
    pub(crate) agree: u32,
    pub(crate) place: Place,
    pub(crate) origin: Origin<'a>,
    /// How many bytes of `token` stand before the cursor already: its identifier is read as unfinished.
    pub(crate) typed: usize,
    /// Tokens between the copy and the cursor, in the live buffer.
    pub(crate) distance: Option<u32>,
}

impl Site<'_> {
    /// The token after the line's last.
    pub(crate) fn line_end(&self) -> usize {
        let rest = &self.numbers[self.token..];
        self.token + rest.iter().position(|&number| number == NEWLINE).unwrap_or(rest.len())
    }
}

/// A line rest and all its copies.
#[derive(Debug)]
pub(crate) struct Candidate<'a> {
    /// What would be inserted; empty when the copies' lines ended here.
    pub(crate) text: &'a str,
    /// The tokens of the rest, before anything the cursor's line already has was cut off.
    pub(crate) numbers: &'a [u32],
    /// Which copies, as indices into [`Pool::sites`].
    pub(crate) sites: Vec<u32>,
    pub(crate) vote: u64,
    /// A flatter vote: long agreements count for less.
    pub(crate) soft: u64,
    pub(crate) counts: [u32; 4],
    pub(crate) longest: u32,
    /// Tokens to the nearest copy in the live buffer.
    pub(crate) distance: Option<u32>,
    /// A copy is followed by the line that follows the cursor's.
    pub(crate) agrees_next: bool,
    pub(crate) typed: bool,
}

/// Everything found for a cursor.
pub(crate) struct Pool<'a> {
    pub(crate) sites: Vec<Site<'a>>,
    /// By descending vote.
    pub(crate) candidates: Vec<Candidate<'a>>,
}

/// Finds the candidates for a cursor in `file`.
pub(crate) fn gather<'a>(state: &'a State, buffer: &'a Buffer<'a>, file: Option<&str>) -> Pool<'a> {
    let mut sites = Vec::with_capacity(2 * KEEP);
    let context = &buffer.before_numbers[..];
    if !context.is_empty() {
        search(state, buffer, file, context, None, &mut sites);
    }
    if let (Some(partial), [shorter @ .., _]) = (buffer.partial, context)
        && !shorter.is_empty()
    {
        search(state, buffer, file, shorter, Some(partial), &mut sites);
    }
    let candidates = group(buffer, &mut sites);
    Pool { sites, candidates }
}

/// Collects the sites for one reading of the cursor: behind a finished token, or inside an identifier.
fn search<'a>(
    state: &'a State,
    buffer: &'a Buffer<'a>,
    file: Option<&str>,
    context: &[u32],
    partial: Option<&str>,
    sites: &mut Vec<Site<'a>>,
) {
    let continues = |text: &str| continues(text, partial);
    let typed = partial.map_or(0, str::len);
    // The letters typed agree too, although they are no whole token.
    let agreed = |agree: u32| agree + u32::from(partial.is_some());
    scan_buffer(buffer, context, &continues, &mut |mut site: Site<'a>| {
        site.typed = typed;
        site.agree = agreed(site.agree);
        sites.push(site);
    });
    let mut saved = Best::default();
    for (place, (path, text)) in state.overlay.iter().enumerate() {
        if file == Some(path) {
            continue;
        }
        scan(&text.numbers, context, |token, agree| {
            if continues(text.lexed.token(token)) {
                saved.offer(agree, (place, token));
            }
        });
    }
    let overlay: Vec<_> = if saved.is_empty() { Vec::new() } else { state.overlay.iter().collect() };
    for (agree, (place, token)) in saved.into_best() {
        let (path, text) = overlay[place];
        let place = if text.edited[token] { Place::Edit } else { place_of(file, path) };
        sites.push(Site {
            lexed: &text.lexed,
            numbers: &text.numbers,
            token,
            agree: agreed(agree),
            place,
            origin: Origin::Saved(path),
            typed,
            distance: None,
        });
    }
    search_index(state, file, context, partial, sites);
}

/// Whether a token can be what an unfinished identifier becomes.
fn continues(text: &str, partial: Option<&str>) -> bool {
    partial.is_none_or(|typed| text.len() > typed.len() && text.starts_with(typed))
}

/// Collects the sites of the index.
fn search_index<'a>(
    state: &'a State,
    file: Option<&str>,
    context: &[u32],
    partial: Option<&str>,
    sites: &mut Vec<Site<'a>>,
) {
    let typed = partial.map_or(0, str::len);
    let base = &state.base;
    let own = file.and_then(|path| base.by_path.get(path)).copied();
    let near = base.nearest(context, KEEP, LOOK, |position| {
        let number = base.number_at(position);
        let right =
            partial.is_none() || base.vocabulary.text(number).is_some_and(|text| continues(text, partial));
        right && {
            let (file, token) = base.locate(position);
            Some(file) != own && !state.hidden[file as usize] && token < base.numbers(file).len()
        }
    });
    for found in near {
        let (indexed, token) = base.locate(found.position);
        let text = &base.files[indexed as usize];
        sites.push(Site {
            lexed: &text.lexed,
            numbers: base.numbers(indexed),
            token,
            agree: found.agree + u32::from(partial.is_some()),
            place: place_of(file, &text.path),
            origin: Origin::Indexed(indexed),
            typed,
            distance: None,
        });
    }
}

fn place_of(file: Option<&str>, path: &str) -> Place {
    let directory = |path: &str| path.rsplit_once('/').map_or(0, |(directory, _)| directory.len());
    match file {
        Some(file) if file[..directory(file)] == path[..directory(path)] => Place::Directory,
        _ => Place::Elsewhere,
    }
}

/// Calls `each` for every token whose context agrees with the end of `context` by at least one token.
fn scan(numbers: &[u32], context: &[u32], mut each: impl FnMut(usize, u32)) {
    let Some(&last) = context.last() else { return };
    for (before, _) in numbers.iter().enumerate().filter(|(_, number)| **number == last) {
        if before + 1 >= numbers.len() {
            break;
        }
        let pairs = numbers[..=before].iter().rev().zip(context.iter().rev());
        let agree = pairs.take(LONGEST_CONTEXT).take_while(|(a, b)| a == b).count();
        each(before + 1, agree as u32);
    }
}

fn scan_buffer<'a>(
    buffer: &'a Buffer<'a>,
    context: &[u32],
    continues: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(Site<'a>),
) {
    let end = buffer.before_numbers.len();
    // The cursor's own line is not finished, so it says nothing about how lines end.
    let own_line = end - buffer.line_tokens;
    let mut best = Best::default();
    scan(&buffer.before_numbers[..own_line], context, |token, agree| {
        if continues(buffer.before.token(token)) {
            best.offer(agree, (false, token));
        }
    });
    scan(&buffer.after_numbers, context, |token, agree| {
        if token > buffer.next_line && continues(buffer.after.token(token)) {
            best.offer(agree, (true, token));
        }
    });
    for (agree, (after, token)) in best.into_nearest(|(after, token)| if after { token } else { end - token })
    {
        each(Site {
            lexed: if after { &buffer.after } else { &buffer.before },
            numbers: if after { &buffer.after_numbers } else { &buffer.before_numbers[..own_line] },
            token,
            agree,
            place: Place::Buffer,
            origin: if after { Origin::After } else { Origin::Before },
            typed: 0,
            distance: Some(if after { token } else { end - token } as u32),
        });
    }
}

/// Keeps the sites with the longest agreement without sorting all of them.
struct Best<T> {
    found: Vec<(u32, T)>,
}

impl<T> Default for Best<T> {
    fn default() -> Self {
        Self { found: Vec::new() }
    }
}

impl<T: Copy> Best<T> {
    fn offer(&mut self, agree: u32, what: T) {
        self.found.push((agree, what));
    }

    fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The shortest agreement still among the best, so that hardly more than [`KEEP`] remain.
    fn cut(&mut self) {
        if self.found.len() <= KEEP {
            return;
        }
        let mut counts = [0usize; LONGEST_CONTEXT + 2];
        for (agree, _) in &self.found {
            counts[*agree as usize] += 1;
        }
        let (mut least, mut kept) = (counts.len() - 1, counts[counts.len() - 1]);
        while least > 1 && kept < KEEP {
            least -= 1;
            kept += counts[least];
        }
        self.found.retain(|(agree, _)| *agree as usize >= least);
    }

    fn into_best(mut self) -> Vec<(u32, T)> {
        self.cut();
        self.found.sort_by_key(|(agree, _)| std::cmp::Reverse(*agree));
        self.found.truncate(KEEP);
        self.found
    }

    fn into_nearest(mut self, distance: impl Fn(T) -> usize) -> Vec<(u32, T)> {
        self.cut();
        self.found.sort_by_key(|(agree, what)| (std::cmp::Reverse(*agree), distance(*what)));
        self.found.truncate(KEEP);
        self.found
    }
}

/// Thousandths of 1.35 to the power of the place.
const SOFT: [u64; 21] = [
    1000, 1350, 1823, 2460, 3322, 4484, 6053, 8172, 11032, 14894, 20107, 27144, 36644, 49470, 66784, 90158,
    121714, 164314, 221824, 299462, 404274,
];

fn group<'a>(buffer: &Buffer<'a>, sites: &mut Vec<Site<'a>>) -> Vec<Candidate<'a>> {
    let mut by_text: FxHashMap<u64, usize> = FxHashMap::default();
    let mut candidates: Vec<Candidate<'a>> = Vec::new();
    let next_line = buffer.next_line_tokens();
    // The most telling copy first: it gives the candidate its exact spelling.
    sites.sort_by_key(|site| std::cmp::Reverse(site.place.weight() << site.agree.min(20)));
    for (place, site) in sites.iter().enumerate() {
        let end = site.line_end();
        let Some(text) = join::insertion(site, end, buffer).filter(|_| end - site.token <= LONGEST_REST)
        else {
            continue;
        };
        let known = *by_text.entry(join::spelling(text)).or_insert(candidates.len());
        if known == candidates.len() {
            candidates.push(Candidate {
                text,
                numbers: &site.numbers[site.token..end],
                sites: Vec::new(),
                vote: 0,
                soft: 0,
                counts: [0; 4],
                longest: 0,
                distance: None,
                agrees_next: false,
                typed: site.typed > 0,
            });
        }
        let candidate = &mut candidates[known];
        let agree = site.agree.min(20);
        candidate.sites.push(place as u32);
        candidate.vote += site.place.weight() << agree;
        candidate.soft += site.place.weight() * SOFT[agree as usize];
        candidate.counts[site.place as usize] += 1;
        candidate.longest = candidate.longest.max(site.agree);
        candidate.distance = match (candidate.distance, site.distance) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        candidate.agrees_next |= !next_line.is_empty()
            && site.numbers.get(end + 1..).is_some_and(|following| following.starts_with(next_line));
    }
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.vote));
    candidates
}
