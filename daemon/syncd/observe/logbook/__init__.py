"""The daemon's log, kept in its state folder and read again; what it says elsewhere, and how, is not decided here."""
