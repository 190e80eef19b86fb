//! What the arguments of a tool call put into files.
//!
//! Tools are told by the names of their arguments and not by their own: what has a path and a text writes a file, what has
//! a path and two texts edits one, whoever made it. A text without a path is a message, a note, a task.
//!
//! The names are those of the tools below, as they were on 2026-11-27: Claude Code 2.1.197, Codex 0.169.0 and opencode
//! 1.18.33 seen at work, the others by their public sources. Upper case, `_` and `-` make no difference.
//!
//! | Client | Tools that write |
//! |---|---|
//! | Claude Code | `Write{file_path, content}`, `Edit{file_path, old_string, new_string, replace_all}`, `MultiEdit{file_path, edits[]}`, `NotebookEdit{notebook_path, new_source}`, `Bash{command}` |
//! | Anthropic's text editor | `str_replace_based_edit_tool`, `str_replace_editor{command, path, file_text, old_str, new_str, insert_text, insert_line}` |
//! | Codex | `apply_patch{input}` or free text, `exec_command{cmd, workdir}`, `shell{command[], workdir}`, `local_shell{command[]}`, `exec` (JavaScript that calls those) |
//! | OpenAI's own patch tool | `apply_patch{type, path, diff}` |
//! | opencode | `write{filePath, content}`, `edit{filePath, oldString, newString, replaceAll}`, `multiedit{filePath, edits[]}`, `patch` and `apply_patch{patchText}`, `bash{command, workdir}`, `batch{tool_calls[]}` |
//! | Cline, Roo | `write_to_file{path, content}`, `replace_in_file{path, diff}`, `apply_diff{path, diff}`, `insert_content{path, line, content}`, `search_and_replace{path, search, replace}`, `edit_file{file_path, old_string, new_string}`, `apply_patch{input}` |
//! | Copilot, VS Code | `create_file{filePath, content}`, `replace_string_in_file{filePath, oldString, newString}`, `multi_replace_string_in_file{replacements[]}`, `insert_edit_into_file{filePath, code}`, `apply_patch{input}`, `edit_notebook_file{filePath, newCode}`, `run_in_terminal{command}` |
//! | Copilot CLI | `create{path, file_text}`, `edit{path, old_str, new_str}` |
//! | Zed | `write_file{path, content}`, `edit_file{path, edits[{old_text, new_text}]}`, earlier `edit_file{path, mode}` with the edits in a further answer's text |
//! | Continue | `create_new_file{filepath, contents}`, `edit_existing_file{filepath, changes}`, `single_find_and_replace{filepath, old_string, new_string, replace_all}`, `multi_edit{filepath, edits[]}` |
//! | Gemini CLI, Qwen Code | `write_file{file_path, content}`, `replace{file_path, old_string, new_string, allow_multiple}`, `run_shell_command{command, dir_path}` |
//! | Cursor | `edit_file{target_file, code_edit}`, `search_replace{file_path, old_string, new_string}`, `write{file_path, contents}` |
//! | Windsurf | `write_to_file{TargetFile, CodeContent}`, `replace_file_content{TargetFile, ReplacementChunks[{TargetContent, ReplacementContent}]}` |
//! | Kiro, JetBrains, MCP file servers | `fsWrite{path, text}`, `strReplace{path, oldStr, newStr}`, `create_new_file{pathInProject, text}`, `edit_file{path, edits[{oldText, newText}]}`, `push_files{files[{path, content}]}` |

use super::json::{self, Value};
use super::piece::Piece;
use super::{blocks, diff, javascript, lines, patch, paths, shell};
use crate::Form;

