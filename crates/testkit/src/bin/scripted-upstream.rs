//! A scripted upstream for tests in other languages: prints its port, answers by the requested model's name,
//! and ends when its standard input does. With the name of a dialect it is a coding agent's model in that dialect, and
//! prints a line of JSON per request.
#![expect(clippy::print_stdout, reason = "the port and what was asked are this program's answer")]

use waymark_testkit::{ScriptedModel, Upstream, as_named};

fn main() -> std::io::Result<()> {
    let upstream = match std::env::args().nth(1) {
        None => Upstream::with(as_named),
        Some(dialect) => {
            let model = ScriptedModel::speaking(&dialect)
                .ok_or_else(|| std::io::Error::other(format!("no scripted model speaks {dialect}")))?;
            Upstream::with(move |request| {
                let (reply, seen) = model.answer(request);
                println!("{seen}");
                reply
            })
        }
    };
    println!("{}", upstream.address().port());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).map(drop)
}
