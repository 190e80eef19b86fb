"""A tiny model of random weights: to llama.cpp a model like any other, to a reader gibberish.

Every byte is one token, so that a text's length is its count of tokens. The output weights leave only small letters a
chance, so that a completion of so many tokens is so many letters, unless a grammar wants something else. With tools, a
user's turn is answered by a call, of which llama.cpp's own grammar makes one that fits the tools.
"""

from string import ascii_lowercase

import gguf
import numpy

WIDTH, HEADS, LAYERS, CONTEXT = 64, 4, 2, 1024
MARKERS = ["fim_pre", "fim_suf", "fim_mid", "fim_rep", "fim_sep"]
SPECIAL = ["<|im_start|>", "<|im_end|>", "<|now_call|>", "<tool_call>", "</tool_call>"]
SPECIAL += [f"<|{marker}|>" for marker in MARKERS]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
# What follows these for sure: a call where the template asks for one, and the end behind it.
SURE = [("<|now_call|>", "<tool_call>"), ("</tool_call>", "<|im_end|>")]
# llama.cpp writes spaces so before it looks them up.
TOKENS = ["<unk>", *SPECIAL, *BYTES, "▁"]
# The usual one of small models: roles between marks, tools and calls of them as JSON.
TEMPLATE = """\
{%- if tools %}<|im_start|>system
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}<|im_end|>
{% endif -%}
{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content or "" }}
{%- for call in message.tool_calls or [] %}{% set function = call.function %}
<tool_call>{"name": "{{ function.name }}", "arguments": {{ function.arguments | tojson }}}</tool_call>
{%- endfor %}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt %}<|im_start|>assistant
{% if tools and messages[-1].role == "user" %}<|now_call|>{% endif %}{% endif -%}"""


def write(path):
    """Writes the model as a GGUF file."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(2 * WIDTH)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    tokenizer(writer)
    for name, weights in tensors(numpy.random.default_rng(1)):
        writer.add_tensor(name, weights.astype(numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tokenizer(writer):
    kind = gguf.TokenType
    kinds = [kind.UNKNOWN, *[kind.CONTROL] * len(SPECIAL), *[kind.BYTE] * len(BYTES), kind.NORMAL]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(TOKENS)
    writer.add_token_scores([0.0] * len(TOKENS))
    writer.add_token_types(kinds)
    writer.add_unk_token_id(0)
    writer.add_eos_token_id(TOKENS.index("<|im_end|>"))
    for marker in MARKERS:
        writer.add_uint32(f"tokenizer.ggml.{marker}_token_id", TOKENS.index(f"<|{marker}|>"))
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)


def tensors(random):
    """Names and weights."""

    def normal(*shape):
        return random.standard_normal(shape) / shape[-1] ** 0.5

    def to_stream(width):
        """What a layer adds to the stream of numbers between embedding and output: nothing to those we have set."""
        weights = normal(WIDTH, width)
        weights[: 1 + len(SURE)] = 0
        return weights

    embedding, output = normal(len(TOKENS), WIDTH), normal(len(TOKENS), WIDTH)
    # The first number is the same for every token read: by it, letters are told from what only a grammar asks for.
    embedding[:, 0], output[:, 0] = 4, -8
    output[[TOKENS.index(f"<0x{ord(letter):02X}>") for letter in ascii_lowercase], 0] = 0
    output[TOKENS.index("</tool_call>"), 0] = -4
    for number, (before, behind) in enumerate(SURE, start=1):
        embedding[:, number] = output[:, number] = 0
        embedding[TOKENS.index(before), number] = output[TOKENS.index(behind), number] = 100
    yield "token_embd.weight", embedding
    yield "output.weight", output
    yield "output_norm.weight", numpy.ones(WIDTH)
    for layer in range(LAYERS):
        yield f"blk.{layer}.attn_norm.weight", numpy.ones(WIDTH)
        yield f"blk.{layer}.ffn_norm.weight", numpy.ones(WIDTH)
        for name in ("attn_q", "attn_k", "attn_v"):
            yield f"blk.{layer}.{name}.weight", normal(WIDTH, WIDTH)
        yield f"blk.{layer}.attn_output.weight", to_stream(WIDTH)
        yield f"blk.{layer}.ffn_gate.weight", normal(2 * WIDTH, WIDTH)
        yield f"blk.{layer}.ffn_up.weight", normal(2 * WIDTH, WIDTH)
        yield f"blk.{layer}.ffn_down.weight", to_stream(2 * WIDTH)
