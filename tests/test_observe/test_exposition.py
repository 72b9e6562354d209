"""The text that Prometheus reads."""

from __future__ import annotations

from dragoman.observe.exposition import Family, Sample, expose, histogram


def test_families_are_written_as_the_format_says() -> None:
    families = [
        Family("a_total", "counter", "Things\nof a \\ kind.", [Sample((("x", 'say "hi"\\\n'),), 3), Sample((("x", ""),), 0.25)]),
        Family("b", "gauge", "Unlabelled.", [Sample((), 1e20)]),
        Family("never_seen", "gauge", "Nothing to tell.", []),
    ]

    assert expose(families).decode() == (
        "# HELP a_total Things\\nof a \\\\ kind.\n"
        "# TYPE a_total counter\n"
        'a_total{x="say \\"hi\\"\\\\\\n"} 3\n'
        'a_total{x=""} 0.25\n'
        "# HELP b Unlabelled.\n"
        "# TYPE b gauge\n"
        "b 1e+20\n"
    )


def test_a_label_that_no_text_can_hold_is_written_all_the_same() -> None:
    page = expose([Family("a", "gauge", "Odd.", [Sample((("x", "\udc80"),), 1)])])

    assert page.splitlines()[-1] == rb'a{x="\udc80"} 1'


def test_buckets_of_a_histogram_add_up() -> None:
    samples = list(histogram((("m", "x"),), (0.5, 1.0, 10), (2, 0, 1, 4), 99.5))

    assert [(sample.suffix, sample.labels[1:], sample.value) for sample in samples] == [
        ("_bucket", (("le", "0.5"),), 2),
        ("_bucket", (("le", "1"),), 2),
        ("_bucket", (("le", "10"),), 3),
        ("_bucket", (("le", "+Inf"),), 7),
        ("_sum", (), 99.5),
        ("_count", (), 7),
    ]
