"""What the errors of Oracle and of its driver mean, in one table.

Meanings of ORA codes: Oracle Database Error Messages (docs.oracle.com/error-help/db). The driver's own codes (DPY): `errors.py` of
python-oracledb, which also turns some ORA codes into DPY-4011 because the session is gone with them.
"""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import oracledb
import pyarrow as pa

from syncd.domain.errors import BadCredentials, MomentGone, PermanentError, SourceMismatch, SourceUnavailable, SyncdError


@dataclass(frozen=True, slots=True)
class Meaning:
    """Who has to act, and how."""

    kind: type[SyncdError]
    remedy: str = ""


_PASSES = Meaning(SourceUnavailable)
_GRANT = Meaning(SourceMismatch, "grant the user the right to read it, or correct the name")
_STATEMENT = Meaning(SourceMismatch, "check `query`, `deletions.soft`, the key and the watermark against the table")
_VALUE = Meaning(SourceMismatch, "correct the value, or the expression in `query` or `deletions.soft` that it is used in")
_SERVICE = Meaning(SourceUnavailable, "check the service in `dsn`; the database may also not be open yet")
_ADDRESS = Meaning(SourceUnavailable, "check host and port in `dsn`, and whether the listener runs")
_DSN = Meaning(SourceMismatch, "expected `host:port/service`, a descriptor, or a name in the `tnsnames.ora` of `config_dir`")
_TLS = Meaning(SourceMismatch, "check that the port in `dsn` speaks TLS, and the wallet and `ssl_server_cert_dn` against its certificate")
_THICK = Meaning(SourceMismatch, "set `thick = true`; the driver's own protocol cannot do it")
_CLIENT = Meaning(SourceMismatch, "install Oracle's client libraries, and set `thick_lib_dir` to their folder")
_WIRE = Meaning(
    SourceUnavailable, "if this goes on, the driver does not understand this server: update python-oracledb, or set `thick = true`"
)
_CROWDED = Meaning(SourceUnavailable, "lower `pool_size`, or let the database have more sessions")
_BUSY = Meaning(SourceUnavailable, "if this goes on, raise `call_timeout`, or give the table an index on the watermark and the key")

