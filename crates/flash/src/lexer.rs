//! A language-agnostic lexer: identifiers and numbers, punctuation, one newline token.
//!
//! Indentation and other blanks carry no token; their place is known from the spans around them. Runs of blank
//! lines collapse into one newline, so that spacing between items does not break a match.

/// The most bytes one token may have; longer words are cut, so that a length fits one byte.
const LONGEST: usize = u8::MAX as usize;

/// Punctuation that is one token although it has two characters.
const OPERATORS: [[u8; 2]; 22] = [
    *b"::", *b"->", *b"=>", *b"==", *b"!=", *b"<=", *b">=", *b"&&", *b"||", *b"+=", *b"-=", *b"*=", *b"/=",
    *b"//", *b"..", *b":=", *b"++", *b"--", *b"??", *b"?.", *b"/*", *b"*/",
];

/// Where a token stands in its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// The first byte.
    pub(crate) start: u32,
    /// How many bytes.
    pub(crate) len: u8,
    /// Whether this is the newline token.
    pub(crate) newline: bool,
}

/// Whether a character belongs to identifiers and numbers.
pub(crate) fn is_word(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

/// The tokens of a text, in order.
pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// No newline token yet: at the text's start, or right after one.
    line_empty: bool,
}

impl<'a> Lexer<'a> {
    /// Starts at the beginning of a text. The text must be shorter than 4 GiB.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, line_empty: true }
    }

    fn span(&self, start: usize, end: usize, newline: bool) -> Span {
        debug_assert!(end - start <= LONGEST);
        Span { start: start as u32, len: (end - start) as u8, newline }
    }

    /// The end of the word that begins at `start`.
    fn word_end(&self, start: usize) -> usize {
        let bytes = self.text.as_bytes();
        let mut end = start;
        while let Some(&byte) = bytes.get(end) {
            let width = if byte.is_ascii_alphanumeric() || byte == b'_' {
                1
            } else if byte < 0x80 {
                break;
            } else {
                match self.text[end..].chars().next() {
                    Some(character) if is_word(character) => character.len_utf8(),
                    _ => break,
                }
            };
            if end + width - start > LONGEST {
                break;
            }
            end += width;
        }
        end
    }
}

impl Iterator for Lexer<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        let bytes = self.text.as_bytes();
        loop {
            let start = self.at;
            let byte = *bytes.get(start)?;
            if byte == b'\n' {
                self.at += 1;
                if !self.line_empty {
                    self.line_empty = true;
                    return Some(self.span(start, start + 1, true));
                }
                continue;
            }
            if byte < 0x80 && (byte as char).is_whitespace() {
                self.at += 1;
                continue;
            }
            let word_end = self.word_end(start);
            let end = if word_end > start {
                word_end
            } else if byte < 0x80 {
                let pair = bytes.get(start..start + 2).and_then(|pair| <[u8; 2]>::try_from(pair).ok());
                start + if pair.is_some_and(|pair| OPERATORS.contains(&pair)) { 2 } else { 1 }
            } else {
                let character = self.text[start..].chars().next()?;
                if character.is_whitespace() {
                    self.at += character.len_utf8();
                    continue;
                }
                start + character.len_utf8()
            };
            self.at = end;
            self.line_empty = false;
            return Some(self.span(start, end, false));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<&str> {
        Lexer::new(text).map(|span| &text[span.start as usize..][..span.len as usize]).collect()
    }

    #[test]
    fn operators_of_two_characters_are_one_token() {
        assert_eq!(words("a::b->c == 1.5"), ["a", "::", "b", "->", "c", "==", "1", ".", "5"]);
    }

    #[test]
    fn blank_lines_collapse_and_indentation_drops() {
        assert_eq!(words("\n\n  a\r\n\n\t b\n"), ["a", "\n", "b", "\n"]);
    }

    #[test]
    fn other_scripts_and_symbols_are_tokens() {
        assert_eq!(words("größe→名前"), ["größe", "→", "名前"]);
    }

    #[test]
    fn very_long_words_are_cut_at_character_boundaries() {
        let text = "é".repeat(300);
        let parts = words(&text);
        assert!(parts.len() > 1 && parts.iter().all(|part| part.len() <= LONGEST));
        assert_eq!(parts.concat(), text);
    }

    proptest! {
        #[test]
        fn spans_are_in_order_and_cover_everything_but_blanks(text in "(?s).{0,200}") {
            let mut covered = String::new();
            let mut last = 0usize;
            for span in Lexer::new(&text) {
                prop_assert!(span.start as usize >= last && span.len > 0);
                last = span.start as usize + span.len as usize;
                if !span.newline {
                    covered.push_str(&text[span.start as usize..last]);
                }
            }
            let visible: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            prop_assert_eq!(covered, visible);
        }

        #[test]
        fn the_newline_token_is_the_only_one_with_a_newline(text in "[a-z(){}.:= \n\t]{0,120}") {
            for span in Lexer::new(&text) {
                let piece = &text[span.start as usize..][..span.len as usize];
                prop_assert_eq!(span.newline, piece == "\n");
                prop_assert!(span.newline || !piece.contains(char::is_whitespace));
            }
        }
    }
}
