"""The console: pages for administrators, over the HTTP parts; remembers only which forms were sent."""
