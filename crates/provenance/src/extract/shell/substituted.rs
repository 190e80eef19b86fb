//! What `sed -i` and `perl -pi` put in the place of what: substitutions of plain words. Where a pattern is more than words,
//! nobody can say without the file what becomes of it.

/// So many files and substitutions of one command are read, and so many letters of one.
const MOST: usize = 64;
const LONGEST: usize = 1_024;

/// Words, and what takes their place.
#[derive(Debug, PartialEq)]
pub(super) struct Substitution {
    pub(super) old: String,
    pub(super) new: String,
}

/// What a command replaces in files, and in which; nothing where it is none of these, or only prints what comes of it.
pub(super) fn by<'a>(name: &str, arguments: &'a [String]) -> Option<(Vec<Substitution>, Vec<&'a str>)> {
    let is_perl = match name {
        "sed" | "gsed" => false,
        "perl" => true,
        _ => return None,
    };
    let (mut scripts, mut files, mut is_in_place, mut is_extended) = (Vec::new(), Vec::new(), false, is_perl);
    let mut words = arguments.iter().map(String::as_str).peekable();
    while let Some(word) = words.next() {
        match word {
            "--in-place" => is_in_place = true,
            "--regexp-extended" => is_extended = true,
            _ if word.starts_with("--in-place=") => is_in_place = true,
            _ if word.starts_with("--") => {}
            _ if word.len() > 1 && word.starts_with('-') => {
                let letters = &word[1..];
                // What follows `i` is the ending of a copy that is kept, but for perl's `-pie`.
                let before = letters.split_once('i').map_or(letters, |(before, _)| before);
                is_in_place |= letters.contains('i');
                is_extended |= before.contains(['E', 'r']);
                if before.ends_with('e') || is_perl && letters.ends_with('e') {
                    scripts.extend(words.next());
                }
                // On a Mac the ending is a word of its own.
                if word == "-i" {
                    words.next_if(|next| next.is_empty());
                }
            }
            _ if scripts.is_empty() => scripts.push(word),
            _ if files.len() < MOST => files.push(word),
            _ => {}
        }
    }
    let substitutions: Vec<Substitution> =
        scripts.iter().flat_map(|script| substitutions(script, is_extended)).take(MOST).collect();
    (is_in_place && !substitutions.is_empty()).then_some((substitutions, files))
}

/// Reads one substitution, or several after one another.
fn substitutions(script: &str, is_extended: bool) -> Vec<Substitution> {
    if let Some(only) = substitution(script.trim(), is_extended) {
        return vec![only];
    }
    let commands = script.split(['\n', ';']);
    commands.filter_map(|command| substitution(command.trim(), is_extended)).collect()
}

/// Reads `s/old/new/g`, with any sign between the parts.
fn substitution(command: &str, is_extended: bool) -> Option<Substitution> {
    let rest = command.strip_prefix('s').filter(|rest| rest.len() <= LONGEST)?;
    let between = rest.chars().next().filter(|sign| sign.is_ascii_punctuation() && *sign != '\\')?;
    let mut parts = parts(&rest[1..], between);
    let (old, new, flags) = (parts.next()?, parts.next()?, parts.next()?);
    let is_known = flags.trim().chars().all(|flag| matches!(flag, 'g' | '1'));
    let old = words(&old, is_extended)?;
    let new = replacement(&new, &old)?;
    (is_known && !old.trim().is_empty() && old != new).then_some(Substitution { old, new })
}

/// The parts of a command between such signs that no `\` stands before.
fn parts(text: &str, between: char) -> impl Iterator<Item = String> {
    let mut parts = vec![String::new()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter == between {
            parts.push(String::new());
            continue;
        }
        let Some(part) = parts.last_mut() else { break };
        match (letter, letters.clone().next()) {
            ('\\', Some(next)) => {
                letters.next();
                if next != between {
                    part.push('\\');
                }
                part.push(next);
            }
            _ => part.push(letter),
        }
    }
    parts.into_iter()
}

/// The words that a pattern is for; nothing where it is for more. Where a line and a word begin and end makes no difference
/// here, and a dot is most often meant as one.
fn words(pattern: &str, is_extended: bool) -> Option<String> {
    let pattern = pattern.strip_prefix('^').unwrap_or(pattern);
    let pattern = pattern.strip_suffix('$').filter(|rest| !rest.ends_with('\\')).unwrap_or(pattern);
    let (mut words, mut letters) = (String::new(), pattern.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next()? {
                'b' | '<' | '>' => {}
                't' => words.push('\t'),
                '(' | ')' | '{' | '}' | '+' | '?' | '|' if !is_extended => return None,
                sign if sign.is_ascii_punctuation() => words.push(sign),
                _ => return None,
            },
            '*' | '[' | '^' | '$' => return None,
            '(' | ')' | '{' | '}' | '+' | '?' | '|' if is_extended => return None,
            other => words.push(other),
        }
    }
    Some(words)
}

/// What takes the place of the words; nothing where it is made of parts of them.
fn replacement(text: &str, old: &str) -> Option<String> {
    let (mut new, mut letters) = (String::new(), text.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '&' => new.push_str(old),
            '\\' => match letters.next()? {
                'n' => new.push('\n'),
                't' => new.push('\t'),
                sign if sign.is_ascii_punctuation() => new.push(sign),
                _ => return None,
            },
            other => new.push(other),
        }
    }
    Some(new)
}
