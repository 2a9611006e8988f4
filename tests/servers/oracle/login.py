"""From the first packet to a session: the listener's part, the negotiation, and the proof that both sides know the password."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.servers.oracle import answers, packets
from tests.servers.oracle.backend import OracleError
from tests.servers.oracle.caps import Flavour
from tests.servers.oracle.faults import At, Deed, Delay, Does, Faults, Raise
from tests.servers.oracle.packets import Gone, Wire
from tests.servers.oracle.primitives import Reader

NO_SUCH_SERVICE, NO_SUCH_SID = 12514, 12505
_LARGEST_SDU = 2 * 1024 * 1024
_INLINE = 66
"""Where connect data begin in the body of CONNECT."""
_FAST_AUTH = 34
_FAST_FIELDS = 13
_TOKEN_FIELDS = 18
_VERIFIER_12C = 0x4815
_ROUNDS, _SESSION_ROUNDS = 256, 3
"""A real server has 4096 of the first; fewer prove as much here, and a log-in takes a third of the time."""


class Refused(Exception):
    """The listener or the log-in has turned the client away; it has been told."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who has come in."""

    user: str
    fields: int
    """The version of the messages that both sides know."""
    statement: str
    """What the client wants executed first; it sets the time zone."""


# ── the listener ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def accept(wire: Wire, flavour: Flavour, service: str, faults: Faults) -> None:
    """Take the CONNECT packet and answer it."""
    kind, body = wire.packet()
    if kind != packets.CONNECT:
        raise Gone
    text = body[_INLINE:] or wire.data()
    _meet(wire, faults.meet(At.CONNECT))
    code = _wrong(text.decode(), service)
    if code:
        _refuse(wire, code)
    wanted = int.from_bytes(body[50:54], "big") or int.from_bytes(body[6:8], "big")
    wire.sdu = min(max(wanted, 512), _LARGEST_SDU)
    small = min(wire.sdu, 0xFFFF).to_bytes(2, "big")
    fixed = flavour.protocol.to_bytes(2, "big") + b"\0\0" + small * 2 + b"\x01\0\0\0\0\x2d" + bytes(10)
    wire.large = True
    wire.send(packets.ACCEPT, fixed + wire.sdu.to_bytes(4, "big") + bytes(5) + flavour.flags.to_bytes(4, "big"))


def _wrong(text: str, service: str) -> int:
    asked = re.search(r"SERVICE_NAME\s*=\s*([^()\s]+)", text, re.IGNORECASE)
    if asked is None:
        return NO_SUCH_SID
    return 0 if asked[1].upper() == service.upper() else NO_SUCH_SERVICE


def _meet(wire: Wire, fault: Does | None) -> None:
    match fault:
        case None | Deed.GARBLE:
            return  # the second is only for packets
        case Raise(code=code):
            _refuse(wire, code)
        case Delay(seconds=seconds):
            wire.gone.wait(seconds)
        case Deed.SILENCE:
            wire.hang()
        case Deed.DROP:
            raise Gone


def _refuse(wire: Wire, code: int) -> None:
    text = f"(DESCRIPTION=(TMP=)(VSNNUM=0)(ERR={code})(ERROR_STACK=(ERROR=(CODE={code})(EMFI=4))))".encode()
    wire.send(packets.REFUSE, b"\x22\0" + len(text).to_bytes(2, "big") + text)
    raise Refused


# ── negotiation and authentication ──────────────────────────────────────────────────────────────────────────────────────────


