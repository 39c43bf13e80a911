"""The inventory app: suppliers, products, prices, stock levels and the stock ledger."""

from django.apps import AppConfig


class InventoryConfig(AppConfig):
    """Registers what the audit log watches."""

    name = "inventory"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Watch master data. Movements and quantities are recorded by the ledger itself."""
        from accounts import audit
        from inventory import models

        audit.watch(models.Supplier, models.SupplierContact, models.Product, models.PriceHistory, models.StockLevel)
        audit.watch(models.SupplierBankAccount, but=("account_number",))
        audit.recorded_by_hand(models.StockMovement)
