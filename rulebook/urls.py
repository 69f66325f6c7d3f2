"""Every address of the product."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from rulebook.access.admin import own_password

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/password_change/", admin.site.admin_view(own_password, cacheable=True)),  # instead of the site's own
    path("admin/", admin.site.urls),
]