class LogIn:
    """The conversation between ACCEPT and the first call."""

    def __init__(self, wire: Wire, reader: Reader, flavour: Flavour, users: Mapping[str, str]) -> None:
        self._wire = wire
        self._reader = reader
        self._flavour = flavour
        self._users = users
        self._fields = flavour.fields
        self._proof: Proof

    def run(self, faults: Faults) -> Admitted:
        """Have the client prove who it is; it is not in before it has been welcomed."""
        before = self._negotiate()
        pairs, user = self._authentication(_FAST_FIELDS if before else self._fields)
        self._trouble(faults.meet(At.LOGIN), before)
        password = self._users.get(user)
        self._proof = Proof(secrets.token_hex() if password is None else password)
        self._send(before + self._proof.challenge())
        pairs, _ = self._authentication(self._fields)
        if not self._proof.holds(pairs):
            self._fail(OracleError(1017, "invalid username/password; logon denied"), b"")
        return Admitted(user, self._fields, pairs.get("AUTH_ALTER_SESSION", "").rstrip("\0"))

    def welcome(self, number: int, service: str) -> None:
        """Let the client in as session `number`."""
        self._send(self._proof.welcome(self._flavour, number, service))

    def _negotiate(self) -> bytes:
        """Both negotiations; what is still to be sent of the answers, since fast authentication has one answer for all."""
        fast = self._reader.byte() == _FAST_AUTH
        if fast:
            self._reader.raw(4)
        self._reader.raw(2)
        self._reader.until_nul()
        if not fast:
            self._wire.send_data(self._flavour.protocol_message())
            self._reader.byte()
        else:
            self._reader.raw(7)
        self._data_types()
        if fast:
            return self._flavour.protocol_message() + b"\x02\0\0"
        self._wire.send_data(b"\x02\0\0")
        return b""

    def _data_types(self) -> None:
        self._reader.raw(5)
        caps = self._reader.counted()
        self._fields = min(caps[7], self._flavour.fields) if len(caps) > 7 else self._flavour.fields
        self._reader.counted()
        while self._reader.raw(2) != b"\0\0":
            if self._reader.raw(2) != b"\0\0":
                self._reader.raw(4)

    def _authentication(self, fields: int) -> tuple[dict[str, str], str]:
        """The names and values of one message, and the user."""
        reader = self._reader
        reader.raw(3)
        if fields >= _TOKEN_FIELDS:
            reader.ub()
        named = reader.byte()
        reader.skip("uub")
        count = reader.ub()
        reader.raw(2)
        user = reader.text() if named else ""
        pairs = {}
        for _ in range(count):
            name = reader.twice().decode()
            pairs[name] = reader.twice().decode()
            reader.ub()
        return pairs, user[1:-1] if user.startswith('"') else user.upper()

    def _trouble(self, fault: Does | None, before: bytes) -> None:
        if isinstance(fault, Raise):
            self._fail(OracleError(fault.code, fault.text or "raised on request"), before)
        _meet(self._wire, fault)

    def _fail(self, error: OracleError, before: bytes) -> None:
        self._send(before + answers.End(error).message(self._fields, in_transaction=False))
        raise Refused

    def _send(self, message: bytes) -> None:
        ends = self._flavour.marks_the_end
        self._wire.send_data(message + answers.END * ends, last=ends)


class Proof:
    """The 12c verifier: both sides prove that they know the password, and neither sends it."""

    def __init__(self, password: str) -> None:
        self._password = password.encode()
        self._salt = secrets.token_bytes(16)
        self._session_salt = secrets.token_bytes(16)
        self._ours = secrets.token_bytes(32)
        self._combined = b""
        speedy = hashlib.pbkdf2_hmac("sha512", self._password, self._salt + b"AUTH_PBKDF2_SPEEDY_KEY", _ROUNDS, 64)
        self._hash = hashlib.sha512(speedy + self._salt).digest()[:32]

    def challenge(self) -> bytes:
        named = {
            "AUTH_SESSKEY": _hex(_encrypt(self._hash, self._ours)),
            "AUTH_VFR_DATA": _hex(self._salt),
            "AUTH_PBKDF2_CSK_SALT": _hex(self._session_salt),
            "AUTH_PBKDF2_VGEN_COUNT": str(_ROUNDS),
            "AUTH_PBKDF2_SDER_COUNT": str(_SESSION_ROUNDS),
        }
        return answers.pairs(named, {"AUTH_VFR_DATA": _VERIFIER_12C}) + answers.status(in_transaction=False)

    def holds(self, answer: Mapping[str, str]) -> bool:
        """Whether the answer to the challenge comes from somebody who knows the password."""
        theirs = _decrypt(self._hash, bytes.fromhex(answer.get("AUTH_SESSKEY", "")))
        keys = _hex(theirs + self._ours).encode()
        self._combined = hashlib.pbkdf2_hmac("sha512", keys, self._session_salt, _SESSION_ROUNDS, 32)
        sent = _decrypt(self._combined, bytes.fromhex(answer.get("AUTH_PASSWORD", "")))
        return bool(sent) and secrets.compare_digest(sent[16 : -sent[-1] or None], self._password)

    def welcome(self, flavour: Flavour, number: int, service: str) -> bytes:
        """What proves that the server knows the password too, and what else the client wants to know of its session."""
        named = {
            "AUTH_VERSION_STRING": "- Production",
            "AUTH_VERSION_NO": str(flavour.version_number),
            "AUTH_SESSION_ID": str(number),
            "AUTH_SERIAL_NUM": str(number & 0xFFFF),
            "AUTH_SC_DBUNIQUE_NAME": service,
            "AUTH_SC_REAL_DBUNIQUE_NAME": service,
            "AUTH_SC_SERVICE_NAME": service.lower(),
            "AUTH_SC_DB_DOMAIN": "",
            "AUTH_INSTANCENAME": "standin",
            "AUTH_MAX_OPEN_CURSORS": "300",
            "AUTH_MAX_IDEN_LENGTH": "128",
            "AUTH_SVR_RESPONSE": _hex(_encrypt(self._combined, secrets.token_bytes(16) + b"SERVER_TO_CLIENT" + b"\x10" * 16)),
        }
        return answers.pairs(named, {}) + answers.status(in_transaction=False)


def _hex(value: bytes) -> str:
    return value.hex().upper()


def _encrypt(key: bytes, value: bytes) -> bytes:
    writer = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
    return writer.update(value) + writer.finalize()


def _decrypt(key: bytes, value: bytes) -> bytes:
    reader = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).decryptor()
    return reader.update(value) + reader.finalize()
