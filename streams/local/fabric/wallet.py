"""The clients of the network: certificates signed by the CA that cryptogen made for the gateway's organisation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from streams.chaincode.attributes import attributes_of
from streams.chaincode.roles import ROLE_ATTRIBUTE
from streams.errors import CredentialsInvalid
from streams.local.fabric.layout import GATEWAY_ORGANISATION, Layout
from streams.simulator.certificates import Authority, Credential, write_credential, write_file
from streams.simulator.wallet import read_certificate

TLS_AUTHORITY = "tlsca-cert"


def fill_wallet(layout: Layout, identities: Mapping[str, str]) -> None:
    """Write `<identity>-cert` and `<identity>-key` for each that is not there, and the gateway's TLS CA, `tlsca-cert`.

    `identities` maps names to roles. Raises CredentialsInvalid when a certificate that is there has another role.
    """
    authority = _authority(layout.organisation(GATEWAY_ORGANISATION) / "ca")
    for name, role in identities.items():
        certificate_file = layout.wallet / f"{name}-cert"
        if certificate_file.exists():
            _require_role(certificate_file, role)
        else:
            write_credential(layout.wallet, name, _issue(authority, name, role))
    write_file(layout.wallet / TLS_AUTHORITY, layout.tls_authority(GATEWAY_ORGANISATION).read_bytes(), mode=0o644)


def _issue(authority: Authority, name: str, role: str) -> Credential:
    """Valid as long as its issuer, not longer at either end: an MSP judges the chain at the certificate's notBefore."""
    issuer = authority.certificate
    return authority.issue(
        name,
        "client",
        attributes={ROLE_ATTRIBUTE: role},
        not_before=issuer.not_valid_before_utc,
        not_after=issuer.not_valid_after_utc,
    )


def _authority(folder: Path) -> Authority:
    (certificate_file,) = folder.glob("*-cert.pem")
    certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    key = load_pem_private_key((folder / "priv_sk").read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CredentialsInvalid(f"{folder / 'priv_sk'}: not an elliptic-curve key")
    return Authority(Credential(certificate=certificate, key=key))


def _require_role(file: Path, role: str) -> None:
    held = attributes_of(read_certificate(file)).get(ROLE_ATTRIBUTE)
    if held != role:
        raise CredentialsInvalid(f"{file} has the role {held}, not {role}; remove it to have a new one made")
