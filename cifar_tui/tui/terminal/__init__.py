"""The terminal, and every use of a private part of Textual."""
