"""The console: server-rendered pages for administrators, over the HTTP parts; no state of its own."""
