"""Programs for people, beside render.py."""
