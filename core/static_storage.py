"""Static files under names that change with their content."""

from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]


class LenientStorage(CompressedManifestStaticFilesStorage):
    """A file that was not collected is a missing picture, and no missing page: error pages name static files too."""

    manifest_strict = False

    def stored_name(self, name: str) -> str:
        """Return the name with the digest, or the name as it is for what is not there."""
        try:
            return str(super().stored_name(name))
        except ValueError:
            return name
