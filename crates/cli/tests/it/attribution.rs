//! Which model wrote a line: answers through the real gateway, their code committed, and the repository asked.

use std::path::Path;

use serde_json::{Value, json};
use waymark_testkit::{Output, Reply, Repository, SERVED_MODEL, ToolCall};

use crate::rig::{OPENAI, Rig};

const TOTAL: &str = "\
pub fn total(items: &[Item]) -> u64 {
    let mut sum = 0;
    for item in items {
        sum += item.price * item.count;
    }

    sum
}
";

/// A running server, and a repository that its answers are for.
struct House {
    rig: Rig,
    repository: Repository,
}

impl House {
    fn new() -> Self {
        Self::with(Repository::new())
    }

    /// Around a repository with a history of its own.
    fn with(repository: Repository) -> Self {
        let rig = Rig::start();
        let mut repository = repository.in_the_present();
        repository.write("README.md", "# Shop\n");
        repository.commit("begin");
        Self { rig, repository }
    }

    fn path(&self, file: &str) -> String {
        self.repository.path().join(file).display().to_string()
    }

    /// Claude Code asks, in a session that works in the repository, and writes a file.
    fn claude_writes(&self, path: &str, content: &str) -> String {
        self.claude_after(path, content, &[])
    }

    /// The same after these turns.
    fn claude_after(&self, path: &str, content: &str, turns: &[(&str, Value)]) -> String {
        let arguments = json!({"file_path": self.path(path), "content": content});
        self.rig.anthropic.push(Reply::tools(&[ToolCall::new("call_1", "Write", &arguments)]));
        let system =
            format!("You are Claude Code.\nWorking directory: {}\n", self.repository.path().display());
        let mut messages = vec![json!({"role": "user", "content": "Write it."})];
        messages.extend(turns.iter().map(|(role, content)| json!({"role": role, "content": content})));
        let body = json!({"model": "claude", "stream": true, "max_tokens": 4096, "system": system,
            "messages": messages, "tools": [{"name": "Write", "input_schema": {"type": "object"}}]});
        let answer = self.rig.message(&body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.header("x-waymark-record").to_owned()
    }

    fn why(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[&["why"], arguments, &["--json"]].concat());
        serde_json::from_str(&output).unwrap()
    }

    fn run_in(&self, folder: &Path, arguments: &[&str]) -> Output {
        let data_dir = self.rig.waymark.data_dir().display().to_string();
        self.rig.waymark.run_in(folder, &[arguments, &["--data-dir", &data_dir]].concat())
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = self.run_in(self.repository.path(), arguments);
        assert_eq!(output.code, Some(0), "{arguments:?}: {}", output.stderr);
        output.stdout
    }

    /// One letter a line: `a`, `m`, `h` or `.`.
    fn classes(&self, path: &str, rev: Option<&str>) -> String {
        let rev = rev.map_or(vec![], |rev| vec!["--rev", rev]);
        let blamed: Value =
            serde_json::from_str(&self.run(&[&["blame", path, "--json"], &rev[..]].concat())).unwrap();
        let class = |line: &Value| match line["class"].as_str().unwrap() {
            "ai" => 'a',
            "ai_modified" => 'm',
            "human" => 'h',
            _ => '.',
        };
        blamed["lines"].as_array().unwrap().iter().map(class).collect()
    }
}

