"""
The forms that give a secret away whatever its name: a table, blocks of keys, and base64.

A library of such forms (detect-secrets) was looked at: it tells lines and not where in them a
secret is, opens files, and is slower by far than what every answer of a probe can bear.
"""

import base64
import re
from collections.abc import Iterator
from typing import NamedTuple


class Form(NamedTuple):
    """
    A form of secrets: what is masked is the group `s`, else the whole.

    Only texts with one of `words` are searched for it, and so every form is known to the quick
    look, too. They are as the quick look folds texts: small, digits as 0, signs as blanks
    (written `~`); one that begins with `=` is a whole word. Where there are none, a long run of
    letters and digits has to be there.
    """

    words: tuple[bytes, ...]
    pattern: re.Pattern[str]


def _words(words: str) -> tuple[bytes, ...]:
    return tuple(word.replace("~", " ").encode() for word in words.split())


def _form(words: str, pattern: str, flags: re.RegexFlag = re.IGNORECASE) -> Form:
    return Form(_words(words), re.compile(pattern, flags))


_EXACTLY = re.RegexFlag(0)
_LINES = re.MULTILINE | re.IGNORECASE
_START = r"(?<![A-Za-z0-9])"
_CREDENTIAL = r"(?=[\w+/.~-]*[0-9=+/_]|[a-z]*[A-Z]|[^\s]{24})[A-Za-z0-9+/=._~-]{8,}"
"""What follows a scheme: not a word of prose, as in `basic authentication`."""

_KNOWN_BEGINNINGS = {
    "=ghp =gho =ghu =ghs =ghr": r"gh[pousr]_[A-Za-z0-9]{20,}",
    "=mctl": r"mctl_[\w-]{20,}",
    "=github": r"github_pat_\w{20,}",
    "=glpat =gldt =glrt =glft =glsoat =glptt =glcbt =glagent =gloas =glimt =glffct": (
        r"gl(?:pat|dt|rt|ft|soat|ptt|cbt|agent|oas|imt|ffct)-[\w.-]{16,}"
    ),
    "atbb atatt0 atctt0": r"AT(?:BB|ATT3|CTT3)[\w=-]{20,}",
    "=hf =org": r"(?:hf|api_org)_[A-Za-z0-9]{20,}",
    "=pypi": r"pypi-[\w-]{16,}",
    "=npm =rubygems": r"(?:npm|rubygems)_[A-Za-z0-9]{20,}",
    "=dckr": r"dckr_[po]at_[\w-]{16,}",
    "=sg": r"SG\.[\w-]{16,}\.[\w-]{16,}",
    "=key": r"key-(?=[a-z]*[0-9])[0-9a-z]{32}",
    "=xkeysib =xsmtpsib": r"x(?:key|smtp)sib-[\w-]{16,}",
    "xox =xapp": r"(?:xox[a-z](?:\.xox[a-z])?|xapp)-[A-Za-z0-9-]{10,}",
    "=sk =rk": (
        r"[sr]k-(?-i:(?=[\w-]{0,40}[0-9A-Z]))[\w-]{16,}|[sr]k_(?:live|test)_[A-Za-z0-9]{12,}"
    ),
    "=whsec": r"whsec_[A-Za-z0-9]{12,}",
    "=hvs =hvb =hvr": r"hv[sbr]\.[\w-]{16,}",
    "=atlasv0": r"(?-i:[A-Za-z0-9]{10,20}\.atlasv1\.[\w=-]{16,})",
    "aiza": r"AIza[\w-]{30,}",
    "=ya00": r"ya29\.[\w.-]{10,}",
    "=gocspx": r"GOCSPX-[\w-]{16,}",
    "0//0": r"1//0[\w-]{20,}",
    "=gsk =xai =nvapi =pplx": r"(?:gsk_|xai-|nvapi-|pplx-)[\w-]{16,}",
    "=dop =doo =dor": r"do[opr]_v1_[a-f0-9]{32,}",
    "=glsa =glc": r"gl(?:sa|c)_[\w=+/]{16,}",
    "=nrak =nrjs =nrii": r"NR(?:AK|JS|II)-[A-Za-z0-9]{16,}",
    "=sntrys =sntryu": r"sntry[su]_[\w=+/-]{16,}",
    "=lin =ntn =figd =sbp =fm0": r"(?:lin_api|ntn|figd|sbp|fm2)_[\w+/=-]{16,}",
    "=pmak =hrku =tskey =pscale": r"(?:PMAK-|HRKU-|tskey-|pscale_(?:tkn|pw|oauth)_)[\w-]{16,}",
    "=shpat =shpca =shppa =shpss": r"shp(?:at|ca|pa|ss)_[a-f0-9]{24,}",
    "sq0": r"sq0[a-z]{3}-[\w-]{16,}",
    "secret": r"AGE-SECRET-KEY-1[A-Z0-9]{20,}",
    "=dp": r"dp\.[ps]t\.[\w.-]{16,}",
}
_BEGINNINGS = tuple(
    _form(words, _START + f"(?:{pattern})") for words, pattern in _KNOWN_BEGINNINGS.items()
)
_ALONE = (
    r"(?:A(?:KIA|SIA|ROA|IDA|BIA|CCA|GPA|NPA)[A-Z0-9]{12,}"  # AWS
    r"|[PAC]K(?=[A-Z]*[0-9])[A-Z0-9]{16,24}(?![A-Za-z0-9])"  # Alpaca
    r"|SK[0-9a-f]{32}|dapi[0-9a-f]{32}|oy2[a-z0-9]{43}|cio[A-Za-z0-9]{32}"
    r"|re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}"
    r"|S[UOANCX][A-Z2-7]{54,56}(?![A-Za-z0-9])"  # a seed of NATS
    r"|[MNO][\w-]{23,27}\.[\w-]{6,7}\.[\w-]{27,})"  # a bot of Discord
)
_HOOKS = {
    "=hooks": r"hooks\.slack\.com/[a-z]{1,20}/(?P<s>[\w/-]{8,})",
    "=discord =discordapp": r"discord(?:app)?\.com/api/(?:v\d+/)?webhooks/(?P<s>\d+/[\w-]+)",
    "=webhook": r"\.webhook\.office\.com/(?P<s>webhookb2/[\w@/.-]{8,})",
    "=outlook": r"outlook\.office(?:365)?\.com/webhook/(?P<s>[\w@/.-]{8,})",
    "=zapier": r"hooks\.zapier\.com/hooks/catch/(?P<s>[\w/-]{6,})",
    "=ifttt": r"maker\.ifttt\.com/trigger/[^\s\"'<>]{1,100}/key/(?P<s>[\w-]{6,})",
    "=pagerduty": r"events\.pagerduty\.com/integration/(?P<s>[\w-]{8,})",
    "=hc": r"hc-ping\.com/(?P<s>[\w-]{8,})",
    "=hooks =hook =webhooks =webhook": r"https?://[^\s\"'<>/]{1,200}/(?:api/)?(?:web)?hooks?/(?P<s>[\w-]{12,}(?:/[\w-]+)?)",
}
_ACCOUNT_OF_A_URL = (
    r"(?<=://)[^\s/:]*+:(?!\d{1,5}(?:[/?#\"',;]|\s|\Z))"
    r"(?:[^\s/]*(?=@)|(?:(?!://)[^\s\"'<>])*(?=@))"
)
_NO_REFERENCE = r"(?!\$[\w{(])"

