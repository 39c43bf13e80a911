"""Addresses of the pages of purchasing."""

from django.urls import path

from purchasing import views

urlpatterns = [
    path("orders/new", views.new_order, name="order-new"),
    path("orders/<id:order_id>/made", views.order_made, name="order-made"),
    path("orders/<id:order_id>/pdf", views.order_pdf, name="order-pdf"),
]
