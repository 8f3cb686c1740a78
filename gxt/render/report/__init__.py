"""A report as one page of HTML that needs nothing from elsewhere, or as Markdown for a pull request."""
