//! `waymark up`: one command from a repository to its own default path.

use std::io::{self, Write};
use std::path::Path;

use waymark_flash::{CompletionRequest, Flash, Stats};
use waymark_gateway::{Config, Discovery, Running};

use super::server::{self, Signals, runtime};
use super::sources::{self, Given};
use super::{Outcome, index};
use crate::args::Common;
use crate::failure::{Failure, USAGE};
use crate::terminal::{BOLD, DIM, grouped, short};

pub(crate) fn run(common: &Common, repository: Option<&Path>, listen: Option<String>) -> Outcome {
    let folder = repository.unwrap_or(Path::new("."));
    let folder = folder.canonicalize().map_err(|error| {
        Failure::new(USAGE, format!("could not find {}: {error}", folder.display()))
            .hint("name a folder in a git repository with --repo DIR")
    })?;
    let runtime = runtime()?;
    let looking = runtime.spawn(async { waymark_gateway::discover(&sources::environment).await });
    let given = Given { listen: listen.clone(), repository: Some(folder.clone()), ..Given::default() };
    server::free(sources::load(common, given)?.config())?;
    let flash = index::open(&folder)?;
    runtime.block_on(async {
        let discovery = looking.await.unwrap_or_default();
        let discovered = sources::discovered(&discovery, common.config.is_some());
        let given = Given { listen, repository: Some(folder), discovered };
        let config = sources::load(common, given)?.config().clone();
        let signals = Signals::listen()?;
        let watch = server::watch(&flash, &config);
        let prompt = example(&flash);
        let running = server::begin(config.clone(), flash.clone()).await?;
        let address = running.address().to_string();
        // The server runs whether or not somebody reads this.
        let mut out = anstream::stdout().lock();
        let told = welcome(&config, &flash, &discovery, &running, &mut out)
            .and_then(|()| connect(&address, &prompt, &mut out));
        drop(out);
        if let Err(error) = told {
            tracing::warn!("could not print how to connect: {error}");
        }
        server::listening(&running);
        server::finish(running, watch, signals).await
    })
}

