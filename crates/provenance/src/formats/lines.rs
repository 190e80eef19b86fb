//! Lines of a file as others' formats count them: from 1, both ends included.

use std::collections::BTreeMap;
use std::fmt;

/// A run of lines. It holds one line at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lines {
    first: u32,
    last: u32,
}

impl Lines {
    /// The lines from `first` to `last`; nothing where there are none, or one would be line 0.
    pub const fn new(first: u32, last: u32) -> Option<Self> {
        if first >= 1 && first <= last { Some(Self { first, last }) } else { None }
    }

    /// The first line.
    pub const fn first(self) -> u32 {
        self.first
    }

    /// The last line.
    pub const fn last(self) -> u32 {
        self.last
    }

    /// How many they are.
    pub const fn count(self) -> u32 {
        self.last - self.first + 1
    }

    /// Those that are in both.
    pub fn overlap(self, other: Self) -> Option<Self> {
        Self::new(self.first.max(other.first), self.last.min(other.last))
    }
}

impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

/// Any lines of one file, as runs: sorted, apart from each other, none empty.
///
/// Runs are never taken apart into lines: what is read from others may claim four thousand million of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineSet(Vec<Lines>);

impl LineSet {
    /// The runs, in order.
    pub fn runs(&self) -> &[Lines] {
        &self.0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a line is among them.
    pub fn contains(&self, line: u32) -> bool {
        let at = self.0.partition_point(|run| run.last < line);
        self.0.get(at).is_some_and(|run| run.first <= line)
    }

    /// Those that are among `lines` too, as runs in order.
    pub fn within(&self, lines: Lines) -> impl Iterator<Item = Lines> {
        let from = self.0.partition_point(|run| run.last < lines.first);
        self.0[from..].iter().map_while(move |run| run.overlap(lines))
    }

    /// These without the others.
    pub fn minus(&self, others: &Self) -> Self {
        let mut kept = Vec::new();
        for run in &self.0 {
            // The next line not looked at yet; nothing after the run's end.
            let mut next = Some(run.first);
            for taken in others.within(*run) {
                kept.extend(next.and_then(|first| Lines::new(first, taken.first - 1)));
                next = taken.last.checked_add(1);
            }
            kept.extend(next.and_then(|first| Lines::new(first, run.last)));
        }
        Self(kept)
    }

    /// Reads a list such as `1,2,19-222`, in any order; nothing when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |digits: &str| {
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            if is_number { digits.parse().ok() } else { None }
        };
        let run = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Lines::new(number(first)?, number(last)?)
        };
        let parts = text.split(',').filter(|part| !part.is_empty());
        let set = parts.map(run).collect::<Option<Self>>()?;
        (!set.is_empty()).then_some(set)
    }
}

impl FromIterator<Lines> for LineSet {
    fn from_iter<I: IntoIterator<Item = Lines>>(runs: I) -> Self {
        let mut sorted: Vec<Lines> = runs.into_iter().collect();
        sorted.sort_unstable();
        sorted.dedup_by(|next, run| {
            let joined = run.last >= next.first - 1;
            if joined {
                run.last = run.last.max(next.last);
            }
            joined
        });
        Self(sorted)
    }
}

impl fmt::Display for LineSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, run) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            write!(f, "{run}")?;
        }
        Ok(())
    }
}

/// Lines that somebody has laid claim to, in any order. However many claims overlap, what it hands out does not.
#[derive(Debug, Default)]
pub(super) struct Claims(BTreeMap<u32, u32>);

