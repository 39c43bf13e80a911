"""Who makes what Godown sells."""

from decimal import Decimal

from django.db import models

from core import encryption
from core.timestamps import Timestamped


class Supplier(Timestamped):
    """A factory or trader. Never deleted: ``is_active`` is taken away and its history stays whole."""

    name = models.CharField(max_length=200)
    legal_name = models.CharField(max_length=200, blank=True)
    website = models.CharField(max_length=200, blank=True)
    address = models.TextField(blank=True)
    payment_terms = models.CharField(max_length=200, blank=True)
    deposit_percent = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        default=Decimal(30),
        help_text="Percent of an order's total due with the order; the rest is due before shipment.",
    )
    lead_time_days = models.PositiveIntegerField(default=45, help_text="Days from deposit to ready for shipment.")
    moq = models.PositiveIntegerField(default=1, help_text="Minimum order quantity, in units of one product.")
    notes = models.TextField(blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        db_table = "suppliers"
        constraints = [
            models.CheckConstraint(name="suppliers_lead_time_is_positive", condition=models.Q(lead_time_days__gt=0)),
            models.CheckConstraint(
                name="suppliers_deposit_is_a_percentage",
                condition=models.Q(deposit_percent__gte=0, deposit_percent__lte=100),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SupplierContact(Timestamped):
    """A person at a supplier and how to reach them."""

    class Platform(models.TextChoices):
        ALIBABA = "ALIBABA", "Alibaba"
        WECHAT = "WECHAT", "WeChat"
        WHATSAPP = "WHATSAPP", "WhatsApp"
        EMAIL = "EMAIL", "E-mail"
        PHONE = "PHONE", "Phone"
        OTHER = "OTHER", "Other"

    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, related_name="contacts")
    name = models.CharField(max_length=200)
    role = models.CharField(max_length=100, blank=True)
    platform = models.CharField(max_length=8, choices=Platform.choices, default=Platform.OTHER)
    contact_value = models.CharField(max_length=200)

    class Meta:
        db_table = "supplier_contacts"
        constraints = [
            models.CheckConstraint(
                name="supplier_contacts_platform_is_known",
                condition=models.Q(platform__in=["ALIBABA", "WECHAT", "WHATSAPP", "EMAIL", "PHONE", "OTHER"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.platform})"


class SupplierBankAccount(Timestamped):
    """Where a supplier is paid. The number is stored encrypted and bound to its row."""

    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, related_name="bank_accounts")
    holder = models.CharField(max_length=200)
    bank_name = models.CharField(max_length=200)
    swift = models.CharField(max_length=11, blank=True)
    account_number = models.TextField(help_text="Fernet token; read it through reveal_account_number().")
    account_last4 = models.CharField(max_length=4, help_text="All that is ever shown of the number.")
    currency = models.CharField(max_length=3, default="USD")
    wise_recipient_id = models.CharField(
        max_length=18, blank=True, help_text="Number of this account among the recipients at Wise, once it is there."
    )

    class Meta:
        db_table = "supplier_bank_accounts"

    def __str__(self) -> str:
        return f"bank account #{self.pk}"

    @property
    def masked_number(self) -> str:
        """The number as everybody sees it."""
        return f"•••• {self.account_last4}"

    @property
    def binding(self) -> str:
        """The place that the encrypted number belongs to."""
        return f"supplier_bank_accounts:{self.pk}"

    def reveal_account_number(self) -> str:
        """Return the number in clear. Raises Undecryptable."""
        return encryption.decrypt(self.account_number, bound_to=self.binding)
