"""The attributes that a certificate carries, as fabric-ca writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from cryptography import x509

ATTRIBUTES_OID = x509.ObjectIdentifier("1.2.3.4.5.6.7.8.1")
"""The extension of fabric-ca's attributes: JSON {"attrs": {name: value}}."""


def attributes_of(certificate: x509.Certificate) -> Mapping[str, str]:
    """The attributes that a certificate carries; none without the extension, or when it holds something else.

    No MSP looks into it: it is for the chaincode to refuse a client whose attribute it cannot find.
    """
    try:
        extension = certificate.extensions.get_extension_for_oid(ATTRIBUTES_OID)
        content = json.loads(extension.value.public_bytes())
    except (x509.ExtensionNotFound, json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        return {}
    attributes = content.get("attrs") if isinstance(content, dict) else None
    if not isinstance(attributes, dict) or not all(isinstance(value, str) for value in attributes.values()):
        return {}
    return attributes
