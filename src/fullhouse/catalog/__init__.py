"""What is offered: shows, events with their categories and policy, showtimes with allotments."""
