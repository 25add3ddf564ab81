"""Answers: rubrics, regions and tags for news articles, over HTTP and on the command line."""
