"""The agency itself: its name, number, address, logo and courtesy hours, as an admin sets them."""