impl Claims {
    /// Lays claim to `lines`, and returns those that nobody had.
    pub(super) fn lay(&mut self, lines: Lines) -> Vec<Lines> {
        let before = self.0.range(..=lines.first).next_back();
        let from = before.filter(|(_, last)| **last >= lines.first).map_or(lines.first, |(first, _)| *first);
        let met: Vec<Lines> =
            self.0.range(from..=lines.last).filter_map(|(&first, &last)| Lines::new(first, last)).collect();
        let (mut free, mut next, mut whole) = (Vec::new(), Some(lines.first), lines);
        for run in met {
            free.extend(next.and_then(|first| Lines::new(first, run.first - 1)));
            next = run.last.checked_add(1);
            whole = Lines { first: whole.first.min(run.first), last: whole.last.max(run.last) };
            self.0.remove(&run.first);
        }
        free.extend(next.and_then(|first| Lines::new(first, lines.last)));
        self.0.insert(whole.first, whole.last);
        free
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set(lines: &BTreeSet<u32>) -> LineSet {
        lines.iter().filter_map(|&line| Lines::new(line, line)).collect()
    }

    fn both(one: &LineSet, other: &LineSet) -> LineSet {
        one.runs().iter().chain(other.runs()).copied().collect()
    }

    proptest! {
        #[test]
        fn it_is_a_set_of_lines(
            a in prop::collection::btree_set(1_u32..40, 0..30),
            b in prop::collection::btree_set(1_u32..40, 0..30),
            (first, last) in (1_u32..40, 1_u32..40),
        ) {
            let (left, right) = (set(&a), set(&b));
            prop_assert_eq!(both(&left, &right), set(&(&a | &b)));
            prop_assert_eq!(left.minus(&right), set(&(&a - &b)));
            prop_assert_eq!(left.runs().iter().map(|run| u64::from(run.count())).sum::<u64>(), a.len() as u64);
            for line in 0..41 {
                prop_assert_eq!(left.contains(line), a.contains(&line));
            }
            if let Some(lines) = Lines::new(first, last) {
                let within: LineSet = left.within(lines).collect();
                prop_assert_eq!(within, set(&a.range(first..=last).copied().collect()));
            }
        }

        #[test]
        fn every_line_is_claimed_once(claims in prop::collection::vec((1_u32..40, 1_u32..40), 0..30)) {
            let (mut claimed, mut seen) = (Claims::default(), BTreeSet::new());
            for lines in claims.into_iter().filter_map(|(first, last)| Lines::new(first, last)) {
                let all: BTreeSet<u32> = (lines.first..=lines.last).collect();
                let free: LineSet = claimed.lay(lines).into_iter().collect();
                prop_assert_eq!(free, set(&(&all - &seen)));
                seen.extend(all);
            }
        }

        #[test]
        fn its_text_reads_back(lines in prop::collection::btree_set(1_u32.., 1..30)) {
            let lines = set(&lines);
            prop_assert_eq!(LineSet::parse(&lines.to_string()), Some(lines));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9,+ -]{0,20}|\\PC{0,20}") {
            if let Some(lines) = LineSet::parse(&text) {
                prop_assert_eq!(LineSet::parse(&lines.to_string()), Some(lines));
            }
        }
    }

    #[test]
    fn lists_are_read_as_the_standard_has_them() {
        let read = |text| LineSet::parse(text).map(|lines| lines.to_string());
        assert_eq!(read("42").as_deref(), Some("42"));
        assert_eq!(read("1,2,19-222,300").as_deref(), Some("1-2,19-222,300"));
        assert_eq!(read("300,1-3,2-9,").as_deref(), Some("1-9,300"));
        assert_eq!(read("1-4294967295").as_deref(), Some("1-4294967295"));
        for wrong in ["", ",", "0", "0-3", "5-3", "1 2", "-3", "3-", "+1", "1-2-3", "4294967296", "a"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_last_line_there_can_be_is_no_trap() {
        let all = LineSet::parse("1-4294967295").unwrap();
        let end = LineSet::parse("4294967295").unwrap();
        assert_eq!(all.minus(&end).to_string(), "1-4294967294");
        assert_eq!(end.minus(&all), LineSet::default());
        assert_eq!(both(&all, &end), all);
    }
}