/// The file.
const PATHS: [&str; 14] = [
    "filepath",
    "path",
    "file",
    "filename",
    "targetfile",
    "notebookpath",
    "absolutepath",
    "relativepath",
    "relativeworkspacepath",
    "pathinproject",
    "targetpath",
    "fileuri",
    "uri",
    "filetoedit",
];
/// All that the file is to hold; a piece of it where a place is said too.
const WHOLE: [&str; 10] = [
    "content",
    "contents",
    "filetext",
    "filecontent",
    "filecontents",
    "codecontent",
    "fullcontent",
    "newcontent",
    "newcontents",
    "newfilecontent",
];
/// All that the file is to hold, for tools that are called like ones that write.
const WHOLE_OF_WRITERS: [&str; 1] = ["text"];
/// A piece of the file.
const PART: [&str; 6] = ["newsource", "inserttext", "insertedtext", "newstr", "newstring", "newtext"];
/// A piece of the file in which marks stand for the rest.
const MARKED: [&str; 5] = ["codeedit", "code", "changes", "newcode", "update"];
/// What was there, and what takes its place.
const SWAPS: [(&str, &str); 14] = [
    ("oldstring", "newstring"),
    ("oldstr", "newstr"),
    ("oldtext", "newtext"),
    ("oldcode", "newcode"),
    ("oldcontent", "newcontent"),
    ("oldsource", "newsource"),
    ("targetcontent", "replacementcontent"),
    ("searchtext", "replacetext"),
    ("searchstring", "replacestring"),
    ("searchtext", "replacementtext"),
    ("search", "replace"),
    ("search", "replacement"),
    ("find", "replace"),
    ("old", "new"),
];
/// Of these, those that say so much by their names that they need no path.
const PLAIN_SWAPS: usize = 7;
/// It goes to every place that fits.
const EVERYWHERE: [&str; 4] = ["replaceall", "allowmultiple", "replaceallmatches", "allowmultiplematches"];
/// A place in the file.
const PLACES: [&str; 8] =
    ["insertline", "line", "linenumber", "afterline", "startline", "insertafter", "position", "insertat"];
/// Patches, diffs and blocks.
const PATCHES: [&str; 7] = ["input", "patch", "patchtext", "patchcontent", "diff", "unifieddiff", "edits"];
/// A script that calls tools: the one argument of a tool that takes free text, in dialects without such tools.
const SCRIPT: &str = "input";
/// Lists of edits, and what wraps arguments.
const LISTS: [&str; 17] = [
    "edits",
    "replacements",
    "changes",
    "replacementchunks",
    "operations",
    "operation",
    "files",
    "file",
    "diff",
    "diffs",
    "args",
    "arguments",
    "parameters",
    "input",
    "action",
    "toolcalls",
    "tooluses",
];
/// Scripts for a shell, their words, or several of them.
const COMMANDS: [&str; 6] = ["command", "cmd", "commands", "script", "chars", "args"];
/// The folder that they run in.
const FOLDERS: [&str; 4] = ["workdir", "cwd", "workingdirectory", "dirpath"];
/// Words in the names of tools that write.
const WRITERS: [&str; 6] = ["write", "create", "replace", "append", "insert", "save"];
/// Words in the names of tools whose files are notes of the model's own.
const NOTES: [&str; 2] = ["memory", "memories"];

/// How deep arguments within arguments are read.
const DEEPEST: usize = 6;

/// What a call puts into files, in order.
pub(super) fn read(tool: &str, arguments: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let tool = plain(tool);
    if NOTES.iter().any(|word| tool.contains(word)) {
        return pieces;
    }
    if has_script(&tool, arguments) {
        return javascript::read(arguments, &FOLDERS);
    }
    if !arguments.trim_start().starts_with(['{', '[', '"']) {
        pieces.extend(patch::read(arguments, None).into_iter().map(Piece::Laid));
        return pieces;
    }
    Call { tool: &tool, pieces: &mut pieces }.within(&json::read(arguments), None, 0);
    pieces
}

/// Whether what a tool of that name is given is a script that calls others. What a patch changes may look like one.
fn has_script(tool: &str, text: &str) -> bool {
    !tool.contains("patch") && javascript::is_it(text)
}

/// What named arguments, taken from text, put into files.
pub(super) fn read_fields(tool: &str, fields: Vec<(String, Value)>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    Call { tool: &plain(tool), pieces: &mut pieces }.within(&Value::Object(fields), None, 0);
    pieces
}

/// What a call names.
pub(super) enum Named {
    /// A file.
    Path(String),
    /// Files within a command, or in a script's words.
    Words(String),
}