FORMS: tuple[Form, ...] = (
    *_BEGINNINGS,
    _form("", _START + _ALONE, _EXACTLY),
    # A line of a key's middle: the width of such lines, and nothing but base64.
    _form(
        "",
        r"(?<![A-Za-z0-9+/=_.-])(?=[A-Za-z0-9+/]{64})"
        r"(?=[a-z0-9+/]{0,63}[A-Z])(?=[A-Z0-9+/]{0,63}[a-z])(?=[A-Za-z+/]{0,63}[0-9])"
        r"[A-Za-z0-9+/]{64}(?![A-Za-z0-9+/_.-])",
        _EXACTLY,
    ),
    _form("akia", _START + r"AKIA[A-Z0-9]{12,}"),
    _form(
        "eyj",
        r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,}+\.[A-Za-z0-9_-]{5,}+(?:\.[A-Za-z0-9_-]*+)?",
    ),
    _form("ls0tls0crudjti", r"LS0tLS1CRUdJTi[A-Za-z0-9+/=]*+(?:\r?\n[ \t]*+[A-Za-z0-9+/=]{32,}+)*"),
    _form("=bearer", r"\bbearer\s+(?!auth|token|scheme|header)(?P<s>[A-Za-z0-9+/=._~-]{8,})"),
    _form("=basic =token", rf"\b(?i:basic|token)\s+(?P<s>{_CREDENTIAL})", _EXACTLY),
    _form("@", _ACCOUNT_OF_A_URL),
    _form("@", r"(?:(?<=https://)|(?<=http://)|(?<=wss://)|(?<=ws://))[^\s/:@?#]{8,}+(?=@)"),
    _form("@", r"(?:(?<=nats://)|(?<=tls://)|(?<=redis://)|(?<=rediss://))[^\s/:@?#]++(?=@)"),
    *(_form(words, pattern) for words, pattern in _HOOKS.items()),
    _form("0:aa", r"(?<![0-9])\d{6,12}:AA[\w-]{20,}", _EXACTLY),
    _form(
        "key auth pass pwd otp salt =sig =code =pin =sid =0fsig =00sig =0fcode =00code",
        r"(?:[?&;]|%3F|%26)(?:key|sig|code|auth|pass|pwd|pin|otp|sid|salt)(?:=|%3D)"
        r"(?P<s>[^\s&;\"'<>%]+)",
    ),
    # Hashes of passwords as htpasswd and shadow files have them, with what they are salted with.
    _form(
        "$",
        r"\$(?:[1567]|apr1|2[abxy]?|g?y|argon2(?:id|i|d)|pbkdf2[\w-]{0,20}|scrypt)\$[^\s\"':]{8,}",
    ),
    _form(
        "=pbkdf0 {sha {ssha", r"pbkdf2_\w{1,20}\$[^\s\"']{8,}|\{S?SHA\d{0,3}\}[A-Za-z0-9+/=]{8,}"
    ),
    # A line of a pgpass file.
    _form(
        "0000: :*:",
        r"(?:^|(?<=[\s\"'=]))[^\s:\"'=/]{1,253}+:(?:\d{4,5}|\*):(?!\d)"
        r"[^\s:\"']{1,64}:[^\s:\"']{1,64}:(?P<s>(?:\\:|[^\s:\"'\\])++)(?=[\"'\s\\]|\Z)",
    ),
    # Command lines: a name and its password in one word, and programs with short flags for it.
    _form(
        "~-u -user",
        r"(?<![\w-])(?:-[uU](?!rl|ri|nit|ser)|--(?:proxy-)?user)"
        r"(?:[\\\"']{0,4}[ \t]*,\s*[\\\"']{0,4}|=[\"']?|[ \t]*[\"']?)"
        r"(?P<s>(?!\d+:\d+(?!\S))[^\s:\"'/=,]{1,100}:(?!//|\$)[^\s\"']+)",
        _EXACTLY,
    ),
    _form(
        "mysql mariadb =mycli",
        r"\b(?:mysql\w{0,20}|mariadb[\w-]{0,20}|mycli)\b[^\n|;&]{0,300}?[\s\"']-p[\"']?"
        rf"(?P<s>{_NO_REFERENCE}[^\s\"',\\]+)",
        _EXACTLY,
    ),
    _form(
        "=sshpass",
        rf"\bsshpass[\s\"',]{{1,8}}-p[\s\"',]{{0,8}}(?P<s>{_NO_REFERENCE}[^\s\"',]+)",
        _EXACTLY,
    ),
    _form(
        "~-p",
        r"(?:^|(?<=[\s\"'\[,]))-p(?=[A-Za-z_!@#%^*-]{0,60}\d)(?=\d{0,60}[A-Za-z])"
        r"(?P<s>[^\s\"',=:/\\]{6,})",
        _EXACTLY,
    ),
    _form(
        "=redis ldap =login",
        r"\b(?:redis-cli\b[^\n|;&]{0,200}?\s-a|ldap\w{1,20}\b[^\n|;&]{0,200}?\s-w"
        r"|(?:docker|podman|helm|registry|az|oc|argocd)\s[^\n|;&]{0,60}?login\b[^\n|;&]{0,200}?\s-p)"
        rf"\s+[\"']?(?P<s>{_NO_REFERENCE}[^\s\"']+)",
    ),
    _form("=pass", r"(?<![\w-])pass:(?P<s>[^\s\"']{3,})", _EXACTLY),
    _form("=identified =password", r"\b(?:identified\s+by|password)\s+'(?P<s>[^'\n]+)"),
    _form("=login", r"\blogin\s+\S{1,100}\s+password\s+(?P<s>\S+)"),
    _form(
        "=aws =requirepass =masterauth",
        r"\b(?:aws_secret_access_key|aws_session_token|requirepass|masterauth)[ \t]+"
        rf"(?P<s>{_NO_REFERENCE}[^\s=:]\S+)",
    ),
    _form("=auth", r"(?<![\w-])AUTH[ \t]+(?P<s>(?=\S{0,100}\d)\S{4,})", _EXACTLY),
    _form(
        "=pass",
        r"(?:^[^\w\n]{0,4}|[\"']|: )PASS[ \t]+(?P<s>[^\s\"']+)(?=[\"']|[ \t]*$)",
        re.MULTILINE,
    ),
    # After a time and a name, as logs have it; not the verdict of a test, which is no such word.
    _form(
        "=pass",
        r"(?<![\w-])PASS[ \t]+"
        r"(?P<s>(?=\S{0,100}\d)(?=\S{0,100}[a-z])(?=\S{0,100}[A-Z])[^\s\"'/.:]{8,})[ \t]*$",
        re.MULTILINE,
    ),
)

