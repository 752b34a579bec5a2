"""Decide: what gives a secret away: the name it goes by, or the form of its value."""

import re

MASK = "[REDACTED]"

_VOCABULARY = (
    "apikey|secret|token|authorization|passwd|password|passphrase|privatekey|firebasekey|cookie"
    "|bearer|keyid|credential|accesskey|sessionid|signature"
)
_SECRET_KEY = re.compile(_VOCABULARY + "|^(pass|pwd|auth|key)$")
_SECRET_WORDS = frozenset({"pass", "pwd", "auth"})
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WEAK_WORD = re.compile(r"(?:^|_)(?:key|private)(?:_|$)")
"""Words that say so too (facts, i), unless they stand in what is known to be no secret."""
_PLAIN_WORDS = re.compile(
    r"(?:^|_)(?:(?:primary|public|foreign|partition|sort|topology|idempotency|cache|dedup|group"
    r"|config_map|map|label|row|lookup|unique|index)_key"
    r"|key_(?:ref|path|file|name|prefix|type|count|level|metric|ring|space)s?"
    r"|private_(?:ip|subnet|network|cluster|endpoint|node|pool|dns|zone|link|google)s?)(?=_|$)"
)
_HARMLESS_KEY = re.compile("tokens?(count|total|used|limit)|(max|total|prompt)tokens?$")
"""Counters of tokens and the like: their names hold a secret word, their values are numbers."""

_VALUES: tuple[str, ...] = (
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)",
    r"\b(?:bearer|basic|token)\s+[A-Za-z0-9+/=._~-]{8,}",
    r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?",
    r"(?<=://)[^\s/:]*:[^\s/]*(?=@)",
    r"(?:(?<=https://)|(?<=http://))[^\s/:@?#]{8,}(?=@)",
    r"\bhooks\.slack\.com/[a-z]{1,20}/[A-Za-z0-9/_-]{8,}",
    r"LS0tLS1CRUdJTi[A-Za-z0-9+/=]*(?:\r?\n[ \t]*[A-Za-z0-9+/=]{32,})*",
    r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}",
    r"\bAIza[A-Za-z0-9_-]{30,}",
    r"\bya29\.[A-Za-z0-9._-]{10,}",
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|sk-[A-Za-z0-9_-]{16,})",
    r"\b(?:glpat-[A-Za-z0-9_-]{16,}|hvs\.[A-Za-z0-9_-]{16,}|[sr]k_(?:live|test)_[A-Za-z0-9]{12,})",
    r"\b(?:set-)?cookie\s*[:=]\s*[^\r\n\"]+",
    r"\bauthorization\s*[:=]\s*[^\r\n\",]+",
    (
        r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{0,40}(?:api[_-]?key|access[_-]?key|secret|password|passwd"
        r"|pwd|token|(?:encryption|signing|master|alpaca|private|tls|hmac|ssh)[_.-]key)[A-Za-z0-9_-]{0,40}\s*[:=]\s*[^\s,;&\"'}\]]+"
    ),
)
_KEY_ENDS = "PRIVATE KEY-----"
_END_OF_A_KEY = re.compile(
    r"^(?:[A-Za-z0-9+/=]{16,}+\r?\n){1,60}+-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----", re.MULTILINE
)
_VALUE = re.compile("|".join(f"(?:{v})" for v in _VALUES), re.IGNORECASE)
_SPELLED = re.sub(r"(api|private|firebase|access|key|session)(key|id)", r"\1[_ -]?\2", _VOCABULARY)
_WORDS = (
    r"(?<=[_\"-])(?:pass|pwd|auth)(?=[_\"-])|(?<=\")private(?=\")"
    r"|(?:encryption|signing|master|alpaca|tls|hmac|ssh)[_.-]?key(?=\")"
)
_QUOTED_PAIR = re.compile(
    rf"(\"[^\"\n]{{0,60}}(?:{_SPELLED}|{_WORDS})[^\"\n]{{0,60}}\"\s*:\s*)"
    r"(\"(?:[^\"\\]|\\.)*(?:\"|\Z)|[^\s,}\]]+)",
    re.IGNORECASE,
)


def is_secret_key(key: str) -> bool:
    """Tell whether a key's name says that its value is secret, however it is spelled."""
    words = re.split(r"[^a-z0-9]+", key.casefold())
    plain = "".join(words)
    secret = bool(_SECRET_KEY.search(plain)) or not _SECRET_WORDS.isdisjoint(words)
    return (secret or _has_weak_word(key, plain)) and not _HARMLESS_KEY.search(plain)


def _has_weak_word(key: str, plain: str) -> bool:
    if "key" not in plain and "private" not in plain:
        return False
    words = re.sub(r"[^a-z0-9]+", "_", _HUMP.sub("_", key).casefold())
    return bool(_WEAK_WORD.search(_PLAIN_WORDS.sub("", words)))


def redact_text(text: str) -> str:
    """Mask every secret that a text shows by its form: tokens, keys, passwords in URLs, cookies."""
    shown = _VALUE.sub(MASK, _QUOTED_PAIR.sub(rf'\1"{MASK}"', text))
    # A key that is left has lost its beginning, as at the top of a log's tail.
    return _END_OF_A_KEY.sub(MASK, shown) if _KEY_ENDS in shown else shown
