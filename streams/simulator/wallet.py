"""The keys of the network: who they belong to, and the wallet folder that its clients read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from streams.chaincode.attributes import attributes_of
from streams.chaincode.roles import ROLE_ATTRIBUTE
from streams.errors import CredentialsInvalid
from streams.simulator.certificates import SERVER_NAMES, Authority, Credential, write_credential, write_file
from streams.simulator.config import ORDERER_ORGANISATION, ORGANISATIONS, IdentityConfig

TLS_AUTHORITY = "tlsca-cert"
ORG2_SERVER_NAMES = ("localhost", "peer0.org2.example.com")
ORDERER_SERVER_NAMES = ("localhost", "orderer.example.com")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkKeys:
    """The organisations' authorities and peers, by MSP id, and the TLS side."""

    authorities: Mapping[str, Authority]
    peers: Mapping[str, Credential]
    orderer: Credential
    tls_authority: Authority
    server: Credential
    org2_server: Credential
    orderer_server: Credential


def network_keys(folder: Path) -> NetworkKeys:
    """The keys kept in `folder`, made at the first call."""
    organisations = (*ORGANISATIONS, ORDERER_ORGANISATION)
    authorities = {msp_id: Authority.at(folder / msp_id, f"ca.{msp_id}") for msp_id in organisations}
    tls_authority = Authority.at(folder / "tls", "tlsca.org1.example.com")
    return NetworkKeys(
        authorities=authorities,
        peers={msp_id: authorities[msp_id].kept(folder / msp_id, "peer0", "peer") for msp_id in ORGANISATIONS},
        orderer=authorities[ORDERER_ORGANISATION].kept(folder / ORDERER_ORGANISATION, "orderer0", "orderer"),
        tls_authority=tls_authority,
        server=tls_authority.kept(folder / "tls", "server", "peer", server_names=SERVER_NAMES),
        org2_server=tls_authority.kept(folder / "tls", "org2-server", "peer", server_names=ORG2_SERVER_NAMES),
        orderer_server=tls_authority.kept(folder / "tls", "orderer", "orderer", server_names=ORDERER_SERVER_NAMES),
    )


def fill_wallet(wallet: Path, keys: NetworkKeys, identities: Iterable[IdentityConfig]) -> None:
    """Write `<identity>-cert`, `<identity>-key` and `tlsca-cert`; what is there already stays.

    Raises CredentialsInvalid when a certificate there is of another network or of another role.
    """
    wallet.mkdir(parents=True, exist_ok=True)
    for identity in identities:
        authority = keys.authorities[identity.msp_id]
        attributes = {ROLE_ATTRIBUTE: identity.role}
        if (wallet / f"{identity.name}-cert").exists():
            _check(wallet / f"{identity.name}-cert", authority, attributes)
        else:
            write_credential(wallet, identity.name, authority.issue(identity.name, "client", attributes=attributes))
    root = keys.tls_authority.certificate.public_bytes(Encoding.PEM)
    write_file(wallet / TLS_AUTHORITY, root, mode=0o644)


def renew(wallet: Path, name: str, keys: NetworkKeys) -> Credential:
    """Write a new pair for the client `name` of the wallet: same organisation, name, role and attributes.

    Raises CredentialsInvalid when the certificate there is not one of this network.
    """
    path = wallet / f"{name}-cert"
    certificate = read_certificate(path)
    authority = next((one for one in keys.authorities.values() if one.issued(certificate)), None)
    if authority is None:
        raise CredentialsInvalid(f"{path} was not issued by this network")
    renewed = authority.issue(name, "client", attributes=attributes_of(certificate))
    write_credential(wallet, name, renewed)
    return renewed


def read_certificate(path: Path) -> x509.Certificate:
    """The certificate in a PEM file. Raises CredentialsInvalid."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise CredentialsInvalid(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CredentialsInvalid(f"{path} is no PEM certificate; remove it to have a new one made") from error


def client_names(wallet: Path) -> list[str]:
    """Whose certificates are in the folder, in order."""
    return sorted(file.name.removesuffix("-cert") for file in wallet.glob("*-cert") if file.name != TLS_AUTHORITY)


def _check(path: Path, authority: Authority, attributes: Mapping[str, str]) -> None:
    certificate = read_certificate(path)
    if not authority.issued(certificate):
        raise CredentialsInvalid(f"{path} was not issued by this network; remove it to have a new one made")
    if dict(attributes_of(certificate)) != dict(attributes):
        raise CredentialsInvalid(
            f"{path} has other attributes than {dict(attributes)}; remove it to have a new one made"
        )
