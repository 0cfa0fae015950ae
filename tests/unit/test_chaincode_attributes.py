"""Attributes that are none: both kinds of peer let the client in, and the chaincode refuses it."""

from __future__ import annotations

import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from streams.chaincode.attributes import ATTRIBUTES_OID, attributes_of
from streams.chaincode.roles import load_roles
from streams.chaincode.shim.invocation import read_creator
from streams.chaincode.state import ChaincodeRefused, Creator
from streams.simulator.certificates import Authority
from streams.simulator.identities import Membership, serialize

JUNK = {
    "no JSON": b"{attrs:x}",
    "no text": b'{"attrs":"\xff"}',
    "a list": b"[1]",
    "no attributes": b"{}",
    "a list of attributes": b'{"attrs":["gxc_role"]}',
    "a number": b'{"attrs":{"gxc_role":1}}',
    "a tower": b"[" * 100_000,
}
ROOT = Authority.make("ca.Org1MSP").issue("ca.Org1MSP", "client")
AUTHORITY = Authority(ROOT)


def with_extension(value: bytes) -> bytes:
    """A client's certificate, PEM, with these bytes where fabric-ca writes attributes."""
    names = (x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "client"),)
    name = x509.Name([*names, x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(ROOT.certificate.subject)
        .public_key(ROOT.key.public_key())
        .serial_number(1)
        .not_valid_before(ROOT.certificate.not_valid_before_utc)
        .not_valid_after(ROOT.certificate.not_valid_after_utc)
        .add_extension(x509.UnrecognizedExtension(ATTRIBUTES_OID, value), critical=False)
    )
    return builder.sign(ROOT.key, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.mark.parametrize("value", JUNK.values(), ids=list(JUNK))
def test_an_extension_that_holds_no_attributes_is_the_chaincodes_to_refuse(value: bytes) -> None:
    serialized = serialize("Org1MSP", with_extension(value))
    of_native = read_creator(serialized)
    member = Membership({"Org1MSP": AUTHORITY}).identify(serialized)
    of_simulator = Creator(msp_id=member.msp_id, name=member.name, attributes=member.attributes)
    assert of_native == of_simulator == Creator(msp_id="Org1MSP", name="somebody", attributes={})
    with pytest.raises(ChaincodeRefused) as refused:
        load_roles("operations").check("AdminContract:PauseSystem", of_native)
    assert str(refused.value) == "failed to get attribute 'gxc_role' of client 'somebody'"


def test_what_fabric_ca_writes_is_read() -> None:
    pem = with_extension(json.dumps({"attrs": {"gxc_role": "gx_admin", "hf.Type": "client"}}).encode())
    assert attributes_of(x509.load_pem_x509_certificate(pem)) == {"gxc_role": "gx_admin", "hf.Type": "client"}
