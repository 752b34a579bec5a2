"""Redaction: where a form ends, and what is at the edge of one."""

import base64

import pytest

from mission_control.redaction.decide.forms import find_encoded
from mission_control.redaction.decide.names import fold
from mission_control.redaction.decide.secrecy import redact_text
from mission_control.redaction.redact import redact_document
from tests.redaction.corpus import BEGIN, BODY, END, HUSH


def test_a_key_without_an_end_is_masked_so_far():
    """After so many lines that look like a key's, what follows is none."""
    lines = [f"A{n:063d}" for n in range(500)]

    assert lines[100] not in redact_text("\n".join([BEGIN, *lines]))
    assert lines[-100] not in redact_text("\n".join([*lines, END]))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"{BEGIN}\n\n{BODY}\n\nwent on as ever", "went on as ever"),
        (f"{BEGIN}\nwent on, as ever", "went on, as ever"),
        (f"{BEGIN}\n{'went on ' * 600}", "went on went on"),
        (f"went on as ever\n\n{END}", "went on as ever"),
        (f"went on as ever\nAAAA\n{BODY}\n{END}", "went on as ever"),
        (f"{BEGIN}\n{BODY}\n", ""),
        (f'{BEGIN}\nwent "AAAA" on\n', "went"),
        (f"{BODY[:20]}{END}", ""),
        (f"\n{BODY[:20]}\n{END}", ""),
        (f"{BODY}\n{BODY}\n{BODY[:9]}\nwent on\n{END}", "went on"),
    ],
)
def test_what_is_beside_a_key_stays(text, kept):
    """Lines of prose are no lines of a key."""
    shown = redact_text(text)

    assert kept in shown
    assert BODY not in shown


@pytest.mark.parametrize(
    "text",
    [
        "Authorization:",
        "Authorization: none",
        "'Authorization': ''",
        "'Authorization':",
        "cookie: ",
        "password:",
        "password: ''",
        "password:\n  user: ops",
        "the token is gamma",
        "the token is ",
        "with token 'gamma'",
        "--password ",
        "user>ops password>",
        "pass: 12",
        "signature: gamma",
        '"value":"x","name":"PORT" and a token',
        "id: 5, keys: 7",
        "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eX2A=",
        "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpb\nQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpb\nQQ==",
        "zz/////////////////////////////+\nzz//////////////////////////////+\ngamma",
    ],
)
def test_what_says_nothing_stays(text):
    """A name without a value, or whose value is a state or a count, hides nothing."""
    assert text == redact_text(text)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a\\tb\\nc\\x41\\u0042", "a b\vcAB"),
        ("\\xc3\\xa9 \\xe9", "e e"),
        ("\\u0022\\ud83d", "\N{REPLACEMENT CHARACTER}" * 2),
        ("\x1b[1ma\\u001b[0mb", "ab"),
        ("\u2028\u3000\u201c\ufdfa", '\n "\ufdfa'),
    ],
)
def test_text_is_folded_to_what_it_shows(text, plain):
    """Escapes are read, colours and marks are dropped, and what is too long stays."""
    assert plain == fold(text)


def test_each_line_of_base64_is_looked_at():
    """A secret is found behind a line that is in base64 but no text, and lines are no names."""
    encoded = base64.b64encode(f"password={HUSH}".encode()).decode()

    assert encoded not in redact_text(f"gamma{'z/+' * 8}\n{encoded}")
    assert [] == list(find_encoded("gamma"))
    assert "zebra" * 4 == redact_text("zebra" * 4)
    assert ["--pin", "[REDACTED]", True] == redact_document(["--pin", "47110815", True])


def test_not_every_letter_there_is_is_remembered():
    """A text of all letters is folded all the same."""
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 20_900))) + f"\uac00 password={HUSH}"

    assert HUSH not in redact_text(text)


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        ({"name": "trader-secrets", "key": "K", "optional": True}, False),
        ({"secretName": "tls", "items": [{"key": "a", "path": "b", "mode": 5}]}, False),
        ([{"name": "regcred"}], False),
        ({"name": "Hunter2 Zx81"}, True),
        ({"name": "a", "value": "b"}, True),
        ({"name": 5}, True),
        ({"items": "a"}, True),
        ({}, True),
        ([], True),
        ("hunter2", True),
    ],
)
def test_only_what_refers_to_a_secret_stays(value, hidden):
    """Names of Secrets and of their keys may be shown, and nothing else under such a name."""
    shown = redact_document({"secretKeyRef": value, "secret": value})

    assert hidden is (shown == {"secretKeyRef": "[REDACTED]", "secret": "[REDACTED]"})
