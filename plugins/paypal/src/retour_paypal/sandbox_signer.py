"""How the sandbox signs webhooks: as PayPal does, with a certificate of its own."""

from __future__ import annotations

import base64
import datetime
import functools
import uuid
import zlib

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAME = "messageverificationcerts.sandbox.paypal.com"


@attrs.frozen(kw_only=True)
class Signer:
    """A signing key, the ``certificate`` that shows its public half, and the ``root`` that issued it; both in PEM."""

    key: rsa.RSAPrivateKey
    certificate: str
    root: str

    @classmethod
    def make(cls, *, name: str = NAME, valid_days: int = 365) -> Signer:
        """A signer with a root of its own. ``valid_days`` below zero gives an expired certificate."""
        root_key = ec.generate_private_key(ec.SECP256R1())
        root_name = _name("Root of a sandbox of PayPal")
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        today = datetime.datetime.now(datetime.UTC)
        until = today + datetime.timedelta(days=valid_days)
        root = (
            _certificate(root_name, root_name, root_key.public_key(), today, today + datetime.timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), critical=False)
            .sign(root_key, hashes.SHA256())
        )
        leaf = (
            _certificate(_name(name), root_name, key.public_key(), min(today, until), until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
            .sign(root_key, hashes.SHA256())
        )
        return cls(
            key=key,
            certificate=leaf.public_bytes(Encoding.PEM).decode(),
            root=root.public_bytes(Encoding.PEM).decode(),
        )

    def headers(self, body: bytes, *, webhook_id: str, cert_url: str, sent_at: datetime.datetime) -> dict[str, str]:
        """The headers of a transmission of ``body``: ``id|time|webhook id|CRC-32``, signed.

        https://developer.paypal.com/api/rest/webhooks/rest/
        """
        transmission = str(uuid.uuid4())
        time = sent_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "paypal-transmission-id": transmission,
            "paypal-transmission-time": time,
            "paypal-transmission-sig": self.sign(transmission, time, webhook_id, body),
            "paypal-cert-url": cert_url,
            "paypal-auth-algo": "SHA256withRSA",
        }

    def sign(self, transmission: str, time: str, webhook_id: str, body: bytes) -> str:
        """The signature of a transmission, in base64."""
        message = f"{transmission}|{time}|{webhook_id}|{zlib.crc32(body)}"
        return base64.b64encode(self.key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()


@functools.cache
def sandbox_signer() -> Signer:
    """The signer of all sandboxes of this process: making a key takes a moment."""
    return Signer.make()


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _certificate(
    name: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    today: datetime.datetime,
    until: datetime.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(until)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
