//! Claims: which records lay a hand on which lines, and who gets them.

use waymark_ledger::emission::{EditorEvent, Form};
use waymark_types::{RecordId, Timestamp};

use super::fit::Fit;
use super::{Attributed, Candidate, Evidence, EvidenceKind, Source};
use crate::Class;

/// Of the strongest claim's support, what another needs to be taken before it for being the later one, if its place is not
/// known, and what it needs to be named beside it, in per cent.
const ALIKE: u32 = 50;
const NAMED: u32 = 35;

/// A record's claim to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    /// The candidate's number.
    pub(super) number: usize,
    /// Which of its emissions: where it lies in memory tells it from others.
    pub(super) emission: usize,
    /// Which line of the emission, of those that are not taken away.
    pub(super) at: usize,
    pub(super) fit: Fit,
    pub(super) form: Form,
    pub(super) word: Option<EditorEvent>,
    /// Whether it is an editor that says so, and not an answer.
    pub(super) is_word: bool,
    /// When it was put out.
    pub(super) ended: Timestamp,
    pub(super) kind: EvidenceKind,
    /// Letters that were matched together with it.
    pub(super) support: u32,
    /// Lines that were.
    pub(super) run: u32,
    /// Whether what stands around it says that it was put there.
    pub(super) is_placed: bool,
    pub(super) changed: u32,
}

impl Claim {
    pub(super) fn new(source: &Source<'_>, at: usize, kind: EvidenceKind) -> Self {
        Self {
            number: source.number,
            emission: source.identity(),
            at,
            fit: source.fit,
            form: source.emission.form,
            word: source.word,
            is_word: source.is_word(),
            ended: source.candidate.emissions.ended,
            kind,
            support: 0,
            run: 1,
            is_placed: false,
            changed: 0,
        }
    }

    fn rank(&self, said: &Said) -> (u8, bool, u32) {
        (self.trust(said), self.fit == Fit::Here, self.support)
    }

    /// How far what says so is trusted: an editor before all but what was put in the place after its word; but what an agent
    /// has put into the file is no less sure than that somebody typed the same somewhere in it. What was only offered may have
    /// gone in, the surer where its place is known and unless an editor says that the line was typed; what was for a file that
    /// is gone may have been copied.
    fn trust(&self, said: &Said) -> u8 {
        let is_later = || {
            let is_offer = matches!(self.form, Form::Completion | Form::Fence);
            let is_placed = self.is_placed && self.fit == Fit::Here && !is_offer;
            let is_put = is_placed && self.kind == EvidenceKind::Exact;
            is_put && said.last.is_some_and(|word| self.ended > word)
        };
        match (self.word, self.form) {
            (None, Form::Completion | Form::Fence) if !self.is_placed || said.is_typed => 0,
            (None, _) if self.fit <= Fit::Elsewhere => 0,
            (Some(EditorEvent::Typed), _) => 1,
            (None, _) if is_later() => 3,
            (None, _) => 2,
            (Some(_), _) => 3,
        }
    }

    fn score(&self) -> u32 {
        let place = match self.fit {
            Fit::Here => 20,
            Fit::Loose => 10,
            _ => 0,
        };
        let base = match self.kind {
            EvidenceKind::Feedback | EvidenceKind::Note => return 100,
            EvidenceKind::Exact => 50,
            EvidenceKind::Formatted => 45,
            EvidenceKind::Layout => 40,
            EvidenceKind::Similar => 30u32.saturating_sub(self.changed / 4),
            EvidenceKind::Block => 30,
        };
        base + place + (self.support / 8).min(29)
    }
}

/// What editors say of a line.
struct Said {
    /// One says that it was typed.
    is_typed: bool,
    /// When one last said that it is of a suggestion.
    last: Option<Timestamp>,
}

impl Said {
    fn of(claims: &[Claim]) -> Self {
        let is_typed = claims.iter().any(|claim| claim.word == Some(EditorEvent::Typed));
        let words = claims.iter().filter(|claim| claim.is_word && claim.word != Some(EditorEvent::Typed));
        Self { is_typed, last: words.map(|claim| claim.ended).max() }
    }
}

/// The claims to a file's lines.
pub(super) struct Claims {
    made: Vec<Vec<Claim>>,
    pub(super) settled: Vec<Option<Claim>>,
    others: Vec<Vec<usize>>,
}

impl Claims {
    pub(super) fn new(lines: usize) -> Self {
        Self { made: vec![Vec::new(); lines], settled: vec![None; lines], others: vec![Vec::new(); lines] }
    }

    pub(super) fn extend(&mut self, line: usize, claim: Option<Claim>) {
        self.made[line].extend(claim);
    }

    /// Whether a record before this one's claims the line.
    pub(super) fn are_before(&self, line: usize, source: &Source<'_>) -> bool {
        self.made[line].iter().any(|claim| claim.number < source.number)
    }

    /// Gives each line to the strongest of those that claim it; among those alike, to the last one before the commit.
    pub(super) fn settle(&mut self) {
        for (line, made) in self.made.iter_mut().enumerate() {
            let said = Said::of(made);
            let rank = |claim: &Claim| claim.rank(&said);
            let Some(strongest) = made.iter().copied().max_by_key(rank) else { continue };
            let alike = |claim: &Claim, share: u32| {
                let kind = |claim: &Claim| (claim.trust(&said), claim.fit == Fit::Here);
                kind(claim) == kind(&strongest) && claim.support * 100 >= strongest.support * share
            };
            let may_be_last = |claim: &Claim| alike(claim, if claim.is_placed { 0 } else { ALIKE });
            let last = made.iter().copied().filter(may_be_last).max_by_key(|claim| claim.ended);
            let Some(last) = last else { continue };
            let others = made.iter().filter(|claim| alike(claim, NAMED) && claim.number != last.number);
            self.others[line] = others.map(|claim| claim.number).collect();
            self.settled[line] = Some(last);
        }
    }

    /// Answers for every line.
    pub(super) fn into_attributed(self, candidates: &[Candidate]) -> Vec<Option<Attributed>> {
        let whose = |number: usize| -> Option<RecordId> {
            let candidate = &candidates[number];
            candidate.emissions.word.map_or(Some(candidate.record), |word| word.about)
        };
        let attributed = |(claim, others): (Option<Claim>, Vec<usize>)| {
            let claim = claim?;
            let class = match (claim.word, claim.kind) {
                (Some(EditorEvent::Typed), _) => Class::Human,
                (Some(EditorEvent::Edited), _) => Class::AiModified,
                (_, EvidenceKind::Exact) => Class::Ai,
                (_, EvidenceKind::Block) if claim.changed == 0 => Class::Ai,
                _ => Class::AiModified,
            };
            let record = whose(claim.number).filter(|_| class != Class::Human);
            let mut named: Vec<RecordId> = others.into_iter().filter_map(whose).collect();
            named.sort_unstable();
            named.dedup();
            named.retain(|other| Some(*other) != record);
            let kind = if claim.word.is_some() { EvidenceKind::Feedback } else { claim.kind };
            let evidence = Evidence {
                kind,
                form: Some(claim.form),
                matched_lines: claim.run,
                score: Claim { kind, ..claim }.score(),
                changed_percent: claim.changed,
            };
            Some(Attributed { class, record, others: named, evidence })
        };
        self.settled.into_iter().zip(self.others).map(attributed).collect()
    }
}
