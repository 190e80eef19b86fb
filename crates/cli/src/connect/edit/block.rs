//! Lines between two marks, for formats whose text cannot be spliced key by key without a risk.

use super::{Applied, EditError, Trace, line_end, yaml};

const BEGIN: &str = "# >>> waymark";
const END: &str = "# <<< waymark";

/// What kind of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// YAML.
    Yaml,
    /// `NAME=value`, of which the last one counts.
    Variables,
}

/// Where the block goes when there is none yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The end of the file.
    End,
    /// Before the first item of the list with this top-level key. Where there is no such key the list is made,
    /// and where there is nothing at all these lines go before it.
    List {
        /// The list's key.
        key: &'static str,
        /// What a new file must also say.
        head: Vec<String>,
    },
}

/// A block of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) style: Style,
    pub(crate) place: Place,
    /// Top-level keys that must not stand outside of the block too.
    pub(crate) keys: Vec<&'static str>,
    /// The lines, for a list its items without indentation.
    pub(crate) lines: Vec<String>,
    /// The name before the address, to find the address again.
    pub(crate) address_key: &'static str,
}

/// Where a block is: from the first byte of its first mark's line to behind its last mark's line end.
struct Found {
    from: usize,
    to: usize,
    indent: String,
}

impl Block {
    /// Puts the block in, or brings it up to date.
    pub(super) fn apply(&self, text: &str) -> Result<Applied, EditError> {
        let found = find(text)?;
        let outside = match &found {
            Some(Found { from, to, .. }) => format!("{}{}", &text[..*from], &text[*to..]),
            None => text.to_owned(),
        };
        if self.style == Style::Yaml {
            self.check(text, &outside)?;
        }
        let (at, to, inserted) = match found {
            Some(Found { from, to, indent }) => (from, to, self.rewritten(text, from, to, &indent)?),
            None => {
                let (at, inserted) = self.placed(text)?;
                (at, at, inserted)
            }
        };
        if text[at..to] == inserted {
            return Ok(Applied { text: text.to_owned(), traces: Vec::new() });
        }
        let applied = format!("{}{inserted}{}", &text[..at], &text[to..]);
        if self.style == Style::Yaml {
            let keys = yaml::outline(&applied)?.keys;
            if self.keys.iter().any(|key| keys.iter().filter(|known| *known == key).count() != 1) {
                return Err(EditError::NotSafe("its top level is not where it seems to be".to_owned()));
            }
        }
        Ok(Applied { text: applied, traces: vec![Trace::Block { inserted }] })
    }

    /// The addresses this text names, in our block or not.
    pub(crate) fn addresses(&self, text: &str) -> Vec<String> {
        let value = |line: &str| {
            let line = line.trim().trim_start_matches("- ").trim_start_matches("export ");
            let rest = line.strip_prefix(self.address_key)?.trim_start().strip_prefix([':', '='])?;
            Some(rest.trim().trim_matches(['"', '\'']).to_owned())
        };
        text.lines().filter_map(value).collect()
    }

    fn check(&self, text: &str, outside: &str) -> Result<(), EditError> {
        // The whole text first, so that a fault's place is the file's.
        yaml::outline(text)?;
        let known = yaml::outline(outside)?.keys;
        let lists = matches!(self.place, Place::List { .. });
        match self.keys.iter().find(|key| !lists && known.iter().any(|known| known == *key)) {
            Some(key) => Err(EditError::NotSafe(format!("it sets `{key}` already"))),
            None => Ok(()),
        }
    }

    /// Where a new block goes and its bytes.
    fn placed(&self, text: &str) -> Result<(usize, String), EditError> {
        let end = line_end(text);
        let lead = if text.is_empty() || text.ends_with('\n') { "" } else { end };
        let Place::List { key, head } = &self.place else {
            return Ok((text.len(), format!("{lead}{}", marked(&self.lines, "", end))));
        };
        let outline = yaml::outline(text)?;
        if !outline.keys.iter().any(|known| known == key) {
            let head = if outline.keys.is_empty() { head.as_slice() } else { &[] };
            let lines = head.iter().cloned().chain([format!("{key}:")]);
            let lines: Vec<String> = lines.chain(self.lines.iter().map(|line| format!("  {line}"))).collect();
            return Ok((text.len(), format!("{lead}{}", marked(&lines, "", end))));
        }
        let (line, indent) = yaml::list(text, key)?;
        let at = text.split_inclusive('\n').take(line).map(str::len).sum();
        Ok((at, marked(&self.lines, &indent, end)))
    }

    /// The bytes of a block that is there, with today's lines.
    fn rewritten(&self, text: &str, from: usize, to: usize, indent: &str) -> Result<String, EditError> {
        let end = line_end(text);
        let Place::List { key, .. } = &self.place else { return Ok(marked(&self.lines, indent, end)) };
        let old: Vec<&str> = text[from..to].lines().collect();
        let heading = format!("{key}:");
        let Some(at) = old.iter().position(|line| *line == heading) else {
            return Ok(marked(&self.lines, indent, end));
        };
        let head = old.get(1..=at).unwrap_or_default().iter().map(|line| (*line).to_owned());
        let lines: Vec<String> = head.chain(self.lines.iter().map(|line| format!("  {line}"))).collect();
        Ok(marked(&lines, indent, end))
    }
}

/// Takes the block out: the very bytes put in where they still stand, else the lines between the marks.
pub(super) fn remove(text: &str, inserted: &str) -> Result<String, EditError> {
    if !inserted.is_empty() && text.matches(inserted).count() == 1 {
        return Ok(text.replacen(inserted, "", 1));
    }
    Ok(match find(text)? {
        Some(Found { from, to, .. }) => format!("{}{}", &text[..from], &text[to..]),
        None => text.to_owned(),
    })
}

