//! What a formatter does to lines: other indentation, other quotes, commas at the end, argument lists on one line or on
//! several. Which lines each one comes of is known.

use std::ops::Range;

/// What the formatter wants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) indent: Indent,
    /// `"` for `'`.
    pub(crate) quotes: bool,
    /// A comma after the last of several arguments.
    pub(crate) commas: bool,
    /// Lists wider than this are put on several lines; 0 for none.
    pub(crate) width: usize,
    /// Short lists are put on one line.
    pub(crate) join: bool,
}

/// How lines are indented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Indent {
    Keep,
    /// Two columns where there were four.
    Half,
    /// Four where there were two.
    Double,
    /// A tab for four columns.
    Tabs,
    /// Four columns for a tab.
    Spaces,
}

/// A line of the outcome, and the lines that it comes of.
pub(crate) type Formatted = (Range<usize>, String);

/// The widest line that several are put on.
const WIDEST: usize = 100;
/// The longest list that is put on one line, in lines.
const LONGEST: usize = 6;

impl Style {
    /// One of several, by a number.
    pub(crate) fn drawn(number: usize) -> Self {
        let indents = [Indent::Half, Indent::Double, Indent::Tabs, Indent::Spaces, Indent::Keep];
        Self {
            indent: indents[number % 5],
            quotes: (number / 5).is_multiple_of(2),
            commas: (number / 10).is_multiple_of(2),
            width: [0, 50, 70][number / 20 % 3],
            join: (number / 60).is_multiple_of(2),
        }
    }
}

/// Formats lines. `may_join` says whether lines may become one.
pub(crate) fn format(
    lines: &[&str],
    style: &Style,
    may_join: &dyn Fn(Range<usize>) -> bool,
) -> Vec<Formatted> {
    let mut shaped = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let joined = if style.join { joined(&lines[at..]) } else { None };
        if let Some((count, text)) = joined
            && may_join(at..at + count)
        {
            shaped.push((at..at + count, text));
            at += count;
            continue;
        }
        match split(lines[at], style) {
            Some(pieces) => shaped.extend(pieces.into_iter().map(|piece| (at..at + 1, piece))),
            None => shaped.push((at..at + 1, lines[at].to_owned())),
        }
        at += 1;
    }
    let next: Vec<String> = shaped.iter().skip(1).map(|(_, text)| text.clone()).collect();
    for (number, (_, text)) in shaped.iter_mut().enumerate() {
        if style.commas && next.get(number).is_some_and(|next| closes(next)) && wants_comma(text) {
            text.push(',');
        }
        if style.quotes {
            *text = quoted(text);
        }
        *text = indented(text, style.indent);
    }
    shaped
}

fn indented(text: &str, indent: Indent) -> String {
    let rest = text.trim_start();
    let white = &text[..text.len() - rest.len()];
    if white.is_empty() || rest.is_empty() {
        return text.to_owned();
    }
    let spaces = white.chars().filter(|c| *c == ' ').count();
    let tabs = white.chars().count() - spaces;
    let white = match indent {
        Indent::Half if tabs == 0 && spaces % 4 == 0 => " ".repeat(spaces / 2),
        Indent::Double if tabs == 0 && spaces % 2 == 0 && spaces <= 12 => " ".repeat(spaces * 2),
        Indent::Tabs if tabs == 0 && spaces % 4 == 0 => "\t".repeat(spaces / 4),
        Indent::Spaces if spaces == 0 => "    ".repeat(tabs),
        _ => white.to_owned(),
    };
    white + rest
}

/// `'text'` as `"text"`, where that is simple.
fn quoted(text: &str) -> String {
    let is_simple = text.matches('\'').count() == 2 && !text.contains('"') && !text.contains('\\');
    let within = text.split('\'').nth(1).unwrap_or_default();
    let is_text = within.chars().count() > 1 && !within.starts_with(' ') && !within.contains(['/', '#', ',']);
    if is_simple && is_text { text.replace('\'', "\"") } else { text.to_owned() }
}

fn closes(text: &str) -> bool {
    text.trim_start().starts_with([')', ']'])
}

fn wants_comma(text: &str) -> bool {
    let ends = text.ends_with(|c: char| c.is_alphanumeric() || "\"')".contains(c));
    ends && !text.trim_start().starts_with(['/', '#', '*'])
}