#[test]
fn a_line_is_told_with_its_record_and_its_proof_after_every_rewrite() {
    let mut house = House::new();
    let record = house.claude_writes("src/total.rs", TOTAL);
    house.repository.write(
        "src/total.rs",
        format!("{TOTAL}\nfn typed_by_hand(other: u32) -> u32 {{\n    other + 1\n}}\n"),
    );
    let told = house.why(&["src/total.rs:4"]);
    assert_eq!(
        (&told["class"], &told["record"], &told["line"]["commit"]),
        (&json!("ai"), &json!(record), &json!(null))
    );
    let commit = house.repository.commit("totals");
    let told = house.why(&["src/total.rs:4"]);
    assert_eq!(told["record"], record, "{told:#}");
    assert_eq!(
        told["line"],
        json!({"path": "src/total.rs", "number": 4,
        "text": "        sum += item.price * item.count;", "commit": commit})
    );
    assert_eq!((&told["class"], &told["evidence"]["kind"]), (&json!("ai"), &json!("exact")));
    assert_eq!((&told["served_model"], &told["proof"]["verified"]), (&json!(SERVED_MODEL), &json!(true)));
    assert_eq!(told["client"], json!(null));
    assert_eq!(house.classes("src/total.rs", None), "aaaaaaaa....");

    house.repository.git(&["commit", "--quiet", "--amend", "--message", "amended"]);
    assert_eq!(house.classes("src/total.rs", None), "aaaaaaaa....", "amend");
    house.repository.git(&["mv", "src/total.rs", "src/sums.rs"]);
    house.repository.commit("renamed");
    assert_eq!(house.classes("src/sums.rs", None), "aaaaaaaa....", "rename");
    house.repository.git(&["rm", "--quiet", "src/sums.rs"]);
    house.repository.commit("removed");
    house.repository.git(&["revert", "--no-edit", "HEAD"]);
    assert_eq!(house.classes("src/sums.rs", None), "aaaaaaaa....", "revert");
    house.repository.git(&["revert", "--no-edit", "HEAD"]);
    house.repository.git(&["revert", "--no-edit", "HEAD"]);
    assert_eq!(house.classes("src/sums.rs", None), "aaaaaaaa....", "revert of a revert of a revert");
    house.repository.git(&["checkout", "--quiet", "-b", "squashed", "HEAD~6"]);
    house.repository.git(&["merge", "--quiet", "--squash", "main"]);
    house.repository.commit("squashed");
    assert_eq!(house.classes("src/sums.rs", None), "aaaaaaaa....", "squash");
    assert_eq!(house.rig.waymark.run(&["verify"]).code, Some(0));
}

#[test]
fn what_a_revert_puts_back_is_whose_it_was() {
    let mut house = House::new();
    let before = "fn max(a: u32, b: u32) -> u32 {\n    a.max(b)\n}\n";
    house.repository.write("src/max.rs", before);
    house.repository.commit("max");
    house.claude_writes("src/max.rs", "fn least(all: &[u32]) {}\n");
    house.repository.write("src/max.rs", format!("{before}fn least(all: &[u32]) {{}}\nfn by_hand() {{}}\n"));
    let commit = house.repository.commit("least");
    assert_eq!(house.classes("src/max.rs", None), "...a.");
    // An hour later each, and too little to be no chance.
    let now: u64 = house.repository.git(&["log", "-1", "--format=%ct"]).trim().parse().unwrap();
    let dated = |hours: u64| format!("--date=@{} +0000", now + hours * 3_600);
    for hours in [1, 2, 3] {
        house.repository.git(&["revert", "--no-edit", "HEAD"]);
        house.repository.git(&["commit", "--quiet", "--amend", "--no-edit", &dated(hours)]);
        assert_eq!(house.classes("src/max.rs", None), if hours == 2 { "...a." } else { "..." });
    }
    // Nothing but git's word says so; a commit that is not there says nothing.
    let gone = house.repository.git(&["rev-parse", "HEAD"]);
    for (reverted, wanted) in [("1".repeat(40).as_str(), "....."), (gone.trim(), "...a.")] {
        house.repository.git(&["reset", "--quiet", "--hard", gone.trim()]);
        house.repository.git(&["checkout", "--quiet", &commit, "--", "src/max.rs"]);
        let message = format!("Back\n\nThis reverts commit {reverted}.");
        house.repository.git(&["commit", "--quiet", "--message", &message, &dated(4)]);
        assert_eq!(house.classes("src/max.rs", None), wanted, "{reverted}");
    }
}

/// A message in the dialect of OpenAI's chat, from a client that works in the repository.
fn chat_in(house: &House, text: &str) -> Value {
    let system = format!("Working directory: {}\n", house.repository.path().display());
    json!({"model": "small", "stream": false, "messages": [
        {"role": "system", "content": system}, {"role": "user", "content": text}]})
}

