"""Credentials are taken out of what is recorded: command lines, parameters and URLs.

By the name of a key (`api_key`, `--password`, `HF_TOKEN=…`) and by the form of a value (`ghp_…`, a private
key, `https://user:password@host`). A net, not a proof: a password whose name and form tell nothing stays.
What the content of a file gives away is told here as well; which files are recorded is decided elsewhere.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from gxt.model.params import MAX_DEPTH

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

    from gxt.model.json_types import Json, JsonObject

REDACTED: Final = "[redacted]"

_ALWAYS: Final = frozenset(
    "password passwords passwd passphrase secret secrets credential credentials apikey apikeys accesskey "
    "privatekey secretkey authkey authtoken accesstoken apitoken bearertoken".split()
)
"""A name with one of these words holds a secret, unless a word around it says that it only speaks of one."""

_SPEAKS_OF: Final = frozenset(
    "length len size dim dims count num n min max policy file files path paths dir folder name names type "
    "types kind mode field fields column columns enabled required rounds strength entropy ttl expiry "
    "expires url uri stdin prompt prefix suffix format regex pattern index idx position positions ratio "
    "rate loss weight layer layers sharing manager provider backend method scheme version env".split()
)
_BEFORE_A_NUMBER_OR_FLAG: Final = frozenset("num n max min use has is no with count require requires".split())

_ML_TOKENS: Final = frozenset(
    "pad padding eos bos unk unknown mask cls sep special start end stop begin first last next prev "
    "previous new per image img audio video text vision speech visual word char byte sub subword input "
    "output in out prefix suffix class register blank null none task lang language src tgt source target "
    "decoder encoder forced single extra additional placeholder trigger instance initializer init concept "
    "style distill distillation global local content query key value reg sink memory latent patch "
    "sequence seq sentence turn role assistant human tool think thinking separator delimiter newline sot "
    "eot eod fim middle rare noise".split()
)
"""`pad_token`, `image_token` and their like are vocabulary, not credentials."""

_TOKENS_OF_SERVICES: Final = frozenset("access api auth bearer refresh oauth hf hub github gitlab".split())
_KEYS: Final = frozenset(
    "api access private secret encryption decryption signing signature ssh gpg pgp ssl tls account "
    "license storage subscription master service deploy auth session wandb openai anthropic shared client "
    "app host admin comet neptune cipher hmac jwt".split()
)
_PASSES: Final = frozenset(
    "db database smtp mysql postgres postgresql pg redis mongo rabbitmq user admin root ftp sftp ssh mail "
    "email proxy login registry docker sudo http https account es elastic key".split()
)
_AUTHS: Final = frozenset("auth authorization cookie cookies netrc".split())
_AUTH_SCHEMES: Final = frozenset(
    "none null basic digest bearer oauth oauth2 iam default anonymous auto".split()
)

_MAX_NAME: Final = 100
_VALUE: Final = r"(?P<value>\"[^\"]*\"|'[^']*'|[\"']?[^\s,;&|{}\[\]\"']+)"
_FORMS: Final = (
    ("GitHub token", r"gh[pousr]_[A-Za-z0-9]{20,255}"),
    ("GitHub token", r"github_pat_[A-Za-z0-9_]{20,255}"),
    ("GitLab token", r"glpat-[A-Za-z0-9_-]{16,255}"),
    ("Hugging Face token", r"hf_[A-Za-z0-9]{30,255}"),
    ("API key", r"sk-(?:ant|proj|svcacct|admin|or)-[A-Za-z0-9_-]{20,255}"),
    ("API key", r"sk-(?=[A-Za-z]{0,255}[0-9])[A-Za-z0-9]{20,255}"),
    ("Stripe key", r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}"),
    ("AWS key", r"(?:AKIA|ASIA)[0-9A-Z]{16}(?![A-Za-z0-9])"),
    ("Slack token", r"xox[abeprs]-[A-Za-z0-9-]{10,255}"),
    ("Slack webhook", r"hooks\.slack\.com/services/T[A-Z0-9]{8,20}/B[A-Z0-9]{8,20}/[A-Za-z0-9]{20,50}"),
    ("Google API key", r"AIza[0-9A-Za-z_-]{35}"),
    ("", r"ya29\.[0-9A-Za-z_-]{20,}"),
    ("npm token", r"npm_[A-Za-z0-9]{36}"),
    ("PyPI token", r"pypi-AgE[A-Za-z0-9_-]{16,}"),
    ("Docker token", r"dckr_pat_[A-Za-z0-9_-]{20,}"),
    ("Groq key", r"gsk_[A-Za-z0-9]{40,255}"),
    ("NVIDIA key", r"nvapi-[A-Za-z0-9_-]{40,255}"),
    ("Replicate token", r"r8_[A-Za-z0-9]{37}"),
    ("SendGrid key", r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    ("W&B key", r"wandb_v1_[A-Za-z0-9_]{40,255}"),
    ("", r"(?<!-)eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
)
"""What each is called where a file holds it. Those without a name live for an hour, and fill examples."""
_SHORTEST_FORM: Final = len("xoxb-") + 10

_MADE_UP: Final = (
    "example sample dummy fake mock test placeholder your insert xxxx 1234 abcd 0000 redacted".split()
)
_LEAST_ENTROPY: Final = 3.2  # bits per character; 32 random hexadecimal digits have some 3.7


def redact_command(argv: Sequence[str]) -> list[str]:
    """The words of a command with their secrets as `[redacted]`.

    `--token abc`, `--token=abc`, `TOKEN=abc`, and secrets inside a word (a shell text, a header, a URL).
    """
    redacted: list[str] = []
    awaited = False
    for word in argv:
        is_flag = word.startswith("-") and not word[1:2].isdigit()
        if awaited and not is_flag:
            redacted.append(REDACTED if _is_secret_value(word) else word)
            awaited = False
            continue
        redacted.append(_redact_word(word))
        awaited = is_flag and "=" not in word and is_secret_name(word.lstrip("-"))
    return redacted


def redact_params(params: JsonObject) -> JsonObject:
    """The parameters with secrets as `[redacted]`; true, false, null and empty texts are no secrets."""
    return {redact_text(key): _redact_under(key, value, 1) for key, value in params.items()}


def redact_text(text: str) -> str:
    """The text with the secrets in it as `[redacted]`.

    By form, and by name in `NAME=value`, `"name": "value"`, `--name value`.
    """
    if _is_short_word(text):
        return text
    text = _forms().sub(REDACTED, text)
    text = _private_key().sub(REDACTED, text)
    text = _userinfo().sub(rf"\g<scheme>{REDACTED}@", text)
    text = _signature().sub(rf"\g<name>{REDACTED}", text)
    text = _header().sub(rf"\g<scheme>{REDACTED}", text)
    text = _flag().sub(_redact_flag, text)
    return _redact_assignments(text)


def secret_in(content: str) -> str:
    """What a file holds that only its owner should have, by its form (`GitHub token`); empty if nothing.

    Stricter than `redact_text`, since a file that holds one is left out: what is made up for an example or a
    test is none, nor is an AWS key id without its key.
    """
    for found in _forms().finditer(content):
        kind = _FORMS[(found.lastindex or 1) - 1][0]
        if kind and _is_random(found[0][4:]) and (kind != "AWS key" or _holds_aws_key(content)):
            return kind
    for found in _private_key().finditer(content):
        if any(_is_random(line) for line in _long_words(40).findall(found[0][:1000])):
            return "private key"
    for found in _wandb_key().finditer(content):
        if _is_random(found["key"]):
            return "W&B key"
    return ""


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a key, a flag or a variable of this name holds a secret; `max_tokens` and `author` do not."""
    *groups, key = name.split(".")
    if any(_is_always_secret(_words(group)) for group in groups):
        return True
    words = _words(key)
    if not words or words[-1] in _SPEAKS_OF or words[0] in _BEFORE_A_NUMBER_OR_FLAG:
        return False
    if _is_always_secret(words):
        return True
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last == "token":
        return before not in _ML_TOKENS
    if last == "tokens":
        return before in _TOKENS_OF_SERVICES
    if last in ("key", "keys") or (last == "id" and before == "key"):
        return not _KEYS.isdisjoint(words[:-1]) and "public" not in words
    if last == "signature":
        return before in ("amz", "goog")  # in a URL that was signed for whoever holds it
    if last in ("pass", "pwd"):
        return before in _PASSES
    return last in _AUTHS