/// What was found and what is served.
fn welcome(
    config: &Config,
    flash: &Flash,
    discovery: &Discovery,
    running: &Running,
    out: &mut dyn Write,
) -> io::Result<()> {
    let stats = flash.stats();
    writeln!(out, "{BOLD}Waymark {}{BOLD:#} on http://{}", env!("CARGO_PKG_VERSION"), running.address())?;
    let mut row = |label: &str, value: &str| writeln!(out, "  {DIM}{label:<11}{DIM:#}{value}");
    if let Some(repository) = flash.work_tree() {
        let commit = stats.commit.as_deref().map_or("no commit yet", short);
        row("repository", &format!("{} at {commit}", repository.display()))?;
    }
    row("index", &indexed(&stats))?;
    row("languages", &languages(&stats))?;
    row("models", &format!("flash, embedded: {}", flash.version()))?;
    for found in &discovery.found {
        let shown: Vec<&str> = found.models.iter().take(4).map(String::as_str).collect();
        let more = found.models.len().saturating_sub(shown.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        row("", &format!("{}: {}{more} ({})", found.provider, shown.join(", "), found.how))?;
    }
    if !discovery.absent.is_empty() {
        row("not found", &discovery.absent.join(", "))?;
    }
    if let Some(route) = config.routes.get("auto") {
        row("route auto", &route.ladder.join(" → "))?;
    }
    row("ledger", &format!("{} in {}", running.origin(), config.data_dir.display()))?;
    if config.anchors.repository.is_some() {
        row("anchors", "refs/waymark/checkpoints of the repository; it is not pushed by itself")?;
    }
    row("page", &format!("http://{}/", running.address()))
}

fn indexed(stats: &Stats) -> String {
    let skipped: usize = stats.skipped.iter().map(|(_, count)| count).sum();
    let skipped = if skipped > 0 { format!(", {} left out", grouped(skipped as u64)) } else { String::new() };
    format!(
        "{} files{skipped}, {} lines, {} tokens in {:.2} s",
        grouped(stats.files as u64),
        grouped(stats.lines as u64),
        grouped(stats.tokens as u64),
        stats.seconds
    )
}

fn languages(stats: &Stats) -> String {
    let share = |tokens: usize| (tokens * 100).div_ceil(stats.tokens.max(1));
    let named: Vec<String> = stats
        .languages
        .iter()
        .take(5)
        .map(|language| format!("{} {} %", language.language, share(language.tokens)))
        .collect();
    if named.is_empty() { "none yet".to_owned() } else { named.join(", ") }
}

/// The request to try, and how to point the common assistants here.
fn connect(address: &str, prompt: &str, out: &mut dyn Write) -> io::Result<()> {
    let body = serde_json::json!({"model": "auto", "prompt": prompt});
    writeln!(
        out,
        "\n{BOLD}Try it now{BOLD:#} {DIM}(the embedded model completes a line of this repository){DIM:#}"
    )?;
    writeln!(out, "  curl -s http://{address}/v1/completions -H 'content-type: application/json' \\")?;
    writeln!(out, "    -d '{body}'")?;
    writeln!(
        out,
        "  waymark why RECORD    {DIM}the record is in the answer and in its x-waymark-record header{DIM:#}"
    )?;
    writeln!(out, "\n{BOLD}Point your assistants here{BOLD:#} {DIM}(any key; the model is `auto`){DIM:#}")?;
    for (client, how) in [
        ("Claude Code", format!("ANTHROPIC_BASE_URL=http://{address} ANTHROPIC_API_KEY=waymark claude")),
        ("opencode", format!("provider npm @ai-sdk/openai-compatible, baseURL http://{address}/v1")),
        ("VS Code", format!("Custom Endpoint model with url http://{address}/v1/chat/completions")),
        ("Continue", format!("provider openai, apiBase http://{address}/v1; autocomplete too")),
        (
            "aider",
            format!("OPENAI_API_BASE=http://{address}/v1 OPENAI_API_KEY=waymark aider --model openai/auto"),
        ),
        ("Zed", format!("edit prediction: open_ai_compatible_api, api_url http://{address}/v1/completions")),
        (
            "others",
            format!("OpenAI base URL http://{address}/v1, Anthropic and Gemini base URL http://{address}"),
        ),
    ] {
        writeln!(out, "  {DIM}{client:<13}{DIM:#}{how}")?;
    }
    writeln!(
        out,
        "  waymark connect CLIENT {DIM}writes a client's own settings, codex's, vscode's and others' too; --undo takes \
         them back{DIM:#}"
    )?;
    writeln!(out, "\nStop with Ctrl-C.")
}

/// A line of the repository, cut where the embedded model knows how it goes on. Where it knows none, any line
/// start will do: it declines, and says so.
fn example(flash: &Flash) -> String {
    const FALLBACK: &str = "fn main() {\n    ";
    let Some(repository) = flash.work_tree() else { return FALLBACK.to_owned() };
    let texts = flash.largest_files(LOOK_AT).into_iter();
    let texts = texts.filter_map(|path| std::fs::read_to_string(repository.join(path)).ok());
    let known = texts.flat_map(|text| cuts(&text)).find(|prompt| {
        let request = CompletionRequest { prefix: prompt, ..CompletionRequest::default() };
        flash.complete(&request).suggestion.is_some_and(|suggestion| suggestion.text.trim().len() >= 4)
    });
    known.unwrap_or_else(|| FALLBACK.to_owned())
}

/// Files that an example is looked for in.
const LOOK_AT: usize = 8;

/// Lines cut at a blank after their first half, short and free of what a shell would quote.
fn cuts(text: &str) -> Vec<String> {
    let simple = |line: &&str| {
        let length = line.trim().len();
        (20..70).contains(&length) && !line.contains(['\'', '\\', '"', '!', '`'])
    };
    let cut = |line: &str| {
        let line = line.trim();
        let half = line.char_indices().nth(line.chars().count() / 2)?.0;
        let blank = half + line[half..].find(' ')?;
        Some(line[..=blank].to_owned())
    };
    text.lines().filter(simple).filter_map(cut).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn example_lines_are_cut_at_a_blank_and_need_no_quoting() {
        let text = "short\n    let value = compute_something(first, second);\n    let s = \"quoted text in this line\";\n";
        assert_eq!(cuts(text), ["let value = compute_something(first, "]);
    }
}
