"""Links that know who looks at them and from where."""

from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html

from accounts.models import User
from accounts.rights import Right

register = template.Library()


@register.simple_tag(takes_context=True)
def nav_link(context: dict[str, Any], label: str, name: str, right: str = "") -> str:
    """Return an entry of the navigation, nothing for those without ``right``; the page one is on is marked."""
    user, path, address = context["request"].user, context["request"].path, reverse(name)
    if right and not (isinstance(user, User) and user.may(Right(right))):
        return ""
    here = path == address or path.startswith(f"{address.rstrip('/')}/")
    current = format_html(' aria-current="{}"', "page" if path == address else "true") if here else ""
    return format_html('<li><a class="nav-link" href="{}"{}>{}</a></li>', address, current, label)
