"""Parameters of measurements: the values of a sweep, and time limits."""

import luigi

from pipeline.errors import SettingError
from tasks.parameters import SettingParameter


class PoolSizes(SettingParameter):
    """Pool sizes, separated by commas."""

    wanted = "whole numbers separated by commas, such as 1, 10, 100"

    def parse(self, text: str) -> tuple[int, ...]:
        """Return the sizes in ascending order, without duplicates.

        Raises:
            SettingError: there is none, or one is no number.
        """
        try:
            return tuple(sorted({int(part) for part in text.split(",")}))
        except ValueError as error:
            raise SettingError(f"{self.known_as} is {text!r}; it must be {self.wanted}") from error

    def serialize(self, sizes: tuple[int, ...]) -> str:
        """Return what `parse` reads."""
        return ",".join(map(str, sizes))


class Duration(SettingParameter, luigi.TimeDeltaParameter):
    """A duration above 0, such as `30 minutes`, `1h 30m` or, in ISO 8601, `PT30M`."""

    wanted = "a span of time, such as 30 minutes or 1h 30m"

    def parse(self, text: str) -> object:
        """Return the span.

        Raises:
            SettingError: it means none.
        """
        try:
            return super().parse(text)
        except luigi.parameter.ParameterException as error:
            raise SettingError(f"{self.known_as} is {text!r}; it must be {self.wanted}") from error


class InjectedLatencies(SettingParameter):
    """Seconds of latency, separated by commas, none twice."""

    wanted = "seconds separated by commas, such as 0, 0.005, 0.1"

    def parse(self, text: str) -> tuple[float, ...]:
        """Return the latencies in ascending order.

        Raises:
            SettingError: there is none, one is no number, or stands twice.
        """
        try:
            latencies_s = tuple(sorted(float(part) for part in text.split(",")))
        except ValueError as error:
            raise SettingError(f"{self.known_as} is {text!r}; it must be {self.wanted}") from error
        if len(set(latencies_s)) < len(latencies_s):
            raise SettingError(f"{self.known_as} is {text!r}; each latency may stand once")
        return latencies_s

    def serialize(self, latencies_s: tuple[float, ...]) -> str:
        """Return what `parse` reads."""
        return ",".join(f"{latency_s:g}" for latency_s in latencies_s)
