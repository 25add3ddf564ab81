"""The command line, a file for each group of commands. What a command needs, it imports when it is called."""
