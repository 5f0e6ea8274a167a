"""Drawn numbers are the same everywhere, and look drawn."""

from __future__ import annotations

import numpy as np

from combined_care.draws import draws, permutation


def test_the_generator_is_splitmix64():
    # The reference sequence of SplitMix64 from state 1234567 (Rosetta Code, "Splitmix64").
    from unittest.mock import patch

    with patch("combined_care.draws.blake2b") as hashed:
        hashed.return_value.digest.return_value = (1234567).to_bytes(8, "little")
        found = draws("", 5).tolist()
    assert found == [
        6457827717110365317, 3203168211198807973, 9817491932198370423,
        4593380528125082431, 16408922859458223821,
    ]  # fmt: skip


def test_the_numbers_of_a_key_never_change():
    assert draws("a", 2).tolist() == [draws("a", 1)[0], draws("a", 9)[1]]
    assert draws("a", 4).tolist() != draws("b", 4).tolist()


def test_a_permutation_holds_every_number_once():
    assert sorted(permutation("x", 100).tolist()) == list(range(100))
    assert permutation("x", 0).size == 0


def test_bits_are_balanced():
    bits = (draws("balance", 10_000) >> np.uint64(63)).astype(float)
    assert abs(bits.mean() - 0.5) < 0.02
