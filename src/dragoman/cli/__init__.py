"""The commands: start the gateway, launch an agent against it, say what is wrong."""
