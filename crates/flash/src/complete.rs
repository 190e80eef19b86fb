//! From a cursor to an answer: find the file, gather, rank, decide whether to speak, cite.

use crate::base::Base;
use crate::buffer::Buffer;
use crate::calibration;
use crate::candidates::{self, Candidate, Origin, Pool, Site};
use crate::confidence::{self, ConfidenceFeatures};
use crate::join;
use crate::language;
use crate::lexer::Lexer;
use crate::rank::{self, Ranking};
use crate::request::{Citation, Completion, CompletionRequest, Declined, Source, Suggestion};
use crate::state::State;
use crate::syntax;

/// The most lines cited for one suggestion.
const CITATIONS: usize = 5;

/// A sampled context this long names a file when only one file has it.
const TELLING: u32 = 24;

/// Contexts sampled on each side of the cursor to find out which file this is.
const SAMPLES: usize = 8;

/// The best candidate for a cursor, not yet held against a threshold.
pub(crate) struct Best {
    pub(crate) place: usize,
    pub(crate) text: String,
    pub(crate) probability: f64,
    pub(crate) features: ConfidenceFeatures,
}

/// Answers a request. `path` is the file relative to the repository.
pub(crate) fn complete(state: &State, request: &CompletionRequest<'_>, path: Option<&str>) -> Completion {
    with_ranking(state, request, path, |file, buffer, pool, ranking| {
        let mut completion = Completion {
            version: state.version.clone(),
            suggestion: None,
            declined: None,
            confidence: 0.0,
            prompt_tokens: buffer.tokens() as u64,
            completion_tokens: 0,
        };
        let Some(best) = best(pool, ranking) else {
            completion.declined = Some(Declined::LowConfidence);
            return completion;
        };
        completion.confidence = (best.probability * 1e4).round() / 1e4;
        let threshold = request.threshold.unwrap_or(calibration::THRESHOLD);
        let speaks = completion.confidence >= threshold && request.max_tokens != Some(0);
        if !speaks {
            // Who wants no token has not been told that the model is unsure.
            completion.declined = (completion.confidence < threshold).then_some(Declined::LowConfidence);
        } else if !syntax::fits(request.prefix, &best.text, request.suffix, language(file.or(request.path))) {
            completion.declined = Some(Declined::Syntax);
        } else {
            let (text, tokens) = bounded(&best.text, request.max_tokens);
            completion.completion_tokens = tokens;
            let citations = cite(state, buffer, pool, &pool.candidates[best.place], file, request.path);
            completion.suggestion =
                Some(Suggestion { text: text.to_owned(), confidence: completion.confidence, citations });
        }
        completion
    })
}

/// The language of a file, by its name; none that the syntax gate knows where there is no name.
fn language(path: Option<&str>) -> &'static str {
    language::of_path(path.unwrap_or_default())
}

/// Finds and ranks the candidates of a request and hands them over.
pub(crate) fn with_ranking<R>(
    state: &State,
    request: &CompletionRequest<'_>,
    path: Option<&str>,
    then: impl FnOnce(Option<&str>, &Buffer<'_>, &Pool<'_>, &Ranking) -> R,
) -> R {
    let buffer = Buffer::new(&state.base.vocabulary, request.prefix, request.suffix);
    let file = match path {
        Some(path) if state.visible(path).is_some() => Some(path),
        // A path relative to another directory; a new file only looks like the one it was copied from.
        Some(path) => recognise(&state.base, &buffer).filter(|file| is_tail(file, path)).or(Some(path)),
        None => recognise(&state.base, &buffer),
    };
    let pool = candidates::gather(state, &buffer, file);
    let ranking = rank::rank(&pool, &buffer);
    then(file, &buffer, &pool, &ranking)
}

