"""Settings that fix what is else chosen for the installation: what is taken, and what is refused by name."""

import pytest

from rosterd.service.preferences import DEFAULTS, PREFERENCES, Preferences
from rosterd.wiring import Settings, SettingsError
from rosterd.wiring.settings import unknown_variables


@pytest.mark.parametrize(
    ("variable", "text", "fixed"),
    [
        ("ROSTERD_EVENT_RETENTION_DAYS", "", {}),
        ("ROSTERD_EVENT_RETENTION_DAYS", "0", {"event_retention_days": 0}),
        ("ROSTERD_EVENT_RETENTION_DAYS", "36500", {"event_retention_days": 36_500}),
        ("ROSTERD_REQUEST_LOG_RETENTION_DAYS", "365", {"request_log_retention_days": 365}),
        ("ROSTERD_REQUEST_LOG_BODIES", "false", {"request_log_bodies": False}),
        ("ROSTERD_REQUEST_LOG_BODIES", "True", {"request_log_bodies": True}),
        ("ROSTERD_ERASE_DELETED_AFTER_DAYS", " 90 ", {"erase_deleted_after_days": 90}),
        ("ROSTERD_TOKEN_WARNING_DAYS", "0", {"token_warning_days": 0}),
    ],
)
def test_what_the_environment_says_is_fixed(variable: str, text: str, fixed: dict[str, object]) -> None:
    assert Settings.from_env({variable: text}).fixed == fixed


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        *(("ROSTERD_EVENT_RETENTION_DAYS", text) for text in ("-1", "36501", "x", "1.5", "true", "[]")),
        *(("ROSTERD_REQUEST_LOG_BODIES", text) for text in ("1", "yes", "null", '"true"')),
        ("ROSTERD_REQUEST_LOG_RETENTION_DAYS", "0"),
        ("ROSTERD_TOKEN_WARNING_DAYS", "366"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(variable: str, text: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        Settings.from_env({variable: text})


def test_the_table_names_every_preference_and_its_default_may_be() -> None:
    assert {row.field for row in PREFERENCES.values()} == set(Preferences.__dataclass_fields__)
    for row in PREFERENCES.values():
        assert row.check(getattr(DEFAULTS, row.field)) == row.default
        assert row.meaning.endswith(".")


OPENID = {
    "ROSTERD_OIDC_ISSUER": "https://op.example",
    "ROSTERD_OIDC_CLIENT_ID": "rosterd",
    "ROSTERD_OIDC_CLIENT_SECRET": "secret",
}


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"ROSTERD_PORT": "65536"}, "port must be between 0 and 65535"),
        ({"ROSTERD_PORT": "x"}, "port must be a number, not 'x'"),
        ({"ROSTERD_BASE_URL": "scim.example.com"}, "base_url must begin with https:// or http://"),
        *(
            ({"ROSTERD_BASE_URL": f"https://x.example{path}"}, r"adds: https://x\.example(/y)?$")
            for path in (
                "/scim/v2",
                "/scim/v2/",
                "/scim",
                "/SCIM/v2",
                "/y/scim/v2",
                "/scim/v2/d/acme",
                "//scim//v2//",
            )
        ),
        ({"ROSTERD_HOST": "[::1]"}, "host must be without brackets: ::1"),
        ({"ROSTERD_TRUSTED_PROXIES": "10.0.0.5/24"}, r"not '10\.0\.0\.5/24'; write 10\.0\.0\.0/24"),
        *(
            ({"ROSTERD_TRUSTED_PROXIES": text}, "trusted_proxies must be addresses and networks")
            for text in (
                "nginx.internal",
                "127.0.0.1;10.0.0.1",
                "127.0.0.1/33,::1",
                "10.0.0.1, localhost",
                "*,10.0.0.1",
            )
        ),
        *(
            ({"ROSTERD_BASE_URL": url}, words)
            for url, words in (
                ("https://", "must name the host"),
                ("https://scim example.com", "must name the host"),
                ("https://user:pw@scim.example.com/", "without a user name and a password"),
                ("https://scim.example.com:99999", "must have a port from 1 to 65535"),
                ("https://scim.example.com:x", "must have a port from 1 to 65535"),
                ("https://:8000", "must name the host"),
            )
        ),
        *(
            ({"ROSTERD_BASE_URL": f"https://x.example{end}"}, "base_url must be without a query")
            for end in ("?a=b", "/#a", "/?")
        ),
        ({"ROSTERD_SESSION_HOURS": "0"}, "session_hours must be between 1 and 720"),
        ({"ROSTERD_SESSION_HOURS": "721"}, "session_hours must be between 1 and 720"),
        ({"ROSTERD_LOG_LEVEL": "loud"}, "log_level must be debug, info, warning or error"),
        ({"ROSTERD_REQUEST_LOG": "yes"}, "request_log must be on or off"),
        ({"ROSTERD_DELIVERY": "yes"}, "delivery must be on or off"),
        ({"ROSTERD_DELIVERY_LEASE_SECONDS": "0"}, "delivery_lease_seconds must be between 1 and 60"),
        ({"ROSTERD_DELIVERY_LEASE_SECONDS": "x"}, "delivery_lease_seconds must be a number, not 'x'"),
        ({"ROSTERD_EGRESS_ALLOW": "10.0.0.0/33"}, "egress_allow: '10.0.0.0/33' is neither"),
        ({"ROSTERD_EGRESS_PORTS": "443,x"}, "egress_ports must be numbers from 1 to 65535"),
        *(({k: v for k, v in OPENID.items() if k != name}, "are needed together") for name in OPENID),
        ({**OPENID, "ROSTERD_OIDC_ISSUER": "http://op.example"}, "must begin with https://"),
        ({**OPENID, "ROSTERD_OIDC_DEFAULT_ROLE": "king"}, "viewer, operator, owner"),
    ],
)
def test_what_a_process_cannot_run_with_is_named(environment: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Settings.from_env(environment)


@pytest.mark.parametrize("end", ["", "/", "/rosterd", "/rosterd/", "/myscim"])
def test_a_base_url_may_have_a_path_that_is_not_that_of_scim(end: str) -> None:
    assert Settings.from_env(base_url=f"https://scim.example{end}").base_url == f"https://scim.example{end}"
    assert Settings.from_env(base_url="https://scim").base_url == "https://scim"


def test_an_openid_provider_is_taken_and_its_secret_never_shown() -> None:
    settings = Settings.from_env(
        {**OPENID, "ROSTERD_OIDC_DEFAULT_ROLE": "viewer", "ROSTERD_SESSION_HOURS": "1"}
    )
    assert (settings.oidc_issuer, settings.oidc_default_role) == ("https://op.example", "viewer")
    assert settings.session_hours == 1
    assert "'secret'" not in repr(settings)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(
            workers=4, port=0, database_url="postgres://a:b%20c@host/x?search_path=y", metrics_token="t"
        ),
        Settings(request_log_bodies=False, event_retention_days=0, request_log="off", session_hours=1),
    ],
)
def test_a_process_of_ones_own_is_given_the_same_settings(settings: Settings) -> None:
    assert Settings.from_env(settings.environment) == settings


