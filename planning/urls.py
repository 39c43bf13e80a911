"""Addresses of the pages of planning."""

from django.urls import path

from planning import views

urlpatterns = [
    path("jobs", views.jobs, name="jobs"),
]
