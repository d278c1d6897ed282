"""The documentation as a site: the pages of docs/, a page for each task, and references out of the code."""