NAMING = _words(
    "key secret token auth pass pwd cookie bearer credential session signature mnemonic salt"
    " pepper otp mfa webhook connectionstring =connection private"
    " pincode seedphrase =seed =pin pin~ pin: =sig sig~ sig:"
)
"""What is in every name that says that its value is secret."""
BLOCKS = _words("-----begin -----end private")
_ESCAPED = _words("\\u \0")

_ALL = (*NAMING, *BLOCKS, *_ESCAPED, *(word for form in FORMS for word in form.words))
PARTS: tuple[bytes, ...] = tuple(sorted({word for word in _ALL if not word.startswith(b"=")}))
WHOLE: frozenset[bytes] = frozenset(word[1:] for word in _ALL if word.startswith(b"="))
"""All that the quick look looks for."""


Span = tuple[int, int]

_BLANK = r"(?:[ +]|%20)"
_MARK = (
    rf"{_BLANK}?(?:[A-Z0-9]{{1,20}}{_BLANK}){{0,4}}"
    rf"PRIVATE{_BLANK}KEY(?:{_BLANK}BLOCK)?{_BLANK}?-{{4,5}}"
)
_BEGIN = re.compile(rf"-{{4,5}}{_BLANK}?BEGIN{_MARK}|\bPrivate-Lines:[ ]?\d{{1,4}}", re.IGNORECASE)
_END = re.compile(rf"-{{4,5}}{_BLANK}?END{_MARK}|\bPrivate-MAC:[ ]?\w+", re.IGNORECASE)
_REST_OF_LINE = re.compile(
    r"(?:(?:\\{1,4}[nr]|%0[AD]|[ \t]){0,8}[A-Za-z0-9+/=]{16,}+)*+"
    r"(?:(?:\\{1,4}[nr]|%0[AD])++[A-Za-z0-9+/=]*+)*+",
    re.IGNORECASE,
)
_HEADER = re.compile(r"(?:Proc-Type|DEK-Info|Comment|Version|Encryption|Key-Derivation): .*")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_WITHIN = re.compile(
    r"(?<![A-Za-z0-9+/=])(?P<s>[A-Za-z0-9+/=]{32,}+)"
    r"|^[ \t]*+(?P<short>[A-Za-z0-9+/=]{4,}+)(?=[\"'])"
)
"""A part of a key that is not the last word of its line, as where a list of texts is shown."""
_AROUND = "\"'`,;\\>|*#)]}"
_BEFORE = tuple("\"'`:=,([{>")
_MOST_LINES = 400
_MOST_IN_A_LINE = 4_096
_LONG = 16
_SURELY = 32
"""A word so long that is nothing but base64 is taken for a key's, whatever is before it."""