#[test]
fn an_edit_is_its_own_record_and_what_was_only_read_is_nobodys() {
    let mut house = House::new();
    house
        .repository
        .write("src/total.rs", "fn typed_by_hand(other: u32) -> u32 {\n    other.wrapping_add(1)\n}\n");
    let whole = format!("fn typed_by_hand(other: u32) -> u32 {{\n    other.wrapping_add(1)\n}}\n{TOTAL}");
    // The model has read the file, and puts its lines out again.
    let call = json!([{"type": "tool_use", "id": "toolu_1", "name": "Read",
        "input": {"file_path": house.path("src/total.rs")}}]);
    let shown = "     1\u{2192}fn typed_by_hand(other: u32) -> u32 {\n     2\u{2192}    other.wrapping_add(1)\n     3\u{2192}}\n";
    let result = json!([{"type": "tool_result", "tool_use_id": "toolu_1", "content": shown}]);
    let first = house.claude_after("src/total.rs", &whole, &[("assistant", call), ("user", result)]);
    house.repository.write("src/total.rs", &whole);
    house.repository.commit("all at once");
    assert_eq!(house.classes("src/total.rs", None), "...aaaaaaaa");
    assert_eq!(house.why(&["src/total.rs:5"])["record"], first);

    let edit = json!({"filePath": house.path("src/total.rs"), "oldString": "    let mut sum = 0;\n",
        "newString": "    let mut sum = offset(items);\n"});
    house.rig.openai.push(Reply::tools(&[ToolCall::new("call_2", "edit", &edit)]));
    let answer = house.rig.chat(&chat_in(&house, "Begin at the offset."));
    let second = answer.header("x-waymark-record").to_owned();
    house.repository.write("src/total.rs", whole.replace("= 0;", "= offset(items);"));
    let commit = house.repository.commit("begin at the offset");
    let told = house.why(&["src/total.rs:5"]);
    assert_eq!((&told["record"], &told["line"]["commit"]), (&json!(second), &json!(commit)));
    assert_eq!(house.why(&["src/total.rs:6"])["record"], first);

    // Both, and the commit alone.
    let told = house.why(&["HEAD~1..HEAD"]);
    assert_eq!(told["summary"]["lines"], json!({"ai": 1, "ai_modified": 0, "human": 0, "unknown": 0}));
    let told = house.why(&["HEAD~1"]);
    assert_eq!(told["summary"]["lines"], json!({"ai": 8, "ai_modified": 0, "human": 0, "unknown": 3}));
    assert_eq!(told["summary"]["models"][0]["records"], json!([first]));
    let told = house.run(&["why", "HEAD~1", "--markdown"]);
    assert!(told.contains(&first) && told.contains(SERVED_MODEL), "{told}");
    let report: Value = serde_json::from_str(&house.run(&["report", "provenance", "--json"])).unwrap();
    assert_eq!(report["summary"]["lines"]["ai"], 8, "{report:#}");
    assert_eq!(report["files"][1]["lines"][1][3], json!(first));
    assert_eq!(
        report,
        serde_json::from_str::<Value>(&house.run(&["report", "provenance", "--json"])).unwrap()
    );
    let human = house.run(&["report", "provenance"]);
    assert!(human.contains("which is not human"), "{human}");
}

/// An edit of one line, of which nothing stands as it was put out, is known by its file alone: here one in the repository's
/// own folder, named in full.
#[test]
fn an_edited_line_is_known_by_its_file() {
    let mut house = House::new();
    let head = "Shells and stones, by the piece and by the pound.\n";
    house.repository.write("NEWS.md", head);
    house.repository.commit("news");
    let edit = json!({"filePath": house.path("NEWS.md"), "oldString": head,
        "newString": format!("{head}A small shop for shells from the beach.\n")});
    house.rig.openai.push(Reply::tools(&[ToolCall::new("call_1", "edit", &edit)]));
    let answer = house.rig.chat(&chat_in(&house, "Say what it is."));
    let record = answer.header("x-waymark-record").to_owned();
    house.repository.write("NEWS.md", format!("{head}A small shop for shells from this beach.\n"));
    house.repository.commit("say what it is");
    let told = house.why(&["NEWS.md:2"]);
    assert_eq!((&told["class"], &told["record"]), (&json!("ai_modified"), &json!(record)), "{told:#}");
}

