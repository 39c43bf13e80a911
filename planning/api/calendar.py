"""Seasons and holidays over HTTP: shapes and views."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import actor_of
from accounts.api.privacy import shown
from accounts.rights import Right
from core.api.documents import paged
from core.api.fields import AmountField, CleanCharField, WholeField
from core.api.filters import DayField, Filters, read
from core.api.pagination import page
from planning.errors import MonthNotFound
from planning.models import Holiday
from planning.selectors import tables
from planning.services import calendar

_CHANGES = {"PUT": Right.CHANGE_PLANNING, "PATCH": Right.CHANGE_PLANNING}


class SeasonOutput(serializers.Serializer[Any]):
    """How demand of a month compares with the average month; one that was never set is 1."""

    month = serializers.IntegerField(help_text="1 to 12.")
    multiplier = serializers.DecimalField(5, 3, coerce_to_string=False)


class MonthInput(serializers.Serializer[Any]):
    """How demand of one month compares with the average month."""

    multiplier = AmountField(max_digits=5, decimal_places=3, min_value=Decimal("0.01"), max_value=Decimal(20))


class MonthOfYearInput(MonthInput):
    """The same, with the month it is about."""

    month = WholeField(min_value=1, max_value=12)


class YearInput(serializers.Serializer[Any]):
    """Some months, or all twelve."""

    months = MonthOfYearInput(many=True, allow_empty=False, max_length=12)  # type: ignore[call-arg]

    def validate_months(self, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Refuse a month that is there twice."""
        numbers = [each["month"] for each in given]
        twice = sorted({number for number in numbers if numbers.count(number) > 1})
        if twice:
            raise serializers.ValidationError(f"Month {twice[0]} is there twice.")
        return given


class Year(APIView):
    """The seasons."""

    rights = {"GET": Right.VIEW_PLANNING, **_CHANGES}

    @extend_schema(responses=SeasonOutput(many=True))
    def get(self, request: Request) -> Response:
        """Return all twelve months."""
        return Response(tables.seasonality())

    @extend_schema(request=YearInput, responses=SeasonOutput(many=True))
    def put(self, request: Request) -> Response:
        """Set the months given, one or all; the others stay as they are."""
        form = YearInput(data=request.data)
        form.is_valid(raise_exception=True)
        multipliers = {each["month"]: each["multiplier"] for each in form.validated_data["months"]}
        calendar.set_seasonality(multipliers, actor=actor_of(request))
        return Response(tables.seasonality())

    @extend_schema(request=YearInput, responses=SeasonOutput(many=True))
    def patch(self, request: Request) -> Response:
        """Set the months given, like PUT."""
        return self.put(request)


class Month(APIView):
    """One month."""

    rights = {"GET": Right.VIEW_PLANNING, **_CHANGES}

    @extend_schema(responses=SeasonOutput)
    def get(self, request: Request, month: int) -> Response:
        """Return one month."""
        return _month(month)

    @extend_schema(request=MonthInput, responses=SeasonOutput)
    def put(self, request: Request, month: int) -> Response:
        """Set one month."""
        form = MonthInput(data=request.data)
        form.is_valid(raise_exception=True)
        calendar.set_seasonality({month: form.validated_data["multiplier"]}, actor=actor_of(request))
        return _month(month)

    @extend_schema(request=MonthInput, responses=SeasonOutput)
    def patch(self, request: Request, month: int) -> Response:
        """Set one month, like PUT."""
        return self.put(request, month)


class HolidayOutput(serializers.ModelSerializer[Holiday]):
    """Days on which factories of a country are closed, or people buy more; the last day included."""

    class Meta:
        model = Holiday
        fields = ("id", "country", "holiday_name", "start_date", "end_date", "type", "created_at", "updated_at")


class HolidayInput(serializers.Serializer[Any]):
    """A holiday as it is sent; unknown fields are ignored."""

    country = serializers.RegexField(r"^[A-Z]{2}\Z", help_text="ISO 3166 code: two capital letters.")
    holiday_name = CleanCharField(max_length=100)
    start_date = DayField()
    end_date = DayField(help_text="Last day, included.")
    type = serializers.ChoiceField(Holiday.Type.choices)


class HolidayFilters(Filters):
    """Filters of the holidays; a holiday belongs to each year of which it has a day."""

    country = serializers.CharField(max_length=2, required=False)
    type = serializers.ChoiceField(Holiday.Type.choices, required=False)
    year = WholeField(min_value=1900, max_value=2999, required=False)


class HolidayList(APIView):
    """The holidays."""

    rights = {"GET": Right.VIEW_PLANNING, "POST": Right.CHANGE_PLANNING}

    @extend_schema(parameters=[HolidayFilters], responses=paged(HolidayOutput))
    def get(self, request: Request) -> Response:
        """List holidays by their first day."""
        return page(tables.holidays(**read(HolidayFilters, request)), request, self, HolidayOutput)

    @extend_schema(request=HolidayInput, responses={201: HolidayOutput})
    def post(self, request: Request) -> Response:
        """Add a holiday; it may overlap others."""
        form = HolidayInput(data=request.data)
        form.is_valid(raise_exception=True)
        made = calendar.add_holiday(**form.validated_data, actor=actor_of(request))
        return shown(HolidayOutput, made, request, status.HTTP_201_CREATED)


class HolidayDetail(APIView):
    """One holiday."""

    rights = {"GET": Right.VIEW_PLANNING, **_CHANGES, "DELETE": Right.CHANGE_PLANNING}

    @extend_schema(responses=HolidayOutput)
    def get(self, request: Request, holiday_id: int) -> Response:
        """Return a holiday."""
        return shown(HolidayOutput, tables.holiday(holiday_id), request)

    @extend_schema(request=HolidayInput(partial=True), responses=HolidayOutput)
    def patch(self, request: Request, holiday_id: int) -> Response:
        """Change the fields given."""
        form = HolidayInput(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        changed = calendar.change_holiday(holiday_id, **form.validated_data, actor=actor_of(request))
        return shown(HolidayOutput, changed, request)

    @extend_schema(request=HolidayInput(partial=True), responses=HolidayOutput)
    def put(self, request: Request, holiday_id: int) -> Response:
        """Change the fields given, like PATCH."""
        return self.patch(request, holiday_id)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, holiday_id: int) -> Response:
        """Remove a holiday."""
        calendar.remove_holiday(holiday_id, actor=actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _month(number: int) -> Response:
    found = [month for month in tables.seasonality() if month["month"] == number]
    if not found:
        raise MonthNotFound(number)
    return Response(found[0])
