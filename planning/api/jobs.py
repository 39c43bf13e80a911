"""When the jobs last ran, over HTTP."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rights import Right
from planning import jobs
from planning.selectors.job_runs import State


class JobOutput(serializers.Serializer[Any]):
    """A job of the schedule with its last run; the times are null as long as there was none."""

    name = serializers.CharField()
    description = serializers.CharField()
    state = serializers.ChoiceField(State.choices)
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    last_succeeded_at = serializers.DateTimeField(allow_null=True)
    detail = serializers.CharField(help_text="Why it failed.")
    due = serializers.DateTimeField(help_text="When it comes next.")


class JobList(APIView):
    """The jobs."""

    rights = {"GET": Right.USE_OFFICE}

    @extend_schema(responses=JobOutput(many=True))
    def get(self, request: Request) -> Response:
        """Return every job of the schedule, the next one first."""
        return Response(JobOutput(jobs.all_jobs(now=timezone.now()), many=True).data)
