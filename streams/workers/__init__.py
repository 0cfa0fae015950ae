"""The processes of the line: Faust workers `route` and `submit`, and the sink. Loops without decisions."""
