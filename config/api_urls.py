"""The whole API on one screen. A trailing slash is optional everywhere (core.middleware.OptionalSlash)."""

from django.urls import path, register_converter

from accounts.api import views as accounts
from config.docs import Docs, SchemaView
from core.converters import IdConverter
from inventory.api import views as inventory
from planning.api import calendar as planning_calendar
from planning.api import jobs, notifications, reorder
from planning.api import settings as planning_settings
from planning.api import views as planning
from purchasing.api.views import documents, payments, shipments, wise
from purchasing.api.views import orders as purchasing
from sales.api import views as sales

register_converter(IdConverter, "id")

urlpatterns = [
    path("auth/login", accounts.Login.as_view()),
    path("auth/register", accounts.Register.as_view()),
    path("auth/refresh", accounts.Refresh.as_view()),
    path("auth/logout", accounts.Logout.as_view()),
    path("auth/me", accounts.Me.as_view()),
    path("auth/password", accounts.Password.as_view()),
    path("auth/mfa/setup", accounts.MfaSetUp.as_view()),
    path("auth/mfa/verify", accounts.MfaVerify.as_view()),
    path("auth/mfa/disable", accounts.MfaDisable.as_view()),
    path("auth/mfa/recovery-codes", accounts.MfaRecoveryCodes.as_view()),
    path("audit-log", accounts.AuditLogList.as_view()),
    path("products", inventory.ProductList.as_view()),
    path("products/<id:product_id>", inventory.ProductDetail.as_view()),
    path("products/<id:product_id>/price-history", inventory.PriceHistory.as_view()),
    path("suppliers", inventory.SupplierList.as_view()),
    path("suppliers/<id:supplier_id>", inventory.SupplierDetail.as_view()),
    path("suppliers/<id:supplier_id>/contacts", inventory.ContactList.as_view()),
    path("suppliers/<id:supplier_id>/contacts/<id:contact_id>", inventory.ContactDetail.as_view()),
    path("suppliers/<id:supplier_id>/bank-accounts", inventory.BankAccountList.as_view()),
    path("suppliers/<id:supplier_id>/bank-accounts/<id:account_id>", inventory.BankAccountDetail.as_view()),
    path("suppliers/<id:supplier_id>/bank-accounts/<id:account_id>/reveal", inventory.BankAccountReveal.as_view()),
    path("suppliers/<id:supplier_id>/bank-accounts/<id:account_id>/wise-recipient", wise.WiseRecipient.as_view()),
    path("inventory", inventory.LevelList.as_view()),
    path("inventory/stats", inventory.Stats.as_view()),
    path("inventory/receive-shipment", inventory.ReceiveShipmentView.as_view()),
    path("inventory/adjust", inventory.AdjustView.as_view()),
    path("inventory/sale", sales.SaleCreate.as_view()),
    path("inventory/bulk-sale", sales.BulkSaleCreate.as_view()),
    path("inventory/return", sales.ReturnCreate.as_view()),
    path("inventory/<id:product_id>", inventory.LevelDetail.as_view()),
    path("inventory/<id:product_id>/movements", inventory.MovementList.as_view()),
    path("sales", sales.SaleList.as_view()),
    path("orders", purchasing.OrderList.as_view()),
    path("orders/workflow-stats", purchasing.WorkflowStats.as_view()),
    path("orders/incoming", shipments.IncomingList.as_view()),
    path("orders/<id:order_id>", purchasing.OrderDetail.as_view()),
    path("orders/<id:order_id>/status", purchasing.OrderStatus.as_view()),
    path("orders/<id:order_id>/receive", purchasing.OrderReceive.as_view()),
    path("orders/<id:order_id>/cancel", purchasing.OrderCancel.as_view()),
    path("orders/<id:order_id>/pdf", documents.OrderPdf.as_view()),
    path("shipments", shipments.ShipmentList.as_view()),
    path("shipments/<id:shipment_id>", shipments.ShipmentDetail.as_view()),
    path("shipments/<id:shipment_id>/milestones", shipments.ShipmentMilestones.as_view()),
    path("payments", payments.PaymentList.as_view()),
    path("payments/summary", payments.PaymentSummary.as_view()),
    path("payments/due", payments.PaymentsDue.as_view()),
    path("payments/<id:payment_id>", payments.PaymentDetail.as_view()),
    path("payments/<id:payment_id>/sync-wise", wise.SyncWise.as_view()),
    path("payments/<id:payment_id>/wise-transfer", wise.WiseTransfer.as_view()),
    path("payments/<id:payment_id>/wise-funding", wise.WiseFunding.as_view()),
    path("dashboard", planning.Kpis.as_view()),
    path("dashboard/kpis", planning.Kpis.as_view()),
    path("dashboard/order-pipeline", planning.OrderPipeline.as_view()),
    path("dashboard/inventory-health", planning.InventoryHealth.as_view()),
    path("planning/seasonality", planning_calendar.Year.as_view()),
    path("planning/seasonality/<id:month>", planning_calendar.Month.as_view()),
    path("planning/holidays", planning_calendar.HolidayList.as_view()),
    path("planning/holidays/<id:holiday_id>", planning_calendar.HolidayDetail.as_view()),
    path("planning/settings", planning_settings.SettingList.as_view()),
    path("planning/settings/<str:key>", planning_settings.SettingDetail.as_view()),
    path("planning/notifications", notifications.NotificationList.as_view()),
    path("planning/notifications/<id:notification_id>", notifications.NotificationDetail.as_view()),
    path("planning/jobs", jobs.JobList.as_view()),
    path("planning/reorder", reorder.Suggestions.as_view()),
    path("planning/reorder.csv", reorder.SuggestionsFile.as_view()),
    path("planning/reorder/orders", reorder.Drafts.as_view()),
    path("planning/projection/<id:product_id>", reorder.Projection.as_view()),
    path("schema", SchemaView.as_view(), name="schema"),
    path("docs", Docs.as_view()),
]
