"""The purchasing app: orders, shipments, payments."""

from django.apps import AppConfig


class PurchasingConfig(AppConfig):
    """Registers what the audit log watches."""

    name = "purchasing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Watch documents. Lines and receipts are written set-based and recorded by their services."""
        from accounts import audit
        from purchasing import models

        audit.watch(models.PurchaseOrder, models.StatusChange, models.Shipment, models.Milestone)
        # When Wise was last asked is no change of the payment; it would be told every hour.
        audit.watch(models.Payment, but=("synced_at", "sync_failed_at", "wise_task_claimed_at", "wise_state_since"))
        audit.recorded_by_hand(models.OrderLine)
