"""The task commands' prompts: what Codex is asked, in words, for each task. They name the work, its limits, its proof and the report."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Task(msgspec.Struct, frozen=True):
    """One task command. text: the prompt, with `{what}` for the paths. style: the sentence that `--style` adds, with `{style}`.
    about: a line of help. writes: it may change files."""

    text: str
    style: str
    about: str
    writes: bool = True


EXPLAIN = Task(
    about="explain code; changes nothing",
    style="Manner of the explanation: {style}.",
    writes=False,
    text="""\
Explain {what} to a developer who is about to work on it.

Read the code first, and whatever it calls or is called by as far as you need to understand it. Then say, in this order:

1. what it is for, in two sentences;
2. how it works, along the main path through the code;
3. what it relies on, and what relies on it;
4. what one would trip over: hidden assumptions, surprising behaviour, faults that you notice.

Point at code as `file:line`. Leave out what the names already say, and say so where you are not sure. Change no files.""",
)

FIX = Task(
    about="find out what is wrong and fix it, proven by tests",
    style="Style of the change: {style}.",
    text="""\
Find out what is wrong with {what}, and fix it.

1. Reproduce the fault before you change anything: run these tests, or the tests that cover this code, or the code itself, and read \
what fails.
2. Mend the cause where it is, not where it shows. If a test fails because the code under test is wrong, fix that code. Change a test \
only if the test itself is wrong, and say why. Never skip, delete, loosen or special-case a test.
3. Make the smallest change that mends the cause: no refactoring, renaming, reformatting or new dependency beside it.
4. Run the same tests again, then those around them, until they pass.

If nothing is wrong, change nothing and say so. If you cannot run the tests, say so, and how you checked instead. End with the cause, \
the change, and what you ran with which result.""",
)

REFACTOR = Task(
    about="improve the structure, with the same behaviour",
    style="Style to reach: {style}, as far as the versions of language and libraries that this project supports allow it.",
    text="""\
Refactor {what}: make it clearer and simpler to change, with exactly the same behaviour.

1. First see who uses it and which tests cover it, and run those tests, so that you know what passes now. Where no test covers what \
you are going to move, write a few that pin down what it does.
2. Keep everything that other code can reach: names, signatures, results, errors, side effects, formats.
3. Work in small steps, and run the tests after each.
4. Stay within what is named above, but for callers that a change forces you to touch. No new features, no new dependencies, no \
reformatting of lines that you do not change. A fault that you find on the way: report it, do not fix it.

If it is good as it is, say so and change little or nothing. End with what changed and why it is better, and what you ran with which \
result.""",
)

DOCUMENT = Task(
    about="write the documentation that the code lacks",
    style="Style of the documentation: {style}.",
    text="""\
Document {what}.

1. Read the code before you write about it, its callers and tests too: every sentence must be true of the code as it is.
2. Use the form that this language and this project already use for documentation comments. Say what a reader cannot see from names \
and types: purpose, units and ranges, what is returned, which errors are raised when, side effects, and why where it is not obvious. \
Begin with modules and public names; leave alone what explains itself, and what is documented well.
3. Where the project's README or docs tell something about this code that is no longer true, correct it.
4. Change no behaviour: only comments, documentation strings and documentation files. A fault that you find: report it, do not fix it.
5. Afterwards run the checks and tests that the project has for these files.

End with what you documented, and what you found that seems wrong.""",
)

TASKS: Mapping[str, Task] = {"explain": EXPLAIN, "fix": FIX, "refactor": REFACTOR, "document": DOCUMENT}


def prompt(task: Task, paths: list[str], *, style: str | None = None, note: str | None = None) -> str:
    """What Codex is asked: the task for these paths (none: the project), in this style, and whatever the user notes besides."""
    parts = [task.text.replace("{what}", _named(paths))]
    if style:
        parts.append(task.style.replace("{style}", style))
    if note:
        parts.append(f"Besides: {note}")
    return "\n\n".join(parts)


def _named(paths: list[str]) -> str:
    names = [f"everything in `{path}`" if path.endswith("/") else f"`{path}`" for path in paths]
    if not names:
        return "the project in this directory"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
