"""Which values of a configuration are secrets that stand there in clear text.

By their keys, and by what the values look like: a worker's plugin knows more, this needs none.
"""

import re
from collections.abc import Iterator

# A reference to what the worker's config provider has, such as ${env:JDBC_PASSWORD}.
# Without $ within, or the search would start again at each.
REFERENCE = re.compile(r"\$\{(?P<provider>[^}:$]*):(?P<name>[^}$]*)\}")
WORDS = re.compile(
    r"passw(or)?d|passphrase|(^|[._-])(pwd|pass)($|[._-])|secret|token|credential|sasl\.jaas"
    r"|(api|private|access|account|signing|encryption)[._-]?key|keystore\.key$|user[._-]?info$"
    r"|auth[._-]?bearer|bearer[._-]?(token|value)|(^|\.)bearer$",
    re.IGNORECASE,
)
# The last word of keys that tell where a secret is, what kind it is, or how long it lives.
HARMLESS = re.compile(
    r"(^|[._-])(url|urls|uri|endpoint|type|class|source|location|path|file|format|algorithm"
    r"|provider|mechanism|mode|ms|seconds|sec|minutes|size|length|enabled?|required?)$",
    re.IGNORECASE,
)
# Keys of which even digits are secrets.
PASSWORDS = re.compile(r"(passw(or)?d|passphrase|pwd)$", re.IGNORECASE)
JAAS = re.compile(r"sasl\.jaas", re.IGNORECASE)
USER_INFO = re.compile(r"user[._-]?info$", re.IGNORECASE)
# In the key of a transform, the second word is a name of the writer's own.
OWN_NAME = re.compile(r"^(transforms|predicates)\.[^.]+\.")
TRIVIAL = re.compile(r"^(true|false|-?\d+(\.\d+)?)$", re.IGNORECASE)
# Within a value: a URL's password, a parameter's, a private key, a key of Amazon's.
USER_IN_URL = re.compile(r"(?<=://)(?P<user>[^/\s:@?#]*):(?P<secret>[^/\s@]+)(?=@)")
PARAMETER = re.compile(
    r"(?P<key>\b(?:\w*passw(?:or)?d|pwd|passphrase|\w*secret|\w*token|api[_-]?key|access[_-]?key)\s*=)"
    r"\s*\"?(?P<secret>[^&;,\s\"]+)",
    re.IGNORECASE,
)
PRIVATE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY|\b(AKIA|ASIA)[0-9A-Z]{16}\b")
HIDDEN = "***"
# A shorter one is guessed at once; and every text that has it within would be blacked out.
SHORTEST = 6


def names_a_secret(key: str) -> bool:
    """Whether a key is that of a secret."""
    name = OWN_NAME.sub("", key)
    return bool(WORDS.search(name)) and not HARMLESS.search(name)


def in_clear_text(key: str, value: str) -> bool:
    """Whether the value of a key is a secret, or has one in it."""
    if PRIVATE.search(value) or any(_secrets_in(value)):
        return True
    if not names_a_secret(key) or (JAAS.search(key) and "=" in value):
        return False
    if TRIVIAL.match(value):
        return bool(PASSWORDS.search(key)) and value.lower() not in {"true", "false"}
    rest = REFERENCE.sub("", value)
    _, colon, password = rest.partition(":")
    return bool(re.search(r"\w", password if colon and USER_INFO.search(key) else rest))


def hidden(key: str, value: str) -> str:
    """The value without its secrets."""
    if not in_clear_text(key, value):
        return value
    if names_a_secret(key) or PRIVATE.search(value):
        return HIDDEN
    for secret in sorted(_secrets_in(value), key=len, reverse=True):
        value = value.replace(secret, HIDDEN)
    return value


def _secrets_in(value: str) -> Iterator[str]:
    """The secrets in a URL, or in a text of parameters."""
    rest = REFERENCE.sub("", value)
    for pattern in (USER_IN_URL, PARAMETER):
        yield from (found.group("secret") for found in pattern.finditer(rest))