/// The first lines as one, where they are a short list: how many, and the text.
fn joined(lines: &[&str]) -> Option<(usize, String)> {
    let first = lines.first()?;
    if !first.ends_with('(') || first.trim_start().starts_with(['/', '#', '*']) {
        return None;
    }
    let last = lines.iter().take(LONGEST).position(|line| closes(line))?;
    let within = lines.get(1..last)?;
    let is_plain = |line: &&str| !line.contains(['(', '{', '[', '#', '"', '\'']) && !line.contains("//");
    if within.is_empty() || !within.iter().all(is_plain) {
        return None;
    }
    let arguments: Vec<&str> = within.iter().map(|line| line.trim()).collect();
    let arguments = arguments.join(" ");
    let text = format!("{first}{}{}", arguments.trim_end_matches(','), lines[last].trim_start());
    (text.chars().count() <= WIDEST).then_some((last + 1, text))
}

/// A line with a long list as several.
fn split(line: &str, style: &Style) -> Option<Vec<String>> {
    if style.width == 0 || line.chars().count() <= style.width || line.contains(['"', '\'', '#', '`', '/']) {
        return None;
    }
    let open = line.find('(')?;
    let close = line.rfind(')')?;
    let (head, arguments, tail) = (&line[..=open], line.get(open + 1..close)?, &line[close..]);
    if tail.len() > 4 || arguments.contains(['(', ')', '{', '[', '<', '|']) || head.contains(')') {
        return None;
    }
    let arguments: Vec<&str> = arguments.split(',').map(str::trim).filter(|text| !text.is_empty()).collect();
    if arguments.len() < 2 {
        return None;
    }
    let white = &line[..line.len() - line.trim_start().len()];
    let deeper = if white.starts_with('\t') { "\t" } else { "    " };
    let last = arguments.len() - 1;
    let arguments = arguments.iter().enumerate().map(|(number, argument)| {
        let comma = if number < last || style.commas { "," } else { "" };
        format!("{white}{deeper}{argument}{comma}")
    });
    let pieces = std::iter::once(head.to_owned()).chain(arguments).chain([format!("{white}{tail}")]);
    Some(pieces.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style { indent: Indent::Keep, quotes: false, commas: false, width: 0, join: false };

    fn texts(lines: &[&str], style: &Style) -> Vec<String> {
        format(lines, style, &|_| true).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn a_list_is_split_and_joined_again() {
        let line = "    let total = sum_of(first, second, third);";
        let split = texts(&[line], &Style { width: 20, ..PLAIN });
        let wanted =
            ["    let total = sum_of(", "        first,", "        second,", "        third", "    );"];
        assert_eq!(split, wanted);
        let lines: Vec<&str> = split.iter().map(String::as_str).collect();
        let joined = format(&lines, &Style { join: true, ..PLAIN }, &|_| true);
        assert_eq!(joined, [(0..5, line.to_owned())]);
        assert_eq!(format(&lines, &Style { join: true, ..PLAIN }, &|_| false).len(), 5);
    }

    #[test]
    fn indentation_quotes_and_commas() {
        assert_eq!(texts(&["        a"], &Style { indent: Indent::Half, ..PLAIN }), ["    a"]);
        assert_eq!(texts(&["    a"], &Style { indent: Indent::Tabs, ..PLAIN }), ["\ta"]);
        assert_eq!(texts(&["x = 'one two'"], &Style { quotes: true, ..PLAIN }), ["x = \"one two\""]);
        assert_eq!(texts(&["don't"], &Style { quotes: true, ..PLAIN }), ["don't"]);
        let commas = Style { commas: true, ..PLAIN };
        assert_eq!(texts(&["f(", "    a,", "    b", ")"], &commas), ["f(", "    a,", "    b,", ")"]);
    }

    #[test]
    fn every_line_comes_of_lines_in_order() {
        for number in 0..240 {
            let lines = [
                "f(",
                "    a,",
                "    b",
                ");",
                "",
                "    call(one, two, three, four, five, six, seven, eight);",
            ];
            let formatted = format(&lines, &Style::drawn(number), &|_| true);
            assert_eq!(formatted.first().unwrap().0.start, 0);
            assert_eq!(formatted.last().unwrap().0.end, lines.len());
            assert!(formatted.windows(2).all(|two| two[0].0.end == two[1].0.start || two[0].0 == two[1].0));
        }
    }
}