#[test]
fn an_editors_word_is_kept_and_decides() {
    let mut house = House::new();
    let line = "    let total = items.iter().map(Item::price).sum::<u64>();";
    house.rig.openai.push(Reply::text(line));
    let body = json!({"model": "small", "prompt": "fn total(items: &[Item]) -> u64 {\n", "suffix": "\n    total\n}\n"});
    let answer = house.rig.http().post("/v1/completions", OPENAI, body.to_string());
    let record = answer.header("x-waymark-record").to_owned();
    let say = |event: &Value| {
        let answer = house.rig.http().post("/v1/feedback", OPENAI, event.to_string());
        (answer.status, answer.json())
    };
    let name = house.repository.path().file_name().unwrap().to_string_lossy().into_owned();
    let accepted = json!({"event": "accepted", "record": record, "path": "src/total.rs", "line": 2, "text": line,
        "repository": name});
    let (status, told) = say(&accepted);
    assert_eq!((status, told["records"].as_array().map(Vec::len)), (200, Some(1)), "{told}");
    let typed = json!({"events": [{"event": "typed", "path": "src/total.rs", "line": 4, "repository": name,
        "text": "fn by_hand(amount: u64, factor: u64) -> u64 {\n    amount * factor\n}"}]});
    assert_eq!(say(&typed).0, 200);
    for (event, status, words) in [
        (json!({"event": "accepted"}), 400, "needs the suggestion's `record`"),
        (json!({"event": "edited", "record": record}), 400, "needs `path` and `text`"),
        (json!({"event": "liked", "record": record}), 400, "unknown variant `liked`"),
        (json!({"event": "accepted", "record": "x"}), 400, "`record`"),
        (json!({"event": "typed", "path": "a", "text": "b", "mood": "good"}), 400, "unknown field `mood`"),
        (json!({"event": "rejected", "record": "01a21d0f-6801-7bf1-9fda-000000000001"}), 404, "no answer"),
    ] {
        let (found, told) = say(&event);
        let message = told["error"]["message"].as_str().unwrap_or_default();
        assert!(found == status && message.contains(words), "{event}: {found} {told}");
    }
    house.repository.write("src/total.rs", format!("fn total(items: &[Item]) -> u64 {{\n{line}\n    total\n}}\nfn by_hand(amount: u64, factor: u64) -> u64 {{\n    amount * factor\n}}\n"));
    house.repository.commit("total");
    assert_eq!(house.classes("src/total.rs", None), ".a..hhh");
    let told = house.why(&["src/total.rs:2"]);
    assert_eq!((&told["record"], &told["evidence"]["kind"]), (&json!(record), &json!("feedback")));
    assert_eq!(house.rig.waymark.run(&["verify"]).code, Some(0));
}

#[test]
fn a_trailer_tells_of_what_goes_into_the_commit_however_it_is_chosen() {
    let mut house = House::new();
    house.run(&["hook", "install", "--trailer"]);
    let about = "# Shop\n\nSells everything that two shelves can hold.\n";
    house.repository.write("src/total.rs", "// Empty.\n");
    house.repository.commit("empty");
    let first = house.claude_writes("src/total.rs", TOTAL);
    let second = house.claude_writes("README.md", about);
    house.repository.write("src/total.rs", TOTAL);
    house.repository.write("README.md", about);
    let message = || house.repository.git(&["log", "-1", "--format=%B"]);
    house.repository.git(&["add", "README.md"]);
    house.repository.git(&["commit", "--quiet", "--message", "one file", "src/total.rs"]);
    assert!(message().contains(&first) && !message().contains(&second), "{}", message());
    house.repository.git(&["reset", "--quiet", "HEAD~1"]);
    house.repository.git(&["commit", "--quiet", "--all", "--message", "all"]);
    assert!(message().contains(&first) && message().contains(&second), "{}", message());
}

