"""What the office does with the settings that may change while Godown runs."""

from accounts.models import User
from core.operations import operation
from planning.errors import SettingNotFound
from planning.models import Setting
from planning.settings import KEYS, Key


@operation
def change(name: str, *, value: str, actor: User) -> None:
    """Set what the setting ``name`` says, ``value`` as text. Raises SettingNotFound or BadSetting."""
    text = str(key(name).read(value))
    setting, is_new = Setting.objects.select_for_update().get_or_create(key=name, defaults={"value": text})
    if not is_new and setting.value != text:
        setting.value = text
        setting.save(update_fields=["value", "updated_at"])


@operation
def reset(name: str, *, actor: User) -> None:
    """Have the setting ``name`` say its default again. Raises SettingNotFound."""
    stored = Setting.objects.select_for_update().filter(key=key(name).name).first()
    if stored is not None:
        stored.delete()


def key(name: str) -> Key:
    """Return the key ``name``. Raises SettingNotFound."""
    if name not in KEYS:
        raise SettingNotFound(name, KEYS)
    return KEYS[name]
