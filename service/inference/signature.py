"""Ed25519 over the manifest, and so, through the checksums in it, over every file of an artifact.

`cryptography` is imported inside the functions: most services have no keys and need not wait for it.
"""

from collections.abc import Sequence
from pathlib import Path


class KeyFileError(ValueError):
    """A key file is not there or doesn't hold an Ed25519 key in PEM."""


def sign(content: bytes, key: Path) -> bytes:
    """The signature as a line of hexadecimal digits; `key` is a PEM file with an unencrypted private key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(key.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise KeyFileError(f"the signing key {key} can't be read: {error}") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyFileError(f"the signing key {key} is not Ed25519: openssl genpkey -algorithm ed25519")
    return private.sign(content).hex().encode() + b"\n"


def is_signed(content: bytes, signature: bytes, trusted_keys: Sequence[Path]) -> bool:
    """Whether one of the trusted keys (PEM files with a public key) made the signature."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    for key in trusted_keys:
        try:
            public = load_pem_public_key(key.read_bytes())
        except (OSError, ValueError) as error:
            raise KeyFileError(f"the trusted key {key} can't be read: {error}") from error
        if not isinstance(public, Ed25519PublicKey):
            raise KeyFileError(f"the trusted key {key} is not Ed25519")
        try:
            public.verify(bytes.fromhex(signature.decode("ascii")), content)
        except (InvalidSignature, ValueError):
            continue
        return True
    return False