/// Whether a path ends with these whole components.
fn is_tail(path: &str, tail: &str) -> bool {
    path.strip_suffix(tail).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

/// The most probable candidate and how sure it is.
pub(crate) fn best(pool: &Pool<'_>, ranking: &Ranking) -> Option<Best> {
    let choice = ranking.choice?;
    Some(Best {
        place: choice.best,
        text: pool.candidates[choice.best].text.to_owned(),
        probability: confidence::probability(&choice.features),
        features: choice.features,
    })
}

/// A text's first tokens, and how many they are.
fn bounded(text: &str, most: Option<u32>) -> (&str, u64) {
    let most = most.map_or(usize::MAX, |most| most as usize);
    let spans = Lexer::new(text).take(most);
    let (mut end, mut tokens) = (0, 0);
    for span in spans {
        end = span.start as usize + usize::from(span.len);
        tokens += 1;
    }
    (&text[..end], tokens)
}

/// The indexed file a buffer is an edition of, when its text leaves no doubt.
fn recognise<'a>(base: &'a Base, buffer: &Buffer<'_>) -> Option<&'a str> {
    let mut votes: Vec<(u32, usize)> = Vec::new();
    let mut sampled = 0;
    for numbers in [&buffer.before_numbers, &buffer.after_numbers] {
        let step = (numbers.len() / SAMPLES).max(TELLING as usize);
        for end in (step..=numbers.len()).step_by(step) {
            sampled += 1;
            let near = base.nearest(&numbers[..end], 8, 8, |_| true);
            let mut files =
                near.iter().filter(|near| near.agree >= TELLING).map(|near| base.locate(near.position).0);
            let Some(first) = files.next() else { continue };
            if files.all(|file| file == first) {
                match votes.iter_mut().find(|(file, _)| *file == first) {
                    Some((_, count)) => *count += 1,
                    None => votes.push((first, 1)),
                }
            }
        }
    }
    let cast: usize = votes.iter().map(|(_, count)| count).sum();
    let (file, count) = votes.into_iter().max_by_key(|(file, count)| (*count, std::cmp::Reverse(*file)))?;
    let clear = count * 3 >= cast * 2 && (count >= 2 || sampled == 1);
    clear.then(|| base.files[file as usize].path.as_str())
}

fn cite(
    state: &State,
    buffer: &Buffer<'_>,
    pool: &Pool<'_>,
    candidate: &Candidate<'_>,
    file: Option<&str>,
    asked: Option<&str>,
) -> Vec<Citation> {
    let mut citations: Vec<Citation> = Vec::new();
    for site in candidate.sites.iter().map(|&site| &pool.sites[site as usize]) {
        let end = site.line_end();
        // Copies that differ in blanks count as support, but do not contain the text as suggested.
        if join::insertion(site, end, buffer) != Some(candidate.text) {
            continue;
        }
        let citation = citation(state, buffer, site, file.or(asked));
        if !citations.contains(&citation) {
            citations.push(citation);
        }
        if citations.len() == CITATIONS {
            break;
        }
    }
    citations
}

fn citation(state: &State, buffer: &Buffer<'_>, site: &Site<'_>, file: Option<&str>) -> Citation {
    let line = site.lexed.line_of(site.lexed.start(site.token));
    let licences = &state.base.licences;
    let (path, line, source) = match site.origin {
        Origin::Before => (file.unwrap_or(""), line + buffer.lines_skipped, Source::Buffer),
        Origin::After => (file.unwrap_or(""), line + buffer.lines_before, Source::Buffer),
        Origin::Saved(path) => (path, line, Source::SavedEdit),
        Origin::Indexed(file) => (state.base.files[file as usize].path.as_str(), line, Source::Commit),
    };
    let text = match (site.origin, state.visible(path)) {
        (Origin::Before | Origin::After, Some(visible)) => visible.text(),
        _ => site.lexed.text(),
    };
    Citation {
        path: path.to_owned(),
        line,
        commit: if source == Source::Commit { state.base.commit.clone() } else { None },
        licence: if path.is_empty() { None } else { licences.of(path, text) },
        source,
    }
}
