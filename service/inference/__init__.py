"""The ground floor: an Article goes in, an Annotation comes out; it knows no HTTP, database or settings."""
