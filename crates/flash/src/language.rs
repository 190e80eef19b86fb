//! A file's language, by its name.

/// The language of a path, by its usual name; "other" when unknown.
pub(crate) fn of_path(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name {
        "Makefile" | "makefile" | "GNUmakefile" => return "Makefile",
        "Dockerfile" => return "Dockerfile",
        "CMakeLists.txt" => return "CMake",
        _ => {}
    }
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension {
        "rs" => "Rust",
        "py" | "pyi" => "Python",
        "go" => "Go",
        "ts" | "tsx" | "mts" | "cts" => "TypeScript",
        "js" | "jsx" | "mjs" | "cjs" => "JavaScript",
        "java" => "Java",
        "kt" | "kts" => "Kotlin",
        "scala" => "Scala",
        "c" | "h" => "C",
        "cc" | "cpp" | "cxx" | "hpp" | "hh" => "C++",
        "cs" => "C#",
        "swift" => "Swift",
        "rb" => "Ruby",
        "php" => "PHP",
        "ex" | "exs" => "Elixir",
        "erl" | "hrl" => "Erlang",
        "hs" => "Haskell",
        "ml" | "mli" => "OCaml",
        "lua" => "Lua",
        "sh" | "bash" | "zsh" | "fish" => "Shell",
        "sql" => "SQL",
        "html" | "htm" => "HTML",
        "css" | "scss" | "less" => "CSS",
        "vue" => "Vue",
        "svelte" => "Svelte",
        "proto" => "Protocol Buffers",
        "tf" => "Terraform",
        "zig" => "Zig",
        "dart" => "Dart",
        "cmake" => "CMake",
        "toml" => "TOML",
        "yaml" | "yml" => "YAML",
        "json" | "jsonc" => "JSON",
        "xml" => "XML",
        "md" | "mdx" | "rst" | "txt" | "adoc" => "prose",
        _ => "other",
    }
}

/// Whether a path holds program text, not data or prose.
pub(crate) fn is_code(path: &str) -> bool {
    !matches!(of_path(path), "other" | "prose" | "JSON" | "XML" | "YAML" | "TOML" | "HTML")
}

/// Whether a trimmed line is nothing but a comment, in most languages.
pub(crate) fn is_comment(line: &str) -> bool {
    let attribute = line.starts_with("#[") || line.starts_with("#!") || line.starts_with("#include");
    ["//", "/*", "*/", "* ", "--", "\"\"\"", "<!--"].iter().any(|mark| line.starts_with(mark))
        || line == "*"
        || (line.starts_with('#') && !attribute && !line.starts_with("#define") && !line.starts_with("#if"))
}