/// The files that a call names, and its shell commands.
pub(super) fn names(arguments: &str) -> Vec<Named> {
    fn within(value: &Value, depth: usize, found: &mut Vec<Named>) {
        match value {
            Value::Object(fields) if depth < DEEPEST => {
                for (name, value) in fields {
                    let name = plain(name);
                    let is_path = PATHS.contains(&name.as_str()) || name == "paths";
                    let is_named = is_path || COMMANDS.contains(&name.as_str());
                    let named = |text: &str| {
                        if is_path { Named::Path(text.to_owned()) } else { Named::Words(text.to_owned()) }
                    };
                    match value {
                        Value::Text(text) if is_named => found.push(named(text)),
                        Value::Text(text) if name == SCRIPT && javascript::is_it(text) => {
                            found.extend(in_script(text));
                        }
                        Value::List(values) if is_named => {
                            found.extend(values.iter().filter_map(Value::text).map(named));
                        }
                        _ => {}
                    }
                    within(value, depth + 1, found);
                }
            }
            Value::List(values) if depth < DEEPEST => {
                values.iter().for_each(|value| within(value, depth + 1, found));
            }
            _ => {}
        }
    }
    if javascript::is_it(arguments) {
        return in_script(arguments).collect();
    }
    let mut found = Vec::new();
    within(&json::read(arguments), 0, &mut found);
    found
}

fn in_script(script: &str) -> impl Iterator<Item = Named> {
    javascript::literals(script).into_iter().map(|literal| Named::Words(literal.text))
}

impl Value {
    /// A string that is all there.
    fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// A string as far as it is there; a list of lines is one too.
    fn code(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Cut(text) => Some(text.clone()),
            Self::List(values) => {
                let lines: Option<Vec<&str>> = values.iter().map(Self::text).collect();
                lines.map(|lines| {
                    lines.iter().map(|line| format!("{}\n", line.trim_end_matches('\n'))).collect()
                })
            }
            _ => None,
        }
    }
}

/// The name of a tool or an argument in small letters, without signs between words.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// One call's arguments while they are read.
struct Call<'c> {
    tool: &'c str,
    pieces: &'c mut Vec<Piece>,
}

/// The fields of one object by their plain names.
struct Fields<'v>(Vec<(String, &'v Value)>);

impl<'v> Fields<'v> {
    fn get(&self, name: &str) -> Option<&'v Value> {
        self.0.iter().rev().find(|(field, _)| field == name).map(|(_, value)| *value)
    }

    fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.get(name).is_some())
    }

    fn code(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.get(name)?.code())
    }

    fn text(&self, names: &[&str]) -> Option<&'v str> {
        names.iter().find_map(|name| self.get(name)?.text()).filter(|text| !text.trim().is_empty())
    }
}

