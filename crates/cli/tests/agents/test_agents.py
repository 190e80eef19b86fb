"""Claude Code, Codex and opencode, each before an upstream of each kind."""

import pytest
from conftest import UPSTREAMS

# Each agent asks for a route. Codex also asks for models it knows, since then it offers its tools in other shapes:
# a patch as free text for gpt-5.5; for the newer one JavaScript that calls tools, which come as an input item.
ASKING = [
    ("claude-code", "auto"),
    ("codex", "auto"),
    ("codex", "gpt-5.5"),
    ("codex", "gpt-6.1-terra"),
    ("opencode", "auto"),
]

PROGRAM = "name = \"Zürich\"\nprint(f\"Hello, {name}!\\t<&> 'ok'\")\n"
TASK = "Write hello.py in the folder below, find out what `no such shelf` means, then run the program and show it."
ERRAND = "Have the errand done through a sub-agent."


@pytest.mark.parametrize(
    "rig", [(*asking, upstream) for asking in ASKING for upstream in UPSTREAMS], ids=" ".join, indirect=True
)
def test_a_task_of_several_turns(rig):
    finished = rig.run(TASK)
    assert (rig.agent.project / "hello.py").read_text(encoding="utf-8") == PROGRAM, rig.told()

    records = rig.records()
    steps = [record for record in records if record["task"] == "agent_step"]
    assert len(steps) == 4, rig.told()
    # What else an agent asks for, a title for the conversation, comes without tools.
    assert {record["task"] for record in records if record not in steps} <= {"utility"}
    for record in records:
        assert record["outcome"] == "succeeded" and record["error"] is None, record
        assert record["dialect"] == rig.agent.dialect
        assert record["client"].startswith(rig.agent.user_agent)
        assert record["session"] == finished.session is not None
        assert record["requested_model"] == rig.agent.model
        assert (record["resolved_model"], record["served_model"]) == (rig.upstream_model, "mock-agent-2026-01-01")
        assert record["provider"] == "scripted" and len(record["attempts"]) == 1
        assert record["usage"]["input"] == 21 and record["usage"]["output"] > 0
        assert record["proof"]["verified"] is True


@pytest.mark.parametrize(
    "rig",
    [("claude-code", "auto", "anthropic"), ("opencode", "auto", "openai")],
    ids=lambda combination: combination[0],
    indirect=True,
)
def test_a_sub_agent_is_told_apart(rig):
    rig.run(ERRAND)
    tasks = [record["task"] for record in rig.records()]
    assert tasks.count("subagent_step") == 1, f"{tasks}\n{rig.told()}"
    assert tasks.count("agent_step") == 2, f"{tasks}\n{rig.told()}"


# Claude Code sends a model's thoughts back only to the model whose name the answer gave.
@pytest.mark.parametrize(
    "rig", [("claude-code", "mock-agent-2026-01-01", "anthropic")], ids=lambda combination: combination[0],
    indirect=True,
)
def test_signed_thoughts_come_back_unaltered(rig):
    rig.run(TASK)
    assert [asked["thoughts"] for asked in rig.asked(4)] == [0, 1, 2, 3], rig.told()


@pytest.mark.parametrize(
    "unrouted", [asking for asking in ASKING if asking[0] == "codex"], ids=" ".join, indirect=True
)
def test_codex_understands_the_scripted_model(unrouted):
    """The control: without Waymark the very same task is done."""
    unrouted.run(TASK)
    assert (unrouted.agent.project / "hello.py").read_text(encoding="utf-8") == PROGRAM, unrouted.told()
