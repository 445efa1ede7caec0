"""The commands, one thin file each: parse, call one stage, print."""
