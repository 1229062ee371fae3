"""rosterd beside Django, below /rosterd: ``uvicorn django_app:app``. In a project this is asgi.py."""

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

from rosterd.asgi import Event, Rosterd

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"])  # a project has settings.py

rosterd = Rosterd()  # ROSTERD_DATA says where its data is
seats: set[str] = set()  # in earnest: a table


@rosterd.on("user.created", "user.activated", "user.deactivated", "user.deleted")
def keep_seats(event: Event) -> None:
    """Called in this process, in order, at least once; done twice it comes to the same."""
    user, data = event["resource"]["id"], event["data"]
    if data.get("sessions") == "revoke":
        seats.discard(user)
    elif event["type"] == "user.activated" or data.get("after", {}).get("active"):  # one may be made inactive
        seats.add(user)


def taken(request: HttpRequest) -> JsonResponse:
    """Who has a seat."""
    return JsonResponse(sorted(seats), safe=False)


urlpatterns = [path("seats", taken)]
app = rosterd.beside(get_asgi_application(), "/rosterd")
