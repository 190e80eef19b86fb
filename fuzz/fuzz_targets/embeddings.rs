//! Requests to embed and their answers, read and written in every dialect of them.
#![no_main]

use bytes::Bytes;
use waymark_fuzz::crossing::{EMBEDDERS, addressed};
use waymark_fuzz::{Input, MODEL, are_codes, is_json};
use waymark_protocol::neutral::Flavour;
use waymark_protocol::{Inputs, VectorForm, parse};

waymark_fuzz::target!(check);

fn check(input: Input<'_>) {
    let ((own, one), (dialect, other)) = (*input.of(&EMBEDDERS), *input.other(&EMBEDDERS));
    one.read_error(input.body);
    if let Ok(mut inputs) = one.read_inputs(input.body)
        && inputs.sayable_in(dialect).is_ok()
        // Who sends no text only wants the model to be ready, and is answered at once.
        && !inputs.texts.is_empty()
    {
        are_codes(&inputs.losses);
        let raw = Bytes::copy_from_slice(input.body);
        if let Ok(request) = parse(own, &raw, &addressed(own, MODEL, false)) {
            assert_eq!(request.inputs, inputs.texts.len());
        }
        inputs.flavour =
            [Flavour::Original, Flavour::Imitation, Flavour::Mistral][usize::from(input.seed / 8) % 3];
        let written = other.write_inputs(&inputs, MODEL);
        is_json(&written, input.body);
        let whose = format!("{dialect}: {}", String::from_utf8_lossy(&written));
        let again = other.read_inputs(&written).unwrap_or_else(|error| panic!("{error}: {whose}"));
        assert_eq!((again.texts, again.dimensions), (inputs.texts, inputs.dimensions), "{whose}");
    }
    let Ok(vectors) = one.read_vectors(input.body) else { return };
    for form in [VectorForm::List, VectorForm::Base64, VectorForm::Single] {
        let asked = Inputs { form, ..Inputs::default() };
        let written = other.write_vectors(&asked, &vectors, MODEL);
        is_json(&written, input.body);
        let whose = format!("{dialect}: {}", String::from_utf8_lossy(&written));
        let again = other.read_vectors(&written).unwrap_or_else(|error| panic!("{error}: {whose}"));
        assert!(form == VectorForm::Single || again.vectors.len() == vectors.vectors.len(), "{whose}");
    }
}
