"""What is sent to the terminal; all that reaches into Textual's private parts."""
