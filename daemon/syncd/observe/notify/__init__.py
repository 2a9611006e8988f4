"""Messages to people: what is worth one, who was told what, and how it is delivered. Nothing here makes a run wait."""
