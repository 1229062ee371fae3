"""Identity providers played: conversations of Okta and Entra with any SCIM 2.0 server.

    okta_steps, entra_steps   a conversation as data
    run                       the loop that holds it: a Verdict for each step
    OktaApp                   an Okta app as its administrator uses it
    make_company, provision   a whole company's first sync

Nothing here prints or knows rosterd's server; values come out, a caller shows them.
"""

from rosterd.simulator.app import Assigned, OktaApp, Refused
from rosterd.simulator.client import ENTRA, OKTA, Backoff, Client, Manner, Reply
from rosterd.simulator.company import Company, Group, Person, make_company
from rosterd.simulator.entra import entra_steps
from rosterd.simulator.okta import Style, clean_up_steps, okta_steps
from rosterd.simulator.provision import Plan, Progress, Summary, plan, provision
from rosterd.simulator.steps import Check, Echo, Memory, Note, Request, Step, Verdict, run

__all__ = [
    "ENTRA",
    "OKTA",
    "Assigned",
    "Backoff",
    "Check",
    "Client",
    "Company",
    "Echo",
    "Group",
    "Manner",
    "Memory",
    "Note",
    "OktaApp",
    "Person",
    "Plan",
    "Progress",
    "Refused",
    "Reply",
    "Request",
    "Step",
    "Style",
    "Summary",
    "Verdict",
    "clean_up_steps",
    "entra_steps",
    "make_company",
    "okta_steps",
    "plan",
    "provision",
    "run",
]
