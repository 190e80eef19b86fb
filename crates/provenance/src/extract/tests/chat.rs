//! Fenced blocks in a chat.

use super::said;

#[test]
fn a_fence_may_say_its_file() {
    for text in [
        "```rust src/a.rs\nx\n```",
        "```rust:src/a.rs\nx\n```",
        "```src/a.rs\nx\n```",
        "```12:15:src/a.rs\nx\n```",
        "```rust title=\"src/a.rs\"\nx\n```",
        "```rust {file=src/a.rs}\nx\n```",
        "~~~rust src/a.rs\nx\n~~~",
        "````rust\n// filepath: src/a.rs\nx\n````",
        "`src/a.rs`\n```rust\nx\n```",
        "**src/a.rs**\n\n```rust\nx\n```",
        "### 1. `src/a.rs`\n\n```rust\nx\n```",
        "File: src/a.rs\n```\nx\n```",
        "1. First:\n   `src/a.rs`:\n   ```rust\n   x\n   ```",
    ] {
        assert_eq!(said(text), "Fence src/a.rs\n+x\n", "{text}");
    }
    assert_eq!(said("```rust\n// src/a.rs\nx\n```"), "Fence src/a.rs\n+// src/a.rs\n+x\n");
    assert_eq!(said("```sh scripts/run.sh\nmake\n```"), "Fence scripts/run.sh\n+make\n");
    assert_eq!(said("```ts title=\"a b.ts\"\nx\n```"), "Fence a b.ts\n+x\n");
}

#[test]
fn code_needs_no_file() {
    for language in [
        "rust",
        "python",
        "json",
        "yaml",
        "toml",
        "c++",
        "objective-c",
        "{.python}",
        "rust,ignore",
        "html",
        "sql",
        "dockerfile",
    ] {
        assert_eq!(said(&format!("```{language}\nx\n```")), "Fence ?\n+x\n", "{language}");
    }
    assert_eq!(
        said("```ts\nclass A {\n  // ... existing code ...\n  b() {}\n}\n```"),
        "Fence ?\n+class A {\n   // ... existing code ...\n+  b() {}\n+}\n"
    );
}

#[test]
fn what_is_run_or_printed_is_no_code() {
    for text in [
        "```bash\nnpm install\n```",
        "```sh\ncargo test\n```",
        "```console\n$ ls\na.rs\n```",
        "```text\nhello\n```",
        "```\nerror: no\n```",
        "`src/a.rs`\n```console\n$ ls\n```",
        "```powershell\nGet-Item a\n```",
        "Run `cargo test`.",
    ] {
        assert_eq!(said(text), "", "{text}");
    }
    assert_eq!(
        said("```bash\ncat > a <<'E'\nx\nE\n```"),
        "Shell a\n+x\n",
        "but for what it puts into a file"
    );
}

#[test]
fn a_block_without_a_language_is_code_where_it_is_long_or_has_a_file() {
    let list = "maintainers:\n- ada\n- bob\n";
    let new = "+maintainers:\n+- ada\n+- bob\n";
    assert_eq!(said(&format!("```\n{list}```")), format!("Fence ?\n{new}"));
    assert_eq!(said(&format!("In `MAINTAINERS`:\n\n```\n{list}```")), format!("Fence MAINTAINERS\n{new}"));
    assert_eq!(
        said(&format!("**lib/LICENSE-MIT**\n```\n{list}```")),
        format!("Fence lib/LICENSE-MIT\n{new}")
    );
    assert_eq!(said(&format!("```text\n{list}```")), "");
}

#[test]
fn fences_stand_within_fences() {
    assert_eq!(said("````markdown\n# A\n```sh\nmake\n```\n````\n"), "Fence ?\n+# A\n+```sh\n+make\n+```\n");
    assert_eq!(
        said("README.md\n```markdown\n# A\n```sh\nmake\n```\nend\n```\nDone."),
        "Fence README.md\n+# A\n+```sh\n+make\n+```\n+end\n"
    );
    assert_eq!(
        said("1. One:\n   ```rust\n   fn a() {\n       x\n   }\n   ```\n2. Two"),
        "Fence ?\n+fn a() {\n+    x\n+}\n"
    );
}

#[test]
fn a_fence_without_its_end_is_read_to_the_end() {
    assert_eq!(said("```rust\nfn a() {\n    x"), "Fence ?\n+fn a() {\n+    x\n");
}
