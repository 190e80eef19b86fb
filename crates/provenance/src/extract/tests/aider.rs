//! aider: edit blocks, whole files and diffs.

use super::said;

#[test]
fn a_block_stands_under_its_path() {
    let block = "<<<<<<< SEARCH\nimport a\nx = 1\n=======\nimport a\nx = 2\n>>>>>>> REPLACE\n";
    let wanted = "EditBlock src/a.py\n import a\n-x = 1\n+x = 2\n";
    for text in [
        format!("I change it.\n\nsrc/a.py\n```python\n{block}```\n"),
        format!("```python\nsrc/a.py\n{block}```\n"),
        format!("src/a.py\n{block}"),
        format!("**src/a.py**\n\n```python\n{block}```\n"),
        format!("```src/a.py\n{block}```\n"),
        format!("```python src/a.py\n{block}```\n"),
    ] {
        assert_eq!(said(&text), wanted, "{text}");
    }
    assert_eq!(
        said(&format!("src/a.py\n```python\n{block}{block}```\n")),
        wanted.repeat(2),
        "the second is of the same file"
    );
    assert_eq!(
        said(&format!("src/a.py\n```python\n{block}```\n\n```python\n{block}```\n")),
        wanted.repeat(2)
    );
    assert_eq!(
        said(&block.replace("SEARCH", "ORIGINAL").replace("REPLACE", "UPDATED")),
        wanted.replace("src/a.py", "?")
    );
}

#[test]
fn a_file_is_new_or_cleared() {
    assert_eq!(
        said("a.py\n```python\n<<<<<<< SEARCH\n=======\nx = 1\n>>>>>>> REPLACE\n```"),
        "EditBlock a.py\n+x = 1\n"
    );
    assert_eq!(
        said("a.py\n```python\n<<<<<<< SEARCH\nx = 1\n=======\n>>>>>>> REPLACE\n```"),
        "EditBlock a.py\n-x = 1\n"
    );
}

#[test]
fn a_block_may_hold_fences() {
    assert_eq!(
        said(
            "README.md\n```md\n<<<<<<< SEARCH\n```sh\nold\n```\n=======\n```sh\nnew\n```\n>>>>>>> REPLACE\n```\n\nDone."
        ),
        "EditBlock README.md\n ```sh\n-old\n+new\n ```\n"
    );
}

#[test]
fn a_whole_file_stands_under_its_path() {
    assert_eq!(
        said("show.py\n```\nimport sys\n\nprint(1)\n```"),
        "Fence show.py\n+import sys\n+\n+print(1)\n"
    );
    assert_eq!(said("path/to/a.js\n```js\nlet a;\n```"), "Fence path/to/a.js\n+let a;\n");
}

#[test]
fn a_diff_has_no_numbers() {
    assert_eq!(
        said(
            "```diff\n--- app/a.py\n+++ app/a.py\n@@ ... @@\n-def a():\n-    pass\n+def b():\n+    pass\n```"
        ),
        "Diff app/a.py\n-def a():\n+def b():\n     pass\n"
    );
}
