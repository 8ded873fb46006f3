"""Hostile JSON files: arrays of objects and objects one after another, most with a fault."""

import json
import random
from collections.abc import Callable

from tests.harness.hostilerows import HALF, NAMES, key_of, rows_of


def _objects(rng: random.Random) -> list[str]:
    return [
        json.dumps(dict(zip(NAMES, row, strict=True)), ensure_ascii=rng.random() < HALF)
        for row in rows_of(rng)
    ]


def _json_good(rng: random.Random) -> bytes:
    if rng.random() < HALF:
        return rng.choice(["\n", " ", ""]).join(_objects(rng)).encode()
    items = list(map(json.loads, _objects(rng)))
    return json.dumps(items, indent=rng.choice([None, 1, "\t"])).encode()


def _json_pieces(rng: random.Random) -> bytes:
    text = bytearray(_json_good(rng))
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(text))
        text[at:at] = rng.choice([*b'[]{}",:\\', 0, 0xFF, 10]).to_bytes() * rng.choice([1, 1, 2, 9])
    return bytes(text)


def _json_truncated(rng: random.Random) -> bytes:
    text = _json_good(rng)
    return text[: rng.randrange(len(text))] + rng.choice([b"", b"", b"]", b"}]", bytes(512)])


def _json_structure(rng: random.Random) -> bytes:
    objects = ",".join(_objects(rng))
    forms = [
        "",
        "[]",
        "[",
        "\n \n",
        f"[{objects},]",
        f"[,{objects}]",
        f"[{objects}",
        f"{objects}",
        f"[[{objects}]]",
    ]
    forms += [
        f"[{objects}][{objects}]",
        f"[{objects}]\0",
        f'{{"rows":[{objects}]}}',
        f"\ufeff\ufeff[{objects}]",
    ]
    return rng.choice([*forms, f"[{objects.replace('},', '}', 1)}]"]).encode()


def _json_elements(rng: random.Random) -> bytes:
    others = [
        "null",
        "1e999",
        "NaN",
        '"a,b"',
        "[]",
        "{}",
        "[{]",
        '{"user_id":1}',
        '{"user_id":1,"user_id":2}',
        "nonsense",
    ]
    others += ['{"more":1}', '{"user_id":"\\ud800"}', '{"first_name":"\t"}', "[" * 5000 + "]" * 5000]
    elements = [*_objects(rng), *rng.choices(others, k=rng.randint(1, 5))]
    rng.shuffle(elements)
    return f"[{rng.choice([',', ', ', ' ,']).join(elements)}]".encode()


def _json_encodings(rng: random.Random) -> bytes:
    text = _json_good(rng).decode()
    encoding = rng.choice(["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
    return text.encode(encoding, "replace")


def _json_large(rng: random.Random) -> bytes:
    value = rng.choice(["x", "\xe9", '\\"', "]}", "\\\\"]) * 5_000_000
    end = rng.choice(['"', '"', ""])
    return (
        f'[{",".join(_objects(rng))},{{"user_id":"{key_of(rng)}","first_name":"{value}{end}}},{{}}]'.encode()
    )


def _json_letters(rng: random.Random) -> bytes:
    return rng.choice([b"[", b"{", b""]) + bytes(rng.choices(b'{}[]",:\\ \n1a', k=rng.randint(1, 4000)))


JSON_KINDS: list[Callable[[random.Random], bytes]] = [
    _json_good,
    _json_pieces,
    _json_truncated,
    _json_structure,
    _json_elements,
    _json_encodings,
    _json_large,
    _json_letters,
]
