"""Suppliers, products, prices, stock levels and the stock ledger."""

from inventory.models.products import PriceHistory, Product
from inventory.models.stock import STATUS_CONDITIONS, RowCount, StockLevel, StockMovement, StockStatus, status_of
from inventory.models.suppliers import Supplier, SupplierBankAccount, SupplierContact

__all__ = [
    "STATUS_CONDITIONS",
    "PriceHistory",
    "Product",
    "RowCount",
    "StockLevel",
    "StockMovement",
    "StockStatus",
    "Supplier",
    "SupplierBankAccount",
    "SupplierContact",
    "status_of",
]
