"""Addresses of the pages of purchasing."""

from django.urls import path

from purchasing import views

urlpatterns = [
    path("orders/<id:order_id>/pdf", views.order_pdf, name="order-pdf"),
]
