from pipeline.checks.network import expiry_of

DAY_S = 24 * 3600


def test_a_certificate_is_renewed_in_time() -> None:
    """Under 30 days are a warning, with the day on which it ends."""
    assert expiry_of("TLS expiry", 31 * DAY_S, 0).status == "ok"
    soon = expiry_of("TLS expiry", 29 * DAY_S, 0)
    assert (soon.status, soon.found) == ("warning", "valid for 29 days, until 1970-01-30 00:00 UTC")
