//! A commit's added lines, read out of a patch.

/// A changed file of a commit.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FileChange {
    /// Empty for a file that was deleted.
    pub(super) path: String,
    pub(super) hunks: Vec<Hunk>,
}

/// A run of changed lines, without context.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hunk {
    /// The first line after the hunk in the old text, counted from zero.
    pub(super) old_end: usize,
    /// The first added line in the new text, counted from zero.
    pub(super) new_start: usize,
    pub(super) added: usize,
    pub(super) removed: Vec<String>,
}

/// Reads a patch made without context lines.
pub(super) fn parse(patch: &[u8]) -> Vec<FileChange> {
    let mut files: Vec<FileChange> = Vec::new();
    // Lines still to come in the current hunk: only those can be content.
    let (mut removed, mut added) = (0usize, 0usize);
    for line in patch.split(|&byte| byte == b'\n') {
        if removed > 0 && line.first() == Some(&b'-') {
            removed -= 1;
            if let Some(hunk) = files.last_mut().and_then(|file| file.hunks.last_mut()) {
                hunk.removed.push(String::from_utf8_lossy(&line[1..]).into_owned());
            }
        } else if added > 0 && line.first() == Some(&b'+') {
            added -= 1;
        } else if line.starts_with(b"diff --git ") {
            files.push(FileChange::default());
            (removed, added) = (0, 0);
        } else if let Some(path) = line.strip_prefix(b"+++ b/") {
            if let (Some(file), Ok(path)) = (files.last_mut(), std::str::from_utf8(path)) {
                path.trim_end_matches('\t').clone_into(&mut file.path);
            }
        } else if let Some(range) = line.strip_prefix(b"@@ ") {
            let Some((old, new)) = std::str::from_utf8(range).ok().and_then(ranges) else { continue };
            (removed, added) = (old.1, new.1);
            // A range of no lines names the line before it.
            let old_end = if old.1 == 0 { old.0 } else { old.0 + old.1 - 1 };
            let hunk =
                Hunk { old_end, new_start: new.0.saturating_sub(1), added: new.1, removed: Vec::new() };
            if let Some(file) = files.last_mut() {
                file.hunks.push(hunk);
            }
        }
    }
    files.retain(|file| !file.hunks.is_empty());
    files
}

/// The starts and lengths in `-1,2 +3 @@`.
fn ranges(text: &str) -> Option<((usize, usize), (usize, usize))> {
    let mut words = text.split(' ');
    let range = |word: &str| {
        let (start, length) = word.get(1..)?.split_once(',').unwrap_or((word.get(1..)?, "1"));
        Some((start.parse().ok()?, length.parse().ok()?))
    };
    Some((range(words.next()?)?, range(words.next()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hunks_are_read_with_lines_that_look_like_headers() {
        let patch =
            b"diff --git a/x.rs b/x.rs\nindex 1..2 100644\n--- a/x.rs\n+++ b/x.rs\n@@ -3,2 +3,2 @@ fn a\n\
--- old\n-two\n+++ new\n+next\n@@ -9,0 +10 @@\n+last\ndiff --git a/p.png b/p.png\nBinary files differ\n";
        let files = parse(patch);
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].path, "x.rs");
        let expected =
            Hunk { old_end: 4, new_start: 2, added: 2, removed: vec!["-- old".into(), "two".into()] };
        assert_eq!(files[0].hunks[0], expected);
        assert_eq!((files[0].hunks[1].old_end, files[0].hunks[1].new_start), (9, 9));
    }
}
