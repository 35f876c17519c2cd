"""The spool: a file that raw pixels sit in until they are encoded, so that no kill loses them."""