_RUN = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}+={0,2}")
_GAP = re.compile(r"\\?\r?\n[ \t]*")
_TAIL = re.compile(r"\r?\n[ \t]*[A-Za-z0-9+/]{1,15}={0,2}(?![^\s\"'])")
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_ACCOUNT = re.compile(r"(?=[^:]*[A-Za-z])[\w.@-]{1,100}:(?=.*[A-Za-z])[!-~]{6,200}\n?")
"""A name and its password, as basic authentication has them."""
_PRINTABLE = bytes([0, 9, 10, 13, *range(32, 127)])


def find_key_blocks(text: str) -> Iterator[Span]:
    """
    Yield where private keys are, from their beginning to their end.

    One whose end is lost goes on for as long as its lines look like a key's; one whose beginning
    is lost, as at the top of a log's tail, begins where they start to. Before a line of a key
    may be whatever is before its other lines, as the time is in a log.
    """
    begins = list(_BEGIN.finditer(text))
    covered = 0
    for number, begin in enumerate(begins):
        until = begins[number + 1].start() if number + 1 < len(begins) else len(text)
        yield from _ends_before(text, covered, begin.start())
        end = _END.search(text, begin.end(), until)
        covered = begin.end() if end is None else end.end()
        yield begin.start(), covered
        if end is None:
            yield from _lines_after(text, begin, until)
    yield from _ends_before(text, covered, len(text))


