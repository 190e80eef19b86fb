//! What shell scripts put into files: here-documents, what `echo` and `printf` put out, the words that `sed -i` replaces, and
//! the patches and diffs that are applied.
//!
//! The script is read as a shell would read it, as far as words, quotes and redirections go; nothing in it is run. What is
//! fed to an interpreter, or is a message for git, goes into no file.

mod printed;
mod script;
mod substituted;

use self::script::Command;
use self::substituted::Substitution;
use super::piece::Piece;
use super::{diff, lines, patch, paths};
use crate::Form;

/// How deep a script within a script is read.
const DEEPEST: usize = 3;
/// More is put into files by no script that is a model's.
const MOST_PIECES: usize = 1_024;
/// Shells, which take a script from a here-document.
const SHELLS: [&str; 6] = ["bash", "sh", "zsh", "dash", "ksh", "ash"];
/// Words that stand before a command's name.
const BEFORE: [&str; 14] = [
    "sudo", "env", "command", "exec", "nohup", "time", "then", "do", "else", "if", "while", "{", "!",
    "builtin",
];

/// Whether reading the script can bring anything.
pub(super) fn may_write(script: &str) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| script.contains(word));
    script.contains("<<")
        || patch::is_in(script)
        || has(&["echo", "printf"]) && has(&[">", "tee"])
        || has(&["sed ", "perl "])
}

/// What the script puts into files, in order. Paths are from the folder that it starts in.
pub(super) fn read(script: &str, folder: Option<&str>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    within(script, folder, 0, &mut pieces);
    pieces
}

fn within(script: &str, folder: Option<&str>, depth: usize, pieces: &mut Vec<Piece>) {
    for pipeline in script::read(script, folder) {
        for (at, command) in pipeline.iter().enumerate() {
            if pieces.len() >= MOST_PIECES {
                return;
            }
            read_command(command, pipeline.get(at + 1), depth, pieces);
        }
    }
}

fn read_command(command: &Command, next: Option<&Command>, depth: usize, pieces: &mut Vec<Piece>) {
    let (name, arguments) = called(command);
    let folder = command.folder.as_deref();
    if let Some((substitutions, files)) = substituted::by(name, arguments) {
        files.iter().for_each(|file| substitute(&substitutions, file, folder, pieces));
        return;
    }
    if let Some(text) = printed::by(name, arguments) {
        return hand_on(&text, command, next, depth, pieces);
    }
    let Some(text) = &command.document else {
        if is_patch(name, arguments) {
            let said = arguments.iter().filter(|argument| patch::is_in(argument));
            pieces.extend(said.flat_map(|text| patch::read(text, folder)).map(Piece::Laid));
        }
        return;
    };
    match name {
        "cat" if arguments.iter().all(|argument| argument == "-") => {
            hand_on(text, command, next, depth, pieces);
        }
        "tee" => tee(text, arguments, folder, pieces),
        _ => feed(text, command, depth, pieces),
    }
}

/// What a command puts out as it is: into a file, or to the next command.
fn hand_on(text: &str, command: &Command, next: Option<&Command>, depth: usize, pieces: &mut Vec<Piece>) {
    match (&command.into, next) {
        (Some(file), _) => put(text, file, command.appends, command.folder.as_deref(), pieces),
        (None, Some(next)) => read_piped(text, command, next, depth, pieces),
        (None, None) => {}
    }
}

/// Words in the place of others, wherever a file has them.
fn substitute(substitutions: &[Substitution], file: &str, folder: Option<&str>, pieces: &mut Vec<Piece>) {
    let Some(path) = path(file, folder) else { return };
    pieces.extend(substitutions.iter().map(|Substitution { old, new, everywhere }| Piece::Swap {
        path: Some(path.clone()),
        form: Form::Edit,
        old: old.clone(),
        new: new.clone(),
        everywhere: *everywhere,
    }));
}

/// A document that a command hands on to the next.
fn read_piped(text: &str, command: &Command, next: &Command, depth: usize, pieces: &mut Vec<Piece>) {
    let (name, arguments) = called(next);
    let folder = command.folder.as_deref();
    match (name, &next.into) {
        ("tee", _) => tee(text, arguments, folder, pieces),
        ("cat", Some(file)) => put(text, file, next.appends, folder, pieces),
        _ => feed(text, next, depth, pieces),
    }
}

/// A document that a command other than `cat` and `tee` takes in.
fn feed(text: &str, command: &Command, depth: usize, pieces: &mut Vec<Piece>) {
    let (name, arguments) = called(command);
    let folder = command.folder.as_deref();
    if SHELLS.contains(&name) {
        if depth < DEEPEST {
            within(text, folder, depth + 1, pieces);
        }
    } else if name == "patch"
        || (name == "git" && arguments.iter().any(|word| word == "apply" || word == "am"))
    {
        let lines: Vec<&str> = lines::split(text).collect();
        pieces.extend(diff::read(&lines, None).into_iter().map(Piece::Laid));
    } else if patch::is_in(text) {
        pieces.extend(patch::read(text, folder).into_iter().map(Piece::Laid));
    }
}

/// A document that goes into a file, or behind what is there. One that is a patch says more by what it changes.
fn put(text: &str, file: &str, appends: bool, folder: Option<&str>, pieces: &mut Vec<Piece>) {
    if file.starts_with("/dev/") {
        return;
    }
    if text.lines().next().is_some_and(patch::begins) {
        pieces.extend(patch::read(text, folder).into_iter().map(Piece::Laid));
        return;
    }
    let is_diff = [".patch", ".diff"].iter().any(|ending| file.ends_with(ending));
    if is_diff {
        let lines: Vec<&str> = lines::split(text).collect();
        pieces.extend(diff::read(&lines, None).into_iter().map(Piece::Laid));
        return;
    }
    let path = path(file, folder);
    // Line by line a script may write what is one text.
    if appends && path.is_some() && pieces.last_mut().is_some_and(|last| last.goes_on(path.as_deref(), text))
    {
        return;
    }
    let piece = Piece::whole(path, Form::Shell, text);
    pieces.push(if appends { piece.appended() } else { piece });
}

/// A file's path; nothing where the shell puts it together, which is not known here.
fn path(file: &str, folder: Option<&str>) -> Option<String> {
    (!file.contains(['$', '`', '*'])).then(|| paths::join(folder, file))
}

/// A document that `tee` puts into files, or behind what they have.
fn tee(text: &str, arguments: &[String], folder: Option<&str>, pieces: &mut Vec<Piece>) {
    let (options, files): (Vec<&str>, Vec<&str>) =
        arguments.iter().map(String::as_str).partition(|argument| argument.starts_with('-'));
    let appends =
        |option: &&str| *option == "--append" || (!option.starts_with("--") && option.contains('a'));
    let appends = options.iter().any(appends);
    files.iter().for_each(|file| put(text, file, appends, folder, pieces));
}

fn is_patch(name: &str, arguments: &[String]) -> bool {
    ["apply_patch", "applypatch"].contains(&name) && !arguments.is_empty()
}

/// A command's name without its folder, and its arguments.
fn called(command: &Command) -> (&str, &[String]) {
    let is_setting = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
    };
    let is_before = |word: &String| BEFORE.contains(&word.as_str()) || is_setting(word);
    let at = command.words.iter().take_while(|word| is_before(word)).count();
    match command.words[at..].split_first() {
        Some((name, arguments)) => (paths::name(name), arguments),
        None => ("", &[]),
    }
}
