"""What the world looked like: the command's process and console, parameters, environment, hardware."""
