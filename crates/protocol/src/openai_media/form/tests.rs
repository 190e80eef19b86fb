use proptest::prelude::*;

use super::*;

const TYPE: &str = "multipart/form-data; boundary=b-1";

fn read(content_type: &str, body: &[u8]) -> Result<Request, String> {
    let raw = Bytes::copy_from_slice(body);
    parse(Dialect::OpenAiTranscriptions, &raw, content_type).map_err(|error| error.to_string())
}

/// The model of a form, and the form with another.
fn exchanged(content_type: &str, body: &str) -> Result<(String, String), String> {
    let request = read(content_type, body.as_bytes())?;
    let other = request.body_for("large-v3");
    Ok((request.model, String::from_utf8_lossy(&other).into_owned()))
}

const FORM: &str = "--b-1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\
    Content-Type: audio/wav\r\n\r\nRIFF\r\n\r\nname=\"model\"\r\n\r\n--b-2\r\n--b-12\r\n--b-1x\r\n\r\n--b-1\r\n\
    content-disposition: form-data; name=model\r\n\r\nwhisper-1\r\n--b-1\r\n\
    Content-Disposition: form-data; name=\"stream\"\r\n\r\ntrue\r\n--b-1--\r\n";

#[test]
fn the_model_is_found_beside_the_file_and_exchanged() {
    let request = read(TYPE, FORM.as_bytes()).unwrap();
    assert_eq!((request.model.as_str(), request.stream), ("whisper-1", true));
    assert_eq!(request.body_for("large-v3"), FORM.replacen("whisper-1", "large-v3", 1));
    assert_eq!(request.body_for("whisper-1"), FORM);
}

#[test]
fn forms_are_read_however_they_are_written() {
    let after = FORM.replace(
        "--b-1--\r\n",
        "--b-1--\r\n--b-1\r\ncontent-disposition: form-data; name=model\r\n\r\nx\r\n",
    );
    let written = [
        ("after a preamble", TYPE, format!("This is a form.\r\n--b-12\r\n\r\n{FORM}")),
        ("before an epilogue", TYPE, after),
        ("with blanks behind its boundary", TYPE, FORM.replace("--b-1\r\n", "--b-1 \t\r\n")),
        ("with bare line feeds", TYPE, FORM.replace("\r\n", "\n")),
        ("with a quoted boundary", "Multipart/Form-Data; charset=x; Boundary=\"b-1\"", FORM.to_owned()),
        ("without its end", TYPE, FORM.replace("--b-1--\r\n", "")),
        (
            "with more headers",
            TYPE,
            FORM.replace("content-disp", "X-A: b\r\nContent-Type: text/plain\r\ncontent-disp"),
        ),
        (
            "with a part without a head",
            TYPE,
            FORM.replacen("--b-1\r\n", "--b-1\r\n\r\nmodel\r\n--b-1\r\n", 1),
        ),
        ("with an empty part", TYPE, FORM.replacen("--b-1\r\n", "--b-1\r\n\r\n--b-1\r\n", 1)),
        ("with an escaped name of the file", TYPE, FORM.replace("a.wav", "a\\\"; name=\\\"model")),
        (
            "with a file that is named like a field",
            TYPE,
            FORM.replace("a.wav\"", "a; name=model; x\"; name=model"),
        ),
        ("with a file instead of the field", TYPE, FORM.replace("name=\"file\"", "name=\"model\"")),
        (
            "with a file of another alphabet",
            TYPE,
            FORM.replace("filename=\"a.wav\"", "filename*=UTF-8''%e2%82%ac"),
        ),
    ];
    for (how, content_type, form) in written {
        let (model, other) = exchanged(content_type, &form).unwrap_or_else(|error| panic!("{how}: {error}"));
        assert_eq!(
            (model.as_str(), other),
            ("whisper-1", form.replacen("whisper-1", "large-v3", 1)),
            "{how}"
        );
    }
}

#[test]
fn what_names_no_model_is_refused_with_what_is_missing() {
    let twice = FORM.replace("name=\"stream\"", "name=\"model\"");
    let unnamed = FORM.replace("name=model", "name=models");
    let nameless = FORM.replace("whisper-1", "");
    for (content_type, body, expected) in [
        ("application/json", "{\"model\":\"whisper-1\"}", "`content-type`: send a multipart form"),
        ("", FORM, "`content-type`: send a multipart form"),
        ("multipart/form-data", FORM, "`content-type`: send a multipart form"),
        ("multipart/mixed; boundary=b-1", FORM, "`content-type`: send a multipart form"),
        ("multipart/form-data; boundary=b-3", FORM, "`content-type`: no line of the multipart form"),
        (TYPE, "", "`content-type`: no line of the multipart form"),
        (TYPE, "--b-1--\r\n", "`content-type`: no line of the multipart form"),
        (TYPE, "--b-1\r\n\r\n--b-1--", "`model`: the multipart form has no such field"),
        (TYPE, &unnamed, "`model`: the multipart form has no such field"),
        (TYPE, &nameless, "`model`: the multipart form has no such field"),
        (TYPE, &twice, "`model`: the multipart form names a model more than once"),
    ] {
        let error = read(content_type, body.as_bytes()).unwrap_err();
        assert!(error.starts_with(expected), "{content_type} {body:?}: {error}");
    }
}

/// A form of these fields and files as a client writes it.
fn written(parts: &[(String, Option<String>, Vec<u8>)]) -> Vec<u8> {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file = file.as_ref().map(|file| format!("; filename=\"{}\"", escaped(file))).unwrap_or_default();
        let head =
            format!("--b-1\r\nContent-Disposition: form-data; name=\"{}\"{file}\r\n\r\n", escaped(name));
        body.extend([head.as_bytes(), content, b"\r\n"].concat());
    }
    body.extend(b"--b-1--\r\n");
    body
}

proptest! {
    /// Whatever lies around it, the one field `model` is found, and nothing but its value changes.
    #[test]
    fn one_model_among_anything_is_found(
        before in prop::collection::vec(("[a-z\"\\\\;= ]{0,8}", prop::option::of("[ -~é]{0,12}"), any::<Vec<u8>>()), 0..4),
        after in prop::collection::vec(("[a-z\"\\\\;= ]{0,8}", prop::option::of("[ -~é]{0,12}"), any::<Vec<u8>>()), 0..4),
        name in "[ -~é]{1,20}",
    ) {
        let others = |parts: &[(String, Option<String>, Vec<u8>)]| {
            parts.iter().all(|(name, _, content)| name != "model" && memmem::find(content, b"--b-1").is_none())
        };
        prop_assume!(others(&before) && others(&after));
        let form = |model: &str| {
            let model = [("model".to_owned(), None, model.as_bytes().to_vec())];
            written(&[&before[..], &model, &after].concat())
        };
        let request = read(TYPE, &form(&name)).unwrap();
        prop_assert_eq!(&request.model, &name);
        prop_assert_eq!(request.body_for("large-v3"), form("large-v3"));
    }

    /// No bytes whatsoever make reading fail otherwise than with an error.
    #[test]
    fn any_bytes_can_be_read(
        content_type in "(multipart/form-data)?[;= \"a-z\\\\-]{0,20}(boundary=b-1)?",
        body in "(--b-1|\r\n|\n|--|content-disposition:|form-data;|name=|\"|model|[a-z]| ){0,40}",
    ) {
        if let Ok(request) = read(&content_type, body.as_bytes()) {
            let other = request.body_for("large-v3");
            prop_assert_eq!(read(&content_type, &other).map(|request| request.model), Ok("large-v3".to_owned()));
        }
    }
}