fn marked(lines: &[String], indent: &str, end: &str) -> String {
    let all = [BEGIN].into_iter().chain(lines.iter().map(String::as_str)).chain([END]);
    all.map(|line| format!("{indent}{line}{end}")).collect()
}

fn find(text: &str) -> Result<Option<Found>, EditError> {
    let (mut begin, mut found, mut at) = (None, None, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let mark = line.trim();
        let unpaired = |what: &str| {
            Err(EditError::Syntax { line: number + 1, column: 1, what: format!("`{mark}` {what}") })
        };
        match (mark, begin) {
            (BEGIN, None) if found.is_none() => {
                let indent = line.chars().take_while(|character| [' ', '\t'].contains(character)).collect();
                begin = Some((at, indent));
            }
            (BEGIN, _) => return unpaired("stands here a second time"),
            (END, None) => return unpaired("has no beginning before it"),
            (END, Some((from, indent))) => {
                found = Some(Found { from, to: at + line.len(), indent });
                begin = None;
            }
            (_, open) => begin = open,
        }
        at += line.len();
    }
    match begin {
        Some(_) => Err(EditError::Syntax {
            line: text.lines().position(|line| line.trim() == BEGIN).unwrap_or(0) + 1,
            column: 1,
            what: format!("`{BEGIN}` has no `{END}` after it"),
        }),
        None => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Block {
        Block {
            style: Style::Variables,
            place: Place::End,
            keys: vec![],
            lines: vec!["A_URL=http://127.0.0.1:4114".into()],
            address_key: "A_URL",
        }
    }

    fn models() -> Block {
        Block {
            style: Style::Yaml,
            place: Place::List { key: "models", head: vec!["name: Local".into()] },
            keys: vec!["models"],
            lines: vec!["- name: Waymark".into(), "  apiBase: http://127.0.0.1:4114/v1".into()],
            address_key: "apiBase",
        }
    }

    fn inserted(applied: &Applied) -> &str {
        match applied.traces.as_slice() {
            [Trace::Block { inserted }] => inserted,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn variables_go_to_the_end_and_come_out_again() {
        for text in ["", "KEY=ü\n", "KEY=1", "# c\r\nKEY=1\r\n"] {
            let applied = variables().apply(text).unwrap();
            assert!(applied.text.starts_with(text));
            assert_eq!(variables().apply(&applied.text).unwrap().traces, [], "twice is once");
            assert_eq!(remove(&applied.text, inserted(&applied)).unwrap(), text);
            assert_eq!(variables().addresses(&applied.text), ["http://127.0.0.1:4114"]);
        }
    }

    #[test]
    fn a_new_address_replaces_the_block_where_it_is() {
        let first = variables().apply("KEY=1\n").unwrap();
        let moved = Block { lines: vec!["A_URL=http://127.0.0.1:5000".into()], ..variables() };
        let text = first.text + "LATER=2\n";
        let second = moved.apply(&text).unwrap();
        assert_eq!(
            second.text,
            "KEY=1\n# >>> waymark\nA_URL=http://127.0.0.1:5000\n# <<< waymark\nLATER=2\n"
        );
        assert_eq!(remove(&second.text, "no longer there").unwrap(), "KEY=1\nLATER=2\n");
    }

    #[test]
    fn an_item_goes_before_the_first_of_its_list() {
        let text = "name: mine\nmodels: # all of them\n    # the good one\n    - name: theirs\n      provider: x\nrules: []\n";
        let applied = models().apply(text).unwrap();
        assert_eq!(
            applied.text,
            "name: mine\nmodels: # all of them\n    # >>> waymark\n    - name: Waymark\n      apiBase: \
             http://127.0.0.1:4114/v1\n    # <<< waymark\n    # the good one\n    - name: theirs\n      provider: \
             x\nrules: []\n"
        );
        assert_eq!(models().apply(&applied.text).unwrap().traces, []);
        assert_eq!(remove(&applied.text, inserted(&applied)).unwrap(), text);
    }

    #[test]
    fn a_list_that_is_not_there_is_made() {
        let fresh = models().apply("").unwrap().text;
        assert!(fresh.starts_with("# >>> waymark\nname: Local\nmodels:\n  - name: Waymark\n"), "{fresh}");
        assert_eq!(models().apply(&fresh).unwrap().traces, []);
        let beside = models().apply("rules:\n- a\n").unwrap().text;
        assert!(beside.starts_with("rules:\n- a\n# >>> waymark\nmodels:\n  - name: Waymark\n"), "{beside}");
    }

    #[test]
    fn what_is_not_safe_is_left_alone() {
        for text in ["models: []\n", "{models: [], a: 1}\n", "- a\n", "a: 1\n---\nb: 1\n", "a: 1\n...\n"] {
            assert!(matches!(models().apply(text), Err(EditError::NotSafe(_))), "{text:?}");
        }
        let keys = Block { keys: vec!["model"], place: Place::End, ..models() };
        assert!(matches!(keys.apply("model: gpt\n"), Err(EditError::NotSafe(_))));
    }

    #[test]
    fn broken_text_is_refused_with_its_place() {
        for (text, at) in [
            ("a: 1\nb: [1, 2\n", None),
            ("a: 1\n# >>> waymark\n", Some(2)),
            ("# <<< waymark\n", Some(1)),
            ("# >>> waymark\n# <<< waymark\n# >>> waymark\n# <<< waymark\n", Some(3)),
        ] {
            match models().apply(text) {
                Err(EditError::Syntax { line, .. }) => {
                    assert!(at.is_none_or(|at| at == line), "{text:?} {line}");
                }
                other => panic!("{text:?}: {other:?}"),
            }
        }
    }
}
