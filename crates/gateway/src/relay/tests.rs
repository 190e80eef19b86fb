use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::sync::oneshot;
use waymark_protocol::neutral::Flavour;
use waymark_protocol::{Addressed, parse};

use super::*;
use crate::bodies::Bodies;
use crate::path::convert;

const ASKED: &[u8] = br#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const FIRST: &[u8] = b"data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n";
const LAST: &[u8] =
    b"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

/// What a client gets of a provider's stream that comes in these pieces, 50 seconds apart.
async fn relayed(
    dialects: Dialects,
    framing: Framing,
    pieces: &'static [&'static [u8]],
) -> (Relayed, String) {
    let Dialects { client, provider } = dialects;
    let converter = (client != provider).then(|| {
        let request = parse(client, &Bytes::from_static(ASKED), &Addressed::default()).unwrap();
        let crossed = convert::cross(&request, provider, Flavour::Original, "m", 0).unwrap();
        crossed.conversion.stream().unwrap()
    });
    let chunks = stream::iter(pieces).enumerate().then(|(at, &chunk)| async move {
        tokio::time::sleep(Duration::from_secs(50 * at as u64)).await;
        Ok(Bytes::from_static(chunk))
    });
    let head = Head::new(200, framing.content_type());
    let (chunks, provider) = (chunks.boxed(), "p".to_owned());
    let bounds = Bounds { stall: Duration::from_secs(300), until: None };
    let upstreamed = Upstreamed::new(head.clone(), dialects, framing, converter, chunks, provider, bounds);
    let (reply, response) = oneshot::channel();
    let mut client = Client::Waiting(reply).begin(head);
    let relaying = async {
        let relayed = upstreamed.relay(&mut client, Sent::new(&[0; 32], None), true).await;
        client.finish(relayed.last.clone()).await;
        relayed
    };
    let body = response.await.unwrap().into_body();
    let (relayed, body) = tokio::join!(relaying, axum::body::to_bytes(body, usize::MAX));
    (relayed, String::from_utf8(body.unwrap().to_vec()).unwrap())
}

/// A stream of OpenAI's chat that pauses after its first word, as a client of `dialect` gets it.
async fn after_a_pause(dialect: Dialect) -> String {
    let dialects = Dialects { client: dialect, provider: Dialect::OpenAiChat };
    let (relayed, text) = relayed(dialects, Framing::Sse, &[FIRST, LAST]).await;
    assert_eq!(relayed.outcome, Outcome::Succeeded);
    text
}

#[tokio::test(start_paused = true)]
async fn a_client_of_another_dialect_hears_something_while_nothing_comes() {
    let anthropic = after_a_pause(Dialect::AnthropicMessages).await;
    assert_eq!(anthropic.matches("event: ping\n").count(), 3, "{anthropic}");
    assert!(anthropic.find("\"Hi\"") < anthropic.find("event: ping\n"), "{anthropic}");
    assert!(anthropic.contains("message_stop"), "{anthropic}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_put_into_what_passes_through() {
    let passed = after_a_pause(Dialect::OpenAiChat).await;
    assert_eq!(passed.as_bytes(), [FIRST, LAST].concat());
}

#[test]
fn an_answers_text_is_kept_whole_or_not_at_all() {
    let bodies = Bodies::of(8);
    let sent = |pieces: &[&str]| {
        let mut sent = Sent::new(&[0; 32], Some(&bodies));
        pieces.iter().for_each(|piece| sent.add(piece.as_bytes()));
        sent.finish()
    };
    for (pieces, kept) in
        [(["all", "of it"], true), (["more than", " fits"], false), (["fits", " not"], true)]
    {
        let (commitment, text) = sent(&pieces);
        assert_eq!(commitment, waymark_ledger::commitment::commit(&[0; 32], pieces.concat().as_bytes()));
        match text {
            Kept::Text(text) => {
                assert_eq!((text.finish().as_ref(), kept), (pieces.concat().as_bytes(), true));
            }
            Kept::TooLarge => assert!(!kept),
            Kept::No => panic!("texts are kept"),
        }
    }
}

#[tokio::test]
async fn a_last_event_counts_without_an_empty_line_behind_it() {
    const STREAM: &[u8] = b"data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hi\"}]},\
        \"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":7,\"candidatesTokenCount\":2}}";
    const CUT: &[u8] = STREAM.split_at(STREAM.len() - 1).0;
    let dialects = Dialects { client: Dialect::OpenAiChat, provider: Dialect::Gemini };
    let (whole, chat) = relayed(dialects, Framing::Sse, &[STREAM]).await;
    assert_eq!((whole.outcome, whole.answer.usage.output), (Outcome::Succeeded, Some(2)));
    assert!(chat.contains("\"Hi\"") && chat.ends_with("data: [DONE]\n\n"), "{chat}");
    let (cut, chat) = relayed(dialects, Framing::Sse, &[CUT]).await;
    assert_eq!(cut.outcome, Outcome::StreamFailed);
    assert!(!chat.contains("[DONE]"), "{chat}");
}

#[tokio::test(start_paused = true)]
async fn what_may_be_the_end_waits_for_what_comes_next() {
    const STOPPED: &[u8] = b"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    const PICTURE: &[u8] = b"data: {\"type\":\"image_generation.completed\",\"b64_json\":\"aQ==\"}\n\n";
    const ANOTHER: &[u8] = b"data: {\"type\":\"image_generation.completed\",\"b64_json\":\"eA==\"}\n\n";
    const CHAT: &[&[u8]] = &[FIRST, STOPPED];
    const PICTURES: &[&[u8]] = &[PICTURE, ANOTHER];
    const SOUND: &[&[u8]] = &[b"RIFF", b"WAVE"];
    const SILENCE: &[&[u8]] = &[];
    for (dialect, framing, pieces, end) in [
        (Dialect::OpenAiChat, Framing::Sse, CHAT, STOPPED),
        (Dialect::OpenAiImages, Framing::Sse, PICTURES, ANOTHER),
        (Dialect::OpenAiSpeech, Framing::Bytes, SOUND, b"E"),
        (Dialect::OpenAiTranscriptions, Framing::Bytes, SILENCE, b""),
    ] {
        let dialects = Dialects { client: dialect, provider: dialect };
        let (relayed, body) = relayed(dialects, framing, pieces).await;
        assert_eq!((relayed.outcome, relayed.last.as_deref()), (Outcome::Succeeded, Some(end)), "{dialect}");
        assert_eq!(body.as_bytes(), pieces.concat(), "{dialect}");
    }
}
