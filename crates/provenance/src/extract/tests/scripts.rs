//! Shell scripts: what they put into files, and what they do not.

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
    ] {
        assert_eq!(run(script), "", "{script}");
    }
}

#[test]
fn what_is_printed_goes_into_files() {
    for script in [
        "printf 'one\\n\\ttwo\\n' > a.txt",
        "printf \"%s\\n\" one $'\\ttwo' > a.txt".replace("$'\\ttwo'", "'\ttwo'").as_str(),
        "printf '%s\\n%b\\n' one '\\ttwo' | sudo tee a.txt >/dev/null",
        "echo 'one\n\ttwo' > a.txt",
        "echo -e \"one\\n\\ttwo\" > a.txt",
        "echo one > a.txt && echo '\ttwo' >> a.txt",
        "mkdir -p x; echo one >> a.txt; echo -ne '\\ttwo\\n' >> a.txt",
    ] {
        assert_eq!(run(script), "Shell a.txt\n+one\n+\ttwo\n", "{script}");
    }
    assert_eq!(run("echo one > a; echo two > b"), "Shell a\n+one\nShell b\n+two\n");
    for script in
        ["echo one", "echo one >&2", "echo one > /dev/null", "printf '%5.2f' 3 > a", "git log | tee a"]
    {
        assert_eq!(run(script), "", "{script}");
    }
}

#[test]
fn words_are_replaced_where_a_pattern_is_words() {
    for (script, everywhere) in [
        ("sed -i 's/old_name/new_name/g' src/a.rs", " everywhere"),
        ("sed -i '' 's/old_name/new_name/' src/a.rs", ""),
        ("sed -i.bak -e 's|old_name|new_name|g' src/a.rs", " everywhere"),
        ("cd src && sed -Ei \"s/old_name/new_name/g\" a.rs", " everywhere"),
        ("sed --in-place 's/old_name/new_name/' src/a.rs", ""),
        ("perl -pi -e 's/old_name/new_name/g' src/a.rs", " everywhere"),
        ("perl -i -pe 's/x+/y/; s/old_name/new_name/g' src/a.rs", " everywhere"),
    ] {
        assert_eq!(run(script), format!("Edit src/a.rs{everywhere}\n-old_name\n+new_name\n"), "{script}");
    }
    assert_eq!(
        run("sed -i -e 's/a\\/b(c)/&.d/g' -e 's/e f;/e;\\nf/g' x y"),
        ["x", "y"]
            .map(|file| format!(
                "Edit {file} everywhere\n-a/b(c)\n+a/b(c).d\nEdit {file} everywhere\n-e f;\n+e;\n+f\n"
            ))
            .concat()
    );
    for script in [
        "sed 's/old/new/' a.rs",
        "sed -n -e 's/old/new/p' a.rs",
        "sed -i 's/o[a-z]*d/new/' a.rs",
        "sed -i 's/old/\\1/' a.rs",
        "sed -i -E 's/(old)/new/' a.rs",
        "sed -i 's/\\bold\\b/new/' a.rs",
        "sed -i 's/^old/new/' a.rs",
        "sed -i 's/old$/new/' a.rs",
        "sed -i '/x/{\ns/old/new/\n}' a.rs",
        "sed -i \"s/old$(x)/new/\" a.rs",
        "perl -Mstrict -pe 's/old/new/' a.rs",
        "perl -pi -e 's/old/$new/' a.rs",
        "sed -i '/old/d' a.rs",
        "sed -i 's/old/new/' src/*.rs",
        "perl -ne 's/old/new/; print' a.rs",
    ] {
        assert_eq!(run(script), "", "{script}");
    }
}

#[test]
fn little_text_makes_no_more_than_so_much() {
    let many = format!("sed -i {} {}", "-e 's/a/&b/g' ".repeat(80), "f ".repeat(80));
    assert!(run(&many).lines().count() <= 3 * 64);
    let long = format!("sed -i 's/{}/{}/' f", "a".repeat(300), "&".repeat(600));
    assert_eq!(run(&long), "");
    let format = format!("printf '{}%s' {} > f", "x".repeat(1_000), "1 ".repeat(1_000));
    assert_eq!(run(&format), "");
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
