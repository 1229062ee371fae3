"""What to do at each identity provider to connect it, in its own words; data, the same for every server.

A step names the place in the provider's pages, and what goes into which field there. ``docs/<id>.md`` says
the same with more around it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rosterd.service.control import Connection

URL: Final = "url"
TOKEN: Final = "token"  # noqa: S105 - the word for what is pasted
TEXT: Final = "text"


@dataclass(frozen=True, slots=True)
class Paste:
    """One field at the provider: the SCIM base URL, the token, or ``TEXT`` with a ``value``."""

    field: str
    what: str = TEXT
    value: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. ``where`` is the way through the provider's menus."""

    title: str
    where: str = ""
    text: str = ""
    pastes: tuple[Paste, ...] = ()


@dataclass(frozen=True, slots=True)
class Provider:
    """An identity provider, or any other SCIM client."""

    id: str
    name: str
    profile: str
    """The profile that a connection for it takes (``scim.profiles``)."""
    test: str
    """What its own test of address and token is called, for people."""
    steps: tuple[Step, ...]
    rhythm: str
    """How soon changes arrive."""
    note: str = ""
    """What is particular about it."""


_URL_TOKEN: Final = (Paste("SCIM base URL", URL), Paste("Bearer token", TOKEN))

PROVIDERS: Final[Mapping[str, Provider]] = {
    provider.id: provider
    for provider in (
        Provider(
            "okta",
            "Okta",
            "okta",
            "Test Connector Configuration",
            (
                Step(
                    "Open the app",
                    "Applications → Applications",
                    "Add “SCIM 2.0 Test App (OAuth Bearer Token)” from the app catalog. For an app of your "
                    "own "
                    "(SAML or SWA), set General → App Settings → Provisioning to SCIM instead.",
                ),
                Step(
                    "Paste address and token",
                    "Provisioning → Integration → Edit (in a catalog app: Configure API Integration)",
                    "",
                    (
                        Paste("SCIM connector base URL", URL),
                        Paste("Unique identifier field for users", TEXT, "userName"),
                        Paste("Authentication Mode", TEXT, "HTTP Header"),
                        Paste("Authorization", TOKEN),
                    ),
                ),
                Step(
                    "Choose what Okta may do",
                    "Supported provisioning actions",
                    "Tick Import New Users and Profile Updates, Push New Users, Push Profile Updates and "
                    "Push "
                    "Groups. Click Test Connector Configuration (or Test API Credentials), then Save.",
                ),
                Step(
                    "Switch the actions on",
                    "Provisioning → To App → Edit",
                    "Enable Create Users, Update User Attributes and Deactivate Users. Leave Sync Password "
                    "off: "
                    "rosterd signs nobody in. Save.",
                ),
                Step("Assign people", "Assignments → Assign", "Choose people or whole groups."),
                Step(
                    "Push groups",
                    "Push Groups → Push Groups",
                    "Find groups by name or by rule. Link Group takes over one that is here already.",
                ),
            ),
            "Okta sends each change within seconds.",
            "Okta never deletes a user: somebody who is unassigned becomes inactive and keeps their id.",
        ),
        Provider(
            "entra",
            "Microsoft Entra ID",
            "entra",
            "Test connection",
            (
                Step(
                    "Make the application",
                    "Enterprise applications → New application → Create your own application",
                    "Choose “Integrate any other application you don't find in the gallery”.",
                ),
                Step(
                    "Paste address and token",
                    "Provisioning → New configuration (older portals: Get started, mode Automatic)",
                    "Click Test connection, then Create or Save.",
                    (
                        Paste("Authentication method", TEXT, "Bearer authentication"),
                        Paste("Tenant URL", URL),
                        Paste("Secret token", TOKEN),
                    ),
                ),
                Step(
                    "Look at the attribute mappings",
                    "Attribute mapping",
                    "The default mappings work, but for one: set the source of externalId to objectId. By "
                    "the default, mailNickname, whoever gets the address of a person who left would get that "
                    "person's account, too. Users are matched by userName, groups by displayName.",
                ),
                Step("Assign people and groups", "Users and groups → Add user/group"),
                Step(
                    "Start",
                    "Provision on demand, then Start provisioning",
                    "Try one person on demand first.",
                ),
            ),
            "Entra works in cycles of about 40 minutes; Provision on demand is at once.",
            "With or without ?aadOptscim062020 at the end of the Tenant URL: rosterd reads both kinds.",
        ),
        Provider(
            "onelogin",
            "OneLogin",
            "auto",
            "Enable, at API Connection",
            (
                Step(
                    "Add the app",
                    "Applications → Applications → Add App",
                    "Search for “SCIM Provisioner with SAML (SCIM v2 Enterprise)” and save it.",
                ),
                Step(
                    "Paste address and token",
                    "Configuration",
                    "Leave the SCIM JSON Template as it is. At API Connection click Enable, then Save.",
                    (Paste("SCIM Base URL", URL), Paste("SCIM Bearer Token", TOKEN)),
                ),
                Step(
                    "Say what the userName is",
                    "Parameters → SCIM Username",
                    "Choose Email, unless people have another unique name.",
                ),
                Step(
                    "Switch provisioning on",
                    "Provisioning",
                    "Tick Enable provisioning. What is ticked below “Require admin approval” waits for "
                    "you; leave it so until the first users have arrived.",
                ),
                Step("Give people access", "Access → Roles, or Users → somebody → Applications"),
            ),
            "OneLogin sends each change as soon as it is approved.",
            "OneLogin updates by PUT or by PATCH, as the template says: rosterd reads both.",
        ),
        Provider(
            "jumpcloud",
            "JumpCloud",
            "auto",
            "Test Connection",
            (
                Step(
                    "Open the app",
                    "SSO Applications → Add New Application → Custom Application",
                    "Choose “Export users to this app (Identity Management)”. Or open the app you have.",
                ),
                Step(
                    "Paste address and token",
                    "Identity Management",
                    "As Test User Email take an address that nobody has here: JumpCloud makes a throw-away "
                    "user and removes it again. Click Test Connection, then Activate, then Save.",
                    (
                        Paste("SCIM Version", TEXT, "SCIM 2.0"),
                        Paste("Base URL", URL),
                        Paste("Token Key", TOKEN),
                    ),
                ),
                Step(
                    "Let groups come too",
                    "Identity Management",
                    "Tick “Enable management of User Groups and Group Membership”.",
                ),
                Step(
                    "Give people access",
                    "User Groups",
                    "Tick the groups whose members may use the app. Save.",
                ),
            ),
            "JumpCloud sends changes within minutes.",
            "The throw-away user stays here as a deleted account, which is in nobody's way.",
        ),
        Provider(
            "ping",
            "PingOne",
            "auto",
            "Test connection",
            (
                Step(
                    "Make a connection",
                    "Integrations → Provisioning → + → New connection",
                    "In the row Identity Store choose SCIM Outbound. Give it a name.",
                ),
                Step(
                    "Paste address and token",
                    "Configure authentication",
                    "Click Test connection, then Next.",
                    (
                        Paste("SCIM base URL", URL),
                        Paste("Users resource", TEXT, "/Users"),
                        Paste("SCIM version", TEXT, "2.0"),
                        Paste("Groups resource", TEXT, "/Groups"),
                        Paste("Authentication method", TEXT, "OAuth 2 Bearer Token"),
                        Paste("OAuth access token", TOKEN),
                        Paste("Auth type header", TEXT, "Bearer"),
                    ),
                ),
                Step(
                    "Set the preferences",
                    "Configure preferences",
                    "Choose userName as the User Identifier, and Disable as what happens to whoever leaves.",
                ),
                Step(
                    "Make a rule",
                    "Provisioning → + → New rule",
                    "Choose the connection, whom it takes along (User filter) and which groups. Switch the "
                    "connection and the rule on.",
                ),
            ),
            "PingOne sends changes within minutes; the first synchronization takes longer.",
        ),
        Provider(
            "generic",
            "Another SCIM 2.0 client",
            "auto",
            "Test connection",
            (
                Step(
                    "Paste address and token",
                    "",
                    "Whatever the fields are called: they are the address of the SCIM service and a bearer "
                    "token.",
                    _URL_TOKEN,
                ),
                Step(
                    "Match people by userName",
                    "",
                    "If the client asks by which attribute it finds users, choose userName (or externalId).",
                ),
                Step(
                    "Switch on create, update and deactivate", "", "Groups too, if the client can push them."
                ),
            ),
            "It depends on the client.",
            "The client may also fetch its tokens by itself: see Clients.",
        ),
    )
}
"""By id."""


def provider_of(connection: Connection, wanted: str = "") -> Provider:
    """The provider that is wanted; else the one that the connection's profile or name tells of."""
    if wanted in PROVIDERS:
        return PROVIDERS[wanted]
    if connection.profile in PROVIDERS:
        return PROVIDERS[connection.profile]
    name = connection.name.casefold()
    return next((one for one in PROVIDERS.values() if name.startswith(one.id)), PROVIDERS["generic"])