def _ends_before(text: str, at: int, until: int) -> Iterator[Span]:
    """Yield the keys that end in a part of a text without beginning in it."""
    for end in _END.finditer(text, at, until):
        yield end.span()
        yield from _lines_before(text, at, end.start())
        at = end.end()


def _lines_after(text: str, begin: re.Match[str], until: int) -> Iterator[Span]:
    rest = _REST_OF_LINE.match(text, begin.end(), until)
    at = rest.end() if rest else begin.end()
    yield begin.end(), at
    started = text.rfind("\n", max(0, begin.start() - _MOST_IN_A_LINE), begin.start()) + 1
    before = len(text[started : begin.start()].split())
    width = 0
    for _ in range(_MOST_LINES):
        at = text.find("\n", at, until) + 1
        if not at:
            return
        end = text.find("\n", at, until)
        line = text[at : end if end >= 0 else until]
        if not line.strip() or _HEADER.search(line):
            if line.strip():
                yield at, at + len(line)
            continue
        found = _key_in(line, before)
        if found is None:
            return
        yield at + found[0], at + found[1]
        size = found[1] - found[0]
        if size < width:
            return  # the last line of a key is shorter than its others
        width = size


def _lines_before(text: str, at: int, end: int) -> Iterator[Span]:
    started = max(at, text.rfind("\n", max(at, end - _MOST_IN_A_LINE), end) + 1)
    line = text[max(started, end - _MOST_IN_A_LINE) : end]
    body = line.rstrip(" \t").rstrip(_LETTERS + "\\")
    if len(line) - len(body) >= _LONG or "\\n" in line[len(body) :]:
        yield end - len(line) + len(body), end
    before, width = len(body.split()), 0
    for _ in range(_MOST_LINES):
        end = started - 1
        if end <= at:
            return
        started = max(at, text.rfind("\n", max(at, end - _MOST_IN_A_LINE), end) + 1)
        line = text[started:end]
        found = _key_in(line, before)
        if found is None:
            return
        yield started + found[0], started + found[1]
        size = found[1] - found[0]
        if size < width:
            return  # what is left of the first line
        width = size


def _key_in(line: str, before: int) -> Span | None:
    """Return where in a line a key's part is: alone, behind as many words as elsewhere, or long."""
    words = line.split()
    if not words or len(line) > _MOST_IN_A_LINE:
        return None
    word = words[-1].rstrip(_AROUND)
    part = word[len(word.rstrip(_LETTERS)) :]
    quoted = part != word and word[: -len(part)].endswith(_BEFORE)
    sure = len(part) >= _SURELY or part.endswith("=")
    alone = part == word and (len(words) in {1, before + 1} or sure)
    if part and (alone or quoted):
        at = line.rindex(part)
        return at, at + len(part)
    within = _WITHIN.search(line)
    return within.span(within.lastgroup or 0) if within else None


def find_encoded(text: str) -> Iterator[tuple[Span, str]]:
    """Yield each run of base64 in a text that holds another text, over lines, and that text."""
    together = list[re.Match[str]]()
    for run in _RUN.finditer(text):
        goes_on = together and not together[-1][0].endswith("=")
        if together and not (goes_on and _GAP.fullmatch(text, together[-1].end(), run.start())):
            yield from _decoded(text, together)
            together = []
        together.append(run)
    if together:
        yield from _decoded(text, together)


def _decoded(text: str, runs: list[re.Match[str]]) -> Iterator[tuple[Span, str]]:
    end = runs[-1].end()
    tail = _TAIL.match(text, end)
    held = _decode("".join(run[0] for run in runs) + (tail[0].strip() if tail else ""))
    if held:
        yield (runs[0].start(), tail.end() if tail else end), held
        return
    for run in runs if len(runs) > 1 or tail else ():
        alone = _decode(run[0])
        if alone:
            yield run.span(), alone


def _decode(run: str) -> str:
    """Return the text that is in base64; empty where it holds none."""
    plain = run.rstrip("=").replace("-", "+").replace("_", "/")
    if _HEX.fullmatch(plain):
        return ""
    raw = base64.b64decode(plain[: len(plain) // 4 * 4] + _rest(plain))
    if len(raw.translate(None, _PRINTABLE)) * 20 > len(raw):
        return ""
    return raw.replace(b"\0", b"").decode("ascii", errors="replace")


def _rest(plain: str) -> str:
    rest = plain[len(plain) // 4 * 4 :]
    return rest + "=" * (4 - len(rest)) if len(rest) > 1 else ""


def is_account(text: str) -> bool:
    """Return whether a text that was in base64 is a name and a password."""
    return _ACCOUNT.fullmatch(text) is not None