def _is_always_secret(words: Sequence[str]) -> bool:
    if not words or words[-1] in _SPEAKS_OF or words[0] in _BEFORE_A_NUMBER_OR_FLAG:
        return False
    return not _ALWAYS.isdisjoint(words)


def _words(name: str) -> list[str]:
    """The words of a name in lower case, without digits: `hfToken`, `HFToken`, `HF_TOKEN_2` are hf, token."""
    name = name[-_MAX_NAME:]
    spaced = []
    for at, char in enumerate(name):
        before, after = name[at - 1 : at], name[at + 1 : at + 2]
        starts = char.isupper() and (before.islower() or (before.isupper() and after.islower()))
        spaced.append(f" {char}" if starts else char if char.isalpha() else " ")
    return "".join(spaced).lower().split()


def _is_secret_value(value: Json) -> bool:
    """Whether a value under a secret's name can be one."""
    if value is None or isinstance(value, bool):
        return False
    return not isinstance(value, str) or not (
        value == "" or value.lower() in (*_AUTH_SCHEMES, "true", "false")
    )


def _redact_under(key: str, value: Json, depth: int) -> Json:
    if not is_secret_name(key) or depth > MAX_DEPTH:
        return _redact_value(value, depth)
    always = _is_always_secret(_words(key))
    if isinstance(value, dict) and not (always and value):
        return _redact_value(value, depth)  # a group named `token` or `auth` is judged by the names in it
    if isinstance(value, list):
        return [_redact_under(key, item, depth + 1) for item in value]
    if isinstance(value, (int, float)) and not always:  # `token: 5` counts or numbers something
        return value
    return REDACTED if _is_secret_value(value) else value


