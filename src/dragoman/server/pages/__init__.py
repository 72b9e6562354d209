"""The pages for people: rendered here, no script needed to read them. `routes` is the table; templates and static files lie beside."""
