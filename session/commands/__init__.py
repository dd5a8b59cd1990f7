"""The subcommands of `slitless`, one module a group; each turns arguments into a call and prints what came."""
