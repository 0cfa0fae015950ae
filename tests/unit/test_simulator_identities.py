from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from simulator_network import Network

from streams.chaincode.attributes import attributes_of
from streams.errors import CredentialsInvalid
from streams.fabric.wallet import load_identity
from streams.simulator.certificates import Authority
from streams.simulator.config import IdentityConfig
from streams.simulator.identities import P256_ORDER, UnknownIdentity, serialize
from streams.simulator.wallet import fill_wallet, network_keys, renew

AGENT = IdentityConfig(name="org1-admin", role="gx_admin")


def test_an_identity_carries_organisation_name_unit_and_attributes(tmp_path: Path) -> None:
    network = Network(tmp_path)
    credential = network.authorities["Org2MSP"].issue("auditor", "client", attributes={"gxc_role": "gx_auditor"})
    identity = network.membership.identify(serialize("Org2MSP", credential.certificate_pem))
    assert (identity.msp_id, identity.name, identity.unit) == ("Org2MSP", "auditor", "client")
    assert identity.attributes == {"gxc_role": "gx_auditor"}
    assert not network.membership.has_expired(identity)


def test_the_other_equivalent_signature_with_a_high_s_is_refused(tmp_path: Path) -> None:
    network = Network(tmp_path)
    identity = network.membership.identify(network.member.creator)
    for number in range(20):
        message = b"message %d" % number
        signature = network.member.signer.sign(message)
        r, s = decode_dss_signature(signature)
        assert network.membership.verify(identity, signature, message)
        assert not network.membership.verify(identity, encode_dss_signature(r, P256_ORDER - s), message)


@pytest.mark.parametrize(
    ("msp_id", "pem"),
    [("Org1MSP", b"not a certificate"), ("NoMSP", None), ("Org2MSP", None)],
    ids=["not PEM", "unknown organisation", "another organisation's"],
)
def test_a_creator_who_is_no_member_is_unknown(tmp_path: Path, msp_id: str, pem: bytes | None) -> None:
    network = Network(tmp_path)
    certificate = network.authorities["Org1MSP"].issue("somebody", "client").certificate_pem
    with pytest.raises(UnknownIdentity):
        network.membership.identify(serialize(msp_id, pem or certificate))


def test_a_certificate_of_a_ca_with_the_same_name_is_unknown(tmp_path: Path) -> None:
    network = Network(tmp_path)
    impostor = Authority.make("ca.Org1MSP").issue("somebody", "client")
    with pytest.raises(UnknownIdentity):
        network.membership.identify(serialize("Org1MSP", impostor.certificate_pem))


def test_bytes_that_are_no_identity_are_unknown(tmp_path: Path) -> None:
    with pytest.raises(UnknownIdentity):
        Network(tmp_path).membership.identify(b"\xff\xff")


def test_a_wallet_holds_flat_files_and_its_keys_are_private(tmp_path: Path) -> None:
    fill_wallet(tmp_path / "wallet", network_keys(tmp_path / "crypto"), [AGENT])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "wallet").iterdir()}
    assert set(modes) == {"org1-admin-cert", "org1-admin-key", "tlsca-cert"}
    assert modes["org1-admin-key"] == 0o600
    certificate = x509.load_pem_x509_certificate((tmp_path / "wallet" / "org1-admin-cert").read_bytes())
    assert attributes_of(certificate) == {"gxc_role": "gx_admin"}


def test_keys_and_wallet_stay_the_same_at_the_next_start(tmp_path: Path) -> None:
    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    fill_wallet(tmp_path / "wallet", network_keys(tmp_path / "crypto"), [AGENT])
    before = files()
    fill_wallet(tmp_path / "wallet", network_keys(tmp_path / "crypto"), [AGENT])
    assert files() == before


def test_a_wallet_of_another_network_is_refused_and_left_alone(tmp_path: Path) -> None:
    fill_wallet(tmp_path / "wallet", network_keys(tmp_path / "crypto"), [AGENT])
    before = (tmp_path / "wallet" / "org1-admin-key").read_bytes()
    with pytest.raises(CredentialsInvalid, match="was not issued by this network"):
        fill_wallet(tmp_path / "wallet", network_keys(tmp_path / "another"), [AGENT])
    assert (tmp_path / "wallet" / "org1-admin-key").read_bytes() == before


def test_a_wallet_with_another_role_is_refused(tmp_path: Path) -> None:
    fill_wallet(tmp_path / "wallet", network_keys(tmp_path / "crypto"), [AGENT])
    with pytest.raises(CredentialsInvalid, match="has other attributes"):
        fill_wallet(
            tmp_path / "wallet",
            network_keys(tmp_path / "crypto"),
            [IdentityConfig(name="org1-admin", role="gx_partner_api")],
        )


def test_a_wallet_whose_certificate_is_none_is_named(tmp_path: Path) -> None:
    fill_wallet(tmp_path / "wallet", network_keys(tmp_path / "crypto"), [AGENT])
    (tmp_path / "wallet" / "org1-admin-cert").write_text("junk")
    with pytest.raises(CredentialsInvalid, match="wallet/org1-admin-cert is no PEM certificate; remove it"):
        fill_wallet(tmp_path / "wallet", network_keys(tmp_path / "crypto"), [AGENT])


def test_a_renewed_pair_is_of_the_same_client_and_usable(tmp_path: Path) -> None:
    keys = network_keys(tmp_path / "crypto")
    fill_wallet(tmp_path / "wallet", keys, [IdentityConfig(name="auditor", role="gx_auditor", msp_id="Org2MSP")])
    before = (tmp_path / "wallet" / "auditor-cert").read_bytes()
    renewed = renew(tmp_path / "wallet", "auditor", keys).certificate
    identity = load_identity(tmp_path / "wallet", "auditor", "Org2MSP", now=datetime.now(UTC))
    assert identity.certificate == renewed.public_bytes(Encoding.PEM) != before
    old = x509.load_pem_x509_certificate(before)
    assert (renewed.subject, renewed.issuer) == (old.subject, old.issuer)
    assert attributes_of(renewed) == {"gxc_role": "gx_auditor"}
    assert keys.authorities["Org2MSP"].issued(renewed)


def test_who_is_not_in_the_wallet_is_not_renewed(tmp_path: Path) -> None:
    with pytest.raises(CredentialsInvalid, match="nobody-cert cannot be read: No such file"):
        renew(tmp_path, "nobody", network_keys(tmp_path / "crypto"))