MEANINGS: dict[str, Meaning] = {
    # the session, and the way to it
    "ORA-00018": _CROWDED,
    "ORA-00020": _CROWDED,
    "ORA-02391": Meaning(SourceUnavailable, "lower `pool_size`, or raise SESSIONS_PER_USER in the user's profile"),
    "ORA-00028": _PASSES,
    "ORA-01012": _PASSES,
    "ORA-01013": _BUSY,
    "ORA-01033": _PASSES,
    "ORA-01034": _PASSES,
    "ORA-01089": _PASSES,
    "ORA-01090": _PASSES,
    "ORA-03113": _PASSES,
    "ORA-03114": _PASSES,
    "ORA-03135": _PASSES,
    "ORA-12154": _DSN,
    "ORA-12170": _ADDRESS,
    "ORA-12505": _SERVICE,
    "ORA-12514": _SERVICE,
    "ORA-12516": _CROWDED,
    "ORA-12519": _CROWDED,
    "ORA-12520": _CROWDED,
    "ORA-12541": _ADDRESS,
    "ORA-12545": _ADDRESS,
    "ORA-12660": _THICK,
    "DPI-1047": _CLIENT,
    "DPY-1001": _PASSES,
    "DPY-2018": _TLS,
    "DPY-2049": _DSN,
    "DPY-3001": _THICK,
    "DPY-3010": _THICK,
    "DPY-3015": _THICK,
    "DPY-4000": _DSN,
    "DPY-4011": _PASSES,
    "DPY-4017": _DSN,
    "DPY-4018": _DSN,
    "DPY-4021": _DSN,
    "DPY-4024": _BUSY,
    "DPY-4026": _DSN,
    "DPY-4027": _DSN,
    "DPY-4033": _PASSES,
    "DPY-4035": _WIRE,
    "DPY-6000": _ADDRESS,
    "DPY-6001": _SERVICE,
    "DPY-6003": _SERVICE,
    "DPY-6002": _TLS,
    "DPY-6005": _ADDRESS,
    "DPY-6006": _TLS,
    # who we are
    "ORA-01005": Meaning(BadCredentials, "set the password that `password` refers to"),
    "ORA-01017": Meaning(BadCredentials, "correct `user`, or the password that `password` refers to"),
    "ORA-01045": Meaning(BadCredentials, "GRANT CREATE SESSION to the user"),
    "ORA-28000": Meaning(BadCredentials, "ALTER USER … ACCOUNT UNLOCK, and find out who used a wrong password"),
    "ORA-28001": Meaning(BadCredentials, "ALTER USER … IDENTIFIED BY a new password, and set it where `password` refers to"),
    "DPY-4001": Meaning(BadCredentials, "set the password that `password` refers to"),
    "ORA-01435": Meaning(SourceMismatch, "correct `schema` of the connection"),
    "ORA-01031": _GRANT,
    "ORA-00942": _GRANT,
    "ORA-04043": _GRANT,
    # statements and values
    "ORA-00900": _STATEMENT,
    "ORA-00904": _STATEMENT,
    "ORA-00905": _STATEMENT,
    "ORA-00907": _STATEMENT,
    "ORA-00911": _STATEMENT,
    "ORA-00920": _STATEMENT,
    "ORA-00933": _STATEMENT,
    "ORA-00936": _STATEMENT,
    "ORA-00932": _STATEMENT,
    "ORA-00980": _GRANT,
    "ORA-01476": _VALUE,
    "ORA-01722": _VALUE,
    "ORA-01830": _VALUE,
    "ORA-01841": _VALUE,
    "ORA-01843": _VALUE,
    "ORA-01847": _VALUE,
    "ORA-01858": _VALUE,
    "ORA-01861": _VALUE,
    "DPY-4042": Meaning(SourceMismatch, "the column holds what its declared type does not allow; convert it in a `query`"),
    # resources of the server
    "ORA-00054": _PASSES,
    "ORA-00060": _PASSES,
    "ORA-01555": Meaning(SourceUnavailable, "if this goes on, let the database keep its undo longer (UNDO_RETENTION)"),
    "ORA-01652": Meaning(SourceUnavailable, "give the table an index on the key, or the user more temporary space"),
    "ORA-04031": _PASSES,
    "ORA-04068": _PASSES,
}

DENIED = {"ORA-00942", "ORA-00904", "ORA-01031", "ORA-06550"}
"""What asking for a view or a package ends in that the user has no right to."""
_NO_PAST = {"ORA-01031", "ORA-01466", "ORA-01555", "ORA-08180", "ORA-08181", "ORA-08187", "ORA-30051", "ORA-30052"}
"""What reading as of an SCN ends in where that is not possible, or not any more; and where it is not allowed."""
_FAMILIES = {_WIRE: ("DPY-5",), _PASSES: ("ORA-031", "ORA-121", "ORA-122", "ORA-125", "ORA-126", "ORA-254", "DPY-6")}
"""Codes of the network and of lost sessions; any other code that is not in the table is taken for a mistake in a statement."""
_WRAPPINGS = {"ORA-00604", "ORA-12801", "DPY-4011"}
"""What only says that something went wrong; behind it may stand what did."""
_CODE = re.compile(r"\b(?:ORA|DPY|DPI)-\d{4,5}\b")
_REFUSED = re.compile(r"ORA-(\d{5})|\(ERR=(\d+)\)")