@pytest.mark.parametrize(
    "text", ["127.0.0.1", "*", "none", "10.0.0.0/8, ::1", "fd00::/8,192.0.2.1", "127.0.0.1,"]
)
def test_proxies_are_addresses_and_networks(text: str) -> None:
    assert Settings.from_env({"ROSTERD_TRUSTED_PROXIES": text}).trusted_proxies == text


@pytest.mark.parametrize(
    "url",
    [
        "https://[2001:db8::1]:8443/x",
        "http://localhost:8000",
        "https://a_b.example",
        "https://bücher.example",
    ],
)
def test_base_urls_that_may_be(url: str) -> None:
    assert Settings.from_env({"ROSTERD_BASE_URL": url}).base_url == url


def test_variables_that_nothing_reads_are_told_with_what_may_be_meant() -> None:
    environ = {
        "ROSTERD_WORKER": "3", "ROSTERD_METRIC_TOKEN": "t", "ROSTERD_COLOUR": "red", "ROSTERD_WORKERS": "1",
        "ROSTERD_TOKEN": "x", "HOME": "/", "ROSTERD_SERVICE_HOST": "10.0.0.1", "ROSTERD_PORT_80_TCP": "tcp://x",
    }  # fmt: skip
    assert unknown_variables(environ) == [
        ("ROSTERD_COLOUR", None),
        ("ROSTERD_METRIC_TOKEN", "ROSTERD_METRICS_TOKEN"),
        ("ROSTERD_WORKER", "ROSTERD_WORKERS"),
    ]


def test_the_port_of_a_service_of_kubernetes_is_not_taken_for_ours() -> None:
    assert Settings.from_env({"ROSTERD_PORT": "tcp://10.0.0.1:8000"}).port == 8000