#[test]
fn notes_traces_and_trailers_say_the_same_to_others() {
    let mut house = House::new();
    house.repository.write(".git/hooks/post-commit", "#!/bin/sh\ntouch hook-before\n");
    house.repository.git(&["config", "core.hooksPath", ".git/hooks"]);
    std::process::Command::new("chmod")
        .arg("+x")
        .arg(house.repository.path().join(".git/hooks/post-commit"))
        .status()
        .unwrap();
    house.run(&["hook", "install", "--trailer"]);
    let record = house.claude_writes("src/total.rs", TOTAL);
    house.repository.write("src/total.rs", TOTAL);
    house.repository.commit("totals");
    assert!(house.repository.path().join("hook-before").exists(), "the hook that was there ran as well");
    let message = house.repository.git(&["log", "-1", "--format=%B"]);
    assert!(message.contains(&format!("Assisted-by: Waymark:{record}")), "{message}");
    let note = house.repository.git(&["notes", "--ref=ai", "show", "HEAD"]);
    assert!(
        note.contains("authorship/3.0.0") && note.contains(SERVED_MODEL) && note.contains(&record),
        "{note}"
    );
    assert!(note.starts_with("src/total.rs\n  s_"), "{note}");

    // A rewrite carries them, by the hook; where they are lost, they are made anew.
    house.repository.git(&["commit", "--quiet", "--amend", "--no-edit", "--date=now"]);
    assert!(house.repository.git(&["notes", "--ref=ai", "show", "HEAD"]).contains(&record));
    house.repository.git(&["update-ref", "-d", "refs/notes/ai"]);
    let told = house.run(&["attribute", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["written"], 1, "{told}");
    assert!(house.repository.git(&["notes", "--ref=ai", "show", "HEAD"]).contains(&record));
    let told = house.run(&["attribute", "HEAD", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["same"], 1, "{told}");

    let lines = |format: &str| -> Vec<Value> {
        let exported = house.run(&["export", "--format", format, "--commits", "HEAD"]);
        exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let trace = &lines("agent-trace")[0];
    assert_eq!(trace["files"][0]["conversations"][0]["ranges"][0]["start_line"], 1, "{trace:#}");
    assert!(trace.to_string().contains(&record));
    assert_eq!(lines("in-toto")[0]["payloadType"], "application/vnd.in-toto+json");
    assert!(lines("git-ai")[0]["content"].as_str().unwrap().contains(&record));

    // Somebody without the ledger's records reads the notes.
    house.run(&["hook", "uninstall"]);
    let hook = std::fs::read_to_string(house.repository.path().join(".git/hooks/post-commit")).unwrap();
    assert_eq!(hook, "#!/bin/sh\ntouch hook-before\n");
    assert_eq!(house.rig.waymark.run(&["erase", "--yes", "--record", &record]).code, Some(0));
    let told = house.why(&["src/total.rs:1"]);
    assert_eq!(
        (&told["evidence"]["kind"], &told["noted"]["model"]),
        (&json!("note"), &json!(SERVED_MODEL)),
        "{told:#}"
    );
}

#[test]
fn what_was_committed_before_the_first_record_is_older_and_no_more() {
    let mut repository = Repository::new();
    repository.write("src/old.rs", "// Shop\n");
    repository.commit("begin");
    repository.write("src/old.rs", format!("// Shop\n{TOTAL}"));
    let old = repository.commit("before");
    let mut house = House::with(repository);
    let new = format!("// Shop\n{TOTAL}\n{}", TOTAL.replace("item", "parcel").replace("price", "weight"));
    let new = format!("{new}\n{}", TOTAL.replace("item", "box").replace("price", "height"));
    let record = house.claude_writes("src/old.rs", &new);
    house.repository.write("src/old.rs", new);
    house.repository.commit("after");
    let told = house.why(&["src/old.rs:3"]);
    assert_eq!((&told["class"], &told["gap"]), (&json!("unknown"), &json!("before_ledger")), "{told:#}");
    assert_eq!((&told["line"]["commit"], &told["record"]), (&json!(null), &json!(null)));
    let told = house.why(&["src/old.rs:14"]);
    assert_eq!(told["record"], record, "{told:#}");
    let text = house.run(&["blame", "src/old.rs"]);
    assert_eq!(text.lines().filter(|line| line.starts_with("older ")).count(), 9, "{text}");
    // Of a range of old commits, what they added is counted as ever.
    let range: Value =
        serde_json::from_str(&house.run(&["why", &format!("{old}^..HEAD"), "--json"])).unwrap();
    assert_eq!(range["summary"]["lines"], json!({"ai": 17, "ai_modified": 0, "human": 0, "unknown": 10}));

    // Somebody's note on an old commit is found.
    let note = format!(
        "src/old.rs\n  h_1 3\n---\n{{\"schema_version\": \"authorship/3.0.0\", \
        \"base_commit_sha\": \"{old}\", \"prompts\": {{}}, \"humans\": {{\"h_1\": {{\"author\": \"Ada <a@example.com>\"}}}}}}\n"
    );
    house.repository.git(&["notes", "--ref=ai", "add", "-m", &note, &old]);
    let told = house.why(&["src/old.rs:3"]);
    assert_eq!((&told["class"], &told["line"]["commit"]), (&json!("human"), &json!(old)), "{told:#}");
}

#[test]
fn what_cannot_be_told_is_said_so() {
    let mut house = House::new();
    house.claude_writes("src/total.rs", TOTAL);
    house.repository.write("src/total.rs", TOTAL.replace('\n', "\r\n"));
    house.repository.write("picture.png", [0_u8, 1, 2, 255, 0]);
    house.repository.write("big.lfs", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n");
    house.repository.write("latin.txt", [b'c', 0xe9, b'\n']);
    house.repository.commit("files of all kinds");
    assert_eq!(house.classes("src/total.rs", None), "aaaaaaaa", "other line ends");
    assert_eq!(house.classes("latin.txt", None), ".");
    for (arguments, code, words) in [
        (["why", "picture.png:1"], 1, "binary"),
        (["why", "big.lfs:1"], 1, "LFS"),
        (["why", "src/total.rs:99"], 1, "has 8 lines"),
        (["why", "src/gone.rs:1"], 1, "no `src/gone.rs`"),
        (["why", "no-such-thing"], 2, "unknown revision"),
        (["why", "HEAD..no-such"], 2, "unknown revision"),
        (["blame", "../outside.rs"], 3, "in no git repository"),
        (["blame", "src"], 1, "folder"),
    ] {
        let output = house.run_in(house.repository.path(), &arguments);
        let is_told = output.code == Some(code) && output.stderr.contains(words);
        assert!(is_told, "{arguments:?}: {output:?}");
    }
    let report: Value = serde_json::from_str(&house.run(&["report", "provenance", "--json"])).unwrap();
    let gaps: Vec<&String> = report["gaps"].as_object().unwrap().keys().collect();
    assert_eq!(gaps, ["big.lfs", "picture.png"]);

    // A shallow clone knows nothing of the commit it ends at, and says so.
    let clone = tempfile::tempdir().unwrap();
    let from = format!("file://{}", house.repository.path().display());
    let folder = clone.path().join("shallow");
    house.repository.git(&["clone", "--quiet", "--depth", "1", &from, folder.to_str().unwrap()]);
    let asked = ["why", "src/total.rs:1", "--json"];
    let output = house.run_in(&folder, &asked);
    let told: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{}", output.stderr));
    assert_eq!((&told["class"], &told["gap"]), (&json!("unknown"), &json!("shallow")), "{told}");

    // A linked working tree and a bare clone are the same repository.
    house.repository.git(&["worktree", "add", "--quiet", clone.path().join("linked").to_str().unwrap()]);
    let output = house.run_in(&clone.path().join("linked"), &asked);
    assert!(output.stdout.contains("\"class\": \"ai\""), "{}{}", output.stdout, output.stderr);
}
