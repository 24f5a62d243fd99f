"""The definitions: the only place where a field of a user's object is declared."""
