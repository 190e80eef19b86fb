//! What `echo` and `printf` put out, as far as their words say.

/// More is made by no `printf` that is a model's, in bytes.
const LONGEST: usize = 64 << 10;

/// What a command puts out; nothing where it is none of these, or its words do not say.
pub(super) fn by(name: &str, arguments: &[String]) -> Option<String> {
    match name {
        "echo" => Some(echoed(arguments)),
        "printf" => formatted(arguments),
        _ => None,
    }
}

/// What bash's `echo` makes of its words.
fn echoed(arguments: &[String]) -> String {
    let is_option = |word: &&String| {
        word.strip_prefix('-').is_some_and(|letters| {
            !letters.is_empty() && letters.chars().all(|letter| matches!(letter, 'n' | 'e' | 'E'))
        })
    };
    let count = arguments.iter().take_while(is_option).count();
    let (options, words) = arguments.split_at(count);
    let has = |letter: char| options.iter().any(|option| option.contains(letter));
    let text = words.join(" ");
    let text = if has('e') { unescaped(&text) } else { text };
    if has('n') { text } else { text + "\n" }
}

/// What `printf` makes of its format, which is gone through again while there are words left; nothing where it has numbers
/// and widths.
fn formatted(arguments: &[String]) -> Option<String> {
    let (format, words) = match arguments.split_first()? {
        (dashes, rest) if dashes == "--" => rest.split_first()?,
        all => all,
    };
    let format = unescaped(format);
    let (mut words, mut text) = (words.iter(), String::new());
    loop {
        let left = words.len();
        let mut rest = format.as_str();
        while let Some(at) = rest.find('%') {
            text.push_str(&rest[..at]);
            let mut letters = rest[at + 1..].chars();
            match letters.next()? {
                's' | 'd' => text.push_str(words.next().map(String::as_str).unwrap_or_default()),
                'b' => text.push_str(&unescaped(words.next().map(String::as_str).unwrap_or_default())),
                '%' => text.push('%'),
                _ => return None,
            }
            rest = letters.as_str();
        }
        text.push_str(rest);
        if words.len() == 0 || words.len() == left {
            return Some(text);
        }
        if text.len() > LONGEST {
            return None;
        }
    }
}

/// A text with the signs that its escapes stand for.
fn unescaped(text: &str) -> String {
    let (mut plain, mut letters) = (String::with_capacity(text.len()), text.chars());
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some('r') => plain.push('\r'),
            Some(sign @ ('\\' | '"' | '\'')) => plain.push(sign),
            Some(other) => plain.extend(['\\', other]),
            None => plain.push('\\'),
        }
    }
    plain
}
