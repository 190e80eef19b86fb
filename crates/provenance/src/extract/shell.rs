//! Here-documents of shell scripts that go into files, and the patches and diffs that are applied from them.
//!
//! The script is read as a shell would read it, as far as words, quotes and redirections go; nothing in it is run. What is
//! fed to an interpreter, or is a message for git, goes into no file.

mod script;

use self::script::Command;
use super::piece::Piece;
use super::{diff, lines, patch, paths};
use crate::Form;

/// How deep a script within a script is read.
const DEEPEST: usize = 3;
/// Shells, which take a script from a here-document.
const SHELLS: [&str; 6] = ["bash", "sh", "zsh", "dash", "ksh", "ash"];
/// Words that stand before a command's name.
const BEFORE: [&str; 14] = [
    "sudo", "env", "command", "exec", "nohup", "time", "then", "do", "else", "if", "while", "{", "!",
    "builtin",
];

/// Whether reading the script can bring anything.
pub(super) fn may_write(script: &str) -> bool {
    script.contains("<<") || patch::is_in(script)
}

/// What the script's here-documents put into files, in order. Paths are from the folder that it starts in.
pub(super) fn read(script: &str, folder: Option<&str>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    within(script, folder, 0, &mut pieces);
    pieces
}

fn within(script: &str, folder: Option<&str>, depth: usize, pieces: &mut Vec<Piece>) {
    for pipeline in script::read(script, folder) {
        for (at, command) in pipeline.iter().enumerate() {
            read_command(command, pipeline.get(at + 1), depth, pieces);
        }
    }
}

fn read_command(command: &Command, next: Option<&Command>, depth: usize, pieces: &mut Vec<Piece>) {
    let (name, arguments) = called(command);
    let folder = command.folder.as_deref();
    let Some(text) = &command.document else {
        if is_patch(name, arguments) {
            let said = arguments.iter().filter(|argument| patch::is_in(argument));
            pieces.extend(said.flat_map(|text| patch::read(text, folder)).map(Piece::Laid));
        }
        return;
    };
    let (files, appends) = match name {
        "cat" if arguments.iter().all(|argument| argument == "-") => match (&command.into, next) {
            (Some(file), _) => (vec![file.as_str()], command.appends),
            (None, Some(next)) => return read_piped(text, command, next, depth, pieces),
            (None, None) => return,
        },
        "tee" => written_by_tee(arguments),
        _ => return feed(text, command, depth, pieces),
    };
    for file in files {
        put(text, file, appends, folder, pieces);
    }
}

/// A document that `cat` hands on to the next command.
fn read_piped(text: &str, command: &Command, next: &Command, depth: usize, pieces: &mut Vec<Piece>) {
    let (name, arguments) = called(next);
    let folder = command.folder.as_deref();
    match (name, &next.into) {
        ("tee", _) => {
            let (files, appends) = written_by_tee(arguments);
            files.iter().for_each(|file| put(text, file, appends, folder, pieces));
        }
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
    // What the shell puts together is not known here.
    let path = (!file.contains(['$', '`', '*'])).then(|| paths::join(folder, file));
    let piece = Piece::whole(path, Form::Shell, text);
    pieces.push(if appends { piece.appended() } else { piece });
}

/// The files that `tee` writes, and whether it appends to them.
fn written_by_tee(arguments: &[String]) -> (Vec<&str>, bool) {
    let (options, files): (Vec<&str>, Vec<&str>) =
        arguments.iter().map(String::as_str).partition(|argument| argument.starts_with('-'));
    let appends =
        |option: &&str| *option == "--append" || (!option.starts_with("--") && option.contains('a'));
    let appends = options.iter().any(appends);
    (files, appends)
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