def _redact_value(value: Json, depth: int) -> Json:
    if depth > MAX_DEPTH:
        return REDACTED
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict):
        return {redact_text(key): _redact_under(key, item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        words = [item for item in value if isinstance(item, str)]
        if len(words) == len(value):  # overrides and arguments are often kept as a list
            return [*redact_command(words)]
        return [_redact_value(item, depth + 1) for item in value]
    return value


def _redact_word(word: str) -> str:
    name, equals, value = word.partition("=")
    if equals and is_secret_name(name.lstrip("-+")) and not any(map(str.isspace, name)) and "?" not in name:
        return f"{name}={REDACTED}" if _is_secret_value(value) else word
    return redact_text(word)


def _is_short_word(text: str) -> bool:
    """Whether a text is too plain for any pattern: most words of a command are, and compiling costs 2 ms."""
    return len(text) < _SHORTEST_FORM and not any(char in ":=" or char.isspace() for char in text)


def _redact_assignments(text: str) -> str:
    """`NAME=value` redacted; a value that is no secret is looked into: `cmd="TOKEN=abc python x.py"`."""
    pieces: list[str] = []
    done = at = 0
    while joint := _assignment().search(text, at):
        at = joint.end()
        # `https://auth:8080` names a host, not a secret.
        is_host = joint["joint"] == ":" and text[max(0, joint.start() - 1) : joint.start()] in ("/", "@")
        if is_host or not is_secret_name(joint["name"]):
            continue
        value = _value().match(text, at)
        if value and _is_secret_value(value["value"].strip("\"'")):
            pieces += [text[done:at], _in_its_quotes(value["value"])]
            done = at = value.end()
    return "".join(pieces) + text[done:]


def _redact_flag(match: re.Match[str]) -> str:
    value = match["value"].strip("\"'")
    if not is_secret_name(match["name"].lstrip("-")) or not _is_secret_value(value):
        return match[0]
    return f"{match['name']}{match['joint']}{_in_its_quotes(match['value'])}"


def _in_its_quotes(value: str) -> str:
    quote = value[0] if value[0] in "\"'" else ""
    return f"{quote}{REDACTED}{quote}"


def _holds_aws_key(content: str) -> bool:
    # the ids of git's objects are as long
    return any(
        len(word) == 40 and not word.islower() and _is_random(word)
        for word in _long_words(40).findall(content)
    )


def _is_random(text: str) -> bool:
    """Whether a text is as a machine draws it, and not as a person writes it."""
    from math import log2

    lowered = text.lower()
    if any(word in lowered for word in _MADE_UP) or (text.isalpha() and text in (lowered, text.upper())):
        return False
    counts = [text.count(char) for char in set(text)]
    return log2(len(text)) - sum(n * log2(n) for n in counts) / len(text) >= _LEAST_ENTROPY


# The patterns are compiled on first use: a command that records nothing does not pay for them. A repetition
# is bounded or cannot give back what it took, so that no text makes them slow.


@lru_cache(maxsize=1)
def _forms() -> re.Pattern[str]:
    import re

    forms = "|".join(f"({pattern})" for _, pattern in _FORMS)
    # the first letters of all forms: with them a MiB takes 20 ms, without 80
    return re.compile(rf"(?<![A-Za-z0-9_])(?=[ghsrAxyenpdSw])(?:{forms})")


@lru_cache(maxsize=1)
def _long_words(length: int) -> re.Pattern[str]:
    import re

    return re.compile(rf"[A-Za-z0-9+/]{{{length},}}")


@lru_cache(maxsize=1)
def _private_key() -> re.Pattern[str]:
    import re

    name = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    return re.compile(rf"-----BEGIN {name}(?s:.*?)(?:-----END {name}|\Z)")


@lru_cache(maxsize=1)
def _wandb_key() -> re.Pattern[str]:
    import re

    # in itself it looks as any commit of git's
    place = r"(?:WANDB_API_KEY\b|wandb\.login\()[\s\"'\]=:,A-Za-z]{0,60}?"
    return re.compile(place + r"(?<![0-9A-Za-z])(?P<key>[0-9a-f]{40})(?![0-9A-Za-z])")


@lru_cache(maxsize=1)
def _userinfo() -> re.Pattern[str]:
    import re

    # a name alone stays (`ssh://git@host`), unless it is as long as a token
    user = r"(?!\[redacted\]@)(?:[^\s/?#@:]*:[^\s/?#]*|[A-Za-z0-9_-]{20,255})@"
    return re.compile(r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]{0,30}://)" + user)


@lru_cache(maxsize=1)
def _signature() -> re.Pattern[str]:
    import re

    # of a URL signed for whoever holds it: Azure's `sig`, CloudFront's and Google's `Signature`
    return re.compile(r"(?P<name>[?&](?i:sig|signature)=)(?!\[redacted\])[^\s&#\"']{8,}")


@lru_cache(maxsize=1)
def _header() -> re.Pattern[str]:
    import re

    return re.compile(
        r"(?P<scheme>\b(?i:authorization)[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?i:basic|bearer|digest|token) "
        r"|\b(?i:bearer) (?=\S{0,100}[0-9]))(?!\[redacted\])[^\s\"']{8,}"
    )


@lru_cache(maxsize=1)
def _flag() -> re.Pattern[str]:
    import re

    name = rf"(?<![\w-])(?P<name>--?[A-Za-z][\w.-]{{0,{_MAX_NAME}}})"
    return re.compile(rf"{name}(?P<joint>\s{{1,4}})(?![-\[]){_VALUE}")


@lru_cache(maxsize=1)
def _assignment() -> re.Pattern[str]:
    import re

    name = rf"(?<![\w.-])(?P<name>-{{0,2}}[A-Za-z_][\w.-]{{0,{_MAX_NAME}}})"
    return re.compile(rf"{name}(?P<joint>[\"']?\s{{0,4}}[:=]\s{{0,4}})")


@lru_cache(maxsize=1)
def _value() -> re.Pattern[str]:
    import re

    return re.compile(_VALUE)
