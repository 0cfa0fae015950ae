"""The attributes that a certificate carries, as fabric-ca writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from cryptography import x509

ATTRIBUTES_OID = x509.ObjectIdentifier("1.2.3.4.5.6.7.8.1")
"""The extension of fabric-ca's attributes: JSON {"attrs": {name: value}}."""


def attributes_of(certificate: x509.Certificate) -> Mapping[str, str]:
    """The attributes that a certificate carries; none without the extension. Raises ValueError when it is not JSON."""
    try:
        extension = certificate.extensions.get_extension_for_oid(ATTRIBUTES_OID)
    except x509.ExtensionNotFound:
        return {}
    content = json.loads(extension.value.public_bytes())
    return {str(name): str(value) for name, value in content.get("attrs", {}).items()}
