"""`{% load refusals %}`: how much of a form is to be mended."""

from typing import Any

from django import template
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms.utils import ErrorList

register = template.Library()


@register.filter
def fields_at_fault(errors: Any) -> int:
    """How many fields have an error; what is said of a form as a whole is at no field.

    `errors` is what a form has, or the list that the admin makes of a form and its inlines.
    """
    if hasattr(errors, "items"):
        return sum(name != NON_FIELD_ERRORS for name in errors)
    return sum(isinstance(found, ErrorList) and "nonfield" not in found.error_class for found in errors or ())
