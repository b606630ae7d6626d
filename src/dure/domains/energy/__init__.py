"""Energy technology: cells that are charged, and later plants and devices."""
