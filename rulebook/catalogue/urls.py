"""The addresses of the sheet of paper."""

from django.urls import path

from rulebook.catalogue import capture

urlpatterns = [
    path("", capture.sheet, name="capture"),
    path("sort/", capture.sort, name="capture_sort"),
]
