from pipeline.checks.limits import bytes_of


def test_sizes_are_read_as_each_version_shows_them() -> None:
    """4.0 shows numbers of KiB or MiB under another name, later versions a number with its unit."""
    name = "batch_size_warn_threshold"
    assert bytes_of({f"{name}_in_kb": "5"}, name) == 5120
    assert bytes_of({name: "5KiB"}, name) == 5120
    assert bytes_of({name: "13421772B"}, name) == 13_421_772
    assert bytes_of({name: "2GiB"}, name) == 2 << 30
    assert bytes_of({}, name) is None
