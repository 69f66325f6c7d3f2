"""The one-time code with which an anonymous flag is found again. Pure, but for the secret key.

It follows from the form's own random number, so that a double tap is shown the same code, and from the server's
secret, so that nobody else can work it out. Only its digest is stored. It can be read aloud and written on paper: no
letter in it looks like another.
"""

import hashlib

from django.utils.crypto import salted_hmac

LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUPS, IN_A_GROUP = 3, 3  # 44 bits: a guess a second for a thousand flags takes five centuries


def receipt_code(once: str) -> str:
    """The code of the flag whose form is known by this digest: "7KM-R4T-2QX"."""
    number = int.from_bytes(salted_hmac("rulebook.flags.receipt", once, algorithm="sha256").digest())
    signs = []
    for _ in range(GROUPS * IN_A_GROUP):
        number, place = divmod(number, len(LETTERS))
        signs.append(LETTERS[place])
    return "-".join("".join(signs[start : start + IN_A_GROUP]) for start in range(0, len(signs), IN_A_GROUP))


def receipt_digest(code: str) -> str:
    """What is stored of a code, however it was typed; "" for what cannot be one.

    >>> receipt_digest(" 7km r4t2qx") == receipt_digest("7KM-R4T-2QX")
    True
    >>> receipt_digest("7KM-R4T")
    ''
    """
    signs = "".join(sign for sign in code.upper() if sign in LETTERS)
    return hashlib.sha256(signs.encode()).hexdigest() if len(signs) == GROUPS * IN_A_GROUP else ""
