"""Document numbers without gaps."""

from django.db import models


class DocumentSequence(models.Model):
    """The last number given out for a prefix in a year. Its row is the lock."""

    prefix = models.CharField(max_length=8)
    year = models.PositiveSmallIntegerField()
    last_number = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "document_sequences"
        constraints = [models.UniqueConstraint(fields=["prefix", "year"], name="document_sequences_one_a_year")]

    def __str__(self) -> str:
        return f"{self.prefix}-{self.year}: {self.last_number}"
