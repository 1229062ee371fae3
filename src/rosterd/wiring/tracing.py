"""Whether traces are kept, and by whom: OpenTelemetry is asked for only if they are."""

from typing import Final, Protocol

from rosterd.delivery.spans import DeliverySpans
from rosterd.http.spans import Spans
from rosterd.wiring.settings import Settings, SettingsError

_NO_PACKAGE: Final = "traces: 'on' needs OpenTelemetry; install it with pip install 'rosterd[traces]'"


class Tracing(Spans, DeliverySpans, Protocol):
    """Keeps the traces of a process."""

    def close(self) -> None:
        """Send what is left, if that can be done soon."""


def tracing_of(settings: Settings) -> Tracing | None:
    """What sends traces to where the variables ``OTEL_…`` say, unless they are off.

    Raises ``SettingsError`` without the packages.
    """
    if settings.traces == "off":
        return None
    try:
        from rosterd.wiring.spans import open_tracer  # noqa: PLC0415 - an extra, which costs memory and a start
    except ImportError as error:
        raise SettingsError(_NO_PACKAGE) from error
    return open_tracer()
