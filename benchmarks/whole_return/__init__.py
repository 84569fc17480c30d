"""A whole return side by side: three products counted, restocked and refunded in full, by retour and by hand."""
