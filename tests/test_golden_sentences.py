"""Every sentence that people read, in English and Dutch, as it reads with values in it: tests/golden_sentences.txt."""

from __future__ import annotations

import os
from pathlib import Path

from sentence_samples import SAMPLES
from sentences import PACKAGES, SECTIONS, fields, in_order, page, section_of, sentences

GOLDEN = Path(__file__).parent / "golden_sentences.txt"


def test_the_golden_file_has_every_sentence_as_it_reads_now() -> None:
    """Run with RETOUR_WRITE_DOCS=1 to write it; then read what changed aloud, as a shop owner would."""
    if os.environ.get("RETOUR_WRITE_DOCS"):
        GOLDEN.write_text(page(), encoding="utf-8")
    assert GOLDEN.read_text(encoding="utf-8") == page()


def test_every_value_has_a_sample_and_no_sample_is_left_over() -> None:
    named = {
        name for package in PACKAGES for one in sentences(package) for form in one.message for name in fields(form)
    }
    assert named == SAMPLES.keys()


def test_every_place_of_a_section_still_says_something() -> None:
    places = {one.place for package in PACKAGES for one in sentences(package)}
    read = {section_of(place) for place in places}
    for number, section in enumerate(SECTIONS):
        for order, pattern in enumerate(section.places):
            assert (number, order) in read, f"{section.title}: nothing is said in {pattern}"
    assert all(found for _, found in in_order())
