"""Pages of HTML and figures."""
