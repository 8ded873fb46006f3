"""The history of loads: nights, those that stand out, and the page that shows them."""
