"""Pages of planning."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.pages import only, right_required
from accounts.rights import Right
from planning import jobs as scheduled


@only("GET")
@right_required(Right.USE_OFFICE)
def jobs(request: HttpRequest) -> HttpResponse:
    """Show when each job last ran, how it ended and when it comes next."""
    return render(request, "planning/jobs.html", {"jobs": scheduled.all_jobs(now=timezone.now())})
