//! What a replay saw, and the figures made of it.

use serde::Serialize;

use crate::confidence::ConfidenceFeatures;
use crate::rank::RankFeatures;

/// Where the cursor stands in the line to predict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cursor {
    /// Before the first token.
    Start,
    /// Right behind a token that is not the last.
    Mid,
    /// Inside an identifier.
    Inside,
    /// Behind the last token.
    End,
}

/// What kind of line is predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// None of the others: what the headline figures count.
    New,
    /// Removed elsewhere in the same commit.
    Moved,
    /// A comment.
    Comment,
    /// Fewer than four identifier characters.
    Trivial,
}

/// One cursor's prediction.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Which commit, counted back from HEAD.
    pub commit: usize,
    /// The file's language.
    pub language: &'static str,
    /// What kind of line.
    pub line: LineKind,
    /// Where the cursor stood.
    pub cursor: Cursor,
    /// The best candidate was the rest of the line, byte for byte.
    pub exact: bool,
    /// The rest of the line was among the candidates (blanks aside).
    pub among: bool,
    /// The best candidate passes the syntax gate.
    pub fits: bool,
    /// Lexer tokens that were to be predicted.
    pub tokens: usize,
    /// The best candidate's confidence; zero without one.
    pub confidence: f64,
    /// How long the answer took.
    pub microseconds: f64,
    /// The answer's description, when there was a candidate.
    pub features: Option<ConfidenceFeatures>,
    /// The scored candidates, when asked for.
    #[serde(skip)]
    pub candidates: Option<Candidates>,
}

impl Row {
    /// Whether the model has an answer that it is sure enough of.
    fn answers(&self, threshold: f64) -> bool {
        self.features.is_some() && self.confidence >= threshold
    }
}

/// The scored candidates of a cursor.
#[derive(Debug, Clone)]
pub struct Candidates {
    /// Each candidate's description.
    pub features: Vec<RankFeatures>,
    /// The description of "none of these".
    pub none: RankFeatures,
    /// Which candidate was right, blanks aside.
    pub right: Option<usize>,
    /// That candidate was right byte for byte.
    pub exact: bool,
}

/// What a replay saw.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The commit the history was read from.
    pub head: String,
    /// The oldest commit replayed.
    pub oldest: String,
    /// Commits replayed.
    pub commits: usize,
    /// Lines predicted.
    pub lines: usize,
    /// Tokens in the largest index.
    pub tokens: usize,
    /// Every cursor.
    pub rows: Vec<Row>,
}

/// The share of cursors answered exactly, and what it was counted on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ExactMatch {
    /// Cursors.
    pub cursors: usize,
    /// The share answered exactly, with no threshold.
    pub exact: f64,
    /// The share whose answer was among the candidates.
    pub among: f64,
}

/// What is answered at a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Operating {
    /// The threshold.
    pub threshold: f64,
    /// The share of cursors answered.
    pub coverage: f64,
    /// The share of answers that were exact.
    pub precision: f64,
}

/// What the syntax gate does at a threshold, on headline lines at any cursor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SyntaxGate {
    /// The threshold.
    pub threshold: f64,
    /// Answers before the gate.
    pub answered: usize,
    /// Those it holds back.
    pub rejected: usize,
    /// Those it holds back that were exact.
    pub rejected_exact: usize,
    /// The share of answers that were exact before the gate.
    pub precision_before: f64,
    /// The share of those it lets through.
    pub precision: f64,
}

impl Report {
    /// What the syntax gate does at a threshold.
    pub fn syntax_gate(&self, threshold: f64) -> SyntaxGate {
        let answers = self.rows.iter().filter(|row| row.line == LineKind::New && row.answers(threshold));
        let (mut answered, mut exact, mut rejected, mut rejected_exact) = (0, 0, 0, 0);
        for row in answers {
            answered += 1;
            exact += usize::from(row.exact);
            rejected += usize::from(!row.fits);
            rejected_exact += usize::from(!row.fits && row.exact);
        }
        let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
        SyntaxGate {
            threshold,
            answered,
            rejected,
            rejected_exact,
            precision_before: share(exact, answered),
            precision: share(exact - rejected_exact, answered - rejected),
        }
    }

    /// The rows the headline counts, for one kind of cursor.
    pub fn headline(&self, cursor: Cursor) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.line == LineKind::New && row.cursor == cursor)
    }

    /// Exact match on headline lines.
    pub fn exact_match(&self, cursor: Cursor) -> ExactMatch {
        let (mut cursors, mut exact, mut among) = (0usize, 0usize, 0usize);
        for row in self.headline(cursor) {
            cursors += 1;
            exact += usize::from(row.exact);
            among += usize::from(row.among);
        }
        let share = |count: usize| count as f64 / cursors.max(1) as f64;
        ExactMatch { cursors, exact: share(exact), among: share(among) }
    }

    /// Coverage and precision on headline lines at a threshold.
    pub fn operating(&self, cursor: Cursor, threshold: f64) -> Operating {
        let (mut cursors, mut answered, mut exact) = (0usize, 0usize, 0usize);
        for row in self.headline(cursor) {
            cursors += 1;
            if row.answers(threshold) {
                answered += 1;
                exact += usize::from(row.exact);
            }
        }
        let coverage = answered as f64 / cursors.max(1) as f64;
        Operating { threshold, coverage, precision: exact as f64 / answered.max(1) as f64 }
    }
}
