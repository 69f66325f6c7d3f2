"""Every address of the product."""

from django.contrib import admin
from django.urls import include, path

from rulebook.access.admin import own_password
from rulebook.access.views import home
from rulebook.desk.pages.search import search
from rulebook.desk.pages.top import top_page
from rulebook.flags.answers import answers
from rulebook.flags.hearing import hearing

# Pages of the admin that belong to no table. Unfold asks for them when it builds `admin.site.urls`.
admin.site.extra_urls = lambda: [  # type: ignore[attr-defined]
    path("find/", admin.site.admin_view(search), name="desk_search"),
    path("top/", admin.site.admin_view(top_page), name="desk_top"),
]

urlpatterns = [
    path("", home, name="home"),
    path("", include("rulebook.access.urls")),
    path("flag/", include("rulebook.flags.urls")),
    path("answers/", answers, name="answers"),
    path("hearing/", hearing, name="hearing"),
    path("vote/", include("rulebook.votes.urls")),
    path("notices/", include("rulebook.notices.urls")),
    path("review/", include("rulebook.review.urls")),
    path("capture/", include("rulebook.catalogue.urls")),
    path("admin/password_change/", admin.site.admin_view(own_password, cacheable=True)),  # instead of the site's own
    path("admin/", admin.site.urls),
    path("language/", include("django.conf.urls.i18n")),  # set_language
]
