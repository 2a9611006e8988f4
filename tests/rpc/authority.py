"""An authority for tests: certificates as one would get them, and as one would not."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


def _key() -> EllipticCurvePrivateKey:
    return generate_private_key(SECP256R1())


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])


@dataclass(frozen=True)
class Pair:
    cert: bytes
    key: bytes

    def keep(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write both; the key for its owner alone."""
        cert, key = folder / f"{name}.pem", folder / f"{name}.key"
        cert.write_bytes(self.cert)
        key.touch(mode=0o600)
        key.write_bytes(self.key)
        return cert, key


@dataclass(frozen=True)
class Authority:
    name: str = "authority of the tests"
    key: EllipticCurvePrivateKey = field(default_factory=_key)

    @property
    def cert(self) -> bytes:
        basic = x509.BasicConstraints(ca=True, path_length=None)
        return self._signed(self.name, self.key, [basic], (-DAY, DAY))

    def issues(
        self, name: str, *also: str, life: tuple[timedelta, timedelta] = (-DAY, DAY), password: bytes = b"", ips: tuple[str, ...] = ()
    ) -> Pair:
        """A certificate for a common name, and also for host names and URIs."""
        key = _key()
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(each) if ":" in each else x509.DNSName(each) for each in also]
        names += [x509.IPAddress(ip_address(each)) for each in ips]
        cert = self._signed(name, key, [x509.SubjectAlternativeName(names)] if names else [], life)
        locked = BestAvailableEncryption(password) if password else NoEncryption()
        return Pair(cert, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))

    def for_this_machine(self, life: tuple[timedelta, timedelta] = (-DAY, DAY)) -> Pair:
        return self.issues("syncd", "localhost", ips=("127.0.0.1", "::1"), life=life)

    def _signed(
        self, name: str, key: EllipticCurvePrivateKey, extensions: list[x509.ExtensionType], life: tuple[timedelta, timedelta]
    ) -> bytes:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(_called(self.name), _called(name), key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now + life[0]).not_valid_after(now + life[1])
        for extension in extensions:
            builder = builder.add_extension(extension, critical=not name)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)
