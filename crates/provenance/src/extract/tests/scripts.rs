//! Shell scripts: which here-documents go into files, and which do not.

use serde_json::json;

use super::called;

fn run(script: &str) -> String {
    called("bash", &json!({"command": script}))
}

#[test]
fn here_documents_go_into_files() {
    for script in [
        "cat > a.txt <<'EOF'\none\n\ttwo\nEOF\n",
        "cat >a.txt <<EOF\none\n\ttwo\nEOF",
        "cat <<EOF > a.txt\none\n\ttwo\nEOF",
        "cat << \"EOF\" > a.txt\none\n\ttwo\nEOF",
        "cat <<\\EOF >> a.txt\none\n\ttwo\nEOF",
        "tee a.txt <<EOF\none\n\ttwo\nEOF",
        "sudo tee -a a.txt <<EOF >/dev/null\none\n\ttwo\nEOF",
        "cat <<EOF | tee a.txt > /dev/null\none\n\ttwo\nEOF",
        "cat <<EOF |\none\n\ttwo\nEOF\ntee a.txt",
        "/bin/cat > 'a.txt' <<EOF\none\n\ttwo\nEOF",
        "X=1 cat > \"a.txt\" <<EOF 2>&1\none\n\ttwo\nEOF",
        "mkdir -p b && cat > a.txt <<EOF && echo done\none\n\ttwo\nEOF",
        "bash <<'OUTER'\ncat > a.txt <<EOF\none\n\ttwo\nEOF\nOUTER",
        "if true; then\n  cat > a.txt <<EOF\none\n\ttwo\nEOF\nfi",
        "# don't\ncat > a.txt <<EOF\none\n\ttwo\nEOF",
        "echo $((1<<4)); cat > a.txt <<EOF\none\n\ttwo\nEOF",
    ] {
        assert_eq!(run(script), "Shell a.txt\n+one\n+\ttwo\n", "{script}");
    }
}

#[test]
fn several_go_into_several() {
    assert_eq!(
        run(
            "cd web && cat > a <<A && cat > /b <<'B'\none\nA\ntwo\nB\ncat > c <<C\nthree\nC\ncd ..\n(cd src; cat > d <<D\n4\nD\n)\ncat > e <<E\n5\nE\n"
        ),
        "Shell web/a\n+one\nShell /b\n+two\nShell web/c\n+three\nShell web/../src/d\n+4\nShell web/../e\n+5\n"
    );
    assert_eq!(run("tee a b <<E\nx\nE"), "Shell a\n+x\nShell b\n+x\n");
}

#[test]
fn what_the_shell_changes_is_changed() {
    assert_eq!(run("cat > a <<-E\n\t\tone\n\t  two\n\tE\n"), "Shell a\n+one\n+  two\n");
    assert_eq!(run("cat > a <<E\n\\$x \\`y\\` \\\\ \\n\na\\\nb\nE"), "Shell a\n+$x `y` \\ \\n\n+ab\n");
    assert_eq!(run("cat > a <<'E'\n\\$x\nE"), "Shell a\n+\\$x\n");
    assert_eq!(run("cat > \"$HOME/a\" <<E\nx\nE"), "Shell ?\n+x\n", "nobody says where");
}

#[test]
fn other_here_documents_do_not() {
    for script in [
        "python3 - <<'EOF'\nopen('a', 'w').write('x')\nEOF",
        "node <<EOF\nconsole.log(1)\nEOF",
        "cat <<EOF | python3\nprint(1)\nEOF",
        "cat <<EOF\njust said\nEOF",
        "git commit -m \"$(cat <<'EOF'\nfix: it's done\n\ncat > a <<X\nEOF\n)\"",
        "git commit -F - <<EOF\nfix: it\nEOF",
        "psql <<SQL\nselect 1;\nSQL",
        "cat > /dev/null <<EOF\nx\nEOF",
        "cat a.txt > b.txt",
        "cat > a <<< 'x'",
        "echo \"cat > a <<EOF\"",
        "cat header.txt - > a <<EOF\nx\nEOF",
        "sed -i 's/a/b/' a.txt",
    ] {
        assert_eq!(run(script), "", "{script}");
    }
}

#[test]
fn patches_and_diffs_are_applied() {
    let patch = "*** Begin Patch\n*** Add File: a\n+x\n*** End Patch";
    for script in [
        format!("python3 - <<'EOF'\n{patch}\nEOF"),
        format!("cat > /tmp/x.patch <<'EOF'\n{patch}\nEOF\napply_patch < /tmp/x.patch"),
    ] {
        assert_eq!(run(&script), "Patch a\n+x\n", "{script}");
    }
    let diff = "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x\n+y";
    for script in [
        format!("git apply <<'EOF'\n{diff}\nEOF"),
        format!("patch -p1 <<'EOF'\n{diff}\nEOF"),
        format!("cat <<'EOF' | git apply -\n{diff}\nEOF"),
        format!("cat > x.diff <<'EOF'\n{diff}\nEOF\ngit apply x.diff"),
    ] {
        assert_eq!(run(&script), "Diff a\n-x\n+y\n", "{script}");
    }
}

#[test]
fn a_document_without_its_end_is_read_to_the_end() {
    assert_eq!(run("cat > a <<EOF\none\ntw"), "Shell a\n+one\n+tw\n");
}
