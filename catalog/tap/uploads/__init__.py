"""Tables that come with a query: read from files of five formats, and stored in Postgres."""
