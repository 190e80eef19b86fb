//! What `sed -i` and `perl -pi` put in the place of what: substitutions of plain words. Where a pattern is more than words,
//! nobody can say without the file what becomes of it.

/// So many places of one command are read, each a substitution in a file, and so many letters of a script, and of what takes the
/// place of words.
const MOST: usize = 64;
const LONGEST: usize = 1_024;

/// Words, and what takes their place.
#[derive(Debug, PartialEq)]
pub(super) struct Substitution {
    pub(super) old: String,
    pub(super) new: String,
    /// It does so wherever a line has them, and not in one place of it.
    pub(super) everywhere: bool,
}

/// How a program writes patterns and what takes their place.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Dialect {
    Basic,
    Extended,
    Perl,
}

/// What a command replaces in files, and in which; nothing where it is none of these, or only prints what comes of it.
pub(super) fn by<'a>(name: &str, arguments: &'a [String]) -> Option<(Vec<Substitution>, Vec<&'a str>)> {
    let mut dialect = match name {
        "sed" | "gsed" => Dialect::Basic,
        "perl" => Dialect::Perl,
        _ => return None,
    };
    let (mut scripts, mut files, mut is_in_place) = (Vec::new(), Vec::new(), false);
    let mut words = arguments.iter().map(String::as_str).peekable();
    while let Some(word) = words.next() {
        match word {
            "--in-place" => is_in_place = true,
            "--regexp-extended" => dialect = Dialect::Extended,
            _ if word.starts_with("--in-place=") => is_in_place = true,
            _ if word.starts_with("--") || is_module(dialect, word) => {}
            _ if word.len() > 1 && word.starts_with('-') => {
                let letters = &word[1..];
                // What follows `i` is the ending of a copy that is kept, but for perl's `-pie`.
                let before = letters.split_once('i').map_or(letters, |(before, _)| before);
                is_in_place |= letters.contains('i');
                if dialect == Dialect::Basic && before.contains(['E', 'r']) {
                    dialect = Dialect::Extended;
                }
                if before.ends_with('e') || dialect == Dialect::Perl && letters.ends_with('e') {
                    scripts.extend(words.next());
                }
                // On a Mac the ending is a word of its own.
                if word == "-i" {
                    words.next_if(|next| next.is_empty());
                }
            }
            _ if scripts.is_empty() => scripts.push(word),
            _ => files.push(word),
        }
    }
    let substitutions: Vec<Substitution> =
        scripts.iter().flat_map(|script| substitutions(script, dialect)).take(MOST).collect();
    files.truncate(MOST / substitutions.len().max(1));
    (is_in_place && !substitutions.is_empty()).then_some((substitutions, files))
}

/// Whether a word names what perl is to load, or where from.
fn is_module(dialect: Dialect, word: &str) -> bool {
    dialect == Dialect::Perl && ["-M", "-m", "-I"].iter().any(|option| word.starts_with(option))
}

/// Reads one substitution, or several after one another.
fn substitutions(script: &str, dialect: Dialect) -> Vec<Substitution> {
    if let Some(only) = substitution(script.trim(), dialect) {
        return vec![only];
    }
    // What stands in braces is for some lines only.
    let commands = script.split(['\n', ';']).filter(|_| !script.contains('{'));
    commands.filter_map(|command| substitution(command.trim(), dialect)).collect()
}

/// Reads `s/old/new/g`, with any sign between the parts.
fn substitution(command: &str, dialect: Dialect) -> Option<Substitution> {
    let rest = command.strip_prefix('s').filter(|rest| rest.len() <= LONGEST)?;
    let between = rest.chars().next().filter(|sign| sign.is_ascii_punctuation() && *sign != '\\')?;
    let mut parts = parts(&rest[1..], between);
    let (old, new, flags) = (parts.next()?, parts.next()?, parts.next()?);
    let everywhere = match flags.trim() {
        "g" => true,
        "" => false,
        _ => return None,
    };
    let old = words(&old, dialect)?;
    let new = replacement(&new, &old, dialect)?;
    let says = !old.trim().is_empty() && old != new && new.len() <= LONGEST;
    says.then_some(Substitution { old, new, everywhere })
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

/// The words that a pattern is for; nothing where it is for more, or says where in a line they stand. A dot is most often meant
/// as one.
fn words(pattern: &str, dialect: Dialect) -> Option<String> {
    let (mut words, mut letters) = (String::new(), pattern.chars());
    let is_group = |sign: char| "(){}+?|".contains(sign);
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next()? {
                't' => words.push('\t'),
                sign if is_group(sign) && dialect == Dialect::Basic => return None,
                sign if sign.is_ascii_punctuation() && !"<>".contains(sign) => words.push(sign),
                _ => return None,
            },
            '*' | '[' | '^' | '$' => return None,
            '@' if dialect == Dialect::Perl => return None,
            sign if is_group(sign) && dialect != Dialect::Basic => return None,
            other => words.push(other),
        }
    }
    Some(words)
}

/// What takes the place of the words; nothing where it is made of parts of them, or of what only a shell or perl knows.
fn replacement(text: &str, old: &str, dialect: Dialect) -> Option<String> {
    let (mut new, mut letters) = (String::new(), text.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '$' | '@' if dialect == Dialect::Perl => return None,
            '&' if dialect != Dialect::Perl => new.push_str(old),
            '\\' => match letters.next()? {
                'n' => new.push('\n'),
                't' => new.push('\t'),
                sign if sign.is_ascii_punctuation() => new.push(sign),
                _ => return None,
            },
            other => new.push(other),
        }
        if new.len() > LONGEST {
            return None;
        }
    }
    Some(new)
}