@contextmanager
def our_errors(place: str, *, moment: bool = False) -> Iterator[None]:
    """Say what an error of the driver means; `moment`: the statement names an SCN."""
    try:
        yield
    except oracledb.Error as error:
        raise meaning_of(place, error, moment=moment) from error
    except OSError as error:
        raise SourceUnavailable(f"{place}: cannot connect: {_said(error)}", hint=_ADDRESS.remedy) from error
    except pa.ArrowException:
        raise
    except ValueError as error:
        # The driver lets Python's own error through where it meets bytes, or a date, that Python cannot hold.
        raise SourceUnavailable(f"{place}: the answer cannot be read: {error}", hint=_WIRE.remedy) from error


def meaning_of(place: str, error: oracledb.Error, *, moment: bool = False) -> SyncdError:
    """The error in our words. What the driver only wraps counts, where it says more than the wrapping."""
    code, text = _innermost(error)
    message = f"{place}: {text}"
    if moment and code in _NO_PAST:
        return MomentGone(message)
    if isinstance(_cause(error), ssl.SSLError):
        return _TLS.kind(message, hint=_TLS.remedy)
    meaning = MEANINGS.get(code) or _of_family(error, code)
    return meaning.kind(message, hint=meaning.remedy or _documented(meaning, code))


def code_of(error: BaseException) -> str:
    """The code, such as `ORA-00942`, of an error of the driver, or of one that `our_errors` made of it."""
    cause = error.__cause__ if isinstance(error, SyncdError) else error
    return _innermost(cause)[0] if isinstance(cause, oracledb.Error) else ""


def answered(error: SyncdError) -> bool:
    """Whether the server itself has said so, in a way that its session can be used on."""
    return code_of(error).startswith("ORA-")


def of_address(error: SyncdError) -> bool:
    """Whether the server could not even be reached."""
    return isinstance(error.__cause__, OSError) or MEANINGS.get(code_of(error)) in (_ADDRESS, _DSN, _TLS)


def of_listener(error: SyncdError) -> bool:
    """Whether the server was reached, but its listener turned us away."""
    return code_of(error).startswith(("ORA-12", "DPY-6"))


def _of_family(error: oracledb.Error, code: str) -> Meaning:
    found = next((meaning for meaning, codes in _FAMILIES.items() if code.startswith(codes)), None)
    passes = getattr(error.args[0], "isrecoverable", False)
    return found or (_PASSES if passes else Meaning(SourceMismatch))


def _documented(meaning: Meaning, code: str) -> str:
    """A remedy where somebody has to act, and none is known here."""
    if not issubclass(meaning.kind, PermanentError):
        return ""
    if code.startswith("ORA-"):
        return f"see https://docs.oracle.com/error-help/db/{code.lower()}/"
    return "see https://python-oracledb.readthedocs.io/en/latest/user_guide/troubleshooting.html"


def _innermost(error: oracledb.Error) -> tuple[str, str]:
    """Code and first line. The listener's own code counts where the driver only says that it was refused."""
    found = _cause(error)
    text = _line(error)
    if found is error:
        return _code(text), text
    if not isinstance(found, oracledb.Error):
        code = _code(text)
        what = "cannot connect" if code == "DPY-6005" else "the connection is lost"
        return code, f"{what}: {_said(found)} ({code})"
    why = _line(found)
    listener = _REFUSED.search(why)
    return f"ORA-{int(listener[1] or listener[2]):05d}" if listener else _code(why) or _code(text), why


def _cause(error: oracledb.Error) -> oracledb.Error | OSError:
    """What the driver wraps, or the error itself."""
    found: oracledb.Error | OSError = error
    while isinstance(found.__cause__, oracledb.Error | OSError):
        found = found.__cause__
    return found


def _line(error: oracledb.Error) -> str:
    return " ".join(str(error).partition("Help: ")[0].split())


def _said(error: OSError) -> str:
    return error.strerror or str(error)


def _code(text: str) -> str:
    codes: list[str] = _CODE.findall(text)
    return next((code for code in codes if code not in _WRAPPINGS), codes[0] if codes else "")