impl Call<'_> {
    fn within(&mut self, value: &Value, path: Option<&str>, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        match value {
            Value::Object(fields) => {
                let fields = Fields(fields.iter().map(|(name, value)| (plain(name), value)).collect());
                self.object(&fields, path, depth);
            }
            Value::List(values) => values.iter().for_each(|value| self.within(value, path, depth + 1)),
            // Arguments that are JSON within JSON, or a patch alone.
            Value::Text(text) | Value::Cut(text) if depth == 0 => {
                if patch::is_in(text) {
                    self.pieces.extend(patch::read(text, None).into_iter().map(Piece::Laid));
                } else if text.trim_start().starts_with('{') {
                    self.within(&json::read(text), None, 1);
                }
            }
            _ => {}
        }
    }

    fn object(&mut self, fields: &Fields<'_>, path: Option<&str>, depth: usize) {
        let own = fields.text(&PATHS).map(|path| path.strip_prefix("file://").unwrap_or(path));
        let path = own.or(path);
        let folder = fields.text(&FOLDERS);
        if !self.patches(fields, path, folder) && !self.swap(fields, path) {
            self.text(fields, path);
        }
        for name in LISTS {
            if let Some(value @ (Value::List(_) | Value::Object(_))) = fields.get(name) {
                self.within(value, path, depth + 1);
            }
        }
        for command in COMMANDS.iter().filter_map(|name| fields.get(name)) {
            self.command(command, folder);
        }
    }

    /// Reads a patch, a diff or blocks; whether there are any.
    fn patches(&mut self, fields: &Fields<'_>, path: Option<&str>, folder: Option<&str>) -> bool {
        let before = self.pieces.len();
        for name in PATCHES {
            let Some(Value::Text(text) | Value::Cut(text)) = fields.get(name) else { continue };
            let lines: Vec<&str> = lines::split(text).collect();
            let path = path.map(str::to_owned);
            if name == SCRIPT && has_script(self.tool, text) {
                self.pieces.extend(javascript::read(text, &FOLDERS));
            } else if patch::is_in(text) {
                self.pieces.extend(patch::read(text, folder).into_iter().map(Piece::Laid));
            } else if blocks::is_in(&lines) {
                self.pieces.extend(blocks::read(&lines, path.as_deref()));
            } else if (0..lines.len()).any(|at| diff::begins(&lines, at)) {
                self.pieces.extend(diff::read(&lines, path).into_iter().map(Piece::Laid));
            } else if path.is_some() && lines.iter().any(|line| line.starts_with(['+', '-'])) {
                self.pieces.push(Piece::Laid(patch::of_one_file(text, path)));
            }
        }
        self.pieces.len() > before
    }

    /// Reads what takes the place of something else; whether there is such a pair.
    fn swap(&mut self, fields: &Fields<'_>, path: Option<&str>) -> bool {
        let everywhere = EVERYWHERE.iter().any(|name| fields.get(name) == Some(&Value::True));
        let mut swap = |old: String, new: String| {
            let path = path.map(str::to_owned);
            self.pieces.push(Piece::Swap { path, form: Form::Edit, old, new, everywhere });
        };
        for (place, (old, new)) in SWAPS.iter().enumerate() {
            let is_said = path.is_some() || place < PLAIN_SWAPS;
            if let (true, Some(Value::Text(old)), Some(new)) = (is_said, fields.get(old), fields.get(new))
                && let Some(new) = new.code()
            {
                swap(old.clone(), new);
                return true;
            }
        }
        // The text editor takes away what it has nothing to put in place of.
        let is_replacing = fields.text(&["command"]) == Some("str_replace");
        match fields.get("oldstr") {
            Some(Value::Text(old)) if is_replacing && fields.get("newstr").is_none() => {
                swap(old.clone(), String::new());
                true
            }
            _ => false,
        }
    }

    /// Reads a whole file or a piece of one.
    fn text(&mut self, fields: &Fields<'_>, path: Option<&str>) {
        let Some(path) = path else { return };
        let is_called = |words: &[&str]| words.iter().any(|word| self.tool.contains(word));
        let writes = is_called(&WRITERS);
        let whole = fields.code(&WHOLE).or(fields.code(&WHOLE_OF_WRITERS).filter(|_| writes));
        let has_place = fields.has_any(&PLACES) || is_called(&["insert", "append"]);
        // The symbol's name tells a piece of code from a comment on the file.
        let part = fields.code(&PART).or(fields.code(&["body"]).filter(|_| fields.get("namepath").is_some()));
        let path = Some(path.to_owned());
        if let Some(text) = whole {
            let form = if has_place { Form::Edit } else { Form::Write };
            self.pieces.push(Piece::whole(path, form, text));
        } else if let Some(text) = part {
            self.pieces.push(Piece::whole(path, Form::Edit, text));
        } else if let Some(text) = fields.code(&MARKED) {
            self.pieces.push(Piece::New { path, form: Form::Edit, text, has_marks: true });
        }
    }

    /// Reads a script, the words of a command, or several scripts.
    fn command(&mut self, command: &Value, folder: Option<&str>) {
        match command {
            Value::Text(script) | Value::Cut(script) if shell::may_write(script) => {
                self.pieces.extend(shell::read(script, folder));
            }
            Value::List(words) => {
                let words: Vec<&str> = words.iter().filter_map(Value::text).collect();
                self.words(&words, folder);
            }
            _ => {}
        }
    }

    fn words(&mut self, words: &[&str], folder: Option<&str>) {
        match words {
            ["apply_patch" | "applypatch", text, ..] => {
                self.pieces.extend(patch::read(text, folder).into_iter().map(Piece::Laid));
            }
            [program, .., script] if is_shell(paths::name(program)) => {
                self.pieces.extend(shell::read(script, folder));
            }
            _ => {
                for script in words.iter().filter(|word| shell::may_write(word)) {
                    self.pieces.extend(shell::read(script, folder));
                }
            }
        }
    }
}

fn is_shell(program: &str) -> bool {
    let program = program.to_ascii_lowercase();
    ["bash", "sh", "zsh", "pwsh", "powershell", "cmd"].contains(&program.trim_end_matches(".exe"))
}
